//! The options of UNLOAD (Developer Guide, "UNLOAD").

use std::collections::BTreeMap;

use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;

use super::super::options::{Compression, invalid, one_char, widths};
use super::OutColumn;

const MB: u64 = 1 << 20;
/// The largest file: 6.2 GB.
const LARGEST: u64 = 6_348 * MB;

/// Format of the files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OutFormat {
    Csv,
    Delimited,
    FixedWidth(Vec<usize>),
    Parquet,
}

impl OutFormat {
    /// As the system tables name it.
    pub fn name(&self) -> &'static str {
        match self {
            OutFormat::Csv => "csv",
            OutFormat::Delimited => "text",
            OutFormat::FixedWidth(_) => "fixedwidth",
            OutFormat::Parquet => "parquet",
        }
    }
}

/// The options of one UNLOAD.
#[derive(Debug, Clone)]
pub(crate) struct UnloadOptions {
    pub format: OutFormat,
    pub compression: Compression,
    pub delimiter: u8,
    pub null_as: Option<String>,
    pub escape: bool,
    pub add_quotes: bool,
    pub header: bool,
    pub parallel: bool,
    pub max_file_size: u64,
    pub row_group_size: u64,
    pub manifest: bool,
    pub manifest_verbose: bool,
    pub allow_overwrite: bool,
    pub clean_path: bool,
    pub partition_by: Vec<String>,
    pub include_partitions: bool,
    pub extension: Option<String>,
    pub region: Option<String>,
}

fn conflict(a: &str, b: &str) -> SqlError {
    SqlError::new(
        SqlState::SYNTAX_ERROR,
        format!("UNLOAD options {a} and {b} cannot be used together"),
    )
}

/// `number MB|GB`, in bytes.
fn size(name: &str, text: &str, least: u64, most: u64) -> Result<u64> {
    let (number, unit) = text.split_once(' ').unwrap_or((text, "MB"));
    let unit = match unit {
        "GB" => 1024 * MB,
        _ => MB,
    };
    let bytes = number
        .parse::<f64>()
        .ok()
        .map(|n| (n * unit as f64).round() as u64)
        .ok_or_else(|| invalid(name, text))?;
    if bytes < least || bytes > most {
        return Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!(
                "{name} must be between {} MB and {} MB",
                least / MB,
                most / MB
            ),
        ));
    }
    Ok(bytes)
}

impl UnloadOptions {
    /// Reads and checks the options.
    pub fn parse(options: &BTreeMap<String, String>) -> Result<Self> {
        let get = |name: &str| options.get(name).map(String::as_str);
        let has = |name: &str| options.contains_key(name);
        for name in ["ENCRYPTED", "KMS_KEY_ID", "MASTER_SYMMETRIC_KEY"] {
            if has(name) {
                return Err(SqlError::unsupported(format!("UNLOAD with {name}")));
            }
        }
        let format = match get("FORMAT").unwrap_or("DELIMITED") {
            "CSV" => OutFormat::Csv,
            "DELIMITED" => OutFormat::Delimited,
            "PARQUET" => OutFormat::Parquet,
            "FIXEDWIDTH" => OutFormat::FixedWidth(widths(get("FIXEDWIDTH").unwrap_or(""))?),
            other => return Err(SqlError::unsupported(format!("UNLOAD with FORMAT {other}"))),
        };
        let excluded: (&str, &[&str]) = match format {
            OutFormat::Csv => ("CSV", &["FIXEDWIDTH", "ADDQUOTES", "ESCAPE"]),
            OutFormat::Delimited => ("", &[]),
            OutFormat::FixedWidth(_) => (
                "FIXEDWIDTH",
                &["DELIMITER", "HEADER", "ADDQUOTES", "ESCAPE"],
            ),
            OutFormat::Parquet => (
                "PARQUET",
                &[
                    "DELIMITER",
                    "FIXEDWIDTH",
                    "ADDQUOTES",
                    "ESCAPE",
                    "NULL",
                    "HEADER",
                    "GZIP",
                    "BZIP2",
                    "ZSTD",
                ],
            ),
        };
        if let Some(other) = excluded.1.iter().find(|o| has(o)) {
            return Err(conflict(excluded.0, other));
        }
        if has("CLEANPATH") && has("ALLOWOVERWRITE") {
            return Err(conflict("CLEANPATH", "ALLOWOVERWRITE"));
        }
        if has("ROWGROUPSIZE") && format != OutFormat::Parquet {
            return Err(SqlError::syntax(
                "ROWGROUPSIZE can be used only with PARQUET",
            ));
        }
        let delimiter = match get("DELIMITER") {
            Some(text) if !text.is_empty() => one_char("DELIMITER", text)?,
            _ if format == OutFormat::Csv => b',',
            _ => b'|',
        };
        let partition_by: Vec<String> = get("PARTITION BY")
            .map(|list| list.split(',').map(str::to_string).collect())
            .unwrap_or_default();
        Ok(UnloadOptions {
            compression: Compression::of(options)?,
            delimiter,
            null_as: get("NULL").map(str::to_string),
            escape: has("ESCAPE"),
            add_quotes: has("ADDQUOTES"),
            header: has("HEADER"),
            parallel: get("PARALLEL") != Some("OFF"),
            max_file_size: match get("MAXFILESIZE") {
                Some(text) => size("MAXFILESIZE", text, 5 * MB, LARGEST + MB)?,
                None => LARGEST,
            },
            row_group_size: match get("ROWGROUPSIZE") {
                Some(text) => size("ROWGROUPSIZE", text, 32 * MB, 128 * MB)?,
                None => 32 * MB,
            },
            manifest: has("MANIFEST"),
            manifest_verbose: get("MANIFEST") == Some("VERBOSE"),
            allow_overwrite: has("ALLOWOVERWRITE"),
            clean_path: has("CLEANPATH"),
            partition_by,
            include_partitions: has("INCLUDE"),
            extension: get("EXTENSION").map(str::to_string),
            region: get("REGION").map(str::to_string),
            format,
        })
    }

