//! ModifyCluster (guide L5031-5057, L3663-3677, L3697-3730, L4541-4826): what applies at
//! once, what is pending, what restarts the cluster.

use lw_aws_model::ApiError;
use lw_aws_model::redshift::{ModifyClusterMessage, ModifyClusterResult, errors, op};

use super::cluster::{ClusterRecord, Pending, find_cluster};
use super::common::{cluster_identifier, manual_retention, password, some};
use super::operations::{Wish, begin_resize, put};
use super::{create, events, lifecycle, networks, options, parameters, secrets, windows};
use crate::Call;
use crate::records::Txn;
use crate::registry::{Depth, Registry};

pub fn register(registry: &mut Registry) {
    registry.serve(
        op::ModifyCluster,
        Depth::Partly(
            "encryption, Multi-AZ and relocation (a restart), maintenance window and track",
        ),
        modify,
    );
}

async fn modify(call: Call, input: ModifyClusterMessage) -> Result<ModifyClusterResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    cluster.require_available()?;
    let before = cluster.clone();
    options::version(input.cluster_version.as_deref())?;
    options::hsm(
        &txn,
        &some(input.hsm_client_certificate_identifier.clone()),
        &some(input.hsm_configuration_identifier.clone()),
    )?;
    at_once(&call, &mut txn, &mut cluster, &input)?;
    admin(&call, &mut txn, &mut cluster, &input)?;
    restarting(&call, &mut txn, &mut cluster, &input)?;
    if input.node_type.is_some() || input.number_of_nodes.is_some() || input.cluster_type.is_some()
    {
        let same = input
            .node_type
            .as_ref()
            .is_none_or(|t| super::nodes::find(t).is_ok_and(|n| n.name == cluster.node_type))
            && super::nodes::count(
                input.cluster_type.as_deref(),
                input.number_of_nodes,
                Some(cluster.nodes),
            )? == cluster.nodes;
        // Tools that send all they know send what there is already.
        if !same {
            begin_resize(
                &call,
                &mut txn,
                &mut cluster,
                &Wish {
                    cluster_type: input.cluster_type.as_deref(),
                    node_type: input.node_type.as_deref(),
                    nodes: input.number_of_nodes,
                    classic: None,
                },
            )?;
        }
    }
    if let Some(new) = some(input.new_cluster_identifier) {
        let new = cluster_identifier("NewClusterIdentifier", &new)?;
        if new != cluster.id {
            if txn.get::<ClusterRecord>(&new).is_some() {
                return Err(errors::cluster_already_exists_fault(
                    "Cluster already exists",
                ));
            }
            if cluster.encrypted && cluster.copy.is_some() {
                // L19585
                return Err(errors::invalid_cluster_state_fault(format!(
                    "Cluster {} is encrypted and copies its snapshots to another region: disable copying before renaming it.",
                    cluster.id
                )));
            }
            cluster.pending_values.0.cluster_identifier = Some(new.clone());
            cluster.push(Pending::Rename { to: new });
        }
    }
    let shown = put(&call, &mut txn, cluster.clone())?;
    txn.commit().await?;
    if cluster.security_groups != before.security_groups {
        lifecycle::apply_now(&call.control, &cluster.id).await?;
    }
    if cluster.auto_retention < before.auto_retention {
        super::automated::sweep(&call.control).await;
    }
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(ModifyClusterResult {
        cluster: Some(shown),
    })
}

