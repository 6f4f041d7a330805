//! What is kept of namespaces and workgroups, and how it looks to a caller.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use lw_aws_model::redshift_serverless as api;
use lw_services::warehouses::{ComputeSpec, Networks};
use serde::{Deserialize, Serialize};

use super::parameters;
use crate::ControlConfig;
use crate::records::{Record, View};

/// Signing name, and the service in ARNs.
pub const SERVICE: &str = "redshift-serverless";

/// A key that AWS owns: what a namespace has that was given none.
pub const OWNED_KEY: &str = "AWS_OWNED_KMS_KEY";

/// A namespace: the data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name, unique in the account; never changes.
    pub name: String,
    /// Its id, a UUID: what the provisioner knows it by.
    pub uuid: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Its first database.
    pub database: String,
    /// Name of the admin user.
    pub admin_user: String,
    /// ARN of the secret with the admin's password, if it is managed.
    #[serde(default)]
    pub admin_secret: Option<String>,
    /// Key of that secret.
    #[serde(default)]
    pub admin_secret_key: Option<String>,
    /// Key of the data, if the customer chose one.
    #[serde(default)]
    pub kms_key: Option<String>,
    /// Role that `IAM_ROLE default` stands for.
    #[serde(default)]
    pub default_role: Option<String>,
    /// Roles that may be named in SQL.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Logs asked for.
    #[serde(default)]
    pub log_exports: Vec<String>,
    /// Who made it: a superuser of its databases (guide L1656-1658).
    #[serde(default)]
    pub creator: Option<String>,
    /// What is being done with it.
    #[serde(default)]
    pub pending: Option<NamespaceWork>,
}

/// Work on a namespace that is not finished.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub enum NamespaceWork {
    /// It is being made; nobody has been told of it yet. A crash takes it away again.
    Make,
    /// Its data is replaced.
    Restore {
        /// Names this work.
        id: String,
        /// Where from.
        source: RestoreSource,
    },
    /// It is being deleted.
    Delete {
        /// Names this work.
        id: String,
        /// Snapshot to be taken first.
        final_snapshot: Option<String>,
    },
}

/// What a namespace is restored from.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct RestoreSource {
    /// Name the provisioner knows it by.
    pub held: String,
    /// Name or id that callers know it by, for events.
    pub shown: String,
    /// True for a recovery point.
    pub recovery_point: bool,
    /// Admin user in it.
    pub admin_user: String,
    /// First database in it.
    pub database: String,
    /// True: the admin password is managed from then on.
    #[serde(default)]
    pub manage: bool,
    /// Key of the secret, if the caller chose one.
    #[serde(default)]
    pub secret_key: Option<String>,
}

impl NamespaceWork {
    /// What names this work.
    pub fn id(&self) -> &str {
        match self {
            NamespaceWork::Make => "make",
            NamespaceWork::Restore { id, .. } | NamespaceWork::Delete { id, .. } => id,
        }
    }
}

impl Record for Namespace {
    const KIND: &'static str = "serverless.namespace";
    fn id(&self) -> String {
        self.name.clone()
    }
}

impl Namespace {
    /// Its ARN.
    pub fn arn(&self, config: &ControlConfig) -> String {
        config.arn(SERVICE, format_args!("namespace/{}", self.uuid))
    }

    /// Its status as callers see it (guide L2416: `Available` can be queried and changed).
    pub fn status(&self) -> &'static str {
        match self.pending {
            None | Some(NamespaceWork::Make) => "AVAILABLE",
            Some(NamespaceWork::Restore { .. }) => "MODIFYING",
            Some(NamespaceWork::Delete { .. }) => "DELETING",
        }
    }

    /// True while its data is replaced.
    pub fn restoring(&self) -> bool {
        matches!(self.pending, Some(NamespaceWork::Restore { .. }))
    }

    /// False for one that is still being made.
    pub fn visible(&self) -> bool {
        self.pending != Some(NamespaceWork::Make)
    }

    /// As callers see it.
    pub fn shown(&self, config: &ControlConfig) -> api::Namespace {
        api::Namespace {
            admin_password_secret_arn: self.admin_secret.clone(),
            admin_password_secret_kms_key_id: self.admin_secret_key.clone(),
            admin_username: Some(self.admin_user.clone()),
            creation_date: Some(self.created),
            db_name: Some(self.database.clone()),
            default_iam_role_arn: self.default_role.clone(),
            iam_roles: Some(self.roles.clone()),
            kms_key_id: Some(self.kms_key.clone().unwrap_or_else(|| OWNED_KEY.into())),
            log_exports: Some(self.log_exports.clone()),
            namespace_arn: Some(self.arn(config)),
            namespace_id: Some(self.uuid.clone()),
            namespace_name: Some(self.name.clone()),
            status: Some(self.status().into()),
            ..Default::default()
        }
    }
}

/// A workgroup: the compute over a namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Workgroup {
    /// Its name, unique in the account; never changes.
    pub name: String,
    /// Its id, a UUID.
    pub uuid: String,
    /// Name of its namespace, which never changes.
    pub namespace: String,
    /// The namespace's id.
    pub namespace_id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// What it was set to.
    pub setup: Setup,
    /// What the provisioner was told of who may connect and query: more than callers set.
    #[serde(default)]
    pub gate: Gate,
    /// Address clients reach it at, once it was started.
    #[serde(default)]
    pub address: Option<(String, u16)>,
    /// What is being done with it.
    #[serde(default)]
    pub pending: Option<WorkgroupWork>,
}

/// Who may connect and query.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
pub struct Gate {
    /// Why queries are refused.
    pub closed: Option<String>,
    /// Networks that may connect; `None`: all.
    pub networks: Option<Vec<(IpAddr, u8)>>,
}

