//! IN (subquery) with SQL's three values. DataFusion makes a join of it, in which "unknown" is the same
//! as "false": right for `x IN (...)` that decides over a row alone, wrong below NOT and where NULLs
//! meet, and it has no join for a select list.
//!
//! What decides over rows (WHERE, HAVING) is turned so that NOT stands at the subqueries; `x NOT IN (...)`
//! becomes NOT EXISTS over the rows that are not certainly different, unless DataFusion's own join does
//! it right. Where the value itself is wanted, it is put together from EXISTS, in select lists from counts;
//! arguments of aggregates that hold subqueries are computed below the aggregate.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result as DfResult;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Operator,
    Projection, Subquery, lit, not, when,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::scalar::ScalarValue;

/// The rule. It needs types that are settled.
#[derive(Debug)]
pub(super) struct Membership;

impl AnalyzerRule for Membership {
    fn name(&self) -> &str {
        "membership"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> DfResult<LogicalPlan> {
        let mut below = false;
        plan.transform_up_with_subqueries(|node| {
            let mut done = rewrite(node)?;
            below |= done.transformed;
            if below {
                done = done.map_data(LogicalPlan::recompute_schema)?;
            }
            Ok(done)
        })
        .map(|t| t.data)
    }
}

fn rewrite(node: LogicalPlan) -> DfResult<Transformed<LogicalPlan>> {
    match node {
        LogicalPlan::Filter(filter) if has_in(&filter.predicate) => {
            let scope = Scope {
                schema: filter.input.schema().as_ref().clone(),
                counted: false,
            };
            let predicate = scope.conjunct(filter.predicate)?;
            let filter = Filter::try_new(predicate, filter.input)?;
            Ok(Transformed::yes(LogicalPlan::Filter(filter)))
        }
        LogicalPlan::Filter(_) | LogicalPlan::Join(_) => Ok(Transformed::no(node)),
        LogicalPlan::Aggregate(aggregate) if aggregate.aggr_expr.iter().any(asks) => {
            arguments_below(aggregate).map(Transformed::yes)
        }
        node if node.expressions().iter().any(has_subquery) => {
            let [input] = node.inputs()[..] else {
                return Ok(Transformed::no(node));
            };
            let scope = Scope {
                schema: input.schema().as_ref().clone(),
                counted: true,
            };
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let saved = names.save(&expr);
                Ok(scope.value(expr)?.update_data(|e| saved.restore(e)))
            })
        }
        node => Ok(Transformed::no(node)),
    }
}

