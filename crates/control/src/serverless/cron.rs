//! Schedules of scheduled actions (guide L2530-2585): `cron(...)` with six fields, as the syntax line
//! has it (minutes, hours, day of month, month, day of week, year), or with the three that the text and
//! its samples have (minutes, hours, day of week). UTC.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, Timelike, Utc};

/// Values of one field at most (guide L2548).
const MOST_VALUES: usize = 24;
/// How far ahead an invocation is looked for.
const HORIZON_DAYS: i64 = 366 * 8;

/// A parsed schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<u32>,
    hours: BTreeSet<u32>,
    days: Days,
    months: BTreeSet<u32>,
    years: BTreeSet<u32>,
}

/// Which days. Day of month and day of week exclude each other (guide L2563).
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    /// Days of the month; 0 is the last.
    OfMonth(BTreeSet<u32>),
    /// The weekday nearest to a day of the month.
    Near(u32),
    /// Days of the week, 1 is Sunday.
    OfWeek(BTreeSet<u32>),
    /// The last such day of the month.
    LastOfWeek(u32),
    /// The nth such day of the month.
    Nth(u32, u32),
}

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names of values from `least` on.
    names: &'static [&'static str],
}

const fn field(name: &'static str, least: u32, most: u32, names: &'static [&'static str]) -> Field {
    Field {
        name,
        least,
        most,
        names,
    }
}

const MINUTES: Field = field("minutes", 0, 59, &[]);
const HOURS: Field = field("hours", 0, 23, &[]);
const DAY_OF_MONTH: Field = field("day-of-month", 1, 31, &[]);
const MONTH: Field = field("month", 1, 12, MONTHS);
const DAY_OF_WEEK: Field = field("day-of-week", 1, 7, WEEKDAYS);
const YEAR: Field = field("year", 1970, 2199, &[]);

impl Field {
    fn wrong(&self, text: &str) -> String {
        format!("'{text}' is not valid for the field {}", self.name)
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let upper = text.to_ascii_uppercase();
        if let Some(index) = self.names.iter().position(|name| *name == upper) {
            return Ok(self.least + index as u32);
        }
        text.parse::<u32>()
            .ok()
            .filter(|n| (self.least..=self.most).contains(n))
            .ok_or_else(|| self.wrong(text))
    }

    /// `*`, values, ranges, increments, and lists of these.
    fn set(&self, text: &str) -> Result<BTreeSet<u32>, String> {
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() > MOST_VALUES {
            return Err(format!(
                "the field {} has more than {MOST_VALUES} values",
                self.name
            ));
        }
        let mut all = BTreeSet::new();
        for part in parts {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => {
                    let step = step
                        .parse::<u32>()
                        .ok()
                        .filter(|n| *n > 0)
                        .ok_or_else(|| self.wrong(part))?;
                    (range, Some(step))
                }
                None => (part, None),
            };
            let (first, last) = if range == "*" {
                (self.least, self.most)
            } else if let Some((first, last)) = range.split_once('-') {
                (self.value(first)?, self.value(last)?)
            } else {
                let one = self.value(range)?;
                // `1/10` goes on to the end (guide L2551).
                (one, if step.is_some() { self.most } else { one })
            };
            if first <= last {
                all.extend((first..=last).step_by(step.unwrap_or(1) as usize));
            } else if std::ptr::eq(self.names, WEEKDAYS) && step.is_none() {
                // SAT-MON
                all.extend((first..=self.most).chain(self.least..=last));
            } else {
                return Err(self.wrong(part));
            }
        }
        Ok(all)
    }
}

fn days_of_month(text: &str) -> Result<Days, String> {
    if text == "L" {
        return Ok(Days::OfMonth(BTreeSet::from([0])));
    }
    if let Some(day) = text.strip_suffix('W') {
        return Ok(Days::Near(DAY_OF_MONTH.value(day)?));
    }
    Ok(Days::OfMonth(DAY_OF_MONTH.set(text)?))
}

fn days_of_week(text: &str) -> Result<Days, String> {
    if text.matches('#').count() > 1 {
        return Err("only one # expression is allowed in the field day-of-week".into());
    }
    if let Some((day, nth)) = text.split_once('#') {
        let day = DAY_OF_WEEK.value(day)?;
        let nth = nth
            .parse::<u32>()
            .ok()
            .filter(|n| (1..=5).contains(n))
            .ok_or_else(|| DAY_OF_WEEK.wrong(text))?;
        return Ok(Days::Nth(day, nth));
    }
    if text == "L" {
        // The last day of the week.
        return Ok(Days::OfWeek(BTreeSet::from([7])));
    }
    if let Some(day) = text.strip_suffix('L') {
        return Ok(Days::LastOfWeek(DAY_OF_WEEK.value(day)?));
    }
    Ok(Days::OfWeek(DAY_OF_WEEK.set(text)?))
}

