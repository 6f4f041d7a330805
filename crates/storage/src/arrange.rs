//! Puts the rows of a chunk in order: divided over slices, sorted by the table's key, with what
//! the catalog is to know of them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::compute;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::{StreamExt, TryStreamExt, stream};
use lw_base::{Result, SliceId};
use lw_catalog::{Column, ColumnBounds};

use crate::order::{self, RowOrder};
use crate::sketch::{ColumnSketch, RowSketch};
use crate::store::computing;
use crate::{bounds, failed, slices};

/// Rows of a batch in order.
const BATCH: usize = 65_536;

/// What must be known of a table to arrange its rows.
pub(crate) struct Shape {
    pub columns: Vec<Column>,
    /// Columns as they are in files.
    pub schema: SchemaRef,
    pub order: RowOrder,
    /// Position of the DISTKEY.
    pub dist: Option<usize>,
    pub slices: u16,
}

/// Rows as they came.
#[derive(Default)]
pub(crate) struct Chunk {
    /// Columns of the table's schema. Of a table without a DISTKEY each batch belongs to one slice.
    pub batches: Vec<(u16, RecordBatch)>,
}

/// Rows in order, for one file.
pub(crate) struct Run {
    pub slice: SliceId,
    pub rows: usize,
    pub batches: Vec<RecordBatch>,
    pub columns: BTreeMap<u32, ColumnBounds>,
    pub sketch: RowSketch,
}

/// One column of a run.
struct Part {
    arrays: Vec<ArrayRef>,
    bounds: ColumnBounds,
    sketch: ColumnSketch,
}

/// Divides and sorts a chunk. Gives runs of at most `most` rows, columns side by side on all
/// processors; each column is let go of as soon as it is in order.
pub(crate) async fn arrange(shape: Arc<Shape>, chunk: Chunk, most: usize) -> Result<Vec<Run>> {
    let plan = {
        let shape = shape.clone();
        computing(move || Plan::new(&shape, chunk, most)).await?
    };
    let Plan {
        columns,
        rows,
        runs,
    } = plan;
    let ranges: Arc<[Range<usize>]> = runs.iter().map(|(_, range)| range.clone()).collect();
    let width = std::thread::available_parallelism().map_or(2, |n| n.get());
    let work: Vec<_> = columns
        .into_iter()
        .map(|arrays| {
            let (rows, ranges) = (rows.clone(), ranges.clone());
            computing(move || column(arrays, rows.as_ref(), &ranges))
        })
        .collect();
    let parts: Vec<Vec<Part>> = stream::iter(work).buffered(width).try_collect().await?;
    let mut out: Vec<Vec<Part>> = runs.iter().map(|_| Vec::new()).collect();
    for column in parts {
        for (run, part) in out.iter_mut().zip(column) {
            run.push(part);
        }
    }
    runs.into_iter()
        .zip(out)
        .map(|((slice, range), parts)| Run::new(&shape, slice, range.len(), parts))
        .collect()
}

/// What is to be done with a chunk.
struct Plan {
    /// The arrays of each column.
    columns: Vec<Vec<ArrayRef>>,
    /// The order of the rows; `None`: as they are.
    rows: Option<ScalarBuffer<u32>>,
    /// The runs, as ranges of the rows in order.
    runs: Vec<(u16, Range<usize>)>,
}

