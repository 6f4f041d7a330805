//! Values in binary: PostgreSQL's forms, and Redshift's own for NUMERIC and intervals.

use arrow::array::{Array, ArrayRef};
use bytes::{BufMut, BytesMut};
use lw_base::{Result, SqlError};

use crate::column::{Values, element_oid, element_type, interval_micros};
use crate::datetime::{PG_EPOCH_DAYS, PG_EPOCH_MICROS};
use crate::numeric::write_pg_binary;
use crate::{Column, SqlType};

/// How NUMERIC goes in binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumericForm {
    /// The unscaled number in 8 or 16 bytes: Redshift's, from protocol version 2 on.
    Unscaled,
    /// PostgreSQL's groups of digits.
    Digits,
}

/// The widest NUMERIC that goes in 8 bytes.
const SHORT_NUMERIC: u8 = 18;

impl Column {
    /// Appends the binary form of the value in `row`, which is not NULL.
    pub fn write_binary(&self, row: usize, numeric: NumericForm, out: &mut BytesMut) -> Result<()> {
        match &self.values {
            Values::Null => {}
            Values::Bool(a) => out.put_u8(a.value(row) as u8),
            Values::Int2(a) => out.put_i16(a.value(row)),
            Values::Int4(a) => out.put_i32(a.value(row)),
            Values::Int8(a) => out.put_i64(a.value(row)),
            Values::Oid(a) => out.put_u32(a.value(row)),
            Values::Numeric(a) => match numeric {
                NumericForm::Digits => write_pg_binary(a.value(row), a.scale(), out),
                NumericForm::Unscaled if a.precision() <= SHORT_NUMERIC => {
                    out.put_i64(a.value(row) as i64)
                }
                NumericForm::Unscaled => out.put_i128(a.value(row)),
            },
            Values::Float4(a) => out.put_f32(a.value(row)),
            Values::Float8(a) => out.put_f64(a.value(row)),
            Values::Text(a) => return write_string(self.sql_type, a.value(row), out),
            Values::Date(a) => out.put_i32(a.value(row).saturating_sub(PG_EPOCH_DAYS)),
            Values::Time(a) => out.put_i64(a.value(row)),
            Values::TimeTz(a) => {
                out.put_i64(a.value(row) / 1000);
                out.put_i32(0);
            }
            Values::Timestamp(a) => out.put_i64(a.value(row).saturating_sub(PG_EPOCH_MICROS)),
            Values::Months(a) => out.put_i32(a.value(row)),
            Values::DayTime(a) => out.put_i64(interval_micros(a.value(row))),
            Values::Bytes(a) => out.put_slice(a.value(row)),
            Values::List(a) => {
                let items = a.value(row);
                let column = Column::new(&items, element_type(self.sql_type))?;
                let lower = 1;
                put_array_header(
                    self.sql_type,
                    items.len(),
                    items.null_count() > 0,
                    lower,
                    out,
                );
                for item in 0..items.len() {
                    if column.is_null(item) {
                        out.put_i32(-1);
                    } else {
                        put_sized(out, |out| column.write_binary(item, numeric, out))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Appends the binary form of one value of `array`; returns false if it is NULL. For more than a
/// few values make a [`Column`] once instead.
pub fn encode(
    array: &ArrayRef,
    row: usize,
    sql_type: SqlType,
    numeric: NumericForm,
    out: &mut BytesMut,
) -> Result<bool> {
    let column = Column::new(array, sql_type)?;
    if column.is_null(row) {
        return Ok(false);
    }
    column.write_binary(row, numeric, out)?;
    Ok(true)
}

/// Lets `write` append, and puts the length of what it appended before it.
pub fn put_sized(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<()>,
) -> Result<()> {
    let at = out.len();
    out.put_i32(0);
    write(out)?;
    let length = i32::try_from(out.len() - at - 4)
        .map_err(|_| SqlError::internal("a value is longer than 2 GB"))?;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn write_string(sql_type: SqlType, text: &str, out: &mut BytesMut) -> Result<()> {
    match sql_type {
        SqlType::Char(n) => {
            out.put_slice(text.as_bytes());
            out.put_bytes(b' ', (n as usize).saturating_sub(text.len()));
        }
        SqlType::CharByte => out.put_u8(text.as_bytes().first().copied().unwrap_or(0)),
        // Held as the function's name; its binary form is the function's OID.
        SqlType::Regproc => match text.parse::<u32>() {
            Ok(oid) => out.put_u32(oid),
            Err(_) if text == "-" => out.put_u32(0),
            Err(_) => return Err(SqlError::unsupported("the binary format of type regproc")),
        },
        SqlType::Int2Vector | SqlType::OidVector => {
            let items: Vec<&str> = text.split_ascii_whitespace().collect();
            put_array_header(sql_type, items.len(), false, 0, out);
            for item in items {
                let value: i64 = item
                    .parse()
                    .map_err(|_| SqlError::internal(format!("\"{item}\" in a vector")))?;
                if sql_type == SqlType::Int2Vector {
                    out.put_i32(2);
                    out.put_i16(value as i16);
                } else {
                    out.put_i32(4);
                    out.put_u32(value as u32);
                }
            }
        }
        _ => out.put_slice(text.as_bytes()),
    }
    Ok(())
}

fn put_array_header(list: SqlType, len: usize, nulls: bool, lower: i32, out: &mut BytesMut) {
    out.put_i32((len > 0) as i32);
    out.put_i32(nulls as i32);
    out.put_u32(element_oid(list));
    if len > 0 {
        out.put_i32(len as i32);
        out.put_i32(lower);
    }
}
