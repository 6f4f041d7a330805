//! The record of a cluster, what it shows, and what serves it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lw_aws_model::redshift::{
    AquaConfiguration, Cluster, ClusterIamRole, ClusterNode, ClusterParameterGroupStatus,
    ClusterParameterStatus, ClusterSecurityGroupMembership, ClusterSnapshotCopyStatus,
    DeferredMaintenanceWindow, ElasticIpStatus, Endpoint, HsmStatus, PendingModifiedValues,
    ResizeInfo, RestoreStatus, SecondaryClusterInfo, VpcSecurityGroupMembership, errors,
};
use lw_aws_model::{ApiError, Stored};
use lw_services::warehouses::ComputeSpec;
use serde::{Deserialize, Serialize};

use super::common::Read;
use super::{networks, nodes, parameters, tags, windows};
use crate::records::Record;
use crate::{Control, ControlConfig};

/// What is still to be done to a cluster, in order. It stands in the record from the transaction that
/// accepted the request until the one that shows the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Pending {
    /// Make it.
    Create {
        /// The admin's password.
        password: Option<String>,
        /// Load TICKIT.
        sample_data: bool,
    },
    /// Make it out of a snapshot.
    Restore {
        /// Identifier of the snapshot, for texts.
        snapshot: String,
        /// Its name at the provisioner.
        name: String,
    },
    /// Stop and start it.
    Reboot,
    /// Give it another name, and restart it.
    Rename {
        /// The new name.
        to: String,
    },
    /// Change the admin's password.
    Password {
        /// The new one.
        password: String,
    },
    /// Restart it for what the record already says (port, routing, relocation, keys).
    Apply {
        /// Status shown meanwhile.
        status: String,
        /// Event at the end.
        event: Option<(String, String)>,
    },
    /// Change type and number of nodes.
    Resize {
        /// Type.
        node_type: String,
        /// Number.
        nodes: i64,
        /// By copying, with connections dropped.
        classic: bool,
    },
    /// Pause it.
    Pause,
    /// Resume it.
    Resume,
    /// Delete it, after this snapshot if one is asked for.
    Delete {
        /// Identifier of the final snapshot.
        final_snapshot: Option<String>,
    },
}

impl Pending {
    /// The status shown while it is done.
    pub fn status(&self) -> &str {
        match self {
            Pending::Create { .. } | Pending::Restore { .. } => "creating",
            Pending::Reboot => "rebooting",
            Pending::Rename { .. } => "renaming",
            Pending::Password { .. } => "available",
            Pending::Apply { status, .. } => status,
            Pending::Resize { classic: true, .. } => "resizing",
            Pending::Resize { classic: false, .. } => "available, prep-for-resize",
            Pending::Pause => "pausing",
            Pending::Resume => "resuming",
            Pending::Delete {
                final_snapshot: Some(_),
            } => "final-snapshot",
            Pending::Delete {
                final_snapshot: None,
            } => "deleting",
        }
    }
}

/// The last resize of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resize {
    pub node_type: String,
    pub nodes: i64,
    pub classic: bool,
    /// NONE, IN_PROGRESS, FAILED, SUCCEEDED, CANCELLING
    pub status: String,
    pub started: DateTime<Utc>,
    pub ended: Option<DateTime<Utc>>,
    pub bytes: u64,
    pub message: Option<String>,
    /// Set by CancelResize; the driver looks.
    #[serde(default)]
    pub cancel: bool,
}

/// Copying of snapshots to another region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotCopy {
    pub region: String,
    pub retention: i64,
    pub manual_retention: i64,
    pub grant: Option<String>,
}

