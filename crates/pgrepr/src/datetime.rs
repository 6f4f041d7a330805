//! Dates and times: the calendar, and the text forms that `DateStyle` chooses between.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};

use crate::zone::Zone;

/// Microseconds of a day.
pub const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL's binary forms begin to count.
pub const PG_EPOCH_DAYS: i32 = 10_957;
/// Microseconds from 1970-01-01 to 2000-01-01.
pub const PG_EPOCH_MICROS: i64 = PG_EPOCH_DAYS as i64 * MICROS_PER_DAY;

/// The first part of `DateStyle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateFormat {
    /// `2020-12-31 13:00:00+00`
    #[default]
    Iso,
    /// `12/31/2020 13:00:00 UTC`
    Sql,
    /// `Thu Dec 31 13:00:00 2020 UTC`
    Postgres,
    /// `31.12.2020 13:00:00 UTC`
    German,
}

/// The second part of `DateStyle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// Month first.
    #[default]
    Mdy,
    /// Day first.
    Dmy,
    /// Year first.
    Ymd,
}

/// Year (1 BC is 0), month and day of a day counted from 1970-01-01 in the Gregorian calendar.
pub fn civil(days: i64) -> (i64, u32, u32) {
    // Counted from 0000-03-01 in eras of 400 years, so that the leap day ends a year.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (yoe + era * 400 + (month <= 2) as i64, month, day)
}

/// The inverse of [`civil`]; `None` if there is no such day.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let y = year - (month <= 2) as i64;
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month as i64 + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day as i64 - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    Some(era * 146_097 + doe - 719_468)
}

/// Days of a month.
pub fn days_in_month(year: i64, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// Appends a date (days since 1970-01-01).
pub fn write_date(days: i64, format: DateFormat, order: DateOrder, out: &mut BytesMut) {
    let (year, month, day) = civil(days);
    put_date(year, month, day, format, order, out);
    if year <= 0 {
        out.put_slice(b" BC");
    }
}

/// Appends a timestamp without time zone (microseconds since 1970-01-01).
pub fn write_timestamp(micros: i64, format: DateFormat, order: DateOrder, out: &mut BytesMut) {
    put_timestamp(micros, None, format, order, out);
}

/// Appends a timestamp with time zone (microseconds since 1970-01-01 UTC) as a clock in `zone`
/// shows it.
pub fn write_timestamptz(
    micros: i64,
    zone: Zone,
    format: DateFormat,
    order: DateOrder,
    out: &mut BytesMut,
) {
    let (offset, abbreviation) = match (zone, format) {
        (zone, DateFormat::Iso) => (zone.offset_at(micros), None),
        (zone, _) => zone.at(micros),
    };
    let local = micros.saturating_add(offset as i64 * 1_000_000);
    put_timestamp(local, Some((offset, abbreviation)), format, order, out);
}

/// Appends a time of day (microseconds).
pub fn write_time(micros: i64, out: &mut BytesMut) {
    let seconds = micros.div_euclid(1_000_000);
    two(seconds / 3600, out);
    out.put_u8(b':');
    two(seconds / 60 % 60, out);
    out.put_u8(b':');
    two(seconds % 60, out);
    put_fraction(micros.rem_euclid(1_000_000), out);
}

fn put_date(
    year: i64,
    month: u32,
    day: u32,
    format: DateFormat,
    order: DateOrder,
    out: &mut BytesMut,
) {
    // There is no year 0: it is 1 BC.
    let shown = if year > 0 { year } else { 1 - year };
    let (month, day) = (month as i64, day as i64);
    let separator = match format {
        DateFormat::Iso => {
            put_year(shown, out);
            out.put_u8(b'-');
            two(month, out);
            out.put_u8(b'-');
            two(day, out);
            return;
        }
        DateFormat::Sql => b'/',
        DateFormat::Postgres => b'-',
        DateFormat::German => b'.',
    };
    let day_first = order == DateOrder::Dmy || format == DateFormat::German;
    let (first, second) = if day_first {
        (day, month)
    } else {
        (month, day)
    };
    two(first, out);
    out.put_u8(separator);
    two(second, out);
    out.put_u8(separator);
    put_year(shown, out);
}

fn put_timestamp(
    micros: i64,
    zone: Option<(i32, Option<String>)>,
    format: DateFormat,
    order: DateOrder,
    out: &mut BytesMut,
) {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = micros.div_euclid(MICROS_PER_DAY);
    let time = micros.rem_euclid(MICROS_PER_DAY);
    let (year, month, day) = civil(days);
    if format == DateFormat::Postgres {
        out.put_slice(WEEKDAYS[days.rem_euclid(7) as usize].as_bytes());
        let name = MONTHS[(month as usize - 1) % 12];
        let _ = match order {
            DateOrder::Dmy => write!(out, " {day:02} {name} "),
            _ => write!(out, " {name} {day:02} "),
        };
        write_time(time, out);
        out.put_u8(b' ');
        put_year(if year > 0 { year } else { 1 - year }, out);
    } else {
        put_date(year, month, day, format, order, out);
        out.put_u8(b' ');
        write_time(time, out);
    }
    match zone {
        Some((_, Some(name))) if format != DateFormat::Iso => {
            out.put_u8(b' ');
            out.put_slice(name.as_bytes());
        }
        Some((offset, _)) => put_offset(offset, out),
        None => {}
    }
    if year <= 0 {
        out.put_slice(b" BC");
    }
}

/// Appends `+01`, `-03:30`: an offset east of Greenwich.
pub fn put_offset(seconds: i32, out: &mut BytesMut) {
    out.put_u8(if seconds < 0 { b'-' } else { b'+' });
    let seconds = seconds.unsigned_abs() as i64;
    two(seconds / 3600, out);
    if seconds % 3600 != 0 {
        out.put_u8(b':');
        two(seconds / 60 % 60, out);
    }
    if seconds % 60 != 0 {
        out.put_u8(b':');
        two(seconds % 60, out);
    }
}

fn put_year(year: i64, out: &mut BytesMut) {
    if (0..10_000).contains(&year) {
        two(year / 100, out);
        two(year % 100, out);
    } else {
        let _ = write!(out, "{year}");
    }
}

fn two(n: i64, out: &mut BytesMut) {
    out.put_u8(b'0' + (n / 10 % 10) as u8);
    out.put_u8(b'0' + (n % 10) as u8);
}

fn put_fraction(micros: i64, out: &mut BytesMut) {
    if micros == 0 {
        return;
    }
    let mut digits = [0u8; 6];
    let mut rest = micros;
    for d in digits.iter_mut().rev() {
        *d = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let len = digits.iter().rposition(|d| *d != b'0').map_or(0, |i| i + 1);
    out.put_u8(b'.');
    out.put_slice(&digits[..len]);
}
