//! Guards before rules of DataFusion's that go too far: what a guard recognises is done by it, or left
//! as it is; all else is the rule's.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Union};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

type Rule = Arc<dyn OptimizerRule + Send + Sync>;
type Guard = fn(&LogicalPlan) -> Result<Option<Transformed<LogicalPlan>>>;

/// The rule with its guard, if there is one for it.
pub(crate) fn guarded(rule: Rule) -> Rule {
    let guard: Guard = match rule.name() {
        "push_down_filter" => above_grand_total,
        "propagate_empty_relation" => empty_inputs,
        _ => return rule,
    };
    Arc::new(Guarded { rule, guard })
}

#[derive(Debug)]
struct Guarded {
    rule: Rule,
    guard: Guard,
}

impl OptimizerRule for Guarded {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.rule.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        match (self.guard)(&plan)? {
            Some(done) => Ok(done),
            None => self.rule.rewrite(plan, config),
        }
    }
}

/// A condition stays above an aggregate that gives a row where it gets none: below it, it would take
/// rows away that this row does not need. DataFusion lets conditions without columns through.
fn above_grand_total(plan: &LogicalPlan) -> Result<Option<Transformed<LogicalPlan>>> {
    let LogicalPlan::Filter(filter) = plan else {
        return Ok(None);
    };
    let LogicalPlan::Aggregate(aggregate) = filter.input.as_ref() else {
        return Ok(None);
    };
    let total = aggregate.group_expr.is_empty()
        || matches!(aggregate.group_expr[..], [Expr::GroupingSet(_)]);
    Ok(total.then(|| Transformed::no(plan.clone())))
}

/// Of what is left when inputs without rows are taken away: a union keeps its own names, also where one
/// input is left; grouping sets are left alone, as they may give a row where they get none.
fn empty_inputs(plan: &LogicalPlan) -> Result<Option<Transformed<LogicalPlan>>> {
    let union = match plan {
        LogicalPlan::Aggregate(aggregate)
            if matches!(aggregate.group_expr[..], [Expr::GroupingSet(_)]) =>
        {
            return Ok(Some(Transformed::no(plan.clone())));
        }
        LogicalPlan::Union(union) => union,
        _ => return Ok(None),
    };
    let empty = |input: &&Arc<LogicalPlan>| !matches!(input.as_ref(), LogicalPlan::EmptyRelation(e) if !e.produce_one_row);
    let left: Vec<Arc<LogicalPlan>> = union.inputs.iter().filter(empty).cloned().collect();
    if left.is_empty() || left.len() == union.inputs.len() {
        return Ok(None);
    }
    let [input] = &left[..] else {
        return Ok(Some(Transformed::yes(LogicalPlan::Union(Union {
            inputs: left,
            schema: union.schema.clone(),
        }))));
    };
    let columns = input.schema().iter().zip(union.schema.iter());
    let renamed = columns.map(|(own, (relation, field))| {
        Expr::Column(Column::from(own)).alias_qualified(relation.cloned(), field.name())
    });
    let projection = Projection::try_new(renamed.collect(), input.clone())?;
    Ok(Some(Transformed::yes(LogicalPlan::Projection(projection))))
}
