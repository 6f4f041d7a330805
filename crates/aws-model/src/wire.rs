//! What the wire forms share: times, and the choice of a form.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// A time as XML answers write it: `2024-05-06T07:08:09.000Z`.
pub fn xml_time(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A time as ISO 8601 text in JSON: `2024-05-06T07:08:09Z`, milliseconds if there are any.
pub fn iso_time(time: &DateTime<Utc>) -> String {
    match time.timestamp_subsec_millis() {
        0 => time.to_rfc3339_opts(SecondsFormat::Secs, true),
        _ => time.to_rfc3339_opts(SecondsFormat::Millis, true),
    }
}

/// A time as clients write it: ISO 8601, with or without zone and fraction, a date, or seconds.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y%m%dT%H%M%SZ",
    ] {
        if let Ok(time) =
            NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), format.trim_end_matches('Z'))
        {
            return Some(time.and_utc());
        }
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return day.and_hms_opt(0, 0, 0).map(|time| time.and_utc());
    }
    text.parse::<i64>()
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
}
