//! Fences for filters that come down a plan while it runs (dynamic filters of joins and of TopK).
//!
//! DataFusion finds a filter's columns in the child by their names. In a plan that is run, names have
//! lost their table: where a child has a name twice, a filter could reach the wrong column and take rows
//! away. Such filters stop at a fence, which stands only while they are handed down.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, replace_children_if_necessary,
};

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// A rule that hands filters down, with fences standing meanwhile.
#[derive(Debug)]
pub(super) struct Fenced(pub(super) Rule);

impl PhysicalOptimizerRule for Fenced {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let fenced = plan.transform_up(|node| {
            if !node.children().into_iter().any(ambiguous) {
                return Ok(Transformed::no(node));
            }
            let children = node
                .children()
                .into_iter()
                .map(|child| match ambiguous(child) {
                    true => Arc::new(FenceExec(child.clone())) as Arc<dyn ExecutionPlan>,
                    false => child.clone(),
                });
            let children = children.collect();
            replace_children_if_necessary(node, children).map(Transformed::yes)
        })?;
        let done = self.0.optimize(fenced.data, config)?;
        if !fenced.transformed {
            return Ok(done);
        }
        done.transform_up(|node| {
            Ok(match node.downcast_ref::<FenceExec>() {
                Some(fence) => Transformed::yes(fence.0.clone()),
                None => Transformed::no(node),
            })
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

/// True if two columns have the same name.
fn ambiguous(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = plan.schema();
    let mut seen = HashSet::new();
    !schema
        .fields()
        .iter()
        .all(|f| seen.insert(f.name().as_str()))
}

/// Passes rows up, and no filter down.
#[derive(Debug)]
struct FenceExec(Arc<dyn ExecutionPlan>);

impl DisplayAs for FenceExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "FenceExec")
    }
}

impl ExecutionPlan for FenceExec {
    fn name(&self) -> &str {
        "FenceExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self(children.swap_remove(0))))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.0.execute(partition, context)
    }
}
