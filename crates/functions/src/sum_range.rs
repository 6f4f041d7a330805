//! Sums of DECIMAL that have more than 38 digits are an error and not another number. DataFusion's
//! accumulators wrap around 128 bits, which hold 1.7 times as much: what left the range by up to as
//! much again is found by its result. (Sums that went around further are not.)

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, Decimal128Type, DecimalType};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use crate::error::{df_error, numeric_overflow};

/// True if a value has at most 38 digits.
fn fits(value: i128) -> bool {
    Decimal128Type::is_valid_decimal_precision(value, DECIMAL128_MAX_PRECISION)
}

/// A sum with its result checked.
#[derive(Debug)]
pub(crate) struct InRange(pub(crate) Box<dyn Accumulator>);

impl Accumulator for InRange {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self.0.evaluate()?;
        match sum {
            ScalarValue::Decimal128(Some(value), ..) if !fits(value) => {
                Err(df_error(numeric_overflow()))
            }
            sum => Ok(sum),
        }
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
        self.0.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.0.supports_retract_batch()
    }
}

/// As [`InRange`], by groups.
pub(crate) struct InRangeGroups(pub(crate) Box<dyn GroupsAccumulator>);

impl GroupsAccumulator for InRangeGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.0.update_batch(values, groups, filter, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.0.evaluate(emit_to)?;
        if let Some(decimals) = sums.as_primitive_opt::<Decimal128Type>() {
            let out = |i| decimals.is_valid(i) && !fits(decimals.value(i));
            if (0..decimals.len()).any(out) {
                return Err(df_error(numeric_overflow()));
            }
        }
        Ok(sums)
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
        self.0.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
