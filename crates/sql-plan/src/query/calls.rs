//! Calls of functions whose names, arguments or clauses Redshift has otherwise than the engine: each becomes
//! the call of one of `lw_functions`, or an expression.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, Ident, NullTreatment, ObjectName, OrderByExpr,
    Value, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowType,
};
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;

use super::desugar::{as_number, binary, call, cast, function, nested, text, typed, undo_number};

pub(super) fn plain_args(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    list.args
        .iter()
        .map(|a| match a {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
            _ => None,
        })
        .collect()
}

/// True for a function whose first argument names a date part.
pub(super) fn takes_part(name: &str) -> bool {
    matches!(
        name,
        "dateadd"
            | "date_add"
            | "datediff"
            | "date_diff"
            | "date_part"
            | "pgdate_part"
            | "date_trunc"
    )
}

/// The name of a function, without `pg_catalog`.
pub(super) fn simple_name(function: &Function) -> Option<String> {
    let parts = &function.name.0;
    match parts.as_slice() {
        [name] => Some(name.as_ident()?.value.to_lowercase()),
        [schema, name] if schema.as_ident()?.value.eq_ignore_ascii_case("pg_catalog") => {
            Some(name.as_ident()?.value.to_lowercase())
        }
        _ => None,
    }
}

pub(super) fn calls(mut function: Function) -> Result<Expr> {
    let Some(name) = simple_name(&function) else {
        return Ok(Expr::Function(function));
    };
    let args = plain_args(&function).unwrap_or_default();
    let arity = |n: usize| -> Result<()> {
        if args.len() == n {
            return Ok(());
        }
        Err(SqlError::syntax(format!("{name} takes {n} arguments")))
    };
    Ok(match name.as_str() {
        "nvl" | "isnull" | "ifnull" => call("coalesce", args),
        // Of nothing: the engine would find out only while it runs.
        "first_value" | "last_value" | "nth_value" | "lag" | "lead" if args.is_empty() => {
            return Err(SqlError::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("function {name}() does not exist"),
            ));
        }
        // In a select list: one row per number.
        "generate_series" => call("unnest", vec![call("__generate_series", args)]),
        "nvl2" => {
            arity(3)?;
            let [a, b, c] = three(args);
            case(vec![(Expr::IsNotNull(nested(a)), b)], Some(c))
        }
        "nullif" => {
            arity(2)?;
            let (a, b) = two(args);
            let null = Expr::value(Value::Null);
            case(
                vec![(binary(a.clone(), BinaryOperator::Eq, b), null)],
                Some(a),
            )
        }
        "decode" if args.len() >= 3 && !is_encoding(&args) => decode(args),
        "mod" => {
            arity(2)?;
            let (a, b) = two(args);
            Expr::Nested(Box::new(binary(a, BinaryOperator::Modulo, b)))
        }
        "current_date" | "current_time" | "current_timestamp" | "localtime" | "localtimestamp"
        | "current_user" | "session_user" | "user" | "sysdate" | "current_user_id"
        | "current_catalog"
            if args.is_empty() =>
        {
            let over = function.over.take();
            let mut f = self::function(&name, Vec::new());
            f.over = over;
            Expr::Function(f)
        }
        n if takes_part(n) && !args.is_empty() => {
            let mut args = args;
            let part = match &args[0] {
                Expr::Identifier(ident) => Some(ident.value.clone()),
                Expr::Value(v) => v.value.clone().into_string(),
                _ => None,
            };
            if let Some(part) = part {
                args[0] = text(part.to_lowercase());
            }
            call(n, args)
        }
        "round" | "trunc" if args.len() == 2 => {
            let mut args = args;
            // A constant count of decimals is the result's scale: it goes as a plain literal.
            if let Expr::TypedString(t) = &args[1]
                && t.uses_odbc_syntax
                && let Some(digits) = as_number(t)
            {
                args[1] = text(digits.to_string());
            }
            call(&name, args)
        }
        "date_part_year" => call(
            "__extract",
            std::iter::once(text("year")).chain(args).collect(),
        ),
        "ratio_to_report" => {
            arity(1)?;
            let [x] = one(args);
            let mut sum = self::function("sum", vec![x.clone()]);
            sum.over = function.over.take();
            binary(
                cast(x, SqlType::Float8),
                BinaryOperator::Divide,
                cast(Expr::Function(sum), SqlType::Float8),
            )
        }
        "listagg" | "string_agg" => listagg(function)?,
        "percentile_cont" | "percentile_disc" | "approx_percentile_disc" => {
            percentile(&name, function)?
        }
        "median" => {
            let mut args = args;
            args.push(typed("0.5", DataType::Float8));
            let mut f = self::function("percentile_cont", args);
            f.over = function.over.take();
            f.filter = function.filter.take();
            Expr::Function(f)
        }
        _ => {
            undo_in_window(&mut function);
            Expr::Function(function)
        }
    })
}

fn one(args: Vec<Expr>) -> [Expr; 1] {
    let mut it = args.into_iter();
    [it.next().unwrap_or_else(null)]
}

fn two(args: Vec<Expr>) -> (Expr, Expr) {
    let mut it = args.into_iter();
    (
        it.next().unwrap_or_else(null),
        it.next().unwrap_or_else(null),
    )
}

fn three(args: Vec<Expr>) -> [Expr; 3] {
    let mut it = args.into_iter();
    [
        it.next().unwrap_or_else(null),
        it.next().unwrap_or_else(null),
        it.next().unwrap_or_else(null),
    ]
}

pub(super) fn null() -> Expr {
    Expr::value(Value::Null)
}

