//! ALTER TABLE and ALTER VIEW, with the rules of the Developer Guide, ALTER TABLE.

use std::sync::Arc;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{
    Change, Column, Constraint, ConstraintKind, DistStyle, Relation, RelationKind, SortKey,
    TableDef,
};
use lw_engine::IdSource;
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;
use lw_sql_plan::AlterTable;
use lw_sql_syntax::sqlparser::ast::{Expr, UnaryOperator, Value};

use super::depend::{Dropped, broken_views, drop_relations};
use super::references;

pub(super) async fn alter(
    relation: &Relation,
    action: &AlterTable,
    session: &SessionInfo,
    ids: &dyn IdSource,
) -> Result<Dropped> {
    let mut new = relation.clone();
    match action {
        AlterTable::Owner(owner) => new.owner = *owner,
        AlterTable::Rename(name) => {
            rename_rules(relation, name)?;
            new.name = name.clone();
            return Ok(Dropped {
                changes: super::rename::relation(new, session)?,
                notices: vec![],
            });
        }
        AlterTable::SetSchema(schema) => {
            new.schema = *schema;
            return Ok(Dropped {
                changes: super::rename::relation(new, session)?,
                notices: vec![],
            });
        }
        AlterTable::RenameColumn { column, to } => {
            if let Some(c) = new.columns.iter_mut().find(|c| c.id == *column) {
                c.name = to.clone();
            }
            refuse_broken(&new, "renaming a column of", session)?;
        }
        AlterTable::AddColumn(column) => add_column(&mut new, column, session)?,
        AlterTable::DropColumn { column, cascade } => {
            return drop_column(relation, *column, *cascade, session);
        }
        AlterTable::ColumnType { column, to } => column_type(&mut new, *column, *to, session)?,
        AlterTable::Encode(encodings) => {
            for (id, encoding) in encodings {
                encode(&mut new, *id, encoding)?;
            }
        }
        AlterTable::Dist(dist) => distribute(&mut new, dist)?,
        AlterTable::Sort(sort) => sort_by(&mut new, sort)?,
        AlterTable::DistAndSort(dist, sort) => {
            sort_by(&mut new, sort)?;
            distribute(&mut new, dist)?;
        }
        AlterTable::AddConstraint(constraint) => {
            let mut constraint = constraint.clone();
            if constraint.kind == ConstraintKind::PrimaryKey
                && let Some(nullable) = new
                    .columns
                    .iter()
                    .find(|c| constraint.columns.contains(&c.id) && !c.not_null)
            {
                return Err(SqlError::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    format!(
                        "column \"{}\" is nullable and cannot be part of a primary key",
                        nullable.name
                    ),
                )
                .with_hint("Only a column created NOT NULL can."));
            }
            constraint.oid = ids.oids(1).await?;
            table(&mut new)?.constraints.push(constraint);
        }
        AlterTable::DropConstraint { name, cascade } => {
            let table = table(&mut new)?;
            let before = table.constraints.len();
            table.constraints.retain(|c| c.name != *name);
            if table.constraints.len() == before {
                return Err(SqlError::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!(
                        "constraint \"{name}\" of relation \"{}\" does not exist",
                        relation.name
                    ),
                ));
            }
            return drop_referencing(name, *cascade, relation, new, session);
        }
    }
    Ok(Dropped {
        changes: vec![Change::PutRelation(Arc::new(new))],
        notices: vec![],
    })
}

fn table(relation: &mut Relation) -> Result<&mut TableDef> {
    match &mut relation.kind {
        RelationKind::Table(table) => Ok(table),
        RelationKind::View(_) => Err(SqlError::internal("a view altered as a table")),
    }
}

