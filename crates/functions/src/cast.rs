//! Casts: values of one type to another, by Redshift's rules. `CAST(x AS type)` is planned as
//! `__cast(x, 'type')`; assignments to columns as `__assign`, which refuses what a cast cuts off.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use bytes::BytesMut;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::numeric::{Parsed, parse_numeric, rescale};
use lw_pgrepr::{Column, SqlType, TextOptions, Zone};
use lw_settings::SessionInfo;

use crate::datetime_text::{self, MICROS_PER_DAY, Order};
use crate::error::df_error;
use crate::func::field_type;

/// What a cast does with a value that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// CAST: strings are cut to the length, the rest is an error.
    Explicit,
    /// Assignment to a column: strings that are too long are an error.
    Assign,
    /// TRY_CAST: NULL.
    Try,
}

/// What of a session changes casts.
#[derive(Debug, Clone, Copy)]
pub struct Locale {
    /// `TimeZone`.
    pub zone: Zone,
    /// `DateStyle`, second part.
    pub order: Order,
    /// How values are printed.
    pub text: TextOptions,
}

impl Locale {
    /// Of a session.
    pub fn of(session: &SessionInfo) -> Locale {
        let get = |name: &str, default: &'static str| {
            session.settings.get(name).unwrap_or(default).to_string()
        };
        let zone = get("timezone", "UTC");
        let style = get("datestyle", "ISO, MDY");
        let digits = get("extra_float_digits", "0").parse().unwrap_or(0);
        let upper = style.to_uppercase();
        let order = if upper.contains("DMY") {
            Order::Dmy
        } else if upper.contains("YMD") {
            Order::Ymd
        } else {
            Order::Mdy
        };
        Locale {
            zone: Zone::parse(&zone).unwrap_or(Zone::UTC),
            order,
            text: TextOptions::new(&zone, digits, &style),
        }
    }
}

impl Default for Locale {
    fn default() -> Self {
        Locale {
            zone: Zone::UTC,
            order: Order::Mdy,
            text: TextOptions::default(),
        }
    }
}

/// True if there is a cast between two types.
pub fn castable(from: SqlType, to: SqlType) -> bool {
    use SqlType::*;
    let number = |t| {
        matches!(
            t,
            Int2 | Int4 | Int8 | Numeric(..) | Float4 | Float8 | Oid | Xid
        )
    };
    if from == Unknown || std::mem::discriminant(&from) == std::mem::discriminant(&to) {
        return true;
    }
    if from.is_string() || to.is_string() {
        let list = |t: SqlType| matches!(t.arrow(), DataType::List(_));
        return !list(from) && from != Void && to != Void;
    }
    if number(from) && number(to) {
        return true;
    }
    match (from, to) {
        (Bool, Int2 | Int4 | Int8) | (Int2 | Int4 | Int8, Bool) => true,
        (Date | Timestamp | TimestampTz, Date | Timestamp | TimestampTz) => true,
        (Timestamp | TimestampTz | Time | TimeTz, Time | TimeTz) => true,
        (IntervalYM, IntervalDS) | (IntervalDS, IntervalYM) => true,
        _ => matches!(
            (from.arrow(), to.arrow()),
            (DataType::List(_), DataType::List(_))
        ),
    }
}

/// 42846.
pub fn cannot_cast(from: SqlType, to: SqlType) -> SqlError {
    let name = |t: SqlType| {
        t.to_string()
            .split('(')
            .next()
            .unwrap_or_default()
            .to_string()
    };
    SqlError::new(
        SqlState::CANNOT_COERCE,
        format!("cannot cast type {} to {}", name(from), name(to)),
    )
}

