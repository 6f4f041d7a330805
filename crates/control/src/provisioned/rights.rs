//! What the policies of callers are asked about clusters: resources with their tags, roles that are passed on,
//! and when a managed password cannot be changed.

use std::collections::BTreeMap;

use lw_aws_model::ApiError;
use lw_policy::arn::{self, Place};
use lw_policy::{Request, Resource};

use super::cluster::{ClusterRecord, arn as cluster_arn};
use super::common::Read;
use super::snapshots::SnapshotRecord;
use super::tags::TagSet;
use crate::identity::{Known, authorize};
use crate::registry::Registry;
use crate::{Call, Control};

pub fn register(registry: &mut Registry) {
    registry.resources("redshift", lookup);
    registry.rotation("redshift", can_rotate);
}

/// A resource by its type and names, with its tags.
fn lookup(call: &Call, kind: &str, names: &[&str]) -> Option<Known> {
    let view = call.view();
    let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let arn = match (kind, lower.as_slice()) {
        // A snapshot's ARN names its cluster, which callers often leave out.
        ("snapshot", [_, id]) => match Read::get::<SnapshotRecord>(&view, id) {
            Some(snapshot) => snapshot.arn(call.config()),
            None => return None,
        },
        _ => {
            let place = Place::new(&call.config().region, &call.config().account);
            let found = arn::TYPES.iter().find(|t| t.name == kind)?;
            let names: Vec<&str> = lower.iter().map(String::as_str).collect();
            found.arn(&place, &names)
        }
    };
    let tags: BTreeMap<String, String> = Read::get::<TagSet>(&view, &arn)
        .map(|set| set.tags.clone())
        .unwrap_or_default();
    if tags.is_empty() && kind != "snapshot" {
        // Names that keep their case (database users) are as they were given.
        return None;
    }
    Some(Known {
        arn,
        tags: tags.into_iter().collect(),
    })
}

/// Who gives a role to a cluster must be allowed to pass it on.
pub fn pass_roles(call: &Call, roles: &[String]) -> Result<(), ApiError> {
    for role in roles {
        authorize(
            call,
            Request::new("iam:PassRole", [Resource::new(role.as_str())])
                .with("iam:PassedToService", "redshift.amazonaws.com"),
        )?;
    }
    Ok(())
}

/// Can the admin's password be changed now (events 4505, 4506)?
fn can_rotate(control: &Control, owner: &str) -> Result<(), String> {
    let cluster = control
        .records
        .view()
        .list::<ClusterRecord>()
        .into_iter()
        .find(|cluster| cluster_arn(&control.config, &cluster.id) == owner);
    match cluster {
        // Whoever runs the namespace says whether it is there.
        None => Ok(()),
        Some(cluster) if cluster.status == "paused" => Err(format!(
            "Cluster {} is paused; secrets of paused clusters are not rotated.",
            cluster.id
        )),
        Some(cluster) if cluster.status != "available" || !cluster.pending.is_empty() => Err(
            format!("There is an operation running on cluster {}.", cluster.id),
        ),
        Some(_) => Ok(()),
    }
}
