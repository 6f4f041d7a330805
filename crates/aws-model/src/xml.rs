//! Answers of the query protocol.

use base64::Engine;
use quick_xml::escape::escape;

use crate::wire::xml_time;
use crate::{ApiError, Kind, OperationModel, Service, ShapeId, Value};

/// An answer.
pub fn answer(
    service: &Service,
    operation: &OperationModel,
    value: &Value,
    request_id: &str,
) -> String {
    let name = &operation.name;
    let mut out = format!(
        "<{name}Response xmlns=\"{}\">",
        escape(service.xml_namespace.as_str())
    );
    if let Some(shape) = operation.output {
        let wrapper = operation
            .result_wrapper
            .clone()
            .unwrap_or_else(|| format!("{name}Result"));
        element(service, shape, &wrapper, value, &mut out);
    }
    out.push_str(&format!(
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    ));
    out
}

/// An error.
pub fn error(service: Option<&Service>, error: &ApiError, request_id: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>",
        escape(
            service
                .map(|s| s.xml_namespace.as_str())
                .unwrap_or_default()
        ),
        if error.senders() {
            "Sender"
        } else {
            "Receiver"
        },
        escape(error.code.as_str()),
        text(&error.message),
    )
}

/// Text as XML may hold it: escaped, and without the control characters that it cannot.
fn text(raw: &str) -> String {
    let clean: String = raw
        .chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => c,
            c if (c as u32) < 0x20 || matches!(c as u32, 0xfffe | 0xffff) => '\u{fffd}',
            c => c,
        })
        .collect();
    escape(clean).into_owned()
}

fn element(service: &Service, id: ShapeId, name: &str, value: &Value, out: &mut String) {
    out.push_str(&format!("<{name}>"));
    match (&service.shape(id).kind, value) {
        (Kind::Structure { members, .. }, Value::Map(fields)) => {
            for member in members {
                if let Some(inner) = fields.get(&member.name) {
                    element(service, member.shape, &member.wire, inner, out);
                }
            }
        }
        (
            Kind::List {
                item, item_name, ..
            },
            Value::List(items),
        ) => {
            for inner in items {
                element(service, *item, item_name, inner, out);
            }
        }
        (
            Kind::Map {
                value: of,
                key_name,
                value_name,
                ..
            },
            Value::Map(entries),
        ) => {
            for (key, inner) in entries {
                out.push_str(&format!("<entry><{key_name}>{}</{key_name}>", text(key)));
                element(service, *of, value_name, inner, out);
                out.push_str("</entry>");
            }
        }
        (_, Value::String(raw)) => out.push_str(&text(raw)),
        (_, Value::Integer(number)) => out.push_str(&number.to_string()),
        (_, Value::Double(number)) => out.push_str(&number.to_string()),
        (_, Value::Boolean(truth)) => out.push_str(if *truth { "true" } else { "false" }),
        (_, Value::Timestamp(time)) => out.push_str(&xml_time(time)),
        (_, Value::Blob(bytes)) => {
            out.push_str(&base64::engine::general_purpose::STANDARD.encode(bytes));
        }
        // A value that is not of its shape cannot come from the structures.
        _ => {}
    }
    out.push_str(&format!("</{name}>"));
}
