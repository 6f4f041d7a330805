//! The one table of settings. It serves SET, SHOW, RESET, `pg_settings`, parameter groups and the
//! docs.

pub use crate::values::{SettingValues, check, check_at_start, unrecognized};

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name, lower case: what it is looked up by.
    pub name: &'static str,
    /// Its name as it is printed.
    pub shown: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Its value unless something else was said.
    pub default: &'static str,
    /// Who may change it, and when.
    pub context: Context,
    /// What it does, one line.
    pub description: &'static str,
}

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// on, off
    Bool,
    /// A whole number in this range.
    Integer(i64, i64),
    /// A number in this range.
    Real(f64, f64),
    /// One of these words.
    Enum(&'static [&'static str]),
    /// Any text.
    Text,
    /// A name or offset of a time zone.
    TimeZone,
    /// Format and order of dates.
    DateStyle,
    /// A client encoding.
    Encoding,
}

impl Kind {
    /// `pg_settings.vartype`
    pub fn vartype(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::Integer(..) => "integer",
            Kind::Real(..) => "real",
            _ => "string",
        }
    }
}

/// Who may change a setting, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Anybody, with SET.
    User,
    /// The client, as it connects.
    Startup,
    /// Nobody.
    Internal,
}

impl Context {
    /// `pg_settings.context`
    pub fn name(self) -> &'static str {
        match self {
            Context::User => "user",
            Context::Startup => "backend",
            Context::Internal => "internal",
        }
    }
}

/// The setting with this name (lower case).
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS
        .binary_search_by(|s| s.name.cmp(name))
        .ok()
        .map(|i| &SETTINGS[i])
}

/// All settings, by name.
pub fn all() -> &'static [Setting] {
    SETTINGS
}

const fn setting(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    description: &'static str,
) -> Setting {
    Setting {
        name,
        shown: name,
        kind,
        default,
        context: Context::User,
        description,
    }
}

const fn shown(setting: Setting, shown: &'static str) -> Setting {
    Setting { shown, ..setting }
}

const fn internal(name: &'static str, default: &'static str, description: &'static str) -> Setting {
    Setting {
        context: Context::Internal,
        ..setting(name, Kind::Text, default, description)
    }
}

use Kind::*;

const MAX: i64 = i32::MAX as i64;
const ISOLATION: &[&str] = &[
    "serializable",
    "repeatable read",
    "read committed",
    "read uncommitted",
    "snapshot",
];
const MESSAGES: &[&str] = &[
    "debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "error", "log",
    "fatal", "panic",
];

