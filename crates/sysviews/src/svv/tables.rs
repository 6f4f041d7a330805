//! `svv_tables`, `svv_all_tables`, `svv_redshift_tables`: the relations a user may see.

use crate::listing::{all_databases, current_database};
use crate::prelude::*;

pub static SVV_TABLES: SystemRelation =
    SystemRelation::primitive("svv_tables", 10_100, TABLES, tables);
const TABLES: Columns = &[
    ("table_catalog", Varchar(128)),
    ("table_schema", Varchar(128)),
    ("table_name", Varchar(128)),
    ("table_type", Varchar(128)),
    ("remarks", Varchar(256)),
];

fn tables(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(TABLES);
    for r in current_database(ctx) {
        let kind = if r.view { "VIEW" } else { "BASE TABLE" };
        rows.push(row![r.database, r.schema, r.name, kind, r.remarks]);
    }
    rows.finish()
}

pub static SVV_ALL_TABLES: SystemRelation =
    SystemRelation::primitive("svv_all_tables", 10_101, ALL_TABLES, all_tables);
pub static SVV_REDSHIFT_TABLES: SystemRelation = SystemRelation::primitive(
    "svv_redshift_tables",
    10_102,
    REDSHIFT_TABLES,
    redshift_tables,
);
const ALL_TABLES: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("table_name", Varchar(128)),
    ("table_type", Varchar(128)),
    ("table_acl", Varchar(128)),
    ("remarks", Varchar(128)),
];

fn all_tables(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(ALL_TABLES);
    for r in all_databases(ctx) {
        let kind = if r.view { "VIEW" } else { "TABLE" };
        rows.push(row![r.database, r.schema, r.name, kind, r.acl, r.remarks]);
    }
    rows.finish()
}

const REDSHIFT_TABLES: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("table_name", Varchar(128)),
    ("table_type", Varchar(128)),
    ("table_acl", Varchar(128)),
    ("remarks", Varchar(128)),
    ("table_owner", Varchar(128)),
];

fn redshift_tables(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(REDSHIFT_TABLES);
    for r in all_databases(ctx) {
        let kind = if r.view { "VIEW" } else { "TABLE" };
        let owner = r
            .relation
            .as_ref()
            .map(|relation| user_name(&ctx.session.catalog, relation.owner));
        rows.push(row![
            r.database, r.schema, r.name, kind, r.acl, r.remarks, owner
        ]);
    }
    rows.finish()
}
