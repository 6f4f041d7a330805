//! Values as text, as Redshift prints them.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef};
use bytes::{BufMut, BytesMut};
use lw_base::Result;

use crate::column::{Values, element_type, interval_micros};
use crate::datetime::{
    DateFormat, DateOrder, write_date, write_time, write_timestamp, write_timestamptz,
};
use crate::float::{DBL_DIG, FLT_DIG, write_float};
use crate::numeric::write_numeric;
use crate::{Column, SqlType, Zone};

/// The settings of a session that change how values are printed.
#[derive(Debug, Clone, Copy)]
pub struct TextOptions {
    /// `TimeZone`
    pub zone: Zone,
    /// `extra_float_digits`
    pub extra_float_digits: i32,
    /// `DateStyle`, first part
    pub date_format: DateFormat,
    /// `DateStyle`, second part
    pub date_order: DateOrder,
}

impl Default for TextOptions {
    fn default() -> Self {
        TextOptions {
            zone: Zone::UTC,
            extra_float_digits: 0,
            date_format: DateFormat::Iso,
            date_order: DateOrder::Mdy,
        }
    }
}

impl TextOptions {
    /// From the settings' own forms; a zone that is not known counts as UTC.
    pub fn new(time_zone: &str, extra_float_digits: i32, date_style: &str) -> TextOptions {
        let mut options = TextOptions {
            zone: Zone::parse(time_zone).unwrap_or(Zone::UTC),
            extra_float_digits,
            ..TextOptions::default()
        };
        for word in date_style.split(|c: char| !c.is_ascii_alphabetic()) {
            match word.to_ascii_lowercase().as_str() {
                "iso" => options.date_format = DateFormat::Iso,
                "sql" => options.date_format = DateFormat::Sql,
                "postgres" | "postgresql" => options.date_format = DateFormat::Postgres,
                "german" => options.date_format = DateFormat::German,
                "mdy" | "us" => options.date_order = DateOrder::Mdy,
                "dmy" | "european" => options.date_order = DateOrder::Dmy,
                "ymd" => options.date_order = DateOrder::Ymd,
                _ => {}
            }
        }
        options
    }
}

impl Column {
    /// Appends the text of the value in `row`, which is not NULL.
    pub fn write_text(&self, row: usize, options: &TextOptions, out: &mut BytesMut) {
        let (format, order) = (options.date_format, options.date_order);
        match &self.values {
            Values::Null => {}
            Values::Bool(a) => out.put_u8(if a.value(row) { b't' } else { b'f' }),
            Values::Int2(a) => display(a.value(row), out),
            Values::Int4(a) => display(a.value(row), out),
            Values::Int8(a) => display(a.value(row), out),
            Values::Oid(a) => display(a.value(row), out),
            Values::Numeric(a) => write_numeric(a.value(row), a.scale(), out),
            Values::Float4(a) => write_float(
                a.value(row) as f64,
                (FLT_DIG + options.extra_float_digits).max(1),
                out,
            ),
            Values::Float8(a) => write_float(
                a.value(row),
                (DBL_DIG + options.extra_float_digits).max(1),
                out,
            ),
            Values::Text(a) => {
                let text = a.value(row);
                out.put_slice(text.as_bytes());
                if let SqlType::Char(n) = self.sql_type {
                    out.put_bytes(b' ', (n as usize).saturating_sub(text.len()));
                }
            }
            Values::Date(a) => write_date(a.value(row) as i64, format, order, out),
            Values::Time(a) => write_time(a.value(row), out),
            Values::TimeTz(a) => {
                write_time(a.value(row) / 1000, out);
                out.put_slice(b"+00");
            }
            Values::Timestamp(a) if self.sql_type == SqlType::TimestampTz => {
                write_timestamptz(a.value(row), options.zone, format, order, out)
            }
            Values::Timestamp(a) => write_timestamp(a.value(row), format, order, out),
            Values::Months(a) => {
                let months = a.value(row);
                let _ = write!(out, "{} years {} mons", months / 12, months % 12);
            }
            Values::DayTime(a) => write_day_time(interval_micros(a.value(row)), out),
            Values::Bytes(a) => {
                for b in a.value(row) {
                    let _ = write!(out, "{b:02x}");
                }
            }
            Values::List(a) => write_list(&a.value(row), self.sql_type, options, out),
        }
    }
}

/// Appends the text of one value of `array`; returns false if it is NULL. For more than a few
/// values make a [`Column`] once instead.
pub fn encode(
    array: &ArrayRef,
    row: usize,
    sql_type: SqlType,
    options: &TextOptions,
    out: &mut BytesMut,
) -> Result<bool> {
    let column = Column::new(array, sql_type)?;
    if column.is_null(row) {
        return Ok(false);
    }
    column.write_text(row, options, out);
    Ok(true)
}

fn display(value: impl std::fmt::Display, out: &mut BytesMut) {
    let _ = write!(out, "{value}");
}

fn write_day_time(micros: i64, out: &mut BytesMut) {
    let seconds = micros / 1_000_000;
    let _ = write!(
        out,
        "{} days {} hours {} mins ",
        seconds / 86_400,
        seconds / 3_600 % 24,
        seconds / 60 % 60
    );
    if micros < 0 && micros % 60_000_000 != 0 {
        out.put_u8(b'-');
    }
    let fraction = format!("{:06}", (micros % 1_000_000).abs());
    let fraction = match fraction.trim_end_matches('0') {
        "" => "0",
        some => some,
    };
    let _ = write!(out, "{}.{fraction} secs", (seconds % 60).abs());
}

fn write_list(items: &ArrayRef, list: SqlType, options: &TextOptions, out: &mut BytesMut) {
    let Ok(column) = Column::new(items, element_type(list)) else {
        return out.put_slice(b"{}");
    };
    out.put_u8(b'{');
    let mut item = BytesMut::new();
    for row in 0..items.len() {
        if row > 0 {
            out.put_u8(b',');
        }
        if column.is_null(row) {
            out.put_slice(b"NULL");
            continue;
        }
        item.clear();
        column.write_text(row, options, &mut item);
        let plain = !item.is_empty()
            && !item.eq_ignore_ascii_case(b"null")
            && !item
                .iter()
                .any(|b| b"{},\"\\".contains(b) || b.is_ascii_whitespace());
        if plain {
            out.put_slice(&item);
        } else {
            out.put_u8(b'"');
            for b in item.iter() {
                if matches!(b, b'"' | b'\\') {
                    out.put_u8(b'\\');
                }
                out.put_u8(*b);
            }
            out.put_u8(b'"');
        }
    }
    out.put_u8(b'}');
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
