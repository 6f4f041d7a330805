//! SET, RESET and SHOW of settings, and the settings a session starts with.

use std::collections::BTreeMap;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::User;
use lw_settings::SettingValues;

use crate::sequence::{Ran, table_of_text};
use crate::session::LeaderSession;

/// The settings of a new session: the user's own (ALTER USER ... SET), then those among the startup
/// keys. Keys that are no settings are kept out.
pub fn of_start(user: &User, options: &BTreeMap<String, String>) -> Result<SettingValues> {
    let mut values = SettingValues(user.settings.clone());
    for (name, value) in options {
        values.0.insert(name.to_ascii_lowercase(), value.clone());
    }
    Ok(values)
}

/// The schemas of `search_path`, in order, unquoted.
pub fn search_path(values: &SettingValues) -> Vec<String> {
    values
        .get("search_path")
        .unwrap_or("$user, public")
        .split(',')
        .map(|part| part.trim().trim_matches('"').trim_matches('\'').to_string())
        .filter(|part| !part.is_empty())
        .collect()
}

/// Sets a setting of the session; `None` gives it back its default.
pub(crate) fn set(name: &str, value: Option<&str>, session: &mut LeaderSession) -> Result<()> {
    match value {
        Some(value) => session
            .settings
            .0
            .insert(name.to_string(), value.to_string()),
        None => session.settings.0.remove(name),
    };
    Ok(())
}

/// The value SHOW prints.
pub(crate) fn show(name: &str, session: &LeaderSession) -> Result<String> {
    session
        .settings
        .get(name)
        .map(str::to_string)
        .ok_or_else(|| {
            SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("unrecognized configuration parameter \"{name}\""),
            )
        })
}

/// SHOW ALL: name and value.
pub(crate) fn show_all(session: &LeaderSession) -> Result<Ran> {
    let (names, values) = session.settings.0.clone().into_iter().unzip();
    Ok(table_of_text(
        &["name", "setting"],
        vec![names, values],
        "SHOW",
    ))
}

/// SET SESSION AUTHORIZATION: only a superuser may become another user.
pub(crate) fn session_authorization(user: Option<Oid>, session: &mut LeaderSession) -> Result<()> {
    let target = user.unwrap_or(session.session_user);
    let catalog = session.shared.txns.current();
    if target != session.session_user && !catalog.is_superuser(session.session_user) {
        return Err(SqlError::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            "permission denied to set session authorization",
        ));
    }
    session.user = target;
    Ok(())
}
