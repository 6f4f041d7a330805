//! DELETE, UPDATE, MERGE: rows are marked as deleted, new versions are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, UInt64Array};
use arrow::compute::{self, filter_record_batch};
use arrow::datatypes::{Int8Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use lw_base::{Oid, Result, SegmentId, SqlError, SqlState};
use lw_catalog::{Change, Relation, TableData};
use lw_functions::sql_error;
use lw_storage::deletes;
use roaring::RoaringTreemap;

use super::{Loader, next};
use crate::{Effect, Engine, StatementContext};

/// DELETE: `__segment`, `__row`.
pub(super) async fn delete(
    ctx: &StatementContext,
    table: Oid,
    mut rows: SendableRecordBatchStream,
) -> Result<Effect> {
    let mut gone = Gone::default();
    while let Some(batch) = next(&mut rows, ctx).await? {
        let (segments, positions) = ids(&batch, 0)?;
        for row in 0..batch.num_rows() {
            gone.add(segments.value(row), positions.value(row));
        }
    }
    let data = ctx.session.catalog.table_data(table);
    Ok(Effect {
        rows: gone.rows,
        changes: gone.changes(table, &data)?,
        notices: vec![],
    })
}

/// UPDATE: `__segment`, `__row`, then the new values of all columns.
pub(super) async fn update(
    engine: &Engine,
    relation: Arc<Relation>,
    ctx: &StatementContext,
    mut rows: SendableRecordBatchStream,
) -> Result<Effect> {
    let table = relation.oid;
    let mut loader = Loader::of_whole_rows(engine, relation, ctx)?.replacing();
    let mut gone = Gone::default();
    while let Some(batch) = next(&mut rows, ctx).await? {
        let (segments, positions) = ids(&batch, 0)?;
        // A row joined twice is updated once.
        let first: BooleanArray = (0..batch.num_rows())
            .map(|row| Some(gone.add(segments.value(row), positions.value(row))))
            .collect();
        let batch = kept(&batch, &first)?;
        loader.write_columns(batch.columns()[2..].to_vec()).await?;
    }
    let data = ctx.session.catalog.table_data(table);
    let rows = gone.rows;
    let mut changes = gone.changes(table, &data)?;
    changes.extend(loader.finish().await?.changes);
    Ok(Effect {
        rows,
        changes,
        notices: vec![],
    })
}

/// MERGE: `__action`, `__segment`, `__row`, then all columns.
pub(super) async fn merge(
    engine: &Engine,
    relation: Arc<Relation>,
    identity: &[u32],
    ctx: &StatementContext,
    mut rows: SendableRecordBatchStream,
) -> Result<Effect> {
    let table = relation.oid;
    let mut loader = Loader::of_whole_rows(engine, relation.clone(), ctx)?;
    let mut gone = Gone::default();
    let mut changed = 0;
    while let Some(batch) = next(&mut rows, ctx).await? {
        let actions = compute::cast(batch.column(0), &arrow::datatypes::DataType::Int8)
            .map_err(|e| sql_error(e.into()))?;
        let actions = actions.as_primitive::<Int8Type>();
        let (segments, positions) = ids(&batch, 1)?;
        let (mut inserted, mut updated) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            let action = if actions.is_valid(row) {
                actions.value(row)
            } else {
                0
            };
            inserted.push(action == 1);
            updated.push(action == 2);
            changed += u64::from(matches!(action, 1..=3));
            if matches!(action, 2 | 3) && !gone.add(segments.value(row), positions.value(row)) {
                return Err(SqlError::new(
                    SqlState::CARDINALITY_VIOLATION,
                    "Found multiple matches to update the same tuple.",
                ));
            }
        }
        let new = kept(&batch, &BooleanArray::from(updated))?;
        if new.num_rows() > 0 {
            loader.write_columns(new.columns()[3..].to_vec()).await?;
        }
        let new = kept(&batch, &BooleanArray::from(inserted))?;
        if new.num_rows() > 0 {
            let mut columns = new.columns()[3..].to_vec();
            for (array, column) in columns.iter_mut().zip(&relation.columns) {
                if identity.contains(&column.id) {
                    *array = loader.identity(column, new.num_rows()).await?;
                }
            }
            loader.write_columns(columns).await?;
        }
    }
    let data = ctx.session.catalog.table_data(table);
    let mut changes = gone.changes(table, &data)?;
    changes.extend(loader.finish().await?.changes);
    Ok(Effect {
        rows: changed,
        changes,
        notices: vec![],
    })
}

/// Rows to be deleted, by segment.
#[derive(Default)]
struct Gone {
    rows: u64,
    segments: BTreeMap<SegmentId, RoaringTreemap>,
}

impl Gone {
    /// Adds a row. False if it was there.
    fn add(&mut self, segment: u64, row: u64) -> bool {
        let new = self
            .segments
            .entry(SegmentId(segment))
            .or_default()
            .insert(row);
        self.rows += u64::from(new);
        new
    }

    fn changes(self, table: Oid, data: &TableData) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        let mut emptied = Vec::new();
        for (id, rows) in self.segments {
            let segment = data.segments.get(&id).ok_or_else(|| {
                SqlError::internal(format!("segment {id} is not part of table {table}"))
            })?;
            let deleted = deletes::of(segment)? | rows;
            let deleted_rows = deleted.len();
            if deleted_rows >= segment.rows {
                emptied.push(id);
                continue;
            }
            changes.push(Change::SetDeleted {
                table,
                segment: id,
                deleted: deletes::encode(&deleted)?,
                deleted_rows,
            });
        }
        if !emptied.is_empty() {
            changes.push(Change::RemoveSegments {
                table,
                segments: emptied,
            });
        }
        Ok(changes)
    }
}

/// The row ids of a batch, from this column on.
fn ids(batch: &RecordBatch, from: usize) -> Result<(UInt64Array, UInt64Array)> {
    let column = |i: usize| -> Result<UInt64Array> {
        batch
            .column(i)
            .as_primitive_opt::<UInt64Type>()
            .cloned()
            .ok_or_else(|| {
                SqlError::internal(format!("row ids of type {}", batch.column(i).data_type()))
            })
    };
    Ok((column(from)?, column(from + 1)?))
}

fn kept(batch: &RecordBatch, keep: &BooleanArray) -> Result<RecordBatch> {
    if keep.true_count() == batch.num_rows() {
        return Ok(batch.clone());
    }
    filter_record_batch(batch, keep).map_err(|e| sql_error(e.into()))
}
