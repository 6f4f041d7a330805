//! Restoring clusters and tables from snapshots (guide L3987-4026, L4102-4140, L4308).

use lw_aws_model::redshift::{
    DescribeTableRestoreStatusMessage, RestoreFromClusterSnapshotMessage,
    RestoreFromClusterSnapshotResult, RestoreStatus, RestoreTableFromClusterSnapshotMessage,
    RestoreTableFromClusterSnapshotResult, TableRestoreStatus, TableRestoreStatusMessage, errors,
    op,
};
use lw_aws_model::{ApiError, Stored};
use lw_services::warehouses::TableRestore;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::cluster::{ClusterRecord, Pending, arn, find_by_namespace, find_cluster};
use super::common::{Read, cluster_identifier, manual_retention, paged, some};
use super::create::{self, automated_retention};
use super::snapshots::{SnapshotRecord, find, find_either};
use super::{events, lifecycle, networks, nodes, options, parameters, tags, windows};
use crate::records::{Record, View};
use crate::registry::{Depth, Registry};
use crate::{Call, Control, serverless};

/// Table restores of a cluster that go on at one time.
const AT_ONCE: usize = 10;

/// A table that is restored, or was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableRestoreRecord {
    pub id: String,
    pub namespace: String,
    /// Name of the snapshot at the provisioner.
    pub name: String,
    pub admin: String,
    /// What the API shows.
    pub status: Stored<TableRestoreStatus>,
}