/// Kept in order of names: they are looked up by halving.
static SETTINGS: &[Setting] = &[
    setting(
        "analyze_threshold_percent",
        Real(0.0, 100.0),
        "10",
        "Share of changed rows from which ANALYZE looks at a table again.",
    ),
    setting(
        "application_name",
        Text,
        "",
        "Name of the client program, shown in the system views.",
    ),
    setting(
        "auto_analyze",
        Bool,
        "on",
        "Whether statistics are gathered in the background.",
    ),
    setting(
        "auto_mv",
        Bool,
        "on",
        "Whether materialized views may be made automatically.",
    ),
    setting(
        "auto_mv_quota",
        Text,
        "10%",
        "Storage for automatically made materialized views.",
    ),
    setting(
        "cast_super_null_on_error",
        Bool,
        "on",
        "Whether a missing member of a SUPER value is NULL instead of an error.",
    ),
    setting(
        "client_encoding",
        Encoding,
        "UTF8",
        "Encoding of the client.",
    ),
    setting(
        "client_min_messages",
        Enum(MESSAGES),
        "notice",
        "Least level of messages sent to the client.",
    ),
    setting("compupdate", Bool, "on", "Whether COPY chooses encodings."),
    setting(
        "datashare_break_glass_session_var",
        Text,
        "",
        "Permits dropping a shared datashare.",
    ),
    internal(
        "datashare_enabled",
        "off",
        "Whether databases of datashares are listed.",
    ),
    shown(
        setting(
            "datestyle",
            DateStyle,
            "ISO, MDY",
            "Form of dates and the order of year, month and day.",
        ),
        "DateStyle",
    ),
    setting(
        "default_transaction_isolation",
        Enum(ISOLATION),
        "serializable",
        "Isolation level of new transactions; every level runs as the database's own.",
    ),
    setting(
        "default_transaction_read_only",
        Bool,
        "off",
        "Whether new transactions are read-only.",
    ),
    setting(
        "describe_field_name_in_uppercase",
        Bool,
        "off",
        "Whether names of result columns are sent in upper case.",
    ),
    setting(
        "downcase_delimited_identifier",
        Bool,
        "on",
        "Whether names in quotes are folded to lower case.",
    ),
    setting(
        "enable_case_sensitive_identifier",
        Bool,
        "off",
        "Whether names in quotes keep their case.",
    ),
    setting(
        "enable_case_sensitive_super_attribute",
        Bool,
        "off",
        "Whether names of SUPER attributes keep their case.",
    ),
    setting(
        "enable_numeric_rounding",
        Bool,
        "on",
        "Whether casts to NUMERIC round.",
    ),
    setting(
        "enable_result_cache_for_session",
        Bool,
        "on",
        "Whether results of earlier queries may be used again.",
    ),
    setting(
        "enable_spectrum",
        Bool,
        "on",
        "Whether external tables may be read.",
    ),
    setting(
        "enable_user_activity_logging",
        Bool,
        "on",
        "Whether statements are recorded.",
    ),
    setting(
        "enable_vacuum_boost",
        Bool,
        "off",
        "Whether VACUUM runs with BOOST.",
    ),
    setting(
        "error_on_nondeterministic_update",
        Bool,
        "off",
        "Whether an UPDATE that matches a row more than once is an error.",
    ),
    internal(
        "external_database",
        "off",
        "Whether databases of other warehouses are listed.",
    ),
    setting(
        "extra_float_digits",
        Integer(-15, 2),
        "0",
        "Digits added to floating-point output.",
    ),
    setting(
        "fetch_size",
        Integer(0, MAX),
        "0",
        "Rows fetched at once by the client.",
    ),
    setting(
        "idle_session_timeout",
        Integer(0, MAX),
        "0",
        "Milliseconds after which an idle session ends; 0: never.",
    ),
    internal("integer_datetimes", "on", "Timestamps are 64-bit integers."),
    setting(
        "interval_forbid_composite_literals",
        Bool,
        "on",
        "Whether an interval literal may mix months and days.",
    ),
    setting(
        "intervalstyle",
        Enum(&["postgres", "postgres_verbose", "sql_standard", "iso_8601"]),
        "postgres",
        "Form of intervals.",
    ),
    internal("is_superuser", "off", "Whether the user is a superuser."),
    setting(
        "json_serialization_enable",
        Bool,
        "off",
        "Whether nested results are sent as JSON.",
    ),
    setting(
        "json_serialization_parse_nested_strings",
        Bool,
        "off",
        "Whether strings in nested results that hold JSON are sent as JSON.",
    ),
    shown(
        internal("lc_collate", "C", "Order of strings."),
        "lc_collate",
    ),
    internal("lc_ctype", "C", "Classes of characters."),
    internal(
        "max_concurrency_scaling_clusters",
        "1",
        "Clusters added under load.",
    ),
    setting(
        "max_cursor_result_set_size",
        Integer(0, 14_400_000),
        "0",
        "Megabytes of a cursor's result; 0: the largest.",
    ),
    internal("max_identifier_length", "127", "Longest name, bytes."),
    internal("max_index_keys", "32", "Most columns of an index."),
    setting(
        "mv_enable_aqmv_for_session",
        Bool,
        "on",
        "Whether queries may be answered from materialized views.",
    ),
    setting(
        "navigate_super_null_on_error",
        Bool,
        "on",
        "Whether navigating to a missing member of a SUPER value gives NULL.",
    ),
    internal("padb_revision", "Unknown", "Revision of the engine."),
    internal("padb_version", "1.0", "Version of the engine."),
    setting(
        "query_group",
        Text,
        "unset",
        "Label of the session's queries, for workload queues.",
    ),
    setting(
        "readonly",
        Bool,
        "off",
        "Whether the session may only read.",
    ),
    setting(
        "search_path",
        Text,
        "$user, public",
        "Schemas in which names are looked for.",
    ),
    setting("seed", Real(-1.0, 1.0), "0", "Seed of RANDOM."),
    internal("server_encoding", "UNICODE", "Encoding of the server."),
    internal(
        "server_version",
        "8.0.2",
        "Version of PostgreSQL that clients take the server for.",
    ),
    internal("server_version_num", "80002", "The same, as a number."),
    internal("session_authorization", "", "Current user."),
    internal(
        "show_discovery",
        "4",
        "Level of the SHOW statements for drivers.",
    ),
    setting(
        "spectrum_enable_pseudo_columns",
        Bool,
        "on",
        "Whether external tables have pseudo columns.",
    ),
    setting(
        "spectrum_query_maxerror",
        Integer(-1, MAX),
        "-1",
        "Bad rows of external tables a query bears; -1: any number.",
    ),
    setting(
        "sql_inheritance",
        Bool,
        "on",
        "Kept for clients that set it.",
    ),
    // Backslashes in string literals are escapes, as in Redshift.
    internal(
        "standard_conforming_strings",
        "off",
        "Whether backslashes in string literals are ordinary characters.",
    ),
    setting(
        "statement_timeout",
        Integer(0, MAX),
        "0",
        "Milliseconds after which a statement is cancelled; 0: never.",
    ),
    setting("statupdate", Bool, "on", "Whether COPY gathers statistics."),
    setting(
        "stored_proc_log_min_messages",
        Enum(&["LOG", "INFO", "NOTICE", "WARNING", "EXCEPTION"]),
        "LOG",
        "Least level of messages of stored procedures that are recorded.",
    ),
    shown(
        setting("timezone", TimeZone, "UTC", "Time zone of the session."),
        "TimeZone",
    ),
    setting(
        "transaction_isolation",
        Enum(ISOLATION),
        "serializable",
        "Isolation level of the transaction.",
    ),
    setting(
        "transaction_read_only",
        Bool,
        "off",
        "Whether the transaction is read-only.",
    ),
    setting(
        "use_fips_ssl",
        Bool,
        "off",
        "Whether TLS is limited to FIPS 140.",
    ),
    internal("wlm_json_configuration", "", "Workload queues."),
    setting(
        "wlm_query_slot_count",
        Integer(1, 50),
        "1",
        "Slots a query takes in its queue.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_found() {
        for pair in SETTINGS.windows(2) {
            assert!(
                pair[0].name < pair[1].name,
                "{} after {}",
                pair[0].name,
                pair[1].name
            );
        }
        assert!(SETTINGS.iter().all(|s| find(s.name).is_some()));
    }

    #[test]
    fn defaults_are_values_the_setting_takes() {
        for setting in SETTINGS {
            assert_eq!(setting.shown.to_lowercase(), setting.name);
            if setting.context == Context::User {
                let value = check(setting.name, setting.default);
                assert_eq!(
                    value.map_err(|e| e.message),
                    Ok(setting.default.to_string()),
                    "{}",
                    setting.name
                );
            }
        }
    }
}
