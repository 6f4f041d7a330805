//! Dates, times and intervals as SQL texts write them: the many forms PostgreSQL reads (ISO 8601,
//! `20080215`, `Feb-08-1999`, `1/8/1999`, `January 8, 1999`, clocks with AM and PM, zones).

use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::datetime::{days_from_civil, days_in_month};
use lw_pgrepr::zone::Zone;

const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// What a text says.
#[derive(Debug, Default, Clone, Copy)]
pub struct Moment {
    /// Days since 1970-01-01, if it names a date.
    pub date: Option<i64>,
    /// Microseconds since midnight, if it names a time.
    pub time: Option<i64>,
    /// The zone, if it names one.
    pub zone: Option<Zone>,
}

/// The order of the parts of `1/2/2003`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Month first (Redshift's default).
    Mdy,
    /// Day first.
    Dmy,
    /// Year first.
    Ymd,
}

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
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// 1 to 12 for the name of a month or its first three letters or more.
pub fn month_number(word: &str) -> Option<u32> {
    let word = word.to_ascii_lowercase();
    if word.len() < 3 {
        return None;
    }
    MONTHS
        .iter()
        .position(|m| {
            *m == word
                || (m.starts_with(&word) && word.len() == 3)
                || (*m == "september" && word == "sept")
        })
        .map(|i| i as u32 + 1)
}

/// 1 (Monday) to 7 for the name of a day or its beginning.
pub fn weekday_number(word: &str) -> Option<u32> {
    let word = word.to_ascii_lowercase();
    if word.len() < 2 {
        return None;
    }
    DAYS.iter()
        .position(|d| d.starts_with(&word))
        .map(|i| i as u32 + 1)
}

/// The full name of a month (1 to 12), lower case.
pub fn month_name(month: u32) -> &'static str {
    MONTHS[(month as usize + 11) % 12]
}

/// The full name of a day (1 Monday to 7), lower case.
pub fn weekday_name(day: u32) -> &'static str {
    DAYS[(day as usize + 6) % 7]
}

fn bad(what: &str, text: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_DATETIME_FORMAT,
        format!("invalid input syntax for type {what}: \"{text}\""),
    )
}

fn out_of_range(text: &str) -> SqlError {
    SqlError::new(
        SqlState::DATETIME_FIELD_OVERFLOW,
        format!("date/time field value out of range: \"{text}\""),
    )
}

/// Reads a date, a time or both. `what` is the type wanted, for messages.
pub fn parse_moment(text: &str, order: Order, what: &str) -> Result<Moment> {
    Parser {
        text,
        what,
        order,
        numbers: Vec::new(),
        month: None,
        bc: false,
        moment: Moment::default(),
        pm: None,
    }
    .parse()
}

struct Parser<'a> {
    text: &'a str,
    what: &'a str,
    order: Order,
    /// Numbers of a date in order, with their digits.
    numbers: Vec<(i64, usize)>,
    month: Option<u32>,
    bc: bool,
    moment: Moment,
    pm: Option<bool>,
}

