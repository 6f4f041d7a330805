//! How operators become expressions: the types of both sides decide, by Redshift's rules, which
//! implicit casts are made and which function computes.

use std::sync::Arc;

use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result as DfResult;
use datafusion::functions::core::planner::CoreFunctionPlanner;
use datafusion::functions_aggregate::planner::AggregateFunctionPlanner;
use datafusion::functions_window::planner::WindowFunctionPlanner;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};
use datafusion::sql::sqlparser::ast::BinaryOperator as Sql;
use lw_base::{Result, SqlError, SqlState};
use lw_functions::arith::{self, Op, as_decimal, decimal_result};
use lw_functions::cast::{Locale, Mode, cast_array, cast_expr};
use lw_functions::func::{field_type, type_name};
use lw_functions::unify::{is_int, is_number, wider_int};
use lw_functions::{df_error, sql_error};
use lw_pgrepr::SqlType;

use super::aggregates::Aggregates;

/// The planners, the first that answers wins.
pub(super) fn planners(locale: Locale) -> Vec<Arc<dyn ExprPlanner>> {
    vec![
        Arc::new(Operators { locale }),
        Arc::new(Aggregates),
        Arc::new(CoreFunctionPlanner::default()),
        // ARRAY[...]
        Arc::new(datafusion::functions_nested::planner::NestedFunctionPlanner),
        Arc::new(AggregateFunctionPlanner),
        Arc::new(WindowFunctionPlanner),
    ]
}

#[derive(Debug)]
struct Operators {
    locale: Locale,
}

impl ExprPlanner for Operators {
    fn plan_binary_op(
        &self,
        raw: RawBinaryExpr,
        schema: &DFSchema,
    ) -> DfResult<PlannerResult<RawBinaryExpr>> {
        let left = side(raw.left, schema)?;
        let right = side(raw.right, schema)?;
        let planned = self.plan(&raw.op, left, right).map_err(df_error)?;
        Ok(PlannerResult::Planned(planned))
    }
}

/// One side of an operator.
#[derive(Clone)]
pub(super) struct Side {
    pub expr: Expr,
    pub t: SqlType,
}

pub(super) fn side(expr: Expr, schema: &DFSchema) -> DfResult<Side> {
    let expr = super::settle::settle_expr(expr, schema)?;
    let t = match &expr {
        Expr::Placeholder(p) if p.field.is_none() => SqlType::Unknown,
        // Known without a look at their parts.
        Expr::BinaryExpr(b) if b.op.is_logic_operator() => SqlType::Bool,
        other => {
            let (_, field) = other.to_field(schema)?;
            field_type(&field)
        }
    };
    Ok(Side { expr, t })
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

fn is_array(t: SqlType) -> bool {
    use SqlType::*;
    matches!(
        t,
        Int2Array | Int4Array | OidArray | TextArray | NameArray | AclItemArray
    )
}

fn is_temporal(t: SqlType) -> bool {
    use SqlType::*;
    matches!(
        t,
        Date | Time | TimeTz | Timestamp | TimestampTz | IntervalDS | IntervalYM
    )
}

fn no_operator(op: &Sql, a: SqlType, b: SqlType) -> SqlError {
    let name = |t: SqlType| match t {
        SqlType::Unknown => "unknown".to_string(),
        t => type_name(&t.arrow()).replace(
            "character varying",
            if matches!(t, SqlType::Char(_)) {
                "character"
            } else {
                "character varying"
            },
        ),
    };
    SqlError::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("operator does not exist: {} {op} {}", name(a), name(b)),
    )
    .with_hint(
        "No operator matches the given name and argument type(s). You may need to add explicit type casts.",
    )
}