/// Casts an array.
pub fn cast_array(
    array: &ArrayRef,
    from: SqlType,
    to: SqlType,
    mode: Mode,
    locale: &Locale,
) -> Result<ArrayRef> {
    if array.data_type() == &DataType::Null || array.null_count() == array.len() {
        return Ok(new_null_array(&to.arrow(), array.len()));
    }
    if !castable(from, to) {
        return Err(cannot_cast(from, to));
    }
    let from = if from == SqlType::Unknown {
        SqlType::Text
    } else {
        from
    };
    // Strings may come in any of Arrow's forms.
    let array = if from.is_string() && array.data_type() != &DataType::Utf8View {
        arrow::compute::cast(array, &DataType::Utf8View)
            .map_err(|e| crate::error::arrow_error(&e))?
    } else {
        array.clone()
    };
    let job = Job {
        array: &array,
        from,
        to,
        mode,
        locale,
    };
    use SqlType::*;
    match to {
        t if t.is_string() => job.to_string(),
        Bool => job.to_bool(),
        Int2 => job.to_int::<Int16Type>(),
        Int4 => job.to_int::<Int32Type>(),
        Int8 => job.to_int::<Int64Type>(),
        Oid | Xid => job.to_int::<UInt32Type>(),
        Numeric(p, s) => job.to_numeric(p, s),
        Float4 | Float8 => job.to_float(),
        Date => job.to_date(),
        Timestamp => job.to_timestamp(),
        TimestampTz => job.to_timestamptz(),
        Time => job.to_time(),
        TimeTz => job.to_timetz(),
        IntervalYM | IntervalDS => job.to_interval(),
        Varbyte(_) => job.to_bytes(),
        _ => arrow::compute::cast(&array, &to.arrow()).map_err(|e| crate::error::arrow_error(&e)),
    }
}

struct Job<'a> {
    array: &'a ArrayRef,
    from: SqlType,
    to: SqlType,
    mode: Mode,
    locale: &'a Locale,
}

/// Words of a text that stands for a number, a boolean, ....
fn invalid(to: SqlType, text: &str) -> SqlError {
    let name = to.to_string();
    let name = name.split('(').next().unwrap_or_default();
    SqlError::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        format!(
            "invalid input syntax for {}{name}: \"{text}\"",
            if matches!(to, SqlType::Bool) {
                "type "
            } else {
                ""
            }
        ),
    )
}

fn out_of_range(to: SqlType) -> SqlError {
    SqlError::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        match to {
            SqlType::Int2 => "smallint out of range".to_string(),
            SqlType::Int4 => "integer out of range".to_string(),
            SqlType::Int8 => "bigint out of range".to_string(),
            other => format!("value out of range for type {other}"),
        },
    )
}