/// What applies at once (L5031-5040).
fn at_once(
    call: &Call,
    txn: &mut Txn,
    cluster: &mut ClusterRecord,
    input: &ModifyClusterMessage,
) -> Result<(), ApiError> {
    let now = call.now();
    if let Some(window) = input
        .preferred_maintenance_window
        .clone()
        .filter(|w| !w.is_empty())
    {
        cluster.window = windows::parse(&window)?;
    }
    if let Some(days) = input.automated_snapshot_retention_period {
        let ra3 = cluster.node().is_some_and(|node| node.ra3);
        cluster.auto_retention = create::automated_retention(days, ra3)?;
    }
    if input.manual_snapshot_retention_period.is_some() {
        cluster.manual_retention = manual_retention(input.manual_snapshot_retention_period, -1)?;
    }
    if let Some(allow) = input.allow_version_upgrade {
        cluster.allow_upgrade = allow;
    }
    if let Some(name) = some(input.maintenance_track_name.clone()) {
        let track = options::track(Some(&name))?;
        if track != cluster.track {
            let from = std::mem::replace(&mut cluster.track, track);
            events::emit(
                txn,
                now,
                events::CLUSTER,
                &cluster.id,
                2020,
                format!(
                    "The maintenance track of cluster {} changed from {from} to {}.",
                    cluster.id, cluster.track
                ),
            )?;
        }
    }
    if let Some(public) = input.publicly_accessible {
        cluster.public = public;
        if !public {
            cluster.elastic_ip = None;
        }
    }
    if let Some(ip) = some(input.elastic_ip.clone()) {
        if !cluster.public {
            return Err(ApiError::combination(
                "ElasticIp cannot be specified for a cluster that is not publicly accessible.",
            ));
        }
        cluster.elastic_ip = Some(ip);
    }
    if input.ip_address_type.is_some() {
        cluster.ip_type = options::ip_type(input.ip_address_type.clone())?;
    }
    if let Some(on) = input.extra_compute_for_automatic_optimization {
        cluster.extra_compute = on;
    }
    if let Some(ids) = input.vpc_security_group_ids.clone() {
        cluster.vpc_security_groups = networks::vpc_security_groups(Some(ids))?;
        events::emit(
            txn,
            now,
            events::CLUSTER,
            &cluster.id,
            2002,
            format!(
                "The VPC security groups of cluster {} were updated.",
                cluster.id
            ),
        )?;
    }
    if let Some(names) = input.cluster_security_groups.clone() {
        cluster.security_groups =
            networks::chosen_security_groups(txn, Some(names), &cluster.vpc_security_groups)?;
    }
    if let Some(name) = some(input.cluster_parameter_group_name.clone()) {
        let name = parameters::chosen(txn, Some(&name))?;
        if name != cluster.parameter_group {
            cluster.parameter_group = name;
            cluster.parameters_status = if parameters::differing(txn, cluster).is_empty() {
                "in-sync".into()
            } else {
                "pending-reboot".into()
            };
            events::emit(
                txn,
                now,
                events::CLUSTER,
                &cluster.id,
                1001,
                format!(
                    "Cluster {} was modified to use parameter group {} at {}.",
                    cluster.id,
                    cluster.parameter_group,
                    events::time(now)
                ),
            )?;
        }
    }
    Ok(())
}

/// The admin's password, given or managed.
fn admin(
    call: &Call,
    txn: &mut Txn,
    cluster: &mut ClusterRecord,
    input: &ModifyClusterMessage,
) -> Result<(), ApiError> {
    let new = match (&input.master_user_password, input.manage_master_password) {
        (Some(_), Some(true)) => {
            return Err(ApiError::combination(
                "MasterUserPassword cannot be specified when ManageMasterPassword is true.",
            ));
        }
        (Some(given), stop) => {
            if cluster.secret_arn.is_some() {
                if stop != Some(false) {
                    return Err(ApiError::combination(
                        "The password of this cluster is managed by AWS Secrets Manager. Set ManageMasterPassword to false to give another.",
                    ));
                }
                secrets::release(call, txn, cluster);
            }
            password("MasterUserPassword", given)?;
            Some(given.clone())
        }
        (None, Some(true)) if cluster.secret_arn.is_none() => Some(secrets::manage(
            call,
            txn,
            cluster,
            input.master_password_secret_kms_key_id.clone(),
        )?),
        (None, Some(false)) if cluster.secret_arn.is_some() => {
            return Err(ApiError::combination(
                "MasterUserPassword must be given when ManageMasterPassword is set to false.",
            ));
        }
        _ => None,
    };
    if let Some(password) = new {
        cluster.pending_values.0.master_user_password = Some("****".into());
        cluster.push(Pending::Password { password });
    }
    Ok(())
}

