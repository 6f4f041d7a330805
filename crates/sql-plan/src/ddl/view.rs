//! CREATE VIEW.

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{Acl, Column, Relation, RelationKind, ViewDef};
use lw_services::ColumnDesc;
use lw_sql_syntax::ast::CreateView;
use lw_sql_syntax::sqlparser::ast::{Query, SelectItem, SetExpr};

use super::{exists, occupant, place, planned};
use crate::context::PlanContext;
use crate::plan::*;
use crate::query::plan_query;

pub(super) fn create(create: &CreateView, ctx: &PlanContext) -> Result<Planned> {
    let place = place(&create.name, false, ctx)?;
    let mut access = vec![place.access.clone()];
    let old = occupant(&place, ctx);
    match &old {
        Some(_) if !create.or_replace => return Err(exists(&place.name)),
        Some(old) if old.view().is_none() => {
            return Err(SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a view", place.name),
            ));
        }
        Some(old) => access.push(Access::OwnRelation(old.oid)),
        None => {}
    }
    let mut names: Vec<String> = create.columns.iter().map(|c| ctx.fold(c)).collect();
    let mut columns = Vec::new();
    let mut depends_on = Vec::new();
    let mut text = create.text.clone();
    if create.late_binding {
        // Nothing is looked up until the view is read; names given stay.
        for (i, name) in names.drain(..).enumerate() {
            columns.push(view_column(i, name, lw_pgrepr::SqlType::Unknown));
        }
    } else {
        let query = plan_query(&create.query, ctx)?;
        if !query.params.is_empty() {
            return Err(SqlError::syntax("a view cannot have parameters"));
        }
        if names.len() > query.columns.len() {
            return Err(SqlError::syntax(
                "CREATE VIEW specifies more column names than columns",
            ));
        }
        for (i, result) in query.columns.iter().enumerate() {
            let name = names.get(i).cloned().unwrap_or_else(|| result.name.clone());
            if columns.iter().any(|c: &Column| c.name == name) {
                return Err(SqlError::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
            columns.push(view_column(i, name, result.sql_type));
        }
        text = frozen(text, &create.query, &query.columns);
        depends_on = direct(&query.access);
        access.extend(query.access);
    }
    if let Some(old) = &old {
        replaceable(old, &columns, create.late_binding)?;
    }
    let relation = Relation {
        oid: old.as_ref().map_or(Oid(0), |o| o.oid),
        schema: place.schema,
        name: place.name,
        owner: old.as_ref().map_or(ctx.session.user, |o| o.owner),
        kind: RelationKind::View(ViewDef {
            query: text,
            late_binding: create.late_binding,
            search_path: ctx.session.search_path.clone(),
            depends_on,
        }),
        columns,
        acl: old.as_ref().map_or_else(Acl::default, |o| o.acl.clone()),
        created_at: ctx.session.statement_start,
    };
    let plan = DdlPlan::CreateView {
        relation,
        or_replace: create.or_replace,
    };
    Ok(planned(plan, access, vec![], "CREATE VIEW"))
}

fn view_column(index: usize, name: String, sql_type: lw_pgrepr::SqlType) -> Column {
    Column {
        id: index as u32 + 1,
        name,
        sql_type,
        not_null: false,
        default: None,
        added_default: None,
        identity: None,
        encoding: "none".to_string(),
        encoding_explicit: false,
        case_insensitive: false,
    }
}

/// The text of a query whose `*` stands for the columns there are now, as the view is to read them
/// for ever: those columns, by name, of the query.
fn frozen(text: String, query: &Query, columns: &[ColumnDesc]) -> String {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return text;
    };
    let has_wildcard = select.projection.iter().any(|item| {
        matches!(
            item,
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
        )
    });
    let mut names: Vec<String> = columns
        .iter()
        .map(|c| format!("\"{}\"", c.name.replace('"', "\"\"")))
        .collect();
    let list = names.join(", ");
    names.sort_unstable();
    names.dedup();
    if !has_wildcard || names.len() < columns.len() {
        return text;
    }
    let ordered = query.order_by.is_some() || query.limit_clause.is_some() || query.with.is_some();
    let is_one_star = select.projection.len() == 1
        && matches!(&select.projection[0], SelectItem::Wildcard(_))
        && !ordered;
    // The commonest view reads as if its columns had been written out.
    if is_one_star && let Some(rest) = after_star(&text) {
        return format!("SELECT {list} {rest}");
    }
    format!("SELECT {list} FROM (\n{text}\n) AS query")
}

/// What follows `SELECT *`, if the text begins so.
fn after_star(text: &str) -> Option<&str> {
    let head = text.get(..6)?;
    let rest = text[6..].trim_start().strip_prefix('*')?;
    let rest = rest.trim_start();
    let from = rest.get(..4)?;
    (head.eq_ignore_ascii_case("select") && from.eq_ignore_ascii_case("from")).then_some(rest)
}

/// The relations the view's own text names.
fn direct(access: &[Access]) -> Vec<Oid> {
    let mut oids = Vec::new();
    for need in access {
        if let Access::Relation(oid, _) = need
            && !oids.contains(oid)
        {
            oids.push(*oid);
        }
    }
    oids
}

/// CREATE OR REPLACE keeps the columns (Developer Guide, CREATE VIEW).
fn replaceable(old: &Relation, new: &[Column], late_binding: bool) -> Result<()> {
    let was_late = old.view().is_some_and(|v| v.late_binding);
    if late_binding || was_late {
        return Ok(());
    }
    let refuse = |message: String| Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
    if new.len() != old.columns.len() {
        return refuse("cannot change number of columns in view".to_string());
    }
    for (o, n) in old.columns.iter().zip(new) {
        if o.name != n.name {
            return refuse(format!("cannot change name of view column \"{}\"", o.name));
        }
        if o.sql_type != n.sql_type {
            return refuse(format!(
                "cannot change data type of view column \"{}\"",
                o.name
            ));
        }
    }
    Ok(())
}
