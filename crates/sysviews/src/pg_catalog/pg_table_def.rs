//! `pg_table_def`: columns of the tables that `search_path` reaches, and of no other.

use lw_catalog::DistStyle;

use super::pg_attribute::sort_key_position;
use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_table_def", 10_020, COLUMNS, rows);

const COLUMNS: Columns = &[
    ("schemaname", Name),
    ("tablename", Name),
    ("column", Name),
    ("type", Text),
    ("encoding", Varchar(32)),
    ("distkey", Bool),
    ("sortkey", Int4),
    ("notnull", Bool),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    // pg_catalog is always on the path.
    for relation in crate::all().iter().filter(|r| r.schema == "pg_catalog") {
        for (name, sql_type) in relation.visible_columns() {
            rows.push(row![
                relation.schema,
                relation.name,
                *name,
                sql_type.to_string(),
                "none",
                false,
                0,
                false,
            ]);
        }
    }
    let path = search_path_schemas(ctx);
    for (schema, relation) in user_relations(ctx) {
        if !path.contains(&schema.oid) {
            continue;
        }
        let Some(table) = relation.table() else {
            continue;
        };
        for column in &relation.columns {
            rows.push(row![
                &schema.name,
                &relation.name,
                &column.name,
                column.sql_type.to_string(),
                shown_encoding(&column.encoding),
                table.dist == DistStyle::Key(column.id),
                sort_key_position(&table.sort, column.id),
                column.not_null,
            ]);
        }
    }
    rows.finish()
}
