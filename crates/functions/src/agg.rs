//! SUM and AVG with Redshift's types: SUM of integers is BIGINT, of BIGINT and DECIMAL a DECIMAL of
//! 38 digits; AVG of integers is BIGINT, of DECIMAL a DECIMAL(38, s), cut off and not rounded
//! (Developer Guide, "SUM function", "AVG function"). The accumulators are DataFusion's.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions_aggregate::average::Avg;
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF,
    Signature, Volatility,
};

use crate::error::df_error;
use crate::func::no_function;
use crate::sum_range::{InRange, InRangeGroups};

/// The functions.
pub fn all() -> Vec<Arc<AggregateUDF>> {
    let signature = || Signature::user_defined(Volatility::Immutable);
    vec![
        Arc::new(AggregateUDF::from(RsSum {
            inner: Sum::new(),
            signature: signature(),
        })),
        Arc::new(AggregateUDF::from(RsAvg {
            inner: Avg::new(),
            signature: signature(),
        })),
    ]
}

fn one_arg<'a>(name: &str, types: &'a [DataType]) -> Result<&'a DataType> {
    match types {
        [t] => Ok(t),
        _ => Err(df_error(no_function(name, types))),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RsSum {
    inner: Sum,
    signature: Signature,
}

impl AggregateUDFImpl for RsSum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        use DataType::*;
        Ok(vec![match one_arg("sum", types)? {
            Int16 | Int32 | Int8 => Int64,
            Int64 | UInt32 => Decimal128(19, 0),
            t @ Decimal128(..) => t.clone(),
            Float32 | Float64 | Null | Utf8 | Utf8View => Float64,
            t @ Interval(_) => t.clone(),
            other => other.clone(),
        }])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match &types[0] {
            DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
            DataType::Decimal128(_, s) => DataType::Decimal128(38, *s),
            DataType::Interval(u) => DataType::Interval(*u),
            DataType::Float64 => DataType::Float64,
            _ => return Err(df_error(no_function("sum", types))),
        })
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(InRange(self.inner.accumulator(args)?)))
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
        let sums = self.inner.create_groups_accumulator(args)?;
        Ok(Box::new(InRangeGroups(sums)))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let sum = self.inner.create_sliding_accumulator(args)?;
        Ok(Box::new(InRange(sum)))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RsAvg {
    inner: Avg,
    signature: Signature,
}

const INT_SUM: DataType = DataType::Decimal128(19, 0);
const INT_AVG: DataType = DataType::Decimal128(38, 0);

/// What the inner function is told: integers are DECIMAL to it.
struct Inner {
    fields: Vec<FieldRef>,
    ret: FieldRef,
    ints: bool,
}

impl Inner {
    fn of(fields: &[FieldRef], ret: &FieldRef) -> Inner {
        if ret.data_type() != &DataType::Int64 {
            return Inner {
                fields: fields.to_vec(),
                ret: ret.clone(),
                ints: false,
            };
        }
        let field = |t: DataType| Arc::new(Field::new("avg", t, true));
        Inner {
            fields: vec![field(INT_SUM)],
            ret: field(INT_AVG),
            ints: true,
        }
    }

    fn args<'a>(&'a self, args: &AccumulatorArgs<'a>) -> AccumulatorArgs<'a> {
        AccumulatorArgs {
            return_field: self.ret.clone(),
            schema: args.schema,
            ignore_nulls: args.ignore_nulls,
            order_bys: args.order_bys,
            is_reversed: args.is_reversed,
            name: args.name,
            is_distinct: args.is_distinct,
            exprs: args.exprs,
            expr_fields: &self.fields,
        }
    }
}

impl AggregateUDFImpl for RsAvg {
    fn name(&self) -> &str {
        "avg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        use DataType::*;
        Ok(vec![match one_arg("avg", types)? {
            Int16 | Int32 | Int64 | Int8 | UInt32 => Int64,
            t @ Decimal128(..) => t.clone(),
            Float32 | Float64 | Null | Utf8 | Utf8View => Float64,
            other => other.clone(),
        }])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match &types[0] {
            DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
            DataType::Decimal128(_, s) => DataType::Decimal128(38, *s),
            DataType::Float64 => DataType::Float64,
            _ => return Err(df_error(no_function("avg", types))),
        })
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let inner = Inner::of(args.expr_fields, &args.return_field);
        let acc = self.inner.accumulator(inner.args(&args))?;
        Ok(if inner.ints {
            Box::new(IntAvg(acc))
        } else {
            acc
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let inner = Inner::of(args.input_fields, &args.return_field);
        self.inner.state_fields(StateFieldsArgs {
            name: args.name,
            input_fields: &inner.fields,
            return_field: inner.ret.clone(),
            ordering_fields: args.ordering_fields,
            is_distinct: args.is_distinct,
        })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        let inner = Inner::of(args.expr_fields, &args.return_field);
        self.inner.groups_accumulator_supported(inner.args(&args))
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let inner = Inner::of(args.expr_fields, &args.return_field);
        let acc = self.inner.create_groups_accumulator(inner.args(&args))?;
        Ok(if inner.ints {
            Box::new(IntAvgGroups(acc))
        } else {
            acc
        })
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let inner = Inner::of(args.expr_fields, &args.return_field);
        let acc = self.inner.create_sliding_accumulator(inner.args(&args))?;
        Ok(if inner.ints {
            Box::new(IntAvg(acc))
        } else {
            acc
        })
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

fn widened(values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    values.iter().map(|v| Ok(cast(v, &INT_SUM)?)).collect()
}

/// AVG of integers over one of DECIMAL.
#[derive(Debug)]
struct IntAvg(Box<dyn Accumulator>);

impl Accumulator for IntAvg {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(&widened(values)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.evaluate()?.cast_to(&DataType::Int64)
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.retract_batch(&widened(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.0.supports_retract_batch()
    }
}

/// As [`IntAvg`], by groups.
struct IntAvgGroups(Box<dyn GroupsAccumulator>);

impl GroupsAccumulator for IntAvgGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.0
            .update_batch(&widened(values)?, groups, filter, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(cast(&self.0.evaluate(emit_to)?, &DataType::Int64)?)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.0.state(emit_to)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.0.merge_batch(values, groups, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.0.convert_to_state(&widened(values)?, filter)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
