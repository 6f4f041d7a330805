//! `pg_user_info`: users with their limits.

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_user_info", 10_002, COLUMNS, rows).superuser();

const COLUMNS: Columns = &[
    ("usename", Name),
    ("usesysid", Int4),
    ("usecreatedb", Bool),
    ("usesuper", Bool),
    ("usecatupd", Bool),
    ("passwd", Text),
    ("valuntil", Timestamp),
    ("useconfig", TextArray),
    ("useconnlimit", Text),
    ("syslogaccess", Text),
    ("sessiontimeout", Int4),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for user in ctx.session.catalog.users() {
        rows.push(row![
            &user.name,
            user.oid,
            user.create_db,
            user.superuser,
            user.superuser,
            "********",
            user.valid_until,
            user_config(user),
            connection_limit(user),
            syslog_access(user),
            user.session_timeout_s.unwrap_or(0),
        ]);
    }
    rows.finish()
}
