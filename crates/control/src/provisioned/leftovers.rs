//! What hangs on a cluster and goes, or moves, with it.

use lw_aws_model::ApiError;

use super::cluster::{ClusterRecord, namespace_arn};
use super::endpoints::{Authorization, Endpoint};
use super::logging::Logging;
use super::partners::Partner;
use super::sharing::PolicyRecord;
use super::snapshots::SnapshotRecord;
use super::tables::TableRestoreRecord;
use super::usage::{self, UsageLimit};
use super::{secrets, tags};
use crate::ControlConfig;
use crate::records::{Record, Txn};

/// A cluster was renamed: its snapshots follow (L3675), and its usage limits show its name.
pub fn renamed(
    txn: &mut Txn,
    config: &ControlConfig,
    cluster: &ClusterRecord,
) -> Result<(), ApiError> {
    for snapshot in txn.list::<SnapshotRecord>() {
        if snapshot.namespace == cluster.namespace {
            let mut next = (*snapshot).clone();
            next.cluster = cluster.id.clone();
            tags::rename(txn, &snapshot.arn(config), &next.arn(config))?;
            txn.put(next)?;
        }
    }
    for limit in txn.list::<UsageLimit>() {
        if limit.namespace == cluster.namespace {
            let mut next = (*limit).clone();
            next.cluster = cluster.id.clone();
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

/// A cluster's record goes, and with it what is only its own.
pub fn deleted(
    txn: &mut Txn,
    config: &ControlConfig,
    cluster: &ClusterRecord,
) -> Result<(), ApiError> {
    let namespace = &cluster.namespace;
    secrets::forget(txn, config, &cluster.id);
    for limit in txn.list::<UsageLimit>() {
        if limit.namespace == *namespace {
            tags::forget(txn, &usage::arn(config, &limit.id));
            txn.delete::<UsageLimit>(&limit.id);
        }
    }
    drop_where::<Endpoint>(txn, |e| e.namespace == *namespace);
    drop_where::<Authorization>(txn, |a| a.namespace == *namespace);
    drop_where::<Partner>(txn, |p| p.namespace == *namespace);
    drop_where::<TableRestoreRecord>(txn, |t| t.namespace == *namespace);
    drop_where::<Logging>(txn, |l| l.namespace == *namespace);
    let arn = namespace_arn(config, namespace);
    drop_where::<PolicyRecord>(txn, |p| p.arn == arn);
    Ok(())
}

fn drop_where<R: Record>(txn: &mut Txn, goes: impl Fn(&R) -> bool) {
    for record in txn.list::<R>() {
        if goes(&record) {
            txn.delete::<R>(&record.id());
        }
    }
}
