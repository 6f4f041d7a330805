//! STS: sessions of roles, and one's own.

use std::collections::BTreeMap;

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::edge::CallerKind;
use lw_aws_model::sts::*;
use lw_policy::{Kind, Policy, Request, Resource, ResourceRule};

use super::authorize::{self, Ask};
use super::records::{Role, name_id};
use super::sessions::{Session, Who};
use crate::Call;
use crate::registry::{Depth, Registry};

/// The longest session of a role that a session of a role assumed.
const CHAINED_S: i64 = 3600;
const DEFAULT_S: i64 = 3600;
/// How much a session's policies may hold together.
const POLICY_BYTES: usize = 2048;
const POLICY_ARNS: usize = 10;
const TAGS: usize = 50;

/// The operations.
pub fn register(registry: &mut Registry) {
    const NO_PROVIDERS: &str = "identity providers of SAML and OpenID Connect cannot be registered";
    registry.serve(op::AssumeRole, Depth::Full, assume_role);
    registry.serve(op::GetCallerIdentity, Depth::Full, get_caller_identity);
    registry.serve(op::GetSessionToken, Depth::Full, get_session_token);
    registry.refuse(op::AssumeRoleWithSAML, NO_PROVIDERS);
    registry.refuse(op::AssumeRoleWithWebIdentity, NO_PROVIDERS);
}

