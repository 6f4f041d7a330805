//! The short way of small statements. A plan over one small table, or over no table, that only
//! filters, computes and cuts is carried out as it stands: an optimizer has nothing to choose in
//! it and takes longer than running it.
//!
//! Where to start: [`Small::of`] says which plans these are, [`Small::run`] carries one out.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatchOptions};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DFSchemaRef, ScalarValue};
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, TableScan};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::create_physical_expr;
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use lw_base::Result;
use lw_catalog::{Bound, Place, Segment};
use lw_functions::sql_error;
use lw_sql_plan::source::CatalogTable;

use crate::scan::{self, SegmentTable};
use crate::{Engine, StatementContext, state};

/// Rows a small statement may read. More of them are worth a plan: the scan can skip what a filter
/// excludes, and partitions can share the work.
const ROWS: u64 = 16_384;
/// Values a small statement may compute where it is asked for.
const TINY: usize = 2_000;

/// Rows of VALUES that are worth computing together.
const MANY: usize = 16;
/// The name their literals have as a column.
const CELL: &str = "cell";

/// A statement that goes the short way.
pub(crate) struct Small<'a> {
    source: Source<'a>,
    /// From the source to the result.
    steps: Vec<Step<'a>>,
    schema: &'a DFSchemaRef,
}

enum Source<'a> {
    /// These segments of a table.
    Table {
        table: Arc<SegmentTable>,
        segments: Vec<Arc<Segment>>,
        projection: Option<&'a Vec<usize>>,
    },
    Values(&'a [Vec<Expr>], &'a DFSchemaRef),
    /// One row without columns.
    Nothing,
}

enum Step<'a> {
    Filter(&'a Expr, &'a DFSchemaRef),
    Project(&'a [Expr], &'a DFSchemaRef, &'a DFSchemaRef),
    /// Skips some rows and takes some.
    Cut(usize, usize),
}

impl<'a> Small<'a> {
    /// The plan as a small statement, if it is one.
    pub(crate) fn of(
        engine: &Engine,
        plan: &'a LogicalPlan,
        ctx: &StatementContext,
    ) -> Option<Small<'a>> {
        let schema = plan.schema();
        let mut steps = Vec::new();
        let mut node = plan;
        let source = loop {
            match node {
                LogicalPlan::Projection(p) => {
                    if !p.expr.iter().all(plain) {
                        return None;
                    }
                    steps.push(Step::Project(&p.expr, p.input.schema(), &p.schema));
                    node = &p.input;
                }
                LogicalPlan::Filter(f) => {
                    if !plain(&f.predicate) {
                        return None;
                    }
                    steps.push(Step::Filter(&f.predicate, f.input.schema()));
                    node = &f.input;
                }
                LogicalPlan::Limit(l) => {
                    steps.push(Step::Cut(
                        count(l.skip.as_deref(), 0)?,
                        count(l.fetch.as_deref(), usize::MAX)?,
                    ));
                    node = &l.input;
                }
                LogicalPlan::SubqueryAlias(a) => node = &a.input,
                LogicalPlan::Values(v) => {
                    if !v.values.iter().flatten().all(plain) {
                        return None;
                    }
                    break Source::Values(&v.values, &v.schema);
                }
                LogicalPlan::EmptyRelation(e) if e.produce_one_row => break Source::Nothing,
                LogicalPlan::TableScan(scan) => break table(engine, scan, steps.last(), ctx)?,
                _ => return None,
            }
        };
        steps.reverse();
        Some(Small {
            source,
            steps,
            schema,
        })
    }

    /// True if it takes next to no time.
    pub(crate) fn is_tiny(&self) -> bool {
        match &self.source {
            Source::Values(rows, schema) => rows.len() * schema.fields().len() <= TINY,
            _ => true,
        }
    }

    /// Carries it out.
    pub(crate) async fn run(
        self,
        engine: &Engine,
        ctx: &StatementContext,
    ) -> Result<SendableRecordBatchStream> {
        let state = state::session_state(engine, &ctx.session);
        let batch = match &self.source {
            Source::Table {
                table,
                segments,
                projection,
            } => read(table, segments, *projection, &state).await,
            Source::Values(rows, schema) => values(rows, schema, &state),
            Source::Nothing => nothing(1),
        }
        .map_err(sql_error)?;
        let result = self
            .steps
            .iter()
            .try_fold(batch, |batch, step| step.apply(batch, &state))
            .map_err(sql_error)?;
        let announced = result.clone().with_schema(self.schema.inner().clone());
        let result = announced.unwrap_or(result);
        let schema = result.schema();
        let one = futures::stream::iter([Ok(result)]);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, one)))
    }
}

