//! INSERT, DELETE, UPDATE, MERGE: rows in, changes of the catalog out.
//!
//! Where to start: [`run`]; [`Loader`] is the way of every new row, COPY's too.

mod change;
mod loader;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use lw_base::{Oid, Result, SqlError};
use lw_catalog::{Change, Relation};
use lw_functions::error::canceled;
use lw_functions::sql_error;
use lw_sql_plan::DmlPlan;

use crate::small::Small;
use crate::{Effect, Engine, StatementContext};

pub(crate) use loader::IdsOf;
pub use loader::Loader;

/// Runs a statement that changes rows.
pub(crate) async fn run(engine: &Engine, plan: &DmlPlan, ctx: &StatementContext) -> Result<Effect> {
    match plan {
        DmlPlan::Insert {
            table,
            columns,
            identity,
            input,
        } => {
            let relation = relation(ctx, *table)?;
            let mut loader = Loader::new(engine, relation, columns, identity, ctx)?;
            let mut rows = engine.execute_stream(input, ctx).await?;
            while let Some(batch) = next(&mut rows, ctx).await? {
                loader.write(&batch).await?;
            }
            loader.finish().await
        }
        DmlPlan::Delete { table, input: None } => {
            let data = ctx.session.catalog.table_data(*table);
            let segments: Vec<_> = data.segments.keys().copied().collect();
            let changes = match segments.is_empty() {
                true => vec![],
                false => vec![Change::RemoveSegments {
                    table: *table,
                    segments,
                }],
            };
            Ok(Effect {
                rows: data.row_count(),
                changes,
                notices: vec![],
            })
        }
        DmlPlan::Delete {
            table,
            input: Some(input),
        } => {
            let rows = engine.execute_stream(input, ctx).await?;
            change::delete(ctx, *table, rows).await
        }
        DmlPlan::Update { table, input } => {
            let rows = engine.execute_stream(input, ctx).await?;
            change::update(engine, relation(ctx, *table)?, ctx, rows).await
        }
        DmlPlan::Merge {
            table,
            identity,
            input,
        } => {
            let rows = engine.execute_stream(input, ctx).await?;
            change::merge(engine, relation(ctx, *table)?, identity, ctx, rows).await
        }
    }
}

/// True if the rows to write are few and found at once.
pub(crate) fn is_small(engine: &Engine, plan: &DmlPlan, ctx: &StatementContext) -> bool {
    match plan {
        DmlPlan::Insert { input, .. }
        | DmlPlan::Update { input, .. }
        | DmlPlan::Delete {
            input: Some(input), ..
        } => Small::of(engine, input, ctx).is_some_and(|small| small.is_tiny()),
        DmlPlan::Delete { input: None, .. } => true,
        DmlPlan::Merge { .. } => false,
    }
}

/// The table as the statement sees it.
pub(crate) fn relation(ctx: &StatementContext, table: Oid) -> Result<Arc<Relation>> {
    ctx.session
        .catalog
        .relation(table)
        .cloned()
        .ok_or_else(|| SqlError::internal(format!("table {table} is not in the catalog")))
}

/// The next rows of a statement's input, unless the statement is cancelled.
pub(crate) async fn next(
    rows: &mut SendableRecordBatchStream,
    ctx: &StatementContext,
) -> Result<Option<RecordBatch>> {
    tokio::select! {
        biased;
        () = ctx.cancel.cancelled() => Err(canceled()),
        batch = rows.next() => batch.transpose().map_err(sql_error),
    }
}
