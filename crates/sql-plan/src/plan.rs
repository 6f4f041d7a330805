//! What planning gives, by family of statements.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use lw_base::Oid;
use lw_catalog::*;
use lw_pgrepr::SqlType;
use lw_services::ColumnDesc;

/// A planned statement.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What to do.
    pub plan: Plan,
    /// Types of the parameters.
    pub params: Vec<SqlType>,
    /// Result columns; `None` if it returns no rows.
    pub columns: Option<Vec<ColumnDesc>>,
    /// What the user must be allowed to do. Checked once, by the leader, before anything runs.
    pub access: Vec<Access>,
    /// Base tables it reads, views expanded (for isolation and locks).
    pub reads: Vec<Oid>,
    /// Tables it writes (locked before its snapshot is taken).
    pub writes: Vec<Oid>,
    /// The command tag, without counts: `SELECT`, `CREATE TABLE`, `COPY`.
    pub tag: &'static str,
}

/// A privilege a statement needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Access {
    /// This privilege letter (see [`Acl`]) on this table or view, or to own it.
    Relation(Oid, char),
    /// `U` or `C` on a schema, or to own it.
    Schema(Oid, char),
    /// To own the relation (ALTER, DROP, TRUNCATE, VACUUM, COMMENT).
    OwnRelation(Oid),
    /// To own the schema.
    OwnSchema(Oid),
    /// To own the database.
    OwnDatabase(Oid),
    /// `C` (create schema) or `T` (temporary tables) on a database.
    Database(Oid, char),
    /// To be a superuser.
    Superuser,
    /// To be a superuser or have CREATEDB.
    CreateDb,
}

/// What to do, by family.
#[derive(Debug, Clone)]
pub enum Plan {
    /// SELECT, VALUES, TABLE.
    Query(QueryPlan),
    /// EXPLAIN of a query or DML.
    Explain {
        /// The statement explained.
        inner: Box<Planned>,
        /// EXPLAIN VERBOSE.
        verbose: bool,
        /// EXPLAIN (ENGINE): the engine's own plan.
        engine: bool,
    },
    /// INSERT, UPDATE, DELETE, MERGE.
    Dml(DmlPlan),
    /// CREATE, ALTER, DROP, TRUNCATE, COMMENT of schema objects.
    Ddl(DdlPlan),
    /// Users, groups, GRANT, REVOKE.
    Acl(AclPlan),
    /// COPY, UNLOAD.
    Copy(CopyPlan),
    /// VACUUM, ANALYZE.
    Maintain(MaintainPlan),
    /// Transactions and locks.
    Tcl(TclPlan),
    /// SET, SHOW, RESET.
    Setting(SettingPlan),
    /// SHOW TABLES, SHOW SCHEMAS, ...: a query over system relations.
    Show(QueryPlan),
    /// DECLARE, FETCH, CLOSE, PREPARE, EXECUTE, DEALLOCATE.
    Cursor(CursorPlan),
    /// CANCEL pid, `pg_cancel_backend` is a function.
    Cancel {
        /// The session.
        pid: i32,
        /// What its client is told.
        message: Option<String>,
    },
}

/// A query.
#[derive(Debug, Clone)]
pub struct QueryPlan {
    /// Sources are [`crate::source::CatalogTable`] and those of `sysviews`. Parameters are
    /// placeholders. Output types are the announced ones.
    pub logical: LogicalPlan,
}

/// INSERT, UPDATE, DELETE, MERGE.
#[derive(Debug, Clone)]
pub enum DmlPlan {
    /// INSERT. `input` gives the columns `columns` of the table, already cast to their types with
    /// assignment rules, defaults filled in, in this order; the engine makes those in `identity`
    /// and checks NOT NULL.
    Insert {
        /// The table.
        table: Oid,
        /// Column ids, in order of `input`'s columns; every column but those of `identity`.
        columns: Vec<u32>,
        /// IDENTITY columns to be made.
        identity: Vec<u32>,
        /// The rows.
        input: LogicalPlan,
    },
    /// DELETE. `input` gives `__segment`, `__row` of the rows to delete (a row may come twice).
    Delete {
        /// The table.
        table: Oid,
        /// The rows; `None`: all of them.
        input: Option<LogicalPlan>,
    },
    /// UPDATE. `input` gives `__segment`, `__row` and then all columns of the table with their new
    /// values. A row that comes twice is updated once.
    Update {
        /// The table.
        table: Oid,
        /// The rows.
        input: LogicalPlan,
    },
    /// MERGE. `input` gives `__action` (Int8: 1 insert, 2 update, 3 delete, 0 nothing), `__segment`,
    /// `__row` (null for an insert) and then all columns of the table. A target row matched by two
    /// source rows is an error.
    Merge {
        /// The table.
        table: Oid,
        /// IDENTITY columns to be made for inserted rows.
        identity: Vec<u32>,
        /// The actions.
        input: LogicalPlan,
    },
}

