//! Running SQL: what an edge may ask of the leader.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::stream::BoxStream;
use lw_base::{Result, SqlError};
use lw_pgrepr::SqlType;

use crate::warehouses::TemporaryLogin;

/// The SQL service of a warehouse: logins and sessions.
#[async_trait]
pub trait SqlService: Send + Sync {
    /// What is needed to challenge `user`. For a user who does not exist it gives the same kind of
    /// answer, always the same for the same name, so that a stranger cannot tell who exists.
    async fn challenge(&self, user: &str) -> Result<Challenge>;

    /// Checks the proof, the database, the connection limits, and opens a session.
    /// Every failure of user or password is the same error (28000), and is recorded.
    async fn connect(&self, client: ClientInfo, proof: Proof) -> Result<Box<dyn Session>>;

    /// Cancels what the session with this process id is running, if the key is right.
    /// Says nothing about whether it was.
    fn cancel(&self, pid: i32, key: i32);
}

/// Public part of a user's credential.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// Salt of the stored SHA-256, for authentication request 13.
    pub sha256_salt: Vec<u8>,
    /// True if an MD5 login can work (the MD5 hash is stored).
    pub md5: bool,
    /// True if a SHA-256 (13) login can work.
    pub sha256: bool,
    /// True if what is shown are temporary credentials: only the password itself (3) will do, and only
    /// inside TLS.
    pub temporary: bool,
}

/// What a client answered to an authentication request.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Request 3: the password itself.
    Cleartext(String),
    /// Request 5: `md5` + hex(md5(hex(md5(password || user)) || salt)).
    Md5 {
        /// The salt of the request.
        salt: [u8; 4],
        /// The answer, with its `md5` prefix.
        response: String,
    },
    /// Request 13: SHA256(SHA256(password || salt) || server nonce || client nonce).
    Digest {
        /// The nonce of the request.
        server_nonce: Vec<u8>,
        /// The client's own.
        client_nonce: Vec<u8>,
        /// The answer.
        digest: Vec<u8>,
    },
    /// The edge has proved the identity by other means (Data API, console).
    Trusted,
    /// As [`Proof::Trusted`], for one who would have come with temporary credentials that allow this.
    Temporary(TemporaryLogin),
}

/// Who connects, and how.
#[derive(Debug, Clone)]
pub struct ClientInfo {
    /// The user asked for.
    pub user: String,
    /// The database asked for (the user's name if the client gave none).
    pub database: String,
    /// All other startup keys (`application_name`, `client_protocol_version`, `DateStyle`, ...).
    /// Settings among them are set in the session; unknown ones are kept and ignored.
    pub options: BTreeMap<String, String>,
    /// Address of the client.
    pub remote_address: Option<IpAddr>,
    /// Port of the client.
    pub remote_port: u16,
    /// True if the connection is encrypted.
    pub tls: bool,
    /// Version and cipher of the encryption, for `stl_connection_log`.
    pub tls_detail: String,
}

/// One session. Calls come one at a time; only cancellation comes from outside.
///
/// Transactions: a statement run outside BEGIN opens an implicit transaction which lasts until
/// [`Session::sync`] (commit) or an error (rollback). An edge calls `sync` at each Sync message, and
/// for a simple query after draining its last statement and **before** it sends that statement's
/// CommandComplete, so that what a client hears is durable.
#[async_trait]
pub trait Session: Send {
    /// Process id for BackendKeyData and the system views.
    fn pid(&self) -> i32;

    /// Secret for CancelRequest.
    fn cancel_key(&self) -> i32;

    /// Parses a text into its statements. An empty text (or only comments) has none.
    /// A statement that does not parse is an error for the whole text, with its position.
    fn parse(&mut self, sql: &str) -> Result<Vec<ParsedStatement>>;

    /// Resolves one statement: parameter types and result columns. `declared` holds the types the
    /// client gave (`None` or missing: to be inferred). Fails in a failed transaction unless the
    /// statement ends it.
    async fn prepare(
        &mut self,
        statement: &ParsedStatement,
        declared: &[Option<SqlType>],
    ) -> Result<Arc<Prepared>>;

    /// Runs a prepared statement with one value per parameter.
    async fn execute(&mut self, prepared: &Prepared, params: Vec<Param>) -> Result<Outcome>;

    /// Columns of the open cursor with this name, made by DECLARE: clients describe it as a portal.
    fn cursor_columns(&self, name: &str) -> Option<Vec<ColumnDesc>>;

    /// Id of the query that ran last, as the system views have it; -1 if there was none.
    fn last_query_id(&self) -> i64 {
        -1
    }

    /// End of a round: commits the implicit transaction, if one is open and not failed; rolls it
    /// back if it failed. Does nothing inside BEGIN.
    async fn sync(&mut self) -> Result<()>;

