//! COPY and UNLOAD. COPY: [`options`] say what was asked, [`source`] finds the files, [`input`] cuts
//! them into blocks of records, [`scan`] splits those into fields, [`columns`] makes Arrow columns of
//! them, [`load`] drives it all. UNLOAD is in [`unload`].

mod columns;
mod errors;
mod formats;
mod input;
mod json;
mod load;
mod numbers;
mod options;
mod parquet;
mod scan;
#[cfg(test)]
mod scan_tests;
mod source;
#[cfg(test)]
mod tests;
mod unload;

use std::sync::Arc;

use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use lw_base::{Result, SqlError, SqlState};
use lw_catalog::{Change, Column, Relation};
use lw_events::{CopyRecord, LoadError, LoadRecord, QueryStatus};
use lw_functions::sql_error;
use lw_pgrepr::{SqlType, Zone};
use lw_services::Notice;
use lw_sql_plan::{CopyFrom, Unload};

use crate::{Effect, Engine, StatementContext};
use load::{Ended, Job, Progress, Source};
use options::{Compression, CopyOptions, Format};

/// Runs UNLOAD.
pub(crate) async fn unload(
    engine: &Engine,
    plan: &Unload,
    ctx: &StatementContext,
) -> Result<Effect> {
    unload::run(engine, plan, ctx).await
}

/// Runs COPY ... FROM.
pub(crate) async fn copy_from(
    engine: &Engine,
    plan: &CopyFrom,
    ctx: &StatementContext,
) -> Result<Effect> {
    let start = lw_base::clock::now_micros();
    let options = CopyOptions::parse(&plan.options)?;
    let relation = crate::dml::relation(ctx, plan.table)?;
    let sources = sources(engine, plan, &relation, &options, ctx).await?;
    let mut buckets = source::Buckets::new(
        &engine.buckets,
        &plan.credentials,
        options.region.as_deref(),
    );
    let files = source::files(&mut buckets, &plan.from, options.manifest).await?;
    let targets = plan
        .columns
        .iter()
        .filter_map(|id| relation.columns.iter().find(|c| c.id == *id))
        .map(load::target)
        .collect();
    let job = Job {
        relation,
        options: Arc::new(options),
        targets,
        sources,
        files,
        zone: zone(ctx),
        from: plan.from.clone(),
        start,
    };
    let _running = Running(engine, ctx.session.query_id);
    let mut progress = Progress::new(&job.files);
    let ended = match job.options.format {
        Format::Parquet => parquet::load(engine, &job, ctx, &mut progress).await,
        _ => load::text(engine, &job, ctx, &mut progress).await,
    };
    let status = match &ended {
        Ok(_) => QueryStatus::Success,
        Err(Ended::Failed(e)) if e.state == SqlState::QUERY_CANCELED => QueryStatus::Canceled,
        Err(_) => QueryStatus::Failed,
    };
    record(engine, ctx, &job, &progress, status);
    let table = &job.relation.name;
    let mut effect = match ended {
        Ok(effect) => effect,
        Err(Ended::TooManyErrors) => {
            return Err(SqlError::new(
                SqlState::INTERNAL_ERROR,
                format!(
                    "Load into table '{table}' failed.  Check 'stl_load_errors' system table for details."
                ),
            ));
        }
        Err(Ended::Failed(error)) => return Err(error),
    };
    if !job.options.no_load {
        statistics(&mut effect, &job, ctx);
    }
    effect.notices = notices(&job, &progress);
    Ok(effect)
}

/// A COPY that runs; it may be dropped at any moment.
struct Running<'a>(&'a Engine, i64);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.events.forget_copy(self.1);
    }
}

/// The session's time zone.
fn zone(ctx: &StatementContext) -> Zone {
    ctx.session
        .settings
        .0
        .get("timezone")
        .and_then(|name| Zone::parse(name))
        .unwrap_or(Zone::UTC)
}

