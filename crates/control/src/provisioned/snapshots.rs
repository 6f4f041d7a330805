//! Snapshots of clusters: their records, and taking and deleting them (guide L3840-3967). What a
//! snapshot holds is with the provisioner under a name of its own.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::redshift::{AccountWithRestoreAccess, Snapshot, errors};
use serde::{Deserialize, Serialize};

use super::cluster::{ClusterRecord, find_by_namespace};
use super::common::Read;
use super::lifecycle::failed;
use super::{copies, events, networks, nodes, tags};
use crate::records::{Record, Txn};
use crate::{Control, ControlConfig};

/// A snapshot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SnapshotRecord {
    /// Its identifier.
    pub id: String,
    /// Its name at the provisioner.
    pub name: String,
    /// Identifier of its cluster, as it is called now.
    pub cluster: String,
    /// Namespace of its cluster.
    pub namespace: String,
    /// True: the service took it.
    pub automated: bool,
    /// True: taken before its cluster was deleted.
    pub last: bool,
    /// creating, available, failed, copying
    pub status: String,
    pub created: DateTime<Utc>,
    pub cluster_created: DateTime<Utc>,
    pub port: u16,
    pub zone: String,
    pub admin: String,
    pub database: String,
    pub node_type: String,
    pub nodes: i64,
    pub encrypted: bool,
    pub kms_key: Option<String>,
    pub enhanced_routing: bool,
    pub track: String,
    pub secret_arn: Option<String>,
    pub secret_key: Option<String>,
    /// Days; -1: for ever. For a manual one its own, for an automated one the cluster's decides.
    pub retention: i64,
    /// When the retention began to count.
    pub retention_start: DateTime<Utc>,
    pub bytes: u64,
    pub incremental_bytes: u64,
    /// Seconds it took.
    pub seconds: i64,
    /// Accounts that may restore it.
    pub accounts: Vec<String>,
    /// Region it is in, if not this one: a copy.
    pub region: Option<String>,
    /// Identifier of what it is a copy of, with the region of that.
    pub source: Option<(String, String)>,
    /// Resizes before which it was taken: no table can be restored from it (L4116).
    pub before_resize: bool,
    pub parameter_group: String,
    pub subnet_group: String,
    pub iam_roles: Vec<String>,
}

impl Record for SnapshotRecord {
    const KIND: &'static str = "redshift.snapshot";
    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Manual snapshots of an account (L27991).
pub const QUOTA: usize = 700;

impl SnapshotRecord {
    /// A new snapshot of a cluster, to be taken.
    pub fn of(
        cluster: &ClusterRecord,
        id: String,
        automated: bool,
        retention: i64,
        now: DateTime<Utc>,
    ) -> SnapshotRecord {
        SnapshotRecord {
            id,
            name: format!("redshift-{}", uuid::Uuid::new_v4()),
            cluster: cluster.id.clone(),
            namespace: cluster.namespace.clone(),
            automated,
            status: "creating".into(),
            created: now,
            cluster_created: cluster.created,
            port: cluster.port,
            zone: cluster.zone.clone(),
            admin: cluster.admin.clone(),
            database: cluster.database.clone(),
            node_type: cluster.node_type.clone(),
            nodes: cluster.nodes,
            encrypted: cluster.encrypted,
            kms_key: cluster.kms_key.clone(),
            enhanced_routing: cluster.enhanced_routing,
            track: cluster.track.clone(),
            secret_arn: cluster.secret_arn.clone(),
            secret_key: cluster.secret_key.clone(),
            retention,
            retention_start: now,
            parameter_group: cluster.parameter_group.clone(),
            subnet_group: cluster.subnet_group.clone(),
            iam_roles: cluster.iam_roles.clone(),
            ..SnapshotRecord::default()
        }
    }

    /// Its ARN.
    pub fn arn(&self, config: &ControlConfig) -> String {
        let rest = format!("snapshot:{}/{}", self.cluster, self.id);
        match &self.region {
            Some(region) => format!("arn:aws:redshift:{region}:{}:{rest}", config.account),
            None => config.arn("redshift", rest),
        }
    }

