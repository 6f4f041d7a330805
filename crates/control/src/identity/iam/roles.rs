//! Roles.

use lw_aws_model::iam::*;
use lw_aws_model::{ApiError, Nothing};

use super::{
    add_tags, boundary, check_boundary, check_trust, encoded, limit, paged, some_tags, tags,
};
use crate::Call;
use crate::identity::records::{self, Grants, find, name_id, no_such, unique_id};
use crate::registry::{Depth, Registry};

const ROLES: usize = 1000;
const DEFAULT_SESSION_S: i64 = 3600;

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateRole, Depth::Full, create);
    registry.serve(op::GetRole, Depth::Full, get);
    registry.serve(op::ListRoles, Depth::Full, list);
    registry.serve(op::DeleteRole, Depth::Full, delete);
    registry.serve(op::UpdateAssumeRolePolicy, Depth::Full, update_trust);
    registry.serve(op::TagRole, Depth::Full, tag);
    registry.serve(op::ListRoleTags, Depth::Full, list_tags);
}

fn shown(call: &Call, role: &records::Role, with_all: bool) -> Role {
    Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.unique_id.clone(),
        arn: lw_policy::arn::iam_role(&call.config().account, &role.path, &role.name),
        create_date: role.created,
        assume_role_policy_document: Some(encoded(&role.trust)),
        description: role.description.clone(),
        max_session_duration: Some(role.max_session_s),
        permissions_boundary: boundary(&role.grants.boundary).filter(|_| with_all),
        tags: some_tags(&role.tags).filter(|_| with_all),
        role_last_used: with_all.then(RoleLastUsed::default),
        source_role_template: None,
    }
}

async fn create(call: Call, input: CreateRoleRequest) -> Result<CreateRoleResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    check_trust(&view, call.config(), &input.assume_role_policy_document)?;
    if txn
        .get::<records::Role>(&name_id(&input.role_name))
        .is_some()
    {
        return Err(errors::entity_already_exists_exception(format!(
            "Role with name {} already exists.",
            input.role_name
        )));
    }
    if txn.count::<records::Role>() >= ROLES {
        return Err(limit("RolesPerAccount", ROLES));
    }
    check_boundary(&view, call.config(), input.permissions_boundary.as_ref())?;
    let path = input.path.unwrap_or_else(|| "/".into());
    if path.starts_with("/aws-service-role/") {
        return Err(errors::invalid_input_exception(
            "The path /aws-service-role/ is reserved for service-linked roles.",
        ));
    }
    let mut role = records::Role {
        name: input.role_name,
        path,
        unique_id: unique_id("AROA"),
        created: call.now(),
        trust: input.assume_role_policy_document,
        description: input.description,
        max_session_s: input.max_session_duration.unwrap_or(DEFAULT_SESSION_S),
        tags: Default::default(),
        grants: Grants {
            boundary: input.permissions_boundary,
            ..Default::default()
        },
    };
    add_tags(&mut role.tags, input.tags.unwrap_or_default())?;
    let answer = shown(&call, &role, true);
    txn.put(role)?;
    txn.commit().await?;
    Ok(CreateRoleResponse { role: answer })
}

async fn get(call: Call, input: GetRoleRequest) -> Result<GetRoleResponse, ApiError> {
    let role = find::<records::Role>(&call.view(), &input.role_name)?;
    Ok(GetRoleResponse {
        role: shown(&call, &role, true),
    })
}

async fn list(call: Call, input: ListRolesRequest) -> Result<ListRolesResponse, ApiError> {
    let prefix = input.path_prefix.unwrap_or_else(|| "/".into());
    let roles = call
        .view()
        .list::<records::Role>()
        .into_iter()
        .filter(|role| role.path.starts_with(&prefix))
        .collect();
    let (page, is_truncated, marker) =
        paged(roles, |r| name_id(&r.name), &input.marker, input.max_items)?;
    Ok(ListRolesResponse {
        roles: page.iter().map(|role| shown(&call, role, false)).collect(),
        is_truncated,
        marker,
    })
}

async fn delete(call: Call, input: DeleteRoleRequest) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let id = name_id(&input.role_name);
    records::change::<records::Role, _>(&mut txn, &input.role_name, |role| {
        if !role.grants.attached.is_empty() {
            return Err(errors::delete_conflict_exception(
                "Cannot delete entity, must detach all policies first.",
            ));
        }
        if !role.grants.inline.is_empty() {
            return Err(errors::delete_conflict_exception(
                "Cannot delete entity, must delete policies first.",
            ));
        }
        Ok(())
    })?;
    txn.delete::<records::Role>(&id);
    txn.commit().await?;
    Ok(Nothing)
}

async fn update_trust(
    call: Call,
    input: UpdateAssumeRolePolicyRequest,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    if txn
        .get::<records::Role>(&name_id(&input.role_name))
        .is_none()
    {
        return Err(no_such("role", &input.role_name));
    }
    check_trust(&call.view(), call.config(), &input.policy_document)?;
    records::change::<records::Role, _>(&mut txn, &input.role_name, |role| {
        role.trust = input.policy_document;
        Ok(())
    })?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn tag(call: Call, input: TagRoleRequest) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    records::change::<records::Role, _>(&mut txn, &input.role_name, |role| {
        add_tags(&mut role.tags, input.tags)
    })?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn list_tags(
    call: Call,
    input: ListRoleTagsRequest,
) -> Result<ListRoleTagsResponse, ApiError> {
    let role = find::<records::Role>(&call.view(), &input.role_name)?;
    let (tags, is_truncated, marker) = paged(
        tags(&role.tags),
        |tag| tag.key.clone(),
        &input.marker,
        input.max_items,
    )?;
    Ok(ListRoleTagsResponse {
        tags,
        is_truncated,
        marker,
    })
}
