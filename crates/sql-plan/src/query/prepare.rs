//! The first step of planning a query: its AST is put into a form in which names are folded and
//! every select item has a name.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Fetch, GroupByExpr, Ident, JoinConstraint, JoinOperator, LimitClause, ObjectName,
    ObjectNamePart, OrderBy, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, TableAlias, TableFactor, TopQuantity,
    Value, VisitMut, VisitorMut, WindowType,
};
use lw_base::{Result, SqlError};

use super::desugar::{desugar, undo_number};
use super::{balance, names};

/// Prepares a query for planning.
pub(super) fn prepare(query: &mut Query, case_sensitive: bool) -> Result<()> {
    let mut visitor = Prepare { case_sensitive };
    match query.visit(&mut visitor) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Prepares an expression that stands alone (a default, a constant).
pub(super) fn prepare_expr(expr: &mut Expr, case_sensitive: bool) -> Result<()> {
    let mut visitor = Prepare { case_sensitive };
    match expr.visit(&mut visitor) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Folds an identifier as Redshift does: to lower case, quoted or not, unless the session says
/// that quoted ones keep their case.
pub fn fold(ident: &mut Ident, case_sensitive: bool) {
    if ident.quote_style.is_none() || !case_sensitive {
        ident.value = ident.value.to_lowercase();
    }
    // What follows takes the name as it is now.
    ident.quote_style = Some('"');
}

struct Prepare {
    case_sensitive: bool,
}

impl Prepare {
    fn ident(&self, ident: &mut Ident) {
        fold(ident, self.case_sensitive);
    }

    fn object(&self, name: &mut ObjectName) {
        for part in &mut name.0 {
            if let ObjectNamePart::Identifier(ident) = part {
                self.ident(ident);
            }
        }
    }

    fn alias(&self, alias: &mut Option<TableAlias>) {
        if let Some(alias) = alias {
            self.ident(&mut alias.name);
            for column in &mut alias.columns {
                self.ident(&mut column.name);
            }
        }
    }

    fn select_items(&self, select: &mut Select) {
        let mut taken: HashSet<String> = HashSet::new();
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let name = names::column_name(expr, self.case_sensitive);
                    let plain = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                    if plain && taken.insert(name.clone()) {
                        continue;
                    }
                    let alias = Ident::with_quote('"', unique(name, &mut taken));
                    *item = SelectItem::ExprWithAlias {
                        expr: expr.clone(),
                        alias,
                    };
                }
                SelectItem::ExprWithAlias { alias, .. } => {
                    let name = unique(alias.value.clone(), &mut taken);
                    alias.value = name;
                }
                _ => {}
            }
        }
    }
}

pub(super) fn unique(name: String, taken: &mut HashSet<String>) -> String {
    if taken.insert(name.clone()) {
        return name;
    }
    for n in 1.. {
        let candidate = format!("{name}{}{n}", names::UNIQUE);
        if taken.insert(candidate.clone()) {
            return candidate;
        }
    }
    name
}

