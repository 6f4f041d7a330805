//! What is recorded. All moments are microseconds since 1970 UTC, all durations microseconds.

use std::sync::Arc;

use lw_base::{Oid, TxnId};
use serde::{Deserialize, Serialize};

/// A statement, from its start to its end (`sys_query_history`, `stl_query`, `stl_ddltext`,
/// `stl_utilitytext`, `stv_recents`, `stv_inflight`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueryRecord {
    /// Its id.
    pub query_id: i64,
    /// The transaction it ran in.
    pub xid: TxnId,
    /// The session's process id.
    pub pid: i32,
    /// Who ran it.
    pub user: Oid,
    /// Name of the user then.
    pub user_name: String,
    /// The session's database.
    pub database: Oid,
    /// Name of the database then.
    pub database_name: String,
    /// The whole text.
    pub text: Arc<str>,
    /// What kind of statement, as in `sys_query_history.query_type`: `SELECT`, `INSERT`, `UPDATE`,
    /// `DELETE`, `COPY`, `UNLOAD`, `DDL`, `UTILITY`, `CTAS`, `COMMAND`, ...
    pub query_type: String,
    /// `query_group` of the session when it ran (`default` if none).
    pub label: String,
    /// `application_name` of the session.
    pub application: String,
    /// How far it is or how it ended.
    pub status: QueryStatus,
    /// When it arrived.
    pub start: i64,
    /// When it ended; `None` while it runs.
    pub end: Option<i64>,
    /// Time spent waiting for a slot of a workload queue.
    pub queue_time: i64,
    /// Time spent waiting for table locks.
    pub lock_wait_time: i64,
    /// Time spent parsing and planning.
    pub planning_time: i64,
    /// Time spent running.
    pub execution_time: i64,
    /// Rows sent to the client.
    pub returned_rows: u64,
    /// Bytes sent to the client.
    pub returned_bytes: u64,
    /// Rows inserted, updated, deleted, loaded.
    pub affected_rows: u64,
    /// SQLSTATE of the error it ended with.
    pub error_state: Option<String>,
    /// Text of the error it ended with.
    pub error_message: Option<String>,
}

/// How far a statement is, or how it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryStatus {
    /// Being parsed and planned.
    Planning,
    /// Waiting for a slot of a workload queue.
    Queued,
    /// Waiting for a table lock.
    LockWait,
    /// Running.
    #[default]
    Running,
    /// Sending rows.
    Returning,
    /// Ended well.
    Success,
    /// Ended with an error.
    Failed,
    /// Ended by a cancel request or a timeout.
    Canceled,
}

impl QueryStatus {
    /// As `sys_query_history.status` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            QueryStatus::Planning => "planning",
            QueryStatus::Queued => "queued",
            QueryStatus::LockWait => "lock_wait",
            QueryStatus::Running => "running",
            QueryStatus::Returning => "returning",
            QueryStatus::Success => "success",
            QueryStatus::Failed => "failed",
            QueryStatus::Canceled => "canceled",
        }
    }

    /// True if it will not change any more.
    pub fn ended(self) -> bool {
        matches!(
            self,
            QueryStatus::Success | QueryStatus::Failed | QueryStatus::Canceled
        )
    }
}

/// A COPY as a whole (`sys_load_history`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyRecord {
    /// The COPY's query id.
    pub query_id: i64,
    /// Its transaction.
    pub xid: TxnId,
    /// The session.
    pub pid: i32,
    /// Who ran it.
    pub user: Oid,
    /// Name of the database.
    pub database_name: String,
    /// The table loaded.
    pub table: Oid,
    /// Its name.
    pub table_name: String,
    /// Where the data came from (`s3://bucket/prefix`).
    pub data_source: String,
    /// `csv`, `text`, `parquet`, ...
    pub file_format: String,
    /// Compression of the files: `gzip`, `bzip2`, `zstd`, or empty.
    pub compression: String,
    /// How it ended.
    pub status: QueryStatus,
    /// When it began.
    pub start: i64,
    /// When it ended.
    pub end: i64,
    /// Rows that are in the table now.
    pub loaded_rows: u64,
    /// Bytes of the files after decompression.
    pub loaded_bytes: u64,
    /// Files loaded.
    pub source_file_count: u64,
    /// Bytes of the files as stored.
    pub source_file_bytes: u64,
    /// Files read to their end.
    pub files_done: u64,
    /// Bytes of the files as stored that were read; of compressed ones those of whole files.
    pub bytes_done: u64,
    /// The file being read.
    pub current_file: String,
    /// Rows refused.
    pub error_count: u64,
}

/// One file of a COPY (`stl_load_commits`, `sys_load_detail`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadRecord {
    /// The COPY's query id.
    pub query_id: i64,
    /// Its transaction.
    pub xid: TxnId,
    /// The session.
    pub pid: i32,
    /// Who ran it.
    pub user: Oid,
    /// The table loaded.
    pub table: Oid,
    /// Name of the table.
    pub table_name: String,
    /// The slice that read the file.
    pub slice: i32,
    /// The file (`s3://bucket/key`).
    pub file_name: String,
    /// `csv`, `text`, `parquet`, ...
    pub file_format: String,
    /// Lines (or rows) read.
    pub lines_scanned: u64,
    /// Rows refused.
    pub errors: u64,
    /// Bytes of the file as stored.
    pub bytes: u64,
    /// When reading began.
    pub start: i64,
    /// When the file was read to its end.
    pub end: i64,
}

