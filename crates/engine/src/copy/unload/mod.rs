//! UNLOAD: the rows of a query become files of a bucket. [`options`] say how, [`text`] and
//! [`parquet`] write one file each, [`files`] names and divides them, [`manifest`] lists them.

mod files;
mod manifest;
mod options;
mod parquet;
mod text;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use lw_base::{Result, SqlError, SqlState};
use lw_events::UnloadRecord;
use lw_functions::error::canceled;
use lw_functions::sql_error;
use lw_pgrepr::SqlType;
use lw_services::Notice;
use lw_services::buckets::Bucket;
use lw_sql_plan::Unload;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::source::{Buckets, parse_url, s3_error};
use crate::{Effect, Engine, StatementContext};
use files::{Files, Written};
use options::UnloadOptions;

/// A column of the result.
#[derive(Debug, Clone)]
pub(super) struct OutColumn {
    pub name: String,
    pub sql_type: SqlType,
}

/// What an UNLOAD writes, and where to.
pub(super) struct Target {
    pub options: UnloadOptions,
    /// All columns of the query.
    pub columns: Vec<OutColumn>,
    pub bucket: Arc<dyn Bucket>,
    pub bucket_name: String,
    /// What the keys of all files begin with.
    pub prefix: String,
    pub zone: lw_pgrepr::Zone,
    /// Keys of the files of this UNLOAD, which CLEANPATH must not remove.
    new: Mutex<HashSet<String>>,
}

impl Target {
    fn claim(&self, key: &str) {
        self.new.lock().insert(key.to_string());
    }

    fn is_new(&self, key: &str) -> bool {
        self.new.lock().contains(key)
    }
}

pub(super) async fn run(engine: &Engine, plan: &Unload, ctx: &StatementContext) -> Result<Effect> {
    let options = UnloadOptions::parse(&plan.options)?;
    refuse_limit(&plan.input)?;
    let (bucket_name, key) = parse_url(&plan.to)?;
    let schema = plan.input.schema();
    let columns: Vec<OutColumn> = plan
        .names
        .iter()
        .zip(schema.fields())
        .map(|(name, field)| OutColumn {
            name: name.clone(),
            sql_type: SqlType::of_field(field).unwrap_or(SqlType::Unknown),
        })
        .collect();
    options.check_columns(&columns)?;
    let mut prefix = key.to_string();
    if !options.partition_by.is_empty() && !prefix.ends_with('/') {
        prefix.push('/');
    }
    let mut buckets = Buckets::new(
        &engine.buckets,
        &plan.credentials,
        options.region.as_deref(),
    );
    let target = Arc::new(Target {
        bucket: buckets.open(bucket_name).await?,
        bucket_name: bucket_name.to_string(),
        prefix,
        columns,
        zone: super::zone(ctx),
        new: Mutex::default(),
        options,
    });
    make_room(&target).await?;
    let start = lw_base::clock::now_micros();
    let result = write(engine, plan, ctx, &target).await;
    let written = match result {
        Ok(written) => written,
        Err((error, written)) => {
            // Files of an UNLOAD that failed are no result: they go, as far as that is possible.
            for file in written {
                let _ = target.bucket.delete(&file.key).await;
            }
            return Err(error);
        }
    };
    if target.options.manifest {
        manifest::write(&target, &written).await?;
    }
    record(engine, ctx, &target, &written, start);
    let rows = written.iter().map(|f| f.rows).sum();
    Ok(Effect {
        rows,
        changes: vec![],
        notices: vec![Notice {
            severity: "INFO",
            message: SqlError::new(
                SqlState("00000"),
                format!("UNLOAD completed, {rows} record(s) unloaded successfully."),
            ),
        }],
    })
}

/// The outer SELECT may have no LIMIT.
fn refuse_limit(plan: &LogicalPlan) -> Result<()> {
    match plan {
        LogicalPlan::Limit(_) => Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "Limit clause is not supported",
        )
        .with_hint(
            "Put the query with LIMIT into a subquery: SELECT * FROM (SELECT ... LIMIT n).",
        )),
        LogicalPlan::Projection(p) => refuse_limit(&p.input),
        _ => Ok(()),
    }
}

