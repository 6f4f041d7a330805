//! Secrets shown, without their values.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::secretsmanager::*;

use super::records::{self, find};
use crate::Call;
use crate::page::page;

fn tags(secret: &records::Secret) -> Option<Vec<Tag>> {
    let tags: Vec<Tag> = secret
        .tags
        .iter()
        .map(|(key, value)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect();
    (!tags.is_empty()).then_some(tags)
}

fn stages(secret: &records::Secret) -> Option<BTreeMap<String, Vec<String>>> {
    let staged: BTreeMap<_, _> = secret
        .versions
        .iter()
        .filter(|(_, version)| !version.stages.is_empty())
        .map(|(id, version)| (id.clone(), version.stages.clone()))
        .collect();
    (!staged.is_empty()).then_some(staged)
}

fn accessed(secret: &records::Secret) -> Option<DateTime<Utc>> {
    let day = secret.accessed?;
    Some(day.and_time(NaiveTime::MIN).and_utc())
}

/// Whose it is, if not the account's.
fn owning(secret: &records::Secret) -> Option<String> {
    secret.owner.as_ref().map(|_| "redshift".to_owned())
}

fn rules(secret: &records::Secret) -> Option<RotationRulesType> {
    secret.rotation.as_ref().map(|rotation| RotationRulesType {
        automatically_after_days: Some(rotation.days),
        ..Default::default()
    })
}

fn next(secret: &records::Secret) -> Option<DateTime<Utc>> {
    let rotation = secret.rotation.as_ref()?;
    rotation.enabled.then_some(rotation.next)
}

pub async fn describe(
    call: Call,
    input: DescribeSecretRequest,
) -> Result<DescribeSecretResponse, ApiError> {
    let secret = find(&call.view(), call.config(), &input.secret_id)?;
    let secret = &*secret;
    Ok(DescribeSecretResponse {
        arn: Some(secret.arn(call.config())),
        name: Some(secret.name.clone()),
        description: secret.description.clone(),
        kms_key_id: secret.kms_key.clone(),
        rotation_enabled: secret.rotation.as_ref().map(|r| r.enabled),
        rotation_rules: rules(secret),
        last_rotated_date: secret.rotated,
        last_changed_date: Some(secret.changed),
        last_accessed_date: accessed(secret),
        deleted_date: secret.deletion.map(|(since, _)| since),
        next_rotation_date: next(secret),
        tags: tags(secret),
        version_ids_to_stages: stages(secret),
        owning_service: owning(secret),
        created_date: Some(secret.created),
        ..Default::default()
    })
}

fn entry(call: &Call, secret: &records::Secret) -> SecretListEntry {
    SecretListEntry {
        arn: Some(secret.arn(call.config())),
        name: Some(secret.name.clone()),
        description: secret.description.clone(),
        kms_key_id: secret.kms_key.clone(),
        rotation_enabled: secret.rotation.as_ref().map(|r| r.enabled),
        rotation_rules: rules(secret),
        last_rotated_date: secret.rotated,
        last_changed_date: Some(secret.changed),
        last_accessed_date: accessed(secret),
        deleted_date: secret.deletion.map(|(since, _)| since),
        next_rotation_date: next(secret),
        tags: tags(secret),
        secret_versions_to_stages: stages(secret),
        owning_service: owning(secret),
        created_date: Some(secret.created),
        ..Default::default()
    }
}

pub async fn list(call: Call, input: ListSecretsRequest) -> Result<ListSecretsResponse, ApiError> {
    let filters = input.filters.unwrap_or_default();
    let planned = input.include_planned_deletion.unwrap_or(false);
    let mut secrets: Vec<Arc<records::Secret>> = call
        .view()
        .list::<records::Secret>()
        .into_iter()
        .filter(|secret| planned || secret.deletion.is_none())
        .filter(|secret| filters.iter().all(|f| fits(&call, secret, f)))
        .collect();
    let by = input.sort_by.unwrap_or_else(|| "created-date".into());
    let falling = input.sort_order.as_deref() != Some("asc");
    let key = |secret: &Arc<records::Secret>| order(secret, &by, falling);
    secrets.sort_by_key(key);
    if by == "name" && falling {
        secrets.reverse();
    }
    let limit = input.max_results.unwrap_or(100).clamp(1, 100) as usize;
    let token = input.next_token.as_deref();
    let (secrets, next_token) = match by == "name" && falling {
        // Falling texts have no order of keys to page by; the place in the list does.
        true => {
            let keyed = secrets.into_iter().enumerate().collect();
            let (page, next) =
                page(keyed, |(n, _)| format!("{n:08}"), token, limit).map_err(invalid_token)?;
            (page.into_iter().map(|(_, secret)| secret).collect(), next)
        }
        false => page(secrets, key, token, limit).map_err(invalid_token)?,
    };
    Ok(ListSecretsResponse {
        secret_list: Some(secrets.iter().map(|secret| entry(&call, secret)).collect()),
        next_token,
    })
}

fn invalid_token(_: ApiError) -> ApiError {
    errors::invalid_next_token_exception("The NextToken value is invalid.")
}

fn order(secret: &records::Secret, by: &str, falling: bool) -> String {
    let moment = match by {
        "name" => return secret.name.clone(),
        "last-changed-date" => Some(secret.changed),
        "last-accessed-date" => accessed(secret),
        _ => Some(secret.created),
    };
    let micros = moment.map_or(0, |m| m.timestamp_micros());
    let rank = if falling { i64::MAX - micros } else { micros };
    format!("{rank:020}/{}", secret.name)
}

/// Any of the filter's values fits; one that begins with `!` must not.
fn fits(call: &Call, secret: &records::Secret, filter: &Filter) -> bool {
    let key = filter.key.as_deref().unwrap_or("all");
    let values = filter.values.as_deref().unwrap_or_default();
    values.is_empty()
        || values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) => !fits_one(call, secret, key, value),
            None => fits_one(call, secret, key, value),
        })
}

fn fits_one(call: &Call, secret: &records::Secret, key: &str, value: &str) -> bool {
    let begins = |text: &str| text.starts_with(value);
    // Words of a text, without regard to case.
    let words = |text: &str| {
        let text = text.to_lowercase();
        value.to_lowercase().split_whitespace().all(|wanted| {
            text.split(|c: char| !c.is_alphanumeric())
                .any(|w| w.starts_with(wanted))
        })
    };
    match key {
        "name" => begins(&secret.name),
        "description" => words(secret.description.as_deref().unwrap_or_default()),
        "tag-key" => secret.tags.keys().any(|k| begins(k)),
        "tag-value" => secret.tags.values().any(|v| begins(v)),
        "owning-service" => owning(secret).is_some_and(|o| begins(&o)),
        "primary-region" => begins(&call.config().region),
        _ => {
            words(&secret.name)
                || words(secret.description.as_deref().unwrap_or_default())
                || secret.tags.iter().any(|(k, v)| words(k) || words(v))
        }
    }
}
