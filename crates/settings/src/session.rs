//! What planning and functions may know of the session a statement runs in.

use lw_base::{Oid, TxnId};
use lw_catalog::CatalogSnapshot;

use crate::params::SettingValues;

/// The surroundings of one statement: immutable, made anew by the leader for each statement and
/// shared as `Arc<SessionInfo>` with planning, functions, system relations and execution.
#[derive(Debug, Clone)]
pub struct SessionInfo {
    /// The catalog as this statement sees it: the transaction's snapshot with its own changes and
    /// the session's temporary tables applied.
    pub catalog: CatalogSnapshot,
    /// The session's database.
    pub database: Oid,
    /// Who the statement runs as (`current_user`).
    pub user: Oid,
    /// Who logged in (`session_user`).
    pub session_user: Oid,
    /// The schema of the session's temporary tables (`pg_temp_<pid>`), searched first; its id is
    /// known even before it exists in the catalog.
    pub temp_schema: Oid,
    /// `search_path`, resolved to the names as the user gave them (`$user` included).
    pub search_path: Vec<String>,
    /// Settings.
    pub settings: SettingValues,
    /// Process id of the session.
    pub pid: i32,
    /// Transaction.
    pub xid: TxnId,
    /// Id of this statement in `sys_query_history`.
    pub query_id: i64,
    /// When the transaction began, microseconds since 1970 UTC (`now()`, `sysdate`).
    pub transaction_start: i64,
    /// When the statement began (`getdate()`, `timeofday()`).
    pub statement_start: i64,
    /// `pg_last_copy_count()`.
    pub last_copy_count: i64,
    /// `pg_last_copy_id()`; -1 if none.
    pub last_copy_id: i64,
    /// `pg_last_query_id()`; -1 if none.
    pub last_query_id: i64,
    /// `pg_last_unload_count()`.
    pub last_unload_count: i64,
}
