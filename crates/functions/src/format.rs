//! TO_CHAR, TO_DATE, TO_TIMESTAMP and TO_NUMBER by format strings (Developer Guide, "Data type
//! formatting functions").

use std::sync::Arc;

use arrow::array::Array;
use datafusion::logical_expr::ScalarUDF;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_pgrepr::datetime::{days_from_civil, days_in_month};

use crate::cast::Locale;
use crate::dateparts::Fields;
use crate::datetime_text::{MICROS_PER_DAY, month_name, month_number, weekday_name};
use crate::func::{Call, Ret, ReturnArgs, STR, Ty, func};
use crate::number_format;
use crate::rows::*;

/// A piece of a date format.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    /// A field by its upper-case name, with how it was written and whether FM stood before it.
    Field {
        name: &'static str,
        written: String,
        fill: bool,
        ordinal: Option<bool>,
    },
    /// Characters as they are.
    Text(String),
}

/// Names of fields, the longer first where one begins another.
const FIELDS: [&str; 46] = [
    "Y,YYY", "YYYY", "YYY", "YY", "IYYY", "IYY", "IY", "IDDD", "ID", "IW", "I", "Y", "A.M.",
    "P.M.", "AM", "PM", "B.C.", "A.D.", "BC", "AD", "CC", "MONTH", "MON", "MM", "MI", "MS", "US",
    "DAY", "DY", "DDD", "DD", "D", "HH24", "HH12", "HH", "SSSSS", "SSSS", "SS", "WW", "W", "J",
    "Q", "RM", "TZ", "OF", "FX",
];

fn pieces(format: &str) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut rest = format;
    let mut fill = true;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"').unwrap_or(quoted.len());
            push_text(&mut out, &quoted[..end]);
            rest = quoted.get(end + 1..).unwrap_or("");
            continue;
        }
        if starts(rest, "FM") {
            fill = false;
            rest = &rest[2..];
            continue;
        }
        let Some(name) = FIELDS.iter().find(|f| starts(rest, f)) else {
            let c = rest.chars().next().unwrap_or(' ');
            push_text(&mut out, &rest[..c.len_utf8()]);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let written = rest[..name.len()].to_string();
        rest = &rest[name.len()..];
        let ordinal = starts(rest, "TH").then(|| rest.starts_with("TH"));
        if ordinal.is_some() {
            rest = &rest[2..];
        }
        out.push(Piece::Field {
            name,
            written,
            fill,
            ordinal,
        });
        fill = true;
    }
    out
}

fn starts(text: &str, name: &str) -> bool {
    text.get(..name.len())
        .is_some_and(|t| t.eq_ignore_ascii_case(name))
}

fn push_text(out: &mut Vec<Piece>, text: &str) {
    match out.last_mut() {
        Some(Piece::Text(t)) => t.push_str(text),
        _ => out.push(Piece::Text(text.to_string())),
    }
}

/// A name in the case its field was written in: MONTH, Month, month.
fn cased(name: &str, written: &str) -> String {
    let mut letters = written.chars();
    let first = letters.next().is_some_and(char::is_uppercase);
    let second = letters.next().is_some_and(char::is_uppercase);
    match (first, second) {
        (true, true) => name.to_uppercase(),
        (true, false) => {
            let mut name = name.to_string();
            name[..1].make_ascii_uppercase();
            name
        }
        _ => name.to_string(),
    }
}

/// The ending of an ordinal number.
pub(crate) fn ordinal(n: i64, upper: bool) -> &'static str {
    let ending = match (n.abs() % 100, n.abs() % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    match (upper, ending) {
        (true, "st") => "ST",
        (true, "nd") => "ND",
        (true, "rd") => "RD",
        (true, _) => "TH",
        (false, e) => e,
    }
}

const ROMAN_MONTHS: [&str; 12] = [
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII",
];

/// The zone a TIMESTAMPTZ is shown in.
struct Zoned {
    offset: i32,
    name: String,
}

