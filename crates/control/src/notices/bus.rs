//! The event bus: what happened in the form that rules match, kept until rules and subscribers have
//! been told (guide L18318-18356, L27849-27900).

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use lw_aws_model::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::events::Event;
use crate::ControlConfig;
use crate::records::{Record, Txn};

/// Something to tell. Gone once all who want it have it in their own queues.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pending {
    /// Its id, time first.
    pub id: String,
    /// The event of a cluster or its like, for subscriptions.
    #[serde(default)]
    pub event: Option<Event>,
    /// What rules see, where that is not made of `event`.
    #[serde(default)]
    pub envelope: Option<Json>,
}

impl Record for Pending {
    const KIND: &'static str = "event-pending";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// What rules see of something that happened.
pub fn envelope(
    config: &ControlConfig,
    source: &str,
    detail_type: &str,
    at: DateTime<Utc>,
    resources: &[String],
    detail: Json,
) -> Json {
    json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": detail_type,
        "source": source,
        "account": config.account,
        "time": at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": config.region,
        "resources": resources,
        "detail": detail,
    })
}

/// Puts something on the bus, in the same transaction as what it tells of.
pub fn put(txn: &mut Txn, at: DateTime<Utc>, envelope: Json) -> Result<(), ApiError> {
    txn.put(Pending {
        id: id(at),
        event: None,
        envelope: Some(envelope),
    })
}

/// An id with the time first, then the order in which ids were made; the rest tells one process's from
/// the next one's.
pub fn id(at: DateTime<Utc>) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    format!(
        "{:016x}-{:08x}-{:08x}",
        at.timestamp_micros().max(0),
        MADE.fetch_add(1, Ordering::Relaxed),
        uuid::Uuid::new_v4().as_fields().0
    )
}

/// What rules see of an event of a cluster or its like.
pub fn of_event(config: &ControlConfig, event: &Event) -> Json {
    let (source, service, kind) = match event.source_type.as_str() {
        "serverless" => (
            "aws.redshift-serverless",
            "redshift-serverless",
            "Redshift Serverless",
        ),
        "integration" => ("aws.redshift", "redshift", "Redshift Integration"),
        _ => ("aws.redshift", "redshift", "Redshift Cluster"),
    };
    let word = match event.source_type.as_str() {
        "cluster-parameter-group" => "parametergroup",
        "cluster-security-group" => "securitygroup",
        "cluster-snapshot" => "snapshot",
        "scheduled-action" => "scheduledaction",
        "serverless" => "workgroup",
        other => other,
    };
    envelope(
        config,
        source,
        &format!("{kind} Event"),
        event.at,
        &[config.arn(service, format!("{word}:{}", event.source_id))],
        json!({
            "EventCategories": [event.category],
            "EventID": event.event_id,
            "Message": event.message,
            "Severity": event.severity,
            "SourceIdentifier": event.source_id,
            "SourceType": event.source_type,
        }),
    )
}

/// A pattern of events: what a rule matches.
pub struct Pattern(Json);

impl Pattern {
    /// Reads one; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let json: Json = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
        match &json {
            Json::Object(members) if !members.is_empty() => check(&json, "$")?,
            _ => return Err("it must be an object with at least one member".into()),
        }
        Ok(Pattern(json))
    }

    /// True if the event is one of these.
    pub fn matches(&self, event: &Json) -> bool {
        within(&self.0, Some(event))
    }
}

