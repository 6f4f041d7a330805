//! Mathematical functions (Developer Guide, "Math functions").

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;

use crate::cast::rescaled;
use crate::error::numeric_overflow;
use crate::func::{Call, Func, Ret, ReturnArgs, Ty, func};
use crate::rows::*;

fn out_of_range(what: &str) -> SqlError {
    SqlError::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("{what} out of range"),
    )
}

fn domain(message: &str) -> SqlError {
    SqlError::new(SqlState("2201F"), message)
}

/// A result that must be finite.
fn finite(value: f64) -> Result<Option<f64>> {
    match value.is_finite() {
        true => Ok(Some(value)),
        false => Err(SqlError::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "value out of range: overflow",
        )),
    }
}

macro_rules! float1 {
    ($name:literal, $page:literal, $f:expr) => {
        func($name, $page).form(&[Ty::F8], Ret::Is(SqlType::Float8), |c| {
            map1::<F64s, f64>(c, |x| {
                let f: fn(f64) -> Result<f64> = $f;
                finite(f(x)?)
            })
        })
    };
}

/// The scale of the first argument.
fn scale_of(call: &Call) -> i8 {
    use arrow::array::Array;
    match call.args[0].data_type() {
        arrow::datatypes::DataType::Decimal128(_, s) => *s,
        _ => 0,
    }
}

/// A DECIMAL cut at its point: the whole digits stay, one more for what rounding may add.
fn whole(args: &ReturnArgs) -> Result<SqlType> {
    Ok(match args.types[0] {
        SqlType::Numeric(p, s) => {
            let digits = (p as i16 - s as i16 + i16::from(s > 0)).clamp(1, 38);
            SqlType::Numeric(digits as u8, 0)
        }
        t => t,
    })
}

/// The scale a constant count of decimals leaves.
fn rounded(args: &ReturnArgs) -> Result<SqlType> {
    let SqlType::Numeric(p, s) = args.types[0] else {
        return Ok(args.types[0]);
    };
    let digits = args
        .constants
        .get(1)
        .copied()
        .flatten()
        .and_then(|c| c.try_as_str().flatten())
        .and_then(|t| t.parse::<i32>().ok());
    let Some(digits) = digits else {
        return Ok(SqlType::Numeric((p + u8::from(p < 38)).min(38), s));
    };
    let scale = digits.clamp(0, s as i32);
    let whole = p as i32 - s as i32 + i32::from(scale < s as i32);
    Ok(SqlType::Numeric(
        (whole + scale).clamp(1, 38) as u8,
        scale as i8,
    ))
}

/// Rounds (half away from zero) or cuts an unscaled value at a decimal place.
fn at_digits(value: i128, scale: i8, digits: i32, to: i8, cut: bool) -> Result<i128> {
    let keep = digits.clamp(-38, scale as i32);
    let drop = (scale as i32 - keep) as u32;
    let kept = match 10i128.checked_pow(drop) {
        None => 0,
        Some(f) => {
            let (q, r) = (value / f, value % f);
            let up = !cut && r.abs() * 2 >= f;
            (if up { q + value.signum() } else { q }) * f
        }
    };
    rescaled(kept, scale, to).ok_or_else(numeric_overflow)
}

fn float_digits(x: f64, digits: i32, cut: bool) -> f64 {
    let step = |x: f64| if cut { x.trunc() } else { x.round() };
    if digits == 0 {
        return step(x);
    }
    // Through decimal text, so that 2.675 and its like are taken as they print.
    let digits = digits.clamp(-300, 300);
    let factor = 10f64.powi(digits.abs());
    let scaled = if digits > 0 { x * factor } else { x / factor };
    if !scaled.is_finite() {
        return x;
    }
    let nudged = format!("{scaled:.9}").parse().unwrap_or(scaled);
    let kept = step(nudged);
    if digits > 0 {
        kept / factor
    } else {
        kept * factor
    }
}

fn int_digits(x: i64, digits: i32, cut: bool) -> Result<i64> {
    if digits >= 0 {
        return Ok(x);
    }
    let value = at_digits(x as i128, 0, digits, 0, cut)?;
    i64::try_from(value).map_err(|_| out_of_range("bigint"))
}

