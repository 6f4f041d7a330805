//! Roles that a service acts with for a customer (rules, scheduled actions): whether the role trusts it, and
//! the session that it then is.

use std::sync::Arc;

use lw_aws_model::ApiError;
use lw_aws_model::edge::{Caller, CallerKind};
use lw_policy::{
    Kind, Named, Policies, Policy, Principal, Request, Resource, ResourceRule, arn, evaluate,
};

use super::{Role, authorize};
use crate::records::View;
use crate::{Call, ControlConfig};

/// The role with this ARN, if the service (`scheduler.redshift.amazonaws.com`) may assume it.
fn trusted(
    config: &ControlConfig,
    view: &View,
    role_arn: &str,
    service: &str,
) -> Result<Arc<Role>, ApiError> {
    let refused = || {
        ApiError::validation(format!(
            "Provided role '{role_arn}' cannot be assumed by principal '{service}'."
        ))
    };
    let role = view
        .list::<Role>()
        .into_iter()
        .find(|role| arn::iam_role(&config.account, &role.path, &role.name) == role_arn)
        .ok_or_else(refused)?;
    let trust = Policy::parse(&role.trust, Kind::Trust).map_err(|_| refused())?;
    let policies = Policies {
        resource: Some(Named::new(&role.name, &trust)),
        resource_rule: ResourceRule::Trust,
        ..Default::default()
    };
    let allowed = evaluate(
        &Principal::service(service, &config.region),
        &Request::new("sts:AssumeRole", [Resource::new(role_arn)]),
        &policies,
    )
    .is_allowed();
    allowed.then_some(role).ok_or_else(refused)
}

/// Asks whether the caller may give this role to a service, and whether it would be of use there.
pub fn may_pass(call: &Call, role_arn: &str, service: &str) -> Result<(), ApiError> {
    authorize(
        call,
        Request::new("iam:PassRole", [Resource::new(role_arn)])
            .with("iam:PassedToService", service),
    )?;
    trusted(call.config(), &call.view(), role_arn, service).map(|_| ())
}

/// The session of a role that a service is when it acts with it.
pub fn session(
    config: &ControlConfig,
    view: &View,
    role_arn: &str,
    service: &str,
    name: &str,
) -> Result<Caller, ApiError> {
    let role = trusted(config, view, role_arn, service)?;
    let session: String = name.chars().take(64).collect();
    Ok(Caller {
        account: config.account.clone(),
        arn: format!(
            "arn:aws:sts::{}:assumed-role/{}/{session}",
            config.account, role.name
        ),
        user_id: format!("{}:{session}", role.unique_id),
        kind: CallerKind::Role {
            name: role.name.clone(),
            session,
            chained: false,
        },
        access_key_id: String::new(),
        expires: None,
        session_policies: Vec::new(),
        tags: role.tags.clone(),
    })
}
