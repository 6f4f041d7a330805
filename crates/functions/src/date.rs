//! Date and time functions (Developer Guide, "Date and time functions").

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::datetime::{days_from_civil, days_in_month};
use lw_pgrepr::{SqlType, Zone};

use crate::cast::Locale;
use crate::dateparts::{self, Fields, Part};
use crate::datetime_text::{MICROS_PER_DAY, weekday_number};
use crate::func::{Call, Ret, Ty, func};
use crate::rows::*;

fn unsupported_part(part: &str, what: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("{what} units \"{part}\" not supported"),
    )
}

fn session_zone(call: &Call) -> Result<Zone> {
    Ok(Locale::of(call.session()?).zone)
}

fn local(zone: Zone, utc: i64) -> i64 {
    utc + zone.offset_at(utc) as i64 * 1_000_000
}

fn zone_named(name: &str) -> Result<Zone> {
    crate::datetime_text::parse_moment(
        &format!("2000-01-01 00:00 {name}"),
        crate::datetime_text::Order::Mdy,
        "timestamp",
    )
    .ok()
    .and_then(|m| m.zone)
    .or_else(|| Zone::parse(name))
    .ok_or_else(|| {
        SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("time zone \"{name}\" not recognized"),
        )
    })
}

fn extract(part: &str, micros: i64, zone: Option<i32>) -> Result<Option<i64>> {
    let part_of = Part::named(part, "timestamp")?;
    if let Some(value) = dateparts::extract(part_of, micros) {
        return Ok(Some(value));
    }
    let offset = zone.ok_or_else(|| unsupported_part(part, "timestamp"))? as i64;
    Ok(Some(match part_of {
        Part::Timezone => offset,
        Part::TimezoneHour => offset / 3600,
        _ => offset / 60 % 60,
    }))
}

fn part_float(part: &str, micros: i64) -> Result<Option<f64>> {
    let part_of = Part::named(part, "timestamp")?;
    dateparts::date_part(part_of, micros)
        .map(Some)
        .ok_or_else(|| unsupported_part(part, "timestamp"))
}

fn truncated(part: &str, micros: i64) -> Result<Option<i64>> {
    let part_of = Part::named(part, "timestamp")?;
    dateparts::truncate(part_of, micros)
        .map(Some)
        .ok_or_else(|| unsupported_part(part, "timestamp"))
}

fn last_day(micros: i64) -> i64 {
    let f = Fields::of(micros);
    f.days - f.day as i64 + days_in_month(f.year, f.month) as i64
}

fn next_day(micros: i64, name: &str) -> Result<Option<i64>> {
    let name = name.trim();
    let short = match name.to_ascii_lowercase().as_str() {
        "m" => Some(1),
        "w" => Some(3),
        "f" => Some(5),
        _ => weekday_number(name),
    };
    let want = short.ok_or_else(|| {
        SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("Invalid day of the week: {name}"),
        )
    })? as i64;
    let f = Fields::of(micros);
    let have = (f.weekday() + 6) % 7 + 1;
    let ahead = (want - have).rem_euclid(7);
    Ok(Some(f.days + if ahead == 0 { 7 } else { ahead }))
}

fn months_between(a: i64, b: i64) -> f64 {
    let (x, y) = (Fields::of(a), Fields::of(b));
    let months = ((x.year - y.year) * 12 + x.month as i64 - y.month as i64) as f64;
    let at_end = |f: &Fields| f.day == days_in_month(f.year, f.month);
    if x.day == y.day || (at_end(&x) && at_end(&y)) {
        return months;
    }
    let day = |f: &Fields| f.day as f64 + f.time as f64 / MICROS_PER_DAY as f64;
    months + (day(&x) - day(&y)) / 31.0
}

fn order(o: Ordering) -> Result<Option<i32>> {
    Ok(Some(o as i32))
}

fn at_midnight(days: i32) -> i64 {
    days as i64 * MICROS_PER_DAY
}

