//! Arithmetic that DataFusion's own operators do otherwise than Redshift: integers that overflow
//! are an error, so is division by zero, and DECIMAL has Redshift's precision and scale (Developer
//! Guide, "Computations with numeric values").

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::kernels::numeric;
use arrow::datatypes::*;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;

use crate::error::{df_error, division_by_zero, numeric_overflow};
use crate::func::field_type;

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
}

impl Op {
    fn name(self) -> &'static str {
        match self {
            Op::Add => "__add",
            Op::Sub => "__sub",
            Op::Mul => "__mul",
            Op::Div => "__div",
            Op::Mod => "__mod",
        }
    }
}

/// The DECIMAL an integer type stands for in arithmetic.
pub fn as_decimal(t: SqlType) -> Option<(u8, i8)> {
    Some(match t {
        SqlType::Int2 => (5, 0),
        SqlType::Int4 => (10, 0),
        SqlType::Int8 => (19, 0),
        SqlType::Numeric(p, s) => (p, s),
        _ => return None,
    })
}

/// Precision and scale of a result, and whether it can overflow.
pub fn decimal_result(op: Op, (p1, s1): (u8, i8), (p2, s2): (u8, i8)) -> ((u8, i8), bool) {
    let (p1, s1, p2, s2) = (p1 as i32, s1 as i32, p2 as i32, s2 as i32);
    let (p, s) = match op {
        Op::Add | Op::Sub => {
            let s = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + 1 + s, s)
        }
        Op::Mul => (p1 + p2 + 1, s1 + s2),
        Op::Div => {
            let s = (s1 + p2 - s2 + 1).max(4);
            (p1 - s1 + s2 + s, s)
        }
        Op::Mod => {
            let s = s1.max(s2);
            ((p1 - s1).min(p2 - s2) + s, s)
        }
    };
    if p <= 38 {
        return ((p.max(1) as u8, s as i8), false);
    }
    // What does not fit is taken from the scale of a quotient; the others keep theirs.
    let s = match op {
        Op::Div => (38 + s - p).max(4),
        _ => s.min(38),
    };
    ((38, s as i8), true)
}

/// The functions.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    [Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Mod]
        .into_iter()
        .map(udf)
        .collect()
}

/// The function of an operation.
pub fn udf(op: Op) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Arith {
        op,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

/// Both arguments have the same type family: integers of one width, DECIMAL, or floats.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Arith {
    op: Op,
    signature: Signature,
}

impl ScalarUDFImpl for Arith {
    fn schema_name(&self, args: &[Expr]) -> DfResult<String> {
        crate::long_names::schema_name(self.name(), args)
    }

