//! Lowering: the sources planning put into a plan are replaced by providers that can be read.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::Transformed;
use datafusion::datasource::{DefaultTableSource, MemTable, TableProvider};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::LogicalPlan;
use lw_base::Result;
use lw_functions::{df_error, sql_error};
use lw_sql_plan::source::CatalogTable;
use lw_sysviews::{Body, SystemRelation, SystemTable};

use crate::{Engine, StatementContext};

/// A plan that can be run: every source of the catalog is a provider.
pub(crate) fn lower(
    engine: &Engine,
    plan: &LogicalPlan,
    ctx: &StatementContext,
) -> Result<LogicalPlan> {
    plan.clone()
        .transform_up_with_subqueries(|node| match node {
            LogicalPlan::TableScan(mut scan) => {
                let source = scan.source.as_ref() as &dyn std::any::Any;
                let provider = if let Some(table) = source.downcast_ref::<CatalogTable>() {
                    crate::scan::provider(table, ctx, &engine.segments)
                } else if let Some(system) = source.downcast_ref::<SystemTable>() {
                    system_provider(engine, system.relation, ctx)?
                } else {
                    return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
                };
                scan.source = Arc::new(DefaultTableSource::new(provider));
                Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
            }
            other => Ok(Transformed::no(other)),
        })
        .map(|t| t.data)
        .map_err(sql_error)
}

fn system_provider(
    engine: &Engine,
    relation: &'static SystemRelation,
    ctx: &StatementContext,
) -> DfResult<Arc<dyn TableProvider>> {
    let Body::Primitive(rows) = &relation.body else {
        return Err(DataFusionError::Internal(format!(
            "system view {} was not expanded",
            relation.name
        )));
    };
    let batch = rows(&engine.system_context(ctx)).map_err(df_error)?;
    // A batch may say that a column has no nulls; the relation's schema does not.
    let batch = RecordBatch::try_new(relation.arrow_schema(), batch.columns().to_vec())?;
    Ok(Arc::new(MemTable::try_new(
        relation.arrow_schema(),
        vec![vec![batch]],
    )?))
}
