//! `wlm_json_configuration` (guide L18456-18677): is it one that Redshift takes? Its effect comes with
//! workload management.

use std::collections::BTreeSet;

use lw_aws_model::ApiError;
use serde_json::{Map, Value};

/// Longest value (L18677).
const LONGEST: usize = 8000;
/// Slots of all queues of a group (L27973).
const SLOTS: i64 = 50;
/// Rules of a group (L18617).
const RULES: usize = 25;

/// Properties whose change waits for a restart: which queues there are and who goes to them.
const STATIC: &[&str] = &[
    "auto_wlm",
    "user_group",
    "user_group_wild_card",
    "query_group",
    "query_group_wild_card",
    "user_role",
    "user_role_wild_card",
    "queue_type",
    "name",
];

fn wrong(what: impl std::fmt::Display) -> ApiError {
    ApiError::validation(format!(
        "Invalid value for parameter wlm_json_configuration: {what}"
    ))
}

/// Checks a configuration.
pub fn check(text: &str) -> Result<(), ApiError> {
    if text.chars().count() > LONGEST {
        return Err(wrong(format_args!(
            "it is longer than {LONGEST} characters."
        )));
    }
    let elements: Vec<Map<String, Value>> = serde_json::from_str(text)
        .map_err(|error| wrong(format_args!("it is not a JSON array of objects: {error}.")))?;
    if elements.is_empty() {
        return Err(wrong("it is empty."));
    }
    let (sqa, queues): (Vec<_>, Vec<_>) = elements
        .iter()
        .partition(|element| element.contains_key("short_query_queue"));
    if sqa.len() > 1 {
        return Err(wrong("short_query_queue is there more than once."));
    }
    for element in sqa {
        check_short(element)?;
    }
    let auto = queues
        .iter()
        .any(|queue| queue.get("auto_wlm") == Some(&Value::Bool(true)));
    let mut names = BTreeSet::new();
    let mut rules = BTreeSet::new();
    let (mut slots, mut memory, mut with_memory) = (0, 0, 0);
    for (at, queue) in queues.iter().enumerate() {
        let last = at + 1 == queues.len();
        let facts = check_queue(queue, auto, last)?;
        slots += facts.slots;
        memory += facts.memory.unwrap_or(0);
        with_memory += usize::from(facts.memory.is_some());
        if let Some(name) = facts.name
            && !names.insert(name.clone())
        {
            return Err(wrong(format_args!(
                "the queue name {name} is there more than once."
            )));
        }
        for rule in facts.rules {
            if !rules.insert(rule.clone()) {
                return Err(wrong(format_args!(
                    "the rule name {rule} is there more than once."
                )));
            }
        }
    }
    if rules.len() > RULES {
        return Err(wrong(format_args!("there are more than {RULES} rules.")));
    }
    if slots > SLOTS {
        return Err(wrong(format_args!(
            "the concurrency of all queues is more than {SLOTS}."
        )));
    }
    if with_memory > 0 && with_memory < queues.len() {
        return Err(wrong(
            "if memory_percent_to_use is given for one queue it must be given for all of them.",
        ));
    }
    if memory > 100 {
        return Err(wrong("memory_percent_to_use is more than 100 in sum."));
    }
    Ok(())
}

struct Facts {
    name: Option<String>,
    slots: i64,
    memory: Option<i64>,
    rules: Vec<String>,
}

fn check_short(element: &Map<String, Value>) -> Result<(), ApiError> {
    for (key, value) in element {
        match (key.as_str(), value) {
            ("short_query_queue", Value::Bool(_)) => {}
            ("max_execution_time", number) => match number.as_i64() {
                Some(0 | 1000..=20_000) => {}
                _ => {
                    return Err(wrong(
                        "max_execution_time of short_query_queue must be 0, or 1000 to 20000 milliseconds.",
                    ));
                }
            },
            // The auto_wlm of the default queue's element may stand here (L18875-18878).
            ("auto_wlm", Value::Bool(_)) => {}
            _ => {
                return Err(wrong(format_args!(
                    "{key} does not belong to short_query_queue."
                )));
            }
        }
    }
    Ok(())
}