    /// An error happened at the edge (a bad parameter, a broken portal): fails the transaction, as
    /// an error of a statement does.
    async fn fail(&mut self);

    /// What ReadyForQuery reports.
    fn transaction_status(&self) -> TransactionStatus;

    /// Notices since the last call (INFO of COPY, WARNING of a second BEGIN), in order.
    fn take_notices(&mut self) -> Vec<Notice>;

    /// Settings clients follow (`TimeZone`, `search_path`, ...) that changed since the last call.
    /// The first call gives all of the session's start, `server_version` included; the edge adds
    /// those of the protocol (`server_protocol_version`).
    fn take_parameter_changes(&mut self) -> Vec<(String, String)>;

    /// How long the session may be idle before it is ended, seconds; `None`: for ever.
    fn idle_timeout_s(&self) -> Option<u64>;

    /// How values are to be printed now.
    fn text_format(&self) -> TextFormat;

    /// Ends the session: rolls back, drops temporary tables, records the disconnection.
    async fn close(&mut self);
}

/// A statement that was parsed but not resolved.
#[derive(Clone)]
pub struct ParsedStatement {
    /// Its text, without the semicolon.
    pub text: Arc<str>,
    /// Characters of the whole text before it: added to positions of errors.
    pub offset: u32,
    /// The leader's own form.
    pub inner: Arc<dyn Any + Send + Sync>,
}

/// A statement that was resolved.
#[derive(Clone)]
pub struct Prepared {
    /// Where it came from.
    pub statement: ParsedStatement,
    /// Types of `$1`, `$2`, ...: the declared ones where declared.
    pub params: Vec<SqlType>,
    /// Result columns, or `None` if it returns no rows.
    pub columns: Option<Vec<ColumnDesc>>,
    /// The leader's own form.
    pub inner: Arc<dyn Any + Send + Sync>,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDesc {
    /// Its name.
    pub name: String,
    /// Its type, with length or precision.
    pub sql_type: SqlType,
    /// The table column it comes from, if it is one unchanged.
    pub origin: Option<Origin>,
    /// False if it can hold NULL (or that is not known).
    pub not_null: bool,
}

/// The table column a result column comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The table's id.
    pub table_oid: u32,
    /// The column's number.
    pub column: i16,
    /// Database name.
    pub catalog_name: String,
    /// Schema name.
    pub schema_name: String,
    /// Table name.
    pub table_name: String,
    /// Column name.
    pub column_name: String,
    /// True for an IDENTITY column.
    pub auto_increment: bool,
}

/// A parameter's value: `None` is NULL, else an array of length one of `sql_type.arrow()`.
#[derive(Debug, Clone)]
pub struct Param {
    /// The type it was sent as.
    pub sql_type: SqlType,
    /// The value.
    pub value: Option<ArrayRef>,
}

/// Rows of a result, in batches. The batches' columns are of the Arrow types of the announced
/// columns ([`SqlType::arrow`]). Dropping it cancels the statement.
pub type RowStream = BoxStream<'static, Result<RecordBatch>>;

/// What came of a statement.
pub enum Outcome {
    /// It returns rows. Once the stream ends the statement is done, and its command tag is
    /// `tag`, followed by the number of rows if `tag_with_rows`.
    Rows {
        /// The columns, as announced by `prepare`.
        columns: Vec<ColumnDesc>,
        /// The rows.
        rows: RowStream,
        /// `SELECT`, `FETCH`, `SHOW`, `EXPLAIN`, ...
        tag: String,
        /// True: the tag is followed by the count of rows.
        tag_with_rows: bool,
    },
    /// It is done; the tag is complete (`INSERT 0 3`, `CREATE TABLE`, `BEGIN`).
    Done {
        /// The tag.
        tag: String,
    },
    /// An empty statement.
    Empty,
}

/// State of a session's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    /// Outside a transaction block (`I`).
    Idle,
    /// Inside BEGIN (`T`).
    InBlock,
    /// Inside BEGIN, after an error (`E`).
    Failed,
}

/// A message to the client that is not an error.
#[derive(Debug, Clone)]
pub struct Notice {
    /// `INFO`, `NOTICE`, `WARNING`
    pub severity: &'static str,
    /// Text and the rest.
    pub message: SqlError,
}

/// Settings of a session that change how values are printed.
#[derive(Debug, Clone)]
pub struct TextFormat {
    /// Name of the session's time zone (`UTC`, `Europe/Berlin`).
    pub time_zone: String,
    /// `extra_float_digits`, -15 to 2.
    pub extra_float_digits: i32,
    /// `DateStyle`, for instance `ISO, MDY`.
    pub date_style: String,
}
