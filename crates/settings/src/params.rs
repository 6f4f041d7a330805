//! The table of settings and a session's values.

use std::collections::BTreeMap;

/// A session's values: only those that differ from the defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettingValues(pub BTreeMap<String, String>);