fn ret_scale(call: &Call) -> i8 {
    match call.ret {
        SqlType::Numeric(_, s) => s,
        _ => 0,
    }
}

fn rounding(name: &'static str, page: &'static str, cut: bool) -> Func {
    // Bodies are plain functions: one for each way.
    if cut {
        func(name, page)
            .form(&[Ty::Num], Ret::By(whole), |c| {
                let s = scale_of(c);
                map1::<Decs, i128>(c, |x| at_digits(x, s, 0, 0, true).map(Some))
            })
            .form(&[Ty::F8], Ret::Is(SqlType::Float8), |c| {
                map1::<F64s, f64>(c, |x| Ok(Some(x.trunc())))
            })
            .form(&[Ty::Int8], Ret::Like(0), |c| {
                map1::<I64s, i64>(c, |x| Ok(Some(x)))
            })
            .form(&[Ty::Ts], Ret::Is(SqlType::Date), |c| {
                map1::<Stamps, i64>(c, |t| {
                    Ok(Some(t.div_euclid(crate::datetime_text::MICROS_PER_DAY)))
                })
            })
            .form(&[Ty::Num, Ty::Str], Ret::By(rounded), |c| {
                let (s, to) = (scale_of(c), ret_scale(c));
                map2::<Decs, Strs, i128>(c, |x, n| at_digits(x, s, places(n)?, to, true).map(Some))
            })
            .form(&[Ty::Num, Ty::Int4], Ret::By(rounded), |c| {
                let (s, to) = (scale_of(c), ret_scale(c));
                map2::<Decs, I32s, i128>(c, |x, n| at_digits(x, s, n, to, true).map(Some))
            })
            .form(&[Ty::Int8, Ty::Str], Ret::Like(0), |c| {
                map2::<I64s, Strs, i64>(c, |x, n| int_digits(x, places(n)?, true).map(Some))
            })
            .form(&[Ty::F8, Ty::Str], Ret::Is(SqlType::Float8), |c| {
                map2::<F64s, Strs, f64>(c, |x, n| Ok(Some(float_digits(x, places(n)?, true))))
            })
            .form(&[Ty::F8, Ty::Int4], Ret::Is(SqlType::Float8), |c| {
                map2::<F64s, I32s, f64>(c, |x, n| Ok(Some(float_digits(x, n, true))))
            })
    } else {
        func(name, page)
            .form(&[Ty::Num], Ret::By(whole), |c| {
                let s = scale_of(c);
                map1::<Decs, i128>(c, |x| at_digits(x, s, 0, 0, false).map(Some))
            })
            .form(&[Ty::F8], Ret::Is(SqlType::Float8), |c| {
                map1::<F64s, f64>(c, |x| Ok(Some(x.round())))
            })
            .form(&[Ty::Int8], Ret::Like(0), |c| {
                map1::<I64s, i64>(c, |x| Ok(Some(x)))
            })
            .form(&[Ty::Num, Ty::Str], Ret::By(rounded), |c| {
                let (s, to) = (scale_of(c), ret_scale(c));
                map2::<Decs, Strs, i128>(c, |x, n| at_digits(x, s, places(n)?, to, false).map(Some))
            })
            .form(&[Ty::Num, Ty::Int4], Ret::By(rounded), |c| {
                let (s, to) = (scale_of(c), ret_scale(c));
                map2::<Decs, I32s, i128>(c, |x, n| at_digits(x, s, n, to, false).map(Some))
            })
            .form(&[Ty::Int8, Ty::Str], Ret::Like(0), |c| {
                map2::<I64s, Strs, i64>(c, |x, n| int_digits(x, places(n)?, false).map(Some))
            })
            .form(&[Ty::F8, Ty::Str], Ret::Is(SqlType::Float8), |c| {
                map2::<F64s, Strs, f64>(c, |x, n| Ok(Some(float_digits(x, places(n)?, false))))
            })
            .form(&[Ty::F8, Ty::Int4], Ret::Is(SqlType::Float8), |c| {
                map2::<F64s, I32s, f64>(c, |x, n| Ok(Some(float_digits(x, n, false))))
            })
    }
}

