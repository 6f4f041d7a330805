//! Bodies over single values: `map1` to `map4` call a closure for every row whose arguments are
//! not null; it gives the result, `None` for NULL, or an error.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use lw_base::{Result, SqlError};
use lw_pgrepr::SqlType;

use crate::func::Call;

/// An argument's values.
pub trait Arg: Copy {
    /// The array that holds them.
    type Array: Array + 'static;
    /// One value.
    type Item<'a>;
    /// The value of a row.
    fn get(array: &Self::Array, row: usize) -> Self::Item<'_>;
}

macro_rules! arg {
    ($($(#[$doc:meta])* $name:ident($array:ty) -> $item:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl Arg for $name {
                type Array = $array;
                type Item<'a> = $item;
                fn get(array: &Self::Array, row: usize) -> Self::Item<'_> {
                    array.value(row)
                }
            }
        )*
    };
}

arg! {
    /// BOOLEAN
    Bools(BooleanArray) -> bool;
    /// SMALLINT
    I16s(Int16Array) -> i16;
    /// INTEGER
    I32s(Int32Array) -> i32;
    /// BIGINT
    I64s(Int64Array) -> i64;
    /// REAL
    F32s(Float32Array) -> f32;
    /// DOUBLE PRECISION
    F64s(Float64Array) -> f64;
    /// Strings
    Strs(StringViewArray) -> &'a str;
    /// VARBYTE
    Blobs(BinaryViewArray) -> &'a [u8];
    /// DATE: days
    Days(Date32Array) -> i32;
    /// TIME: microseconds
    Times(Time64MicrosecondArray) -> i64;
    /// TIMETZ: nanoseconds in UTC
    TimeTzs(Time64NanosecondArray) -> i64;
    /// TIMESTAMP and TIMESTAMPTZ: microseconds
    Stamps(TimestampMicrosecondArray) -> i64;
    /// DECIMAL: the unscaled value
    Decs(Decimal128Array) -> i128;
    /// INTERVAL
    Ivls(IntervalMonthDayNanoArray) -> IntervalMonthDayNano;
    /// INTERVAL YEAR TO MONTH
    Months(IntervalYearMonthArray) -> i32;
}

fn column<'c, A: Arg>(call: &'c Call, i: usize) -> Result<&'c A::Array> {
    call.args
        .get(i)
        .and_then(|a| a.as_any().downcast_ref::<A::Array>())
        .ok_or_else(|| {
            let t = call.args.get(i).map(|a| a.data_type().to_string());
            SqlError::internal(format!("argument {} is {:?}", i + 1, t))
        })
}

/// A row of an array; a constant has one row only.
fn at(array: &dyn Array, row: usize) -> usize {
    if array.len() == 1 { 0 } else { row }
}

/// A result's values.
pub trait Out: Sized {
    /// Makes an array of them.
    fn collect(values: Vec<Option<Self>>, ret: SqlType) -> Result<ArrayRef>;
}

macro_rules! out {
    ($($t:ty => $array:ty;)*) => {
        $(
            impl Out for $t {
                fn collect(values: Vec<Option<Self>>, _ret: SqlType) -> Result<ArrayRef> {
                    Ok(Arc::new(<$array>::from(values)))
                }
            }
        )*
    };
}

out! {
    bool => BooleanArray;
    i16 => Int16Array;
    i32 => Int32Array;
    f32 => Float32Array;
    f64 => Float64Array;
    IntervalMonthDayNano => IntervalMonthDayNanoArray;
}

impl Out for i64 {
    fn collect(values: Vec<Option<Self>>, ret: SqlType) -> Result<ArrayRef> {
        Ok(match ret {
            SqlType::Timestamp => Arc::new(TimestampMicrosecondArray::from(values)),
            SqlType::TimestampTz => {
                Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
            }
            SqlType::Time => Arc::new(Time64MicrosecondArray::from(values)),
            SqlType::TimeTz => Arc::new(Time64NanosecondArray::from(values)),
            SqlType::Date => Arc::new(Date32Array::from_iter(
                values.into_iter().map(|v| v.map(|v| v as i32)),
            )),
            SqlType::Int4 => Arc::new(Int32Array::from_iter(
                values.into_iter().map(|v| v.map(|v| v as i32)),
            )),
            _ => Arc::new(Int64Array::from(values)),
        })
    }
}