    /// Checks what depends on the query's columns.
    pub fn check_columns(&self, columns: &[OutColumn]) -> Result<()> {
        if let OutFormat::FixedWidth(widths) = &self.format
            && widths.len() != columns.len()
        {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!(
                    "FIXEDWIDTH describes {} columns, the query has {}",
                    widths.len(),
                    columns.len()
                ),
            ));
        }
        for name in &self.partition_by {
            let column = columns.iter().find(|c| c.name == *name).ok_or_else(|| {
                SqlError::new(
                    SqlState::UNDEFINED_COLUMN,
                    format!("PARTITION BY column \"{name}\" is not a column of the query"),
                )
            })?;
            if matches!(
                column.sql_type,
                SqlType::Float8 | SqlType::Varbyte(_) | SqlType::Time | SqlType::TimeTz
            ) {
                return Err(SqlError::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "column \"{name}\" of type {} cannot be a partition key",
                        column.sql_type
                    ),
                ));
            }
        }
        let keys = columns
            .iter()
            .filter(|c| self.partition_by.contains(&c.name))
            .count();
        if !self.partition_by.is_empty() && keys == columns.len() {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "UNLOAD needs at least one column that is no partition column",
            ));
        }
        Ok(())
    }

    /// What the names of the files end with.
    pub fn suffix(&self) -> String {
        if let Some(extension) = &self.extension {
            return format!(".{}", extension.trim_start_matches('.'));
        }
        match (&self.format, self.compression) {
            (OutFormat::Parquet, _) => ".parquet",
            (_, Compression::None) => "",
            (_, Compression::Gzip) => ".gz",
            (_, Compression::Bzip2) => ".bz2",
            (_, Compression::Zstd) => ".zst",
        }
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<UnloadOptions> {
        let map = pairs
            .iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect();
        UnloadOptions::parse(&map)
    }

    #[test]
    fn sizes_and_suffixes() {
        assert_eq!(
            parse(&[("MAXFILESIZE", "6.2 GB")]).unwrap().max_file_size,
            6_657_199_309
        );
        assert!(parse(&[("MAXFILESIZE", "4 MB")]).is_err());
        assert_eq!(parse(&[("GZIP", "")]).unwrap().suffix(), ".gz");
        assert_eq!(
            parse(&[("GZIP", ""), ("EXTENSION", "csv.gz")])
                .unwrap()
                .suffix(),
            ".csv.gz"
        );
        assert_eq!(
            parse(&[("FORMAT", "PARQUET")]).unwrap().suffix(),
            ".parquet"
        );
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for pairs in [
            &[("FORMAT", "CSV"), ("ADDQUOTES", "")][..],
            &[("FORMAT", "PARQUET"), ("GZIP", "")],
            &[("CLEANPATH", ""), ("ALLOWOVERWRITE", "")],
            &[("ROWGROUPSIZE", "64 MB")],
            &[("ENCRYPTED", "")],
        ] {
            assert!(parse(pairs).is_err(), "{pairs:?}");
        }
    }
}