impl Parser<'_> {
    fn bad(&self) -> SqlError {
        bad(self.what, self.text)
    }

    fn parse(mut self) -> Result<Moment> {
        let text = self.text.trim();
        match text.to_ascii_lowercase().as_str() {
            "" => return Err(self.bad()),
            "epoch" => {
                return Ok(Moment {
                    date: Some(0),
                    time: Some(0),
                    zone: Some(Zone::UTC),
                });
            }
            "infinity" | "-infinity" => {
                return Err(lw_pgrepr::parse_datetime::no_infinity(
                    lw_pgrepr::SqlType::Timestamp,
                ));
            }
            _ => {}
        }
        for word in words(text) {
            self.word(word)?;
        }
        self.finish()
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if word.contains(':') {
            return self.clock(word);
        }
        let first = word.chars().next().unwrap_or(' ');
        if first.is_ascii_digit() {
            return self.date_word(word);
        }
        if (first == '+' || first == '-') && self.moment.time.is_some() {
            let zone = Zone::parse(word).ok_or_else(|| self.bad())?;
            self.moment.zone = Some(zone);
            return Ok(());
        }
        // Feb-08-1999
        if first.is_ascii_alphabetic()
            && word.contains(['-', '/', '.'])
            && Zone::parse(word).is_none()
        {
            return self.date_word(word);
        }
        self.name(word)
    }

    fn name(&mut self, word: &str) -> Result<()> {
        let lower = word.to_ascii_lowercase();
        match lower.as_str() {
            "am" => self.pm = Some(false),
            "pm" => self.pm = Some(true),
            "bc" => self.bc = true,
            "ad" | "of" | "at" | "on" => {}
            "t" => {}
            _ if month_number(&lower).is_some() => self.month = month_number(&lower),
            _ if weekday_number(&lower).is_some_and(|_| lower.len() >= 3) => {}
            _ => match zone_name(word) {
                Some(zone) => self.moment.zone = Some(zone),
                None => return Err(self.bad()),
            },
        }
        Ok(())
    }

    fn date_word(&mut self, word: &str) -> Result<()> {
        // 20080215, 080215, 2008015 (day of the year)
        if word.bytes().all(|b| b.is_ascii_digit()) {
            match word.len() {
                8 => {
                    self.push(&word[..4]);
                    self.push(&word[4..6]);
                    self.push(&word[6..]);
                    self.order = Order::Ymd;
                }
                6 if self.moment.date.is_none()
                    && self.numbers.is_empty()
                    && self.month.is_none() =>
                {
                    self.push(&word[..2]);
                    self.push(&word[2..4]);
                    self.push(&word[4..]);
                    self.order = Order::Ymd;
                }
                6 => {
                    // 20080215 103000
                    let clock = format!("{}:{}:{}", &word[..2], &word[2..4], &word[4..]);
                    return self.clock(&clock);
                }
                _ => self.push(word),
            }
            return Ok(());
        }
        // 12am
        let digits = word.bytes().take_while(|b| b.is_ascii_digit()).count();
        let rest = &word[digits..];
        if digits > 0
            && digits <= 2
            && (rest.eq_ignore_ascii_case("am") || rest.eq_ignore_ascii_case("pm"))
        {
            self.clock(&format!("{}:00", &word[..digits]))?;
            self.pm = Some(rest.eq_ignore_ascii_case("pm"));
            return Ok(());
        }
        // 8th, 1st
        if digits > 0
            && ["st", "nd", "rd", "th"]
                .iter()
                .any(|s| rest.eq_ignore_ascii_case(s))
        {
            self.push(&word[..digits]);
            return Ok(());
        }
        for part in word.split(['-', '/', '.']) {
            if part.is_empty() {
                return Err(self.bad());
            }
            if part.bytes().all(|b| b.is_ascii_digit()) {
                self.push(part);
            } else if let Some(month) = month_number(part) {
                self.month = Some(month);
            } else {
                return Err(self.bad());
            }
        }
        Ok(())
    }

    fn push(&mut self, digits: &str) {
        let n = digits.parse().unwrap_or(i64::MAX);
        self.numbers.push((n, digits.len()));
    }

    /// `10:30`, `10:30:05.25`, with a zone behind it.
    fn clock(&mut self, word: &str) -> Result<()> {
        let end = word
            .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))
            .unwrap_or(word.len());
        let (clock, rest) = word.split_at(end);
        let mut parts = clock.split(':');
        let hour = self.part(parts.next())?;
        let minute = self.part(parts.next())?;
        let (second, micros) = match parts.next() {
            None => (0, 0),
            Some(s) => {
                let (whole, fraction) = s.split_once('.').unwrap_or((s, ""));
                (self.part(Some(whole))?, fraction_micros(fraction))
            }
        };
        if parts.next().is_some() {
            return Err(self.bad());
        }
        if hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute > 0 || second > 0)) {
            return Err(out_of_range(self.text));
        }
        self.moment.time = Some((hour * 3600 + minute * 60 + second) * MICROS_PER_SECOND + micros);
        match rest {
            "" => {}
            r if r.eq_ignore_ascii_case("am") => self.pm = Some(false),
            r if r.eq_ignore_ascii_case("pm") => self.pm = Some(true),
            r => {
                self.moment.zone = Some(
                    Zone::parse(r)
                        .or_else(|| zone_name(r))
                        .ok_or_else(|| self.bad())?,
                )
            }
        }
        Ok(())
    }

    fn part(&self, part: Option<&str>) -> Result<i64> {
        part.filter(|p| !p.is_empty() && p.len() <= 2)
            .and_then(|p| p.parse().ok())
            .ok_or_else(|| self.bad())
    }

    fn finish(mut self) -> Result<Moment> {
        if let Some(pm) = self.pm {
            let time = self.moment.time.ok_or_else(|| self.bad())?;
            let hour = time / (3600 * MICROS_PER_SECOND);
            if hour > 12 || hour == 0 {
                return Err(out_of_range(self.text));
            }
            let noon = 12 * 3600 * MICROS_PER_SECOND;
            self.moment.time = Some(match (pm, hour) {
                (true, 12) | (false, 1..12) => time,
                (true, _) => time + noon,
                (false, _) => time - noon,
            });
        }
        if !self.numbers.is_empty() || self.month.is_some() {
            let (year, month, day) = self.civil()?;
            let year = if self.bc { 1 - year } else { year };
            if !(1..=12).contains(&month)
                || day < 1
                || day > days_in_month(year, month as u32) as i64
            {
                return Err(out_of_range(self.text));
            }
            let days = days_from_civil(year, month as u32, day as u32)
                .ok_or_else(|| out_of_range(self.text))?;
            self.moment.date = Some(days);
        }
        Ok(self.moment)
    }

    /// Which number is the year, the month, the day.
    fn civil(&self) -> Result<(i64, i64, i64)> {
        let n = &self.numbers;
        if let Some(month) = self.month {
            let month = month as i64;
            return match n.as_slice() {
                // 1999-Jan-08, 08-Jan-1999, Jan-08-99
                [a, b] if a.1 >= 3 => Ok((a.0, month, b.0)),
                [a, b] => Ok((full_year(*b), month, a.0)),
                _ => Err(self.bad()),
            };
        }
        match n.as_slice() {
            [a, b, c] if a.1 >= 3 || self.order == Order::Ymd => Ok((full_year(*a), b.0, c.0)),
            [a, b, c] if self.order == Order::Dmy => Ok((full_year(*c), b.0, a.0)),
            [a, b, c] => Ok((full_year(*c), a.0, b.0)),
            // year and day of the year
            [a, b] if a.1 == 4 && b.1 == 3 => {
                let start = days_from_civil(a.0, 1, 1).ok_or_else(|| out_of_range(self.text))?;
                let (y, m, d) = lw_pgrepr::datetime::civil(start + b.0 - 1);
                Ok((y, m as i64, d as i64))
            }
            _ => Err(self.bad()),
        }
    }
}

