//! How many rows a plan gives, estimated from the catalog's statistics.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::stats::Precision;
use datafusion::common::{Column, Result, ScalarValue, Statistics, TableReference};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::expr::{InList, Like};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Join, JoinType, LogicalPlan, Operator, TableScan,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::operator_statistics::{
    ExtendedStatistics, StatisticsProvider, StatisticsResult,
};

/// What is known of a column.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnEstimate {
    /// Distinct values.
    pub distinct: f64,
    /// Smallest and largest value, as numbers.
    pub bounds: Option<(f64, f64)>,
    /// Part that is NULL.
    pub nulls: f64,
}

/// What is known of a plan's rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Estimate {
    /// Rows.
    pub rows: f64,
    /// By column.
    pub columns: HashMap<Column, ColumnEstimate>,
}

/// A table nothing is known of.
const UNKNOWN_ROWS: f64 = 1000.0;
/// A condition nothing is known of.
const UNKNOWN: f64 = 0.33;
/// An equality nothing is known of.
const UNKNOWN_EQUAL: f64 = 0.005;

impl Estimate {
    fn distinct(&self, column: &Column) -> f64 {
        let found = self.columns.get(column).map(|c| c.distinct);
        found
            .filter(|d| *d > 0.0)
            .unwrap_or(self.rows)
            .min(self.rows)
            .max(1.0)
    }

    fn scaled(mut self, rows: f64) -> Estimate {
        let rows = rows.max(1.0).min(self.rows.max(1.0));
        if self.rows > 0.0 {
            let share = rows / self.rows;
            for column in self.columns.values_mut() {
                // A sample of the rows holds most of few values, few of many.
                let d = column.distinct;
                if d > 0.0 {
                    let per_value = self.rows / d;
                    let kept = d * (1.0 - (1.0 - share).max(0.0).powf(per_value));
                    column.distinct = kept.clamp(1.0, rows);
                }
            }
        }
        self.rows = rows;
        self
    }
}

/// The estimate of a plan.
pub(crate) fn estimate(plan: &LogicalPlan) -> Estimate {
    match plan {
        LogicalPlan::TableScan(scan) => scan_estimate(scan),
        LogicalPlan::Filter(filter) => {
            let input = estimate(&filter.input);
            let rows = input.rows * selectivity(&filter.predicate, &input);
            input.scaled(rows)
        }
        LogicalPlan::Projection(p) => {
            let input = estimate(&p.input);
            let mut columns = HashMap::new();
            for ((qualifier, field), expr) in p.schema.iter().zip(&p.expr) {
                let mut inner = expr;
                while let Expr::Alias(alias) = inner {
                    inner = &alias.expr;
                }
                if let Expr::Column(c) = inner
                    && let Some(known) = input.columns.get(c)
                {
                    columns.insert(Column::from((qualifier, field)), known.clone());
                }
            }
            Estimate {
                rows: input.rows,
                columns,
            }
        }
        LogicalPlan::SubqueryAlias(a) => {
            let input = estimate(&a.input);
            let columns = a
                .input
                .schema()
                .iter()
                .zip(a.schema.iter())
                .filter_map(|(from, to)| {
                    let known = input.columns.get(&Column::from(from))?;
                    Some((Column::from(to), known.clone()))
                })
                .collect();
            Estimate {
                rows: input.rows,
                columns,
            }
        }
        LogicalPlan::Join(join) => join_estimate(join),
        LogicalPlan::Aggregate(a) => {
            let input = estimate(&a.input);
            let rows = groups(&a.group_expr, &input);
            let mut columns = HashMap::new();
            for expr in &a.group_expr {
                if let Expr::Column(c) = expr
                    && let Some(known) = input.columns.get(c)
                {
                    columns.insert(c.clone(), known.clone());
                }
            }
            Estimate { rows, columns }
        }
        LogicalPlan::Distinct(d) => {
            let input = estimate(d.input());
            let exprs: Vec<Expr> = d
                .input()
                .schema()
                .columns()
                .into_iter()
                .map(Expr::Column)
                .collect();
            let rows = groups(&exprs, &input);
            input.scaled(rows)
        }
        LogicalPlan::Limit(l) => {
            let input = estimate(&l.input);
            match l.get_fetch_type() {
                Ok(datafusion::logical_expr::FetchType::Literal(Some(n))) => {
                    let rows = input.rows.min(n as f64);
                    input.scaled(rows)
                }
                _ => input,
            }
        }
        LogicalPlan::Union(u) => {
            let rows = u.inputs.iter().map(|p| estimate(p).rows).sum();
            Estimate {
                rows,
                columns: HashMap::new(),
            }
        }
        LogicalPlan::EmptyRelation(e) => Estimate {
            rows: f64::from(u8::from(e.produce_one_row)),
            columns: HashMap::new(),
        },
        LogicalPlan::Values(v) => Estimate {
            rows: v.values.len() as f64,
            columns: HashMap::new(),
        },
        other => match other.inputs().first() {
            Some(input) => estimate(input),
            None => Estimate {
                rows: UNKNOWN_ROWS,
                columns: HashMap::new(),
            },
        },
    }
}

