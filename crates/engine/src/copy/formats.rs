//! DATEFORMAT and TIMEFORMAT: the default forms by a quick path, `auto` by the types' own parser,
//! and format strings (Developer Guide, "DATEFORMAT and TIMEFORMAT strings").

use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::Zone;
use lw_pgrepr::datetime::days_from_civil;
use lw_pgrepr::parse_datetime::{parse_date, parse_time, parse_timestamp};

use super::errors::FieldError;

const DAY: i64 = 86_400_000_000;

/// How dates are written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum DateFormat {
    /// `YYYY-MM-DD`
    Default,
    /// `auto`
    Auto,
    /// A format string.
    Pattern(Pattern),
}

/// How timestamps are written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TimeFormat {
    /// `YYYY-MM-DD HH:MI:SS`
    Default,
    /// `auto`
    Auto,
    /// Seconds since 1970.
    EpochSecs,
    /// Milliseconds since 1970.
    EpochMillis,
    /// A format string.
    Pattern(Pattern),
}

impl DateFormat {
    pub fn parse(text: Option<&str>) -> Result<Self> {
        Ok(match text {
            None => DateFormat::Default,
            Some("auto") => DateFormat::Auto,
            Some(pattern) => DateFormat::Pattern(Pattern::parse("DATEFORMAT", pattern)?),
        })
    }

    /// Days since 1970.
    pub fn read(&self, bytes: &[u8]) -> Result<i32, FieldError> {
        match self {
            DateFormat::Default => match quick_date(bytes) {
                Some(days) => Ok(days as i32),
                None if bytes.len() < 10 => Err(FieldError::new(
                    1205,
                    "Invalid Date Format - length must be 10 or more",
                )),
                None => Err(FieldError::new(1205, "Invalid Date Format [YYYY-MM-DD]")),
            },
            DateFormat::Auto => text(bytes)
                .and_then(|t| parse_date(t.trim()).ok())
                .ok_or_else(|| FieldError::new(1205, "Invalid Date Format [auto]")),
            DateFormat::Pattern(pattern) => pattern
                .read(bytes)
                .and_then(|micros| i32::try_from(micros.div_euclid(DAY)).ok())
                .ok_or_else(|| {
                    FieldError::new(1205, format!("Invalid Date Format [{}]", pattern.text))
                }),
        }
    }
}

impl TimeFormat {
    pub fn parse(text: Option<&str>) -> Result<Self> {
        Ok(match text {
            None => TimeFormat::Default,
            Some("auto") => TimeFormat::Auto,
            Some("epochsecs") => TimeFormat::EpochSecs,
            Some("epochmillisecs") => TimeFormat::EpochMillis,
            Some(pattern) => TimeFormat::Pattern(Pattern::parse("TIMEFORMAT", pattern)?),
        })
    }

    /// Microseconds since 1970; of TIMESTAMPTZ in UTC, of TIMESTAMP as written.
    pub fn read(&self, bytes: &[u8], zoned: Option<Zone>) -> Result<i64, FieldError> {
        let bad = |format: &str| {
            FieldError::new(
                1206,
                format!("Invalid timestamp format or value [{format}]"),
            )
        };
        match self {
            TimeFormat::Default => {
                let (local, rest) = quick_timestamp(bytes).ok_or_else(|| match zoned {
                    None => bad("YYYY-MM-DD HH24:MI:SS"),
                    Some(_) => bad("YYYY-MM-DD HH24:MI:SSOF"),
                })?;
                match (zoned, rest.trim_ascii()) {
                    (None, b"") => Ok(local),
                    (None, _) => Err(bad("YYYY-MM-DD HH24:MI:SS")),
                    (Some(zone), b"") => Ok(zone.to_utc(local)),
                    (Some(_), named) => text(named)
                        .and_then(Zone::parse)
                        .map(|zone| zone.to_utc(local))
                        .ok_or_else(|| bad("YYYY-MM-DD HH24:MI:SSOF")),
                }
            }
            TimeFormat::Auto => {
                let (local, named) = text(bytes)
                    .and_then(|t| parse_timestamp(t.trim()).ok())
                    .ok_or_else(|| bad("auto"))?;
                Ok(match zoned {
                    None => local,
                    Some(zone) => named.unwrap_or(zone).to_utc(local),
                })
            }
            TimeFormat::EpochSecs => epoch(bytes, 1_000_000).ok_or_else(|| bad("epochsecs")),
            TimeFormat::EpochMillis => epoch(bytes, 1_000).ok_or_else(|| bad("epochmillisecs")),
            TimeFormat::Pattern(pattern) => {
                let local = pattern.read(bytes).ok_or_else(|| bad(&pattern.text))?;
                Ok(zoned.map_or(local, |zone| zone.to_utc(local)))
            }
        }
    }
}

