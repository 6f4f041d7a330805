//! Forms with which clients read the system catalogs: casts to `regclass` and its kin,
//! `ARRAY(subquery)`, subscripts.

use datafusion::sql::sqlparser::ast::{
    self, DataType, Function, FunctionArg, FunctionArgExpr, FunctionArguments, JsonPath,
    JsonPathElem, Query, SelectItem, SetExpr,
};

use super::desugar::call;

/// The function a cast to an object-identifier type is, or, for a cast of such a value to text,
/// the function that gives its name.
pub(super) fn reg_cast(expr: &ast::Expr, data_type: &DataType) -> Option<&'static str> {
    let name = match data_type {
        DataType::Regclass => "regclass".to_string(),
        DataType::Custom(name, _) => name.0.last()?.as_ident()?.value.to_lowercase(),
        DataType::Text | DataType::Varchar(_) | DataType::CharacterVarying(_) => "text".to_string(),
        _ => return None,
    };
    match name.as_str() {
        "regclass" => Some("__regclass"),
        "regtype" => Some("__regtype"),
        "regproc" | "regprocedure" => Some("__regproc"),
        "text" | "varchar" => reg_name(expr),
        _ => None,
    }
}

/// The argument of that function: the value below the cast.
pub(super) fn reg_argument(expr: ast::Expr) -> ast::Expr {
    match reg_name(&expr) {
        Some(_) => first_argument(&expr).unwrap_or(expr),
        None => expr,
    }
}

/// The function that gives the name of an object whose id this expression is a cast to.
fn reg_name(expr: &ast::Expr) -> Option<&'static str> {
    let ast::Expr::Function(function) = expr else {
        return None;
    };
    match function.name.to_string().trim_matches('"') {
        "__regclass" => Some("__regclass_name"),
        "__regtype" => Some("__regtype_name"),
        _ => None,
    }
}

fn first_argument(expr: &ast::Expr) -> Option<ast::Expr> {
    let ast::Expr::Function(function) = expr else {
        return None;
    };
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.first()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
        _ => None,
    }
}

/// In the columns a client is to see, an object's id that was cast to `regclass` or `regtype`
/// shows as its name.
pub(super) fn show_names(query: &mut Query) {
    show_names_in(&mut query.body);
}

fn show_names_in(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => {
            for item in &mut select.projection {
                if let SelectItem::ExprWithAlias { expr, .. } = item
                    && let Some(name) = reg_name(expr)
                    && let Some(argument) = first_argument(expr)
                {
                    *expr = call(name, vec![argument]);
                }
            }
        }
        SetExpr::Query(query) => show_names(query),
        SetExpr::SetOperation { left, right, .. } => {
            show_names_in(left);
            show_names_in(right);
        }
        _ => {}
    }
}

/// `ARRAY(SELECT x ...)`: the rows of the subquery gathered by an aggregate.
pub(super) fn array_of_rows(function: &Function) -> Option<ast::Expr> {
    let FunctionArguments::Subquery(query) = &function.args else {
        return None;
    };
    if !function
        .name
        .to_string()
        .trim_matches('"')
        .eq_ignore_ascii_case("array")
    {
        return None;
    }
    let mut query = query.clone();
    let order = query.order_by.take();
    let SetExpr::Select(select) = query.body.as_mut() else {
        return None;
    };
    let [item] = select.projection.as_mut_slice() else {
        return None;
    };
    let expr = match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => expr,
        _ => return None,
    };
    if let Some((prefix, array)) = prefixed_items(expr, &select.from) {
        return Some(call("__array_prefix", vec![prefix, array]));
    }
    let mut gathered = call("__array", vec![expr.clone()]);
    if let (ast::Expr::Function(f), Some(order)) = (&mut gathered, order)
        && let FunctionArguments::List(list) = &mut f.args
        && let ast::OrderByKind::Expressions(mut by) = order.kind
    {
        for item in &mut by {
            // A position: there is one column.
            if matches!(item.expr, ast::Expr::Value(_) | ast::Expr::TypedString(_)) {
                item.expr = expr.clone();
            }
        }
        list.clauses.push(ast::FunctionArgumentClause::OrderBy(by));
    }
    *expr = gathered;
    Some(call("__array_or_empty", vec![ast::Expr::Subquery(query)]))
}

/// The parts of `SELECT prefix || x FROM unnest(array) x`.
fn prefixed_items(
    expr: &ast::Expr,
    from: &[ast::TableWithJoins],
) -> Option<(ast::Expr, ast::Expr)> {
    let [ast::TableWithJoins { relation, joins }] = from else {
        return None;
    };
    let (name, array, alias) = match relation {
        ast::TableFactor::UNNEST {
            array_exprs, alias, ..
        } => ("unnest".to_string(), array_exprs.first()?.clone(), alias),
        ast::TableFactor::Table {
            name,
            args: Some(args),
            alias,
            ..
        } => match args.args.first()? {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => (
                name.0.last()?.as_ident()?.value.to_lowercase(),
                e.clone(),
                alias,
            ),
            _ => return None,
        },
        _ => return None,
    };
    let ast::Expr::BinaryOp {
        left,
        op: ast::BinaryOperator::StringConcat,
        right,
    } = expr
    else {
        return None;
    };
    let item = match right.as_ref() {
        ast::Expr::Identifier(ident) => ident,
        _ => return None,
    };
    let constant = matches!(left.as_ref(), ast::Expr::Value(_));
    let same = alias.as_ref()?.name.value == item.value;
    (name == "unnest" && joins.is_empty() && constant && same)
        .then(|| (left.as_ref().clone(), array))
}

/// The index of `array[n]`.
pub(super) fn subscript(path: &JsonPath) -> Option<ast::Expr> {
    match path.path.as_slice() {
        [JsonPathElem::Bracket { key }] => Some(key.clone()),
        _ => None,
    }
}
