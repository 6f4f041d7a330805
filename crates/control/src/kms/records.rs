//! Keys and aliases as they are kept, and how they are found.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::kms::errors;
use lw_policy::arn::{self, Place};
use serde::{Deserialize, Serialize};

use crate::records::{Record, Txn, View};
use crate::vault::KEY_BYTES;
use crate::{Control, ControlConfig};

/// What a key may be used for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// It may be used.
    Enabled,
    /// It may not, until it is enabled.
    Disabled,
    /// It may not, and is deleted soon.
    PendingDeletion,
}

impl KeyState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            KeyState::Enabled => "Enabled",
            KeyState::Disabled => "Disabled",
            KeyState::PendingDeletion => "PendingDeletion",
        }
    }
}

/// Automatic rotation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rotation {
    /// Days from one to the next.
    pub days: i64,
    /// When the next is due.
    pub next: DateTime<Utc>,
}

/// A key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Key {
    /// Its id, a UUID.
    pub key_id: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// State.
    pub state: KeyState,
    /// When it is deleted, if it is going to be.
    #[serde(default)]
    pub deletion: Option<DateTime<Utc>>,
    /// Days given to think about that.
    #[serde(default)]
    pub window_days: Option<i64>,
    /// Its policy.
    pub policy: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Its materials, sealed, oldest first: what was encrypted with an older one stays readable.
    pub materials: Vec<String>,
    /// Automatic rotation.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// The service it is kept for (`secretsmanager`); `None`: the account's own.
    #[serde(default)]
    pub service: Option<String>,
}

impl Record for Key {
    const KIND: &'static str = "kms-key";
    fn id(&self) -> String {
        self.key_id.clone()
    }
}

impl Key {
    /// A new key with one material.
    pub fn new(control: &Control, description: String, policy: String) -> Result<Key, ApiError> {
        let mut key = Key {
            key_id: uuid::Uuid::new_v4().to_string(),
            description,
            created: control.clock.now(),
            state: KeyState::Enabled,
            deletion: None,
            window_days: None,
            policy,
            tags: BTreeMap::new(),
            materials: Vec::new(),
            rotation: None,
            service: None,
        };
        key.add_material(control)?;
        Ok(key)
    }

    /// Gives it a new material, which is used from now on.
    pub fn add_material(&mut self, control: &Control) -> Result<(), ApiError> {
        let material: [u8; KEY_BYTES] = lw_base::random::bytes();
        let context = self.seal_context(self.materials.len());
        let sealed = control
            .root_key
            .seal_text(&material, &context)
            .map_err(|_| ApiError::internal("the key cannot be sealed"))?;
        self.materials.push(sealed);
        Ok(())
    }

    /// What its materials are sealed with: one does not open in another's place.
    pub fn seal_context(&self, number: usize) -> String {
        format!("kms:{}:{number}", self.key_id)
    }

    /// Its ARN.
    pub fn arn(&self, config: &ControlConfig) -> String {
        arn::kms_key(&place(config), &self.key_id)
    }
}

/// A name for a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alias {
    /// The name, with `alias/` before it.
    pub name: String,
    /// Id of the key.
    pub key_id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl Record for Alias {
    const KIND: &'static str = "kms-alias";
    fn id(&self) -> String {
        self.name.clone()
    }
}

/// Where keys live.
pub fn place(config: &ControlConfig) -> Place {
    Place::new(&config.region, &config.account)
}

/// The key that is meant: by id, ARN, alias, or ARN of an alias.
pub fn find(view: &View, config: &ControlConfig, name: &str) -> Result<Arc<Key>, ApiError> {
    let not_there = |what: String| errors::not_found_exception(what);
    let prefix = place(config).arn("kms", "");
    let rest = if name.starts_with("arn:") {
        name.strip_prefix(&prefix)
            .ok_or_else(|| not_there(format!("Key '{name}' does not exist")))?
    } else {
        name
    };
    if rest.starts_with("alias/") {
        let alias = view
            .get::<Alias>(rest)
            .ok_or_else(|| not_there(format!("Alias {prefix}{rest} is not found.")))?;
        return view
            .get::<Key>(&alias.key_id)
            .ok_or_else(|| not_there(format!("Alias {prefix}{rest} is not found.")));
    }
    let id = match (name.starts_with("arn:"), rest.strip_prefix("key/")) {
        (true, None) => {
            return Err(errors::invalid_arn_exception(format!("Invalid arn {name}")));
        }
        (true, Some(id)) => id,
        (false, _) => rest,
    };
    view.get::<Key>(id)
        .ok_or_else(|| not_there(format!("Key '{prefix}key/{id}' does not exist")))
}

/// The key that a service uses unless it is told another (`alias/aws/secretsmanager`); the first use makes
/// it.
pub fn service_key(control: &Control, txn: &mut Txn, service: &str) -> Result<Key, ApiError> {
    let name = format!("alias/aws/{service}");
    if let Some(alias) = txn.get::<Alias>(&name)
        && let Some(key) = txn.get::<Key>(&alias.key_id)
    {
        return Ok((*key).clone());
    }
    let policy = default_policy(&control.config);
    let mut key = Key::new(
        control,
        format!("Default key that protects my {service} data when no other key is defined"),
        policy,
    )?;
    key.service = Some(service.to_owned());
    txn.put(Alias {
        name,
        key_id: key.key_id.clone(),
        created: key.created,
    })?;
    txn.put(key.clone())?;
    Ok(key)
}

/// The account decides.
pub fn default_policy(config: &ControlConfig) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": config.iam_arn("root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}
