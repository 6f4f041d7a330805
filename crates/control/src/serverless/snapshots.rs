//! Operations of snapshots and recovery points, and restoring a namespace from them
//! (guide L2396-2529).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    ConvertRecoveryPointToSnapshotRequest, ConvertRecoveryPointToSnapshotResponse,
    CreateSnapshotRequest, CreateSnapshotResponse, DeleteSnapshotRequest, DeleteSnapshotResponse,
    GetRecoveryPointRequest, GetRecoveryPointResponse, GetSnapshotRequest, GetSnapshotResponse,
    ListRecoveryPointsRequest, ListRecoveryPointsResponse, ListSnapshotsRequest,
    ListSnapshotsResponse, RestoreFromRecoveryPointRequest, RestoreFromRecoveryPointResponse,
    RestoreFromSnapshotRequest, RestoreFromSnapshotResponse, Tag, UpdateSnapshotRequest,
    UpdateSnapshotResponse, errors, op,
};

use super::backups::{Held, RecoveryPoint, Snapshot, Stage, in_use};
use super::paging::page;
use super::state::{Namespace, NamespaceWork, RestoreSource, SERVICE};
use super::{
    drive_backups, idle, namespace, not_found, resources, rules, tags, whole, work_id, workgroup,
    workgroup_of,
};
use crate::records::{Txn, View};
use crate::registry::{Depth, Registry};
use crate::secrets::managed;
use crate::{Call, Control, ControlConfig, provisioned};

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateSnapshot, Depth::Full, create);
    registry.serve(op::GetSnapshot, Depth::Full, get);
    registry.serve(op::ListSnapshots, Depth::Full, list);
    registry.serve(op::UpdateSnapshot, Depth::Full, update);
    registry.serve(op::DeleteSnapshot, Depth::Full, delete);
    registry.serve(op::RestoreFromSnapshot, Depth::Full, restore);
    registry.serve(op::GetRecoveryPoint, Depth::Full, get_point);
    registry.serve(op::ListRecoveryPoints, Depth::Full, list_points);
    registry.serve(op::ConvertRecoveryPointToSnapshot, Depth::Full, convert);
    registry.serve(op::RestoreFromRecoveryPoint, Depth::Full, restore_point);
}

/// The snapshot with this name.
pub fn snapshot(view: &View, name: &str) -> Result<Arc<Snapshot>, ApiError> {
    view.get::<Snapshot>(name)
        .filter(|s| s.visible())
        .ok_or_else(|| not_found("Snapshot", name))
}

/// The recovery point with this id.
pub fn point(view: &View, id: &str) -> Result<Arc<RecoveryPoint>, ApiError> {
    view.get::<RecoveryPoint>(id)
        .filter(|p| p.stage == Stage::Ready)
        .ok_or_else(|| not_found("Recovery point", id))
}

/// What a cluster is restored from, if the ARN names a snapshot of this service that is available.
pub fn restorable(view: &View, config: &ControlConfig, arn: &str) -> Option<Held> {
    let (found, held) = by_arn(view, config, arn)?;
    (found.stage == Stage::Ready).then(|| Held {
        name: held,
        ..found.held.clone()
    })
}

/// The snapshot with this ARN, and what the provisioner holds for it: the snapshot itself, or its
/// copy in the ARN's region.
pub fn by_arn(view: &View, config: &ControlConfig, arn: &str) -> Option<(Arc<Snapshot>, String)> {
    let (head, uuid) = arn.rsplit_once(":snapshot/")?;
    let all = view.list::<Snapshot>();
    if head == config.arn(SERVICE, "").trim_end_matches(':') {
        let found = all.into_iter().find(|s| s.uuid == uuid && s.visible())?;
        let held = found.held.name.clone();
        return Some((found, held));
    }
    all.into_iter().find_map(|snapshot| {
        let copy = snapshot.copies.iter().find(|c| c.uuid == uuid && c.done)?;
        let home = format!(
            "arn:aws:{SERVICE}:{}:{}",
            copy.region.clone(),
            config.account
        );
        let held = copy.held.clone();
        (head == home).then_some((snapshot, held))
    })
}

