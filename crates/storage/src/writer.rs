//! [`SegmentWriter`]: rows of one table in, segments out.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use lw_base::{Oid, Result, SegmentId, SliceId, SqlError};
use lw_catalog::{Column, ColumnBounds, DistStyle, Place, Relation, Segment};
use tokio::task::JoinSet;

use crate::order::{self, RowOrder};
use crate::sketch::{self, RowSketch};
use crate::store::{Held, blocking};
use crate::{SegmentStore, bounds, encode, failed, inline, slices, storage_schema, to_stored};

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
    /// Bytes of rows in memory (per slice) at which a file is written, however few the rows.
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
            segment_bytes: 96 << 20,
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

/// Bytes in a slice that are worth a file when memory is short.
const CROWDED_BYTES: usize = 4 << 20;

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

/// Writes rows of one table. Rows are divided over slices, sorted in memory-bounded chunks, and
/// each chunk becomes one file, encoded in the background. A writer that is dropped leaves files
/// behind that garbage collection removes.
pub struct SegmentWriter {
    store: SegmentStore,
    ids: Arc<dyn SegmentIds>,
    options: WriteOptions,
    shape: Arc<Shape>,
    buffers: Vec<Buffer>,
    next_slice: usize,
    rows: u64,
    files: JoinSet<Result<(Segment, RowSketch)>>,
    done: Vec<(Segment, RowSketch)>,
}

/// What the writer must know of the table.
struct Shape {
    table: Oid,
    columns: Vec<Column>,
    schema: SchemaRef,
    order: RowOrder,
    /// Position of the DISTKEY.
    dist: Option<usize>,
    slices: u16,
}

struct Buffer {
    batches: Vec<RecordBatch>,
    rows: usize,
    held: Held,
}

impl Buffer {
    fn new(store: &SegmentStore) -> Self {
        Buffer {
            batches: Vec::new(),
            rows: 0,
            held: store.hold(),
        }
    }

    fn push(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        self.held.add(batch_bytes(&batch));
        self.batches.push(batch);
    }
}

fn batch_bytes(batch: &RecordBatch) -> usize {
    batch
        .columns()
        .iter()
        .map(|c| sketch::data_bytes(c.as_ref()))
        .sum()
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
        let shape = Shape {
            table: relation.oid,
            columns: relation.columns.clone(),
            schema: storage_schema(&relation.columns)?,
            order: RowOrder::of(&table.sort, &relation.columns),
            dist: match table.dist {
                DistStyle::Key(id) => relation.columns.iter().position(|c| c.id == id),
                _ => None,
            },
            slices,
        };
        Ok(SegmentWriter {
            store: self.clone(),
            ids,
            options,
            shape: Arc::new(shape),
            buffers: (0..slices).map(|_| Buffer::new(self)).collect(),
            next_slice: 0,
            rows: 0,
            files: JoinSet::new(),
            done: Vec::new(),
        })
    }
}