/// CREATE, ALTER, DROP, TRUNCATE, COMMENT. Object ids in new definitions are `Oid(0)`: the leader
/// gives them.
#[derive(Debug, Clone)]
pub enum DdlPlan {
    /// CREATE DATABASE.
    CreateDatabase {
        /// The database.
        database: Database,
        /// False: the isolation is the warehouse's default.
        isolation_given: bool,
    },
    /// ALTER DATABASE: the new definition.
    AlterDatabase(Database),
    /// DROP DATABASE.
    DropDatabase {
        /// The database.
        database: Oid,
    },
    /// CREATE SCHEMA.
    CreateSchema {
        /// The definition.
        schema: Schema,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// ALTER SCHEMA: the new definition.
    AlterSchema(Schema),
    /// DROP SCHEMA.
    DropSchema {
        /// The schemas.
        schemas: Vec<Oid>,
        /// CASCADE.
        cascade: bool,
    },
    /// CREATE TABLE, with or without rows.
    CreateTable {
        /// The definition.
        relation: Relation,
        /// IF NOT EXISTS.
        if_not_exists: bool,
        /// CTAS, SELECT INTO: the rows, in order of the columns.
        input: Option<LogicalPlan>,
    },
    /// ALTER TABLE.
    AlterTable {
        /// The table.
        table: Oid,
        /// What to change.
        action: AlterTable,
    },
    /// CREATE VIEW.
    CreateView {
        /// The definition.
        relation: Relation,
        /// OR REPLACE.
        or_replace: bool,
    },
    /// DROP TABLE, DROP VIEW.
    DropRelations {
        /// The relations.
        relations: Vec<Oid>,
        /// CASCADE.
        cascade: bool,
    },
    /// TRUNCATE. Commits by itself (Developer Guide, TRUNCATE).
    Truncate {
        /// The table.
        table: Oid,
    },
    /// COMMENT ON.
    Comment {
        /// The object.
        object: Oid,
        /// Column id, or 0.
        column: u32,
        /// The text; `None` removes it.
        text: Option<String>,
    },
    /// IF EXISTS / IF NOT EXISTS left nothing to do: a notice and the tag.
    Nothing {
        /// What the client is told.
        notice: String,
    },
}

/// Actions of ALTER TABLE (and ALTER VIEW).
#[derive(Debug, Clone)]
pub enum AlterTable {
    /// ADD COLUMN (its id is 0: the leader gives it).
    AddColumn(Column),
    /// DROP COLUMN.
    DropColumn {
        /// Column id.
        column: u32,
        /// CASCADE.
        cascade: bool,
    },
    /// RENAME COLUMN.
    RenameColumn {
        /// Column id.
        column: u32,
        /// New name.
        to: String,
    },
    /// RENAME TO.
    Rename(String),
    /// OWNER TO.
    Owner(Oid),
    /// SET SCHEMA.
    SetSchema(Oid),
    /// ALTER COLUMN ... TYPE VARCHAR(n).
    ColumnType {
        /// Column id.
        column: u32,
        /// New type.
        to: SqlType,
    },
    /// ALTER COLUMN ... ENCODE.
    Encode(BTreeMap<u32, String>),
    /// ALTER DISTSTYLE, ALTER DISTKEY: rows are redistributed.
    Dist(DistStyle),
    /// ALTER SORTKEY: rows are sorted.
    Sort(SortKey),
    /// ALTER DISTKEY or DISTSTYLE, and ALTER SORTKEY, in one: rows are redistributed and sorted.
    DistAndSort(DistStyle, SortKey),
    /// ADD CONSTRAINT (its id is 0).
    AddConstraint(Constraint),
    /// DROP CONSTRAINT.
    DropConstraint {
        /// Its name.
        name: String,
        /// CASCADE: foreign keys to it go too.
        cascade: bool,
    },
}

/// Users, groups and privileges.
#[derive(Debug, Clone)]
pub enum AclPlan {
    /// CREATE USER. `groups`: IN GROUP.
    CreateUser {
        /// The definition.
        user: User,
        /// Groups to join.
        groups: Vec<Oid>,
        /// The new password, to be hashed into the definition's credential.
        password: Option<lw_sql_syntax::ast::Secret>,
    },
    /// ALTER USER: the new definition.
    AlterUser {
        /// The definition.
        user: User,
        /// The new password, to be hashed into the definition's credential.
        password: Option<lw_sql_syntax::ast::Secret>,
    },
    /// DROP USER.
    DropUsers(Vec<Oid>),
    /// CREATE GROUP, ALTER GROUP: the new definition.
    PutGroup(Group),
    /// DROP GROUP.
    DropGroup(Oid),
    /// GRANT and REVOKE: new privileges of relations and schemas.
    Grant {
        /// Relations whose privileges change.
        relations: Vec<(Oid, Acl)>,
        /// Schemas whose privileges change.
        schemas: Vec<(Oid, Acl)>,
    },
}

/// COPY and UNLOAD.
#[derive(Debug, Clone)]
pub enum CopyPlan {
    /// COPY table FROM 's3://...'.
    From(CopyFrom),
    /// UNLOAD ('query') TO 's3://...'.
    Unload(Unload),
}

/// COPY ... FROM. Options are as parsed: the engine knows their meaning.
#[derive(Debug, Clone)]
pub struct CopyFrom {
    /// The table.
    pub table: Oid,
    /// Columns to load, by id, in order of the fields.
    pub columns: Vec<u32>,
    /// Source URL: prefix, object or manifest.
    pub from: String,
    /// Who to be at the store.
    pub credentials: CopyCredentials,
    /// All other options, upper-case name to value (empty for a bare word), in one form:
    /// `DELIMITER` to `|`, `IGNOREHEADER` to `1`, `FORMAT` to `CSV|PARQUET|DELIMITED`, `GZIP` to ``.
    pub options: BTreeMap<String, String>,
}

/// UNLOAD.
#[derive(Debug, Clone)]
pub struct Unload {
    /// The rows.
    pub input: LogicalPlan,
    /// Column names of the result.
    pub names: Vec<String>,
    /// Target URL prefix.
    pub to: String,
    /// Who to be at the store.
    pub credentials: CopyCredentials,
    /// As in [`CopyFrom::options`].
    pub options: BTreeMap<String, String>,
}

/// Authorization clause of COPY and UNLOAD.
#[derive(Clone, PartialEq)]
pub enum CopyCredentials {
    /// IAM_ROLE DEFAULT
    DefaultRole,
    /// IAM_ROLE 'arn:...'
    Role(String),
    /// ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN
    Keys {
        /// Access key id.
        access_key_id: String,
        /// Secret.
        secret_access_key: String,
        /// Token of temporary keys.
        session_token: Option<String>,
    },
}

impl std::fmt::Debug for CopyCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CopyCredentials::DefaultRole => f.write_str("DefaultRole"),
            CopyCredentials::Role(arn) => write!(f, "Role({arn})"),
            // Secrets never reach a log.
            CopyCredentials::Keys { access_key_id, .. } => write!(f, "Keys({access_key_id}, ***)"),
        }
    }
}

