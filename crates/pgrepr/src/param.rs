//! Values that a client sends: text and binary forms read into arrays of one row.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use lw_base::{Result, SqlError, SqlState};

use crate::SqlType;
use crate::datetime::{MICROS_PER_DAY, PG_EPOCH_DAYS, PG_EPOCH_MICROS};
use crate::numeric::{Parsed, parse_numeric, read_pg_binary, rescale};
use crate::parse_datetime::{parse_date, parse_time, parse_timestamp};
use crate::zone::Zone;

/// Reads a parameter's value into an array of length one of `sql_type.arrow()`; `None` is NULL.
///
/// A value of type `unknown` is read as text, in an array of strings. Lengths of CHAR and VARCHAR
/// are not checked: a parameter that is compared with a column may be longer than the column.
/// `zone` is the session's, for a TIMESTAMPTZ that names none.
pub fn decode_param(
    bytes: Option<&[u8]>,
    binary: bool,
    sql_type: SqlType,
    zone: Zone,
) -> Result<Option<ArrayRef>> {
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    if binary {
        from_binary(bytes, sql_type).map(Some)
    } else {
        from_text(utf8(bytes)?, sql_type, zone).map(Some)
    }
}

/// Reads the text form of a value (see [`decode_param`]).
pub fn from_text(text: &str, sql_type: SqlType, zone: Zone) -> Result<ArrayRef> {
    let trimmed = text.trim();
    Ok(match sql_type {
        SqlType::Bool => Arc::new(BooleanArray::from(vec![parse_bool(trimmed)?])),
        SqlType::Int2 => Arc::new(Int16Array::from(vec![integer::<i16>(trimmed, sql_type)?])),
        SqlType::Int4 => Arc::new(Int32Array::from(vec![integer::<i32>(trimmed, sql_type)?])),
        SqlType::Int8 => Arc::new(Int64Array::from(vec![integer::<i64>(trimmed, sql_type)?])),
        SqlType::Oid | SqlType::Xid => {
            Arc::new(UInt32Array::from(vec![integer::<u32>(trimmed, sql_type)?]))
        }
        SqlType::Float4 => Arc::new(Float32Array::from(vec![float(trimmed, sql_type)? as f32])),
        SqlType::Float8 => Arc::new(Float64Array::from(vec![float(trimmed, sql_type)?])),
        SqlType::Numeric(p, s) => decimal(parse_numeric(text)?, p, s)?,
        SqlType::Date => Arc::new(Date32Array::from(vec![parse_date(trimmed)?])),
        SqlType::Time => Arc::new(Time64MicrosecondArray::from(vec![parse_time(trimmed)?.0])),
        SqlType::TimeTz => {
            let (micros, offset) = parse_time(trimmed)?;
            timetz(
                micros,
                offset.unwrap_or_else(|| zone.offset_at(lw_base::clock::now_micros())),
            )
        }
        SqlType::Timestamp => {
            // As in PostgreSQL, a zone given to a type without one is ignored.
            Arc::new(TimestampMicrosecondArray::from(vec![
                parse_timestamp(trimmed)?.0,
            ]))
        }
        SqlType::TimestampTz => {
            let (local, named) = parse_timestamp(trimmed)?;
            let micros = named.unwrap_or(zone).to_utc(local);
            Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC"))
        }
        SqlType::IntervalYM => Arc::new(IntervalYearMonthArray::from(vec![
            crate::parse_datetime::parse_year_month(trimmed)?,
        ])),
        SqlType::IntervalDS => day_time(crate::parse_datetime::parse_day_time(trimmed)?),
        SqlType::Varbyte(_) => {
            let bytes = unhex(trimmed).ok_or_else(|| invalid(sql_type, text))?;
            Arc::new(BinaryViewArray::from(vec![bytes.as_slice()]))
        }
        SqlType::Void => return Err(SqlError::unsupported("a parameter of type void")),
        list if matches!(list.arrow(), DataType::List(_)) => list_from_text(text, list, zone)?,
        _ => strings(text),
    })
}

