//! Special forms of SQL become calls of functions, and literals get their types, so that every
//! rule about values is a function of `lw_functions`.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DataType, DateTimeField, Expr, Function,
    FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList, FunctionArguments,
    Ident, Interval, NullTreatment, ObjectName, OrderByExpr, TrimWhereField, TypedString,
    UnaryOperator, Value, ValueWithSpan, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowType,
};
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_pgrepr::types::{CHAR_MAX, VARCHAR_MAX};

use super::forms;
use super::types::sql_type;

/// A call of a function.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(function(name, args))
}

fn function(name: &str, args: Vec<Expr>) -> Function {
    Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args
                .into_iter()
                .map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e)))
                .collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

/// A string literal.
pub(super) fn text(s: impl Into<String>) -> Expr {
    Expr::value(Value::SingleQuotedString(s.into()))
}

fn cast(expr: Expr, to: SqlType) -> Expr {
    call("__cast", vec![expr, text(to.to_string())])
}

fn nested(expr: Expr) -> Box<Expr> {
    Box::new(Expr::Nested(Box::new(expr)))
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: nested(left),
        op,
        right: nested(right),
    }
}

fn not_if(negated: bool, expr: Expr) -> Expr {
    match negated {
        false => expr,
        true => Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: nested(expr),
        },
    }
}

/// Desugars one expression whose parts are done.
pub(super) fn desugar(expr: &mut Expr) -> Result<()> {
    // The expression is taken out and its replacement put back.
    let old = std::mem::replace(expr, Expr::value(Value::Null));
    *expr = rewritten(old)?;
    Ok(())
}

fn rewritten(expr: Expr) -> Result<Expr> {
    Ok(match expr {
        Expr::Value(ValueWithSpan {
            value: Value::Number(digits, _),
            ..
        }) => number(&digits)?,
        Expr::UnaryOp { op, expr } => unary(op, *expr),
        Expr::Cast {
            kind,
            expr,
            data_type,
            format,
            ..
        } => {
            if format.is_some() {
                return Err(SqlError::unsupported("CAST with FORMAT"));
            }
            let name = match kind {
                CastKind::TryCast | CastKind::SafeCast => "__try_cast",
                _ => "__cast",
            };
            cast_to(name, *expr, &data_type)?
        }
        Expr::Convert {
            expr,
            data_type: Some(data_type),
            ..
        } => cast_to("__cast", *expr, &data_type)?,
        Expr::TypedString(typed) if typed.uses_odbc_syntax && as_number(&typed).is_some() => {
            Expr::TypedString(typed)
        }
        Expr::TypedString(typed) => {
            let value = typed.value.value.into_string().unwrap_or_default();
            cast_to("__cast", text(value), &typed.data_type)?
        }
        Expr::Between {
            expr,
            negated,
            low,
            high,
        } => {
            let (a, b) = (*expr.clone(), *expr);
            let (low, high) = (*low, *high);
            let both = match negated {
                false => binary(
                    binary(a, BinaryOperator::GtEq, low),
                    BinaryOperator::And,
                    binary(b, BinaryOperator::LtEq, high),
                ),
                true => binary(
                    binary(a, BinaryOperator::Lt, low),
                    BinaryOperator::Or,
                    binary(b, BinaryOperator::Gt, high),
                ),
            };
            Expr::Nested(Box::new(both))
        }
        Expr::Like { any: true, .. } | Expr::ILike { any: true, .. } => {
            return Err(SqlError::unsupported("LIKE ANY"));
        }
        Expr::Like {
            negated,
            expr,
            pattern,
            escape_char: Some(escape),
            any,
        } => {
            let (pattern, plain) = escaped_pattern(*pattern, &escape)?;
            let _ = plain;
            Expr::Like {
                negated,
                any,
                expr,
                pattern: Box::new(pattern),
                escape_char: None,
            }
        }
        Expr::ILike {
            negated,
            expr,
            pattern,
            escape_char: Some(escape),
            any,
        } => {
            let (pattern, _) = escaped_pattern(*pattern, &escape)?;
            Expr::ILike {
                negated,
                any,
                expr,
                pattern: Box::new(pattern),
                escape_char: None,
            }
        }
        Expr::SimilarTo {
            negated,
            expr,
            pattern,
            escape_char,
        } => {
            let escape = escape_char
                .and_then(|v| v.value.into_string())
                .unwrap_or("\\".into());
            not_if(
                negated,
                call("__similar_to", vec![*expr, *pattern, text(escape)]),
            )
        }
        Expr::Extract { field, expr, .. } => {
            call("__extract", vec![text(part_name(&field)), *expr])
        }
        Expr::Interval(interval) => interval_literal(interval)?,
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } => {
            let mut args = vec![*expr];
            args.push(substring_from.map_or_else(|| int(1), |e| *e));
            args.extend(substring_for.map(|e| *e));
            call("substring", args)
        }
        Expr::Trim {
            expr,
            trim_where,
            trim_what,
            trim_characters,
        } => {
            let name = match trim_where {
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
                _ => "btrim",
            };
            let mut args = vec![*expr];
            args.extend(trim_what.map(|e| *e));
            args.extend(trim_characters.unwrap_or_default());
            call(name, args)
        }
        Expr::Position { expr, r#in } => call("strpos", vec![*r#in, *expr]),
        Expr::Overlay { .. } => return Err(SqlError::unsupported("OVERLAY")),
        Expr::Ceil {
            expr,
            field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
        } => call("ceil", vec![*expr]),
        Expr::Floor {
            expr,
            field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
        } => call("floor", vec![*expr]),
        Expr::AtTimeZone {
            timestamp,
            time_zone,
        } => call("timezone", vec![*time_zone, *timestamp]),
        Expr::Collate { expr, .. } => *expr,
        Expr::BinaryOp { left, op, right } => match (*left, *right) {
            (Expr::Tuple(a), Expr::Tuple(b)) => tuples(a, &op, b)?,
            (left, right) => Expr::BinaryOp {
                left: Box::new(left),
                op,
                right: Box::new(right),
            },
        },
        Expr::InList {
            expr,
            list,
            negated,
        } => match *expr {
            Expr::Tuple(parts) => {
                let mut any: Option<Expr> = None;
                for item in list {
                    let Expr::Tuple(item) = item else {
                        return Err(SqlError::syntax(
                            "a row is compared with a value that is none",
                        ));
                    };
                    let same = tuples(parts.clone(), &BinaryOperator::Eq, item)?;
                    any = Some(match any {
                        None => same,
                        Some(any) => binary(any, BinaryOperator::Or, same),
                    });
                }
                not_if(
                    negated,
                    any.unwrap_or_else(|| Expr::value(Value::Boolean(false))),
                )
            }
            expr => Expr::InList {
                expr: Box::new(expr),
                list,
                negated,
            },
        },
        Expr::InSubquery {
            expr,
            subquery,
            negated,
        } if matches!(expr.as_ref(), Expr::Tuple(_)) => match *expr {
            Expr::Tuple(parts) => super::exists::row_in_subquery(parts, *subquery, negated),
            other => other,
        },
        Expr::AnyOp {
            left,
            compare_op,
            right,
            ..
        } if matches!(right.as_ref(), Expr::Subquery(_)) => match *right {
            Expr::Subquery(q) => super::exists::quantified(*left, compare_op, *q, false),
            other => other,
        },
        Expr::AllOp {
            left,
            compare_op,
            right,
        } if matches!(right.as_ref(), Expr::Subquery(_)) => match *right {
            Expr::Subquery(q) => super::exists::quantified(*left, compare_op, *q, true),
            other => other,
        },
        Expr::Function(function) => match forms::array_of_rows(&function) {
            Some(array) => array,
            None => calls(function)?,
        },
        Expr::JsonAccess { value, path } => match forms::subscript(&path) {
            Some(index) => call("array_element", vec![*value, index]),
            None => Expr::JsonAccess { value, path },
        },
        other => other,
    })
}

