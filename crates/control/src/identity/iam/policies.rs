//! Managed policies: the account's own and the built-in ones.

use chrono::{DateTime, Utc};
use lw_aws_model::iam::*;
use lw_aws_model::{ApiError, Nothing};
use lw_policy::Kind;
use lw_policy::managed::{self, Managed};

use super::{add_tags, check_document, limit, paged, size, some_tags};
use crate::Call;
use crate::identity::authorize::managed_record;
use crate::identity::records::{self, Identity, ManagedPolicy, name_id, unique_id};
use crate::records::View;
use crate::registry::{Depth, Registry};

const POLICIES: usize = 1500;
const POLICY_CHARS: usize = 6144;

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreatePolicy, Depth::Full, create);
    registry.serve(op::GetPolicy, Depth::Full, get);
    registry.serve(op::ListPolicies, Depth::Full, list);
    registry.serve(op::DeletePolicy, Depth::Full, delete);
}

/// How many users and roles have it attached, and how many are bounded by it.
fn uses(view: &View, arn: &str) -> (i64, i64) {
    fn of<I: Identity>(view: &View, arn: &str) -> (i64, i64) {
        let all = view.list::<I>();
        let count = |f: &dyn Fn(&I) -> bool| all.iter().filter(|i| f(i)).count() as i64;
        (
            count(&|i| i.grants().attached.iter().any(|a| a == arn)),
            count(&|i| i.grants().boundary.as_deref() == Some(arn)),
        )
    }
    let (users, roles) = (
        of::<records::User>(view, arn),
        of::<records::Role>(view, arn),
    );
    (users.0 + roles.0, users.1 + roles.1)
}

fn shown(view: &View, policy: &ManagedPolicy, with_all: bool) -> Policy {
    let (attached, bounding) = uses(view, &policy.arn);
    Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.unique_id.clone()),
        arn: Some(policy.arn.clone()),
        path: Some(policy.path.clone()),
        default_version_id: Some("v1".into()),
        attachment_count: Some(attached),
        permissions_boundary_usage_count: Some(bounding),
        is_attachable: Some(true),
        description: policy.description.clone().filter(|_| with_all),
        create_date: Some(policy.created),
        update_date: Some(policy.created),
        tags: some_tags(&policy.tags).filter(|_| with_all),
    }
}

fn shown_built_in(view: &View, managed: &Managed, with_all: bool) -> Policy {
    let arn = managed.arn();
    let (attached, bounding) = uses(view, &arn);
    // The same in every account and after every start.
    let created: DateTime<Utc> = DateTime::UNIX_EPOCH;
    Policy {
        policy_name: Some(managed.name.into()),
        policy_id: Some(built_in_id(managed.name)),
        arn: Some(arn),
        path: Some(managed.path.into()),
        default_version_id: Some("v1".into()),
        attachment_count: Some(attached),
        permissions_boundary_usage_count: Some(bounding),
        is_attachable: Some(managed.is_attachable()),
        description: with_all.then(|| managed.description.into()),
        create_date: Some(created),
        update_date: Some(created),
        tags: None,
    }
}

fn built_in_id(name: &str) -> String {
    use sha2::Digest;
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = sha2::Sha256::digest(name);
    let letters = digest.iter().take(17);
    let letters: String = letters
        .map(|b| ALPHABET[(b & 31) as usize] as char)
        .collect();
    format!("ANPA{letters}")
}