/// Where each column of the table comes from.
async fn sources(
    engine: &Engine,
    plan: &CopyFrom,
    relation: &Arc<Relation>,
    options: &CopyOptions,
    ctx: &StatementContext,
) -> Result<Vec<Source>> {
    let mut with_default: Vec<&Column> = Vec::new();
    let mut sources = Vec::new();
    for column in &relation.columns {
        let field = plan.columns.iter().position(|id| *id == column.id);
        sources.push(match (field, &column.identity) {
            (Some(_), Some(identity)) if !identity.by_default && !options.explicit_ids => {
                return Err(SqlError::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    format!(
                        "cannot set an identity column to a value: column \"{}\"",
                        column.name
                    ),
                )
                .with_hint("Use EXPLICIT_IDS to load values into an IDENTITY column."));
            }
            (None, Some(identity)) if options.explicit_ids && !identity.by_default => {
                return Err(SqlError::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    format!(
                        "EXPLICIT_IDS needs the IDENTITY column \"{}\" in the column list",
                        column.name
                    ),
                ));
            }
            (Some(i), _) => Source::Field(i),
            (None, Some(_)) => Source::Identity,
            (None, None) => {
                if column.default.is_some() {
                    with_default.push(column);
                } else if column.not_null {
                    return Err(SqlError::new(
                        SqlState::NOT_NULL_VIOLATION,
                        format!("Cannot insert a NULL value into column {}", column.name),
                    )
                    .with_detail("The column is not in the column list and has no default."));
                }
                let null = ScalarValue::try_from(&column.sql_type.arrow()).map_err(sql_error)?;
                Source::Constant(null)
            }
        });
    }
    if !with_default.is_empty() {
        let values = defaults(engine, &with_default, ctx).await?;
        for (column, value) in with_default.iter().zip(values) {
            if let Some(at) = relation.columns.iter().position(|c| c.id == column.id) {
                sources[at] = Source::Constant(value);
            }
        }
    }
    Ok(sources)
}

/// The values of DEFAULT expressions, each evaluated once.
async fn defaults(
    engine: &Engine,
    columns: &[&Column],
    ctx: &StatementContext,
) -> Result<Vec<ScalarValue>> {
    let texts: Vec<String> = columns
        .iter()
        .map(|c| format!("({})", c.default.as_deref().unwrap_or("NULL")))
        .collect();
    let query = lw_sql_syntax::parse_query(&format!("SELECT {}", texts.join(", ")))?;
    let context = lw_sql_plan::PlanContext::new(ctx.session.clone(), vec![]);
    let planned = lw_sql_plan::query::plan_query(&query, &context)?;
    let targets: Vec<(String, SqlType)> = columns
        .iter()
        .map(|c| (c.name.clone(), c.sql_type))
        .collect();
    let assigned = lw_sql_plan::query::assignment_cast(planned.logical, &targets)?;
    let batches: Vec<_> = engine
        .execute_stream(&assigned, ctx)
        .await?
        .try_collect()
        .await
        .map_err(sql_error)?;
    let row = batches
        .iter()
        .find(|b| b.num_rows() > 0)
        .ok_or_else(|| SqlError::internal("defaults gave no row"))?;
    row.columns()
        .iter()
        .map(|array| ScalarValue::try_from_array(array, 0).map_err(sql_error))
        .collect()
}

/// STATUPDATE: whether the load counts as an ANALYZE (Developer Guide, "Data load operations").
fn statistics(effect: &mut Effect, job: &Job, ctx: &StatementContext) {
    let data = ctx.session.catalog.table_data(job.relation.oid);
    let before = data.row_count();
    let analyzed = job.options.stat_update.unwrap_or(before == 0);
    for change in &mut effect.changes {
        let Change::PutStats { stats, .. } = change else {
            continue;
        };
        let mut new = match job.options.stat_update {
            Some(false) => {
                let mut old = lw_catalog::TableStats::clone(&data.stats);
                old.modified_since += effect.rows;
                old
            }
            _ => lw_catalog::TableStats::clone(stats),
        };
        if analyzed {
            new.rows = before + effect.rows;
            new.modified_since = 0;
            new.analyzed_at = Some(lw_base::clock::now_micros());
        }
        *stats = Arc::new(new);
    }
}

fn notices(job: &Job, progress: &Progress) -> Vec<Notice> {
    let table = &job.relation.name;
    let info = |text: String| Notice {
        severity: "INFO",
        message: SqlError::new(SqlState("00000"), text),
    };
    let mut notices = Vec::new();
    if job.options.no_load {
        notices.push(info(format!(
            "Load with NOLOAD option: {} record(s) of table '{table}' were checked.",
            progress.rows
        )));
    } else {
        notices.push(info(format!(
            "Load into table '{table}' completed, {} record(s) loaded successfully.",
            progress.rows
        )));
    }
    if progress.error_count > 0 {
        notices.push(info(format!(
            "Load into table '{table}' completed, {} record(s) could not be loaded.  Check 'stl_load_errors' system table for details.",
            progress.error_count
        )));
    }
    if progress.replaced > 0 {
        notices.push(info(format!(
            "Load into table '{table}' completed, {} record(s) were loaded with replacements made for ACCEPTINVCHARS.  Check 'stl_replacements' system table for details.",
            progress.replaced
        )));
    }
    notices
}