impl Plan {
    fn new(shape: &Shape, mut chunk: Chunk, most: usize) -> Result<Plan> {
        if shape.dist.is_none() {
            chunk.batches.sort_by_key(|(slice, _)| *slice);
        }
        let rows: usize = chunk.batches.iter().map(|(_, b)| b.num_rows()).sum();
        if rows == 0 {
            return Ok(Plan {
                columns: Vec::new(),
                rows: None,
                runs: Vec::new(),
            });
        }
        let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::new(); shape.schema.fields().len()];
        let mut of_rows: Vec<u16> = Vec::with_capacity(rows);
        for (slice, batch) in chunk.batches {
            match shape.dist {
                Some(key) if shape.slices > 1 => {
                    of_rows.extend(slices::assign(batch.column(key).as_ref(), shape.slices));
                }
                _ => of_rows.resize(of_rows.len() + batch.num_rows(), slice),
            }
            for (arrays, array) in columns.iter_mut().zip(batch.columns()) {
                arrays.push(array.clone());
            }
        }
        let keys = shape
            .order
            .keys()
            .iter()
            .map(|i| whole(&columns[*i]))
            .collect::<Result<Vec<_>>>()?;
        let order = order::permutation(rows, Some(&of_rows), &shape.order, &keys)?;
        let mut counts = BTreeMap::new();
        for slice in of_rows {
            *counts.entry(slice).or_insert(0usize) += 1;
        }
        let mut runs = Vec::new();
        let mut start = 0;
        for (slice, count) in counts {
            let end = start + count;
            // A skewed key may give one slice more than a file should hold.
            let each = count.div_ceil(count.div_ceil(most.max(1)));
            while start < end {
                let next = (start + each).min(end);
                runs.push((slice, start..next));
                start = next;
            }
        }
        Ok(Plan {
            columns,
            rows: order.map(ScalarBuffer::from),
            runs,
        })
    }
}

fn whole(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    if let [one] = arrays {
        return Ok(one.clone());
    }
    let refs: Vec<&dyn Array> = arrays.iter().map(|a| a.as_ref()).collect();
    compute::concat(&refs).map_err(|e| failed("rows do not sort", e))
}

/// Puts one column in order.
fn column(
    arrays: Vec<ArrayRef>,
    rows: Option<&ScalarBuffer<u32>>,
    runs: &[Range<usize>],
) -> Result<Vec<Part>> {
    let source = match rows {
        Some(_) => vec![whole(&arrays)?],
        None => arrays,
    };
    runs.iter()
        .map(|run| {
            let arrays = match rows {
                None => cut(&source, run),
                Some(rows) => run
                    .clone()
                    .step_by(BATCH)
                    .map(|start| {
                        let len = BATCH.min(run.end - start);
                        let places = UInt32Array::new(rows.slice(start, len), None);
                        let taken = compute::take(source[0].as_ref(), &places, None)
                            .map_err(|e| failed("rows do not sort", e))?;
                        Ok(compact(taken))
                    })
                    .collect::<Result<Vec<_>>>()?,
            };
            let mut sketch = ColumnSketch::default();
            arrays.iter().for_each(|a| sketch.update(a.as_ref()));
            Ok(Part {
                bounds: bounds::of_all(&arrays),
                sketch,
                arrays,
            })
        })
        .collect()
}

/// The rows of a range out of arrays that follow one another.
fn cut(arrays: &[ArrayRef], range: &Range<usize>) -> Vec<ArrayRef> {
    let mut at = 0;
    let mut out = Vec::new();
    for array in arrays {
        let (start, end) = (range.start.max(at), range.end.min(at + array.len()));
        if start < end {
            out.push(array.slice(start - at, end - start));
        }
        at += array.len();
    }
    out
}

/// Texts one behind the other, and nothing else in their buffers: encoders pass over them several
/// times.
fn compact(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View if !array.as_string_view().data_buffers().is_empty() => {
            Arc::new(array.as_string_view().gc())
        }
        DataType::BinaryView if !array.as_binary_view().data_buffers().is_empty() => {
            Arc::new(array.as_binary_view().gc())
        }
        _ => array,
    }
}

impl Run {
    fn new(shape: &Shape, slice: u16, rows: usize, parts: Vec<Part>) -> Result<Run> {
        let pieces = parts.first().map_or(0, |p| p.arrays.len());
        let batches = (0..pieces)
            .map(|i| {
                let columns = parts.iter().map(|p| p.arrays[i].clone()).collect();
                RecordBatch::try_new(shape.schema.clone(), columns)
                    .map_err(|e| failed("rows do not sort", e))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut columns = BTreeMap::new();
        let mut sketches = Vec::with_capacity(parts.len());
        for (column, part) in shape.columns.iter().zip(parts) {
            columns.insert(column.id, part.bounds);
            sketches.push(part.sketch);
        }
        Ok(Run {
            slice: SliceId(slice),
            rows,
            batches,
            columns,
            sketch: RowSketch::of_columns(rows as u64, sketches),
        })
    }
}