impl Record for TableRestoreRecord {
    const KIND: &'static str = "redshift.table-restore";
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl TableRestoreRecord {
    fn word(&self) -> &str {
        self.status.0.status.as_deref().unwrap_or_default()
    }

    fn under_way(&self) -> bool {
        matches!(self.word(), "PENDING" | "IN_PROGRESS")
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::RestoreFromClusterSnapshot, Depth::Full, restore);
    registry.serve(
        op::RestoreTableFromClusterSnapshot,
        Depth::Full,
        restore_table,
    );
    registry.serve(
        op::DescribeTableRestoreStatus,
        Depth::Full,
        describe_table_restores,
    );
}

/// Is something being restored from the snapshot with this name at the provisioner?
pub fn reads(view: &View, name: &str) -> bool {
    view.list::<ClusterRecord>().iter().any(|cluster| {
        cluster
            .pending
            .iter()
            .any(|p| matches!(p, Pending::Restore { name: held, .. } if held == name))
    }) || view
        .list::<TableRestoreRecord>()
        .iter()
        .any(|table| table.under_way() && table.name == name)
}

/// What a cluster is restored from: a snapshot of this service, or of a namespace of Serverless.
struct Source {
    id: String,
    name: String,
    admin: String,
    database: String,
    node_type: String,
    nodes: i64,
    port: u16,
    bytes: u64,
    encrypted: bool,
    kms_key: Option<String>,
    enhanced_routing: bool,
    track: String,
    secret: Option<(String, Option<String>)>,
    iam_roles: Vec<String>,
    parameter_group: String,
    subnet_group: String,
    tags: Vec<lw_aws_model::redshift::Tag>,
}

impl Source {
    fn of(read: &impl Read, call: &Call, snapshot: &SnapshotRecord) -> Source {
        Source {
            id: snapshot.id.clone(),
            name: snapshot.name.clone(),
            admin: snapshot.admin.clone(),
            database: snapshot.database.clone(),
            node_type: snapshot.node_type.clone(),
            nodes: snapshot.nodes,
            port: snapshot.port,
            bytes: snapshot.bytes,
            encrypted: snapshot.encrypted,
            kms_key: snapshot.kms_key.clone(),
            enhanced_routing: snapshot.enhanced_routing,
            track: snapshot.track.clone(),
            secret: snapshot
                .secret_arn
                .clone()
                .map(|arn| (arn, snapshot.secret_key.clone())),
            iam_roles: snapshot.iam_roles.clone(),
            parameter_group: snapshot.parameter_group.clone(),
            subnet_group: snapshot.subnet_group.clone(),
            // Tags go along with a restore in the same region (L28179).
            tags: tags::of(read, &snapshot.arn(call.config())),
        }
    }
}

/// Would the data fit (L4024)?
fn check_size(source: &Source, node: &nodes::NodeType, count: i64) -> Result<(), ApiError> {
    if (source.bytes >> 20) as i64 > node.capacity_mb(count) {
        return Err(errors::insufficient_cluster_capacity_fault(format!(
            "The snapshot {} does not fit {count} nodes of type {}.",
            source.id, node.name
        )));
    }
    Ok(())
}

async fn restore(
    call: Call,
    input: RestoreFromClusterSnapshotMessage,
) -> Result<RestoreFromClusterSnapshotResult, ApiError> {
    let config = call.config();
    let id = cluster_identifier("ClusterIdentifier", &input.cluster_identifier)?;
    if let Some(owner) = some(input.owner_account.clone())
        && owner != config.account
    {
        return Err(errors::access_to_snapshot_denied_fault(format!(
            "The snapshots of account {owner} are not accessible."
        )));
    }
    let mut txn = call.begin().await;
    let (by_id, by_arn) = (
        some(input.snapshot_identifier.clone()),
        some(input.snapshot_arn.clone()),
    );
    let of_cluster = some(input.snapshot_cluster_identifier.clone());
    let snapshot = find_either(
        &txn,
        config,
        by_id.as_deref(),
        by_arn.as_deref(),
        of_cluster.as_deref(),
    );
    let source = match (snapshot, &by_arn) {
        (Ok(snapshot), _) => {
            if snapshot.status != "available" {
                return Err(errors::invalid_cluster_snapshot_state_fault(format!(
                    "The snapshot {} is not available: its state is {}.",
                    snapshot.id, snapshot.status
                )));
            }
            Source::of(&txn, &call, &snapshot)
        }
        (Err(missing), Some(arn)) => serverless_source(&call, arn).ok_or(missing)?,
        (Err(missing), None) => return Err(missing),
    };
    let node = nodes::find(input.node_type.as_deref().unwrap_or(&source.node_type))?;
    let count = input.number_of_nodes.unwrap_or(source.nodes);
    node.check_count(count)?;
    check_size(&source, node, count)?;
    let from_ra3 = nodes::find(&source.node_type).is_ok_and(|old| old.ra3);
    if from_ra3 && !node.ra3 {
        return Err(errors::invalid_restore_fault(format!(
            "A snapshot of node type {} cannot be restored to {}.",
            source.node_type, node.name
        )));
    }
    if from_ra3 && source.nodes == 1 && node.name != source.node_type {
        // L3249
        return Err(errors::invalid_restore_fault(
            "A snapshot of a single node with managed storage can be restored to the same node type only.",
        ));
    }
    let encrypted = input
        .encrypted
        .unwrap_or(source.encrypted || input.kms_key_id.is_some());
    let relocation = input.availability_zone_relocation == Some(true);
    let multi_az = input.multi_az == Some(true);
    let port = create::port(
        Some(input.port.unwrap_or(source.port.into())),
        relocation || multi_az,
    )?;
    let namespace = uuid::Uuid::new_v4().to_string();
    let window = match some(input.preferred_maintenance_window) {
        Some(text) => windows::parse(&text)?,
        None => windows::assigned(&config.region, &namespace),
    };
    let vpc_security_groups = networks::vpc_security_groups(input.vpc_security_group_ids)?;
    let security_groups = networks::chosen_security_groups(
        &txn,
        input.cluster_security_groups,
        &vpc_security_groups,
    )?;
    let subnet_group = match some(input.cluster_subnet_group_name) {
        Some(name) => networks::find_subnet_group(&txn, &name)?.name.clone(),
        None if txn
            .get::<networks::SubnetGroup>(&source.subnet_group)
            .is_some() =>
        {
            source.subnet_group.clone()
        }
        None => networks::DEFAULT.into(),
    };
    let parameter_group = match some(input.cluster_parameter_group_name) {
        Some(name) => parameters::find(&txn, &name)?.name.clone(),
        // L4014: the default group unless another is given.
        None => parameters::chosen(&txn, None)?,
    };
    let _ = &source.parameter_group;
    options::hsm(
        &txn,
        &some(input.hsm_client_certificate_identifier),
        &some(input.hsm_configuration_identifier),
    )?;
    if let Some(reserved) =
        some(input.reserved_node_id).or(some(input.target_reserved_node_offering_id))
    {
        return Err(errors::reserved_node_not_found_fault(format!(
            "Reserved node {reserved} not found."
        )));
    }
    if multi_az {
        options::check_multi_az(&txn, node, count, encrypted, &subnet_group)?;
    }
    if relocation && !node.ra3 {
        return Err(errors::unsupported_operation_fault(
            "Availability zone relocation is supported by RA3 node types only.",
        ));
    }
    let mut cluster = ClusterRecord {
        id: id.clone(),
        zone: options::zone(input.availability_zone, &config.region, &namespace)?,
        namespace,
        created: call.now(),
        node_type: node.name.into(),
        nodes: count,
        base_nodes: count,
        slices: node.slices * count as usize,
        admin: source.admin.clone(),
        database: source.database.clone(),
        port,
        auto_retention: automated_retention(
            input.automated_snapshot_retention_period.unwrap_or(1),
            node.ra3,
        )?,
        manual_retention: manual_retention(input.manual_snapshot_retention_period, -1)?,
        security_groups,
        vpc_security_groups,
        settings: parameters::settings(&txn, &parameter_group),
        parameter_group,
        parameters_status: "in-sync".into(),
        subnet_group,
        window,
        revision: create::REVISION.into(),
        allow_upgrade: input.allow_version_upgrade.unwrap_or(true),
        public: input.publicly_accessible.unwrap_or(false),
        encrypted,
        kms_key: options::kms_key(
            encrypted,
            some(input.kms_key_id).or(source.kms_key.clone()),
            config,
        ),
        enhanced_routing: input
            .enhanced_vpc_routing
            .unwrap_or(source.enhanced_routing),
        iam_roles: match input.iam_roles {
            Some(roles) => options::iam_roles(Some(roles))?,
            None => source.iam_roles.clone(),
        },
        default_role: some(input.default_iam_role_arn),
        track: match some(input.maintenance_track_name) {
            Some(name) => options::track(Some(&name))?,
            None => source.track.clone(),
        },
        relocation,
        multi_az,
        elastic_ip: some(input.elastic_ip),
        ip_type: options::ip_type(input.ip_address_type)?,
        schedule: options::schedule(&txn, some(input.snapshot_schedule_identifier))?,
        restore: Some(Stored(RestoreStatus {
            status: Some("restoring".into()),
            snapshot_size_in_mega_bytes: Some((source.bytes >> 20) as i64),
            progress_in_mega_bytes: Some(0),
            elapsed_time_in_seconds: Some(0),
            estimated_time_to_completion_in_seconds: Some(1),
            current_restore_rate_in_mega_bytes_per_second: Some(0.0),
        })),
        ..ClusterRecord::default()
    };
    cluster.push(Pending::Restore {
        snapshot: source.id.clone(),
        name: source.name.clone(),
    });
    // A password under Secrets Manager stays so until it is changed (L4308): the restored cluster gets a
    // secret of its own, whose password it is given once it is there.
    let managed = input
        .manage_master_password
        .unwrap_or(source.secret.is_some());
    if managed {
        let key = input
            .master_password_secret_kms_key_id
            .or_else(|| source.secret.as_ref().and_then(|(_, key)| key.clone()));
        let password = super::secrets::manage(&call, &mut txn, &mut cluster, key)?;
        cluster.push(Pending::Password { password });
    }
    create::put_new(&mut txn, &cluster)?;
    tags::set(&mut txn, &arn(config, &id), Some(source.tags))?;
    events::emit(
        &mut txn,
        call.now(),
        events::CLUSTER,
        &id,
        2008,
        format!(
            "A restore operation to create a new Amazon Redshift cluster {id} from snapshot {} was started.",
            source.id
        ),
    )?;
    let shown = cluster.shown(&txn, &call.control);
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(RestoreFromClusterSnapshotResult {
        cluster: Some(shown),
    })
}

/// A snapshot of a namespace of Serverless, by its ARN.
fn serverless_source(call: &Call, arn: &str) -> Option<Source> {
    let held = serverless::restorable(&call.view(), call.config(), arn)?;
    Some(Source {
        id: arn.rsplit('/').next().unwrap_or_default().into(),
        name: held.name,
        admin: held.admin_user,
        database: held.database,
        // Serverless has no nodes: the caller's choice, or the smallest of today's.
        node_type: "ra3.xlplus".into(),
        nodes: 2,
        port: 5439,
        bytes: held.bytes,
        encrypted: true,
        kms_key: held.kms_key,
        enhanced_routing: false,
        track: "current".into(),
        secret: None,
        iam_roles: Vec::new(),
        parameter_group: parameters::DEFAULT_GROUP.into(),
        subnet_group: "default".into(),
        tags: Vec::new(),
    })
}

async fn restore_table(
    call: Call,
    input: RestoreTableFromClusterSnapshotMessage,
) -> Result<RestoreTableFromClusterSnapshotResult, ApiError> {
    let mut txn = call.begin().await;
    let cluster = find_cluster(&txn, &input.cluster_identifier)?;
    cluster.require_available()?;
    let snapshot = find(&txn, &input.snapshot_identifier, None)?;
    if snapshot.status != "available" {
        return Err(errors::invalid_cluster_snapshot_state_fault(format!(
            "The snapshot {} is not available.",
            snapshot.id
        )));
    }
    if snapshot.namespace != cluster.namespace {
        // L4114
        return Err(errors::invalid_cluster_snapshot_state_fault(format!(
            "The snapshot {} is not one of cluster {}.",
            snapshot.id, cluster.id
        )));
    }
    if snapshot.before_resize {
        return Err(errors::invalid_cluster_snapshot_state_fault(format!(
            "The snapshot {} was taken before cluster {} was resized.",
            snapshot.id, cluster.id
        )));
    }
    if cluster.encrypted && !snapshot.encrypted {
        // L19544
        return Err(errors::unsupported_operation_fault(
            "A table cannot be restored from an unencrypted snapshot to an encrypted cluster.",
        ));
    }
    let busy = txn
        .list::<TableRestoreRecord>()
        .iter()
        .filter(|table| table.namespace == cluster.namespace && table.under_way())
        .count();
    if busy >= AT_ONCE {
        return Err(errors::in_progress_table_restore_quota_exceeded_fault(
            format!(
                "{AT_ONCE} tables are being restored to cluster {} already.",
                cluster.id
            ),
        ));
    }
    let schema = some(input.source_schema_name).unwrap_or_else(|| "public".into());
    let target_database =
        some(input.target_database_name).unwrap_or_else(|| input.source_database_name.clone());
    let target_schema = some(input.target_schema_name).unwrap_or_else(|| schema.clone());
    if input.source_table_name.is_empty() || input.new_table_name.is_empty() {
        return Err(errors::invalid_table_restore_argument_fault(
            "SourceTableName and NewTableName must not be empty.",
        ));
    }
    // Names fold to lower case unless the caller says that they keep their case.
    let fold = |name: String| {
        if input.enable_case_sensitive_identifier == Some(true) {
            name
        } else {
            name.to_lowercase()
        }
    };
    let id = uuid::Uuid::new_v4().to_string();
    let status = TableRestoreStatus {
        table_restore_request_id: Some(id.clone()),
        status: Some("PENDING".into()),
        request_time: Some(call.now()),
        cluster_identifier: Some(cluster.id.clone()),
        snapshot_identifier: Some(snapshot.id.clone()),
        source_database_name: Some(fold(input.source_database_name)),
        source_schema_name: Some(fold(schema)),
        source_table_name: Some(fold(input.source_table_name)),
        target_database_name: Some(fold(target_database)),
        target_schema_name: Some(fold(target_schema)),
        new_table_name: Some(fold(input.new_table_name)),
        ..TableRestoreStatus::default()
    };
    txn.put(TableRestoreRecord {
        id: id.clone(),
        namespace: cluster.namespace.clone(),
        name: snapshot.name.clone(),
        admin: cluster.admin.clone(),
        status: Stored(status.clone()),
    })?;
    events::emit(
        &mut txn,
        call.now(),
        events::CLUSTER,
        &cluster.id,
        2014,
        format!(
            "A table restore request was received for cluster {}.",
            cluster.id
        ),
    )?;
    txn.commit().await?;
    drive_table(&call.control, &id);
    Ok(RestoreTableFromClusterSnapshotResult {
        table_restore_status: Some(status),
    })
}

/// Goes on with tables whose restore a crash cut off.
pub fn resume(control: &Arc<Control>) {
    for table in control.records.view().list::<TableRestoreRecord>() {
        if table.under_way() {
            drive_table(control, &table.id);
        }
    }
}

fn drive_table(control: &Arc<Control>, id: &str) {
    let (owned, id) = (control.clone(), id.to_string());
    control.jobs.start(format!("redshift:table:{id}"), async move {
        if let Err(error) = run_table(&owned, &id).await {
            tracing::error!(request = id, %error, "the end of a table restore could not be kept");
        }
    });
}

async fn run_table(control: &Arc<Control>, id: &str) -> Result<(), ApiError> {
    let Some(table) = control.records.view().get::<TableRestoreRecord>(id) else {
        return Ok(());
    };
    let retried = table.word() == "IN_PROGRESS";
    let mut txn = control.records.begin().await;
    let cluster = find_by_namespace(&txn, &table.namespace);
    if !retried {
        txn.update::<TableRestoreRecord>(id, |table| {
            table.status.0.status = Some("IN_PROGRESS".into());
        })?;
        if let Some(cluster) = &cluster {
            events::emit(
                &mut txn,
                control.clock.now(),
                events::CLUSTER,
                &cluster.id,
                3008,
                format!("A table restore of cluster {} started.", cluster.id),
            )?;
        }
    }
    txn.commit().await?;
    let shown = &table.status.0;
    let text = |name: &Option<String>| name.clone().unwrap_or_default();
    let done = control
        .provisioner
        .restore_table(
            &table.name,
            &table.namespace,
            &TableRestore {
                source_database: text(&shown.source_database_name),
                source_schema: text(&shown.source_schema_name),
                source_table: text(&shown.source_table_name),
                target_database: text(&shown.target_database_name),
                target_schema: text(&shown.target_schema_name),
                new_table: text(&shown.new_table_name),
                admin_user: table.admin.clone(),
            },
        )
        .await;
    let mut txn = control.records.begin().await;
    let now = control.clock.now();
    let (event, word) = match &done {
        Ok(_) => (3009, "completed"),
        Err(_) => (3010, "failed"),
    };
    txn.update::<TableRestoreRecord>(id, |table| {
        let status = &mut table.status.0;
        match &done {
            Ok(restored) => {
                let megabytes = (restored.bytes >> 20) as i64;
                status.status = Some("SUCCEEDED".into());
                status.progress_in_mega_bytes = Some(megabytes);
                status.total_data_in_mega_bytes = Some(megabytes);
            }
            Err(error) => {
                status.status = Some("FAILED".into());
                status.message = Some(error.message.clone());
            }
        }
    })?;
    if let Some(cluster) = cluster {
        events::emit(
            &mut txn,
            now,
            events::CLUSTER,
            &cluster.id,
            event,
            format!("A table restore of cluster {} {word}.", cluster.id),
        )?;
    }
    txn.commit().await
}

async fn describe_table_restores(
    call: Call,
    input: DescribeTableRestoreStatusMessage,
) -> Result<TableRestoreStatusMessage, ApiError> {
    let view = call.view();
    let cluster = some(input.cluster_identifier)
        .map(|id| find_cluster(&view, &id))
        .transpose()?;
    let id = some(input.table_restore_request_id);
    let mut all: Vec<_> = Read::list::<TableRestoreRecord>(&view)
        .into_iter()
        .filter(|table| {
            cluster
                .as_ref()
                .is_none_or(|c| c.namespace == table.namespace)
        })
        .filter(|table| id.as_ref().is_none_or(|id| *id == table.id))
        .collect();
    if let (Some(id), true) = (&id, all.is_empty()) {
        return Err(errors::table_restore_not_found_fault(format!(
            "Table restore request {id} not found."
        )));
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(TableRestoreStatusMessage {
        marker,
        table_restore_status_details: Some(
            page.iter().map(|table| table.status.0.clone()).collect(),
        ),
    })
}
