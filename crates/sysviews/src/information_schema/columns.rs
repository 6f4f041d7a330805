//! `information_schema.columns`.

use super::*;

pub static COLUMNS: SystemRelation =
    SystemRelation::primitive("columns", 13_001, LIST, rows).in_schema("information_schema");

const LIST: Columns = &[
    ("table_catalog", Varchar(128)),
    ("table_schema", Varchar(128)),
    ("table_name", Varchar(128)),
    ("column_name", Varchar(128)),
    ("ordinal_position", Int4),
    ("column_default", Varchar(4000)),
    ("is_nullable", Varchar(3)),
    ("data_type", Varchar(128)),
    ("character_maximum_length", Int4),
    ("character_octet_length", Int4),
    ("numeric_precision", Int4),
    ("numeric_precision_radix", Int4),
    ("numeric_scale", Int4),
    ("datetime_precision", Int4),
    ("interval_type", Varchar(128)),
    ("interval_precision", Varchar(128)),
    ("character_set_catalog", Varchar(128)),
    ("character_set_schema", Varchar(128)),
    ("character_set_name", Varchar(128)),
    ("collation_catalog", Varchar(128)),
    ("collation_schema", Varchar(128)),
    ("collation_name", Varchar(128)),
    ("domain_catalog", Varchar(128)),
    ("domain_schema", Varchar(128)),
    ("domain_name", Varchar(128)),
    ("udt_catalog", Varchar(128)),
    ("udt_schema", Varchar(128)),
    ("udt_name", Varchar(128)),
    ("scope_catalog", Varchar(128)),
    ("scope_schema", Varchar(128)),
    ("scope_name", Varchar(128)),
    ("maximum_cardinality", Int4),
    ("dtd_identifier", Varchar(128)),
    ("is_self_referencing", Varchar(3)),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(LIST);
    for r in current_database(ctx) {
        for c in &r.columns {
            let numeric = c.numeric();
            rows.push(row![
                &r.database,
                &r.schema,
                &r.name,
                &c.name,
                c.ordinal,
                c.default.as_ref(),
                yes_no(!c.not_null),
                c.type_name(),
                c.character_length(),
                c.character_length(),
                numeric.map(|n| n.0),
                numeric.map(|n| n.1),
                numeric.and_then(|n| n.2),
                c.datetime_precision(),
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                c.case_insensitive.then_some("case_insensitive"),
                Cell::Null,
                Cell::Null,
                Cell::Null,
                &r.database,
                "pg_catalog",
                c.sql_type.typname(),
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                c.ordinal.to_string(),
                "NO",
            ]);
        }
    }
    rows.finish()
}
