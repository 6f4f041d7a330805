//! SET, RESET and SHOW of settings, and the settings a session starts with.

use std::collections::BTreeMap;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::User;
use lw_services::TransactionStatus;
use lw_settings::{SettingValues, params};

use crate::ran::{Ran, table_of_text};
use crate::session::LeaderSession;

/// What parameters of the warehouse make of the settings of its sessions. Parameters that are no
/// settings are left out, and so is what a setting cannot be.
pub(crate) fn of_parameters(parameters: &[(String, String)]) -> SettingValues {
    let mut values = SettingValues::default();
    for (name, value) in parameters {
        let name = name.to_ascii_lowercase();
        if params::find(&name).is_none() {
            continue;
        }
        match params::check_at_start(&name, value) {
            Ok(value) => {
                values.0.insert(name, value);
            }
            Err(error) => tracing::warn!(name, value, %error, "a parameter is not in force"),
        }
    }
    values
}

/// The settings of a new session: the warehouse's, then the user's own (ALTER USER ... SET), then
/// those among the startup keys. Keys that are no settings are kept as they are: they say who the
/// client is.
pub fn of_start(
    defaults: &SettingValues,
    user: &User,
    options: &BTreeMap<String, String>,
) -> Result<SettingValues> {
    let mut values = defaults.clone();
    values.0.extend(user.settings.clone());
    for (name, value) in options {
        let name = name.to_ascii_lowercase();
        if name == "options" {
            of_options(value, &mut values)?;
            continue;
        }
        let value = match params::find(&name) {
            // A client may ask for what cannot be had (an encoding, digits of a later PostgreSQL):
            // the default stays, and the client is told of it.
            Some(_) => match params::check_at_start(&name, value) {
                Ok(value) => value,
                Err(error) if name == "timezone" => return Err(error.fatal()),
                Err(_) => continue,
            },
            None => value.clone(),
        };
        values.0.insert(name, value);
    }
    Ok(values)
}

/// The startup key `options`: `-c name=value`, several.
fn of_options(text: &str, values: &mut SettingValues) -> Result<()> {
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let assignment = match word.strip_prefix("--") {
            Some(rest) => rest,
            None => match word.strip_prefix("-c") {
                Some("") => words.next().unwrap_or_default(),
                Some(rest) => rest,
                None => continue,
            },
        };
        if let Some((name, value)) = assignment.split_once('=') {
            let name = name.to_ascii_lowercase().replace('-', "_");
            let value = params::check_at_start(&name, value).map_err(SqlError::fatal)?;
            values.0.insert(name, value);
        }
    }
    Ok(())
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

/// Sets a setting of the session; `None` gives it back its default: the user's own, the
/// warehouse's, or the table's.
pub(crate) fn set(name: &str, value: Option<&str>, session: &mut LeaderSession) -> Result<()> {
    let Some(value) = value else {
        if params::find(name).is_none() && !session.settings.0.contains_key(name) {
            return Err(params::unrecognized(name));
        }
        let catalog = session.shared.txns.current();
        let own = catalog
            .user(session.session_user)
            .and_then(|u| u.settings.get(name).cloned())
            .or_else(|| session.shared.defaults.0.get(name).cloned());
        match own {
            Some(value) => session.settings.0.insert(name.to_string(), value),
            None => session.settings.0.remove(name),
        };
        return Ok(());
    };
    if name == "session_authorization" {
        return become_user(value, session);
    }
    let value = params::check(name, value)?;
    if name == "readonly" && value == "off" && session.status == TransactionStatus::InBlock {
        // As PostgreSQL: a transaction that began read-only stays so.
        if session.settings.is_on("readonly") {
            return Err(SqlError::new(
                SqlState::ACTIVE_SQL_TRANSACTION,
                "the session cannot be made writable inside a transaction block",
            ));
        }
    }
    session.settings.0.insert(name.to_string(), value);
    Ok(())
}

/// RESET ALL: what the user's own settings, the warehouse's and the table say; what the client said of itself stays.
pub(crate) fn reset_all(session: &mut LeaderSession) {
    session
        .settings
        .0
        .retain(|name, _| params::find(name).is_none());
    let defaults = session.shared.defaults.0.clone();
    session.settings.0.extend(defaults);
    let catalog = session.shared.txns.current();
    if let Some(user) = catalog.user(session.session_user) {
        session.settings.0.extend(user.settings.clone());
    }
}

fn become_user(name: &str, session: &mut LeaderSession) -> Result<()> {
    let found = session
        .shared
        .txns
        .current()
        .user_named(name)
        .map(|u| u.oid);
    match found {
        Some(oid) => session_authorization(Some(oid), session),
        None => Err(SqlError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("user \"{name}\" does not exist"),
        )),
    }
}

/// The value SHOW prints.
pub(crate) fn show(name: &str, session: &LeaderSession) -> Result<String> {
    let name = name.to_ascii_lowercase();
    match of_session(&name, session) {
        Some(value) => Ok(value),
        None => Err(params::unrecognized(&name)),
    }
}

/// A setting's value, those that only the session knows included.
fn of_session(name: &str, session: &LeaderSession) -> Option<String> {
    let catalog = session.shared.txns.current();
    match name {
        "session_authorization" => catalog.user(session.user).map(|u| u.name.clone()),
        "is_superuser" => {
            let on = catalog.is_superuser(session.user);
            Some(if on { "on" } else { "off" }.to_string())
        }
        // What clients say of themselves is no setting.
        _ if params::find(name).is_none() && !name.contains('.') => None,
        _ => session.settings.get(name).map(str::to_string),
    }
}

/// SHOW ALL: name and value.
pub(crate) fn show_all(session: &LeaderSession) -> Result<Ran> {
    let (names, values) = params::all()
        .iter()
        .filter_map(|s| Some((s.shown.to_string(), of_session(s.name, session)?)))
        .unzip();
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