fn from_binary(bytes: &[u8], sql_type: SqlType) -> Result<ArrayRef> {
    Ok(match sql_type {
        SqlType::Bool => Arc::new(BooleanArray::from(vec![
            exact::<1>(bytes, sql_type)?[0] != 0,
        ])),
        SqlType::Int2 => Arc::new(Int16Array::from(vec![i16::from_be_bytes(exact(
            bytes, sql_type,
        )?)])),
        SqlType::Int4 => Arc::new(Int32Array::from(vec![i32::from_be_bytes(exact(
            bytes, sql_type,
        )?)])),
        SqlType::Int8 => Arc::new(Int64Array::from(vec![i64::from_be_bytes(exact(
            bytes, sql_type,
        )?)])),
        SqlType::Oid | SqlType::Xid => Arc::new(UInt32Array::from(vec![u32::from_be_bytes(
            exact(bytes, sql_type)?,
        )])),
        SqlType::Float4 => Arc::new(Float32Array::from(vec![f32::from_be_bytes(exact(
            bytes, sql_type,
        )?)])),
        SqlType::Float8 => Arc::new(Float64Array::from(vec![f64::from_be_bytes(exact(
            bytes, sql_type,
        )?)])),
        SqlType::Numeric(p, s) => decimal(read_pg_binary(bytes)?, p, s)?,
        SqlType::Date => {
            let days = i32::from_be_bytes(exact(bytes, sql_type)?);
            if days == i32::MAX || days == i32::MIN {
                return Err(crate::parse_datetime::no_infinity(sql_type));
            }
            Arc::new(Date32Array::from(vec![days.saturating_add(PG_EPOCH_DAYS)]))
        }
        SqlType::Time => {
            let micros = i64::from_be_bytes(exact(bytes, sql_type)?);
            if !(0..=MICROS_PER_DAY).contains(&micros) {
                return Err(out_of_range(sql_type));
            }
            Arc::new(Time64MicrosecondArray::from(vec![micros]))
        }
        SqlType::TimeTz => {
            let raw: [u8; 12] = exact(bytes, sql_type)?;
            let (time, west) = raw.split_at(8);
            let micros = i64::from_be_bytes(exact(time, sql_type)?);
            let west = i32::from_be_bytes(exact(west, sql_type)?);
            if !(0..=MICROS_PER_DAY).contains(&micros) || west.unsigned_abs() > 86_400 {
                return Err(out_of_range(sql_type));
            }
            timetz(micros, -west)
        }
        SqlType::Timestamp => Arc::new(TimestampMicrosecondArray::from(vec![moment(
            bytes, sql_type,
        )?])),
        SqlType::TimestampTz => Arc::new(
            TimestampMicrosecondArray::from(vec![moment(bytes, sql_type)?]).with_timezone("UTC"),
        ),
        SqlType::IntervalYM => Arc::new(IntervalYearMonthArray::from(vec![i32::from_be_bytes(
            exact(bytes, sql_type)?,
        )])),
        SqlType::IntervalDS if bytes.len() == 16 => {
            // PostgreSQL's interval: microseconds, days, months.
            let raw: [u8; 16] = exact(bytes, sql_type)?;
            let micros = i64::from_be_bytes(exact(&raw[..8], sql_type)?);
            let days = i32::from_be_bytes(exact(&raw[8..12], sql_type)?);
            let months = i32::from_be_bytes(exact(&raw[12..], sql_type)?);
            let nanos = micros
                .checked_mul(1000)
                .ok_or_else(|| out_of_range(sql_type))?;
            let value = IntervalMonthDayNano::new(months, days, nanos);
            Arc::new(IntervalMonthDayNanoArray::from(vec![value]))
        }
        SqlType::IntervalDS => day_time(i64::from_be_bytes(exact(bytes, sql_type)?)),
        SqlType::Varbyte(_) => Arc::new(BinaryViewArray::from(vec![bytes])),
        SqlType::Regproc | SqlType::Int2Vector | SqlType::OidVector => {
            return Err(SqlError::unsupported(format!(
                "a parameter of type {sql_type} in binary format"
            )));
        }
        SqlType::Void => return Err(SqlError::unsupported("a parameter of type void")),
        list if matches!(list.arrow(), DataType::List(_)) => list_from_binary(bytes, list)?,
        _ => strings(utf8(bytes)?),
    })
}