impl Job<'_> {
    /// Calls a closure for each value that is not null.
    fn each<T>(&self, f: impl Fn(usize) -> Result<T>) -> Result<Vec<Option<T>>> {
        let mut out = Vec::with_capacity(self.array.len());
        for row in 0..self.array.len() {
            if self.array.is_null(row) {
                out.push(None);
                continue;
            }
            match f(row) {
                Ok(value) => out.push(Some(value)),
                Err(_) if self.mode == Mode::Try => out.push(None),
                Err(error) => return Err(error),
            }
        }
        Ok(out)
    }

    fn strings(&self) -> Result<&StringViewArray> {
        self.array
            .as_string_view_opt()
            .ok_or_else(|| SqlError::internal("a string is not held as one"))
    }

    fn no_cast<T>(&self) -> Result<T> {
        Err(cannot_cast(self.from, self.to))
    }

    fn to_string(&self) -> Result<ArrayRef> {
        let mut out = StringViewBuilder::with_capacity(self.array.len());
        if self.from.is_string() {
            let strings = self.strings()?;
            if matches!(
                self.to,
                SqlType::Text | SqlType::Name | SqlType::Regproc | SqlType::CharByte
            ) && !matches!(self.from, SqlType::Char(_))
            {
                return Ok(self.array.clone());
            }
            let fitted = self.each(|row| self.fit(strings.value(row)))?;
            for value in fitted {
                out.append_option(value);
            }
            return Ok(Arc::new(out.finish()));
        }
        let column = Column::new(self.array, self.from)?;
        let texts = self.each(|row| {
            let text = match self.from {
                SqlType::Bool => {
                    let value = self.array.as_boolean().value(row);
                    String::from(if value { "true" } else { "false" })
                }
                _ => {
                    let mut bytes = BytesMut::new();
                    column.write_text(row, &self.locale.text, &mut bytes);
                    String::from_utf8_lossy(&bytes).into_owned()
                }
            };
            if let SqlType::Varchar(n) | SqlType::Char(n) = self.to
                && text.len() > n as usize
            {
                return Err(too_long(self.to, n));
            }
            Ok(text)
        })?;
        for text in texts {
            out.append_option(text);
        }
        Ok(Arc::new(out.finish()))
    }

    /// A string as CHAR(n) or VARCHAR(n): lengths are bytes; CHAR is held without its blanks.
    fn fit<'s>(&self, text: &'s str) -> Result<&'s str> {
        let (n, blank_padded) = match self.to {
            SqlType::Char(n) => (n as usize, true),
            SqlType::Varchar(n) => (n as usize, false),
            _ => (usize::MAX, false),
        };
        let text = if blank_padded || matches!(self.from, SqlType::Char(_)) {
            text.trim_end_matches(' ')
        } else {
            text
        };
        if text.len() <= n {
            return Ok(text);
        }
        if self.mode == Mode::Assign {
            let kept = &text[..floor_boundary(text, n)];
            // Only blanks may be cut off.
            return match text[kept.len()..].bytes().all(|b| b == b' ') {
                true => Ok(kept),
                false => Err(too_long(self.to, n as u32)),
            };
        }
        let cut = &text[..floor_boundary(text, n)];
        Ok(if blank_padded {
            cut.trim_end_matches(' ')
        } else {
            cut
        })
    }

    fn to_bool(&self) -> Result<ArrayRef> {
        let values = match self.from {
            SqlType::Bool => return Ok(self.array.clone()),
            SqlType::Int2 => {
                self.each(|r| Ok(self.array.as_primitive::<Int16Type>().value(r) != 0))?
            }
            SqlType::Int4 => {
                self.each(|r| Ok(self.array.as_primitive::<Int32Type>().value(r) != 0))?
            }
            SqlType::Int8 => {
                self.each(|r| Ok(self.array.as_primitive::<Int64Type>().value(r) != 0))?
            }
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| parse_bool(strings.value(r)))?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(BooleanArray::from(values)))
    }

    fn to_int<T>(&self) -> Result<ArrayRef>
    where
        T: ArrowPrimitiveType,
        T::Native: TryFrom<i128>,
    {
        let to = self.to;
        let make = |v: i128| T::Native::try_from(v).map_err(|_| out_of_range(to));
        let values: Vec<Option<T::Native>> = match self.from {
            SqlType::Bool => self.each(|r| make(self.array.as_boolean().value(r) as i128))?,
            SqlType::Int2 => {
                self.each(|r| make(self.array.as_primitive::<Int16Type>().value(r).into()))?
            }
            SqlType::Int4 => {
                self.each(|r| make(self.array.as_primitive::<Int32Type>().value(r).into()))?
            }
            SqlType::Int8 => {
                self.each(|r| make(self.array.as_primitive::<Int64Type>().value(r).into()))?
            }
            SqlType::Oid | SqlType::Xid => {
                self.each(|r| make(self.array.as_primitive::<UInt32Type>().value(r).into()))?
            }
            SqlType::Numeric(_, s) => {
                let a = self.array.as_primitive::<Decimal128Type>();
                self.each(|r| make(round_to(a.value(r), s, 0)))?
            }
            SqlType::Float4 | SqlType::Float8 => self.each(|r| {
                let v = self.float(r).round_ties_even();
                if !v.is_finite() || v.abs() > 1e30 {
                    return Err(out_of_range(to));
                }
                make(v as i128)
            })?,
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    let text = strings.value(r);
                    let digits = text.trim();
                    let value: i128 = digits.parse().map_err(|_| {
                        let unsigned = digits.trim_start_matches(['+', '-']);
                        let number =
                            !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit());
                        if number {
                            out_of_range(to)
                        } else {
                            invalid(to, text)
                        }
                    })?;
                    make(value)
                })?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(PrimitiveArray::<T>::from_iter(values)))
    }

    fn float(&self, row: usize) -> f64 {
        match self.from {
            SqlType::Float4 => self.array.as_primitive::<Float32Type>().value(row) as f64,
            _ => self.array.as_primitive::<Float64Type>().value(row),
        }
    }

    fn to_numeric(&self, p: u8, s: i8) -> Result<ArrayRef> {
        let limit = 10i128.pow(p as u32);
        let check = |v: Option<i128>| {
            v.filter(|v| *v < limit && *v > -limit)
                .ok_or_else(crate::error::numeric_overflow)
        };
        let whole = |v: i128| check(10i128.checked_pow(s as u32).and_then(|f| v.checked_mul(f)));
        let values: Vec<Option<i128>> = match self.from {
            SqlType::Int2 => {
                self.each(|r| whole(self.array.as_primitive::<Int16Type>().value(r).into()))?
            }
            SqlType::Int4 => {
                self.each(|r| whole(self.array.as_primitive::<Int32Type>().value(r).into()))?
            }
            SqlType::Int8 => {
                self.each(|r| whole(self.array.as_primitive::<Int64Type>().value(r).into()))?
            }
            SqlType::Oid | SqlType::Xid => {
                self.each(|r| whole(self.array.as_primitive::<UInt32Type>().value(r).into()))?
            }
            SqlType::Numeric(_, from_scale) => {
                let a = self.array.as_primitive::<Decimal128Type>();
                self.each(|r| check(rescaled(a.value(r), from_scale, s)))?
            }
            SqlType::Float4 | SqlType::Float8 => self.each(|r| {
                let v = self.float(r);
                if !v.is_finite() {
                    return Err(crate::error::numeric_overflow());
                }
                // As many digits as the type is sure of.
                let digits = if self.from == SqlType::Float4 { 6 } else { 15 };
                let text = format!("{:.*e}", digits - 1, v);
                rescale(parse_numeric(&text)?, p, s).map_err(|_| crate::error::numeric_overflow())
            })?,
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    let text = strings.value(r);
                    let parsed: Parsed = parse_numeric(text.trim()).map_err(|e| {
                        if e.state == SqlState::NUMERIC_VALUE_OUT_OF_RANGE {
                            crate::error::numeric_overflow()
                        } else {
                            invalid(self.to, text)
                        }
                    })?;
                    rescale(parsed, p, s).map_err(|_| crate::error::numeric_overflow())
                })?
            }
            _ => return self.no_cast(),
        };
        let array = Decimal128Array::from(values)
            .with_precision_and_scale(p, s)
            .map_err(SqlError::internal)?;
        Ok(Arc::new(array))
    }

    fn to_float(&self) -> Result<ArrayRef> {
        let values: Vec<Option<f64>> = match self.from {
            SqlType::Int2 => {
                self.each(|r| Ok(self.array.as_primitive::<Int16Type>().value(r) as f64))?
            }
            SqlType::Int4 => {
                self.each(|r| Ok(self.array.as_primitive::<Int32Type>().value(r) as f64))?
            }
            SqlType::Int8 => {
                self.each(|r| Ok(self.array.as_primitive::<Int64Type>().value(r) as f64))?
            }
            SqlType::Oid | SqlType::Xid => {
                self.each(|r| Ok(self.array.as_primitive::<UInt32Type>().value(r) as f64))?
            }
            SqlType::Float4 | SqlType::Float8 => self.each(|r| Ok(self.float(r)))?,
            SqlType::Numeric(_, s) => {
                let a = self.array.as_primitive::<Decimal128Type>();
                self.each(|r| Ok(decimal_to_f64(a.value(r), s)))?
            }
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    let text = strings.value(r);
                    let v: f64 = text.trim().parse().map_err(|_| invalid(self.to, text))?;
                    let infinite = v.is_infinite() && text.bytes().any(|b| b.is_ascii_digit());
                    if infinite {
                        Err(out_of_range(self.to))
                    } else {
                        Ok(v)
                    }
                })?
            }
            _ => return self.no_cast(),
        };
        if self.to == SqlType::Float8 {
            return Ok(Arc::new(Float64Array::from(values)));
        }
        let mut out = Float32Builder::with_capacity(values.len());
        for value in values {
            match value {
                Some(v) if v.is_finite() && (v as f32).is_infinite() && self.mode != Mode::Try => {
                    return Err(out_of_range(self.to));
                }
                Some(v) => out.append_value(v as f32),
                None => out.append_null(),
            }
        }
        Ok(Arc::new(out.finish()))
    }

    fn stamp(&self, row: usize) -> i64 {
        self.array
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
    }

    /// The local clock of a TIMESTAMPTZ.
    fn local(&self, utc: i64) -> i64 {
        utc + self.locale.zone.offset_at(utc) as i64 * 1_000_000
    }

    fn to_date(&self) -> Result<ArrayRef> {
        let values: Vec<Option<i32>> = match self.from {
            SqlType::Date => return Ok(self.array.clone()),
            SqlType::Timestamp => {
                self.each(|r| Ok(self.stamp(r).div_euclid(MICROS_PER_DAY) as i32))?
            }
            SqlType::TimestampTz => {
                self.each(|r| Ok(self.local(self.stamp(r)).div_euclid(MICROS_PER_DAY) as i32))?
            }
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| datetime_text::parse_date(strings.value(r), self.locale.order))?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(Date32Array::from(values)))
    }

    fn to_timestamp(&self) -> Result<ArrayRef> {
        let values: Vec<Option<i64>> = match self.from {
            SqlType::Timestamp => return Ok(self.array.clone()),
            SqlType::Date => self.each(|r| {
                Ok(self.array.as_primitive::<Date32Type>().value(r) as i64 * MICROS_PER_DAY)
            })?,
            SqlType::TimestampTz => self.each(|r| Ok(self.local(self.stamp(r))))?,
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    Ok(datetime_text::parse_timestamp(strings.value(r), self.locale.order)?.0)
                })?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(TimestampMicrosecondArray::from(values)))
    }

    fn to_timestamptz(&self) -> Result<ArrayRef> {
        let zone = self.locale.zone;
        let values: Vec<Option<i64>> = match self.from {
            SqlType::TimestampTz => return Ok(self.array.clone()),
            SqlType::Date => self.each(|r| {
                Ok(zone.to_utc(
                    self.array.as_primitive::<Date32Type>().value(r) as i64 * MICROS_PER_DAY,
                ))
            })?,
            SqlType::Timestamp => self.each(|r| Ok(zone.to_utc(self.stamp(r))))?,
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    let (local, named) =
                        datetime_text::parse_timestamp(strings.value(r), self.locale.order)?;
                    Ok(named.unwrap_or(zone).to_utc(local))
                })?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(
            TimestampMicrosecondArray::from(values).with_timezone("UTC"),
        ))
    }

    fn to_time(&self) -> Result<ArrayRef> {
        let values: Vec<Option<i64>> = match self.from {
            SqlType::Time => return Ok(self.array.clone()),
            SqlType::TimeTz => self.each(|r| {
                let utc = self.array.as_primitive::<Time64NanosecondType>().value(r) / 1000;
                Ok(self.local(utc).rem_euclid(MICROS_PER_DAY))
            })?,
            SqlType::Timestamp => self.each(|r| Ok(self.stamp(r).rem_euclid(MICROS_PER_DAY)))?,
            SqlType::TimestampTz => {
                self.each(|r| Ok(self.local(self.stamp(r)).rem_euclid(MICROS_PER_DAY)))?
            }
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    Ok(datetime_text::parse_time(strings.value(r), self.locale.order)?.0)
                })?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(Time64MicrosecondArray::from(values)))
    }

    fn to_timetz(&self) -> Result<ArrayRef> {
        let now = lw_base::clock::now_micros();
        let utc = |local: i64, zone: Zone| {
            let east = zone.offset_at(now) as i64 * 1_000_000;
            (local - east).rem_euclid(MICROS_PER_DAY) * 1000
        };
        let values: Vec<Option<i64>> = match self.from {
            SqlType::TimeTz => return Ok(self.array.clone()),
            SqlType::Time => self.each(|r| {
                let local = self.array.as_primitive::<Time64MicrosecondType>().value(r);
                Ok(utc(local, self.locale.zone))
            })?,
            SqlType::Timestamp => self.each(|r| {
                Ok(utc(
                    self.stamp(r).rem_euclid(MICROS_PER_DAY),
                    self.locale.zone,
                ))
            })?,
            SqlType::TimestampTz => {
                self.each(|r| Ok(self.stamp(r).rem_euclid(MICROS_PER_DAY) * 1000))?
            }
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    let (local, named) =
                        datetime_text::parse_time(strings.value(r), self.locale.order)?;
                    Ok(utc(local, named.unwrap_or(self.locale.zone)))
                })?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(Time64NanosecondArray::from(values)))
    }

    fn to_interval(&self) -> Result<ArrayRef> {
        let parts: Vec<Option<datetime_text::Interval>> = match self.from {
            SqlType::IntervalDS => self.each(|r| {
                let v = self
                    .array
                    .as_primitive::<IntervalMonthDayNanoType>()
                    .value(r);
                Ok(datetime_text::Interval {
                    months: v.months.into(),
                    days: v.days.into(),
                    micros: v.nanoseconds / 1000,
                })
            })?,
            SqlType::IntervalYM => self.each(|r| {
                let months = self.array.as_primitive::<IntervalYearMonthType>().value(r);
                Ok(datetime_text::Interval {
                    months: months.into(),
                    ..Default::default()
                })
            })?,
            t if t.is_string() => {
                let strings = self.strings()?;
                let unit = (self.to == SqlType::IntervalYM).then_some("year");
                self.each(|r| datetime_text::parse_interval(strings.value(r), unit))?
            }
            _ => return self.no_cast(),
        };
        if self.to == SqlType::IntervalYM {
            let months = parts.into_iter().map(|p| p.map(|p| p.months as i32));
            return Ok(Arc::new(IntervalYearMonthArray::from_iter(months)));
        }
        Ok(Arc::new(IntervalMonthDayNanoArray::from_iter(
            parts.into_iter().map(|p| p.map(to_arrow_interval)),
        )))
    }

    fn to_bytes(&self) -> Result<ArrayRef> {
        if matches!(self.from, SqlType::Varbyte(_)) {
            return Ok(self.array.clone());
        }
        if !self.from.is_string() {
            return self.no_cast();
        }
        let strings = self.strings()?;
        let mut out = BinaryViewBuilder::with_capacity(strings.len());
        for row in 0..strings.len() {
            match strings.is_null(row) {
                true => out.append_null(),
                false => out.append_value(strings.value(row).as_bytes()),
            }
        }
        Ok(Arc::new(out.finish()))
    }
}

