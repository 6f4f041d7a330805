//! Maintenance windows (guide L3004-3049) and availability zones.

use chrono::{DateTime, Datelike, Duration, NaiveTime, Utc};
use lw_aws_model::ApiError;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// First hour (in minutes) of the eight-hour block of a region (L3010-3041).
fn block(region: &str) -> i64 {
    let hours = match region {
        "us-west-1" | "us-west-2" | "eu-central-1" => 6.0,
        "af-south-1" | "eu-central-2" | "il-central-1" => 20.0,
        "ap-south-1" | "ap-south-2" => 16.5,
        "eu-west-1" | "eu-west-2" => 22.0,
        "eu-west-3" | "eu-north-1" => 23.0,
        "eu-south-1" | "eu-south-2" => 21.0,
        "sa-east-1" => 19.0,
        "me-central-1" => 18.0,
        "me-south-1" | "ap-east-1" | "ap-northeast-1" | "ap-northeast-2" | "ap-northeast-3"
        | "cn-north-1" | "cn-northwest-1" => 13.0,
        "ap-southeast-1" => 14.0,
        "ap-southeast-2" | "ap-southeast-4" => 12.0,
        "ap-southeast-3" => 15.0,
        "ca-west-1" => 4.0,
        _ => 3.0,
    };
    (hours * 60.0) as i64
}

/// The window of a cluster that asks for none: half an hour on some day in the region's block. The
/// namespace's id is the dice.
pub fn assigned(region: &str, namespace: &str) -> String {
    let dice = namespace.bytes().fold(7u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let start = (dice % 7) as i64 * 1440 + block(region) + (dice / 7 % 16) as i64 * 30;
    format!("{}-{}", moment(start), moment(start + 30))
}

fn moment(minutes: i64) -> String {
    let minutes = minutes.rem_euclid(7 * 1440);
    format!(
        "{}:{:02}:{:02}",
        DAYS[(minutes / 1440) as usize],
        minutes % 1440 / 60,
        minutes % 60
    )
}

/// A window as `ddd:hh24:mi-ddd:hh24:mi`, in lower case; at least half an hour long.
pub fn parse(text: &str) -> Result<String, ApiError> {
    let wrong = || {
        ApiError::validation(format!(
            "Invalid maintenance window: {text}. The format is ddd:hh24:mi-ddd:hh24:mi."
        ))
    };
    let lower = text.to_ascii_lowercase();
    let (from, to) = lower.split_once('-').ok_or_else(wrong)?;
    let from = minutes(from).ok_or_else(wrong)?;
    let to = minutes(to).ok_or_else(wrong)?;
    let length = (to - from).rem_euclid(7 * 1440);
    if length < 30 {
        return Err(ApiError::validation(
            "The maintenance window must be at least 30 minutes.",
        ));
    }
    Ok(format!("{}-{}", moment(from), moment(to)))
}

fn minutes(text: &str) -> Option<i64> {
    let mut parts = text.trim().split(':');
    let day = parts.next()?;
    let hour: i64 = two_digits(parts.next()?)?;
    let minute: i64 = two_digits(parts.next()?)?;
    if parts.next().is_some() || hour > 23 || minute > 59 {
        return None;
    }
    let day = DAYS.iter().position(|d| *d == day)? as i64;
    Some(day * 1440 + hour * 60 + minute)
}

fn two_digits(text: &str) -> Option<i64> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// The next moment a window opens.
pub fn next_start(window: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let start = minutes(window.split_once('-')?.0)?;
    let monday = now.date_naive() - Duration::days(i64::from(now.weekday().num_days_from_monday()));
    let week = monday.and_time(NaiveTime::MIN).and_utc();
    let this = week + Duration::minutes(start);
    Some(if this > now {
        this
    } else {
        this + Duration::days(7)
    })
}

/// A zone of the region, chosen by the namespace's id.
pub fn zone(region: &str, namespace: &str) -> String {
    let letter = (b'a' + namespace.bytes().next_back().unwrap_or(0) % 3) as char;
    format!("{region}{letter}")
}

/// The zone after this one: where the other half of a Multi-AZ cluster is.
pub fn next_zone(zone: &str) -> String {
    let mut zone = zone.to_string();
    let next = match zone.pop() {
        Some('a') => 'b',
        Some('b') => 'c',
        _ => 'a',
    };
    zone.push(next);
    zone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read() {
        assert_eq!(parse("Sun:23:15-Mon:03:15").unwrap(), "sun:23:15-mon:03:15");
        assert_eq!(parse("wed:07:30-wed:08:00").unwrap(), "wed:07:30-wed:08:00");
        for bad in [
            "wed:07:30-wed:07:45",
            "wed:7:30-wed:08:00",
            "xyz:07:30-wed:08:00",
            "wed:07:30",
            "wed:24:00-thu:01:00",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn assigned_windows_lie_in_the_block() {
        for n in 0..50 {
            let window = assigned("us-east-1", &format!("namespace-{n}"));
            let start = minutes(window.split_once('-').unwrap().0).unwrap() % 1440;
            assert!((180..=660).contains(&start), "{window}");
            assert_eq!(parse(&window).unwrap(), window);
        }
    }

    #[test]
    fn the_next_window_is_ahead() {
        // 2026-11-24 is a Tuesday.
        let now = "2026-11-24T14:00:00Z".parse().unwrap();
        assert_eq!(
            next_start("wed:07:30-wed:08:00", now).unwrap().to_rfc3339(),
            "2026-11-25T07:30:00+00:00"
        );
        assert_eq!(
            next_start("tue:07:30-tue:08:00", now).unwrap().to_rfc3339(),
            "2026-12-01T07:30:00+00:00"
        );
    }
}
