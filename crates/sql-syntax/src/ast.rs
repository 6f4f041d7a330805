//! Statements. Names keep the quotes they were written with: planning folds them.

use std::collections::BTreeMap;
use std::fmt;

use sqlparser::ast::{self, DataType, Expr, Ident, ObjectName, Query};

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A query, INSERT, UPDATE, DELETE or MERGE.
    Sql(Box<ast::Statement>),
    /// CREATE TABLE
    CreateTable(Box<CreateTable>),
    /// CREATE TABLE AS, SELECT INTO
    CreateTableAs(Box<CreateTableAs>),
    /// CREATE VIEW
    CreateView(Box<CreateView>),
    /// ALTER TABLE, ALTER VIEW
    AlterTable(Box<AlterTable>),
    /// CREATE SCHEMA
    CreateSchema(CreateSchema),
    /// ALTER SCHEMA
    AlterSchema {
        /// The schema.
        name: Ident,
        /// What to change.
        action: AlterSchema,
    },
    /// CREATE DATABASE
    CreateDatabase(DatabaseOptions),
    /// ALTER DATABASE
    AlterDatabase {
        /// The database.
        name: Ident,
        /// What to change.
        action: AlterDatabase,
    },
    /// DROP of tables, views, schemas, a database.
    Drop {
        /// What kind of object.
        kind: ObjectKind,
        /// IF EXISTS
        if_exists: bool,
        /// The objects.
        names: Vec<ObjectName>,
        /// CASCADE
        cascade: bool,
    },
    /// TRUNCATE
    Truncate(ObjectName),
    /// COMMENT ON
    Comment {
        /// What kind of object.
        kind: ObjectKind,
        /// The object; for a column the last part is the column.
        name: ObjectName,
        /// The text; `None` for NULL.
        text: Option<String>,
    },
    /// CREATE USER
    CreateUser {
        /// The user.
        name: Ident,
        /// Its options.
        options: UserOptions,
    },
    /// ALTER USER
    AlterUser {
        /// The user.
        name: Ident,
        /// What to change.
        action: AlterUser,
    },
    /// DROP USER
    DropUser {
        /// IF EXISTS
        if_exists: bool,
        /// The users.
        names: Vec<Ident>,
    },
    /// CREATE GROUP
    CreateGroup {
        /// The group.
        name: Ident,
        /// WITH USER
        users: Vec<Ident>,
    },
    /// ALTER GROUP
    AlterGroup {
        /// The group.
        name: Ident,
        /// What to change.
        action: AlterGroup,
    },
    /// DROP GROUP
    DropGroup {
        /// The group.
        name: Ident,
    },
    /// GRANT, REVOKE
    Grant(Box<Grant>),
    /// COPY ... FROM
    Copy(Box<Copy>),
    /// UNLOAD
    Unload(Box<Unload>),
    /// VACUUM
    Vacuum(Vacuum),
    /// ANALYZE
    Analyze(Analyze),
    /// LOCK
    Lock(Vec<ObjectName>),
    /// BEGIN, START TRANSACTION
    Begin(TransactionModes),
    /// COMMIT, END
    Commit,
    /// ROLLBACK, ABORT
    Rollback,
    /// SET name TO value
    Set {
        /// The setting, lower case.
        name: String,
        /// The value; `None` for DEFAULT.
        value: Option<String>,
        /// SET LOCAL
        local: bool,
    },
    /// SET SESSION AUTHORIZATION (`None` for DEFAULT)
    SetSessionAuthorization {
        /// The user.
        user: Option<Ident>,
        /// LOCAL
        local: bool,
    },
    /// SET SESSION CHARACTERISTICS, SET TRANSACTION
    SetTransaction(TransactionModes),
    /// RESET name, lower case (`None` for ALL)
    Reset(Option<String>),
    /// SHOW name, lower case (`None` for ALL)
    Show(Option<String>),
    /// SHOW TABLES, SHOW COLUMNS, ...
    ShowObjects(Box<ShowObjects>),
    /// SHOW TABLE t, SHOW VIEW v: the statement that makes it.
    ShowDefinition {
        /// Table or view.
        kind: ObjectKind,
        /// Its name.
        name: ObjectName,
    },
    /// DECLARE name CURSOR FOR query
    Declare {
        /// The cursor.
        name: Ident,
        /// The query.
        query: Box<Statement>,
    },
    /// FETCH
    Fetch {
        /// The cursor.
        name: Ident,
        /// Rows; `None` for ALL.
        count: Option<u64>,
    },
    /// CLOSE
    Close {
        /// The cursor.
        name: Ident,
    },
    /// PREPARE name (types) AS statement
    Prepare {
        /// Its name.
        name: Ident,
        /// Declared types.
        types: Vec<DataType>,
        /// The statement.
        statement: Box<Statement>,
    },
    /// EXECUTE name (values)
    Execute {
        /// Its name.
        name: Ident,
        /// The values.
        values: Vec<Expr>,
    },
    /// DEALLOCATE name (`None` for ALL)
    Deallocate(Option<Ident>),
    /// EXPLAIN
    Explain {
        /// VERBOSE
        verbose: bool,
        /// EXPLAIN (ENGINE): the engine's own plan, for debugging. Not Redshift's.
        engine: bool,
        /// The statement explained.
        statement: Box<Statement>,
    },
    /// CANCEL pid 'message'
    Cancel {
        /// The session.
        pid: i32,
        /// What its client is told.
        message: Option<String>,
    },
    /// USE database
    Use(Ident),
}

