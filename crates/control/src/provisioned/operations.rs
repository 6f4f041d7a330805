//! Deleting, rebooting, pausing, resuming (guide L5078-5096, L3618-3659) and resizing (L3402-3584).

use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    CancelResizeMessage, DeleteClusterMessage, DeleteClusterResult, DescribeResizeMessage,
    PauseClusterMessage, PauseClusterResult, RebootClusterMessage, RebootClusterResult,
    ResizeClusterMessage, ResizeClusterResult, ResizeProgressMessage, ResumeClusterMessage,
    ResumeClusterResult, errors, op,
};

use super::cluster::{ClusterRecord, Pending, Resize, find_cluster};
use super::common::{group_name, manual_retention, some};
use super::snapshots::{self, SnapshotRecord};
use super::{create, events, lifecycle, nodes};
use crate::Call;
use crate::records::Txn;
use crate::registry::{Depth, Registry};

pub fn register(registry: &mut Registry) {
    registry.serve(op::DeleteCluster, Depth::Full, delete);
    registry.serve(op::RebootCluster, Depth::Full, reboot);
    registry.serve(op::PauseCluster, Depth::Full, pause);
    registry.serve(op::ResumeCluster, Depth::Full, resume);
    registry.serve(op::ResizeCluster, Depth::Full, resize);
    registry.serve(op::DescribeResize, Depth::Full, describe_resize);
    registry.serve(op::CancelResize, Depth::Full, cancel_resize);
}

async fn delete(call: Call, input: DeleteClusterMessage) -> Result<DeleteClusterResult, ApiError> {
    let skip = input.skip_final_cluster_snapshot.unwrap_or(false);
    let final_id = match (skip, some(input.final_cluster_snapshot_identifier)) {
        (true, None) => None,
        (false, Some(id)) => Some(group_name("FinalClusterSnapshotIdentifier", &id)?),
        (false, None) => {
            return Err(ApiError::combination(
                "FinalClusterSnapshotIdentifier is required unless SkipFinalClusterSnapshot is specified.",
            ));
        }
        (true, Some(_)) => {
            return Err(ApiError::combination(
                "FinalClusterSnapshotIdentifier cannot be specified when SkipFinalClusterSnapshot is true.",
            ));
        }
    };
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    // What only changes settings gives way to a deletion; anything else has to end first.
    let still = cluster
        .pending
        .iter()
        .all(|p| matches!(p, Pending::Password { .. } | Pending::Apply { .. }));
    let deletable = matches!(
        cluster.status.as_str(),
        "available"
            | "modifying"
            | "paused"
            | "incompatible-restore"
            | "incompatible-network"
            | "incompatible-parameters"
            | "incompatible-hsm"
            | "hardware-failure"
            | "storage-full"
    );
    if !still || !deletable {
        return Err(errors::invalid_cluster_state_fault(
            "There is an operation running on the Cluster. Please try to delete it at a later time.",
        ));
    }
    let retention = manual_retention(
        input.final_cluster_snapshot_retention_period,
        cluster.manual_retention,
    )?;
    if let Some(id) = &final_id {
        let mut snapshot = SnapshotRecord::of(&cluster, id.clone(), false, retention, call.now());
        snapshot.last = true;
        snapshots::put_new(&mut txn, snapshot)?;
        events::emit(
            &mut txn,
            call.now(),
            events::SNAPSHOT,
            id,
            2012,
            format!(
                "A final snapshot {id} of Amazon Redshift cluster {} started at {}.",
                cluster.id,
                events::time(call.now())
            ),
        )?;
    }
    cluster.pending.clear();
    cluster.push(Pending::Delete {
        final_snapshot: final_id,
    });
    let shown = put(&call, &mut txn, cluster.clone())?;
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(DeleteClusterResult {
        cluster: Some(shown),
    })
}

/// Writes the record and gives what the API shows of it.
pub fn put(
    call: &Call,
    txn: &mut Txn,
    cluster: ClusterRecord,
) -> Result<lw_aws_model::redshift::Cluster, ApiError> {
    txn.put(cluster.clone())?;
    Ok(cluster.shown(&*txn, &call.control))
}

async fn reboot(call: Call, input: RebootClusterMessage) -> Result<RebootClusterResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    if !(cluster.pending.is_empty()
        && matches!(
            cluster.status.as_str(),
            "available" | "incompatible-parameters"
        ))
    {
        cluster.require_available()?;
    }
    cluster.push(Pending::Reboot);
    let shown = put(&call, &mut txn, cluster.clone())?;
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(RebootClusterResult {
        cluster: Some(shown),
    })
}