/// Puts the record of a snapshot to be taken. What callers, schedules and the deletion of a namespace
/// have in common.
pub fn ask(
    control: &Control,
    txn: &mut Txn,
    namespace: &Namespace,
    name: &str,
    retention: Option<i64>,
    given: Option<&[Tag]>,
) -> Result<Snapshot, ApiError> {
    let retention = rules::retention(retention)?;
    rules::snapshot_name(name)?;
    if txn.get::<Snapshot>(name).is_some() {
        return Err(errors::conflict_exception(format!(
            "Snapshot {name} already exists."
        )));
    }
    let now = control.clock.now();
    let made = Snapshot {
        name: name.into(),
        uuid: uuid::Uuid::new_v4().to_string(),
        held: Held::of(namespace),
        stage: Stage::Taking,
        created: now,
        finished: None,
        retention,
        retention_start: now,
        copies: Vec::new(),
    };
    tags::add(txn, &made.arn(&control.config), given)?;
    txn.put(made.clone())?;
    Ok(made)
}

async fn create(
    call: Call,
    input: CreateSnapshotRequest,
) -> Result<CreateSnapshotResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let namespace = namespace(&view, &input.namespace_name)?;
    // Guide L2435.
    if workgroup_of(&view, &namespace.name).is_none() {
        return Err(errors::validation_exception(format!(
            "Namespace {} has no workgroup. Snapshots can be made of namespaces with a workgroup.",
            namespace.name
        )));
    }
    idle(&view, &namespace)?;
    let made = ask(
        &call.control,
        &mut txn,
        &namespace,
        &input.snapshot_name,
        input.retention_period,
        input.tags.as_deref(),
    )?;
    txn.commit().await?;
    call.drive();
    Ok(CreateSnapshotResponse {
        snapshot: Some(made.shown(call.config(), &view, call.now())),
    })
}

async fn get(call: Call, input: GetSnapshotRequest) -> Result<GetSnapshotResponse, ApiError> {
    let view = call.view();
    let found = match (&input.snapshot_name, &input.snapshot_arn) {
        (Some(_), Some(_)) | (None, None) => {
            return Err(errors::validation_exception(
                "Specify either snapshotName or snapshotArn.",
            ));
        }
        (Some(name), None) => {
            if input
                .owner_account
                .as_ref()
                .is_some_and(|owner| *owner != call.config().account)
            {
                return Err(not_found("Snapshot", name));
            }
            snapshot(&view, name)?
        }
        (None, Some(arn)) => {
            by_arn(&view, call.config(), arn)
                .ok_or_else(|| not_found("Snapshot", arn))?
                .0
        }
    };
    let mut shown = found.shown(call.config(), &view, call.now());
    if let Some(arn) = input.snapshot_arn {
        shown.snapshot_arn = Some(arn);
    }
    Ok(GetSnapshotResponse {
        snapshot: Some(shown),
    })
}

