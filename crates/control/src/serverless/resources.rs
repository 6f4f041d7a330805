//! From an ARN to what it names.

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::errors;

use super::backups::{RecoveryPoint, Snapshot, Stage};
use super::state::{Namespace, SERVICE, Workgroup};
use crate::ControlConfig;
use crate::records::View;

/// What an ARN names.
#[derive(Debug, Clone, PartialEq)]
pub enum Resource {
    /// A namespace, by name.
    Namespace(String),
    /// A workgroup, by name.
    Workgroup(String),
    /// A snapshot, by name.
    Snapshot(String),
    /// A recovery point, by id.
    RecoveryPoint(String),
}

/// The part of an ARN of this service after the account.
fn local<'a>(config: &ControlConfig, arn: &'a str) -> Option<&'a str> {
    arn.strip_prefix(config.arn(SERVICE, "").as_str())
}

/// Accounts that a resource is shared with.
pub fn shared_with(view: &View, arn: &str) -> Vec<String> {
    super::policies::accounts(view, arn)
}

/// What an ARN names here.
pub fn exists(view: &View, config: &ControlConfig, arn: &str) -> Result<Resource, ApiError> {
    let Some((kind, id)) = local(config, arn).and_then(|rest| rest.split_once('/')) else {
        return Err(errors::validation_exception(format!(
            "The resource ARN {arn} is not valid."
        )));
    };
    let found = match kind {
        "namespace" => view
            .list::<Namespace>()
            .into_iter()
            .find(|n| n.uuid == id && n.visible())
            .map(|n| Resource::Namespace(n.name.clone())),
        "workgroup" => view
            .list::<Workgroup>()
            .into_iter()
            .find(|w| w.uuid == id)
            .map(|w| Resource::Workgroup(w.name.clone())),
        "snapshot" => view
            .list::<Snapshot>()
            .into_iter()
            .find(|s| s.uuid == id && s.visible())
            .map(|s| Resource::Snapshot(s.name.clone())),
        "recoverypoint" => view
            .get::<RecoveryPoint>(id)
            .filter(|p| p.stage == Stage::Ready)
            .map(|p| Resource::RecoveryPoint(p.uuid.clone())),
        _ => None,
    };
    found.ok_or_else(|| {
        errors::resource_not_found_exception(format!("The resource {arn} was not found."))
            .with("resourceName", arn)
    })
}
