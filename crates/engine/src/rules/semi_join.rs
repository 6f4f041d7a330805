//! Semi joins (IN, EXISTS) over inner joins go down to the table they restrict, where that has no
//! more rows than the join: what they drop need not be joined.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{Join, LogicalPlan};

use super::cardinality::estimate;
use super::join_order::is_inner;

/// The plan with its semi joins where they cost least.
pub(super) fn push_down(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_down(|node| match node {
        LogicalPlan::Join(join) if join.join_type == JoinType::LeftSemi && is_inner(&join.left) => {
            let most = estimate(&join.left).rows;
            match place(&join.left, &join, most)? {
                Some(plan) => Ok(Transformed::yes(plan)),
                None => Ok(Transformed::no(LogicalPlan::Join(join))),
            }
        }
        other => Ok(Transformed::no(other)),
    })
    .map(|t| t.data)
}

/// `plan` with the semi join over the one input of its inner joins that has all columns it asks
/// for; `None` if there is none, or it has more than `most` rows.
fn place(plan: &LogicalPlan, semi: &Join, most: f64) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Join(join) = plan else {
        return Ok(None);
    };
    for (left, side) in [(true, &join.left), (false, &join.right)] {
        if !has_columns(side, semi) {
            continue;
        }
        let new = if is_inner(side) {
            match place(side, semi, most)? {
                Some(plan) => plan,
                None => return Ok(None),
            }
        } else {
            if estimate(side).rows > most {
                return Ok(None);
            }
            let mut semi = semi.clone();
            semi.left = side.clone();
            semi.schema = side.schema().clone();
            LogicalPlan::Join(semi)
        };
        let mut join = join.clone();
        match left {
            true => join.left = Arc::new(new),
            false => join.right = Arc::new(new),
        }
        return Ok(Some(LogicalPlan::Join(join)));
    }
    Ok(None)
}

/// True if the plan has every column the semi join asks of its left side.
fn has_columns(plan: &LogicalPlan, semi: &Join) -> bool {
    let schema = plan.schema();
    let right = semi.right.schema();
    let keys = semi.on.iter().flat_map(|(l, _)| l.column_refs());
    let filter = semi.filter.iter().flat_map(|f| f.column_refs());
    let (keys, filter): (Vec<_>, Vec<_>) = (keys.collect(), filter.collect());
    !keys.is_empty()
        && keys.iter().all(|c| schema.has_column(c))
        && filter
            .iter()
            .all(|c| schema.has_column(c) || right.has_column(c))
}
