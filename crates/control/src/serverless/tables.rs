//! Restoring one table from a snapshot or recovery point (guide L2624-2649).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    GetTableRestoreStatusRequest, GetTableRestoreStatusResponse, ListTableRestoreStatusRequest,
    ListTableRestoreStatusResponse, RestoreTableFromRecoveryPointRequest,
    RestoreTableFromRecoveryPointResponse, RestoreTableFromSnapshotRequest,
    RestoreTableFromSnapshotResponse, TableRestoreStatus, errors, op,
};
use lw_services::warehouses::TableRestore as Which;
use serde::{Deserialize, Serialize};

use super::backups::Stage;
use super::paging::page;
use super::snapshots::{point, snapshot};
use super::{idle, namespace, not_found, workgroup};
use crate::records::{Record, View};
use crate::registry::{Depth, Registry};
use crate::{Call, Control};

/// A table that is restored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableRestore {
    /// Id of the request.
    pub uuid: String,
    /// Namespace it goes to.
    pub namespace: String,
    /// Workgroup of that.
    pub workgroup: String,
    /// When it was asked for.
    pub requested: DateTime<Utc>,
    /// Name of the snapshot.
    pub snapshot: Option<String>,
    /// Id of the recovery point.
    pub point: Option<String>,
    /// Name the provisioner knows it by.
    pub held: String,
    /// Database, schema and table it was.
    pub source: (String, String, String),
    /// Database, schema and table it becomes.
    pub target: (String, String, String),
    /// `PENDING`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED`.
    pub status: String,
    /// Why it failed.
    #[serde(default)]
    pub message: Option<String>,
    /// Bytes of the table.
    #[serde(default)]
    pub bytes: u64,
}

impl Record for TableRestore {
    const KIND: &'static str = "serverless.table-restore";
    fn id(&self) -> String {
        self.uuid.clone()
    }
}

impl TableRestore {
    /// True until it has ended.
    pub fn running(&self) -> bool {
        matches!(self.status.as_str(), "PENDING" | "IN_PROGRESS")
    }

    fn shown(&self) -> TableRestoreStatus {
        let megabytes = i64::try_from(self.bytes.div_ceil(1 << 20)).unwrap_or(i64::MAX);
        let (source, target) = (self.source.clone(), self.target.clone());
        TableRestoreStatus {
            message: self.message.clone(),
            namespace_name: Some(self.namespace.clone()),
            new_table_name: Some(target.2),
            progress_in_mega_bytes: Some(megabytes),
            recovery_point_id: self.point.clone(),
            request_time: Some(self.requested),
            snapshot_name: self.snapshot.clone(),
            source_database_name: Some(source.0),
            source_schema_name: Some(source.1),
            source_table_name: Some(source.2),
            status: Some(self.status.clone()),
            table_restore_request_id: Some(self.uuid.clone()),
            target_database_name: Some(target.0),
            target_schema_name: Some(target.1),
            total_data_in_mega_bytes: Some(megabytes),
            workgroup_name: Some(self.workgroup.clone()),
        }
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::RestoreTableFromSnapshot, Depth::Full, from_snapshot);
    registry.serve(op::RestoreTableFromRecoveryPoint, Depth::Full, from_point);
    registry.serve(op::GetTableRestoreStatus, Depth::Full, get);
    registry.serve(op::ListTableRestoreStatus, Depth::Full, list);
}

/// What the two requests have in common: source and target.
struct Names {
    source_database: String,
    source_schema: Option<String>,
    source_table: String,
    target_database: Option<String>,
    target_schema: Option<String>,
    new_table: String,
    exact: bool,
}

impl Names {
    /// Names as they are in the catalog: small letters, unless the caller says that case counts.
    fn resolve(self) -> ((String, String, String), (String, String, String)) {
        let exact = self.exact;
        let fold = |name: String| if exact { name } else { name.to_lowercase() };
        let database = fold(self.source_database);
        let schema = fold(self.source_schema.unwrap_or_else(|| "public".into()));
        let target = (
            self.target_database.map_or_else(|| database.clone(), fold),
            self.target_schema.map_or_else(|| schema.clone(), fold),
            fold(self.new_table),
        );
        ((database, schema, fold(self.source_table)), target)
    }
}

async fn ask(
    call: &Call,
    namespace_name: &str,
    workgroup_name: &str,
    names: Names,
    from: impl FnOnce(&View) -> Result<(Option<String>, Option<String>, String), ApiError>,
) -> Result<TableRestoreStatus, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let target = namespace(&view, namespace_name)?;
    let compute = workgroup(&view, workgroup_name)?;
    if compute.namespace != target.name {
        return Err(errors::validation_exception(format!(
            "Workgroup {workgroup_name} is not associated with the namespace {namespace_name}."
        )));
    }
    idle(&view, &target)?;
    // One table at a time (guide L2640).
    if view
        .list::<TableRestore>()
        .iter()
        .any(|t| t.namespace == target.name && t.running())
    {
        return Err(errors::conflict_exception(
            "There is an operation running on the namespace: a table is being restored.",
        ));
    }
    let (snapshot, point, held) = from(&view)?;
    let (source, into) = names.resolve();
    let asked = TableRestore {
        uuid: uuid::Uuid::new_v4().to_string(),
        namespace: target.name.clone(),
        workgroup: compute.name.clone(),
        requested: call.now(),
        snapshot,
        point,
        held,
        source,
        target: into,
        status: "PENDING".into(),
        message: None,
        bytes: 0,
    };
    let shown = asked.shown();
    txn.put(asked)?;
    txn.commit().await?;
    call.drive();
    Ok(shown)
}