    fn name(&self) -> &str {
        self.op.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> DfResult<DataType> {
        let t = |i: usize| {
            types
                .get(i)
                .and_then(SqlType::from_arrow)
                .unwrap_or(SqlType::Unknown)
        };
        result_type(self.op, t(0), t(1))
            .map(|t| t.arrow())
            .map_err(df_error)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DfResult<FieldRef> {
        let (a, b) = (
            field_type(&args.arg_fields[0]),
            field_type(&args.arg_fields[1]),
        );
        let t = result_type(self.op, a, b).map_err(df_error)?;
        let nullable = args.arg_fields.iter().any(|f| f.is_nullable());
        Ok(t.field_ref(self.name(), nullable))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let [a, b] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("two arguments expected".into()));
        };
        let out = args.return_field.data_type().clone();
        let scalar = |v: &ColumnarValue| matches!(v, ColumnarValue::Scalar(_));
        let both = scalar(a) && scalar(b);
        let (a, b) = (side(a)?, side(b)?);
        let result = compute(self.op, &a, &b, &out).map_err(df_error)?;
        if both {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &result, 0,
            )?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// One side, as Arrow's kernels take it: an array or a constant.
struct Side {
    array: ArrayRef,
    scalar: bool,
}

fn side(value: &ColumnarValue) -> DfResult<Side> {
    Ok(match value {
        ColumnarValue::Array(array) => Side {
            array: array.clone(),
            scalar: false,
        },
        ColumnarValue::Scalar(value) => Side {
            array: value.to_array_of_size(1)?,
            scalar: true,
        },
    })
}

impl Datum for Side {
    fn get(&self) -> (&dyn Array, bool) {
        (self.array.as_ref(), self.scalar)
    }
}

fn result_type(op: Op, a: SqlType, b: SqlType) -> Result<SqlType> {
    Ok(match (a, b) {
        (SqlType::Numeric(p1, s1), SqlType::Numeric(p2, s2)) => {
            let ((p, s), _) = decimal_result(op, (p1, s1), (p2, s2));
            SqlType::Numeric(p, s)
        }
        (SqlType::Unknown, t) | (t, SqlType::Unknown) => t,
        (a, _) => a,
    })
}

fn compute(op: Op, a: &Side, b: &Side, out: &DataType) -> Result<ArrayRef> {
    let arrow = |e| int_error(e, out);
    match out {
        DataType::Int16 | DataType::Int32 | DataType::Int64 => match op {
            Op::Add => numeric::add(a, b).map_err(arrow),
            Op::Sub => numeric::sub(a, b).map_err(arrow),
            Op::Mul => numeric::mul(a, b).map_err(arrow),
            Op::Div => numeric::div(a, b).map_err(arrow),
            Op::Mod => numeric::rem(a, b).map_err(arrow),
        },
        DataType::Float64 | DataType::Float32 => floats(op, a, b),
        DataType::Decimal128(p, s) => decimals(op, a, b, *p, *s),
        other => Err(SqlError::internal(format!("arithmetic of {other}"))),
    }
}

fn int_error(error: arrow::error::ArrowError, out: &DataType) -> SqlError {
    match error {
        arrow::error::ArrowError::DivideByZero => division_by_zero(),
        _ => {
            let name = match out {
                DataType::Int16 => "smallint",
                DataType::Int32 => "integer",
                _ => "bigint",
            };
            SqlError::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!("{name} out of range"),
            )
        }
    }
}

fn floats(op: Op, a: &Side, b: &Side) -> Result<ArrayRef> {
    let zero = match b.array.data_type() {
        DataType::Float64 => b
            .array
            .as_primitive::<Float64Type>()
            .iter()
            .flatten()
            .any(|v| v == 0.0),
        DataType::Float32 => b
            .array
            .as_primitive::<Float32Type>()
            .iter()
            .flatten()
            .any(|v| v == 0.0),
        _ => false,
    };
    if zero && matches!(op, Op::Div | Op::Mod) && pairs_with_value(a, b) {
        return Err(division_by_zero());
    }
    let result = match op {
        Op::Add => numeric::add(a, b),
        Op::Sub => numeric::sub(a, b),
        Op::Mul => numeric::mul(a, b),
        Op::Div => numeric::div(a, b),
        Op::Mod => numeric::rem(a, b),
    };
    result.map_err(|e| crate::error::arrow_error(&e))
}

/// True if some row divides a value (not NULL) by zero.
fn pairs_with_value(a: &Side, b: &Side) -> bool {
    let rows = if a.scalar && b.scalar {
        1
    } else {
        a.array.len().max(b.array.len())
    };
    let at = |s: &Side, row: usize| if s.scalar { 0 } else { row };
    let is_zero = |i: usize| match b.array.data_type() {
        DataType::Float64 => b.array.as_primitive::<Float64Type>().value(i) == 0.0,
        DataType::Float32 => b.array.as_primitive::<Float32Type>().value(i) == 0.0,
        _ => false,
    };
    (0..rows).any(|row| {
        let (i, j) = (at(a, row), at(b, row));
        a.array.is_valid(i) && b.array.is_valid(j) && is_zero(j)
    })
}

fn decimals(op: Op, a: &Side, b: &Side, p: u8, s: i8) -> Result<ArrayRef> {
    let (left, right) = (
        a.array.as_primitive_opt::<Decimal128Type>(),
        b.array.as_primitive_opt::<Decimal128Type>(),
    );
    let (Some(left), Some(right)) = (left, right) else {
        return Err(SqlError::internal("DECIMAL arithmetic of another type"));
    };
    let (s1, s2) = (left.scale() as i32, right.scale() as i32);
    if let Some(values) = safe_decimals(op, a, b, left, right, p, s) {
        let array = values
            .with_precision_and_scale(p, s)
            .map_err(SqlError::internal)?;
        return Ok(Arc::new(array));
    }
    let limit = 10i128.pow(p as u32);
    let rows = if a.scalar && b.scalar {
        1
    } else if a.scalar {
        right.len()
    } else {
        left.len()
    };
    let mut out = Decimal128Builder::with_capacity(rows);
    for row in 0..rows {
        let (i, j) = (
            if a.scalar { 0 } else { row },
            if b.scalar { 0 } else { row },
        );
        if left.is_null(i) || right.is_null(j) {
            out.append_null();
            continue;
        }
        let value = one(op, left.value(i), s1, right.value(j), s2, s as i32)?;
        if value >= limit || value <= -limit {
            return Err(numeric_overflow());
        }
        out.append_value(value);
    }
    let array = out
        .finish()
        .with_precision_and_scale(p, s)
        .map_err(SqlError::internal)?;
    Ok(Arc::new(array))
}

/// Sums, differences and products whose types leave no room for an overflow (a value never has more
/// digits than its type; what lies under a NULL may, and may wrap): all rows at once. `None` if the row-by-row way must be taken.
fn safe_decimals(
    op: Op,
    a: &Side,
    b: &Side,
    left: &Decimal128Array,
    right: &Decimal128Array,
    p: u8,
    s: i8,
) -> Option<Decimal128Array> {
    let (p1, s1) = (i32::from(left.precision()), i32::from(left.scale()));
    let (p2, s2) = (i32::from(right.precision()), i32::from(right.scale()));
    let s = i32::from(s);
    // Digits of the largest result the operands' types allow, against those of the result's.
    let digits = match op {
        Op::Mul if s == s1 + s2 => p1 + p2,
        Op::Add | Op::Sub if s >= s1.max(s2) => (p1 - s1).max(p2 - s2) + s + 1,
        _ => return None,
    };
    if digits > i32::from(p).min(38) {
        return None;
    }
    let power = |by: i32| 10i128.pow(by.unsigned_abs());
    match op {
        // Numbers of 18 digits are 64 bits wide, and the product of two is one instruction.
        Op::Mul if p1 <= 18 && p2 <= 18 => each(a, b, left, right, |x, y| {
            i128::from(x as i64) * i128::from(y as i64)
        }),
        Op::Mul => each(a, b, left, right, i128::wrapping_mul),
        _ => {
            let (f, g) = (power(s - s1), power(s - s2));
            let g = if op == Op::Sub { -g } else { g };
            match (f, g) {
                (1, 1) => each(a, b, left, right, i128::wrapping_add),
                (1, -1) => each(a, b, left, right, i128::wrapping_sub),
                _ => each(a, b, left, right, move |x, y| {
                    x.wrapping_mul(f).wrapping_add(y.wrapping_mul(g))
                }),
            }
        }
    }
}

/// A function of both sides, where both have a value.
fn each(
    a: &Side,
    b: &Side,
    left: &Decimal128Array,
    right: &Decimal128Array,
    f: impl Fn(i128, i128) -> i128,
) -> Option<Decimal128Array> {
    match (a.scalar, b.scalar) {
        (false, false) => arrow::compute::binary(left, right, f).ok(),
        (false, true) if right.is_valid(0) => {
            let y = right.value(0);
            Some(left.unary(|x| f(x, y)))
        }
        (true, false) if left.is_valid(0) => {
            let x = left.value(0);
            Some(right.unary(|y| f(x, y)))
        }
        _ => None,
    }
}

fn one(op: Op, x: i128, s1: i32, y: i128, s2: i32, s: i32) -> Result<i128> {
    match op {
        Op::Add | Op::Sub | Op::Mod => {
            let (x, y) = (scale_up(x, s - s1)?, scale_up(y, s - s2)?);
            match op {
                Op::Add => x.checked_add(y).ok_or_else(numeric_overflow),
                Op::Sub => x.checked_sub(y).ok_or_else(numeric_overflow),
                _ if y == 0 => Err(division_by_zero()),
                _ => Ok(x % y),
            }
        }
        Op::Mul => {
            // The result's scale may have been cut to 38.
            let product = wide_mul_div(x, y, 1, s1 + s2 - s)?;
            Ok(product)
        }
        Op::Div => {
            if y == 0 {
                return Err(division_by_zero());
            }
            // x / 10^s1 / (y / 10^s2) at scale s: x * 10^(s - s1 + s2) / y, cut off.
            let shift = s - s1 + s2;
            if let Some(n) = 10i128
                .checked_pow(shift.max(0) as u32)
                .and_then(|f| x.checked_mul(f))
                && shift >= 0
            {
                return Ok(n / y);
            }
            let ten = i256::from_i128(10);
            let mut n = i256::from_i128(x);
            let mut d = i256::from_i128(y);
            let factor = ten
                .checked_pow(shift.unsigned_abs())
                .ok_or_else(numeric_overflow)?;
            if shift >= 0 {
                n = n.checked_mul(factor).ok_or_else(numeric_overflow)?;
            } else {
                d = d.checked_mul(factor).ok_or_else(numeric_overflow)?;
            }
            (n / d).to_i128().ok_or_else(numeric_overflow)
        }
    }
}

fn scale_up(value: i128, by: i32) -> Result<i128> {
    if by <= 0 {
        return Ok(value);
    }
    10i128
        .checked_pow(by as u32)
        .and_then(|f| value.checked_mul(f))
        .ok_or_else(numeric_overflow)
}

/// x * y * 10^-down, computed in 256 bits.
fn wide_mul_div(x: i128, y: i128, _unit: i128, down: i32) -> Result<i128> {
    if down == 0 {
        return x.checked_mul(y).ok_or_else(numeric_overflow);
    }
    let product = i256::from_i128(x)
        .checked_mul(i256::from_i128(y))
        .ok_or_else(numeric_overflow)?;
    let factor = i256::from_i128(10)
        .checked_pow(down.max(0) as u32)
        .ok_or_else(numeric_overflow)?;
    (product / factor).to_i128().ok_or_else(numeric_overflow)
}