impl Operators {
    fn plan(&self, op: &Sql, left: Side, right: Side) -> Result<Expr> {
        match op {
            Sql::Plus => self.arithmetic(Op::Add, op, left, right),
            Sql::Minus => self.arithmetic(Op::Sub, op, left, right),
            Sql::Multiply => self.arithmetic(Op::Mul, op, left, right),
            Sql::Divide => self.arithmetic(Op::Div, op, left, right),
            Sql::Modulo => self.arithmetic(Op::Mod, op, left, right),
            Sql::Eq => self.comparison(Operator::Eq, op, left, right),
            Sql::NotEq => self.comparison(Operator::NotEq, op, left, right),
            Sql::Lt => self.comparison(Operator::Lt, op, left, right),
            Sql::LtEq => self.comparison(Operator::LtEq, op, left, right),
            Sql::Gt => self.comparison(Operator::Gt, op, left, right),
            Sql::GtEq => self.comparison(Operator::GtEq, op, left, right),
            Sql::And | Sql::Or => {
                let op = if *op == Sql::And {
                    Operator::And
                } else {
                    Operator::Or
                };
                let (l, r) = (self.boolean(left, op)?, self.boolean(right, op)?);
                Ok(binary(l, op, r))
            }
            Sql::StringConcat if is_array(left.t) || is_array(right.t) => {
                Ok(function("__array_cat")?.call(vec![left.expr, right.expr]))
            }
            Sql::StringConcat => {
                let (l, r) = (self.text(left), self.text(right));
                Ok(binary(l, Operator::StringConcat, r))
            }
            Sql::PGRegexMatch => self.regex(Operator::RegexMatch, left, right),
            Sql::PGRegexNotMatch => self.regex(Operator::RegexNotMatch, left, right),
            Sql::PGRegexIMatch => self.regex(Operator::RegexIMatch, left, right),
            Sql::PGRegexNotIMatch => self.regex(Operator::RegexNotIMatch, left, right),
            Sql::PGLikeMatch | Sql::PGILikeMatch | Sql::PGNotLikeMatch | Sql::PGNotILikeMatch => {
                let (l, r) = (self.text(left), self.text(right));
                let negated = matches!(op, Sql::PGNotLikeMatch | Sql::PGNotILikeMatch);
                let folded = matches!(op, Sql::PGILikeMatch | Sql::PGNotILikeMatch);
                Ok(Expr::Like(datafusion::logical_expr::Like::new(
                    negated,
                    Box::new(l),
                    Box::new(r),
                    None,
                    folded,
                )))
            }
            Sql::BitwiseAnd => self.bits(Operator::BitwiseAnd, op, left, right),
            Sql::BitwiseOr => self.bits(Operator::BitwiseOr, op, left, right),
            Sql::PGBitwiseXor | Sql::BitwiseXor if *op == Sql::PGBitwiseXor => {
                self.bits(Operator::BitwiseXor, op, left, right)
            }
            Sql::PGBitwiseShiftLeft => self.bits(Operator::BitwiseShiftLeft, op, left, right),
            Sql::PGBitwiseShiftRight => self.bits(Operator::BitwiseShiftRight, op, left, right),
            Sql::PGExp | Sql::BitwiseXor => {
                let f = |s: Side| self.cast_to(s, SqlType::Float8);
                let power = function("power")?;
                Ok(power.call(vec![f(left)?, f(right)?]))
            }
            Sql::PGCustomBinaryOperator(parts) => {
                let name = parts.last().map(String::as_str).unwrap_or_default();
                let plain = match name {
                    "=" => Sql::Eq,
                    "<>" | "!=" => Sql::NotEq,
                    "<" => Sql::Lt,
                    "<=" => Sql::LtEq,
                    ">" => Sql::Gt,
                    ">=" => Sql::GtEq,
                    "~" => Sql::PGRegexMatch,
                    "!~" => Sql::PGRegexNotMatch,
                    "~*" => Sql::PGRegexIMatch,
                    "!~*" => Sql::PGRegexNotIMatch,
                    "~~" => Sql::PGLikeMatch,
                    "!~~" => Sql::PGNotLikeMatch,
                    "~~*" => Sql::PGILikeMatch,
                    "||" => Sql::StringConcat,
                    "+" => Sql::Plus,
                    "-" => Sql::Minus,
                    "*" => Sql::Multiply,
                    "/" => Sql::Divide,
                    other => return Err(SqlError::unsupported(format!("operator {other}"))),
                };
                self.plan(&plain, left, right)
            }
            other => Err(SqlError::unsupported(format!("operator {other}"))),
        }
    }

    /// A bare literal or NULL read as a type now, so that its error comes now and the optimizer
    /// sees a constant; any other expression is cast when it runs.
    pub(super) fn cast_to(&self, s: Side, to: SqlType) -> Result<Expr> {
        if s.t == to || (s.t.arrow() == to.arrow() && s.t != SqlType::Unknown && !is_sized(to)) {
            return Ok(s.expr);
        }
        cast_or_fold(s.expr, s.t, to, &self.locale)
    }

