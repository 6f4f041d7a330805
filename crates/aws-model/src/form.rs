//! Input of the query protocol: form parameters (`A.B`, `Name.item.1`, `Name.entry.1.key`).

use std::collections::BTreeMap;

use base64::Engine;

use crate::wire::parse_time;
use crate::{ApiError, Kind, Service, ShapeId, Value};

/// Deepest nesting of names; the deepest model needs 7.
const DEEPEST: usize = 16;

#[derive(Default)]
struct Node {
    value: Option<String>,
    parts: BTreeMap<String, Node>,
}

/// The parameters of a request.
pub struct Form {
    root: Node,
}

impl Form {
    /// Reads a form. Parameters that no model knows are ignored later, as AWS does.
    pub fn parse(body: &[u8]) -> Result<Form, ApiError> {
        let mut root = Node::default();
        for (name, value) in form_urlencoded::parse(body) {
            let mut node = &mut root;
            for (depth, part) in name.split('.').enumerate() {
                if depth == DEEPEST {
                    return Err(malformed(format!(
                        "the parameter {name} is nested too deep"
                    )));
                }
                node = node.parts.entry(part.to_string()).or_default();
            }
            node.value = Some(value.into_owned());
        }
        Ok(Form { root })
    }

    /// A parameter whose name has one part (`Action`, `Version`).
    pub fn plain(&self, name: &str) -> Option<&str> {
        self.root.parts.get(name)?.value.as_deref()
    }

    /// The input of an operation.
    pub fn input(&self, service: &Service, shape: Option<ShapeId>) -> Result<Value, ApiError> {
        match shape {
            Some(shape) => convert(service, shape, &self.root, ""),
            None => Ok(Value::empty()),
        }
    }
}

fn malformed(message: String) -> ApiError {
    ApiError::common("MalformedInput", 400, message)
}

fn convert(service: &Service, id: ShapeId, node: &Node, at: &str) -> Result<Value, ApiError> {
    let text = node.value.as_deref();
    let bad = |what: &str| {
        malformed(format!(
            "the parameter {at} must be {what}, not \"{}\"",
            text.unwrap_or_default()
        ))
    };
    Ok(match &service.shape(id).kind {
        Kind::Structure { members, .. } => {
            let mut fields = BTreeMap::new();
            for member in members {
                if let Some(part) = node.parts.get(&member.wire) {
                    fields.insert(
                        member.name.clone(),
                        convert(service, member.shape, part, &join(at, &member.wire))?,
                    );
                }
            }
            Value::Map(fields)
        }
        Kind::List {
            item, item_name, ..
        } => {
            let numbered = node
                .parts
                .get(item_name)
                .or_else(|| node.parts.get("member"))
                .unwrap_or(node);
            let mut items = Vec::new();
            for (number, part) in in_order(numbered, at)? {
                items.push(convert(service, *item, part, &format!("{at}.{number}"))?);
            }
            Value::List(items)
        }
        Kind::Map {
            value: of,
            key_name,
            value_name,
            ..
        } => {
            let numbered = node.parts.get("entry").unwrap_or(node);
            let mut entries = BTreeMap::new();
            for (number, part) in in_order(numbered, at)? {
                let key = part
                    .parts
                    .get(key_name)
                    .and_then(|key| key.value.clone())
                    .ok_or_else(|| malformed(format!("{at}.entry.{number} has no key")))?;
                let inner = match part.parts.get(value_name) {
                    Some(inner) => convert(service, *of, inner, at)?,
                    None => Value::String(String::new()),
                };
                entries.insert(key, inner);
            }
            Value::Map(entries)
        }
        Kind::String { .. } | Kind::Document => Value::String(text.unwrap_or_default().into()),
        Kind::Integer { .. } => Value::Integer(
            text.and_then(|text| text.parse().ok())
                .ok_or_else(|| bad("a whole number"))?,
        ),
        Kind::Double { .. } => Value::Double(
            text.and_then(|text| text.parse().ok())
                .ok_or_else(|| bad("a number"))?,
        ),
        Kind::Boolean => match text.map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Value::Boolean(true),
            Some("false") => Value::Boolean(false),
            _ => return Err(bad("true or false")),
        },
        Kind::Timestamp { .. } => Value::Timestamp(
            text.and_then(parse_time)
                .ok_or_else(|| bad("a time such as 2024-05-06T07:08:09Z"))?,
        ),
        Kind::Blob { .. } => Value::Blob(
            base64::engine::general_purpose::STANDARD
                .decode(text.unwrap_or_default())
                .map_err(|_| bad("base64"))?
                .into(),
        ),
    })
}

/// The numbered parts of a list or map, by number. An empty list has none (`Name=`).
fn in_order<'a>(node: &'a Node, at: &str) -> Result<Vec<(u32, &'a Node)>, ApiError> {
    let mut parts = Vec::new();
    for (name, part) in &node.parts {
        let number = name
            .parse()
            .map_err(|_| malformed(format!("the parameter {at}.{name} must be numbered")))?;
        parts.push((number, part));
    }
    parts.sort_by_key(|(number, _)| *number);
    Ok(parts)
}

fn join(at: &str, name: &str) -> String {
    match at {
        "" => name.to_string(),
        at => format!("{at}.{name}"),
    }
}
