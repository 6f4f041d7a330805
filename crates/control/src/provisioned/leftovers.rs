//! What hangs on a cluster and goes, or moves, with it.

use std::sync::Arc;

use lw_aws_model::ApiError;

use super::cluster::ClusterRecord;
use super::snapshots::SnapshotRecord;
use super::tags;
use crate::records::Txn;
use crate::{Control, ControlConfig};

/// A cluster was renamed: its snapshots follow (L3675).
pub fn renamed(
    txn: &mut Txn,
    config: &ControlConfig,
    cluster: &ClusterRecord,
    _from: &str,
) -> Result<(), ApiError> {
    for snapshot in txn.list::<SnapshotRecord>() {
        if snapshot.namespace == cluster.namespace {
            let mut next = (*snapshot).clone();
            next.cluster = cluster.id.clone();
            tags::rename(txn, &snapshot.arn(config), &next.arn(config))?;
            txn.put(next)?;
        }
    }
    Ok(())
}

/// A cluster was resized: its snapshots are no good for tables unless it was an elastic resize of the same
/// type (L4116).
pub fn resized(txn: &mut Txn, cluster: &ClusterRecord, other: bool) -> Result<(), ApiError> {
    if !other {
        return Ok(());
    }
    for snapshot in txn.list::<SnapshotRecord>() {
        if snapshot.namespace == cluster.namespace && !snapshot.before_resize {
            let mut next = (*snapshot).clone();
            next.before_resize = true;
            txn.put(next)?;
        }
    }
    Ok(())
}

/// What must be done outside of the records before a cluster's record goes.
pub async fn before_delete(
    _control: &Arc<Control>,
    _cluster: &ClusterRecord,
) -> Result<(), ApiError> {
    Ok(())
}

/// A cluster's record goes.
pub fn deleted(
    _txn: &mut Txn,
    _config: &ControlConfig,
    _cluster: &ClusterRecord,
) -> Result<(), ApiError> {
    Ok(())
}
