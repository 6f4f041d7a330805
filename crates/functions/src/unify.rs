//! One type for several values: CASE, COALESCE, GREATEST, set operations.

use lw_pgrepr::SqlType;
use lw_pgrepr::types::VARCHAR_MAX;

use crate::arith::as_decimal;

/// True for the numeric types.
pub fn is_number(t: SqlType) -> bool {
    use SqlType::*;
    matches!(t, Int2 | Int4 | Int8 | Numeric(..) | Float4 | Float8)
}

/// True for SMALLINT, INTEGER, BIGINT.
pub fn is_int(t: SqlType) -> bool {
    matches!(t, SqlType::Int2 | SqlType::Int4 | SqlType::Int8)
}

/// The wider of two integer types.
pub fn wider_int(a: SqlType, b: SqlType) -> SqlType {
    match (a, b) {
        (SqlType::Int8, _) | (_, SqlType::Int8) => SqlType::Int8,
        (SqlType::Int4, _) | (_, SqlType::Int4) => SqlType::Int4,
        _ => SqlType::Int2,
    }
}

/// The type all values can be brought to; bare literals and NULL follow the others.
pub fn common_type(types: &[SqlType]) -> Option<SqlType> {
    let mut out: Option<SqlType> = None;
    for t in types.iter().copied().filter(|t| *t != SqlType::Unknown) {
        out = Some(match out {
            None => t,
            Some(o) if o == t => o,
            Some(o) => two(o, t)?,
        });
    }
    out.or(Some(SqlType::Varchar(VARCHAR_MAX)))
}

fn two(a: SqlType, b: SqlType) -> Option<SqlType> {
    use SqlType::*;
    Some(match (a, b) {
        (a, b) if is_int(a) && is_int(b) => wider_int(a, b),
        (Float4, Float4) => Float4,
        (Float4 | Float8, t) | (t, Float4 | Float8) if is_number(t) => Float8,
        (a, b) if is_number(a) && is_number(b) => {
            let ((p1, s1), (p2, s2)) = (as_decimal(a)?, as_decimal(b)?);
            let s = s1.max(s2);
            let whole = (p1 as i8 - s1).max(p2 as i8 - s2);
            Numeric((whole + s).min(38) as u8, s)
        }
        (Char(a), Char(b)) => Char(a.max(b)),
        (Varchar(a) | Char(a), Varchar(b) | Char(b)) => Varchar(a.max(b)),
        (a, b) if a.is_string() && b.is_string() => Text,
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        (Date | Timestamp, TimestampTz) | (TimestampTz, Date | Timestamp) => TimestampTz,
        (Time, TimeTz) | (TimeTz, Time) => TimeTz,
        (IntervalYM, IntervalDS) | (IntervalDS, IntervalYM) => IntervalDS,
        (Oid | Xid, t) | (t, Oid | Xid) if is_int(t) => Int8,
        (Varbyte(a), Varbyte(b)) => Varbyte(a.max(b)),
        (a, b) if a.arrow() == b.arrow() => a,
        _ => return None,
    })
}
