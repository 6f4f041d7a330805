//! UPDATE and DELETE.

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr as LogicalExpr, LogicalPlan, LogicalPlanBuilder, cast};
use lw_base::{Result, SqlError};
use lw_catalog::Relation;
use lw_sql_syntax::sqlparser::ast::{
    Delete, FromTable, TableFactor, TableWithJoins, Update, UpdateTableFromKind, With,
};

use super::{
    Target, assignments, declare, default_of, is_default, item, only_table, planned, select,
    target, with_declared,
};
use crate::context::PlanContext;
use crate::plan::{DmlPlan, Planned};
use crate::query::assign::assign;
use crate::query::{PlannedQuery, QueryOptions, plan_query_with};
use crate::source::{ROW_COLUMN, SEGMENT_COLUMN};

pub(super) fn update(update: &Update, with: Option<&With>, ctx: &PlanContext) -> Result<Planned> {
    if update.returning.is_some() {
        return Err(SqlError::syntax("syntax error at or near \"returning\""));
    }
    let written = target(&update.table.relation, ctx)?;
    let others = match &update.from {
        None => Vec::new(),
        Some(UpdateTableFromKind::BeforeSet(list) | UpdateTableFromKind::AfterSet(list)) => {
            list.clone()
        }
    };
    let from = sources(&update.table, &written, others, ctx);
    let values = assignments(&update.assignments, &written.relation, ctx)?;
    let mut declared = ctx.declared.clone();
    let mut items = row_items(&written);
    for (i, (column, value)) in written.relation.columns.iter().zip(values).enumerate() {
        let value = match value {
            None => written.column(column),
            Some(value) if is_default(value) => default_of(column)?,
            Some(value) => {
                declare(value, column, &mut declared);
                value.clone()
            }
        };
        items.push(item(value, &super::generated("v", i)));
    }
    let query = select(with, items, from, update.selection.clone())?;
    let query = plan_query_with(
        &query,
        &with_declared(ctx, declared),
        QueryOptions {
            row_ids_of: Some(written.relation.oid),
        },
    )?;
    let input = typed(
        &query,
        &[DataType::UInt64, DataType::UInt64],
        &written.relation,
    )?;
    let plan = DmlPlan::Update {
        table: written.relation.oid,
        input,
    };
    Ok(planned(plan, "UPDATE", &written.relation, &['w'], query))
}

pub(super) fn delete(delete: &Delete, with: Option<&With>, ctx: &PlanContext) -> Result<Planned> {
    if delete.returning.is_some() {
        return Err(SqlError::syntax("syntax error at or near \"returning\""));
    }
    let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
    let [first] = tables.as_slice() else {
        return Err(SqlError::syntax("DELETE removes rows of one table")
            .with_hint("Name the other tables after USING."));
    };
    let written = target(&first.relation, ctx)?;
    let from = sources(
        first,
        &written,
        delete.using.clone().unwrap_or_default(),
        ctx,
    );
    let query = select(with, row_items(&written), from, delete.selection.clone())?;
    let query = plan_query_with(
        &query,
        ctx,
        QueryOptions {
            row_ids_of: Some(written.relation.oid),
        },
    )?;
    let all = delete.selection.is_none() && delete.using.is_none();
    let input = if all {
        None
    } else {
        Some(typed(
            &query,
            &[DataType::UInt64, DataType::UInt64],
            &written.relation,
        )?)
    };
    let plan = DmlPlan::Delete {
        table: written.relation.oid,
        input,
    };
    Ok(planned(plan, "DELETE", &written.relation, &['d'], query))
}

fn row_items(target: &Target) -> Vec<lw_sql_syntax::sqlparser::ast::SelectItem> {
    vec![
        item(target.hidden(SEGMENT_COLUMN), SEGMENT_COLUMN),
        item(target.hidden(ROW_COLUMN), ROW_COLUMN),
    ]
}

/// The tables of the query: the written one first, unless the others name it themselves (Developer
/// Guide, UPDATE: the target may stand in FROM, joined).
fn sources(
    first: &TableWithJoins,
    written: &Target,
    others: Vec<TableWithJoins>,
    ctx: &PlanContext,
) -> Vec<TableWithJoins> {
    let is_target = |factor: &TableFactor| match factor {
        TableFactor::Table { name, alias, .. } => {
            let qualifier = match alias {
                Some(alias) => ctx.fold(&alias.name),
                None => match ctx.qualified(name) {
                    Ok(name) => name.name,
                    Err(_) => return false,
                },
            };
            qualifier == ctx.fold(&written.qualifier)
                && ctx
                    .relation(name)
                    .is_ok_and(|r| r.oid == written.relation.oid)
        }
        _ => false,
    };
    let named = others
        .iter()
        .any(|t| is_target(&t.relation) || t.joins.iter().any(|j| is_target(&j.relation)));
    if named {
        return others;
    }
    let mut from = vec![TableWithJoins {
        joins: first.joins.clone(),
        ..only_table(first.relation.clone())
    }];
    from.extend(others);
    from
}

/// Casts the first columns to the types the engine wants, and the others to the table's columns.
pub(super) fn typed(
    query: &PlannedQuery,
    leading: &[DataType],
    relation: &Relation,
) -> Result<LogicalPlan> {
    let plan = query.logical.clone();
    let exprs = plan
        .schema()
        .columns()
        .into_iter()
        .enumerate()
        .map(|(i, column)| {
            let field = plan.schema().field(i).clone();
            let expr = LogicalExpr::Column(column);
            if let Some(wanted) = leading.get(i) {
                return Ok(cast(expr, wanted.clone()).alias(field.name()));
            }
            let target = &relation.columns[i - leading.len()];
            Ok(assign(expr, &field, &target.name, target.sql_type)?.alias(&target.name))
        })
        .collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(plan)
        .project(exprs)
        .and_then(LogicalPlanBuilder::build)
        .map_err(SqlError::internal)
}
