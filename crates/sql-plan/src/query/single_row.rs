//! Correlated scalar subqueries that are no aggregates. DataFusion joins a subquery in only if it is
//! an aggregate of all its rows and compares with the outer row by equality. Others are brought
//! into that form, by an aggregate that refuses a second row ([`single`]), or, where they compare
//! otherwise, joined in here ([`join_in`]).

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    BinaryExpr, Expr, Filter, LogicalPlan, LogicalPlanBuilder, Operator, Projection, Subquery, lit,
    when,
};
use datafusion::optimizer::AnalyzerRule;

/// The rule.
#[derive(Debug)]
pub(super) struct SingleRow;

impl AnalyzerRule for SingleRow {
    fn name(&self) -> &str {
        "single_row"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> DfResult<LogicalPlan> {
        let mut below = false;
        plan.transform_up_with_subqueries(|node| {
            let node = joined(node)?;
            let names = NamePreserver::new(&node.data);
            let changed = node.transformed;
            let mut done = node.data.map_expressions(|expr| {
                let saved = names.save(&expr);
                expr.transform_up(|e| match e {
                    Expr::ScalarSubquery(subquery) if wanted(&subquery) => {
                        Ok(Transformed::yes(Expr::ScalarSubquery(single(subquery)?)))
                    }
                    other => Ok(Transformed::no(other)),
                })?
                .map_data(|e| Ok(saved.restore(e)))
            })?;
            done.transformed |= changed;
            below |= done.transformed;
            if below {
                // What was never null may be now, here and in all that stands above.
                done = done.map_data(LogicalPlan::recompute_schema)?;
            }
            Ok(done)
        })
        .map(|t| t.data)
    }
}

/// True for a correlated subquery that is no aggregate, and for one that says it is never null but may
/// have no row: it is null then.
fn wanted(subquery: &Subquery) -> bool {
    let plan = &subquery.subquery;
    if subquery.outer_ref_columns.is_empty() {
        plan.schema().fields().iter().all(|f| !f.is_nullable()) && !is_exactly_one(plan)
    } else {
        !is_single(plan)
    }
}

/// True if the plan has exactly one row by its form.
fn is_exactly_one(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Projection(p) => is_exactly_one(&p.input),
        LogicalPlan::Sort(s) => s.fetch != Some(0) && is_exactly_one(&s.input),
        LogicalPlan::SubqueryAlias(a) => is_exactly_one(&a.input),
        LogicalPlan::EmptyRelation(e) => e.produce_one_row,
        LogicalPlan::Values(v) => v.values.len() == 1,
        _ => false,
    }
}

/// True if the plan has one row at most by its form.
fn is_single(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Projection(p) => is_single(&p.input),
        LogicalPlan::Filter(f) => is_single(&f.input),
        LogicalPlan::Sort(s) => is_single(&s.input),
        LogicalPlan::SubqueryAlias(a) => is_single(&a.input),
        // DataFusion has its own way for these.
        LogicalPlan::Limit(_) => true,
        _ => false,
    }
}

/// A call of the aggregate that refuses a second row.
fn single_of(expr: Expr) -> DfResult<Expr> {
    let aggregate = lw_functions::all()
        .aggregate
        .get("__single")
        .ok_or_else(|| DataFusionError::Internal("no function __single".into()))?;
    Ok(Expr::AggregateFunction(AggregateFunction::new_udf(
        aggregate.clone(),
        vec![expr],
        false,
        None,
        Vec::new(),
        None,
    )))
}

fn single(subquery: Subquery) -> DfResult<Subquery> {
    let plan = subquery.subquery.as_ref().clone();
    let [column] = plan.schema().columns().try_into().map_err(|_| {
        DataFusionError::Plan("Scalar subquery should only return one column".into())
    })?;
    let name = column.name.clone();
    let value = single_of(Expr::Column(column))?.alias(name);
    let plan = LogicalPlanBuilder::from(plan)
        .aggregate(Vec::<Expr>::new(), vec![value])?
        .build()?;
    Ok(Subquery {
        subquery: Arc::new(plan),
        ..subquery
    })
}

