//! [`SegmentWriter`]: rows of one table in, segments out.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::future::try_join_all;
use lw_base::{Oid, Result, SegmentId, SliceId, SqlError};
use lw_catalog::{DistStyle, Place, Relation, Segment};
use tokio::task::JoinSet;

use crate::arrange::{Chunk, Run, Shape, arrange};
use crate::order::RowOrder;
use crate::sketch::{self, RowSketch};
use crate::store::Held;
use crate::{SegmentStore, encode, failed, inline, storage_schema, to_written, written_type};

/// Gives out segment ids.
#[async_trait]
pub trait SegmentIds: Send + Sync {
    /// `count` consecutive ids, never given before.
    async fn segment_ids(&self, count: u64) -> Result<SegmentId>;
}

/// How segments are cut.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Most rows of a file.
    pub segment_rows: usize,
    /// Bytes of rows in memory at which a file is written, however few the rows.
    pub segment_bytes: usize,
    /// Up to this many rows in all become inline batches and no file.
    pub inline_rows: usize,
    /// And up to this many bytes.
    pub inline_bytes: usize,
}

impl Default for WriteOptions {
    fn default() -> Self {
        WriteOptions {
            segment_rows: 1 << 20,
            segment_bytes: 80 << 20,
            inline_rows: 2_048,
            inline_bytes: 128 << 10,
        }
    }
}

impl WriteOptions {
    /// Never inline: for fold and VACUUM.
    pub fn files_only() -> Self {
        WriteOptions {
            inline_rows: 0,
            ..Default::default()
        }
    }
}

/// Bytes that are worth files when memory is short.
const CROWDED_BYTES: usize = 8 << 20;

/// What a writer made.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// The new segments, by id.
    pub segments: Vec<Arc<Segment>>,
    /// What was seen of the columns.
    pub sketch: RowSketch,
}

/// Writes rows of one table. Rows are gathered in chunks, as large as memory allows; a chunk is divided
/// over slices and sorted, and what each slice gets of it becomes one file, all in the background.
/// A writer that is dropped leaves files behind that garbage collection removes.
pub struct SegmentWriter {
    store: SegmentStore,
    ids: Arc<dyn SegmentIds>,
    table: Oid,
    shape: Arc<Shape>,
    options: WriteOptions,
    /// Bytes of a chunk.
    chunk_bytes: usize,
    pending: Pending,
    /// The slice of the next batch, without a DISTKEY.
    next_slice: u16,
    rows: u64,
    chunks: JoinSet<Result<Vec<Made>>>,
    done: Vec<Made>,
}

/// A segment and what was seen of its columns.
type Made = (Segment, RowSketch);

/// The chunk that is being gathered.
struct Pending {
    chunk: Chunk,
    rows: usize,
    held: Held,
}

impl Pending {
    fn new(store: &SegmentStore) -> Self {
        Pending {
            chunk: Chunk::default(),
            rows: 0,
            held: store.hold(),
        }
    }
}

impl SegmentStore {
    /// A writer of new segments for a table.
    pub fn writer(
        &self,
        relation: &Relation,
        ids: Arc<dyn SegmentIds>,
        options: WriteOptions,
    ) -> Result<SegmentWriter> {
        let table = relation
            .table()
            .ok_or_else(|| SqlError::internal(format!("\"{}\" is no table", relation.name)))?;
        let slices = table.slices.max(1);
        let read = storage_schema(&relation.columns)?;
        let fields = read.fields().iter().map(|f| {
            let written = written_type(f.data_type());
            f.as_ref().clone().with_data_type(written)
        });
        let shape = Shape {
            columns: relation.columns.clone(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            order: RowOrder::of(&table.sort, &relation.columns),
            dist: match table.dist {
                DistStyle::Key(id) => relation.columns.iter().position(|c| c.id == id),
                _ => None,
            },
            slices,
        };
        let most = options.segment_bytes.saturating_mul(slices.into());
        Ok(SegmentWriter {
            store: self.clone(),
            ids,
            table: relation.oid,
            shape: Arc::new(shape),
            chunk_bytes: most.min(self.chunk_limit()),
            options,
            pending: Pending::new(self),
            next_slice: 0,
            rows: 0,
            chunks: JoinSet::new(),
            done: Vec::new(),
        })
    }
}

impl SegmentWriter {
    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes rows: all columns of the table in its order, of the Arrow types of their SQL types or of
    /// those they have in files. Waits while files are being written and memory is full.
    pub async fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let columns = columns
            .iter()
            .zip(&self.shape.columns)
            .map(|(array, column)| to_written(array, &column.sql_type.arrow()))
            .collect::<Result<Vec<_>>>()?;
        let mut batch = RecordBatch::try_new(self.shape.schema.clone(), columns)
            .map_err(|e| failed("rows do not fit their table", e))?;
        self.rows += batch.num_rows() as u64;
        let slices = usize::from(self.shape.slices);
        let most = self.options.segment_rows.saturating_mul(slices);
        // A batch may be larger than a chunk.
        while self.pending.rows + batch.num_rows() > most {
            let fits = most - self.pending.rows;
            self.gather(batch.slice(0, fits));
            batch = batch.slice(fits, batch.num_rows() - fits);
            self.flush().await?;
        }
        self.gather(batch);
        let bytes = self.pending.held.bytes();
        let full = self.pending.rows >= most
            || bytes >= self.chunk_bytes
            || (bytes >= CROWDED_BYTES && self.store.crowded());
        if full { self.flush().await } else { Ok(()) }
    }

