//! The operations on snapshots (guide L3840-3959, L4145-4218).

use std::sync::Arc;

use lw_aws_model::ApiError;
use lw_aws_model::Nothing;
use lw_aws_model::redshift::{
    AuthorizeSnapshotAccessMessage, AuthorizeSnapshotAccessResult,
    BatchDeleteClusterSnapshotsRequest, BatchDeleteClusterSnapshotsResult,
    BatchModifyClusterSnapshotsMessage, BatchModifyClusterSnapshotsOutputMessage,
    CopyClusterSnapshotMessage, CopyClusterSnapshotResult, CreateClusterSnapshotMessage,
    CreateClusterSnapshotResult, CustomerStorageMessage, DeleteClusterSnapshotMessage,
    DeleteClusterSnapshotResult, DescribeClusterSnapshotsMessage, ModifyClusterSnapshotMessage,
    ModifyClusterSnapshotResult, RevokeSnapshotAccessMessage, RevokeSnapshotAccessResult, Snapshot,
    SnapshotErrorMessage, SnapshotMessage, errors, op,
};

use super::cluster::{ClusterRecord, find_cluster};
use super::common::{Read, group_name, manual_retention, paged, paged_in_order, some};
use super::snapshots::{self, SnapshotRecord, find, find_either};
use super::{events, lifecycle, restore, tags};
use crate::Call;
use crate::registry::{Depth, Registry};

/// Accounts that one snapshot is shared with (L27968), and that all snapshots under one key are (L27969).
const ACCOUNTS: usize = 20;
const ACCOUNTS_OF_KEY: usize = 100;
/// Snapshots of a batch.
const BATCH: usize = 100;

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateClusterSnapshot, Depth::Full, create);
    registry.serve(op::DescribeClusterSnapshots, Depth::Full, describe);
    registry.serve(op::DeleteClusterSnapshot, Depth::Full, delete);
    registry.serve(op::ModifyClusterSnapshot, Depth::Full, modify);
    registry.serve(op::CopyClusterSnapshot, Depth::Full, copy);
    registry.serve(op::BatchDeleteClusterSnapshots, Depth::Full, batch_delete);
    registry.serve(op::BatchModifyClusterSnapshots, Depth::Full, batch_modify);
    let shared = Depth::Record("there is one account: others have no keys here to restore with");
    registry.serve(op::AuthorizeSnapshotAccess, shared, authorize);
    registry.serve(op::RevokeSnapshotAccess, shared, revoke);
    registry.serve(op::DescribeStorage, Depth::Full, describe_storage);
}

fn shown(call: &Call, read: &impl Read, snapshot: &SnapshotRecord) -> Snapshot {
    snapshot.shown(read, call.config(), call.now())
}

async fn create(
    call: Call,
    input: CreateClusterSnapshotMessage,
) -> Result<CreateClusterSnapshotResult, ApiError> {
    let id = group_name("SnapshotIdentifier", &input.snapshot_identifier)?;
    let mut txn = call.begin().await;
    let cluster = find_cluster(&txn, &input.cluster_identifier)?;
    cluster.require_available()?;
    let retention = manual_retention(
        input.manual_snapshot_retention_period,
        cluster.manual_retention,
    )?;
    let snapshot = SnapshotRecord::of(&cluster, id.clone(), false, retention, call.now());
    snapshots::put_new(&mut txn, snapshot.clone())?;
    tags::set(&mut txn, &snapshot.arn(call.config()), input.tags)?;
    events::emit(
        &mut txn,
        call.now(),
        events::SNAPSHOT,
        &id,
        2009,
        format!(
            "A user snapshot {id} for Amazon Redshift cluster {} started at {}.",
            cluster.id,
            events::time(call.now())
        ),
    )?;
    let shown = shown(&call, &txn, &snapshot);
    txn.commit().await?;
    snapshots::drive(&call.control, &id);
    Ok(CreateClusterSnapshotResult {
        snapshot: Some(shown),
    })
}

