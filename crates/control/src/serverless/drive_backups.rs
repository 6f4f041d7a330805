//! The work of snapshots and recovery points: taking, copying to another region, freeing, and what
//! goes by the clock.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use super::backups::{POINT_KEPT, RecoveryPoint, RegionCopy, Snapshot, Stage, holders, in_use};
use super::copies::CopyConfiguration;
use super::drive::{Step, text};
use super::state::Namespace;
use super::{backups, events, policies, tags, workgroup_of};
use crate::Control;
use crate::records::View;

/// Recovery points are made this often (guide L2507).
const EVERY: Duration = Duration::minutes(30);
/// After this many failures a snapshot has failed.
const TRIES: u32 = 3;

/// Starts the jobs of snapshots that are not finished.
pub fn resume(control: &Arc<Control>, view: &View) {
    for snapshot in view.list::<Snapshot>() {
        let unfinished = match snapshot.stage {
            Stage::Taking | Stage::Going => true,
            Stage::Ready => snapshot.copies.iter().any(|copy| !copy.done),
            Stage::Failed => false,
        };
        if unfinished {
            control.jobs.start(
                format!("serverless.snapshot/{}", snapshot.uuid),
                on_snapshot(control.clone(), snapshot.name.clone()),
            );
        }
    }
}

async fn on_snapshot(control: Arc<Control>, name: String) {
    let mut tries = 0;
    loop {
        let Some(snapshot) = control.records.view().get::<Snapshot>(&name) else {
            return;
        };
        let result = match snapshot.stage {
            Stage::Taking => take(&control, &snapshot).await,
            Stage::Going => free_snapshot(&control, &snapshot).await,
            Stage::Ready => match snapshot.copies.iter().find(|copy| !copy.done) {
                Some(copy) => copy_snapshot(&control, &snapshot, copy).await,
                None => return,
            },
            Stage::Failed => return,
        };
        let Err(error) = result else { continue };
        tries += 1;
        tracing::warn!(snapshot = name, error, tries, "work on a snapshot failed");
        if tries >= TRIES && snapshot.stage == Stage::Taking {
            let failed = Snapshot {
                stage: Stage::Failed,
                finished: Some(control.clock.now()),
                ..(*snapshot).clone()
            };
            let mut txn = control.records.begin().await;
            if let Err(error) = txn.put(failed).and(txn.commit().await) {
                tracing::error!(snapshot = name, %error, "its failure could not be recorded");
            }
        }
        super::drive::pause(tries).await;
    }
}

/// The copies that a new backup of a namespace gets.
fn copies(view: &View, namespace: &str, now: DateTime<Utc>, point: bool) -> Vec<RegionCopy> {
    view.list::<CopyConfiguration>()
        .iter()
        .filter(|c| c.namespace == namespace)
        .map(|c| RegionCopy {
            region: c.region.clone(),
            uuid: uuid::Uuid::new_v4().to_string(),
            held: format!("sls-{}", uuid::Uuid::new_v4()),
            // Guide L2591: copies of recovery points are kept for a day.
            retention: if point { Some(1) } else { c.retention },
            created: now,
            done: false,
        })
        .collect()
}

/// Takes a snapshot that was asked for.
pub async fn take(control: &Arc<Control>, snapshot: &Snapshot) -> Step {
    let usage = control
        .provisioner
        .snapshot(&snapshot.held.namespace_id, &snapshot.held.name)
        .await
        .map_err(text)?;
    let now = control.clock.now();
    let mut txn = control.records.begin().await;
    let made = copies(
        &control.records.view(),
        &snapshot.held.namespace,
        now,
        false,
    );
    txn.update::<Snapshot>(&snapshot.name, |s| {
        s.stage = Stage::Ready;
        s.finished = Some(now);
        s.held.bytes = usage.bytes;
        s.held.incremental_bytes = usage.incremental_bytes;
        s.copies = made;
    })
    .map_err(text)?;
    events::tell(control, &mut txn, "1000", &snapshot.name, &[]).map_err(text)?;
    txn.commit().await.map_err(text)
}

async fn copy_snapshot(control: &Arc<Control>, snapshot: &Snapshot, copy: &RegionCopy) -> Step {
    control
        .provisioner
        .copy_snapshot(&snapshot.held.name, &copy.region, &copy.held)
        .await
        .map_err(text)?;
    let mut txn = control.records.begin().await;
    txn.update::<Snapshot>(&snapshot.name, |s| {
        for known in s.copies.iter_mut().filter(|c| c.uuid == copy.uuid) {
            known.done = true;
        }
    })
    .map_err(text)?;
    txn.commit().await.map_err(text)
}

/// Frees a snapshot that is being deleted.
pub async fn free_snapshot(control: &Arc<Control>, snapshot: &Snapshot) -> Step {
    free_held(control, &snapshot.held.name, &snapshot.copies).await?;
    let mut txn = control.records.begin().await;
    let arn = snapshot.arn(&control.config);
    tags::forget(&mut txn, &arn);
    policies::forget(&mut txn, &arn);
    // Another may have taken the name, if this was done twice.
    if txn
        .get::<Snapshot>(&snapshot.name)
        .is_some_and(|s| s.uuid == snapshot.uuid)
    {
        txn.delete::<Snapshot>(&snapshot.name);
    }
    txn.commit().await.map_err(text)
}

