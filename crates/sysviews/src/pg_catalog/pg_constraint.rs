//! `pg_constraint`: informational keys of the tables of the session's database.

use lw_catalog::ConstraintKind;

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_constraint", 2606, COLUMNS, rows).hidden(4);

const COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    // Asked for by psql 9.2 and later.
    ("conindid", SqlType::Oid),
    ("convalidated", Bool),
    ("conislocal", Bool),
    ("conname", Name),
    ("connamespace", SqlType::Oid),
    ("contype", CharByte),
    ("condeferrable", Bool),
    ("condeferred", Bool),
    ("conrelid", SqlType::Oid),
    ("contypid", SqlType::Oid),
    ("confrelid", SqlType::Oid),
    ("confupdtype", CharByte),
    ("confdeltype", CharByte),
    ("confmatchtype", CharByte),
    ("conkey", Int2Array),
    ("confkey", Int2Array),
    ("conbin", Text),
    ("consrc", Text),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    let numbers = |ids: &[u32]| ids.iter().map(|id| i64::from(*id)).collect::<Vec<_>>();
    for (schema, relation) in user_relations(ctx) {
        for constraint in relation.table().iter().flat_map(|t| &t.constraints) {
            let (kind, target, target_columns) = match &constraint.kind {
                ConstraintKind::PrimaryKey => ("p", Oid(0), None),
                ConstraintKind::Unique => ("u", Oid(0), None),
                ConstraintKind::ForeignKey { table, columns } => {
                    ("f", *table, Some(numbers(columns)))
                }
            };
            let action = if kind == "f" { "a" } else { " " };
            rows.push(row![
                constraint.oid,
                0,
                false,
                true,
                &constraint.name,
                schema.oid,
                kind,
                false,
                false,
                relation.oid,
                0,
                target,
                action,
                action,
                if kind == "f" { "u" } else { " " },
                numbers(&constraint.columns),
                target_columns,
                Cell::Null,
                Cell::Null,
            ]);
        }
    }
    rows.finish()
}