/// An interval in Arrow's form.
pub fn to_arrow_interval(p: datetime_text::Interval) -> IntervalMonthDayNano {
    IntervalMonthDayNano::new(
        p.months as i32,
        p.days as i32,
        p.micros.saturating_mul(1000),
    )
}

/// `t`, `true`, `y`, `yes`, `1` and their opposites, in any case, or the beginnings of the words.
pub fn parse_bool(text: &str) -> Result<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "1" | "on" => Ok(true),
        "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "0" | "off" | "of" => Ok(false),
        _ => Err(invalid(SqlType::Bool, text)),
    }
}

fn too_long(to: SqlType, n: u32) -> SqlError {
    let name = if matches!(to, SqlType::Char(_)) {
        "character"
    } else {
        "character varying"
    };
    SqlError::new(
        SqlState::STRING_DATA_RIGHT_TRUNCATION,
        format!("value too long for type {name}({n})"),
    )
}

/// The longest beginning of at most `n` bytes that ends between characters.
pub fn floor_boundary(text: &str, n: usize) -> usize {
    let mut end = n.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// Changes an unscaled value from one scale to another, rounding half away from zero.
pub fn rescaled(value: i128, from: i8, to: i8) -> Option<i128> {
    if to >= from {
        return 10i128.checked_pow((to - from) as u32)?.checked_mul(value);
    }
    Some(round_to(value, from, to))
}

/// As [`rescaled`], to a scale that is not larger.
fn round_to(value: i128, from: i8, to: i8) -> i128 {
    let Some(factor) = 10i128.checked_pow((from - to).max(0) as u32) else {
        return 0;
    };
    let (quotient, rest) = (value / factor, value % factor);
    if rest.abs() * 2 >= factor {
        quotient + value.signum()
    } else {
        quotient
    }
}

/// A DECIMAL as a float.
pub fn decimal_to_f64(value: i128, scale: i8) -> f64 {
    if value.unsigned_abs() < (1 << 53) && scale <= 22 {
        return value as f64 / 10f64.powi(scale as i32);
    }
    // Through text, which rounds once.
    format!("{value}e-{scale}")
        .parse()
        .unwrap_or(value as f64 / 10f64.powi(scale as i32))
}

/// `__cast(x, 'type')` and its kin.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CastFunc {
    mode: Mode,
    signature: Ignored,
}

