//! The options of COPY: what they mean and which go together (Developer Guide, "COPY", its pages on
//! parameters).

use std::collections::BTreeMap;

use lw_base::{Result, SqlError, SqlState};

use super::formats::{DateFormat, TimeFormat};

/// Format of the files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Format {
    /// CSV
    Csv,
    /// Text with a delimiter.
    Delimited,
    /// Text with columns of fixed widths, counted in characters.
    FixedWidth(Vec<usize>),
    /// JSON objects; `fold`: names are compared without case.
    Json { fold: bool },
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// As the system tables name it.
    pub fn name(&self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Delimited => "text",
            Format::FixedWidth(_) => "fixedwidth",
            Format::Json { .. } => "json",
            Format::Parquet => "parquet",
        }
    }
}

/// Compression of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// None.
    None,
    /// GZIP
    Gzip,
    /// BZIP2
    Bzip2,
    /// ZSTD
    Zstd,
}

impl Compression {
    /// As the system tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip => "gzip",
            Compression::Bzip2 => "bzip2",
            Compression::Zstd => "zstd",
        }
    }

    /// The one among options of COPY or UNLOAD; two are refused.
    pub fn of(options: &BTreeMap<String, String>) -> Result<Self> {
        let known = [
            ("GZIP", Compression::Gzip),
            ("BZIP2", Compression::Bzip2),
            ("ZSTD", Compression::Zstd),
        ];
        let mut given = known.iter().filter(|(name, _)| options.contains_key(*name));
        match (given.next(), given.next()) {
            (None, _) => Ok(Compression::None),
            (Some((_, one)), None) => Ok(*one),
            (Some((a, _)), Some((b, _))) => Err(conflict(a, b)),
        }
    }
}

/// The options of one COPY.
#[derive(Debug, Clone)]
pub(crate) struct CopyOptions {
    pub format: Format,
    pub compression: Compression,
    pub delimiter: u8,
    pub quote: u8,
    pub null_as: Vec<u8>,
    pub escape: bool,
    pub remove_quotes: bool,
    pub fill_record: bool,
    pub ignore_blank_lines: bool,
    pub ignore_header: u64,
    pub blanks_as_null: bool,
    pub empty_as_null: bool,
    pub accept_inv_chars: Option<u8>,
    pub accept_any_date: bool,
    pub truncate_columns: bool,
    pub trim_blanks: bool,
    pub round_dec: bool,
    pub date_format: DateFormat,
    pub time_format: TimeFormat,
    /// The load fails at this many errors; at least 1.
    pub max_error: u64,
    pub no_load: bool,
    pub explicit_ids: bool,
    pub manifest: bool,
    pub region: Option<String>,
    /// `None`: as the table is empty or not.
    pub stat_update: Option<bool>,
}

pub(crate) fn conflict(a: &str, b: &str) -> SqlError {
    SqlError::new(
        SqlState::SYNTAX_ERROR,
        format!("COPY options {a} and {b} cannot be used together"),
    )
}

pub(crate) fn invalid(name: &str, value: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("invalid value for {name}: '{value}'"),
    )
}

/// One ASCII character: itself, `\t` and the like, or octal `\ddd`.
pub(crate) fn one_char(name: &str, value: &str) -> Result<u8> {
    let bytes = unescape(value);
    match bytes[..] {
        [b] if b.is_ascii() && b != b'\n' && b != b'\r' => Ok(b),
        _ => Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!(
                "COPY {} must be a single ASCII character",
                name.to_lowercase()
            ),
        )),
    }
}

fn unescape(value: &str) -> Vec<u8> {
    let bytes = value.as_bytes();
    match bytes {
        [b'\\', b't'] => vec![b'\t'],
        [b'\\', b'b'] => vec![8],
        [b'\\', b'f'] => vec![12],
        [b'\\', b'v'] => vec![11],
        [b'\\', b'\\'] => vec![b'\\'],
        [b'\\', digits @ ..]
            if !digits.is_empty()
                && digits.len() <= 3
                && digits.iter().all(|d| (b'0'..=b'7').contains(d)) =>
        {
            let code = digits.iter().fold(0u32, |n, d| n * 8 + u32::from(d - b'0'));
            u8::try_from(code).map_or_else(|_| bytes.to_vec(), |b| vec![b])
        }
        _ => bytes.to_vec(),
    }
}

