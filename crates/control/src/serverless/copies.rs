//! Copies of snapshots and recovery points in another region (guide L2587-2622).

use std::sync::Arc;

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    CreateSnapshotCopyConfigurationRequest, CreateSnapshotCopyConfigurationResponse,
    DeleteSnapshotCopyConfigurationRequest, DeleteSnapshotCopyConfigurationResponse,
    ListSnapshotCopyConfigurationsRequest, ListSnapshotCopyConfigurationsResponse,
    SnapshotCopyConfiguration, UpdateSnapshotCopyConfigurationRequest,
    UpdateSnapshotCopyConfigurationResponse, errors, op,
};
use serde::{Deserialize, Serialize};

use super::paging::page;
use super::state::SERVICE;
use super::{namespace, not_found, rules};
use crate::records::{Record, View};
use crate::registry::{Depth, Registry};
use crate::{Call, ControlConfig};

/// Where the backups of a namespace are copied to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CopyConfiguration {
    /// Its id.
    pub uuid: String,
    /// The namespace.
    pub namespace: String,
    /// The region.
    pub region: String,
    /// Days copies of snapshots are kept; `None`: for ever.
    #[serde(default)]
    pub retention: Option<i64>,
    /// Key of the copies.
    #[serde(default)]
    pub kms_key: Option<String>,
}

impl Record for CopyConfiguration {
    const KIND: &'static str = "serverless.snapshot-copy";
    fn id(&self) -> String {
        self.uuid.clone()
    }
}

impl CopyConfiguration {
    fn shown(&self, config: &ControlConfig) -> SnapshotCopyConfiguration {
        SnapshotCopyConfiguration {
            destination_kms_key_id: self.kms_key.clone(),
            destination_region: Some(self.region.clone()),
            namespace_name: Some(self.namespace.clone()),
            snapshot_copy_configuration_arn: Some(config.arn(
                SERVICE,
                format_args!("snapshotcopyconfiguration/{}", self.uuid),
            )),
            snapshot_copy_configuration_id: Some(self.uuid.clone()),
            snapshot_retention_period: Some(self.retention.unwrap_or(-1)),
        }
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateSnapshotCopyConfiguration, Depth::Full, create);
    registry.serve(op::UpdateSnapshotCopyConfiguration, Depth::Full, update);
    registry.serve(op::ListSnapshotCopyConfigurations, Depth::Full, list);
    registry.serve(op::DeleteSnapshotCopyConfiguration, Depth::Full, delete);
}

fn find(view: &View, id: &str) -> Result<Arc<CopyConfiguration>, ApiError> {
    view.get::<CopyConfiguration>(id)
        .ok_or_else(|| not_found("Snapshot copy configuration", id))
}

/// True for the name of a region: `eu-west-1`, `us-gov-east-1`.
fn region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) if (2..=3).contains(&words.len()) => {
            words.iter().all(word) && number.len() == 1 && number.parse::<u8>().is_ok()
        }
        _ => false,
    }
}

async fn create(
    call: Call,
    input: CreateSnapshotCopyConfigurationRequest,
) -> Result<CreateSnapshotCopyConfigurationResponse, ApiError> {
    let retention = rules::retention(input.snapshot_retention_period)?;
    let to = input.destination_region;
    if !region(&to) || to == call.config().region {
        return Err(errors::validation_exception(format!(
            "Invalid destination region {to}. It must be a region other than {}.",
            call.config().region
        )));
    }
    let mut txn = call.begin().await;
    let view = call.view();
    let namespace = namespace(&view, &input.namespace_name)?;
    // Guide L2589: one destination at a time.
    if view
        .list::<CopyConfiguration>()
        .iter()
        .any(|c| c.namespace == namespace.name)
    {
        return Err(errors::conflict_exception(format!(
            "Namespace {} already has a snapshot copy configuration.",
            namespace.name
        )));
    }
    let made = CopyConfiguration {
        uuid: uuid::Uuid::new_v4().to_string(),
        namespace: namespace.name.clone(),
        region: to,
        retention,
        kms_key: input.destination_kms_key_id,
    };
    let shown = made.shown(call.config());
    txn.put(made)?;
    txn.commit().await?;
    Ok(CreateSnapshotCopyConfigurationResponse {
        snapshot_copy_configuration: shown,
    })
}

async fn update(
    call: Call,
    input: UpdateSnapshotCopyConfigurationRequest,
) -> Result<UpdateSnapshotCopyConfigurationResponse, ApiError> {
    let retention = rules::retention(input.snapshot_retention_period)?;
    let mut txn = call.begin().await;
    let mut known = (*find(&call.view(), &input.snapshot_copy_configuration_id)?).clone();
    if input.snapshot_retention_period.is_some() {
        known.retention = retention;
    }
    let shown = known.shown(call.config());
    txn.put(known)?;
    txn.commit().await?;
    Ok(UpdateSnapshotCopyConfigurationResponse {
        snapshot_copy_configuration: shown,
    })
}

async fn list(
    call: Call,
    input: ListSnapshotCopyConfigurationsRequest,
) -> Result<ListSnapshotCopyConfigurationsResponse, ApiError> {
    let view = call.view();
    if let Some(name) = &input.namespace_name {
        namespace(&view, name)?;
    }
    let mut all = view.list::<CopyConfiguration>();
    all.retain(|c| {
        input
            .namespace_name
            .as_ref()
            .is_none_or(|name| c.namespace == *name)
    });
    let (shown, next_token) = page(
        &call,
        all,
        |c| c.uuid.clone(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListSnapshotCopyConfigurationsResponse {
        next_token,
        snapshot_copy_configurations: shown.iter().map(|c| c.shown(call.config())).collect(),
    })
}

async fn delete(
    call: Call,
    input: DeleteSnapshotCopyConfigurationRequest,
) -> Result<DeleteSnapshotCopyConfigurationResponse, ApiError> {
    let mut txn = call.begin().await;
    let known = find(&call.view(), &input.snapshot_copy_configuration_id)?;
    txn.delete::<CopyConfiguration>(&known.uuid);
    txn.commit().await?;
    Ok(DeleteSnapshotCopyConfigurationResponse {
        snapshot_copy_configuration: known.shown(call.config()),
    })
}