impl Gate {
    /// That of what serves a workgroup.
    pub fn of(compute: &ComputeSpec) -> Gate {
        Gate {
            closed: compute.closed.clone(),
            networks: match &compute.networks {
                Networks::Any => None,
                Networks::Only(all) => Some(all.clone()),
            },
        }
    }
}

/// What a caller sets of a workgroup.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct Setup {
    /// Base capacity, RPU.
    pub base_capacity: i64,
    /// Ceiling of capacity, RPU.
    #[serde(default)]
    pub max_capacity: Option<i64>,
    /// Port to listen on.
    pub port: u16,
    /// Configuration parameters that were set; others have their default.
    #[serde(default)]
    pub parameters: Vec<(String, String)>,
    /// Enhanced VPC routing.
    #[serde(default)]
    pub enhanced_vpc_routing: bool,
    /// Reachable from outside.
    #[serde(default)]
    pub publicly_accessible: bool,
    /// Security groups.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// Subnets.
    #[serde(default)]
    pub subnets: Vec<String>,
    /// Kind of address: `ipv4` or `dualstack`.
    #[serde(default)]
    pub ip_address_type: Option<String>,
    /// Track of versions.
    #[serde(default)]
    pub track: Option<String>,
    /// Price-performance target: status, level.
    #[serde(default)]
    pub price_performance: Option<(Option<String>, Option<i64>)>,
    /// Further compute for automatic optimization.
    #[serde(default)]
    pub extra_compute: Option<bool>,
}

/// Work on a workgroup that is not finished.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub enum WorkgroupWork {
    /// It is started for the first time.
    Create {
        /// Names this work.
        id: String,
    },
    /// What it was set to changes.
    Update {
        /// Names this work.
        id: String,
        /// What it was.
        before: Box<Setup>,
        /// Sessions are ended (guide L2125).
        restart: bool,
    },
    /// It is being deleted.
    Delete {
        /// Names this work.
        id: String,
    },
}

impl WorkgroupWork {
    /// What names this work.
    pub fn id(&self) -> &str {
        match self {
            WorkgroupWork::Create { id }
            | WorkgroupWork::Update { id, .. }
            | WorkgroupWork::Delete { id } => id,
        }
    }
}

impl Record for Workgroup {
    const KIND: &'static str = "serverless.workgroup";
    fn id(&self) -> String {
        self.name.clone()
    }
}

impl Workgroup {
    /// Its ARN.
    pub fn arn(&self, config: &ControlConfig) -> String {
        config.arn(SERVICE, format_args!("workgroup/{}", self.uuid))
    }

    /// Its status as callers see it.
    pub fn status(&self) -> &'static str {
        match self.pending {
            None => "AVAILABLE",
            Some(WorkgroupWork::Create { .. }) => "CREATING",
            Some(WorkgroupWork::Update { .. }) => "MODIFYING",
            Some(WorkgroupWork::Delete { .. }) => "DELETING",
        }
    }

    /// True if SQL may be asked of it.
    pub fn available(&self) -> bool {
        self.address.is_some()
            && !matches!(
                self.pending,
                Some(WorkgroupWork::Create { .. } | WorkgroupWork::Delete { .. })
            )
    }

    /// As callers see it.
    pub fn shown(&self, config: &ControlConfig, view: &View) -> api::Workgroup {
        let setup = &self.setup;
        let domain = super::domains::of(view, &self.name);
        let status = match view.get::<Namespace>(&self.namespace) {
            Some(namespace) if self.pending.is_none() && namespace.restoring() => "MODIFYING",
            _ => self.status(),
        };
        api::Workgroup {
            base_capacity: Some(setup.base_capacity),
            config_parameters: Some(parameters::shown(&setup.parameters)),
            creation_date: Some(self.created),
            custom_domain_certificate_arn: domain.as_ref().map(|d| d.certificate.clone()),
            custom_domain_name: domain.as_ref().map(|d| d.name.clone()),
            endpoint: self.address.as_ref().map(|(host, port)| api::Endpoint {
                address: Some(host.clone()),
                port: Some(i64::from(*port)),
                vpc_endpoints: Some(Vec::new()),
            }),
            enhanced_vpc_routing: Some(setup.enhanced_vpc_routing),
            extra_compute_for_automatic_optimization: setup.extra_compute,
            ip_address_type: Some(setup.ip_address_type.clone().unwrap_or("ipv4".into())),
            max_capacity: setup.max_capacity,
            namespace_name: Some(self.namespace.clone()),
            port: Some(i64::from(setup.port)),
            price_performance_target: setup.price_performance.as_ref().map(|(status, level)| {
                api::PerformanceTarget {
                    level: *level,
                    status: status.clone(),
                }
            }),
            publicly_accessible: Some(setup.publicly_accessible),
            security_group_ids: Some(setup.security_groups.clone()),
            status: Some(status.into()),
            subnet_ids: Some(setup.subnets.clone()),
            track_name: Some(setup.track.clone().unwrap_or(super::tracks::CURRENT.into())),
            workgroup_arn: Some(self.arn(config)),
            workgroup_id: Some(self.uuid.clone()),
            workgroup_name: Some(self.name.clone()),
            workgroup_version: Some(super::tracks::version()),
            ..Default::default()
        }
    }
}

/// Written when the default namespace and workgroup were made, so that a start after they were
/// deleted does not make them again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Founded {
    /// When.
    pub at: DateTime<Utc>,
}

impl Record for Founded {
    const KIND: &'static str = "serverless.founded";
    fn id(&self) -> String {
        "default".into()
    }
}
