//! `pg_auth_members`: who is a member of which group. Redshift does not have it; psql 15 needs it.

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_auth_members", 1264, COLUMNS, rows);

const COLUMNS: Columns = &[
    ("roleid", SqlType::Oid),
    ("member", SqlType::Oid),
    ("grantor", SqlType::Oid),
    ("admin_option", Bool),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for group in ctx.session.catalog.groups() {
        for member in &group.members {
            rows.push(row![group.oid, *member, BOOTSTRAP_USER, false]);
        }
    }
    rows.finish()
}