    fn arithmetic(&self, op: Op, sql: &Sql, left: Side, right: Side) -> Result<Expr> {
        if is_temporal(left.t) || is_temporal(right.t) {
            return self.temporal(op, sql, left, right);
        }
        // A string in arithmetic is read as a number.
        let (left, right) = match (is_number(left.t), is_number(right.t)) {
            (true, false) if stringy(right.t) => {
                let to = number_for(left.t);
                let expr = self.cast_to(right, to)?;
                (left, Side { expr, t: to })
            }
            (false, true) if stringy(left.t) => {
                let to = number_for(right.t);
                let expr = self.cast_to(left, to)?;
                (Side { expr, t: to }, right)
            }
            (false, false) if left.t == SqlType::Unknown && right.t == SqlType::Unknown => {
                let both_null = is_null(&left.expr) || is_null(&right.expr);
                let params = is_param(&left.expr) || is_param(&right.expr);
                if !both_null && !params {
                    return Err(SqlError::new(
                        SqlState::AMBIGUOUS_FUNCTION,
                        format!("operator is not unique: unknown {sql} unknown"),
                    )
                    .with_hint("Could not choose a best candidate operator. You may need to add explicit type casts."));
                }
                let t = SqlType::Int4;
                let (l, r) = (self.cast_to(left, t)?, self.cast_to(right, t)?);
                (Side { expr: l, t }, Side { expr: r, t })
            }
            (true, true) => (left, right),
            _ => return Err(no_operator(sql, left.t, right.t)),
        };
        if is_int(left.t) && is_int(right.t) {
            let t = wider_int(left.t, right.t);
            let (l, r) = (self.cast_to(left, t)?, self.cast_to(right, t)?);
            return Ok(match op {
                // These cannot be wrong: the kernels fail by themselves.
                Op::Div => binary(l, Operator::Divide, r),
                Op::Mod => binary(l, Operator::Modulo, r),
                _ => arith::udf(op).call(vec![l, r]),
            });
        }
        if let (Some(a), Some(b)) = (as_decimal(left.t), as_decimal(right.t)) {
            return self.decimal(op, left, right, a, b);
        }
        let t = match (left.t, right.t) {
            (SqlType::Float4, SqlType::Float4) => SqlType::Float4,
            _ => SqlType::Float8,
        };
        let (l, r) = (self.cast_to(left, t)?, self.cast_to(right, t)?);
        Ok(match op {
            Op::Add => binary(l, Operator::Plus, r),
            Op::Sub => binary(l, Operator::Minus, r),
            Op::Mul => binary(l, Operator::Multiply, r),
            Op::Div | Op::Mod => arith::udf(op).call(vec![l, r]),
        })
    }

    fn decimal(&self, op: Op, left: Side, right: Side, a: (u8, i8), b: (u8, i8)) -> Result<Expr> {
        let l = self.cast_to(left, SqlType::Numeric(a.0, a.1))?;
        let r = self.cast_to(right, SqlType::Numeric(b.0, b.1))?;
        let (_, overflows) = decimal_result(op, a, b);
        // Where nothing can overflow, the engine's own operators give the same type and value.
        Ok(match op {
            Op::Add if !overflows => binary(l, Operator::Plus, r),
            Op::Sub if !overflows => binary(l, Operator::Minus, r),
            Op::Mul if !overflows => binary(l, Operator::Multiply, r),
            _ => arith::udf(op).call(vec![l, r]),
        })
    }

