//! Compression encodings: which exist, for which types, and the default of a column
//! (Developer Guide, "Compression encodings", CREATE TABLE).

use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;

/// Checks that a column of this type may have the encoding.
pub(super) fn check(encoding: &str, sql_type: SqlType, column: &str) -> Result<()> {
    use SqlType::*;
    let fits = match encoding {
        "raw" | "none" | "runlength" | "zstd" | "auto" => true,
        "bytedict" => sql_type != Bool,
        "az64" => matches!(
            sql_type,
            Int2 | Int4
                | Int8
                | Numeric(..)
                | Date
                | Time
                | TimeTz
                | Timestamp
                | TimestampTz
                | IntervalYM
                | IntervalDS
        ),
        "delta" => matches!(
            sql_type,
            Int2 | Int4 | Int8 | Numeric(..) | Date | Timestamp | TimestampTz
        ),
        "delta32k" => matches!(
            sql_type,
            Int4 | Int8 | Numeric(..) | Date | Timestamp | TimestampTz
        ),
        "lzo" => !matches!(sql_type, Bool | Float4 | Float8),
        "mostly8" => matches!(sql_type, Int2 | Int4 | Int8 | Numeric(..)),
        "mostly16" => matches!(sql_type, Int4 | Int8 | Numeric(..)),
        "mostly32" => matches!(sql_type, Int8 | Numeric(..)),
        "text255" | "text32k" => matches!(sql_type, Varchar(_)),
        other => {
            return Err(SqlError::new(
                SqlState::SYNTAX_ERROR,
                format!("encode type {other} is not a valid encoding"),
            ));
        }
    };
    if !fits {
        return Err(SqlError::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!(
                "invalid encoding type specified for column \"{column}\": {encoding} does not fit {sql_type}"
            ),
        ));
    }
    Ok(())
}

/// The encoding of a column nothing was said about.
pub(super) fn default(sql_type: SqlType, is_sort_key: bool, temporary: bool) -> &'static str {
    use SqlType::*;
    if is_sort_key || temporary {
        return "raw";
    }
    match sql_type {
        Int2 | Int4 | Int8 | Numeric(..) | Date | Time | TimeTz | Timestamp | TimestampTz
        | IntervalYM | IntervalDS => "az64",
        Char(_) | Varchar(_) | Varbyte(_) => "lzo",
        _ => "raw",
    }
}