/// Looks for files in the way, or removes them.
async fn make_room(target: &Target) -> Result<()> {
    let options = &target.options;
    if options.allow_overwrite || options.clean_path && !options.partition_by.is_empty() {
        return Ok(());
    }
    let context = format!(
        "Listing bucket={} prefix={}",
        target.bucket_name, target.prefix
    );
    let there = target
        .bucket
        .list(&target.prefix)
        .await
        .map_err(|e| s3_error(e, &context))?;
    if options.clean_path {
        for object in there {
            target
                .bucket
                .delete(&object.key)
                .await
                .map_err(|e| s3_error(e, &format!("Deleting {}", object.key)))?;
        }
        return Ok(());
    }
    if there.iter().any(|o| !(o.key.ends_with('/') && o.size == 0)) {
        return Err(SqlError::new(
            SqlState::INTERNAL_ERROR,
            "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually removing the target files in S3, or using the ALLOWOVERWRITE option.",
        )
        .with_detail("code: 8001"));
    }
    Ok(())
}

type Failed = (SqlError, Vec<Written>);

async fn write(
    engine: &Engine,
    plan: &Unload,
    ctx: &StatementContext,
    target: &Arc<Target>,
) -> Result<Vec<Written>, Failed> {
    let mut rows = engine
        .execute_stream(&plan.input, ctx)
        .await
        .map_err(|e| (e, vec![]))?;
    let slices = match target.options.parallel {
        true => engine.config.partitions.clamp(1, 64),
        false => 1,
    };
    let mut senders = Vec::new();
    let mut tasks = Vec::new();
    for slice in 0..slices {
        let (to, from) = mpsc::channel::<RecordBatch>(2);
        senders.push(to);
        tasks.push(tokio::spawn(slice_task(target.clone(), slice, from)));
    }
    let mut error = None;
    let mut turn = 0;
    loop {
        let batch = tokio::select! {
            biased;
            () = ctx.cancel.cancelled() => {
                error = Some(canceled());
                break;
            }
            batch = rows.next() => batch,
        };
        match batch {
            None => break,
            Some(Err(e)) => {
                error = Some(sql_error(e));
                break;
            }
            Some(Ok(batch)) if batch.num_rows() == 0 => {}
            Some(Ok(batch)) => {
                let sent = senders[turn % slices].send(batch).await;
                turn += 1;
                // A task that is gone has failed; its error comes below.
                if sent.is_err() {
                    break;
                }
            }
        }
    }
    if error.is_some() {
        // Files that were begun must not be finished.
        tasks.iter().for_each(|t| t.abort());
    }
    drop(senders);
    let mut written = Vec::new();
    for task in tasks {
        match task.await {
            Ok(files) => {
                written.extend(files.written);
                if let Some(e) = files.error {
                    error.get_or_insert(e);
                }
            }
            Err(e) if e.is_cancelled() => {}
            Err(e) => {
                error.get_or_insert(SqlError::internal(e));
            }
        }
    }
    match error {
        Some(error) => Err((error, written)),
        None => Ok(written),
    }
}

/// What a slice's task made.
struct SliceResult {
    written: Vec<Written>,
    error: Option<SqlError>,
}

async fn slice_task(
    target: Arc<Target>,
    slice: usize,
    mut from: mpsc::Receiver<RecordBatch>,
) -> SliceResult {
    let mut files = Files::new(target, slice);
    let mut result = Ok(());
    while let Some(batch) = from.recv().await {
        result = files.write(batch).await;
        if result.is_err() {
            break;
        }
    }
    let (written, finished) = files.finish(result.is_ok()).await;
    SliceResult {
        written,
        error: result.and(finished).err(),
    }
}

fn record(
    engine: &Engine,
    ctx: &StatementContext,
    target: &Target,
    written: &[Written],
    start: i64,
) {
    let session = &ctx.session;
    for file in written {
        engine.events.record_unload(UnloadRecord {
            query_id: session.query_id,
            xid: session.xid,
            pid: session.pid,
            user: session.user,
            database_name: super::database_name(ctx),
            slice: file.slice as i32,
            path: format!("s3://{}/{}", target.bucket_name, file.key),
            file_format: target.options.format.name().to_string(),
            line_count: file.rows,
            transfer_size: file.bytes,
            start,
            end: lw_base::clock::now_micros(),
        });
    }
}