    fn gather(&mut self, batch: RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        let slice = self.next_slice;
        self.next_slice = (slice + 1) % self.shape.slices;
        let columns = batch.columns().iter();
        let bytes = columns.map(|c| sketch::held_bytes(c.as_ref())).sum();
        self.pending.held.add(bytes);
        self.pending.rows += batch.num_rows();
        self.pending.chunk.batches.push((slice, batch));
    }

    /// Hands the chunk to the background.
    async fn flush(&mut self) -> Result<()> {
        let Pending { chunk, rows, held } =
            std::mem::replace(&mut self.pending, Pending::new(&self.store));
        if rows == 0 {
            return Ok(());
        }
        let permit = self.store.room(held.bytes()).await?;
        // An error of an earlier chunk ends the load at once.
        while let Some(done) = self.chunks.try_join_next() {
            self.done.extend(joined(done)?);
        }
        let (store, shape, ids) = (self.store.clone(), self.shape.clone(), self.ids.clone());
        let (table, most) = (self.table, self.options.segment_rows);
        self.chunks.spawn(async move {
            let runs = arrange(shape.clone(), chunk, most).await?;
            let first = ids.segment_ids(runs.len() as u64).await?;
            let files = runs.into_iter().zip(first.0..).map(|(run, id)| {
                let (store, shape) = (store.clone(), shape.clone());
                tokio::spawn(write_file(store, shape, table, SegmentId(id), run))
            });
            let made = try_join_all(files).await.map_err(ended)?;
            drop((permit, held));
            made.into_iter().collect()
        });
        Ok(())
    }

    /// Ends writing. When it returns, every segment is durable.
    pub async fn finish(mut self) -> Result<Written> {
        let nothing_written = self.chunks.is_empty() && self.done.is_empty();
        if nothing_written
            && self.rows <= self.options.inline_rows as u64
            && self.pending.held.bytes() <= self.options.inline_bytes
        {
            return self.finish_inline().await;
        }
        self.flush().await?;
        while let Some(done) = self.chunks.join_next().await {
            self.done.extend(joined(done)?);
        }
        if !self.done.is_empty() {
            self.store.sync_names(self.table).await?;
        }
        let mut written = Written {
            rows: self.rows,
            ..Default::default()
        };
        self.done.sort_by_key(|(segment, _)| segment.id);
        for (segment, sketch) in self.done {
            written.sketch.merge(&sketch);
            written.segments.push(Arc::new(segment));
        }
        Ok(written)
    }

    async fn finish_inline(self) -> Result<Written> {
        let mut written = Written {
            rows: self.rows,
            ..Default::default()
        };
        let shape = &self.shape;
        let schema = storage_schema(&shape.columns)?;
        for run in arrange(shape.clone(), self.pending.chunk, usize::MAX).await? {
            let id = self.ids.segment_ids(1).await?;
            let batch = arrow::compute::concat_batches(&shape.schema, &run.batches)
                .map_err(|e| failed("an inline batch", e))?;
            let slice = match shape.dist {
                Some(_) => run.slice.0,
                // Rows without a DISTKEY go round by statement.
                None => (id.0 % u64::from(shape.slices)) as u16,
            };
            written.sketch.merge(&run.sketch);
            let bytes = inline::encode(&schema, &batch)?;
            let place = Place::Inline(bytes.clone());
            let segment = segment(shape, id, SliceId(slice), place, bytes.len() as u64, run);
            written.segments.push(Arc::new(segment));
        }
        Ok(written)
    }
}

fn joined(result: Result<Result<Vec<Made>>, tokio::task::JoinError>) -> Result<Vec<Made>> {
    result.map_err(ended)?
}

fn ended(error: tokio::task::JoinError) -> SqlError {
    tracing::error!("a segment's writer failed: {error}");
    SqlError::internal("a segment could not be encoded")
}

async fn write_file(
    store: SegmentStore,
    shape: Arc<Shape>,
    table: Oid,
    id: SegmentId,
    mut run: Run,
) -> Result<Made> {
    let key = SegmentStore::key(table, id);
    let batches = std::mem::take(&mut run.batches);
    let bytes = encode::write_file(&store, &key, &shape.schema, batches).await?;
    let sketch = std::mem::take(&mut run.sketch);
    let slice = run.slice;
    let segment = segment(&shape, id, slice, Place::File(key), bytes, run);
    Ok((segment, sketch))
}

fn segment(
    shape: &Shape,
    id: SegmentId,
    slice: SliceId,
    place: Place,
    bytes: u64,
    run: Run,
) -> Segment {
    Segment {
        id,
        slice,
        rows: run.rows as u64,
        bytes,
        sorted: shape.order.is_some(),
        columns: run.columns,
        place,
        deleted: Default::default(),
        deleted_rows: 0,
    }
}
