//! Schedules as AWS writes them: `rate(5 minutes)`, `cron(0 12 * * ? *)` (minutes, hours, days of the
//! month, months, days of the week with 1 = Sunday, years; UTC), `at(2026-01-31T10:00:00)`.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, TimeZone, Timelike, Utc};

/// A schedule.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Again and again after this long.
    Rate(Duration),
    /// At these times.
    Cron(Box<Cron>),
    /// Once.
    At(DateTime<Utc>),
}

/// The fields of a cron expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Cron {
    minutes: Vec<u32>,
    hours: Vec<u32>,
    days: Days,
    months: Vec<u32>,
    years: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq)]
enum Days {
    All,
    OfMonth(Vec<DayOfMonth>),
    OfWeek(Vec<DayOfWeek>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum DayOfMonth {
    Day(u32),
    /// `L`
    Last,
    /// `15W`: the workday nearest to it in the same month.
    Workday(u32),
    /// `LW`
    LastWorkday,
}

/// Days from Sunday, 0.
#[derive(Debug, Clone, Copy, PartialEq)]
enum DayOfWeek {
    Every(u32),
    /// `2#1`: the first Monday.
    Nth(u32, u32),
    /// `6L`: the last Friday.
    Last(u32),
}

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEK: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Schedule {
    /// Reads one; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        let text = text.trim();
        let wrong = || format!("'{text}' is not a schedule: rate(...), cron(...) or at(...)");
        let (kind, rest) = text.split_once('(').ok_or_else(wrong)?;
        let inner = rest.strip_suffix(')').ok_or_else(wrong)?.trim();
        match kind.trim().to_ascii_lowercase().as_str() {
            "rate" => rate(inner),
            "cron" => Ok(Schedule::Cron(Box::new(Cron::parse(inner)?))),
            "at" => at(inner),
            _ => Err(wrong()),
        }
    }

    /// The first time after `after`; `since` is when a rate began.
    pub fn next(&self, after: DateTime<Utc>, since: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Schedule::Rate(every) => {
                let step = every.num_seconds().max(1);
                let gone = (after - since).num_seconds().max(0);
                Some(since + Duration::seconds((gone / step + 1) * step))
            }
            Schedule::Cron(cron) => cron.next(after),
            Schedule::At(time) => (*time > after).then_some(*time),
        }
    }
}

fn rate(inner: &str) -> Result<Schedule, String> {
    let wrong = || format!("rate({inner}) needs a number and minutes, hours or days");
    let (number, unit) = inner.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    // One of a kind is written in the singular, and only one.
    let seconds = match (number, unit.trim()) {
        (1, "minute") => 60,
        (1, "hour") => 3600,
        (1, "day") => 86_400,
        (2..=1_000_000, "minutes") => 60,
        (2..=1_000_000, "hours") => 3600,
        (2..=1_000_000, "days") => 86_400,
        _ => return Err(wrong()),
    };
    Ok(Schedule::Rate(Duration::seconds(number * seconds)))
}

fn at(inner: &str) -> Result<Schedule, String> {
    let time = inner.trim_end_matches('Z');
    NaiveDateTime::parse_from_str(time, "%Y-%m-%dT%H:%M:%S")
        .or_else(|_| NaiveDateTime::parse_from_str(time, "%Y-%m-%dT%H:%M"))
        .map(|time| Schedule::At(time.and_utc()))
        .map_err(|_| format!("at({inner}) needs a time as 2026-01-31T10:00:00"))
}

/// A number or a name.
fn word(text: &str, names: &[&str], first: u32) -> Option<u32> {
    if let Some(at) = names
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text))
    {
        return Some(at as u32 + first);
    }
    text.parse().ok()
}

