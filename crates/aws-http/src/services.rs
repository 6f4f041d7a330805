//! Answers for AWS services that are not there yet, each in its own wire form, so that an SDK reports
//! the reason and not a parse error.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

/// How a service's clients read errors.
enum Form {
    /// `awsJson1_0`, `awsJson1_1`: `X-Amz-Target` names the operation.
    Json(String),
    /// `awsQuery`: a form with `Action=`; XML back.
    Query,
    /// `restJson1`, and what is not known.
    RestJson,
}

fn form(request: &Request) -> Form {
    let text = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    if let Some((_, operation)) = text("x-amz-target").rsplit_once('.') {
        return Form::Json(operation.to_string());
    }
    let query = request.uri().query().unwrap_or_default();
    if text("content-type").starts_with("application/x-www-form-urlencoded")
        || query.split('&').any(|p| p.starts_with("Action="))
    {
        return Form::Query;
    }
    Form::RestJson
}

/// A service that is known by its signing name but not served.
pub fn unsupported(service: &str, request: &Request) -> Response {
    let id = uuid::Uuid::new_v4().to_string();
    match form(request) {
        Form::Json(operation) => json(
            StatusCode::BAD_REQUEST,
            "UnknownOperationException",
            &format!("{service}:{operation} is not supported yet"),
            &id,
        ),
        Form::Query => {
            let message = xml_escape(&format!("service {service} is not supported yet"));
            xml(
                StatusCode::BAD_REQUEST,
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
                ),
                &id,
            )
        }
        Form::RestJson => json(
            StatusCode::NOT_FOUND,
            "UnknownOperationException",
            &format!(
                "{service}: {} {} is not supported yet",
                request.method(),
                request.uri().path()
            ),
            &id,
        ),
    }
}

/// A path that is no page of the port.
pub fn not_found(request: &Request) -> Response {
    let id = uuid::Uuid::new_v4().to_string();
    let path = xml_escape(request.uri().path());
    xml(
        StatusCode::NOT_FOUND,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NotFound</Code><Message>there is no page {path} here; requests to AWS services must be signed</Message><RequestId>{id}</RequestId></Error>"
        ),
        &id,
    )
}

fn json(status: StatusCode, code: &'static str, message: &str, id: &str) -> Response {
    let body = serde_json::json!({ "__type": code, "message": message });
    let mut response = answer(status, "application/x-amz-json-1.1", body.to_string(), id);
    response
        .headers_mut()
        .insert("x-amzn-errortype", HeaderValue::from_static(code));
    response
}

fn xml(status: StatusCode, body: String, id: &str) -> Response {
    answer(status, "text/xml", body, id)
}

fn answer(status: StatusCode, content_type: &'static str, body: String, id: &str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn xml_escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
