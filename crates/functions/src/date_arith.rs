//! Arithmetic of dates, times and intervals: `date + 1`, `date - date`, `timestamp + interval`,
//! `timestamp - timestamp`, `interval * 2`.

use std::sync::Arc;

use arrow::datatypes::IntervalMonthDayNano;
use datafusion::logical_expr::ScalarUDF;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;

use crate::cast::to_arrow_interval;
use crate::dateparts::add_months;
use crate::datetime_text::{Interval, MICROS_PER_DAY, parse_interval};
use crate::func::{Ret, Ty, func};
use crate::rows::*;

fn overflow() -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range")
}

/// A moment and an interval.
pub fn plus_interval(micros: i64, by: IntervalMonthDayNano, sign: i64) -> Result<i64> {
    let moved = match by.months {
        0 => micros,
        months => add_months(micros, sign * months as i64)?,
    };
    let rest = by.days as i64 * MICROS_PER_DAY + by.nanoseconds / 1000;
    moved.checked_add(sign * rest).ok_or_else(overflow)
}

fn days_plus(days: i32, n: i64) -> Result<Option<i64>> {
    i32::try_from(days as i64 + n)
        .map(|d| Some(d as i64))
        .map_err(|_| SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range"))
}

/// Microseconds as days and a time of day of the same sign.
fn between(from: i64, to: i64) -> IntervalMonthDayNano {
    let micros = to - from;
    to_arrow_interval(Interval {
        months: 0,
        days: micros / MICROS_PER_DAY,
        micros: micros % MICROS_PER_DAY,
    })
}

/// Multiplies; what is not whole goes to the next smaller unit.
fn times(i: IntervalMonthDayNano, by: f64) -> Result<IntervalMonthDayNano> {
    let months = i.months as f64 * by;
    let days = i.days as f64 * by + months.fract() * 30.0;
    let micros = (i.nanoseconds / 1000) as f64 * by + days.fract() * MICROS_PER_DAY as f64;
    let fits = months.abs() < 2e9 && days.abs() < 2e9 && micros.abs() < 9e15;
    if !fits {
        return Err(SqlError::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            "interval out of range",
        ));
    }
    Ok(to_arrow_interval(Interval {
        months: months.trunc() as i64,
        days: days.trunc() as i64,
        micros: micros.round() as i64,
    }))
}