impl Out for i128 {
    fn collect(values: Vec<Option<Self>>, ret: SqlType) -> Result<ArrayRef> {
        let SqlType::Numeric(p, s) = ret else {
            return Err(SqlError::internal("a DECIMAL is not the result"));
        };
        let limit = 10i128.pow(p as u32);
        if values.iter().flatten().any(|v| *v >= limit || *v <= -limit) {
            return Err(crate::error::numeric_overflow());
        }
        let array = Decimal128Array::from(values)
            .with_precision_and_scale(p, s)
            .map_err(SqlError::internal)?;
        Ok(Arc::new(array))
    }
}

impl Out for String {
    fn collect(values: Vec<Option<Self>>, _ret: SqlType) -> Result<ArrayRef> {
        let mut builder = StringViewBuilder::with_capacity(values.len());
        for value in values {
            builder.append_option(value);
        }
        Ok(Arc::new(builder.finish()))
    }
}

impl Out for &str {
    fn collect(values: Vec<Option<Self>>, _ret: SqlType) -> Result<ArrayRef> {
        let mut builder = StringViewBuilder::with_capacity(values.len());
        for value in values {
            builder.append_option(value);
        }
        Ok(Arc::new(builder.finish()))
    }
}

impl Out for Vec<u8> {
    fn collect(values: Vec<Option<Self>>, _ret: SqlType) -> Result<ArrayRef> {
        let mut builder = BinaryViewBuilder::with_capacity(values.len());
        for value in values {
            builder.append_option(value);
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// A function of no argument: one value for all rows.
pub fn constant<R: Out + Clone>(call: &Call, value: Option<R>) -> Result<ArrayRef> {
    R::collect(vec![value; call.rows], call.ret)
}

/// A function of one argument.
pub fn map1<'a, A: Arg, R: Out>(
    call: &'a Call,
    f: impl Fn(A::Item<'a>) -> Result<Option<R>>,
) -> Result<ArrayRef> {
    let a = column::<A>(call, 0)?;
    let mut out = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let i = at(a, row);
        out.push(if a.is_null(i) { None } else { f(A::get(a, i))? });
    }
    R::collect(out, call.ret)
}

/// A function of two arguments.
pub fn map2<'a, A: Arg, B: Arg, R: Out>(
    call: &'a Call,
    f: impl Fn(A::Item<'a>, B::Item<'a>) -> Result<Option<R>>,
) -> Result<ArrayRef> {
    let a = column::<A>(call, 0)?;
    let b = column::<B>(call, 1)?;
    let mut out = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let (i, j) = (at(a, row), at(b, row));
        out.push(if a.is_null(i) || b.is_null(j) {
            None
        } else {
            f(A::get(a, i), B::get(b, j))?
        });
    }
    R::collect(out, call.ret)
}

/// A function of three arguments.
pub fn map3<'a, A: Arg, B: Arg, C: Arg, R: Out>(
    call: &'a Call,
    f: impl Fn(A::Item<'a>, B::Item<'a>, C::Item<'a>) -> Result<Option<R>>,
) -> Result<ArrayRef> {
    let a = column::<A>(call, 0)?;
    let b = column::<B>(call, 1)?;
    let c = column::<C>(call, 2)?;
    let mut out = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let (i, j, k) = (at(a, row), at(b, row), at(c, row));
        out.push(if a.is_null(i) || b.is_null(j) || c.is_null(k) {
            None
        } else {
            f(A::get(a, i), B::get(b, j), C::get(c, k))?
        });
    }
    R::collect(out, call.ret)
}

/// A function of four arguments.
pub fn map4<'a, A: Arg, B: Arg, C: Arg, D: Arg, R: Out>(
    call: &'a Call,
    f: impl Fn(A::Item<'a>, B::Item<'a>, C::Item<'a>, D::Item<'a>) -> Result<Option<R>>,
) -> Result<ArrayRef> {
    let a = column::<A>(call, 0)?;
    let b = column::<B>(call, 1)?;
    let c = column::<C>(call, 2)?;
    let d = column::<D>(call, 3)?;
    let mut out = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let (i, j, k, l) = (at(a, row), at(b, row), at(c, row), at(d, row));
        let null = a.is_null(i) || b.is_null(j) || c.is_null(k) || d.is_null(l);
        out.push(if null {
            None
        } else {
            f(A::get(a, i), B::get(b, j), C::get(c, k), D::get(d, l))?
        });
    }
    R::collect(out, call.ret)
}
