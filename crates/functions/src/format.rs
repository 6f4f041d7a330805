//! TO_CHAR, TO_DATE, TO_TIMESTAMP, TO_NUMBER.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    Vec::new()
}
