//! What the leader writes into the events: statements, sessions, connections.

use std::sync::Arc;

use lw_base::{Oid, SqlError, SqlState, clock};
use lw_catalog::CatalogSnapshot;
use lw_events::{ConnectionEvent, ConnectionRecord, QueryRecord, QueryStatus, SessionRecord};
use lw_services::warehouses::TemporaryLogin;
use lw_services::{ClientInfo, ParsedStatement, Proof};
use lw_sql_plan::{CopyPlan, DdlPlan, DmlPlan, Plan};

use crate::registry::SessionEntry;
use crate::session::LeaderSession;

/// `sys_query_history.query_type` of a plan.
pub fn query_type(plan: &Plan) -> &'static str {
    match plan {
        Plan::Query(_) | Plan::Show(_) => "SELECT",
        Plan::Dml(DmlPlan::Insert { .. }) => "INSERT",
        Plan::Dml(DmlPlan::Delete { .. }) => "DELETE",
        Plan::Dml(DmlPlan::Update { .. }) => "UPDATE",
        Plan::Dml(DmlPlan::Merge { .. }) => "MERGE",
        Plan::Ddl(DdlPlan::CreateTable { input: Some(_), .. }) => "CTAS",
        Plan::Ddl(_) | Plan::Acl(_) => "DDL",
        Plan::Copy(CopyPlan::From(_)) => "COPY",
        Plan::Copy(CopyPlan::Unload(_)) => "UNLOAD",
        Plan::Setting(_) | Plan::Tcl(_) => "COMMAND",
        Plan::Explain { .. } | Plan::Maintain(_) | Plan::Cursor(_) | Plan::Cancel { .. } => {
            "UTILITY"
        }
    }
}

/// The record of a statement that begins.
pub fn query(
    session: &LeaderSession,
    text: &Arc<str>,
    kind: &'static str,
    query_id: i64,
) -> QueryRecord {
    let catalog = session.shared.txns.current();
    let setting = |name: &str| session.settings.get(name).unwrap_or_default().to_string();
    let label = match setting("query_group") {
        group if group.is_empty() || group == "unset" => "default".to_string(),
        group => group,
    };
    QueryRecord {
        query_id,
        xid: session
            .active
            .as_ref()
            .map(|a| a.txn.id())
            .unwrap_or_default(),
        pid: session.entry.pid,
        user: session.user,
        user_name: user_name(&catalog, session.user),
        database: session.database,
        database_name: database_name(&catalog, session.database),
        text: match lw_sql_syntax::without_secrets(text) {
            std::borrow::Cow::Borrowed(_) => text.clone(),
            std::borrow::Cow::Owned(clean) => Arc::from(clean),
        },
        query_type: kind.to_string(),
        label,
        application: setting("application_name"),
        status: QueryStatus::Running,
        start: clock::now_micros(),
        ..QueryRecord::default()
    }
}

/// A statement that did not come as far as running.
pub fn failed_to_plan(session: &LeaderSession, statement: &ParsedStatement, error: &SqlError) {
    let id = session.shared.registry.next_query_id();
    let events = &session.shared.events;
    events.start_query(query(session, &statement.text, "UTILITY", id));
    events.finish_query(id, |record| failed(record, error));
}

/// Fills in how a statement failed.
pub fn failed(record: &mut QueryRecord, error: &SqlError) {
    record.status = match error.state {
        SqlState::QUERY_CANCELED => QueryStatus::Canceled,
        _ => QueryStatus::Failed,
    };
    record.error_state = Some(error.state.0.to_string());
    record.error_message = Some(error.message.clone());
}

/// The record of a session.
pub fn session(entry: &SessionEntry, database: &str) -> SessionRecord {
    SessionRecord {
        pid: entry.pid,
        user: entry.user,
        user_name: entry.user_name.clone(),
        database: entry.database,
        database_name: database.to_string(),
        start: entry.started,
        application_name: entry.client.application.clone(),
        remote_host: host(entry.client.address),
        remote_port: entry.client.port,
        timeout_s: 0,
    }
}

/// The record of an event of a connection, before it has a session.
pub fn connection(
    event: ConnectionEvent,
    client: &ClientInfo,
    proof: &Proof,
    temporary: Option<&TemporaryLogin>,
    pid: i32,
) -> ConnectionRecord {
    let option = |name: &str| client.options.get(name).cloned().unwrap_or_default();
    ConnectionRecord {
        event,
        time: clock::now_micros(),
        pid,
        user_name: temporary.map_or_else(|| client.user.clone(), |t| t.db_user.clone()),
        database_name: client.database.clone(),
        remote_host: host(client.remote_address),
        remote_port: client.remote_port,
        iam_auth_guid: temporary.map(|t| t.request_id.clone()).unwrap_or_default(),
        auth_method: match proof {
            _ if temporary.is_some() => "IAM",
            Proof::Cleartext(_) => "password",
            Proof::Md5 { .. } => "md5",
            Proof::Digest { .. } => "digest",
            Proof::Trusted | Proof::Temporary(_) => "trust",
        }
        .to_string(),
        duration: 0,
        ssl_version: client
            .tls_detail
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_string(),
        ssl_cipher: client
            .tls_detail
            .split(' ')
            .nth(1)
            .unwrap_or_default()
            .to_string(),
        application_name: option("application_name"),
        driver_version: option("driver_version"),
        os_version: option("os_version"),
        plugin_name: option("plugin_name"),
        protocol_version: option("client_protocol_version").parse().unwrap_or(0),
    }
}

/// The name of a user, empty if they are gone.
pub fn user_name(catalog: &CatalogSnapshot, user: Oid) -> String {
    catalog
        .user(user)
        .map(|u| u.name.clone())
        .unwrap_or_default()
}

/// The name of a database, empty if it is gone.
pub fn database_name(catalog: &CatalogSnapshot, database: Oid) -> String {
    catalog
        .database(database)
        .map(|d| d.name.clone())
        .unwrap_or_default()
}

fn host(address: Option<std::net::IpAddr>) -> String {
    address.map_or_else(|| "[local]".to_string(), |a| a.to_string())
}