/// Widths of FIXEDWIDTH: `label:width, ...`.
pub(crate) fn widths(spec: &str) -> Result<Vec<usize>> {
    spec.split(',')
        .map(|pair| {
            pair.rsplit_once(':')
                .and_then(|(_, width)| width.trim().parse().ok())
                .filter(|width| *width > 0)
                .ok_or_else(|| invalid("FIXEDWIDTH", spec))
        })
        .collect()
}

/// Options that are known and missing here, with what to call them.
const MISSING: &[(&str, &str)] = &[
    ("LZOP", "COPY with LZOP"),
    ("SSH", "COPY from remote hosts (SSH)"),
    ("ENCRYPTED", "COPY with ENCRYPTED"),
    ("MASTER_SYMMETRIC_KEY", "COPY with MASTER_SYMMETRIC_KEY"),
    ("READRATIO", "COPY with READRATIO (DynamoDB)"),
];

impl CopyOptions {
    /// Reads and checks the options.
    pub fn parse(options: &BTreeMap<String, String>) -> Result<Self> {
        let get = |name: &str| options.get(name).map(String::as_str);
        let has = |name: &str| options.contains_key(name);
        for (name, what) in MISSING {
            if has(name) {
                return Err(SqlError::unsupported(what));
            }
        }
        let format = match get("FORMAT").unwrap_or("DELIMITED") {
            "CSV" => Format::Csv,
            "DELIMITED" => Format::Delimited,
            "PARQUET" => Format::Parquet,
            "JSON" => match get("JSON").unwrap_or("auto") {
                "auto" => Format::Json { fold: false },
                "auto ignorecase" => Format::Json { fold: true },
                "noshred" => return Err(SqlError::unsupported("COPY with JSON 'noshred'")),
                _ => return Err(SqlError::unsupported("COPY with a JSONPaths file")),
            },
            "FIXEDWIDTH" => Format::FixedWidth(widths(
                get("FIXEDWIDTH").ok_or_else(|| invalid("FIXEDWIDTH", ""))?,
            )?),
            other => return Err(SqlError::unsupported(format!("COPY with FORMAT {other}"))),
        };
        check_pairs(&format, &has)?;
        if let Some(encoding) = get("ENCODING")
            && !matches!(encoding.to_ascii_uppercase().as_str(), "UTF8" | "UTF-8")
        {
            return Err(SqlError::unsupported(format!(
                "COPY with ENCODING {encoding}"
            )));
        }
        let number = |name: &str, most: u64| -> Result<Option<u64>> {
            match get(name) {
                None => Ok(None),
                Some(text) => match text.trim().parse::<u64>() {
                    Ok(n) if n <= most => Ok(Some(n)),
                    _ => Err(invalid(name, text)),
                },
            }
        };
        let switch = |name: &str| match get(name) {
            None => None,
            Some("OFF") => Some(false),
            Some(_) => Some(true),
        };
        let default_delimiter = if format == Format::Csv { b',' } else { b'|' };
        let delimiter = match get("DELIMITER") {
            None | Some("") => default_delimiter,
            Some(text) => one_char("DELIMITER", text)?,
        };
        let quote = match get("QUOTE") {
            None => b'"',
            Some(text) => one_char("QUOTE", text)?,
        };
        if format == Format::Csv && quote == delimiter {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "COPY delimiter and quote must be different",
            ));
        }
        let null_as = match get("NULL") {
            None => b"\\N".to_vec(),
            Some("\\0" | "\\000") => vec![0],
            Some(text) => text.as_bytes().to_vec(),
        };
        let accept_inv_chars = match get("ACCEPTINVCHARS") {
            None => None,
            Some("") => Some(b'?'),
            Some(text) => Some(one_char("ACCEPTINVCHARS", text)?),
        };
        let ignore_all = has("IGNOREALLERRORS");
        if ignore_all && has("MAXERROR") {
            return Err(conflict("IGNOREALLERRORS", "MAXERROR"));
        }
        number("COMPROWS", i32::MAX as u64)?;
        Ok(CopyOptions {
            compression: Compression::of(options)?,
            delimiter,
            quote,
            null_as,
            escape: has("ESCAPE"),
            remove_quotes: has("REMOVEQUOTES"),
            fill_record: has("FILLRECORD"),
            ignore_blank_lines: has("IGNOREBLANKLINES"),
            ignore_header: number("IGNOREHEADER", i64::MAX as u64)?.unwrap_or(0),
            blanks_as_null: has("BLANKSASNULL"),
            empty_as_null: has("EMPTYASNULL"),
            accept_inv_chars,
            accept_any_date: has("ACCEPTANYDATE"),
            truncate_columns: has("TRUNCATECOLUMNS"),
            trim_blanks: has("TRIMBLANKS"),
            round_dec: has("ROUNDEC"),
            date_format: DateFormat::parse(get("DATEFORMAT"))?,
            time_format: TimeFormat::parse(get("TIMEFORMAT"))?,
            max_error: match ignore_all {
                true => u64::MAX,
                false => number("MAXERROR", 100_000)?.unwrap_or(0).max(1),
            },
            no_load: has("NOLOAD"),
            explicit_ids: has("EXPLICIT_IDS"),
            manifest: has("MANIFEST"),
            region: get("REGION").map(str::to_string),
            stat_update: switch("STATUPDATE"),
            format,
        })
    }
}

