//! What sqlparser's AST says otherwise than Redshift means it is put right here, once, so that
//! planning sees one form: `TOP n` as LIMIT, MINUS as EXCEPT, `^` as power, `CONVERT(type, x)` as a
//! cast, a bare date part as a string.

use std::ops::ControlFlow;

use lw_base::{SqlError, SqlState};
use sqlparser::ast::{
    BinaryOperator, CastKind, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, LimitClause,
    Query, SetExpr, SetOperator, Statement, TopQuantity, Value, VisitMut, VisitorMut,
};

/// Functions whose first argument is a date part, which may be written without quotes.
const DATE_PART_FIRST: &[&str] = &[
    "dateadd",
    "date_add",
    "datediff",
    "date_diff",
    "datepart",
    "date_part",
    "pgdate_part",
    "date_trunc",
    "date_part_year",
];

/// Rewrites a query.
pub(crate) fn query(query: &mut Query) -> Result<(), SqlError> {
    done(query.visit(&mut Rewriter))
}

/// Rewrites an expression.
pub(crate) fn expr(expr: &mut Expr) -> Result<(), SqlError> {
    done(expr.visit(&mut Rewriter))
}

/// Rewrites a statement.
pub(crate) fn statement(statement: &mut Statement) -> Result<(), SqlError> {
    done(statement.visit(&mut Rewriter))
}

fn done(flow: ControlFlow<SqlError>) -> Result<(), SqlError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        minus_is_except(&mut query.body);
        if let SetExpr::Select(select) = query.body.as_mut()
            && let Some(top) = select.top.take()
        {
            if query.limit_clause.is_some() {
                return ControlFlow::Break(SqlError::syntax("multiple LIMIT clauses not allowed"));
            }
            if top.percent || top.with_ties {
                return ControlFlow::Break(SqlError::unsupported("TOP ... PERCENT and WITH TIES"));
            }
            let limit = match top.quantity {
                Some(TopQuantity::Constant(n)) => {
                    Expr::Value(Value::Number(n.to_string(), false).into())
                }
                Some(TopQuantity::Expr(e)) => e,
                None => return ControlFlow::Break(SqlError::syntax("TOP needs a number")),
            };
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: Some(limit),
                offset: None,
                limit_by: vec![],
            });
        }
        if let Some(fetch) = &query.fetch
            && (fetch.percent || fetch.with_ties)
        {
            return ControlFlow::Break(SqlError::unsupported("FETCH ... PERCENT and WITH TIES"));
        }
        if query.locks.is_empty() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "SELECT FOR UPDATE is not supported",
            ))
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        match expr {
            Expr::BinaryOp { op, .. } if *op == BinaryOperator::BitwiseXor => {
                *op = BinaryOperator::PGExp;
            }
            Expr::Convert {
                is_try: false,
                expr: value,
                data_type: Some(data_type),
                charset: None,
                styles,
                ..
            } if styles.is_empty() => {
                *expr = Expr::Cast {
                    kind: CastKind::Cast,
                    expr: value.clone(),
                    data_type: data_type.clone(),
                    array: false,
                    format: None,
                };
            }
            Expr::Function(function) => {
                let takes_part = function
                    .name
                    .0
                    .last()
                    .and_then(|p| p.as_ident())
                    .is_some_and(|i| {
                        DATE_PART_FIRST
                            .iter()
                            .any(|f| i.value.eq_ignore_ascii_case(f))
                    });
                if takes_part && let FunctionArguments::List(list) = &mut function.args {
                    bare_part_is_string(list.args.first_mut());
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn bare_part_is_string(arg: Option<&mut FunctionArg>) {
    if let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) = arg
        && let Expr::Identifier(ident) = expr
    {
        let part = ident.value.to_lowercase();
        *expr = Expr::Value(Value::SingleQuotedString(part).with_empty_span());
    }
}

fn minus_is_except(body: &mut SetExpr) {
    let mut next = Some(body);
    while let Some(SetExpr::SetOperation {
        op, left, right, ..
    }) = next
    {
        if *op == SetOperator::Minus {
            *op = SetOperator::Except;
        }
        // The tree leans to the left; what stands on the right is shallow.
        minus_is_except(right);
        next = Some(left);
    }
}