async fn describe(
    call: Call,
    input: DescribeClusterSnapshotsMessage,
) -> Result<SnapshotMessage, ApiError> {
    let view = call.view();
    let config = call.config();
    let cluster = some(input.cluster_identifier).map(|id| id.to_ascii_lowercase());
    if let Some(kind) = input.snapshot_type.as_deref()
        && !matches!(kind, "automated" | "manual")
    {
        return Err(ApiError::validation(format!(
            "Invalid snapshot type: {kind}. Valid values: automated, manual."
        )));
    }
    if input.cluster_exists.is_some() && cluster.is_none() {
        // The reference: ClusterExists goes with ClusterIdentifier.
        return Err(ApiError::combination(
            "ClusterExists can be specified together with ClusterIdentifier only.",
        ));
    }
    let there = |snapshot: &SnapshotRecord| {
        Read::get::<ClusterRecord>(&view, &snapshot.cluster)
            .is_some_and(|cluster| cluster.namespace == snapshot.namespace)
    };
    let (id, arn) = (some(input.snapshot_identifier), some(input.snapshot_arn));
    let all = if id.is_some() || arn.is_some() {
        vec![find_either(
            &view,
            config,
            id.as_deref(),
            arn.as_deref(),
            cluster.as_deref(),
        )?]
    } else {
        Read::list::<SnapshotRecord>(&view)
    };
    let mut all: Vec<Arc<SnapshotRecord>> = all
        .into_iter()
        .filter(|s| s.status != "deleting")
        .filter(|s| cluster.as_ref().is_none_or(|id| *id == s.cluster))
        .filter(|s| {
            input
                .snapshot_type
                .as_deref()
                .is_none_or(|kind| (kind == "automated") == s.automated)
        })
        .filter(|s| input.start_time.is_none_or(|start| s.created >= start))
        .filter(|s| input.end_time.is_none_or(|end| s.created <= end))
        .filter(|_| {
            input
                .owner_account
                .as_ref()
                .is_none_or(|owner| *owner == config.account)
        })
        .filter(|s| match input.cluster_exists {
            // Only snapshots of the cluster that exists now, or of any that had the name.
            Some(true) => there(s),
            _ => true,
        })
        .filter(|s| tags::matches(&view, &s.arn(config), &input.tag_keys, &input.tag_values))
        .collect();
    let (page, marker) = match input.sorting_entities.unwrap_or_default().first() {
        None => paged(all, &input.marker, input.max_records)?,
        Some(by) => {
            match by.attribute.as_str() {
                "TOTAL_SIZE" => all.sort_by_key(|s| s.bytes),
                "SOURCE_TYPE" => all.sort_by_key(|s| !s.automated),
                _ => all.sort_by_key(|s| s.created),
            }
            if by.sort_order.as_deref() == Some("DESC") {
                all.reverse();
            }
            paged_in_order(all, &input.marker, input.max_records)?
        }
    };
    Ok(SnapshotMessage {
        marker,
        snapshots: Some(page.iter().map(|s| shown(&call, &view, s)).collect()),
    })
}

