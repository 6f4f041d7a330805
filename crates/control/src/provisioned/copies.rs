//! Copies of snapshots in another region (guide L3971-3983, L4391-4439, L19581-19599), and the grants that
//! copies of encrypted ones need. A copy lies in the region's own store and is listed, with its source region,
//! beside the others: this service answers for every region.

use std::sync::Arc;

use lw_aws_model::redshift::{
    CreateSnapshotCopyGrantMessage, CreateSnapshotCopyGrantResult, DeleteSnapshotCopyGrantMessage,
    DescribeSnapshotCopyGrantsMessage, DisableSnapshotCopyMessage, DisableSnapshotCopyResult,
    EnableSnapshotCopyMessage, EnableSnapshotCopyResult, ModifySnapshotCopyRetentionPeriodMessage,
    ModifySnapshotCopyRetentionPeriodResult, SnapshotCopyGrant as Shown, SnapshotCopyGrantMessage,
    errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};

use super::cluster::{ClusterRecord, SnapshotCopy, find_by_namespace, find_cluster};
use super::common::{Read, identifier, manual_retention, paged, some};
use super::lifecycle::failed;
use super::operations::put;
use super::snapshots::SnapshotRecord;
use super::{events, tags};
use crate::records::Record;
use crate::registry::{Depth, Registry};
use crate::{Call, Control, ControlConfig};

/// A grant of a key in a destination region.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CopyGrant {
    pub name: String,
    pub key: String,
}

impl Record for CopyGrant {
    const KIND: &'static str = "redshift.snapshot-copy-grant";
    fn id(&self) -> String {
        self.name.clone()
    }
}

/// Grants of an account.
const QUOTA: usize = 10;

pub fn register(registry: &mut Registry) {
    registry.serve(op::EnableSnapshotCopy, Depth::Full, enable);
    registry.serve(op::DisableSnapshotCopy, Depth::Full, disable);
    registry.serve(
        op::ModifySnapshotCopyRetentionPeriod,
        Depth::Full,
        modify_retention,
    );
    let grants = Depth::Record("the keys' effect on disk comes with encryption at rest");
    registry.serve(op::CreateSnapshotCopyGrant, grants, create_grant);
    registry.serve(op::DeleteSnapshotCopyGrant, grants, delete_grant);
    registry.serve(op::DescribeSnapshotCopyGrants, grants, describe_grants);
}

/// Regions there are (L3010-3041).
fn is_region(name: &str) -> bool {
    let mut parts = name.rsplit('-');
    parts
        .next()
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        && parts.next().is_some_and(|word| {
            [
                "north",
                "south",
                "east",
                "west",
                "central",
                "northeast",
                "northwest",
                "southeast",
                "southwest",
            ]
            .contains(&word)
        })
        && parts
            .next()
            .is_some_and(|area| (2..=3).contains(&area.len()) || area == "gov" || area == "iso")
}

fn automated_days(days: i64) -> Result<i64, ApiError> {
    if (1..=35).contains(&days) {
        return Ok(days);
    }
    Err(errors::invalid_retention_period_fault(format!(
        "The retention period {days} of copied automated snapshots must be between 1 and 35."
    )))
}

async fn enable(
    call: Call,
    input: EnableSnapshotCopyMessage,
) -> Result<EnableSnapshotCopyResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    cluster.require_available()?;
    if cluster.copy.is_some() {
        return Err(errors::snapshot_copy_already_enabled_fault(format!(
            "Snapshot Copy is already enabled on Cluster {}",
            cluster.id
        )));
    }
    let region = input.destination_region;
    if !is_region(&region) {
        return Err(errors::unknown_snapshot_copy_region_fault(format!(
            "Invalid region {region}"
        )));
    }
    if region == call.config().region {
        return Err(errors::unknown_snapshot_copy_region_fault(format!(
            "The destination region {region} must not be the cluster's own."
        )));
    }
    let grant = some(input.snapshot_copy_grant_name);
    match &grant {
        Some(name) => {
            find_grant(&txn, name)?;
            if !cluster.encrypted {
                return Err(ApiError::combination(
                    "SnapshotCopyGrantName can be given for an encrypted cluster only.",
                ));
            }
        }
        None if cluster.encrypted => {
            return Err(ApiError::combination(
                "SnapshotCopyGrantName is required for Snapshot Copy on KMS encrypted clusters.",
            ));
        }
        None => {}
    }
    cluster.copy = Some(SnapshotCopy {
        region,
        // L3975
        retention: automated_days(input.retention_period.unwrap_or(7))?,
        manual_retention: manual_retention(input.manual_snapshot_retention_period, -1)?,
        grant,
    });
    let shown = put(&call, &mut txn, cluster)?;
    txn.commit().await?;
    Ok(EnableSnapshotCopyResult {
        cluster: Some(shown),
    })
}

