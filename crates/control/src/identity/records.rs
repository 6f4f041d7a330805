//! What IAM keeps: users with their keys, roles, managed policies.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::iam::errors;
use serde::{Deserialize, Serialize};

use crate::records::{Record, Txn, View};

/// What a user or role may do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Grants {
    /// Inline policies by name.
    #[serde(default)]
    pub inline: BTreeMap<String, String>,
    /// ARNs of managed policies, in order of attaching.
    #[serde(default)]
    pub attached: Vec<String>,
    /// ARN of the policy that bounds it.
    #[serde(default)]
    pub boundary: Option<String>,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// `AIDA...`
    pub unique_id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What it may do.
    #[serde(default)]
    pub grants: Grants,
}

/// Names differ by more than case.
pub fn name_id(name: &str) -> String {
    name.to_lowercase()
}

impl Record for User {
    const KIND: &'static str = "iam-user";
    fn id(&self) -> String {
        name_id(&self.name)
    }
}

/// A user's access key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessKey {
    /// `AKIA...`
    pub key_id: String,
    /// Whose it is, in lower case.
    pub user: String,
    /// The secret, sealed with the root key in the context of the key's id.
    pub sealed: String,
    /// False: not to be used.
    pub active: bool,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl Record for AccessKey {
    const KIND: &'static str = "iam-access-key";
    fn id(&self) -> String {
        self.key_id.clone()
    }
}

/// A role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Role {
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// `AROA...`
    pub unique_id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Who may assume it: the document.
    pub trust: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The longest session, seconds.
    pub max_session_s: i64,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What it may do.
    #[serde(default)]
    pub grants: Grants,
}

impl Record for Role {
    const KIND: &'static str = "iam-role";
    fn id(&self) -> String {
        name_id(&self.name)
    }
}

/// A managed policy of the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// `ANPA...`
    pub unique_id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The document.
    pub document: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl Record for ManagedPolicy {
    const KIND: &'static str = "iam-policy";
    /// Names are unique in the account, whatever the path.
    fn id(&self) -> String {
        name_id(&self.name)
    }
}

/// Users and roles, as far as they are alike.
pub trait Identity: Record {
    /// The word for it in messages.
    const WORD: &'static str;
    /// Its name.
    fn name(&self) -> &str;
    /// Its path.
    fn path(&self) -> &str;
    /// What it may do.
    fn grants(&self) -> &Grants;
    /// The same, to be changed.
    fn grants_mut(&mut self) -> &mut Grants;
    /// Its tags.
    fn tags(&self) -> &BTreeMap<String, String>;
    /// True if nobody but the service may change it.
    fn is_protected(&self) -> bool {
        self.path().starts_with("/aws-service-role/")
    }
}

macro_rules! identity {
    ($type:ty, $word:literal) => {
        impl Identity for $type {
            const WORD: &'static str = $word;
            fn name(&self) -> &str {
                &self.name
            }
            fn path(&self) -> &str {
                &self.path
            }
            fn grants(&self) -> &Grants {
                &self.grants
            }
            fn grants_mut(&mut self) -> &mut Grants {
                &mut self.grants
            }
            fn tags(&self) -> &BTreeMap<String, String> {
                &self.tags
            }
        }
    };
}

identity!(User, "user");
identity!(Role, "role");

/// That there is no such thing.
pub fn no_such(word: &str, name: &str) -> ApiError {
    errors::no_such_entity_exception(format!("The {word} with name {name} cannot be found."))
}

/// The user or role with this name.
pub fn find<I: Identity>(view: &View, name: &str) -> Result<std::sync::Arc<I>, ApiError> {
    view.get::<I>(&name_id(name))
        .ok_or_else(|| no_such(I::WORD, name))
}

/// Changes the user or role with this name.
pub fn change<I: Identity, T>(
    txn: &mut Txn,
    name: &str,
    change: impl FnOnce(&mut I) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let found = txn
        .get::<I>(&name_id(name))
        .ok_or_else(|| no_such(I::WORD, name))?;
    if found.is_protected() {
        return Err(errors::unmodifiable_entity_exception(format!(
            "Cannot perform the operation on the protected {} '{}' - this {} is only modifiable by AWS",
            I::WORD,
            found.name(),
            I::WORD,
        )));
    }
    let mut changed = (*found).clone();
    let result = change(&mut changed)?;
    txn.put(changed)?;
    Ok(result)
}

/// A unique id: a prefix of four letters and seventeen characters.
pub fn unique_id(prefix: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    format!("{prefix}{}", lw_base::random::string(17, ALPHABET))
}

/// Id of an access key: a prefix of four letters and sixteen characters.
pub fn key_id(prefix: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    format!("{prefix}{}", lw_base::random::string(16, ALPHABET))
}

/// A secret of forty characters.
pub fn key_secret() -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    lw_base::random::string(40, ALPHABET)
}
