//! What joins by name (USING, NATURAL) merge: `SELECT *` shows a merged column once and first, and its
//! name alone means the value of either side, which for RIGHT and FULL joins is not the left one.
//! A wildcard beside a column it also gives is written out, so that each output has a name of its own.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Cte, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, OrderByKind, Query,
    Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor,
    TableWithJoins, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::desugar::call;
use super::names;
use crate::context::{PlanContext, QualifiedName, Resolved};

/// Writes merged columns out in a query whose names are folded. What it cannot see through stays as
/// it is.
pub(super) fn write_out(query: &mut Query, ctx: &PlanContext) {
    let mut ctes = Ctes::default();
    let _ = query.visit(&mut ctes);
    let _ = query.visit(&mut Merge {
        ctx,
        ctes: ctes.found,
        merged: HashMap::new(),
        depth: Cell::new(0),
    });
}

/// The WITH queries of a statement; `None` for a name that is given twice.
#[derive(Default)]
struct Ctes {
    found: HashMap<String, Option<Cte>>,
}

impl VisitorMut for Ctes {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|w| &w.cte_tables) {
            self.found
                .entry(cte.alias.name.value.clone())
                .and_modify(|known| *known = None)
                .or_insert_with(|| Some(cte.clone()));
        }
        ControlFlow::Continue(())
    }
}

/// A column of FROM: its name, and the expression that means it.
#[derive(Clone)]
struct Col {
    name: String,
    expr: Expr,
    /// It is not what the engine takes the bare name for: the first column of this name.
    special: bool,
}

struct Merge<'a> {
    ctx: &'a PlanContext,
    ctes: HashMap<String, Option<Cte>>,
    /// What the last SELECT merged otherwise than the engine does, for the ORDER BY after it.
    merged: HashMap<String, Expr>,
    /// How deep in queries that read queries a name is looked for.
    depth: Cell<u32>,
}

impl VisitorMut for Merge<'_> {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.merged = self.select(select).unwrap_or_default();
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let merged = std::mem::take(&mut self.merged);
        let SetExpr::Select(select) = query.body.as_ref() else {
            return ControlFlow::Continue(());
        };
        let outputs: HashSet<String> = select.projection.iter().filter_map(name_of).collect();
        if let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(exprs) = &mut order.kind
        {
            let merged: HashMap<String, Expr> = merged
                .into_iter()
                .filter(|(n, _)| !outputs.contains(n))
                .collect();
            for e in exprs.iter_mut().filter(|_| !merged.is_empty()) {
                let _ = e.expr.visit(&mut Names {
                    merged: &merged,
                    depth: 0,
                });
            }
        }
        ControlFlow::Continue(())
    }
}

