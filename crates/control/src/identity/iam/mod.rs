//! IAM: users with their keys, roles, policies. Names, limits and messages are AWS's.

pub mod access;
mod grants;
mod keys;
mod policies;
mod roles;
mod users;

use std::collections::BTreeMap;

use lw_aws_model::ApiError;
use lw_aws_model::edge::CallerKind;
use lw_aws_model::iam::{AttachedPermissionsBoundary, Tag, errors};
use lw_policy::{Kind, Policy, PrincipalPattern};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::authorize::{malformed, managed_record};
use super::records::{Role, User, name_id};
use crate::page::page;
use crate::records::View;
use crate::registry::Registry;
use crate::{Call, ControlConfig};

/// Most tags of anything.
const TAGS: usize = 50;
/// Characters that stay in a document as it travels.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The operations.
pub fn register(registry: &mut Registry) {
    users::register(registry);
    keys::register(registry);
    roles::register(registry);
    policies::register(registry);
    grants::register(registry);
}

/// Documents are sent percent-encoded.
fn encoded(document: &str) -> String {
    utf8_percent_encode(document, UNRESERVED).to_string()
}

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::of("ValidationError", "ValidationError", 400, message)
}

fn limit(what: &str, most: usize) -> ApiError {
    errors::limit_exceeded_exception(format!("Cannot exceed quota for {what}: {most}"))
}

/// Length of a document as the quotas count it.
fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

fn check_document(document: &str, kind: Kind) -> Result<Policy, ApiError> {
    Policy::parse(document, kind).map_err(malformed)
}

/// A trust policy: principals of this account must exist.
fn check_trust(view: &View, config: &ControlConfig, document: &str) -> Result<(), ApiError> {
    const MOST: usize = 2048;
    let policy = check_document(document, Kind::Trust)?;
    if size(document) > MOST {
        return Err(limit("ACLSizePerRole", MOST));
    }
    for principal in policy.principals() {
        let PrincipalPattern::Arn(arn) = principal else {
            continue;
        };
        let named = |word: &str| -> Option<&str> {
            let rest = arn.strip_prefix(&config.iam_arn(format!("{word}/")))?;
            rest.rsplit('/').next()
        };
        let missing = match (named("user"), named("role")) {
            (Some(user), _) => view.get::<User>(&name_id(user)).is_none(),
            (_, Some(role)) => view.get::<Role>(&name_id(role)).is_none(),
            _ => false,
        };
        if missing {
            return Err(errors::malformed_policy_document_exception(format!(
                "Invalid principal in policy: \"AWS\":\"{arn}\""
            )));
        }
    }
    Ok(())
}

/// The policy that is to bound a user or role: it must be there.
fn check_boundary(
    view: &View,
    config: &ControlConfig,
    arn: Option<&String>,
) -> Result<(), ApiError> {
    match arn {
        Some(arn) if !policy_exists(view, config, arn) => Err(errors::no_such_entity_exception(
            format!("Scope ARN: {arn} does not exist or is not attachable."),
        )),
        _ => Ok(()),
    }
}

fn policy_exists(view: &View, config: &ControlConfig, arn: &str) -> bool {
    lw_policy::managed::find(arn).is_some() || managed_record(view, config, arn).is_some()
}

fn boundary(arn: &Option<String>) -> Option<AttachedPermissionsBoundary> {
    arn.as_ref().map(|arn| AttachedPermissionsBoundary {
        permissions_boundary_type: Some("Policy".into()),
        permissions_boundary_arn: Some(arn.clone()),
    })
}

/// Adds tags to those that are there.
fn add_tags(to: &mut BTreeMap<String, String>, tags: Vec<Tag>) -> Result<(), ApiError> {
    let mut seen = Vec::new();
    for tag in tags {
        let lower = tag.key.to_lowercase();
        if lower.starts_with("aws:") {
            return Err(errors::invalid_input_exception(
                "Tag keys prefixed with 'aws:' are reserved for internal use.",
            ));
        }
        if seen.contains(&lower) {
            return Err(errors::invalid_input_exception(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        seen.push(lower.clone());
        // The same key in another case replaces it.
        to.retain(|key, _| key.to_lowercase() != lower);
        to.insert(tag.key, tag.value);
    }
    if to.len() > TAGS {
        return Err(limit("TagsPerEntity", TAGS));
    }
    Ok(())
}

fn tags(of: &BTreeMap<String, String>) -> Vec<Tag> {
    of.iter()
        .map(|(key, value)| Tag {
            key: key.clone(),
            value: value.clone(),
        })
        .collect()
}

/// Tags where none are left out of the answer.
fn some_tags(of: &BTreeMap<String, String>) -> Option<Vec<Tag>> {
    (!of.is_empty()).then(|| tags(of))
}

/// A page of a list, whether there is more, and where.
type Paged<T> = (Vec<T>, Option<bool>, Option<String>);

fn paged<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    marker: &Option<String>,
    most: Option<i64>,
) -> Result<Paged<T>, ApiError> {
    let limit = most.unwrap_or(100).clamp(1, 1000) as usize;
    let (items, next) =
        page(items, key, marker.as_deref(), limit).map_err(|_| validation("Invalid Marker."))?;
    Ok((items, Some(next.is_some()), next))
}

/// The user an operation is about: the one named, or the one who asks.
fn user_or_caller(call: &Call, named: Option<String>) -> Result<String, ApiError> {
    match (named, &call.caller.kind) {
        (Some(name), _) => Ok(name),
        (None, CallerKind::User { name }) => Ok(name.clone()),
        (None, _) => Err(validation(
            "Must specify userName when calling with non-User credentials",
        )),
    }
}
