//! Aggregates over ordered values: PERCENTILE_CONT, PERCENTILE_DISC (and MEDIAN, which is planned
//! as PERCENTILE_CONT(0.5)), LISTAGG (Developer Guide, "Aggregate functions").

use std::hash::{Hash, Hasher};
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::string_agg::StringAgg;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};
use lw_base::{SqlError, SqlState};

use crate::error::df_error;
use crate::func::no_function;

/// The functions.
pub fn all() -> Vec<Arc<AggregateUDF>> {
    let percentile = |name, interpolate, descending| {
        Arc::new(AggregateUDF::from(Percentile {
            name,
            interpolate,
            descending,
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    };
    vec![
        percentile("percentile_cont", true, false),
        percentile("__percentile_cont_desc", true, true),
        percentile("percentile_disc", false, false),
        percentile("__percentile_disc_desc", false, true),
        Arc::new(AggregateUDF::from(ListAgg {
            inner: StringAgg::new(),
            signature: Signature::user_defined(Volatility::Immutable),
        })),
    ]
}

#[derive(Debug)]
struct Percentile {
    name: &'static str,
    interpolate: bool,
    descending: bool,
    signature: Signature,
}

impl PartialEq for Percentile {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Percentile {}
impl Hash for Percentile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        use DataType::*;
        let [value, _] = types else {
            return Err(df_error(no_function(self.name, types)));
        };
        let value = match value {
            Int16 | Int32 | Int64 | Float32 | Float64 | Null | Utf8 if self.interpolate => Float64,
            Decimal128(p, s) if self.interpolate => Decimal128(*p, *s),
            Date32 if self.interpolate => timestamp(),
            t @ Timestamp(..) => t.clone(),
            Null | Utf8 => Float64,
            _ if self.interpolate => return Err(df_error(no_function(self.name, types))),
            other => other.clone(),
        };
        Ok(vec![value, Float64])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(PercentileAcc {
            interpolate: self.interpolate,
            descending: self.descending,
            data_type: args.return_field.data_type().clone(),
            fraction: None,
            values: Vec::new(),
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let item = Field::new_list_field(args.return_field.data_type().clone(), true);
        Ok(vec![
            Arc::new(Field::new_list(
                format!("{}[values]", args.name),
                item,
                true,
            )),
            Arc::new(Field::new(
                format!("{}[fraction]", args.name),
                DataType::Float64,
                true,
            )),
        ])
    }
}

fn timestamp() -> DataType {
    lw_pgrepr::SqlType::Timestamp.arrow()
}

#[derive(Debug)]
struct PercentileAcc {
    interpolate: bool,
    descending: bool,
    data_type: DataType,
    fraction: Option<f64>,
    /// Batches of values; they are brought together and sorted at the end.
    values: Vec<ArrayRef>,
}

impl PercentileAcc {
    fn set_fraction(&mut self, fractions: &Float64Array) -> Result<()> {
        let Some(f) = fractions.iter().flatten().next() else {
            return Ok(());
        };
        if !(0.0..=1.0).contains(&f) {
            return Err(df_error(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("percentile value {f} is not between 0 and 1"),
            )));
        }
        self.fraction = Some(f);
        Ok(())
    }

    fn all_values(&self) -> Result<ArrayRef> {
        let parts: Vec<&dyn Array> = self.values.iter().map(|v| v.as_ref()).collect();
        if parts.is_empty() {
            return Ok(arrow::array::new_empty_array(&self.data_type));
        }
        Ok(arrow::compute::concat(&parts)?)
    }
}

impl Accumulator for PercentileAcc {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let Some(fractions) = values[1].as_primitive_opt::<Float64Type>() {
            self.set_fraction(fractions)?;
        }
        let kept = match values[0].null_count() {
            0 => values[0].clone(),
            _ => arrow::compute::filter(&values[0], &arrow::compute::is_not_null(&values[0])?)?,
        };
        if !kept.is_empty() {
            self.values.push(kept);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let all = self.all_values()?;
        let null = || ScalarValue::try_from(&self.data_type);
        let Some(fraction) = self.fraction else {
            return null();
        };
        if all.is_empty() {
            return null();
        }
        let options = arrow::compute::SortOptions {
            descending: self.descending,
            nulls_first: false,
        };
        let sorted = arrow::compute::sort(&all, Some(options))?;
        let n = sorted.len();
        if !self.interpolate {
            let at = ((fraction * n as f64).ceil() as usize).max(1) - 1;
            return ScalarValue::try_from_array(&sorted, at.min(n - 1));
        }
        let place = fraction * (n - 1) as f64;
        let (low, high) = (place.floor() as usize, place.ceil() as usize);
        let (a, b) = (
            ScalarValue::try_from_array(&sorted, low)?,
            ScalarValue::try_from_array(&sorted, high)?,
        );
        between(a, b, place - low as f64)
    }

    fn size(&self) -> usize {
        size_of::<Self>()
            + self
                .values
                .iter()
                .map(|v| v.get_array_memory_size())
                .sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let all = self.all_values()?;
        Ok(vec![
            SingleRowListArrayBuilder::new(all).build_list_scalar(),
            ScalarValue::Float64(self.fraction),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states[0].as_list::<i32>();
        for list in lists.iter().flatten() {
            if !list.is_empty() {
                self.values.push(list);
            }
        }
        if let Some(fractions) = states[1].as_primitive_opt::<Float64Type>() {
            self.set_fraction(fractions)?;
        }
        Ok(())
    }
}

/// The value a part of the way from one to another.
fn between(a: ScalarValue, b: ScalarValue, part: f64) -> Result<ScalarValue> {
    use ScalarValue as S;
    Ok(match (a, b) {
        (S::Float64(Some(a)), S::Float64(Some(b))) => S::Float64(Some(a + (b - a) * part)),
        (S::Decimal128(Some(a), p, s), S::Decimal128(Some(b), ..)) => {
            let step = ((b - a) as f64 * part).round() as i128;
            S::Decimal128(Some(a + step), p, s)
        }
        (S::TimestampMicrosecond(Some(a), z), S::TimestampMicrosecond(Some(b), _)) => {
            S::TimestampMicrosecond(Some(a + ((b - a) as f64 * part).round() as i64), z)
        }
        (a, _) => {
            return Err(DataFusionError::Internal(format!(
                "no percentile of {}",
                a.data_type()
            )));
        }
    })
}

/// LISTAGG(x, delimiter): NULLs are left out; the order comes with the call.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ListAgg {
    inner: StringAgg,
    signature: Signature,
}

impl AggregateUDFImpl for ListAgg {
    fn name(&self) -> &str {
        "listagg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() != 2 {
            return Err(df_error(no_function("listagg", types)));
        }
        // The delimiter stays as it is: it is a constant.
        Ok(vec![DataType::Utf8View, types[1].clone()])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::LargeUtf8)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn reverse_expr(&self) -> datafusion::logical_expr::ReversedUDAF {
        self.inner.reverse_expr()
    }
}