/// An aggregate whose arguments that hold subqueries are computed in a projection below it: there they can
/// be joined in.
fn arguments_below(aggregate: Aggregate) -> DfResult<LogicalPlan> {
    let mut columns: Vec<Expr> = aggregate
        .input
        .schema()
        .columns()
        .into_iter()
        .map(Expr::Column)
        .collect();
    let own = columns.len();
    let mut functions = Vec::with_capacity(aggregate.aggr_expr.len());
    for function in aggregate.aggr_expr {
        let name = function.schema_name().to_string();
        let function = function.transform_up(|e| match e {
            Expr::AggregateFunction(mut call) => {
                let filter = call.params.filter.iter_mut().map(|f| f.as_mut());
                for part in call.params.args.iter_mut().chain(filter) {
                    if asks(part) {
                        let column = format!("__argument_{}", columns.len() - own);
                        let computed =
                            std::mem::replace(part, Expr::Column(Column::from_name(&column)));
                        columns.push(computed.alias(column));
                    }
                }
                Ok(Transformed::yes(Expr::AggregateFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        })?;
        functions.push(function.data.alias(name));
    }
    let below = LogicalPlan::Projection(Projection::try_new(columns, aggregate.input)?);
    let below = rewrite(below)?.data.recompute_schema()?;
    Aggregate::try_new(Arc::new(below), aggregate.group_expr, functions).map(LogicalPlan::Aggregate)
}

/// True if a subquery of any kind is in it.
fn asks(expr: &Expr) -> bool {
    expr.exists(|e| {
        Ok(matches!(
            e,
            Expr::InSubquery(_) | Expr::Exists(_) | Expr::ScalarSubquery(_)
        ))
    })
    .unwrap_or(false)
}

fn has_in(expr: &Expr) -> bool {
    expr.exists(|e| Ok(matches!(e, Expr::InSubquery(_))))
        .unwrap_or(false)
}

fn has_subquery(expr: &Expr) -> bool {
    expr.exists(|e| Ok(matches!(e, Expr::InSubquery(_) | Expr::Exists(_))))
        .unwrap_or(false)
}

/// Where an expression stands.
struct Scope {
    /// The columns of the rows it is asked of.
    schema: DFSchema,
    /// EXISTS is to be a count: DataFusion joins it in only in a filter.
    counted: bool,
}

impl Scope {
    /// A part of a condition that a row must meet.
    fn conjunct(&self, expr: Expr) -> DfResult<Expr> {
        match expr {
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: Operator::And,
                right,
            }) => Ok(self.conjunct(*left)?.and(self.conjunct(*right)?)),
            Expr::InSubquery(part) if part.negated => self.not_in(part, true),
            Expr::Not(inner) => match *inner {
                Expr::InSubquery(part) if !part.negated => self.not_in(part, true),
                inner => self.is_false(inner),
            },
            other => self.is_true(other),
        }
    }

    /// An expression that is true where this one is; where it is not, it may be false or unknown.
    fn is_true(&self, expr: Expr) -> DfResult<Expr> {
        if !has_in(&expr) {
            return Ok(expr);
        }
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right })
                if matches!(op, Operator::And | Operator::Or) =>
            {
                let (left, right) = (self.is_true(*left)?, self.is_true(*right)?);
                Ok(binary(left, op, right))
            }
            Expr::Not(inner) => self.is_false(*inner),
            Expr::InSubquery(part) if part.negated => self.not_in(part, false),
            Expr::InSubquery(part) if !has_subquery(&part.expr) => Ok(Expr::InSubquery(part)),
            other => self.value(other).map(|t| t.data),
        }
    }

    /// An expression that is true where this one is false.
    fn is_false(&self, expr: Expr) -> DfResult<Expr> {
        if !has_in(&expr) {
            return Ok(not(expr));
        }
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right })
                if matches!(op, Operator::And | Operator::Or) =>
            {
                let op = match op {
                    Operator::And => Operator::Or,
                    _ => Operator::And,
                };
                Ok(binary(self.is_false(*left)?, op, self.is_false(*right)?))
            }
            Expr::Not(inner) => self.is_true(*inner),
            Expr::InSubquery(part) if part.negated => self.is_true(Expr::InSubquery(InSubquery {
                negated: false,
                ..part
            })),
            Expr::InSubquery(part) => self.not_in(part, false),
            other => Ok(not(self.value(other)?.data)),
        }
    }

    /// An expression that is true where `x NOT IN (subquery)` is. `alone` if nothing but it decides
    /// over the row.
    fn not_in(&self, part: InSubquery, alone: bool) -> DfResult<Expr> {
        let (value, subquery) = (*part.expr, named(part.subquery)?);
        if has_subquery(&value) {
            let whole = InSubquery::new(Box::new(value), subquery, true);
            return self.value(Expr::InSubquery(whole)).map(|t| t.data);
        }
        let unknown = Unknown::of(&value, &subquery, &self.schema)?;
        let correlated = !subquery.outer_ref_columns.is_empty();
        let joins = !correlated && !value.column_refs().is_empty();
        if joins && (alone || !unknown.any()) {
            return Ok(Expr::InSubquery(InSubquery::new(
                Box::new(value),
                subquery,
                true,
            )));
        }
        if !joins {
            // One subquery; what ties it to the row, if anything does, is its own condition.
            let mut like = same(&value, &self.schema)?;
            if unknown.any() {
                like = like.is_not_false();
            }
            return self.exists(restricted(&subquery, Some(like))?, true);
        }
        // Each of these is a join by equality, or asks nothing of the row.
        let mut parts = self.exists(
            restricted(&subquery, Some(same(&value, &self.schema)?))?,
            true,
        )?;
        if unknown.inner {
            let null = member().is_null();
            parts = parts.and(self.exists(restricted(&subquery, Some(null))?, true)?);
        }
        if unknown.outer {
            let empty = self.exists(restricted(&subquery, None)?, true)?;
            parts = parts.and(value.is_not_null().or(empty));
        }
        Ok(parts)
    }

    /// The expression with its value as it is, NULL where it is unknown.
    fn value(&self, expr: Expr) -> DfResult<Transformed<Expr>> {
        expr.transform_up(|e| match e {
            Expr::InSubquery(part) => Ok(Transformed::yes(self.membership(part)?)),
            Expr::Exists(part) if self.counted => {
                Ok(Transformed::yes(self.exists(part.subquery, part.negated)?))
            }
            other => Ok(Transformed::no(other)),
        })
    }

    /// `x IN (subquery)`: true if some row is x; else false if there is no row at all; else NULL if
    /// x or some row is NULL.
    fn membership(&self, part: InSubquery) -> DfResult<Expr> {
        let (value, subquery, negated) = (*part.expr, named(part.subquery)?, part.negated);
        let unknown = Unknown::of(&value, &subquery, &self.schema)?;
        let found = self.exists(
            restricted(&subquery, Some(same(&value, &self.schema)?))?,
            false,
        )?;
        let mut case = when(found, lit(!negated));
        let null = || lit(ScalarValue::Boolean(None));
        if unknown.outer {
            let empty = self.exists(restricted(&subquery, None)?, true)?;
            case = case.when(empty, lit(negated));
            case = case.when(value.is_null(), null());
        }
        if unknown.inner {
            let some = restricted(&subquery, Some(member().is_null()))?;
            case = case.when(self.exists(some, false)?, null());
        }
        case.otherwise(lit(negated))
    }

    fn exists(&self, subquery: Subquery, negated: bool) -> DfResult<Expr> {
        if !self.counted {
            return Ok(Expr::Exists(Exists { subquery, negated }));
        }
        let counted = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone())
            .aggregate(Vec::<Expr>::new(), [count(lit(1_i64)).alias("count")])?
            .build()?;
        let number = Expr::ScalarSubquery(Subquery {
            subquery: Arc::new(counted),
            ..subquery
        });
        Ok(match negated {
            true => number.eq(lit(0_i64)),
            false => number.gt(lit(0_i64)),
        })
    }
}

