//! Roles that rules act with: who may give one to a rule, and the session that a rule is.

use lw_aws_model::ApiError;
use lw_aws_model::edge::{Caller, CallerKind};
use lw_policy::{
    Kind, Named, Policies, Policy, Principal, Request, Resource, ResourceRule, arn, evaluate,
};

use crate::identity::{Role, authorize};
use crate::records::View;
use crate::{Call, ControlConfig};

/// The service that the roles of rules trust (guide L18139).
const SERVICE: &str = "events.amazonaws.com";

/// The role with this ARN, if the service may assume it.
fn trusted(config: &ControlConfig, view: &View, role_arn: &str) -> Option<std::sync::Arc<Role>> {
    let role = view
        .list::<Role>()
        .into_iter()
        .find(|role| arn::iam_role(&config.account, &role.path, &role.name) == role_arn)?;
    let trust = Policy::parse(&role.trust, Kind::Trust).ok()?;
    let request = Request::new("sts:AssumeRole", [Resource::new(role_arn)]);
    let policies = Policies {
        resource: Some(Named::new(&role.name, &trust)),
        resource_rule: ResourceRule::Trust,
        ..Default::default()
    };
    evaluate(
        &Principal::service(SERVICE, &config.region),
        &request,
        &policies,
    )
    .is_allowed()
    .then_some(role)
}

fn cannot_be_assumed(role_arn: &str) -> ApiError {
    ApiError::validation(format!(
        "Provided role '{role_arn}' cannot be assumed by principal '{SERVICE}'."
    ))
}

/// Asks whether the caller may give this role to a rule, and whether it would be of use there.
pub fn may_pass(call: &Call, role_arn: &str) -> Result<(), ApiError> {
    authorize(
        call,
        Request::new("iam:PassRole", [Resource::new(role_arn)])
            .with("iam:PassedToService", SERVICE),
    )?;
    match trusted(call.config(), &call.view(), role_arn) {
        Some(_) => Ok(()),
        None => Err(cannot_be_assumed(role_arn)),
    }
}

/// Who a rule is: a session of its role. One without a role was made by the root, and is it.
pub fn caller(
    config: &ControlConfig,
    view: &View,
    role_arn: Option<&str>,
    rule: &str,
) -> Result<Caller, ApiError> {
    let Some(role_arn) = role_arn else {
        return Ok(Caller {
            account: config.account.clone(),
            arn: config.iam_arn("root"),
            user_id: config.account.clone(),
            kind: CallerKind::Service,
            access_key_id: String::new(),
            expires: None,
            session_policies: Vec::new(),
            tags: Default::default(),
        });
    };
    let role = trusted(config, view, role_arn).ok_or_else(|| cannot_be_assumed(role_arn))?;
    let session: String = rule.chars().take(64).collect();
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
