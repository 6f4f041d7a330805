//! Reading dates and times as clients send them: ISO 8601 and the forms of PostgreSQL's drivers.
//!
//! The wider range of forms that literals in SQL text may have is the business of `functions`.

use lw_base::{Result, SqlError, SqlState};

use crate::SqlType;
use crate::datetime::{MICROS_PER_DAY, days_from_civil};
use crate::zone::{Zone, parse_offset};

/// A date: days since 1970-01-01. A time after it is ignored.
pub fn parse_date(text: &str) -> Result<i32> {
    let (body, bc) = strip_era(text);
    let (date, _) = split_time(body);
    let days = date_part(date, bc).ok_or_else(|| syntax(SqlType::Date, text))??;
    i32::try_from(days).map_err(|_| overflow(text))
}

/// A time of day: microseconds, and the offset it names (seconds east).
pub fn parse_time(text: &str) -> Result<(i64, Option<i32>)> {
    let (time, zone) = time_part(text).ok_or_else(|| syntax(SqlType::Time, text))?;
    let micros = time.ok_or_else(|| overflow(text))?;
    let offset = match zone {
        None => None,
        Some(name) => {
            let zone = Zone::parse(name).ok_or_else(|| syntax(SqlType::TimeTz, text))?;
            Some(zone.offset_at(lw_base::clock::now_micros()))
        }
    };
    Ok((micros, offset))
}

/// A timestamp: microseconds since 1970-01-01 on the local clock, and the zone it names.
pub fn parse_timestamp(text: &str) -> Result<(i64, Option<Zone>)> {
    let bad = || syntax(SqlType::Timestamp, text);
    let (body, bc) = strip_era(text);
    let (date, time) = split_time(body);
    let days = date_part(date, bc).ok_or_else(bad)??;
    let (micros, zone) = match time {
        None => (0, None),
        Some(time) => {
            let (micros, zone) = time_part(time).ok_or_else(bad)?;
            (micros.ok_or_else(|| overflow(text))?, zone)
        }
    };
    let zone = match zone {
        None => None,
        Some(name) => Some(Zone::parse(name).ok_or_else(bad)?),
    };
    let total = days
        .checked_mul(MICROS_PER_DAY)
        .and_then(|d| d.checked_add(micros))
        .ok_or_else(|| overflow(text))?;
    Ok((total, zone))
}

/// An interval year to month: `1-2`, `3`, `1 years 2 mons`; in months.
pub fn parse_year_month(text: &str) -> Result<i32> {
    let bad = || syntax(SqlType::IntervalYM, text);
    if let Some((years, months)) = text.trim_start_matches(['+', '-']).split_once('-') {
        let years: i32 = years.parse().map_err(|_| bad())?;
        let months: i32 = months.parse().map_err(|_| bad())?;
        let total = years.checked_mul(12).and_then(|y| y.checked_add(months));
        let total = total.ok_or_else(|| overflow(text))?;
        return Ok(if text.starts_with('-') { -total } else { total });
    }
    let mut total: i32 = 0;
    for (n, unit) in quantities(text).ok_or_else(bad)? {
        let factor = match unit.to_ascii_lowercase().as_str() {
            "year" | "years" | "y" | "yr" | "yrs" | "" => 12,
            "month" | "months" | "mon" | "mons" => 1,
            _ => return Err(bad()),
        };
        let n: i32 = n.parse().map_err(|_| bad())?;
        total = n
            .checked_mul(factor)
            .and_then(|m| total.checked_add(m))
            .ok_or_else(|| overflow(text))?;
    }
    Ok(total)
}

/// An interval day to second: `1 02:03:04.5`, `1 days 2 hours 3 mins 4.5 secs`; in microseconds.
pub fn parse_day_time(text: &str) -> Result<i64> {
    let bad = || syntax(SqlType::IntervalDS, text);
    let mut total: i128 = 0;
    let (words, clock) = match text.rsplit_once(' ') {
        Some((words, last)) if last.contains(':') => (words, Some(last)),
        None if text.contains(':') => ("", Some(text)),
        _ => (text, None),
    };
    if let Some(clock) = clock {
        let negative = clock.starts_with('-');
        let (time, _) = time_part(clock.trim_start_matches(['+', '-'])).ok_or_else(bad)?;
        let micros = time.ok_or_else(|| overflow(text))? as i128;
        total += if negative { -micros } else { micros };
    }
    for (n, unit) in quantities(words).ok_or_else(bad)? {
        let factor: i128 = match unit.to_ascii_lowercase().as_str() {
            "day" | "days" | "d" => MICROS_PER_DAY as i128,
            "" if clock.is_some() => MICROS_PER_DAY as i128,
            "hour" | "hours" | "h" | "hr" | "hrs" => 3_600_000_000,
            "minute" | "minutes" | "min" | "mins" | "m" => 60_000_000,
            "second" | "seconds" | "sec" | "secs" | "s" | "" => 1_000_000,
            _ => return Err(bad()),
        };
        let n = crate::numeric::parse_numeric(n).map_err(|_| bad())?;
        let n = crate::numeric::rescale(n, 30, 6).map_err(|_| overflow(text))?;
        total += n.checked_mul(factor).ok_or_else(|| overflow(text))? / 1_000_000;
    }
    i64::try_from(total).map_err(|_| overflow(text))
}

