//! `svv_user_info`, `svl_user_info`: users with their limits.

use crate::prelude::*;

pub static SVV_USER_INFO: SystemRelation =
    SystemRelation::primitive("svv_user_info", 10_130, SVV, svv);
const SVV: Columns = &[
    ("user_name", Text),
    ("user_id", Int4),
    ("createdb", Bool),
    ("superuser", Bool),
    ("catalog_update", Bool),
    ("connection_limit", Text),
    ("syslog_access", Text),
    ("last_ddl_timestamp", Timestamp),
    ("session_timeout", Int4),
    ("external_user_id", Text),
];

/// The users the session's user may see here: itself, or all for a superuser.
fn seen(ctx: &SystemContext) -> Vec<std::sync::Arc<lw_catalog::User>> {
    let catalog = &ctx.session.catalog;
    let all = catalog.is_superuser(ctx.session.user);
    catalog
        .users()
        .filter(|u| all || u.oid == ctx.session.user)
        .cloned()
        .collect()
}

fn svv(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SVV);
    for user in seen(ctx) {
        rows.push(row![
            &user.name,
            user.oid,
            user.create_db,
            user.superuser,
            user.superuser,
            connection_limit(&user),
            syslog_access(&user),
            Cell::Null,
            user.session_timeout_s.unwrap_or(0),
            Cell::Null,
        ]);
    }
    rows.finish()
}

pub static SVL_USER_INFO: SystemRelation =
    SystemRelation::primitive("svl_user_info", 10_131, SVL, svl).superuser();
const SVL: Columns = &[
    ("usename", Name),
    ("usesysid", Int4),
    ("usecreatedb", Bool),
    ("usesuper", Bool),
    ("usecatupd", Bool),
    ("useconnlimit", Text),
    ("syslogaccess", Text),
    ("last_ddl_ts", Timestamp),
    ("sessiontimeout", Int4),
    ("external_id", Text),
];

fn svl(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SVL);
    for user in seen(ctx) {
        rows.push(row![
            &user.name,
            user.oid,
            user.create_db,
            user.superuser,
            user.superuser,
            connection_limit(&user),
            syslog_access(&user),
            Cell::Null,
            user.session_timeout_s.unwrap_or(0),
            Cell::Null,
        ]);
    }
    rows.finish()
}
