//! The table of settings and a session's values.

use std::collections::BTreeMap;

/// Defaults, by name in lower case.
const DEFAULTS: &[(&str, &str)] = &[
    ("application_name", ""),
    ("client_encoding", "UTF8"),
    ("datestyle", "ISO, MDY"),
    ("extra_float_digits", "0"),
    ("integer_datetimes", "on"),
    ("query_group", "default"),
    ("search_path", "$user, public"),
    ("server_version", "8.0.2"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("timezone", "UTC"),
];

/// A session's values: only those that differ from the defaults. Names are lower case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettingValues(pub BTreeMap<String, String>);

impl SettingValues {
    /// The value of a setting: the session's own, else the default; `None` if there is no such
    /// setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        match self.0.get(&name) {
            Some(value) => Some(value),
            None => DEFAULTS
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| *value),
        }
    }

    /// True if a boolean setting is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(is_true)
    }

    /// The value of a setting that is a number, 0 if it is none.
    pub fn integer(&self, name: &str) -> i64 {
        self.get(name).and_then(|v| v.parse().ok()).unwrap_or(0)
    }
}

/// True for the ways to write a true value of a boolean setting.
pub fn is_true(value: &str) -> bool {
    ["on", "true", "t", "yes", "y", "1"]
        .iter()
        .any(|t| value.trim().eq_ignore_ascii_case(t))
}