fn check(pattern: &Json, at: &str) -> Result<(), String> {
    match pattern {
        Json::Object(members) => members
            .iter()
            .try_for_each(|(name, inner)| check(inner, &format!("{at}.{name}"))),
        Json::Array(items) if !items.is_empty() => items.iter().try_for_each(|item| match item {
            Json::Array(_) => Err(format!("{at}: a list in a list")),
            Json::Object(filter) => {
                let known = |name: &str| {
                    matches!(
                        name,
                        "prefix"
                            | "suffix"
                            | "exists"
                            | "anything-but"
                            | "numeric"
                            | "equals-ignore-case"
                    )
                };
                match filter.keys().find(|name| !known(name)) {
                    Some(name) => Err(format!("{at}: the filter {name} is not supported")),
                    None if filter.len() != 1 => Err(format!("{at}: a filter has one member")),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }),
        _ => Err(format!(
            "{at} must be an object or a list with at least one item"
        )),
    }
}

fn within(pattern: &Json, event: Option<&Json>) -> bool {
    match pattern {
        Json::Object(members) => members
            .iter()
            .all(|(name, inner)| within(inner, event.and_then(|event| event.get(name)))),
        Json::Array(items) => items.iter().any(|item| one(item, event)),
        _ => false,
    }
}

/// One alternative against a value, or each of a list of values.
fn one(wanted: &Json, value: Option<&Json>) -> bool {
    if let Some(Json::Array(values)) = value
        && wanted.get("exists").is_none()
    {
        return values.iter().any(|value| one(wanted, Some(value)));
    }
    let Json::Object(filter) = wanted else {
        return value == Some(wanted);
    };
    let text = value.and_then(Json::as_str);
    filter.iter().all(|(name, argument)| match name.as_str() {
        "exists" => argument.as_bool() == Some(value.is_some()),
        "prefix" => text
            .zip(argument.as_str())
            .is_some_and(|(text, start)| text.starts_with(start)),
        "suffix" => text
            .zip(argument.as_str())
            .is_some_and(|(text, end)| text.ends_with(end)),
        "equals-ignore-case" => text
            .zip(argument.as_str())
            .is_some_and(|(text, other)| text.eq_ignore_ascii_case(other)),
        "anything-but" => match (value, argument) {
            (None, _) => false,
            (Some(value), Json::Array(others)) => !others.contains(value),
            (Some(value), Json::Object(_)) => !one(argument, Some(value)),
            (Some(value), other) => value != other,
        },
        "numeric" => value.and_then(Json::as_f64).is_some_and(|number| {
            argument.as_array().is_some_and(|tests| {
                tests.chunks(2).all(|test| match test {
                    [Json::String(operator), bound] => {
                        bound.as_f64().is_some_and(|bound| match operator.as_str() {
                            "<" => number < bound,
                            "<=" => number <= bound,
                            ">" => number > bound,
                            ">=" => number >= bound,
                            "=" => number == bound,
                            _ => false,
                        })
                    }
                    _ => false,
                })
            })
        }),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match() {
        let event = json!({
            "source": "aws.redshift-data",
            "resources": ["arn:aws:redshift:us-east-1:1:cluster:c1"],
            "detail": { "state": "FINISHED", "rows": 3 },
        });
        for (pattern, wanted) in [
            (r#"{"source":["aws.redshift-data"]}"#, true),
            (r#"{"source":["aws.ec2"]}"#, false),
            (r#"{"detail":{"state":["FAILED","FINISHED"]}}"#, true),
            (
                r#"{"detail":{"state":[{"anything-but":"FINISHED"}]}}"#,
                false,
            ),
            (
                r#"{"detail":{"state":[{"anything-but":["FAILED"]}]}}"#,
                true,
            ),
            (r#"{"resources":[{"suffix":":c1"}]}"#, true),
            (
                r#"{"resources":[{"prefix":"arn:aws:redshift-serverless"}]}"#,
                false,
            ),
            (r#"{"detail":{"rows":[{"numeric":[">",1,"<=",3]}]}}"#, true),
            (r#"{"detail":{"rows":[4]}}"#, false),
            (r#"{"detail":{"error":[{"exists":false}]}}"#, true),
            (
                r#"{"source":["aws.redshift-data"],"detail":{"state":["ABORTED"]}}"#,
                false,
            ),
        ] {
            assert_eq!(
                Pattern::parse(pattern).unwrap().matches(&event),
                wanted,
                "{pattern}"
            );
        }
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"a":1}"#,
            r#"{"a":[]}"#,
            r#"{"a":[{"cidr":"x"}]}"#,
        ] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
