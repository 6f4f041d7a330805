//! Where SQL runs, named as the Data API and EventBridge name it: a cluster or a workgroup.

use lw_aws_model::{ApiError, redshift_data::errors};
use serde::{Deserialize, Serialize};

use crate::ControlConfig;
use crate::provisioned::cluster;
use crate::records::View;
use crate::serverless::{self, Workgroup};

/// A cluster or a workgroup with its namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Identifier of the cluster.
    #[serde(default)]
    pub cluster: Option<String>,
    /// Name of the workgroup.
    #[serde(default)]
    pub workgroup: Option<String>,
    /// Id of its namespace.
    pub namespace: String,
    /// Its ARN.
    pub arn: String,
}

impl Target {
    /// The target's own name.
    pub fn name(&self) -> &str {
        self.cluster
            .as_deref()
            .or(self.workgroup.as_deref())
            .unwrap_or_default()
    }
}

/// The cluster or workgroup with this name (a workgroup also by its ARN).
pub fn resolve(
    config: &ControlConfig,
    view: &View,
    cluster: Option<&str>,
    workgroup: Option<&str>,
) -> Result<Target, ApiError> {
    match (cluster, workgroup) {
        (Some(cluster), None) => of_cluster(config, view, cluster),
        (None, Some(workgroup)) => of_workgroup(config, view, workgroup),
        (None, None) => Err(errors::validation_exception(
            "Either ClusterIdentifier or WorkgroupName must be provided.",
        )),
        (Some(_), Some(_)) => Err(errors::validation_exception(
            "ClusterIdentifier and WorkgroupName cannot be provided together.",
        )),
    }
}

fn unknown() -> ApiError {
    errors::validation_exception("Redshift endpoint doesn't exist in this region.")
}

fn of_cluster(config: &ControlConfig, view: &View, id: &str) -> Result<Target, ApiError> {
    let cluster = cluster::find_cluster(view, id).map_err(|_| unknown())?;
    // The states in which its SQL port answers are the others (spec of the state machine).
    if matches!(
        cluster.status.as_str(),
        "creating" | "deleting" | "pausing" | "paused" | "resuming" | "incompatible-restore"
    ) {
        return Err(errors::validation_exception(format!(
            "Redshift endpoint is not available: the cluster {id} is {}.",
            cluster.status
        )));
    }
    Ok(Target {
        cluster: Some(cluster.id.clone()),
        workgroup: None,
        namespace: cluster.namespace.clone(),
        arn: cluster::arn(config, &cluster.id),
    })
}

fn of_workgroup(config: &ControlConfig, view: &View, name: &str) -> Result<Target, ApiError> {
    // Workgroups are named by their ARN too: `...:workgroup/<id>`.
    let workgroup = match name.strip_prefix("arn:") {
        Some(arn) => {
            let id = arn.rsplit("workgroup/").next().unwrap_or_default();
            view.list::<Workgroup>().into_iter().find(|w| w.uuid == id)
        }
        None => serverless::find_workgroup(view, name),
    }
    .ok_or_else(unknown)?;
    if !workgroup.available() {
        return Err(errors::validation_exception(format!(
            "Redshift endpoint is not available: the workgroup {} is {}.",
            workgroup.name,
            workgroup.status()
        )));
    }
    Ok(Target {
        cluster: None,
        workgroup: Some(workgroup.name.clone()),
        namespace: workgroup.namespace_id.clone(),
        arn: workgroup.arn(config),
    })
}

/// Name of the admin user.
pub fn admin(view: &View, target: &Target) -> Option<String> {
    if let Some(id) = &target.cluster {
        return Some(cluster::find_cluster(view, id).ok()?.admin.clone());
    }
    let workgroup = serverless::find_workgroup(view, target.workgroup.as_deref()?)?;
    let namespace = serverless::find_namespace(view, &workgroup.namespace)?;
    Some(namespace.admin_user.clone())
}
