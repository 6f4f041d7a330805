//! The values rows have in columns that were added after them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::RecordBatchOptions;
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::{DFSchema, Result as DfResult, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::cast;
use datafusion::prelude::SessionContext;
use lw_catalog::{Column, Relation, Segment};
use parking_lot::Mutex;

/// Constants of columns some segments lack, by column id.
#[derive(Debug, Clone, Default)]
pub(crate) struct AddedDefaults(HashMap<u32, ScalarValue>);

impl AddedDefaults {
    /// Those that reading `segments` needs.
    pub(crate) fn of(relation: &Relation, segments: &[Arc<Segment>]) -> DfResult<Self> {
        let mut constants = HashMap::new();
        for column in &relation.columns {
            let Some(text) = &column.added_default else {
                continue;
            };
            if segments.iter().any(|s| !s.columns.contains_key(&column.id)) {
                constants.insert(column.id, evaluate(text, &column.sql_type.arrow())?);
            }
        }
        Ok(AddedDefaults(constants))
    }

    /// The value of a column where it is missing: NULL unless it was added with a default.
    pub(crate) fn get(&self, column: &Column) -> ScalarValue {
        self.0
            .get(&column.id)
            .cloned()
            .or_else(|| ScalarValue::try_from(&column.sql_type.arrow()).ok())
            .unwrap_or(ScalarValue::Null)
    }
}

/// The value of a constant expression's text as `data_type`.
fn evaluate(text: &str, data_type: &DataType) -> DfResult<ScalarValue> {
    static PARSER: LazyLock<SessionContext> = LazyLock::new(SessionContext::new);
    static KNOWN: LazyLock<Mutex<HashMap<(String, DataType), ScalarValue>>> =
        LazyLock::new(Mutex::default);
    let key = (text.to_string(), data_type.clone());
    if let Some(value) = KNOWN.lock().get(&key) {
        return Ok(value.clone());
    }
    let empty = DFSchema::empty();
    let expr = cast(PARSER.parse_sql_expr(text, &empty)?, data_type.clone());
    let physical = PARSER.create_physical_expr(expr, &empty)?;
    let row = RecordBatch::try_new_with_options(
        Arc::new(Schema::empty()),
        vec![],
        &RecordBatchOptions::new().with_row_count(Some(1)),
    )?;
    let value = physical.evaluate(&row)?.into_array(1)?;
    let value = ScalarValue::try_from_array(&value, 0)?;
    if value.data_type() != *data_type {
        return Err(exec_datafusion_err!("default {text} is no {data_type}"));
    }
    KNOWN.lock().insert(key, value.clone());
    Ok(value)
}
