//! Parameters into plans.

use std::sync::Arc;

use arrow::array::{AsArray, Decimal128Array};
use arrow::compute;
use arrow::datatypes::{DataType, Decimal128Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::ParamValues;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::logical_expr::LogicalPlan;
use datafusion::scalar::ScalarValue;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::{SqlType, Zone, numeric};
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

/// Values of other types than the plan's parameters have: NUMERIC, whose values come with their own
/// precision and scale.
pub fn others(planned: &Planned, params: &[Param]) -> bool {
    let types = params.iter().map(|p| p.sql_type);
    types.zip(&planned.params).any(|(value, plan)| {
        value != *plan && matches!((value, plan), (SqlType::Numeric(..), SqlType::Numeric(..)))
    })
}

/// Makes NUMERIC values of the types the plan's parameters have, rounding.
pub fn fit(planned: &Planned, params: &mut [Param]) -> Result<()> {
    for (i, (param, wanted)) in params.iter_mut().zip(&planned.params).enumerate() {
        let (SqlType::Numeric(_, from), SqlType::Numeric(precision, scale)) =
            (param.sql_type, *wanted)
        else {
            continue;
        };
        if param.sql_type == *wanted {
            continue;
        }
        if let Some(array) = &param.value {
            let number = numeric::Parsed {
                unscaled: array.as_primitive::<Decimal128Type>().value(0),
                scale: from.unsigned_abs().into(),
            };
            let value = numeric::rescale(number, precision, scale)
                .map_err(|e| e.with_context(format!("parameter ${}", i + 1)))?;
            let array = Decimal128Array::from(vec![value])
                .with_precision_and_scale(precision, scale)
                .map_err(SqlError::internal)?;
            param.value = Some(Arc::new(array));
        }
        param.sql_type = *wanted;
    }
    Ok(())
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

/// The values of EXECUTE, a row of the query that gives them, as parameters.
pub fn constants(row: &RecordBatch, types: &[SqlType], zone: Zone) -> Result<Vec<Param>> {
    let fields = row.schema();
    row.columns()
        .iter()
        .enumerate()
        .map(|(i, value)| {
            let wanted = types.get(i).copied().unwrap_or(SqlType::Text);
            let given = SqlType::of_field(fields.field(i)).unwrap_or(SqlType::Text);
            let value = if value.is_null(0) {
                None
            } else if given.is_string() && !wanted.is_string() {
                let text = compute::cast(value, &DataType::Utf8).map_err(SqlError::internal)?;
                let text = text.as_string::<i32>().value(0).to_string();
                Some(lw_pgrepr::param::from_text(&text, wanted, zone)?)
            } else {
                let options = compute::CastOptions {
                    safe: false,
                    ..Default::default()
                };
                let cast = compute::cast_with_options(value, &wanted.arrow(), &options);
                Some(cast.map_err(|e| {
                    SqlError::new(
                        SqlState::DATATYPE_MISMATCH,
                        format!("parameter ${} cannot be converted to {wanted}", i + 1),
                    )
                    .with_detail(e.to_string())
                })?)
            };
            Ok(Param {
                sql_type: wanted,
                value,
            })
        })
        .collect()
}
