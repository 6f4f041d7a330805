//! Forms with which clients read the system catalogs: casts to `regclass` and its kin,
//! `ARRAY(subquery)`, subscripts, and scalar subqueries that are not aggregated.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Subquery};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::{
    self, DataType, Function, FunctionArg, FunctionArgExpr, FunctionArguments, JsonPath,
    JsonPathElem, Query, SelectItem, SetExpr,
};

use super::desugar::call;

/// The function a cast to an object-identifier type is, or, for a cast of such a value to text,
/// the function that gives its name.
pub(super) fn reg_cast(expr: &ast::Expr, data_type: &DataType) -> Option<&'static str> {
    let name = match data_type {
        DataType::Regclass => "regclass".to_string(),
        DataType::Custom(name, _) => name.0.last()?.as_ident()?.value.to_lowercase(),
        DataType::Text | DataType::Varchar(_) | DataType::CharacterVarying(_) => "text".to_string(),
        _ => return None,
    };
    match name.as_str() {
        "regclass" => Some("__regclass"),
        "regtype" => Some("__regtype"),
        "regproc" | "regprocedure" => Some("__regproc"),
        "text" | "varchar" => reg_name(expr),
        _ => None,
    }
}

/// The argument of that function: the value below the cast.
pub(super) fn reg_argument(expr: ast::Expr) -> ast::Expr {
    match reg_name(&expr) {
        Some(_) => first_argument(&expr).unwrap_or(expr),
        None => expr,
    }
}

/// The function that gives the name of an object whose id this expression is a cast to.
fn reg_name(expr: &ast::Expr) -> Option<&'static str> {
    let ast::Expr::Function(function) = expr else {
        return None;
    };
    match function.name.to_string().trim_matches('"') {
        "__regclass" => Some("__regclass_name"),
        "__regtype" => Some("__regtype_name"),
        _ => None,
    }
}

fn first_argument(expr: &ast::Expr) -> Option<ast::Expr> {
    let ast::Expr::Function(function) = expr else {
        return None;
    };
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.first()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
        _ => None,
    }
}

/// In the columns a client is to see, an object's id that was cast to `regclass` or `regtype`
/// shows as its name.
pub(super) fn show_names(query: &mut Query) {
    show_names_in(&mut query.body);
}

fn show_names_in(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => {
            for item in &mut select.projection {
                if let SelectItem::ExprWithAlias { expr, .. } = item
                    && let Some(name) = reg_name(expr)
                    && let Some(argument) = first_argument(expr)
                {
                    *expr = call(name, vec![argument]);
                }
            }
        }
        SetExpr::Query(query) => show_names(query),
        SetExpr::SetOperation { left, right, .. } => {
            show_names_in(left);
            show_names_in(right);
        }
        _ => {}
    }
}

/// `ARRAY(SELECT x ...)`: the rows of the subquery gathered by an aggregate.
pub(super) fn array_of_rows(function: &Function) -> Option<ast::Expr> {
    let FunctionArguments::Subquery(query) = &function.args else {
        return None;
    };
    if !function
        .name
        .to_string()
        .trim_matches('"')
        .eq_ignore_ascii_case("array")
    {
        return None;
    }
    let mut query = query.clone();
    let order = query.order_by.take();
    let SetExpr::Select(select) = query.body.as_mut() else {
        return None;
    };
    let [item] = select.projection.as_mut_slice() else {
        return None;
    };
    let expr = match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => expr,
        _ => return None,
    };
    let mut gathered = call("__array", vec![expr.clone()]);
    if let (ast::Expr::Function(f), Some(order)) = (&mut gathered, order)
        && let FunctionArguments::List(list) = &mut f.args
        && let ast::OrderByKind::Expressions(by) = order.kind
    {
        list.clauses.push(ast::FunctionArgumentClause::OrderBy(by));
    }
    *expr = gathered;
    Some(call("__array_or_empty", vec![ast::Expr::Subquery(query)]))
}

/// The index of `array[n]`.
pub(super) fn subscript(path: &JsonPath) -> Option<ast::Expr> {
    match path.path.as_slice() {
        [JsonPathElem::Bracket { key }] => Some(key.clone()),
        _ => None,
    }
}

/// A correlated scalar subquery is joined in, which DataFusion does only if it is an aggregate of
/// all its rows: others become one, of an aggregate that refuses a second row.
#[derive(Debug)]
pub(super) struct SingleRow;

impl AnalyzerRule for SingleRow {
    fn name(&self) -> &str {
        "single_row"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> DfResult<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            node.map_expressions(|expr| {
                expr.transform_up(|e| match e {
                    Expr::ScalarSubquery(subquery)
                        if !subquery.outer_ref_columns.is_empty()
                            && !is_single(&subquery.subquery) =>
                    {
                        Ok(Transformed::yes(Expr::ScalarSubquery(single(subquery)?)))
                    }
                    other => Ok(Transformed::no(other)),
                })
            })
        })
        .map(|t| t.data)
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
        // DataFusion's own way for these.
        LogicalPlan::Limit(_) => true,
        _ => false,
    }
}

fn single(subquery: Subquery) -> DfResult<Subquery> {
    let Some(aggregate) = lw_functions::all().aggregate.get("__single") else {
        return Ok(subquery);
    };
    let plan = subquery.subquery.as_ref().clone();
    let [column] = plan.schema().columns().try_into().map_err(|_| {
        datafusion::error::DataFusionError::Plan("subquery must return only one column".into())
    })?;
    let name = column.name.clone();
    let call = Expr::AggregateFunction(AggregateFunction::new_udf(
        aggregate.clone(),
        vec![Expr::Column(column)],
        false,
        None,
        Vec::new(),
        None,
    ));
    let plan = LogicalPlanBuilder::from(plan)
        .aggregate(Vec::<Expr>::new(), vec![call.alias(name)])?
        .build()?;
    Ok(Subquery {
        subquery: Arc::new(plan),
        ..subquery
    })
}
