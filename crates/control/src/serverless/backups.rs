//! What is kept of the state of namespaces: snapshots, which callers make, and recovery points, which
//! are made by themselves. Both stand for a state that the provisioner holds under a name; several
//! records may share one, which is freed with the last.

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::redshift_serverless as api;
use serde::{Deserialize, Serialize};

use super::resources;
use super::state::{Namespace, NamespaceWork, OWNED_KEY, RestoreSource, SERVICE};
use crate::ControlConfig;
use crate::records::{Record, View};

/// Recovery points are kept this long (guide L409, L2398, L2507).
pub const POINT_KEPT: Duration = Duration::hours(24);

/// A state of a namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Held {
    /// Name the provisioner knows it by.
    pub name: String,
    /// Name of the namespace.
    pub namespace: String,
    /// Its id.
    pub namespace_id: String,
    /// Its first database.
    pub database: String,
    /// Its admin user.
    pub admin_user: String,
    /// Its key.
    #[serde(default)]
    pub kms_key: Option<String>,
    /// Bytes of the data.
    #[serde(default)]
    pub bytes: u64,
    /// Bytes that no earlier one has.
    #[serde(default)]
    pub incremental_bytes: u64,
}

impl Held {
    /// The state of a namespace, to be kept.
    pub fn of(namespace: &Namespace) -> Held {
        Held {
            name: format!("sls-{}", uuid::Uuid::new_v4()),
            namespace: namespace.name.clone(),
            namespace_id: namespace.uuid.clone(),
            database: namespace.database.clone(),
            admin_user: namespace.admin_user.clone(),
            kms_key: namespace.kms_key.clone(),
            bytes: 0,
            incremental_bytes: 0,
        }
    }

    /// What a namespace is restored from.
    pub fn source(&self, shown: &str, recovery_point: bool) -> RestoreSource {
        RestoreSource {
            held: self.name.clone(),
            shown: shown.into(),
            recovery_point,
            admin_user: self.admin_user.clone(),
            database: self.database.clone(),
            manage: false,
            secret_key: None,
        }
    }

    fn namespace_arn(&self, config: &ControlConfig) -> String {
        config.arn(SERVICE, format_args!("namespace/{}", self.namespace_id))
    }
}

/// Where a snapshot or recovery point stands.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub enum Stage {
    /// It is being taken.
    Taking,
    /// It can be restored.
    Ready,
    /// It could not be taken.
    Failed,
    /// It is being deleted; callers do not see it any more.
    Going,
}

/// A copy in another region.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegionCopy {
    /// The region.
    pub region: String,
    /// Id in its ARN.
    pub uuid: String,
    /// Name the provisioner knows it by.
    pub held: String,
    /// Days it is kept; `None`: for ever.
    pub retention: Option<i64>,
    /// When it was asked for.
    pub created: DateTime<Utc>,
    /// True once it is there.
    #[serde(default)]
    pub done: bool,
}

/// A snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its name, unique in the account.
    pub name: String,
    /// Its id, in the ARN.
    pub uuid: String,
    /// The state it stands for.
    pub held: Held,
    /// Where it stands.
    pub stage: Stage,
    /// When it was asked for.
    pub created: DateTime<Utc>,
    /// When it was finished.
    #[serde(default)]
    pub finished: Option<DateTime<Utc>>,
    /// Days it is kept; `None`: for ever.
    #[serde(default)]
    pub retention: Option<i64>,
    /// Days count from here.
    pub retention_start: DateTime<Utc>,
    /// Copies in other regions.
    #[serde(default)]
    pub copies: Vec<RegionCopy>,
}

impl Record for Snapshot {
    const KIND: &'static str = "serverless.snapshot";
    fn id(&self) -> String {
        self.name.clone()
    }
}

impl Snapshot {
    /// Its ARN.
    pub fn arn(&self, config: &ControlConfig) -> String {
        config.arn(SERVICE, format_args!("snapshot/{}", self.uuid))
    }

    /// False once it is being deleted.
    pub fn visible(&self) -> bool {
        self.stage != Stage::Going
    }

    /// True if its time is over.
    pub fn expired(&self, now: DateTime<Utc>) -> bool {
        self.retention
            .is_some_and(|days| now >= self.retention_start + Duration::days(days))
    }

