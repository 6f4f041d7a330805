//! From values to structures and back.

use std::collections::BTreeMap;

use base64::Engine;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ServiceRef, Value};

/// An operation: a type without values that ties names and types together.
pub trait Operation: Send + Sync + 'static {
    /// Its name in the model.
    const NAME: &'static str;
    /// What it takes.
    type Input: Shape;
    /// What it answers.
    type Output: Shape;
    /// Whose it is.
    fn service() -> &'static ServiceRef;
}

/// A type that stands for a shape. Values that come in have passed [`crate::check`]; what is missing
/// all the same becomes the type's default.
pub trait Shape: Send + 'static {
    /// The value as this type.
    fn from_value(value: Value) -> Self;
    /// This as a value.
    fn into_value(self) -> Value;
}

/// Input or output of an operation without one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Nothing;

impl Shape for Nothing {
    fn from_value(_: Value) -> Self {
        Nothing
    }
    fn into_value(self) -> Value {
        Value::empty()
    }
}

macro_rules! scalar {
    ($type:ty, $variant:ident) => {
        impl Shape for $type {
            fn from_value(value: Value) -> Self {
                match value {
                    Value::$variant(inner) => inner,
                    _ => Default::default(),
                }
            }
            fn into_value(self) -> Value {
                Value::$variant(self)
            }
        }
    };
}

scalar!(String, String);
scalar!(i64, Integer);
scalar!(f64, Double);
scalar!(bool, Boolean);
scalar!(DateTime<Utc>, Timestamp);
scalar!(Bytes, Blob);

impl<T: Shape> Shape for Vec<T> {
    fn from_value(value: Value) -> Self {
        match value {
            Value::List(items) => items.into_iter().map(T::from_value).collect(),
            _ => Vec::new(),
        }
    }
    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(T::into_value).collect())
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    fn from_value(value: Value) -> Self {
        match value {
            Value::Map(entries) => entries
                .into_iter()
                .map(|(key, value)| (key, T::from_value(value)))
                .collect(),
            _ => BTreeMap::new(),
        }
    }
    fn into_value(self) -> Value {
        Value::Map(
            self.into_iter()
                .map(|(key, value)| (key, value.into_value()))
                .collect(),
        )
    }
}

/// The members of a structure under way.
#[derive(Debug, Default)]
pub struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// The members of a value.
    pub fn of(value: Value) -> Fields {
        match value {
            Value::Map(members) => Fields(members),
            _ => Fields::default(),
        }
    }

    /// Takes a member that must be there.
    pub fn required<T: Shape + Default>(&mut self, member: &str) -> T {
        self.optional(member).unwrap_or_default()
    }

    /// Takes a member that may be there.
    pub fn optional<T: Shape>(&mut self, member: &str) -> Option<T> {
        self.0.remove(member).map(T::from_value)
    }

    /// Puts a member.
    pub fn put<T: Shape>(&mut self, member: &str, value: T) {
        self.0.insert(member.to_string(), value.into_value());
    }

    /// Puts a member if there is one.
    pub fn put_some<T: Shape>(&mut self, member: &str, value: Option<T>) {
        if let Some(value) = value {
            self.put(member, value);
        }
    }

    /// The structure.
    pub fn into_value(self) -> Value {
        Value::Map(self.0)
    }
}

/// A shape as part of a record that is kept: written as JSON that says each value's type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stored<T>(pub T);

impl<T: Shape + Clone> Serialize for Stored<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        to_json(self.0.clone().into_value()).serialize(serializer)
    }
}

impl<'de, T: Shape> Deserialize<'de> for Stored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        Ok(Stored(T::from_value(from_json(json))))
    }
}

/// Timestamps and blobs are objects with one key that no member can have.
fn to_json(value: Value) -> serde_json::Value {
    use serde_json::json;
    match value {
        Value::String(text) => text.into(),
        Value::Integer(number) => number.into(),
        Value::Double(number) => json!({ "$double": number }),
        Value::Boolean(truth) => truth.into(),
        Value::Timestamp(time) => json!({ "$time": time.to_rfc3339() }),
        Value::Blob(bytes) => {
            json!({ "$blob": base64::engine::general_purpose::STANDARD.encode(bytes) })
        }
        Value::List(items) => items.into_iter().map(to_json).collect(),
        Value::Map(members) => members.into_iter().map(|(k, v)| (k, to_json(v))).collect(),
    }
}

fn from_json(json: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::empty(),
        Json::Bool(truth) => Value::Boolean(truth),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Double(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::String(text),
        Json::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        Json::Object(members) => {
            if members.len() == 1
                && let Some((key, inner)) = members.iter().next()
            {
                match (key.as_str(), inner) {
                    ("$double", number) => {
                        return Value::Double(number.as_f64().unwrap_or_default());
                    }
                    ("$time", Json::String(text)) => {
                        return Value::Timestamp(
                            DateTime::parse_from_rfc3339(text)
                                .map(|time| time.to_utc())
                                .unwrap_or_default(),
                        );
                    }
                    ("$blob", Json::String(text)) => {
                        return Value::Blob(
                            base64::engine::general_purpose::STANDARD
                                .decode(text)
                                .unwrap_or_default()
                                .into(),
                        );
                    }
                    _ => {}
                }
            }
            Value::Map(
                members
                    .into_iter()
                    .map(|(k, v)| (k, from_json(v)))
                    .collect(),
            )
        }
    }
}