impl Statement {
    /// The query, if the statement is one.
    pub fn query(&self) -> Option<&Query> {
        match self {
            Statement::Sql(s) => match s.as_ref() {
                ast::Statement::Query(q) => Some(q),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Text that never reaches a log: passwords and keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Kinds of objects of DROP, COMMENT, GRANT and SHOW.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// TABLE
    Table,
    /// VIEW
    View,
    /// SCHEMA
    Schema,
    /// DATABASE
    Database,
    /// COLUMN
    Column,
    /// CONSTRAINT
    Constraint,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ObjectKind::Table => "table",
            ObjectKind::View => "view",
            ObjectKind::Schema => "schema",
            ObjectKind::Database => "database",
            ObjectKind::Column => "column",
            ObjectKind::Constraint => "constraint",
        })
    }
}

/// A literal expression together with its text, as the catalog keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct TextExpr {
    /// The expression.
    pub expr: Expr,
    /// Its text in the statement.
    pub text: String,
}

/// CREATE TABLE
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// TEMP, TEMPORARY or a name that starts with `#`
    pub temporary: bool,
    /// IF NOT EXISTS
    pub if_not_exists: bool,
    /// The table.
    pub name: ObjectName,
    /// Columns, LIKE clauses and constraints in the order written.
    pub elements: Vec<TableElement>,
    /// Distribution, sorting, ...
    pub attributes: TableAttributes,
}

/// What stands between the parentheses of CREATE TABLE.
#[derive(Debug, Clone, PartialEq)]
pub enum TableElement {
    /// A column.
    Column(ColumnSpec),
    /// LIKE table [INCLUDING | EXCLUDING DEFAULTS]
    Like {
        /// The other table.
        table: ObjectName,
        /// INCLUDING DEFAULTS
        defaults: bool,
    },
    /// A table constraint.
    Constraint(ConstraintSpec),
}

/// A column definition.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub data_type: DataType,
    /// DEFAULT
    pub default: Option<TextExpr>,
    /// IDENTITY: seed, step, and whether BY DEFAULT
    pub identity: Option<(i64, i64, bool)>,
    /// ENCODE, lower case
    pub encode: Option<String>,
    /// DISTKEY
    pub distkey: bool,
    /// SORTKEY
    pub sortkey: bool,
    /// `Some(true)` for NOT NULL, `Some(false)` for NULL
    pub not_null: Option<bool>,
    /// UNIQUE
    pub unique: bool,
    /// PRIMARY KEY
    pub primary_key: bool,
    /// REFERENCES table (column)
    pub references: Option<(ObjectName, Option<Ident>)>,
    /// CONSTRAINT name of PRIMARY KEY
    pub primary_key_name: Option<Ident>,
    /// CONSTRAINT name of UNIQUE
    pub unique_name: Option<Ident>,
    /// CONSTRAINT name of REFERENCES
    pub references_name: Option<Ident>,
    /// COLLATE CASE_INSENSITIVE
    pub case_insensitive: bool,
}

/// A table constraint.
#[derive(Debug, Clone, PartialEq)]
pub struct ConstraintSpec {
    /// CONSTRAINT name
    pub name: Option<Ident>,
    /// Which kind.
    pub kind: ConstraintKind,
    /// Its columns.
    pub columns: Vec<Ident>,
}

