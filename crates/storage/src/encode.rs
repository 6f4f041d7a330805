//! Writing one segment's file.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::{StreamExt, stream};
use lw_base::Result;
use object_store::path::Path as Key;
use vortex::array::stream::ArrayStreamAdapter;
use vortex::arrow::ArrowSessionExt;
use vortex::file::WriteOptionsSessionExt;
use vortex::io::VortexWrite;
use vortex::io::object_store::ObjectStoreWrite;

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
        .write(sink, ArrayStreamAdapter::new(dtype, arrays))
        .await
        .map_err(|e| failed("a segment cannot be written", e))?;
    Ok(summary.size())
}