fn to_char(micros: i64, format: &str, zone: Option<&Zoned>) -> String {
    let f = Fields::of(micros);
    let year = if f.year > 0 { f.year } else { 1 - f.year };
    let weekday = f.weekday();
    let iso_day = if weekday == 0 { 7 } else { weekday };
    let (iso_year, iso_week) = f.iso_week();
    let hour12 = match f.hour() % 12 {
        0 => 12,
        h => h,
    };
    let second = f.second_micros();
    let mut out = String::new();
    for piece in pieces(format) {
        let (name, written, fill, ordinal_case) = match piece {
            Piece::Text(text) => {
                out.push_str(&text);
                continue;
            }
            Piece::Field {
                name,
                written,
                fill,
                ordinal,
            } => (name, written, fill, ordinal),
        };
        let padded = |text: String, width: usize| match fill {
            true => format!("{text:<width$}"),
            false => text,
        };
        let number = |n: i64, width: usize| {
            let digits = match fill {
                true => format!("{n:0width$}"),
                false => n.to_string(),
            };
            match ordinal_case {
                Some(upper) => format!("{digits}{}", ordinal(n, upper)),
                None => digits,
            }
        };
        let half = |am: &str, pm: &str| {
            let word = if f.hour() < 12 { am } else { pm };
            match written.starts_with(char::is_lowercase) {
                true => word.to_lowercase(),
                false => word.to_string(),
            }
        };
        let era = |ad: &str, bc: &str| {
            let word = if f.year > 0 { ad } else { bc };
            match written.starts_with(char::is_lowercase) {
                true => word.to_lowercase(),
                false => word.to_string(),
            }
        };
        let text = match name {
            "Y,YYY" => format!("{},{:03}", year / 1000, year % 1000),
            "YYYY" => number(year, 4),
            "YYY" => number(year % 1000, 3),
            "YY" => number(year % 100, 2),
            "Y" => number(year % 10, 1),
            "IYYY" => number(iso_year, 4),
            "IYY" => number(iso_year % 1000, 3),
            "IY" => number(iso_year % 100, 2),
            "I" => number(iso_year % 10, 1),
            "AM" | "PM" => half("AM", "PM"),
            "A.M." | "P.M." => half("A.M.", "P.M."),
            "BC" | "AD" => era("AD", "BC"),
            "B.C." | "A.D." => era("A.D.", "B.C."),
            "CC" => number((f.year + 99).div_euclid(100), 2),
            "MONTH" => padded(cased(month_name(f.month), &written), 9),
            "MON" => cased(&month_name(f.month)[..3], &written),
            "MM" => number(f.month as i64, 2),
            "MI" => number(f.minute(), 2),
            "MS" => number(second / 1000 % 1000, 3),
            "US" => number(second % 1_000_000, 6),
            "DAY" => padded(cased(weekday_name(iso_day as u32), &written), 9),
            "DY" => cased(&weekday_name(iso_day as u32)[..3], &written),
            "DDD" => number(f.day_of_year(), 3),
            "IDDD" => number((iso_week - 1) * 7 + iso_day, 3),
            "DD" => number(f.day as i64, 2),
            "D" => number(weekday + 1, 1),
            "ID" => number(iso_day, 1),
            "HH24" => number(f.hour(), 2),
            "HH12" | "HH" => number(hour12, 2),
            "SSSS" | "SSSSS" => number(f.time / 1_000_000, 1),
            "SS" => number(second / 1_000_000, 2),
            "WW" => number((f.day_of_year() - 1) / 7 + 1, 2),
            "IW" => number(iso_week, 2),
            "W" => number((f.day as i64 - 1) / 7 + 1, 1),
            "J" => number(f.days + 2_440_588, 1),
            "Q" => number((f.month as i64 - 1) / 3 + 1, 1),
            "RM" => padded(
                cased(&ROMAN_MONTHS[f.month as usize - 1].to_lowercase(), &written),
                4,
            ),
            "TZ" => match zone {
                Some(z) if written.starts_with('t') => z.name.to_lowercase(),
                Some(z) => z.name.clone(),
                None => String::new(),
            },
            "OF" => match zone {
                Some(z) => {
                    let (h, m) = (z.offset.abs() / 3600, z.offset.abs() / 60 % 60);
                    let sign = if z.offset < 0 { '-' } else { '+' };
                    match m {
                        0 => format!("{sign}{h:02}"),
                        m => format!("{sign}{h:02}:{m:02}"),
                    }
                }
                None => String::new(),
            },
            _ => String::new(),
        };
        out.push_str(&text);
    }
    out
}

