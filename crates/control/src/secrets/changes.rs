//! Secrets made, changed, deleted and restored.

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::secretsmanager::*;

use super::records::{self, CURRENT, find_in, in_use, not_managed};
use super::tags::add_tags;
use super::values::{Given, Put, given, put_once, version_id};
use crate::records::Txn;
use crate::{Call, Control};

const SECRETS: usize = 500_000;
const DEFAULT_WINDOW_DAYS: i64 = 30;

fn check_name(name: &str) -> Result<(), ApiError> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-!".contains(c);
    if !name.chars().all(of_name) {
        return Err(errors::invalid_parameter_exception(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    if name.contains('!') {
        return Err(errors::invalid_parameter_exception(
            "Names with ! are reserved for secrets that services manage.",
        ));
    }
    Ok(())
}

fn no_replicas(given: bool) -> Result<(), ApiError> {
    match given {
        true => Err(ApiError::unsupported(
            "Replication of secrets to other regions",
        )),
        false => Ok(()),
    }
}

pub async fn create(
    call: Call,
    input: CreateSecretRequest,
) -> Result<CreateSecretResponse, ApiError> {
    check_name(&input.name)?;
    no_replicas(
        input
            .add_replica_regions
            .as_ref()
            .is_some_and(|r| !r.is_empty()),
    )?;
    no_replicas(input.cross_account_primary_arn.is_some())?;
    if input.r#type.is_some() {
        return Err(ApiError::unsupported("Type"));
    }
    let value = given(input.secret_string, input.secret_binary)?;
    let mut txn = call.begin().await;
    if let Some(other) = txn.get::<records::Secret>(&input.name) {
        // The same request again is no error.
        let token = input.client_request_token.as_deref();
        let again = match (&value, token.filter(|t| other.versions.contains_key(*t))) {
            (Some(value), Some(token)) => {
                let mut copy = (*other).clone();
                put_once(&call, &mut txn, &mut copy, token, value)? == Put::Again
            }
            _ => false,
        };
        return match (again, other.deletion) {
            (_, Some(_)) => Err(errors::invalid_request_exception(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            )),
            (true, None) => Ok(CreateSecretResponse {
                arn: Some(other.arn(call.config())),
                name: Some(other.name.clone()),
                version_id: input.client_request_token,
                replication_status: None,
            }),
            (false, None) => Err(errors::resource_exists_exception(format!(
                "The operation failed because the secret {} already exists.",
                input.name
            ))),
        };
    }
    if txn.count::<records::Secret>() >= SECRETS {
        return Err(errors::limit_exceeded_exception(format!(
            "The account has {SECRETS} secrets already."
        )));
    }
    let mut secret = records::Secret::new(input.name, call.now());
    secret.description = input.description;
    secret.kms_key = checked_key(&call, input.kms_key_id)?;
    add_tags(&mut secret.tags, input.tags.unwrap_or_default())?;
    let mut version = None;
    if let Some(value) = &value {
        let id = version_id(input.client_request_token);
        add_current(&call, &mut txn, &mut secret, &id, value)?;
        version = Some(id);
    }
    let answer = CreateSecretResponse {
        arn: Some(secret.arn(call.config())),
        name: Some(secret.name.clone()),
        version_id: version,
        replication_status: None,
    };
    txn.put(secret)?;
    txn.commit().await?;
    Ok(answer)
}

/// A key that is named must be there; the service's own needs no name.
fn checked_key(call: &Call, key: Option<String>) -> Result<Option<String>, ApiError> {
    match key.as_deref() {
        None | Some("" | "alias/aws/secretsmanager") => Ok(None),
        Some(name) => {
            crate::kms::find(&call.view(), call.config(), name)
                .map_err(|error| errors::encryption_failure(error.message))?;
            Ok(key)
        }
    }
}

fn add_current(
    call: &Call,
    txn: &mut Txn,
    secret: &mut records::Secret,
    id: &str,
    value: &Given,
) -> Result<(), ApiError> {
    if put_once(call, txn, secret, id, value)? == Put::New {
        secret.move_stage(CURRENT, id);
    }
    Ok(())
}

pub async fn update(
    call: Call,
    input: UpdateSecretRequest,
) -> Result<UpdateSecretResponse, ApiError> {
    if input.r#type.is_some() {
        return Err(ApiError::unsupported("Type"));
    }
    let value = given(input.secret_string, input.secret_binary)?;
    let mut txn = call.begin().await;
    let mut secret = find_in(&txn, call.config(), &input.secret_id)?;
    in_use(&secret)?;
    not_managed(&secret)?;
    if input.description.is_some() {
        secret.description = input.description;
    }
    if input.kms_key_id.is_some() {
        // Values that are there stay encrypted as they are; they name their key themselves.
        secret.kms_key = checked_key(&call, input.kms_key_id)?;
    }
    let mut version = None;
    if let Some(value) = &value {
        let id = version_id(input.client_request_token);
        add_current(&call, &mut txn, &mut secret, &id, value)?;
        version = Some(id);
    }
    secret.changed = call.now();
    let answer = UpdateSecretResponse {
        arn: Some(secret.arn(call.config())),
        name: Some(secret.name.clone()),
        version_id: version,
    };
    txn.put(secret)?;
    txn.commit().await?;
    Ok(answer)
}