/// True if a time is in the bounds a caller gave.
fn between(at: DateTime<Utc>, start: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> bool {
    start.is_none_or(|start| at >= start) && end.is_none_or(|end| at <= end)
}

async fn list(call: Call, input: ListSnapshotsRequest) -> Result<ListSnapshotsResponse, ApiError> {
    let view = call.view();
    let foreign = input
        .owner_account
        .as_ref()
        .is_some_and(|owner| *owner != call.config().account);
    let mut all = view.list::<Snapshot>();
    all.retain(|s| {
        s.visible()
            && !foreign
            && between(s.created, input.start_time, input.end_time)
            && input
                .namespace_name
                .as_ref()
                .is_none_or(|name| s.held.namespace == *name)
            && input
                .namespace_arn
                .as_ref()
                .is_none_or(|arn| arn.ends_with(&format!("namespace/{}", s.held.namespace_id)))
    });
    let (shown, next_token) = page(
        &call,
        all,
        |s| s.name.clone(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListSnapshotsResponse {
        next_token,
        snapshots: Some(
            shown
                .iter()
                .map(|s| s.shown(call.config(), &view, call.now()))
                .collect(),
        ),
    })
}

async fn update(
    call: Call,
    input: UpdateSnapshotRequest,
) -> Result<UpdateSnapshotResponse, ApiError> {
    let retention = rules::retention(input.retention_period)?;
    let mut txn = call.begin().await;
    let view = call.view();
    let mut known = (*snapshot(&view, &input.snapshot_name)?).clone();
    if input.retention_period.is_some() {
        known.retention = retention;
        txn.put(known.clone())?;
    }
    txn.commit().await?;
    Ok(UpdateSnapshotResponse {
        snapshot: Some(known.shown(call.config(), &view, call.now())),
    })
}

async fn delete(
    call: Call,
    input: DeleteSnapshotRequest,
) -> Result<DeleteSnapshotResponse, ApiError> {
    whole(async move {
        let mut txn = call.begin().await;
        let view = call.view();
        let mut known = (*snapshot(&view, &input.snapshot_name)?).clone();
        let conflict = |why: &str| {
            Err(errors::conflict_exception(format!(
                "Snapshot {} {why}.",
                input.snapshot_name
            )))
        };
        if !resources::shared_with(&view, &known.arn(call.config())).is_empty() {
            // Guide L2454.
            return conflict("is shared with other accounts. Remove their access first");
        }
        if known.stage == Stage::Taking {
            return conflict("is being created");
        }
        if in_use(&view, &known.held.name)
            || known.copies.iter().any(|copy| in_use(&view, &copy.held))
        {
            return conflict("is being restored");
        }
        known.stage = Stage::Going;
        txn.put(known.clone())?;
        txn.commit().await?;
        drive_backups::free_snapshot(&call.control, &known)
            .await
            .map_err(ApiError::internal)?;
        Ok(DeleteSnapshotResponse {
            snapshot: Some(known.shown(call.config(), &view, call.now())),
        })
    })
    .await
}

async fn get_point(
    call: Call,
    input: GetRecoveryPointRequest,
) -> Result<GetRecoveryPointResponse, ApiError> {
    let found = point(&call.view(), &input.recovery_point_id)?;
    Ok(GetRecoveryPointResponse {
        recovery_point: Some(found.shown(call.config())),
    })
}

async fn list_points(
    call: Call,
    input: ListRecoveryPointsRequest,
) -> Result<ListRecoveryPointsResponse, ApiError> {
    let mut all = call.view().list::<RecoveryPoint>();
    all.retain(|p| {
        p.stage == Stage::Ready
            && between(p.created, input.start_time, input.end_time)
            && input
                .namespace_name
                .as_ref()
                .is_none_or(|name| p.held.namespace == *name)
            && input
                .namespace_arn
                .as_ref()
                .is_none_or(|arn| arn.ends_with(&format!("namespace/{}", p.held.namespace_id)))
    });
    // In order of time; ids are of no order.
    let key =
        |p: &Arc<RecoveryPoint>| format!("{:020}/{}", p.created.timestamp_micros().max(0), p.uuid);
    all.sort_by_key(key);
    let (shown, next_token) = page(
        &call,
        all,
        key,
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListRecoveryPointsResponse {
        next_token,
        recovery_points: Some(shown.iter().map(|p| p.shown(call.config())).collect()),
    })
}

async fn convert(
    call: Call,
    input: ConvertRecoveryPointToSnapshotRequest,
) -> Result<ConvertRecoveryPointToSnapshotResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let from = point(&view, &input.recovery_point_id)?;
    let retention = rules::retention(input.retention_period)?;
    rules::snapshot_name(&input.snapshot_name)?;
    if txn.get::<Snapshot>(&input.snapshot_name).is_some() {
        return Err(errors::conflict_exception(format!(
            "Snapshot {} already exists.",
            input.snapshot_name
        )));
    }
    let now = call.now();
    let made = Snapshot {
        name: input.snapshot_name,
        uuid: uuid::Uuid::new_v4().to_string(),
        // The same state: it stays when the recovery point goes.
        held: from.held.clone(),
        stage: Stage::Ready,
        created: from.created,
        finished: Some(now),
        retention,
        retention_start: now,
        copies: Vec::new(),
    };
    tags::add(&mut txn, &made.arn(call.config()), input.tags.as_deref())?;
    txn.put(made.clone())?;
    txn.commit().await?;
    Ok(ConvertRecoveryPointToSnapshotResponse {
        snapshot: Some(made.shown(call.config(), &view, now)),
    })
}

/// Begins to replace what a namespace holds.
async fn begin_restore(
    call: &Call,
    namespace_name: &str,
    workgroup_name: &str,
    source: impl FnOnce(&View) -> Result<RestoreSource, ApiError>,
) -> Result<Namespace, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let target = namespace(&view, namespace_name)?;
    let compute = workgroup(&view, workgroup_name)?;
    if compute.namespace != target.name {
        return Err(errors::validation_exception(format!(
            "Workgroup {workgroup_name} is not associated with the namespace {namespace_name}."
        )));
    }
    // Guide L2491: only into a namespace that is available.
    idle(&view, &target)?;
    let restoring = Namespace {
        pending: Some(NamespaceWork::Restore {
            id: work_id(),
            source: source(&view)?,
        }),
        ..(*target).clone()
    };
    txn.put(restoring.clone())?;
    txn.commit().await?;
    call.drive();
    Ok(restoring)
}

