//! What a call of IAM asks for.

use lw_aws_model::edge::CallerKind;
use lw_aws_model::{ApiError, Value};
use lw_policy::{Request, Resource};

use super::super::access::request_tags;
use super::super::authorize::Ask;
use super::super::invalid_token;
use super::super::records::{Identity, Role, User, name_id};
use crate::Call;

/// The action over the user, role or policy that the input names; a list over all under its path.
pub fn asks(call: &Call, input: &Value) -> Result<Vec<Ask>, ApiError> {
    if call.caller.expires.is_some() && matches!(call.caller.kind, CallerKind::User { .. }) {
        // Keys of GetSessionToken are good for everything but this.
        return Err(invalid_token());
    }
    let path = |member: &str| input.text(member).unwrap_or("/").to_owned();
    let of = |word: &str, path: &str, name: &str| {
        Resource::new(call.config().iam_arn(format!("{word}{path}{name}")))
    };
    let resource = if let Some(name) = input.text("RoleName") {
        identity::<Role>(call, "role", name, &path("Path"))
    } else if let Some(name) = input.text("UserName") {
        identity::<User>(call, "user", name, &path("Path"))
    } else if let Some(arn) = input.text("PolicyArn") {
        Resource::new(arn)
    } else if let Some(name) = input.text("PolicyName") {
        of("policy", &path("Path"), name)
    } else {
        match (call.operation, &call.caller.kind) {
            ("ListRoles", _) => of("role", &path("PathPrefix"), ""),
            ("ListUsers", _) => of("user", &path("PathPrefix"), ""),
            ("ListPolicies", _) => of("policy", &path("PathPrefix"), ""),
            (_, CallerKind::User { name }) => identity::<User>(call, "user", name, "/"),
            _ => Resource::new("*"),
        }
    };
    let mut request = Request::new(&format!("iam:{}", call.operation), [resource]);
    if let Some(arn) = input.text("PolicyArn") {
        request.keys.set("iam:PolicyARN", arn);
    }
    if let Some(arn) = input.text("PermissionsBoundary") {
        request.keys.set("iam:PermissionsBoundary", arn);
    }
    request_tags(call, input, &mut request);
    Ok(vec![request.into()])
}

fn identity<I: Identity>(call: &Call, word: &str, name: &str, path: &str) -> Resource {
    let arn = |path: &str, name: &str| call.config().iam_arn(format!("{word}{path}{name}"));
    match call.view().get::<I>(&name_id(name)) {
        Some(found) => Resource::new(arn(found.path(), found.name())).with_tags(
            found
                .tags()
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        ),
        None => Resource::new(arn(path, name)),
    }
}
