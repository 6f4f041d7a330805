//! [`Column`]: an Arrow array seen as a column of a Redshift type, its Arrow type resolved once so
//! that writing a value costs one branch.

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;
use lw_base::{Result, SqlError};

use crate::SqlType;

/// A column of a result, ready to be written value by value (see [`crate::text`] and
/// [`crate::binary`]).
#[derive(Debug, Clone)]
pub struct Column {
    pub(crate) sql_type: SqlType,
    pub(crate) values: Values,
    nulls: Option<arrow::buffer::NullBuffer>,
}

/// The arrays behind a [`Column`], by the Arrow type that [`SqlType::arrow`] names.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    Null,
    Bool(BooleanArray),
    Int2(Int16Array),
    Int4(Int32Array),
    Int8(Int64Array),
    Numeric(Decimal128Array),
    Float4(Float32Array),
    Float8(Float64Array),
    Text(StringViewArray),
    Date(Date32Array),
    /// Microseconds.
    Time(Time64MicrosecondArray),
    /// Nanoseconds, in UTC.
    TimeTz(Time64NanosecondArray),
    Timestamp(TimestampMicrosecondArray),
    Months(IntervalYearMonthArray),
    DayTime(IntervalMonthDayNanoArray),
    Bytes(BinaryViewArray),
    Oid(UInt32Array),
    List(ListArray),
}

impl Column {
    /// Sees `array` as a column of `sql_type`. An array of another Arrow type than
    /// [`SqlType::arrow`] is cast; one that cannot be is an internal error.
    pub fn new(array: &ArrayRef, sql_type: SqlType) -> Result<Column> {
        let want = sql_type.arrow();
        let array = if *array.data_type() == want {
            array.clone()
        } else {
            cast(array, &want).map_err(|e| {
                SqlError::internal(format!(
                    "a result of type {sql_type} came as {}: {e}",
                    array.data_type()
                ))
            })?
        };
        let nulls = array.logical_nulls();
        let values = match &want {
            DataType::Null => Values::Null,
            DataType::Boolean => Values::Bool(array.as_boolean().clone()),
            DataType::Int16 => Values::Int2(array.as_primitive().clone()),
            DataType::Int32 => Values::Int4(array.as_primitive().clone()),
            DataType::Int64 => Values::Int8(array.as_primitive().clone()),
            DataType::UInt32 => Values::Oid(array.as_primitive().clone()),
            DataType::Decimal128(..) => Values::Numeric(array.as_primitive().clone()),
            DataType::Float32 => Values::Float4(array.as_primitive().clone()),
            DataType::Float64 => Values::Float8(array.as_primitive().clone()),
            DataType::Utf8View => Values::Text(array.as_string_view().clone()),
            DataType::Date32 => Values::Date(array.as_primitive().clone()),
            DataType::Time64(TimeUnit::Microsecond) => Values::Time(array.as_primitive().clone()),
            DataType::Time64(_) => Values::TimeTz(array.as_primitive().clone()),
            DataType::Timestamp(..) => Values::Timestamp(array.as_primitive().clone()),
            DataType::Interval(IntervalUnit::YearMonth) => {
                Values::Months(array.as_primitive().clone())
            }
            DataType::Interval(_) => Values::DayTime(array.as_primitive().clone()),
            DataType::BinaryView => Values::Bytes(array.as_binary_view().clone()),
            DataType::List(_) => Values::List(array.as_list().clone()),
            other => return Err(SqlError::internal(format!("no wire form for {other}"))),
        };
        Ok(Column {
            sql_type,
            values,
            nulls,
        })
    }

    /// True if the value in `row` is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.nulls.as_ref().is_some_and(|n| n.is_null(row))
    }

    /// The column's type.
    pub fn sql_type(&self) -> SqlType {
        self.sql_type
    }
}

/// The type of the elements of an array type.
pub(crate) fn element_type(list: SqlType) -> SqlType {
    match list {
        SqlType::Int2Array | SqlType::Int2Vector => SqlType::Int2,
        SqlType::Int4Array => SqlType::Int4,
        SqlType::OidArray | SqlType::OidVector => SqlType::Oid,
        SqlType::NameArray => SqlType::Name,
        _ => SqlType::Text,
    }
}

/// The OID of the elements of an array type, as its binary form names it.
pub(crate) fn element_oid(list: SqlType) -> u32 {
    match list {
        // aclitem is not a type of columns here; its values are held as text.
        SqlType::AclItemArray => 1033,
        other => element_type(other).oid(),
    }
}

/// The interval as microseconds; a day is 24 hours, a month (which a DAY TO SECOND interval does
/// not have) 30 days.
pub(crate) fn interval_micros(v: IntervalMonthDayNano) -> i64 {
    let days = v.months as i64 * 30 + v.days as i64;
    days * crate::datetime::MICROS_PER_DAY + v.nanoseconds / 1000
}
