//! EXISTS and IN (subquery) where the engine has no join for them: in a select list. There they
//! become counts.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, TableAlias,
    TableAliasColumnDef, TableFactor, TableWithJoins, Value, VisitMut, VisitorMut,
};
use lw_base::SqlError;

use super::desugar::{case, count_star, int};

/// Rewrites EXISTS in the items of a select list.
pub(super) fn in_select_list(select: &mut Select) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let mut visitor = Counts { depth: 0 };
            let _ = expr.visit(&mut visitor);
        }
    }
}

struct Counts {
    depth: usize,
}

impl VisitorMut for Counts {
    type Break = SqlError;

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<SqlError> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<SqlError> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        if let Expr::Exists { subquery, negated } = expr {
            let op = match negated {
                true => BinaryOperator::Eq,
                false => BinaryOperator::Gt,
            };
            let counted = count_of((**subquery).clone());
            *expr = Expr::Nested(Box::new(Expr::BinaryOp {
                left: Box::new(Expr::Subquery(Box::new(counted))),
                op,
                right: Box::new(int(0)),
            }));
        }
        if matches!(expr, Expr::InSubquery { expr, .. } if !matches!(expr.as_ref(), Expr::Tuple(_)))
            && let Expr::InSubquery {
                expr: value,
                subquery,
                negated,
            } = std::mem::replace(expr, int(0))
        {
            *expr = membership(*value, *subquery, negated);
        }
        ControlFlow::Continue(())
    }
}

/// `x IN (SELECT y ...)` by counting, with SQL's three values: true if some y is x; else false if
/// there is no row at all; else NULL if x or some y is NULL.
fn membership(value: Expr, subquery: Query, negated: bool) -> Expr {
    let column = || {
        Expr::CompoundIdentifier(vec![
            Ident::with_quote('"', "__in"),
            Ident::with_quote('"', "__c0"),
        ])
    };
    let counted = |condition: Option<Expr>| {
        let item = SelectItem::ExprWithAlias {
            expr: count_star(),
            alias: Ident::with_quote('"', "count"),
        };
        let mut select = select_from(subquery.clone(), item);
        select.from = vec![TableWithJoins {
            relation: derived(subquery.clone(), "__in", &["__c0".to_string()]),
            joins: Vec::new(),
        }];
        select.selection = condition;
        let mut outer = subquery.clone();
        outer.with = None;
        outer.order_by = None;
        outer.limit_clause = None;
        outer.body = Box::new(SetExpr::Select(Box::new(select)));
        Expr::Subquery(Box::new(outer))
    };
    let is = |left: Expr, op: BinaryOperator, right: Expr| Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    };
    let value = Expr::Nested(Box::new(value));
    let same = is(column(), BinaryOperator::Eq, value.clone());
    let truth = |b: bool| Expr::value(Value::Boolean(b != negated));
    let null = || Expr::value(Value::Null);
    case(
        vec![
            (
                is(counted(Some(same)), BinaryOperator::Gt, int(0)),
                truth(true),
            ),
            (is(counted(None), BinaryOperator::Eq, int(0)), truth(false)),
            (Expr::IsNull(Box::new(value)), null()),
            (
                is(
                    counted(Some(Expr::IsNull(Box::new(column())))),
                    BinaryOperator::Gt,
                    int(0),
                ),
                null(),
            ),
        ],
        Some(truth(false)),
    )
}

/// The query that counts the rows of another.
fn count_of(mut query: Query) -> Query {
    let plain = match query.body.as_ref() {
        SetExpr::Select(s) => {
            let no_groups = matches!(&s.group_by, GroupByExpr::Expressions(e, _) if e.is_empty());
            no_groups
                && s.having.is_none()
                && s.distinct.is_none()
                && s.qualify.is_none()
                && s.projection.iter().all(no_aggregate)
        }
        _ => false,
    };
    let plain = plain && query.limit_clause.is_none();
    let count = SelectItem::ExprWithAlias {
        expr: count_star(),
        alias: Ident::with_quote('"', "count"),
    };
    if let SetExpr::Select(select) = query.body.as_mut()
        && plain
    {
        select.projection = vec![count];
        query.order_by = None;
        return query;
    }
    let mut outer = query.clone();
    outer.with = None;
    outer.order_by = None;
    outer.limit_clause = None;
    outer.body = Box::new(SetExpr::Select(Box::new(select_from(query, count))));
    outer
}

