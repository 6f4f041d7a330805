//! Column kinds and errors as test files see them.

use std::fmt;

use lw_base::SqlError;
use lw_pgrepr::SqlType;
use sqllogictest::ColumnType;

/// Kind of a result column: the letters after `query`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// `I`: an integer of any size, an oid, or DECIMAL without decimals
    Integer,
    /// DECIMAL without decimals: `I` or `R` in a file
    Whole,
    /// `R`: DECIMAL, REAL, DOUBLE PRECISION
    Real,
    /// `B`: BOOLEAN
    Bool,
    /// `D`: DATE
    Date,
    /// `P`: TIMESTAMP or TIMESTAMPTZ
    Timestamp,
    /// `T`: text, and in a file anything that is not a number
    Text,
    /// `?`: anything; also what the simple protocol yields, whose client does not tell
    Any,
}

impl ColumnType for ColumnKind {
    fn from_char(value: char) -> Option<Self> {
        Some(match value {
            'I' => ColumnKind::Integer,
            'R' => ColumnKind::Real,
            'B' => ColumnKind::Bool,
            'D' => ColumnKind::Date,
            'P' => ColumnKind::Timestamp,
            'T' => ColumnKind::Text,
            '?' => ColumnKind::Any,
            _ => return None,
        })
    }

    fn to_char(&self) -> char {
        match self {
            ColumnKind::Integer | ColumnKind::Whole => 'I',
            ColumnKind::Real => 'R',
            ColumnKind::Bool => 'B',
            ColumnKind::Date => 'D',
            ColumnKind::Timestamp => 'P',
            ColumnKind::Text => 'T',
            ColumnKind::Any => '?',
        }
    }
}

impl From<SqlType> for ColumnKind {
    fn from(sql_type: SqlType) -> Self {
        match sql_type {
            SqlType::Int2 | SqlType::Int4 | SqlType::Int8 | SqlType::Oid | SqlType::Xid => {
                ColumnKind::Integer
            }
            SqlType::Numeric(_, 0) => ColumnKind::Whole,
            SqlType::Numeric(..) | SqlType::Float4 | SqlType::Float8 => ColumnKind::Real,
            SqlType::Bool => ColumnKind::Bool,
            SqlType::Date => ColumnKind::Date,
            SqlType::Timestamp | SqlType::TimestampTz => ColumnKind::Timestamp,
            _ => ColumnKind::Text,
        }
    }
}

/// True if the columns of a result are as many as the file says and of its kinds.
#[allow(clippy::ptr_arg)] // the library's signature
pub fn columns_match(actual: &Vec<ColumnKind>, expected: &Vec<ColumnKind>) -> bool {
    use ColumnKind::*;
    actual.len() == expected.len()
        && actual.iter().zip(expected).all(|(a, e)| match (a, e) {
            (Any, _) | (_, Any) => true,
            (Whole, Integer | Real) => true,
            (a, Text) => !matches!(a, Integer | Whole | Real),
            (a, e) => a == e,
        })
}

/// An error of the warehouse, as a test file can match it: by `(SQLSTATE)` or by a pattern over
/// message, detail and hint.
#[derive(Debug)]
pub struct SltError {
    /// The SQLSTATE.
    pub state: String,
    text: String,
}

impl SltError {
    /// An error with a state and a text.
    pub fn new(state: impl Into<String>, text: impl Into<String>) -> SltError {
        SltError {
            state: state.into(),
            text: text.into(),
        }
    }

    /// The three lines of an error, those that are there.
    pub(crate) fn from_parts(
        state: &str,
        message: &str,
        detail: Option<&str>,
        hint: Option<&str>,
    ) -> SltError {
        let mut text = message.to_string();
        for (label, line) in [("DETAIL", detail), ("HINT", hint)] {
            if let Some(line) = line {
                text.push_str(&format!("\n{label}:  {line}"));
            }
        }
        SltError::new(state, text)
    }
}

impl From<SqlError> for SltError {
    fn from(error: SqlError) -> Self {
        SltError::from_parts(
            error.state.0,
            &error.message,
            error.detail.as_deref(),
            error.hint.as_deref(),
        )
    }
}

impl fmt::Display for SltError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.text, self.state)
    }
}

impl std::error::Error for SltError {}

/// A value as a file shows it: an empty one would not be seen.
pub fn shown(value: Option<&str>) -> String {
    match value {
        None => "NULL".to_string(),
        Some("") => "(empty)".to_string(),
        Some(text) => text.to_string(),
    }
}
