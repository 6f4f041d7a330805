//! What users and roles are granted: inline policies, and managed ones that are attached.

use lw_aws_model::iam::*;
use lw_aws_model::{ApiError, Nothing};
use lw_policy::{Kind, managed};

use super::{check_document, encoded, limit, paged, policy_exists, size};
use crate::Call;
use crate::identity::records::{self, Identity, change, find};
use crate::registry::{Depth, Registry};

const ATTACHED: usize = 10;
/// Characters of all inline policies together.
const USER_CHARS: usize = 2048;
const ROLE_CHARS: usize = 10_240;

pub fn register(registry: &mut Registry) {
    registry.serve(op::PutUserPolicy, Depth::Full, put_user_policy);
    registry.serve(op::PutRolePolicy, Depth::Full, put_role_policy);
    registry.serve(op::GetUserPolicy, Depth::Full, get_user_policy);
    registry.serve(op::GetRolePolicy, Depth::Full, get_role_policy);
    registry.serve(op::DeleteUserPolicy, Depth::Full, delete_user_policy);
    registry.serve(op::DeleteRolePolicy, Depth::Full, delete_role_policy);
    registry.serve(op::ListUserPolicies, Depth::Full, list_user_policies);
    registry.serve(op::ListRolePolicies, Depth::Full, list_role_policies);
    registry.serve(op::AttachUserPolicy, Depth::Full, attach_user_policy);
    registry.serve(op::AttachRolePolicy, Depth::Full, attach_role_policy);
    registry.serve(op::DetachUserPolicy, Depth::Full, detach_user_policy);
    registry.serve(op::DetachRolePolicy, Depth::Full, detach_role_policy);
    registry.serve(
        op::ListAttachedUserPolicies,
        Depth::Full,
        list_attached_user,
    );
    registry.serve(
        op::ListAttachedRolePolicies,
        Depth::Full,
        list_attached_role,
    );
}

async fn put_inline<I: Identity>(
    call: &Call,
    name: &str,
    policy: String,
    document: String,
    chars: usize,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    change::<I, _>(&mut txn, name, |identity| {
        check_document(&document, Kind::Identity)?;
        let inline = &mut identity.grants_mut().inline;
        inline.insert(policy, document);
        if inline
            .values()
            .map(|document| size(document))
            .sum::<usize>()
            > chars
        {
            return Err(errors::limit_exceeded_exception(format!(
                "Maximum policy size of {chars} bytes exceeded for {} {name}",
                I::WORD
            )));
        }
        Ok(())
    })?;
    txn.commit().await?;
    Ok(Nothing)
}

fn no_policy<I: Identity>(policy: &str) -> ApiError {
    errors::no_such_entity_exception(format!(
        "The {} policy with name {policy} cannot be found.",
        I::WORD
    ))
}

/// The name as it was given, and the document.
fn get_inline<I: Identity>(
    call: &Call,
    name: &str,
    policy: &str,
) -> Result<(String, String), ApiError> {
    let identity = find::<I>(&call.view(), name)?;
    let document = identity
        .grants()
        .inline
        .get(policy)
        .ok_or_else(|| no_policy::<I>(policy))?;
    Ok((identity.name().to_owned(), encoded(document)))
}

