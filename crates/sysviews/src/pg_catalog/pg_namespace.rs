//! `pg_namespace`: the schemas of the session's database.

use arrow::record_batch::RecordBatch;
use lw_base::{Oid, Result};
use lw_pgrepr::SqlType;

use crate::common::{BOOTSTRAP_USER, acl_items, user_schemas};
use crate::context::SystemContext;
use crate::relation::{Body, SystemAccess, SystemRelation};
use crate::rows::{Rows, row};

/// The relation.
pub static RELATION: SystemRelation = SystemRelation {
    schema: "pg_catalog",
    name: "pg_namespace",
    oid: Oid(2615),
    columns: COLUMNS,
    hidden: 1,
    access: SystemAccess::Everyone,
    leader_only: true,
    body: Body::Primitive(rows),
};

const COLUMNS: &[(&str, SqlType)] = &[
    ("oid", SqlType::Oid),
    ("nspname", SqlType::Name),
    ("nspowner", SqlType::Int4),
    ("nspacl", SqlType::AclItemArray),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for (name, oid) in crate::SCHEMAS {
        let acl = vec![
            format!("{0}=UC/{0}", crate::common::BOOTSTRAP_USER_NAME),
            format!("=U/{}", crate::common::BOOTSTRAP_USER_NAME),
        ];
        rows.push(row![*oid, *name, BOOTSTRAP_USER, acl]);
    }
    for schema in user_schemas(ctx) {
        let acl = acl_items(&ctx.session.catalog, &schema.acl, schema.owner, "UC");
        rows.push(row![schema.oid, &schema.name, schema.owner, acl]);
    }
    rows.finish()
}
