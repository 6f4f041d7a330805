//! Statistics a load gathers in passing: distinct counts, nulls, widths.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::*;
use arrow::record_batch::RecordBatch;
use datasketches::hll::{HllSketch, HllType, HllUnion};
use lw_catalog::{Column, ColumnStats, TableStats};

const LG_K: u8 = 12;
/// Rows after which a column that has few values is only sampled.
const SETTLED_ROWS: u64 = 65_536;

/// What was seen of the columns of some rows.
#[derive(Debug, Clone, Default)]
pub struct RowSketch {
    /// Rows seen.
    pub rows: u64,
    columns: Vec<ColumnSketch>,
}

#[derive(Debug, Clone)]
struct ColumnSketch {
    distinct: Option<HllSketch>,
    nulls: u64,
    bytes: u64,
    /// Few values were found in many rows: only each sixteenth batch is looked at.
    settled: bool,
}

impl RowSketch {
    /// Nothing seen yet.
    pub fn new(columns: usize) -> Self {
        RowSketch {
            rows: 0,
            columns: (0..columns)
                .map(|_| ColumnSketch {
                    distinct: HllSketch::new(LG_K, HllType::Hll8).ok(),
                    nulls: 0,
                    bytes: 0,
                    settled: false,
                })
                .collect(),
        }
    }

    /// Looks at the rows of a batch.
    pub fn update(&mut self, batch: &RecordBatch) {
        let count = batch.num_rows() as u64;
        // A settled column is looked at again now and then, should new values begin to come.
        let sampled = (self.rows / 8_192).is_multiple_of(16);
        for (sketch, array) in self.columns.iter_mut().zip(batch.columns()) {
            sketch.nulls += array.null_count() as u64;
            sketch.bytes += data_bytes(array.as_ref()) as u64;
            if sketch.settled && !sampled {
                continue;
            }
            if let Some(distinct) = &mut sketch.distinct {
                hash_into(array.as_ref(), distinct);
                if self.rows >= SETTLED_ROWS {
                    sketch.settled = distinct.estimate() < 4_096.0;
                }
            }
        }
        self.rows += count;
    }

    /// Adds what another sketch of the same columns saw.
    pub fn merge(&mut self, other: &RowSketch) {
        if self.columns.is_empty() {
            *self = other.clone();
            return;
        }
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.nulls += theirs.nulls;
            mine.bytes += theirs.bytes;
            mine.distinct = union(mine.distinct.as_ref(), theirs.distinct.as_ref());
        }
        self.rows += other.rows;
    }

    /// Statistics of `columns` (in the order of the rows seen), of these rows alone.
    pub fn column_stats(&self, columns: &[Column]) -> BTreeMap<u32, ColumnStats> {
        columns
            .iter()
            .zip(&self.columns)
            .map(|(column, sketch)| (column.id, sketch.stats(self.rows)))
            .collect()
    }

    /// The table's statistics after a load of these rows into a table that had `rows_before`.
    pub fn add_to(&self, old: &TableStats, rows_before: u64, columns: &[Column]) -> TableStats {
        let mut new = old.clone();
        new.modified_since += self.rows;
        for (id, loaded) in self.column_stats(columns) {
            let merged = match old.columns.get(&id) {
                Some(known) => combine(known, rows_before, &loaded, self.rows),
                None if rows_before == 0 => loaded,
                // Of the rows from before nothing is known.
                None => continue,
            };
            new.columns.insert(id, merged);
        }
        new
    }
}

impl ColumnSketch {
    fn stats(&self, rows: u64) -> ColumnStats {
        let fraction = |part: u64| {
            if rows == 0 {
                0.0
            } else {
                part as f64 / rows as f64
            }
        };
        ColumnStats {
            distinct: self
                .distinct
                .as_ref()
                .map(|d| (d.estimate().round() as u64).min(rows - self.nulls)),
            sketch: self
                .distinct
                .as_ref()
                .map(|d| d.serialize().into())
                .unwrap_or_default(),
            null_fraction: fraction(self.nulls),
            width_bytes: fraction(self.bytes),
            histogram: Vec::new(),
        }
    }
}

