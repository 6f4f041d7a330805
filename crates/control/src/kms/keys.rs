//! Keys and aliases: made, shown, switched on and off, rotated, deleted.

use std::sync::Arc;

use chrono::Duration;
use lw_aws_model::kms::*;
use lw_aws_model::{ApiError, Nothing};
use lw_policy::{Kind, Policy, Request, Resource, ResourceRule};

use super::cipher::{material_id, usable};
use super::records::{self, KeyState, Rotation, default_policy, find, place};
use crate::identity::{Ask, decide};
use crate::page::page;
use crate::{Call, Control};

const DEFAULT_WINDOW_DAYS: i64 = 30;
const WINDOW_DAYS: std::ops::RangeInclusive<i64> = 7..=30;
const DEFAULT_ROTATION_DAYS: i64 = 365;
const POLICY_BYTES: usize = 32_768;
const TAGS: usize = 50;
const KEYS: usize = 100_000;

fn unsupported(what: impl std::fmt::Display) -> ApiError {
    errors::unsupported_operation_exception(format!("{what} is not supported by Longwave yet."))
}

fn shown(call: &Call, key: &records::Key) -> KeyMetadata {
    let pending = key.state == KeyState::PendingDeletion;
    let newest = key.materials.len().saturating_sub(1);
    KeyMetadata {
        aws_account_id: Some(call.config().account.clone()),
        key_id: key.key_id.clone(),
        arn: Some(key.arn(call.config())),
        creation_date: Some(key.created),
        enabled: Some(key.state == KeyState::Enabled),
        description: Some(key.description.clone()),
        key_usage: Some("ENCRYPT_DECRYPT".into()),
        key_state: Some(key.state.word().into()),
        deletion_date: key.deletion.filter(|_| pending),
        origin: Some("AWS_KMS".into()),
        key_manager: Some(
            if key.service.is_some() {
                "AWS"
            } else {
                "CUSTOMER"
            }
            .into(),
        ),
        customer_master_key_spec: Some("SYMMETRIC_DEFAULT".into()),
        key_spec: Some("SYMMETRIC_DEFAULT".into()),
        encryption_algorithms: Some(vec!["SYMMETRIC_DEFAULT".into()]),
        multi_region: Some(false),
        current_key_material_id: Some(material_id(key, newest)),
        ..Default::default()
    }
}

pub async fn create(call: Call, input: CreateKeyRequest) -> Result<CreateKeyResponse, ApiError> {
    check_kind(&input)?;
    let policy = match input.policy {
        Some(policy) => {
            let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
            check_policy(&call, &policy, bypass)?;
            policy
        }
        None => default_policy(call.config()),
    };
    let mut key = records::Key::new(&call.control, input.description.unwrap_or_default(), policy)?;
    for tag in input.tags.unwrap_or_default() {
        if tag.tag_key.to_lowercase().starts_with("aws:") {
            return Err(errors::tag_exception(
                "Tag keys that begin with aws: are reserved.",
            ));
        }
        if key.tags.insert(tag.tag_key, tag.tag_value).is_some() {
            return Err(errors::tag_exception("Duplicate tag keys."));
        }
    }
    if key.tags.len() > TAGS {
        return Err(errors::tag_exception(format!(
            "A key has at most {TAGS} tags."
        )));
    }
    let mut txn = call.begin().await;
    if txn.count::<records::Key>() >= KEYS {
        return Err(errors::limit_exceeded_exception(format!(
            "The account has {KEYS} keys already."
        )));
    }
    let answer = shown(&call, &key);
    txn.put(key)?;
    txn.commit().await?;
    Ok(CreateKeyResponse {
        key_metadata: Some(answer),
    })
}

fn check_kind(input: &CreateKeyRequest) -> Result<(), ApiError> {
    let spec = input
        .key_spec
        .as_ref()
        .or(input.customer_master_key_spec.as_ref())
        .filter(|spec| *spec != "SYMMETRIC_DEFAULT");
    if let Some(spec) = spec {
        return Err(unsupported(format!("KeySpec {spec}")));
    }
    match input.key_usage.as_deref() {
        None | Some("ENCRYPT_DECRYPT") => {}
        Some(usage) => {
            return Err(ApiError::validation(format!(
                "KeyUsage {usage} is not compatible with KeySpec SYMMETRIC_DEFAULT"
            )));
        }
    }
    match input.origin.as_deref() {
        None | Some("AWS_KMS") => {}
        Some(origin) => return Err(unsupported(format!("Origin {origin}"))),
    }
    if input.multi_region == Some(true) {
        return Err(unsupported("MultiRegion"));
    }
    if input.custom_key_store_id.is_some() || input.xks_key_id.is_some() {
        return Err(unsupported("CustomKeyStoreId"));
    }
    Ok(())
}

