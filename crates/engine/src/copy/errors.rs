//! What can be wrong with a row, in the words and numbers of `stl_load_errors` (Developer Guide,
//! "Load error reference", "Multibyte character load errors").

/// Why a field was refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldError {
    /// `err_code`
    pub code: i32,
    /// `err_reason`
    pub reason: String,
    /// Position in the field, from 0.
    pub position: usize,
}

impl FieldError {
    /// An error of this code and text.
    pub fn new(code: i32, reason: impl Into<String>) -> Self {
        FieldError {
            code,
            reason: reason.into(),
            position: 0,
        }
    }

    /// A character that does not belong in a number.
    pub fn digit(bytes: &[u8], position: usize, kind: &str) -> Self {
        let value = bytes
            .get(position)
            .map(|b| (*b as char).to_string())
            .unwrap_or_default();
        FieldError {
            code: 1207,
            reason: format!("Invalid digit, Value '{value}', Pos {position}, Type: {kind}"),
            position,
        }
    }
}

/// Rows with fewer fields than columns.
pub(crate) fn delimiter_not_found() -> FieldError {
    FieldError::new(1214, "Delimiter not found")
}

/// Rows with more fields than columns.
pub(crate) fn extra_columns() -> FieldError {
    FieldError::new(1202, "Extra column(s) found")
}

/// NULL for a NOT NULL column.
pub(crate) fn missing_data() -> FieldError {
    FieldError::new(1213, "Missing data for not-null field")
}

/// A quote that does not follow the rules of CSV.
pub(crate) fn bad_quote() -> FieldError {
    FieldError::new(1214, "Invalid quote formatting for CSV")
}

/// REMOVEQUOTES and no closing quote.
pub(crate) fn missing_end_quote() -> FieldError {
    FieldError::new(1214, "Delimited value missing end quote")
}

/// A refused row, with all that `stl_load_errors` shows of it.
#[derive(Debug, Clone)]
pub(crate) struct RowError {
    /// Line in the block, from 0.
    pub line: u64,
    /// Which of the loaded columns; `None`: the row as a whole.
    pub column: Option<usize>,
    /// Why.
    pub error: FieldError,
    /// The line as it was.
    pub raw_line: String,
    /// The field as it was.
    pub raw_field: String,
}

/// Text of bytes for the record, cut as the system tables cut it.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(1024)];
    let text = String::from_utf8_lossy(cut);
    // The record is text of UTF-8 without NUL.
    text.replace('\0', " ")
        .trim_end_matches(['\n', '\r'])
        .to_string()
}