    fn temporal(&self, op: Op, sql: &Sql, left: Side, right: Side) -> Result<Expr> {
        use SqlType::*;
        let interval = |t| matches!(t, IntervalDS | IntervalYM);
        let moment = |t| matches!(t, Date | Timestamp | TimestampTz | Time | TimeTz);
        let call = |name: &str, a: Expr, b: Expr| Ok(function(name)?.call(vec![a, b]));
        match op {
            Op::Mul if interval(left.t) => {
                let r = self.cast_to(right, Float8)?;
                call("__interval_times", self.cast_to(left, IntervalDS)?, r)
            }
            Op::Mul if interval(right.t) => {
                let l = self.cast_to(left, Float8)?;
                call("__interval_times", self.cast_to(right, IntervalDS)?, l)
            }
            Op::Div if interval(left.t) => {
                let r = self.cast_to(right, Float8)?;
                call("__interval_div", self.cast_to(left, IntervalDS)?, r)
            }
            Op::Add => {
                // The moment first.
                let swap = !moment(left.t) && (moment(right.t) || interval(right.t))
                    || (left.t == Time && right.t == Date);
                let (m, by) = if swap { (right, left) } else { (left, right) };
                let by = match by.t {
                    Unknown => Side {
                        expr: self.cast_to(by, IntervalDS)?,
                        t: IntervalDS,
                    },
                    IntervalYM => Side {
                        expr: self.cast_to(by, IntervalDS)?,
                        t: IntervalDS,
                    },
                    _ => by,
                };
                let m = match m.t {
                    // DATE + INTERVAL is a timestamp.
                    Date if by.t == IntervalDS => Side {
                        expr: self.cast_to(m, Timestamp)?,
                        t: Timestamp,
                    },
                    IntervalYM => Side {
                        expr: self.cast_to(m, IntervalDS)?,
                        t: IntervalDS,
                    },
                    _ => m,
                };
                let fits = match (m.t, by.t) {
                    (Date, t) => is_int(t) || t == Time,
                    (_, IntervalDS) => true,
                    _ => false,
                };
                if !fits {
                    return Err(no_operator(sql, m.t, by.t));
                }
                call("__date_plus", m.expr, by.expr)
            }
            Op::Sub => {
                let (mut l, mut r) = (left, right);
                if l.t == Unknown {
                    l = Side {
                        expr: self.cast_to(l, r.t)?,
                        t: r.t,
                    };
                }
                if r.t == Unknown {
                    // `moment - '...'` is between moments, as in PostgreSQL, unless it reads as an
                    // interval only.
                    let as_moment = self.cast_to(r.clone(), l.t);
                    r = match as_moment {
                        Ok(expr) => Side { expr, t: l.t },
                        Err(_) => Side {
                            expr: self.cast_to(r, IntervalDS)?,
                            t: IntervalDS,
                        },
                    };
                }
                for s in [&mut l, &mut r] {
                    if s.t == IntervalYM {
                        *s = Side {
                            expr: self.cast_to(s.clone(), IntervalDS)?,
                            t: IntervalDS,
                        };
                    }
                }
                // DATE meets a timestamp or an interval as a timestamp.
                let up = match (l.t, r.t) {
                    (Date, Timestamp | IntervalDS) => Some((Timestamp, None)),
                    (Date, TimestampTz) => Some((TimestampTz, None)),
                    (Timestamp, TimestampTz) => Some((TimestampTz, None)),
                    (Timestamp, Date) => Some((Timestamp, Some(Timestamp))),
                    (TimestampTz, Date | Timestamp) => Some((TimestampTz, Some(TimestampTz))),
                    _ => None,
                };
                if let Some((to, other)) = up {
                    l = Side {
                        expr: self.cast_to(l, to)?,
                        t: to,
                    };
                    if let Some(other) = other {
                        r = Side {
                            expr: self.cast_to(r, other)?,
                            t: other,
                        };
                    }
                }
                let fits = match (l.t, r.t) {
                    (Date, t) => is_int(t) || t == Date,
                    (Timestamp | TimestampTz | Time | TimeTz | IntervalDS, IntervalDS) => true,
                    (a, b) => a == b && matches!(a, Timestamp | TimestampTz | Time),
                };
                if !fits {
                    return Err(no_operator(sql, l.t, r.t));
                }
                call("__date_minus", l.expr, r.expr)
            }
            _ => Err(no_operator(sql, left.t, right.t)),
        }
    }

    fn comparison(&self, op: Operator, sql: &Sql, left: Side, right: Side) -> Result<Expr> {
        let (l, r) = self.common(sql, left, right)?;
        Ok(binary(l, op, r))
    }

    /// Both sides as one type, for a comparison.
    pub(super) fn common(&self, sql: &Sql, left: Side, right: Side) -> Result<(Expr, Expr)> {
        compare_sides(&self.locale, sql, left, right)
    }