fn unsupported(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

fn rename_rules(relation: &Relation, name: &str) -> Result<()> {
    let temporary = relation.table().is_some_and(|t| t.temporary);
    if name.starts_with('#') && !temporary {
        return Err(unsupported(
            "a permanent table cannot have a name that begins with '#'",
        ));
    }
    Ok(())
}

/// Views keep the text of their query: what they name cannot change its name under them.
fn refuse_broken(new: &Relation, doing: &str, session: &SessionInfo) -> Result<()> {
    match broken_views(new, session)?.first() {
        None => Ok(()),
        Some(view) => Err(SqlError::unsupported(format!(
            "{doing} \"{}\", which view \"{}\" reads,",
            new.name, view.name
        ))
        .with_hint("Drop the view and create it again afterwards.")),
    }
}

fn add_column(new: &mut Relation, column: &Column, session: &SessionInfo) -> Result<()> {
    let has_rows = !session.catalog.table_data(new.oid).segments.is_empty();
    let mut column = column.clone();
    if new.columns.len() >= 1_600 {
        return Err(SqlError::new(
            SqlState("54011"),
            "tables can have at most 1600 columns",
        ));
    }
    if has_rows && let Some(default) = &column.default {
        // Of a default that is no literal the value was taken before (`super::rows`).
        column.added_default.get_or_insert_with(|| default.clone());
    }
    let table = table(new)?;
    column.id = table.next_column_id;
    table.next_column_id += 1;
    new.columns.push(column);
    Ok(())
}

/// True for the text of a number, a string, a boolean or NULL.
pub(super) fn is_literal(text: &str) -> bool {
    fn literal(expr: &Expr) -> bool {
        match expr {
            Expr::Value(value) => !matches!(value.value, Value::Placeholder(_)),
            Expr::UnaryOp {
                op: UnaryOperator::Minus | UnaryOperator::Plus,
                expr,
            }
            | Expr::Nested(expr) => literal(expr),
            _ => false,
        }
    }
    lw_sql_syntax::parse_expression(text).is_ok_and(|e| literal(&e))
}

fn drop_column(
    relation: &Relation,
    id: u32,
    cascade: bool,
    session: &SessionInfo,
) -> Result<Dropped> {
    let mut new = relation.clone();
    let name = new
        .columns
        .iter()
        .find(|c| c.id == id)
        .map(|c| c.name.clone())
        .unwrap_or_default();
    if new.columns.len() == 1 {
        return Err(unsupported("cannot drop the only column of a table"));
    }
    let definition = table(&mut new)?;
    if definition.dist == DistStyle::Key(id) {
        return Err(unsupported(format!(
            "cannot drop distkey column \"{name}\""
        )));
    }
    if let SortKey::Compound(ids) | SortKey::Interleaved(ids) = &definition.sort
        && ids.contains(&id)
    {
        return Err(unsupported(format!(
            "cannot drop sortkey column \"{name}\""
        )));
    }
    let mut detail: Vec<String> = definition
        .constraints
        .iter()
        .filter(|c| c.columns.contains(&id))
        .map(|c| {
            format!(
                "constraint {} on table {} depends on table {} column {name}",
                c.name, relation.name, relation.name
            )
        })
        .collect();
    definition.constraints.retain(|c| !c.columns.contains(&id));
    new.columns.retain(|c| c.id != id);
    let views = broken_views(&new, session)?;
    detail.extend(views.iter().map(|v| {
        format!(
            "view {} depends on table {} column {name}",
            v.name, relation.name
        )
    }));
    if !cascade && !detail.is_empty() {
        return Err(SqlError::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!(
                "cannot drop table {} column {name} because other objects depend on it",
                relation.name
            ),
        )
        .with_detail(detail.join("\n"))
        .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
    }
    let mut dropped = if views.is_empty() {
        Dropped {
            changes: vec![],
            notices: vec![],
        }
    } else {
        let oids: Vec<Oid> = views.iter().map(|v| v.oid).collect();
        drop_relations(&oids, true, session)?
    };
    dropped.changes.push(Change::PutRelation(Arc::new(new)));
    Ok(dropped)
}

/// That the values of the rows there are fit was seen before (`super::rows`).
fn column_type(new: &mut Relation, id: u32, to: SqlType, session: &SessionInfo) -> Result<()> {
    let in_key = new
        .table()
        .is_some_and(|t| t.constraints.iter().any(|c| c.columns.contains(&id)));
    let Some(column) = new.columns.iter_mut().find(|c| c.id == id) else {
        return Err(SqlError::internal("a column was lost"));
    };
    let name = column.name.clone();
    let (SqlType::Varchar(_), SqlType::Varchar(_)) = (column.sql_type, to) else {
        return Err(unsupported(format!(
            "cannot alter type of column \"{name}\": only the size of a VARCHAR column can be changed"
        )));
    };
    if ["bytedict", "runlength", "text255", "text32k"].contains(&column.encoding.as_str()) {
        return Err(unsupported(format!(
            "cannot alter type of column \"{name}\" with encoding {}",
            column.encoding
        )));
    }
    if column.default.is_some() {
        return Err(unsupported(format!(
            "cannot alter type of column \"{name}\" with a default value"
        )));
    }
    if in_key {
        return Err(unsupported(format!(
            "cannot alter type of column \"{name}\" in a UNIQUE, PRIMARY KEY or FOREIGN KEY constraint"
        )));
    }
    column.sql_type = to;
    if let Some(view) = broken_views(new, session)?.first() {
        return Err(
            unsupported("cannot alter type of a column used by a view or rule")
                .with_detail(format!("view {} depends on column \"{name}\"", view.name)),
        );
    }
    Ok(())
}

fn encode(new: &mut Relation, id: u32, encoding: &str) -> Result<()> {
    let interleaved = matches!(new.table().map(|t| &t.sort), Some(SortKey::Interleaved(_)));
    if interleaved {
        return Err(unsupported(
            "cannot alter the encoding of a column in a table with an interleaved sort key",
        ));
    }
    let Some(column) = new.columns.iter_mut().find(|c| c.id == id) else {
        return Err(SqlError::internal("a column was lost"));
    };
    if encoding == "auto" {
        column.encoding_explicit = false;
        return Ok(());
    }
    let encoding = if encoding == "none" { "raw" } else { encoding };
    if column.encoding == encoding {
        return Err(unsupported(format!(
            "column \"{}\" already has encoding {encoding}",
            column.name
        )));
    }
    column.encoding = encoding.to_string();
    column.encoding_explicit = true;
    Ok(())
}

fn distribute(new: &mut Relation, dist: &DistStyle) -> Result<()> {
    let name = new.name.clone();
    let table = table(new)?;
    if matches!(table.sort, SortKey::Interleaved(_)) && matches!(dist, DistStyle::Key(_)) {
        return Err(unsupported(format!(
            "cannot alter the distribution key of \"{name}\", which has an interleaved sort key"
        )));
    }
    if table.dist == *dist && *dist != DistStyle::Auto {
        return Err(unsupported(match dist {
            DistStyle::Key(_) => format!("column is already the distribution key of \"{name}\""),
            _ => format!("table \"{name}\" already has this distribution style"),
        }));
    }
    table.dist = dist.clone();
    Ok(())
}

fn sort_by(new: &mut Relation, sort: &SortKey) -> Result<()> {
    let table = table(new)?;
    if let SortKey::Interleaved(_) = sort {
        return Err(unsupported(
            "a table's sort key cannot be altered to an interleaved one",
        ));
    }
    table.sort = sort.clone();
    Ok(())
}

/// What becomes of the foreign keys to a key that goes: with CASCADE they go too.
fn drop_referencing(
    name: &str,
    cascade: bool,
    relation: &Relation,
    mut new: Relation,
    session: &SessionInfo,
) -> Result<Dropped> {
    let dropped = relation
        .table()
        .and_then(|t| t.constraints.iter().find(|c| c.name == name))
        .filter(|c| !matches!(c.kind, ConstraintKind::ForeignKey { .. }));
    let depends = |constraint: &Constraint| {
        dropped.is_some_and(|key| {
            references(constraint)
                .is_some_and(|(target, columns)| target == relation.oid && columns == key.columns)
        })
    };
    let mut changes = Vec::new();
    let mut details = Vec::new();
    for other in session.catalog.relations() {
        let found: Vec<&Constraint> = other
            .table()
            .iter()
            .flat_map(|t| &t.constraints)
            .filter(|c| depends(c))
            .collect();
        if found.is_empty() {
            continue;
        }
        details.extend(
            found
                .iter()
                .map(|c| format!("constraint {} on table {}", c.name, other.name)),
        );
        if other.oid == relation.oid {
            table(&mut new)?.constraints.retain(|c| !depends(c));
        } else {
            let mut other = Relation::clone(other);
            table(&mut other)?.constraints.retain(|c| !depends(c));
            changes.push(Change::PutRelation(Arc::new(other)));
        }
    }
    if !cascade && !details.is_empty() {
        return Err(SqlError::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!(
                "cannot drop constraint {name} on table {} because other objects depend on it",
                relation.name
            ),
        )
        .with_detail(format!(
            "{} depends on it",
            details.join(" depends on it\n")
        ))
        .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
    }
    changes.push(Change::PutRelation(Arc::new(new)));
    Ok(Dropped {
        changes,
        notices: details
            .iter()
            .map(|d| super::info(format!("drop cascades to {d}")))
            .collect(),
    })
}
