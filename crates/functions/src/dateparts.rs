//! Date parts: their names, and what EXTRACT, DATE_TRUNC, DATEADD and DATEDIFF do with each
//! (Developer Guide, "Date parts for date or timestamp functions").

use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::datetime::{civil, days_from_civil, days_in_month};

use crate::datetime_text::MICROS_PER_DAY;

/// A date part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Part {
    Millennium,
    Century,
    Decade,
    Epoch,
    Year,
    Quarter,
    Month,
    Week,
    DayOfWeek,
    DayOfYear,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
}

impl Part {
    /// The part of this name or abbreviation, in any case.
    pub fn parse(name: &str) -> Option<Part> {
        use Part::*;
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "millennium" | "millennia" | "mil" | "mils" => Millennium,
            "century" | "centuries" | "c" | "cent" | "cents" => Century,
            "decade" | "decades" | "dec" | "decs" => Decade,
            "epoch" => Epoch,
            "year" | "years" | "y" | "yr" | "yrs" => Year,
            "quarter" | "quarters" | "qtr" | "qtrs" => Quarter,
            "month" | "months" | "mon" | "mons" => Month,
            "week" | "weeks" | "w" => Week,
            "dayofweek" | "dow" | "dw" | "weekday" => DayOfWeek,
            "dayofyear" | "doy" | "dy" | "yearday" => DayOfYear,
            "day" | "days" | "d" => Day,
            "hour" | "hours" | "h" | "hr" | "hrs" => Hour,
            "minute" | "minutes" | "m" | "min" | "mins" => Minute,
            "second" | "seconds" | "s" | "sec" | "secs" => Second,
            "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds"
            | "millisec" | "millisecs" | "millisecon" => Millisecond,
            "microsecond" | "microseconds" | "microsec" | "microsecs" | "usec" | "usecs"
            | "usecond" | "useconds" | "us" | "microsecon" => Microsecond,
            "timezone" => Timezone,
            "timezone_hour" => TimezoneHour,
            "timezone_minute" => TimezoneMinute,
            _ => return None,
        })
    }

    /// As [`Part::parse`], with the error a client sees.
    pub fn named(name: &str, what: &str) -> Result<Part> {
        Part::parse(name).ok_or_else(|| {
            SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("{what} units \"{name}\" not recognized"),
            )
        })
    }
}

/// A moment on a clock, taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// Days since 1970-01-01.
    pub days: i64,
    /// Year (1 BC is 0).
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// Microseconds since midnight.
    pub time: i64,
}

impl Fields {
    /// From microseconds since 1970.
    pub fn of(micros: i64) -> Fields {
        let days = micros.div_euclid(MICROS_PER_DAY);
        let (year, month, day) = civil(days);
        Fields {
            days,
            year,
            month,
            day,
            time: micros.rem_euclid(MICROS_PER_DAY),
        }
    }

    /// 0 (Sunday) to 6.
    pub fn weekday(&self) -> i64 {
        (self.days + 4).rem_euclid(7)
    }

    /// 1 to 366.
    pub fn day_of_year(&self) -> i64 {
        self.days - days_from_civil(self.year, 1, 1).unwrap_or(self.days) + 1
    }

    /// Year and week of ISO 8601.
    pub fn iso_week(&self) -> (i64, i64) {
        // The week belongs to the year of its Thursday.
        let monday = self.days - (self.weekday() + 6) % 7;
        let (year, ..) = civil(monday + 3);
        let start = days_from_civil(year, 1, 1).unwrap_or(0);
        (year, (monday + 3 - start) / 7 + 1)
    }

    /// Hour of the day.
    pub fn hour(&self) -> i64 {
        self.time / 3_600_000_000
    }

    /// Minute of the hour.
    pub fn minute(&self) -> i64 {
        self.time / 60_000_000 % 60
    }

    /// Microseconds of the minute.
    pub fn second_micros(&self) -> i64 {
        self.time % 60_000_000
    }
}

/// What EXTRACT gives: integers.
pub fn extract(part: Part, micros: i64) -> Option<i64> {
    let f = Fields::of(micros);
    Some(match part {
        Part::Millennium => (f.year + 999).div_euclid(1000),
        Part::Century => (f.year + 99).div_euclid(100),
        Part::Decade => f.year.div_euclid(10) + 1,
        Part::Epoch => micros.div_euclid(1_000_000),
        Part::Year => f.year,
        Part::Quarter => (f.month as i64 - 1) / 3 + 1,
        Part::Month => f.month as i64,
        Part::Week => f.iso_week().1,
        Part::DayOfWeek => f.weekday(),
        Part::DayOfYear => f.day_of_year(),
        Part::Day => f.day as i64,
        Part::Hour => f.hour(),
        Part::Minute => f.minute(),
        Part::Second => f.second_micros() / 1_000_000,
        Part::Millisecond => f.second_micros() / 1000 % 1000,
        Part::Microsecond => f.second_micros() % 1_000_000,
        Part::Timezone | Part::TimezoneHour | Part::TimezoneMinute => return None,
    })
}

/// What DATE_PART gives: the seconds with their fraction, whatever the part of a second is.
pub fn date_part(part: Part, micros: i64) -> Option<f64> {
    let f = Fields::of(micros);
    Some(match part {
        Part::Second => f.second_micros() as f64 / 1e6,
        Part::Millisecond => f.second_micros() as f64 / 1e3,
        Part::Microsecond => f.second_micros() as f64,
        Part::Epoch => micros as f64 / 1e6,
        other => extract(other, micros)? as f64,
    })
}

