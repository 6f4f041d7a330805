//! Names a select list gives are known further right in it: `SELECT a + 1 AS b, b * 2`. A column of
//! that name wins; so this is tried once the planner has said that there is none.

use std::ops::ControlFlow;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast::{
    Expr, Query, Select, SelectItem, VisitMut, VisitorMut, visit_expressions,
};
use lw_base::{Result, SqlError, SqlState};

/// How many names are tried before an error is believed.
pub(super) const ROUNDS: usize = 64;

/// The name of the column an error misses, if it was written without a table.
pub(super) fn missing_name(error: &DataFusionError) -> Option<String> {
    match error {
        DataFusionError::SchemaError(inner, _) => match inner.as_ref() {
            SchemaError::FieldNotFound { field, .. } if field.relation.is_none() => {
                Some(field.name.clone())
            }
            _ => None,
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            missing_name(inner)
        }
        DataFusionError::Collection(errors) => errors.iter().find_map(missing_name),
        DataFusionError::Shared(inner) => missing_name(inner),
        _ => None,
    }
}

/// How many expressions all substitutions of a query may add together. Names that stand for names
/// twice over (`a + a AS b, b + b AS c`, ...) would double them each time.
pub(super) const BUDGET: usize = 20_000;

/// Puts the expression a name stands for in its place, in the items to its right. False if that
/// changed nothing. What is added comes off the budget; past it the statement is refused (54001).
pub(super) fn substitute(query: &mut Query, name: &str, budget: &mut usize) -> Result<bool> {
    let mut visitor = Substitute {
        name,
        changed: false,
        budget,
    };
    match query.visit(&mut visitor) {
        ControlFlow::Break(()) => Err(SqlError::new(
            SqlState("54001"),
            "names of the select list stand for too large expressions",
        )
        .with_hint("Compute them in a subquery or a common table expression.")),
        ControlFlow::Continue(()) => Ok(visitor.changed),
    }
}

struct Substitute<'a> {
    name: &'a str,
    changed: bool,
    budget: &'a mut usize,
}

/// How many expressions are in one.
fn size(expr: &Expr) -> usize {
    let mut count = 0;
    let _ = visit_expressions(expr, |_| {
        count += 1;
        ControlFlow::<()>::Continue(())
    });
    count
}

impl VisitorMut for Substitute<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut meaning: Option<Expr> = None;
        for item in &mut select.projection {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item
            else {
                continue;
            };
            if let Some(meaning) = &meaning {
                let mut replace = Replace {
                    name: self.name,
                    with: meaning,
                    size: size(meaning),
                    changed: false,
                    budget: self.budget,
                };
                expr.visit(&mut replace)?;
                self.changed |= replace.changed;
            }
            if meaning.is_none()
                && let SelectItem::ExprWithAlias { expr, alias } = item
                && alias.value == self.name
                && !mentions(expr, self.name)
            {
                meaning = Some(expr.clone());
            }
        }
        ControlFlow::Continue(())
    }
}

/// True if the expression has a column of this name itself: putting it in its own place would never end.
fn mentions(expr: &Expr, name: &str) -> bool {
    let mut found = false;
    let _ = visit_expressions(expr, |e| {
        found |= matches!(e, Expr::Identifier(i) if i.value == name);
        ControlFlow::<()>::Continue(())
    });
    found
}

struct Replace<'a> {
    name: &'a str,
    with: &'a Expr,
    size: usize,
    changed: bool,
    budget: &'a mut usize,
}

impl VisitorMut for Replace<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Identifier(i) if i.value == self.name) {
            match self.budget.checked_sub(self.size) {
                Some(left) => *self.budget = left,
                None => return ControlFlow::Break(()),
            }
            *expr = Expr::Nested(Box::new(self.with.clone()));
            self.changed = true;
        }
        ControlFlow::Continue(())
    }
}
