//! Configuration parameters of a workgroup: the one list of their names, defaults and values allowed,
//! and what they become in the settings of sessions. Serverless has no parameter groups (guide L595).

use std::sync::LazyLock;

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{ConfigParameter, errors};

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Values {
    Boolean,
    /// A whole number in these bounds.
    Number(i64, i64),
    Text,
}

/// How a parameter takes effect.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Effect {
    /// A setting of sessions with the same name.
    Setting,
    /// The time a query may run, in seconds: `statement_timeout`.
    QueryTime,
    /// It is kept and shown.
    Kept,
}

struct Parameter {
    name: &'static str,
    /// `None`: it is not shown until it is set.
    default: Option<&'static str>,
    values: Values,
    effect: Effect,
}

const fn parameter(
    name: &'static str,
    default: Option<&'static str>,
    values: Values,
    effect: Effect,
) -> Parameter {
    Parameter {
        name,
        default,
        values,
        effect,
    }
}

/// The longest a query may run, seconds (guide L969: 0 to 86,399).
const LONGEST: i64 = 86_399;
const ANY: i64 = i64::MAX;

/// The parameters that CreateWorkgroup knows. The names of the query limits are those of the query
/// monitoring metrics (guide L877, L1968).
static PARAMETERS: &[Parameter] = {
    use Effect::*;
    use Values::*;
    &[
        parameter("auto_mv", Some("true"), Boolean, Kept),
        parameter("datestyle", Some("ISO, MDY"), Text, Setting),
        parameter(
            "enable_case_sensitive_identifier",
            Some("false"),
            Boolean,
            Setting,
        ),
        parameter("enable_user_activity_logging", Some("true"), Boolean, Kept),
        parameter("query_group", Some("default"), Text, Setting),
        parameter("search_path", Some("$user, public"), Text, Setting),
        parameter(
            "max_query_execution_time",
            Some("14400"),
            Number(0, LONGEST),
            QueryTime,
        ),
        parameter("require_ssl", Some("false"), Boolean, Setting),
        parameter("use_fips_ssl", Some("false"), Boolean, Kept),
        parameter("max_io_skew", None, Number(0, 99), Kept),
        parameter("max_join_row_count", None, Number(0, ANY), Kept),
        parameter("max_nested_loop_join_row_count", None, Number(0, ANY), Kept),
        parameter("max_query_blocks_read", None, Number(0, 1_048_575), Kept),
        parameter("max_query_cpu_skew", None, Number(0, 99), Kept),
        parameter("max_query_cpu_time", None, Number(0, 999_999), Kept),
        parameter("max_query_cpu_usage_percent", None, Number(0, 6_399), Kept),
        parameter("max_query_queue_time", None, Number(0, LONGEST), Kept),
        parameter(
            "max_query_temp_blocks_to_disk",
            None,
            Number(0, 319_815_679),
            Kept,
        ),
        parameter("max_return_row_count", None, Number(0, ANY), Kept),
        parameter("max_scan_row_count", None, Number(0, ANY), Kept),
        parameter("wlm_json_configuration", None, Text, Kept),
    ]
};

static NAMES: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<&str> = PARAMETERS.iter().map(|p| p.name).collect();
    names.join(", ")
});

fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|p| p.name == name)
}

/// Checks what a caller sets, and lays it over what was set before.
pub fn merge(
    before: &[(String, String)],
    given: &[ConfigParameter],
) -> Result<Vec<(String, String)>, ApiError> {
    let mut all = before.to_vec();
    for one in given {
        let name = one.parameter_key.as_deref().unwrap_or_default();
        let value = one.parameter_value.as_deref().unwrap_or_default();
        let Some(parameter) = find(name) else {
            return Err(errors::validation_exception(format!(
                "Invalid parameter key '{name}'. Valid parameter keys are: {}.",
                *NAMES
            )));
        };
        let good = match parameter.values {
            Values::Boolean => matches!(value, "true" | "false"),
            Values::Number(least, most) => value
                .parse::<i64>()
                // -1 takes a limit away.
                .is_ok_and(|n| n == -1 || (least..=most).contains(&n)),
            Values::Text => true,
        };
        if !good {
            return Err(errors::validation_exception(format!(
                "Invalid value '{value}' for parameter '{name}'."
            )));
        }
        all.retain(|(known, _)| known != name);
        let limit = matches!(parameter.values, Values::Number(..));
        if !(limit && value == "-1") {
            all.push((name.to_string(), value.to_string()));
        }
    }
    let on = |name: &str| all.iter().any(|(n, v)| n == name && v == "true");
    if on("use_fips_ssl") && !on("require_ssl") {
        // Guide L14447: both are needed.
        return Err(errors::validation_exception(
            "Set require_ssl to true to set use_fips_ssl to true.",
        ));
    }
    if on("use_fips_ssl") {
        return Err(ApiError::unsupported("use_fips_ssl"));
    }
    all.sort();
    Ok(all)
}

/// All parameters that have a value, as callers see them.
pub fn shown(set: &[(String, String)]) -> Vec<ConfigParameter> {
    PARAMETERS
        .iter()
        .filter_map(|parameter| {
            let value = set
                .iter()
                .find(|(name, _)| name == parameter.name)
                .map(|(_, value)| value.as_str())
                .or(parameter.default)?;
            Some(ConfigParameter {
                parameter_key: Some(parameter.name.into()),
                parameter_value: Some(value.into()),
            })
        })
        .collect()
}

/// What they become in sessions: names and values of settings. Defaults that are the engine's own are
/// left out.
pub fn settings(set: &[(String, String)]) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for parameter in PARAMETERS {
        let given = set.iter().find(|(name, _)| name == parameter.name);
        match parameter.effect {
            Effect::Setting => {
                if let Some((name, value)) = given {
                    out.push((name.clone(), value.clone()));
                }
            }
            Effect::QueryTime => {
                let seconds = given
                    .map(|(_, value)| value.as_str())
                    .or(parameter.default)
                    .and_then(|value| value.parse::<i64>().ok())
                    .unwrap_or(0);
                if seconds > 0 {
                    out.push(("statement_timeout".into(), (seconds * 1000).to_string()));
                }
            }
            Effect::Kept => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, value: &str) -> ConfigParameter {
        ConfigParameter {
            parameter_key: Some(name.into()),
            parameter_value: Some(value.into()),
        }
    }

    #[test]
    fn a_parameter_is_checked_and_laid_over_the_others() {
        let set = merge(&[], &[given("require_ssl", "true")]).unwrap();
        let set = merge(&set, &[given("max_query_execution_time", "100")]).unwrap();
        assert_eq!(
            settings(&set),
            [
                ("statement_timeout".to_string(), "100000".to_string()),
                ("require_ssl".to_string(), "true".to_string()),
            ]
        );
        // Defaults are shown with what was set.
        assert_eq!(shown(&set).len(), 9);
        let set = merge(&set, &[given("max_query_execution_time", "-1")]).unwrap();
        assert_eq!(settings(&set)[0].1, "14400000");
        for (name, value) in [
            ("require_ssl", "maybe"),
            ("max_query_execution_time", "86400"),
            ("no_such", "1"),
            ("use_fips_ssl", "true"),
        ] {
            assert!(merge(&[], &[given(name, value)]).is_err(), "{name}");
        }
    }
}
