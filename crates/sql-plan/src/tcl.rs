//! Transactions, locks, cursors, prepared statements, EXPLAIN, CANCEL.

use std::sync::Arc;

use lw_base::{Result, SqlError};
use lw_sql_syntax::Statement;
use lw_sql_syntax::sqlparser::ast::{SelectItem, SetExpr};

use crate::context::PlanContext;
use crate::plan::*;
use crate::query::plan_query;
use crate::query::types::sql_type;
use crate::setting::text_columns;

/// Plans a statement of the family; `None` if it is of another.
pub(crate) fn plan(statement: &Statement, ctx: &PlanContext) -> Result<Option<Planned>> {
    Ok(Some(match statement {
        Statement::Begin(modes) => bare(
            Plan::Tcl(TclPlan::Begin {
                read_only: modes.read_only == Some(true),
            }),
            "BEGIN",
        ),
        Statement::Commit => bare(Plan::Tcl(TclPlan::Commit), "COMMIT"),
        Statement::Rollback => bare(Plan::Tcl(TclPlan::Rollback), "ROLLBACK"),
        Statement::Lock(names) => {
            let mut tables = Vec::new();
            let mut access = Vec::new();
            for name in names {
                let table = ctx.table(name)?;
                access.push(Access::Relation(table.oid, 'r'));
                tables.push(table.oid);
            }
            Planned {
                access,
                writes: tables.clone(),
                ..bare(Plan::Tcl(TclPlan::Lock(tables)), "LOCK TABLE")
            }
        }
        Statement::Declare { name, query } => declare(name, query, ctx)?,
        Statement::Fetch { name, count } => Planned {
            // The columns are the cursor's; the leader knows them.
            columns: Some(vec![]),
            ..bare(
                Plan::Cursor(CursorPlan::Fetch {
                    name: ctx.fold(name),
                    count: *count,
                }),
                "FETCH",
            )
        },
        Statement::Close { name } => bare(
            Plan::Cursor(CursorPlan::Close {
                name: ctx.fold(name),
            }),
            "CLOSE CURSOR",
        ),
        Statement::Prepare {
            name,
            types,
            statement,
        } => {
            let types = types.iter().map(sql_type).collect::<Result<Vec<_>>>()?;
            // A statement that cannot be planned is refused now, as PostgreSQL does.
            let declared = types.iter().copied().map(Some).collect();
            crate::plan(statement, &PlanContext::new(ctx.session.clone(), declared))?;
            bare(
                Plan::Cursor(CursorPlan::Prepare {
                    name: ctx.fold(name),
                    types,
                    statement: Arc::new((**statement).clone()),
                }),
                "PREPARE",
            )
        }
        Statement::Execute { name, values } => {
            let values = match values.as_slice() {
                [] => None,
                values => {
                    let mut row = lw_sql_syntax::parse_query("select 1")?;
                    if let SetExpr::Select(select) = row.body.as_mut() {
                        select.projection = values
                            .iter()
                            .map(|v| SelectItem::UnnamedExpr(v.clone()))
                            .collect();
                    }
                    Some(plan_query(&row, ctx)?.logical)
                }
            };
            bare(
                Plan::Cursor(CursorPlan::Execute {
                    name: ctx.fold(name),
                    values,
                }),
                "EXECUTE",
            )
        }
        Statement::Deallocate(name) => bare(
            Plan::Cursor(CursorPlan::Deallocate(name.as_ref().map(|n| ctx.fold(n)))),
            "DEALLOCATE",
        ),
        Statement::Explain {
            verbose,
            engine,
            statement,
        } => explain(*verbose, *engine, statement, ctx)?,
        Statement::Cancel { pid, message } => bare(
            Plan::Cancel {
                pid: *pid,
                message: message.clone(),
            },
            "CANCEL",
        ),
        Statement::Use(_) => {
            return Err(SqlError::unsupported("USE").with_hint("Connect to the other database."));
        }
        _ => return Ok(None),
    }))
}

/// A plan without parameters, columns or needs.
fn bare(plan: Plan, tag: &'static str) -> Planned {
    Planned {
        plan,
        params: vec![],
        columns: None,
        access: vec![],
        reads: vec![],
        writes: vec![],
        tag,
    }
}

fn declare(
    name: &lw_sql_syntax::sqlparser::ast::Ident,
    query: &Statement,
    ctx: &PlanContext,
) -> Result<Planned> {
    let query = crate::plan(query, ctx)?;
    Ok(Planned {
        params: query.params.clone(),
        access: query.access.clone(),
        reads: query.reads.clone(),
        ..bare(
            Plan::Cursor(CursorPlan::Declare {
                name: ctx.fold(name),
                query: Box::new(query),
            }),
            "DECLARE CURSOR",
        )
    })
}

fn explain(
    verbose: bool,
    engine: bool,
    statement: &Statement,
    ctx: &PlanContext,
) -> Result<Planned> {
    let mut inner = crate::plan(statement, ctx)?;
    if let Plan::Cursor(CursorPlan::Declare { query, .. }) = inner.plan {
        inner = *query;
    }
    if let Plan::Dml(DmlPlan::Delete { table, input: None }) = inner.plan {
        // Shown as the scan it is.
        inner.plan = Plan::Dml(DmlPlan::Delete {
            table,
            input: Some(scan_of(table, ctx)?),
        });
    }
    Ok(Planned {
        params: inner.params.clone(),
        columns: Some(text_columns(&["QUERY PLAN"])),
        access: inner.access.clone(),
        reads: inner.reads.clone(),
        ..bare(
            Plan::Explain {
                inner: Box::new(inner),
                verbose,
                engine,
            },
            "EXPLAIN",
        )
    })
}

fn scan_of(
    table: lw_base::Oid,
    ctx: &PlanContext,
) -> Result<datafusion::logical_expr::LogicalPlan> {
    let relation = ctx
        .catalog()
        .relation(table)
        .cloned()
        .ok_or_else(|| SqlError::internal("a table was lost"))?;
    let name = relation.name.clone();
    let source = Arc::new(crate::source::CatalogTable::new(relation, false));
    datafusion::logical_expr::LogicalPlanBuilder::scan(name, source, None)
        .and_then(|b| b.build())
        .map_err(SqlError::internal)
}
