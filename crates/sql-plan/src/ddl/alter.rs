//! ALTER TABLE, ALTER VIEW.

use std::collections::BTreeMap;

use lw_base::{Result, SqlError, SqlState};
use lw_catalog::{Column, DistStyle, Relation, SortKey};
use lw_sql_syntax::ast::{
    AlterAction, AlterTable as AlterStatement, ConstraintKind as KindSpec, DistChange,
};
use lw_sql_syntax::sqlparser::ast::Ident;

use super::{encoding, exists, planned, table, user_named};
use crate::context::{PlanContext, missing_column};
use crate::plan::*;
use crate::query::types::sql_type;

pub(super) fn alter(alter: &AlterStatement, ctx: &PlanContext) -> Result<Planned> {
    let relation = ctx.relation(&alter.name)?;
    let is_table = relation.table().is_some();
    let on_views = matches!(
        alter.action,
        AlterAction::Rename(_) | AlterAction::Owner(_) | AlterAction::SetSchema(_)
    );
    if alter.view && is_table {
        return Err(SqlError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("\"{}\" is not a view", relation.name),
        ));
    }
    if !is_table && !on_views {
        return Err(SqlError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("\"{}\" is not a table", relation.name),
        ));
    }
    let mut access = vec![Access::OwnRelation(relation.oid)];
    let action = action(&alter.action, &relation, &mut access, ctx)?;
    let plan = DdlPlan::AlterTable {
        table: relation.oid,
        action,
    };
    let tag = if alter.view {
        "ALTER VIEW"
    } else {
        "ALTER TABLE"
    };
    Ok(planned(plan, access, vec![relation.oid], tag))
}

fn named<'r>(relation: &'r Relation, ident: &Ident, ctx: &PlanContext) -> Result<&'r Column> {
    let name = ctx.fold(ident);
    relation
        .columns
        .iter()
        .find(|c| c.name == name)
        .ok_or_else(|| missing_column(&relation.name, &name))
}

fn action(
    action: &AlterAction,
    relation: &Relation,
    access: &mut Vec<Access>,
    ctx: &PlanContext,
) -> Result<AlterTable> {
    let id = |ident: &Ident| named(relation, ident, ctx).map(|c| c.id);
    Ok(match action {
        AlterAction::AddConstraint(spec) => {
            let columns = spec.columns.iter().map(id).collect::<Result<Vec<_>>>()?;
            let kind = match &spec.kind {
                KindSpec::PrimaryKey => lw_catalog::ConstraintKind::PrimaryKey,
                KindSpec::Unique => lw_catalog::ConstraintKind::Unique,
                KindSpec::ForeignKey(table, referenced) => {
                    let key = table::foreign_key(table, referenced, columns.len(), ctx)?;
                    if let lw_catalog::ConstraintKind::ForeignKey { table, .. } = &key {
                        access.push(Access::Relation(*table, 'x'));
                    }
                    key
                }
            };
            let others = relation.table().map_or(&[][..], |t| &t.constraints);
            AlterTable::AddConstraint(table::new_constraint(
                &relation.name,
                &relation.columns,
                others,
                spec.name.as_ref().map(|n| ctx.fold(n)),
                kind,
                columns,
            )?)
        }
        AlterAction::DropConstraint { name, cascade } => AlterTable::DropConstraint {
            name: ctx.fold(name),
            cascade: *cascade,
        },
        AlterAction::Owner(user) => {
            access.push(Access::Superuser);
            AlterTable::Owner(user_named(user, ctx)?.oid)
        }
        AlterAction::Rename(to) => {
            let to = ctx.fold(to);
            if ctx.catalog().relation_named(relation.schema, &to).is_some() {
                return Err(exists(&to));
            }
            AlterTable::Rename(to)
        }
        AlterAction::RenameColumn(from, to) => {
            let column = id(from)?;
            let to = ctx.fold(to);
            if relation.columns.iter().any(|c| c.name == to) {
                return Err(SqlError::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!(
                        "column \"{to}\" of relation \"{}\" already exists",
                        relation.name
                    ),
                ));
            }
            AlterTable::RenameColumn { column, to }
        }
        AlterAction::AddColumn(spec) => AlterTable::AddColumn(add_column(spec, relation, ctx)?),
        AlterAction::DropColumn { name, cascade } => AlterTable::DropColumn {
            column: id(name)?,
            cascade: *cascade,
        },
        AlterAction::ColumnType(name, data_type) => AlterTable::ColumnType {
            column: id(name)?,
            to: sql_type(data_type)?,
        },
        AlterAction::ColumnEncode(list) => {
            let mut encodings = BTreeMap::new();
            for (name, encoding) in list {
                let column = named(relation, name, ctx)?;
                encoding::check(encoding, column.sql_type, &column.name)?;
                if encodings.insert(column.id, encoding.clone()).is_some() {
                    return Err(SqlError::syntax(format!(
                        "column \"{}\" is named twice",
                        column.name
                    )));
                }
            }
            AlterTable::Encode(encodings)
        }
        // Encodings are chosen by the files themselves; AUTO is what every column has.
        AlterAction::EncodeAuto => AlterTable::Encode(
            relation
                .columns
                .iter()
                .map(|c| (c.id, "auto".to_string()))
                .collect(),
        ),
        AlterAction::DistKey(name) => AlterTable::Dist(DistStyle::Key(id(name)?)),
        AlterAction::DistStyle(style) => AlterTable::Dist(table::dist_style(style)),
        AlterAction::Sort(sort) => AlterTable::Sort(table::sort_key(sort, id)?),
        AlterAction::DistAndSort(change, sort) => {
            let dist = match change {
                DistChange::Key(name) => DistStyle::Key(id(name)?),
                DistChange::Style(style) => table::dist_style(style),
            };
            let sort: SortKey = table::sort_key(sort, id)?;
            AlterTable::DistAndSort(dist, sort)
        }
        AlterAction::SetSchema(name) => {
            let schema = ctx.schema(ctx.session.database, &ctx.fold(name))?;
            if ctx
                .catalog()
                .relation_named(schema.oid, &relation.name)
                .is_some()
            {
                return Err(exists(&relation.name));
            }
            access.push(Access::Schema(schema.oid, 'C'));
            AlterTable::SetSchema(schema.oid)
        }
    })
}

fn add_column(
    spec: &lw_sql_syntax::ast::ColumnSpec,
    relation: &Relation,
    ctx: &PlanContext,
) -> Result<Column> {
    let refuse = |what: &str| {
        Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("ALTER TABLE ADD COLUMN does not support {what}"),
        ))
    };
    if spec.distkey || spec.sortkey {
        return refuse("DISTKEY and SORTKEY");
    }
    if spec.primary_key || spec.unique || spec.references.is_some() {
        return refuse("UNIQUE, PRIMARY KEY and REFERENCES");
    }
    if spec.identity.is_some() {
        return refuse("IDENTITY");
    }
    let mut column = table::column(spec, ctx)?;
    if relation.columns.iter().any(|c| c.name == column.name) {
        return Err(SqlError::new(
            SqlState::DUPLICATE_COLUMN,
            format!(
                "column \"{}\" of relation \"{}\" already exists",
                column.name, relation.name
            ),
        ));
    }
    if column.not_null && column.default.is_none() {
        return Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression",
        ));
    }
    if column.encoding.is_empty() {
        let temporary = relation.table().is_some_and(|t| t.temporary);
        column.encoding = encoding::default(column.sql_type, false, temporary).to_string();
    }
    Ok(column)
}