/// Statistics of two sets of rows taken together. The first one's histogram stays.
fn combine(a: &ColumnStats, a_rows: u64, b: &ColumnStats, b_rows: u64) -> ColumnStats {
    let rows = (a_rows + b_rows).max(1) as f64;
    let mean = |x: f64, y: f64| (x * a_rows as f64 + y * b_rows as f64) / rows;
    let read = |s: &ColumnStats| HllSketch::deserialize(&s.sketch).ok();
    let distinct = match (read(a), read(b)) {
        (Some(a), Some(b)) => union(Some(&a), Some(&b)),
        _ => None,
    };
    ColumnStats {
        distinct: match &distinct {
            Some(d) => Some((d.estimate().round() as u64).min(a_rows + b_rows)),
            None => a.distinct,
        },
        sketch: match &distinct {
            Some(d) => d.serialize().into(),
            None => a.sketch.clone(),
        },
        null_fraction: mean(a.null_fraction, b.null_fraction),
        width_bytes: mean(a.width_bytes, b.width_bytes),
        histogram: a.histogram.clone(),
    }
}

fn union(a: Option<&HllSketch>, b: Option<&HllSketch>) -> Option<HllSketch> {
    let (a, b) = (a?, b?);
    if b.is_empty() {
        return Some(a.clone());
    }
    let mut both = HllUnion::new(LG_K).ok()?;
    both.update(a);
    both.update(b);
    Some(both.to_sketch(HllType::Hll8))
}

fn hash_into(array: &dyn Array, sketch: &mut HllSketch) {
    macro_rules! values {
        ($t:ty, $as:ty) => {{
            let mut last = None;
            for value in array.as_primitive::<$t>().iter() {
                // Runs of equal values are common in sorted columns.
                if let Some(v) = value
                    && value != last
                {
                    sketch.update(v as $as);
                    last = value;
                }
            }
        }};
    }
    match array.data_type() {
        DataType::Boolean => {
            for value in array.as_boolean().iter().flatten() {
                sketch.update(value);
            }
        }
        DataType::Int16 => values!(Int16Type, i64),
        DataType::Int32 => values!(Int32Type, i64),
        DataType::Int64 => values!(Int64Type, i64),
        DataType::UInt32 => values!(UInt32Type, i64),
        DataType::Date32 => values!(Date32Type, i64),
        DataType::Time64(TimeUnit::Microsecond) => values!(Time64MicrosecondType, i64),
        DataType::Time64(TimeUnit::Nanosecond) => values!(Time64NanosecondType, i64),
        DataType::Timestamp(TimeUnit::Microsecond, _) => values!(TimestampMicrosecondType, i64),
        DataType::Decimal128(..) => values!(Decimal128Type, i128),
        DataType::Float32 => {
            for value in array.as_primitive::<Float32Type>().iter().flatten() {
                sketch.update((value as f64).to_bits());
            }
        }
        DataType::Float64 => {
            for value in array.as_primitive::<Float64Type>().iter().flatten() {
                sketch.update(value.to_bits());
            }
        }
        DataType::Utf8View => {
            for value in array.as_string_view().iter().flatten() {
                sketch.update(value);
            }
        }
        DataType::BinaryView => {
            for value in array.as_binary_view().iter().flatten() {
                sketch.update(value);
            }
        }
        _ => {}
    }
}

/// Bytes of an array's values, without what its buffers hold besides.
pub fn data_bytes(array: &dyn Array) -> usize {
    match array.data_type() {
        DataType::Utf8View => {
            let a = array.as_string_view();
            a.views().iter().map(|v| *v as u32 as usize).sum()
        }
        DataType::BinaryView => {
            let a = array.as_binary_view();
            a.views().iter().map(|v| *v as u32 as usize).sum()
        }
        DataType::Boolean => array.len(),
        other => array.len() * other.primitive_width().unwrap_or(16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array};
    use std::sync::Arc;

    fn rows(values: impl Iterator<Item = i64>) -> RecordBatch {
        let array: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("a", array)]).unwrap()
    }

    #[test]
    fn distinct_counts_merge() {
        let mut a = RowSketch::new(1);
        a.update(&rows(0..10_000));
        let mut b = RowSketch::new(1);
        b.update(&rows(5_000..15_000));
        a.merge(&b);
        let estimate = a.columns[0].distinct.as_ref().unwrap().estimate();
        assert!((estimate - 15_000.0).abs() < 750.0, "{estimate}");
        assert_eq!(a.rows, 20_000);
    }
}
