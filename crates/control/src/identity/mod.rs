//! Identity: whose a key is, and what they may do.

use std::sync::Arc;

use lw_aws_model::edge::{Caller, CallerKind, Key};
use lw_aws_model::{ApiError, Value};

use crate::registry::Registry;
use crate::{Call, Control};

/// The operations.
pub fn register(_registry: &mut Registry) {}

/// Makes what the first start needs.
pub async fn start(_control: &Arc<Control>) {}

/// The secret of an access key and whose it is.
pub fn key(control: &Control, id: &str, _session_token: Option<&str>) -> Result<Key, ApiError> {
    let config = &control.config;
    if id == config.root_key_id {
        return Ok(Key {
            secret: config.root_secret.clone(),
            caller: Arc::new(Caller {
                account: config.account.clone(),
                arn: config.iam_arn("root"),
                user_id: config.account.clone(),
                kind: CallerKind::Root,
                access_key_id: id.to_string(),
                expires: None,
                session_policies: Vec::new(),
                tags: Default::default(),
            }),
        });
    }
    Err(ApiError::of(
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        403,
        "The security token included in the request is invalid.",
    ))
}

/// Asks the caller's policies whether they may make this call.
pub fn authorize_call(call: &Call, _input: &Value) -> Result<(), ApiError> {
    match call.caller.kind {
        CallerKind::Root | CallerKind::Service => Ok(()),
        _ => Err(ApiError::denied(format!(
            "User: {} is not authorized to perform: {}:{}",
            call.caller.arn, call.service.signing_name, call.operation
        ))),
    }
}
