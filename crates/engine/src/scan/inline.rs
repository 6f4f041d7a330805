//! Scans of inline batches.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow::compute;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result as DfResult;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_plan::ExecutionPlan;
use lw_catalog::{Relation, Segment};
use lw_storage::{SegmentStore, deletes, from_stored};

use super::defaults::AddedDefaults;
use super::external;

/// A source with the live rows of inline segments.
pub(super) fn scan(
    store: &SegmentStore,
    relation: &Relation,
    schema: &SchemaRef,
    row_ids: bool,
    segments: &[Arc<Segment>],
    projection: Option<&Vec<usize>>,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    let batch = rows(store, relation, schema, row_ids, segments)?;
    Ok(MemorySourceConfig::try_new_exec(
        &[vec![batch]],
        schema.clone(),
        projection.cloned(),
    )?)
}

/// The live rows of inline segments as one batch.
pub(crate) fn rows(
    store: &SegmentStore,
    relation: &Relation,
    schema: &SchemaRef,
    row_ids: bool,
    segments: &[Arc<Segment>],
) -> DfResult<RecordBatch> {
    let defaults = AddedDefaults::of(relation, segments)?;
    let batches = segments
        .iter()
        .map(|s| one(store, relation, schema, row_ids, &defaults, s))
        .collect::<DfResult<Vec<_>>>()?;
    Ok(compute::concat_batches(schema, &batches)?)
}

fn one(
    store: &SegmentStore,
    relation: &Relation,
    schema: &SchemaRef,
    row_ids: bool,
    defaults: &AddedDefaults,
    segment: &Segment,
) -> DfResult<RecordBatch> {
    let Some(stored) = store.inline_batch(segment).map_err(external)? else {
        return datafusion::common::internal_err!("segment {} is a file", segment.id);
    };
    let count = stored.num_rows();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for column in &relation.columns {
        columns.push(match stored.column_by_name(&column.storage_name()) {
            Some(array) => from_stored(array, &column.sql_type.arrow()).map_err(external)?,
            None => defaults.get(column).to_array_of_size(count)?,
        });
    }
    if row_ids {
        columns.push(Arc::new(UInt64Array::from(vec![segment.id.0; count])));
        columns.push(Arc::new(UInt64Array::from_iter_values(0..count as u64)));
    }
    if segment.deleted_rows > 0 {
        let deleted = deletes::of(segment).map_err(external)?;
        let alive: BooleanArray = (0..count as u64)
            .map(|row| Some(!deleted.contains(row)))
            .collect();
        for column in &mut columns {
            *column = compute::filter(column, &alive)?;
        }
    }
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}