/// What a text gives by a format.
#[derive(Debug, Default)]
struct Read {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    iso: (Option<i64>, Option<i64>, Option<i64>),
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    pm: Option<bool>,
    bc: bool,
    julian: Option<i64>,
}

fn unreadable(text: &str, format: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_DATETIME_FORMAT,
        format!("invalid value \"{text}\" for format \"{format}\""),
    )
}

fn read(text: &str, format: &str) -> Result<Read> {
    let mut r = Read::default();
    let mut rest = text.trim_start();
    let pieces = pieces(format);
    for (i, piece) in pieces.iter().enumerate() {
        let name = match piece {
            Piece::Text(t) => {
                // Separators stand for any separators.
                for c in t.chars() {
                    match rest.chars().next() {
                        Some(have)
                            if have == c || !have.is_alphanumeric() && !c.is_alphanumeric() =>
                        {
                            rest = &rest[have.len_utf8()..];
                        }
                        _ => {}
                    }
                }
                continue;
            }
            Piece::Field { name, .. } => *name,
        };
        rest = rest.trim_start();
        // A field of a fixed width ends there if the next one follows at once.
        let close = matches!(pieces.get(i + 1), Some(Piece::Field { .. }));
        let mut number = |width: usize| -> Result<i64> {
            let limit = if close { width } else { width.max(9) };
            let sign = usize::from(rest.starts_with('-') && name.contains('Y'));
            let digits = rest[sign..]
                .bytes()
                .take(limit)
                .take_while(u8::is_ascii_digit)
                .count();
            if digits == 0 {
                return Err(unreadable(text, format));
            }
            let value = rest[..sign + digits]
                .parse()
                .map_err(|_| unreadable(text, format))?;
            rest = &rest[sign + digits..];
            Ok(value)
        };
        match name {
            "YYYY" | "IYYY" => {
                let y = number(4)?;
                if name == "YYYY" {
                    r.year = Some(y)
                } else {
                    r.iso.0 = Some(y)
                }
            }
            "Y,YYY" => {
                let thousands = number(1)?;
                rest = rest.strip_prefix(',').unwrap_or(rest);
                let digits = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
                let tail: i64 = rest[..digits]
                    .parse()
                    .map_err(|_| unreadable(text, format))?;
                rest = &rest[digits..];
                r.year = Some(thousands * 1000 + tail);
            }
            "YYY" => r.year = Some(near_2020(number(3)?, 1000)),
            "YY" | "IY" => {
                let y = number(2)?;
                r.year = Some(if y < 100 { near_2020(y, 100) } else { y });
            }
            "Y" => r.year = Some(near_2020(number(1)?, 10)),
            "MM" => r.month = Some(number(2)?),
            "DD" => r.day = Some(number(2)?),
            "DDD" => r.day_of_year = Some(number(3)?),
            "IW" => r.iso.1 = Some(number(2)?),
            "ID" => r.iso.2 = Some(number(1)?),
            "HH24" => r.hour = number(2)?,
            "HH12" | "HH" => r.hour = number(2)?,
            "MI" => r.minute = number(2)?,
            "SS" => r.second = number(2)?,
            "SSSS" | "SSSSS" => r.second = number(5)?,
            "J" => r.julian = Some(number(7)?),
            "MS" | "US" => {
                let width = if name == "MS" { 3 } else { 6 };
                let digits = rest.bytes().take(6).take_while(u8::is_ascii_digit).count();
                if digits == 0 {
                    return Err(unreadable(text, format));
                }
                let value: i64 = rest[..digits]
                    .parse()
                    .map_err(|_| unreadable(text, format))?;
                let _ = width;
                r.micros += value * 10i64.pow(6 - digits as u32);
                rest = &rest[digits..];
            }
            "MONTH" | "MON" => {
                let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
                let whole = month_number(&rest[..letters]);
                let (month, used) = match whole {
                    Some(m) => (m, letters),
                    None => match rest.get(..3).and_then(month_number) {
                        Some(m) => (m, 3),
                        None => return Err(unreadable(text, format)),
                    },
                };
                r.month = Some(month as i64);
                rest = &rest[used..];
            }
            "DAY" | "DY" => {
                let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
                rest = &rest[if name == "DY" {
                    letters.min(3)
                } else {
                    letters
                }..];
            }
            "RM" => {
                let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
                let word = rest[..letters].to_uppercase();
                let month = ROMAN_MONTHS.iter().position(|m| *m == word);
                r.month = Some(month.ok_or_else(|| unreadable(text, format))? as i64 + 1);
                rest = &rest[letters..];
            }
            "AM" | "PM" | "A.M." | "P.M." => {
                let lower = rest.to_ascii_lowercase();
                r.pm = match lower.as_bytes().first() {
                    Some(b'p') => Some(true),
                    Some(b'a') => Some(false),
                    _ => return Err(unreadable(text, format)),
                };
                let used = if lower.get(1..2) == Some(".") { 4 } else { 2 };
                rest = rest.get(used..).unwrap_or("");
            }
            "BC" | "AD" | "B.C." | "A.D." => {
                r.bc = rest.starts_with(['b', 'B']);
                let used = if rest.get(1..2) == Some(".") { 4 } else { 2 };
                rest = rest.get(used..).unwrap_or("");
            }
            "TZ" | "OF" => {
                return Err(SqlError::unsupported(format!(
                    "\"{name}\" in a format that is read"
                )));
            }
            "FX" => {}
            _ => {
                number(2)?;
            }
        }
    }
    Ok(r)
}

