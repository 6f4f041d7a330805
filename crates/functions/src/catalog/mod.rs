//! Functions over the catalog: names, definitions and comments of objects, privileges, sizes, and
//! the array functions with which clients read the system tables.

mod define;
mod misc;
mod names;
mod objects;
mod privileges;
mod quote;
mod single;
mod types;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub use names::{SystemNames, set_system_names};
pub use quote::quote_ident;
pub use types::format_type;

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    [
        misc::DEFS,
        objects::DEFS,
        objects::PATH_DEFS,
        privileges::DEFS,
        types::DEFS,
    ]
    .into_iter()
    .flatten()
    .map(define::udf)
    .chain([
        datafusion::functions_nested::extract::array_element_udf(),
        Arc::new(
            datafusion::functions_nested::range::gen_series_udf()
                .as_ref()
                .clone()
                .with_aliases(["__generate_series"]),
        ),
    ])
    .collect()
}

/// The aggregates behind forms of subqueries.
pub fn aggregates() -> Vec<Arc<AggregateUDF>> {
    single::all()
}
