//! CASE, IN and LIKE: their parts get one type, by the same rules as operators. An analyzer rule,
//! and a function for the sides of operators, whose types must be known at once.

use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::{Case, InList, Like};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::BinaryOperator;
use lw_base::{SqlError, SqlState};
use lw_functions::cast::{Locale, Mode, cast_expr};
use lw_functions::df_error;
use lw_functions::func::{field_type, type_name};
use lw_functions::unify::common_type;
use lw_pgrepr::SqlType;

use super::operators::{Side, as_text, cast_or_fold, compare_sides, side};

/// Settles the types inside expressions of a whole plan.
#[derive(Debug)]
pub(super) struct Settle;

impl AnalyzerRule for Settle {
    fn name(&self) -> &str {
        "settle_types"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> DfResult<LogicalPlan> {
        let locale = locale(config);
        plan.transform_up_with_subqueries(|node| {
            let mut schema: DFSchema = merge_schema(&node.inputs());
            if let LogicalPlan::TableScan(scan) = &node {
                let source = DFSchema::try_from_qualified_schema(
                    scan.table_name.clone(),
                    &scan.source.schema(),
                )?;
                schema.merge(&source);
            }
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let saved = names.save(&expr);
                expr.transform_up(|e| settle_one(e, &schema, &locale))?
                    .map_data(|e| Ok(saved.restore(e)))
            })?
            .map_data(|n| n.recompute_schema())
        })
        .map(|t| t.data)
    }
}

/// The session's locale, from the engine's configuration.
pub(super) fn locale(config: &ConfigOptions) -> Locale {
    match lw_functions::session::session(config) {
        Ok(session) => Locale::of(session),
        Err(_) => Locale::default(),
    }
}

/// Settles the types inside one expression.
pub(super) fn settle_expr(expr: Expr, schema: &DFSchema) -> DfResult<Expr> {
    let locale = Locale::default();
    if !matches!(expr, Expr::Case(_) | Expr::Alias(_)) {
        return Ok(expr);
    }
    expr.transform_up(|e| match e {
        Expr::Case(_) => settle_one(e, schema, &locale),
        other => Ok(Transformed::no(other)),
    })
    .map(|t| t.data)
}

fn settle_one(expr: Expr, schema: &DFSchema, locale: &Locale) -> DfResult<Transformed<Expr>> {
    match expr {
        Expr::Case(case) => settle_case(case, schema, locale),
        Expr::InList(list) => settle_in(list, schema, locale),
        Expr::Like(like) => settle_like(like, schema, locale),
        other => Ok(Transformed::no(other)),
    }
}

fn type_of(expr: &Expr, schema: &DFSchema) -> DfResult<SqlType> {
    use datafusion::logical_expr::ExprSchemable;
    match expr {
        Expr::Placeholder(p) if p.field.is_none() => Ok(SqlType::Unknown),
        other => Ok(field_type(&other.to_field(schema)?.1)),
    }
}

fn settle_case(case: Case, schema: &DFSchema, locale: &Locale) -> DfResult<Transformed<Expr>> {
    let mut types = Vec::new();
    for (_, then) in &case.when_then_expr {
        types.push(type_of(then, schema)?);
    }
    if let Some(other) = &case.else_expr {
        types.push(type_of(other, schema)?);
    }
    let all_same =
        types.windows(2).all(|w| w[0] == w[1]) && types.first() != Some(&SqlType::Unknown);
    let operand_free = case.expr.is_none();
    if all_same && operand_free {
        return Ok(Transformed::no(Expr::Case(case)));
    }
    let Some(to) = common_type(&types) else {
        let names: Vec<String> = types.iter().map(|t| type_name(&t.arrow())).collect();
        return Err(df_error(SqlError::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "CASE types {} and {} cannot be matched",
                names[0],
                names.last().cloned().unwrap_or_default()
            ),
        )));
    };
    // A string of another length needs no cast.
    let cast = |expr: Expr, t: SqlType| -> DfResult<Expr> {
        if t == to || (t.is_string() && to.is_string() && !matches!(to, SqlType::Char(_))) {
            return Ok(expr);
        }
        let to = if to.is_string() { SqlType::Text } else { to };
        cast_or_fold(expr, t, to, locale).map_err(df_error)
    };
    let n = case.when_then_expr.len();
    let mut whens = Vec::with_capacity(n);
    for (i, (when, then)) in case.when_then_expr.into_iter().enumerate() {
        let when = match &case.expr {
            // CASE x WHEN y is x = y, whose sides are typed like an operator's.
            Some(operand) => {
                let left = side((**operand).clone(), schema)?;
                let right = side(*when, schema)?;
                let (l, r) =
                    compare_sides(locale, &BinaryOperator::Eq, left, right).map_err(df_error)?;
                l.eq(r)
            }
            None => *when,
        };
        whens.push((Box::new(when), Box::new(cast(*then, types[i])?)));
    }
    let other = match case.else_expr {
        Some(other) => Some(Box::new(cast(*other, types[n])?)),
        None => None,
    };
    Ok(Transformed::yes(Expr::Case(Case::new(None, whens, other))))
}

