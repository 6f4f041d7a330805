//! The JSON protocols: input and answers.

use std::collections::BTreeMap;

use base64::Engine;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use crate::wire::{iso_time, parse_time};
use crate::{ApiError, Kind, Service, ShapeId, Value};

/// The input of an operation from a request's body.
pub fn decode(service: &Service, shape: Option<ShapeId>, body: &[u8]) -> Result<Value, ApiError> {
    let json: Json = match body.iter().all(u8::is_ascii_whitespace) {
        true => json!({}),
        false => serde_json::from_slice(body)
            .map_err(|error| serialization(format!("the body is not JSON: {error}")))?,
    };
    if !json.is_object() {
        return Err(serialization("the body must be a JSON object".into()));
    }
    match shape {
        Some(shape) => convert(service, shape, &json, "$"),
        None => Ok(Value::empty()),
    }
}

fn serialization(message: String) -> ApiError {
    ApiError::common("SerializationException", 400, message)
}

fn convert(service: &Service, id: ShapeId, json: &Json, at: &str) -> Result<Value, ApiError> {
    let wrong = |what: &str| serialization(format!("{at} must be {what}"));
    Ok(match (&service.shape(id).kind, json) {
        (Kind::Structure { members, .. }, Json::Object(fields)) => {
            let mut out = BTreeMap::new();
            for member in members {
                match fields.get(&member.wire) {
                    None | Some(Json::Null) => {}
                    Some(inner) => {
                        out.insert(
                            member.name.clone(),
                            convert(
                                service,
                                member.shape,
                                inner,
                                &format!("{at}.{}", member.wire),
                            )?,
                        );
                    }
                }
            }
            Value::Map(out)
        }
        (Kind::Structure { .. }, _) => return Err(wrong("an object")),
        (Kind::List { item, .. }, Json::Array(items)) => {
            let mut out = Vec::with_capacity(items.len());
            for (index, inner) in items.iter().enumerate() {
                out.push(convert(service, *item, inner, &format!("{at}[{index}]"))?);
            }
            Value::List(out)
        }
        (Kind::List { .. }, _) => return Err(wrong("an array")),
        (Kind::Map { value: of, .. }, Json::Object(entries)) => {
            let mut out = BTreeMap::new();
            for (key, inner) in entries {
                out.insert(
                    key.clone(),
                    convert(service, *of, inner, &format!("{at}.{key}"))?,
                );
            }
            Value::Map(out)
        }
        (Kind::Map { .. }, _) => return Err(wrong("an object")),
        (Kind::String { .. }, Json::String(text)) => Value::String(text.clone()),
        (Kind::String { .. }, _) => return Err(wrong("a string")),
        (Kind::Integer { .. }, Json::Number(number)) => Value::Integer(
            number
                .as_i64()
                .or_else(|| {
                    // Some clients write whole numbers with a fraction of zero.
                    number
                        .as_f64()
                        .filter(|n| n.fract() == 0.0 && n.abs() < 9e15)
                        .map(|n| n as i64)
                })
                .ok_or_else(|| wrong("a whole number"))?,
        ),
        (Kind::Integer { .. }, _) => return Err(wrong("a whole number")),
        (Kind::Double { .. }, Json::Number(number)) => {
            Value::Double(number.as_f64().ok_or_else(|| wrong("a number"))?)
        }
        (Kind::Double { .. }, _) => return Err(wrong("a number")),
        (Kind::Boolean, Json::Bool(truth)) => Value::Boolean(*truth),
        (Kind::Boolean, _) => return Err(wrong("true or false")),
        (Kind::Timestamp { .. }, Json::Number(seconds)) => Value::Timestamp(
            seconds
                .as_f64()
                .and_then(from_seconds)
                .ok_or_else(|| wrong("a time in seconds"))?,
        ),
        (Kind::Timestamp { .. }, Json::String(text)) => {
            Value::Timestamp(parse_time(text).ok_or_else(|| wrong("a time"))?)
        }
        (Kind::Timestamp { .. }, _) => return Err(wrong("a time")),
        (Kind::Blob { .. }, Json::String(text)) => Value::Blob(
            base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(|_| wrong("base64"))?
                .into(),
        ),
        (Kind::Blob { .. }, _) => return Err(wrong("base64")),
        (Kind::Document, inner) => Value::String(inner.to_string()),
    })
}

fn from_seconds(seconds: f64) -> Option<DateTime<Utc>> {
    if !seconds.is_finite() || seconds.abs() > 1e12 {
        return None;
    }
    DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)
}

/// An answer.
pub fn answer(service: &Service, shape: Option<ShapeId>, value: &Value) -> String {
    match shape {
        Some(shape) => encode(service, shape, value).to_string(),
        None => "{}".into(),
    }
}

fn encode(service: &Service, id: ShapeId, value: &Value) -> Json {
    match (&service.shape(id).kind, value) {
        (Kind::Structure { members, .. }, Value::Map(fields)) => {
            let mut out = Map::new();
            for member in members {
                if let Some(inner) = fields.get(&member.name) {
                    out.insert(member.wire.clone(), encode(service, member.shape, inner));
                }
            }
            Json::Object(out)
        }
        (Kind::List { item, .. }, Value::List(items)) => items
            .iter()
            .map(|inner| encode(service, *item, inner))
            .collect(),
        (Kind::Map { value: of, .. }, Value::Map(entries)) => Json::Object(
            entries
                .iter()
                .map(|(key, inner)| (key.clone(), encode(service, *of, inner)))
                .collect(),
        ),
        (Kind::Document, Value::String(text)) => serde_json::from_str(text).unwrap_or(Json::Null),
        (Kind::Timestamp { iso8601: true }, Value::Timestamp(time)) => iso_time(time).into(),
        (_, Value::Timestamp(time)) => {
            // Seconds with milliseconds; whole seconds as whole numbers.
            let millis = time.timestamp_millis();
            match millis % 1000 {
                0 => (millis / 1000).into(),
                _ => json!(millis as f64 / 1000.0),
            }
        }
        (_, Value::String(text)) => text.as_str().into(),
        (_, Value::Integer(number)) => (*number).into(),
        (_, Value::Double(number)) => json!(number),
        (_, Value::Boolean(truth)) => (*truth).into(),
        (_, Value::Blob(bytes)) => base64::engine::general_purpose::STANDARD
            .encode(bytes)
            .into(),
        // A value that is not of its shape cannot come from the structures.
        _ => Json::Null,
    }
}

/// An error's body.
pub fn error(service: Option<&Service>, error: &ApiError) -> String {
    let mut out = Map::new();
    out.insert("__type".into(), error.shape.as_str().into());
    // "message" is written as the shape writes it.
    let members = service.and_then(|service| {
        let id = service.shape_named(&error.shape)?;
        match &service.shape(id).kind {
            Kind::Structure { members, .. } => Some(members),
            _ => None,
        }
    });
    let known = |name: &str| members.is_some_and(|all| all.iter().any(|m| m.wire == name));
    let name = if known("Message") {
        "Message"
    } else {
        "message"
    };
    out.insert(name.into(), error.message.as_str().into());
    for (member, value) in &error.members {
        if known(member) {
            out.insert(member.clone(), value.as_str().into());
        }
    }
    Json::Object(out).to_string()
}