async fn get_caller_identity(
    call: Call,
    _input: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, ApiError> {
    Ok(GetCallerIdentityResponse {
        user_id: Some(call.caller.user_id.clone()),
        account: Some(call.caller.account.clone()),
        arn: Some(call.caller.arn.clone()),
    })
}

async fn get_session_token(
    call: Call,
    input: GetSessionTokenRequest,
) -> Result<GetSessionTokenResponse, ApiError> {
    if input.serial_number.is_some() || input.token_code.is_some() {
        return Err(ApiError::denied(
            "MultiFactorAuthentication failed with invalid MFA one time pass code.",
        ));
    }
    if call.caller.expires.is_some() {
        return Err(ApiError::denied(
            "Cannot call GetSessionToken with session credentials",
        ));
    }
    let (who, longest) = match &call.caller.kind {
        CallerKind::Root => (Who::Root, 3600),
        CallerKind::User { name } => (
            Who::User {
                name: name.clone(),
                id: call.caller.user_id.clone(),
            },
            129_600,
        ),
        _ => return Err(ApiError::denied("Access denied")),
    };
    let seconds = input.duration_seconds.unwrap_or(43_200).min(longest);
    let session = Session::new(who, call.now(), Duration::seconds(seconds));
    Ok(GetSessionTokenResponse {
        credentials: Some(session.credentials(&call.control)?),
        ..Default::default()
    })
}

async fn assume_role(call: Call, input: AssumeRoleRequest) -> Result<AssumeRoleResponse, ApiError> {
    if input.serial_number.is_some() || input.token_code.is_some() {
        return Err(ApiError::denied(
            "MultiFactorAuthentication failed with invalid MFA one time pass code.",
        ));
    }
    if input
        .provided_contexts
        .as_ref()
        .is_some_and(|c| !c.is_empty())
    {
        return Err(ApiError::unsupported("ProvidedContexts"));
    }
    // Both would have to reach sessions that are assumed from this one.
    if input
        .transitive_tag_keys
        .as_ref()
        .is_some_and(|k| !k.is_empty())
    {
        return Err(ApiError::unsupported("TransitiveTagKeys"));
    }
    if input.source_identity.is_some() {
        return Err(ApiError::unsupported("SourceIdentity"));
    }
    if call.caller.kind == CallerKind::Root {
        return Err(ApiError::denied(
            "Roles may not be assumed by root accounts.",
        ));
    }
    let denied = || {
        // The same whether there is such a role or not.
        ApiError::denied(format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
            call.caller.arn, input.role_arn
        ))
    };
    let role = by_arn(&call, &input.role_arn).ok_or_else(denied)?;
    let tags = session_tags(&input)?;
    let policies = session_policies(&call, &input)?;
    may_assume(&call, &role, &input, &tags)?;

    let chained = matches!(call.caller.kind, CallerKind::Role { .. });
    let seconds = input.duration_seconds.unwrap_or(DEFAULT_S);
    if seconds > role.max_session_s {
        return Err(ApiError::of(
            "ValidationException",
            "ValidationError",
            400,
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    if chained && seconds > CHAINED_S {
        return Err(ApiError::of(
            "ValidationException",
            "ValidationError",
            400,
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    let mut session = Session::new(
        Who::Role {
            name: role.name.clone(),
            id: role.unique_id.clone(),
            session: input.role_session_name.clone(),
            chained,
        },
        call.now(),
        Duration::seconds(seconds),
    );
    let packed = policies.iter().map(String::len).sum::<usize>()
        + tags.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
    let packed = (!policies.is_empty() || !tags.is_empty())
        .then_some((packed * 100).div_ceil(POLICY_BYTES + TAGS * 128).min(100) as i64);
    session.policies = policies;
    session.tags = tags;
    Ok(AssumeRoleResponse {
        credentials: Some(session.credentials(&call.control)?),
        assumed_role_user: Some(AssumedRoleUser {
            assumed_role_id: format!("{}:{}", role.unique_id, input.role_session_name),
            arn: lw_policy::arn::assumed_role(
                &call.config().account,
                &role.name,
                &input.role_session_name,
            ),
        }),
        packed_policy_size: packed,
        ..Default::default()
    })
}

fn by_arn(call: &Call, arn: &str) -> Option<std::sync::Arc<Role>> {
    let name = arn
        .strip_prefix(&call.config().iam_arn("role/"))?
        .rsplit('/')
        .next()?;
    call.view().get::<Role>(&name_id(name)).filter(|role| {
        lw_policy::arn::iam_role(&call.config().account, &role.path, &role.name) == arn
    })
}

/// Asks the role's trust policy, and the caller's own where that one leaves it to the account.
fn may_assume(
    call: &Call,
    role: &Role,
    input: &AssumeRoleRequest,
    tags: &BTreeMap<String, String>,
) -> Result<(), ApiError> {
    let mut actions = vec!["sts:AssumeRole"];
    if !tags.is_empty() {
        actions.push("sts:TagSession");
    }
    for action in actions {
        let trust = Policy::parse(&role.trust, Kind::Trust).map_err(ApiError::internal)?;
        let resource = Resource::new(input.role_arn.as_str())
            .with_tags(role.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        let mut request = Request::new(action, [resource])
            .with("sts:RoleSessionName", input.role_session_name.as_str());
        if let Some(id) = &input.external_id {
            request.keys.set("sts:ExternalId", id.as_str());
        }
        if let Some(seconds) = input.duration_seconds {
            request.keys.set("sts:DurationSeconds", seconds.to_string());
        }
        request
            .keys
            .set_request_tags(tags.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        authorize::authorize(
            call,
            Ask {
                request,
                resource_policy: Some((role.name.clone(), trust)),
                rule: ResourceRule::Trust,
            },
        )?;
    }
    Ok(())
}

fn session_tags(input: &AssumeRoleRequest) -> Result<BTreeMap<String, String>, ApiError> {
    let given = input.tags.as_deref().unwrap_or_default();
    let invalid =
        |message: String| ApiError::of("ValidationException", "ValidationError", 400, message);
    if given.len() > TAGS {
        return Err(invalid(format!("A session has at most {TAGS} tags.")));
    }
    let mut tags = BTreeMap::new();
    for tag in given {
        if tag.key.to_lowercase().starts_with("aws:") {
            return Err(invalid(
                "Tag keys that begin with aws: are reserved.".to_owned(),
            ));
        }
        if tags
            .keys()
            .any(|k: &String| k.eq_ignore_ascii_case(&tag.key))
        {
            return Err(ApiError::of(
                "InvalidParameterValue",
                "InvalidParameterValue",
                400,
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        tags.insert(tag.key.clone(), tag.value.clone());
    }
    Ok(tags)
}

/// The documents of the session's policies. Managed ones are taken as they are now.
fn session_policies(call: &Call, input: &AssumeRoleRequest) -> Result<Vec<String>, ApiError> {
    let mut policies = Vec::new();
    if let Some(text) = &input.policy {
        if text.len() > POLICY_BYTES {
            return Err(errors::packed_policy_too_large_exception(format!(
                "Packed policy consumes {}% of allotted space, please use smaller policy.",
                text.len() * 100 / POLICY_BYTES
            )));
        }
        Policy::parse(text, Kind::Identity)
            .map_err(|error| errors::malformed_policy_document_exception(error.to_string()))?;
        policies.push(text.clone());
    }
    let arns = input.policy_arns.as_deref().unwrap_or_default();
    if arns.len() > POLICY_ARNS {
        return Err(errors::packed_policy_too_large_exception(format!(
            "A session has at most {POLICY_ARNS} managed policies."
        )));
    }
    let view = call.view();
    for arn in arns.iter().filter_map(|descriptor| descriptor.arn.as_ref()) {
        let document = match lw_policy::managed::find(arn) {
            Some(managed) => managed.document.to_owned(),
            None => authorize::managed_record(&view, call.config(), arn)
                .map(|policy| policy.document.clone())
                .ok_or_else(|| {
                    ApiError::of(
                        "ValidationException",
                        "ValidationError",
                        400,
                        format!("Policy {arn} does not exist."),
                    )
                })?,
        };
        policies.push(document);
    }
    Ok(policies)
}