impl VisitorMut for Prepare {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                self.ident(&mut cte.alias.name);
                for column in &mut cte.alias.columns {
                    self.ident(&mut column.name);
                }
            }
        }
        if let Err(error) = top_to_limit(query).and_then(|()| fetch_to_limit(query)) {
            return ControlFlow::Break(error);
        }
        minus_to_except(&mut query.body);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        for item in &mut select.projection {
            match item {
                SelectItem::ExprWithAlias { alias, .. } => self.ident(alias),
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => self.object(name),
                _ => {}
            }
        }
        for table in &mut select.from {
            for join in &mut table.joins {
                if let Some(JoinConstraint::Using(columns)) = constraint(&mut join.join_operator) {
                    columns.iter_mut().for_each(|c| self.object(c));
                }
            }
        }
        for window in &mut select.named_window {
            self.ident(&mut window.0);
        }
        self.select_items(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        if let GroupByExpr::Expressions(exprs, _) = &mut select.group_by {
            exprs.iter_mut().for_each(undo_number);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        if let Some(OrderBy {
            kind: OrderByKind::Expressions(exprs),
            ..
        }) = &mut query.order_by
        {
            exprs.iter_mut().for_each(|e| undo_number(&mut e.expr));
        }
        plain_values(&mut query.body);
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limit.iter_mut().for_each(undo_number);
                offset.iter_mut().for_each(|o| undo_number(&mut o.value));
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                undo_number(offset);
                undo_number(limit);
            }
            None => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        match desugar(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<SqlError> {
        self.object(name);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<SqlError> {
        super::table_functions::prepare(table);
        match table {
            TableFactor::Table { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::NestedJoin { alias, .. }
            | TableFactor::Pivot { alias, .. }
            | TableFactor::Unpivot { alias, .. } => self.alias(alias),
            TableFactor::Derived { alias, .. } => self.alias(alias),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        balance::balance(expr);
        match expr {
            Expr::Identifier(ident) => self.ident(ident),
            Expr::CompoundIdentifier(idents) => idents.iter_mut().for_each(|i| self.ident(i)),
            Expr::QualifiedWildcard(name, _) => self.object(name),
            Expr::Function(function) => {
                if let Some(WindowType::NamedWindow(name)) = &mut function.over {
                    self.ident(name);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

pub(super) fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c) => Some(c),
        _ => None,
    }
}

/// `SELECT TOP n` is LIMIT n of its query.
fn top_to_limit(query: &mut Query) -> Result<()> {
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Ok(());
    };
    let Some(top) = select.top.take() else {
        return Ok(());
    };
    if top.with_ties || top.percent {
        return Err(SqlError::syntax("TOP takes a number of rows alone"));
    }
    if query.limit_clause.is_some() {
        return Err(SqlError::syntax("TOP and LIMIT cannot be used together"));
    }
    let limit = match top.quantity {
        Some(TopQuantity::Constant(n)) => Expr::value(Value::Number(n.to_string(), false)),
        Some(TopQuantity::Expr(expr)) => expr,
        None => return Err(SqlError::syntax("TOP needs a number of rows")),
    };
    query.limit_clause = Some(LimitClause::LimitOffset {
        limit: Some(limit),
        offset: None,
        limit_by: Vec::new(),
    });
    Ok(())
}

/// `FETCH FIRST n ROWS ONLY` is LIMIT n.
fn fetch_to_limit(query: &mut Query) -> Result<()> {
    let Some(Fetch {
        with_ties,
        percent,
        quantity,
    }) = query.fetch.take()
    else {
        return Ok(());
    };
    if with_ties || percent {
        return Err(SqlError::unsupported(
            "FETCH FIRST with PERCENT or WITH TIES",
        ));
    }
    let one = || Expr::value(Value::Number("1".into(), false));
    let rows = quantity.unwrap_or_else(one);
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => *limit = Some(rows),
        Some(LimitClause::OffsetCommaLimit { limit, .. }) => *limit = rows,
        none => {
            *none = Some(LimitClause::LimitOffset {
                limit: Some(rows),
                offset: None,
                limit_by: Vec::new(),
            });
        }
    }
    Ok(())
}

/// MINUS is EXCEPT.
fn minus_to_except(body: &mut SetExpr) {
    if let SetExpr::SetOperation {
        left, op, right, ..
    } = body
    {
        if *op == SetOperator::Minus {
            *op = SetOperator::Except;
        }
        minus_to_except(left);
        minus_to_except(right);
    }
}

/// Rows of VALUES must agree in their fields' metadata: a value that is computed drops its own.
fn plain_values(body: &mut SetExpr) {
    match body {
        SetExpr::Values(values) => {
            for cell in values.rows.iter_mut().flat_map(|row| row.iter_mut()) {
                if !matches!(cell, Expr::Value(_) | Expr::TypedString(_)) {
                    let value = std::mem::replace(cell, Expr::value(Value::Null));
                    *cell = super::desugar::call("__plain", vec![value]);
                }
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            plain_values(left);
            plain_values(right);
        }
        _ => {}
    }
}
