//! The Data API: SQL over HTTP, asynchronous (guide L16635-18359). A call of [`submit`] keeps a
//! [`statement::Statement`] and gives it a place in a lane ([`lanes`]); when its turn comes [`run`] runs
//! it over `SqlService` and writes its results to files ([`results`]); [`query`] tells of it.

mod columns;
mod lanes;
mod login;
mod metadata;
mod params;
mod query;
mod results;
mod run;
mod sessions;
pub mod statement;
mod submit;
mod throttle;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod words;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lw_aws_model::redshift_data::op;
use lw_aws_model::{ApiError, Operation};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::registry::{Depth, Registry};
use crate::{Call, Control};
use statement::{KEPT, Statement, Status};

/// What is in memory only.
#[derive(Default)]
pub struct DataApi {
    /// Statements that are not over.
    live: Mutex<HashMap<String, Arc<Live>>>,
    /// Statements by owner and client token.
    tokens: Mutex<HashMap<(String, String), (String, DateTime<Utc>)>>,
    lanes: lanes::Lanes,
    sessions: sessions::Sessions,
    throttle: throttle::Throttle,
    logins: login::Logins,
    /// Calls that wait for a statement's end.
    waiting: AtomicUsize,
}

/// A statement that is not over.
struct Live {
    state: watch::Sender<Arc<Statement>>,
    cancel: CancellationToken,
}

/// The operations.
pub fn register(registry: &mut Registry) {
    fn serve<O, F, R>(registry: &mut Registry, operation: O, run: F)
    where
        O: Operation,
        F: Fn(Call, O::Input) -> R + Send + Sync + Copy + 'static,
        R: Future<Output = Result<O::Output, ApiError>> + Send + 'static,
    {
        registry.serve(
            operation,
            Depth::Full,
            move |call: Call, input| async move {
                call.control.data.throttle.pass(O::NAME)?;
                run(call, input).await
            },
        );
    }
    registry.keys("redshift-data", query::owner_keys);
    serve(registry, op::ExecuteStatement, submit::execute_statement);
    serve(
        registry,
        op::BatchExecuteStatement,
        submit::batch_execute_statement,
    );
    serve(registry, op::DescribeStatement, query::describe_statement);
    serve(registry, op::ListStatements, query::list_statements);
    serve(registry, op::CancelStatement, query::cancel_statement);
    serve(
        registry,
        op::GetStatementResult,
        query::get_statement_result,
    );
    serve(
        registry,
        op::GetStatementResultV2,
        query::get_statement_result_v2,
    );
    serve(registry, op::ListSessions, sessions::list_sessions);
    serve(registry, op::ListDatabases, metadata::list_databases);
    serve(registry, op::ListSchemas, metadata::list_schemas);
    serve(registry, op::ListTables, metadata::list_tables);
    serve(registry, op::DescribeTable, metadata::describe_table);
}

/// Ends what a crash cut off, and lets go of what is too old.
pub async fn start(control: &Arc<Control>) {
    if let Err(error) = end_interrupted(control).await {
        tracing::error!(%error, "statements of the Data API that were cut off could not be ended");
    }
    sweep(control).await;
    let weak = Arc::downgrade(control);
    control.jobs.every(Duration::from_secs(60), move || {
        let control = weak.upgrade();
        async move {
            if let Some(control) = control {
                sweep(&control).await;
            }
        }
    });
    let weak = Arc::downgrade(control);
    control.jobs.every(Duration::from_secs(1), move || {
        let control = weak.upgrade();
        async move {
            if let Some(control) = control {
                sessions::close_idle(&control).await;
            }
        }
    });
}

/// Whether a statement that had not ended ran, partly ran or never began is not known any more (its
/// transaction is committed or not, never half); it is told as failed, never lost.
async fn end_interrupted(control: &Arc<Control>) -> Result<(), ApiError> {
    let now = control.clock.now();
    let mut txn = control.records.begin().await;
    for statement in txn.list::<Statement>() {
        if let (Some(token), true) = (
            &statement.token,
            now - statement.created < submit::TOKEN_KEPT,
        ) {
            control.data.tokens.lock().insert(
                (statement.owner.arn.clone(), token.clone()),
                (statement.id.clone(), statement.created),
            );
        }
        if !statement.status.is_over() {
            let mut statement = (*statement).clone();
            statement.end(
                Status::Failed,
                Some("ERROR: the service was restarted before the statement ended".into()),
                now,
            );
            run::tell(control, &mut txn, &statement)?;
            txn.put(statement)?;
        }
    }
    sessions::close_all(&mut txn, now)?;
    txn.commit().await
}

/// Deletes statements and results that are older than a day, and results that belong to none.
async fn sweep(control: &Arc<Control>) {
    let now = control.clock.now();
    let old = |at: DateTime<Utc>| now - at >= KEPT;
    let view = control.records.view();
    let gone: Vec<Arc<Statement>> = view
        .list::<Statement>()
        .into_iter()
        .filter(|statement| statement.status.is_over() && old(statement.updated))
        .collect();
    let sessions = sessions::old(&view, now);
    if !gone.is_empty() || !sessions.is_empty() {
        let mut txn = control.records.begin().await;
        for statement in &gone {
            txn.delete::<Statement>(&statement.id);
        }
        for id in &sessions {
            txn.delete::<sessions::SessionRecord>(id);
        }
        if let Err(error) = txn.commit().await {
            tracing::error!(%error, "old statements of the Data API could not be deleted");
            return;
        }
    }
    control
        .data
        .tokens
        .lock()
        .retain(|_, (_, at)| now - *at < submit::TOKEN_KEPT);
    let (dir, view) = (dir(control), control.records.view());
    let live: Vec<String> = control.data.live.lock().keys().cloned().collect();
    let swept = tokio::task::spawn_blocking(move || {
        for key in results::keys(&dir) {
            let id = key.rsplit_once('.').map_or(key.as_str(), |(id, _)| id);
            if view.get::<Statement>(id).is_none() && !live.iter().any(|one| one == id) {
                results::delete(&dir, &key);
            }
        }
    });
    if let Err(error) = swept.await {
        tracing::error!(%error, "old results of the Data API could not be deleted");
    }
}

/// Where results are.
fn dir(control: &Control) -> PathBuf {
    control.config.dir.join("data-api")
}

/// The result of a statement's part.
fn result_key(id: &str, part: usize) -> String {
    format!("{id}.{}", part + 1)
}