impl Merge<'_> {
    /// Rewrites a SELECT; gives the columns whose bare names mean something else than the engine
    /// would take them for. `None`: nothing was done.
    fn select(&self, select: &mut Select) -> Option<HashMap<String, Expr>> {
        let merges = select.from.iter().any(merges_columns);
        let wild = |i: &SelectItem| {
            matches!(
                i,
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
            )
        };
        let beside = select.projection.len() > 1 && select.projection.iter().any(wild);
        if !merges && !beside {
            return None;
        }
        let mut from = select.from.clone();
        let mut columns = Vec::new();
        for table in &mut from {
            columns.extend(self.joined(table)?);
        }
        let mut qualifiers = HashSet::new();
        for table in &from {
            for factor in
                std::iter::once(&table.relation).chain(table.joins.iter().map(|j| &j.relation))
            {
                if let Some(name) = qualifier(factor)
                    && !qualifiers.insert(name.value.clone())
                {
                    return None;
                }
            }
        }
        if merges || self.repeats(select, &from, &columns)? {
            let projection = self.expanded(&select.projection, &from, &columns)?;
            select.projection = projection;
        }
        let special: HashMap<String, Expr> = columns
            .iter()
            .filter(|c| c.special)
            .map(|c| (c.name.clone(), c.expr.clone()))
            .collect();
        if special.is_empty() {
            return Some(special);
        }
        for item in &mut select.projection {
            // A bare name keeps it.
            if let SelectItem::UnnamedExpr(Expr::Identifier(i)) = item
                && let Some(expr) = special.get(&i.value)
            {
                *item = SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: i.clone(),
                };
            }
        }
        select.from = Vec::new();
        let _ = select.visit(&mut Names {
            merged: &special,
            depth: 0,
        });
        select.from = from;
        Some(special)
    }

    /// The columns of a tree of joins, as `SELECT *` shows them. A join by name of what the engine
    /// cannot name becomes one by condition.
    fn joined(&self, table: &mut TableWithJoins) -> Option<Vec<Col>> {
        let mut left = self.factor(&mut table.relation)?;
        for join in &mut table.joins {
            let right = self.factor(&mut join.relation)?;
            let kind = match &join.join_operator {
                JoinOperator::Right(_) | JoinOperator::RightOuter(_) => Kind::Right,
                JoinOperator::FullOuter(_) => Kind::Full,
                JoinOperator::Join(_)
                | JoinOperator::Inner(_)
                | JoinOperator::Left(_)
                | JoinOperator::LeftOuter(_)
                | JoinOperator::CrossJoin(_) => Kind::Left,
                _ => return None,
            };
            let by = super::prepare::constraint(&mut join.join_operator);
            let shared: Vec<String> = match &by {
                Some(JoinConstraint::Using(columns)) => columns
                    .iter()
                    .map(|c| Some(c.0.last()?.as_ident()?.value.clone()))
                    .collect::<Option<_>>()?,
                Some(JoinConstraint::Natural) => {
                    let there = |c: &&Col| right.iter().any(|r| r.name == c.name);
                    left.iter().filter(there).map(|c| c.name.clone()).collect()
                }
                _ => Vec::new(),
            };
            let mut both = Vec::new();
            let mut conditions = Vec::new();
            let mut by_condition = false;
            for name in &shared {
                let (l, r) = (only(&left, name)?, only(&right, name)?);
                by_condition |= l.special || r.special;
                conditions.push(Expr::BinaryOp {
                    left: Box::new(l.expr.clone()),
                    op: BinaryOperator::Eq,
                    right: Box::new(r.expr.clone()),
                });
                both.push(match kind {
                    Kind::Left => l.clone(),
                    Kind::Right => Col {
                        special: true,
                        ..r.clone()
                    },
                    Kind::Full => Col {
                        name: name.clone(),
                        expr: call("coalesce", vec![l.expr.clone(), r.expr.clone()]),
                        special: true,
                    },
                });
            }
            if by_condition
                && let Some(by) = by
                && let Some(condition) = conditions.into_iter().reduce(|a, b| Expr::BinaryOp {
                    left: Box::new(a),
                    op: BinaryOperator::And,
                    right: Box::new(b),
                })
            {
                *by = JoinConstraint::On(condition);
                // The engine no longer knows that they are one.
                both.iter_mut().for_each(|c| c.special = true);
            }
            let rest = |c: &Col| !shared.contains(&c.name);
            both.extend(left.into_iter().filter(rest));
            both.extend(right.into_iter().filter(rest));
            left = both;
        }
        Some(left)
    }

    fn factor(&self, factor: &mut TableFactor) -> Option<Vec<Col>> {
        if let TableFactor::NestedJoin {
            table_with_joins,
            alias: None,
        } = factor
        {
            return self.joined(table_with_joins);
        }
        let qualifier = qualifier(factor)?.clone();
        let columns = self.columns_of(factor)?.into_iter().map(|name| Col {
            expr: Expr::CompoundIdentifier(vec![
                Ident::with_quote('"', qualifier.value.clone()),
                Ident::with_quote('"', name.clone()),
            ]),
            name,
            special: false,
        });
        Some(columns.collect())
    }

    /// The names of a table's columns, where they are known.
    fn columns_of(&self, factor: &TableFactor) -> Option<Vec<String>> {
        let (names, alias) = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => (self.columns_of_table(name)?, alias),
            TableFactor::Derived {
                subquery, alias, ..
            } => (self.columns_of_query(subquery)?, alias),
            _ => return None,
        };
        renamed(names, alias.as_ref())
    }

    /// The names a query's columns have, if they are known.
    fn columns_of_query(&self, query: &Query) -> Option<Vec<String>> {
        // A WITH query may read what has its own name, or go round.
        let depth = self.depth.get();
        if depth > 16 {
            return None;
        }
        self.depth.set(depth + 1);
        let names = self.columns_of_body(&query.body);
        self.depth.set(depth);
        names
    }

    fn columns_of_body(&self, body: &SetExpr) -> Option<Vec<String>> {
        let select = match body {
            SetExpr::Select(select) => select,
            SetExpr::SetOperation { left, .. } => return self.columns_of_body(left),
            SetExpr::Query(query) => return self.columns_of_query(query),
            _ => return None,
        };
        let mut names = Vec::new();
        for item in &select.projection {
            if let Some(name) = name_of(item) {
                names.push(name);
                continue;
            }
            let mut from = select.from.clone();
            let mut columns = Vec::new();
            for table in &mut from {
                columns.extend(self.joined(table)?);
            }
            let given = self.wildcard(item, &select.from, &columns)?;
            names.extend(given.into_iter().map(|c| c.name));
        }
        Some(names)
    }

    fn columns_of_table(&self, name: &ObjectName) -> Option<Vec<String>> {
        let mut parts: Vec<String> = name
            .0
            .iter()
            .map(|p| p.as_ident().map(|i| i.value.clone()))
            .collect::<Option<_>>()?;
        if let [name] = parts.as_slice()
            && let Some(cte) = self.ctes.get(name)
        {
            let cte = cte.as_ref()?;
            return renamed(self.columns_of_query(&cte.query)?, Some(&cte.alias));
        }
        let qualified = QualifiedName {
            name: parts.pop()?,
            schema: parts.pop(),
            database: parts.pop(),
        };
        match self.ctx.find(&qualified).ok()?? {
            Resolved::Relation(r) if !r.columns.is_empty() => {
                Some(r.columns.iter().map(|c| c.name.clone()).collect())
            }
            // System relations have columns that `*` leaves out; views without columns look later.
            _ => None,
        }
    }

    /// True if a wildcard gives a column that another item gives too.
    fn repeats(&self, select: &Select, from: &[TableWithJoins], columns: &[Col]) -> Option<bool> {
        let mut seen = HashSet::new();
        for item in &select.projection {
            let given: Vec<String> = match item {
                SelectItem::UnnamedExpr(Expr::Identifier(i)) => columns
                    .iter()
                    .filter(|c| c.name == i.value)
                    .map(|c| c.expr.to_string())
                    .collect(),
                SelectItem::UnnamedExpr(e @ Expr::CompoundIdentifier(_)) => vec![e.to_string()],
                SelectItem::ExprWithAlias { .. } | SelectItem::UnnamedExpr(_) => continue,
                wild => self
                    .wildcard(wild, from, columns)?
                    .iter()
                    .map(|c| c.expr.to_string())
                    .collect(),
            };
            for expr in given {
                if !seen.insert(expr) {
                    return Some(true);
                }
            }
        }
        Some(false)
    }

    /// The columns a wildcard stands for.
    fn wildcard(
        &self,
        item: &SelectItem,
        from: &[TableWithJoins],
        columns: &[Col],
    ) -> Option<Vec<Col>> {
        match item {
            SelectItem::Wildcard(options) if plain(options) => Some(columns.to_vec()),
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) if plain(options) => {
                let wanted = name.0.last()?.as_ident()?;
                let mut factors = from.iter().flat_map(|t| {
                    std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation))
                });
                let factor = factors
                    .find(|f| qualifier(f).is_some_and(|q| q.value == wanted.value))?
                    .clone();
                self.factor(&mut { factor })
            }
            _ => None,
        }
    }

    fn expanded(
        &self,
        items: &[SelectItem],
        from: &[TableWithJoins],
        columns: &[Col],
    ) -> Option<Vec<SelectItem>> {
        let mut taken: HashSet<String> = items.iter().filter_map(name_of).collect();
        let mut out = Vec::new();
        for item in items {
            if matches!(
                item,
                SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }
            ) {
                out.push(item.clone());
                continue;
            }
            for column in self.wildcard(item, from, columns)? {
                let simple = matches!(column.expr, Expr::CompoundIdentifier(_));
                let fresh = taken.insert(column.name.clone());
                if simple && fresh {
                    out.push(SelectItem::UnnamedExpr(column.expr));
                    continue;
                }
                let name = match fresh {
                    true => column.name,
                    false => super::prepare::unique(column.name, &mut taken),
                };
                out.push(SelectItem::ExprWithAlias {
                    expr: column.expr,
                    alias: Ident::with_quote('"', name),
                });
            }
        }
        Some(out)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Left,
    Right,
    Full,
}