async fn disable(
    call: Call,
    input: DisableSnapshotCopyMessage,
) -> Result<DisableSnapshotCopyResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    if cluster.copy.take().is_none() {
        return Err(errors::snapshot_copy_already_disabled_fault(format!(
            "Snapshot Copy is already disabled on Cluster {}",
            cluster.id
        )));
    }
    let shown = put(&call, &mut txn, cluster)?;
    txn.commit().await?;
    Ok(DisableSnapshotCopyResult {
        cluster: Some(shown),
    })
}

async fn modify_retention(
    call: Call,
    input: ModifySnapshotCopyRetentionPeriodMessage,
) -> Result<ModifySnapshotCopyRetentionPeriodResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    let id = cluster.id.clone();
    let copy = cluster.copy.as_mut().ok_or_else(|| {
        errors::snapshot_copy_disabled_fault(format!(
            "Snapshot Copy is not enabled on Cluster {id}."
        ))
    })?;
    if input.manual == Some(true) {
        copy.manual_retention = manual_retention(Some(input.retention_period), -1)?;
    } else {
        copy.retention = automated_days(input.retention_period)?;
    }
    let shown = put(&call, &mut txn, cluster)?;
    txn.commit().await?;
    Ok(ModifySnapshotCopyRetentionPeriodResult {
        cluster: Some(shown),
    })
}

/// Copies a snapshot that was taken, if its cluster copies.
pub async fn follow(control: &Arc<Control>, id: &str) {
    if let Err(error) = begin_copy(control, id).await {
        tracing::warn!(snapshot = id, %error, "the copy of a snapshot could not be begun");
    }
}

async fn begin_copy(control: &Arc<Control>, id: &str) -> Result<(), ApiError> {
    let mut txn = control.records.begin().await;
    let Some(snapshot) = txn.get::<SnapshotRecord>(id) else {
        return Ok(());
    };
    let Some(copy) =
        find_by_namespace(&txn, &snapshot.namespace).and_then(|cluster| cluster.copy.clone())
    else {
        return Ok(());
    };
    let name = format!("copy:{id}");
    if snapshot.region.is_some() || txn.get::<SnapshotRecord>(&name).is_some() {
        return Ok(());
    }
    let key = copy
        .grant
        .as_ref()
        .and_then(|grant| txn.get::<CopyGrant>(grant))
        .map(|grant| grant.key.clone());
    txn.put(SnapshotRecord {
        id: name.clone(),
        name: format!("redshift-{}", uuid::Uuid::new_v4()),
        status: "copying".into(),
        region: Some(copy.region.clone()),
        source: Some((snapshot.id.clone(), control.config.region.clone())),
        retention: if snapshot.automated {
            copy.retention
        } else {
            copy.manual_retention
        },
        retention_start: control.clock.now(),
        kms_key: key.or_else(|| snapshot.kms_key.clone()),
        accounts: Vec::new(),
        ..(*snapshot).clone()
    })?;
    txn.commit().await?;
    drive(control, &name);
    Ok(())
}

/// Sees to it that a copy is made.
pub fn drive(control: &Arc<Control>, id: &str) {
    let (owned, name) = (control.clone(), id.to_string());
    control
        .jobs
        .start(format!("redshift:copy:{id}"), async move {
            for tries in 0u32..6 {
                match complete(&owned, &name).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::warn!(snapshot = name, %error, "a snapshot could not be copied")
                    }
                }
                tokio::time::sleep(std::time::Duration::from_millis(200 << tries)).await;
            }
            let mut txn = owned.records.begin().await;
            if txn
                .update::<SnapshotRecord>(&name, |copy| copy.status = "failed".into())
                .is_ok()
            {
                let _ = txn.commit().await;
            }
        });
}

