//! The parameters of the family `redshift-1.0` (guide L18387-18408): defaults, values allowed, whether a change
//! waits for a restart.

use std::collections::BTreeMap;

use lw_aws_model::ApiError;
use lw_aws_model::redshift::Parameter;

use super::wlm;

/// A parameter.
pub struct Known {
    pub name: &'static str,
    pub default: &'static str,
    pub kind: &'static str,
    pub allowed: &'static str,
    pub dynamic: bool,
    pub text: &'static str,
}

const fn known(
    name: &'static str,
    default: &'static str,
    kind: &'static str,
    allowed: &'static str,
    text: &'static str,
) -> Known {
    Known {
        name,
        default,
        kind,
        allowed,
        dynamic: false,
        text,
    }
}

/// Name of the parameter that holds workload management.
pub const WLM: &str = "wlm_json_configuration";

/// All parameters of `redshift-1.0` (L18387-18408), in order of names.
pub const PARAMETERS: &[Known] = &[
    known(
        "auto_analyze",
        "true",
        "boolean",
        "true,false",
        "Use auto analyze",
    ),
    known("auto_mv", "true", "boolean", "true,false", "Use auto mv"),
    known(
        "datestyle",
        "ISO, MDY",
        "string",
        "",
        "Sets the display format for date and time values.",
    ),
    known(
        "enable_case_sensitive_identifier",
        "false",
        "boolean",
        "true,false",
        "Preserve case sensitivity for database identifiers",
    ),
    known(
        "enable_user_activity_logging",
        "false",
        "boolean",
        "true,false",
        "Enables user activity logging",
    ),
    known(
        "extra_float_digits",
        "0",
        "integer",
        "-15-2",
        "Sets the number of digits displayed for floating-point values",
    ),
    Known {
        dynamic: true,
        ..known(
            "max_concurrency_scaling_clusters",
            "1",
            "integer",
            "0-10",
            "The maximum number of concurrency scaling clusters that can be used",
        )
    },
    known(
        "max_cursor_result_set_size",
        "default",
        "integer",
        "0-14400000",
        "Sets the max cursor result set size (deprecated)",
    ),
    known(
        "query_group",
        "default",
        "string",
        "",
        "Sets the query group for queue routing",
    ),
    known(
        "require_ssl",
        "false",
        "boolean",
        "true,false",
        "Requires SSL for all database connections",
    ),
    known(
        "search_path",
        "$user, public",
        "string",
        "",
        "Sets the schema search order for names that are not schema-qualified.",
    ),
    known(
        "statement_timeout",
        "0",
        "integer",
        "0,100-2147483647",
        "Aborts any statement that takes over the specified number of milliseconds.",
    ),
    known(
        "use_fips_ssl",
        "false",
        "boolean",
        "true,false",
        "Use FIPS-compliant SSL library",
    ),
    Known {
        dynamic: true,
        ..known(
            WLM,
            "[{\"auto_wlm\":true}]",
            "string",
            "",
            "Workload management JSON configuration",
        )
    },
];

pub fn parameter(name: &str) -> Result<&'static Known, ApiError> {
    PARAMETERS
        .iter()
        .find(|p| p.name == name)
        .ok_or_else(|| ApiError::validation(format!("Could not find parameter with name: {name}")))
}

impl Known {
    pub fn check(&self, value: &str) -> Result<String, ApiError> {
        let wrong = || {
            ApiError::validation(format!(
                "Invalid value: {value} for parameter {}. Allowed values: {}",
                self.name, self.allowed
            ))
        };
        match self.kind {
            "boolean" => match value.to_ascii_lowercase().as_str() {
                "true" | "on" | "1" => Ok("true".into()),
                "false" | "off" | "0" => Ok("false".into()),
                _ => Err(wrong()),
            },
            "integer" => {
                if value == self.default {
                    return Ok(value.to_string());
                }
                let number: i64 = value.trim().parse().map_err(|_| wrong())?;
                let fits = match self.name {
                    "extra_float_digits" => (-15..=2).contains(&number),
                    "max_concurrency_scaling_clusters" => (0..=10).contains(&number),
                    "statement_timeout" => number == 0 || (100..=2_147_483_647).contains(&number),
                    _ => (0..=14_400_000).contains(&number),
                };
                if fits {
                    Ok(number.to_string())
                } else {
                    Err(wrong())
                }
            }
            _ if self.name == WLM => {
                wlm::check(value)?;
                Ok(value.to_string())
            }
            _ if self.name == "datestyle" => {
                let words: Vec<String> = value
                    .split([',', ' '])
                    .filter(|w| !w.is_empty())
                    .map(str::to_ascii_uppercase)
                    .collect();
                let known = |w: &String| {
                    [
                        "ISO",
                        "POSTGRES",
                        "SQL",
                        "GERMAN",
                        "MDY",
                        "DMY",
                        "YMD",
                        "US",
                        "EUROPEAN",
                        "NONEUROPEAN",
                    ]
                    .contains(&w.as_str())
                };
                if words.is_empty() || words.len() > 2 || !words.iter().all(known) {
                    return Err(wrong());
                }
                Ok(value.to_string())
            }
            _ => Ok(value.to_string()),
        }
    }

    pub fn shown(&self, values: &BTreeMap<String, String>) -> Parameter {
        let set = values.get(self.name);
        Parameter {
            parameter_name: Some(self.name.into()),
            parameter_value: Some(set.cloned().unwrap_or_else(|| self.default.into())),
            description: Some(self.text.into()),
            source: Some(
                if set.is_some() {
                    "user"
                } else {
                    "engine-default"
                }
                .into(),
            ),
            data_type: Some(self.kind.into()),
            allowed_values: (!self.allowed.is_empty()).then(|| self.allowed.into()),
            apply_type: Some(if self.dynamic { "dynamic" } else { "static" }.into()),
            is_modifiable: Some(true),
            minimum_engine_version: None,
        }
    }
}
