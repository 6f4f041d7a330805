//! Assignment: the casts INSERT, UPDATE and COPY into a column do, and parameters' values.

use arrow::array::ArrayRef;
use arrow::datatypes::Field;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use lw_base::{Result, SqlError, SqlState};
use lw_functions::cast::{Mode, cast_expr};
use lw_pgrepr::SqlType;

use super::provider::plan_error;

/// Projects a plan's columns, in order, onto columns of a table, by the rules of assignment
/// (a string too long is an error, unlike in a cast).
pub fn assignment_cast(plan: LogicalPlan, targets: &[(String, SqlType)]) -> Result<LogicalPlan> {
    let columns = plan.schema().columns();
    if columns.len() != targets.len() {
        let more = if columns.len() > targets.len() {
            "expressions than target columns"
        } else {
            "target columns than expressions"
        };
        return Err(SqlError::syntax(format!("INSERT has more {more}")));
    }
    let exprs = columns
        .into_iter()
        .enumerate()
        .zip(targets)
        .map(|((i, column), (name, target))| {
            let field = plan.schema().field(i).clone();
            assign(Expr::Column(column), &field, name, *target).map(|e| e.alias(name))
        })
        .collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(plan)
        .project(exprs)
        .and_then(|b| b.build())
        .map_err(plan_error)
}

/// Casts one expression to a column's type by the rules of assignment.
pub(crate) fn assign(expr: Expr, field: &Field, column: &str, target: SqlType) -> Result<Expr> {
    let from = SqlType::of_field(field).unwrap_or(SqlType::Unknown);
    if !assignable(from, target) {
        return Err(SqlError::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "column \"{column}\" is of type {} but expression is of type {}",
                base_name(target),
                base_name(from)
            ),
        )
        .with_hint("You will need to rewrite or cast the expression."));
    }
    Ok(cast_expr(expr, target, Mode::Assign))
}

fn base_name(t: SqlType) -> String {
    t.to_string()
        .split('(')
        .next()
        .unwrap_or_default()
        .to_string()
}

/// True if a value of one type may be assigned to a column of another.
fn assignable(from: SqlType, to: SqlType) -> bool {
    use SqlType::*;
    let number = |t| {
        matches!(
            t,
            Int2 | Int4 | Int8 | Numeric(..) | Float4 | Float8 | Oid | Xid
        )
    };
    from == to
        || from == Unknown
        || from.is_string()
        || to.is_string()
        || (number(from) && number(to))
        || match (from, to) {
            (Bool, Int2 | Int4 | Int8) | (Int2 | Int4 | Int8, Bool) => true,
            (Date | Timestamp | TimestampTz, Date | Timestamp | TimestampTz) => true,
            (Timestamp | TimestampTz | Time | TimeTz, Time | TimeTz) => true,
            _ => std::mem::discriminant(&from) == std::mem::discriminant(&to),
        }
}

/// Puts values in the place of `$1`, `$2`, ...: one array of length one (or `None`, NULL) each.
pub fn bind_params(
    plan: LogicalPlan,
    values: &[(SqlType, Option<ArrayRef>)],
) -> Result<LogicalPlan> {
    let scalars = values
        .iter()
        .map(|(t, value)| match value {
            Some(array) => ScalarValue::try_from_array(array, 0),
            None => ScalarValue::try_from(&t.arrow()),
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(plan_error)?;
    plan.with_param_values(ParamValues::from(scalars))
        .map_err(plan_error)
}