/// Name of the session's database.
fn database_name(ctx: &StatementContext) -> String {
    ctx.session
        .catalog
        .database(ctx.session.database)
        .map(|d| d.name.clone())
        .unwrap_or_default()
}

/// Puts what happened into the record, whether the load is kept or not.
fn record(
    engine: &Engine,
    ctx: &StatementContext,
    job: &Job,
    progress: &Progress,
    status: QueryStatus,
) {
    let session = &ctx.session;
    let format = job.options.format.name();
    for (file, error) in &progress.errors {
        let target = error.column.map(|c| &job.targets[c]);
        let (column_type, column_length) = target
            .map(|t| type_and_length(t.sql_type))
            .unwrap_or_default();
        engine.events.record_load_error(LoadError {
            query_id: session.query_id,
            xid: session.xid,
            pid: session.pid,
            user: session.user,
            database_name: database_name(ctx),
            table: job.relation.oid,
            slice: 0,
            start: job.start,
            file_name: job.files[*file].url.clone(),
            line_number: error.line as i64,
            column_name: target.map(|t| t.name.clone()).unwrap_or_default(),
            column_type,
            column_length,
            position: error.error.position as i32,
            raw_line: error.raw_line.clone(),
            raw_field_value: error.raw_field.clone(),
            err_code: error.error.code,
            err_reason: error.error.reason.clone(),
            is_partial: false,
            start_offset: 0,
        });
    }
    if status == QueryStatus::Success && !job.options.no_load {
        for file in &progress.files {
            engine.events.record_load(LoadRecord {
                query_id: session.query_id,
                xid: session.xid,
                pid: session.pid,
                user: session.user,
                table: job.relation.oid,
                table_name: job.relation.name.clone(),
                file_format: format.to_string(),
                ..file.clone()
            });
        }
    }
    let copy = copy_record(ctx, job, progress, status);
    engine.events.record_copy(copy);
}

/// What is known of a COPY.
fn copy_record(
    ctx: &StatementContext,
    job: &Job,
    progress: &Progress,
    status: QueryStatus,
) -> CopyRecord {
    let session = &ctx.session;
    let done = || {
        let files = progress.files.iter().zip(&job.files);
        files.filter(|(f, _)| f.end > 0).map(|(_, file)| file.size)
    };
    let bytes_done = match (&job.options.compression, &job.options.format) {
        (Compression::None, Format::Parquet) => done().sum(),
        (Compression::None, _) => progress.bytes,
        _ => done().sum(),
    };
    let kept = status != QueryStatus::Failed && status != QueryStatus::Canceled;
    CopyRecord {
        query_id: session.query_id,
        xid: session.xid,
        pid: session.pid,
        user: session.user,
        database_name: database_name(ctx),
        table: job.relation.oid,
        table_name: job.relation.name.clone(),
        data_source: job.from.clone(),
        file_format: job.options.format.name().to_string(),
        compression: job.options.compression.name().to_string(),
        status,
        start: job.start,
        end: lw_base::clock::now_micros(),
        loaded_rows: match kept && !job.options.no_load {
            true => progress.rows,
            false => 0,
        },
        loaded_bytes: progress.bytes,
        source_file_count: job.files.len() as u64,
        source_file_bytes: job.files.iter().map(|f| f.size).sum(),
        files_done: done().count() as u64,
        bytes_done,
        current_file: job.files[progress.current].url.clone(),
        error_count: progress.error_count,
    }
}

/// A type as `stl_load_errors` prints it.
fn type_and_length(sql_type: SqlType) -> (String, String) {
    let length = match sql_type {
        SqlType::Char(n) | SqlType::Varchar(n) | SqlType::Varbyte(n) => n.to_string(),
        SqlType::Numeric(p, s) => format!("{p}, {s}"),
        _ => String::new(),
    };
    let name = match sql_type {
        SqlType::Char(_) => "char",
        other => other.typname(),
    };
    (name.to_string(), length)
}