    /// When it is deleted by itself.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        (!self.automated && self.retention > 0)
            .then(|| self.retention_start + Duration::days(self.retention))
    }

    /// What the API shows.
    pub fn shown(&self, read: &impl Read, config: &ControlConfig, now: DateTime<Utc>) -> Snapshot {
        let mb = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let done = self.status != "creating";
        let seconds = if done {
            self.seconds
        } else {
            (now - self.created).num_seconds().max(0)
        };
        let ra3 = nodes::find(&self.node_type).is_ok_and(|node| node.ra3);
        Snapshot {
            snapshot_identifier: Some(self.id.clone()),
            snapshot_arn: Some(self.arn(config)),
            cluster_identifier: Some(self.cluster.clone()),
            snapshot_create_time: Some(self.created),
            status: Some(self.status.clone()),
            port: Some(self.port.into()),
            availability_zone: Some(self.zone.clone()),
            cluster_create_time: Some(self.cluster_created),
            master_username: Some(self.admin.clone()),
            cluster_version: Some("1.0".into()),
            engine_full_version: Some(format!("1.0.{}", super::create::REVISION)),
            snapshot_type: Some(
                if self.automated {
                    "automated"
                } else {
                    "manual"
                }
                .into(),
            ),
            node_type: Some(self.node_type.clone()),
            number_of_nodes: Some(self.nodes),
            db_name: Some(self.database.clone()),
            vpc_id: Some(networks::VPC.into()),
            encrypted: Some(self.encrypted),
            kms_key_id: self.kms_key.clone(),
            encrypted_with_hsm: Some(false),
            accounts_with_restore_access: (!self.accounts.is_empty()).then(|| {
                self.accounts
                    .iter()
                    .map(|account| AccountWithRestoreAccess {
                        account_id: Some(account.clone()),
                        account_alias: None,
                    })
                    .collect()
            }),
            owner_account: Some(config.account.clone()),
            total_backup_size_in_mega_bytes: Some(mb(self.bytes)),
            actual_incremental_backup_size_in_mega_bytes: Some(mb(self.incremental_bytes)),
            backup_progress_in_mega_bytes: Some(if done {
                mb(self.incremental_bytes)
            } else {
                0.0
            }),
            current_backup_rate_in_mega_bytes_per_second: Some(if done {
                mb(self.incremental_bytes) / self.seconds.max(1) as f64
            } else {
                0.0
            }),
            estimated_seconds_to_completion: Some(if done { 0 } else { 1 }),
            elapsed_time_in_seconds: Some(seconds),
            source_region: self.source.as_ref().map(|(_, region)| region.clone()),
            tags: Some(tags::of(read, &self.arn(config))),
            restorable_node_types: Some(
                nodes::TYPES
                    .iter()
                    .filter(|node| node.ra3 || !ra3)
                    .filter(|node| !node.name.starts_with("dc1") && !node.name.starts_with("ds2"))
                    .map(|node| node.name.to_string())
                    .collect(),
            ),
            enhanced_vpc_routing: Some(self.enhanced_routing),
            maintenance_track_name: Some(self.track.clone()),
            manual_snapshot_retention_period: (!self.automated).then_some(self.retention),
            manual_snapshot_remaining_days: self
                .expires()
                .map(|at| ((at - now).num_seconds().max(0) as f64 / 86_400.0).ceil() as i64),
            snapshot_retention_start_time: Some(self.retention_start),
            master_password_secret_arn: self.secret_arn.clone(),
            master_password_secret_kms_key_id: self.secret_key.clone(),
        }
    }
}