/// Deletes a manual snapshot, after its rules (L3868, L4147).
async fn delete_one(call: &Call, id: &str, cluster: Option<&str>) -> Result<Snapshot, ApiError> {
    let mut txn = call.begin().await;
    let mut snapshot = (*find(&txn, id, cluster)?).clone();
    if snapshot.automated {
        return Err(errors::invalid_cluster_snapshot_state_fault(format!(
            "Cannot delete the snapshot {} because only manual snapshots may be deleted",
            snapshot.id
        )));
    }
    if !snapshot.accounts.is_empty() {
        return Err(errors::invalid_cluster_snapshot_state_fault(format!(
            "Cannot delete the snapshot {} because other accounts are authorized to access it; revoke their access first.",
            snapshot.id
        )));
    }
    if snapshot.last && snapshot.status == "creating" {
        return Err(errors::invalid_cluster_snapshot_state_fault(format!(
            "Cannot delete the snapshot {} while it is being taken as a final snapshot.",
            snapshot.id
        )));
    }
    let (event, text) = if snapshot.status == "creating" {
        (2010, "was cancelled")
    } else {
        (2011, "was deleted")
    };
    snapshot.status = "deleting".into();
    events::emit(
        &mut txn,
        call.now(),
        events::SNAPSHOT,
        &snapshot.id,
        event,
        format!(
            "A user snapshot {} for Amazon Redshift cluster {} {text} at {}.",
            snapshot.id,
            snapshot.cluster,
            events::time(call.now())
        ),
    )?;
    txn.put(snapshot.clone())?;
    let mut shown = shown(call, &txn, &snapshot);
    shown.status = Some("deleted".into());
    txn.commit().await?;
    // At once if that goes, so that the name is free when this is answered.
    if restore::reads(&call.view(), &snapshot.name)
        || snapshots::remove(&call.control, &snapshot).await.is_err()
    {
        snapshots::drive_removal(&call.control, &snapshot.id);
    }
    Ok(shown)
}

async fn delete(
    call: Call,
    input: DeleteClusterSnapshotMessage,
) -> Result<DeleteClusterSnapshotResult, ApiError> {
    let cluster = some(input.snapshot_cluster_identifier);
    let shown = delete_one(&call, &input.snapshot_identifier, cluster.as_deref()).await?;
    Ok(DeleteClusterSnapshotResult {
        snapshot: Some(shown),
    })
}

async fn batch_delete(
    call: Call,
    input: BatchDeleteClusterSnapshotsRequest,
) -> Result<BatchDeleteClusterSnapshotsResult, ApiError> {
    if input.identifiers.len() > BATCH {
        return Err(errors::batch_delete_request_size_exceeded_fault(format!(
            "A batch can have up to {BATCH} snapshots."
        )));
    }
    let mut resources = Vec::new();
    let mut wrong = Vec::new();
    for one in input.identifiers {
        let cluster = some(one.snapshot_cluster_identifier);
        match delete_one(&call, &one.snapshot_identifier, cluster.as_deref()).await {
            Ok(_) => resources.push(one.snapshot_identifier),
            Err(error) => wrong.push(SnapshotErrorMessage {
                snapshot_identifier: Some(one.snapshot_identifier),
                snapshot_cluster_identifier: cluster,
                failure_code: Some(error.code),
                failure_reason: Some(error.message),
            }),
        }
    }
    Ok(BatchDeleteClusterSnapshotsResult {
        resources: Some(resources),
        errors: Some(wrong),
    })
}

async fn modify_one(
    call: &Call,
    id: &str,
    days: Option<i64>,
    force: bool,
) -> Result<Snapshot, ApiError> {
    let mut txn = call.begin().await;
    let mut snapshot = (*find(&txn, id, None)?).clone();
    if snapshot.automated {
        return Err(errors::invalid_cluster_snapshot_state_fault(format!(
            "The snapshot {id} is automated: its retention is that of its cluster."
        )));
    }
    let days = manual_retention(days, snapshot.retention)?;
    let ends = snapshot.retention_start + chrono::Duration::days(days);
    if days > 0 && ends <= call.now() && !force {
        return Err(errors::invalid_retention_period_fault(format!(
            "The snapshot {id} is older than {days} days and would be deleted. Set Force to do so."
        )));
    }
    snapshot.retention = days;
    txn.put(snapshot.clone())?;
    let shown = shown(call, &txn, &snapshot);
    txn.commit().await?;
    Ok(shown)
}

async fn modify(
    call: Call,
    input: ModifyClusterSnapshotMessage,
) -> Result<ModifyClusterSnapshotResult, ApiError> {
    let shown = modify_one(
        &call,
        &input.snapshot_identifier,
        input.manual_snapshot_retention_period,
        input.force == Some(true),
    )
    .await?;
    Ok(ModifyClusterSnapshotResult {
        snapshot: Some(shown),
    })
}

