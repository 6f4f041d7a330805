//! Values: encrypted, put, read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lw_aws_model::ApiError;
use lw_aws_model::secretsmanager::*;

use super::records::{self, CURRENT, Version, find, find_in, in_use, not_managed};
use crate::identity::authorize;
use crate::records::{Txn, View};
use crate::{Call, Control, kms};

const LARGEST: usize = 65_536;
const STAGES: usize = 20;

/// A value as it is given.
pub struct Given {
    /// Bytes of the value.
    pub bytes: Bytes,
    /// True: bytes; false: text.
    pub binary: bool,
}

/// The value of an input, if it has one; it may be given as text or as bytes.
pub fn given(text: Option<String>, bytes: Option<Bytes>) -> Result<Option<Given>, ApiError> {
    let given = match (text, bytes) {
        (None, None) => return Ok(None),
        (Some(text), None) => Given {
            bytes: text.into(),
            binary: false,
        },
        (None, Some(bytes)) => Given {
            bytes,
            binary: true,
        },
        (Some(_), Some(_)) => {
            return Err(errors::invalid_parameter_exception(
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            ));
        }
    };
    if given.bytes.len() > LARGEST {
        return Err(errors::invalid_parameter_exception(format!(
            "A secret value has at most {LARGEST} bytes."
        )));
    }
    Ok(Some(given))
}

/// The key that a secret is encrypted with.
fn key(control: &Control, txn: &mut Txn, secret: &records::Secret) -> Result<kms::Key, ApiError> {
    match &secret.kms_key {
        None => kms::service_key(control, txn, "secretsmanager"),
        Some(name) => kms::find(&control.records.view(), &control.config, name)
            .map(|key| (*key).clone())
            .map_err(|error| errors::encryption_failure(error.message)),
    }
}

/// Whoever uses a secret with a key of their own must be allowed to use that key.
pub fn may_use_key(call: &Call, secret: &records::Secret, action: &str) -> Result<(), ApiError> {
    let Some(key) = &secret.kms_key else {
        return Ok(());
    };
    let context = [("SecretARN".to_owned(), secret.arn(call.config()))].into();
    authorize(call, kms::access::ask(call, action, key, &context)).map_err(|error| {
        ApiError::denied(format!("Access to KMS is not allowed. {}", error.message))
    })
}

/// Encrypts a value and adds it as a version without stages.
pub fn add(
    control: &Control,
    txn: &mut Txn,
    secret: &mut records::Secret,
    id: &str,
    value: &Given,
) -> Result<(), ApiError> {
    let key = key(control, txn, secret)?;
    let context = secret.context(&control.config, id);
    let blob = kms::encrypt(control, &key, &value.bytes, &context)
        .map_err(|error| errors::encryption_failure(error.message))?;
    let now = control.clock.now();
    secret.versions.insert(
        id.to_owned(),
        Version {
            blob: STANDARD.encode(blob),
            binary: value.binary,
            stages: Vec::new(),
            created: now,
        },
    );
    secret.changed = now;
    secret.forget_old();
    Ok(())
}

/// Opens a value.
pub fn open(
    control: &Control,
    view: &View,
    secret: &records::Secret,
    id: &str,
) -> Result<Vec<u8>, ApiError> {
    let failed = |why: String| {
        errors::decryption_failure(format!(
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key. {why}"
        ))
    };
    let version = secret
        .versions
        .get(id)
        .ok_or_else(|| failed(String::new()))?;
    let blob = STANDARD
        .decode(&version.blob)
        .map_err(|error| failed(error.to_string()))?;
    kms::decrypt(control, view, &blob, &secret.context(&control.config, id))
        .map(|(_, plain)| plain)
        .map_err(|error| failed(error.message))
}

/// What came of putting a value.
#[derive(PartialEq)]
pub enum Put {
    /// It is a new version.
    New,
    /// The same request was made before.
    Again,
}

