//! What is under way with a cluster, step by step: from the transaction that accepted a request to the one
//! that shows its end. Every step may be done again after a crash.

use std::sync::Arc;
use std::time::Duration;

use lw_aws_model::redshift::{PendingModifiedValues, RestoreStatus};
use lw_aws_model::{ApiError, Stored};
use lw_services::warehouses::NamespaceSpec;

use super::cluster::{ClusterRecord, Pending, Resize, arn, find_by_namespace, find_cluster};
use super::{events, leftovers, nodes, parameters, secrets, snapshots, tags};
use crate::Control;
use crate::records::Txn;

/// How often a restore is tried before the cluster is incompatible-restore.
const RESTORES: u32 = 4;

/// Sees to it that what is pending of a cluster is done.
pub fn drive(control: &Arc<Control>, namespace: &str) {
    let owned = (control.clone(), namespace.to_string());
    control
        .jobs
        .start(format!("redshift:cluster:{namespace}"), async move {
            run(owned.0, owned.1).await;
        });
}

async fn run(control: Arc<Control>, namespace: String) {
    let mut tries = 0;
    loop {
        let Some(cluster) = find_by_namespace(&control.records.view(), &namespace) else {
            return;
        };
        let Some(pending) = cluster.pending.first().cloned() else {
            return;
        };
        match step(&control, &cluster, &pending, tries).await {
            Ok(()) => tries = 0,
            Err(error) => {
                tries += 1;
                tracing::warn!(cluster = cluster.id, %error, tries, "a step of a cluster's life failed");
                note(&control, &namespace, error.message).await;
                let wait = Duration::from_millis(100 << tries.min(8));
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// Keeps why a step failed.
async fn note(control: &Control, namespace: &str, why: String) {
    let mut txn = control.records.begin().await;
    if let Some(cluster) = find_by_namespace(&txn, namespace) {
        let mut cluster = (*cluster).clone();
        cluster.trouble = Some(why);
        if txn.put(cluster).is_ok() {
            let _ = txn.commit().await;
        }
    }
}

/// Ends a step: the record changes, the step is no longer pending, the next one's status shows.
async fn finish(
    control: &Control,
    namespace: &str,
    done: &Pending,
    change: impl FnOnce(&mut Txn, &mut ClusterRecord) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let mut txn = control.records.begin().await;
    let Some(found) = find_by_namespace(&txn, namespace) else {
        return Ok(());
    };
    let mut cluster = (*found).clone();
    if cluster.pending.first() != Some(done) {
        // Something else took its place meanwhile (a deletion).
        return Ok(());
    }
    cluster.pending.remove(0);
    cluster.trouble = None;
    cluster.status = match cluster.pending.first() {
        Some(next) => next.status().to_string(),
        None => "available".into(),
    };
    if cluster.pending.is_empty() {
        cluster.pending_values = Stored(PendingModifiedValues::default());
    }
    change(&mut txn, &mut cluster)?;
    if cluster.id != found.id {
        txn.delete::<ClusterRecord>(&found.id);
    }
    txn.put(cluster)?;
    txn.commit().await
}

/// Shows another status while a step goes on.
async fn show(
    control: &Control,
    namespace: &str,
    current: &Pending,
    change: impl FnOnce(&mut Txn, &mut ClusterRecord) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let mut txn = control.records.begin().await;
    if let Some(found) = find_by_namespace(&txn, namespace)
        && found.pending.first() == Some(current)
    {
        let mut cluster = (*found).clone();
        change(&mut txn, &mut cluster)?;
        txn.put(cluster)?;
        txn.commit().await?;
    }
    Ok(())
}

pub fn failed(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal(error)
}

async fn step(
    control: &Arc<Control>,
    cluster: &ClusterRecord,
    pending: &Pending,
    tries: u32,
) -> Result<(), ApiError> {
    match pending {
        Pending::Create {
            password,
            sample_data,
        } => create(control, cluster, pending, password.clone(), *sample_data).await,
        Pending::Restore { snapshot, name } => {
            restore(control, cluster, pending, snapshot, name, tries).await
        }
        Pending::Reboot => restart(control, cluster, pending, true).await,
        Pending::Apply { .. } => restart(control, cluster, pending, false).await,
        Pending::Rename { to } => rename(control, cluster, pending, to).await,
        Pending::Password { password } => {
            control
                .provisioner
                .set_admin(&cluster.namespace, &cluster.admin, password)
                .await
                .map_err(failed)?;
            finish(control, &cluster.namespace, pending, |txn, cluster| {
                events::emit(
                    txn,
                    control.clock.now(),
                    events::CLUSTER,
                    &cluster.id,
                    4000,
                    format!(
                        "Your admin credentials for cluster {} were updated at {}.",
                        cluster.id,
                        events::time(control.clock.now())
                    ),
                )
            })
            .await
        }
        Pending::Resize {
            node_type,
            nodes,
            classic,
        } => resize(control, cluster, pending, node_type, *nodes, *classic).await,
        Pending::Pause => pause(control, cluster, pending).await,
        Pending::Resume => {
            let at = start(control, cluster).await?;
            finish(control, &cluster.namespace, pending, |_, cluster| {
                cluster.endpoint_port = Some(at);
                Ok(())
            })
            .await
        }
        Pending::Delete { final_snapshot } => {
            delete(control, cluster, pending, final_snapshot.as_deref()).await
        }
    }
}

/// Starts or changes what serves a cluster; gives its port.
async fn start(control: &Control, cluster: &ClusterRecord) -> Result<u16, ApiError> {
    let compute = cluster.compute(&control.records.view(), &control.config);
    let address = control
        .provisioner
        .start(&cluster.namespace, &compute)
        .await
        .map_err(failed)?;
    Ok(address.port())
}

/// Brings what a record says to what serves the cluster: networks, parallelism, memory.
pub async fn apply_now(control: &Control, id: &str) -> Result<(), ApiError> {
    let cluster = find_cluster(&control.records.view(), id)?;
    if cluster.is_served() {
        start(control, &cluster).await?;
    }
    Ok(())
}

/// Starts all clusters that are to be running when the service starts, and goes on with what a crash cut
/// off.
pub async fn resume(control: &Arc<Control>) {
    for cluster in control.records.view().list::<ClusterRecord>() {
        if cluster.is_served() {
            match start(control, &cluster).await {
                Ok(port) if Some(port) != cluster.endpoint_port => {
                    let mut txn = control.records.begin().await;
                    let moved = txn.update::<ClusterRecord>(&cluster.id, |cluster| {
                        cluster.endpoint_port = Some(port);
                    });
                    if moved.is_ok() {
                        let _ = txn.commit().await;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(cluster = cluster.id, %error, "a cluster could not be started");
                    try_again(control, &cluster.namespace).await;
                }
            }
        }
        if !cluster.pending.is_empty() {
            drive(control, &cluster.namespace);
        }
    }
}

/// A cluster that could not be started with the service is not available until it can be.
async fn try_again(control: &Arc<Control>, namespace: &str) {
    let mut txn = control.records.begin().await;
    if let Some(found) = find_by_namespace(&txn, namespace)
        && found.pending.is_empty()
    {
        let mut cluster = (*found).clone();
        cluster.push(Pending::Apply {
            status: "modifying".into(),
            event: None,
        });
        if txn.put(cluster).is_ok() && txn.commit().await.is_ok() {
            drive(control, namespace);
        }
    }
}

async fn create(
    control: &Control,
    cluster: &ClusterRecord,
    pending: &Pending,
    password: Option<String>,
    sample_data: bool,
) -> Result<(), ApiError> {
    control
        .provisioner
        .create_namespace(&NamespaceSpec {
            id: cluster.namespace.clone(),
            database: cluster.database.clone(),
            admin_user: cluster.admin.clone(),
            admin_password: password,
            sample_data,
            serverless: false,
        })
        .await
        .map_err(failed)?;
    let port = start(control, cluster).await?;
    finish(control, &cluster.namespace, pending, |txn, cluster| {
        cluster.endpoint_port = Some(port);
        let id = cluster.id.clone();
        secrets::moved(control, txn, cluster, &id)?;
        events::emit(
            txn,
            control.clock.now(),
            events::CLUSTER,
            &cluster.id,
            2000,
            format!(
                "Amazon Redshift cluster {} has been created and is ready for use.",
                cluster.id
            ),
        )
    })
    .await
}

async fn restore(
    control: &Control,
    cluster: &ClusterRecord,
    pending: &Pending,
    snapshot: &str,
    name: &str,
    tries: u32,
) -> Result<(), ApiError> {
    let restored = control
        .provisioner
        .restore(name, &cluster.namespace, false)
        .await;
    if let Err(error) = restored {
        if tries < RESTORES {
            return Err(failed(error));
        }
        return finish(control, &cluster.namespace, pending, |txn, cluster| {
            cluster.status = "incompatible-restore".into();
            cluster.trouble = Some(error.to_string());
            cluster.pending.clear();
            if let Some(status) = &mut cluster.restore {
                status.0.status = Some("failed".into());
            }
            events::emit(txn, control.clock.now(), events::CLUSTER, &cluster.id, 3501,
                format!("The restore operation for Amazon Redshift cluster {} from snapshot {snapshot} failed. Retry your operation.", cluster.id))
        })
        .await;
    }
    let port = start(control, cluster).await?;
    finish(control, &cluster.namespace, pending, |txn, cluster| {
        let now = control.clock.now();
        cluster.endpoint_port = Some(port);
        if let Some(status) = &mut cluster.restore {
            let size = status.0.snapshot_size_in_mega_bytes.unwrap_or(0);
            let seconds = (now - cluster.created).num_seconds().max(0);
            status.0 = RestoreStatus {
                status: Some("completed".into()),
                progress_in_mega_bytes: Some(size),
                elapsed_time_in_seconds: Some(seconds),
                estimated_time_to_completion_in_seconds: Some(0),
                current_restore_rate_in_mega_bytes_per_second: Some(size as f64 / seconds.max(1) as f64),
                snapshot_size_in_mega_bytes: Some(size),
            };
        }
        events::emit(txn, now, events::CLUSTER, &cluster.id, 3003,
            format!("Amazon Redshift cluster {} was successfully created from snapshot {snapshot} and is available for use.", cluster.id))?;
        // Only node types without managed storage say when the data is all there (L3997-4006).
        if cluster.node().is_some_and(|node| !node.ra3) {
            events::emit(txn, now + Duration::from_micros(1), events::CLUSTER, &cluster.id, 3537,
                format!("Cluster {} data transfer is completed.", cluster.id))?;
        }
        Ok(())
    })
    .await
}

/// Stops and starts; with `parameters`, those of the group take effect.
async fn restart(
    control: &Control,
    cluster: &ClusterRecord,
    pending: &Pending,
    reboot: bool,
) -> Result<(), ApiError> {
    let mut next = cluster.clone();
    // Every restart that a user asks for makes pending parameters effective; one for maintenance would
    // not (L18381).
    next.settings = parameters::settings(&control.records.view(), &cluster.parameter_group);
    if let Pending::Apply { .. } = pending
        && next.endpoint_port.is_some_and(|port| port != next.port)
        && matches!(&pending, Pending::Apply { event: Some((id, _)), .. } if id == "3679")
    {
        next.endpoint_port = None;
    }
    let compute = next.compute(&control.records.view(), &control.config);
    let address = control
        .provisioner
        .restart(&cluster.namespace, &compute)
        .await
        .map_err(failed)?;
    finish(control, &cluster.namespace, pending, |txn, cluster| {
        let now = control.clock.now();
        cluster.settings = next.settings.clone();
        cluster.parameters_status = if parameters::differing(txn, cluster).is_empty() {
            "in-sync".into()
        } else {
            "pending-reboot".into()
        };
        cluster.endpoint_port = Some(address.port());
        let id = cluster.id.clone();
        secrets::moved(control, txn, cluster, &id)?;
        if reboot {
            events::emit(
                txn,
                now,
                events::CLUSTER,
                &cluster.id,
                3000,
                format!(
                    "Cluster {} was rebooted at {}.",
                    cluster.id,
                    events::time(now)
                ),
            )?;
        }
        if let Pending::Apply {
            event: Some((id, text)),
            ..
        } = pending
        {
            events::emit(
                txn,
                now,
                events::CLUSTER,
                &cluster.id,
                id.parse().unwrap_or(2018),
                text.clone(),
            )?;
        }
        Ok(())
    })
    .await
}

async fn rename(
    control: &Control,
    cluster: &ClusterRecord,
    pending: &Pending,
    to: &str,
) -> Result<(), ApiError> {
    let mut next = cluster.clone();
    next.id = to.to_string();
    next.settings = parameters::settings(&control.records.view(), &cluster.parameter_group);
    let compute = next.compute(&control.records.view(), &control.config);
    let address = control
        .provisioner
        .restart(&cluster.namespace, &compute)
        .await
        .map_err(failed)?;
    finish(control, &cluster.namespace, pending, |txn, cluster| {
        let from = std::mem::replace(&mut cluster.id, to.to_string());
        cluster.settings = next.settings.clone();
        cluster.parameters_status = "in-sync".into();
        cluster.endpoint_port = Some(address.port());
        let config = &control.config;
        tags::rename(txn, &arn(config, &from), &arn(config, to))?;
        // Snapshots stay with the renamed cluster (L3675).
        leftovers::renamed(txn, config, cluster)?;
        secrets::moved(control, txn, cluster, &from)?;
        events::emit(
            txn,
            control.clock.now(),
            events::CLUSTER,
            to,
            2013,
            format!("Amazon Redshift cluster {from} was renamed to {to}."),
        )
    })
    .await
}

async fn resize(
    control: &Arc<Control>,
    cluster: &ClusterRecord,
    pending: &Pending,
    node_type: &str,
    count: i64,
    classic: bool,
) -> Result<(), ApiError> {
    let namespace = &cluster.namespace;
    let now = control.clock.now();
    let node = nodes::find(node_type)?;
    let cancelled = cluster.resize.as_ref().is_some_and(|resize| resize.cancel);
    if cancelled {
        return finish(control, namespace, pending, |txn, cluster| {
            end_resize(cluster, "CANCELLED", now, None);
            events::emit(txn, now, events::CLUSTER, &cluster.id, 3600,
                format!("The resize operation for Amazon Redshift cluster {} was cancelled earlier. The rollback completed.", cluster.id))
        })
        .await;
    }
    let same_type = node.name == cluster.node_type;
    if !classic {
        show(control, namespace, pending, |txn, cluster| {
            if cluster.status != "resizing" {
                cluster.status = "resizing".into();
                events::emit(txn, now, events::CLUSTER, &cluster.id, 3011,
                    format!("Elastic resize operation for Amazon Redshift cluster {} started at {}. We will hold your database connections open while we resize. Some queries and connections may be terminated or timed-out during this operation.", cluster.id, events::time(now)))?;
            }
            Ok(())
        })
        .await?;
    }
    let usage = control.provisioner.usage(namespace).await.map_err(failed)?;
    let mut next = cluster.clone();
    next.node_type = node.name.to_string();
    next.nodes = count;
    // Slices stay with an elastic resize of the same type (L2832); here they are units of parallelism,
    // which a larger cluster is to have more of: the type's own number a node.
    next.slices = node.slices * count.max(1) as usize;
    if classic || !same_type {
        next.settings = parameters::settings(&control.records.view(), &cluster.parameter_group);
    }
    let compute = next.compute(&control.records.view(), &control.config);
    let address = if classic || !same_type {
        control.provisioner.restart(namespace, &compute).await
    } else {
        control.provisioner.start(namespace, &compute).await
    }
    .map_err(failed)?;
    finish(control, namespace, pending, |txn, cluster| {
        let now = control.clock.now();
        let started = cluster.resize.as_ref().map_or(now, |resize| resize.started);
        let changed_type = cluster.node_type != next.node_type;
        cluster.node_type = next.node_type.clone();
        cluster.nodes = next.nodes;
        cluster.slices = next.slices;
        cluster.settings = next.settings.clone();
        if parameters::differing(txn, cluster).is_empty() {
            cluster.parameters_status = "in-sync".into();
        }
        if classic || changed_type {
            cluster.base_nodes = count;
        }
        cluster.endpoint_port = Some(address.port());
        end_resize(cluster, "SUCCEEDED", now, Some(usage.bytes));
        leftovers::resized(txn, cluster, classic || changed_type)?;
        if classic {
            let hours = (now - started).num_seconds() as f64 / 3600.0;
            events::emit(txn, now, events::CLUSTER, &cluster.id, 3002,
                format!("The resize for your Amazon Redshift cluster {} is complete and your cluster is available for reads and writes. The resize was initiated at {} and took {hours:.2} hours to complete.", cluster.id, events::time(started)))
        } else {
            events::emit(txn, now, events::CLUSTER, &cluster.id, 3534,
                format!("Elastic resize for Amazon Redshift cluster {} completed. The cluster is now available for read and write operations while we transfer data.", cluster.id))?;
            events::emit(txn, now + Duration::from_micros(1), events::CLUSTER, &cluster.id, 3537,
                format!("Cluster {} data transfer is completed.", cluster.id))
        }
    })
    .await
}

fn end_resize(
    cluster: &mut ClusterRecord,
    status: &str,
    now: chrono::DateTime<chrono::Utc>,
    bytes: Option<u64>,
) {
    if let Some(resize) = &mut cluster.resize {
        *resize = Resize {
            status: status.into(),
            ended: Some(now),
            bytes: bytes.unwrap_or(resize.bytes),
            cancel: false,
            ..resize.clone()
        };
    }
}

async fn pause(
    control: &Arc<Control>,
    cluster: &ClusterRecord,
    pending: &Pending,
) -> Result<(), ApiError> {
    // A pause takes a snapshot first (L3622); one that a crash left half made is made anew.
    snapshots::take_automated(control, cluster).await?;
    control
        .provisioner
        .stop(&cluster.namespace)
        .await
        .map_err(failed)?;
    finish(control, &cluster.namespace, pending, |txn, cluster| {
        cluster.status = "paused".into();
        events::emit(
            txn,
            control.clock.now(),
            events::CLUSTER,
            &cluster.id,
            3619,
            format!(
                "Amazon Redshift cluster {} was successfully paused.",
                cluster.id
            ),
        )
    })
    .await
}

async fn delete(
    control: &Arc<Control>,
    cluster: &ClusterRecord,
    pending: &Pending,
    final_snapshot: Option<&str>,
) -> Result<(), ApiError> {
    let namespace = &cluster.namespace;
    control.provisioner.stop(namespace).await.map_err(failed)?;
    if let Some(id) = final_snapshot {
        snapshots::complete(control, id).await?;
        show(control, namespace, pending, |_, cluster| {
            cluster.status = "deleting".into();
            Ok(())
        })
        .await?;
    }
    control
        .provisioner
        .delete_namespace(namespace)
        .await
        .map_err(failed)?;
    snapshots::delete_automated(control, namespace).await?;
    let mut txn = control.records.begin().await;
    if let Some(found) = find_by_namespace(&txn, namespace) {
        txn.delete::<ClusterRecord>(&found.id);
        tags::forget(&mut txn, &arn(&control.config, &found.id));
        leftovers::deleted(&mut txn, &control.config, &found)?;
        let saved = if final_snapshot.is_some() {
            "was"
        } else {
            "was not"
        };
        let now = control.clock.now();
        events::emit(
            &mut txn,
            now,
            events::CLUSTER,
            &found.id,
            2001,
            format!(
                "Amazon Redshift cluster {} was deleted at {}. A final snapshot {saved} saved.",
                found.id,
                events::time(now)
            ),
        )?;
        txn.commit().await?;
    }
    Ok(())
}