/// Options that exclude one another.
fn check_pairs(format: &Format, has: &dyn Fn(&str) -> bool) -> Result<()> {
    let refuse = |name: &str, others: &[&str]| -> Result<()> {
        match others.iter().find(|o| has(o)) {
            Some(other) => Err(conflict(name, other)),
            None => Ok(()),
        }
    };
    if has("QUOTE") && *format != Format::Csv {
        return Err(SqlError::new(
            SqlState::SYNTAX_ERROR,
            "QUOTE can be used only with CSV",
        ));
    }
    match format {
        Format::Csv => refuse("CSV", &["FIXEDWIDTH", "REMOVEQUOTES", "ESCAPE"]),
        Format::FixedWidth(_) => refuse("FIXEDWIDTH", &["DELIMITER", "ESCAPE", "REMOVEQUOTES"]),
        Format::Delimited => Ok(()),
        // Developer Guide, "JSON": options that are not supported with it.
        Format::Json { .. } => refuse(
            "JSON",
            &[
                "DELIMITER",
                "ESCAPE",
                "FILLRECORD",
                "FIXEDWIDTH",
                "IGNOREBLANKLINES",
                "NULL",
                "REMOVEQUOTES",
            ],
        ),
        Format::Parquet => refuse(
            "PARQUET",
            &[
                "ACCEPTANYDATE",
                "BLANKSASNULL",
                "COMPROWS",
                "DATEFORMAT",
                "DELIMITER",
                "EMPTYASNULL",
                "ENCODING",
                "ESCAPE",
                "GZIP",
                "BZIP2",
                "ZSTD",
                "IGNOREALLERRORS",
                "IGNOREBLANKLINES",
                "IGNOREHEADER",
                "MAXERROR",
                "NOLOAD",
                "NULL",
                "REMOVEQUOTES",
                "ROUNDEC",
                "TIMEFORMAT",
                "TRIMBLANKS",
                "TRUNCATECOLUMNS",
            ],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<CopyOptions> {
        let map = pairs
            .iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect();
        CopyOptions::parse(&map)
    }

    #[test]
    fn defaults_and_characters() {
        let plain = parse(&[]).unwrap();
        assert_eq!((plain.delimiter, plain.max_error), (b'|', 1));
        assert_eq!(plain.null_as, b"\\N");
        assert_eq!(parse(&[("FORMAT", "CSV")]).unwrap().delimiter, b',');
        assert_eq!(parse(&[("DELIMITER", "\\t")]).unwrap().delimiter, b'\t');
        assert_eq!(parse(&[("DELIMITER", "\\001")]).unwrap().delimiter, 1);
        assert_eq!(parse(&[("NULL", "\\0")]).unwrap().null_as, b"\0");
        assert!(parse(&[("DELIMITER", "||")]).is_err());
        assert_eq!(widths("a:3, b:10").unwrap(), [3, 10]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for pairs in [
            &[("FORMAT", "CSV"), ("ESCAPE", "")][..],
            &[("FORMAT", "PARQUET"), ("MAXERROR", "3")],
            &[("GZIP", ""), ("ZSTD", "")],
            &[("QUOTE", "'")],
            &[("MAXERROR", "100001")],
        ] {
            assert!(parse(pairs).is_err(), "{pairs:?}");
        }
        let missing = parse(&[("FORMAT", "AVRO")]).unwrap_err();
        assert_eq!(missing.state, SqlState::FEATURE_NOT_SUPPORTED);
    }
}