    /// As callers see it.
    pub fn shown(&self, config: &ControlConfig, view: &View, now: DateTime<Utc>) -> api::Snapshot {
        let megabytes = |bytes: u64| Some(bytes as f64 / (1 << 20) as f64);
        let until = self.finished.unwrap_or(now);
        let done = self.stage == Stage::Ready;
        api::Snapshot {
            accounts_with_restore_access: Some(resources::shared_with(view, &self.arn(config))),
            accounts_with_provisioned_restore_access: Some(Vec::new()),
            actual_incremental_backup_size_in_mega_bytes: megabytes(self.held.incremental_bytes),
            admin_username: Some(self.held.admin_user.clone()),
            backup_progress_in_mega_bytes: megabytes(self.held.incremental_bytes),
            current_backup_rate_in_mega_bytes_per_second: Some(0.0),
            elapsed_time_in_seconds: Some((until - self.created).num_seconds().max(0)),
            estimated_seconds_to_completion: Some(0),
            kms_key_id: Some(
                self.held
                    .kms_key
                    .clone()
                    .unwrap_or_else(|| OWNED_KEY.into()),
            ),
            namespace_arn: Some(self.held.namespace_arn(config)),
            namespace_name: Some(self.held.namespace.clone()),
            owner_account: Some(config.account.clone()),
            snapshot_arn: Some(self.arn(config)),
            snapshot_create_time: Some(self.created),
            snapshot_name: Some(self.name.clone()),
            snapshot_remaining_days: self.retention.map(|days| {
                let end = self.retention_start + Duration::days(days);
                (end - now).num_days().max(0)
            }),
            snapshot_retention_period: Some(self.retention.unwrap_or(-1)),
            snapshot_retention_start_time: Some(self.retention_start),
            status: Some(
                match self.stage {
                    Stage::Taking => "CREATING",
                    Stage::Ready if self.copies.iter().any(|copy| !copy.done) => "COPYING",
                    Stage::Ready => "AVAILABLE",
                    Stage::Failed => "FAILED",
                    Stage::Going => "DELETED",
                }
                .into(),
            ),
            total_backup_size_in_mega_bytes: if done {
                megabytes(self.held.bytes)
            } else {
                None
            },
            ..Default::default()
        }
    }
}

/// A recovery point.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecoveryPoint {
    /// Its id.
    pub uuid: String,
    /// The workgroup that was there.
    pub workgroup: String,
    /// The state it stands for.
    pub held: Held,
    /// Where it stands.
    pub stage: Stage,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Copies in other regions.
    #[serde(default)]
    pub copies: Vec<RegionCopy>,
}

impl Record for RecoveryPoint {
    const KIND: &'static str = "serverless.recovery-point";
    fn id(&self) -> String {
        self.uuid.clone()
    }
}

impl RecoveryPoint {
    /// Its ARN.
    pub fn arn(&self, config: &ControlConfig) -> String {
        config.arn(SERVICE, format_args!("recoverypoint/{}", self.uuid))
    }

    /// As callers see it.
    pub fn shown(&self, config: &ControlConfig) -> api::RecoveryPoint {
        api::RecoveryPoint {
            namespace_arn: Some(self.held.namespace_arn(config)),
            namespace_name: Some(self.held.namespace.clone()),
            recovery_point_create_time: Some(self.created),
            recovery_point_id: Some(self.uuid.clone()),
            total_size_in_mega_bytes: Some(self.held.bytes as f64 / (1 << 20) as f64),
            workgroup_name: Some(self.workgroup.clone()),
        }
    }
}

/// True if a namespace is being restored from this state, which must stay meanwhile.
pub fn in_use(view: &View, held: &str) -> bool {
    view.list::<Namespace>().iter().any(
        |n| matches!(&n.pending, Some(NamespaceWork::Restore { source, .. }) if source.held == held),
    ) || view
        .list::<super::tables::TableRestore>()
        .iter()
        .any(|t| t.held == held && t.running())
}

/// How many records that are not being deleted stand for this state.
pub fn holders(view: &View, held: &str) -> usize {
    let snapshots = view.list::<Snapshot>();
    let points = view.list::<RecoveryPoint>();
    snapshots
        .iter()
        .filter(|s| s.visible() && s.held.name == held)
        .count()
        + points
            .iter()
            .filter(|p| p.stage != Stage::Going && p.held.name == held)
            .count()
}