/// A signature takes no part in comparisons.
#[derive(Debug)]
struct Ignored(Signature);

impl PartialEq for Ignored {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Ignored {}
impl Hash for Ignored {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl CastFunc {
    fn new(mode: Mode) -> CastFunc {
        CastFunc {
            mode,
            signature: Ignored(Signature::user_defined(Volatility::Immutable)),
        }
    }

    fn target(constant: Option<&ScalarValue>) -> Result<SqlType> {
        constant
            .and_then(|c| c.try_as_str().flatten())
            .and_then(SqlType::parse)
            .ok_or_else(|| SqlError::internal("a cast names no type"))
    }
}

/// The functions of casts.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    [Mode::Explicit, Mode::Assign, Mode::Try]
        .into_iter()
        .map(|m| Arc::new(ScalarUDF::from(CastFunc::new(m))))
        .collect()
}

/// An expression cast to a type.
pub fn cast_expr(expr: Expr, to: SqlType, mode: Mode) -> Expr {
    static FUNCS: std::sync::LazyLock<Vec<Arc<ScalarUDF>>> = std::sync::LazyLock::new(all);
    FUNCS[mode as usize].call(vec![expr, datafusion::logical_expr::lit(to.to_string())])
}

impl ScalarUDFImpl for CastFunc {
    fn schema_name(&self, args: &[Expr]) -> DfResult<String> {
        crate::long_names::schema_name(self.name(), args)
    }

