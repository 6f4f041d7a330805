//! Where SQL runs, named as the Data API and EventBridge name it: a cluster or a workgroup.

use lw_aws_model::{ApiError, redshift_data::errors};
use serde::{Deserialize, Serialize};

use crate::records::View;
use crate::{ControlConfig, serverless};

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

fn of_cluster(_config: &ControlConfig, _view: &View, _id: &str) -> Result<Target, ApiError> {
    Err(unknown())
}

fn of_workgroup(config: &ControlConfig, view: &View, name: &str) -> Result<Target, ApiError> {
    // Workgroups are named by their ARN too: `...:workgroup/<id>`.
    let found = match name.strip_prefix("arn:") {
        Some(arn) => {
            let id = arn.rsplit("workgroup/").next().unwrap_or_default();
            view.list::<serverless::Workgroup>()
                .into_iter()
                .find(|workgroup| workgroup.uuid == id)
        }
        None => serverless::find_workgroup(view, name),
    };
    let found = found.ok_or_else(unknown)?;
    if !found.available() {
        return Err(errors::validation_exception(format!(
            "Workgroup {} is not available.",
            found.name
        )));
    }
    Ok(Target {
        cluster: None,
        workgroup: Some(found.name.clone()),
        namespace: found.namespace_id.clone(),
        arn: found.arn(config),
    })
}