/// The beginning of the part a moment is in.
pub fn truncate(part: Part, micros: i64) -> Option<i64> {
    let f = Fields::of(micros);
    let day = |year: i64, month: u32| days_from_civil(year, month, 1).map(|d| d * MICROS_PER_DAY);
    match part {
        Part::Millennium => day((f.year - 1).div_euclid(1000) * 1000 + 1, 1),
        Part::Century => day((f.year - 1).div_euclid(100) * 100 + 1, 1),
        Part::Decade => day(f.year.div_euclid(10) * 10, 1),
        Part::Year => day(f.year, 1),
        Part::Quarter => day(f.year, (f.month - 1) / 3 * 3 + 1),
        Part::Month => day(f.year, f.month),
        Part::Week => Some((f.days - (f.weekday() + 6) % 7) * MICROS_PER_DAY),
        Part::Day => Some(f.days * MICROS_PER_DAY),
        Part::Hour => Some(micros - micros.rem_euclid(3_600_000_000)),
        Part::Minute => Some(micros - micros.rem_euclid(60_000_000)),
        Part::Second => Some(micros - micros.rem_euclid(1_000_000)),
        Part::Millisecond => Some(micros - micros.rem_euclid(1000)),
        Part::Microsecond => Some(micros),
        _ => None,
    }
}

fn overflow() -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range")
}

/// A moment some months later; the day is cut to the length of the month it comes to.
pub fn add_months(micros: i64, months: i64) -> Result<i64> {
    let f = Fields::of(micros);
    let (year, month) = shifted(f.year, f.month, months)?;
    let day = f.day.min(days_in_month(year, month));
    at_day(year, month, day, f.time)
}

/// As [`add_months`], but the last day of a month becomes the last of the other (ADD_MONTHS).
pub fn add_months_end(micros: i64, months: i64) -> Result<i64> {
    let f = Fields::of(micros);
    let (year, month) = shifted(f.year, f.month, months)?;
    let last = days_in_month(year, month);
    let at_end = f.day == days_in_month(f.year, f.month);
    let day = if at_end { last } else { f.day.min(last) };
    at_day(year, month, day, f.time)
}

fn shifted(year: i64, month: u32, months: i64) -> Result<(i64, u32)> {
    let total = year
        .checked_mul(12)
        .and_then(|y| y.checked_add(month as i64 - 1))
        .and_then(|m| m.checked_add(months))
        .ok_or_else(overflow)?;
    Ok((total.div_euclid(12), total.rem_euclid(12) as u32 + 1))
}

fn at_day(year: i64, month: u32, day: u32, time: i64) -> Result<i64> {
    if !(-4713..=294_276).contains(&year) {
        return Err(overflow());
    }
    days_from_civil(year, month, day)
        .and_then(|d| d.checked_mul(MICROS_PER_DAY))
        .and_then(|d| d.checked_add(time))
        .ok_or_else(overflow)
}

/// DATEADD.
pub fn add(part: Part, count: i64, micros: i64) -> Result<i64> {
    let months = |n: i64| count.checked_mul(n).ok_or_else(overflow);
    let plus = |n: i64| {
        count
            .checked_mul(n)
            .and_then(|n| micros.checked_add(n))
            .ok_or_else(overflow)
    };
    match part {
        Part::Millennium => add_months(micros, months(12_000)?),
        Part::Century => add_months(micros, months(1200)?),
        Part::Decade => add_months(micros, months(120)?),
        Part::Year => add_months(micros, months(12)?),
        Part::Quarter => add_months(micros, months(3)?),
        Part::Month => add_months(micros, count),
        Part::Week => plus(7 * MICROS_PER_DAY),
        Part::Day | Part::DayOfWeek | Part::DayOfYear => plus(MICROS_PER_DAY),
        Part::Hour => plus(3_600_000_000),
        Part::Minute => plus(60_000_000),
        Part::Second | Part::Epoch => plus(1_000_000),
        Part::Millisecond => plus(1000),
        Part::Microsecond => plus(1),
        other => Err(SqlError::unsupported(format!("DATEADD of {other:?}"))),
    }
}

/// DATEDIFF: how many boundaries of the part lie between two moments.
pub fn diff(part: Part, from: i64, to: i64) -> Result<i64> {
    let (a, b) = (Fields::of(from), Fields::of(to));
    let boundary = |unit: i64| to.div_euclid(unit) - from.div_euclid(unit);
    Ok(match part {
        Part::Millennium => (b.year - 1).div_euclid(1000) - (a.year - 1).div_euclid(1000),
        Part::Century => (b.year - 1).div_euclid(100) - (a.year - 1).div_euclid(100),
        Part::Decade => b.year.div_euclid(10) - a.year.div_euclid(10),
        Part::Year => b.year - a.year,
        Part::Quarter => {
            (b.year * 4 + (b.month as i64 - 1) / 3) - (a.year * 4 + (a.month as i64 - 1) / 3)
        }
        Part::Month => (b.year * 12 + b.month as i64) - (a.year * 12 + a.month as i64),
        // Weeks begin on Sunday here.
        Part::Week => (b.days + 4).div_euclid(7) - (a.days + 4).div_euclid(7),
        Part::Day | Part::DayOfWeek | Part::DayOfYear => b.days - a.days,
        Part::Hour => boundary(3_600_000_000),
        Part::Minute => boundary(60_000_000),
        Part::Second | Part::Epoch => boundary(1_000_000),
        Part::Millisecond => boundary(1000),
        Part::Microsecond => to - from,
        other => return Err(SqlError::unsupported(format!("DATEDIFF of {other:?}"))),
    })
}
