//! INSERT.

use std::sync::Arc;

use datafusion::common::Column as ColumnRef;
use datafusion::logical_expr::{Expr as LogicalExpr, LogicalPlan, LogicalPlanBuilder};
use lw_base::{Result, SqlError, SqlState};
use lw_catalog::{Column, Relation};
use lw_sql_syntax::sqlparser::ast::{
    CastKind, Expr, Insert, ObjectName, Query, SetExpr, TableObject, Value, Values, With,
};

use super::{column_of, declare, default_of, identity_is_made, is_default, with_declared};
use crate::context::PlanContext;
use crate::plan::{DmlPlan, Planned};
use crate::query::{PlannedQuery, assignment_cast, null_of, plan_constant, plan_query};

pub(super) fn plan(insert: &Insert, with: Option<&With>, ctx: &PlanContext) -> Result<Planned> {
    let TableObject::TableName(name) = &insert.table else {
        return Err(SqlError::syntax("INSERT INTO needs the name of a table"));
    };
    if insert.returning.is_some() {
        return Err(SqlError::syntax("syntax error at or near \"returning\""));
    }
    if insert.on.is_some() {
        return Err(SqlError::syntax("syntax error at or near \"on\"")
            .with_hint("Redshift has no ON CONFLICT. Use MERGE."));
    }
    let relation = super::table(name, ctx)?;
    let named = named_columns(&insert.columns, &relation, ctx)?;
    let (query, columns) = match &insert.source {
        None => (None, Vec::new()),
        Some(source) => {
            let mut source = Query::clone(source);
            if let Some(with) = with {
                source.with.get_or_insert_with(|| with.clone());
            }
            let (query, columns) = rows(source, named, &relation, ctx)?;
            (Some(query), columns)
        }
    };
    let query = match query {
        Some(query) => query,
        // INSERT INTO t DEFAULT VALUES
        None => plan_query(&*lw_sql_syntax::parse_query("select 1")?, ctx)?,
    };
    finish(query, &columns, relation, ctx)
}

/// The columns of the list, by position; `None` if there is no list.
fn named_columns(
    names: &[ObjectName],
    relation: &Relation,
    ctx: &PlanContext,
) -> Result<Option<Vec<usize>>> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let index = column_of(name, relation, ctx)?;
        if columns.contains(&index) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!(
                    "column \"{}\" specified more than once",
                    relation.columns[index].name
                ),
            ));
        }
        columns.push(index);
    }
    Ok(Some(columns))
}

/// Plans the source; gives the columns its values go to.
fn rows(
    mut source: Query,
    named: Option<Vec<usize>>,
    relation: &Relation,
    ctx: &PlanContext,
) -> Result<(PlannedQuery, Vec<usize>)> {
    let mut declared = ctx.declared.clone();
    // Without a list the values go to the first columns.
    let first = |count: usize| (0..count.min(relation.columns.len())).collect::<Vec<_>>();
    let mut columns = named.clone();
    match source.body.as_mut() {
        SetExpr::Values(values) => {
            let width = values.rows.first().map_or(0, |row| row.len());
            let mut targets = columns.unwrap_or_else(|| first(width));
            fill_defaults(values, &mut targets, relation, width)?;
            settle_types(values, &targets, relation)?;
            for row in &values.rows {
                for (value, index) in row.iter().zip(&targets) {
                    declare(value, &relation.columns[*index], &mut declared);
                }
            }
            columns = Some(targets);
        }
        SetExpr::Select(select) => {
            let targets = named.unwrap_or_else(|| first(select.projection.len()));
            for (item, index) in select.projection.iter().zip(targets) {
                if let lw_sql_syntax::sqlparser::ast::SelectItem::UnnamedExpr(value) = item {
                    declare(value, &relation.columns[index], &mut declared);
                }
            }
        }
        _ => {}
    }
    let query = plan_query(&source, &with_declared(ctx, declared))?;
    let width = query.logical.schema().fields().len();
    let columns = columns.unwrap_or_else(|| first(width));
    refuse_identity(&columns, relation)?;
    Ok((query, columns))
}

/// Puts the columns' defaults in the place of DEFAULT. An IDENTITY column that is DEFAULT in every
/// row is taken out: its values are made.
fn fill_defaults(
    values: &mut Values,
    targets: &mut Vec<usize>,
    relation: &Relation,
    width: usize,
) -> Result<()> {
    for row in &values.rows {
        if row.len() != width {
            return Err(SqlError::syntax("VALUES lists must all be the same length"));
        }
    }
    if width > targets.len() {
        return Err(SqlError::syntax(
            "INSERT has more expressions than target columns",
        ));
    }
    if width < targets.len() {
        return Err(SqlError::syntax(
            "INSERT has more target columns than expressions",
        ));
    }
    let mut made = Vec::new();
    for (position, index) in targets.iter().enumerate() {
        let column = &relation.columns[*index];
        let defaults = values
            .rows
            .iter()
            .filter(|r| is_default(&r[position]))
            .count();
        if defaults == 0 {
            continue;
        }
        if column.identity.is_some() {
            if defaults < values.rows.len() {
                return Err(SqlError::unsupported(
                    "INSERT with DEFAULT for an identity column in some rows only",
                ));
            }
            made.push(position);
            continue;
        }
        let default = default_of(column)?;
        for row in &mut values.rows {
            if is_default(&row[position]) {
                row[position] = default.clone();
            }
        }
    }
    for position in made.into_iter().rev() {
        targets.remove(position);
        for row in &mut values.rows {
            row.content.remove(position);
        }
    }
    if targets.is_empty() {
        // Every value is made: the rows still count.
        for row in &mut values.rows {
            row.content.push(Expr::Value(
                lw_sql_syntax::sqlparser::ast::Value::Null.with_empty_span(),
            ));
        }
    }
    Ok(())
}

