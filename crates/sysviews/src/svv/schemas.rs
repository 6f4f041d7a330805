//! `svv_all_schemas`, `svv_redshift_schemas`: the schemas of all databases.

use crate::prelude::*;

pub static SVV_ALL_SCHEMAS: SystemRelation =
    SystemRelation::primitive("svv_all_schemas", 10_120, ALL, all_schemas);
const ALL: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("schema_owner", Int4),
    ("schema_type", Varchar(128)),
    ("schema_acl", Varchar(128)),
    ("source_database", Varchar(128)),
    ("schema_option", Varchar(128)),
];

fn all_schemas(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(ALL);
    each(ctx, |database, schema, owner, acl| {
        rows.push(row![
            database,
            schema,
            owner,
            "local",
            acl,
            Cell::Null,
            Cell::Null
        ]);
    });
    rows.finish()
}

pub static SVV_REDSHIFT_SCHEMAS: SystemRelation =
    SystemRelation::primitive("svv_redshift_schemas", 10_121, REDSHIFT, redshift_schemas);
const REDSHIFT: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("schema_owner", Int4),
    ("schema_type", Varchar(128)),
    ("schema_acl", Varchar(128)),
    ("schema_option", Varchar(128)),
];

fn redshift_schemas(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(REDSHIFT);
    each(ctx, |database, schema, owner, acl| {
        rows.push(row![database, schema, owner, "local", acl, Cell::Null]);
    });
    rows.finish()
}

/// Each schema with its database, owner and privileges.
fn each(ctx: &SystemContext, mut push: impl FnMut(&str, &str, Oid, Option<String>)) {
    let catalog = &ctx.session.catalog;
    for database in catalog.databases() {
        for (name, _) in crate::SCHEMAS {
            push(&database.name, name, BOOTSTRAP_USER, None);
        }
        for schema in catalog.schemas(database.oid) {
            if is_system_schema(&schema.name) {
                continue;
            }
            let acl = acl_items(catalog, &schema.acl, schema.owner, "UC").map(|a| a.join("|"));
            push(&database.name, &schema.name, schema.owner, acl);
        }
    }
}
