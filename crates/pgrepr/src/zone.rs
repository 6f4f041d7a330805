//! Time zones of a session.

use std::collections::HashMap;
use std::sync::OnceLock;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, TZ_VARIANTS, Tz};

/// A time zone: one of the IANA database, or a fixed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// A zone of the IANA database.
    Named(Tz),
    /// Seconds east of Greenwich.
    Fixed(i32),
}

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone::Named(Tz::UTC);

    /// The zone of this name: an IANA name in any case, `Z`, or an offset east of Greenwich
    /// (`+05`, `-08:30`, `+0530`, `2`).
    pub fn parse(name: &str) -> Option<Zone> {
        let name = name.trim();
        if name.eq_ignore_ascii_case("z") || name.eq_ignore_ascii_case("zulu") {
            return Some(Zone::UTC);
        }
        match by_name().get(&name.to_ascii_lowercase()) {
            Some(tz) => Some(Zone::Named(*tz)),
            None => parse_offset(name).map(Zone::Fixed),
        }
    }

    /// Seconds east of Greenwich at a moment (microseconds since 1970 UTC), with the abbreviation
    /// in force (`CET`), if the zone has one.
    pub fn at(self, micros: i64) -> (i32, Option<String>) {
        match self {
            Zone::Named(Tz::UTC) => (0, Some("UTC".into())),
            Zone::Named(tz) => {
                // Beyond chrono's years there are no rules either; UTC is as good as any.
                let Some(utc) = DateTime::from_timestamp_micros(micros) else {
                    return (0, None);
                };
                let offset = tz.offset_from_utc_datetime(&utc.naive_utc());
                (
                    offset.fix().local_minus_utc(),
                    offset.abbreviation().map(str::to_string),
                )
            }
            Zone::Fixed(seconds) => (seconds, None),
        }
    }

    /// Seconds east of Greenwich at a moment.
    pub fn offset_at(self, micros: i64) -> i32 {
        match self {
            Zone::Named(Tz::UTC) => 0,
            Zone::Fixed(seconds) => seconds,
            Zone::Named(_) => self.at(micros).0,
        }
    }

    /// The moment (microseconds since 1970 UTC) at which a clock in this zone shows `local`
    /// (microseconds since 1970, local). A time that the clock shows twice is the first of the
    /// two; one that it skips is read with the offset before the gap.
    pub fn to_utc(self, local: i64) -> i64 {
        let offset = match self {
            Zone::Fixed(seconds) => seconds,
            Zone::Named(Tz::UTC) => 0,
            Zone::Named(tz) => match DateTime::from_timestamp_micros(local) {
                None => 0,
                Some(t) => match tz.offset_from_local_datetime(&t.naive_utc()) {
                    chrono::LocalResult::Single(o) => o.fix().local_minus_utc(),
                    chrono::LocalResult::Ambiguous(o, _) => o.fix().local_minus_utc(),
                    // Half a day earlier lies before any gap.
                    chrono::LocalResult::None => self.offset_at(local - 43_200_000_000),
                },
            },
        };
        local - offset as i64 * 1_000_000
    }
}

fn by_name() -> &'static HashMap<String, Tz> {
    static ZONES: OnceLock<HashMap<String, Tz>> = OnceLock::new();
    ZONES.get_or_init(|| {
        TZ_VARIANTS
            .iter()
            .map(|tz| (tz.name().to_ascii_lowercase(), *tz))
            .collect()
    })
}

/// An offset such as `+05`, `-08:30`, `+0530`, `+05:30:10`; seconds east of Greenwich.
pub fn parse_offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        b'0'..=b'9' => (1, text),
        _ => return None,
    };
    let mut parts = [0i32; 3];
    if digits.contains(':') {
        for (n, part) in digits.split(':').enumerate() {
            if n == 3 || part.is_empty() || part.len() > 2 {
                return None;
            }
            parts[n] = part.parse().ok()?;
        }
    } else {
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match digits.len() {
            1 | 2 => parts[0] = digits.parse().ok()?,
            3 | 4 => {
                let cut = digits.len() - 2;
                parts[0] = digits[..cut].parse().ok()?;
                parts[1] = digits[cut..].parse().ok()?;
            }
            _ => return None,
        }
    }
    if parts[0] > 15 || parts[1] > 59 || parts[2] > 59 {
        return None;
    }
    Some(sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets() {
        assert_eq!(Zone::parse("utc"), Some(Zone::UTC));
        assert_eq!(
            Zone::parse("europe/berlin"),
            Some(Zone::Named(Tz::Europe__Berlin))
        );
        assert_eq!(Zone::parse("+05:30"), Some(Zone::Fixed(19_800)));
        assert_eq!(Zone::parse("-0800"), Some(Zone::Fixed(-28_800)));
        assert_eq!(Zone::parse("+16"), None);
        assert_eq!(Zone::parse("nowhere"), None);
    }

    #[test]
    fn a_summer_and_a_winter() {
        let berlin = Zone::Named(Tz::Europe__Berlin);
        // 2020-07-01 12:00 UTC and 2020-01-01 12:00 UTC.
        assert_eq!(
            berlin.at(1_593_604_800_000_000),
            (7200, Some("CEST".into()))
        );
        assert_eq!(berlin.at(1_577_880_000_000_000), (3600, Some("CET".into())));
        assert_eq!(berlin.to_utc(1_593_612_000_000_000), 1_593_604_800_000_000);
    }
}
