//! Long rows of AND or OR become trees of even depth. The parser makes them lean to one side, as deep as
//! they are long, and planning looks into the parts of each part.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value};

/// Shorter rows stay as they are.
const LONG: usize = 32;

/// Balances the row that begins here. The order of its terms stays.
pub(super) fn balance(expr: &mut Expr) {
    let Expr::BinaryOp { op, .. } = &*expr else {
        return;
    };
    if !matches!(op, BinaryOperator::And | BinaryOperator::Or) {
        return;
    }
    let op = op.clone();
    if depth(expr, &op) < LONG {
        return;
    }
    let mut rest = std::mem::replace(expr, Expr::Value(Value::Null.with_empty_span()));
    let mut terms = Vec::new();
    let first = loop {
        match rest {
            Expr::BinaryOp {
                left,
                op: same,
                right,
            } if same == op => {
                terms.push(*right);
                rest = *left;
            }
            first => break first,
        }
    };
    terms.reverse();
    *expr = tree(first, terms, &op);
}

/// How far the row leans to the left.
fn depth(mut expr: &Expr, op: &BinaryOperator) -> usize {
    let mut depth = 0;
    while let Expr::BinaryOp {
        left, op: found, ..
    } = expr
        && found == op
    {
        depth += 1;
        expr = left;
    }
    depth
}

fn tree(first: Expr, mut others: Vec<Expr>, op: &BinaryOperator) -> Expr {
    if others.is_empty() {
        return first;
    }
    let mut second = others.split_off(others.len() / 2).into_iter();
    let Some(middle) = second.next() else {
        return first;
    };
    Expr::BinaryOp {
        left: Box::new(tree(first, others, op)),
        op: op.clone(),
        right: Box::new(tree(middle, second.collect(), op)),
    }
}