pub async fn delete(
    call: Call,
    input: DeleteSecretRequest,
) -> Result<DeleteSecretResponse, ApiError> {
    let force = input.force_delete_without_recovery.unwrap_or(false);
    if force && input.recovery_window_in_days.is_some() {
        return Err(errors::invalid_parameter_exception(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let days = input.recovery_window_in_days.unwrap_or(DEFAULT_WINDOW_DAYS);
    if !(7..=30).contains(&days) {
        return Err(errors::invalid_parameter_exception(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let mut txn = call.begin().await;
    let found = find_in(&txn, call.config(), &input.secret_id);
    let mut secret = match found {
        Ok(secret) => secret,
        // To be rid of what is not there is no error when it is forced.
        Err(_) if force && !input.secret_id.starts_with("arn:") => {
            return Ok(DeleteSecretResponse {
                arn: None,
                name: Some(input.secret_id),
                deletion_date: Some(call.now()),
            });
        }
        Err(error) => return Err(error),
    };
    not_managed(&secret)?;
    let now = call.now();
    let at = match force {
        true => now,
        false => {
            in_use(&secret)?;
            now + Duration::days(days)
        }
    };
    let answer = DeleteSecretResponse {
        arn: Some(secret.arn(call.config())),
        name: Some(secret.name.clone()),
        deletion_date: Some(at),
    };
    if force {
        txn.delete::<records::Secret>(&secret.name);
    } else {
        secret.deletion = Some((now, at));
        txn.put(secret)?;
    }
    txn.commit().await?;
    Ok(answer)
}

pub async fn restore(
    call: Call,
    input: RestoreSecretRequest,
) -> Result<RestoreSecretResponse, ApiError> {
    let mut txn = call.begin().await;
    let mut secret = find_in(&txn, call.config(), &input.secret_id)?;
    secret.deletion = None;
    let answer = RestoreSecretResponse {
        arn: Some(secret.arn(call.config())),
        name: Some(secret.name.clone()),
    };
    txn.put(secret)?;
    txn.commit().await?;
    Ok(answer)
}

/// Deletes secrets whose time has come.
pub async fn due(control: &Control) -> Result<(), ApiError> {
    let now = control.clock.now();
    let is_due = |secret: &records::Secret| secret.deletion.is_some_and(|(_, at)| at <= now);
    let view = control.records.view();
    if !view.list::<records::Secret>().iter().any(|s| is_due(s)) {
        return Ok(());
    }
    let mut txn = control.records.begin().await;
    for secret in txn.list::<records::Secret>() {
        if is_due(&secret) {
            txn.delete::<records::Secret>(&secret.name);
        }
    }
    txn.commit().await
}