    fn boolean(&self, s: Side, op: Operator) -> Result<Expr> {
        match s.t {
            SqlType::Bool => Ok(s.expr),
            // Tools write WHERE 1 AND ...: an integer is true unless it is 0.
            SqlType::Unknown | SqlType::Int2 | SqlType::Int4 | SqlType::Int8 => {
                self.cast_to(s, SqlType::Bool)
            }
            other => Err(SqlError::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "argument of {op} must be type boolean, not type {}",
                    type_name(&other.arrow())
                ),
            )),
        }
    }

    fn text(&self, s: Side) -> Expr {
        as_text(s, &self.locale)
    }

    fn regex(&self, op: Operator, left: Side, right: Side) -> Result<Expr> {
        let (l, r) = (self.text(left), self.text(right));
        if let Expr::Literal(value, _) = &r
            && let Some(Some(pattern)) = value.try_as_str()
        {
            lw_functions::regex::check(pattern)?;
        }
        Ok(binary(l, op, r))
    }

    fn bits(&self, op: Operator, sql: &Sql, left: Side, right: Side) -> Result<Expr> {
        let int = |t: SqlType| is_int(t) || t == SqlType::Unknown;
        if !int(left.t) || !int(right.t) {
            return Err(no_operator(sql, left.t, right.t));
        }
        let t = match (left.t, right.t) {
            (SqlType::Unknown, SqlType::Unknown) => SqlType::Int4,
            (SqlType::Unknown, t) | (t, SqlType::Unknown) => t,
            (a, b) => wider_int(a, b),
        };
        Ok(binary(self.cast_to(left, t)?, op, self.cast_to(right, t)?))
    }
}

/// An expression as a string.
pub(super) fn as_text(s: Side, locale: &Locale) -> Expr {
    match s.t {
        t if t.is_string() => s.expr,
        _ => cast_or_fold(s.expr.clone(), s.t, SqlType::Text, locale)
            .unwrap_or_else(|_| cast_expr(s.expr, SqlType::Text, Mode::Explicit)),
    }
}

/// Both sides of a comparison as one type.
pub(super) fn compare_sides(
    locale: &Locale,
    sql: &Sql,
    left: Side,
    right: Side,
) -> Result<(Expr, Expr)> {
    use SqlType::*;
    let (a, b) = (left.t, right.t);
    let both = |to: SqlType, left: Side, right: Side| {
        Ok((to_type(left, to, locale)?, to_type(right, to, locale)?))
    };
    match (a, b) {
        (Unknown, Unknown) => both(Text, left, right),
        (Unknown, t) => {
            let expr = literal_as(left, t, locale)?;
            Ok((expr, right.expr))
        }
        (t, Unknown) => {
            let expr = literal_as(right, t, locale)?;
            Ok((left.expr, expr))
        }
        _ if a.is_string() && b.is_string() => Ok((left.expr, right.expr)),
        // Numbers of all kinds are brought together by the engine.
        _ if is_number(a) && is_number(b) => {
            let float = |t| matches!(t, Float4 | Float8);
            if float(a) != float(b) || (float(a) && a != b) {
                return both(Float8, left, right);
            }
            Ok((left.expr, right.expr))
        }
        _ if matches!(a, Oid | Xid) || matches!(b, Oid | Xid) => {
            if a == b {
                return Ok((left.expr, right.expr));
            }
            both(Int8, left, right)
        }
        // A string is read as what it is compared with.
        _ if a.is_string() => both(b, left, right),
        _ if b.is_string() => both(a, left, right),
        (Date, Timestamp) | (Timestamp, Date) => date_and_timestamp(locale, left, right),
        (Date | Timestamp, TimestampTz) | (TimestampTz, Date | Timestamp) => {
            both(TimestampTz, left, right)
        }
        (Time, TimeTz) | (TimeTz, Time) => both(TimeTz, left, right),
        (IntervalYM, IntervalDS) | (IntervalDS, IntervalYM) => both(IntervalDS, left, right),
        _ if std::mem::discriminant(&a) == std::mem::discriminant(&b) => {
            Ok((left.expr, right.expr))
        }
        _ => Err(no_operator(sql, a, b)),
    }
}

/// A DATE compared with a timestamp that is a constant midnight is compared with that day: so the
/// column's bounds can be used.
fn date_and_timestamp(locale: &Locale, left: Side, right: Side) -> Result<(Expr, Expr)> {
    const DAY: i64 = 86_400_000_000;
    let midnight = |s: &Side| match fold(&s.expr) {
        Some(ScalarValue::TimestampMicrosecond(Some(v), None)) if v % DAY == 0 => Some(v / DAY),
        _ => None,
    };
    let day = |d: i64| Expr::Literal(ScalarValue::Date32(Some(d as i32)), None);
    if left.t == SqlType::Date
        && let Some(d) = midnight(&right)
    {
        return Ok((left.expr, day(d)));
    }
    if right.t == SqlType::Date
        && let Some(d) = midnight(&left)
    {
        return Ok((day(d), right.expr));
    }
    let to = SqlType::Timestamp;
    Ok((to_type(left, to, locale)?, to_type(right, to, locale)?))
}

