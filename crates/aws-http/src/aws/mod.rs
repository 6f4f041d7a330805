//! The AWS services but S3: proves who calls, decodes what is asked, and encodes the answer in the
//! form of the service's protocol. What is asked is done behind [`AwsApi`].

mod sigv4;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use lw_aws_model::edge::{ApiRequest, AwsApi, Caller, CallerKind};
use lw_aws_model::form::Form;
use lw_aws_model::{ApiError, OperationModel, Protocol, Service, Value, json, xml};

/// Largest body of a request: a batch of 40 statements of 100 KB, and room.
const LARGEST_BODY: usize = 6 << 20;

/// Operations that need no signature, beside those whose models say so: their input proves enough (the
/// token of a confirmation).
const UNSIGNED: &[(&str, &str)] = &[("sns", "ConfirmSubscription")];

/// Answers a request signed for `service`.
pub async fn answer(api: &dyn AwsApi, service: &'static Service, request: Request) -> Response {
    let id = uuid::Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let result = match read_body(body).await {
        Ok(body) => run(api, service, &parts, &body, &id).await,
        Err(error) => Err(error),
    };
    match result {
        Ok((operation, value)) => success(service, operation, &value, &id),
        Err(error) => failure(service, &parts, &error, &id),
    }
}

async fn read_body(body: Body) -> Result<Bytes, ApiError> {
    axum::body::to_bytes(body, LARGEST_BODY).await.map_err(|_| {
        ApiError::common(
            "RequestEntityTooLarge",
            413,
            format!("The request is larger than {LARGEST_BODY} bytes, or broke off."),
        )
    })
}

async fn run(
    api: &dyn AwsApi,
    service: &'static Service,
    parts: &Parts,
    body: &[u8],
    id: &str,
) -> Result<(&'static OperationModel, Value), ApiError> {
    let (operation, input) = decode(service, parts, body)?;
    let unsigned = operation.unsigned || UNSIGNED.contains(&(service.name, &operation.name));
    let (caller, presigned) = match unsigned && !is_signed(parts) {
        true => (Arc::new(nobody()), false),
        false => {
            let signed = sigv4::read(parts)?;
            signed.check_time(now())?;
            let key = api
                .key(&signed.access_key_id, signed.session_token.as_deref())
                .await?;
            signed.check_signature(parts, body, &key.secret)?;
            (key.caller, signed.presigned)
        }
    };
    let input = input?;
    let header = |name: header::HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_string()
    };
    let value = api
        .call(ApiRequest {
            service,
            operation: operation.name.clone(),
            input,
            caller,
            request_id: id.to_string(),
            source_ip: parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|info| info.0.ip()),
            user_agent: header(header::USER_AGENT),
            secure: false,
            presigned,
        })
        .await?;
    Ok((operation, value))
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(lw_base::clock::now_micros()).unwrap_or_default()
}

fn is_signed(parts: &Parts) -> bool {
    parts.headers.contains_key(header::AUTHORIZATION)
        || parts
            .uri
            .query()
            .is_some_and(|query| query.to_ascii_lowercase().contains("x-amz-credential="))
}

fn nobody() -> Caller {
    Caller {
        account: String::new(),
        arn: String::new(),
        user_id: String::new(),
        kind: CallerKind::Anonymous,
        access_key_id: String::new(),
        expires: None,
        session_policies: Vec::new(),
        tags: Default::default(),
    }
}

/// Operation and input. A mistake in the input is told only to who may know: after the signature.
type Decoded = (&'static OperationModel, Result<Value, ApiError>);

fn decode(service: &'static Service, parts: &Parts, body: &[u8]) -> Result<Decoded, ApiError> {
    match service.protocol {
        Protocol::Query => {
            // A form in the body, or in the URL (guide L704).
            let mut text = parts.uri.query().unwrap_or_default().as_bytes().to_vec();
            if !body.is_empty() {
                text.push(b'&');
                text.extend_from_slice(body);
            }
            let form = Form::parse(&text)?;
            let action = form.plain("Action").ok_or_else(|| {
                ApiError::common("MissingAction", 400, "The request has no parameter Action.")
            })?;
            let version = form.plain("Version").unwrap_or(&service.api_version);
            let operation = service
                .operations
                .get(action)
                .filter(|_| version == service.api_version)
                .ok_or_else(|| {
                    ApiError::common(
                        "InvalidAction",
                        400,
                        format!("Could not find operation {action} for version {version}"),
                    )
                })?;
            let input = form.input(service, operation.input);
            Ok((operation, input))
        }
        Protocol::Json => {
            let target = parts
                .headers
                .get("x-amz-target")
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            let operation = target
                .rsplit_once('.')
                .filter(|(prefix, _)| *prefix == service.target_prefix)
                .and_then(|(_, name)| service.operations.get(name))
                .ok_or_else(|| {
                    ApiError::common(
                        "UnknownOperationException",
                        400,
                        format!(
                            "X-Amz-Target \"{target}\" names no operation of {} that Longwave knows.",
                            service.full_name
                        ),
                    )
                })?;
            Ok((operation, json::decode(service, operation.input, body)))
        }
    }
}

fn success(service: &Service, operation: &OperationModel, value: &Value, id: &str) -> Response {
    match service.protocol {
        Protocol::Query => response(
            StatusCode::OK,
            "text/xml",
            xml::answer(service, operation, value, id),
            id,
        ),
        Protocol::Json => response(
            StatusCode::OK,
            &format!("application/x-amz-json-{}", service.json_version),
            json::answer(service, operation.output, value),
            id,
        ),
    }
}

fn failure(service: &Service, parts: &Parts, error: &ApiError, id: &str) -> Response {
    if error.status >= 500 {
        tracing::error!(service = service.name, %error, request = id, "API call failed");
    }
    match service.protocol {
        Protocol::Query => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            response(status, "text/xml", xml::error(Some(service), error, id), id)
        }
        Protocol::Json => {
            // Of the caller's own faults the JSON services know but 400: no model of theirs has another.
            let status = match error.status {
                403 | 404 => StatusCode::BAD_REQUEST,
                status => StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            };
            let mut response = response(
                status,
                &format!("application/x-amz-json-{}", service.json_version),
                json::error(Some(service), error),
                id,
            );
            let headers = response.headers_mut();
            if let Ok(shape) = HeaderValue::from_str(&error.shape) {
                headers.insert("x-amzn-errortype", shape);
            }
            if service.query_compatible
                && parts.headers.contains_key("x-amzn-query-mode")
                && let Ok(text) = HeaderValue::from_str(&format!(
                    "{};{}",
                    error.code,
                    if error.senders() {
                        "Sender"
                    } else {
                        "Receiver"
                    }
                ))
            {
                headers.insert("x-amzn-query-error", text);
            }
            response
        }
    }
}

fn response(status: StatusCode, content_type: &str, body: String, id: &str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert("x-amzn-requestid", value);
    }
    response
}