impl SegmentWriter {
    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes rows: all columns of the table in its order, of the Arrow types of their SQL types.
    /// Waits while files are being written and memory is full.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.rows += batch.num_rows() as u64;
        let columns = batch
            .columns()
            .iter()
            .map(to_stored)
            .collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(self.shape.schema.clone(), columns)
            .map_err(|e| failed("rows do not fit their table", e))?;
        match self.shape.dist {
            Some(key) if self.shape.slices > 1 => {
                let parts = slices::divide(&batch, key, self.shape.slices)?;
                for (slice, part) in parts.into_iter().enumerate() {
                    if let Some(part) = part {
                        self.buffer(slice, part).await?;
                    }
                }
                Ok(())
            }
            _ => {
                let slice = self.next_slice;
                self.next_slice = (slice + 1) % self.buffers.len();
                self.buffer(slice, batch).await
            }
        }
    }

    async fn buffer(&mut self, slice: usize, batch: RecordBatch) -> Result<()> {
        let most = self.options.segment_rows;
        let mut batch = batch;
        // A batch may be larger than a segment.
        while self.buffers[slice].rows + batch.num_rows() > most {
            let fits = most - self.buffers[slice].rows;
            self.buffers[slice].push(batch.slice(0, fits));
            batch = batch.slice(fits, batch.num_rows() - fits);
            self.flush(slice).await?;
        }
        if batch.num_rows() > 0 {
            self.buffers[slice].push(batch);
        }
        let bytes = self.buffers[slice].held.bytes();
        let full = self.buffers[slice].rows >= most
            || bytes >= self.options.segment_bytes
            || (bytes >= CROWDED_BYTES && self.store.crowded());
        if full {
            self.flush(slice).await
        } else {
            Ok(())
        }
    }

    /// Hands a slice's rows to the background.
    async fn flush(&mut self, slice: usize) -> Result<()> {
        let empty = Buffer::new(&self.store);
        let buffer = std::mem::replace(&mut self.buffers[slice], empty);
        if buffer.rows == 0 {
            return Ok(());
        }
        let permit = self
            .store
            .encoders()
            .acquire_owned()
            .await
            .map_err(|e| failed("the segment store is closed", e))?;
        // An error of an earlier file ends the load at once.
        while let Some(done) = self.files.try_join_next() {
            self.done.push(joined(done)?);
        }
        let id = self.ids.segment_ids(1).await?;
        let (store, shape) = (self.store.clone(), self.shape.clone());
        self.files.spawn(async move {
            let made = write_segment(store, shape, id, SliceId(slice as u16), buffer).await;
            drop(permit);
            made
        });
        Ok(())
    }

    /// Ends writing. When it returns, every segment is durable.
    pub async fn finish(mut self) -> Result<Written> {
        let nothing_written = self.files.is_empty() && self.done.is_empty();
        let bytes: usize = self.buffers.iter().map(|b| b.held.bytes()).sum();
        if nothing_written
            && self.rows <= self.options.inline_rows as u64
            && bytes <= self.options.inline_bytes
        {
            return self.finish_inline().await;
        }
        for slice in 0..self.buffers.len() {
            self.flush(slice).await?;
        }
        while let Some(done) = self.files.join_next().await {
            self.done.push(joined(done)?);
        }
        if !self.done.is_empty() {
            self.store.sync_names(self.shape.table).await?;
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
        for (slice, buffer) in self.buffers.into_iter().enumerate() {
            if buffer.rows == 0 {
                continue;
            }
            let id = self.ids.segment_ids(1).await?;
            let sorted = order::sort(buffer.batches, &shape.order, usize::MAX)?;
            let batch = arrow::compute::concat_batches(&shape.schema, &sorted)
                .map_err(|e| failed("an inline batch", e))?;
            let slice = match shape.dist {
                Some(_) => slice as u16,
                // Rows without a DISTKEY go round by statement.
                None => (id.0 % shape.slices as u64) as u16,
            };
            let mut sketch = RowSketch::new(shape.columns.len());
            sketch.update(&batch);
            written.sketch.merge(&sketch);
            let bytes = inline::encode(&shape.schema, &batch)?;
            written.segments.push(Arc::new(Segment {
                id,
                slice: SliceId(slice),
                rows: batch.num_rows() as u64,
                bytes: bytes.len() as u64,
                sorted: shape.order.is_some(),
                columns: column_bounds(shape, std::slice::from_ref(&batch)),
                place: Place::Inline(bytes),
                deleted: Default::default(),
                deleted_rows: 0,
            }));
        }
        Ok(written)
    }
}

fn joined(
    result: Result<Result<(Segment, RowSketch)>, tokio::task::JoinError>,
) -> Result<(Segment, RowSketch)> {
    result.map_err(|e| {
        tracing::error!("a segment's writer failed: {e}");
        SqlError::internal("a segment could not be encoded")
    })?
}

async fn write_segment(
    store: SegmentStore,
    shape: Arc<Shape>,
    id: SegmentId,
    slice: SliceId,
    buffer: Buffer,
) -> Result<(Segment, RowSketch)> {
    let rows = buffer.rows as u64;
    let held = buffer.held;
    let unsorted = buffer.batches;
    let prepared = {
        let shape = shape.clone();
        blocking(move || {
            let batches = order::sort(unsorted, &shape.order, 65_536)?;
            let columns = column_bounds(&shape, &batches);
            let mut sketch = RowSketch::new(shape.columns.len());
            batches.iter().for_each(|b| sketch.update(b));
            Ok((batches, columns, sketch))
        })
        .await?
    };
    let (batches, columns, sketch) = prepared;
    let key = SegmentStore::key(shape.table, id);
    let bytes = encode::write_file(&store, &key, &shape.schema, batches).await?;
    drop(held);
    let segment = Segment {
        id,
        slice,
        place: Place::File(key),
        rows,
        bytes,
        sorted: shape.order.is_some(),
        columns,
        deleted: Default::default(),
        deleted_rows: 0,
    };
    Ok((segment, sketch))
}

fn column_bounds(shape: &Shape, batches: &[RecordBatch]) -> BTreeMap<u32, ColumnBounds> {
    shape
        .columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            (
                column.id,
                bounds::of_all(batches.iter().map(|b| b.column(i))),
            )
        })
        .collect()
}