async fn restore(
    call: Call,
    input: RestoreFromSnapshotRequest,
) -> Result<RestoreFromSnapshotResponse, ApiError> {
    let config = call.config();
    let manage = input.manage_admin_password == Some(true);
    let secret_key = input.admin_password_secret_kms_key_id;
    if manage {
        managed::may_manage(&call, &input.namespace_name, secret_key.as_deref())?;
    }
    let mut shown_name = None;
    let restoring = begin_restore(
        &call,
        &input.namespace_name,
        &input.workgroup_name,
        |view| {
            // Guide L2660.
            let (found, held) = match (&input.snapshot_name, &input.snapshot_arn) {
                (Some(_), Some(_)) | (None, None) => {
                    return Err(errors::validation_exception(
                        "Specify either snapshotName or snapshotArn.",
                    ));
                }
                (Some(name), None) => {
                    if input
                        .owner_account
                        .as_ref()
                        .is_some_and(|owner| *owner != config.account)
                    {
                        return Err(not_found("Snapshot", name));
                    }
                    let found = snapshot(view, name)?;
                    let held = found.held.name.clone();
                    (found, held)
                }
                (None, Some(arn)) if arn.starts_with("arn:aws:redshift:") => {
                    let source = provisioned_source(view, config, arn)?;
                    shown_name = Some(source.shown.clone());
                    return Ok(RestoreSource {
                        manage,
                        secret_key,
                        ..source
                    });
                }
                (None, Some(arn)) => {
                    by_arn(view, config, arn).ok_or_else(|| not_found("Snapshot", arn))?
                }
            };
            if found.stage != Stage::Ready {
                return Err(errors::conflict_exception(format!(
                    "Snapshot {} is not available.",
                    found.name
                )));
            }
            shown_name = Some(found.name.clone());
            Ok(RestoreSource {
                held,
                manage,
                secret_key,
                ..found.held.source(&found.name, false)
            })
        },
    )
    .await?;
    Ok(RestoreFromSnapshotResponse {
        namespace: Some(restoring.shown(config)),
        owner_account: Some(config.account.clone()),
        snapshot_name: shown_name,
    })
}

/// A snapshot of a provisioned cluster, by its ARN (guide L2400-2408).
fn provisioned_source(
    view: &View,
    config: &ControlConfig,
    arn: &str,
) -> Result<RestoreSource, ApiError> {
    let found = provisioned::snapshots::find_either(view, config, None, Some(arn), None)
        .map_err(|_| not_found("Snapshot", arn))?;
    if found.status != "available" {
        return Err(errors::conflict_exception(format!(
            "Snapshot {} is not available.",
            found.id
        )));
    }
    Ok(RestoreSource {
        held: found.name.clone(),
        shown: found.id.clone(),
        recovery_point: false,
        admin_user: found.admin.clone(),
        database: found.database.clone(),
        manage: false,
        secret_key: None,
    })
}

async fn restore_point(
    call: Call,
    input: RestoreFromRecoveryPointRequest,
) -> Result<RestoreFromRecoveryPointResponse, ApiError> {
    let restoring = begin_restore(
        &call,
        &input.namespace_name,
        &input.workgroup_name,
        |view| {
            let found = point(view, &input.recovery_point_id)?;
            Ok(found.held.source(&found.uuid, true))
        },
    )
    .await?;
    Ok(RestoreFromRecoveryPointResponse {
        namespace: Some(restoring.shown(call.config())),
        recovery_point_id: Some(input.recovery_point_id),
    })
}