/// VACUUM and ANALYZE.
#[derive(Debug, Clone)]
pub enum MaintainPlan {
    /// VACUUM.
    Vacuum {
        /// The tables; every table of the database the user may vacuum if the statement named none.
        tables: Vec<Oid>,
        /// Which kind.
        kind: VacuumKind,
        /// TO n PERCENT, default 95.
        threshold_percent: u8,
        /// BOOST.
        boost: bool,
    },
    /// ANALYZE.
    Analyze {
        /// The tables, each with the column ids to analyze (empty: all).
        tables: Vec<(Oid, Vec<u32>)>,
        /// PREDICATE COLUMNS.
        predicate_columns: bool,
    },
}

/// Kinds of VACUUM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VacuumKind {
    /// Reclaim and sort.
    Full,
    /// Sort only.
    SortOnly,
    /// Reclaim only.
    DeleteOnly,
    /// Analyze interleaved keys, then full.
    Reindex,
    /// Deeply re-sort a table with compression (RECLUSTER).
    Recluster,
}

/// Transactions and locks.
#[derive(Debug, Clone)]
pub enum TclPlan {
    /// BEGIN, START TRANSACTION.
    Begin {
        /// READ ONLY.
        read_only: bool,
    },
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, ABORT.
    Rollback,
    /// LOCK table.
    Lock(Vec<Oid>),
}

/// SET, RESET, SHOW of settings.
#[derive(Debug, Clone)]
pub enum SettingPlan {
    /// SET name TO value (`None`: DEFAULT).
    Set {
        /// The setting, lower case.
        name: String,
        /// The value.
        value: Option<String>,
        /// SET LOCAL: until the end of the transaction.
        local: bool,
    },
    /// RESET name.
    Reset(String),
    /// RESET ALL.
    ResetAll,
    /// SHOW name.
    Show(String),
    /// SHOW ALL.
    ShowAll,
    /// SET SESSION AUTHORIZATION (`None`: DEFAULT).
    SessionAuthorization(Option<Oid>),
}

/// Cursors and prepared statements of SQL.
#[derive(Debug, Clone)]
pub enum CursorPlan {
    /// DECLARE name CURSOR FOR query.
    Declare {
        /// The cursor.
        name: String,
        /// The query.
        query: Box<Planned>,
    },
    /// FETCH FORWARD.
    Fetch {
        /// The cursor.
        name: String,
        /// Rows; `None`: all.
        count: Option<u64>,
    },
    /// CLOSE name.
    Close {
        /// The cursor.
        name: String,
    },
    /// PREPARE name (types) AS statement.
    Prepare {
        /// Its name.
        name: String,
        /// Declared types.
        types: Vec<SqlType>,
        /// The statement, to be planned when executed.
        statement: Arc<lw_sql_syntax::Statement>,
    },
    /// EXECUTE name (values).
    Execute {
        /// Its name.
        name: String,
        /// A query of one row with the values; `None` if there are none.
        values: Option<LogicalPlan>,
    },
    /// DEALLOCATE name (`None`: ALL).
    Deallocate(Option<String>),
}