/// `decode(x, 'hex')` decodes bytes; it has two arguments.
fn is_encoding(args: &[Expr]) -> bool {
    args.len() == 2
}

/// DECODE(x, a, ra, b, rb, ..., default): NULL equals NULL.
fn decode(args: Vec<Expr>) -> Expr {
    let mut it = args.into_iter();
    let x = it.next().unwrap_or_else(null);
    let mut whens = Vec::new();
    let mut default = None;
    while let Some(search) = it.next() {
        let Some(result) = it.next() else {
            default = Some(search);
            break;
        };
        let literal = matches!(&search, Expr::Value(v) if v.value != Value::Null)
            || matches!(&search, Expr::TypedString(_));
        let is_null = matches!(&search, Expr::Value(v) if v.value == Value::Null);
        let condition = if literal {
            binary(x.clone(), BinaryOperator::Eq, search)
        } else if is_null {
            Expr::IsNull(nested(x.clone()))
        } else {
            binary(
                binary(x.clone(), BinaryOperator::Eq, search.clone()),
                BinaryOperator::Or,
                binary(
                    Expr::IsNull(nested(x.clone())),
                    BinaryOperator::And,
                    Expr::IsNull(nested(search)),
                ),
            )
        };
        whens.push((condition, result));
    }
    case(whens, default)
}

pub(super) fn case(whens: Vec<(Expr, Expr)>, default: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty(
        ),
        end_token: datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        operand: None,
        conditions: whens
            .into_iter()
            .map(|(condition, result)| CaseWhen { condition, result })
            .collect(),
        else_result: default.map(Box::new),
    }
}

/// The whole partition, for ordered aggregates used as window functions.
fn whole_partition() -> WindowFrame {
    WindowFrame {
        units: WindowFrameUnits::Rows,
        start_bound: WindowFrameBound::Preceding(None),
        end_bound: Some(WindowFrameBound::Following(None)),
    }
}

/// LISTAGG(x, ',') WITHIN GROUP (ORDER BY y) [OVER (PARTITION BY p)]
fn listagg(mut function: Function) -> Result<Expr> {
    let order = std::mem::take(&mut function.within_group);
    function.name = ObjectName::from(vec![Ident::new("listagg")]);
    let FunctionArguments::List(list) = &mut function.args else {
        return Err(SqlError::syntax("listagg needs an argument"));
    };
    if list.args.len() == 1 {
        list.args
            .push(FunctionArg::Unnamed(FunctionArgExpr::Expr(text(""))));
    }
    match &mut function.over {
        None => {
            if !order.is_empty() {
                list.clauses.push(FunctionArgumentClause::OrderBy(order));
            }
        }
        Some(WindowType::WindowSpec(spec)) => {
            if !order.is_empty() {
                spec.order_by = order;
            }
            spec.window_frame = Some(whole_partition());
        }
        Some(WindowType::NamedWindow(_)) => {
            return Err(SqlError::unsupported("LISTAGG over a named window"));
        }
    }
    Ok(Expr::Function(function))
}

/// PERCENTILE_CONT(p) WITHIN GROUP (ORDER BY x [DESC]) [OVER (PARTITION BY p)]
fn percentile(name: &str, mut function: Function) -> Result<Expr> {
    let order = std::mem::take(&mut function.within_group);
    let mut args = plain_args(&function).unwrap_or_default();
    let [OrderByExpr { expr, options, .. }] = order.as_slice() else {
        return Err(SqlError::syntax(format!(
            "{name} needs WITHIN GROUP (ORDER BY expression)"
        )));
    };
    if args.len() != 1 {
        return Err(SqlError::syntax(format!("{name} takes one argument")));
    }
    let mut fraction = cast(args.swap_remove(0), SqlType::Float8);
    if let Expr::Function(_) = &fraction
        && let Some(Expr::TypedString(t)) = plain_args(&function).and_then(|a| a.into_iter().next())
        && let Some(digits) = as_number(&t)
    {
        fraction = typed(digits, DataType::Float8);
    }
    let descending = options.asc == Some(false);
    let base = if name == "approx_percentile_disc" {
        "percentile_disc"
    } else {
        name
    };
    let target = if descending {
        format!("__{base}_desc")
    } else {
        base.to_string()
    };
    let mut f = self::function(&target, vec![expr.clone(), fraction]);
    f.over = function.over.take();
    f.filter = function.filter.take();
    if let Some(WindowType::WindowSpec(spec)) = &mut f.over {
        spec.window_frame = Some(whole_partition());
    }
    Ok(Expr::Function(f))
}

/// Bounds of window frames are counts of rows, offsets of LAG and the like plain integers.
pub(super) fn undo_in_window(function: &mut Function) {
    let Some(WindowType::WindowSpec(spec)) = &mut function.over else {
        return;
    };
    if let Some(frame) = &mut spec.window_frame {
        for bound in std::iter::once(&mut frame.start_bound).chain(frame.end_bound.as_mut()) {
            if let WindowFrameBound::Preceding(Some(e)) | WindowFrameBound::Following(Some(e)) =
                bound
            {
                undo_number(e);
            }
        }
    }
    // `IGNORE NULLS` inside the parentheses means the same as behind them.
    if let FunctionArguments::List(list) = &mut function.args {
        let mut found: Option<NullTreatment> = None;
        list.clauses.retain(|c| match c {
            FunctionArgumentClause::IgnoreOrRespectNulls(n) => {
                found = Some(*n);
                false
            }
            _ => true,
        });
        if found.is_some() {
            function.null_treatment = found;
        }
    }
}
