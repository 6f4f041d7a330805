//! Comparisons of moments and days become comparisons of the numbers files hold, so that a file
//! can evaluate them and skip blocks by them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, Literal, in_list,
};

type Expr = Arc<dyn PhysicalExpr>;

/// Rewrites one node. `physical`: the schema of the file.
pub(super) fn compare(expr: Expr, physical: &Schema) -> DfResult<Transformed<Expr>> {
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        if !binary.op().supports_propagation() {
            return Ok(Transformed::no(expr));
        }
        let (left, right) = (binary.left(), binary.right());
        let sides = match (number(left, physical), number(right, physical)) {
            (Some(l), Some(r)) if left.data_type(physical)? == right.data_type(physical)? => {
                Some((l, r))
            }
            (Some(l), None) => constant(right).map(|r| (l, r)),
            (None, Some(r)) => constant(left).map(|l| (l, r)),
            _ => None,
        };
        let Some((left, right)) = sides else {
            return Ok(Transformed::no(expr));
        };
        if left.data_type(physical)? != right.data_type(physical)? {
            return Ok(Transformed::no(expr));
        }
        return Ok(Transformed::yes(Arc::new(BinaryExpr::new(
            left,
            *binary.op(),
            right,
        ))));
    }
    if let Some(list) = expr.downcast_ref::<InListExpr>() {
        let Some(value) = number(list.expr(), physical) else {
            return Ok(Transformed::no(expr));
        };
        let want = value.data_type(physical)?;
        let numbers: Option<Vec<Expr>> = list.list().iter().map(constant).collect();
        return Ok(match numbers {
            Some(numbers) if typed(&numbers, &want, physical) => {
                Transformed::yes(in_list(value, numbers, &list.negated(), physical)?)
            }
            _ => Transformed::no(expr),
        });
    }
    if let Some(test) = expr.downcast_ref::<IsNullExpr>()
        && let Some(value) = number(test.arg(), physical)
    {
        return Ok(Transformed::yes(Arc::new(IsNullExpr::new(value))));
    }
    if let Some(test) = expr.downcast_ref::<IsNotNullExpr>()
        && let Some(value) = number(test.arg(), physical)
    {
        return Ok(Transformed::yes(Arc::new(IsNotNullExpr::new(value))));
    }
    Ok(Transformed::no(expr))
}

fn typed(numbers: &[Expr], want: &DataType, physical: &Schema) -> bool {
    numbers
        .iter()
        .all(|n| n.data_type(physical).is_ok_and(|t| t == *want))
}

/// The stored column under the cast that makes it a moment or day.
fn number(expr: &Expr, physical: &Schema) -> Option<Expr> {
    let cast = expr.downcast_ref::<CastExpr>()?;
    let column = cast.expr().downcast_ref::<Column>()?;
    let stored = physical.fields().get(column.index())?.data_type();
    let same = matches!(
        (stored, cast.cast_type()),
        (DataType::Int32, DataType::Date32)
            | (
                DataType::Int64,
                DataType::Timestamp(TimeUnit::Microsecond, _)
            )
    );
    same.then(|| cast.expr().clone())
}

/// A constant moment or day as a number.
fn constant(expr: &Expr) -> Option<Expr> {
    let number = match expr.downcast_ref::<Literal>()?.value() {
        ScalarValue::Date32(v) => ScalarValue::Int32(*v),
        ScalarValue::TimestampMicrosecond(v, _) => ScalarValue::Int64(*v),
        _ => return None,
    };
    Some(Arc::new(Literal::new(number)))
}
