//! Type names of SQL to types.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, TimezoneInfo,
};
use lw_base::{Result, SqlError, SqlState};
use lw_functions::df_error;
use lw_pgrepr::SqlType;
use lw_pgrepr::types::{CHAR_MAX, VARCHAR_MAX};

/// The type a name stands for in a cast or a column definition (Developer Guide, "Data types").
pub fn sql_type(name: &DataType) -> Result<SqlType> {
    Ok(match name {
        DataType::Bool | DataType::Boolean => SqlType::Bool,
        DataType::SmallInt(_) | DataType::Int2(_) => SqlType::Int2,
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => SqlType::Int4,
        DataType::BigInt(_) | DataType::Int8(_) => SqlType::Int8,
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => numeric(info)?,
        DataType::Real | DataType::Float4 => SqlType::Float4,
        DataType::Float8 | DataType::DoublePrecision | DataType::Double(_) => SqlType::Float8,
        DataType::Float(ExactNumberInfo::Precision(p)) if *p <= 24 => SqlType::Float4,
        DataType::Float(_) => SqlType::Float8,
        DataType::Char(len) | DataType::Character(len) => char(len, 1)?,
        DataType::Varchar(len)
        | DataType::CharacterVarying(len)
        | DataType::CharVarying(len)
        | DataType::Nvarchar(len) => varchar(len, 256)?,
        DataType::Text => SqlType::Varchar(256),
        DataType::Date => SqlType::Date,
        DataType::Time(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => SqlType::TimeTz,
        DataType::Time(..) => SqlType::Time,
        DataType::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
            SqlType::TimestampTz
        }
        DataType::Timestamp(..) | DataType::Datetime(_) => SqlType::Timestamp,
        DataType::Interval { fields, .. } => {
            use datafusion::sql::sqlparser::ast::IntervalFields as F;
            match fields {
                Some(F::Year | F::Month | F::YearToMonth) => SqlType::IntervalYM,
                _ => SqlType::IntervalDS,
            }
        }
        DataType::Binary(len) => SqlType::Varbyte(len.unwrap_or(64_000) as u32),
        DataType::Varbinary(len) => SqlType::Varbyte(match len {
            Some(datafusion::sql::sqlparser::ast::BinaryLength::IntegerLength { length }) => {
                *length as u32
            }
            _ => 64_000,
        }),
        DataType::Regclass => SqlType::Oid,
        DataType::Array(ArrayElemTypeDef::SquareBracket(inner, _)) => match sql_type(inner)? {
            SqlType::Int2 => SqlType::Int2Array,
            SqlType::Int4 => SqlType::Int4Array,
            SqlType::Oid => SqlType::OidArray,
            SqlType::Name => SqlType::NameArray,
            _ => SqlType::TextArray,
        },
        DataType::Custom(name, args) => custom(name, args)?,
        other => return Err(unknown(&other.to_string())),
    })
}

