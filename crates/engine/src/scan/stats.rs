//! What the catalog knows of segments, as DataFusion's statistics.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use lw_catalog::{Bound, Column, ColumnBounds, Relation, Segment, TableData};
use lw_storage::bounds;

/// Statistics of one file for pruning it. `schema`: the file's columns as the scan sees them.
pub(super) fn of_segment(relation: &Relation, segment: &Segment, schema: &Schema) -> Statistics {
    let mut out = Statistics::new_unknown(schema);
    let whole = segment.deleted_rows == 0;
    out.num_rows = Precision::Exact(segment.live_rows() as usize);
    out.total_byte_size = Precision::Inexact(segment.bytes as usize);
    for (column, stats) in relation.columns.iter().zip(&mut out.column_statistics) {
        if let Some(known) = segment.columns.get(&column.id) {
            bounds_stats(column, known, whole, stats);
        }
    }
    out
}

/// Statistics of several segments together, for planning. `schema` begins with the table's columns.
pub(super) fn of_segments(
    relation: &Relation,
    data: &TableData,
    segments: &[Arc<Segment>],
    schema: &Schema,
) -> Statistics {
    let rows: u64 = segments.iter().map(|s| s.live_rows()).sum();
    let whole = segments.iter().all(|s| s.deleted_rows == 0);
    let mut out = Statistics::new_unknown(schema);
    out.num_rows = Precision::Exact(rows as usize);
    let mut width = 0.0;
    for (column, stats) in relation.columns.iter().zip(&mut out.column_statistics) {
        if let Some(all) = merged(column, segments) {
            bounds_stats(column, &all, whole, stats);
        }
        let known = data.stats.columns.get(&column.id);
        if let Some(distinct) = known.and_then(|k| k.distinct) {
            stats.distinct_count = Precision::Inexact(distinct.min(rows) as usize);
        }
        let bytes = match column.sql_type.arrow().primitive_width() {
            Some(fixed) => fixed as f64,
            None => known.map_or(16.0, |k| k.width_bytes.max(1.0)),
        };
        stats.byte_size = Precision::Inexact((bytes * rows as f64) as usize);
        width += bytes;
    }
    out.total_byte_size = Precision::Inexact((width * rows as f64) as usize);
    out
}

/// Bounds of a column over all segments; `None` if some segment lacks the column.
fn merged(column: &Column, segments: &[Arc<Segment>]) -> Option<ColumnBounds> {
    let mut all = ColumnBounds {
        nulls: Some(0),
        ..Default::default()
    };
    let mut rows = 0;
    for segment in segments {
        bounds::merge(
            &mut all,
            rows,
            segment.columns.get(&column.id)?,
            segment.rows,
        );
        rows += segment.rows;
    }
    Some(all)
}

fn bounds_stats(column: &Column, known: &ColumnBounds, whole: bool, out: &mut ColumnStatistics) {
    let data_type = column.sql_type.arrow();
    let precise = |bound: &Option<Bound>| match bound {
        None => Precision::Absent,
        Some(bound) => match scalar(bound, &data_type) {
            None => Precision::Absent,
            // Strings may have been cut.
            Some(v) if whole && !matches!(bound, Bound::Text(_)) => Precision::Exact(v),
            Some(v) => Precision::Inexact(v),
        },
    };
    out.min_value = precise(&known.min);
    out.max_value = precise(&known.max);
    out.null_count = match known.nulls {
        Some(0) => Precision::Exact(0),
        Some(n) if whole => Precision::Exact(n as usize),
        Some(n) => Precision::Inexact(n as usize),
        None => Precision::Absent,
    };
}

/// A bound as a value of an Arrow type.
pub(crate) fn scalar(bound: &Bound, data_type: &DataType) -> Option<ScalarValue> {
    Some(match (bound, data_type) {
        (Bound::Int(v), DataType::Boolean) => ScalarValue::Boolean(Some(*v != 0)),
        (Bound::Int(v), DataType::Int16) => ScalarValue::Int16(i16::try_from(*v).ok()),
        (Bound::Int(v), DataType::Int32) => ScalarValue::Int32(i32::try_from(*v).ok()),
        (Bound::Int(v), DataType::Int64) => ScalarValue::Int64(Some(*v)),
        (Bound::Int(v), DataType::UInt32) => ScalarValue::UInt32(u32::try_from(*v).ok()),
        (Bound::Int(v), DataType::Date32) => ScalarValue::Date32(i32::try_from(*v).ok()),
        (Bound::Int(v), DataType::Time64(TimeUnit::Microsecond)) => {
            ScalarValue::Time64Microsecond(Some(*v))
        }
        (Bound::Int(v), DataType::Time64(TimeUnit::Nanosecond)) => {
            ScalarValue::Time64Nanosecond(Some(*v))
        }
        (Bound::Int(v), DataType::Timestamp(TimeUnit::Microsecond, zone)) => {
            ScalarValue::TimestampMicrosecond(Some(*v), zone.clone())
        }
        (Bound::Decimal(v), DataType::Decimal128(p, s)) => {
            ScalarValue::Decimal128(Some(*v), *p, *s)
        }
        (Bound::Float(v), DataType::Float32) => ScalarValue::Float32(Some(*v as f32)),
        (Bound::Float(v), DataType::Float64) => ScalarValue::Float64(Some(*v)),
        (Bound::Text(v), DataType::Utf8View) => ScalarValue::Utf8View(Some(v.clone())),
        _ => return None,
    })
}