/// In a column of VALUES that has string literals and other values, each is cast to the target
/// column by itself: rows are assigned one by one, they do not settle on a type among themselves.
fn settle_types(values: &mut Values, targets: &[usize], relation: &Relation) -> Result<()> {
    if values.rows.len() < 2 {
        return Ok(());
    }
    for (position, index) in targets.iter().enumerate() {
        let column = &relation.columns[*index];
        let cells = || values.rows.iter().filter_map(|r| r.get(position));
        let mixed = cells().any(is_string) && cells().any(|c| !is_string(c) && !is_bare(c));
        if !mixed {
            continue;
        }
        let wants_string = column.sql_type.is_string();
        let target = if wants_string {
            "character varying(65535)".to_string()
        } else {
            column.sql_type.to_string()
        };
        let Expr::Cast { data_type, .. } =
            lw_sql_syntax::parse_expression(&format!("null::{target}"))?
        else {
            continue;
        };
        for row in &mut values.rows {
            let Some(cell) = row.content.get_mut(position) else {
                continue;
            };
            if !is_bare(cell) && is_string(cell) != wants_string {
                *cell = Expr::Cast {
                    kind: CastKind::Cast,
                    expr: Box::new(cell.clone()),
                    data_type: data_type.clone(),
                    array: false,
                    format: None,
                };
            }
        }
    }
    Ok(())
}

/// True for a string literal.
fn is_string(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(v) if matches!(v.value,
        Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_) | Value::DollarQuotedString(_)))
}

/// True for NULL and for parameters, which take any type.
fn is_bare(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(v) if matches!(v.value, Value::Null | Value::Placeholder(_)))
}

fn refuse_identity(columns: &[usize], relation: &Relation) -> Result<()> {
    let given = |i: &&usize| {
        relation.columns[**i]
            .identity
            .is_some_and(|id| !id.by_default)
    };
    match columns.iter().find(given) {
        Some(_) => Err(identity_is_made()),
        None => Ok(()),
    }
}

/// Casts the values to the columns, and adds the columns that were not given.
fn finish(
    query: PlannedQuery,
    columns: &[usize],
    relation: Arc<Relation>,
    ctx: &PlanContext,
) -> Result<Planned> {
    let targets: Vec<_> = columns
        .iter()
        .map(|i| {
            (
                relation.columns[*i].name.clone(),
                relation.columns[*i].sql_type,
            )
        })
        .collect();
    let given = if targets.is_empty() {
        query.logical.clone()
    } else {
        assignment_cast(query.logical.clone(), &targets)?
    };
    let identity: Vec<u32> = relation
        .columns
        .iter()
        .enumerate()
        .filter(|(i, c)| c.identity.is_some() && !columns.contains(i))
        .map(|(_, c)| c.id)
        .collect();
    let written: Vec<(usize, &Column)> = relation
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| !identity.contains(&c.id))
        .collect();
    let input = complete(given, columns, &written, ctx)?;
    let plan = DmlPlan::Insert {
        table: relation.oid,
        columns: written.iter().map(|(_, c)| c.id).collect(),
        identity,
        input,
    };
    Ok(super::planned(plan, "INSERT", &relation, &['a'], query))
}

fn complete(
    given: LogicalPlan,
    columns: &[usize],
    written: &[(usize, &Column)],
    ctx: &PlanContext,
) -> Result<LogicalPlan> {
    let in_order =
        columns.len() == written.len() && columns.iter().zip(written).all(|(a, (b, _))| a == b);
    if in_order && !columns.is_empty() {
        return Ok(given);
    }
    let mut exprs = written
        .iter()
        .map(|(index, column)| {
            let value = if columns.contains(index) {
                LogicalExpr::Column(ColumnRef::new_unqualified(&column.name))
            } else if column.default.is_some() {
                plan_constant(&default_of(column)?, ctx, column.sql_type)?.alias(&column.name)
            } else {
                null_of(column.sql_type)?.alias(&column.name)
            };
            Ok(value)
        })
        .collect::<Result<Vec<_>>>()?;
    if exprs.is_empty() {
        // A table of IDENTITY columns only: the rows carry nothing but their number.
        exprs.push(datafusion::prelude::lit(true).alias("none"));
    }
    LogicalPlanBuilder::from(given)
        .project(exprs)
        .and_then(LogicalPlanBuilder::build)
        .map_err(SqlError::internal)
}
