//! The error a client sees. Crates may keep richer private errors inside; what crosses a crate's
//! border is a [`SqlError`], whose kind is its [`SqlState`]. Only edges turn it into wire fields,
//! XML or JSON.

use std::fmt;

/// The result of anything a client can be told about.
pub type Result<T, E = SqlError> = std::result::Result<T, E>;

/// A five-character SQLSTATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState(pub &'static str);

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl SqlState {
            $($(#[$doc])* pub const $name: SqlState = SqlState($code);)*
        }
    };
}

states! {
    /// connection_failure
    CONNECTION_FAILURE = "08006";
    /// protocol_violation
    PROTOCOL_VIOLATION = "08P01";
    /// feature_not_supported: Redshift has it, Longwave does not yet.
    FEATURE_NOT_SUPPORTED = "0A000";
    /// cardinality_violation (more than one row returned by a scalar subquery)
    CARDINALITY_VIOLATION = "21000";
    /// data_exception, the general case
    DATA_EXCEPTION = "22000";
    /// string_data_right_truncation: value too long
    STRING_DATA_RIGHT_TRUNCATION = "22001";
    /// numeric_value_out_of_range
    NUMERIC_VALUE_OUT_OF_RANGE = "22003";
    /// invalid_datetime_format
    INVALID_DATETIME_FORMAT = "22007";
    /// datetime_field_overflow
    DATETIME_FIELD_OVERFLOW = "22008";
    /// division_by_zero
    DIVISION_BY_ZERO = "22012";
    /// invalid_parameter_value
    INVALID_PARAMETER_VALUE = "22023";
    /// invalid_text_representation
    INVALID_TEXT_REPRESENTATION = "22P02";
    /// invalid byte sequence for encoding
    CHARACTER_NOT_IN_REPERTOIRE = "22021";
    /// integrity_constraint_violation
    INTEGRITY_CONSTRAINT_VIOLATION = "23000";
    /// not_null_violation
    NOT_NULL_VIOLATION = "23502";
    /// invalid_cursor_state / no such cursor
    INVALID_CURSOR_NAME = "34000";
    /// invalid_cursor_state
    INVALID_CURSOR_STATE = "24000";
    /// active_sql_transaction: not allowed inside a transaction block
    ACTIVE_SQL_TRANSACTION = "25001";
    /// read_only_sql_transaction
    READ_ONLY_SQL_TRANSACTION = "25006";
    /// no_active_sql_transaction
    NO_ACTIVE_SQL_TRANSACTION = "25P01";
    /// in_failed_sql_transaction
    IN_FAILED_SQL_TRANSACTION = "25P02";
    /// invalid_sql_statement_name (prepared statement does not exist)
    INVALID_SQL_STATEMENT_NAME = "26000";
    /// duplicate_prepared_statement
    DUPLICATE_PSTATEMENT = "42P05";
    /// duplicate_cursor
    DUPLICATE_CURSOR = "42P03";
    /// invalid_authorization_specification
    INVALID_AUTHORIZATION = "28000";
    /// dependent_objects_still_exist
    DEPENDENT_OBJECTS_STILL_EXIST = "2BP01";
    /// invalid_catalog_name: database does not exist
    INVALID_CATALOG_NAME = "3D000";
    /// invalid_schema_name
    INVALID_SCHEMA_NAME = "3F000";
    /// serialization_failure (Redshift's error 1023)
    SERIALIZATION_FAILURE = "40001";
    /// deadlock_detected
    DEADLOCK_DETECTED = "40P01";
    /// syntax_error
    SYNTAX_ERROR = "42601";
    /// syntax_error_or_access_rule_violation
    ACCESS_RULE_VIOLATION = "42000";
    /// insufficient_privilege
    INSUFFICIENT_PRIVILEGE = "42501";
    /// cannot_coerce
    CANNOT_COERCE = "42846";
    /// grouping_error
    GROUPING_ERROR = "42803";
    /// datatype_mismatch
    DATATYPE_MISMATCH = "42804";
    /// wrong_object_type
    WRONG_OBJECT_TYPE = "42809";
    /// undefined_column
    UNDEFINED_COLUMN = "42703";
    /// undefined_function
    UNDEFINED_FUNCTION = "42883";
    /// undefined_table
    UNDEFINED_TABLE = "42P01";
    /// undefined_parameter
    UNDEFINED_PARAMETER = "42P02";
    /// undefined_object
    UNDEFINED_OBJECT = "42704";
    /// ambiguous_column
    AMBIGUOUS_COLUMN = "42702";
    /// ambiguous_function
    AMBIGUOUS_FUNCTION = "42725";
    /// duplicate_column
    DUPLICATE_COLUMN = "42701";
    /// duplicate_database
    DUPLICATE_DATABASE = "42P04";
    /// duplicate_schema
    DUPLICATE_SCHEMA = "42P06";
    /// duplicate_table
    DUPLICATE_TABLE = "42P07";
    /// duplicate_object
    DUPLICATE_OBJECT = "42710";
    /// invalid_column_reference
    INVALID_COLUMN_REFERENCE = "42P10";
    /// invalid_table_definition
    INVALID_TABLE_DEFINITION = "42P16";
    /// indeterminate_datatype
    INDETERMINATE_DATATYPE = "42P18";
    /// insufficient_resources
    INSUFFICIENT_RESOURCES = "53000";
    /// disk_full
    DISK_FULL = "53100";
    /// out_of_memory
    OUT_OF_MEMORY = "53200";
    /// too_many_connections
    TOO_MANY_CONNECTIONS = "53300";
    /// program_limit_exceeded
    PROGRAM_LIMIT_EXCEEDED = "54000";
    /// object_in_use
    OBJECT_IN_USE = "55006";
    /// cant_change_runtime_param
    CANT_CHANGE_RUNTIME_PARAM = "55P02";
    /// lock_not_available
    LOCK_NOT_AVAILABLE = "55P03";
    /// query_canceled
    QUERY_CANCELED = "57014";
    /// admin_shutdown
    ADMIN_SHUTDOWN = "57P01";
    /// cannot_connect_now
    CANNOT_CONNECT_NOW = "57P03";
    /// io_error
    IO_ERROR = "58030";
    /// undefined_file (an S3 prefix that matches nothing)
    UNDEFINED_FILE = "58P01";
    /// Redshift's own class: load error and other internal errors of the leader (XX000)
    INTERNAL_ERROR = "XX000";
}