/// Distinct combinations of grouping expressions.
pub(crate) fn groups(exprs: &[Expr], input: &Estimate) -> f64 {
    if exprs.is_empty() {
        return 1.0;
    }
    let mut product = 1.0f64;
    for expr in exprs {
        let columns = expr.column_refs();
        let distinct = columns
            .iter()
            .map(|c| input.distinct(c))
            .fold(1.0, f64::max);
        product *= distinct;
    }
    product.min(input.rows).max(1.0)
}

fn scan_estimate(scan: &TableScan) -> Estimate {
    let statistics = source_as_provider(&scan.source)
        .ok()
        .and_then(|p| p.statistics());
    let Some(statistics) = statistics else {
        return Estimate {
            rows: UNKNOWN_ROWS,
            columns: HashMap::new(),
        };
    };
    let all = table_estimate(&statistics, &scan.source.schema(), Some(&scan.table_name));
    let share: f64 = scan.filters.iter().map(|f| selectivity(f, &all)).product();
    let rows = all.rows * share;
    all.scaled(rows)
}

/// The estimate of a table with these statistics.
fn table_estimate(
    statistics: &Statistics,
    schema: &Schema,
    qualifier: Option<&TableReference>,
) -> Estimate {
    let rows = match statistics.num_rows {
        Precision::Exact(n) | Precision::Inexact(n) => n as f64,
        Precision::Absent => UNKNOWN_ROWS,
    };
    let mut columns = HashMap::new();
    for (field, stats) in schema.fields().iter().zip(&statistics.column_statistics) {
        let bounds = match (stats.min_value.get_value(), stats.max_value.get_value()) {
            (Some(a), Some(b)) => number(a).zip(number(b)),
            _ => None,
        };
        let mut distinct = match stats.distinct_count {
            Precision::Exact(n) | Precision::Inexact(n) => n as f64,
            Precision::Absent => match (bounds, field.data_type()) {
                // Whole numbers are no more than their range.
                (Some((a, b)), t) if whole(t) => (b - a + 1.0).min(rows),
                _ => 0.0,
            },
        };
        distinct = distinct.min(rows);
        let nulls = match stats.null_count {
            Precision::Exact(n) | Precision::Inexact(n) if rows > 0.0 => n as f64 / rows,
            _ => 0.0,
        };
        let column = Column::new(qualifier.cloned(), field.name());
        columns.insert(
            column,
            ColumnEstimate {
                distinct,
                bounds,
                nulls,
            },
        );
    }
    Estimate { rows, columns }
}

/// Statistics of a table's scan, of the rows its conditions keep.
pub(crate) fn filtered(statistics: Statistics, schema: &Schema, filters: &[Expr]) -> Statistics {
    if filters.is_empty() {
        return statistics;
    }
    let all = table_estimate(&statistics, schema, None);
    let share: f64 = filters.iter().map(|f| selectivity(f, &all)).product();
    let rows = all.rows * share;
    let kept = all.clone().scaled(rows);
    let mut out = statistics.to_inexact();
    out.num_rows = Precision::Inexact(kept.rows as usize);
    let scale = |p: Precision<usize>| {
        p.get_value().map_or(Precision::Absent, |v| {
            Precision::Inexact((*v as f64 * share).ceil() as usize)
        })
    };
    out.total_byte_size = scale(out.total_byte_size);
    for (field, column) in schema.fields().iter().zip(&mut out.column_statistics) {
        column.byte_size = scale(column.byte_size);
        column.null_count = scale(column.null_count);
        if let Some(known) = kept.columns.get(&Column::new_unqualified(field.name()))
            && known.distinct > 0.0
        {
            column.distinct_count = Precision::Inexact(known.distinct as usize);
        }
    }
    out
}

