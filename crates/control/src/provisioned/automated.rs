//! What goes by the clock: automated snapshots by the documented rule or the cluster's schedule (guide
//! L3862-3880), retention, unfinished work.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::ApiError;

use super::cluster::{ClusterRecord, Pending};
use super::schedules::SnapshotSchedule;
use super::snapshots::{self, SnapshotRecord, automated_id};
use super::{copies, lifecycle};
use crate::Control;
use crate::records::View;

/// Changes of a node that make a snapshot due.
const BYTES: u64 = 5 << 30;

/// Looks after everything once.
pub async fn sweep(control: &Arc<Control>) {
    let now = control.clock.now();
    expire(control, now).await;
    unfinished(control);
    for cluster in control.records.view().list::<ClusterRecord>() {
        if cluster.status != "available"
            || !cluster.pending.is_empty()
            || cluster.auto_retention == 0
        {
            continue;
        }
        if let Err(error) = look(control, &cluster, now).await {
            tracing::warn!(cluster = cluster.id, %error, "an automated snapshot could not be taken");
        }
    }
}

/// Starts what waits and does not run.
pub fn unfinished(control: &Arc<Control>) {
    let view = control.records.view();
    for cluster in view.list::<ClusterRecord>() {
        if !cluster.pending.is_empty() {
            lifecycle::drive(control, &cluster.namespace);
        }
    }
    for snapshot in view.list::<SnapshotRecord>() {
        match snapshot.status.as_str() {
            "creating" if !final_of_pending(&view, &snapshot) => {
                snapshots::drive(control, &snapshot.id)
            }
            "copying" => copies::drive(control, &snapshot.id),
            "deleting" => snapshots::drive_removal(control, &snapshot.id),
            _ => {}
        }
    }
}

/// A final snapshot is taken by its cluster's own driver, after sessions ended.
fn final_of_pending(view: &View, snapshot: &SnapshotRecord) -> bool {
    snapshot.last
        && view.list::<ClusterRecord>().iter().any(|cluster| {
            cluster.namespace == snapshot.namespace
                && matches!(cluster.pending.first(), Some(Pending::Delete { final_snapshot: Some(id) }) if *id == snapshot.id)
        })
}

/// Is a snapshot of the cluster due?
async fn look(
    control: &Arc<Control>,
    cluster: &ClusterRecord,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let view = control.records.view();
    let last = view
        .list::<SnapshotRecord>()
        .iter()
        .filter(|s| s.automated && s.region.is_none() && s.namespace == cluster.namespace)
        .map(|s| s.created)
        .max();
    let since = last.unwrap_or(cluster.created);
    let due = match cluster
        .schedule
        .as_ref()
        .and_then(|id| view.get::<SnapshotSchedule>(id))
    {
        Some(schedule) => schedule.next(since).is_some_and(|next| next <= now),
        None => {
            let mut due = now - since >= Duration::hours(8);
            // Sizes are asked for only when the shortest interval (L3862) is over.
            if !due && now - since >= Duration::minutes(15) {
                let usage = control
                    .provisioner
                    .usage(&cluster.namespace)
                    .await
                    .map_err(lifecycle::failed)?;
                due = usage.bytes.abs_diff(cluster.bytes) >= BYTES * cluster.nodes.max(1) as u64;
            }
            due
        }
    };
    if !due {
        return Ok(());
    }
    let usage = control
        .provisioner
        .usage(&cluster.namespace)
        .await
        .map_err(lifecycle::failed)?;
    let mut txn = control.records.begin().await;
    let Some(current) = txn.get::<ClusterRecord>(&cluster.id) else {
        return Ok(());
    };
    let mut current = (*current).clone();
    current.bytes = usage.bytes;
    let id = automated_id(&current.id, now);
    if txn.get::<SnapshotRecord>(&id).is_some() {
        return Ok(());
    }
    snapshots::put_new(
        &mut txn,
        SnapshotRecord::of(&current, id.clone(), true, current.auto_retention, now),
    )?;
    txn.put(current)?;
    txn.commit().await?;
    snapshots::drive(control, &id);
    Ok(())
}

/// Deletes snapshots whose time is over. The latest automated one of a cluster stays until automated
/// snapshots are turned off (L3868).
async fn expire(control: &Arc<Control>, now: DateTime<Utc>) {
    let view = control.records.view();
    let all = view.list::<SnapshotRecord>();
    for snapshot in &all {
        if snapshot.status != "available" && snapshot.status != "failed" {
            continue;
        }
        let over = if snapshot.automated {
            let copy = snapshot.region.is_some();
            let days = match view
                .list::<ClusterRecord>()
                .iter()
                .find(|c| c.namespace == snapshot.namespace)
            {
                Some(cluster) if !copy => cluster.auto_retention,
                _ => snapshot.retention,
            };
            let latest = !copy
                && days > 0
                && !all.iter().any(|other| {
                    other.automated
                        && other.region.is_none()
                        && other.namespace == snapshot.namespace
                        && other.created > snapshot.created
                });
            !latest && snapshot.retention_start + Duration::days(days) <= now
        } else {
            snapshot.expires().is_some_and(|at| at <= now)
        };
        if over && snapshot.accounts.is_empty() {
            snapshots::begin_removal(control, &snapshot.id).await;
        }
    }
}