/// An error a client may see: what went wrong, where, and how to mend it.
#[derive(Debug, Clone)]
pub struct SqlError {
    /// The SQLSTATE: the kind of the error.
    pub state: SqlState,
    /// One line, in PostgreSQL's style: lower case, no full stop.
    pub message: String,
    /// More about this occurrence.
    pub detail: Option<String>,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// Where in the statement's text, counted in characters from 1.
    pub position: Option<u32>,
    /// What was being done (`COPY sales, line 3`).
    pub context: Option<String>,
    /// True if the session cannot go on (sent as FATAL, the connection is closed).
    pub fatal: bool,
}

impl SqlError {
    /// An error of the given kind.
    pub fn new(state: SqlState, message: impl Into<String>) -> Self {
        SqlError {
            state,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            context: None,
            fatal: false,
        }
    }

    /// A feature Redshift has and Longwave lacks (0A000). `what` names the feature.
    pub fn unsupported(what: impl fmt::Display) -> Self {
        SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("{what} is not supported yet"),
        )
    }

    /// A broken assumption of our own (XX000). Never used for a mistake of the user.
    pub fn internal(message: impl fmt::Display) -> Self {
        SqlError::new(
            SqlState::INTERNAL_ERROR,
            format!("internal error: {message}"),
        )
    }

    /// A syntax error (42601).
    pub fn syntax(message: impl Into<String>) -> Self {
        SqlError::new(SqlState::SYNTAX_ERROR, message)
    }

    /// Adds the detail line.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the hint line.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the position in the statement (characters, from 1).
    pub fn at(mut self, position: u32) -> Self {
        self.position = Some(position);
        self
    }

    /// Adds what was being done.
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// Marks the error as ending the session.
    pub fn fatal(mut self) -> Self {
        self.fatal = true;
        self
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for SqlError {}

impl From<std::io::Error> for SqlError {
    fn from(error: std::io::Error) -> Self {
        let state = match error.kind() {
            std::io::ErrorKind::StorageFull => SqlState::DISK_FULL,
            _ => SqlState::IO_ERROR,
        };
        SqlError::new(state, error.to_string())
    }
}
