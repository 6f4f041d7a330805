//! VACUUM, ANALYZE, folding of small inserts, rewriting after a new key.
//!
//! Where to start: [`run`]; all but ANALYZE end in [`rewrite`].

mod analyze;
mod fold;
mod record;
mod rewrite;
#[cfg(test)]
mod tests;
mod vacuum;

use lw_base::{Oid, Result};
use lw_sql_plan::MaintainPlan;

use crate::dml::relation;
use crate::{Effect, Engine, StatementContext};

pub use fold::wants_fold;

/// Runs VACUUM or ANALYZE.
pub(crate) async fn run(
    engine: &Engine,
    plan: &MaintainPlan,
    ctx: &StatementContext,
) -> Result<Effect> {
    let mut all = Effect::default();
    match plan {
        MaintainPlan::Vacuum {
            tables,
            kind,
            threshold_percent,
            // BOOST takes more of the machine in Redshift; here VACUUM takes what there is.
            boost: _,
        } => {
            for table in tables {
                let done = vacuum::vacuum(engine, *table, *kind, *threshold_percent, ctx).await?;
                add(&mut all, done);
            }
        }
        MaintainPlan::Analyze {
            tables,
            // Columns are not recorded as predicates yet; then all are analyzed (Developer Guide,
            // ANALYZE, "Usage notes").
            predicate_columns: _,
        } => {
            for (table, columns) in tables {
                add(
                    &mut all,
                    analyze::analyze(engine, *table, columns, ctx).await?,
                );
            }
        }
    }
    Ok(all)
}

/// Writes all rows of a table anew, by the keys its definition now has.
pub(crate) async fn rewrite_table(
    engine: &Engine,
    table: Oid,
    ctx: &StatementContext,
) -> Result<Effect> {
    let relation = relation(ctx, table)?;
    let data = ctx.session.catalog.table_data(table);
    let all = data.segments.values().cloned().collect();
    rewrite::rewrite(engine, relation, all, rewrite::Order::Global, ctx).await
}

/// Gathers a table's small inserts. See [`wants_fold`].
pub(crate) async fn fold_table(
    engine: &Engine,
    table: Oid,
    ctx: &StatementContext,
) -> Result<Effect> {
    fold::fold(engine, table, ctx).await
}

fn add(all: &mut Effect, one: Effect) {
    all.rows += one.rows;
    all.changes.extend(one.changes);
    all.notices.extend(one.notices);
}
