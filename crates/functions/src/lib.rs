//! SQL functions: the one list ([`all`]) of what a query may call, each with Redshift's types, rules
//! and errors. Planning resolves names in it, the engine registers it.
//!
//! What it must never know: statements, plans, tables, files.
//!
//! Where to start: [`all`], then the file of a function's family.

pub mod agg;
pub mod arith;
pub mod cast;
pub mod catalog;
pub mod conditional;
pub mod date;
pub mod date_arith;
pub mod dateparts;
pub mod datetime_text;
pub mod error;
pub mod format;
pub mod func;
pub mod hash;
pub mod long_names;
pub mod math;
pub mod missing;
pub mod number_format;
pub mod ordered_agg;
pub mod plain;
mod ranking;
pub mod regex;
pub mod rows;
pub mod session;
pub mod session_info;
pub mod string;
mod sum_range;
pub mod unify;

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
    /// Names that were given twice: none, as a test makes sure.
    duplicates: Vec<String>,
}

static ALL: LazyLock<Functions> = LazyLock::new(build);

/// The one list of functions.
pub fn all() -> &'static Functions {
    &ALL
}

/// DataFusion's own aggregates that do as Redshift's, by their names.
const AGGREGATES: &[&str] = &[
    "any_value",
    "approx_distinct",
    "bit_and",
    "bit_or",
    "bool_and",
    "bool_or",
    "count",
    "grouping",
    "max",
    "min",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
];

fn build() -> Functions {
    let mut functions = Functions::default();
    for family in [
        cast::all(),
        arith::all(),
        conditional::all(),
        string::all(),
        regex::all(),
        hash::all(),
        math::all(),
        date::all(),
        date_arith::all(),
        format::all(),
        session_info::all(),
        plain::all(),
        catalog::all(),
    ] {
        family.into_iter().for_each(|f| functions.put_scalar(f));
    }
    for f in datafusion::functions_aggregate::all_default_aggregate_functions() {
        if AGGREGATES.contains(&f.name()) {
            functions.put_aggregate(f);
        }
    }
    if let Some(var) = functions.aggregate.get("var").cloned() {
        functions.aggregate.insert("variance".into(), var);
    }
    agg::all()
        .into_iter()
        .chain(ordered_agg::all())
        .chain(catalog::aggregates())
        .for_each(|f| functions.put_aggregate(f));
    for f in datafusion::functions_window::all_default_window_functions() {
        for name in names(f.name(), f.aliases()) {
            functions.window.insert(name, ranking::signed(f.clone()));
        }
    }
    functions
}

fn names(name: &str, aliases: &[String]) -> Vec<String> {
    std::iter::once(name.to_string())
        .chain(aliases.iter().cloned())
        .collect()
}

impl Functions {
    /// The scalar function of this name; what is not there raises its error when planned.
    pub fn scalar_or_missing(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        if let Some(found) = self.scalar.get(name) {
            return Some(found.clone());
        }
        let other = self.aggregate.contains_key(name) || self.window.contains_key(name);
        (!other && name != "unnest").then(|| missing::missing(name))
    }

    fn put_scalar(&mut self, f: Arc<ScalarUDF>) {
        for name in names(f.name(), f.aliases()) {
            if self.scalar.insert(name.clone(), f.clone()).is_some() {
                self.duplicates.push(name);
            }
        }
    }

    fn put_aggregate(&mut self, f: Arc<AggregateUDF>) {
        for name in names(f.name(), f.aliases()) {
            if self.aggregate.insert(name.clone(), f.clone()).is_some() {
                self.duplicates.push(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        assert_eq!(all().duplicates, Vec::<String>::new());
    }
}