async fn pause(call: Call, input: PauseClusterMessage) -> Result<PauseClusterResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    cluster.require_available()?;
    // L3630-3634, L4559.
    if cluster.multi_az {
        return Err(errors::unsupported_operation_fault(
            "A Multi-AZ cluster cannot be paused.",
        ));
    }
    if cluster.auto_retention == 0 {
        return Err(errors::unsupported_operation_fault(
            "A cluster without automated snapshots cannot be paused.",
        ));
    }
    if cluster.hsm_configuration.is_some() {
        return Err(errors::unsupported_operation_fault(
            "A cluster with an HSM cannot be paused.",
        ));
    }
    cluster.push(Pending::Pause);
    events::emit(
        &mut txn,
        call.now(),
        events::CLUSTER,
        &cluster.id,
        3618,
        format!(
            "The pause operation for Amazon Redshift cluster {} started.",
            cluster.id
        ),
    )?;
    let shown = put(&call, &mut txn, cluster.clone())?;
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(PauseClusterResult {
        cluster: Some(shown),
    })
}

async fn resume(call: Call, input: ResumeClusterMessage) -> Result<ResumeClusterResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    if cluster.status != "paused" {
        return Err(errors::invalid_cluster_state_fault(format!(
            "You can't resume cluster {} because it is not paused: its state is {}.",
            cluster.id,
            cluster.shown_status()
        )));
    }
    create::check_nodes_quota(&txn, cluster.nodes)?;
    cluster.push(Pending::Resume);
    let shown = put(&call, &mut txn, cluster.clone())?;
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(ResumeClusterResult {
        cluster: Some(shown),
    })
}

/// What is asked of a resize.
pub struct Wish<'a> {
    pub cluster_type: Option<&'a str>,
    pub node_type: Option<&'a str>,
    pub nodes: Option<i64>,
    /// `None`: elastic if that goes, else classic.
    pub classic: Option<bool>,
}

/// Writes a resize into a cluster's record, after its rules (L3435-3474).
pub fn begin_resize(
    call: &Call,
    txn: &mut Txn,
    cluster: &mut ClusterRecord,
    wish: &Wish<'_>,
) -> Result<(), ApiError> {
    let node = nodes::find(wish.node_type.unwrap_or(&cluster.node_type))?;
    let count = nodes::count(wish.cluster_type, wish.nodes, Some(cluster.nodes))?;
    let same_type = node.name == cluster.node_type;
    if same_type && count == cluster.nodes {
        return Err(ApiError::validation(format!(
            "Cluster {} already has {count} nodes of type {}.",
            cluster.id, node.name
        )));
    }
    let was_ra3 = cluster.node().is_some_and(|old| old.ra3);
    if was_ra3 && !node.ra3 {
        // L3470
        return Err(errors::unsupported_option_fault(format!(
            "A cluster of node type {} cannot be resized to {}.",
            cluster.node_type, node.name
        )));
    }
    let elastic = if same_type {
        node.elastic(cluster.base_nodes, count) && cluster.nodes > 1
    } else {
        cluster.nodes > 1 && count > 1 && node.check_count(count).is_ok()
    };
    let classic = match wish.classic {
        Some(true) => true,
        Some(false) if !elastic => {
            if count > node.elastic_max {
                node.check_count(count)?;
            }
            return Err(errors::unsupported_option_fault(format!(
                "Elastic resize of cluster {} to {count} nodes of type {} is not possible. Use classic resize.",
                cluster.id, node.name
            )));
        }
        Some(false) => false,
        None => !elastic,
    };
    if classic {
        node.check_count(count)?;
    }
    if cluster.multi_az && count < 2 {
        return Err(errors::unsupported_option_fault(
            "A Multi-AZ cluster needs at least 2 nodes in each Availability Zone.",
        ));
    }
    if count > cluster.nodes {
        create::check_nodes_quota(txn, count - cluster.nodes)?;
    }
    cluster.resize = Some(Resize {
        node_type: node.name.into(),
        nodes: count,
        classic,
        status: "IN_PROGRESS".into(),
        started: call.now(),
        ..Resize::default()
    });
    let values = &mut cluster.pending_values.0;
    values.node_type = Some(node.name.into());
    values.number_of_nodes = Some(count);
    values.cluster_type = Some(kind(count).into());
    cluster.push(Pending::Resize {
        node_type: node.name.into(),
        nodes: count,
        classic,
    });
    let (event, text) = if classic {
        (
            2006,
            format!(
                "A resize for Amazon Redshift cluster {} was started. The cluster is in read-only mode.",
                cluster.id
            ),
        )
    } else {
        (
            3012,
            format!(
                "We have received an elastic resize request for Amazon Redshift cluster {} that was submitted at {}. We will provide an event notification when resize begins.",
                cluster.id,
                events::time(call.now())
            ),
        )
    };
    events::emit(txn, call.now(), events::CLUSTER, &cluster.id, event, text)
}