async fn complete(control: &Control, id: &str) -> Result<(), ApiError> {
    let view = control.records.view();
    let Some(copy) = view
        .get::<SnapshotRecord>(id)
        .filter(|copy| copy.status == "copying")
    else {
        return Ok(());
    };
    let (Some((source, from)), Some(region)) = (&copy.source, &copy.region) else {
        return Ok(());
    };
    let Some(source) = view.get::<SnapshotRecord>(source) else {
        return Err(ApiError::internal("the snapshot is gone"));
    };
    control
        .provisioner
        .copy_snapshot(&source.name, region, &copy.name)
        .await
        .map_err(failed)?;
    let now = control.clock.now();
    let mut txn = control.records.begin().await;
    txn.update::<SnapshotRecord>(id, |copy| copy.status = "available".into())?;
    events::emit(
        &mut txn,
        now,
        events::CLUSTER,
        &copy.cluster,
        3007,
        format!(
            "Amazon Redshift snapshot {} has been copied from {from} to {region}.",
            source.id
        ),
    )?;
    txn.commit().await
}

fn find_grant(read: &impl Read, name: &str) -> Result<Arc<CopyGrant>, ApiError> {
    read.get::<CopyGrant>(&name.to_ascii_lowercase())
        .ok_or_else(|| {
            errors::snapshot_copy_grant_not_found_fault(format!(
                "Snapshot copy grant {name} not found."
            ))
        })
}

/// A grant's ARN.
pub fn grant_arn(config: &ControlConfig, name: &str) -> String {
    config.arn("redshift", format_args!("snapshotcopygrant:{name}"))
}

fn shown(read: &impl Read, config: &ControlConfig, grant: &CopyGrant) -> Shown {
    Shown {
        snapshot_copy_grant_name: Some(grant.name.clone()),
        kms_key_id: Some(grant.key.clone()),
        tags: Some(tags::of(read, &grant_arn(config, &grant.name))),
    }
}

async fn create_grant(
    call: Call,
    input: CreateSnapshotCopyGrantMessage,
) -> Result<CreateSnapshotCopyGrantResult, ApiError> {
    let name = identifier("SnapshotCopyGrantName", &input.snapshot_copy_grant_name, 63)?;
    let mut txn = call.begin().await;
    if txn.get::<CopyGrant>(&name).is_some() {
        return Err(errors::snapshot_copy_grant_already_exists_fault(format!(
            "Snapshot copy grant {name} already exists."
        )));
    }
    if txn.count::<CopyGrant>() >= QUOTA {
        return Err(errors::snapshot_copy_grant_quota_exceeded_fault(format!(
            "The quota of {QUOTA} snapshot copy grants is reached."
        )));
    }
    let grant = CopyGrant {
        name: name.clone(),
        key: some(input.kms_key_id)
            .unwrap_or_else(|| call.config().arn("kms", "alias/aws/redshift")),
    };
    txn.put(grant.clone())?;
    tags::set(&mut txn, &grant_arn(call.config(), &name), input.tags)?;
    let shown = shown(&txn, call.config(), &grant);
    txn.commit().await?;
    Ok(CreateSnapshotCopyGrantResult {
        snapshot_copy_grant: Some(shown),
    })
}

async fn delete_grant(
    call: Call,
    input: DeleteSnapshotCopyGrantMessage,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let grant = find_grant(&txn, &input.snapshot_copy_grant_name)?;
    if let Some(user) = Read::list::<ClusterRecord>(&txn).iter().find(|cluster| {
        cluster.copy.as_ref().and_then(|copy| copy.grant.as_deref()) == Some(&grant.name)
    }) {
        return Err(errors::invalid_snapshot_copy_grant_state_fault(format!(
            "The snapshot copy grant {} is in use by cluster {}.",
            grant.name, user.id
        )));
    }
    txn.delete::<CopyGrant>(&grant.name);
    tags::forget(&mut txn, &grant_arn(call.config(), &grant.name));
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe_grants(
    call: Call,
    input: DescribeSnapshotCopyGrantsMessage,
) -> Result<SnapshotCopyGrantMessage, ApiError> {
    let view = call.view();
    let all = match some(input.snapshot_copy_grant_name) {
        Some(name) => vec![find_grant(&view, &name)?],
        None => Read::list::<CopyGrant>(&view),
    };
    let all = all
        .into_iter()
        .filter(|grant| {
            tags::matches(
                &view,
                &grant_arn(call.config(), &grant.name),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(SnapshotCopyGrantMessage {
        marker,
        snapshot_copy_grants: Some(
            page.iter()
                .map(|grant| shown(&view, call.config(), grant))
                .collect(),
        ),
    })
}