impl Cron {
    /// Parses a schedule, with `cron(` `)` around it or without.
    pub fn parse(text: &str) -> Result<Cron, String> {
        let text = text.trim();
        let inner = text
            .strip_prefix("cron(")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or(text);
        let fields: Vec<&str> = inner.split_whitespace().collect();
        let any = |field: &Field| field.set("*");
        match fields[..] {
            [minutes, hours, weekdays] => Ok(Cron {
                minutes: MINUTES.set(minutes)?,
                hours: HOURS.set(hours)?,
                days: days_of_week(if weekdays == "?" { "*" } else { weekdays })?,
                months: any(&MONTH)?,
                years: any(&YEAR)?,
            }),
            [minutes, hours, day, month, weekday, year] => Ok(Cron {
                minutes: MINUTES.set(minutes)?,
                hours: HOURS.set(hours)?,
                days: match (day, weekday) {
                    ("?", "?") => {
                        return Err("day-of-month or day-of-week must be given".into());
                    }
                    ("?", weekday) => days_of_week(weekday)?,
                    (day, "?") => days_of_month(day)?,
                    _ => {
                        return Err(
                            "day-of-month and day-of-week can't both be given; one must be ?"
                                .into(),
                        );
                    }
                },
                months: MONTH.set(month)?,
                years: YEAR.set(year)?,
            }),
            _ => Err(format!(
                "a schedule has three fields (minutes hours day-of-week) or six, not {}",
                fields.len()
            )),
        }
    }

    /// Refuses what comes more often than every hour (guide L2564-2569). "At least once a day" is
    /// read as once on a day on which it runs: the guide's own samples leave days out.
    pub fn check_rate(&self) -> Result<(), String> {
        let times: Vec<u32> = self
            .hours
            .iter()
            .flat_map(|hour| self.minutes.iter().map(move |minute| hour * 60 + minute))
            .collect();
        // From the last of a day to the first of the next too.
        let next_day = times.first().map(|first| first + 24 * 60);
        let all: Vec<u32> = times.into_iter().chain(next_day).collect();
        if all.windows(2).any(|pair| pair[1] - pair[0] < 60) {
            return Err("it runs more than once in an hour".into());
        }
        Ok(())
    }

    fn on(&self, date: NaiveDate) -> bool {
        if !self.months.contains(&date.month())
            || !u32::try_from(date.year()).is_ok_and(|year| self.years.contains(&year))
        {
            return false;
        }
        let weekday = date.weekday().num_days_from_sunday() + 1;
        let last = last_of_month(date);
        match &self.days {
            Days::OfMonth(days) => {
                days.contains(&date.day()) || (days.contains(&0) && date == last)
            }
            Days::OfWeek(days) => days.contains(&weekday),
            Days::LastOfWeek(day) => weekday == *day && (last - date).num_days() < 7,
            Days::Nth(day, nth) => weekday == *day && (date.day() - 1) / 7 + 1 == *nth,
            Days::Near(day) => nearest_weekday(date, *day) == Some(date),
        }
    }

    /// The first invocation after `after`.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut date = after.date_naive();
        for _ in 0..HORIZON_DAYS {
            if self.on(date) {
                for hour in &self.hours {
                    for minute in &self.minutes {
                        let at = date
                            .and_time(NaiveTime::from_hms_opt(*hour, *minute, 0)?)
                            .and_utc();
                        if at > after {
                            return Some(at);
                        }
                    }
                }
            }
            date = date.succ_opt()?;
        }
        None
    }

    /// All minutes of a day at which it runs, for the check of schedules that overlap.
    pub fn times_on(&self, date: NaiveDate) -> Vec<DateTime<Utc>> {
        let begin = date.and_time(NaiveTime::MIN).and_utc() - Duration::seconds(1);
        let mut all = Vec::new();
        let mut at = begin;
        while let Some(next) = self.next(at) {
            if next.date_naive() != date || all.len() > 24 * 60 {
                break;
            }
            debug_assert!(next.second() == 0);
            all.push(next);
            at = next;
        }
        all
    }
}

fn last_of_month(date: NaiveDate) -> NaiveDate {
    let (year, month) = match date.month() {
        12 => (date.year() + 1, 1),
        month => (date.year(), month + 1),
    };
    NaiveDate::from_ymd_opt(year, month, 1)
        .and_then(|first| first.pred_opt())
        .unwrap_or(date)
}