/// True if an expression's value depends on its row alone.
fn plain(expr: &Expr) -> bool {
    let mut is_plain = true;
    let walked = expr.apply(|e| {
        is_plain &= matches!(
            e,
            Expr::Alias(_)
                | Expr::Column(_)
                | Expr::Literal(..)
                | Expr::BinaryExpr(_)
                | Expr::Not(_)
                | Expr::IsNull(_)
                | Expr::IsNotNull(_)
                | Expr::IsTrue(_)
                | Expr::IsFalse(_)
                | Expr::IsNotTrue(_)
                | Expr::IsNotFalse(_)
                | Expr::Negative(_)
                | Expr::Between(_)
                | Expr::Case(_)
                | Expr::Cast(_)
                | Expr::InList(_)
                | Expr::Like(_)
                | Expr::ScalarFunction(_)
        );
        Ok(if is_plain {
            TreeNodeRecursion::Continue
        } else {
            TreeNodeRecursion::Stop
        })
    });
    walked.is_ok() && is_plain
}

/// The number of a LIMIT or OFFSET.
fn count(expr: Option<&Expr>, none: usize) -> Option<usize> {
    match expr {
        None => Some(none),
        Some(Expr::Literal(ScalarValue::Int64(Some(n)), _)) => usize::try_from(*n).ok(),
        Some(Expr::Literal(ScalarValue::Int64(None), _)) => Some(none),
        Some(_) => None,
    }
}

/// The table of a scan, if what the filter above leaves of it is small.
fn table<'a>(
    engine: &Engine,
    scan: &'a TableScan,
    above: Option<&Step<'_>>,
    ctx: &StatementContext,
) -> Option<Source<'a>> {
    if !scan.filters.is_empty() || scan.fetch.is_some() {
        return None;
    }
    let source = scan.source.as_ref() as &dyn std::any::Any;
    let source = source.downcast_ref::<CatalogTable>()?;
    let table = scan::segment_table(source, ctx, &engine.segments);
    let keys = match above {
        Some(Step::Filter(predicate, schema)) => keys(predicate, schema, &table, scan),
        _ => Vec::new(),
    };
    let mut rows = 0;
    let mut segments = Vec::new();
    for segment in table.segments() {
        if segment.live_rows() == 0 || keys.iter().any(|k| k.excludes(segment)) {
            continue;
        }
        rows += segment.rows;
        if rows > ROWS {
            return None;
        }
        segments.push(segment.clone());
    }
    Some(Source::Table {
        table,
        segments,
        projection: scan.projection.as_ref(),
    })
}

/// A condition that a column has a value.
struct Key<'a> {
    column: u32,
    value: KeyValue<'a>,
}

enum KeyValue<'a> {
    Int(i64),
    Other(&'a ScalarValue, DataType),
}

impl Key<'_> {
    /// True if no row of the segment meets it.
    fn excludes(&self, segment: &Segment) -> bool {
        let Some(known) = segment.columns.get(&self.column) else {
            return false;
        };
        match &self.value {
            KeyValue::Int(value) => {
                matches!(known.min, Some(Bound::Int(min)) if *value < min)
                    || matches!(known.max, Some(Bound::Int(max)) if *value > max)
            }
            KeyValue::Other(value, data_type) => {
                let bound = |bound: &Option<Bound>| {
                    bound.as_ref().and_then(|b| scan::bound_value(b, data_type))
                };
                bound(&known.min).is_some_and(|min| **value < min)
                    || bound(&known.max).is_some_and(|max| **value > max)
            }
        }
    }
}