/// The snapshot with this identifier; `cluster`, if given, must be its cluster.
pub fn find(
    read: &impl Read,
    id: &str,
    cluster: Option<&str>,
) -> Result<Arc<SnapshotRecord>, ApiError> {
    read.get::<SnapshotRecord>(&id.to_ascii_lowercase())
        .filter(|snapshot| cluster.is_none_or(|name| snapshot.cluster == name.to_ascii_lowercase()))
        .ok_or_else(|| {
            errors::cluster_snapshot_not_found_fault(format!("Snapshot {id} not found."))
        })
}

/// The snapshot with this ARN or identifier.
pub fn find_either(
    read: &impl Read,
    config: &ControlConfig,
    id: Option<&str>,
    arn: Option<&str>,
    cluster: Option<&str>,
) -> Result<Arc<SnapshotRecord>, ApiError> {
    match (id, arn) {
        (Some(id), None) => find(read, id, cluster),
        (None, Some(arn)) => read
            .list::<SnapshotRecord>()
            .into_iter()
            .find(|snapshot| snapshot.arn(config) == arn)
            .ok_or_else(|| {
                errors::cluster_snapshot_not_found_fault(format!("Snapshot {arn} not found."))
            }),
        _ => Err(ApiError::combination(
            "Exactly one of SnapshotIdentifier and SnapshotArn must be given.",
        )),
    }
}

/// Writes the record of a snapshot to be taken.
pub fn put_new(txn: &mut Txn, snapshot: SnapshotRecord) -> Result<(), ApiError> {
    if txn.get::<SnapshotRecord>(&snapshot.id).is_some() {
        return Err(errors::cluster_snapshot_already_exists_fault(format!(
            "Cannot create the snapshot because a snapshot with the identifier {} already exists.",
            snapshot.id
        )));
    }
    if !snapshot.automated {
        let manual = txn
            .list::<SnapshotRecord>()
            .iter()
            .filter(|s| !s.automated)
            .count();
        if manual >= QUOTA {
            return Err(errors::cluster_snapshot_quota_exceeded_fault(format!(
                "The quota of {QUOTA} manual snapshots is reached."
            )));
        }
    }
    txn.put(snapshot)
}

/// Sees to it that a snapshot is taken.
pub fn drive(control: &Arc<Control>, id: &str) {
    let (owned, name) = (control.clone(), id.to_string());
    control
        .jobs
        .start(format!("redshift:snapshot:{id}"), async move {
            for tries in 0.. {
                match complete(&owned, &name).await {
                    Ok(()) => return,
                    Err(error) if tries < 5 => {
                        tracing::warn!(snapshot = name, %error, "a snapshot could not be taken");
                        tokio::time::sleep(std::time::Duration::from_millis(200 << tries)).await;
                    }
                    Err(error) => {
                        tracing::error!(snapshot = name, %error, "a snapshot failed");
                        let _ = fail(&owned, &name).await;
                        return;
                    }
                }
            }
        });
}

async fn fail(control: &Control, id: &str) -> Result<(), ApiError> {
    let mut txn = control.records.begin().await;
    let last = txn.get::<SnapshotRecord>(id).is_some_and(|s| s.last);
    if txn.update::<SnapshotRecord>(id, |snapshot| snapshot.status = "failed".into())? {
        let event = if last { 3502 } else { 3503 };
        events::emit(
            &mut txn,
            control.clock.now(),
            events::SNAPSHOT,
            id,
            event,
            format!("The snapshot {id} failed."),
        )?;
    }
    txn.commit().await
}

