//! Segments in, the same rows in new segments out.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray};
use arrow::datatypes::DataType;
use datafusion::common::{Column, Result as DfResult, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, lit,
};
use datafusion::physical_plan::execute_stream;
use lw_base::Result;
use lw_catalog::{Change, Relation, Segment, TableData};
use lw_functions::{df_error, sql_error};
use lw_storage::order::{RowOrder, ZCurve};
use lw_storage::{WriteOptions, Written};

use crate::dml::{IdsOf, next};
use crate::scan::SegmentTable;
use crate::{Effect, Engine, StatementContext, state};

/// Rows a Z-order curve is fitted to.
const SAMPLE_ROWS: usize = 65_536;

/// How rows are to be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By the sort key, over all the segments.
    Global,
    /// By the sort key within each new segment only.
    PerSegment,
}

/// Replaces segments by new ones with the same live rows.
pub(super) async fn rewrite(
    engine: &Engine,
    relation: Arc<Relation>,
    old: Vec<Arc<Segment>>,
    order: Order,
    ctx: &StatementContext,
) -> Result<Effect> {
    let written = copy_rows(
        engine,
        &relation,
        &old,
        order,
        WriteOptions::files_only(),
        ctx,
    )
    .await?;
    Ok(replaced(&relation, &old, written))
}

/// The changes that put new segments in the place of old ones.
pub(super) fn replaced(relation: &Relation, old: &[Arc<Segment>], written: Written) -> Effect {
    let table = relation.oid;
    let mut changes = Vec::new();
    if !old.is_empty() {
        changes.push(Change::RemoveSegments {
            table,
            segments: old.iter().map(|s| s.id).collect(),
        });
    }
    if !written.segments.is_empty() {
        changes.push(Change::AddSegments {
            table,
            segments: written.segments,
        });
    }
    Effect {
        rows: written.rows,
        changes,
        notices: vec![],
    }
}

/// Writes the live rows of segments into new ones.
pub(super) async fn copy_rows(
    engine: &Engine,
    relation: &Arc<Relation>,
    segments: &[Arc<Segment>],
    order: Order,
    options: WriteOptions,
    ctx: &StatementContext,
) -> Result<Written> {
    let mut writer = engine
        .segments
        .writer(relation, Arc::new(IdsOf(ctx.ids.clone())), options)?;
    let mut rows = read(engine, relation, segments, order, ctx).await?;
    let columns = relation.columns.len();
    while let Some(batch) = next(&mut rows, ctx).await? {
        // A curve's places may follow the table's columns.
        writer.write(batch.columns()[..columns].to_vec()).await?;
    }
    writer.finish().await
}

/// The live rows of segments.
pub(super) async fn read(
    engine: &Engine,
    relation: &Arc<Relation>,
    segments: &[Arc<Segment>],
    order: Order,
    ctx: &StatementContext,
) -> Result<SendableRecordBatchStream> {
    let data = TableData {
        segments: segments.iter().map(|s| (s.id, s.clone())).collect(),
        ..Default::default()
    };
    let table = Arc::new(SegmentTable::new(
        relation.clone(),
        false,
        Arc::new(data),
        engine.segments.clone(),
    ));
    let name = TableReference::bare("t");
    let scan = || LogicalPlanBuilder::scan(name.clone(), provider_as_source(table.clone()), None);
    let column =
        |i: usize| Expr::Column(Column::new(Some(name.clone()), &relation.columns[i].name));
    let mut plan = scan().map_err(sql_error)?;
    if order == Order::Global {
        let sort = relation.table().map(|t| &t.sort);
        let keys = match sort.map(|s| RowOrder::of(s, &relation.columns)) {
            Some(RowOrder::Compound(keys)) => keys.into_iter().map(column).collect(),
            Some(RowOrder::Interleaved(keys)) => {
                let keys: Vec<Expr> = keys.into_iter().map(column).collect();
                let sample = scan()
                    .and_then(|p| p.project(keys.clone()))
                    .map_err(sql_error)?;
                let curve = curve(engine, sample, segments, ctx).await?;
                vec![ScalarUDF::from(Place::new(curve, keys.len())).call(keys)]
            }
            _ => vec![],
        };
        if !keys.is_empty() {
            plan = plan
                .sort(keys.into_iter().map(|k| k.sort(true, false)))
                .map_err(sql_error)?;
        }
    }
    let plan = plan.build().map_err(sql_error)?;
    let state = state::session_state(engine, &ctx.session);
    let physical = state.create_physical_plan(&plan).await.map_err(sql_error)?;
    execute_stream(physical, state.task_ctx()).map_err(sql_error)
}

/// A curve fitted to a sample of the rows.
async fn curve(
    engine: &Engine,
    mut keys: LogicalPlanBuilder,
    segments: &[Arc<Segment>],
    ctx: &StatementContext,
) -> Result<ZCurve> {
    let rows: u64 = segments.iter().map(|s| s.live_rows()).sum();
    let share = SAMPLE_ROWS as f64 / rows.max(1) as f64;
    if share < 1.0 {
        keys = keys
            .filter(datafusion::functions::math::expr_fn::random().lt(lit(share)))
            .map_err(sql_error)?;
    }
    let plan = keys.build().map_err(sql_error)?;
    let state = state::session_state(engine, &ctx.session);
    let physical = state.create_physical_plan(&plan).await.map_err(sql_error)?;
    let mut stream = execute_stream(physical, state.task_ctx()).map_err(sql_error)?;
    let mut batches = Vec::new();
    while let Some(batch) = next(&mut stream, ctx).await? {
        batches.push(batch);
    }
    let sample = arrow::compute::concat_batches(&stream.schema(), &batches)
        .map_err(|e| sql_error(e.into()))?;
    ZCurve::new(sample.columns())
}

/// The place of a row on a Z-order curve, as 16 bytes that sort like it.
#[derive(Debug)]
struct Place {
    curve: ZCurve,
    signature: Signature,
}

impl Place {
    fn new(curve: ZCurve, keys: usize) -> Self {
        Place {
            curve,
            signature: Signature::any(keys, Volatility::Immutable),
        }
    }
}

// Each is made for one plan: it is only ever the same as itself.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Place {}

impl std::hash::Hash for Place {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self).hash(state);
    }
}

impl ScalarUDFImpl for Place {
    fn name(&self) -> &str {
        "z_order_place"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::FixedSizeBinary(16))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let keys = args
            .args
            .into_iter()
            .map(|a| a.into_array(args.number_rows))
            .collect::<DfResult<Vec<ArrayRef>>>()?;
        let places = self.curve.places(&keys).map_err(df_error)?;
        let bytes = FixedSizeBinaryArray::try_from_iter(places.iter().map(|p| p.to_be_bytes()))?;
        Ok(ColumnarValue::Array(Arc::new(bytes)))
    }
}
