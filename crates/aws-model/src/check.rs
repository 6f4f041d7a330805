//! What a model demands of an input: members that must be there, lengths, ranges, patterns, words.

use crate::{ApiError, Kind, Service, ShapeId, Value};

/// No more than this many mistakes are told at once.
const MOST: usize = 10;

/// Checks an input, in the words AWS uses for it.
pub fn check(service: &Service, shape: ShapeId, value: &Value) -> Result<(), ApiError> {
    let mut problems = Vec::new();
    walk(service, shape, value, &mut String::new(), &mut problems);
    if problems.is_empty() {
        return Ok(());
    }
    let count = problems.len();
    problems.truncate(MOST);
    Err(ApiError::of(
        "ValidationException",
        "ValidationError",
        400,
        format!(
            "{count} validation error{} detected: {}",
            if count == 1 { "" } else { "s" },
            problems.join("; ")
        ),
    ))
}

fn walk(service: &Service, id: ShapeId, value: &Value, at: &mut String, out: &mut Vec<String>) {
    let shape = service.shape(id);
    let mut fail = |constraint: String| {
        let shown = match (shape.sensitive, value) {
            (false, Value::String(text)) => format!("Value '{}'", shortened(text)),
            (false, Value::Integer(number)) => format!("Value '{number}'"),
            _ => "Value".to_string(),
        };
        out.push(format!(
            "{shown} at '{at}' failed to satisfy constraint: {constraint}"
        ));
    };
    match (&shape.kind, value) {
        (Kind::Structure { members, union }, Value::Map(fields)) => {
            if *union && fields.len() != 1 {
                fail(format!(
                    "Member must have exactly one of the fields [{}] set",
                    members
                        .iter()
                        .map(|m| m.name.as_str())
                        .collect::<Vec<_>>()
                        .join(", ")
                ));
            }
            for member in members {
                let length = at.len();
                if length > 0 {
                    at.push('.');
                }
                at.push_str(&lower_first(&member.name));
                match fields.get(&member.name) {
                    Some(inner) => walk(service, member.shape, inner, at, out),
                    None if member.required => out.push(format!(
                        "Value null at '{at}' failed to satisfy constraint: Member must not be null"
                    )),
                    None => {}
                }
                at.truncate(length);
            }
        }
        (Kind::List { item, min, max, .. }, Value::List(items)) => {
            between(items.len() as u64, *min, *max, &mut fail);
            for (index, inner) in items.iter().enumerate() {
                let length = at.len();
                at.push_str(&format!(".{}.member", index + 1));
                walk(service, *item, inner, at, out);
                at.truncate(length);
            }
        }
        (
            Kind::Map {
                key,
                value: of,
                min,
                max,
                ..
            },
            Value::Map(entries),
        ) => {
            between(entries.len() as u64, *min, *max, &mut fail);
            for (name, inner) in entries {
                let length = at.len();
                at.push_str(&format!(".{}", shortened(name)));
                walk(service, *key, &Value::String(name.clone()), at, out);
                walk(service, *of, inner, at, out);
                at.truncate(length);
            }
        }
        (
            Kind::String {
                min,
                max,
                pattern,
                words,
            },
            Value::String(text),
        ) => {
            between(text.chars().count() as u64, *min, *max, &mut fail);
            if let Some((source, Some(regex))) = pattern
                && !regex.is_match(text)
            {
                fail(format!(
                    "Member must satisfy regular expression pattern: {source}"
                ));
            }
            if !words.is_empty() && !words.contains(text) {
                fail(format!(
                    "Member must satisfy enum value set: [{}]",
                    words.join(", ")
                ));
            }
        }
        (Kind::Integer { min, max }, Value::Integer(number)) => {
            if min.is_some_and(|min| *number < min) {
                fail(format!(
                    "Member must have value greater than or equal to {}",
                    min.unwrap_or_default()
                ));
            }
            if max.is_some_and(|max| *number > max) {
                fail(format!(
                    "Member must have value less than or equal to {}",
                    max.unwrap_or_default()
                ));
            }
        }
        (Kind::Double { min, max }, Value::Double(number)) => {
            if min.is_some_and(|min| *number < min) || max.is_some_and(|max| *number > max) {
                fail("Member is out of range".into());
            }
        }
        (Kind::Blob { max }, Value::Blob(bytes)) => {
            between(bytes.len() as u64, None, *max, &mut fail)
        }
        (Kind::Boolean, Value::Boolean(_))
        | (Kind::Timestamp { .. }, Value::Timestamp(_))
        | (Kind::Document, _) => {}
        _ => fail("Member has the wrong type".into()),
    }
}

fn between(length: u64, min: Option<u64>, max: Option<u64>, fail: &mut impl FnMut(String)) {
    if let Some(min) = min
        && length < min
    {
        fail(format!(
            "Member must have length greater than or equal to {min}"
        ));
    }
    if let Some(max) = max
        && length > max
    {
        fail(format!(
            "Member must have length less than or equal to {max}"
        ));
    }
}

/// A value long enough to be known by.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