/// Takes a snapshot whose record waits for it.
pub async fn complete(control: &Arc<Control>, id: &str) -> Result<(), ApiError> {
    let Some(snapshot) = control.records.view().get::<SnapshotRecord>(id) else {
        return Ok(());
    };
    if snapshot.status != "creating" {
        return Ok(());
    }
    let usage = control
        .provisioner
        .snapshot(&snapshot.namespace, &snapshot.name)
        .await
        .map_err(failed)?;
    let now = control.clock.now();
    let mut txn = control.records.begin().await;
    let there = txn.update::<SnapshotRecord>(id, |snapshot| {
        snapshot.status = "available".into();
        snapshot.bytes = usage.bytes;
        snapshot.incremental_bytes = usage.incremental_bytes;
        snapshot.seconds = (now - snapshot.created).num_seconds().max(0);
    })?;
    if there && !snapshot.automated {
        let (event, what) = if snapshot.last {
            (3005, "final snapshot")
        } else {
            (3004, "snapshot")
        };
        events::emit(
            &mut txn,
            now,
            events::SNAPSHOT,
            id,
            event,
            format!(
                "The {what} {id} for Amazon Redshift cluster {} completed at {}.",
                snapshot.cluster,
                events::time(now)
            ),
        )?;
    }
    txn.commit().await?;
    if !there {
        // Deleted while it was taken.
        control
            .provisioner
            .delete_snapshot(&snapshot.name)
            .await
            .map_err(failed)?;
        return Ok(());
    }
    copies::follow(control, id).await;
    Ok(())
}

/// Name of an automated snapshot.
pub fn automated_id(cluster: &str, at: DateTime<Utc>) -> String {
    format!("rs:{cluster}-{}", at.format("%Y-%m-%d-%H-%M-%S"))
}

/// Takes an automated snapshot now, to its end.
pub async fn take_automated(
    control: &Arc<Control>,
    cluster: &ClusterRecord,
) -> Result<(), ApiError> {
    let now = control.clock.now();
    let mut txn = control.records.begin().await;
    let Some(cluster) = find_by_namespace(&txn, &cluster.namespace) else {
        return Ok(());
    };
    let id = automated_id(&cluster.id, now);
    if txn.get::<SnapshotRecord>(&id).is_none() {
        put_new(
            &mut txn,
            SnapshotRecord::of(&cluster, id.clone(), true, cluster.auto_retention, now),
        )?;
        txn.commit().await?;
    } else {
        drop(txn);
    }
    complete(control, &id).await
}

/// Deletes a snapshot and what it holds: first the record, so that nothing new begins with it.
pub async fn remove(control: &Control, snapshot: &SnapshotRecord) -> Result<(), ApiError> {
    control
        .provisioner
        .delete_snapshot(&snapshot.name)
        .await
        .map_err(failed)?;
    let mut txn = control.records.begin().await;
    txn.delete::<SnapshotRecord>(&snapshot.id);
    tags::forget(&mut txn, &snapshot.arn(&control.config));
    txn.commit().await
}

/// Deletes the automated snapshots of a cluster that goes (L3687).
pub async fn delete_automated(control: &Control, namespace: &str) -> Result<(), ApiError> {
    for snapshot in control.records.view().list::<SnapshotRecord>() {
        if snapshot.automated && snapshot.namespace == namespace && snapshot.region.is_none() {
            remove(control, &snapshot).await?;
        }
    }
    Ok(())
}

/// Marks a snapshot as one to be deleted, and sees to it.
pub async fn begin_removal(control: &Arc<Control>, id: &str) {
    let mut txn = control.records.begin().await;
    let marked = txn.update::<SnapshotRecord>(id, |snapshot| snapshot.status = "deleting".into());
    if matches!(marked, Ok(true)) && txn.commit().await.is_ok() {
        drive_removal(control, id);
    }
}

/// Sees to it that a snapshot goes, once no restore reads it (L3951).
pub fn drive_removal(control: &Arc<Control>, id: &str) {
    let (owned, name) = (control.clone(), id.to_string());
    control.jobs.start(format!("redshift:snapshot-removal:{id}"), async move {
        for tries in 0u32.. {
            let view = owned.records.view();
            let Some(snapshot) = view.get::<SnapshotRecord>(&name).filter(|s| s.status == "deleting") else {
                return;
            };
            if !super::restore::reads(&view, &snapshot.name) {
                match remove(&owned, &snapshot).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(snapshot = name, %error, "a snapshot could not be deleted"),
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(100 << tries.min(8))).await;
        }
    });
}