/// Joins those subqueries of a projection or filter in that compare with the outer row by more
/// than equality.
fn joined(node: LogicalPlan) -> DfResult<Transformed<LogicalPlan>> {
    let (input, exprs) = match &node {
        LogicalPlan::Projection(p) => (p.input.clone(), p.expr.clone()),
        LogicalPlan::Filter(f) => (f.input.clone(), vec![f.predicate.clone()]),
        _ => return Ok(Transformed::no(node)),
    };
    let names = NamePreserver::new(&node);
    let original = input.schema().columns();
    let mut input = input.as_ref().clone();
    let mut count = 0;
    let mut rewritten = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let saved = names.save(&expr);
        let done = expr.transform_up(|e| match e {
            Expr::ScalarSubquery(subquery) if wanted(&subquery) => {
                match join_in(&input, &subquery, count)? {
                    Some((plan, value)) => {
                        input = plan;
                        count += 1;
                        Ok(Transformed::yes(value))
                    }
                    None => Ok(Transformed::no(Expr::ScalarSubquery(subquery))),
                }
            }
            other => Ok(Transformed::no(other)),
        })?;
        rewritten.push(saved.restore(done.data));
    }
    if count == 0 {
        return Ok(Transformed::no(node));
    }
    let input = Arc::new(input);
    let plan = match node {
        LogicalPlan::Projection(_) => {
            LogicalPlan::Projection(Projection::try_new(rewritten, input)?)
        }
        _ => {
            let predicate = rewritten.swap_remove(0);
            let filter = LogicalPlan::Filter(Filter::try_new(predicate, input)?);
            LogicalPlanBuilder::from(filter)
                .project(original.into_iter().map(Expr::Column))?
                .build()?
        }
    };
    Ok(Transformed::yes(plan))
}

/// The input with the subquery's value as a column more, and that column; `None` if DataFusion can
/// do it, or if the subquery is not a projection over a filter.
///
/// Each row of the input is numbered, joined with the subquery's rows, and gathered again by its
/// number.
fn join_in(
    input: &LogicalPlan,
    subquery: &Subquery,
    number: usize,
) -> DfResult<Option<(LogicalPlan, Expr)>> {
    let LogicalPlan::Projection(projection) = subquery.subquery.as_ref() else {
        return Ok(None);
    };
    let ([value], LogicalPlan::Filter(filter)) =
        (projection.expr.as_slice(), projection.input.as_ref())
    else {
        return Ok(None);
    };
    let inner = filter.input.as_ref();
    let conditions = split_conjunction(&filter.predicate);
    let only_equality = conditions.iter().all(|c| !refers_out(c) || is_equality(c));
    let clash = inner.schema().iter().any(|(q, f)| {
        input
            .schema()
            .has_column(&Column::new(q.cloned(), f.name()))
    });
    if only_equality && !refers_out(value) || clash || !inner.all_out_ref_exprs().is_empty() {
        return Ok(None);
    }
    let mut known = true;
    for column in subquery.outer_ref_columns.iter() {
        if let Expr::OuterReferenceColumn(_, c) = column {
            known &= input.schema().has_column(c);
        }
    }
    if !known {
        return Ok(None);
    }
    let (row, there, result) = (
        format!("__row_{number}"),
        format!("__there_{number}"),
        format!("__value_{number}"),
    );
    let numbered = LogicalPlanBuilder::from(input.clone())
        .window([row_number().alias(row)])?
        .build()?;
    let keys: Vec<Expr> = numbered
        .schema()
        .columns()
        .into_iter()
        .map(Expr::Column)
        .collect();
    let inner_columns = inner.schema().columns().into_iter().map(Expr::Column);
    let marked = LogicalPlanBuilder::from(inner.clone())
        .project(inner_columns.chain([lit(true).alias(there.clone())]))?
        .build()?;
    let conditions = conditions
        .into_iter()
        .map(|c| to_inner(c.clone()))
        .collect::<DfResult<Vec<_>>>()?;
    let value = to_inner(value.clone().unalias())?;
    let there = Expr::Column(Column::from_name(there));
    let value = when(there.is_true(), value).end()?;
    let plan = LogicalPlanBuilder::from(numbered)
        .join_on(marked, JoinType::Left, conditions)?
        .aggregate(keys, [single_of(value)?.alias(result.clone())])?
        .build()?;
    Ok(Some((plan, Expr::Column(Column::from_name(result)))))
}

/// The expression with the outer row's columns as columns of the join.
fn to_inner(expr: Expr) -> DfResult<Expr> {
    expr.transform_up(|e| match e {
        Expr::OuterReferenceColumn(_, column) => Ok(Transformed::yes(Expr::Column(column))),
        other => Ok(Transformed::no(other)),
    })
    .map(|t| t.data)
}

fn refers_out(expr: &Expr) -> bool {
    let mut found = false;
    let _ = expr.apply(|e| {
        found |= matches!(e, Expr::OuterReferenceColumn(..));
        Ok(if found {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    found
}

/// True for an equality of an outer with an inner value.
fn is_equality(condition: &Expr) -> bool {
    match condition {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Eq,
            right,
        }) => {
            let inner = |e: &Expr| !refers_out(e) && !e.column_refs().is_empty();
            (refers_out(left) && left.column_refs().is_empty() && inner(right))
                || (refers_out(right) && right.column_refs().is_empty() && inner(left))
        }
        _ => false,
    }
}