/// A year of two digits is in 1970 to 2069.
fn full_year((year, digits): (i64, usize)) -> i64 {
    match digits {
        0..=2 if year < 70 => 2000 + year,
        0..=2 => 1900 + year,
        _ => year,
    }
}

fn zone_name(word: &str) -> Option<Zone> {
    let east = match word.to_ascii_lowercase().as_str() {
        "utc" | "gmt" | "z" | "zulu" | "ut" => return Some(Zone::UTC),
        "est" => -5 * 3600,
        "edt" => -4 * 3600,
        "cst" => -6 * 3600,
        "cdt" => -5 * 3600,
        "mst" => -7 * 3600,
        "mdt" => -6 * 3600,
        "pst" => -8 * 3600,
        "pdt" => -7 * 3600,
        "cet" | "met" | "bst" => 3600,
        "cest" | "eet" => 7200,
        "jst" => 9 * 3600,
        _ => return Zone::parse(word),
    };
    Some(Zone::Fixed(east))
}

fn fraction_micros(digits: &str) -> i64 {
    let mut value = 0i64;
    for i in 0..6 {
        let digit = digits.as_bytes().get(i).map_or(0, |b| (b - b'0') as i64);
        value = value * 10 + digit;
    }
    // The seventh digit rounds.
    if digits.as_bytes().get(6).is_some_and(|b| *b >= b'5') {
        value += 1;
    }
    value
}

/// Divides a text at blanks and commas, and a `T` between a date and a clock.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == ',') {
        if word.is_empty() {
            continue;
        }
        match word.find(['T', 't']) {
            Some(i)
                if i > 0
                    && word[..i].bytes().all(|b| b.is_ascii_digit() || b == b'-')
                    && word[i + 1..].starts_with(|c: char| c.is_ascii_digit()) =>
            {
                out.push(&word[..i]);
                out.push(&word[i + 1..]);
            }
            _ => out.push(word),
        }
    }
    out
}

/// Reads a date: days.
pub fn parse_date(text: &str, order: Order) -> Result<i32> {
    let moment = parse_moment(text, order, "date")?;
    let days = moment.date.ok_or_else(|| bad("date", text))?;
    i32::try_from(days).map_err(|_| out_of_range(text))
}

/// Reads a timestamp: microseconds on the local clock, and the zone it names.
pub fn parse_timestamp(text: &str, order: Order) -> Result<(i64, Option<Zone>)> {
    let moment = parse_moment(text, order, "timestamp")?;
    let days = moment.date.ok_or_else(|| bad("timestamp", text))?;
    let micros = days
        .checked_mul(MICROS_PER_DAY)
        .and_then(|d| d.checked_add(moment.time.unwrap_or(0)))
        .ok_or_else(|| out_of_range(text))?;
    Ok((micros, moment.zone))
}

/// Reads a time of day: microseconds, and the zone it names. A date before it is ignored.
pub fn parse_time(text: &str, order: Order) -> Result<(i64, Option<Zone>)> {
    // 103000 is a time here, and 1030 too.
    let digits = text.trim();
    if digits.bytes().all(|b| b.is_ascii_digit()) && matches!(digits.len(), 4 | 6) {
        let seconds = digits.get(4..6).unwrap_or("00");
        let clock = format!("{}:{}:{seconds}", &digits[..2], &digits[2..4]);
        return parse_time(&clock, order);
    }
    let moment = parse_moment(text, order, "time")?;
    Ok((moment.time.ok_or_else(|| bad("time", text))?, moment.zone))
}

