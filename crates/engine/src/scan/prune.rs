//! Which segments a filter cannot match.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, Result as DfResult, ScalarValue};
use datafusion::physical_expr::{PhysicalExpr, conjunction};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use lw_catalog::{Bound, ColumnBounds, Relation, Segment};

use super::stats::scalar;

/// The segments whose bounds do not exclude every row.
pub(super) fn keep(
    segments: Vec<Arc<Segment>>,
    relation: &Relation,
    schema: &SchemaRef,
    predicates: Vec<Arc<dyn PhysicalExpr>>,
) -> DfResult<Vec<Arc<Segment>>> {
    if predicates.is_empty() {
        return Ok(segments);
    }
    let Some(predicate) = PruningPredicateBuilder::new()
        .with_file_schema(schema.clone())
        .build(conjunction(predicates))
    else {
        return Ok(segments);
    };
    let kept = predicate.prune(&SegmentBounds {
        segments: &segments,
        relation,
    })?;
    Ok(segments
        .into_iter()
        .zip(kept)
        .filter_map(|(segment, keep)| keep.then_some(segment))
        .collect())
}

struct SegmentBounds<'a> {
    segments: &'a [Arc<Segment>],
    relation: &'a Relation,
}

impl SegmentBounds<'_> {
    /// One value per segment; null where nothing is known (a column the file lacks, for one).
    fn bounds(
        &self,
        column: &Column,
        side: impl Fn(&ColumnBounds) -> &Option<Bound>,
    ) -> Option<ArrayRef> {
        let column = &self.relation.columns[self.relation.column_index(&column.name)?];
        let data_type = column.sql_type.arrow();
        let unknown = ScalarValue::try_from(&data_type).ok()?;
        let values = self.segments.iter().map(|segment| {
            segment
                .columns
                .get(&column.id)
                .and_then(|known| side(known).as_ref())
                .and_then(|bound| scalar(bound, &data_type))
                .unwrap_or_else(|| unknown.clone())
        });
        ScalarValue::iter_to_array(values).ok()
    }
}

impl PruningStatistics for SegmentBounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |b| &b.min)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |b| &b.max)
    }

    fn num_containers(&self) -> usize {
        self.segments.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let column = &self.relation.columns[self.relation.column_index(&column.name)?];
        let counts: UInt64Array = self
            .segments
            .iter()
            .map(|segment| segment.columns.get(&column.id).and_then(|b| b.nulls))
            .collect();
        Some(Arc::new(counts))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        // Deleted rows included: null counts include them too.
        let counts = UInt64Array::from_iter_values(self.segments.iter().map(|s| s.rows));
        Some(Arc::new(counts))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