/// The year nearest 2020 that ends so, as PostgreSQL reads short years.
fn near_2020(short: i64, modulus: i64) -> i64 {
    match modulus {
        100 if short < 70 => 2000 + short,
        100 => 1900 + short,
        1000 if short < 100 => 2000 + short,
        1000 if short < 520 => 2000 + short,
        1000 => 1000 + short,
        _ => 2020 + short,
    }
}

fn moment(text: &str, format: &str, strict: bool) -> Result<i64> {
    let r = read(text, format)?;
    let range = |what: &str, shown: String| {
        SqlError::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            format!("date/time field {what} value out of range: {shown}"),
        )
    };
    let year = r.year.unwrap_or(1);
    let year = if r.bc { 1 - year } else { year };
    let (month, day) = (r.month.unwrap_or(1), r.day.unwrap_or(1));
    let days = if let Some(j) = r.julian {
        j - 2_440_588
    } else if let (Some(y), Some(w), d) = r.iso {
        let fourth = days_from_civil(y, 1, 4).ok_or_else(|| range("date", text.into()))?;
        let monday = fourth - (fourth + 3).rem_euclid(7);
        monday + (w - 1) * 7 + d.unwrap_or(1) - 1
    } else if let Some(n) = r.day_of_year {
        days_from_civil(year, 1, 1).ok_or_else(|| range("date", text.into()))? + n - 1
    } else {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(range("date", format!("{year}-{month}-{day}")));
        }
        if strict && day > days_in_month(year, month as u32) as i64 {
            return Err(range("date", format!("{year}-{month}-{day}")));
        }
        // 31 June is 1 July unless strict.
        days_from_civil(year, month as u32, 1).ok_or_else(|| range("date", text.into()))? + day - 1
    };
    let mut hour = r.hour;
    if let Some(pm) = r.pm {
        if !(1..=12).contains(&hour) {
            return Err(range("time", format!("{hour}")));
        }
        hour = hour % 12 + if pm { 12 } else { 0 };
    }
    let time_shown = || format!("{}:{}:{}.0", hour, r.minute, r.second);
    if strict && (hour > 23 || r.minute > 59 || r.second > 59) {
        return Err(range("time", time_shown()));
    }
    if hour > 24 * 31 || r.minute > 59 {
        return Err(range("time", time_shown()));
    }
    let time = ((hour * 60 + r.minute) * 60 + r.second) * 1_000_000 + r.micros;
    Ok(days * MICROS_PER_DAY + time)
}

fn zoned(call: &Call) -> Result<Locale> {
    Ok(Locale::of(call.session()?))
}

/// The DECIMAL a format of TO_NUMBER gives.
fn number_type(args: &ReturnArgs) -> Result<SqlType> {
    let format = args
        .constants
        .get(1)
        .copied()
        .flatten()
        .and_then(|c| c.try_as_str().flatten());
    Ok(match format {
        Some(f) => {
            let (p, s) = number_format::digits(f);
            SqlType::Numeric(p, s)
        }
        None => SqlType::Numeric(38, 10),
    })
}

