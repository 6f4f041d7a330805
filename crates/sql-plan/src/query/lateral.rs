//! Names a select list gives are known further right in it: `SELECT a + 1 AS b, b * 2`. A column of
//! that name wins; so this is tried once the planner has said that there is none.

use std::ops::ControlFlow;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast::{Expr, Query, Select, SelectItem, VisitMut, VisitorMut};

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

/// Puts the expression a name stands for in its place, in the items to its right. False if that
/// changed nothing.
pub(super) fn substitute(query: &mut Query, name: &str) -> bool {
    let mut visitor = Substitute {
        name,
        changed: false,
    };
    let _ = query.visit(&mut visitor);
    visitor.changed
}

struct Substitute<'a> {
    name: &'a str,
    changed: bool,
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
                    changed: false,
                };
                let _ = expr.visit(&mut replace);
                self.changed |= replace.changed;
            }
            if meaning.is_none()
                && let SelectItem::ExprWithAlias { expr, alias } = item
                && alias.value == self.name
            {
                meaning = Some(expr.clone());
            }
        }
        ControlFlow::Continue(())
    }
}

struct Replace<'a> {
    name: &'a str,
    with: &'a Expr,
    changed: bool,
}

impl VisitorMut for Replace<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Identifier(i) if i.value == self.name) {
            *expr = Expr::Nested(Box::new(self.with.clone()));
            self.changed = true;
        }
        ControlFlow::Continue(())
    }
}
