//! Informational keys: `table_constraints`, `key_column_usage`, `constraint_column_usage`,
//! `referential_constraints`.

use lw_catalog::{Constraint, ConstraintKind, Relation};

use super::*;

/// Calls `push` for each constraint the user may see, with its listed relation.
fn each(ctx: &SystemContext, mut push: impl FnMut(&Listed, &Relation, &Constraint)) {
    for r in current_database(ctx) {
        if let Some(relation) = r.relation.clone() {
            for constraint in relation.table().iter().flat_map(|t| &t.constraints) {
                push(&r, &relation, constraint);
            }
        }
    }
}

fn column_name(relation: &Relation, id: u32) -> String {
    relation
        .columns
        .iter()
        .find(|c| c.id == id)
        .map_or_else(String::new, |c| c.name.clone())
}

/// The relation a foreign key points at, with the name of its schema.
fn target(ctx: &SystemContext, table: Oid) -> Option<(String, std::sync::Arc<Relation>)> {
    let catalog = &ctx.session.catalog;
    let relation = catalog.relation(table)?.clone();
    let schema = catalog.schema(relation.schema)?.name.clone();
    Some((schema, relation))
}

pub static TABLE_CONSTRAINTS: SystemRelation =
    SystemRelation::primitive("table_constraints", 13_010, TABLE, table)
        .in_schema("information_schema");
const TABLE: Columns = &[
    ("constraint_catalog", Varchar(128)),
    ("constraint_schema", Varchar(128)),
    ("constraint_name", Varchar(128)),
    ("table_catalog", Varchar(128)),
    ("table_schema", Varchar(128)),
    ("table_name", Varchar(128)),
    ("constraint_type", Varchar(128)),
    ("is_deferrable", Varchar(3)),
    ("initially_deferred", Varchar(3)),
];

fn table(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(TABLE);
    each(ctx, |r, _, constraint| {
        let kind = match constraint.kind {
            ConstraintKind::PrimaryKey => "PRIMARY KEY",
            ConstraintKind::Unique => "UNIQUE",
            ConstraintKind::ForeignKey { .. } => "FOREIGN KEY",
        };
        rows.push(row![
            &r.database,
            &r.schema,
            &constraint.name,
            &r.database,
            &r.schema,
            &r.name,
            kind,
            "NO",
            "NO",
        ]);
    });
    rows.finish()
}

pub static KEY_COLUMN_USAGE: SystemRelation =
    SystemRelation::primitive("key_column_usage", 13_011, KEY, key).in_schema("information_schema");
const KEY: Columns = &[
    ("constraint_catalog", Varchar(128)),
    ("constraint_schema", Varchar(128)),
    ("constraint_name", Varchar(128)),
    ("table_catalog", Varchar(128)),
    ("table_schema", Varchar(128)),
    ("table_name", Varchar(128)),
    ("column_name", Varchar(128)),
    ("ordinal_position", Int4),
];

fn key(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(KEY);
    each(ctx, |r, relation, constraint| {
        for (i, id) in constraint.columns.iter().enumerate() {
            rows.push(row![
                &r.database,
                &r.schema,
                &constraint.name,
                &r.database,
                &r.schema,
                &r.name,
                column_name(relation, *id),
                i + 1,
            ]);
        }
    });
    rows.finish()
}

pub static CONSTRAINT_COLUMN_USAGE: SystemRelation =
    SystemRelation::primitive("constraint_column_usage", 13_012, USAGE, usage)
        .in_schema("information_schema");
const USAGE: Columns = &[
    ("table_catalog", Varchar(128)),
    ("table_schema", Varchar(128)),
    ("table_name", Varchar(128)),
    ("column_name", Varchar(128)),
    ("constraint_catalog", Varchar(128)),
    ("constraint_schema", Varchar(128)),
    ("constraint_name", Varchar(128)),
];

fn usage(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(USAGE);
    each(ctx, |r, relation, constraint| {
        // For a foreign key these are the columns it points at.
        let (schema, table, names) = match &constraint.kind {
            ConstraintKind::ForeignKey { table, columns } => match target(ctx, *table) {
                Some((schema, target)) => (
                    schema,
                    target.name.clone(),
                    columns.iter().map(|id| column_name(&target, *id)).collect(),
                ),
                None => return,
            },
            _ => (
                r.schema.clone(),
                r.name.clone(),
                constraint
                    .columns
                    .iter()
                    .map(|id| column_name(relation, *id))
                    .collect::<Vec<_>>(),
            ),
        };
        for name in names {
            rows.push(row![
                &r.database,
                &schema,
                &table,
                name,
                &r.database,
                &r.schema,
                &constraint.name,
            ]);
        }
    });
    rows.finish()
}

pub static REFERENTIAL_CONSTRAINTS: SystemRelation =
    SystemRelation::primitive("referential_constraints", 13_013, REFERENTIAL, referential)
        .in_schema("information_schema");
const REFERENTIAL: Columns = &[
    ("constraint_catalog", Varchar(128)),
    ("constraint_schema", Varchar(128)),
    ("constraint_name", Varchar(128)),
    ("unique_constraint_catalog", Varchar(128)),
    ("unique_constraint_schema", Varchar(128)),
    ("unique_constraint_name", Varchar(128)),
    ("match_option", Varchar(128)),
    ("update_rule", Varchar(128)),
    ("delete_rule", Varchar(128)),
];

fn referential(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(REFERENTIAL);
    each(ctx, |r, _, constraint| {
        let ConstraintKind::ForeignKey { table, columns } = &constraint.kind else {
            return;
        };
        let found = target(ctx, *table);
        let unique = found.as_ref().and_then(|(schema, target)| {
            let key = target.table()?.constraints.iter().find(|c| {
                c.columns == *columns && !matches!(c.kind, ConstraintKind::ForeignKey { .. })
            })?;
            Some((schema.clone(), key.name.clone()))
        });
        rows.push(row![
            &r.database,
            &r.schema,
            &constraint.name,
            &r.database,
            unique.as_ref().map(|u| u.0.as_str()),
            unique.as_ref().map(|u| u.1.as_str()),
            "NONE",
            "NO ACTION",
            "NO ACTION",
        ]);
    });
    rows.finish()
}