fn custom(name: &datafusion::sql::sqlparser::ast::ObjectName, args: &[String]) -> Result<SqlType> {
    let text = name
        .0
        .last()
        .and_then(|p| p.as_ident())
        .map(|i| i.value.to_lowercase())
        .unwrap_or_default();
    let len = |default: u64| {
        args.first()
            .and_then(|a| a.parse::<u64>().ok())
            .unwrap_or(default)
    };
    Ok(match text.as_str() {
        "bpchar" if args.is_empty() => SqlType::Char(256),
        "bpchar" => char(
            &Some(CharacterLength::IntegerLength {
                length: len(1),
                unit: None,
            }),
            1,
        )?,
        "nchar" => char(
            &Some(CharacterLength::IntegerLength {
                length: len(1),
                unit: None,
            }),
            1,
        )?,
        "nvarchar" | "varchar" => varchar(
            &Some(CharacterLength::IntegerLength {
                length: len(256),
                unit: None,
            }),
            256,
        )?,
        "timestamptz" => SqlType::TimestampTz,
        "timetz" => SqlType::TimeTz,
        "oid" => SqlType::Oid,
        "name" => SqlType::Name,
        "xid" => SqlType::Xid,
        "regproc" => SqlType::Regproc,
        "regtype" | "regclass" => SqlType::Oid,
        // The names of `pg_type`, as psql and drivers write them: `pg_catalog.text`.
        "bool" => SqlType::Bool,
        "int2" => SqlType::Int2,
        "int4" => SqlType::Int4,
        "int8" => SqlType::Int8,
        "float4" => SqlType::Float4,
        "float8" => SqlType::Float8,
        "numeric" => SqlType::Numeric(18, 0),
        "text" => SqlType::Varchar(VARCHAR_MAX),
        "char" => SqlType::CharByte,
        "date" => SqlType::Date,
        "time" => SqlType::Time,
        "timestamp" => SqlType::Timestamp,
        "varbyte" | "varbinary" | "bytea" => SqlType::Varbyte(len(64_000) as u32),
        "int2vector" => SqlType::Int2Vector,
        "oidvector" => SqlType::OidVector,
        "unknown" => SqlType::Varchar(VARCHAR_MAX),
        "intervaly2m" => SqlType::IntervalYM,
        "intervald2s" => SqlType::IntervalDS,
        "super" | "hllsketch" | "geometry" | "geography" => {
            return Err(SqlError::unsupported(format!(
                "type {}",
                text.to_uppercase()
            )));
        }
        _ => return Err(unknown(&text)),
    })
}

fn unknown(name: &str) -> SqlError {
    SqlError::new(
        SqlState::UNDEFINED_OBJECT,
        format!("type \"{}\" does not exist", name.to_lowercase()),
    )
}

fn numeric(info: &ExactNumberInfo) -> Result<SqlType> {
    let (p, s) = match info {
        ExactNumberInfo::None => (18, 0),
        ExactNumberInfo::Precision(p) => (*p as i64, 0),
        ExactNumberInfo::PrecisionAndScale(p, s) => (*p as i64, *s),
    };
    if !(1..=38).contains(&p) {
        return Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("DECIMAL precision {p} must be between 1 and 38"),
        ));
    }
    if !(0..=37).contains(&s) || s > p {
        return Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("DECIMAL scale {s} must be between 0 and precision {p}"),
        ));
    }
    Ok(SqlType::Numeric(p as u8, s as i8))
}

fn length(len: &Option<CharacterLength>, default: u32, max: u32) -> u64 {
    match len {
        None => default as u64,
        Some(CharacterLength::Max) => max as u64,
        Some(CharacterLength::IntegerLength { length, .. }) => *length,
    }
}

fn char(len: &Option<CharacterLength>, default: u32) -> Result<SqlType> {
    let n = length(len, default, CHAR_MAX);
    check_length("char", n, CHAR_MAX).map(SqlType::Char)
}

fn varchar(len: &Option<CharacterLength>, default: u32) -> Result<SqlType> {
    let n = length(len, default, VARCHAR_MAX);
    check_length("varchar", n, VARCHAR_MAX).map(SqlType::Varchar)
}

fn check_length(what: &str, n: u64, max: u32) -> Result<u32> {
    if n == 0 {
        return Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("length for type {what} must be at least 1"),
        ));
    }
    if n > max as u64 {
        return Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("length for type {what} cannot exceed {max}"),
        ));
    }
    Ok(n as u32)
}

/// Hands [`sql_type`] to the planner.
#[derive(Debug)]
pub(super) struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, name: &DataType) -> DfResult<Option<FieldRef>> {
        let t = sql_type(name).map_err(df_error)?;
        // A type that its Arrow type tells needs no name: rows of VALUES, of which some are literals
        // and some NULL, must agree in their fields' metadata.
        if SqlType::from_arrow(&t.arrow()) == Some(t) {
            return Ok(Some(Arc::new(Field::new("", t.arrow(), true))));
        }
        Ok(Some(t.field_ref("", true)))
    }
}