pub(super) fn int(n: i64) -> Expr {
    typed(&n.to_string(), DataType::Int4(None))
}

fn typed(digits: &str, data_type: DataType) -> Expr {
    Expr::TypedString(TypedString {
        data_type,
        value: Value::SingleQuotedString(digits.to_string()).into(),
        // No text of SQL makes a number so: the mark of our own literals.
        uses_odbc_syntax: true,
    })
}

/// A number's literal: INTEGER, BIGINT or DECIMAL by its digits, DOUBLE PRECISION with an exponent.
fn number(digits: &str) -> Result<Expr> {
    let digits = digits.replace('_', "");
    if digits.contains(['e', 'E']) {
        return Ok(typed(&digits, DataType::Float8));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    if !digits.contains('.') {
        if digits.parse::<i32>().is_ok() {
            return Ok(typed(&digits, DataType::Int4(None)));
        }
        if digits.parse::<i64>().is_ok() {
            return Ok(typed(&digits, DataType::Int8(None)));
        }
    }
    let whole = whole.trim_start_matches('0').len().max(1) as u64;
    let scale = fraction.len() as i64;
    if whole as i64 + scale > 38 {
        return Ok(typed(&digits, DataType::Float8));
    }
    use datafusion::sql::sqlparser::ast::ExactNumberInfo;
    let info = ExactNumberInfo::PrecisionAndScale(whole + scale as u64, scale);
    Ok(typed(digits.trim_end_matches('.'), DataType::Decimal(info)))
}

fn as_number(typed: &TypedString) -> Option<&str> {
    match &typed.value.value {
        Value::SingleQuotedString(s) => Some(s),
        _ => None,
    }
}

/// Turns a number back into what it was: where a number is a place in a list or a count of rows.
pub(super) fn undo_number(expr: &mut Expr) {
    if let Expr::TypedString(t) = expr
        && t.uses_odbc_syntax
        && let Some(digits) = as_number(t)
    {
        *expr = Expr::value(Value::Number(digits.to_string(), false));
    }
}

fn unary(op: UnaryOperator, expr: Expr) -> Expr {
    match (op, expr) {
        (UnaryOperator::Minus, Expr::TypedString(t)) if t.uses_odbc_syntax => {
            let digits = as_number(&t).unwrap_or("0");
            let negated = match digits.strip_prefix('-') {
                Some(positive) => positive.to_string(),
                None => format!("-{digits}"),
            };
            typed(&negated, t.data_type)
        }
        (UnaryOperator::Minus, expr) => call("__negate", vec![expr]),
        (UnaryOperator::Plus, expr) => Expr::Nested(Box::new(expr)),
        (UnaryOperator::PGSquareRoot, expr) => call("sqrt", vec![expr]),
        (UnaryOperator::PGCubeRoot, expr) => call("cbrt", vec![expr]),
        (UnaryOperator::PGAbs, expr) => call("abs", vec![expr]),
        (UnaryOperator::BitwiseNot, expr) => call("__bitnot", vec![expr]),
        (op, expr) => Expr::UnaryOp {
            op,
            expr: Box::new(expr),
        },
    }
}

fn cast_to(name: &str, expr: Expr, data_type: &DataType) -> Result<Expr> {
    if let Some(name) = forms::reg_cast(&expr, data_type) {
        return Ok(call(name, vec![forms::reg_argument(expr)]));
    }
    let to = match (data_type, sql_type(data_type)?) {
        // Without a length, an expression's own is kept.
        (
            DataType::Varchar(None)
            | DataType::CharacterVarying(None)
            | DataType::CharVarying(None)
            | DataType::Nvarchar(None)
            | DataType::Text,
            _,
        ) => SqlType::Varchar(VARCHAR_MAX),
        (DataType::Char(None) | DataType::Character(None), _) => SqlType::Char(CHAR_MAX),
        (_, t) => t,
    };
    Ok(call(name, vec![expr, text(to.to_string())]))
}

/// A pattern with its own escape character becomes one with backslashes.
fn escaped_pattern(pattern: Expr, escape: &ValueWithSpan) -> Result<(Expr, bool)> {
    let escape = escape.value.clone().into_string().unwrap_or_default();
    let mut chars = escape.chars();
    let (escape, more) = (chars.next(), chars.next());
    if more.is_some() {
        return Err(
            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "invalid escape string")
                .with_hint("Escape string must be empty or one character."),
        );
    }
    let Expr::Value(ValueWithSpan { value, .. }) = &pattern else {
        let escape = escape.map(String::from).unwrap_or_default();
        return Ok((call("__like_pattern", vec![pattern, text(escape)]), false));
    };
    let Some(literal) = value.clone().into_string() else {
        return Ok((pattern, false));
    };
    Ok((
        text(lw_functions::regex::backslash_pattern(&literal, escape)),
        true,
    ))
}