/// Kinds of table constraints.
#[derive(Debug, Clone, PartialEq)]
pub enum ConstraintKind {
    /// UNIQUE
    Unique,
    /// PRIMARY KEY
    PrimaryKey,
    /// FOREIGN KEY REFERENCES table (columns)
    ForeignKey(ObjectName, Vec<Ident>),
}

/// Distribution style.
#[derive(Debug, Clone, PartialEq)]
pub enum DistSpec {
    /// DISTSTYLE AUTO
    Auto,
    /// DISTSTYLE EVEN
    Even,
    /// DISTSTYLE ALL
    All,
    /// DISTSTYLE KEY without its column
    Key,
}

/// Sort key.
#[derive(Debug, Clone, PartialEq)]
pub enum SortSpec {
    /// SORTKEY AUTO
    Auto,
    /// SORTKEY NONE
    None,
    /// COMPOUND SORTKEY (or none of the two words)
    Compound(Vec<Ident>),
    /// INTERLEAVED SORTKEY
    Interleaved(Vec<Ident>),
}

/// Attributes after the parentheses of CREATE TABLE.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableAttributes {
    /// BACKUP YES or NO
    pub backup: Option<bool>,
    /// DISTSTYLE
    pub diststyle: Option<DistSpec>,
    /// DISTKEY (column)
    pub distkey: Option<Ident>,
    /// SORTKEY
    pub sortkey: Option<SortSpec>,
    /// ENCODE AUTO
    pub encode_auto: bool,
}

/// CREATE TABLE AS, SELECT INTO
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTableAs {
    /// TEMP
    pub temporary: bool,
    /// IF NOT EXISTS
    pub if_not_exists: bool,
    /// The table.
    pub name: ObjectName,
    /// Column names; empty if the query names them.
    pub columns: Vec<Ident>,
    /// Distribution, sorting.
    pub attributes: TableAttributes,
    /// The rows.
    pub query: Box<Query>,
    /// True for SELECT INTO.
    pub select_into: bool,
}

/// CREATE VIEW
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// OR REPLACE
    pub or_replace: bool,
    /// The view.
    pub name: ObjectName,
    /// Column names.
    pub columns: Vec<Ident>,
    /// The query.
    pub query: Box<Query>,
    /// Its text.
    pub text: String,
    /// WITH NO SCHEMA BINDING
    pub late_binding: bool,
}

/// ALTER TABLE, ALTER VIEW
#[derive(Debug, Clone, PartialEq)]
pub struct AlterTable {
    /// The relation.
    pub name: ObjectName,
    /// True for ALTER VIEW.
    pub view: bool,
    /// What to change.
    pub action: AlterAction,
}

/// Actions of ALTER TABLE.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterAction {
    /// ADD constraint
    AddConstraint(ConstraintSpec),
    /// DROP CONSTRAINT
    DropConstraint {
        /// Its name.
        name: Ident,
        /// CASCADE
        cascade: bool,
    },
    /// OWNER TO
    Owner(Ident),
    /// RENAME TO
    Rename(Ident),
    /// RENAME COLUMN
    RenameColumn(Ident, Ident),
    /// ADD COLUMN
    AddColumn(ColumnSpec),
    /// DROP COLUMN
    DropColumn {
        /// Its name.
        name: Ident,
        /// CASCADE
        cascade: bool,
    },
    /// ALTER COLUMN ... TYPE
    ColumnType(Ident, DataType),
    /// ALTER COLUMN ... ENCODE, several at once
    ColumnEncode(Vec<(Ident, String)>),
    /// ALTER ENCODE AUTO
    EncodeAuto,
    /// ALTER DISTKEY column, ALTER DISTSTYLE KEY DISTKEY column
    DistKey(Ident),
    /// ALTER DISTSTYLE
    DistStyle(DistSpec),
    /// ALTER SORTKEY
    Sort(SortSpec),
    /// ALTER DISTKEY or DISTSTYLE and ALTER SORTKEY in one statement
    DistAndSort(DistChange, SortSpec),
    /// SET SCHEMA
    SetSchema(Ident),
}

/// A change of distribution.
#[derive(Debug, Clone, PartialEq)]
pub enum DistChange {
    /// To KEY, by this column.
    Key(Ident),
    /// To another style.
    Style(DistSpec),
}

