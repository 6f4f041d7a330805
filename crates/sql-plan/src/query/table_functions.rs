//! Functions in FROM: `generate_series`, `unnest`, and those that list columns of relations.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue};
use datafusion::functions_nested::range::gen_series_udf;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlanBuilder, TableSource, col, lit};
use datafusion::sql::sqlparser::ast::{TableAliasColumnDef, TableFactor};
use lw_base::{Result, SqlError, SqlState};
use lw_sysviews::{INTERNAL_SCHEMA, SystemTable};

use super::provider::{PlanSource, plan_error};
use crate::context::{PlanContext, QualifiedName, Resolved, missing_relation};

/// Functions of several columns. The one column of others is named as their alias is.
const SEVERAL_COLUMNS: [&str; 2] = ["pg_get_late_binding_view_cols", "pg_get_cols"];

/// Puts a function in FROM into the planner's form: its name without `pg_catalog`, and the alias of
/// a function of one column as the column's name, too.
pub(super) fn prepare(factor: &mut TableFactor) {
    let TableFactor::Table {
        name,
        alias,
        args: Some(_),
        ..
    } = factor
    else {
        return;
    };
    let Some(last) = name.0.last().cloned() else {
        return;
    };
    let plain = last.as_ident().map(|i| i.value.to_lowercase());
    name.0 = vec![last];
    let one = plain.is_some_and(|n| !SEVERAL_COLUMNS.contains(&n.as_str()));
    if let Some(alias) = alias.as_mut().filter(|a| one && a.columns.is_empty()) {
        let column = TableAliasColumnDef::from_name(alias.name.value.clone());
        alias.columns.push(column);
    }
}

/// The rows of a function in FROM.
pub(super) fn source(
    ctx: &PlanContext,
    name: &str,
    args: Vec<Expr>,
) -> Result<Arc<dyn TableSource>> {
    let name = name.trim_matches('"').to_lowercase();
    match name.as_str() {
        "generate_series" if (2..=3).contains(&args.len()) => {
            let args = args
                .into_iter()
                .map(as_bigint)
                .collect::<Result<Vec<_>>>()?;
            unnested(gen_series_udf().call(args), &name)
        }
        "unnest" if args.len() == 1 => {
            let list = args
                .into_iter()
                .next()
                .unwrap_or_else(|| lit(ScalarValue::Null));
            unnested(list, &name)
        }
        "pg_get_late_binding_view_cols" if args.is_empty() => late_binding_columns(ctx),
        "pg_get_cols" if args.len() == 1 => columns_of(ctx, &args[0]),
        // A function of one value is a table of one row.
        _ => match lw_functions::all().scalar.get(&name) {
            Some(function) => {
                let value = function.call(args).alias(&name);
                let plan = LogicalPlanBuilder::empty(true)
                    .project([value])
                    .and_then(|b| b.build())
                    .map_err(plan_error)?;
                Ok(Arc::new(PlanSource::new(plan)))
            }
            None => Err(SqlError::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("function {name} does not exist"),
            )),
        },
    }
}

fn as_bigint(expr: Expr) -> Result<Expr> {
    expr.cast_to(&DataType::Int64, &datafusion::common::DFSchema::empty())
        .map_err(plan_error)
}

fn unnested(list: Expr, name: &str) -> Result<Arc<dyn TableSource>> {
    let plan = LogicalPlanBuilder::empty(true)
        .project([list.alias(name)])
        .and_then(|b| b.unnest_column(Column::from_name(name)))
        .and_then(|b| b.build())
        .map_err(plan_error)?;
    Ok(Arc::new(PlanSource::new(plan)))
}

fn internal(name: &str) -> Result<Arc<dyn TableSource>> {
    let relation = lw_sysviews::lookup(INTERNAL_SCHEMA, name)
        .ok_or_else(|| SqlError::internal(format!("no relation behind {name}")))?;
    Ok(Arc::new(SystemTable::new(relation)))
}

/// `pg_get_late_binding_view_cols()`: the columns late-binding views have now, which only planning
/// them tells. A view that cannot be planned (its tables are gone) has none.
fn late_binding_columns(ctx: &PlanContext) -> Result<Arc<dyn TableSource>> {
    let session = &ctx.session;
    let mut rows = Vec::new();
    for schema in session.catalog.schemas(session.database) {
        for relation in session.catalog.relations_in(schema.oid) {
            let Some(view) = relation.view().filter(|v| v.late_binding) else {
                continue;
            };
            if !session.catalog.sees_relation(session.user, relation) {
                continue;
            }
            let Ok(planned) = super::views::expand(ctx, relation, view, 0) else {
                continue;
            };
            for (number, column) in planned.columns.iter().enumerate() {
                rows.push(vec![
                    lit(schema.name.clone()),
                    lit(relation.name.clone()),
                    lit(column.name.clone()),
                    lit(column.sql_type.to_string()),
                    lit(number as i32 + 1),
                ]);
            }
        }
    }
    let source = internal("pg_get_late_binding_view_cols")?;
    if rows.is_empty() {
        return Ok(source);
    }
    let values = LogicalPlanBuilder::values(rows)
        .and_then(|b| b.build())
        .map_err(plan_error)?;
    // The names and types are those of the relation without rows.
    let columns = values.schema().columns();
    let schema = source.schema();
    let exprs = columns.into_iter().zip(schema.fields()).map(|(c, field)| {
        Expr::Cast(Cast::new_from_field(
            Box::new(Expr::Column(c)),
            field.clone(),
        ))
        .alias(field.name())
    });
    let plan = LogicalPlanBuilder::from(values)
        .project(exprs.collect::<Vec<_>>())
        .and_then(|b| b.build())
        .map_err(plan_error)?;
    Ok(Arc::new(PlanSource::new(plan)))
}

/// `pg_get_cols('schema.relation')`.
fn columns_of(ctx: &PlanContext, argument: &Expr) -> Result<Arc<dyn TableSource>> {
    let text = match argument {
        Expr::Literal(value, _) => value.try_as_str().flatten().map(str::to_string),
        _ => None,
    };
    let Some(text) = text else {
        return Err(SqlError::unsupported(
            "pg_get_cols of a name that is not a literal",
        ));
    };
    let mut parts: Vec<String> = text.split('.').map(str::to_lowercase).collect();
    let name = QualifiedName {
        name: parts.pop().unwrap_or_default(),
        schema: parts.pop(),
        database: parts.pop(),
    };
    let Some(Resolved::Relation(relation)) = ctx.find(&name)? else {
        return Err(missing_relation(&name));
    };
    let schema = ctx
        .session
        .catalog
        .schema(relation.schema)
        .map_or_else(String::new, |s| s.name.clone());
    let source = internal("pg_get_cols")?;
    let plan = LogicalPlanBuilder::scan("pg_get_cols", source, None)
        .and_then(|b| {
            b.filter(
                col("view_schema")
                    .eq(lit(schema))
                    .and(col("view_name").eq(lit(relation.name.clone()))),
            )
        })
        .and_then(|b| b.build())
        .map_err(plan_error)?;
    Ok(Arc::new(PlanSource::new(plan)))
}