/// The weekday nearest to a day of the month, in the same month (guide L2554).
fn nearest_weekday(date: NaiveDate, day: u32) -> Option<NaiveDate> {
    let target = date.with_day(day)?;
    let last = last_of_month(date).day();
    match target.weekday() {
        chrono::Weekday::Sat if day > 1 => target.pred_opt(),
        chrono::Weekday::Sat => target.with_day(day + 2),
        chrono::Weekday::Sun if day < last => target.succ_opt(),
        chrono::Weekday::Sun => target.with_day(day - 2),
        _ => Some(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The invocations in a week that begins on a Sunday, as `DAY HH:MM`.
    fn week(text: &str) -> Vec<String> {
        let cron = Cron::parse(text).unwrap();
        cron.check_rate().unwrap();
        let begin = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let mut at = begin.and_time(NaiveTime::MIN).and_utc() - Duration::seconds(1);
        let mut all = Vec::new();
        while let Some(next) = cron.next(at) {
            if next >= begin.and_time(NaiveTime::MIN).and_utc() + Duration::days(7) {
                break;
            }
            all.push(next.format("%a %H:%M").to_string());
            at = next;
        }
        all
    }

    fn days(text: &str) -> Vec<String> {
        let cron = Cron::parse(text).unwrap();
        let mut at = DateTime::from_timestamp(1_767_225_600, 0).unwrap(); // 2026-01-01
        let mut all = Vec::new();
        for _ in 0..3 {
            at = cron.next(at).unwrap();
            all.push(at.format("%m-%d").to_string());
        }
        all
    }

    /// The guide's samples (L2573-2582).
    #[test]
    fn samples() {
        assert_eq!(
            week("cron(0 14-20/1 TUE)"),
            [
                "Tue 14:00",
                "Tue 15:00",
                "Tue 16:00",
                "Tue 17:00",
                "Tue 18:00",
                "Tue 19:00",
                "Tue 20:00"
            ]
        );
        assert_eq!(
            week("cron(0 21 MON-FRI)"),
            [
                "Mon 21:00",
                "Tue 21:00",
                "Wed 21:00",
                "Thu 21:00",
                "Fri 21:00"
            ]
        );
        assert_eq!(
            week("cron(30 0/6 SAT-SUN)"),
            [
                "Sun 00:30",
                "Sun 06:30",
                "Sun 12:30",
                "Sun 18:30",
                "Sat 00:30",
                "Sat 06:30",
                "Sat 12:30",
                "Sat 18:30"
            ]
        );
        assert_eq!(week("cron(30 12/4 *)").len(), 21);
        assert_eq!(
            week("cron(30 12/4 *)")[..3],
            ["Sun 12:30", "Sun 16:30", "Sun 20:30"]
        );
        assert_eq!(
            week("cron(15 15/2 *)")[..5],
            [
                "Sun 15:15",
                "Sun 17:15",
                "Sun 19:15",
                "Sun 21:15",
                "Sun 23:15"
            ]
        );
        assert_eq!(week("cron(0 17 SAT,SUN)"), ["Sun 17:00", "Sat 17:00"]);
    }

    #[test]
    fn six_fields() {
        // The second Tuesday; the last day; the last Friday; the weekday nearest to the 15th.
        assert_eq!(days("cron(0 1 ? * 3#2 *)"), ["01-13", "02-10", "03-10"]);
        assert_eq!(days("cron(0 1 L * ? *)"), ["01-31", "02-28", "03-31"]);
        assert_eq!(days("cron(0 1 ? * 6L *)"), ["01-30", "02-27", "03-27"]);
        assert_eq!(days("cron(0 1 15W * ? *)"), ["01-15", "02-16", "03-16"]);
        assert_eq!(
            days("cron(0 1 1/10 JAN,MAR ? 2026)"),
            ["01-01", "01-11", "01-21"]
        );
    }

    #[test]
    fn what_is_refused() {
        let many: Vec<String> = (0..25).map(|n| n.to_string()).collect();
        for text in [
            "",
            "cron(0 1)",
            "cron(60 1 *)",
            "cron(0 24 *)",
            "cron(0 1 8)",
            "cron(0 1 3#1,6#3)",
            "cron(0 1 1 * MON *)",
            "cron(0 1 ? * ? *)",
            "cron(0 1 * * * *)",
            "cron(0 5-2 *)",
            &format!("cron({} 1 *)", many.join(",")),
        ] {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
        for text in ["cron(* 1 *)", "cron(0,30 1 *)", "cron(0/59 3,4 *)"] {
            assert!(Cron::parse(text).unwrap().check_rate().is_err(), "{text}");
        }
        Cron::parse("cron(0 * *)").unwrap().check_rate().unwrap();
    }
}
