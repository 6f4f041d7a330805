//! Functions that are not there: one that Redshift has is "not supported yet" (0A000), any other
//! does not exist (42883), with the types it was called with.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use lw_base::SqlError;

use crate::error::df_error;
use crate::func::no_function;

/// Names of Redshift's functions (Developer Guide, "SQL functions reference").
const REDSHIFT: &str = include_str!("redshift_functions.txt");

/// True if Redshift has a function of this name.
pub fn is_redshift(name: &str) -> bool {
    REDSHIFT.lines().any(|l| l == name)
}

/// The names of Redshift's functions.
pub fn redshift_names() -> impl Iterator<Item = &'static str> {
    REDSHIFT.lines().filter(|l| !l.is_empty())
}

/// A function that raises the right error when it is planned.
pub fn missing(name: &str) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Missing {
        name: name.to_string(),
        signature: Signature::user_defined(Volatility::Volatile),
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Missing {
    name: String,
    signature: Signature,
}

impl Missing {
    fn error(&self, types: &[DataType]) -> DataFusionError {
        df_error(match is_redshift(&self.name) {
            true => SqlError::unsupported(format!("function {}", self.name.to_uppercase())),
            false => no_function(&self.name, types),
        })
    }
}

impl ScalarUDFImpl for Missing {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> DfResult<DataType> {
        Err(self.error(types))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DfResult<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|f| f.data_type().clone())
            .collect();
        Err(self.error(&types))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        Err(self.error(&[]))
    }
}