async fn batch_modify(
    call: Call,
    input: BatchModifyClusterSnapshotsMessage,
) -> Result<BatchModifyClusterSnapshotsOutputMessage, ApiError> {
    if input.snapshot_identifier_list.len() > BATCH {
        return Err(errors::batch_modify_cluster_snapshots_limit_exceeded_fault(
            format!("A batch can have up to {BATCH} snapshots."),
        ));
    }
    manual_retention(input.manual_snapshot_retention_period, -1)?;
    let mut resources = Vec::new();
    let mut wrong = Vec::new();
    for id in input.snapshot_identifier_list {
        match modify_one(
            &call,
            &id,
            input.manual_snapshot_retention_period,
            input.force == Some(true),
        )
        .await
        {
            Ok(_) => resources.push(id),
            Err(error) => wrong.push(SnapshotErrorMessage {
                snapshot_identifier: Some(id),
                snapshot_cluster_identifier: None,
                failure_code: Some(error.code),
                failure_reason: Some(error.message),
            }),
        }
    }
    Ok(BatchModifyClusterSnapshotsOutputMessage {
        resources: Some(resources),
        errors: Some(wrong),
    })
}

/// Copies an automated snapshot to a manual one, which stays (L3870).
async fn copy(
    call: Call,
    input: CopyClusterSnapshotMessage,
) -> Result<CopyClusterSnapshotResult, ApiError> {
    let target = group_name(
        "TargetSnapshotIdentifier",
        &input.target_snapshot_identifier,
    )?;
    let mut txn = call.begin().await;
    let cluster = some(input.source_snapshot_cluster_identifier);
    let source = find(&txn, &input.source_snapshot_identifier, cluster.as_deref())?;
    if source.status != "available" {
        return Err(errors::invalid_cluster_snapshot_state_fault(format!(
            "The snapshot {} is not available.",
            source.id
        )));
    }
    let owner = Read::get::<ClusterRecord>(&txn, &source.cluster)
        .filter(|cluster| cluster.namespace == source.namespace);
    if owner
        .as_ref()
        .is_some_and(|cluster| cluster.status == "paused")
    {
        // L3641
        return Err(errors::invalid_cluster_snapshot_state_fault(format!(
            "The snapshot {} cannot be copied while cluster {} is paused.",
            source.id, source.cluster
        )));
    }
    let absent = owner.map_or(-1, |cluster| cluster.manual_retention);
    let region = source
        .region
        .clone()
        .unwrap_or_else(|| call.config().region.clone());
    let held = SnapshotRecord {
        id: target.clone(),
        name: format!("redshift-{}", uuid::Uuid::new_v4()),
        automated: false,
        last: false,
        retention: manual_retention(input.manual_snapshot_retention_period, absent)?,
        retention_start: call.now(),
        accounts: Vec::new(),
        source: Some((source.id.clone(), region.clone())),
        region: Some(region.clone()),
        status: "copying".into(),
        ..(*source).clone()
    };
    snapshots::put_new(&mut txn, held.clone())?;
    txn.commit().await?;
    // The provisioner shares what snapshots hold, so that this takes no time worth a job.
    call.control
        .provisioner
        .copy_snapshot(&source.name, &region, &held.name)
        .await
        .map_err(lifecycle::failed)?;
    let mut txn = call.begin().await;
    let done = SnapshotRecord {
        status: "available".into(),
        region: source.region.clone(),
        source: None,
        ..held
    };
    txn.put(done.clone())?;
    let shown = shown(&call, &txn, &done);
    txn.commit().await?;
    Ok(CopyClusterSnapshotResult {
        snapshot: Some(shown),
    })
}

fn account(text: &str) -> Result<String, ApiError> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text.to_string());
    }
    Err(ApiError::validation(format!(
        "Invalid account: {text}. Twelve digits are wanted."
    )))
}

