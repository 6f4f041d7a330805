//! Identity: whose a key is ([`key`]), what they may do ([`authorize`]), and the operations of IAM and
//! STS.
//!
//! Every call is authorized before its operation runs, from the members of its input (`access`). An
//! operation that does more than its own action asks itself:
//!
//! ```ignore
//! let role = Resource::new(&role_arn);
//! authorize(&call, Request::new("iam:PassRole", [role]).with("iam:PassedToService", "redshift.amazonaws.com"))?;
//! ```

mod access;
mod authorize;
mod buckets;
mod iam;
pub mod logins;
mod records;
pub mod service_roles;
mod sessions;
mod sts;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use lw_aws_model::ApiError;
use lw_aws_model::edge::{Caller, CallerKind, Key};

pub use access::{Known, Lookup, ServiceKeys, request_tags, resource};
pub use authorize::{Ask, authorize, authorize_call, decide};
pub use buckets::Access;
pub use records::{ManagedPolicy, Role, User};

use crate::Control;
use crate::registry::Registry;
use records::{AccessKey, name_id};
use sessions::Session;

/// The operations.
pub fn register(registry: &mut Registry) {
    iam::register(registry);
    sts::register(registry);
}

/// Makes what the first start needs.
pub async fn start(_control: &Arc<Control>) {}

/// The secret of an access key and whose it is.
pub fn key(control: &Control, id: &str, session_token: Option<&str>) -> Result<Key, ApiError> {
    if let Some(token) = session_token {
        return Session::open(control, id, token)
            .ok_or_else(invalid_token)?
            .key(control);
    }
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
    let view = control.records.view();
    let record = view
        .get::<AccessKey>(id)
        .filter(|key| key.active)
        .ok_or_else(invalid_token)?;
    let user = view
        .get::<User>(&name_id(&record.user))
        .ok_or_else(invalid_token)?;
    let secret = control
        .root_key
        .open_text(&record.sealed, id)
        .ok()
        .and_then(|secret| String::from_utf8(secret).ok())
        .ok_or_else(|| ApiError::internal("the access key cannot be opened with the root key"))?;
    Ok(Key {
        secret,
        caller: Arc::new(Caller {
            account: config.account.clone(),
            arn: lw_policy::arn::iam_user(&config.account, &user.path, &user.name),
            user_id: user.unique_id.clone(),
            kind: CallerKind::User {
                name: user.name.clone(),
            },
            access_key_id: id.to_string(),
            expires: None,
            session_policies: Vec::new(),
            tags: user.tags.clone(),
        }),
    })
}

fn invalid_token() -> ApiError {
    ApiError::of(
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        403,
        "The security token included in the request is invalid.",
    )
}