/// The conditions `column = value` among those of a filter.
fn keys<'a>(
    predicate: &'a Expr,
    schema: &DFSchemaRef,
    table: &SegmentTable,
    scan: &TableScan,
) -> Vec<Key<'a>> {
    let columns = &table.relation().columns;
    let column_of = |column: &Column| {
        let at = schema.maybe_index_of_column(column)?;
        let at = match &scan.projection {
            Some(projection) => *projection.get(at)?,
            None => at,
        };
        columns.get(at)
    };
    let key = |a: &'a Expr, b: &'a Expr| -> Option<Key<'a>> {
        if let (Expr::Column(column), Some(value)) = (whole(a), integer(b)) {
            let column = column_of(column)?;
            if column.sql_type.arrow().is_integer() {
                return Some(Key {
                    column: column.id,
                    value: KeyValue::Int(value),
                });
            }
        }
        let (Expr::Column(column), Expr::Literal(value, _)) = (a, b) else {
            return None;
        };
        let column = column_of(column)?;
        let data_type = value.data_type();
        // Floats have values that are in no order.
        let ordered = !data_type.is_floating() && !value.is_null();
        (ordered && column.sql_type.arrow() == data_type).then_some(Key {
            column: column.id,
            value: KeyValue::Other(value, data_type),
        })
    };
    split_conjunction(predicate)
        .into_iter()
        .filter_map(|condition| match condition {
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: Operator::Eq,
                right,
            }) => key(left, right).or_else(|| key(right, left)),
            _ => None,
        })
        .collect()
}

/// What is under casts from one width of integers to another: they keep its value.
fn whole(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Cast(cast) if cast.field.data_type().is_integer() => &cast.expr,
            Expr::ScalarFunction(call) if call.name() == "__cast" => match call.args.as_slice() {
                [inner, Expr::Literal(ScalarValue::Utf8(Some(to)), _)]
                    if ["smallint", "integer", "bigint"].contains(&to.as_str()) =>
                {
                    inner
                }
                _ => return expr,
            },
            _ => return expr,
        };
    }
}

/// The value of a constant that is an integer.
fn integer(expr: &Expr) -> Option<i64> {
    match whole(expr) {
        Expr::Literal(ScalarValue::Int16(value), _) => value.map(i64::from),
        Expr::Literal(ScalarValue::Int32(value), _) => value.map(i64::from),
        Expr::Literal(ScalarValue::Int64(value), _) => *value,
        _ => None,
    }
}

async fn read(
    table: &SegmentTable,
    segments: &[Arc<Segment>],
    projection: Option<&Vec<usize>>,
    state: &SessionState,
) -> DfResult<RecordBatch> {
    let (files, inline): (Vec<_>, Vec<_>) = segments
        .iter()
        .cloned()
        .partition(|s| matches!(s.place, Place::File(_)));
    let mut batches = Vec::new();
    if !files.is_empty() {
        let scan = table.file_scan(state, &files, projection, &[], None)?;
        let stream = execute_stream(scan, state.task_ctx())?;
        batches = stream.try_collect().await?;
    }
    let schema = table.projected(projection)?;
    if !inline.is_empty() {
        let rows = table.inline_rows(&inline)?;
        batches.push(match projection {
            Some(projection) => rows.project(projection)?,
            None => rows,
        });
    }
    match batches.len() {
        1 => Ok(batches.remove(0)),
        _ => Ok(concat_batches(&schema, &batches)?),
    }
}

/// Rows of VALUES.
fn values(rows: &[Vec<Expr>], schema: &DFSchemaRef, state: &SessionState) -> DfResult<RecordBatch> {
    let one = nothing(1)?;
    let empty = Arc::new(DFSchema::empty());
    let columns = (0..schema.fields().len())
        .map(|i| {
            if let Some(column) = at_once(rows, i, state)? {
                return Ok(column);
            }
            let cells = rows.iter().map(|row| match row.get(i) {
                Some(Expr::Literal(value, _)) => Ok(value.clone()),
                Some(expr) => {
                    let value = evaluate(expr, &empty, &one, state)?;
                    ScalarValue::try_from_array(&value, 0)
                }
                None => datafusion::common::internal_err!("a row of VALUES is too short"),
            });
            let cells = cells.collect::<DfResult<Vec<_>>>()?;
            ScalarValue::iter_to_array(cells)
        })
        .collect::<DfResult<Vec<_>>>()?;
    batch(columns, rows.len(), schema)
}