fn check_queue(queue: &Map<String, Value>, auto: bool, last: bool) -> Result<Facts, ApiError> {
    let mut facts = Facts {
        name: None,
        slots: if auto { 0 } else { 5 },
        memory: None,
        rules: Vec::new(),
    };
    let manual = |key: &str| {
        if auto {
            return Err(wrong(format_args!(
                "{key} needs manual workload management."
            )));
        }
        Ok(())
    };
    let between = |key: &str, value: &Value, low: i64, high: i64| {
        value
            .as_i64()
            .filter(|n| (low..=high).contains(n))
            .ok_or_else(|| wrong(format_args!("{key} must be between {low} and {high}.")))
    };
    for (key, value) in queue {
        match key.as_str() {
            "auto_wlm" => {
                if !value.is_boolean() {
                    return Err(wrong("auto_wlm must be true or false."));
                }
            }
            "priority" => {
                if !auto {
                    return Err(wrong("priority needs auto_wlm."));
                }
                one_of(key, value, &["highest", "high", "normal", "low", "lowest"])?;
            }
            "queue_type" => one_of(key, value, &["auto", "manual"])?,
            "concurrency_scaling" => one_of(key, value, &["auto", "off"])?,
            "name" => {
                let name = value.as_str().unwrap_or_default();
                let right = !name.is_empty()
                    && name.chars().count() <= 64
                    && name
                        .chars()
                        .all(|c| c.is_alphanumeric() || c == '_' || c == ' ');
                if !right {
                    return Err(wrong(
                        "a queue's name has up to 64 letters, digits, underscores or spaces.",
                    ));
                }
                facts.name = Some(name.to_string());
            }
            "query_concurrency" => {
                manual(key)?;
                facts.slots = between(key, value, 1, SLOTS)?;
            }
            "memory_percent_to_use" => {
                manual(key)?;
                facts.memory = Some(between(key, value, 1, 100)?);
            }
            "max_execution_time" => {
                manual(key)?;
                between(key, value, 0, i64::MAX)?;
            }
            "user_group" | "query_group" | "user_role" => {
                let filled = match value {
                    Value::Array(items) if items.iter().all(Value::is_string) => !items.is_empty(),
                    Value::String(text) => !text.is_empty(),
                    _ => return Err(wrong(format_args!("{key} must be a list of names."))),
                };
                if filled && last {
                    return Err(wrong(format_args!(
                        "the last queue is the default queue and must not have {key}."
                    )));
                }
            }
            "user_group_wild_card" | "query_group_wild_card" | "user_role_wild_card" => {
                between(key, value, 0, 1)?;
            }
            "rules" => facts.rules = check_rules(value, auto)?,
            _ => return Err(wrong(format_args!("the property {key} is unknown."))),
        }
    }
    Ok(facts)
}

fn one_of(key: &str, value: &Value, words: &[&str]) -> Result<(), ApiError> {
    if value.as_str().is_some_and(|word| words.contains(&word)) {
        return Ok(());
    }
    Err(wrong(format_args!(
        "{key} must be one of {}.",
        words.join(", ")
    )))
}

