//! Temporary keys. Everything about a session is in its token, sealed with the root key: nothing is kept, and
//! a restart forgets nothing. Whose session it is must still be there when the key is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::edge::{Caller, CallerKind, Key};
use lw_aws_model::sts::Credentials;
use serde::{Deserialize, Serialize};

use super::records::{Role, User, key_id, name_id};
use crate::Control;

/// The context of the seal: a token of another purpose does not open as one of these.
const CONTEXT: &str = "sts-session";

/// The secret of temporary keys follows from their id, so that a signature can be checked before the token
/// is looked at, which is all that the S3 endpoint's library lets one do.
pub fn secret(control: &Control, key: &str) -> String {
    control.root_key.derive(&format!("{CONTEXT}:{key}"))
}

/// A session, as it is in its token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// `ASIA...`
    key: String,
    expires: DateTime<Utc>,
    who: Who,
    /// Session policies; one of them must allow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Session tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Whose session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Who {
    /// The root's own.
    Root,
    /// A user's own.
    User {
        /// Name.
        name: String,
        /// Unique id: a later user of the same name is another.
        id: String,
    },
    /// A role's.
    Role {
        /// Name.
        name: String,
        /// Unique id.
        id: String,
        /// Name of the session.
        session: String,
        /// Assumed by a session of a role.
        chained: bool,
    },
}

impl Session {
    /// A new session.
    pub fn new(who: Who, now: DateTime<Utc>, duration: Duration) -> Session {
        Session {
            key: key_id("ASIA"),
            // The wire has whole seconds.
            expires: DateTime::from_timestamp((now + duration).timestamp(), 0).unwrap_or(now),
            who,
            policies: Vec::new(),
            tags: BTreeMap::new(),
        }
    }

    /// What the client is given.
    pub fn credentials(&self, control: &Control) -> Result<Credentials, ApiError> {
        let body = serde_json::to_vec(self).map_err(ApiError::internal)?;
        let token = control
            .root_key
            .seal_text(&body, CONTEXT)
            .map_err(|_| ApiError::internal("the token cannot be sealed"))?;
        Ok(Credentials {
            access_key_id: self.key.clone(),
            secret_access_key: secret(control, &self.key),
            session_token: token,
            expiration: self.expires,
        })
    }

    /// The session with this token.
    pub fn open(control: &Control, key: &str, token: &str) -> Option<Session> {
        let body = control.root_key.open_text(token, CONTEXT).ok()?;
        let session: Session = serde_json::from_slice(&body).ok()?;
        (session.key == key).then_some(session)
    }

    /// Its key, as long as it is good.
    pub fn key(self, control: &Control) -> Result<Key, ApiError> {
        if control.clock.now() >= self.expires {
            return Err(ApiError::of(
                "ExpiredTokenException",
                "ExpiredToken",
                403,
                "The security token included in the request is expired",
            ));
        }
        let view = control.records.view();
        let account = control.config.account.clone();
        let mut tags = BTreeMap::new();
        let (arn, user_id, kind) = match self.who {
            Who::Root => (
                control.config.iam_arn("root"),
                account.clone(),
                CallerKind::Root,
            ),
            Who::User { name, id } => {
                let user = view
                    .get::<User>(&name_id(&name))
                    .filter(|user| user.unique_id == id)
                    .ok_or_else(super::invalid_token)?;
                tags.extend(user.tags.clone());
                let arn = lw_policy::arn::iam_user(&account, &user.path, &user.name);
                let name = user.name.clone();
                (arn, id, CallerKind::User { name })
            }
            Who::Role {
                name,
                id,
                session,
                chained,
            } => {
                let role = view
                    .get::<Role>(&name_id(&name))
                    .filter(|role| role.unique_id == id)
                    .ok_or_else(super::invalid_token)?;
                tags.extend(role.tags.clone());
                let name = role.name.clone();
                (
                    lw_policy::arn::assumed_role(&account, &name, &session),
                    format!("{id}:{session}"),
                    CallerKind::Role {
                        name,
                        session,
                        chained,
                    },
                )
            }
        };
        tags.extend(self.tags);
        Ok(Key {
            secret: secret(control, &self.key),
            caller: Arc::new(Caller {
                account,
                arn,
                user_id,
                kind,
                access_key_id: self.key,
                expires: Some(self.expires),
                session_policies: self.policies,
                tags,
            }),
        })
    }
}
