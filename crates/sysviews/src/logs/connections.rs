//! `stl_connection_log`, `sys_connection_log`, `stl_sessions`, `sys_session_history`.

use lw_events::ConnectionEvent;

use super::*;

pub static STL_CONNECTION_LOG: SystemRelation =
    SystemRelation::primitive("stl_connection_log", 11_040, STL, log)
        .superuser()
        .on_compute();
const STL: Columns = &[
    ("event", Char(50)),
    ("recordtime", Timestamp),
    ("remotehost", Char(45)),
    ("remoteport", Char(32)),
    ("pid", Int4),
    ("dbname", Char(50)),
    ("username", Char(50)),
    ("authmethod", Char(32)),
    ("duration", Int8),
    ("sslversion", Char(50)),
    ("sslcipher", Char(128)),
    ("mtu", Int4),
    ("sslcompression", Char(64)),
    ("sslexpansion", Char(64)),
    ("iamauthguid", Char(36)),
    ("application_name", Char(250)),
    ("os_version", Char(64)),
    ("driver_version", Char(64)),
    ("plugin_name", Char(32)),
    ("protocol_version", Int4),
];

fn log(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(STL);
    for c in ctx.live.events().connections() {
        rows.push(row![
            c.event.as_str(),
            c.time,
            &c.remote_host,
            c.remote_port.to_string(),
            c.pid,
            &c.database_name,
            &c.user_name,
            &c.auth_method,
            c.duration,
            &c.ssl_version,
            &c.ssl_cipher,
            0,
            "",
            "",
            cut(&c.iam_auth_guid, 36),
            cut(&c.application_name, 250),
            cut(&c.os_version, 64),
            cut(&c.driver_version, 64),
            cut(&c.plugin_name, 32),
            c.protocol_version,
        ]);
    }
    rows.finish()
}

pub static SYS_CONNECTION_LOG: SystemRelation =
    SystemRelation::primitive("sys_connection_log", 11_041, SYS, sys_log)
        .superuser()
        .on_compute();
const SYS: Columns = &[
    ("event", Char(50)),
    ("record_time", Timestamp),
    ("remote_host", Char(45)),
    ("remote_port", Char(32)),
    ("session_id", Int4),
    ("database_name", Char(50)),
    ("user_name", Char(50)),
    ("auth_method", Char(32)),
    ("duration", Int8),
    ("ssl_version", Char(50)),
    ("ssl_cipher", Char(128)),
    ("mtu", Int4),
    ("ssl_compression", Char(64)),
    ("ssl_expansion", Char(64)),
    ("iam_auth_guid", Char(36)),
    ("application_name", Char(250)),
    ("driver_version", Char(64)),
    ("os_version", Char(64)),
    ("plugin_name", Char(32)),
    ("protocol_version", Int4),
    ("global_session_id", Char(36)),
];

fn sys_log(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SYS);
    for c in ctx.live.events().connections() {
        rows.push(row![
            c.event.as_str(),
            c.time,
            &c.remote_host,
            c.remote_port.to_string(),
            c.pid,
            &c.database_name,
            &c.user_name,
            &c.auth_method,
            c.duration,
            &c.ssl_version,
            &c.ssl_cipher,
            0,
            "",
            "",
            cut(&c.iam_auth_guid, 36),
            cut(&c.application_name, 250),
            cut(&c.driver_version, 64),
            cut(&c.os_version, 64),
            cut(&c.plugin_name, 32),
            c.protocol_version,
            Cell::Null,
        ]);
    }
    rows.finish()
}

/// A session that is open or ended.
struct Past {
    user: Option<Oid>,
    user_name: String,
    database_name: String,
    pid: i32,
    start: i64,
    end: Option<i64>,
    timeout_s: u64,
}

/// Sessions the session's user sees: those that ended, then those that are open.
fn sessions(ctx: &SystemContext) -> Vec<Past> {
    let catalog = &ctx.session.catalog;
    let events = ctx.live.events();
    let ended = events
        .connections()
        .into_iter()
        .filter(|c| c.event == ConnectionEvent::DisconnectingSession)
        .map(|c| Past {
            user: catalog.user_named(&c.user_name).map(|u| u.oid),
            user_name: c.user_name.clone(),
            database_name: c.database_name.clone(),
            pid: c.pid,
            start: c.time - c.duration,
            end: Some(c.time),
            timeout_s: 0,
        });
    let open = ctx.live.sessions().into_iter().map(|s| Past {
        user: Some(s.user),
        user_name: user_name(catalog, s.user),
        database_name: database_name(catalog, s.database),
        pid: s.pid,
        start: s.started_at,
        end: None,
        timeout_s: s.timeout_s,
    });
    let all = catalog.sees_all_logs(ctx.session.user);
    ended
        .chain(open)
        .filter(|s| all || s.user == Some(ctx.session.user))
        .collect()
}

pub static STL_SESSIONS: SystemRelation =
    SystemRelation::primitive("stl_sessions", 11_042, SESSIONS, stl_sessions)
        .own_rows()
        .on_compute();
const SESSIONS: Columns = &[
    ("userid", Int4),
    ("starttime", Timestamp),
    ("endtime", Timestamp),
    ("process", Int4),
    ("user_name", Char(50)),
    ("db_name", Char(50)),
    ("timeout_sec", Int4),
    ("timed_out", Int4),
];

fn stl_sessions(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SESSIONS);
    for s in sessions(ctx) {
        rows.push(row![
            s.user,
            s.start,
            s.end,
            s.pid,
            s.user_name,
            s.database_name,
            s.timeout_s,
            Cell::Null,
        ]);
    }
    rows.finish()
}

pub static SYS_SESSION_HISTORY: SystemRelation =
    SystemRelation::primitive("sys_session_history", 11_043, HISTORY, history)
        .own_rows()
        .on_compute();
const HISTORY: Columns = &[
    ("user_id", Int4),
    ("session_id", Int4),
    ("database_name", Varchar(128)),
    ("status", Varchar(32)),
    ("session_timeout", Int4),
    ("start_time", Timestamp),
    ("end_time", Timestamp),
];

fn history(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(HISTORY);
    for s in sessions(ctx) {
        let status = if s.end.is_some() {
            "disconnected"
        } else {
            "active"
        };
        rows.push(row![
            s.user,
            s.pid,
            s.database_name,
            status,
            s.timeout_s,
            s.start,
            s.end,
        ]);
    }
    rows.finish()
}