/// `*`, `5`, `1-5`, `0/15`, `1,3,MON-FRI`: the values, or `None` for what is not of these forms.
fn values(field: &str, low: u32, high: u32, names: &[&str]) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|s| *s > 0)?)),
            None => (part, None),
        };
        let (from, to) = if range == "*" || (range == "?" && step.is_none()) {
            (low, high)
        } else if let Some((from, to)) = range.split_once('-') {
            (word(from, names, low)?, word(to, names, low)?)
        } else {
            let one = word(range, names, low)?;
            (one, if step.is_some() { high } else { one })
        };
        if from < low || to > high {
            return None;
        }
        if from <= to {
            all.extend((from..=to).step_by(step.unwrap_or(1) as usize));
        } else {
            // FRI-MON goes around.
            all.extend(
                (from..=high)
                    .chain(low..=to)
                    .step_by(step.unwrap_or(1) as usize),
            );
        }
    }
    all.sort_unstable();
    all.dedup();
    (!all.is_empty()).then_some(all)
}

impl Cron {
    fn parse(inner: &str) -> Result<Cron, String> {
        let fields: Vec<&str> = inner.split_whitespace().collect();
        let [minutes, hours, days, months, week, years] = fields[..] else {
            return Err(format!(
                "cron({inner}) needs six fields: minutes, hours, day of month, month, day of week, year"
            ));
        };
        let wrong = |what: &str, field: &str| {
            format!("'{field}' is not right for the {what} of cron({inner})")
        };
        let days = match (days, week) {
            ("*", "?") | ("?", "*") => Days::All,
            ("?", _) => Days::OfWeek(
                week.split(',')
                    .map(day_of_week)
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| wrong("day of week", week))?
                    .concat(),
            ),
            (_, "?") => Days::OfMonth(
                days.split(',')
                    .map(day_of_month)
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| wrong("day of month", days))?
                    .concat(),
            ),
            _ => {
                return Err(format!(
                    "cron({inner}) needs a ? for the day of month or the day of week"
                ));
            }
        };
        Ok(Cron {
            minutes: values(minutes, 0, 59, &[]).ok_or_else(|| wrong("minutes", minutes))?,
            hours: values(hours, 0, 23, &[]).ok_or_else(|| wrong("hours", hours))?,
            days,
            months: values(months, 1, 12, MONTHS).ok_or_else(|| wrong("month", months))?,
            years: values(years, 1970, 2199, &[]).ok_or_else(|| wrong("year", years))?,
        })
    }

    fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = after.date_naive();
        for year in self
            .years
            .iter()
            .filter(|year| **year as i32 >= first.year())
        {
            for month in &self.months {
                let mut day = NaiveDate::from_ymd_opt(*year as i32, *month, 1)?;
                while day.month() == *month {
                    if day >= first && self.is_day(day) {
                        let times = self.hours.iter().flat_map(|hour| {
                            self.minutes.iter().map(move |minute| (*hour, *minute))
                        });
                        for (hour, minute) in times {
                            let time = Utc.from_utc_datetime(&day.and_hms_opt(hour, minute, 0)?);
                            if time > after {
                                return Some(time);
                            }
                        }
                    }
                    day = day.succ_opt()?;
                }
            }
        }
        None
    }

    fn is_day(&self, day: NaiveDate) -> bool {
        let week = day.weekday().num_days_from_sunday();
        let last = last_day(day);
        match &self.days {
            Days::All => true,
            Days::OfMonth(days) => days.iter().any(|wanted| match wanted {
                DayOfMonth::Day(number) => day.day() == *number,
                DayOfMonth::Last => day.day() == last,
                DayOfMonth::Workday(number) => day.day() == workday(day, (*number).min(last)),
                DayOfMonth::LastWorkday => day.day() == workday(day, last),
            }),
            Days::OfWeek(days) => days.iter().any(|wanted| match wanted {
                DayOfWeek::Every(number) => week == *number,
                DayOfWeek::Nth(number, nth) => week == *number && (day.day() - 1) / 7 + 1 == *nth,
                DayOfWeek::Last(number) => week == *number && day.day() + 7 > last,
            }),
        }
    }
}

fn last_day(day: NaiveDate) -> u32 {
    (28..=31)
        .rev()
        .find(|number| day.with_day(*number).is_some())
        .unwrap_or(28)
}

/// The workday nearest to a day of the month, within the month.
fn workday(month: NaiveDate, number: u32) -> u32 {
    let last = last_day(month);
    match month
        .with_day(number)
        .map(|day| day.weekday().num_days_from_sunday())
    {
        Some(0) if number == last => number - 2,
        Some(0) => number + 1,
        Some(6) if number == 1 => 3,
        Some(6) => number - 1,
        _ => number,
    }
}