fn strings(text: &str) -> ArrayRef {
    Arc::new(StringViewArray::from(vec![text]))
}

fn decimal(number: Parsed, precision: u8, scale: i8) -> Result<ArrayRef> {
    let value = rescale(number, precision, scale)?;
    let array = Decimal128Array::from(vec![value])
        .with_precision_and_scale(precision, scale)
        .map_err(SqlError::internal)?;
    Ok(Arc::new(array))
}

fn timetz(micros: i64, east: i32) -> ArrayRef {
    let utc = (micros - east as i64 * 1_000_000).rem_euclid(MICROS_PER_DAY);
    Arc::new(Time64NanosecondArray::from(vec![utc * 1000]))
}

fn day_time(micros: i64) -> ArrayRef {
    let (days, rest) = (micros / MICROS_PER_DAY, micros % MICROS_PER_DAY);
    let value = IntervalMonthDayNano::new(0, days as i32, rest * 1000);
    Arc::new(IntervalMonthDayNanoArray::from(vec![value]))
}

fn moment(bytes: &[u8], sql_type: SqlType) -> Result<i64> {
    let micros = i64::from_be_bytes(exact(bytes, sql_type)?);
    if micros == i64::MAX || micros == i64::MIN {
        return Err(crate::parse_datetime::no_infinity(sql_type));
    }
    micros
        .checked_add(PG_EPOCH_MICROS)
        .ok_or_else(|| out_of_range(sql_type))
}

fn exact<const N: usize>(bytes: &[u8], sql_type: SqlType) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| {
        SqlError::new(
            SqlState::PROTOCOL_VIOLATION,
            format!(
                "incorrect binary data format: a value of type {sql_type} has {N} bytes, not {}",
                bytes.len()
            ),
        )
    })
}

/// The bytes as text: UTF-8 without the character 0, which no string type can hold.
pub fn utf8(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let bad = bytes.get(e.valid_up_to()).copied().unwrap_or(0);
        SqlError::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            format!("invalid byte sequence for encoding \"UTF8\": 0x{bad:02x}"),
        )
    })?;
    if text.contains('\0') {
        return Err(SqlError::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ));
    }
    Ok(text)
}

fn parse_bool(text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "on" | "1" => Ok(true),
        "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "off" | "0" => Ok(false),
        _ => Err(invalid(SqlType::Bool, text)),
    }
}

fn integer<T>(text: &str, sql_type: SqlType) -> Result<T>
where
    T: TryFrom<i128>,
{
    let value: i128 = text
        .parse()
        .map_err(|e: std::num::ParseIntError| match e.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                value_out_of_range(text, sql_type)
            }
            _ => invalid(sql_type, text),
        })?;
    T::try_from(value).map_err(|_| value_out_of_range(text, sql_type))
}

fn float(text: &str, sql_type: SqlType) -> Result<f64> {
    let value: f64 = text.parse().map_err(|_| invalid(sql_type, text))?;
    let overflowed = value.is_infinite() && text.bytes().any(|b| b.is_ascii_digit());
    let too_wide = sql_type == SqlType::Float4 && value.is_finite() && (value as f32).is_infinite();
    if overflowed || too_wide {
        return Err(value_out_of_range(text, sql_type));
    }
    Ok(value)
}

fn value_out_of_range(text: &str, sql_type: SqlType) -> SqlError {
    SqlError::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("value \"{text}\" is out of range for type {sql_type}"),
    )
}

fn out_of_range(sql_type: SqlType) -> SqlError {
    SqlError::new(
        SqlState::DATETIME_FIELD_OVERFLOW,
        format!("{sql_type} out of range"),
    )
}

