//! Conditions right above a table's scan go into it, where they are asked before all columns are
//! decoded.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::union::UnionExec;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// A rule that hands conditions down, kept to the scans of single tables.
#[derive(Debug)]
pub(super) struct IntoScan(pub(super) Rule);

impl PhysicalOptimizerRule for IntoScan {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let above_scan = node
                .downcast_ref::<FilterExec>()
                .is_some_and(|filter| is_scan(filter.input()));
            if !above_scan {
                return Ok(Transformed::no(node));
            }
            self.0.optimize(node, config).map(Transformed::yes)
        })
        .map(|t| t.data)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// True for the scan of one table: its files, its inline rows, or both.
fn is_scan(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let both = plan.downcast_ref::<UnionExec>().is_some();
    plan.downcast_ref::<DataSourceExec>().is_some()
        || (both && plan.children().into_iter().all(is_scan))
}
