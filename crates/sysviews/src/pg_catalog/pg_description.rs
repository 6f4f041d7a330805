//! `pg_description`: comments on objects of the session's database and their columns.

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_description", 2609, COLUMNS, rows);

const COLUMNS: Columns = &[
    ("objoid", SqlType::Oid),
    ("classoid", SqlType::Oid),
    ("objsubid", Int4),
    ("description", Text),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    let catalog = &ctx.session.catalog;
    let class_of = |name: &str| crate::lookup("pg_catalog", name).map(|r| r.oid);
    let (class, namespace, constraint) = (
        class_of("pg_class"),
        class_of("pg_namespace"),
        class_of("pg_constraint"),
    );
    for schema in user_schemas(ctx) {
        if let Some(text) = catalog.comment(schema.oid, 0) {
            rows.push(row![schema.oid, namespace, 0, text.to_string()]);
        }
    }
    for (_, relation) in user_relations(ctx) {
        let numbers = std::iter::once(0).chain(relation.columns.iter().map(|c| c.id));
        for number in numbers {
            if let Some(text) = catalog.comment(relation.oid, number) {
                rows.push(row![relation.oid, class, number, text.to_string()]);
            }
        }
        for c in relation.table().iter().flat_map(|t| &t.constraints) {
            if let Some(text) = catalog.comment(c.oid, 0) {
                rows.push(row![c.oid, constraint, 0, text.to_string()]);
            }
        }
    }
    rows.finish()
}