/// True unless an item may be an aggregate: whatever calls a function is taken for one.
fn no_aggregate(item: &SelectItem) -> bool {
    match item {
        SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => {
            !matches!(e, Expr::Function(_))
        }
        _ => true,
    }
}

fn select_from(query: Query, item: SelectItem) -> Select {
    Select {
        select_token:
            datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: vec![item],
        exclude: None,
        into: None,
        from: vec![TableWithJoins {
            relation: derived(query, "__exists", &[]),
            joins: Vec::new(),
        }],
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: datafusion::sql::sqlparser::ast::SelectFlavor::Standard,
    }
}

fn derived(query: Query, name: &str, columns: &[String]) -> TableFactor {
    TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query),
        alias: Some(TableAlias {
            explicit: true,
            name: Ident::with_quote('"', name),
            columns: columns
                .iter()
                .map(|c| TableAliasColumnDef {
                    name: Ident::with_quote('"', c),
                    data_type: None,
                })
                .collect(),
            at: None,
        }),
        sample: None,
    }
}

/// `(a, b) IN (SELECT x, y ...)` is an EXISTS over the subquery; its negation, which differs where
/// there are NULLs, is not rewritten.
pub(super) fn row_in_subquery(parts: Vec<Expr>, subquery: Query) -> Expr {
    let columns: Vec<String> = (0..parts.len()).map(|i| format!("__c{i}")).collect();
    let condition = parts
        .into_iter()
        .zip(&columns)
        .map(|(part, column)| Expr::BinaryOp {
            left: Box::new(Expr::CompoundIdentifier(vec![
                Ident::with_quote('"', "__in"),
                Ident::with_quote('"', column),
            ])),
            op: BinaryOperator::Eq,
            right: Box::new(Expr::Nested(Box::new(part))),
        })
        .reduce(|a, b| Expr::BinaryOp {
            left: Box::new(a),
            op: BinaryOperator::And,
            right: Box::new(b),
        });
    let mut outer = subquery.clone();
    let item = SelectItem::ExprWithAlias {
        expr: int(1),
        alias: Ident::with_quote('"', "one"),
    };
    let mut select = select_from(subquery.clone(), item);
    select.from = vec![TableWithJoins {
        relation: derived(subquery, "__in", &columns),
        joins: Vec::new(),
    }];
    select.selection = condition;
    outer.with = None;
    outer.order_by = None;
    outer.limit_clause = None;
    outer.body = Box::new(SetExpr::Select(Box::new(select)));
    Expr::Exists {
        subquery: Box::new(outer),
        negated: false,
    }
}

/// `x > ANY (SELECT y ...)`: some row compares so; `ALL`: none fails to.
pub(super) fn quantified(value: Expr, op: BinaryOperator, subquery: Query, all: bool) -> Expr {
    match (&op, all) {
        (BinaryOperator::Eq, false) | (BinaryOperator::NotEq, true) => {
            return Expr::InSubquery {
                expr: Box::new(value),
                subquery: Box::new(subquery),
                negated: all,
            };
        }
        _ => {}
    }
    let column = Expr::CompoundIdentifier(vec![
        Ident::with_quote('"', "__q"),
        Ident::with_quote('"', "__c0"),
    ]);
    let holds = Expr::BinaryOp {
        left: Box::new(Expr::Nested(Box::new(value))),
        op,
        right: Box::new(column),
    };
    let condition = match all {
        true => Expr::IsNotTrue(Box::new(Expr::Nested(Box::new(holds)))),
        false => holds,
    };
    let mut outer = subquery.clone();
    let item = SelectItem::ExprWithAlias {
        expr: int(1),
        alias: Ident::with_quote('"', "one"),
    };
    let mut select = select_from(subquery.clone(), item);
    select.from = vec![TableWithJoins {
        relation: derived(subquery, "__q", &["__c0".to_string()]),
        joins: Vec::new(),
    }];
    select.selection = Some(condition);
    outer.with = None;
    outer.order_by = None;
    outer.limit_clause = None;
    outer.body = Box::new(SetExpr::Select(Box::new(select)));
    Expr::Exists {
        subquery: Box::new(outer),
        negated: all,
    }
}