fn time_units(part: &str) -> Result<Part> {
    let p = Part::named(part, "time")?;
    match p {
        Part::Hour | Part::Minute | Part::Second | Part::Millisecond | Part::Microsecond => Ok(p),
        _ => Err(unsupported_part(part, "time")),
    }
}

fn time_extract(part: &str, micros: i64) -> Result<Option<i64>> {
    match Part::named(part, "time")? {
        Part::Epoch => Ok(Some(micros / 1_000_000)),
        _ => Ok(dateparts::extract(time_units(part)?, micros)),
    }
}

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let int = Ret::Is(SqlType::Int4);
    let big = Ret::Is(SqlType::Int8);
    let f8 = Ret::Is(SqlType::Float8);
    let date = Ret::Is(SqlType::Date);
    let ts = Ret::Is(SqlType::Timestamp);
    let tstz = Ret::Is(SqlType::TimestampTz);
    let time = Ret::Is(SqlType::Time);
    let timetz = Ret::Is(SqlType::TimeTz);
    let mut out = vec![
        func("__extract", "r_EXTRACT_function")
            .form(&[Ty::Str, Ty::Ts], int, |c| {
                map2::<Strs, Stamps, i64>(c, |p, t| extract(p, t, None))
            })
            .form(&[Ty::Str, Ty::Date], int, |c| {
                map2::<Strs, Days, i64>(c, |p, d| extract(p, at_midnight(d), None))
            })
            .form(&[Ty::Str, Ty::Tstz], f8, |c| {
                let zone = session_zone(c)?;
                map2::<Strs, Stamps, f64>(c, |p, t| {
                    let part = Part::named(p, "timestamp")?;
                    let value = match part {
                        Part::Epoch => Some(t.div_euclid(1_000_000)),
                        _ => extract(p, local(zone, t), Some(zone.offset_at(t)))?,
                    };
                    Ok(value.map(|v| v as f64))
                })
            })
            .form(&[Ty::Str, Ty::Time], int, |c| {
                map2::<Strs, Times, i64>(c, time_extract)
            })
            .form(&[Ty::Str, Ty::TimeTz], int, |c| {
                map2::<Strs, TimeTzs, i64>(c, |p, t| time_extract(p, t / 1000))
            })
            .form(&[Ty::Str, Ty::Interval], int, |c| {
                map2::<Strs, Ivls, i64>(c, |p, i| {
                    let micros = i.nanoseconds / 1000;
                    Ok(Some(match Part::named(p, "interval")? {
                        Part::Year => i.months as i64 / 12,
                        Part::Quarter => i.months as i64 % 12 / 3 + 1,
                        Part::Month => i.months as i64 % 12,
                        Part::Day => i.days as i64,
                        Part::Epoch => {
                            let months = i.months as i64;
                            let days = months / 12 * 365 + months % 12 * 30 + i.days as i64;
                            days * 86_400 + micros / 1_000_000
                        }
                        Part::Hour => micros / 3_600_000_000,
                        Part::Minute => micros / 60_000_000 % 60,
                        Part::Second => micros / 1_000_000 % 60,
                        Part::Millisecond => micros / 1000 % 1000,
                        Part::Microsecond => micros % 1_000_000,
                        _ => return Err(unsupported_part(p, "interval")),
                    }))
                })
            })
            .build(),
        func("date_part", "r_DATE_PART_function")
            .alias(&["pgdate_part"])
            .form(&[Ty::Str, Ty::Ts], f8, |c| {
                map2::<Strs, Stamps, f64>(c, part_float)
            })
            .form(&[Ty::Str, Ty::Date], f8, |c| {
                map2::<Strs, Days, f64>(c, |p, d| part_float(p, at_midnight(d)))
            })
            .form(&[Ty::Str, Ty::Tstz], f8, |c| {
                let zone = session_zone(c)?;
                map2::<Strs, Stamps, f64>(c, |p, t| match Part::named(p, "timestamp")? {
                    Part::Epoch => Ok(Some(t as f64 / 1e6)),
                    _ => part_float(p, local(zone, t)),
                })
            })
            .form(&[Ty::Str, Ty::Time], f8, |c| {
                map2::<Strs, Times, f64>(c, part_float)
            })
            .form(&[Ty::Str, Ty::TimeTz], f8, |c| {
                map2::<Strs, TimeTzs, f64>(c, |p, t| part_float(p, t / 1000))
            })
            .build(),
        func("date_trunc", "r_DATE_TRUNC")
            .form(&[Ty::Str, Ty::Ts], ts, |c| {
                map2::<Strs, Stamps, i64>(c, truncated)
            })
            .form(&[Ty::Str, Ty::Tstz], tstz, |c| {
                let zone = session_zone(c)?;
                map2::<Strs, Stamps, i64>(c, |p, t| {
                    Ok(truncated(p, local(zone, t))?.map(|t| zone.to_utc(t)))
                })
            })
            .build(),
        func("dateadd", "r_DATEADD_function")
            .alias(&["date_add"])
            .form(&[Ty::Str, Ty::Int8, Ty::Ts], ts, |c| {
                map3::<Strs, I64s, Stamps, i64>(c, |p, n, t| {
                    dateparts::add(Part::named(p, "timestamp")?, n, t).map(Some)
                })
            })
            .form(&[Ty::Str, Ty::Int8, Ty::Tstz], tstz, |c| {
                let zone = session_zone(c)?;
                map3::<Strs, I64s, Stamps, i64>(c, |p, n, t| {
                    let moved = dateparts::add(Part::named(p, "timestamp")?, n, local(zone, t))?;
                    Ok(Some(zone.to_utc(moved)))
                })
            })
            .form(&[Ty::Str, Ty::Int8, Ty::Time], time, |c| {
                map3::<Strs, I64s, Times, i64>(c, |p, n, t| {
                    Ok(Some(
                        dateparts::add(time_units(p)?, n, t)?.rem_euclid(MICROS_PER_DAY),
                    ))
                })
            })
            .form(&[Ty::Str, Ty::Int8, Ty::TimeTz], timetz, |c| {
                map3::<Strs, I64s, TimeTzs, i64>(c, |p, n, t| {
                    let moved = dateparts::add(time_units(p)?, n, t / 1000)?;
                    Ok(Some(moved.rem_euclid(MICROS_PER_DAY) * 1000))
                })
            })
            .build(),
        func("datediff", "r_DATEDIFF_function")
            .alias(&["date_diff"])
            .form(&[Ty::Str, Ty::Ts, Ty::Ts], big, |c| {
                map3::<Strs, Stamps, Stamps, i64>(c, |p, a, b| {
                    dateparts::diff(Part::named(p, "timestamp")?, a, b).map(Some)
                })
            })
            .form(&[Ty::Str, Ty::Tstz, Ty::Tstz], big, |c| {
                let zone = session_zone(c)?;
                map3::<Strs, Stamps, Stamps, i64>(c, |p, a, b| {
                    dateparts::diff(Part::named(p, "timestamp")?, local(zone, a), local(zone, b))
                        .map(Some)
                })
            })
            .form(&[Ty::Str, Ty::Time, Ty::Time], big, |c| {
                map3::<Strs, Times, Times, i64>(c, |p, a, b| {
                    dateparts::diff(time_units(p)?, a, b).map(Some)
                })
            })
            .form(&[Ty::Str, Ty::TimeTz, Ty::TimeTz], big, |c| {
                map3::<Strs, TimeTzs, TimeTzs, i64>(c, |p, a, b| {
                    dateparts::diff(time_units(p)?, a / 1000, b / 1000).map(Some)
                })
            })
            .build(),
        func("add_months", "r_ADD_MONTHS")
            .form(&[Ty::Ts, Ty::Int8], ts, |c| {
                map2::<Stamps, I64s, i64>(c, |t, n| dateparts::add_months_end(t, n).map(Some))
            })
            .build(),
        func("last_day", "r_LAST_DAY")
            .form(&[Ty::Ts], date, |c| {
                map1::<Stamps, i64>(c, |t| Ok(Some(last_day(t))))
            })
            .build(),
        func("next_day", "r_NEXT_DAY")
            .form(&[Ty::Ts, Ty::Str], date, |c| {
                map2::<Stamps, Strs, i64>(c, next_day)
            })
            .build(),
        func("months_between", "r_MONTHS_BETWEEN_function")
            .form(&[Ty::Ts, Ty::Ts], f8, |c| {
                map2::<Stamps, Stamps, f64>(c, |a, b| Ok(Some(months_between(a, b))))
            })
            .build(),
        func("timezone", "r_TIMEZONE")
            .form(&[Ty::Str, Ty::Ts], tstz, |c| {
                map2::<Strs, Stamps, i64>(c, |z, t| Ok(Some(zone_named(z)?.to_utc(t))))
            })
            .form(&[Ty::Str, Ty::Tstz], ts, |c| {
                map2::<Strs, Stamps, i64>(c, |z, t| Ok(Some(local(zone_named(z)?, t))))
            })
            .build(),
        func("convert_timezone", "CONVERT_TIMEZONE")
            .form(&[Ty::Str, Ty::Ts], ts, |c| {
                map2::<Strs, Stamps, i64>(c, |z, t| Ok(Some(local(zone_named(z)?, t))))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Ts], ts, |c| {
                map3::<Strs, Strs, Stamps, i64>(c, |from, to, t| {
                    let utc = zone_named(from)?.to_utc(t);
                    Ok(Some(local(zone_named(to)?, utc)))
                })
            })
            .build(),
        func("date", "r_Datetime_types")
            .form(&[Ty::Ts], date, |c| {
                map1::<Stamps, i64>(c, |t| Ok(Some(t.div_euclid(MICROS_PER_DAY))))
            })
            .build(),
        func("make_date", "r_Datetime_types")
            .form(&[Ty::Int4, Ty::Int4, Ty::Int4], date, |c| {
                map3::<I32s, I32s, I32s, i64>(c, |y, m, d| {
                    let ok = (1..=12).contains(&m)
                        && d >= 1
                        && d as u32 <= days_in_month(y as i64, m as u32);
                    match ok
                        .then(|| days_from_civil(y as i64, m as u32, d as u32))
                        .flatten()
                    {
                        Some(days) => Ok(Some(days)),
                        None => Err(SqlError::new(
                            SqlState::DATETIME_FIELD_OVERFLOW,
                            format!("date field value out of range: {y}-{m}-{d}"),
                        )),
                    }
                })
            })
            .build(),
        func("interval_cmp", "r_INTERVAL_CMP")
            .form(&[Ty::Interval, Ty::Interval], int, |c| {
                map2::<Ivls, Ivls, i32>(c, |a, b| {
                    let size = |i: arrow::datatypes::IntervalMonthDayNano| {
                        (i.months as i128 * 30 + i.days as i128) * MICROS_PER_DAY as i128 * 1000
                            + i.nanoseconds as i128
                    };
                    order(size(a).cmp(&size(b)))
                })
            })
            .build(),
        func("date_cmp", "r_DATE_CMP")
            .form(&[Ty::Date, Ty::Date], int, |c| {
                map2::<Days, Days, i32>(c, |a, b| order(a.cmp(&b)))
            })
            .build(),
    ];
    for name in ["date_cmp_timestamp", "timestamp_cmp", "timestamp_cmp_date"] {
        out.push(
            func(name, "r_TIMESTAMP_CMP")
                .form(&[Ty::Ts, Ty::Ts], int, |c| {
                    map2::<Stamps, Stamps, i32>(c, |a, b| order(a.cmp(&b)))
                })
                .build(),
        );
    }
    for name in [
        "date_cmp_timestamptz",
        "timestamp_cmp_timestamptz",
        "timestamptz_cmp",
        "timestamptz_cmp_date",
        "timestamptz_cmp_timestamp",
    ] {
        out.push(
            func(name, "r_TIMESTAMPTZ_CMP")
                .form(&[Ty::Tstz, Ty::Tstz], int, |c| {
                    map2::<Stamps, Stamps, i32>(c, |a, b| order(a.cmp(&b)))
                })
                .build(),
        );
    }
    out
}