fn day_of_month(part: &str) -> Option<Vec<DayOfMonth>> {
    match part.to_ascii_uppercase().as_str() {
        "L" => return Some(vec![DayOfMonth::Last]),
        "LW" => return Some(vec![DayOfMonth::LastWorkday]),
        _ => {}
    }
    if let Some(number) = part.strip_suffix(['W', 'w']) {
        let number: u32 = number.parse().ok().filter(|n| (1..=31).contains(n))?;
        return Some(vec![DayOfMonth::Workday(number)]);
    }
    Some(
        values(part, 1, 31, &[])?
            .into_iter()
            .map(DayOfMonth::Day)
            .collect(),
    )
}

fn day_of_week(part: &str) -> Option<Vec<DayOfWeek>> {
    let one = |text: &str| {
        word(text, WEEK, 1)
            .filter(|n| (1..=7).contains(n))
            .map(|n| n - 1)
    };
    if let Some((day, nth)) = part.split_once('#') {
        let nth = nth.parse().ok().filter(|n| (1..=5).contains(n))?;
        return Some(vec![DayOfWeek::Nth(one(day)?, nth)]);
    }
    if part.eq_ignore_ascii_case("L") {
        return Some(vec![DayOfWeek::Every(6)]);
    }
    if let Some(day) = part.strip_suffix(['L', 'l']) {
        return Some(vec![DayOfWeek::Last(one(day)?)]);
    }
    Some(
        values(part, 1, 7, WEEK)?
            .into_iter()
            .map(|day| DayOfWeek::Every(day - 1))
            .collect(),
    )
}

/// The start of the minute of a time.
pub fn minute(time: DateTime<Utc>) -> DateTime<Utc> {
    time.with_second(0)
        .and_then(|time| time.with_nanosecond(0))
        .unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M")
            .unwrap()
            .and_utc()
    }

    #[test]
    fn next_times() {
        // 2026-11-24 is a Tuesday.
        let now = time("2026-11-24 14:30");
        for (schedule, wanted) in [
            ("rate(1 minute)", "2026-11-24 14:31"),
            ("rate(2 hours)", "2026-11-24 16:30"),
            ("cron(0 12 * * ? *)", "2026-11-25 12:00"),
            ("cron(30 14 * * ? *)", "2026-11-25 14:30"),
            ("cron(0/15 * * * ? *)", "2026-11-24 14:45"),
            ("cron(0 18 ? * MON-FRI *)", "2026-11-24 18:00"),
            ("cron(0 8 ? * 1 *)", "2026-11-29 08:00"),
            ("cron(0 8 1 * ? *)", "2026-12-01 08:00"),
            ("cron(0 8 L * ? *)", "2026-11-30 08:00"),
            ("cron(0 8 ? * 2#1 *)", "2026-12-07 08:00"),
            ("cron(0 8 ? * 6L *)", "2026-11-27 08:00"),
            ("cron(0 8 LW FEB ? *)", "2027-02-26 08:00"),
            ("cron(0 8 1W AUG ? *)", "2027-08-02 08:00"),
            ("cron(15 10 ? * 6L 2027-2028)", "2027-01-29 10:15"),
            ("cron(5 14,15 29 2 ? *)", "2028-02-29 14:05"),
            ("at(2026-12-01T00:00:00)", "2026-12-01 00:00"),
        ] {
            let next = Schedule::parse(schedule).unwrap().next(now, now);
            assert_eq!(next, Some(time(wanted)), "{schedule}");
        }
        assert_eq!(
            Schedule::parse("at(2020-01-01T00:00)")
                .unwrap()
                .next(now, now),
            None
        );
        for wrong in [
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(0 minutes)",
            "rate(x days)",
            "cron(0 12 * * ?)",
            "cron(0 12 * * * *)",
            "cron(60 12 * * ? *)",
            "cron(0 12 ? * 8 *)",
            "every day",
            "at(today)",
            "cron(0 12 0 * ? *)",
            "cron(0/0 12 * * ? *)",
        ] {
            assert!(Schedule::parse(wrong).is_err(), "{wrong}");
        }
    }
}
