//! Optimizer rules of our own, and the estimates they rest on.

pub(crate) mod cardinality;
mod fence;
mod grand_total;
mod guards;
mod into_scan;
pub(crate) mod join_order;
mod semi_join;
mod sides;

use std::sync::Arc;

use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;

/// The rules in order: DataFusion's, with ours where they belong. Made anew for each statement.
pub(crate) fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules: Vec<_> = Optimizer::new()
        .rules
        .into_iter()
        .map(guards::guarded)
        .collect();
    // After conditions have come down to the tables, before projections divide the joins.
    let at = rules
        .iter()
        .position(|r| r.name() == "push_down_filter")
        .map_or(rules.len(), |i| i + 1);
    rules.insert(at, Arc::new(join_order::JoinOrder::default()));
    rules.push(Arc::new(sides::JoinSides));
    rules
}

/// The rules for the plan that is run, in order.
pub(crate) fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> =
        vec![Arc::new(grand_total::GrandTotals)];
    for rule in PhysicalOptimizer::new().rules {
        match rule.name() {
            // Conditions have come down already, by the rules above, and this one mistakes columns of
            // the same name for each other where a join's sides were exchanged: it brings conditions
            // from above a table's scan into it, and does nothing else.
            "FilterPushdown" => rules.push(Arc::new(into_scan::IntoScan(rule))),
            "FilterPushdown(Post)" => rules.push(Arc::new(fence::Fenced(rule))),
            _ => rules.push(rule),
        }
    }
    rules
}
