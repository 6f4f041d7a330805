//! Casts to numbers.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_pgrepr::numeric::{Parsed, parse_numeric, rescale};

use super::{Job, Mode, invalid, out_of_range};

impl Job<'_> {
    pub(super) fn to_int<T>(&self) -> Result<ArrayRef>
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

    pub(super) fn float(&self, row: usize) -> f64 {
        match self.from {
            SqlType::Float4 => self.array.as_primitive::<Float32Type>().value(row) as f64,
            _ => self.array.as_primitive::<Float64Type>().value(row),
        }
    }

    pub(super) fn to_numeric(&self, p: u8, s: i8) -> Result<ArrayRef> {
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

    pub(super) fn to_float(&self) -> Result<ArrayRef> {
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
