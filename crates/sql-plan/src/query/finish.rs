//! The last step of planning a query: types are settled, parameters and columns described.

use std::collections::BTreeMap;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::optimizer::Analyzer;
use lw_base::{Result, SqlError};
use lw_pgrepr::SqlType;
use lw_pgrepr::types::VARCHAR_MAX;
use lw_services::{ColumnDesc, Origin};

use super::provider::{Provider, plan_error};
use super::{PlannedQuery, names};
use crate::context::PlanContext;
use crate::source::CatalogTable;
use datafusion::logical_expr::planner::ContextProvider;

pub(super) fn finish(plan: LogicalPlan, provider: &Provider) -> Result<PlannedQuery> {
    let (plan, params) = parameters(plan, provider.ctx)?;
    let plan = analyze(plan, provider.options())?;
    let plan = announce(plan)?;
    let columns = describe(&plan, provider.ctx);
    let touched = provider.touched.take();
    Ok(PlannedQuery {
        logical: plan,
        params,
        columns,
        access: touched.access,
        reads: touched.reads,
    })
}

/// Resolves implicit casts, so that every type is final.
fn analyze(plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
    Analyzer::with_rules(super::analyzer_rules())
        .execute_and_check(plan, config, |_, _| {})
        .map_err(plan_error)
}

/// Types of `$1`, `$2`, ...; what nothing tells is VARCHAR.
fn parameters(plan: LogicalPlan, ctx: &PlanContext) -> Result<(LogicalPlan, Vec<SqlType>)> {
    let found: BTreeMap<usize, Option<SqlType>> = plan
        .get_parameter_fields()
        .map_err(plan_error)?
        .into_iter()
        .filter_map(|(name, field)| {
            let n = name.trim_start_matches('$').parse::<usize>().ok()?;
            Some((n, field.and_then(|f| SqlType::of_field(&f))))
        })
        .collect();
    let count = found
        .keys()
        .last()
        .copied()
        .unwrap_or(0)
        .max(ctx.declared.len());
    let params: Vec<SqlType> = (1..=count)
        .map(|n| {
            let declared = ctx.declared.get(n - 1).copied().flatten();
            declared
                .filter(|t| *t != SqlType::Unknown)
                .or_else(|| {
                    found
                        .get(&n)
                        .copied()
                        .flatten()
                        .filter(|t| *t != SqlType::Unknown)
                })
                .unwrap_or(SqlType::Varchar(VARCHAR_MAX))
        })
        .collect();
    if count == 0 {
        return Ok((plan, params));
    }
    let typed = plan
        .transform_up_with_subqueries(|node| {
            node.map_expressions(|e| {
                e.transform_up(|e| match e {
                    Expr::Placeholder(p) if p.field.is_none() => {
                        let n = p.id.trim_start_matches('$').parse::<usize>().unwrap_or(0);
                        let field = params.get(n.wrapping_sub(1)).map(|t| t.field_ref("", true));
                        Ok(Transformed::yes(Expr::Placeholder(
                            Placeholder::new_with_field(p.id, field),
                        )))
                    }
                    other => Ok(Transformed::no(other)),
                })
            })?
            .map_data(|node| node.recompute_schema())
        })
        .map_err(plan_error)?
        .data;
    Ok((typed, params))
}

/// Makes the output columns of the Arrow types of the announced ones.
fn announce(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut changed = false;
    let mut exprs = Vec::new();
    for (qualifier, field) in plan.schema().iter() {
        let column = Expr::from((qualifier, field));
        let announced = announced_type(field)?;
        let mut expr = column;
        if announced.arrow() != *field.data_type() {
            expr = cast(expr, announced.arrow()).alias_qualified(qualifier.cloned(), field.name());
            changed = true;
        }
        exprs.push(expr);
    }
    if !changed {
        return Ok(plan);
    }
    LogicalPlanBuilder::from(plan)
        .project(exprs)
        .and_then(|b| b.build())
        .map_err(plan_error)
}

fn announced_type(field: &arrow::datatypes::Field) -> Result<SqlType> {
    match SqlType::of_field(field) {
        Some(SqlType::Unknown) => Ok(SqlType::Varchar(VARCHAR_MAX)),
        Some(t) => Ok(t),
        None => Err(SqlError::unsupported(format!(
            "a result of type {}",
            field.data_type()
        ))),
    }
}

fn describe(plan: &LogicalPlan, ctx: &PlanContext) -> Vec<ColumnDesc> {
    plan.schema()
        .fields()
        .iter()
        .enumerate()
        .map(|(i, field)| ColumnDesc {
            name: names::visible(field.name()).to_string(),
            sql_type: announced_type(field).unwrap_or(SqlType::Varchar(VARCHAR_MAX)),
            origin: origin(plan, i, ctx),
            not_null: !field.is_nullable(),
        })
        .collect()
}

/// The table column an output column is, if it is one unchanged.
fn origin(plan: &LogicalPlan, index: usize, ctx: &PlanContext) -> Option<Origin> {
    match plan {
        LogicalPlan::Projection(p) => {
            let mut expr = p.expr.get(index)?;
            while let Expr::Alias(alias) = expr {
                expr = &alias.expr;
            }
            let Expr::Column(column) = expr else {
                return None;
            };
            let input = p.input.schema().maybe_index_of_column(column)?;
            origin(&p.input, input, ctx)
        }
        LogicalPlan::SubqueryAlias(a) => origin(&a.input, index, ctx),
        LogicalPlan::Filter(f) => origin(&f.input, index, ctx),
        LogicalPlan::Sort(s) => origin(&s.input, index, ctx),
        LogicalPlan::Limit(l) => origin(&l.input, index, ctx),
        LogicalPlan::Distinct(datafusion::logical_expr::Distinct::All(d)) => origin(d, index, ctx),
        LogicalPlan::Join(j) => {
            let (column_q, column_f) = plan.schema().qualified_field(index);
            let column = datafusion::common::Column::from((column_q, column_f));
            if let Some(i) = j.left.schema().maybe_index_of_column(&column) {
                origin(&j.left, i, ctx)
            } else {
                origin(
                    &j.right,
                    j.right.schema().maybe_index_of_column(&column)?,
                    ctx,
                )
            }
        }
        LogicalPlan::TableScan(scan) => {
            let source = scan.source.as_ref() as &dyn std::any::Any;
            let table = source.downcast_ref::<CatalogTable>()?;
            let at = match &scan.projection {
                Some(projection) => *projection.get(index)?,
                None => index,
            };
            let column = table.relation.columns.get(at)?;
            let schema = ctx.session.catalog.schema(table.relation.schema)?;
            let database = ctx.session.catalog.database(schema.database)?;
            Some(Origin {
                table_oid: table.relation.oid.0,
                column: column.id as i16,
                catalog_name: database.name.clone(),
                schema_name: schema.name.clone(),
                table_name: table.relation.name.clone(),
                column_name: column.name.clone(),
                auto_increment: column.identity.is_some(),
            })
        }
        _ => None,
    }
}
