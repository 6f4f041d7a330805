//! A value of any shape, between the wire and the structures.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};

/// A value. Members that are absent are not there; no protocol here has a null of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string, an enumeration's word included.
    String(String),
    /// integer, long
    Integer(i64),
    /// float, double
    Double(f64),
    /// boolean
    Boolean(bool),
    /// timestamp
    Timestamp(DateTime<Utc>),
    /// blob
    Blob(Bytes),
    /// list
    List(Vec<Value>),
    /// A structure's members or a map's entries.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// An empty structure.
    pub fn empty() -> Value {
        Value::Map(BTreeMap::new())
    }

    /// A member of a structure.
    pub fn get(&self, member: &str) -> Option<&Value> {
        match self {
            Value::Map(members) => members.get(member),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A member that is a string.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.get(member).and_then(Value::as_str)
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }
}
