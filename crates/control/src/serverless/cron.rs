//! Schedules of scheduled actions (guide L2530-2585): `cron(...)` with six fields, as the syntax line
//! has it, or with the three that the text and its samples have (minutes, hours, day of week). UTC.

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};

use crate::schedule::Schedule;

/// Values of one field at most (guide L2548).
const MOST_VALUES: usize = 24;
/// Days on which the time between invocations is looked at: all days of the week, ends of months.
const LOOKED_DAYS: i64 = 62;

/// A parsed schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Cron(Schedule);

impl Cron {
    /// Parses a schedule, with `cron(` `)` around it or without.
    pub fn parse(text: &str) -> Result<Cron, String> {
        let text = text.trim();
        let inner = text
            .strip_prefix("cron(")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or(text);
        let fields: Vec<&str> = inner.split_whitespace().collect();
        for field in &fields {
            if field.split(',').count() > MOST_VALUES {
                return Err(format!("a field has more than {MOST_VALUES} values"));
            }
            // Guide L2559.
            if field.contains('#') && field.contains(',') {
                return Err("only one # expression is allowed in a field".into());
            }
        }
        let whole = match fields[..] {
            [minutes, hours, "*" | "?"] => format!("cron({minutes} {hours} * * ? *)"),
            [minutes, hours, week] => format!("cron({minutes} {hours} ? * {week} *)"),
            // One of them must say which days.
            [_, _, "?", _, "?", _] => {
                return Err("day-of-month or day-of-week must be given".into());
            }
            _ => format!("cron({inner})"),
        };
        Schedule::parse(&whole).map(Cron)
    }

    /// Refuses what comes more often than every hour (guide L2564-2569). "At least once a day" is
    /// read as once on a day on which it runs: the guide's own samples leave days out.
    pub fn check_rate(&self, now: DateTime<Utc>) -> Result<(), String> {
        let mut last = None;
        let mut at = now;
        while let Some(next) = self.next(at) {
            if last.is_some_and(|last| next - last < Duration::hours(1)) {
                return Err("it runs more than once in an hour".into());
            }
            if next - now > Duration::days(LOOKED_DAYS) {
                break;
            }
            last = Some(next);
            at = next;
        }
        Ok(())
    }

    /// The first invocation after `after`.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.next(after, after)
    }

    /// All invocations of a day.
    pub fn times_on(&self, date: NaiveDate) -> Vec<DateTime<Utc>> {
        let mut all = Vec::new();
        let mut at = date.and_time(NaiveTime::MIN).and_utc() - Duration::seconds(1);
        while let Some(next) = self.next(at).filter(|next| next.date_naive() == date) {
            all.push(next);
            at = next;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600, 0).unwrap() // 2026-01-01
    }

    /// The invocations in a week that begins on a Sunday, as `DAY HH:MM`.
    fn week(text: &str) -> Vec<String> {
        let cron = Cron::parse(text).unwrap();
        cron.check_rate(now()).unwrap();
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
        let mut at = now();
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
            &format!("cron({} 1 *)", many.join(",")),
        ] {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
        for text in ["cron(* 1 *)", "cron(0,30 1 *)", "cron(0/59 3,4 *)"] {
            assert!(
                Cron::parse(text).unwrap().check_rate(now()).is_err(),
                "{text}"
            );
        }
        Cron::parse("cron(0 * *)")
            .unwrap()
            .check_rate(now())
            .unwrap();
    }
}