async fn from_snapshot(
    call: Call,
    input: RestoreTableFromSnapshotRequest,
) -> Result<RestoreTableFromSnapshotResponse, ApiError> {
    let names = Names {
        source_database: input.source_database_name,
        source_schema: input.source_schema_name,
        source_table: input.source_table_name,
        target_database: input.target_database_name,
        target_schema: input.target_schema_name,
        new_table: input.new_table_name,
        exact: input.activate_case_sensitive_identifier == Some(true),
    };
    let status = ask(
        &call,
        &input.namespace_name,
        &input.workgroup_name,
        names,
        |view| {
            let found = snapshot(view, &input.snapshot_name)?;
            if found.stage != Stage::Ready {
                return Err(errors::conflict_exception(format!(
                    "Snapshot {} is not available.",
                    found.name
                )));
            }
            Ok((Some(found.name.clone()), None, found.held.name.clone()))
        },
    )
    .await?;
    Ok(RestoreTableFromSnapshotResponse {
        table_restore_status: Some(status),
    })
}

async fn from_point(
    call: Call,
    input: RestoreTableFromRecoveryPointRequest,
) -> Result<RestoreTableFromRecoveryPointResponse, ApiError> {
    let names = Names {
        source_database: input.source_database_name,
        source_schema: input.source_schema_name,
        source_table: input.source_table_name,
        target_database: input.target_database_name,
        target_schema: input.target_schema_name,
        new_table: input.new_table_name,
        exact: input.activate_case_sensitive_identifier == Some(true),
    };
    let status = ask(
        &call,
        &input.namespace_name,
        &input.workgroup_name,
        names,
        |view| {
            let found = point(view, &input.recovery_point_id)?;
            Ok((None, Some(found.uuid.clone()), found.held.name.clone()))
        },
    )
    .await?;
    Ok(RestoreTableFromRecoveryPointResponse {
        table_restore_status: Some(status),
    })
}

async fn get(
    call: Call,
    input: GetTableRestoreStatusRequest,
) -> Result<GetTableRestoreStatusResponse, ApiError> {
    let id = &input.table_restore_request_id;
    let found = call
        .view()
        .get::<TableRestore>(id)
        .ok_or_else(|| not_found("Table restore request", id))?;
    Ok(GetTableRestoreStatusResponse {
        table_restore_status: Some(found.shown()),
    })
}

async fn list(
    call: Call,
    input: ListTableRestoreStatusRequest,
) -> Result<ListTableRestoreStatusResponse, ApiError> {
    let view = call.view();
    if let Some(name) = &input.namespace_name {
        namespace(&view, name)?;
    }
    if let Some(name) = &input.workgroup_name {
        workgroup(&view, name)?;
    }
    let mut all = view.list::<TableRestore>();
    all.retain(|t| {
        input
            .namespace_name
            .as_ref()
            .is_none_or(|name| t.namespace == *name)
            && input
                .workgroup_name
                .as_ref()
                .is_none_or(|name| t.workgroup == *name)
    });
    let key =
        |t: &Arc<TableRestore>| format!("{:020}/{}", t.requested.timestamp_micros().max(0), t.uuid);
    all.sort_by_key(key);
    let (shown, next_token) = page(
        &call,
        all,
        key,
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListTableRestoreStatusResponse {
        next_token,
        table_restore_statuses: Some(shown.iter().map(|t| t.shown()).collect()),
    })
}

/// Starts the jobs of restores that are not finished.
pub fn resume(control: &Arc<Control>, view: &View) {
    for one in view.list::<TableRestore>() {
        if one.running() {
            control.jobs.start(
                format!("serverless.table/{}", one.uuid),
                run(control.clone(), one.uuid.clone()),
            );
        }
    }
}

async fn set(control: &Control, id: &str, change: impl FnOnce(&mut TableRestore)) {
    let mut txn = control.records.begin().await;
    let changed = txn.update::<TableRestore>(id, change);
    if let Err(error) = changed.map(|_| ()).and(txn.commit().await) {
        tracing::error!(id, %error, "the state of a table restore could not be recorded");
    }
}

async fn run(control: Arc<Control>, id: String) {
    set(&control, &id, |one| one.status = "IN_PROGRESS".into()).await;
    let view = control.records.view();
    let Some(one) = view.get::<TableRestore>(&id) else {
        return;
    };
    let Some(target) = view.get::<super::Namespace>(&one.namespace) else {
        set(&control, &id, |one| {
            one.status = "FAILED".into();
            one.message = Some("The namespace was deleted.".into());
        })
        .await;
        return;
    };
    let which = Which {
        source_database: one.source.0.clone(),
        source_schema: one.source.1.clone(),
        source_table: one.source.2.clone(),
        target_database: one.target.0.clone(),
        target_schema: one.target.1.clone(),
        new_table: one.target.2.clone(),
        admin_user: target.admin_user.clone(),
    };
    let result = control
        .provisioner
        .restore_table(&one.held, &target.uuid, &which)
        .await;
    set(&control, &id, |one| match result {
        Ok(done) => {
            one.status = "SUCCEEDED".into();
            one.bytes = done.bytes;
        }
        Err(error) => {
            one.status = "FAILED".into();
            one.message = Some(error.to_string());
        }
    })
    .await;
}
