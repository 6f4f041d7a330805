//! Roles that rules act with: who may give one to a rule, and the session that a rule is.

use lw_aws_model::ApiError;
use lw_aws_model::edge::{Caller, CallerKind};

use crate::identity::service_roles;
use crate::records::View;
use crate::{Call, ControlConfig};

/// The service that the roles of rules trust (guide L18139).
const SERVICE: &str = "events.amazonaws.com";

/// Asks whether the caller may give this role to a rule, and whether it would be of use there.
pub fn may_pass(call: &Call, role_arn: &str) -> Result<(), ApiError> {
    service_roles::may_pass(call, role_arn, SERVICE)
}

/// Who a rule is: a session of its role. One without a role was made by the root, and is it.
pub fn caller(
    config: &ControlConfig,
    view: &View,
    role_arn: Option<&str>,
    rule: &str,
) -> Result<Caller, ApiError> {
    if let Some(role_arn) = role_arn {
        return service_roles::session(config, view, role_arn, SERVICE, rule);
    }
    Ok(Caller {
        account: config.account.clone(),
        arn: config.iam_arn("root"),
        user_id: config.account.clone(),
        kind: CallerKind::Service,
        access_key_id: String::new(),
        expires: None,
        session_policies: Vec::new(),
        tags: Default::default(),
    })
}
