//! A session's values, and the check of a new one.

use std::collections::BTreeMap;

use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::Zone;

use crate::params::{Context, Kind, Setting, find};

/// A session's values: only those that differ from the defaults. Names are lower case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettingValues(pub BTreeMap<String, String>);

impl SettingValues {
    /// The value of a setting: the session's own, else the default; `None` if there is no such
    /// setting, nor a variable of the session with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(value) => Some(value),
            None => {
                let name = name.to_ascii_lowercase();
                self.0
                    .get(&name)
                    .map(String::as_str)
                    .or_else(|| find(&name).map(|s| s.default))
            }
        }
    }

    /// True if a boolean setting is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).and_then(boolean).unwrap_or(false)
    }

    /// The value of a setting that is a number, 0 if it is none.
    pub fn integer(&self, name: &str) -> i64 {
        self.get(name).and_then(|v| v.parse().ok()).unwrap_or(0)
    }
}

/// Checks a value a user gives to a setting, and gives it in its one form. A name with a dot is a
/// variable of the session, which takes any text.
pub fn check(name: &str, value: &str) -> Result<String> {
    let Some(setting) = find(name) else {
        return if name.contains('.') {
            Ok(value.to_string())
        } else {
            Err(unrecognized(name))
        };
    };
    match setting.context {
        Context::Internal => Err(SqlError::new(
            SqlState::CANT_CHANGE_RUNTIME_PARAM,
            format!("parameter \"{name}\" cannot be changed"),
        )),
        Context::Startup => Err(SqlError::new(
            SqlState::CANT_CHANGE_RUNTIME_PARAM,
            format!("parameter \"{name}\" cannot be set after connection start"),
        )),
        Context::User => one_form(setting, value),
    }
}

/// As [`check`], for a value that comes with the connection or from ALTER USER.
pub fn check_at_start(name: &str, value: &str) -> Result<String> {
    match find(name) {
        Some(setting) if setting.context != Context::Internal => one_form(setting, value),
        _ => check(name, value),
    }
}

/// The error for a setting that does not exist.
pub fn unrecognized(name: &str) -> SqlError {
    SqlError::new(
        SqlState::UNDEFINED_OBJECT,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

fn one_form(setting: &Setting, value: &str) -> Result<String> {
    let invalid = || {
        SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!(
                "invalid value for parameter \"{}\": \"{value}\"",
                setting.name
            ),
        )
    };
    let text = value.trim();
    match setting.kind {
        Kind::Text => Ok(value.to_string()),
        Kind::Bool => boolean(text)
            .map(|on| if on { "on" } else { "off" }.to_string())
            .ok_or_else(|| {
                SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("parameter \"{}\" requires a Boolean value", setting.name),
                )
            }),
        Kind::Integer(min, max) => {
            let number: i64 = text.parse().map_err(|_| {
                SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("parameter \"{}\" requires a numeric value", setting.name),
                )
            })?;
            if !(min..=max).contains(&number) {
                return Err(out_of_range(setting, &number.to_string(), min, max));
            }
            Ok(number.to_string())
        }
        Kind::Real(min, max) => {
            let number: f64 = text.parse().map_err(|_| {
                SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("parameter \"{}\" requires a numeric value", setting.name),
                )
            })?;
            if !(min..=max).contains(&number) {
                return Err(out_of_range(setting, text, min, max));
            }
            Ok(number.to_string())
        }
        Kind::Enum(allowed) => allowed
            .iter()
            .find(|a| a.eq_ignore_ascii_case(text))
            .map(|a| (*a).to_string())
            .ok_or_else(|| {
                invalid().with_hint(format!("Available values: {}.", allowed.join(", ")))
            }),
        Kind::TimeZone => match Zone::parse(text) {
            Some(_) => Ok(text.to_string()),
            None => Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("unrecognized time zone name: \"{text}\""),
            )),
        },
        Kind::DateStyle => date_style(text).ok_or_else(invalid),
        Kind::Encoding => {
            let plain: String = text
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .to_ascii_lowercase();
            match plain.as_str() {
                "utf8" | "unicode" => Ok("UTF8".to_string()),
                _ => Err(SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("client encoding \"{text}\" is not supported"),
                )
                .with_hint("Use UTF8.")),
            }
        }
    }
}