fn invalid(sql_type: SqlType, text: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        format!("invalid input syntax for type {sql_type}: \"{text}\""),
    )
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text
        .strip_prefix("\\x")
        .or_else(|| text.strip_prefix("0x"))
        .unwrap_or(text);
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs
        .remainder()
        .is_empty()
        .then(|| pairs.map(|p| p[0] << 4 | p[1]).collect())
}

/// One-row list array of `items`, each an array of one row or NULL.
fn one_list(list: SqlType, items: Vec<Option<ArrayRef>>) -> Result<ArrayRef> {
    let DataType::List(field) = list.arrow() else {
        return Err(SqlError::internal(format!("{list} is no array")));
    };
    let nulls: Vec<ArrayRef> = items
        .into_iter()
        .map(|i| i.unwrap_or_else(|| new_null_array(field.data_type(), 1)))
        .collect();
    let refs: Vec<&dyn Array> = nulls.iter().map(|a| a.as_ref()).collect();
    let values = if refs.is_empty() {
        new_empty_array(field.data_type())
    } else {
        arrow::compute::concat(&refs).map_err(SqlError::internal)?
    };
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([values.len()]);
    let array = ListArray::try_new(field, offsets, values, None).map_err(SqlError::internal)?;
    Ok(Arc::new(array))
}

fn list_from_text(text: &str, list: SqlType, zone: Zone) -> Result<ArrayRef> {
    let element = crate::column::element_type(list);
    let body = text
        .trim()
        .strip_prefix('{')
        .and_then(|t| t.strip_suffix('}'))
        .ok_or_else(|| invalid(list, text))?;
    let mut items = Vec::new();
    let mut chars = body.chars().peekable();
    while chars.peek().is_some() {
        let (mut item, mut quoted, mut in_quotes) = (String::new(), false, false);
        loop {
            match chars.next() {
                None if in_quotes => return Err(invalid(list, text)),
                None => break,
                Some('\\') => item.push(chars.next().ok_or_else(|| invalid(list, text))?),
                Some('"') => {
                    in_quotes = !in_quotes;
                    quoted = true;
                }
                Some(',') if !in_quotes => break,
                Some('{' | '}') if !in_quotes => {
                    return Err(SqlError::unsupported("an array of more than one dimension"));
                }
                Some(c) => item.push(c),
            }
        }
        let item = if quoted { item.as_str() } else { item.trim() };
        if !quoted && item.is_empty() {
            return Err(invalid(list, text));
        }
        let null = !quoted && item.eq_ignore_ascii_case("null");
        items.push(if null {
            None
        } else {
            Some(from_text(item, element, zone)?)
        });
    }
    one_list(list, items)
}

fn list_from_binary(bytes: &[u8], list: SqlType) -> Result<ArrayRef> {
    let element = crate::column::element_type(list);
    let bad = || {
        SqlError::new(
            SqlState::PROTOCOL_VIOLATION,
            format!("invalid binary value of type {list}"),
        )
    };
    let int = |at: usize| -> Result<i32> {
        let raw = bytes.get(at..at + 4).ok_or_else(bad)?;
        Ok(i32::from_be_bytes(exact(raw, list)?))
    };
    let dimensions = int(0)?;
    if dimensions == 0 {
        return one_list(list, Vec::new());
    }
    if dimensions != 1 {
        return Err(SqlError::unsupported("an array of more than one dimension"));
    }
    let sent = int(8)? as u32;
    if SqlType::from_oid(sent, -1).map(SqlType::arrow) != Some(element.arrow()) {
        return Err(bad());
    }
    let count = int(12)?;
    let mut at = 20;
    let mut items = Vec::new();
    for _ in 0..count {
        let length = int(at)?;
        at += 4;
        if length < 0 {
            items.push(None);
        } else {
            let end = at + length as usize;
            items.push(Some(from_binary(
                bytes.get(at..end).ok_or_else(bad)?,
                element,
            )?));
            at = end;
        }
    }
    if at != bytes.len() {
        Err(bad())
    } else {
        one_list(list, items)
    }
}
