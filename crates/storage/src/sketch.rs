//! Statistics a load gathers in passing: distinct counts, nulls, widths.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, PrimitiveArray};
use arrow::datatypes::*;
use arrow::record_batch::RecordBatch;
use lw_catalog::{Column, ColumnStats, TableStats};

use crate::hll::{Distinct, hash_bytes, hash_u64};

/// Rows after which a column that has few values is only sampled.
const SETTLED_ROWS: u64 = 65_536;
/// What few values are.
const SETTLED_VALUES: u64 = 4_096;

/// What was seen of the columns of some rows.
#[derive(Debug, Clone, Default)]
pub struct RowSketch {
    /// Rows seen.
    pub rows: u64,
    columns: Vec<ColumnSketch>,
}

/// What was seen of one column.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnSketch {
    distinct: Distinct,
    rows: u64,
    nulls: u64,
    bytes: u64,
    /// Few values were found in many rows: only some batches are looked at.
    settled: bool,
}

impl RowSketch {
    /// Nothing seen yet.
    pub fn new(columns: usize) -> Self {
        RowSketch {
            rows: 0,
            columns: vec![ColumnSketch::default(); columns],
        }
    }

    /// What was seen column by column.
    pub(crate) fn of_columns(rows: u64, columns: Vec<ColumnSketch>) -> Self {
        RowSketch { rows, columns }
    }

    /// Looks at the rows of a batch.
    pub fn update(&mut self, batch: &RecordBatch) {
        for (sketch, array) in self.columns.iter_mut().zip(batch.columns()) {
            sketch.update(array.as_ref());
        }
        self.rows += batch.num_rows() as u64;
    }