/// An interval: months, days, microseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Months.
    pub months: i64,
    /// Days.
    pub days: i64,
    /// Microseconds.
    pub micros: i64,
}

/// Reads an interval: `1 day 02:03:04`, `3 months`, `1-2`, `90`, `1 year 2 mons ago`, `PT5M` is not
/// read. A number without unit counts `unit`s.
pub fn parse_interval(text: &str, unit: Option<&str>) -> Result<Interval> {
    let fail = || bad("interval", text);
    let mut out = Interval::default();
    let body = text.trim();
    let (body, ago) = match body.to_ascii_lowercase().strip_suffix("ago") {
        Some(rest) => (rest.trim().to_string(), true),
        None => (body.to_string(), false),
    };
    if body.is_empty() {
        return Err(fail());
    }
    let mut tokens: Vec<String> = Vec::new();
    for word in body.split(|c: char| c.is_whitespace() || c == ',') {
        let word = word.trim_start_matches('@');
        if word.is_empty() {
            continue;
        }
        // 5days
        let split = word
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(word.len());
        let (number, name) = word.split_at(split);
        if !number.is_empty() {
            tokens.push(number.to_string());
        }
        if !name.is_empty() {
            tokens.push(name.to_string());
        }
    }
    let mut i = 0;
    while i < tokens.len() {
        let number = tokens[i].as_str();
        i += 1;
        let negative = number.starts_with('-');
        let digits = number.trim_start_matches(['+', '-']);
        let sign = if negative { -1 } else { 1 };
        if digits.contains(':') {
            out.micros += sign * interval_clock(digits).ok_or_else(fail)?;
            continue;
        }
        if let Some((years, months)) = digits.split_once('-') {
            let years: i64 = years.parse().map_err(|_| fail())?;
            let months: i64 = months.parse().map_err(|_| fail())?;
            out.months += sign * (years * 12 + months);
            continue;
        }
        let amount: f64 = digits.parse().map_err(|_| fail())?;
        let amount = amount * sign as f64;
        let named = tokens
            .get(i)
            .filter(|t| t.starts_with(|c: char| c.is_ascii_alphabetic()));
        let unit = match named {
            Some(name) => {
                i += 1;
                name.as_str()
            }
            // `1 02:03:04` counts days
            None if tokens.get(i).is_some_and(|t| t.contains(':')) => "day",
            None => unit.unwrap_or("second"),
        };
        add(&mut out, amount, unit).ok_or_else(fail)?;
    }
    if ago {
        out = Interval {
            months: -out.months,
            days: -out.days,
            micros: -out.micros,
        };
    }
    Ok(out)
}

fn interval_clock(digits: &str) -> Option<i64> {
    let mut parts = digits.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let (seconds, micros) = match parts.next() {
        None => (0, 0),
        Some(s) => {
            let (whole, fraction) = s.split_once('.').unwrap_or((s, ""));
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (whole.parse().ok()?, fraction_micros(fraction))
        }
    };
    parts
        .next()
        .is_none()
        .then_some((hours * 3600 + minutes * 60 + seconds) * MICROS_PER_SECOND + micros)
}

/// Adds an amount of a unit; what is not whole goes to the next smaller one, as PostgreSQL does.
fn add(out: &mut Interval, amount: f64, unit: &str) -> Option<()> {
    let part = crate::dateparts::Part::parse(unit)?;
    use crate::dateparts::Part as P;
    let months = |n: f64, out: &mut Interval| {
        out.months += n.trunc() as i64;
        let days = n.fract() * 30.0;
        out.days += days.trunc() as i64;
        out.micros += (days.fract() * MICROS_PER_DAY as f64).round() as i64;
    };
    match part {
        P::Millennium => out.months += (amount * 12_000.0).round() as i64,
        P::Century => out.months += (amount * 1200.0).round() as i64,
        P::Decade => out.months += (amount * 120.0).round() as i64,
        P::Year => out.months += (amount * 12.0).round() as i64,
        P::Quarter => months(amount * 3.0, out),
        P::Month => months(amount, out),
        P::Week | P::Day => {
            let days = if part == P::Week {
                amount * 7.0
            } else {
                amount
            };
            out.days += days.trunc() as i64;
            out.micros += (days.fract() * MICROS_PER_DAY as f64).round() as i64;
        }
        P::Hour => out.micros += (amount * 3.6e9).round() as i64,
        P::Minute => out.micros += (amount * 6e7).round() as i64,
        P::Second => out.micros += (amount * 1e6).round() as i64,
        P::Millisecond => out.micros += (amount * 1e3).round() as i64,
        P::Microsecond => out.micros += amount.round() as i64,
        _ => return None,
    }
    Some(())
}