fn scale_of(call: &Call) -> i8 {
    match call.args[0].data_type() {
        arrow::datatypes::DataType::Decimal128(_, s) => *s,
        _ => 0,
    }
}

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let date = Ret::Is(SqlType::Date);
    let tstz = Ret::Is(SqlType::TimestampTz);
    vec![
        func("to_char", "r_TO_CHAR")
            .form(&[Ty::Ts, Ty::Str], STR, |c| {
                map2::<Stamps, Strs, String>(c, |t, f| Ok(Some(to_char(t, f, None))))
            })
            .form(&[Ty::Tstz, Ty::Str], STR, |c| {
                let zone = zoned(c)?.zone;
                map2::<Stamps, Strs, String>(c, |t, f| {
                    let (offset, name) = zone.at(t);
                    let z = Zoned {
                        offset,
                        name: name.unwrap_or_default(),
                    };
                    Ok(Some(to_char(t + offset as i64 * 1_000_000, f, Some(&z))))
                })
            })
            .form(&[Ty::Time, Ty::Str], STR, |c| {
                map2::<Times, Strs, String>(c, |t, f| Ok(Some(to_char(t, f, None))))
            })
            .form(&[Ty::Num, Ty::Str], STR, |c| {
                let s = scale_of(c);
                map2::<Decs, Strs, String>(c, |n, f| number_format::to_char(n, s, f).map(Some))
            })
            .form(&[Ty::F8, Ty::Str], STR, |c| {
                map2::<F64s, Strs, String>(c, |n, f| number_format::float_to_char(n, f).map(Some))
            })
            .form(&[Ty::Interval, Ty::Str], STR, |c| {
                map2::<Ivls, Strs, String>(c, |i, f| {
                    let micros = i.days as i64 * MICROS_PER_DAY + i.nanoseconds / 1000;
                    Ok(Some(to_char(micros, f, None)))
                })
            })
            .build(),
        func("to_date", "r_TO_DATE_function")
            .form(&[Ty::Str, Ty::Str], date, |c| {
                map2::<Strs, Strs, i64>(c, |t, f| {
                    Ok(Some(moment(t, f, false)?.div_euclid(MICROS_PER_DAY)))
                })
            })
            .form(&[Ty::Str, Ty::Str, Ty::Bool], date, |c| {
                map3::<Strs, Strs, Bools, i64>(c, |t, f, s| {
                    Ok(Some(moment(t, f, s)?.div_euclid(MICROS_PER_DAY)))
                })
            })
            .build(),
        func("to_timestamp", "r_TO_TIMESTAMP")
            .form(&[Ty::Str, Ty::Str], tstz, |c| {
                let zone = zoned(c)?.zone;
                map2::<Strs, Strs, i64>(c, |t, f| Ok(Some(zone.to_utc(moment(t, f, false)?))))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Bool], tstz, |c| {
                let zone = zoned(c)?.zone;
                map3::<Strs, Strs, Bools, i64>(c, |t, f, s| Ok(Some(zone.to_utc(moment(t, f, s)?))))
            })
            .build(),
        func("to_number", "r_TO_NUMBER")
            .form(&[Ty::Str, Ty::Str], Ret::By(number_type), |c| {
                let SqlType::Numeric(p, s) = c.ret else {
                    return Err(SqlError::internal("TO_NUMBER gives no DECIMAL"));
                };
                map2::<Strs, Strs, i128>(c, |t, f| number_format::to_number(t, f, p, s).map(Some))
            })
            .build(),
        func("text_to_int_alt", "r_TEXT_TO_INT_ALT")
            .form(&[Ty::Str], Ret::Is(SqlType::Int8), |c| {
                map1::<Strs, i64>(c, |t| {
                    let n = number_format::teradata(t)?;
                    let whole = lw_pgrepr::numeric::rescale(n, 38, 0)?;
                    i64::try_from(whole).map(Some).map_err(|_| {
                        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range")
                    })
                })
            })
            .build(),
        func("text_to_numeric_alt", "r_TEXT_TO_NUMERIC_ALT")
            .form(&[Ty::Str], Ret::Is(SqlType::Numeric(38, 0)), |c| {
                map1::<Strs, i128>(c, |t| {
                    Ok(Some(lw_pgrepr::numeric::rescale(
                        number_format::teradata(t)?,
                        38,
                        0,
                    )?))
                })
            })
            .build(),
    ]
}