/// Adds a value under a version id of the client's, once.
pub fn put_once(
    call: &Call,
    txn: &mut Txn,
    secret: &mut records::Secret,
    id: &str,
    value: &Given,
) -> Result<Put, ApiError> {
    if let Some(version) = secret.versions.get(id) {
        let same = version.binary == value.binary
            && open(&call.control, &call.view(), secret, id)? == value.bytes;
        return match same {
            true => Ok(Put::Again),
            false => Err(errors::resource_exists_exception(format!(
                "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
                secret.arn(call.config())
            ))),
        };
    }
    may_use_key(call, secret, "kms:GenerateDataKey")?;
    add(&call.control, txn, secret, id, value)?;
    Ok(Put::New)
}

/// The version id that a client names, or a new one.
pub fn version_id(given: Option<String>) -> String {
    given.unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

pub async fn put(
    call: Call,
    input: PutSecretValueRequest,
) -> Result<PutSecretValueResponse, ApiError> {
    if input.rotation_token.is_some() {
        return Err(ApiError::unsupported("RotationToken"));
    }
    let value = given(input.secret_string, input.secret_binary)?.ok_or_else(|| {
        errors::invalid_request_exception("You must provide either SecretString or SecretBinary.")
    })?;
    let mut txn = call.begin().await;
    let mut secret = find_in(&txn, call.config(), &input.secret_id)?;
    in_use(&secret)?;
    not_managed(&secret)?;
    let id = version_id(input.client_request_token);
    let put = put_once(&call, &mut txn, &mut secret, &id, &value)?;
    if put == Put::New {
        let stages = input
            .version_stages
            .unwrap_or_else(|| vec![CURRENT.to_owned()]);
        if stages.len() > STAGES {
            return Err(errors::limit_exceeded_exception(format!(
                "A version has at most {STAGES} stages."
            )));
        }
        for stage in &stages {
            secret.move_stage(stage, &id);
        }
        // There is always a current value.
        if secret.staged(CURRENT).is_none() {
            secret.move_stage(CURRENT, &id);
        }
    }
    let answer = PutSecretValueResponse {
        arn: Some(secret.arn(call.config())),
        name: Some(secret.name.clone()),
        version_stages: secret.versions.get(&id).map(|v| v.stages.clone()),
        version_id: Some(id),
    };
    txn.put(secret)?;
    txn.commit().await?;
    Ok(answer)
}

pub async fn get(
    call: Call,
    input: GetSecretValueRequest,
) -> Result<GetSecretValueResponse, ApiError> {
    let view = call.view();
    let secret = find(&view, call.config(), &input.secret_id)?;
    in_use(&secret)?;
    let missing = |what: String| {
        errors::resource_not_found_exception(format!(
            "Secrets Manager can't find the specified secret value for {what}"
        ))
    };
    let stage = input.version_stage.as_deref();
    let id = match &input.version_id {
        Some(id) => {
            let version = secret
                .versions
                .get(id)
                .ok_or_else(|| missing(format!("VersionId: {id}")))?;
            if stage.is_some_and(|stage| !version.stages.iter().any(|s| s == stage)) {
                return Err(errors::invalid_request_exception(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                ));
            }
            id.clone()
        }
        None => {
            let stage = stage.unwrap_or(CURRENT);
            let (id, _) = secret
                .staged(stage)
                .ok_or_else(|| missing(format!("staging label: {stage}")))?;
            id.clone()
        }
    };
    may_use_key(&call, &secret, "kms:Decrypt")?;
    let plain = open(&call.control, &view, &secret, &id)?;
    let version = &secret.versions[&id];
    let (text, bytes) = match version.binary {
        true => (None, Some(Bytes::from(plain))),
        false => (Some(String::from_utf8_lossy(&plain).into_owned()), None),
    };
    let answer = GetSecretValueResponse {
        arn: Some(secret.arn(call.config())),
        name: Some(secret.name.clone()),
        version_id: Some(id.clone()),
        secret_binary: bytes,
        secret_string: text,
        version_stages: Some(version.stages.clone()),
        created_date: Some(version.created),
    };
    touch(&call, &secret).await?;
    Ok(answer)
}

/// Notes the day of the reading, once a day.
async fn touch(call: &Call, secret: &records::Secret) -> Result<(), ApiError> {
    let today = call.now().date_naive();
    if secret.accessed == Some(today) {
        return Ok(());
    }
    let mut txn = call.begin().await;
    txn.update::<records::Secret>(&secret.name, |secret| secret.accessed = Some(today))?;
    txn.commit().await
}
