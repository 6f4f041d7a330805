//! `GROUP BY ROLLUP (a)` of no rows is one row, the grand total. DataFusion's aggregate gives none; this
//! operator stands above it and adds the row where nothing came.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Aggregate;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::{Distribution, EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use datafusion::scalar::ScalarValue;
use futures::{StreamExt, TryStreamExt};

/// Puts [`GrandTotalExec`] above the aggregates that need it.
#[derive(Debug)]
pub(super) struct GrandTotals;

impl PhysicalOptimizerRule for GrandTotals {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let wanted = node.downcast_ref::<AggregateExec>().is_some_and(needs_row);
            Ok(match wanted {
                true => Transformed::yes(Arc::new(GrandTotalExec::new(node)) as _),
                false => Transformed::no(node),
            })
        })
        .map(|t| t.data)
    }

    fn name(&self) -> &str {
        "grand_totals"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// True for the last step of an aggregate one of whose grouping sets is empty.
fn needs_row(aggregate: &AggregateExec) -> bool {
    let last = !matches!(
        aggregate.mode(),
        AggregateMode::Partial | AggregateMode::PartialReduce
    );
    let groups = aggregate.group_expr();
    last && !groups.expr().is_empty()
        && groups
            .groups()
            .iter()
            .any(|set| set.iter().all(|null| *null))
}

#[derive(Debug)]
struct GrandTotalExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl GrandTotalExec {
    /// `input` is an aggregate, or what the optimizer put above it.
    fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self {
            input,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for GrandTotalExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "GrandTotalExec")
    }
}

impl ExecutionPlan for GrandTotalExec {
    fn name(&self) -> &str {
        "GrandTotalExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
        Ok(Arc::new(Self::new(children.swap_remove(0))))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let aggregate = below(&self.input)
            .ok_or_else(|| DataFusionError::Internal("a grand total of no aggregate".into()))?;
        let row = {
            let schema = self.schema();
            let groups = aggregate.group_expr().expr().len();
            let sets = aggregate.group_expr().has_grouping_set();
            let functions = aggregate.aggr_expr().to_vec();
            move || row_of_nothing(schema, groups, sets, &functions)
        };
        let input = self.input.execute(partition, context)?;
        let schema = self.schema();
        let batches = futures::stream::try_unfold(
            (input, 0_usize, Some(row)),
            |(mut input, rows, row)| async move {
                if let Some(batch) = input.next().await.transpose()? {
                    let rows = rows + batch.num_rows();
                    return Ok(Some((Some(batch), (input, rows, row))));
                }
                match row {
                    Some(row) if rows == 0 => Ok(Some((Some(row()?), (input, 1, None)))),
                    _ => Ok(None),
                }
            },
        )
        .try_filter_map(|batch| async move { Ok(batch) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

/// The aggregate below, past what gathers its partitions.
fn below(plan: &Arc<dyn ExecutionPlan>) -> Option<&AggregateExec> {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        return Some(aggregate);
    }
    match plan.children()[..] {
        [child] => below(child),
        _ => None,
    }
}

/// NULL for every key, and of each aggregate what it gives for no rows.
fn row_of_nothing(
    schema: arrow::datatypes::SchemaRef,
    groups: usize,
    sets: bool,
    functions: &[Arc<AggregateFunctionExpr>],
) -> Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in &schema.fields()[..groups] {
        columns.push(new_null_array(field.data_type(), 1));
    }
    if sets {
        // Each key is missing: each has its bit set (DataFusion, `Aggregate::INTERNAL_GROUPING_ID`).
        let mask = if groups >= 64 {
            u64::MAX
        } else {
            (1 << groups) - 1
        };
        let kind = schema
            .field_with_name(Aggregate::INTERNAL_GROUPING_ID)?
            .data_type();
        columns.push(ScalarValue::UInt64(Some(mask)).cast_to(kind)?.to_array()?);
    }
    for function in functions {
        let field = schema.field(columns.len());
        let value = function.create_accumulator()?.evaluate()?;
        columns.push(value.cast_to(field.data_type())?.to_array()?);
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}
