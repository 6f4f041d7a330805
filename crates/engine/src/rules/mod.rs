//! Optimizer rules of our own, and the estimates they rest on.

pub(crate) mod cardinality;
pub(crate) mod join_order;

use std::sync::Arc;

use datafusion::optimizer::{Optimizer, OptimizerRule};

/// The rules in order: DataFusion's, with ours where they belong. Made anew for each statement.
pub(crate) fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    // After conditions have come down to the tables, before projections divide the joins.
    let at = rules
        .iter()
        .position(|r| r.name() == "push_down_filter")
        .map_or(rules.len(), |i| i + 1);
    rules.insert(at, Arc::new(join_order::JoinOrder::default()));
    rules
}