/// `infinity` and `-infinity`, which Redshift does not have.
pub fn no_infinity(sql_type: SqlType) -> SqlError {
    SqlError::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("infinity is not a value of type {sql_type}"),
    )
}

fn syntax(sql_type: SqlType, text: &str) -> SqlError {
    if text
        .trim_start_matches('-')
        .eq_ignore_ascii_case("infinity")
    {
        return no_infinity(sql_type);
    }
    SqlError::new(
        SqlState::INVALID_DATETIME_FORMAT,
        format!("invalid input syntax for type {sql_type}: \"{text}\""),
    )
}

fn overflow(text: &str) -> SqlError {
    SqlError::new(
        SqlState::DATETIME_FIELD_OVERFLOW,
        format!("date/time field value out of range: \"{text}\""),
    )
}

fn strip_era(text: &str) -> (&str, bool) {
    let text = text.trim();
    let Some(cut) = text
        .len()
        .checked_sub(3)
        .filter(|i| text.is_char_boundary(*i))
    else {
        return (text, false);
    };
    match text[cut..].to_ascii_lowercase().as_str() {
        " bc" => (text[..cut].trim_end(), true),
        " ad" => (text[..cut].trim_end(), false),
        _ => (text, false),
    }
}

/// Splits the date from the time after `T` or blanks.
fn split_time(text: &str) -> (&str, Option<&str>) {
    match text.find(|c: char| c == 'T' || c == 't' || c.is_ascii_whitespace()) {
        Some(i) => (
            &text[..i],
            Some(text[i + 1..].trim()).filter(|t| !t.is_empty()),
        ),
        None => (text, None),
    }
}

/// `None`: not a date. `Some(Err)`: a date that is not in the calendar.
fn date_part(text: &str, bc: bool) -> Option<Result<i64>> {
    let number = |part: &str| -> Option<i64> {
        (!part.is_empty() && part.len() <= 7 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse().ok())?
    };
    let separator = text.chars().find(|c| !c.is_ascii_digit());
    let (year, month, day) = match separator {
        Some(c @ ('-' | '/' | '.')) => {
            let mut parts = text.split(c);
            let (a, b, d) = (parts.next()?, parts.next()?, parts.next()?);
            if parts.next().is_some() {
                return None;
            }
            match c {
                // A year comes first if it has more than two digits; else the month does (MDY).
                _ if a.len() > 2 => (number(a)?, number(b)?, number(d)?),
                '.' => (number(d)?, number(b)?, number(a)?),
                _ => (number(d)?, number(a)?, number(b)?),
            }
        }
        None if text.len() == 8 => (
            number(&text[..4])?,
            number(&text[4..6])?,
            number(&text[6..])?,
        ),
        _ => return None,
    };
    let year = if bc { 1 - year } else { year };
    // The Julian day range of PostgreSQL: 4713 BC on; and there is no year 0.
    let in_range = (-4712..=294_276).contains(&year) && (bc || year != 0);
    let days = days_from_civil(year, month as u32, day as u32).filter(|_| in_range);
    Some(days.ok_or_else(|| overflow(text)))
}

/// `None`: not a time. The time is `None` if a field of it is out of range.
fn time_part(text: &str) -> Option<(Option<i64>, Option<&str>)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))
        .unwrap_or(text.len());
    let (clock, zone) = (&text[..end], text[end..].trim());
    let mut parts = clock.split(':');
    let whole =
        |part: &str| -> Option<i64> { (matches!(part.len(), 1 | 2)).then(|| part.parse().ok())? };
    let hour = whole(parts.next()?)?;
    let minute = whole(parts.next()?)?;
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(part) => {
            let (second, digits) = part.split_once('.').unwrap_or((part, ""));
            (whole(second)?, micros_of(digits)?)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    let micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction;
    let fits = minute < 60 && second <= 60 && (0..=MICROS_PER_DAY).contains(&micros);
    let zone = match zone {
        "" => None,
        offset if offset.starts_with(['+', '-']) && parse_offset(offset).is_none() => return None,
        name => Some(name),
    };
    Some((fits.then_some(micros), zone))
}

/// Decimals of a second as microseconds, rounded.
fn micros_of(digits: &str) -> Option<i64> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut micros = 0;
    for i in 0..6 {
        micros = micros * 10 + digits.as_bytes().get(i).map_or(0, |b| (b - b'0') as i64);
    }
    Some(micros + digits.as_bytes().get(6).is_some_and(|b| *b >= b'5') as i64)
}

/// `1 years 2 mons` as numbers with their units; a number alone has the unit "".
fn quantities(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
            .unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        out.push((number, unit));
        rest = after.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
        if rest.len() == after.len() && !rest.is_empty() && unit.is_empty() {
            return None;
        }
    }
    Some(out)
}
