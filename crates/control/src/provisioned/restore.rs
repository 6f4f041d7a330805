//! Restoring clusters from snapshots (guide L3987-4026, L4102-4140, L4308).

use lw_aws_model::redshift::{
    RestoreFromClusterSnapshotMessage, RestoreFromClusterSnapshotResult, RestoreStatus, errors, op,
};
use lw_aws_model::{ApiError, Stored};

use super::cluster::{ClusterRecord, Pending, arn};
use super::common::{Read, cluster_identifier, manual_retention, some};
use super::create::{self, automated_retention};
use super::snapshots::{SnapshotRecord, find_either};
use super::tables::TableRestoreRecord;
use super::{
    events, lifecycle, networks, nodes, options, parameters, rights, subnets, tags, windows,
};
use crate::records::Txn;
use crate::records::View;
use crate::registry::{Depth, Registry};
use crate::{Call, serverless};

pub fn register(registry: &mut Registry) {
    registry.serve(
        op::RestoreFromClusterSnapshot,
        Depth::Partly("encryption, Multi-AZ, maintenance window and track"),
        restore,
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
    let mut txn = call.begin().await;
    let source = source_of(&call, &txn, &input)?;
    let node = nodes::find(input.node_type.as_deref().unwrap_or(&source.node_type))?;
    let count = input.number_of_nodes.unwrap_or(source.nodes);
    node.check_count(count)?;
    check_size(&source, node, count)?;
    check_type(&source, node)?;
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
    let subnet_group = subnet_group(&txn, input.cluster_subnet_group_name, &source)?;
    let parameter_group = match some(input.cluster_parameter_group_name) {
        Some(name) => parameters::find(&txn, &name)?.name.clone(),
        // L4014: the default group unless another is given.
        None => parameters::chosen(&txn, None)?,
    };
    options::hsm(
        &txn,
        &some(input.hsm_client_certificate_identifier),
        &some(input.hsm_configuration_identifier),
    )?;
    no_reserved_node(
        input.reserved_node_id,
        input.target_reserved_node_offering_id,
    )?;
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
        iam_roles: iam_roles(&call, input.iam_roles, &source)?,
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
        restore: Some(Stored(begun(&source))),
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
    tags::set(&mut txn, &arn(config, &id), Some(source.tags.clone()))?;
    tell_start(&mut txn, &call, &id, &source)?;
    let shown = cluster.shown(&txn, &call.control);
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(RestoreFromClusterSnapshotResult {
        cluster: Some(shown),
    })
}

/// The snapshot that is to be restored.
fn source_of(
    call: &Call,
    txn: &Txn,
    input: &RestoreFromClusterSnapshotMessage,
) -> Result<Source, ApiError> {
    let config = call.config();
    if let Some(owner) = some(input.owner_account.clone())
        && owner != config.account
    {
        return Err(errors::access_to_snapshot_denied_fault(format!(
            "The snapshots of account {owner} are not accessible."
        )));
    }
    let (by_id, by_arn) = (
        some(input.snapshot_identifier.clone()),
        some(input.snapshot_arn.clone()),
    );
    let of_cluster = some(input.snapshot_cluster_identifier.clone());
    let snapshot = find_either(
        txn,
        config,
        by_id.as_deref(),
        by_arn.as_deref(),
        of_cluster.as_deref(),
    );
    match (snapshot, &by_arn) {
        (Ok(snapshot), _) => {
            if snapshot.status != "available" {
                return Err(errors::invalid_cluster_snapshot_state_fault(format!(
                    "The snapshot {} is not available: its state is {}.",
                    snapshot.id, snapshot.status
                )));
            }
            Ok(Source::of(txn, call, &snapshot))
        }
        (Err(missing), Some(arn)) => serverless_source(call, arn).ok_or(missing),
        (Err(missing), None) => Err(missing),
    }
}

/// That what is in it can be on nodes of this type.
fn check_type(source: &Source, node: &nodes::NodeType) -> Result<(), ApiError> {
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
    Ok(())
}

/// The subnet group that is given, else the snapshot's if it is still there.
fn subnet_group(txn: &Txn, given: Option<String>, source: &Source) -> Result<String, ApiError> {
    Ok(match some(given) {
        Some(name) => subnets::find_subnet_group(txn, &name)?.name.clone(),
        None if txn
            .get::<subnets::SubnetGroup>(&source.subnet_group)
            .is_some() =>
        {
            source.subnet_group.clone()
        }
        None => networks::DEFAULT.into(),
    })
}

/// There are no reserved nodes to be taken.
fn no_reserved_node(node: Option<String>, offering: Option<String>) -> Result<(), ApiError> {
    if let Some(reserved) = some(node).or(some(offering)) {
        return Err(errors::reserved_node_not_found_fault(format!(
            "Reserved node {reserved} not found."
        )));
    }
    Ok(())
}

/// The roles that are given, which the caller must be allowed to pass on, else the snapshot's.
fn iam_roles(
    call: &Call,
    given: Option<Vec<String>>,
    source: &Source,
) -> Result<Vec<String>, ApiError> {
    let Some(roles) = given else {
        return Ok(source.iam_roles.clone());
    };
    let roles = options::iam_roles(Some(roles))?;
    rights::pass_roles(call, &roles)?;
    Ok(roles)
}

fn tell_start(txn: &mut Txn, call: &Call, id: &str, source: &Source) -> Result<(), ApiError> {
    events::emit(
        txn,
        call.now(),
        events::CLUSTER,
        id,
        2008,
        format!(
            "A restore operation to create a new Amazon Redshift cluster {id} from snapshot {} was started.",
            source.id
        ),
    )
}

/// The state of a restore that begins.
fn begun(source: &Source) -> RestoreStatus {
    RestoreStatus {
        status: Some("restoring".into()),
        snapshot_size_in_mega_bytes: Some((source.bytes >> 20) as i64),
        progress_in_mega_bytes: Some(0),
        elapsed_time_in_seconds: Some(0),
        estimated_time_to_completion_in_seconds: Some(1),
        current_restore_rate_in_mega_bytes_per_second: Some(0.0),
    }
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
