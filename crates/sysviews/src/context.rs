//! What the rows of system relations are computed from.

use std::net::IpAddr;
use std::sync::Arc;

use lw_base::{Oid, TxnId};
use lw_events::EventLog;
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;

/// The surroundings of one reading of a system relation.
#[derive(Clone)]
pub struct SystemContext {
    /// The session: the catalog it sees, its user, database and settings.
    pub session: Arc<SessionInfo>,
    /// What goes on in the warehouse now.
    pub live: Arc<dyn LiveState>,
    /// The functions there are, for `pg_proc`.
    pub functions: Arc<[FunctionInfo]>,
}

/// What goes on in the warehouse now. The leader implements it.
pub trait LiveState: Send + Sync {
    /// Open sessions.
    fn sessions(&self) -> Vec<SessionRecord>;
    /// Open transactions.
    fn transactions(&self) -> Vec<TransactionRecord>;
    /// Table locks held and waited for.
    fn locks(&self) -> Vec<LockRecord>;
    /// Statements that run or wait now.
    fn running(&self) -> Vec<RunningQuery>;
    /// Open cursors (DECLARE).
    fn cursors(&self) -> Vec<CursorRecord>;
    /// When the warehouse was started, microseconds since 1970 UTC.
    fn started_at(&self) -> i64;
    /// The record of what happened, from which `stl_`, `svl_` and `sys_` relations are computed
    /// (and into which whoever is given this state may record).
    fn events(&self) -> Arc<EventLog>;
}

/// Nothing goes on: for planning without a leader, and tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLiveState;

impl LiveState for NoLiveState {
    fn sessions(&self) -> Vec<SessionRecord> {
        Vec::new()
    }
    fn transactions(&self) -> Vec<TransactionRecord> {
        Vec::new()
    }
    fn locks(&self) -> Vec<LockRecord> {
        Vec::new()
    }
    fn running(&self) -> Vec<RunningQuery> {
        Vec::new()
    }
    fn cursors(&self) -> Vec<CursorRecord> {
        Vec::new()
    }
    fn started_at(&self) -> i64 {
        0
    }
    fn events(&self) -> Arc<EventLog> {
        EventLog::in_memory()
    }
}

/// An open session.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    /// Process id.
    pub pid: i32,
    /// Who logged in.
    pub user: Oid,
    /// The database.
    pub database: Oid,
    /// When it began, microseconds since 1970 UTC.
    pub started_at: i64,
    /// Address of the client.
    pub remote_host: Option<IpAddr>,
    /// Port of the client.
    pub remote_port: u16,
    /// `application_name`.
    pub application_name: String,
    /// Seconds of idleness after which it is ended; 0: never.
    pub timeout_s: u64,
}

/// An open transaction.
#[derive(Debug, Clone)]
pub struct TransactionRecord {
    /// Its id.
    pub xid: TxnId,
    /// Process id of its session.
    pub pid: i32,
    /// Who runs it.
    pub user: Oid,
    /// The database.
    pub database: Oid,
    /// When it began.
    pub started_at: i64,
}

/// A table lock.
#[derive(Debug, Clone)]
pub struct LockRecord {
    /// The table.
    pub table: Oid,
    /// `AccessShareLock`, `ShareRowExclusiveLock`, `AccessExclusiveLock`, ...
    pub mode: &'static str,
    /// False: waited for.
    pub granted: bool,
    /// Process id of the session.
    pub pid: i32,
    /// The transaction.
    pub xid: TxnId,
    /// Who runs it.
    pub user: Oid,
    /// When it was taken or asked for.
    pub since: i64,
}

/// A statement that runs or waits.
#[derive(Debug, Clone)]
pub struct RunningQuery {
    /// Id in `sys_query_history`.
    pub query_id: i64,
    /// Process id of the session.
    pub pid: i32,
    /// The transaction.
    pub xid: TxnId,
    /// Who runs it.
    pub user: Oid,
    /// The database.
    pub database: Oid,
    /// Its text.
    pub text: Arc<str>,
    /// `SELECT`, `INSERT`, `DDL`, `UTILITY`, ... as `sys_query_history.query_type`.
    pub query_type: &'static str,
    /// `query_group`, or `default`.
    pub label: String,
    /// When it began.
    pub started_at: i64,
    /// True while it waits (for a lock or a place in a queue).
    pub queued: bool,
}

/// An open cursor.
#[derive(Debug, Clone)]
pub struct CursorRecord {
    /// Its name.
    pub name: String,
    /// Process id of the session.
    pub pid: i32,
    /// The transaction.
    pub xid: TxnId,
    /// Who declared it.
    pub user: Oid,
    /// When.
    pub started_at: i64,
    /// Rows of its result, if known.
    pub row_count: Option<i64>,
    /// Rows fetched so far.
    pub fetched_rows: i64,
    /// Bytes of its result held.
    pub bytes: i64,
}

/// A function, for `pg_proc`.
#[derive(Debug, Clone)]
pub struct FunctionInfo {
    /// Its name.
    pub name: String,
    /// Types of its arguments.
    pub args: Vec<SqlType>,
    /// Type of its result.
    pub returns: SqlType,
    /// `f` scalar, `a` aggregate, `w` window.
    pub kind: char,
    /// `i` immutable, `s` stable, `v` volatile.
    pub volatility: char,
}
