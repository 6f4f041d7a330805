//! Functions over the system catalogs (`pg_get_userbyid`, `format_type`, ...).

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    Vec::new()
}