fn part_name(field: &DateTimeField) -> String {
    match field {
        DateTimeField::Custom(ident) => ident.value.to_lowercase(),
        other => other.to_string().trim_matches('\'').to_lowercase(),
    }
}

fn interval_literal(interval: Interval) -> Result<Expr> {
    let value = match *interval.value {
        Expr::Value(v) => match v.value {
            Value::SingleQuotedString(s) => s,
            Value::Number(n, _) => n,
            other => return Err(SqlError::syntax(format!("interval {other} is no text"))),
        },
        Expr::TypedString(t) if t.uses_odbc_syntax => as_number(&t).unwrap_or_default().to_string(),
        // `interval (x + 1) day` is not SQL of Redshift's.
        other => {
            return Err(SqlError::syntax(format!(
                "an interval needs a text, not {other}"
            )));
        }
    };
    let mut unit = interval
        .leading_field
        .as_ref()
        .map(part_name)
        .unwrap_or_default();
    if let Some(last) = &interval.last_field {
        unit = format!("{unit} to {}", part_name(last));
    }
    Ok(call("__interval", vec![text(value), text(unit)]))
}

/// Comparison of two rows.
fn tuples(a: Vec<Expr>, op: &BinaryOperator, b: Vec<Expr>) -> Result<Expr> {
    if a.len() != b.len() {
        return Err(SqlError::syntax(
            "unequal number of entries in row expressions",
        ));
    }
    let joiner = match op {
        BinaryOperator::Eq => BinaryOperator::And,
        BinaryOperator::NotEq => BinaryOperator::Or,
        _ => return Err(SqlError::unsupported(format!("operator {op} between rows"))),
    };
    a.into_iter()
        .zip(b)
        .map(|(a, b)| binary(a, op.clone(), b))
        .reduce(|x, y| binary(x, joiner.clone(), y))
        .ok_or_else(|| SqlError::syntax("an empty row"))
}

fn plain_args(function: &Function) -> Option<Vec<Expr>> {
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
fn takes_part(name: &str) -> bool {
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

fn calls(mut function: Function) -> Result<Expr> {
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

fn null() -> Expr {
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
fn undo_in_window(function: &mut Function) {
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