fn check_rules(value: &Value, auto: bool) -> Result<Vec<String>, ApiError> {
    let Value::Array(rules) = value else {
        return Err(wrong("rules must be a list."));
    };
    let mut names = Vec::new();
    for rule in rules {
        let name = rule
            .get("rule_name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let right = !name.is_empty()
            && name.chars().count() <= 32
            && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !right {
            return Err(wrong(
                "a rule_name has up to 32 letters, digits or underscores.",
            ));
        }
        match rule.get("predicate") {
            Some(Value::Array(predicates)) if (1..=3).contains(&predicates.len()) => {
                for predicate in predicates {
                    one_of(
                        "operator",
                        predicate.get("operator").unwrap_or(&Value::Null),
                        &["=", "<", ">", "<=", ">="],
                    )?;
                    if predicate
                        .get("metric_name")
                        .and_then(Value::as_str)
                        .is_none()
                        || predicate.get("value").is_none()
                    {
                        return Err(wrong(format_args!(
                            "a predicate of the rule {name} lacks metric_name or value."
                        )));
                    }
                }
            }
            _ => {
                return Err(wrong(format_args!(
                    "the rule {name} must have 1 to 3 predicates."
                )));
            }
        }
        let action = match rule.get("action") {
            Some(Value::Object(action)) => action.get("action").cloned().unwrap_or(Value::Null),
            Some(other) => other.clone(),
            None => Value::Null,
        };
        let actions: &[&str] = if auto {
            &["log", "abort", "change_query_priority"]
        } else {
            &["log", "hop", "abort"]
        };
        one_of("action", &action, actions)?;
        names.push(name.to_string());
    }
    Ok(names)
}

/// Does a change of the configuration wait for a restart?
pub fn static_change(from: Option<&str>, to: Option<&str>) -> bool {
    let shape = |text: Option<&str>| -> Vec<Vec<(String, Value)>> {
        let text = text.unwrap_or("[{\"auto_wlm\":true}]");
        let elements: Vec<Map<String, Value>> = serde_json::from_str(text).unwrap_or_default();
        elements
            .into_iter()
            .filter(|element| !element.contains_key("short_query_queue"))
            .map(|element| {
                element
                    .into_iter()
                    .filter(|(key, _)| STATIC.contains(&key.as_str()))
                    .collect()
            })
            .collect()
    };
    shape(from) != shape(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_of_the_guide_are_right() {
        for good in [
            r#"[{"auto_wlm":true}]"#,
            r#"[{"query_concurrency":5}]"#,
            // Three queues and short queries, as L18751-18800 describe it.
            r#"[{"query_group":["report"],"query_group_wild_card":1,"query_concurrency":4,"max_execution_time":20000,
                "memory_percent_to_use":25,"concurrency_scaling":"auto"},
               {"user_group":["admin","dba"],"query_concurrency":5,"memory_percent_to_use":40},
               {"query_concurrency":5,"memory_percent_to_use":35,"user_group":[],"query_group":[]},
               {"short_query_queue":true}]"#,
            r#"[{"user_group":"a","query_group":"b","query_concurrency":7},{"query_concurrency":5}]"#,
            r#"[{"query_group":["x"],"priority":"high","rules":[{"rule_name":"r1","predicate":[
                {"metric_name":"query_cpu_time","operator":">","value":1000000}],"action":"log"}]},
               {"priority":"low","auto_wlm":true},{"short_query_queue":true,"max_execution_time":5000}]"#,
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for bad in [
            "{}",
            "[]",
            r#"[{"query_concurrency":51}]"#,
            r#"[{"query_concurrency":30},{"query_concurrency":30}]"#,
            r#"[{"memory_percent_to_use":50},{"query_concurrency":2}]"#,
            r#"[{"memory_percent_to_use":60},{"memory_percent_to_use":60}]"#,
            r#"[{"auto_wlm":true,"query_concurrency":5}]"#,
            r#"[{"query_concurrency":5,"priority":"high"}]"#,
            r#"[{"user_group":["a"]}]"#,
            r#"[{"name":"a b"},{"name":"a b"}]"#,
            r#"[{"name":"a\"b"}]"#,
            r#"[{"colour":"red"}]"#,
            r#"[{"auto_wlm":true},{"short_query_queue":true,"max_execution_time":500}]"#,
            r#"[{"rules":[{"rule_name":"a b","predicate":[],"action":"log"}]}]"#,
            r#"[{"auto_wlm":true,"rules":[{"rule_name":"r","predicate":[{"metric_name":"m","operator":">","value":1}],"action":"hop"}]}]"#,
            &format!("[{{\"name\":\"{}\"}}]", "x".repeat(8000)),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queues_are_static_and_their_numbers_dynamic() {
        let one = r#"[{"query_concurrency":5}]"#;
        assert!(!static_change(
            Some(one),
            Some(r#"[{"query_concurrency":6}]"#)
        ));
        assert!(static_change(
            Some(one),
            Some(r#"[{"user_group":["a"]},{"query_concurrency":5}]"#)
        ));
        assert!(static_change(None, Some(one)));
        assert!(!static_change(
            None,
            Some(r#"[{"auto_wlm":true},{"short_query_queue":true}]"#)
        ));
    }
}
