//! Users.

use lw_aws_model::ApiError;
use lw_aws_model::iam::*;

use super::{add_tags, boundary, check_boundary, limit, paged, some_tags, tags, user_or_caller};
use crate::Call;
use crate::identity::records::{self, AccessKey, Grants, find, name_id, no_such, unique_id};
use crate::registry::{Depth, Registry};

const USERS: usize = 5000;

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateUser, Depth::Full, create);
    registry.serve(op::GetUser, Depth::Full, get);
    registry.serve(op::ListUsers, Depth::Full, list);
    registry.serve(op::DeleteUser, Depth::Full, delete);
    registry.serve(op::TagUser, Depth::Full, tag);
    registry.serve(op::ListUserTags, Depth::Full, list_tags);
}

fn shown(call: &Call, user: &records::User, with_all: bool) -> User {
    User {
        path: user.path.clone(),
        user_name: user.name.clone(),
        user_id: user.unique_id.clone(),
        arn: lw_policy::arn::iam_user(&call.config().account, &user.path, &user.name),
        create_date: user.created,
        password_last_used: None,
        permissions_boundary: boundary(&user.grants.boundary).filter(|_| with_all),
        tags: some_tags(&user.tags).filter(|_| with_all),
    }
}

async fn create(call: Call, input: CreateUserRequest) -> Result<CreateUserResponse, ApiError> {
    let mut txn = call.begin().await;
    if txn
        .get::<records::User>(&name_id(&input.user_name))
        .is_some()
    {
        return Err(errors::entity_already_exists_exception(format!(
            "User with name {} already exists.",
            input.user_name
        )));
    }
    if txn.count::<records::User>() >= USERS {
        return Err(limit("UsersPerAccount", USERS));
    }
    check_boundary(
        &call.view(),
        call.config(),
        input.permissions_boundary.as_ref(),
    )?;
    let mut user = records::User {
        name: input.user_name,
        path: input.path.unwrap_or_else(|| "/".into()),
        unique_id: unique_id("AIDA"),
        created: call.now(),
        tags: Default::default(),
        grants: Grants {
            boundary: input.permissions_boundary,
            ..Default::default()
        },
    };
    add_tags(&mut user.tags, input.tags.unwrap_or_default())?;
    let answer = shown(&call, &user, true);
    txn.put(user)?;
    txn.commit().await?;
    Ok(CreateUserResponse { user: Some(answer) })
}

async fn get(call: Call, input: GetUserRequest) -> Result<GetUserResponse, ApiError> {
    let name = user_or_caller(&call, input.user_name)?;
    let user = find::<records::User>(&call.view(), &name)?;
    Ok(GetUserResponse {
        user: shown(&call, &user, true),
    })
}

async fn list(call: Call, input: ListUsersRequest) -> Result<ListUsersResponse, ApiError> {
    let prefix = input.path_prefix.unwrap_or_else(|| "/".into());
    let users = call
        .view()
        .list::<records::User>()
        .into_iter()
        .filter(|user| user.path.starts_with(&prefix))
        .collect();
    let (page, is_truncated, marker) =
        paged(users, |u| name_id(&u.name), &input.marker, input.max_items)?;
    Ok(ListUsersResponse {
        users: page.iter().map(|user| shown(&call, user, false)).collect(),
        is_truncated,
        marker,
    })
}

async fn delete(call: Call, input: DeleteUserRequest) -> Result<lw_aws_model::Nothing, ApiError> {
    let mut txn = call.begin().await;
    let id = name_id(&input.user_name);
    let user = txn
        .get::<records::User>(&id)
        .ok_or_else(|| no_such("user", &input.user_name))?;
    let conflict = if !user.grants.attached.is_empty() {
        Some("Cannot delete entity, must detach all policies first.")
    } else if !user.grants.inline.is_empty() {
        Some("Cannot delete entity, must delete policies first.")
    } else if txn.list::<AccessKey>().iter().any(|key| key.user == id) {
        Some("Cannot delete entity, must delete access keys first.")
    } else {
        None
    };
    if let Some(message) = conflict {
        return Err(errors::delete_conflict_exception(message));
    }
    txn.delete::<records::User>(&id);
    txn.commit().await?;
    Ok(lw_aws_model::Nothing)
}

async fn tag(call: Call, input: TagUserRequest) -> Result<lw_aws_model::Nothing, ApiError> {
    let mut txn = call.begin().await;
    records::change::<records::User, _>(&mut txn, &input.user_name, |user| {
        add_tags(&mut user.tags, input.tags)
    })?;
    txn.commit().await?;
    Ok(lw_aws_model::Nothing)
}

async fn list_tags(
    call: Call,
    input: ListUserTagsRequest,
) -> Result<ListUserTagsResponse, ApiError> {
    let user = find::<records::User>(&call.view(), &input.user_name)?;
    let all = tags(&user.tags);
    let (tags, is_truncated, marker) =
        paged(all, |tag| tag.key.clone(), &input.marker, input.max_items)?;
    Ok(ListUserTagsResponse {
        tags,
        is_truncated,
        marker,
    })
}