fn out_of_range(
    setting: &Setting,
    value: &str,
    min: impl std::fmt::Display,
    max: impl std::fmt::Display,
) -> SqlError {
    SqlError::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!(
            "{value} is outside the valid range for parameter \"{}\" ({min} .. {max})",
            setting.name
        ),
    )
}

/// `ISO, MDY` and its like; one of the two words may be missing.
fn date_style(text: &str) -> Option<String> {
    let (mut format, mut order) = (None, None);
    for word in text.split(',').map(str::trim) {
        let word = word.to_ascii_lowercase();
        match word.as_str() {
            "iso" => format = Some("ISO"),
            "sql" => format = Some("SQL"),
            "postgres" | "postgresql" => format = Some("Postgres"),
            "german" => {
                format = Some("German");
                order.get_or_insert("DMY");
            }
            "mdy" | "us" | "noneuro" | "noneuropean" => order = Some("MDY"),
            "dmy" | "euro" | "european" => order = Some("DMY"),
            "ymd" => order = Some("YMD"),
            _ => return None,
        }
    }
    Some(format!(
        "{}, {}",
        format.unwrap_or("ISO"),
        order.unwrap_or("MDY")
    ))
}

/// The ways to write a boolean.
fn boolean(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    Some(match text.as_str() {
        "on" | "true" | "t" | "yes" | "y" | "1" => true,
        "off" | "false" | "f" | "no" | "n" | "0" => false,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(name: &str, value: &str) -> String {
        check(name, value).unwrap_or_else(|e| panic!("{name} = {value}: {e}"))
    }

    fn state(name: &str, value: &str) -> &'static str {
        match check(name, value) {
            Ok(v) => panic!("{name} takes {v}"),
            Err(e) => e.state.0,
        }
    }

    #[test]
    fn values_have_one_form() {
        assert_eq!(ok("enable_result_cache_for_session", "TRUE"), "on");
        assert_eq!(ok("datestyle", "sql"), "SQL, MDY");
        assert_eq!(ok("datestyle", "ISO, dmy"), "ISO, DMY");
        assert_eq!(ok("datestyle", "german"), "German, DMY");
        assert_eq!(ok("extra_float_digits", "-15"), "-15");
        assert_eq!(ok("client_encoding", "utf-8"), "UTF8");
        assert_eq!(ok("timezone", "America/New_York"), "America/New_York");
        assert_eq!(ok("analyze_threshold_percent", "12.5"), "12.5");
        assert_eq!(ok("my.variable", "x"), "x");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(state("extra_float_digits", "3"), "22023");
        assert_eq!(state("extra_float_digits", "x"), "22023");
        assert_eq!(state("readonly", "maybe"), "22023");
        assert_eq!(state("datestyle", "klingon"), "22023");
        assert_eq!(state("timezone", "Mars/Olympus"), "22023");
        assert_eq!(state("no_such_setting", "1"), "42704");
        assert_eq!(state("server_version", "9"), "55P02");
        assert_eq!(state("client_encoding", "LATIN1"), "0A000");
    }

    #[test]
    fn defaults_show_through() {
        let mut values = SettingValues::default();
        assert_eq!(values.get("DateStyle"), Some("ISO, MDY"));
        assert_eq!(values.get("no_such_setting"), None);
        assert!(!values.is_on("readonly"));
        values.0.insert("readonly".into(), "on".into());
        assert!(values.is_on("readonly"));
        assert_eq!(values.integer("statement_timeout"), 0);
    }
}
