//! `pg_namespace`: the schemas of the session's database.

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_namespace", 2615, COLUMNS, rows).hidden(1);

const COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    ("nspname", Name),
    ("nspowner", Int4),
    ("nspacl", AclItemArray),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for (name, oid) in crate::SCHEMAS {
        let acl = vec![
            format!("{BOOTSTRAP_USER_NAME}=UC/{BOOTSTRAP_USER_NAME}"),
            format!("=U/{BOOTSTRAP_USER_NAME}"),
        ];
        rows.push(row![*oid, *name, BOOTSTRAP_USER, acl]);
    }
    for schema in user_schemas(ctx) {
        let acl = acl_items(&ctx.session.catalog, &schema.acl, schema.owner, "UC");
        rows.push(row![schema.oid, &schema.name, schema.owner, acl]);
    }
    rows.finish()
}
