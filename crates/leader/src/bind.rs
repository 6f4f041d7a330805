//! Parameters into plans.

use datafusion::common::ParamValues;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::scalar::ScalarValue;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_services::Param;
use lw_sql_plan::{CopyPlan, CursorPlan, DdlPlan, DmlPlan, Plan, Planned, QueryPlan};

/// The values of the parameters, in the form plans take.
pub fn values(params: &[Param]) -> Result<ParamValues> {
    let scalars = params
        .iter()
        .map(|p| {
            let scalar = match &p.value {
                Some(array) => ScalarValue::try_from_array(array, 0),
                None => ScalarValue::try_from(&p.sql_type.arrow()),
            };
            scalar
                .map(ScalarAndMetadata::from)
                .map_err(SqlError::internal)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(ParamValues::List(scalars))
}

/// The plan with its placeholders replaced.
pub fn bind(planned: &Planned, params: &[Param]) -> Result<Planned> {
    if params.len() != planned.params.len() {
        return Err(SqlError::new(
            SqlState::PROTOCOL_VIOLATION,
            format!(
                "bind message supplies {} parameters, but prepared statement requires {}",
                params.len(),
                planned.params.len()
            ),
        ));
    }
    if params.is_empty() {
        return Ok(planned.clone());
    }
    let values = values(params)?;
    let mut bound = planned.clone();
    bind_plan(&mut bound.plan, &values)?;
    Ok(bound)
}

fn bind_plan(plan: &mut Plan, values: &ParamValues) -> Result<()> {
    match plan {
        Plan::Query(QueryPlan { logical }) | Plan::Show(QueryPlan { logical }) => {
            replace(logical, values)
        }
        Plan::Explain { inner, .. } => bind_plan(&mut inner.plan, values),
        Plan::Dml(
            DmlPlan::Insert { input, .. }
            | DmlPlan::Update { input, .. }
            | DmlPlan::Merge { input, .. }
            | DmlPlan::Delete {
                input: Some(input), ..
            },
        ) => replace(input, values),
        Plan::Ddl(DdlPlan::CreateTable {
            input: Some(input), ..
        }) => replace(input, values),
        Plan::Copy(CopyPlan::Unload(unload)) => replace(&mut unload.input, values),
        Plan::Cursor(CursorPlan::Declare { query, .. }) => bind_plan(&mut query.plan, values),
        _ => Ok(()),
    }
}

fn replace(logical: &mut LogicalPlan, values: &ParamValues) -> Result<()> {
    *logical = logical
        .clone()
        .replace_params_with_values(values)
        .map_err(|e| SqlError::new(SqlState::UNDEFINED_PARAMETER, e.strip_backtrace()))?;
    Ok(())
}

/// The values of EXECUTE as parameters.
pub fn constants(values: &[Expr], types: &[SqlType]) -> Result<Vec<Param>> {
    values
        .iter()
        .enumerate()
        .map(|(i, value)| {
            let Expr::Literal(scalar, _) = value else {
                return Err(SqlError::unsupported(
                    "EXECUTE with a parameter that is not a constant",
                ));
            };
            let wanted = types.get(i).copied().unwrap_or(SqlType::Text);
            let cast = scalar.cast_to(&wanted.arrow()).map_err(|e| {
                SqlError::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!("parameter ${} cannot be converted to {wanted}", i + 1),
                )
                .with_detail(e.strip_backtrace())
            })?;
            let value = if cast.is_null() {
                None
            } else {
                Some(cast.to_array().map_err(SqlError::internal)?)
            };
            Ok(Param {
                sql_type: wanted,
                value,
            })
        })
        .collect()
}