async fn create(call: Call, input: CreatePolicyRequest) -> Result<CreatePolicyResponse, ApiError> {
    check_document(&input.policy_document, Kind::Identity)?;
    if size(&input.policy_document) > POLICY_CHARS {
        return Err(limit("PolicySize", POLICY_CHARS));
    }
    let mut txn = call.begin().await;
    if txn
        .get::<ManagedPolicy>(&name_id(&input.policy_name))
        .is_some()
    {
        return Err(errors::entity_already_exists_exception(format!(
            "A policy called {} already exists. Duplicate names are not allowed.",
            input.policy_name
        )));
    }
    if txn.count::<ManagedPolicy>() >= POLICIES {
        return Err(limit("PoliciesPerAccount", POLICIES));
    }
    let path = input.path.unwrap_or_else(|| "/".into());
    let mut policy = ManagedPolicy {
        arn: lw_policy::arn::iam_policy(&call.config().account, &path, &input.policy_name),
        name: input.policy_name,
        path,
        unique_id: unique_id("ANPA"),
        created: call.now(),
        description: input.description,
        document: input.policy_document,
        tags: Default::default(),
    };
    add_tags(&mut policy.tags, input.tags.unwrap_or_default())?;
    let answer = shown(&call.view(), &policy, true);
    txn.put(policy)?;
    txn.commit().await?;
    Ok(CreatePolicyResponse {
        policy: Some(answer),
    })
}

async fn get(call: Call, input: GetPolicyRequest) -> Result<GetPolicyResponse, ApiError> {
    let view = call.view();
    let policy = match managed::find(&input.policy_arn) {
        Some(managed) => shown_built_in(&view, managed, true),
        None => managed_record(&view, call.config(), &input.policy_arn)
            .map(|policy| shown(&view, &policy, true))
            .ok_or_else(|| missing(&input.policy_arn))?,
    };
    Ok(GetPolicyResponse {
        policy: Some(policy),
    })
}

fn missing(arn: &str) -> ApiError {
    errors::no_such_entity_exception(format!("Policy {arn} was not found."))
}

async fn list(call: Call, input: ListPoliciesRequest) -> Result<ListPoliciesResponse, ApiError> {
    let view = call.view();
    let scope = input.scope.as_deref().unwrap_or("All");
    let mut all: Vec<Policy> = Vec::new();
    if scope != "AWS" {
        let own = view.list::<ManagedPolicy>();
        all.extend(own.iter().map(|policy| shown(&view, policy, false)));
    }
    if scope != "Local" {
        all.extend(managed::ALL.iter().map(|m| shown_built_in(&view, m, false)));
    }
    let prefix = input.path_prefix.unwrap_or_else(|| "/".into());
    let only_attached = input.only_attached.unwrap_or(false);
    all.retain(|policy| {
        let attached = policy.attachment_count > Some(0);
        let bounding = policy.permissions_boundary_usage_count > Some(0);
        let used = match input.policy_usage_filter.as_deref() {
            Some("PermissionsBoundary") => bounding || !only_attached,
            Some(_) => attached || !only_attached,
            None => attached || bounding || !only_attached,
        };
        used && policy.path.as_ref().is_some_and(|p| p.starts_with(&prefix))
    });
    let key = |policy: &Policy| policy.arn.clone().unwrap_or_default();
    all.sort_by_key(key);
    let (policies, is_truncated, marker) = paged(all, key, &input.marker, input.max_items)?;
    Ok(ListPoliciesResponse {
        policies: Some(policies),
        is_truncated,
        marker,
    })
}

async fn delete(call: Call, input: DeletePolicyRequest) -> Result<Nothing, ApiError> {
    if managed::find(&input.policy_arn).is_some() {
        return Err(ApiError::denied(format!(
            "Policy {} is managed by AWS and cannot be deleted.",
            input.policy_arn
        )));
    }
    let mut txn = call.begin().await;
    let view = call.view();
    let policy = managed_record(&view, call.config(), &input.policy_arn)
        .ok_or_else(|| missing(&input.policy_arn))?;
    let (attached, bounding) = uses(&view, &policy.arn);
    if attached + bounding > 0 {
        return Err(errors::delete_conflict_exception(
            "Cannot delete a policy attached to entities.",
        ));
    }
    txn.delete::<ManagedPolicy>(&name_id(&policy.name));
    txn.commit().await?;
    Ok(Nothing)
}