/// CREATE SCHEMA
#[derive(Debug, Clone, PartialEq)]
pub struct CreateSchema {
    /// IF NOT EXISTS
    pub if_not_exists: bool,
    /// The schema; `None`: named after the user.
    pub name: Option<Ident>,
    /// AUTHORIZATION
    pub owner: Option<Ident>,
    /// QUOTA in bytes; `None` inside for UNLIMITED
    pub quota: Option<Option<u64>>,
    /// Statements that follow.
    pub elements: Vec<Statement>,
}

/// ALTER SCHEMA
#[derive(Debug, Clone, PartialEq)]
pub enum AlterSchema {
    /// RENAME TO
    Rename(Ident),
    /// OWNER TO
    Owner(Ident),
    /// QUOTA in bytes (`None`: UNLIMITED)
    Quota(Option<u64>),
}

/// CREATE DATABASE
#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseOptions {
    /// The database.
    pub name: Ident,
    /// OWNER
    pub owner: Option<Ident>,
    /// CONNECTION LIMIT; `None` inside for UNLIMITED
    pub connection_limit: Option<Option<u32>>,
    /// COLLATE CASE_SENSITIVE (true) or CASE_INSENSITIVE
    pub case_sensitive: Option<bool>,
    /// ISOLATION LEVEL SNAPSHOT (true) or SERIALIZABLE
    pub snapshot_isolation: Option<bool>,
}

/// ALTER DATABASE
#[derive(Debug, Clone, PartialEq)]
pub enum AlterDatabase {
    /// RENAME TO
    Rename(Ident),
    /// OWNER TO
    Owner(Ident),
    /// CONNECTION LIMIT (`None`: UNLIMITED)
    ConnectionLimit(Option<u32>),
    /// COLLATE CASE_SENSITIVE (true) or CASE_INSENSITIVE
    Collate(bool),
    /// ISOLATION LEVEL SNAPSHOT (true) or SERIALIZABLE
    Isolation(bool),
}

/// What CREATE USER and ALTER USER say of a user. `None`: not said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserOptions {
    /// PASSWORD; `None` inside for DISABLE
    pub password: Option<Option<Secret>>,
    /// CREATEDB or NOCREATEDB
    pub create_db: Option<bool>,
    /// CREATEUSER or NOCREATEUSER: superuser
    pub create_user: Option<bool>,
    /// SYSLOG ACCESS UNRESTRICTED (true) or RESTRICTED
    pub syslog_unrestricted: Option<bool>,
    /// IN GROUP
    pub groups: Vec<Ident>,
    /// VALID UNTIL
    pub valid_until: Option<String>,
    /// CONNECTION LIMIT; `None` inside for UNLIMITED
    pub connection_limit: Option<Option<u32>>,
    /// SESSION TIMEOUT in seconds; `None` inside for RESET SESSION TIMEOUT
    pub session_timeout: Option<Option<u32>>,
    /// EXTERNALID
    pub external_id: Option<String>,
}

/// ALTER USER
#[derive(Debug, Clone, PartialEq)]
pub enum AlterUser {
    /// Options.
    Options(UserOptions),
    /// RENAME TO
    Rename(Ident),
    /// SET name TO value (`None`: DEFAULT)
    Set(String, Option<String>),
    /// RESET name
    Reset(String),
}

/// ALTER GROUP
#[derive(Debug, Clone, PartialEq)]
pub enum AlterGroup {
    /// ADD USER
    Add(Vec<Ident>),
    /// DROP USER
    Drop(Vec<Ident>),
    /// RENAME TO
    Rename(Ident),
}

/// GRANT, REVOKE
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// True for REVOKE.
    pub revoke: bool,
    /// Privileges in upper case; empty for ALL.
    pub privileges: Vec<String>,
    /// On what.
    pub objects: GrantObjects,
    /// To or from whom.
    pub grantees: Vec<Grantee>,
    /// WITH GRANT OPTION
    pub grant_option: bool,
    /// CASCADE
    pub cascade: bool,
}

/// What GRANT is on.
#[derive(Debug, Clone, PartialEq)]
pub enum GrantObjects {
    /// TABLE
    Tables(Vec<ObjectName>),
    /// ALL TABLES IN SCHEMA
    AllTablesIn(Vec<Ident>),
    /// SCHEMA
    Schemas(Vec<Ident>),
    /// DATABASE
    Databases(Vec<Ident>),
}

