//! Keys of GROUPING SETS, ROLLUP and CUBE that are computed are computed below the aggregate: the rules that
//! follow keep an expression's name by giving it an alias, which a set of keys cannot have.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Aggregate, Expr, GroupingSet, LogicalPlan, Projection};
use datafusion::optimizer::AnalyzerRule;

/// The rule.
#[derive(Debug)]
pub(super) struct ComputedKeys;

impl AnalyzerRule for ComputedKeys {
    fn name(&self) -> &str {
        "computed_keys"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> DfResult<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Aggregate(aggregate) => below(aggregate),
            other => Ok(Transformed::no(other)),
        })
        .map(|t| t.data)
    }
}

fn below(aggregate: Aggregate) -> DfResult<Transformed<LogicalPlan>> {
    let [Expr::GroupingSet(set)] = &aggregate.group_expr[..] else {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    };
    let computed: Vec<Expr> = set
        .distinct_expr()
        .into_iter()
        .filter(|e| !matches!(e, Expr::Column(_)))
        .cloned()
        .collect();
    if computed.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let column = |e: Expr| match computed.contains(&e) {
        true => Expr::Column(Column::from_name(e.schema_name().to_string())),
        false => e,
    };
    let columns = |keys: &[Expr]| keys.iter().cloned().map(column).collect::<Vec<_>>();
    let set = match set {
        GroupingSet::Rollup(keys) => GroupingSet::Rollup(columns(keys)),
        GroupingSet::Cube(keys) => GroupingSet::Cube(columns(keys)),
        GroupingSet::GroupingSets(sets) => {
            GroupingSet::GroupingSets(sets.iter().map(|keys| columns(keys)).collect())
        }
    };
    // GROUPING (key) names the key as it is written.
    let functions = aggregate.aggr_expr.iter().cloned().map(|function| {
        let name = function.schema_name().to_string();
        let done = function.transform_up(|e| match e {
            Expr::AggregateFunction(mut call) if call.func.name() == "grouping" => {
                call.params.args = columns(&call.params.args);
                Ok(Transformed::yes(Expr::AggregateFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(match done.transformed {
            true => done.data.alias(name),
            false => done.data,
        })
    });
    let functions = functions.collect::<DfResult<Vec<_>>>()?;
    let own = aggregate
        .input
        .schema()
        .columns()
        .into_iter()
        .map(Expr::Column);
    let named = computed
        .iter()
        .map(|e| e.clone().alias(e.schema_name().to_string()));
    let input = Projection::try_new(own.chain(named).collect(), aggregate.input)?;
    let input = Arc::new(LogicalPlan::Projection(input));
    let aggregate = Aggregate::try_new(input, vec![Expr::GroupingSet(set)], functions)?;
    Ok(Transformed::yes(LogicalPlan::Aggregate(aggregate)))
}
