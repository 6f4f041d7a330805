//! WHERE may name a column of the select list by its alias, as Redshift allows: where no column of
//! FROM has the name, the alias stands for its expression.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, Select, SelectItem, SetExpr, TableFactor, VisitMut, VisitorMut,
};

use crate::context::{PlanContext, QualifiedName, Resolved};

/// Replaces aliases in the WHERE clauses of a query whose names are folded.
pub(super) fn replace(query: &mut Query, ctx: &PlanContext) {
    let _ = query.visit(&mut Selects { ctx });
}

struct Selects<'a> {
    ctx: &'a PlanContext,
}

impl VisitorMut for Selects<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let Some(mut condition) = select.selection.take() else {
            return ControlFlow::Continue(());
        };
        if let Some(columns) = self.columns(select) {
            let aliases = select
                .projection
                .iter()
                .filter_map(|item| match item {
                    SelectItem::ExprWithAlias { expr, alias } => {
                        Some((alias.value.clone(), expr.clone()))
                    }
                    _ => None,
                })
                .filter(|(name, _)| !columns.contains(name))
                .collect();
            let _ = condition.visit(&mut Aliases { aliases, depth: 0 });
        }
        select.selection = Some(condition);
        ControlFlow::Continue(())
    }
}

impl Selects<'_> {
    /// The names of all columns of FROM, if they are known.
    fn columns(&self, select: &Select) -> Option<HashSet<String>> {
        let mut names = HashSet::new();
        for table in &select.from {
            names.extend(self.columns_of(&table.relation)?);
            for join in &table.joins {
                names.extend(self.columns_of(&join.relation)?);
            }
        }
        Some(names)
    }

    fn columns_of(&self, factor: &TableFactor) -> Option<Vec<String>> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let mut names = self.columns_of_table(name)?;
                // Some may be renamed: both names count as known.
                let renamed = alias.iter().flat_map(|a| &a.columns);
                names.extend(renamed.map(|c| c.name.value.clone()));
                Some(names)
            }
            // A function: its columns are named by the alias.
            TableFactor::Table {
                alias: Some(alias),
                args: Some(_),
                ..
            } if !alias.columns.is_empty() => {
                Some(alias.columns.iter().map(|c| c.name.value.clone()).collect())
            }
            TableFactor::Derived {
                subquery, alias, ..
            } if alias.as_ref().is_none_or(|a| a.columns.is_empty()) => {
                let SetExpr::Select(select) = subquery.body.as_ref() else {
                    return None;
                };
                select
                    .projection
                    .iter()
                    .map(|item| match item {
                        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
                        SelectItem::UnnamedExpr(Expr::Identifier(i)) => Some(i.value.clone()),
                        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                            parts.last().map(|i| i.value.clone())
                        }
                        _ => None,
                    })
                    .collect()
            }
            _ => None,
        }
    }

    fn columns_of_table(&self, name: &ObjectName) -> Option<Vec<String>> {
        let mut parts: Vec<String> = name
            .0
            .iter()
            .filter_map(|p| p.as_ident().map(|i| i.value.clone()))
            .collect();
        let qualified = QualifiedName {
            name: parts.pop()?,
            schema: parts.pop(),
            database: parts.pop(),
        };
        Some(match self.ctx.find(&qualified).ok()?? {
            Resolved::Relation(relation) if relation.columns.is_empty() => return None,
            Resolved::Relation(r) => r.columns.iter().map(|c| c.name.clone()).collect(),
            Resolved::System(r) => r.columns.iter().map(|(n, _)| n.to_string()).collect(),
        })
    }
}

struct Aliases {
    aliases: Vec<(String, Expr)>,
    /// Inside a subquery names are its own.
    depth: usize,
}

impl VisitorMut for Aliases {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(ident) = expr
            && self.depth == 0
            && let Some((_, value)) = self.aliases.iter().find(|(n, _)| *n == ident.value)
        {
            *expr = Expr::Nested(Box::new(value.clone()));
        }
        ControlFlow::Continue(())
    }
}
