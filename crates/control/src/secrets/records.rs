//! Secrets as they are kept, and how they are found.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::secretsmanager::errors;
use lw_policy::arn::{self, Place};
use serde::{Deserialize, Serialize};

use crate::ControlConfig;
use crate::kms::Context;
use crate::records::{Record, Txn, View};

/// Of the newest value.
pub const CURRENT: &str = "AWSCURRENT";
/// Of the value before it.
pub const PREVIOUS: &str = "AWSPREVIOUS";
/// Of a value that is being put in force.
pub const PENDING: &str = "AWSPENDING";

/// A value of a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// The value, a ciphertext of KMS, base64.
    pub blob: String,
    /// True: bytes; false: text.
    pub binary: bool,
    /// Its stages; a version without any is on its way out.
    pub stages: Vec<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
}

/// Automatic rotation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rotation {
    /// False: it stopped, until somebody rotates by hand.
    pub enabled: bool,
    /// Days from one to the next.
    pub days: i64,
    /// When the next is due.
    pub next: DateTime<Utc>,
}

/// Whose password a managed secret holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Owner {
    /// `redshift` or `redshift-serverless`: whom [`crate::registry::Registry::rotation`] asks.
    pub service: String,
    /// ARN of the cluster or namespace.
    pub arn: String,
    /// Id of the namespace whose admin it is.
    pub namespace: String,
    /// Name of the admin.
    pub user: String,
}

/// A secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Secret {
    /// Name.
    pub name: String,
    /// Six characters at the end of the ARN.
    pub suffix: String,
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
    /// The key, as it was given; `None`: the service's own.
    #[serde(default)]
    pub kms_key: Option<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was changed.
    pub changed: DateTime<Utc>,
    /// Day of the last reading.
    #[serde(default)]
    pub accessed: Option<NaiveDate>,
    /// When it was rotated.
    #[serde(default)]
    pub rotated: Option<DateTime<Utc>>,
    /// When it was marked for deletion, and when it is deleted.
    #[serde(default)]
    pub deletion: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Values by version id.
    #[serde(default)]
    pub versions: BTreeMap<String, Version>,
    /// Automatic rotation.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// Set: the warehouse keeps it.
    #[serde(default)]
    pub owner: Option<Owner>,
}

impl Record for Secret {
    const KIND: &'static str = "secret";
    fn id(&self) -> String {
        self.name.clone()
    }
}

impl Secret {
    /// A new one without a value.
    pub fn new(name: String, now: DateTime<Utc>) -> Secret {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        Secret {
            name,
            suffix: lw_base::random::string(6, ALPHABET),
            description: None,
            kms_key: None,
            created: now,
            changed: now,
            accessed: None,
            rotated: None,
            deletion: None,
            tags: BTreeMap::new(),
            versions: BTreeMap::new(),
            rotation: None,
            owner: None,
        }
    }

    /// Its ARN.
    pub fn arn(&self, config: &ControlConfig) -> String {
        arn::secret(&place(config), &self.name, &self.suffix)
    }

    /// The version with a stage.
    pub fn staged(&self, stage: &str) -> Option<(&String, &Version)> {
        self.versions
            .iter()
            .find(|(_, version)| version.stages.iter().any(|s| s == stage))
    }

    /// Gives a stage to a version, and takes it from the one that had it. That of the newest leaves the
    /// stage of the one before behind.
    pub fn move_stage(&mut self, stage: &str, to: &str) {
        let had = self.staged(stage).map(|(id, _)| id.clone());
        if had.as_deref() == Some(to) {
            return;
        }
        for version in self.versions.values_mut() {
            version.stages.retain(|s| s != stage);
        }
        if let Some(version) = self.versions.get_mut(to) {
            version.stages.push(stage.to_owned());
        }
        if stage == CURRENT {
            if let Some(version) = self.versions.get_mut(to) {
                version.stages.retain(|s| s != PREVIOUS);
            }
            if let Some(had) = had {
                self.move_stage(PREVIOUS, &had);
            }
        }
    }

    /// Forgets the oldest versions that have no stage, beyond the hundred that are kept.
    pub fn forget_old(&mut self) {
        const KEPT: usize = 100;
        while self.versions.len() > KEPT {
            let oldest = self
                .versions
                .iter()
                .filter(|(_, version)| version.stages.is_empty())
                .min_by_key(|(_, version)| version.created)
                .map(|(id, _)| id.clone());
            let Some(id) = oldest else { return };
            self.versions.remove(&id);
        }
    }

    /// What its values are encrypted with besides the key.
    pub fn context(&self, config: &ControlConfig, version: &str) -> Context {
        [
            ("SecretARN".to_owned(), self.arn(config)),
            ("SecretVersionId".to_owned(), version.to_owned()),
        ]
        .into()
    }
}

/// Where secrets live.
pub fn place(config: &ControlConfig) -> Place {
    Place::new(&config.region, &config.account)
}

fn missing() -> ApiError {
    errors::resource_not_found_exception("Secrets Manager can't find the specified secret.")
}

/// The secret that is meant: by name, ARN, or ARN without the six characters.
pub fn find(view: &View, config: &ControlConfig, id: &str) -> Result<Arc<Secret>, ApiError> {
    named(config, id, |name| view.get::<Secret>(name)).ok_or_else(missing)
}

/// The same within a change.
pub fn find_in(txn: &Txn, config: &ControlConfig, id: &str) -> Result<Secret, ApiError> {
    named(config, id, |name| txn.get::<Secret>(name))
        .map(|secret| (*secret).clone())
        .ok_or_else(missing)
}

fn named(
    config: &ControlConfig,
    id: &str,
    get: impl Fn(&str) -> Option<Arc<Secret>>,
) -> Option<Arc<Secret>> {
    if !id.starts_with("arn:") {
        return get(id);
    }
    let name = id.strip_prefix(&place(config).arn("secretsmanager", "secret:"))?;
    if let Some((name, suffix)) = name.rsplit_once('-')
        && let Some(secret) = get(name)
        && secret.suffix == suffix
    {
        return Some(secret);
    }
    get(name)
}

/// A secret on its way out is not to be used.
pub fn in_use(secret: &Secret) -> Result<(), ApiError> {
    match secret.deletion {
        None => Ok(()),
        Some(_) => Err(errors::invalid_request_exception(
            "You can't perform this operation on the secret because it was marked for deletion.",
        )),
    }
}

/// What the warehouse keeps, it alone changes.
pub fn not_managed(secret: &Secret) -> Result<(), ApiError> {
    match &secret.owner {
        None => Ok(()),
        Some(owner) => Err(errors::invalid_request_exception(format!(
            "You can't perform this operation on the secret because it is managed by {}.",
            owner.service
        ))),
    }
}