    /// Adds what another sketch of the same columns saw.
    pub fn merge(&mut self, other: &RowSketch) {
        if self.columns.is_empty() {
            *self = other.clone();
            return;
        }
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.rows += theirs.rows;
            mine.nulls += theirs.nulls;
            mine.bytes += theirs.bytes;
            mine.distinct.merge(&theirs.distinct);
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
    /// Looks at some values.
    pub(crate) fn update(&mut self, array: &dyn Array) {
        self.nulls += array.null_count() as u64;
        self.bytes += data_bytes(array) as u64;
        // A settled column is looked at again now and then, should new values begin to come.
        let mut start = 0;
        while start < array.len() {
            let len = (array.len() - start).min(8_192);
            if !self.settled || (self.rows / 8_192).is_multiple_of(16) {
                hash_into(array.slice(start, len).as_ref(), &mut self.distinct);
                if self.rows >= SETTLED_ROWS {
                    self.settled = self.distinct.estimate() < SETTLED_VALUES;
                }
            }
            start += len;
            self.rows += len as u64;
        }
    }

    fn stats(&self, rows: u64) -> ColumnStats {
        let fraction = |part: u64| {
            if rows == 0 {
                0.0
            } else {
                part as f64 / rows as f64
            }
        };
        ColumnStats {
            distinct: Some(self.distinct.estimate().min(rows - self.nulls)),
            sketch: self.distinct.to_bytes().into(),
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
    let read = |s: &ColumnStats| Distinct::from_bytes(&s.sketch);
    let distinct = match (read(a), read(b)) {
        (Some(mut a), Some(b)) => {
            a.merge(&b);
            Some(a)
        }
        _ => None,
    };
    ColumnStats {
        distinct: match &distinct {
            Some(d) => Some(d.estimate().min(a_rows + b_rows)),
            None => a.distinct,
        },
        sketch: match &distinct {
            Some(d) => d.to_bytes().into(),
            None => a.sketch.clone(),
        },
        null_fraction: mean(a.null_fraction, b.null_fraction),
        width_bytes: mean(a.width_bytes, b.width_bytes),
        histogram: a.histogram.clone(),
    }
}

/// Takes the values of a primitive array. Runs of equal values are common in sorted columns.
fn primitives<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    distinct: &mut Distinct,
    hash: impl Fn(T::Native) -> u64,
) {
    let mut last = None;
    let mut new = |value: &T::Native| {
        let differs = last != Some(*value);
        last = Some(*value);
        differs
    };
    if array.null_count() == 0 {
        let values = array.values().iter().copied();
        distinct.extend(values.filter(&mut new).map(hash));
    } else {
        distinct.extend(array.iter().flatten().filter(&mut new).map(hash));
    }
}

/// Numbers of any width hash alike, so that a column's sketches stay comparable.
fn hash_int(value: i64) -> u64 {
    hash_u64(value as u64)
}

fn hash_decimal(value: i128) -> u64 {
    match i64::try_from(value) {
        Ok(short) => hash_int(short),
        Err(_) => hash_u64(value as u64 ^ hash_u64((value >> 64) as u64)),
    }
}

fn hash_into(array: &dyn Array, distinct: &mut Distinct) {
    macro_rules! ints {
        ($t:ty) => {
            primitives(array.as_primitive::<$t>(), distinct, |v| hash_int(v as i64))
        };
    }
    match array.data_type() {
        DataType::Boolean => distinct.extend(
            array
                .as_boolean()
                .iter()
                .flatten()
                .map(|v| hash_u64(v.into())),
        ),
        DataType::Int16 => ints!(Int16Type),
        DataType::Int32 => ints!(Int32Type),
        DataType::Int64 => ints!(Int64Type),
        DataType::UInt32 => ints!(UInt32Type),
        DataType::Date32 => ints!(Date32Type),
        DataType::Time64(TimeUnit::Microsecond) => ints!(Time64MicrosecondType),
        DataType::Time64(TimeUnit::Nanosecond) => ints!(Time64NanosecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => ints!(TimestampMicrosecondType),
        DataType::Decimal64(..) => ints!(Decimal64Type),
        DataType::Decimal128(..) => {
            primitives(array.as_primitive::<Decimal128Type>(), distinct, |v| {
                hash_decimal(v)
            });
        }
        DataType::Float32 => primitives(array.as_primitive::<Float32Type>(), distinct, |v| {
            hash_u64(f64::from(v).to_bits())
        }),
        DataType::Float64 => primitives(array.as_primitive::<Float64Type>(), distinct, |v| {
            hash_u64(v.to_bits())
        }),
        DataType::Utf8View => {
            let values = array.as_string_view().iter().flatten();
            distinct.extend(values.map(|v| hash_bytes(v.as_bytes())));
        }
        DataType::BinaryView => {
            distinct.extend(array.as_binary_view().iter().flatten().map(hash_bytes));
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

/// Bytes an array takes in memory: views too, but not what its buffers hold besides.
pub(crate) fn held_bytes(array: &dyn Array) -> usize {
    let long = |views: &[u128]| -> usize {
        let lengths = views.iter().map(|v| *v as u32 as usize);
        views.len() * 16 + lengths.filter(|len| *len > 12).sum::<usize>()
    };
    match array.data_type() {
        DataType::Utf8View => long(array.as_string_view().views()),
        DataType::BinaryView => long(array.as_binary_view().views()),
        _ => data_bytes(array),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Decimal64Array, Decimal128Array, Int16Array, Int64Array};
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
        let estimate = a.columns[0].distinct.estimate() as f64;
        assert!((estimate - 15_000.0).abs() < 750.0, "{estimate}");
        assert_eq!(a.rows, 20_000);
    }

    #[test]
    fn a_number_is_the_same_in_every_width() {
        let mut sketch = ColumnSketch::default();
        sketch.update(&Int16Array::from(vec![7, -7]));
        sketch.update(&Int64Array::from(vec![7, -7]));
        sketch.update(&Decimal64Array::from(vec![7, -7]));
        sketch.update(&Decimal128Array::from(vec![7, -7]));
        assert_eq!(sketch.distinct.estimate(), 2);
    }
}