fn settle_in(list: InList, schema: &DFSchema, locale: &Locale) -> DfResult<Transformed<Expr>> {
    let t = type_of(&list.expr, schema)?;
    let mut types = Vec::with_capacity(list.list.len());
    for item in &list.list {
        types.push(type_of(item, schema)?);
    }
    if types.iter().all(|i| *i == t) && t != SqlType::Unknown {
        return Ok(Transformed::no(Expr::InList(list)));
    }
    let mut left = (*list.expr).clone();
    let mut items = Vec::with_capacity(list.list.len());
    for (item, item_type) in list.list.into_iter().zip(types) {
        let sides = (
            Side {
                expr: (*list.expr).clone(),
                t,
            },
            Side {
                expr: item,
                t: item_type,
            },
        );
        let (l, r) =
            compare_sides(locale, &BinaryOperator::Eq, sides.0, sides.1).map_err(df_error)?;
        left = l;
        items.push(r);
    }
    Ok(Transformed::yes(Expr::InList(InList::new(
        Box::new(left),
        items,
        list.negated,
    ))))
}

fn settle_like(like: Like, schema: &DFSchema, locale: &Locale) -> DfResult<Transformed<Expr>> {
    let (a, b) = (
        type_of(&like.expr, schema)?,
        type_of(&like.pattern, schema)?,
    );
    if a.is_string() && b.is_string() {
        return Ok(Transformed::no(Expr::Like(like)));
    }
    let expr = as_text(
        Side {
            expr: *like.expr,
            t: a,
        },
        locale,
    );
    let pattern = as_text(
        Side {
            expr: *like.pattern,
            t: b,
        },
        locale,
    );
    Ok(Transformed::yes(Expr::Like(Like::new(
        like.negated,
        Box::new(expr),
        Box::new(pattern),
        like.escape_char,
        like.case_insensitive,
    ))))
}

/// Implicit casts that type coercion put in and that Arrow does otherwise than Redshift are made
/// ours.
#[derive(Debug)]
pub(super) struct OurCasts;

impl AnalyzerRule for OurCasts {
    fn name(&self) -> &str {
        "our_casts"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> DfResult<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            let mut schema: DFSchema = merge_schema(&node.inputs());
            if let LogicalPlan::TableScan(scan) = &node {
                schema.merge(&DFSchema::try_from_qualified_schema(
                    scan.table_name.clone(),
                    &scan.source.schema(),
                )?);
            }
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let saved = names.save(&expr);
                expr.transform_up(|e| our_cast(e, &schema))?
                    .map_data(|e| Ok(saved.restore(e)))
            })?
            .map_data(|n| n.recompute_schema())
        })
        .map(|t| t.data)
    }
}

fn our_cast(expr: Expr, schema: &DFSchema) -> DfResult<Transformed<Expr>> {
    let Expr::Cast(cast) = &expr else {
        return Ok(Transformed::no(expr));
    };
    let from = type_of(&cast.expr, schema)?;
    let Some(to) = SqlType::of_field(&cast.field) else {
        return Ok(Transformed::no(expr));
    };
    let risky = match (from, to) {
        (SqlType::Unknown, t) => !t.is_string(),
        (f, t) if f.is_string() != t.is_string() => true,
        (
            SqlType::Float4 | SqlType::Float8 | SqlType::Numeric(..),
            SqlType::Int2 | SqlType::Int4 | SqlType::Int8,
        ) => true,
        (SqlType::Timestamp | SqlType::Date, SqlType::TimestampTz) => true,
        (SqlType::TimestampTz, SqlType::Timestamp | SqlType::Date) => true,
        _ => false,
    };
    let null = matches!(cast.expr.as_ref(), Expr::Literal(v, _) if v.is_null());
    // Arrow types we have no name for (a list) stay Arrow's business.
    if !risky
        || null
        || to.arrow() != *cast.field.data_type()
        || !lw_functions::cast::castable(from, to)
    {
        return Ok(Transformed::no(expr));
    }
    let Expr::Cast(cast) = expr else {
        return Ok(Transformed::no(expr));
    };
    let to = if to.is_string() { SqlType::Text } else { to };
    Ok(Transformed::yes(cast_expr(*cast.expr, to, Mode::Explicit)))
}