/// Microseconds since midnight.
pub(crate) fn read_time(bytes: &[u8]) -> Result<(i64, Option<i32>), FieldError> {
    text(bytes)
        .and_then(|t| parse_time(t.trim()).ok())
        .ok_or_else(|| FieldError::new(1206, "Invalid time format or value [HH24:MI:SS]"))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Seconds or milliseconds with decimals, as microseconds.
fn epoch(bytes: &[u8], unit: i64) -> Option<i64> {
    let text = text(bytes)?.trim();
    match text.split_once('.') {
        None => text.parse::<i64>().ok()?.checked_mul(unit),
        Some(_) => {
            let value = text.parse::<f64>().ok()? * unit as f64;
            (value.abs() < 9e18).then(|| value.round() as i64)
        }
    }
}

fn digits(bytes: &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for b in bytes {
        let d = b.wrapping_sub(b'0');
        if d > 9 {
            return None;
        }
        value = value * 10 + u32::from(d);
    }
    Some(value)
}

/// `YYYY-MM-DD`, with a time behind it that is ignored.
fn quick_date(bytes: &[u8]) -> Option<i64> {
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    if bytes.len() > 10 && !matches!(bytes[10], b' ' | b'T') {
        return None;
    }
    days_from_civil(
        i64::from(digits(&bytes[..4])?),
        digits(&bytes[5..7])?,
        digits(&bytes[8..10])?,
    )
}

/// `YYYY-MM-DD[ HH:MI[:SS[.ffffff]]]`, and what is left behind it.
fn quick_timestamp(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let bytes = bytes.trim_ascii();
    let days = quick_date(bytes)?;
    if bytes.len() == 10 {
        return Some((days * DAY, &[]));
    }
    if bytes.len() < 16 || bytes[10] != b' ' || bytes[13] != b':' {
        return None;
    }
    let hour = digits(&bytes[11..13])?;
    let minute = digits(&bytes[14..16])?;
    let (mut second, mut micros, mut at) = (0, 0, 16);
    if bytes.len() >= 19 && bytes[16] == b':' {
        second = digits(&bytes[17..19])?;
        at = 19;
        if bytes.get(19) == Some(&b'.') {
            let (value, end) = fraction(bytes, 20);
            (micros, at) = (value, end);
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some((days * DAY + seconds * 1_000_000 + micros, &bytes[at..]))
}

/// Decimals of a second from `at`: microseconds, rounded, and where they end.
fn fraction(bytes: &[u8], at: usize) -> (i64, usize) {
    let (mut value, mut count, mut end) = (0i64, 0, at);
    while let Some(d) = bytes.get(end).filter(|b| b.is_ascii_digit()) {
        if count < 6 {
            value = value * 10 + i64::from(d - b'0');
        } else if count == 6 && *d >= b'5' {
            value += 1;
        }
        count += 1;
        end += 1;
    }
    for _ in count..6 {
        value *= 10;
    }
    (value, end)
}

/// A format string.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Year4,
    Year2,
    Month,
    MonthName,
    Day,
    Hour,
    Minute,
    Second,
    HalfDay,
    Other(u8),
}

const WORDS: &[(&str, Part)] = &[
    ("YYYY", Part::Year4),
    ("YY", Part::Year2),
    ("MONTH", Part::MonthName),
    ("MON", Part::MonthName),
    ("MM", Part::Month),
    ("MI", Part::Minute),
    ("DD", Part::Day),
    ("HH24", Part::Hour),
    ("HH12", Part::Hour),
    ("HH", Part::Hour),
    ("SS", Part::Second),
    ("AM", Part::HalfDay),
    ("PM", Part::HalfDay),
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl Pattern {
    fn parse(option: &str, pattern: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = pattern;
        while !rest.is_empty() {
            let word = WORDS.iter().find(|(word, _)| {
                rest.get(..word.len())
                    .is_some_and(|head| head.eq_ignore_ascii_case(word))
            });
            if let Some((word, part)) = word {
                parts.push(*part);
                rest = &rest[word.len()..];
                continue;
            }
            let first = rest.as_bytes()[0];
            if first.is_ascii_alphanumeric() && first != b'T' || !first.is_ascii() {
                return Err(SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid {option} string: '{pattern}'"),
                ));
            }
            parts.push(Part::Other(first));
            rest = &rest[1..];
        }
        Ok(Pattern {
            text: pattern.to_string(),
            parts,
        })
    }

    /// Microseconds since 1970.
    fn read(&self, bytes: &[u8]) -> Option<i64> {
        let bytes = bytes.trim_ascii();
        let (mut year, mut month, mut day) = (None, 1, 1);
        let (mut hour, mut minute, mut second, mut micros) = (0, 0, 0, 0);
        let mut half: Option<bool> = None;
        let mut at = 0;
        let number = |at: &mut usize, most: usize| -> Option<u32> {
            let count = bytes[*at..]
                .iter()
                .take(most)
                .take_while(|b| b.is_ascii_digit())
                .count();
            let value = digits(&bytes[*at..*at + count]).filter(|_| count > 0)?;
            *at += count;
            Some(value)
        };
        for part in &self.parts {
            if at > bytes.len() {
                return None;
            }
            match part {
                Part::Year4 => year = Some(i64::from(number(&mut at, 4)?)),
                Part::Year2 => {
                    let short = i64::from(number(&mut at, 2)?);
                    year = Some(if short < 70 {
                        2000 + short
                    } else {
                        1900 + short
                    });
                }
                Part::Month => month = number(&mut at, 2)?,
                Part::MonthName => {
                    let count = bytes[at..]
                        .iter()
                        .take_while(|b| b.is_ascii_alphabetic())
                        .count();
                    let name = text(&bytes[at..at + count])?.to_ascii_lowercase();
                    let found = MONTHS
                        .iter()
                        .position(|m| name.len() >= 3 && m.starts_with(&name))?;
                    month = found as u32 + 1;
                    at += count;
                }
                Part::Day => day = number(&mut at, 2)?,
                Part::Hour => hour = number(&mut at, 2)?,
                Part::Minute => minute = number(&mut at, 2)?,
                Part::Second => {
                    second = number(&mut at, 2)?;
                    if bytes.get(at) == Some(&b'.') {
                        (micros, at) = fraction(bytes, at + 1);
                    }
                }
                Part::HalfDay => {
                    let word = bytes.get(at..at + 2)?;
                    half = Some(word.eq_ignore_ascii_case(b"pm"));
                    if half == Some(false) && !word.eq_ignore_ascii_case(b"am") {
                        return None;
                    }
                    at += 2;
                }
                Part::Other(b) => {
                    if bytes.get(at) != Some(b) {
                        return None;
                    }
                    at += 1;
                }
            }
        }
        // Behind a date there may be a time the format does not ask for; anything else is wrong.
        let has_time = self
            .parts
            .iter()
            .any(|p| matches!(p, Part::Hour | Part::Minute | Part::Second));
        if at != bytes.len() && (has_time || !matches!(bytes[at], b' ' | b'T')) {
            return None;
        }
        match half {
            Some(_) if hour == 0 || hour > 12 => return None,
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            _ => {}
        }
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = days_from_civil(year?, month, day)?;
        let seconds = i64::from(hour * 3600 + minute * 60 + second);
        Some(days * DAY + seconds * 1_000_000 + micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 17_532 * DAY + 43_200_000_000; // 2018-01-01 12:00:00

    #[test]
    fn default_forms() {
        assert_eq!(DateFormat::Default.read(b"2018-01-01").unwrap(), 17_532);
        assert_eq!(
            DateFormat::Default.read(b"2018-01-01 10:00").unwrap(),
            17_532
        );
        let short = DateFormat::Default.read(b"18-01-01").unwrap_err();
        assert_eq!(
            short.reason,
            "Invalid Date Format - length must be 10 or more"
        );
        assert!(DateFormat::Default.read(b"2018-02-30").is_err());
        let time = |b: &[u8]| TimeFormat::Default.read(b, None);
        assert_eq!(time(b"2018-01-01 12:00:00").unwrap(), NOON);
        assert_eq!(time(b"2018-01-01 12:00:00.25").unwrap(), NOON + 250_000);
        assert_eq!(
            time(b"2018-01-01T12:00:00").unwrap_err().reason,
            "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"
        );
        let zoned = TimeFormat::Default.read(b"2018-01-01 14:00:00+02", Some(Zone::UTC));
        assert_eq!(zoned.unwrap(), NOON);
    }

    #[test]
    fn epochs_and_patterns() {
        let seconds = (NOON / 1_000_000).to_string();
        assert_eq!(
            TimeFormat::EpochSecs
                .read(seconds.as_bytes(), None)
                .unwrap(),
            NOON
        );
        let millis = (NOON / 1_000).to_string();
        assert_eq!(
            TimeFormat::EpochMillis
                .read(millis.as_bytes(), None)
                .unwrap(),
            NOON
        );
        let read = |pattern: &str, value: &str| {
            TimeFormat::parse(Some(pattern))
                .unwrap()
                .read(value.as_bytes(), None)
                .ok()
        };
        assert_eq!(
            read("MM/DD/YYYY HH12:MI:SS AM", "1/1/2018 12:00:00 pm"),
            Some(NOON)
        );
        assert_eq!(read("MON-DD-YY HH:MI", "Jan-01-18 12:00"), Some(NOON));
        assert_eq!(read("DD.MM.YYYY", "01.01.2018 12:00"), Some(17_532 * DAY));
        assert_eq!(read("DD.MM.YYYY", "01/01/2018"), None);
        assert!(DateFormat::parse(Some("QQ-DD")).is_err());
    }
}