/// The physical plan's conditions over a table's scan are in the scan's statistics already: this
/// keeps them from being counted twice.
#[derive(Debug)]
pub(crate) struct ScanFilters;

impl StatisticsProvider for ScanFilters {
    fn compute_statistics(
        &self,
        plan: &dyn ExecutionPlan,
        children: &[ExtendedStatistics],
    ) -> Result<StatisticsResult> {
        let Some(filter) = plan.downcast_ref::<FilterExec>() else {
            return Ok(StatisticsResult::Delegate);
        };
        let over_scan = filter
            .input()
            .downcast_ref::<DataSourceExec>()
            .is_some_and(|s| s.data_source().downcast_ref::<FileScanConfig>().is_some());
        Ok(match children {
            [scan] if over_scan => {
                let kept = scan.base().clone().project(filter.projection().as_ref());
                StatisticsResult::Computed(ExtendedStatistics::new(kept))
            }
            _ => StatisticsResult::Delegate,
        })
    }
}

fn whole(t: &DataType) -> bool {
    matches!(
        t,
        DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Date32 | DataType::UInt32
    )
}

fn join_estimate(join: &Join) -> Estimate {
    let left = estimate(&join.left);
    let right = estimate(&join.right);
    let mut share = 1.0;
    // Of the rows of each side, the part that finds a match.
    let (mut left_share, mut right_share) = (1.0f64, 1.0f64);
    for (l, r) in &join.on {
        let (a, b) = (side_distinct(l, &left), side_distinct(r, &right));
        share /= a.max(b);
        left_share = left_share.min(b / a);
        right_share = right_share.min(a / b);
    }
    let inner = left.rows * right.rows * share;
    let mut columns = left.columns.clone();
    columns.extend(right.columns.iter().map(|(c, e)| (c.clone(), e.clone())));
    let both = Estimate {
        rows: inner,
        columns,
    };
    let filter = join.filter.as_ref().map_or(1.0, |f| selectivity(f, &both));
    let inner = inner * filter;
    match join.join_type {
        JoinType::Inner => capped(both, inner),
        JoinType::Left => capped(both, inner.max(left.rows)),
        JoinType::Right => capped(both, inner.max(right.rows)),
        JoinType::Full => capped(both, inner.max(left.rows + right.rows)),
        JoinType::LeftSemi => {
            let rows = left.rows * left_share * filter;
            left.scaled(rows)
        }
        JoinType::LeftAnti => {
            let rows = left.rows * (1.0 - left_share * filter).max(0.1);
            left.scaled(rows)
        }
        JoinType::RightSemi => {
            let rows = right.rows * right_share * filter;
            right.scaled(rows)
        }
        JoinType::RightAnti => {
            let rows = right.rows * (1.0 - right_share * filter).max(0.1);
            right.scaled(rows)
        }
        JoinType::LeftMark | JoinType::RightMark => left,
        #[allow(unreachable_patterns)]
        _ => left,
    }
}

fn capped(mut e: Estimate, rows: f64) -> Estimate {
    e.rows = rows.max(1.0);
    for c in e.columns.values_mut() {
        c.distinct = c.distinct.min(e.rows);
    }
    e
}

/// Distinct values of one side of an equality.
pub(crate) fn side_distinct(expr: &Expr, input: &Estimate) -> f64 {
    match bare(expr) {
        Some(column) => input.distinct(column),
        None => {
            let columns = expr.column_refs();
            columns
                .iter()
                .map(|c| input.distinct(c))
                .fold(1.0, f64::max)
        }
    }
}

/// The column an expression is, casts aside.
pub(crate) fn bare(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(c) => Some(c),
        Expr::Cast(c) => bare(&c.expr),
        Expr::TryCast(c) => bare(&c.expr),
        Expr::Alias(a) => bare(&a.expr),
        _ => None,
    }
}