async fn delete_inline<I: Identity>(
    call: &Call,
    name: &str,
    policy: &str,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    change::<I, _>(&mut txn, name, |identity| {
        let removed = identity.grants_mut().inline.remove(policy);
        removed.map(|_| ()).ok_or_else(|| no_policy::<I>(policy))
    })?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn attach<I: Identity>(
    call: &Call,
    name: &str,
    arn: String,
    quota: &str,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    if managed::find(&arn).is_some_and(|managed| !managed.is_attachable()) {
        return Err(errors::policy_not_attachable_exception(format!(
            "Policy {arn} is not attachable."
        )));
    }
    if !policy_exists(&call.view(), call.config(), &arn) {
        return Err(errors::no_such_entity_exception(format!(
            "Policy {arn} does not exist or is not attachable."
        )));
    }
    change::<I, _>(&mut txn, name, |identity| {
        let attached = &mut identity.grants_mut().attached;
        if attached.contains(&arn) {
            return Ok(());
        }
        if attached.len() >= ATTACHED {
            return Err(limit(quota, ATTACHED));
        }
        attached.push(arn);
        Ok(())
    })?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn detach<I: Identity>(call: &Call, name: &str, arn: &str) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    change::<I, _>(&mut txn, name, |identity| {
        let attached = &mut identity.grants_mut().attached;
        let place = attached.iter().position(|a| a == arn).ok_or_else(|| {
            errors::no_such_entity_exception(format!("Policy {arn} was not found."))
        })?;
        attached.remove(place);
        Ok(())
    })?;
    txn.commit().await?;
    Ok(Nothing)
}

fn attached<I: Identity>(
    call: &Call,
    name: &str,
    prefix: Option<String>,
) -> Result<Vec<AttachedPolicy>, ApiError> {
    let identity = find::<I>(&call.view(), name)?;
    let prefix = prefix.unwrap_or_else(|| "/".into());
    let mut list: Vec<AttachedPolicy> = identity
        .grants()
        .attached
        .iter()
        .filter(|arn| {
            // arn:aws:iam::<account>:policy<path><name>
            arn.split_once(":policy")
                .is_some_and(|(_, path)| path.starts_with(&prefix))
        })
        .map(|arn| AttachedPolicy {
            policy_name: arn.rsplit('/').next().map(str::to_owned),
            policy_arn: Some(arn.clone()),
        })
        .collect();
    list.sort_by_key(attached_key);
    Ok(list)
}

fn attached_key(policy: &AttachedPolicy) -> String {
    policy.policy_arn.clone().unwrap_or_default()
}

fn inline_names<I: Identity>(call: &Call, name: &str) -> Result<Vec<String>, ApiError> {
    let identity = find::<I>(&call.view(), name)?;
    Ok(identity.grants().inline.keys().cloned().collect())
}

async fn put_user_policy(call: Call, input: PutUserPolicyRequest) -> Result<Nothing, ApiError> {
    let (policy, document) = (input.policy_name, input.policy_document);
    put_inline::<records::User>(&call, &input.user_name, policy, document, USER_CHARS).await
}

async fn put_role_policy(call: Call, input: PutRolePolicyRequest) -> Result<Nothing, ApiError> {
    let (policy, document) = (input.policy_name, input.policy_document);
    put_inline::<records::Role>(&call, &input.role_name, policy, document, ROLE_CHARS).await
}

async fn get_user_policy(
    call: Call,
    input: GetUserPolicyRequest,
) -> Result<GetUserPolicyResponse, ApiError> {
    let (user_name, policy_document) =
        get_inline::<records::User>(&call, &input.user_name, &input.policy_name)?;
    Ok(GetUserPolicyResponse {
        user_name,
        policy_name: input.policy_name,
        policy_document,
    })
}

async fn get_role_policy(
    call: Call,
    input: GetRolePolicyRequest,
) -> Result<GetRolePolicyResponse, ApiError> {
    let (role_name, policy_document) =
        get_inline::<records::Role>(&call, &input.role_name, &input.policy_name)?;
    Ok(GetRolePolicyResponse {
        role_name,
        policy_name: input.policy_name,
        policy_document,
    })
}

async fn delete_user_policy(
    call: Call,
    input: DeleteUserPolicyRequest,
) -> Result<Nothing, ApiError> {
    delete_inline::<records::User>(&call, &input.user_name, &input.policy_name).await
}

async fn delete_role_policy(
    call: Call,
    input: DeleteRolePolicyRequest,
) -> Result<Nothing, ApiError> {
    delete_inline::<records::Role>(&call, &input.role_name, &input.policy_name).await
}

async fn list_user_policies(
    call: Call,
    input: ListUserPoliciesRequest,
) -> Result<ListUserPoliciesResponse, ApiError> {
    let names = inline_names::<records::User>(&call, &input.user_name)?;
    let (policy_names, is_truncated, marker) =
        paged(names, String::clone, &input.marker, input.max_items)?;
    Ok(ListUserPoliciesResponse {
        policy_names,
        is_truncated,
        marker,
    })
}

async fn list_role_policies(
    call: Call,
    input: ListRolePoliciesRequest,
) -> Result<ListRolePoliciesResponse, ApiError> {
    let names = inline_names::<records::Role>(&call, &input.role_name)?;
    let (policy_names, is_truncated, marker) =
        paged(names, String::clone, &input.marker, input.max_items)?;
    Ok(ListRolePoliciesResponse {
        policy_names,
        is_truncated,
        marker,
    })
}

async fn attach_user_policy(
    call: Call,
    input: AttachUserPolicyRequest,
) -> Result<Nothing, ApiError> {
    attach::<records::User>(&call, &input.user_name, input.policy_arn, "PoliciesPerUser").await
}

async fn attach_role_policy(
    call: Call,
    input: AttachRolePolicyRequest,
) -> Result<Nothing, ApiError> {
    attach::<records::Role>(&call, &input.role_name, input.policy_arn, "PoliciesPerRole").await
}

async fn detach_user_policy(
    call: Call,
    input: DetachUserPolicyRequest,
) -> Result<Nothing, ApiError> {
    detach::<records::User>(&call, &input.user_name, &input.policy_arn).await
}

async fn detach_role_policy(
    call: Call,
    input: DetachRolePolicyRequest,
) -> Result<Nothing, ApiError> {
    detach::<records::Role>(&call, &input.role_name, &input.policy_arn).await
}

async fn list_attached_user(
    call: Call,
    input: ListAttachedUserPoliciesRequest,
) -> Result<ListAttachedUserPoliciesResponse, ApiError> {
    let all = attached::<records::User>(&call, &input.user_name, input.path_prefix)?;
    let (policies, is_truncated, marker) =
        paged(all, attached_key, &input.marker, input.max_items)?;
    Ok(ListAttachedUserPoliciesResponse {
        attached_policies: Some(policies),
        is_truncated,
        marker,
    })
}

async fn list_attached_role(
    call: Call,
    input: ListAttachedRolePoliciesRequest,
) -> Result<ListAttachedRolePoliciesResponse, ApiError> {
    let all = attached::<records::Role>(&call, &input.role_name, input.path_prefix)?;
    let (policies, is_truncated, marker) =
        paged(all, attached_key, &input.marker, input.max_items)?;
    Ok(ListAttachedRolePoliciesResponse {
        attached_policies: Some(policies),
        is_truncated,
        marker,
    })
}