/// Which sides of a membership may be NULL.
struct Unknown {
    outer: bool,
    inner: bool,
}

impl Unknown {
    fn of(value: &Expr, subquery: &Subquery, schema: &DFSchema) -> DfResult<Self> {
        Ok(Self {
            outer: value.nullable(schema)?,
            inner: subquery.subquery.schema().field(0).is_nullable(),
        })
    }

    fn any(&self) -> bool {
        self.outer || self.inner
    }
}

/// The subquery with a name for its column that no table has: what is asked of it stands beside columns of
/// the row around, which may be of the same table.
fn named(subquery: Subquery) -> DfResult<Subquery> {
    let plan = match subquery.subquery.as_ref() {
        LogicalPlan::Projection(projection) if projection.expr.len() == 1 => {
            let expr = projection.expr[0].clone().unalias().alias(MEMBER);
            LogicalPlan::Projection(Projection::try_new(vec![expr], projection.input.clone())?)
        }
        other => {
            let only = Expr::Column(Column::from(other.schema().qualified_field(0)));
            LogicalPlanBuilder::from(other.clone())
                .project([only.alias(MEMBER)])?
                .build()?
        }
    };
    Ok(Subquery {
        subquery: Arc::new(plan),
        ..subquery
    })
}

const MEMBER: &str = "__member";

/// The one column of a subquery that is [`named`].
fn member() -> Expr {
    Expr::Column(Column::from_name(MEMBER))
}

/// The subquery's column equals the value of the row around it.
fn same(value: &Expr, schema: &DFSchema) -> DfResult<Expr> {
    let value = value.clone().transform_up(|e| match e {
        Expr::Column(column) => {
            let (_, field) = schema.qualified_field_from_column(&column)?;
            Ok(Transformed::yes(Expr::OuterReferenceColumn(
                field.clone(),
                column,
            )))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(member().eq(value.data))
}

/// The subquery's rows that meet a condition, whose other columns are those of the row around.
fn restricted(subquery: &Subquery, condition: Option<Expr>) -> DfResult<Subquery> {
    let Some(condition) = condition else {
        return Ok(subquery.clone());
    };
    let plan = subquery.subquery.as_ref().clone();
    let plan = LogicalPlanBuilder::from(plan).filter(condition)?.build()?;
    Ok(Subquery {
        outer_ref_columns: plan.all_out_ref_exprs(),
        subquery: Arc::new(plan),
        spans: subquery.spans.clone(),
    })
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}