/// One row a COPY refused (`stl_load_errors`, `stl_loaderror_detail`, `sys_load_error_detail`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadError {
    /// The COPY's query id.
    pub query_id: i64,
    /// Its transaction.
    pub xid: TxnId,
    /// The session.
    pub pid: i32,
    /// Who ran it.
    pub user: Oid,
    /// Name of the database.
    pub database_name: String,
    /// The table.
    pub table: Oid,
    /// The slice that read the file.
    pub slice: i32,
    /// When the COPY began.
    pub start: i64,
    /// The file (`s3://bucket/key`).
    pub file_name: String,
    /// Line in the file, from 1; -1 if not known (a split file).
    pub line_number: i64,
    /// The column, empty if the whole row is at fault.
    pub column_name: String,
    /// Its type, as `stl_load_errors.type` prints it (`int4`, `varchar`).
    pub column_type: String,
    /// Its declared length, empty if it has none.
    pub column_length: String,
    /// Position of the error in the field, from 0.
    pub position: i32,
    /// The line as it was, cut at 1,024 bytes.
    pub raw_line: String,
    /// The field as it was, cut at 1,024 bytes.
    pub raw_field_value: String,
    /// Redshift's code (Developer Guide, Load error reference).
    pub err_code: i32,
    /// Redshift's text for it.
    pub err_reason: String,
    /// True if the file was split and this range is a part of it.
    pub is_partial: bool,
    /// Where the range starts, bytes.
    pub start_offset: i64,
}

/// One file an UNLOAD wrote (`stl_unload_log`, `sys_unload_detail`, `sys_unload_history`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnloadRecord {
    /// The UNLOAD's query id.
    pub query_id: i64,
    /// Its transaction.
    pub xid: TxnId,
    /// The session.
    pub pid: i32,
    /// Who ran it.
    pub user: Oid,
    /// Name of the database.
    pub database_name: String,
    /// The slice that wrote it.
    pub slice: i32,
    /// The file (`s3://bucket/key`).
    pub path: String,
    /// `csv`, `text`, `parquet`, ...
    pub file_format: String,
    /// Rows in it.
    pub line_count: u64,
    /// Its bytes.
    pub transfer_size: u64,
    /// When it was begun.
    pub start: i64,
    /// When it was complete.
    pub end: i64,
}

/// What happened to a connection (`stl_connection_log`, `sys_connection_log`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionRecord {
    /// What happened.
    pub event: ConnectionEvent,
    /// When.
    pub time: i64,
    /// The session's process id.
    pub pid: i32,
    /// Name of the user asked for.
    pub user_name: String,
    /// Name of the database asked for.
    pub database_name: String,
    /// The client's address, `[local]` if none.
    pub remote_host: String,
    /// The client's port.
    pub remote_port: u16,
    /// How it proved who it is: `password`, `md5`, `digest`, `trust`, `IAM`.
    pub auth_method: String,
    /// Id of the request that made the temporary credentials, empty if none.
    pub iam_auth_guid: String,
    /// How long it lasted (only when it ends).
    pub duration: i64,
    /// TLS version, empty if none.
    pub ssl_version: String,
    /// TLS cipher, empty if none.
    pub ssl_cipher: String,
    /// `application_name`.
    pub application_name: String,
    /// Driver and its version.
    pub driver_version: String,
    /// The client's operating system.
    pub os_version: String,
    /// Plug-in of the driver (`none`).
    pub plugin_name: String,
    /// Redshift's protocol level.
    pub protocol_version: i32,
}

/// What happened to a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionEvent {
    /// The proof was right.
    Authenticated,
    /// The proof was wrong.
    AuthenticationFailure,
    /// The session began.
    #[default]
    InitiatingSession,
    /// The session ended.
    DisconnectingSession,
    /// `application_name` was set.
    SetApplicationName,
}

impl ConnectionEvent {
    /// As the views spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            ConnectionEvent::Authenticated => "authenticated",
            ConnectionEvent::AuthenticationFailure => "authentication failure",
            ConnectionEvent::InitiatingSession => "initiating session",
            ConnectionEvent::DisconnectingSession => "disconnecting session",
            ConnectionEvent::SetApplicationName => "set application_name",
        }
    }
}

/// An ANALYZE or VACUUM of one table (`stl_analyze`, `stl_vacuum`, `sys_analyze_history`,
/// `sys_vacuum_history`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MaintenanceRecord {
    /// `analyze` or `vacuum`.
    pub kind: String,
    /// The statement's query id; 0 if it ran in the background.
    pub query_id: i64,
    /// Its transaction.
    pub xid: TxnId,
    /// Who ran it.
    pub user: Oid,
    /// Name of the database.
    pub database_name: String,
    /// The table.
    pub table: Oid,
    /// Its name.
    pub table_name: String,
    /// What was done, in the view's words (`Full`, `Skipped`, `VACUUM DELETE ONLY`, `Finished`).
    pub status: String,
    /// True if nobody asked for it.
    pub automatic: bool,
    /// Rows before.
    pub rows_before: u64,
    /// Rows after.
    pub rows_after: u64,
    /// Sorted rows before.
    pub sorted_rows_before: u64,
    /// Sorted rows after.
    pub sorted_rows_after: u64,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
    /// When it began.
    pub start: i64,
    /// When it ended.
    pub end: i64,
}

/// A session that is open now (`stv_sessions`, `pg_stat_activity`). Kept in memory only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionRecord {
    /// Its process id.
    pub pid: i32,
    /// Who logged in.
    pub user: Oid,
    /// The user's name.
    pub user_name: String,
    /// The database.
    pub database: Oid,
    /// The database's name.
    pub database_name: String,
    /// When it began.
    pub start: i64,
    /// `application_name`.
    pub application_name: String,
    /// The client's address.
    pub remote_host: String,
    /// The client's port.
    pub remote_port: u16,
    /// Seconds it may be idle; 0: for ever.
    pub timeout_s: u64,
}
