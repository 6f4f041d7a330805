//! The one place that knows which family a statement belongs to.

use lw_base::{Result, SqlError};
use lw_sql_syntax::Statement;
use lw_sql_syntax::sqlparser::ast;

use crate::context::PlanContext;
use crate::copy;
use crate::dml;
use crate::plan::*;
use crate::query::plan_query;

/// Plans a statement.
pub fn plan(statement: &Statement, ctx: &PlanContext) -> Result<Planned> {
    match statement {
        Statement::Sql(statement) => match statement.as_ref() {
            ast::Statement::Query(query) => match dml::behind_with(query) {
                Some((statement, with)) => dml::plan(statement, with, ctx),
                None => select(query, ctx),
            },
            statement @ (ast::Statement::Insert(_)
            | ast::Statement::Update(_)
            | ast::Statement::Delete(_)
            | ast::Statement::Merge(_)) => dml::plan(statement, None, ctx),
            _ => Err(SqlError::unsupported("this statement")),
        },
        Statement::Copy(statement) => copy::plan_copy(statement, ctx),
        Statement::Unload(statement) => copy::plan_unload(statement, ctx),
        Statement::Begin(modes) => Ok(bare(
            Plan::Tcl(TclPlan::Begin {
                read_only: modes.read_only == Some(true),
            }),
            "BEGIN",
        )),
        Statement::Commit => Ok(bare(Plan::Tcl(TclPlan::Commit), "COMMIT")),
        Statement::Rollback => Ok(bare(Plan::Tcl(TclPlan::Rollback), "ROLLBACK")),
        Statement::Set { name, value, local } => Ok(bare(
            Plan::Setting(SettingPlan::Set {
                name: name.clone(),
                value: value.clone(),
                local: *local,
            }),
            "SET",
        )),
        _ => Err(SqlError::unsupported("this statement")),
    }
}

fn select(query: &ast::Query, ctx: &PlanContext) -> Result<Planned> {
    let planned = plan_query(query, ctx)?;
    Ok(Planned {
        plan: Plan::Query(QueryPlan {
            logical: planned.logical,
        }),
        params: planned.params,
        columns: Some(planned.columns),
        access: planned.access,
        reads: planned.reads,
        writes: Vec::new(),
        tag: "SELECT",
    })
}

/// A plan without parameters, columns or needs.
fn bare(plan: Plan, tag: &'static str) -> Planned {
    Planned {
        plan,
        params: Vec::new(),
        columns: None,
        access: Vec::new(),
        reads: Vec::new(),
        writes: Vec::new(),
        tag,
    }
}
