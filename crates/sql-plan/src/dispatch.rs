//! The one place that knows which family a statement belongs to.

use lw_base::{Result, SqlError};
use lw_sql_syntax::Statement;
use lw_sql_syntax::sqlparser::ast;

use crate::context::PlanContext;
use crate::plan::*;
use crate::query::plan_query;
use crate::{acl, copy, ddl, dml, maintain, setting, show, tcl};

/// Plans a statement.
pub fn plan(statement: &Statement, ctx: &PlanContext) -> Result<Planned> {
    match statement {
        Statement::Sql(statement) => return sql(statement, ctx),
        Statement::Copy(statement) => return copy::plan_copy(statement, ctx),
        Statement::Unload(statement) => return copy::plan_unload(statement, ctx),
        _ => {}
    }
    let families: [fn(&Statement, &PlanContext) -> Result<Option<Planned>>; 6] = [
        tcl::plan,
        setting::plan,
        ddl::plan,
        acl::plan,
        maintain::plan,
        show::plan,
    ];
    for family in families {
        if let Some(planned) = family(statement, ctx)? {
            return Ok(planned);
        }
    }
    Err(SqlError::unsupported("this statement"))
}

/// Queries and DML. `WITH ... UPDATE` and `WITH ... DELETE` are queries to the parser.
fn sql(statement: &ast::Statement, ctx: &PlanContext) -> Result<Planned> {
    match statement {
        ast::Statement::Query(query) => match dml::behind_with(query) {
            Some((statement, with)) => dml::plan(statement, with, ctx),
            None => select(query, ctx),
        },
        statement => dml::plan(statement, None, ctx),
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