    fn name(&self) -> &str {
        match self.mode {
            Mode::Explicit => "__cast",
            Mode::Assign => "__assign",
            Mode::Try => "__try_cast",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature.0
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _types: &[DataType]) -> DfResult<DataType> {
        Err(DataFusionError::Internal(
            "a cast's type is in its arguments".into(),
        ))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DfResult<FieldRef> {
        let to = Self::target(args.scalar_arguments.get(1).copied().flatten()).map_err(df_error)?;
        let from = &args.arg_fields[0];
        if !castable(field_type(from), to) {
            return Err(df_error(cannot_cast(field_type(from), to)));
        }
        let nullable = from.is_nullable() || self.mode == Mode::Try;
        Ok(to.field_ref(self.name(), nullable))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let to = SqlType::of_field(&args.return_field)
            .ok_or_else(|| DataFusionError::Internal("unknown result type".into()))?;
        let from = field_type(&args.arg_fields[0]);
        let locale = match crate::session::session(&args.config_options) {
            Ok(session) => Locale::of(session),
            Err(_) => Locale::default(),
        };
        let (array, scalar) = match &args.args[0] {
            ColumnarValue::Array(array) => (array.clone(), false),
            ColumnarValue::Scalar(value) => (value.to_array_of_size(1)?, true),
        };
        let result = cast_array(&array, from, to, self.mode, &locale).map_err(df_error)?;
        Ok(match scalar {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?),
            false => ColumnarValue::Array(result),
        })
    }

    fn simplify(
        &self,
        mut args: Vec<Expr>,
        info: &SimplifyContext,
    ) -> DfResult<ExprSimplifyResult> {
        let Some(Expr::Literal(name, _)) = args.get(1) else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let Ok(to) = Self::target(Some(name)) else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let (_, field) = args[0].to_field(info.schema().as_ref())?;
        if !plain(field_type(&field), to) {
            return Ok(ExprSimplifyResult::Original(args));
        }
        let expr = args.swap_remove(0);
        // The optimizer knows Arrow's own casts and looks through them.
        Ok(ExprSimplifyResult::Simplified(Expr::Cast(
            Cast::new_from_field(Box::new(expr), to.field_ref("", true)),
        )))
    }
}

/// True for casts that Arrow does exactly as Redshift, and never fails at.
fn plain(from: SqlType, to: SqlType) -> bool {
    use SqlType::*;
    let digits = |t| match t {
        Int2 => Some((5, 0)),
        Int4 => Some((10, 0)),
        Int8 => Some((19, 0)),
        Numeric(p, s) => Some((p as i32 - s as i32, s as i32)),
        _ => None,
    };
    match (from, to) {
        (Int2, Int2 | Int4 | Int8) | (Int4, Int4 | Int8) | (Int8, Int8) => true,
        (Int2 | Int4 | Int8, Float8) | (Float4, Float8) | (Float8, Float8) => true,
        (Numeric(..), Float8) | (Date, Timestamp) => true,
        (Varchar(a), Varchar(b)) => a <= b,
        (Varchar(_) | Text | Name, Text) => true,
        (Int2 | Int4 | Int8 | Numeric(..), Numeric(p, s)) => {
            let whole = if matches!(from, Numeric(..)) {
                digits(from)
            } else {
                digits(from).map(|(w, _)| (w, 0))
            };
            whole.is_some_and(|(w, fs)| s as i32 >= fs && p as i32 - s as i32 >= w)
        }
        _ => false,
    }
}
