//! Which side of a join is built: the one of fewer rows, by the catalog's statistics. The physical
//! plan keeps what is decided here, as it knows less: it has no estimate of most conditions.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::cardinality::estimate;

/// Estimating goes to the leaves for each join: in queries of more joins than this they stay as
/// they are.
const MOST_JOINS: usize = 40;

/// The rule.
#[derive(Debug, Default)]
pub(crate) struct JoinSides;

impl OptimizerRule for JoinSides {
    fn name(&self) -> &str {
        "join_sides"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        None
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let mut joins = 0;
        plan.apply(|node| {
            joins += usize::from(matches!(node, LogicalPlan::Join(_)));
            Ok(TreeNodeRecursion::Continue)
        })?;
        if joins == 0 || joins > MOST_JOINS {
            return Ok(Transformed::no(plan));
        }
        plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Join(join) => turn(join),
            other => Ok(Transformed::no(other)),
        })
    }
}

/// The join with its smaller side on the left, which is the one that is built.
fn turn(join: Join) -> Result<Transformed<LogicalPlan>> {
    use JoinType::*;
    let both = matches!(join.join_type, Inner | Left | Right | Full);
    let one = matches!(join.join_type, LeftSemi | RightSemi | LeftAnti | RightAnti);
    if !(both || one)
        || join.null_aware
        || estimate(&join.left).rows <= estimate(&join.right).rows
        || (both && !distinct(&join))
    {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    }
    let columns = join.schema.columns();
    let turned = LogicalPlan::Join(Join::try_new(
        join.right,
        join.left,
        join.on.into_iter().map(|(l, r)| (r, l)).collect(),
        join.filter,
        join.join_type.swap(),
        join.join_constraint,
        join.null_equality,
        false,
    )?);
    if one {
        return Ok(Transformed::yes(turned));
    }
    let columns = columns.into_iter().map(Expr::Column).collect();
    Projection::try_new(columns, Arc::new(turned))
        .map(LogicalPlan::Projection)
        .map(Transformed::yes)
}

/// True if the columns of both sides can be told apart by their names.
fn distinct(join: &Join) -> bool {
    let left = join.left.schema();
    !join
        .right
        .schema()
        .columns()
        .iter()
        .any(|c| left.has_column(c))
}