/// The part of the rows a condition keeps.
pub(crate) fn selectivity(predicate: &Expr, input: &Estimate) -> f64 {
    let share = match predicate {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => selectivity(left, input) * selectivity(right, input),
            Operator::Or => {
                let (a, b) = (selectivity(left, input), selectivity(right, input));
                a + b - a * b
            }
            _ => comparison(left, *op, right, input),
        },
        Expr::Not(inner) => 1.0 - selectivity(inner, input),
        Expr::IsNull(inner) => match bare(inner) {
            Some(c) => input.columns.get(c).map_or(0.05, |c| c.nulls),
            None => 0.05,
        },
        Expr::IsNotNull(inner) => match bare(inner) {
            Some(c) => input.columns.get(c).map_or(0.95, |c| 1.0 - c.nulls),
            None => 0.95,
        },
        Expr::InList(InList {
            expr,
            list,
            negated,
        }) => {
            let distinct = side_distinct(expr, input);
            let share = (list.len() as f64 / distinct).min(1.0);
            if *negated { 1.0 - share } else { share }
        }
        Expr::Like(Like {
            negated, pattern, ..
        }) => {
            let open = matches!(pattern.as_ref(), Expr::Literal(v, _)
                if v.try_as_str().flatten().is_some_and(|p| p.starts_with('%')));
            let share = if open { 0.1 } else { 0.05 };
            if *negated { 1.0 - share } else { share }
        }
        Expr::Literal(ScalarValue::Boolean(Some(true)), _) => 1.0,
        Expr::Literal(ScalarValue::Boolean(_), _) => 0.0,
        Expr::Alias(a) => selectivity(&a.expr, input),
        _ => UNKNOWN,
    };
    share.clamp(0.0, 1.0)
}

fn comparison(left: &Expr, op: Operator, right: &Expr, input: &Estimate) -> f64 {
    let literal = |e: &Expr| match e {
        Expr::Literal(v, _) => Some(v.clone()),
        Expr::Cast(c) => match c.expr.as_ref() {
            Expr::Literal(v, _) => v.cast_to(c.field.data_type()).ok(),
            _ => None,
        },
        _ => None,
    };
    let (column, op, value) = match (bare(left), literal(right), bare(right), literal(left)) {
        (Some(c), Some(v), ..) => (c, op, v),
        (_, _, Some(c), Some(v)) => (c, op.swap().unwrap_or(op), v),
        (Some(a), None, Some(b), None) => {
            return match op {
                Operator::Eq => 1.0 / input.distinct(a).max(input.distinct(b)),
                Operator::NotEq => 1.0 - 1.0 / input.distinct(a).max(input.distinct(b)),
                _ => UNKNOWN,
            };
        }
        _ => {
            return match op {
                Operator::Eq => UNKNOWN_EQUAL.max(1.0 / side_distinct(left, input)),
                _ => UNKNOWN,
            };
        }
    };
    let known = input.columns.get(column);
    match op {
        Operator::Eq | Operator::IsNotDistinctFrom => 1.0 / input.distinct(column),
        Operator::NotEq | Operator::IsDistinctFrom => 1.0 - 1.0 / input.distinct(column),
        Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => {
            let bounds = known.and_then(|k| k.bounds);
            let (Some((low, high)), Some(v)) = (bounds, number(&value)) else {
                return UNKNOWN;
            };
            if high <= low {
                return 0.5;
            }
            let below = ((v - low) / (high - low)).clamp(0.0, 1.0);
            match op {
                Operator::Lt | Operator::LtEq => below,
                _ => 1.0 - below,
            }
        }
        Operator::RegexMatch | Operator::RegexIMatch => 0.1,
        _ => UNKNOWN,
    }
}

/// A value as a number, for ranges.
pub(crate) fn number(value: &ScalarValue) -> Option<f64> {
    Some(match value {
        ScalarValue::Int8(Some(v)) => f64::from(*v),
        ScalarValue::Int16(Some(v)) => f64::from(*v),
        ScalarValue::Int32(Some(v)) => f64::from(*v),
        ScalarValue::Int64(Some(v)) => *v as f64,
        ScalarValue::UInt32(Some(v)) => f64::from(*v),
        ScalarValue::Float32(Some(v)) => f64::from(*v),
        ScalarValue::Float64(Some(v)) => *v,
        ScalarValue::Date32(Some(v)) => f64::from(*v),
        ScalarValue::TimestampMicrosecond(Some(v), _) => *v as f64,
        ScalarValue::Time64Microsecond(Some(v)) => *v as f64,
        ScalarValue::Decimal128(Some(v), _, s) => *v as f64 / 10f64.powi(i32::from(*s)),
        _ => return None,
    })
}
