//! Authentication profiles (guide L16307-16402): options of connections that drivers fetch by name.

use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    AuthenticationProfile, CreateAuthenticationProfileMessage, CreateAuthenticationProfileResult,
    DeleteAuthenticationProfileMessage, DeleteAuthenticationProfileResult,
    DescribeAuthenticationProfilesMessage, DescribeAuthenticationProfilesResult,
    ModifyAuthenticationProfileMessage, ModifyAuthenticationProfileResult, errors, op,
};
use serde::{Deserialize, Serialize};

use super::common::Read;
use crate::Call;
use crate::records::Record;
use crate::registry::{Depth, Registry};

/// A profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Profile {
    pub name: String,
    pub content: String,
}

impl Record for Profile {
    const KIND: &'static str = "redshift.authentication-profile";
    fn id(&self) -> String {
        self.name.clone()
    }
}

/// Profiles of an account (L16338).
const QUOTA: usize = 10;
/// What a profile must not hold (L16342-16380).
const FORBIDDEN: &[&str] = &[
    "AccessKeyID",
    "access_key_id",
    "SecretAccessKey",
    "secret_access_key_id",
    "PWD",
    "Password",
    "password",
    "AuthProfile",
    "auth_profile",
];

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateAuthenticationProfile, Depth::Full, create);
    registry.serve(op::ModifyAuthenticationProfile, Depth::Full, modify);
    registry.serve(op::DeleteAuthenticationProfile, Depth::Full, delete);
    registry.serve(op::DescribeAuthenticationProfiles, Depth::Full, describe);
}

fn check(content: &str) -> Result<(), ApiError> {
    let wrong = |what: String| Err(errors::invalid_authentication_profile_request_fault(what));
    let options: serde_json::Map<String, serde_json::Value> = match serde_json::from_str(content) {
        Ok(options) => options,
        Err(error) => {
            return wrong(format!(
                "The authentication profile content is not a JSON object: {error}."
            ));
        }
    };
    match options.keys().find(|key| FORBIDDEN.contains(&key.as_str())) {
        Some(key) => wrong(format!(
            "The authentication profile content must not contain {key}."
        )),
        None => Ok(()),
    }
}

fn missing(name: &str) -> ApiError {
    errors::authentication_profile_not_found_fault(format!(
        "Authentication profile {name} not found."
    ))
}

async fn create(
    call: Call,
    input: CreateAuthenticationProfileMessage,
) -> Result<CreateAuthenticationProfileResult, ApiError> {
    let (name, content) = (
        input.authentication_profile_name,
        input.authentication_profile_content,
    );
    check(&content)?;
    let mut txn = call.begin().await;
    if txn.get::<Profile>(&name).is_some() {
        return Err(errors::authentication_profile_already_exists_fault(
            format!("Authentication profile {name} already exists."),
        ));
    }
    if txn.count::<Profile>() >= QUOTA {
        return Err(errors::authentication_profile_quota_exceeded_fault(
            format!("The quota of {QUOTA} authentication profiles is reached."),
        ));
    }
    txn.put(Profile {
        name: name.clone(),
        content: content.clone(),
    })?;
    txn.commit().await?;
    Ok(CreateAuthenticationProfileResult {
        authentication_profile_name: Some(name),
        authentication_profile_content: Some(content),
    })
}

async fn modify(
    call: Call,
    input: ModifyAuthenticationProfileMessage,
) -> Result<ModifyAuthenticationProfileResult, ApiError> {
    let (name, content) = (
        input.authentication_profile_name,
        input.authentication_profile_content,
    );
    check(&content)?;
    let mut txn = call.begin().await;
    if txn.get::<Profile>(&name).is_none() {
        return Err(missing(&name));
    }
    txn.put(Profile {
        name: name.clone(),
        content: content.clone(),
    })?;
    txn.commit().await?;
    Ok(ModifyAuthenticationProfileResult {
        authentication_profile_name: Some(name),
        authentication_profile_content: Some(content),
    })
}

async fn delete(
    call: Call,
    input: DeleteAuthenticationProfileMessage,
) -> Result<DeleteAuthenticationProfileResult, ApiError> {
    let name = input.authentication_profile_name;
    let mut txn = call.begin().await;
    if txn.get::<Profile>(&name).is_none() {
        return Err(missing(&name));
    }
    txn.delete::<Profile>(&name);
    txn.commit().await?;
    Ok(DeleteAuthenticationProfileResult {
        authentication_profile_name: Some(name),
    })
}

async fn describe(
    call: Call,
    input: DescribeAuthenticationProfilesMessage,
) -> Result<DescribeAuthenticationProfilesResult, ApiError> {
    let view = call.view();
    let all = match &input.authentication_profile_name {
        Some(name) => vec![Read::get::<Profile>(&view, name).ok_or_else(|| missing(name))?],
        None => Read::list::<Profile>(&view),
    };
    Ok(DescribeAuthenticationProfilesResult {
        authentication_profiles: Some(
            all.iter()
                .map(|profile| AuthenticationProfile {
                    authentication_profile_name: Some(profile.name.clone()),
                    authentication_profile_content: Some(profile.content.clone()),
                })
                .collect(),
        ),
    })
}