async fn free_held(control: &Arc<Control>, held: &str, copies: &[RegionCopy]) -> Step {
    for copy in copies {
        let provisioner = &control.provisioner;
        provisioner
            .delete_snapshot(&copy.held)
            .await
            .map_err(text)?;
    }
    if holders(&control.records.view(), held) == 0 {
        control
            .provisioner
            .delete_snapshot(held)
            .await
            .map_err(text)?;
    }
    Ok(())
}

/// Frees a recovery point.
async fn free_point(control: &Arc<Control>, point: &RecoveryPoint) -> Step {
    let mut txn = control.records.begin().await;
    txn.update::<RecoveryPoint>(&point.uuid, |p| p.stage = Stage::Going)
        .map_err(text)?;
    txn.commit().await.map_err(text)?;
    free_held(control, &point.held.name, &point.copies).await?;
    let mut txn = control.records.begin().await;
    tags::forget(&mut txn, &point.arn(&control.config));
    txn.delete::<RecoveryPoint>(&point.uuid);
    txn.commit().await.map_err(text)
}

/// Makes a recovery point of a namespace.
async fn make_point(control: &Arc<Control>, namespace: &Namespace, workgroup: &str) -> Step {
    let now = control.clock.now();
    let mut point = RecoveryPoint {
        uuid: uuid::Uuid::new_v4().to_string(),
        workgroup: workgroup.into(),
        held: backups::Held::of(namespace),
        stage: Stage::Taking,
        created: now,
        copies: copies(&control.records.view(), &namespace.name, now, true),
    };
    let mut txn = control.records.begin().await;
    txn.put(point.clone()).map_err(text)?;
    txn.commit().await.map_err(text)?;
    let usage = control
        .provisioner
        .snapshot(&point.held.namespace_id, &point.held.name)
        .await
        .map_err(text)?;
    for copy in &mut point.copies {
        control
            .provisioner
            .copy_snapshot(&point.held.name, &copy.region, &copy.held)
            .await
            .map_err(text)?;
        copy.done = true;
    }
    point.stage = Stage::Ready;
    point.held.bytes = usage.bytes;
    point.held.incremental_bytes = usage.incremental_bytes;
    let mut txn = control.records.begin().await;
    txn.put(point).map_err(text)?;
    txn.commit().await.map_err(text)
}

/// What is due: new recovery points, and the end of what was kept long enough.
pub async fn upkeep(control: &Arc<Control>) {
    let now = control.clock.now();
    let view = control.records.view();
    for snapshot in view.list::<Snapshot>() {
        if let Err(error) = prune_snapshot(control, &view, &snapshot, now).await {
            tracing::warn!(snapshot = snapshot.name, error, "it could not be deleted");
        }
    }
    for point in view.list::<RecoveryPoint>() {
        let lives = view
            .get::<Namespace>(&point.held.namespace)
            .is_some_and(|n| n.uuid == point.held.namespace_id);
        // One that is being taken here and now is none of those: upkeep does one thing at a time.
        let over = point.stage != Stage::Ready || !lives || now - point.created >= POINT_KEPT;
        if over
            && !in_use(&view, &point.held.name)
            && let Err(error) = free_point(control, &point).await
        {
            tracing::warn!(point = point.uuid, error, "it could not be deleted");
        }
    }
    for namespace in view.list::<Namespace>() {
        let Some(workgroup) = workgroup_of(&view, &namespace.name).filter(|w| w.available()) else {
            continue;
        };
        if namespace.pending.is_some() {
            continue;
        }
        let last = view
            .list::<RecoveryPoint>()
            .iter()
            .filter(|p| p.held.namespace_id == namespace.uuid && p.stage == Stage::Ready)
            .map(|p| p.created)
            .max()
            .unwrap_or(workgroup.created);
        if now - last >= EVERY
            && let Err(error) = make_point(control, &namespace, &workgroup.name).await
        {
            tracing::warn!(namespace = namespace.name, error, "no recovery point");
        }
    }
}

async fn prune_snapshot(
    control: &Arc<Control>,
    view: &View,
    snapshot: &Snapshot,
    now: DateTime<Utc>,
) -> Step {
    if in_use(view, &snapshot.held.name) {
        return Ok(());
    }
    if snapshot.stage == Stage::Ready && snapshot.expired(now) {
        let mut txn = control.records.begin().await;
        txn.update::<Snapshot>(&snapshot.name, |s| s.stage = Stage::Going)
            .map_err(text)?;
        txn.commit().await.map_err(text)?;
        return free_snapshot(control, snapshot).await;
    }
    // Copies have a time of their own (guide L2591).
    for copy in &snapshot.copies {
        let over = copy
            .retention
            .is_some_and(|days| now >= copy.created + Duration::days(days));
        if !over || in_use(view, &copy.held) {
            continue;
        }
        let provisioner = &control.provisioner;
        provisioner
            .delete_snapshot(&copy.held)
            .await
            .map_err(text)?;
        let mut txn = control.records.begin().await;
        txn.update::<Snapshot>(&snapshot.name, |s| s.copies.retain(|c| c.uuid != copy.uuid))
            .map_err(text)?;
        txn.commit().await.map_err(text)?;
    }
    Ok(())
}
