//! Views: their text is planned where they are used, with the search path they were made with.

use std::sync::Arc;

use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use lw_base::{Result, SqlError, SqlState};
use lw_catalog::{Relation, ViewDef};
use lw_sysviews::SystemRelation;

use super::{PlannedQuery, QueryOptions, names, plan_at_depth, provider::plan_error};
use crate::context::PlanContext;

/// Views inside views beyond this are taken for a cycle.
const MAX_DEPTH: usize = 64;

/// The plan of a view; its columns are named as the view's.
pub(super) fn expand(
    ctx: &PlanContext,
    relation: &Relation,
    view: &ViewDef,
    depth: usize,
) -> Result<PlannedQuery> {
    if depth >= MAX_DEPTH {
        return Err(SqlError::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!(
                "view \"{}\" is nested too deeply or refers to itself",
                relation.name
            ),
        ));
    }
    let query = lw_sql_syntax::parse_query(&view.query)?;
    let mut session = (*ctx.session).clone();
    session.search_path = view.search_path.clone();
    let inner = PlanContext::new(Arc::new(session), Vec::new());
    let columns: Vec<&str> = relation.columns.iter().map(|c| c.name.as_str()).collect();
    let mut planned = plan_at_depth(&query, &inner, QueryOptions::default(), depth + 1)?;
    if !columns.is_empty() && columns.len() == planned.columns.len() {
        planned.logical = renamed(planned.logical, &columns)?;
    }
    Ok(planned)
}

/// The plan of a system view: its columns have the declared names and types.
pub(super) fn expand_system(
    ctx: &PlanContext,
    relation: &SystemRelation,
    text: &str,
    depth: usize,
) -> Result<LogicalPlan> {
    if depth >= MAX_DEPTH {
        return Err(SqlError::internal(format!(
            "system view {} refers to itself",
            relation.name
        )));
    }
    let query = lw_sql_syntax::parse_query(text)?;
    let mut session = (*ctx.session).clone();
    session.search_path = vec!["pg_catalog".into()];
    let inner = PlanContext::new(Arc::new(session), Vec::new());
    let planned = plan_at_depth(&query, &inner, QueryOptions::default(), depth + 1)?;
    let plan = planned.logical;
    let columns = plan.schema().columns();
    if columns.len() != relation.columns.len() {
        return Err(SqlError::internal(format!(
            "system view {} has {} columns, its text {}",
            relation.name,
            relation.columns.len(),
            columns.len()
        )));
    }
    let exprs: Vec<Expr> = columns
        .into_iter()
        .zip(relation.columns)
        .map(|(column, (name, sql_type))| {
            Expr::Cast(Cast::new_from_field(
                Box::new(Expr::Column(column)),
                sql_type.field_ref(*name, true),
            ))
            .alias(*name)
        })
        .collect();
    LogicalPlanBuilder::from(plan)
        .project(exprs)
        .and_then(|b| b.build())
        .map_err(plan_error)
}

fn renamed(plan: LogicalPlan, to: &[&str]) -> Result<LogicalPlan> {
    let same = plan
        .schema()
        .fields()
        .iter()
        .zip(to)
        .all(|(f, name)| names::visible(f.name()) == *name && f.name() == name);
    if same {
        return Ok(plan);
    }
    let exprs: Vec<_> = plan
        .schema()
        .columns()
        .into_iter()
        .zip(to)
        .map(|(column, name)| Expr::Column(column).alias(*name))
        .collect();
    LogicalPlanBuilder::from(plan)
        .project(exprs)
        .and_then(|b| b.build())
        .map_err(plan_error)
}
