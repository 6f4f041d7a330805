//! Writing one segment's file.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::{StreamExt, stream};
use lw_base::Result;
use object_store::path::Path as Key;
use vortex::array::stream::ArrayStreamAdapter;
use vortex::arrow::ArrowSessionExt;
use vortex::compressor::BtrBlocksCompressorBuilder;
use vortex::file::WriteOptionsSessionExt;
use vortex::io::VortexWrite;
use vortex::io::object_store::ObjectStoreWrite;
use vortex::layout::LayoutStrategy;
use vortex::layout::layouts::buffered::BufferedStrategy;
use vortex::layout::layouts::chunked::writer::ChunkedLayoutStrategy;
use vortex::layout::layouts::collect::CollectStrategy;
use vortex::layout::layouts::compressed::{CompressingStrategy, CompressorPlugin};
use vortex::layout::layouts::dict::writer::{DictLayoutOptions, DictStrategy};
use vortex::layout::layouts::flat::writer::FlatLayoutStrategy;
use vortex::layout::layouts::repartition::{RepartitionStrategy, RepartitionWriterOptions};
use vortex::layout::layouts::table::TableStrategy;
use vortex::layout::layouts::zoned::writer::{ZonedLayoutOptions, ZonedStrategy};
use vortex::session::VortexSession;
use vortex_btrblocks::SchemeExt;
use vortex_btrblocks::schemes::integer::IntDictScheme;

use crate::{SegmentStore, failed};

/// Writes rows into a new file and makes its content durable. Gives its size. The name is durable
/// after [`SegmentStore::sync_names`].
pub(crate) async fn write_file(
    store: &SegmentStore,
    key: &str,
    schema: &SchemaRef,
    batches: Vec<RecordBatch>,
) -> Result<u64> {
    match store.directory() {
        Some(root) => {
            let path = root.join(key);
            let mut file = create(&path).await?;
            let size = write(store, &mut file, schema, batches).await?;
            file.flush().await?;
            file.sync_all().await?;
            Ok(size)
        }
        None => {
            let mut object = ObjectStoreWrite::new(store.objects.clone(), &Key::from(key))
                .await
                .map_err(|e| failed("a segment cannot be written", e))?;
            let size = write(store, &mut object, schema, batches).await?;
            object.shutdown().await?;
            Ok(size)
        }
    }
}

async fn create(path: &Path) -> Result<tokio::fs::File> {
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    match options.open(path).await {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                tokio::fs::create_dir_all(parent).await?;
            }
            Ok(options.open(path).await?)
        }
        other => Ok(other?),
    }
}

async fn write<W: VortexWrite + Unpin>(
    store: &SegmentStore,
    sink: &mut W,
    schema: &SchemaRef,
    batches: Vec<RecordBatch>,
) -> Result<u64> {
    let session = store.vortex().clone();
    let dtype = session
        .arrow()
        .from_arrow_schema(schema)
        .map_err(|e| failed("a table's columns cannot be stored", e))?;
    let importer = session.clone();
    let schema = Arc::clone(schema);
    let arrays = stream::iter(batches)
        .map(move |batch| importer.arrow().from_arrow_record_batch(batch, &schema));
    let summary = session
        .write_options()
        .with_strategy(store.strategy())
        // The catalog has the bounds of every file's columns.
        .with_file_statistics(vec![])
        .write(sink, ArrayStreamAdapter::new(dtype, arrays))
        .await
        .map_err(|e| failed("a segment cannot be written", e))?;
    Ok(summary.size())
}

/// Bytes of rows (before they are encoded) in a block.
const BLOCK_BYTES: u64 = 1 << 20;
/// Rows of a zone, for which smallest and largest values are kept.
const ZONE_ROWS: usize = 8_192;

/// How files are laid out. It is what `WriteStrategyBuilder` of the file format builds by default, but
/// for the statistics it computes of each block before it is encoded, which no one reads: zones
/// have theirs, and encoders find out what they need.
pub(crate) fn strategy(session: &VortexSession) -> Arc<dyn LayoutStrategy> {
    let builder = BtrBlocksCompressorBuilder::from_session(session);
    let small: Arc<dyn CompressorPlugin> = Arc::new(builder.clone().build());
    // Columns with few values have their dictionary already.
    let large = builder.exclude_schemes([IntDictScheme.id()]).build();
    let flat = FlatLayoutStrategy::default();
    let compressed = CompressingStrategy::new(flat.clone(), small.clone()).with_stats(&[]);
    let buffered = BufferedStrategy::new(ChunkedLayoutStrategy::new(flat), 2 * BLOCK_BYTES);
    let blocks = RepartitionStrategy::new(
        CompressingStrategy::new(buffered, large).with_stats(&[]),
        RepartitionWriterOptions {
            block_size_minimum: BLOCK_BYTES,
            block_len_multiple: ZONE_ROWS,
            block_size_target: Some(BLOCK_BYTES),
            canonicalize: true,
        },
    );
    let dictionaries = DictStrategy::new(
        blocks.clone(),
        compressed.clone(),
        blocks,
        DictLayoutOptions::default(),
        small,
    );
    let zoned = ZonedStrategy::new(
        dictionaries,
        compressed.clone(),
        ZonedLayoutOptions {
            block_size: NonZeroUsize::MIN.saturating_add(ZONE_ROWS - 1),
            ..Default::default()
        },
    );
    let zones = RepartitionStrategy::new(
        zoned,
        RepartitionWriterOptions {
            block_size_minimum: 0,
            block_len_multiple: ZONE_ROWS,
            block_size_target: None,
            canonicalize: false,
        },
    );
    let validity = CollectStrategy::new(compressed);
    Arc::new(TableStrategy::new(Arc::new(validity), Arc::new(zones)))
}
