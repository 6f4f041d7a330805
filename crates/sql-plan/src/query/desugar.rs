//! Special forms of SQL become calls of functions, and literals get their types, so that every
//! rule about values is a function of `lw_functions`.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, Interval, ObjectName,
    TrimWhereField, TypedString, UnaryOperator, Value, ValueWithSpan,
};
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_pgrepr::types::{CHAR_MAX, VARCHAR_MAX};

use super::calls::calls;
use super::forms;
use super::types::sql_type;

/// A call of a function.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(function(name, args))
}

pub(super) fn function(name: &str, args: Vec<Expr>) -> Function {
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

pub(super) fn cast(expr: Expr, to: SqlType) -> Expr {
    call("__cast", vec![expr, text(to.to_string())])
}

pub(super) fn nested(expr: Expr) -> Box<Expr> {
    Box::new(Expr::Nested(Box::new(expr)))
}

pub(super) fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
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
    if let Expr::Value(literal) = &*expr
        && matches!(
            literal.value,
            Value::HexStringLiteral(_)
                | Value::SingleQuotedByteStringLiteral(_)
                | Value::DoubleQuotedByteStringLiteral(_)
        )
    {
        // Bits and bytes have no type here yet (VARBYTE).
        return Err(SqlError::unsupported("a literal of bits or bytes"));
    }
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

pub(super) fn typed(digits: &str, data_type: DataType) -> Expr {
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

pub(super) fn as_number(typed: &TypedString) -> Option<&str> {
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
