//! `svv_columns`, `svv_all_columns`, `svv_redshift_columns`: columns of the relations a user may
//! see.

use crate::listing::{all_databases, current_database, yes_no};
use crate::prelude::*;

pub static SVV_COLUMNS: SystemRelation =
    SystemRelation::primitive("svv_columns", 10_110, COLUMNS, columns);
const COLUMNS: Columns = &[
    ("table_catalog", Varchar(128)),
    ("table_schema", Varchar(128)),
    ("table_name", Varchar(128)),
    ("column_name", Varchar(128)),
    ("ordinal_position", Int4),
    ("column_default", Varchar(4000)),
    ("is_nullable", Varchar(3)),
    ("data_type", Varchar(128)),
    ("character_maximum_length", Int4),
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
    ("domain_name", Varchar(128)),
    ("remarks", Varchar(256)),
];

fn columns(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
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
                c.remarks.as_ref(),
            ]);
        }
    }
    rows.finish()
}

pub static SVV_ALL_COLUMNS: SystemRelation =
    SystemRelation::primitive("svv_all_columns", 10_111, ALL_COLUMNS, all_columns);
const ALL_COLUMNS: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("table_name", Varchar(128)),
    ("column_name", Varchar(128)),
    ("ordinal_position", Int4),
    ("column_default", Varchar(4000)),
    ("is_nullable", Varchar(3)),
    ("data_type", Varchar(128)),
    ("character_maximum_length", Int4),
    ("numeric_precision", Int4),
    ("numeric_scale", Int4),
    ("remarks", Varchar(256)),
];

fn all_columns(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(ALL_COLUMNS);
    for r in all_databases(ctx) {
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
                numeric.map(|n| n.0),
                numeric.and_then(|n| n.2),
                c.remarks.as_ref(),
            ]);
        }
    }
    rows.finish()
}

pub static SVV_REDSHIFT_COLUMNS: SystemRelation = SystemRelation::primitive(
    "svv_redshift_columns",
    10_112,
    REDSHIFT_COLUMNS,
    redshift_columns,
);
const REDSHIFT_COLUMNS: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("table_name", Varchar(128)),
    ("column_name", Varchar(128)),
    ("ordinal_position", Int4),
    ("data_type", Varchar(128)),
    ("column_default", Varchar(4000)),
    ("is_nullable", Varchar(3)),
    ("encoding", Varchar(128)),
    ("distkey", Bool),
    ("sortkey", Int4),
    ("column_acl", Varchar(128)),
    ("remarks", Varchar(256)),
];

fn redshift_columns(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(REDSHIFT_COLUMNS);
    for r in all_databases(ctx) {
        for c in &r.columns {
            rows.push(row![
                &r.database,
                &r.schema,
                &r.name,
                &c.name,
                c.ordinal,
                // Redshift gives the type with its parameters here.
                c.sql_type.to_string(),
                c.default.as_ref(),
                yes_no(!c.not_null),
                &c.encoding,
                c.dist_key,
                c.sort_key,
                Cell::Null,
                c.remarks.as_ref(),
            ]);
        }
    }
    rows.finish()
}