/// A column of VALUES whose cells are literals under one and the same cast, cast at once.
fn at_once(rows: &[Vec<Expr>], i: usize, state: &SessionState) -> DfResult<Option<ArrayRef>> {
    if rows.len() < MANY {
        return Ok(None);
    }
    let mut literals = Vec::with_capacity(rows.len());
    let mut common: Option<(Expr, FieldRef)> = None;
    for row in rows {
        let Some((literal, cast)) = row.get(i).and_then(cast_of_literal) else {
            return Ok(None);
        };
        let Expr::Literal(value, _) = literal else {
            return Ok(None);
        };
        match &common {
            None => {
                let (_, field) = literal.to_field(&DFSchema::empty())?;
                let field = field.as_ref().clone().with_name(CELL).with_nullable(true);
                common = Some((cast, Arc::new(field)));
            }
            Some((other, field)) => {
                if cast != *other || value.data_type() != *field.data_type() {
                    return Ok(None);
                }
            }
        }
        literals.push(value.clone());
    }
    let Some((cast, field)) = common else {
        return Ok(None);
    };
    let cells = ScalarValue::iter_to_array(literals)?;
    let schema = Arc::new(Schema::new(vec![field]));
    let cells = RecordBatch::try_new(schema.clone(), vec![cells])?;
    let schema = Arc::new(DFSchema::try_from(schema)?);
    evaluate(&cast, &schema, &cells, state).map(Some)
}

/// The literal a cast is of, and the cast of a column [`CELL`] in its place.
fn cast_of_literal(expr: &Expr) -> Option<(&Expr, Expr)> {
    let cell = || Expr::Column(Column::new_unqualified(CELL));
    match expr {
        Expr::ScalarFunction(call) => {
            let (first @ Expr::Literal(..), rest) = call.args.split_first()? else {
                return None;
            };
            let args = std::iter::once(cell()).chain(rest.iter().cloned());
            Some((first, call.func.call(args.collect())))
        }
        Expr::Cast(cast) => {
            let literal @ Expr::Literal(..) = cast.expr.as_ref() else {
                return None;
            };
            let mut cast = cast.clone();
            cast.expr = Box::new(cell());
            Some((literal, Expr::Cast(cast)))
        }
        _ => None,
    }
}

fn nothing(rows: usize) -> DfResult<RecordBatch> {
    Ok(RecordBatch::try_new_with_options(
        Arc::new(Schema::empty()),
        vec![],
        &RecordBatchOptions::new().with_row_count(Some(rows)),
    )?)
}

/// Columns under the names of a plan's schema; the types are their own.
fn batch(columns: Vec<ArrayRef>, rows: usize, schema: &DFSchemaRef) -> DfResult<RecordBatch> {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| {
            let field = field.as_ref().clone().with_nullable(true);
            Arc::new(field.with_data_type(column.data_type().clone()))
        })
        .collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

fn evaluate(
    expr: &Expr,
    schema: &DFSchemaRef,
    batch: &RecordBatch,
    state: &SessionState,
) -> DfResult<ArrayRef> {
    let props = state.execution_props();
    let calls = expr.exists(|e| Ok(matches!(e, Expr::ScalarFunction(_))))?;
    let planning = PhysicalPlanningContext::default();
    let physical = if calls {
        // Some functions are only ever simplified away.
        let context = SimplifyContext::builder()
            .with_schema(schema.clone())
            .with_config_options(state.config_options().clone())
            .with_query_execution_start_time(props.query_execution_start_time)
            .build();
        let simple = ExprSimplifier::new(context).simplify(expr.clone())?;
        create_physical_expr(&simple, schema, props, &planning)?
    } else {
        create_physical_expr(expr, schema, props, &planning)?
    };
    physical.evaluate(batch)?.into_array(batch.num_rows())
}

impl Step<'_> {
    fn apply(&self, rows: RecordBatch, state: &SessionState) -> DfResult<RecordBatch> {
        match self {
            Step::Cut(skip, fetch) => {
                let skip = (*skip).min(rows.num_rows());
                Ok(rows.slice(skip, (*fetch).min(rows.num_rows() - skip)))
            }
            // An expression that fails must not fail for want of a row.
            _ if rows.num_rows() == 0 => match self {
                Step::Project(_, _, out) => Ok(RecordBatch::new_empty(out.inner().clone())),
                _ => Ok(rows),
            },
            Step::Filter(predicate, schema) => {
                let keep = evaluate(predicate, schema, &rows, state)?;
                let Some(keep) = keep.as_boolean_opt() else {
                    return datafusion::common::internal_err!("a filter that is not boolean");
                };
                Ok(filter_record_batch(&rows, keep)?)
            }
            Step::Project(exprs, schema, out) => {
                let columns = exprs
                    .iter()
                    .map(|e| evaluate(e, schema, &rows, state))
                    .collect::<DfResult<Vec<_>>>()?;
                batch(columns, rows.num_rows(), out)
            }
        }
    }
}
