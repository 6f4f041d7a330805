//! The contract between the HTTP port and the control plane: the port proves who calls and decodes
//! what is asked; the control plane decides whether it is allowed, and does it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{ApiError, Service, Value};

/// Every AWS service but S3.
#[async_trait]
pub trait AwsApi: Send + Sync {
    /// The secret of an access key and whose it is. Unknown, inactive or expired keys, and a session
    /// token that is not theirs, are errors in AWS's words.
    async fn key(&self, access_key_id: &str, session_token: Option<&str>) -> Result<Key, ApiError>;

    /// Does what is asked and answers with a value of the operation's output shape.
    async fn call(&self, request: ApiRequest) -> Result<Value, ApiError>;
}

/// An access key.
#[derive(Clone)]
pub struct Key {
    /// Its secret.
    pub secret: String,
    /// Whose it is.
    pub caller: Arc<Caller>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// The account, twelve digits.
    pub account: String,
    /// `arn:aws:iam::<account>:root`, `...:user/<name>`, `arn:aws:sts::<account>:assumed-role/<role>/<session>`
    pub arn: String,
    /// `aws:userid`: the account for the root, the id of a user, `<role id>:<session>` of a role.
    pub user_id: String,
    /// What it is.
    pub kind: CallerKind,
    /// The key the request is signed with.
    pub access_key_id: String,
    /// When the key ends to be good, if it does.
    pub expires: Option<DateTime<Utc>>,
    /// Session policies (AssumeRole's Policy and PolicyArns), JSON documents; one of them must allow.
    pub session_policies: Vec<String>,
    /// Tags of the principal and of its session (`aws:PrincipalTag/...`).
    pub tags: BTreeMap<String, String>,
}

/// What a caller is.
#[derive(Debug, Clone, PartialEq)]
pub enum CallerKind {
    /// The root of the account: may do all.
    Root,
    /// An IAM user.
    User {
        /// Its name.
        name: String,
    },
    /// A session of a role.
    Role {
        /// The role's name.
        name: String,
        /// The session's name.
        session: String,
        /// True: the session was itself made by a session of a role (role chaining).
        chained: bool,
    },
    /// A part of the service itself (a scheduled action): judged by the role it acts with, or may do
    /// all if it has none.
    Service,
    /// Nobody: the operation needs no signature.
    Anonymous,
}

/// A request whose signature is right.
#[derive(Clone)]
pub struct ApiRequest {
    /// The service.
    pub service: &'static Service,
    /// The operation, which the service has.
    pub operation: String,
    /// Its input; it has the types of the model, and is not checked further.
    pub input: Value,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// Id of the request, for logs.
    pub request_id: String,
    /// Address of the client.
    pub source_ip: Option<IpAddr>,
    /// The client's own name for itself.
    pub user_agent: String,
    /// True if it came over TLS.
    pub secure: bool,
    /// True if it is signed in the URL.
    pub presigned: bool,
}
