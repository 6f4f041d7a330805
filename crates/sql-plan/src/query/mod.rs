//! Queries: AST to `LogicalPlan` with Redshift's names, types and rules.
//!
//! What it must never know: how a plan is run.
//!
//! Where to start: [`plan_query`].

mod aggregates;
pub(crate) mod assign;
mod balance;
mod calls;
mod desugar;
mod exists;
mod finish;
mod forms;
mod grouping;
mod hidden;
mod lateral;
mod membership;
pub mod names;
mod operators;
pub mod prepare;
mod provider;
mod settle;
mod single_row;
mod table_functions;
pub mod types;
mod using;
mod views;
mod where_alias;

use std::sync::Arc;

use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::sql::planner::{PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast;
use lw_base::{Oid, Result};
use lw_pgrepr::SqlType;
use lw_services::ColumnDesc;

pub use assign::{assignment_cast, bind_params};

use crate::context::PlanContext;
use crate::plan::Access;
use provider::{Provider, plan_error};

/// A planned query.
#[derive(Debug, Clone)]
pub struct PlannedQuery {
    /// The plan. Its output columns have the announced types; their names may carry a mark that
    /// makes them unique (see [`names::visible`]).
    pub logical: LogicalPlan,
    /// Types of the parameters.
    pub params: Vec<SqlType>,
    /// The columns, as clients see them.
    pub columns: Vec<ColumnDesc>,
    /// What the user must be allowed to do.
    pub access: Vec<Access>,
    /// Base tables read, views expanded.
    pub reads: Vec<Oid>,
}

/// How to plan a query.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueryOptions {
    /// Scans of this table also give `__segment` and `__row` (for DELETE, UPDATE, MERGE).
    pub row_ids_of: Option<Oid>,
}

/// Plans a query.
pub fn plan_query(query: &ast::Query, ctx: &PlanContext) -> Result<PlannedQuery> {
    plan_query_with(query, ctx, QueryOptions::default())
}

/// Plans a query, with options.
pub fn plan_query_with(
    query: &ast::Query,
    ctx: &PlanContext,
    options: QueryOptions,
) -> Result<PlannedQuery> {
    deep(|| plan_at_depth(query, ctx, options, 0))
}

/// Runs planning on a stack that deep queries do not overflow.
pub fn deep<R>(f: impl FnOnce() -> R) -> R {
    const STACK: usize = 32 << 20;
    stacker::maybe_grow(STACK / 2, STACK, f)
}

fn plan_at_depth(
    query: &ast::Query,
    ctx: &PlanContext,
    options: QueryOptions,
    depth: usize,
) -> Result<PlannedQuery> {
    let mut query = query.clone();
    prepare::prepare(&mut query, case_sensitive(ctx))?;
    using::write_out(&mut query, ctx);
    hidden::hide(&mut query, ctx);
    where_alias::replace(&mut query, ctx);
    if depth == 0 {
        forms::show_names(&mut query);
    }
    let provider = Provider::new(ctx, options, depth);
    let declared = ctx
        .declared
        .iter()
        .map(|t| {
            t.filter(|t| *t != SqlType::Unknown)
                .map(|t| t.field_ref("", true))
        })
        .collect();
    let planner_ctx = PlannerContext::new().with_prepare_param_data_types(declared);
    let planner = SqlToRel::new(&provider);
    let mut rounds = lateral::ROUNDS;
    let mut budget = lateral::BUDGET;
    let plan = loop {
        let statement = ast::Statement::Query(Box::new(query.clone()));
        let tried = planner.sql_statement_to_plan_with_context(statement, &mut planner_ctx.clone());
        match tried {
            Ok(planned) => break planned,
            Err(error) => match lateral::missing_name(&error) {
                Some(name)
                    if rounds > 0 && lateral::substitute(&mut query, &name, &mut budget)? =>
                {
                    rounds -= 1;
                }
                _ => return Err(plan_error(error)),
            },
        }
    };
    finish::finish(plan, &provider)
}

/// Plans an expression without columns, cast to a type by the rules of assignment: a DEFAULT, an
/// argument of EXECUTE. It may call functions (`getdate()`).
pub fn plan_constant(expr: &ast::Expr, ctx: &PlanContext, target: SqlType) -> Result<Expr> {
    let mut expr = expr.clone();
    prepare::prepare_expr(&mut expr, case_sensitive(ctx))?;
    let provider = Provider::new(ctx, QueryOptions::default(), 0);
    let planner = SqlToRel::new(&provider);
    let planned = planner
        .sql_to_expr(expr, &DFSchema::empty(), &mut PlannerContext::new())
        .map_err(plan_error)?;
    let plan = LogicalPlanBuilder::empty(true)
        .project([planned.clone().alias("value")])
        .and_then(|b| b.build())
        .map_err(plan_error)?;
    let field = plan.schema().field(0).clone();
    assign::assign(planned, &field, "value", target)
}

/// A literal of NULL of a type.
pub fn null_of(target: SqlType) -> Result<Expr> {
    ScalarValue::try_from(&target.arrow())
        .map(lit)
        .map_err(plan_error)
}

/// The rules that settle a plan's types, in order. The engine's own planning uses the same.
pub fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    vec![
        Arc::new(grouping::ComputedKeys),
        Arc::new(single_row::SingleRow),
        Arc::new(settle::Settle),
        Arc::new(ResolveGroupingFunction::new()),
        Arc::new(TypeCoercion::new()),
        Arc::new(settle::OurCasts),
        Arc::new(membership::Membership),
    ]
}

fn case_sensitive(ctx: &PlanContext) -> bool {
    ctx.session
        .settings
        .0
        .get("enable_case_sensitive_identifier")
        .is_some_and(|v| matches!(v.as_str(), "true" | "on" | "1" | "t" | "yes"))
}
