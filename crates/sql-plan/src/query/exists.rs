//! Comparisons with the rows of a subquery that have no form of their own in the engine become EXISTS:
//! `(a, b) IN (SELECT ...)`, `x > ANY (SELECT ...)`.

use super::desugar::int;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, TableAlias,
    TableAliasColumnDef, TableFactor, TableWithJoins,
};

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

/// `(a, b) IN (SELECT x, y ...)` is an EXISTS over the subquery. NOT IN holds if no row compares equal
/// or, because of NULLs, unknown.
pub(super) fn row_in_subquery(parts: Vec<Expr>, subquery: Query, negated: bool) -> Expr {
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
    let condition = match negated {
        true => condition.map(|c| Expr::IsNotFalse(Box::new(Expr::Nested(Box::new(c))))),
        false => condition,
    };
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
        negated,
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
