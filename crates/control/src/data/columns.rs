//! Columns of results: what ColumnMetadata says of them, and their values as fields (guide
//! L16717-16725, L17243-17334).

use std::io::Write;

use arrow::array::{Array, ArrayRef, Float32Array, Float64Array};
use bytes::BytesMut;
use lw_aws_model::redshift_data::ColumnMetadata;
use lw_pgrepr::{Column, SqlType, TextOptions};
use lw_services::ColumnDesc;

/// Length of what has none.
const ENDLESS: i64 = 2_147_483_647;

/// What a column's type says: precision, scale, is it a signed number.
pub fn shape_of(sql_type: SqlType) -> (i64, i64, bool) {
    match sql_type {
        SqlType::Bool | SqlType::CharByte => (1, 0, false),
        SqlType::Int2 => (5, 0, true),
        SqlType::Int4 => (10, 0, true),
        SqlType::Int8 => (19, 0, true),
        SqlType::Oid | SqlType::Xid => (10, 0, false),
        SqlType::Numeric(precision, scale) => (precision.into(), scale.into(), true),
        SqlType::Float4 => (8, 8, true),
        SqlType::Float8 => (17, 17, true),
        SqlType::Char(length) | SqlType::Varchar(length) | SqlType::Varbyte(length) => {
            (length.into(), 0, false)
        }
        SqlType::Name => (128, 0, false),
        SqlType::Date => (13, 0, false),
        SqlType::Time => (15, 6, false),
        SqlType::TimeTz => (21, 6, false),
        SqlType::Timestamp => (29, 6, false),
        SqlType::TimestampTz => (35, 6, false),
        SqlType::IntervalYM | SqlType::IntervalDS => (49, 0, false),
        _ => (ENDLESS, 0, false),
    }
}

/// What ColumnMetadata says of a column of a result.
pub fn metadata(column: &ColumnDesc) -> ColumnMetadata {
    let (precision, scale, signed) = shape_of(column.sql_type);
    // Relations of the catalog have no schema here (guide L17542-17723).
    let origin = column.origin.as_ref();
    let schema = origin.map_or("", |o| o.schema_name.as_str());
    let system = matches!(schema, "pg_catalog" | "information_schema" | "pg_internal");
    ColumnMetadata {
        column_default: None,
        is_case_sensitive: Some(column.sql_type.is_string()),
        is_currency: Some(false),
        is_signed: Some(signed),
        label: Some(column.name.clone()),
        length: Some(0),
        name: Some(column.name.clone()),
        nullable: Some(i64::from(!column.not_null)),
        precision: Some(precision),
        scale: Some(scale),
        schema_name: Some(if system { "" } else { schema }.to_string()),
        table_name: Some(origin.map(|o| o.table_name.clone()).unwrap_or_default()),
        type_name: Some(column.sql_type.typname().to_string()),
    }
}

/// A column of a batch, ready to be written.
pub struct Cells {
    column: Column,
    array: ArrayRef,
    sql_type: SqlType,
}

impl Cells {
    /// Sees an array as a column of this type.
    pub fn new(array: &ArrayRef, sql_type: SqlType) -> lw_base::Result<Cells> {
        Ok(Cells {
            column: Column::new(array, sql_type)?,
            array: array.clone(),
            sql_type,
        })
    }

    /// The value as text, as the API writes it; `None` is NULL. `size` grows by the bytes that the
    /// value takes on the SQL port.
    pub fn text(&self, row: usize, options: &TextOptions, size: &mut usize) -> Option<String> {
        *size += 4;
        if self.column.is_null(row) {
            return None;
        }
        let mut out = BytesMut::new();
        self.column.write_text(row, options, &mut out);
        *size += out.len();
        let mut text = String::from_utf8_lossy(&out).into_owned();
        match self.sql_type {
            SqlType::Char(_) => text.truncate(text.trim_end_matches(' ').len()),
            // As java.sql.Timestamp writes it (guide L17240).
            SqlType::Timestamp
                if !text.contains('.') && text.ends_with(|c: char| c.is_ascii_digit()) =>
            {
                text.push_str(".0");
            }
            SqlType::Bool => {
                text = if text.starts_with('t') {
                    "true"
                } else {
                    "false"
                }
                .into()
            }
            _ => {}
        }
        Some(text)
    }

    /// Writes the value as a field, in JSON.
    pub fn field(&self, row: usize, options: &TextOptions, size: &mut usize, out: &mut Vec<u8>) {
        let Some(text) = self.text(row, options, size) else {
            out.extend_from_slice(b"{\"isNull\":true}");
            return;
        };
        // Writing to memory cannot fail.
        let _ = match self.sql_type {
            SqlType::Int2 | SqlType::Int4 | SqlType::Int8 | SqlType::Oid | SqlType::Xid => {
                write!(out, "{{\"longValue\":{text}}}")
            }
            SqlType::Bool => write!(out, "{{\"booleanValue\":{text}}}"),
            SqlType::Float4 | SqlType::Float8 => match self.number(row, &text) {
                Some(number) => write!(out, "{{\"doubleValue\":{number:?}}}"),
                None => write!(out, "{{\"stringValue\":{}}}", serde_json::json!(text)),
            },
            _ => write!(out, "{{\"stringValue\":{}}}", serde_json::json!(text)),
        };
    }

    /// A finite number; what is none goes as text, for JSON has no word for it.
    fn number(&self, row: usize, text: &str) -> Option<f64> {
        let number = if let Some(doubles) = self.array.as_any().downcast_ref::<Float64Array>() {
            doubles.value(row)
        } else if let Some(floats) = self.array.as_any().downcast_ref::<Float32Array>() {
            // By its shortest text, as drivers read it: 1.1, not 1.10000002384185791.
            floats.value(row).to_string().parse().ok()?
        } else {
            text.parse().ok()?
        };
        number.is_finite().then_some(number)
    }
}