async fn authorize(
    call: Call,
    input: AuthorizeSnapshotAccessMessage,
) -> Result<AuthorizeSnapshotAccessResult, ApiError> {
    let account = account(&input.account_with_restore_access)?;
    let mut txn = call.begin().await;
    let (id, arn) = (some(input.snapshot_identifier), some(input.snapshot_arn));
    let cluster = some(input.snapshot_cluster_identifier);
    let mut snapshot = (*find_either(
        &txn,
        call.config(),
        id.as_deref(),
        arn.as_deref(),
        cluster.as_deref(),
    )?)
    .clone();
    if snapshot.automated {
        return Err(errors::invalid_cluster_snapshot_state_fault(
            "Only manual snapshots can be shared.",
        ));
    }
    if account == call.config().account {
        // L4149
        return Err(ApiError::validation(
            "The owner of a snapshot has access to it always.",
        ));
    }
    if snapshot.accounts.contains(&account) {
        return Err(errors::authorization_already_exists_fault(format!(
            "The account {account} is authorized to access the snapshot already."
        )));
    }
    if snapshot.accounts.len() >= ACCOUNTS {
        return Err(errors::authorization_quota_exceeded_fault(format!(
            "A snapshot can be shared with up to {ACCOUNTS} accounts."
        )));
    }
    if let Some(key) = &snapshot.kms_key {
        let under: usize = Read::list::<SnapshotRecord>(&txn)
            .iter()
            .filter(|other| other.kms_key.as_ref() == Some(key))
            .map(|other| other.accounts.len())
            .sum();
        if under >= ACCOUNTS_OF_KEY {
            return Err(errors::limit_exceeded_fault(format!(
                "Snapshots under one key can be shared {ACCOUNTS_OF_KEY} times."
            )));
        }
    }
    snapshot.accounts.push(account);
    txn.put(snapshot.clone())?;
    let shown = shown(&call, &txn, &snapshot);
    txn.commit().await?;
    Ok(AuthorizeSnapshotAccessResult {
        snapshot: Some(shown),
    })
}

async fn revoke(
    call: Call,
    input: RevokeSnapshotAccessMessage,
) -> Result<RevokeSnapshotAccessResult, ApiError> {
    let account = account(&input.account_with_restore_access)?;
    let mut txn = call.begin().await;
    let (id, arn) = (some(input.snapshot_identifier), some(input.snapshot_arn));
    let cluster = some(input.snapshot_cluster_identifier);
    let mut snapshot = (*find_either(
        &txn,
        call.config(),
        id.as_deref(),
        arn.as_deref(),
        cluster.as_deref(),
    )?)
    .clone();
    if !snapshot.accounts.contains(&account) {
        return Err(errors::authorization_not_found_fault(format!(
            "The account {account} is not authorized to access the snapshot."
        )));
    }
    snapshot.accounts.retain(|known| *known != account);
    txn.put(snapshot.clone())?;
    let shown = shown(&call, &txn, &snapshot);
    txn.commit().await?;
    Ok(RevokeSnapshotAccessResult {
        snapshot: Some(shown),
    })
}

async fn describe_storage(call: Call, _input: Nothing) -> Result<CustomerStorageMessage, ApiError> {
    let view = call.view();
    let backups: u64 = Read::list::<SnapshotRecord>(&view)
        .iter()
        .map(|snapshot| snapshot.incremental_bytes)
        .sum();
    let provisioned: i64 = Read::list::<ClusterRecord>(&view)
        .iter()
        .filter_map(|cluster| Some(cluster.node()?.capacity_mb(cluster.nodes)))
        .sum();
    Ok(CustomerStorageMessage {
        total_backup_size_in_mega_bytes: Some(backups as f64 / f64::from(1 << 20)),
        total_provisioned_storage_in_mega_bytes: Some(provisioned as f64),
    })
}
