//! How a catalog function is defined: a row of a table, with a body over one row's values.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, ListArray, ListBuilder,
    StringViewArray, StringViewBuilder, UInt32Array, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;

use crate::error::df_error;

/// A value of an argument or a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL
    Null,
    /// BOOLEAN
    Bool(bool),
    /// Integers and OIDs
    Int(i64),
    /// Strings
    Text(String),
    /// An array, its items as text
    List(Vec<Option<String>>),
}

impl Value {
    /// The text, empty for anything else.
    pub fn text(&self) -> &str {
        match self {
            Value::Text(v) => v,
            _ => "",
        }
    }

    /// The integer; text is read as one; 0 for anything else.
    pub fn int(&self) -> i64 {
        match self {
            Value::Int(v) => *v,
            Value::Bool(v) => i64::from(*v),
            Value::Text(v) => v.trim().parse().unwrap_or(0),
            _ => 0,
        }
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Value {
        v.map_or(Value::Null, Into::into)
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Value {
        Value::Bool(v)
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Value {
        Value::Int(v)
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Value {
        Value::Text(v.to_string())
    }
}

impl From<String> for Value {
    fn from(v: String) -> Value {
        Value::Text(v)
    }
}

/// The definition of a catalog function.
#[derive(Debug)]
pub struct Def {
    /// Its name.
    pub name: &'static str,
    /// Fewest arguments.
    pub min: usize,
    /// Most arguments.
    pub max: usize,
    /// Type of the result.
    pub returns: SqlType,
    /// True if a NULL argument gives NULL without a call.
    pub strict: bool,
    /// What it does.
    pub body: fn(&SessionInfo, &[Value]) -> Result<Value>,
}

/// A strict function of `min` to `max` arguments.
pub const fn def(
    name: &'static str,
    min: usize,
    max: usize,
    returns: SqlType,
    body: fn(&SessionInfo, &[Value]) -> Result<Value>,
) -> Def {
    Def {
        name,
        min,
        max,
        returns,
        strict: true,
        body,
    }
}

impl Def {
    /// Called with NULL arguments, too.
    pub const fn nullable(mut self) -> Def {
        self.strict = false;
        self
    }
}

#[derive(Debug)]
struct CatalogFunction {
    def: &'static Def,
    signature: Signature,
}

impl PartialEq for CatalogFunction {
    fn eq(&self, other: &Self) -> bool {
        self.def.name == other.def.name
    }
}

impl Eq for CatalogFunction {}

impl Hash for CatalogFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.def.name.hash(state);
    }
}

/// The function as the engine calls it.
pub fn udf(def: &'static Def) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(CatalogFunction {
        def,
        signature: Signature::user_defined(Volatility::Stable),
    }))
}

impl ScalarUDFImpl for CatalogFunction {
    fn name(&self) -> &str {
        self.def.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(self.def.returns.arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> DfResult<FieldRef> {
        Ok(self.def.returns.field_ref(self.def.name, true))
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        if types.len() < self.def.min || types.len() > self.def.max {
            return Err(df_error(no_such_function(self.def.name, types)));
        }
        Ok(types.iter().map(canonical).collect())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let session = crate::session::session(&args.config_options)?;
        let scalar = args
            .args
            .iter()
            .all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let arrays = args
            .args
            .iter()
            .map(|a| a.to_array(rows))
            .collect::<DfResult<Vec<_>>>()?;
        let mut columns = Vec::with_capacity(arrays.len());
        for array in &arrays {
            columns.push(values(array)?);
        }
        let mut results = Vec::with_capacity(rows);
        let mut row = vec![Value::Null; columns.len()];
        for i in 0..rows {
            for (slot, column) in row.iter_mut().zip(&columns) {
                *slot = column[i].clone();
            }
            results.push(if self.def.strict && row.contains(&Value::Null) {
                Value::Null
            } else {
                (self.def.body)(session, &row).map_err(df_error)?
            });
        }
        let array = array(self.def.returns, results)?;
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)
        } else {
            ColumnarValue::Array(array)
        })
    }
}

fn no_such_function(name: &str, types: &[DataType]) -> SqlError {
    let types: Vec<String> = types
        .iter()
        .map(|t| SqlType::from_arrow(t).map_or_else(|| t.to_string(), |t| t.to_string()))
        .collect();
    SqlError::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("function {name}({}) does not exist", types.join(", ")),
    )
    .with_hint(
        "No function matches the given name and argument types. You may need to add explicit type casts.",
    )
}

/// The type an argument is converted to before the call.
fn canonical(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Boolean => DataType::Boolean,
        DataType::List(_) | DataType::LargeList(_) => {
            DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true)))
        }
        t if t.is_integer() => DataType::Int64,
        _ => DataType::Utf8View,
    }
}

fn values(array: &ArrayRef) -> DfResult<Vec<Value>> {
    let array = cast(array, &canonical(array.data_type()))?;
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().iter().map(Value::from).collect(),
        DataType::Int64 => array
            .as_primitive::<Int64Type>()
            .iter()
            .map(Value::from)
            .collect(),
        DataType::Utf8View => array.as_string_view().iter().map(Value::from).collect(),
        DataType::List(_) => {
            let list: &ListArray = array.as_list();
            let mut out = Vec::with_capacity(list.len());
            for i in 0..list.len() {
                out.push(if list.is_null(i) {
                    Value::Null
                } else {
                    let items = list.value(i);
                    let items = items.as_string_view().iter();
                    Value::List(items.map(|v| v.map(str::to_string)).collect())
                });
            }
            out
        }
        other => {
            return Err(DataFusionError::Internal(format!(
                "argument of type {other}"
            )));
        }
    })
}

fn array(returns: SqlType, values: Vec<Value>) -> DfResult<ArrayRef> {
    let ints = || {
        values.iter().map(|v| match v {
            Value::Int(v) => Some(*v),
            Value::Bool(v) => Some(i64::from(*v)),
            _ => None,
        })
    };
    let data_type = returns.arrow();
    Ok(match &data_type {
        DataType::Boolean => Arc::new(BooleanArray::from_iter(values.iter().map(|v| match v {
            Value::Bool(v) => Some(*v),
            _ => None,
        }))),
        DataType::Int64 => Arc::new(Int64Array::from_iter(ints())),
        DataType::Int32 => Arc::new(Int32Array::from_iter(
            ints().map(|v| v.and_then(|v| i32::try_from(v).ok())),
        )),
        DataType::UInt32 => Arc::new(UInt32Array::from_iter(
            ints().map(|v| v.and_then(|v| u32::try_from(v).ok())),
        )),
        DataType::Utf8View => {
            Arc::new(StringViewArray::from_iter(values.iter().map(|v| match v {
                Value::Text(v) => Some(v.as_str()),
                _ => None,
            })))
        }
        DataType::List(item) => {
            let mut out = ListBuilder::new(StringViewBuilder::new()).with_field(item.clone());
            for value in values {
                match value {
                    Value::List(items) => {
                        items
                            .into_iter()
                            .for_each(|v| out.values().append_option(v));
                        out.append(true);
                    }
                    _ => out.append(false),
                }
            }
            Arc::new(out.finish())
        }
        other => new_null_array(other, values.len()),
    })
}
