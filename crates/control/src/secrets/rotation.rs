//! Rotation of admin passwords. The new password is kept as the pending version before the warehouse is
//! told, and made current after: a crash in between is made good at the next start, with the same
//! password.

use std::sync::Arc;

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::secretsmanager::*;
use serde_json::Value as Json;

use super::managed::{self, password};
use super::records::{self, CURRENT, PENDING, find_in, in_use};
use super::values::{Given, add, version_id};
use crate::{Call, Control};

/// Says why a password cannot be changed now (a paused cluster, a namespace without workgroup), given
/// the ARN of its owner.
pub type Guard = fn(&Control, &str) -> Result<(), String>;

pub async fn rotate(
    call: Call,
    input: RotateSecretRequest,
) -> Result<RotateSecretResponse, ApiError> {
    if input.rotation_lambda_arn.is_some() {
        return Err(ApiError::unsupported("RotationLambdaARN"));
    }
    if input.external_secret_rotation_role_arn.is_some()
        || input.external_secret_rotation_metadata.is_some()
    {
        return Err(ApiError::unsupported("ExternalSecretRotation"));
    }
    let mut txn = call.begin().await;
    let mut secret = find_in(&txn, call.config(), &input.secret_id)?;
    in_use(&secret)?;
    let (Some(owner), Some(rotation)) = (secret.owner.clone(), secret.rotation.as_mut()) else {
        return Err(errors::invalid_request_exception(
            "No Lambda rotation function ARN is associated with this secret.",
        ));
    };
    if let Some(rules) = &input.rotation_rules {
        if rules.schedule_expression.is_some() || rules.duration.is_some() {
            return Err(ApiError::unsupported(
                "ScheduleExpression and Duration of RotationRules",
            ));
        }
        if let Some(days) = rules.automatically_after_days {
            rotation.days = days;
        }
    }
    // By hand it goes on, also where it had stopped.
    rotation.enabled = true;
    rotation.next = call.now() + Duration::days(rotation.days);
    let at_once = input.rotate_immediately.unwrap_or(true);
    if at_once {
        guard(&call.control, &owner).map_err(errors::invalid_request_exception)?;
    }
    let id = version_id(input.client_request_token);
    let again = secret.versions.contains_key(&id);
    let name = secret.name.clone();
    let answer = RotateSecretResponse {
        arn: Some(secret.arn(call.config())),
        name: Some(name.clone()),
        version_id: at_once.then(|| id.clone()),
    };
    if at_once && !again {
        prepare(&call.control, &mut txn, &mut secret, &id)?;
    }
    txn.put(secret)?;
    txn.commit().await?;
    if at_once && !again {
        finish(&call.control, &name, IfRefused::Forget).await?;
    }
    Ok(answer)
}

fn guard(control: &Control, owner: &records::Owner) -> Result<(), String> {
    match control.rotation_guard(&owner.service) {
        Some(guard) => guard(control, &owner.arn),
        None => Ok(()),
    }
}

/// Makes the pending version: what is current, with a new password.
pub(super) fn prepare(
    control: &Control,
    txn: &mut crate::records::Txn,
    secret: &mut records::Secret,
    id: &str,
) -> Result<(), ApiError> {
    let current = secret.staged(CURRENT).map(|(id, _)| id.clone());
    let mut members = match current {
        Some(current) => managed::read(control, secret, &current)?,
        None => Default::default(),
    };
    members.insert("password".into(), password().into());
    let value = Given {
        bytes: Json::Object(members).to_string().into(),
        binary: false,
    };
    add(control, txn, secret, id, &value)?;
    secret.move_stage(PENDING, id);
    Ok(())
}

/// What becomes of a pending password that the warehouse did not take.
#[derive(Clone, Copy, PartialEq)]
enum IfRefused {
    /// It was told just now, and refused: nobody has it.
    Forget,
    /// It may have been taken before a crash: it is tried again.
    Keep,
}

/// Tells the warehouse the pending password, then makes it current.
async fn finish(control: &Arc<Control>, name: &str, if_refused: IfRefused) -> Result<(), ApiError> {
    let view = control.records.view();
    let secret = view.get::<records::Secret>(name);
    let Some((secret, owner)) = secret.and_then(|s| s.owner.clone().map(|o| (s, o))) else {
        return Ok(());
    };
    let Some((id, _)) = secret.staged(PENDING) else {
        return Ok(());
    };
    let members = managed::read(control, &secret, id)?;
    let password = members
        .get("password")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let told = control
        .provisioner
        .set_admin(&owner.namespace, &owner.user, password)
        .await;
    let now = control.clock.now();
    let id = id.clone();
    let mut txn = control.records.begin().await;
    txn.update::<records::Secret>(name, |secret| match &told {
        Ok(()) => {
            secret.move_stage(CURRENT, &id);
            if let Some(version) = secret.versions.get_mut(&id) {
                version.stages.retain(|stage| stage != PENDING);
            }
            secret.rotated = Some(now);
        }
        Err(_) if if_refused == IfRefused::Forget => {
            secret.versions.remove(&id);
        }
        Err(_) => {}
    })?;
    txn.commit().await?;
    told.map_err(|error| {
        errors::internal_service_error(format!("The password could not be changed: {error}"))
    })
}

/// Ends the rotations that a crash cut off, and those for which the warehouse was not there.
pub async fn resume(control: &Arc<Control>) {
    for secret in control.records.view().list::<records::Secret>() {
        if secret.owner.is_some()
            && secret.staged(PENDING).is_some()
            && let Err(error) = finish(control, &secret.name, IfRefused::Keep).await
        {
            tracing::error!(%error, secret = secret.name, "rotation");
        }
    }
}

/// Rotates what is due. Where the warehouse cannot take a new password now, automatic rotation stops until
/// somebody rotates by hand.
pub async fn due(control: &Arc<Control>) {
    resume(control).await;
    let now = control.clock.now();
    for secret in control.records.view().list::<records::Secret>() {
        let due = secret
            .rotation
            .as_ref()
            .is_some_and(|rotation| rotation.enabled && rotation.next <= now);
        if let (true, Some(owner)) = (due, &secret.owner)
            && let Err(error) = rotate_due(control, &secret.name, owner).await
        {
            tracing::error!(%error, secret = secret.name, "rotation");
        }
    }
}

async fn rotate_due(
    control: &Arc<Control>,
    name: &str,
    owner: &records::Owner,
) -> Result<(), ApiError> {
    let now = control.clock.now();
    let blocked = guard(control, owner);
    let mut txn = control.records.begin().await;
    let Some(secret) = txn.get::<records::Secret>(name) else {
        return Ok(());
    };
    let mut secret = (*secret).clone();
    if let Some(rotation) = &mut secret.rotation {
        rotation.enabled = blocked.is_ok();
        rotation.next = now + Duration::days(rotation.days);
    }
    if blocked.is_ok() {
        let id = version_id(None);
        prepare(control, &mut txn, &mut secret, &id)?;
    }
    txn.put(secret)?;
    txn.commit().await?;
    match blocked {
        Ok(()) => finish(control, name, IfRefused::Forget).await,
        Err(why) => {
            tracing::warn!(secret = name, why, "automatic rotation stopped");
            Ok(())
        }
    }
}
