//! Filters that become known while a query runs, evaluated inside the scan: the keys a hash join
//! has built, the bound of a top-n. Rows they exclude are dropped after their key is decoded and
//! before any other column is.
//!
//! Such a filter only spares work, whoever made it still decides; so a scan may stop asking one
//! that excludes little.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::{Result as DfResult, ScalarValue, Statistics};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, Column, DynamicFilterPhysicalExpr, Literal,
};
use datafusion::physical_expr::split_conjunction;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use vortex::array::arrays::{BoolArray, ConstantArray};
use vortex::array::{ArrayRef, ExecutionCtx, IntoArray};
use vortex::arrow::ArrowSessionExt;
use vortex::buffer::BitBuffer;
use vortex::dtype::{DType, Nullability};
use vortex::error::{VortexResult, vortex_err};
use vortex::expr::{Expression, and, get_item, root};
use vortex::scalar_fn::{
    Arity, ChildName, ExecutionArgs, ScalarFnId, ScalarFnVTable, ScalarFnVTableExt,
};
use vortex::session::VortexSession;
use vortex_datafusion::convert::{DefaultExpressionConverter, ExpressionConverter};

use super::keys::{BuiltKeys, KeySet};
use crate::rules::cardinality::number;

/// Rows a filter sees before it may be found useless.
const TRIAL_ROWS: u64 = 1 << 15;

/// The converter of scans without row ids.
pub(super) struct WithDynamic {
    inner: DefaultExpressionConverter,
    /// By column: smallest and largest value of all files, as numbers.
    ranges: HashMap<String, (f64, f64)>,
    keys: Arc<BuiltKeys>,
}

impl WithDynamic {
    /// `statistics`: of the columns of `schema`, which files know by the names `stored` gives.
    pub(super) fn new(
        session: VortexSession,
        schema: &Schema,
        statistics: &Statistics,
        stored: impl Fn(&str) -> Option<String>,
        keys: Arc<BuiltKeys>,
    ) -> Self {
        let ranges = schema
            .fields()
            .iter()
            .zip(&statistics.column_statistics)
            .filter_map(|(field, known)| {
                let low = number(known.min_value.get_value()?)?;
                let high = number(known.max_value.get_value()?)?;
                Some((stored(field.name())?, (low, high)))
            })
            .collect();
        WithDynamic {
            inner: DefaultExpressionConverter::new(session),
            ranges,
            keys,
        }
    }

    /// Bounds within the filter that let the file skip blocks: those that exclude a good part of
    /// the column's range. Others would be compared with every row for nothing.
    fn bounds(
        &self,
        filter: &DynamicFilterPhysicalExpr,
        schema: &Schema,
    ) -> DfResult<Vec<Expression>> {
        let current = filter.current()?;
        let mut by_column: HashMap<&str, (f64, f64, Vec<&Arc<dyn PhysicalExpr>>)> = HashMap::new();
        for part in split_conjunction(&current) {
            let Some((column, op, value)) = bound(part) else {
                continue;
            };
            let (Some(&(low, high)), Some(value)) = (self.ranges.get(column), number(value)) else {
                continue;
            };
            let entry = by_column
                .entry(column)
                .or_insert_with(|| (low, high, Vec::new()));
            match op {
                Operator::Gt | Operator::GtEq => entry.0 = entry.0.max(value),
                _ => entry.1 = entry.1.min(value),
            }
            entry.2.push(part);
        }
        let mut out = Vec::new();
        for (column, (low, high, parts)) in by_column {
            let (least, most) = self.ranges[column];
            if high - low > 0.75 * (most - least) {
                continue;
            }
            for part in parts {
                out.extend(self.inner.try_convert(part, schema)?);
            }
        }
        Ok(out)
    }
}

/// A comparison of a column with a constant.
fn bound(expr: &Arc<dyn PhysicalExpr>) -> Option<(&str, Operator, &ScalarValue)> {
    let binary = expr.downcast_ref::<BinaryExpr>()?;
    let op = *binary.op();
    if !matches!(
        op,
        Operator::Gt | Operator::GtEq | Operator::Lt | Operator::LtEq
    ) {
        return None;
    }
    let column = binary.left().downcast_ref::<Column>()?;
    let value = binary.right().downcast_ref::<Literal>()?;
    Some((column.name(), op, value.value()))
}

impl ExpressionConverter for WithDynamic {
    fn try_convert(
        &self,
        expr: &Arc<dyn PhysicalExpr>,
        schema: &Schema,
    ) -> DfResult<Option<Expression>> {
        let Some(filter) = expr.downcast_ref::<DynamicFilterPhysicalExpr>() else {
            return self.inner.try_convert(expr, schema);
        };
        let mut indices: Vec<usize> = collect_columns(expr).iter().map(Column::index).collect();
        indices.sort_unstable();
        indices.dedup();
        if indices.is_empty() {
            return Ok(None);
        }
        let columns = Arc::new(schema.project(&indices)?);
        let children: Vec<Expression> = columns
            .fields()
            .iter()
            .map(|f| get_item(f.name().as_str(), root()))
            .collect();
        // A set of keys speaks of the column itself.
        let bare = filter.children().iter().all(|c| c.is::<Column>());
        let check = Check(Arc::new(State {
            keys: self.keys.of(filter).filter(|_| bare && indices.len() == 1),
            filter: reassign_expr_columns(expr.clone(), &columns)?,
            columns,
            seen: AtomicU64::new(0),
            kept: AtomicU64::new(0),
        }));
        let mut all = DynamicCheck.new_expr(check, children);
        for bound in self.bounds(filter, schema)? {
            all = and(bound, all);
        }
        Ok(Some(all))
    }
}