/// What restarts the cluster (L5042-5053, L3701).
fn restarting(
    call: &Call,
    txn: &mut Txn,
    cluster: &mut ClusterRecord,
    input: &ModifyClusterMessage,
) -> Result<(), ApiError> {
    let now = call.now();
    let node = cluster.node();
    let relocation = input
        .availability_zone_relocation
        .unwrap_or(cluster.relocation);
    let multi_az = input.multi_az.unwrap_or(cluster.multi_az);
    let strict = relocation || multi_az;
    if let Some(port) = input.port {
        let port = create::port(Some(port), strict)?;
        if port != cluster.port {
            cluster.port = port;
            cluster.push(apply(
                "modifying",
                Some((
                    3679,
                    format!("The port of cluster {} was modified.", cluster.id),
                )),
            ));
        }
    } else if strict && (relocation != cluster.relocation || multi_az != cluster.multi_az) {
        create::port(Some(cluster.port.into()), true)?;
    }
    if multi_az != cluster.multi_az {
        if multi_az {
            if let Some(node) = node {
                options::check_multi_az(
                    &*txn,
                    node,
                    cluster.nodes,
                    cluster.encrypted,
                    &cluster.subnet_group,
                )?;
            }
            if cluster.elastic_ip.is_some() {
                return Err(errors::unsupported_operation_fault(
                    "A cluster with an elastic IP address cannot be converted to Multi-AZ.",
                ));
            }
        }
        cluster.multi_az = multi_az;
        let (begun, done, word) = if multi_az {
            (3673, 3674, "enable")
        } else {
            (3676, 3677, "disable")
        };
        events::emit(
            txn,
            now,
            events::CLUSTER,
            &cluster.id,
            begun,
            format!(
                "The request to {word} Multi-AZ for cluster {} started.",
                cluster.id
            ),
        )?;
        let text = format!(
            "The request to {word} Multi-AZ for cluster {} completed.",
            cluster.id
        );
        cluster.push(apply("modifying", Some((done, text))));
    }
    if relocation != cluster.relocation {
        if relocation && node.is_some_and(|node| !node.ra3) {
            return Err(errors::unsupported_operation_fault(
                "Availability zone relocation is supported by RA3 node types only.",
            ));
        }
        cluster.relocation = relocation;
        cluster.push(apply("modifying", None));
    }
    if let Some(zone) = some(input.availability_zone.clone()) {
        let zone = options::zone(Some(zone), &call.config().region, &cluster.namespace)?;
        if zone != cluster.zone {
            if !cluster.relocation {
                return Err(errors::invalid_cluster_state_fault(
                    "Availability zone relocation is not enabled for this cluster.",
                ));
            }
            events::emit(
                txn,
                now,
                events::CLUSTER,
                &cluster.id,
                3629,
                format!(
                    "The request to relocate cluster {} was received.",
                    cluster.id
                ),
            )?;
            let text = format!(
                "Cluster {} was relocated from {} to {zone}.",
                cluster.id, cluster.zone
            );
            cluster.zone = zone;
            cluster.push(apply("relocating", Some((3630, text))));
        }
    }
    if let Some(routing) = input.enhanced_vpc_routing
        && routing != cluster.enhanced_routing
    {
        cluster.enhanced_routing = routing;
        cluster.pending_values.0.enhanced_vpc_routing = Some(routing);
        cluster.push(apply("modifying", None));
    }
    let key = some(input.kms_key_id.clone());
    let encrypted = input
        .encrypted
        .unwrap_or(cluster.encrypted || key.is_some());
    if encrypted != cluster.encrypted || (key.is_some() && key != cluster.kms_key) {
        if cluster.copy.is_some() {
            // L19659
            return Err(errors::invalid_cluster_state_fault(
                "Encryption cannot be changed while snapshots are copied to another region; disable snapshot copy first.",
            ));
        }
        if !encrypted && cluster.multi_az {
            return Err(errors::unsupported_operation_fault(
                "Multi-AZ needs an encrypted cluster.",
            ));
        }
        if encrypted {
            cluster.pending_values.0.encryption_type = Some("KMS".into());
        } else {
            cluster.pending_values.0.encryption_type = Some("NONE".into());
        }
        cluster.encrypted = encrypted;
        cluster.kms_key = options::kms_key(encrypted, key, call.config());
        cluster.push(apply("resizing", None));
    }
    Ok(())
}

/// A restart under a status, and the event at its end.
pub fn apply(status: &str, event: Option<(u32, String)>) -> Pending {
    Pending::Apply {
        status: status.into(),
        event: event.map(|(id, text)| (id.to_string(), text)),
    }
}