/// The value of an expression without columns, if it has one whatever the session.
pub(super) fn fold(expr: &Expr) -> Option<ScalarValue> {
    use datafusion::logical_expr::simplify::SimplifyContext;
    use datafusion::optimizer::simplify_expressions::ExprSimplifier;
    if let Expr::Literal(value, _) = expr {
        return Some(value.clone());
    }
    if expr.any_column_refs() || expr.is_volatile() {
        return None;
    }
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(DFSchema::empty()))
        .build();
    match ExprSimplifier::new(context).simplify(expr.clone()).ok()? {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

/// A bare literal as the type it is compared with.
fn literal_as(s: Side, t: SqlType, locale: &Locale) -> Result<Expr> {
    match t {
        // Blanks at the end mean nothing beside a CHAR.
        SqlType::Char(_) => {
            if let Expr::Literal(value, _) = &s.expr
                && let Some(Some(text)) = value.try_as_str()
            {
                let text = text.trim_end_matches(' ').to_string();
                return Ok(Expr::Literal(ScalarValue::Utf8View(Some(text)), None));
            }
            to_type(s, SqlType::Text, locale)
        }
        t if t.is_string() => to_type(s, SqlType::Text, locale),
        // An integer column is compared with the number the text is; `'1.5'` is an error.
        SqlType::Numeric(..) => {
            let exact = numeric_literal(&s.expr);
            match exact {
                Some(t) => to_type(s, t, locale),
                None => to_type(s, SqlType::Numeric(38, 10), locale),
            }
        }
        t => to_type(s, t, locale),
    }
}

/// The DECIMAL that holds a literal's digits.
fn numeric_literal(expr: &Expr) -> Option<SqlType> {
    let Expr::Literal(value, _) = expr else {
        return None;
    };
    let text = value.try_as_str()??;
    let parsed = lw_pgrepr::numeric::parse_numeric(text.trim()).ok()?;
    let digits = parsed.unscaled.unsigned_abs().to_string().len() as u32;
    let scale = parsed.scale.min(37);
    let precision = digits.max(scale + 1).min(38);
    Some(SqlType::Numeric(precision as u8, scale as i8))
}

fn to_type(s: Side, to: SqlType, locale: &Locale) -> Result<Expr> {
    if s.t == to {
        return Ok(s.expr);
    }
    cast_or_fold(s.expr, s.t, to, locale)
}

fn is_sized(t: SqlType) -> bool {
    matches!(t, SqlType::Char(_) | SqlType::Varchar(_))
}

/// Casts; a constant is cast at once.
pub(super) fn cast_or_fold(
    expr: Expr,
    from: SqlType,
    to: SqlType,
    locale: &Locale,
) -> Result<Expr> {
    match expr {
        Expr::Placeholder(p) if p.field.is_none() => {
            let field = Some(to.field_ref("", true));
            Ok(Expr::Placeholder(Placeholder::new_with_field(p.id, field)))
        }
        Expr::Literal(value, _) => {
            let array = value.to_array_of_size(1).map_err(sql_error)?;
            let cast = cast_array(&array, from, to, Mode::Explicit, locale)?;
            let value = ScalarValue::try_from_array(&cast, 0).map_err(sql_error)?;
            Ok(Expr::Literal(value, None))
        }
        other => Ok(cast_expr(other, to, Mode::Explicit)),
    }
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(v, _) if v.is_null())
}

fn is_param(expr: &Expr) -> bool {
    matches!(expr, Expr::Placeholder(_))
}

fn stringy(t: SqlType) -> bool {
    t.is_string() || t == SqlType::Unknown
}

/// What a string is read as beside a number.
fn number_for(t: SqlType) -> SqlType {
    match t {
        SqlType::Numeric(..) => SqlType::Numeric(38, 10),
        other => other,
    }
}

/// A function of our own list.
pub(super) fn function(name: &str) -> Result<Arc<datafusion::logical_expr::ScalarUDF>> {
    lw_functions::all()
        .scalar
        .get(name)
        .cloned()
        .ok_or_else(|| SqlError::internal(format!("function {name} is missing")))
}