/// A policy is one, and whoever gives it may change it again.
fn check_policy(call: &Call, text: &str, bypass: bool) -> Result<(), ApiError> {
    let malformed = |what: String| errors::malformed_policy_document_exception(what);
    if text.len() > POLICY_BYTES {
        return Err(errors::limit_exceeded_exception(format!(
            "A key policy has at most {POLICY_BYTES} bytes."
        )));
    }
    let policy = Policy::parse(text, Kind::Resource).map_err(|e| malformed(e.to_string()))?;
    let ask = Ask {
        request: Request::new("kms:PutKeyPolicy", [Resource::new("*")]),
        resource_policy: Some(("new".into(), policy)),
        rule: ResourceRule::Required,
    };
    if !bypass && !decide(&call.view(), call.config(), &call.caller, &ask).is_allowed() {
        return Err(malformed(
            "The new key policy will not allow you to update the key policy in the future.".into(),
        ));
    }
    Ok(())
}

pub async fn describe(
    call: Call,
    input: DescribeKeyRequest,
) -> Result<DescribeKeyResponse, ApiError> {
    let key = find(&call.view(), call.config(), &input.key_id)?;
    Ok(DescribeKeyResponse {
        key_metadata: Some(shown(&call, &key)),
    })
}

pub async fn list(call: Call, input: ListKeysRequest) -> Result<ListKeysResponse, ApiError> {
    let keys = call.view().list::<records::Key>();
    let (keys, next) = paged(
        keys,
        |key| key.key_id.clone(),
        &input.marker,
        input.limit,
        100,
    )?;
    Ok(ListKeysResponse {
        keys: Some(
            keys.iter()
                .map(|key| KeyListEntry {
                    key_id: Some(key.key_id.clone()),
                    key_arn: Some(key.arn(call.config())),
                })
                .collect(),
        ),
        truncated: Some(next.is_some()),
        next_marker: next,
    })
}

fn paged<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    marker: &Option<String>,
    limit: Option<i64>,
    usual: i64,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    page(
        items,
        key,
        marker.as_deref(),
        limit.unwrap_or(usual) as usize,
    )
    .map_err(|_| errors::invalid_marker_exception("The marker is not valid."))
}

/// The key an operation changes: aliases do not do here, and those kept for services are theirs.
fn changeable(call: &Call, name: &str) -> Result<Arc<records::Key>, ApiError> {
    if name.starts_with("alias/") || name.contains(":alias/") {
        return Err(errors::not_found_exception(format!(
            "Invalid keyId '{name}'"
        )));
    }
    let key = find(&call.view(), call.config(), name)?;
    if key.service.is_some() {
        return Err(ApiError::denied(format!(
            "User: {} is not authorized to perform: kms:{} on resource: {} because it is an AWS managed key",
            call.caller.arn,
            call.operation,
            key.arn(call.config())
        )));
    }
    Ok(key)
}

async fn change<T>(
    call: &Call,
    name: &str,
    change: impl FnOnce(&mut records::Key) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let mut txn = call.begin().await;
    let mut key = (*changeable(call, name)?).clone();
    let result = change(&mut key)?;
    txn.put(key)?;
    txn.commit().await?;
    Ok(result)
}

fn pending(call: &Call, key: &records::Key) -> Result<(), ApiError> {
    match key.state {
        KeyState::PendingDeletion => usable(&call.control, key),
        _ => Ok(()),
    }
}

pub async fn enable(call: Call, input: EnableKeyRequest) -> Result<Nothing, ApiError> {
    change(&call, &input.key_id, |key| {
        pending(&call, key)?;
        key.state = KeyState::Enabled;
        Ok(Nothing)
    })
    .await
}

pub async fn disable(call: Call, input: DisableKeyRequest) -> Result<Nothing, ApiError> {
    change(&call, &input.key_id, |key| {
        pending(&call, key)?;
        key.state = KeyState::Disabled;
        Ok(Nothing)
    })
    .await
}

pub async fn enable_rotation(
    call: Call,
    input: EnableKeyRotationRequest,
) -> Result<Nothing, ApiError> {
    change(&call, &input.key_id, |key| {
        usable(&call.control, key)?;
        let days = input
            .rotation_period_in_days
            .unwrap_or(DEFAULT_ROTATION_DAYS);
        key.rotation = Some(Rotation {
            days,
            next: call.now() + Duration::days(days),
        });
        Ok(Nothing)
    })
    .await
}

pub async fn schedule_deletion(
    call: Call,
    input: ScheduleKeyDeletionRequest,
) -> Result<ScheduleKeyDeletionResponse, ApiError> {
    let days = input.pending_window_in_days.unwrap_or(DEFAULT_WINDOW_DAYS);
    if !WINDOW_DAYS.contains(&days) {
        return Err(ApiError::validation(format!(
            "PendingWindowInDays must be between 7 and 30 inclusive, not {days}."
        )));
    }
    let deletion = call.now() + Duration::days(days);
    change(&call, &input.key_id, |key| {
        pending(&call, key)?;
        key.state = KeyState::PendingDeletion;
        key.deletion = Some(deletion);
        key.window_days = Some(days);
        Ok(ScheduleKeyDeletionResponse {
            key_id: Some(key.arn(call.config())),
            deletion_date: Some(deletion),
            key_state: Some(key.state.word().into()),
            pending_window_in_days: Some(days),
        })
    })
    .await
}

