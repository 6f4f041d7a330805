//! Restoring one table from a snapshot (guide L4102-4140).

use std::sync::Arc;

use lw_aws_model::redshift::{
    DescribeTableRestoreStatusMessage, RestoreTableFromClusterSnapshotMessage,
    RestoreTableFromClusterSnapshotResult, TableRestoreStatus, TableRestoreStatusMessage, errors,
    op,
};
use lw_aws_model::{ApiError, Stored};
use lw_services::warehouses::TableRestore;
use serde::{Deserialize, Serialize};

use super::cluster::{find_by_namespace, find_cluster};
use super::common::{Read, paged, some};
use super::events;
use super::snapshots::find;
use crate::records::Record;
use crate::registry::{Depth, Registry};
use crate::{Call, Control};

pub fn register(registry: &mut Registry) {
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

    pub fn under_way(&self) -> bool {
        matches!(self.word(), "PENDING" | "IN_PROGRESS")
    }
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
