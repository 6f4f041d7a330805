//! Casts: values of one type to another, by Redshift's rules. `CAST(x AS type)` is planned as
//! `__cast(x, 'type')`; assignments to columns as `__assign`, which refuses what a cast cuts off.
//!
//! Where to start: [`cast_array`]; `func` has the functions that call it, the other modules the casts by
//! what they give.

mod func;
mod number;
mod text;
mod time;

use arrow::array::*;
use arrow::datatypes::*;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::{SqlType, TextOptions, Zone};
use lw_settings::SessionInfo;

pub use func::{CastFunc, all, cast_expr};
pub use number::{decimal_to_f64, rescaled};
pub use text::{floor_boundary, parse_bool};
pub use time::to_arrow_interval;

use crate::datetime_text::Order;

/// What a cast does with a value that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// CAST: strings are cut to the length, the rest is an error.
    Explicit,
    /// Assignment to a column: strings that are too long are an error.
    Assign,
    /// TRY_CAST: NULL.
    Try,
}

/// What of a session changes casts.
#[derive(Debug, Clone, Copy)]
pub struct Locale {
    /// `TimeZone`.
    pub zone: Zone,
    /// `DateStyle`, second part.
    pub order: Order,
    /// How values are printed.
    pub text: TextOptions,
}

impl Locale {
    /// Of a session.
    pub fn of(session: &SessionInfo) -> Locale {
        let get = |name: &str, default: &'static str| {
            session.settings.get(name).unwrap_or(default).to_string()
        };
        let zone = get("timezone", "UTC");
        let style = get("datestyle", "ISO, MDY");
        let digits = get("extra_float_digits", "0").parse().unwrap_or(0);
        let upper = style.to_uppercase();
        let order = if upper.contains("DMY") {
            Order::Dmy
        } else if upper.contains("YMD") {
            Order::Ymd
        } else {
            Order::Mdy
        };
        Locale {
            zone: Zone::parse(&zone).unwrap_or(Zone::UTC),
            order,
            text: TextOptions::new(&zone, digits, &style),
        }
    }
}

impl Default for Locale {
    fn default() -> Self {
        Locale {
            zone: Zone::UTC,
            order: Order::Mdy,
            text: TextOptions::default(),
        }
    }
}

/// True if there is a cast between two types.
pub fn castable(from: SqlType, to: SqlType) -> bool {
    use SqlType::*;
    let number = |t| {
        matches!(
            t,
            Int2 | Int4 | Int8 | Numeric(..) | Float4 | Float8 | Oid | Xid
        )
    };
    if from == Unknown || std::mem::discriminant(&from) == std::mem::discriminant(&to) {
        return true;
    }
    if from.is_string() || to.is_string() {
        let list = |t: SqlType| matches!(t.arrow(), DataType::List(_));
        return !list(from) && from != Void && to != Void;
    }
    if number(from) && number(to) {
        return true;
    }
    match (from, to) {
        (Bool, Int2 | Int4 | Int8) | (Int2 | Int4 | Int8, Bool) => true,
        (Date | Timestamp | TimestampTz, Date | Timestamp | TimestampTz) => true,
        (Timestamp | TimestampTz | Time | TimeTz, Time | TimeTz) => true,
        (IntervalYM, IntervalDS) | (IntervalDS, IntervalYM) => true,
        _ => matches!(
            (from.arrow(), to.arrow()),
            (DataType::List(_), DataType::List(_))
        ),
    }
}

/// 42846.
pub fn cannot_cast(from: SqlType, to: SqlType) -> SqlError {
    let name = |t: SqlType| {
        t.to_string()
            .split('(')
            .next()
            .unwrap_or_default()
            .to_string()
    };
    SqlError::new(
        SqlState::CANNOT_COERCE,
        format!("cannot cast type {} to {}", name(from), name(to)),
    )
}

/// Casts an array.
pub fn cast_array(
    array: &ArrayRef,
    from: SqlType,
    to: SqlType,
    mode: Mode,
    locale: &Locale,
) -> Result<ArrayRef> {
    if array.data_type() == &DataType::Null || array.null_count() == array.len() {
        return Ok(new_null_array(&to.arrow(), array.len()));
    }
    if !castable(from, to) {
        return Err(cannot_cast(from, to));
    }
    let from = if from == SqlType::Unknown {
        SqlType::Text
    } else {
        from
    };
    // Strings may come in any of Arrow's forms.
    let array = if from.is_string() && array.data_type() != &DataType::Utf8View {
        arrow::compute::cast(array, &DataType::Utf8View)
            .map_err(|e| crate::error::arrow_error(&e))?
    } else {
        array.clone()
    };
    let job = Job {
        array: &array,
        from,
        to,
        mode,
        locale,
    };
    use SqlType::*;
    match to {
        t if t.is_string() => job.to_string(),
        Bool => job.to_bool(),
        Int2 => job.to_int::<Int16Type>(),
        Int4 => job.to_int::<Int32Type>(),
        Int8 => job.to_int::<Int64Type>(),
        Oid | Xid => job.to_int::<UInt32Type>(),
        Numeric(p, s) => job.to_numeric(p, s),
        Float4 | Float8 => job.to_float(),
        Date => job.to_date(),
        Timestamp => job.to_timestamp(),
        TimestampTz => job.to_timestamptz(),
        Time => job.to_time(),
        TimeTz => job.to_timetz(),
        IntervalYM | IntervalDS => job.to_interval(),
        Varbyte(_) => job.to_bytes(),
        _ => arrow::compute::cast(&array, &to.arrow()).map_err(|e| crate::error::arrow_error(&e)),
    }
}

struct Job<'a> {
    array: &'a ArrayRef,
    from: SqlType,
    to: SqlType,
    mode: Mode,
    locale: &'a Locale,
}

/// Words of a text that stands for a number, a boolean, ....
fn invalid(to: SqlType, text: &str) -> SqlError {
    let name = to.to_string();
    let name = name.split('(').next().unwrap_or_default();
    SqlError::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        format!(
            "invalid input syntax for {}{name}: \"{text}\"",
            if matches!(to, SqlType::Bool) {
                "type "
            } else {
                ""
            }
        ),
    )
}

fn out_of_range(to: SqlType) -> SqlError {
    SqlError::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        match to {
            SqlType::Int2 => "smallint out of range".to_string(),
            SqlType::Int4 => "integer out of range".to_string(),
            SqlType::Int8 => "bigint out of range".to_string(),
            other => format!("value out of range for type {other}"),
        },
    )
}

impl Job<'_> {
    /// Calls a closure for each value that is not null.
    fn each<T>(&self, f: impl Fn(usize) -> Result<T>) -> Result<Vec<Option<T>>> {
        let mut out = Vec::with_capacity(self.array.len());
        for row in 0..self.array.len() {
            if self.array.is_null(row) {
                out.push(None);
                continue;
            }
            match f(row) {
                Ok(value) => out.push(Some(value)),
                Err(_) if self.mode == Mode::Try => out.push(None),
                Err(error) => return Err(error),
            }
        }
        Ok(out)
    }

    fn strings(&self) -> Result<&StringViewArray> {
        self.array
            .as_string_view_opt()
            .ok_or_else(|| SqlError::internal("a string is not held as one"))
    }

    fn no_cast<T>(&self) -> Result<T> {
        Err(cannot_cast(self.from, self.to))
    }
}
