//! Access keys of users. A secret is shown when it is made, and never again.

use std::sync::Arc;

use lw_aws_model::iam::*;
use lw_aws_model::{ApiError, Nothing};

use super::{limit, paged, user_or_caller};
use crate::Call;
use crate::identity::records::{self, find, key_id, key_secret, name_id};
use crate::registry::{Depth, Registry};

const KEYS: usize = 2;

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateAccessKey, Depth::Full, create);
    registry.serve(op::ListAccessKeys, Depth::Full, list);
    registry.serve(op::UpdateAccessKey, Depth::Full, update);
    registry.serve(op::DeleteAccessKey, Depth::Full, delete);
}

fn status(active: bool) -> String {
    if active { "Active" } else { "Inactive" }.to_owned()
}

async fn create(
    call: Call,
    input: CreateAccessKeyRequest,
) -> Result<CreateAccessKeyResponse, ApiError> {
    let name = user_or_caller(&call, input.user_name)?;
    let mut txn = call.begin().await;
    let user = find::<records::User>(&call.view(), &name)?;
    let id = name_id(&name);
    let others = txn.list::<records::AccessKey>();
    if others.iter().filter(|key| key.user == id).count() >= KEYS {
        return Err(limit("AccessKeysPerUser", KEYS));
    }
    let (key_id, secret) = (key_id("AKIA"), key_secret());
    let sealed = call
        .control
        .root_key
        .seal_text(secret.as_bytes(), &key_id)
        .map_err(|_| ApiError::internal("the key cannot be sealed"))?;
    txn.put(records::AccessKey {
        key_id: key_id.clone(),
        user: id,
        sealed,
        active: true,
        created: call.now(),
    })?;
    txn.commit().await?;
    Ok(CreateAccessKeyResponse {
        access_key: AccessKey {
            user_name: user.name.clone(),
            access_key_id: key_id,
            status: status(true),
            secret_access_key: secret,
            create_date: Some(call.now()),
        },
    })
}

async fn list(
    call: Call,
    input: ListAccessKeysRequest,
) -> Result<ListAccessKeysResponse, ApiError> {
    let name = user_or_caller(&call, input.user_name)?;
    let user = find::<records::User>(&call.view(), &name)?;
    let keys: Vec<Arc<records::AccessKey>> = call
        .view()
        .list::<records::AccessKey>()
        .into_iter()
        .filter(|key| key.user == name_id(&name))
        .collect();
    let (page, is_truncated, marker) = paged(
        keys,
        |key| key.key_id.clone(),
        &input.marker,
        input.max_items,
    )?;
    Ok(ListAccessKeysResponse {
        access_key_metadata: page
            .iter()
            .map(|key| AccessKeyMetadata {
                user_name: Some(user.name.clone()),
                access_key_id: Some(key.key_id.clone()),
                status: Some(status(key.active)),
                create_date: Some(key.created),
            })
            .collect(),
        is_truncated,
        marker,
    })
}

fn missing(id: &str) -> ApiError {
    errors::no_such_entity_exception(format!("The Access Key with id {id} cannot be found."))
}

async fn update(call: Call, input: UpdateAccessKeyRequest) -> Result<Nothing, ApiError> {
    let name = user_or_caller(&call, input.user_name)?;
    let active = match input.status.as_str() {
        "Active" => true,
        "Inactive" => false,
        other => {
            return Err(errors::invalid_input_exception(format!(
                "Access keys cannot be set to {other}."
            )));
        }
    };
    let mut txn = call.begin().await;
    let key = txn
        .get::<records::AccessKey>(&input.access_key_id)
        .filter(|key| key.user == name_id(&name))
        .ok_or_else(|| missing(&input.access_key_id))?;
    let mut key = (*key).clone();
    key.active = active;
    txn.put(key)?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn delete(call: Call, input: DeleteAccessKeyRequest) -> Result<Nothing, ApiError> {
    let name = user_or_caller(&call, input.user_name)?;
    let mut txn = call.begin().await;
    txn.get::<records::AccessKey>(&input.access_key_id)
        .filter(|key| key.user == name_id(&name))
        .ok_or_else(|| missing(&input.access_key_id))?;
    txn.delete::<records::AccessKey>(&input.access_key_id);
    txn.commit().await?;
    Ok(Nothing)
}
