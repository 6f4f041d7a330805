//! `pg_roles`: users and groups, as PostgreSQL 8.1 and later shows them. Redshift does not have it;
//! psql 15's `\du` needs it.

use crate::prelude::*;

pub static RELATION: SystemRelation = SystemRelation::primitive("pg_roles", 10_003, COLUMNS, rows);

const COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    ("rolname", Name),
    ("rolsuper", Bool),
    ("rolinherit", Bool),
    ("rolcreaterole", Bool),
    ("rolcreatedb", Bool),
    ("rolcanlogin", Bool),
    ("rolreplication", Bool),
    ("rolconnlimit", Int4),
    ("rolpassword", Text),
    ("rolvaliduntil", TimestampTz),
    ("rolbypassrls", Bool),
    ("rolconfig", TextArray),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for user in ctx.session.catalog.users() {
        rows.push(row![
            user.oid,
            &user.name,
            user.superuser,
            true,
            user.superuser,
            user.create_db || user.superuser,
            true,
            false,
            user.connection_limit.map_or(-1, i64::from),
            "********",
            user.valid_until,
            user.superuser,
            user_config(user),
        ]);
    }
    for group in ctx.session.catalog.groups() {
        rows.push(row![
            group.oid,
            &group.name,
            false,
            true,
            false,
            false,
            false,
            false,
            -1,
            "********",
            Cell::Null,
            false,
            Cell::Null,
        ]);
    }
    rows.finish()
}
