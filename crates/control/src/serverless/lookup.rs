//! What policies are told of the resources of Serverless: their ARNs, which have ids where callers use
//! names, and their tags.

use super::backups::{RecoveryPoint, Snapshot};
use super::endpoints::Endpoint;
use super::state::{Namespace, Workgroup};
use super::tags;
use crate::Call;
use crate::identity::Known;

/// The resource of a type with this name, or with this id if its ARN was given.
pub fn lookup(call: &Call, kind: &str, names: &[&str]) -> Option<Known> {
    let (view, config) = (call.view(), call.config());
    let name = *names.last()?;
    let arn = match kind {
        "serverless_namespace" => view
            .list::<Namespace>()
            .iter()
            .find(|n| n.name == name || n.uuid == name)?
            .arn(config),
        "workgroup" => view
            .list::<Workgroup>()
            .iter()
            .find(|w| w.name == name || w.uuid == name)?
            .arn(config),
        "serverless_snapshot" => view
            .list::<Snapshot>()
            .iter()
            .find(|s| s.name == name || s.uuid == name)?
            .arn(config),
        "recovery_point" => view.get::<RecoveryPoint>(name)?.arn(config),
        "serverless_endpoint_access" => view
            .list::<Endpoint>()
            .iter()
            .find(|e| e.name == name || e.uuid == name)?
            .arn(config),
        _ => return None,
    };
    let tags = tags::of(&view, &arn).into_iter().collect();
    Some(Known { arn, tags })
}
