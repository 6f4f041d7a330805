//! May they do it? The caller's policies, those of the session, and the policy of the resource are put
//! together and asked ([`lw_policy::evaluate`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use lw_aws_model::edge::{Caller, CallerKind};
use lw_aws_model::{ApiError, Value};
use lw_policy::{
    Decision, Keys, Kind, Malformed, Named, Policies, Policy, Principal, Request, ResourceRule,
    evaluate,
};

use super::access;
use super::records::{Grants, ManagedPolicy, Role, User, name_id};
use crate::records::View;
use crate::{Call, ControlConfig};

/// A request with the policy of its resource, where that has one.
pub struct Ask {
    /// What is asked for.
    pub request: Request,
    /// The resource's own policy, by name.
    pub resource_policy: Option<(String, Policy)>,
    /// What that is for.
    pub rule: ResourceRule,
}

impl From<Request> for Ask {
    fn from(request: Request) -> Ask {
        Ask {
            request,
            resource_policy: None,
            rule: ResourceRule::Adds,
        }
    }
}

/// Asks whether the caller may make this call. What a call does beyond its own action (passing a role,
/// joining a group) is asked for by the operation, with [`authorize`].
pub fn authorize_call(call: &Call, input: &Value) -> Result<(), ApiError> {
    for ask in access::asks(call, input)? {
        authorize(call, ask)?;
    }
    Ok(())
}

/// Asks whether the caller may do something. The facts about the call are added to those of the request.
pub fn authorize(call: &Call, ask: impl Into<Ask>) -> Result<(), ApiError> {
    let mut ask = ask.into();
    if matches!(call.caller.kind, CallerKind::Root | CallerKind::Service) {
        return Ok(());
    }
    let mut keys = call_keys(call);
    keys.extend(&ask.request.keys);
    ask.request.keys = keys;
    let view = call.view();
    let decision = decide(&view, call.config(), &call.caller, &ask);
    match decision.message(&call.caller.arn, &ask.request.action) {
        Some(message) => Err(ApiError::denied(message)),
        None => Ok(()),
    }
}

/// What the caller's and the resource's policies say.
pub fn decide(view: &View, config: &ControlConfig, caller: &Caller, ask: &Ask) -> Decision {
    let (principal, grants) = principal(view, caller);
    let own = Owned::of(view, config, &grants);
    let session: Option<Vec<Policy>> = (!caller.session_policies.is_empty()).then(|| {
        caller
            .session_policies
            .iter()
            .filter_map(|text| read(text))
            .collect()
    });
    let mut policies = own.policies();
    policies.session = session.as_ref().map(|given| {
        given
            .iter()
            .map(|policy| Named::new("session", policy))
            .collect()
    });
    policies.resource = ask
        .resource_policy
        .as_ref()
        .map(|(name, policy)| Named::new(name, policy));
    policies.resource_rule = ask.rule;
    evaluate(&principal, &ask.request, &policies)
}

/// A policy that was kept. One that cannot be read grants nothing; it was read when it was given.
pub fn read(text: &str) -> Option<Policy> {
    match Policy::parse(text, Kind::Identity) {
        Ok(policy) => Some(policy),
        Err(error) => {
            tracing::error!(%error, "a policy cannot be read");
            None
        }
    }
}

/// The policies of a user or role, read.
pub struct Owned {
    identity: Vec<(String, Arc<Policy>)>,
    boundary: Option<(String, Arc<Policy>)>,
}

impl Owned {
    /// Of these grants.
    pub fn of(view: &View, config: &ControlConfig, grants: &Grants) -> Owned {
        let inline = grants
            .inline
            .iter()
            .filter_map(|(name, text)| Some((name.clone(), Arc::new(read(text)?))));
        let attached = grants
            .attached
            .iter()
            .filter_map(|arn| Some((arn.clone(), managed(view, config, arn)?)));
        let mut identity: Vec<_> = inline.chain(attached).collect();
        let boundary = grants.boundary.as_ref().map(|arn| {
            // A boundary that is gone bounds everything.
            let nothing = || {
                Arc::new(Policy {
                    id: None,
                    version: lw_policy::Version::Current,
                    statements: Vec::new(),
                })
            };
            (
                arn.clone(),
                managed(view, config, arn).unwrap_or_else(nothing),
            )
        });
        identity.shrink_to_fit();
        Owned { identity, boundary }
    }

    /// As the evaluation takes them.
    pub fn policies(&self) -> Policies<'_> {
        Policies {
            identity: self
                .identity
                .iter()
                .map(|(name, policy)| Named::new(name, policy))
                .collect(),
            boundary: self
                .boundary
                .as_ref()
                .map(|(name, policy)| Named::new(name, policy)),
            ..Policies::default()
        }
    }
}

/// A managed policy, the account's or a built-in one.
fn managed(view: &View, config: &ControlConfig, arn: &str) -> Option<Arc<Policy>> {
    if let Some(policy) = lw_policy::managed::policy(arn) {
        return Some(Arc::new(policy.clone()));
    }
    let record = managed_record(view, config, arn)?;
    read(&record.document).map(Arc::new)
}

/// The account's policy with this ARN.
pub fn managed_record(
    view: &View,
    config: &ControlConfig,
    arn: &str,
) -> Option<Arc<ManagedPolicy>> {
    let name = arn
        .strip_prefix(&config.iam_arn("policy"))?
        .rsplit('/')
        .next()?;
    view.get::<ManagedPolicy>(&name_id(name))
        .filter(|policy| policy.arn == arn)
}

/// Who the caller is, for policies, and what is granted to them.
pub fn principal(view: &View, caller: &Caller) -> (Principal, Grants) {
    let tags = |tags: &BTreeMap<String, String>| -> Vec<(String, String)> {
        tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let account = &caller.account;
    let (mut principal, grants) = match &caller.kind {
        CallerKind::Root | CallerKind::Service => (Principal::root(account), Grants::default()),
        CallerKind::Anonymous => (Principal::anonymous(), Grants::default()),
        CallerKind::User { name } => match view.get::<User>(&name_id(name)) {
            Some(user) => (
                Principal::user(account, &user.path, &user.name, &user.unique_id),
                user.grants.clone(),
            ),
            None => (Principal::anonymous(), Grants::default()),
        },
        CallerKind::Role { name, session, .. } => match view.get::<Role>(&name_id(name)) {
            Some(role) => (
                Principal::session(account, &role.path, &role.name, &role.unique_id, session),
                role.grants.clone(),
            ),
            None => (Principal::anonymous(), Grants::default()),
        },
    };
    principal.tags = tags(&caller.tags);
    (principal, grants)
}

/// What is known of the call itself.
fn call_keys(call: &Call) -> Keys {
    let mut keys = Keys::new();
    keys.set_time(call.now());
    if let Some(ip) = call.source_ip {
        keys.set("aws:SourceIp", ip.to_string());
    }
    if !call.user_agent.is_empty() {
        keys.set("aws:UserAgent", call.user_agent.as_str());
    }
    keys.set("aws:SecureTransport", call.secure.to_string());
    keys.set("aws:RequestedRegion", call.config().region.as_str());
    keys.set("aws:ViaAWSService", "false");
    if call.caller.expires.is_some() {
        // Long-term keys do not have it, which BoolIfExists tells apart.
        keys.set("aws:MultiFactorAuthPresent", "false");
    }
    keys
}

/// The complaint about a document as IAM words it.
pub fn malformed(error: Malformed) -> ApiError {
    lw_aws_model::iam::errors::malformed_policy_document_exception(error.to_string())
}