/// Who is granted.
#[derive(Debug, Clone, PartialEq)]
pub enum Grantee {
    /// A user.
    User(Ident),
    /// GROUP
    Group(Ident),
    /// PUBLIC
    Public,
}

/// Who to be at the object store.
#[derive(Debug, Clone, PartialEq)]
pub enum Credentials {
    /// IAM_ROLE DEFAULT
    DefaultRole,
    /// IAM_ROLE 'arn'
    Role(String),
    /// ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN
    Keys {
        /// Access key id.
        access_key_id: String,
        /// Secret.
        secret_access_key: Secret,
        /// Token of temporary keys.
        session_token: Option<Secret>,
    },
}

/// COPY ... FROM
#[derive(Debug, Clone, PartialEq)]
pub struct Copy {
    /// The table.
    pub table: ObjectName,
    /// Columns.
    pub columns: Vec<Ident>,
    /// Source URL.
    pub from: String,
    /// Who to be.
    pub credentials: Option<Credentials>,
    /// Options: upper-case name to value, empty for a bare word.
    pub options: BTreeMap<String, String>,
}

/// UNLOAD
#[derive(Debug, Clone, PartialEq)]
pub struct Unload {
    /// The query.
    pub query: Box<Statement>,
    /// Target URL prefix.
    pub to: String,
    /// Who to be.
    pub credentials: Option<Credentials>,
    /// As in [`Copy::options`].
    pub options: BTreeMap<String, String>,
}

/// VACUUM
#[derive(Debug, Clone, PartialEq)]
pub struct Vacuum {
    /// FULL, SORT ONLY, ... in upper case.
    pub kind: VacuumKind,
    /// The table.
    pub table: Option<ObjectName>,
    /// TO n PERCENT
    pub percent: Option<u8>,
    /// BOOST
    pub boost: bool,
}

/// Kinds of VACUUM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VacuumKind {
    /// FULL
    Full,
    /// SORT ONLY
    SortOnly,
    /// DELETE ONLY
    DeleteOnly,
    /// REINDEX
    Reindex,
    /// RECLUSTER
    Recluster,
}

/// ANALYZE
#[derive(Debug, Clone, PartialEq)]
pub struct Analyze {
    /// The table.
    pub table: Option<ObjectName>,
    /// Columns.
    pub columns: Vec<Ident>,
    /// PREDICATE COLUMNS
    pub predicate_columns: bool,
    /// VERBOSE
    pub verbose: bool,
    /// ANALYZE COMPRESSION, with COMPROWS
    pub compression: Option<Option<u64>>,
}

/// Modes of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransactionModes {
    /// READ ONLY (true), READ WRITE
    pub read_only: Option<bool>,
    /// ISOLATION LEVEL was given. Redshift runs every level alike.
    pub isolation: bool,
}

/// A name or a parameter in its place.
#[derive(Debug, Clone, PartialEq)]
pub enum NamePart {
    /// A name.
    Name(Ident),
    /// `$n`
    Parameter(u32),
}

/// What SHOW lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowKind {
    /// SHOW DATABASES
    Databases,
    /// SHOW SCHEMAS
    Schemas,
    /// SHOW TABLES
    Tables,
    /// SHOW COLUMNS
    Columns,
    /// SHOW GRANTS
    Grants,
    /// SHOW CONSTRAINTS PRIMARY KEYS
    PrimaryKeys,
    /// SHOW CONSTRAINTS FOREIGN KEYS
    ForeignKeys,
    /// SHOW CONSTRAINTS FOREIGN KEYS EXPORTED
    ExportedKeys,
    /// SHOW COLUMN PRIVILEGES
    ColumnPrivileges,
    /// SHOW PARAMETERS OF FUNCTION and PROCEDURE
    Parameters,
    /// SHOW PROCEDURES
    Procedures,
    /// SHOW FUNCTIONS
    Functions,
}

/// SHOW TABLES and its like.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowObjects {
    /// What.
    pub kind: ShowKind,
    /// FROM DATABASE, FROM SCHEMA, FROM TABLE, ON TABLE: the parts given, outermost first.
    pub from: Vec<NamePart>,
    /// LIKE: a pattern or a parameter.
    pub like: Option<LikePattern>,
    /// LIMIT
    pub limit: Option<u64>,
}

/// The pattern of LIKE in SHOW.
#[derive(Debug, Clone, PartialEq)]
pub enum LikePattern {
    /// A literal.
    Text(String),
    /// `$n`
    Parameter(u32),
}