/// A deferral of maintenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deferral {
    pub id: String,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// A cluster.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterRecord {
    /// Its identifier.
    pub id: String,
    /// Its namespace: what the provisioner knows it by. Stays when the cluster is renamed.
    pub namespace: String,
    /// What DescribeClusters shows.
    pub status: String,
    /// What is under way.
    pub pending: Vec<Pending>,
    pub created: DateTime<Utc>,
    pub node_type: String,
    pub nodes: i64,
    /// Nodes at creation or after the last classic resize: what limits elastic ones.
    pub base_nodes: i64,
    /// Slices, which an elastic resize keeps (L2832).
    pub slices: usize,
    pub admin: String,
    pub database: String,
    /// Port asked for.
    pub port: u16,
    /// Port it listens on.
    pub endpoint_port: Option<u16>,
    pub auto_retention: i64,
    pub manual_retention: i64,
    pub security_groups: Vec<String>,
    pub vpc_security_groups: Vec<String>,
    pub parameter_group: String,
    /// in-sync, applying, pending-reboot
    pub parameters_status: String,
    /// Parameters in effect: those of the group at the last restart.
    pub settings: Vec<(String, String)>,
    pub subnet_group: String,
    pub zone: String,
    pub window: String,
    pub revision: String,
    pub allow_upgrade: bool,
    pub public: bool,
    pub encrypted: bool,
    pub kms_key: Option<String>,
    pub enhanced_routing: bool,
    pub iam_roles: Vec<String>,
    pub default_role: Option<String>,
    pub track: String,
    pub relocation: bool,
    pub multi_az: bool,
    pub elastic_ip: Option<String>,
    pub hsm_certificate: Option<String>,
    pub hsm_configuration: Option<String>,
    pub ip_type: String,
    pub secret_arn: Option<String>,
    pub secret_key: Option<String>,
    pub schedule: Option<String>,
    pub copy: Option<SnapshotCopy>,
    pub deferrals: Vec<Deferral>,
    pub pending_values: Stored<PendingModifiedValues>,
    pub restore: Option<Stored<RestoreStatus>>,
    pub resize: Option<Resize>,
    pub custom_domain: Option<(String, String)>,
    pub extra_compute: bool,
    pub idc_application: Option<String>,
    /// Bytes at the last look, for the rule of automated snapshots.
    pub bytes: u64,
    /// Why the last step failed, if it is being tried again.
    pub trouble: Option<String>,
}

impl Record for ClusterRecord {
    const KIND: &'static str = "redshift.cluster";
    fn id(&self) -> String {
        self.id.clone()
    }
}

/// The cluster with this identifier.
pub fn find_cluster(read: &impl Read, id: &str) -> Result<Arc<ClusterRecord>, ApiError> {
    read.get::<ClusterRecord>(&id.to_ascii_lowercase())
        .ok_or_else(|| errors::cluster_not_found_fault(format!("Cluster {id} not found.")))
}

/// The cluster over a namespace.
pub fn find_by_namespace(read: &impl Read, namespace: &str) -> Option<Arc<ClusterRecord>> {
    read.list::<ClusterRecord>()
        .into_iter()
        .find(|cluster| cluster.namespace == namespace)
}

/// A cluster's ARN.
pub fn arn(config: &ControlConfig, id: &str) -> String {
    config.arn("redshift", format_args!("cluster:{id}"))
}

/// A namespace's ARN.
pub fn namespace_arn(config: &ControlConfig, namespace: &str) -> String {
    config.arn("redshift", format_args!("namespace:{namespace}"))
}

impl ClusterRecord {
    /// An error unless the cluster is available and nothing is under way.
    pub fn require_available(&self) -> Result<(), ApiError> {
        if self.status == "available" && self.only_a_password() {
            return Ok(());
        }
        Err(errors::invalid_cluster_state_fault(format!(
            "Cluster {} is in state {} and cannot be changed now; wait until it is available.",
            self.id,
            self.shown_status()
        )))
    }

    /// True if nothing is under way but a change of password, which hinders nothing else.
    fn only_a_password(&self) -> bool {
        self.pending
            .iter()
            .all(|pending| matches!(pending, Pending::Password { .. }))
    }

    /// Its status in a sentence.
    pub fn shown_status(&self) -> &str {
        if self.status == "available" && !self.pending.is_empty() {
            return "modifying";
        }
        &self.status
    }

    /// Puts something to be done and shows its status if nothing else is under way.
    pub fn push(&mut self, pending: Pending) {
        if self.only_a_password() {
            self.status = pending.status().to_string();
        }
        self.pending.push(pending);
    }

    /// True if SQL is served.
    pub fn is_served(&self) -> bool {
        !matches!(
            self.status.as_str(),
            "creating"
                | "paused"
                | "pausing"
                | "resuming"
                | "deleting"
                | "final-snapshot"
                | "incompatible-restore"
                | "incompatible-network"
                | "hardware-failure"
        )
    }

