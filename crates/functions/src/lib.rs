//! SQL functions: the one list ([`all`]) of what a query may call, each with Redshift's types, rules
//! and errors. Planning resolves names in it, the engine registers it.
//!
//! What it must never know: statements, plans, tables, files.
//!
//! Where to start: [`all`], then the file of a function's family.

pub mod catalog;
pub mod error;
pub mod session;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

pub use error::{df_error, sql_error};
pub use session::SessionExtension;

/// Every function, by its names (aliases included).
#[derive(Debug, Default)]
pub struct Functions {
    /// One value per row.
    pub scalar: BTreeMap<String, Arc<ScalarUDF>>,
    /// One value per group.
    pub aggregate: BTreeMap<String, Arc<AggregateUDF>>,
    /// One value per row of a window (aggregates may be used so, too).
    pub window: BTreeMap<String, Arc<WindowUDF>>,
}

static ALL: LazyLock<Functions> = LazyLock::new(build);

/// The one list of functions.
pub fn all() -> &'static Functions {
    &ALL
}

fn build() -> Functions {
    let mut functions = Functions::default();
    for f in datafusion::functions::all_default_functions() {
        functions.put_scalar(f);
    }
    for f in datafusion::functions_aggregate::all_default_aggregate_functions() {
        for name in std::iter::once(f.name().to_string()).chain(f.aliases().to_vec()) {
            functions.aggregate.insert(name, f.clone());
        }
    }
    for f in datafusion::functions_window::all_default_window_functions() {
        for name in std::iter::once(f.name().to_string()).chain(f.aliases().to_vec()) {
            functions.window.insert(name, f.clone());
        }
    }
    for f in catalog::all() {
        functions.put_scalar(f);
    }
    functions
}

impl Functions {
    fn put_scalar(&mut self, f: Arc<ScalarUDF>) {
        for name in std::iter::once(f.name().to_string()).chain(f.aliases().to_vec()) {
            self.scalar.insert(name, f.clone());
        }
    }
}