/// The function that asks a filter.
#[derive(Clone)]
struct DynamicCheck;

/// The filter that is asked.
#[derive(Debug, Clone)]
struct Check(Arc<State>);

#[derive(Debug)]
struct State {
    /// The keys of the filter's join, where they are collected.
    keys: Option<Arc<KeySet>>,
    /// Over `columns`.
    filter: Arc<dyn PhysicalExpr>,
    columns: SchemaRef,
    seen: AtomicU64,
    kept: AtomicU64,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.filter)
    }
}

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Check {}

impl Hash for Check {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl State {
    /// True if the filter so far has kept most of what it saw.
    fn useless(&self) -> bool {
        let seen = self.seen.load(Ordering::Relaxed);
        seen >= TRIAL_ROWS && self.kept.load(Ordering::Relaxed) > seen / 4 * 3
    }

    /// The filter as it is now; `None` while it excludes nothing.
    fn current(&self) -> DfResult<Option<Arc<dyn PhysicalExpr>>> {
        let current = match self.filter.downcast_ref::<DynamicFilterPhysicalExpr>() {
            Some(dynamic) => dynamic.current()?,
            None => self.filter.clone(),
        };
        let all = current
            .downcast_ref::<Literal>()
            .is_some_and(|l| *l.value() == ScalarValue::Boolean(Some(true)));
        Ok((!all).then_some(current))
    }

    /// The filter's answer by its keys alone.
    fn by_keys(
        &self,
        args: &dyn ExecutionArgs,
        ctx: &mut ExecutionCtx,
    ) -> VortexResult<Option<BitBuffer>> {
        let Some(keys) = &self.keys else {
            return Ok(None);
        };
        let session = ctx.session().clone();
        let values =
            session
                .arrow()
                .execute_arrow(args.get(0)?, Some(self.columns.field(0)), ctx)?;
        Ok(keys.contains(&values).map(|bits| self.count(bits)))
    }

    /// Notes what the filter kept.
    fn count(&self, kept: BooleanBuffer) -> BitBuffer {
        self.seen.fetch_add(kept.len() as u64, Ordering::Relaxed);
        self.kept
            .fetch_add(kept.count_set_bits() as u64, Ordering::Relaxed);
        BitBuffer::from(kept)
    }

    fn evaluate(
        &self,
        filter: &Arc<dyn PhysicalExpr>,
        args: &dyn ExecutionArgs,
        ctx: &mut ExecutionCtx,
    ) -> VortexResult<BitBuffer> {
        let rows = args.row_count();
        let session = ctx.session().clone();
        let mut columns = Vec::with_capacity(self.columns.fields().len());
        for (i, field) in self.columns.fields().iter().enumerate() {
            let array = args.get(i)?;
            let field: &Field = field;
            columns.push(session.arrow().execute_arrow(array, Some(field), ctx)?);
        }
        let failed = |e: &dyn fmt::Display| vortex_err!("a filter of a join failed: {e}");
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(nullable(&self.columns), columns, &options)
            .map_err(|e| failed(&e))?;
        let values = filter
            .evaluate(&batch)
            .and_then(|v| v.into_array(rows))
            .map_err(|e| failed(&e))?;
        let values = values
            .as_boolean_opt()
            .ok_or_else(|| failed(&"it is no condition"))?;
        let mut bits = values.values().clone();
        if let Some(nulls) = values.nulls() {
            bits = &bits & nulls.inner();
        }
        Ok(self.count(bits))
    }
}

/// The schema where every column may have NULL: a block's values may where the table's may not
/// (rows that are not wanted need not be values).
fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| f.as_ref().clone().with_nullable(true))
        .collect();
    Arc::new(Schema::new(fields))
}

impl ScalarFnVTable for DynamicCheck {
    type Options = Check;

    fn id(&self) -> ScalarFnId {
        ScalarFnId::new_static("longwave.dynamic_filter")
    }

    fn arity(&self, check: &Check) -> Arity {
        Arity::Exact(check.0.columns.fields().len())
    }

    fn child_name(&self, check: &Check, index: usize) -> ChildName {
        ChildName::from(Arc::<str>::from(
            check.0.columns.field(index).name().as_str(),
        ))
    }

    fn return_dtype(&self, _: &Check, _: &[DType]) -> VortexResult<DType> {
        Ok(DType::Bool(Nullability::NonNullable))
    }

    fn execute(
        &self,
        check: &Check,
        args: &dyn ExecutionArgs,
        ctx: &mut ExecutionCtx,
    ) -> VortexResult<ArrayRef> {
        let state = &check.0;
        let filter = match state.useless() {
            true => None,
            false => state
                .current()
                .map_err(|e| vortex_err!("a filter of a join failed: {e}"))?,
        };
        if filter.is_some()
            && let Some(bits) = state.by_keys(args, ctx)?
        {
            return Ok(BoolArray::from(bits).into_array());
        }
        Ok(match filter {
            None => ConstantArray::new(true, args.row_count()).into_array(),
            Some(filter) => BoolArray::from(state.evaluate(&filter, args, ctx)?).into_array(),
        })
    }

    fn is_infallible(&self, _: &Check) -> bool {
        true
    }
}