fn sum(a: IntervalMonthDayNano, b: IntervalMonthDayNano, sign: i32) -> IntervalMonthDayNano {
    IntervalMonthDayNano::new(
        a.months + sign * b.months,
        a.days + sign * b.days,
        a.nanoseconds + sign as i64 * b.nanoseconds,
    )
}

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let ts = Ret::Is(SqlType::Timestamp);
    let tstz = Ret::Is(SqlType::TimestampTz);
    let time = Ret::Is(SqlType::Time);
    let date = Ret::Is(SqlType::Date);
    let interval = Ret::Is(SqlType::IntervalDS);
    vec![
        func("__date_plus", "r_interval_literals")
            .form(&[Ty::Date, Ty::Int8], date, |c| {
                map2::<Days, I64s, i64>(c, days_plus)
            })
            .form(&[Ty::Ts, Ty::Interval], ts, |c| {
                map2::<Stamps, Ivls, i64>(c, |t, i| plus_interval(t, i, 1).map(Some))
            })
            .form(&[Ty::Tstz, Ty::Interval], tstz, |c| {
                map2::<Stamps, Ivls, i64>(c, |t, i| plus_interval(t, i, 1).map(Some))
            })
            .form(&[Ty::Time, Ty::Interval], time, |c| {
                map2::<Times, Ivls, i64>(c, |t, i| {
                    Ok(Some((t + i.nanoseconds / 1000).rem_euclid(MICROS_PER_DAY)))
                })
            })
            .form(&[Ty::TimeTz, Ty::Interval], Ret::Is(SqlType::TimeTz), |c| {
                map2::<TimeTzs, Ivls, i64>(c, |t, i| {
                    Ok(Some((t + i.nanoseconds).rem_euclid(MICROS_PER_DAY * 1000)))
                })
            })
            .form(&[Ty::Interval, Ty::Interval], interval, |c| {
                map2::<Ivls, Ivls, IntervalMonthDayNano>(c, |a, b| Ok(Some(sum(a, b, 1))))
            })
            .form(&[Ty::Date, Ty::Time], ts, |c| {
                map2::<Days, Times, i64>(c, |d, t| Ok(Some(d as i64 * MICROS_PER_DAY + t)))
            })
            .build(),
        func("__date_minus", "r_interval_literals")
            .form(&[Ty::Date, Ty::Int8], date, |c| {
                map2::<Days, I64s, i64>(c, |d, n| days_plus(d, -n))
            })
            .form(&[Ty::Date, Ty::Date], Ret::Is(SqlType::Int4), |c| {
                map2::<Days, Days, i64>(c, |a, b| Ok(Some(a as i64 - b as i64)))
            })
            .form(&[Ty::Ts, Ty::Interval], ts, |c| {
                map2::<Stamps, Ivls, i64>(c, |t, i| plus_interval(t, i, -1).map(Some))
            })
            .form(&[Ty::Tstz, Ty::Interval], tstz, |c| {
                map2::<Stamps, Ivls, i64>(c, |t, i| plus_interval(t, i, -1).map(Some))
            })
            .form(&[Ty::Time, Ty::Interval], time, |c| {
                map2::<Times, Ivls, i64>(c, |t, i| {
                    Ok(Some((t - i.nanoseconds / 1000).rem_euclid(MICROS_PER_DAY)))
                })
            })
            .form(&[Ty::TimeTz, Ty::Interval], Ret::Is(SqlType::TimeTz), |c| {
                map2::<TimeTzs, Ivls, i64>(c, |t, i| {
                    Ok(Some((t - i.nanoseconds).rem_euclid(MICROS_PER_DAY * 1000)))
                })
            })
            .form(&[Ty::Ts, Ty::Ts], interval, |c| {
                map2::<Stamps, Stamps, IntervalMonthDayNano>(c, |a, b| Ok(Some(between(b, a))))
            })
            .form(&[Ty::Tstz, Ty::Tstz], interval, |c| {
                map2::<Stamps, Stamps, IntervalMonthDayNano>(c, |a, b| Ok(Some(between(b, a))))
            })
            .form(&[Ty::Time, Ty::Time], interval, |c| {
                map2::<Times, Times, IntervalMonthDayNano>(c, |a, b| Ok(Some(between(b, a))))
            })
            .form(&[Ty::Interval, Ty::Interval], interval, |c| {
                map2::<Ivls, Ivls, IntervalMonthDayNano>(c, |a, b| Ok(Some(sum(a, b, -1))))
            })
            .build(),
        func("__interval_times", "r_interval_literals")
            .form(&[Ty::Interval, Ty::F8], interval, |c| {
                map2::<Ivls, F64s, IntervalMonthDayNano>(c, |i, n| times(i, n).map(Some))
            })
            .build(),
        func("__interval_div", "r_interval_literals")
            .form(&[Ty::Interval, Ty::F8], interval, |c| {
                map2::<Ivls, F64s, IntervalMonthDayNano>(c, |i, n| match n {
                    0.0 => Err(crate::error::division_by_zero()),
                    n => times(i, 1.0 / n).map(Some),
                })
            })
            .build(),
        // The text of a literal and its qualifier (`month`, `day to second`, ``).
        func("__interval", "r_interval_literals")
            .form(&[Ty::Str, Ty::Str], interval, |c| {
                map2::<Strs, Strs, IntervalMonthDayNano>(c, |text, unit| {
                    let last = unit.rsplit(' ').next().filter(|u| !u.is_empty());
                    parse_interval(text, last).map(|i| Some(to_arrow_interval(i)))
                })
            })
            .build(),
    ]
}