    /// The node type's facts.
    pub fn node(&self) -> Option<&'static nodes::NodeType> {
        nodes::find(&self.node_type).ok()
    }

    /// What serves it.
    ///
    /// Slices are units of parallelism, as many as this machine has processors at most. Memory is that of
    /// the nodes, half of what all warehouses have at most, so that one cluster cannot take it all. The
    /// engine of a cluster without sessions is closed after ten minutes; the next connection opens it.
    pub fn compute(&self, read: &impl Read, config: &ControlConfig) -> ComputeSpec {
        let node = self.node();
        let ram = node.map_or(16, |node| node.ram_gib) << 30;
        ComputeSpec {
            name: self.id.clone(),
            port: self.endpoint_port.unwrap_or(self.port),
            units: self.slices.clamp(1, config.processors.max(1)),
            memory_bytes: (ram * self.nodes.max(1) as u64)
                .min((config.memory_bytes / 2).max(64 << 20)),
            networks: networks::networks(read, &self.security_groups),
            settings: self.settings.clone(),
            idle_s: Some(600),
            closed: None,
            max_connections: node.map_or(500, |node| node.connections),
        }
    }

    /// What the API shows.
    pub fn shown(&self, read: &impl Read, control: &Control) -> Cluster {
        let config = &control.config;
        let made = !matches!(self.status.as_str(), "creating");
        let list = |some: Vec<String>| (!some.is_empty()).then_some(some);
        let now = control.clock.now();
        Cluster {
            cluster_identifier: Some(self.id.clone()),
            node_type: Some(self.node_type.clone()),
            cluster_status: Some(self.status.clone()),
            cluster_availability_status: Some(self.availability().into()),
            modify_status: None,
            master_username: Some(self.admin.clone()),
            db_name: Some(self.database.clone()),
            endpoint: self.endpoint_port.filter(|_| made).map(|port| Endpoint {
                address: Some(config.sql_host.clone()),
                port: Some(port.into()),
                vpc_endpoints: None,
            }),
            cluster_create_time: made.then_some(self.created),
            automated_snapshot_retention_period: Some(self.auto_retention),
            manual_snapshot_retention_period: Some(self.manual_retention),
            cluster_subnet_group_name: Some(self.subnet_group.clone()),
            vpc_id: Some(networks::VPC.into()),
            availability_zone: made.then(|| self.zone.clone()),
            preferred_maintenance_window: Some(self.window.clone()),
            pending_modified_values: Some(self.pending_values.0.clone()),
            cluster_version: Some("1.0".into()),
            allow_version_upgrade: Some(self.allow_upgrade),
            number_of_nodes: Some(self.nodes),
            publicly_accessible: Some(self.public),
            encrypted: Some(self.encrypted),
            restore_status: self.restore.as_ref().map(|status| status.0.clone()),
            hsm_status: self.hsm_configuration.as_ref().map(|name| HsmStatus {
                hsm_client_certificate_identifier: self.hsm_certificate.clone(),
                hsm_configuration_identifier: Some(name.clone()),
                status: Some("active".into()),
            }),
            cluster_snapshot_copy_status: self.copy.as_ref().map(|copy| {
                ClusterSnapshotCopyStatus {
                    destination_region: Some(copy.region.clone()),
                    retention_period: Some(copy.retention),
                    manual_snapshot_retention_period: Some(copy.manual_retention),
                    snapshot_copy_grant_name: copy.grant.clone(),
                }
            }),
            cluster_nodes: Some(if made {
                self.shown_nodes(config)
            } else {
                Vec::new()
            }),
            elastic_ip_status: self.elastic_ip.as_ref().map(|ip| ElasticIpStatus {
                elastic_ip: Some(ip.clone()),
                status: Some("active".into()),
            }),
            cluster_revision_number: Some(self.revision.clone()),
            tags: Some(tags::of(read, &arn(config, &self.id))),
            kms_key_id: self.kms_key.clone(),
            enhanced_vpc_routing: Some(self.enhanced_routing),
            pending_actions: list(Vec::new()),
            maintenance_track_name: Some(self.track.clone()),
            elastic_resize_number_of_node_options: self
                .node()
                .map(|node| node.elastic_options(self.base_nodes, self.nodes)),
            snapshot_schedule_identifier: self.schedule.clone(),
            snapshot_schedule_state: self.schedule.as_ref().map(|_| "ACTIVE".into()),
            expected_next_snapshot_schedule_time: super::schedules::next_for(read, self, now),
            expected_next_snapshot_schedule_time_status: Some("OnTrack".into()),
            next_maintenance_window_start_time: windows::next_start(&self.window, now),
            resize_info: self
                .resize
                .as_ref()
                .filter(|resize| resize.ended.is_none())
                .map(|resize| ResizeInfo {
                    resize_type: Some(
                        if resize.classic {
                            "ClassicResize"
                        } else {
                            "ElasticResize"
                        }
                        .into(),
                    ),
                    allow_cancel_resize: Some(resize.classic),
                }),
            availability_zone_relocation_status: Some(
                if self.relocation {
                    "enabled"
                } else {
                    "disabled"
                }
                .into(),
            ),
            cluster_namespace_arn: Some(namespace_arn(config, &self.namespace)),
            total_storage_capacity_in_mega_bytes: self
                .node()
                .map(|node| node.capacity_mb(self.nodes)),
            aqua_configuration: Some(AquaConfiguration {
                aqua_status: Some("disabled".into()),
                aqua_configuration_status: Some("auto".into()),
            }),
            default_iam_role_arn: Some(self.default_role.clone().unwrap_or_default()),
            custom_domain_name: self.custom_domain.as_ref().map(|(name, _)| name.clone()),
            custom_domain_certificate_arn: self.custom_domain.as_ref().map(|(_, arn)| arn.clone()),
            master_password_secret_arn: self.secret_arn.clone(),
            master_password_secret_kms_key_id: self.secret_key.clone(),
            ip_address_type: Some(self.ip_type.clone()),
            multi_az: Some(if self.multi_az { "Enabled" } else { "Disabled" }.into()),
            multi_az_secondary: self.multi_az.then(|| SecondaryClusterInfo {
                availability_zone: Some(windows::next_zone(&self.zone)),
                cluster_nodes: Some(self.shown_nodes(config)),
            }),
            extra_compute_for_automatic_optimization: Some(
                if self.extra_compute {
                    "Enabled"
                } else {
                    "Disabled"
                }
                .into(),
            ),
            ..self.shown_memberships(read, now)
        }
    }

    /// The lists of what it belongs to or has.
    fn shown_memberships(&self, read: &impl Read, now: DateTime<Utc>) -> Cluster {
        Cluster {
            cluster_security_groups: Some(
                self.security_groups
                    .iter()
                    .map(|name| ClusterSecurityGroupMembership {
                        cluster_security_group_name: Some(name.clone()),
                        status: Some("active".into()),
                    })
                    .collect(),
            ),
            vpc_security_groups: Some(
                self.vpc_security_groups
                    .iter()
                    .map(|id| VpcSecurityGroupMembership {
                        vpc_security_group_id: Some(id.clone()),
                        status: Some("active".into()),
                    })
                    .collect(),
            ),
            cluster_parameter_groups: Some(vec![ClusterParameterGroupStatus {
                parameter_group_name: Some(self.parameter_group.clone()),
                parameter_apply_status: Some(self.parameters_status.clone()),
                cluster_parameter_status_list: (self.parameters_status != "in-sync").then(|| {
                    parameters::differing(read, self)
                        .into_iter()
                        .map(|name| ClusterParameterStatus {
                            parameter_name: Some(name),
                            parameter_apply_status: Some(self.parameters_status.clone()),
                            parameter_apply_error_description: None,
                        })
                        .collect()
                }),
            }]),
            iam_roles: Some(
                self.iam_roles
                    .iter()
                    .map(|arn| ClusterIamRole {
                        iam_role_arn: Some(arn.clone()),
                        apply_status: Some("in-sync".into()),
                    })
                    .collect(),
            ),
            deferred_maintenance_windows: Some(
                self.deferrals
                    .iter()
                    .filter(|deferral| deferral.end > now)
                    .map(|deferral| DeferredMaintenanceWindow {
                        defer_maintenance_identifier: Some(deferral.id.clone()),
                        defer_maintenance_start_time: Some(deferral.start),
                        defer_maintenance_end_time: Some(deferral.end),
                    })
                    .collect(),
            ),
            ..Cluster::default()
        }
    }

    fn availability(&self) -> &'static str {
        match self.status.as_str() {
            _ if self.status.starts_with("available")
                && self
                    .pending
                    .iter()
                    .all(|p| matches!(p, Pending::Resize { .. })) =>
            {
                "Available"
            }
            "paused" => "Paused",
            "incompatible-restore"
            | "incompatible-network"
            | "incompatible-parameters"
            | "incompatible-hsm"
            | "hardware-failure" => "Failed",
            "storage-full" => "Unavailable",
            _ => "Modifying",
        }
    }

    fn shown_nodes(&self, config: &ControlConfig) -> Vec<ClusterNode> {
        let node = |role: String| ClusterNode {
            node_role: Some(role),
            private_ip_address: Some(config.sql_ip.to_string()),
            public_ip_address: Some(config.sql_ip.to_string()),
        };
        if self.nodes == 1 {
            return vec![node("SHARED".into())];
        }
        std::iter::once(node("LEADER".into()))
            .chain((0..self.nodes).map(|n| node(format!("COMPUTE-{n}"))))
            .collect()
    }
}