fn kind(nodes: i64) -> &'static str {
    if nodes == 1 {
        "single-node"
    } else {
        "multi-node"
    }
}

/// ResizeCluster, which scheduled actions make too.
pub async fn resize(
    call: Call,
    input: ResizeClusterMessage,
) -> Result<ResizeClusterResult, ApiError> {
    if let Some(id) = input
        .reserved_node_id
        .or(input.target_reserved_node_offering_id)
    {
        return Err(errors::reserved_node_not_found_fault(format!(
            "The reserved node {id} cannot be exchanged by a resize here."
        )));
    }
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    cluster.require_available()?;
    begin_resize(
        &call,
        &mut txn,
        &mut cluster,
        &Wish {
            cluster_type: input.cluster_type.as_deref(),
            node_type: input.node_type.as_deref(),
            nodes: input.number_of_nodes,
            classic: Some(input.classic.unwrap_or(false)),
        },
    )?;
    let shown = put(&call, &mut txn, cluster.clone())?;
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(ResizeClusterResult {
        cluster: Some(shown),
    })
}

fn progress(call: &Call, cluster: &ClusterRecord, resize: &Resize) -> ResizeProgressMessage {
    let megabytes = (resize.bytes >> 20) as i64;
    let done = resize.status == "SUCCEEDED";
    let seconds = (resize.ended.unwrap_or_else(|| call.now()) - resize.started)
        .num_seconds()
        .max(0);
    ResizeProgressMessage {
        target_node_type: Some(resize.node_type.clone()),
        target_number_of_nodes: Some(resize.nodes),
        target_cluster_type: Some(kind(resize.nodes).into()),
        status: Some(resize.status.clone()),
        import_tables_completed: Some(Vec::new()),
        import_tables_in_progress: Some(Vec::new()),
        import_tables_not_started: Some(Vec::new()),
        avg_resize_rate_in_mega_bytes_per_second: Some(megabytes as f64 / seconds.max(1) as f64),
        total_resize_data_in_mega_bytes: Some(megabytes),
        progress_in_mega_bytes: Some(if done { megabytes } else { 0 }),
        elapsed_time_in_seconds: Some(seconds),
        estimated_time_to_completion_in_seconds: Some(0),
        resize_type: Some(
            if resize.classic {
                "ClassicResize"
            } else {
                "ElasticResize"
            }
            .into(),
        ),
        message: resize.message.clone(),
        target_encryption_type: Some(if cluster.encrypted { "KMS" } else { "NONE" }.into()),
        data_transfer_progress_percent: Some(if done { 100.0 } else { 0.0 }),
    }
}

fn no_resize(cluster: &str) -> ApiError {
    errors::resize_not_found_fault(format!(
        "A resize operation for cluster {cluster} was not found."
    ))
}

async fn describe_resize(
    call: Call,
    input: DescribeResizeMessage,
) -> Result<ResizeProgressMessage, ApiError> {
    let cluster = find_cluster(&call.view(), &input.cluster_identifier)?;
    let resize = cluster
        .resize
        .as_ref()
        .ok_or_else(|| no_resize(&cluster.id))?;
    Ok(progress(&call, &cluster, resize))
}

async fn cancel_resize(
    call: Call,
    input: CancelResizeMessage,
) -> Result<ResizeProgressMessage, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    let to_ra3 = cluster
        .resize
        .as_ref()
        .is_some_and(|resize| nodes::find(&resize.node_type).is_ok_and(|node| node.ra3));
    let id = cluster.id.clone();
    let Some(resize) = cluster
        .resize
        .as_mut()
        .filter(|resize| resize.ended.is_none())
    else {
        return Err(no_resize(&id));
    };
    if !resize.classic || to_ra3 {
        // L3581-3584
        return Err(errors::unsupported_operation_fault(
            "Only a classic resize to a node type without managed storage can be cancelled.",
        ));
    }
    resize.cancel = true;
    resize.status = "CANCELLING".into();
    let resize = resize.clone();
    cluster.status = "cancelling-resize".into();
    let shown = progress(&call, &cluster, &resize);
    txn.put(cluster.clone())?;
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(shown)
}