pub async fn cancel_deletion(
    call: Call,
    input: CancelKeyDeletionRequest,
) -> Result<CancelKeyDeletionResponse, ApiError> {
    change(&call, &input.key_id, |key| {
        let arn = key.arn(call.config());
        if key.state != KeyState::PendingDeletion {
            return Err(errors::kms_invalid_state_exception(format!(
                "{arn} is not pending deletion."
            )));
        }
        // As it was scheduled, it was switched off; to use it again it is enabled.
        key.state = KeyState::Disabled;
        key.deletion = None;
        key.window_days = None;
        Ok(CancelKeyDeletionResponse { key_id: Some(arn) })
    })
    .await
}

pub async fn create_alias(call: Call, input: CreateAliasRequest) -> Result<Nothing, ApiError> {
    let name = input.alias_name;
    let valid = name
        .strip_prefix("alias/")
        .is_some_and(|rest| !rest.is_empty() && !rest.contains(':'));
    if !valid {
        return Err(ApiError::validation("Invalid identifier"));
    }
    if name.starts_with("alias/aws/") {
        return Err(errors::invalid_alias_name_exception(
            "Alias names that begin with alias/aws/ are reserved.",
        ));
    }
    if input.target_key_id.contains("alias/") {
        return Err(ApiError::validation(
            "Aliases must refer to keys. Not aliases",
        ));
    }
    let mut txn = call.begin().await;
    let key = changeable(&call, &input.target_key_id)?;
    pending(&call, &key)?;
    if txn.get::<records::Alias>(&name).is_some() {
        return Err(errors::already_exists_exception(format!(
            "An alias with the name {} already exists",
            lw_policy::arn::kms_alias(&place(call.config()), &name)
        )));
    }
    txn.put(records::Alias {
        name,
        key_id: key.key_id.clone(),
        created: call.now(),
    })?;
    txn.commit().await?;
    Ok(Nothing)
}

pub async fn delete_alias(call: Call, input: DeleteAliasRequest) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let arn = lw_policy::arn::kms_alias(&place(call.config()), &input.alias_name);
    if txn.get::<records::Alias>(&input.alias_name).is_none() {
        return Err(errors::not_found_exception(format!(
            "Alias {arn} is not found."
        )));
    }
    if input.alias_name.starts_with("alias/aws/") {
        return Err(ApiError::denied(format!(
            "Alias {arn} is an AWS managed alias."
        )));
    }
    txn.delete::<records::Alias>(&input.alias_name);
    txn.commit().await?;
    Ok(Nothing)
}

pub async fn list_aliases(
    call: Call,
    input: ListAliasesRequest,
) -> Result<ListAliasesResponse, ApiError> {
    let view = call.view();
    let mut aliases = view.list::<records::Alias>();
    if let Some(name) = &input.key_id {
        let key = find(&view, call.config(), name)?;
        aliases.retain(|alias| alias.key_id == key.key_id);
    }
    let (aliases, next) = paged(aliases, |a| a.name.clone(), &input.marker, input.limit, 50)?;
    Ok(ListAliasesResponse {
        aliases: Some(
            aliases
                .iter()
                .map(|alias| AliasListEntry {
                    alias_name: Some(alias.name.clone()),
                    alias_arn: Some(lw_policy::arn::kms_alias(
                        &place(call.config()),
                        &alias.name,
                    )),
                    target_key_id: Some(alias.key_id.clone()),
                    creation_date: Some(alias.created),
                    last_updated_date: Some(alias.created),
                })
                .collect(),
        ),
        truncated: Some(next.is_some()),
        next_marker: next,
    })
}

/// Deletes keys whose time has come, with their aliases, and rotates those that are due.
pub async fn due(control: &Control) -> Result<(), ApiError> {
    let now = control.clock.now();
    let is_due = |key: &records::Key| {
        key.deletion.is_some_and(|at| at <= now)
            || (key.state == KeyState::Enabled
                && key.rotation.as_ref().is_some_and(|r| r.next <= now))
    };
    let view = control.records.view();
    if !view.list::<records::Key>().iter().any(|key| is_due(key)) {
        return Ok(());
    }
    let mut txn = control.records.begin().await;
    for key in txn.list::<records::Key>().into_iter().filter(|k| is_due(k)) {
        if key.state == KeyState::PendingDeletion {
            for alias in txn.list::<records::Alias>() {
                if alias.key_id == key.key_id {
                    txn.delete::<records::Alias>(&alias.name);
                }
            }
            txn.delete::<records::Key>(&key.key_id);
            tracing::info!(key = key.key_id, "key deleted");
            continue;
        }
        let mut key = (*key).clone();
        key.add_material(control)?;
        if let Some(rotation) = &mut key.rotation {
            while rotation.next <= now {
                rotation.next += Duration::days(rotation.days.max(1));
            }
        }
        txn.put(key)?;
    }
    txn.commit().await
}