fn places(text: &str) -> Result<i32> {
    text.trim().parse().map_err(|_| {
        SqlError::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for integer: \"{text}\""),
        )
    })
}

fn power(x: f64, y: f64) -> Result<Option<f64>> {
    if x == 0.0 && y < 0.0 {
        return Err(domain("zero raised to a negative power is undefined"));
    }
    if x < 0.0 && y.fract() != 0.0 {
        return Err(domain(
            "a negative number raised to a non-integer power yields a complex result",
        ));
    }
    finite(x.powf(y))
}

fn ln(x: f64) -> Result<f64> {
    match x {
        0.0 => Err(SqlError::new(
            SqlState("2201E"),
            "cannot take logarithm of zero",
        )),
        x if x < 0.0 => Err(SqlError::new(
            SqlState("2201E"),
            "cannot take logarithm of a negative number",
        )),
        x => Ok(x.ln()),
    }
}

fn in_unit(x: f64, f: fn(f64) -> f64) -> Result<f64> {
    match (-1.0..=1.0).contains(&x) {
        true => Ok(f(x)),
        false => Err(SqlError::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "input is out of range",
        )),
    }
}

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let f8 = Ret::Is(SqlType::Float8);
    vec![
        rounding("round", "r_ROUND", false).build(),
        rounding("trunc", "r_TRUNC", true).build(),
        func("ceil", "r_CEILING_FLOOR")
            .alias(&["ceiling"])
            .form(&[Ty::Num], Ret::By(whole), |c| {
                let f = 10i128.pow(scale_of(c) as u32);
                map1::<Decs, i128>(c, |x| {
                    Ok(Some(x.div_euclid(f) + i128::from(x.rem_euclid(f) != 0)))
                })
            })
            .form(&[Ty::Int8], Ret::Like(0), |c| {
                map1::<I64s, i64>(c, |x| Ok(Some(x)))
            })
            .form(&[Ty::F8], f8, |c| {
                map1::<F64s, f64>(c, |x| Ok(Some(x.ceil())))
            })
            .build(),
        func("floor", "r_FLOOR")
            .form(&[Ty::Num], Ret::By(whole), |c| {
                let f = 10i128.pow(scale_of(c) as u32);
                map1::<Decs, i128>(c, |x| Ok(Some(x.div_euclid(f))))
            })
            .form(&[Ty::Int8], Ret::Like(0), |c| {
                map1::<I64s, i64>(c, |x| Ok(Some(x)))
            })
            .form(&[Ty::F8], f8, |c| {
                map1::<F64s, f64>(c, |x| Ok(Some(x.floor())))
            })
            .build(),
        func("abs", "r_ABS")
            .form(&[Ty::Int4], Ret::Is(SqlType::Int4), |c| {
                map1::<I32s, i32>(c, |x| {
                    x.checked_abs()
                        .map(Some)
                        .ok_or_else(|| out_of_range("integer"))
                })
            })
            .form(&[Ty::Int8], Ret::Is(SqlType::Int8), |c| {
                map1::<I64s, i64>(c, |x| {
                    x.checked_abs()
                        .map(Some)
                        .ok_or_else(|| out_of_range("bigint"))
                })
            })
            .form(&[Ty::Num], Ret::Like(0), |c| {
                map1::<Decs, i128>(c, |x| Ok(Some(x.abs())))
            })
            .form(&[Ty::F8], f8, |c| {
                map1::<F64s, f64>(c, |x| Ok(Some(x.abs())))
            })
            .build(),
        func("__negate", "r_OPERATOR_SYMBOLS")
            .form(&[Ty::Int4], Ret::Is(SqlType::Int4), |c| {
                map1::<I32s, i32>(c, |x| {
                    x.checked_neg()
                        .map(Some)
                        .ok_or_else(|| out_of_range("integer"))
                })
            })
            .form(&[Ty::Int8], Ret::Is(SqlType::Int8), |c| {
                map1::<I64s, i64>(c, |x| {
                    x.checked_neg()
                        .map(Some)
                        .ok_or_else(|| out_of_range("bigint"))
                })
            })
            .form(&[Ty::Num], Ret::Like(0), |c| {
                map1::<Decs, i128>(c, |x| Ok(Some(-x)))
            })
            .form(&[Ty::F8], f8, |c| map1::<F64s, f64>(c, |x| Ok(Some(-x))))
            .form(&[Ty::Interval], Ret::Is(SqlType::IntervalDS), |c| {
                use arrow::datatypes::IntervalMonthDayNano as I;
                map1::<Ivls, I>(c, |i| Ok(Some(I::new(-i.months, -i.days, -i.nanoseconds))))
            })
            .build(),
        func("__bitnot", "r_OPERATOR_SYMBOLS")
            .form(&[Ty::Int4], Ret::Is(SqlType::Int4), |c| {
                map1::<I32s, i32>(c, |x| Ok(Some(!x)))
            })
            .form(&[Ty::Int8], Ret::Is(SqlType::Int8), |c| {
                map1::<I64s, i64>(c, |x| Ok(Some(!x)))
            })
            .build(),
        func("sign", "r_SIGN")
            .form(&[Ty::Num], Ret::Is(SqlType::Numeric(1, 0)), |c| {
                map1::<Decs, i128>(c, |x| Ok(Some(x.signum())))
            })
            .form(&[Ty::Int4], Ret::Is(SqlType::Int4), |c| {
                map1::<I32s, i32>(c, |x| Ok(Some(x.signum())))
            })
            .form(&[Ty::Int8], Ret::Is(SqlType::Int8), |c| {
                map1::<I64s, i64>(c, |x| Ok(Some(x.signum())))
            })
            .form(&[Ty::F8], f8, |c| {
                map1::<F64s, f64>(c, |x| Ok(Some(if x == 0.0 { 0.0 } else { x.signum() })))
            })
            .build(),
        float1!("sqrt", "r_SQRT", |x| match x < 0.0 {
            true => Err(domain("cannot take square root of a negative number")),
            false => Ok(x.sqrt()),
        })
        .build(),
        float1!("cbrt", "r_CBRT", |x| Ok(x.cbrt())).build(),
        float1!("exp", "r_EXP", |x| Ok(x.exp()))
            .alias(&["dexp"])
            .build(),
        float1!("ln", "r_LN", ln).alias(&["dlog1"]).build(),
        float1!("log", "r_LOG", |x| ln(x).map(|_| x.log10()))
            .alias(&["dlog10"])
            .build(),
        float1!("sin", "r_SIN", |x| Ok(x.sin())).build(),
        float1!("cos", "r_COS", |x| Ok(x.cos())).build(),
        float1!("tan", "r_TAN", |x| Ok(x.tan())).build(),
        float1!("cot", "r_COT", |x| Ok(1.0 / x.tan())).build(),
        float1!("asin", "r_ASIN", |x| in_unit(x, f64::asin)).build(),
        float1!("acos", "r_ACOS", |x| in_unit(x, f64::acos)).build(),
        float1!("atan", "r_ATAN", |x| Ok(x.atan())).build(),
        float1!("degrees", "r_DEGREES", |x| Ok(x.to_degrees())).build(),
        float1!("radians", "r_RADIANS", |x| Ok(x.to_radians())).build(),
        func("atan2", "r_ATAN2")
            .form(&[Ty::F8, Ty::F8], f8, |c| {
                map2::<F64s, F64s, f64>(c, |y, x| Ok(Some(y.atan2(x))))
            })
            .build(),
        func("power", "r_POWER")
            .alias(&["pow", "dpow"])
            .form(&[Ty::F8, Ty::F8], f8, |c| map2::<F64s, F64s, f64>(c, power))
            .build(),
        func("pi", "r_PI")
            .form(&[], f8, |c| constant(c, Some(std::f64::consts::PI)))
            .build(),
        func("random", "r_RANDOM")
            .volatile()
            .form(&[], f8, |c| {
                let values: Vec<Option<f64>> = (0..c.rows).map(|_| Some(unit_random())).collect();
                <f64 as Out>::collect(values, c.ret)
            })
            .build(),
    ]
}

/// A number in [0, 1).
fn unit_random() -> f64 {
    let bits = u64::from_le_bytes(lw_base::random::bytes::<8>());
    (bits >> 11) as f64 / (1u64 << 53) as f64
}