fn merges_columns(table: &TableWithJoins) -> bool {
    let nested = |f: &TableFactor| match f {
        TableFactor::NestedJoin {
            table_with_joins, ..
        } => merges_columns(table_with_joins),
        _ => false,
    };
    nested(&table.relation)
        || table.joins.iter().any(|j| {
            nested(&j.relation)
                || matches!(
                    super::prepare::constraint(&mut j.join_operator.clone()),
                    Some(JoinConstraint::Using(_) | JoinConstraint::Natural)
                )
        })
}

/// The one column of a name; `None` if there are several or none.
fn only<'a>(columns: &'a [Col], name: &str) -> Option<&'a Col> {
    let mut found = columns.iter().filter(|c| c.name == name);
    found.next().filter(|_| found.next().is_none())
}

/// The name a table goes by.
fn qualifier(factor: &TableFactor) -> Option<&Ident> {
    match factor {
        TableFactor::Table { name, alias, .. } => match alias {
            Some(alias) => Some(&alias.name),
            None => name.0.last()?.as_ident(),
        },
        TableFactor::Derived { alias, .. } => alias.as_ref().map(|a| &a.name),
        _ => None,
    }
}

fn renamed(mut names: Vec<String>, alias: Option<&TableAlias>) -> Option<Vec<String>> {
    let new = alias.iter().flat_map(|a| &a.columns);
    for (i, column) in new.enumerate() {
        *names.get_mut(i)? = column.name.value.clone();
    }
    Some(names)
}

/// The name of a select item, if it is written there.
fn name_of(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(Expr::Identifier(i)) => Some(i.value.clone()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
            parts.last().map(|i| names::visible(&i.value).to_string())
        }
        _ => None,
    }
}

fn plain(options: &WildcardAdditionalOptions) -> bool {
    options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
        && options.opt_alias.is_none()
}

/// Puts what merged columns mean in the place of their bare names.
struct Names<'a> {
    merged: &'a HashMap<String, Expr>,
    /// Inside a subquery names are its own.
    depth: usize,
}

impl VisitorMut for Names<'_> {
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
            && let Some(value) = self.merged.get(&ident.value)
        {
            *expr = value.clone();
        }
        ControlFlow::Continue(())
    }
}
