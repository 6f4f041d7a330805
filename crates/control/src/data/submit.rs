//! ExecuteStatement and BatchExecuteStatement.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::redshift_data::{
    BatchExecuteStatementInput, BatchExecuteStatementOutput, ExecuteStatementInput,
    ExecuteStatementOutput, SqlParameter, errors,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::login::{self, Login};
use super::sessions::{self, SessionRecord};
use super::statement::{Owner, Part, Statement, Status};
use super::{Live, params, run};
use crate::{Call, Control, target};

/// How long a client token is remembered (guide L16675).
pub const TOKEN_KEPT: Duration = Duration::hours(8);
/// Statements of one target that may be under way (guide L16661).
const ACTIVE: usize = 200;
/// Bytes of a statement's text (guide L16665).
const TEXT_LIMIT: usize = 100 * 1024;
/// Calls that may wait for a statement's end.
const WAITING: usize = 500;

/// What is asked to be run: of either operation, and of a rule's target.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The statements.
    pub sqls: Vec<String>,
    /// False: of ExecuteStatement.
    pub batch: bool,
    /// Each statement of the batch is a transaction.
    pub auto_commit: bool,
    /// The cluster.
    pub cluster: Option<String>,
    /// The workgroup.
    pub workgroup: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// The database user.
    pub db_user: Option<String>,
    /// The secret.
    pub secret_arn: Option<String>,
    /// Named parameters.
    pub parameters: Vec<(String, String)>,
    /// The client's token.
    pub token: Option<String>,
    /// The statement's name.
    pub name: Option<String>,
    /// Results as CSV.
    pub csv: bool,
    /// The session to run in.
    pub session: Option<String>,
    /// How long to keep the session after it.
    pub keep_alive_s: Option<i64>,
    /// Tell of its end.
    pub with_event: bool,
}

fn pairs(parameters: Option<Vec<SqlParameter>>) -> Vec<(String, String)> {
    parameters
        .unwrap_or_default()
        .into_iter()
        .map(|parameter| (parameter.name, parameter.value))
        .collect()
}

pub async fn execute_statement(
    call: Call,
    input: ExecuteStatementInput,
) -> Result<ExecuteStatementOutput, ApiError> {
    let wait = input.wait_time_seconds;
    let statement = submit(
        &call,
        Batch {
            sqls: vec![input.sql],
            batch: false,
            auto_commit: false,
            cluster: input.cluster_identifier,
            workgroup: input.workgroup_name,
            database: input.database,
            db_user: input.db_user,
            secret_arn: input.secret_arn,
            parameters: pairs(input.parameters),
            token: input.client_token,
            name: input.statement_name,
            csv: input.result_format.as_deref() == Some("CSV"),
            session: input.session_id,
            keep_alive_s: input.session_keep_alive_seconds,
            with_event: input.with_event.unwrap_or(false),
        },
    )
    .await?;
    let waited = wait_for(&call.control, &statement, wait).await?;
    Ok(ExecuteStatementOutput {
        cluster_identifier: statement.target.cluster.clone(),
        created_at: Some(statement.created),
        database: Some(statement.database.clone()),
        db_groups: (!statement.groups.is_empty()).then(|| statement.groups.clone()),
        db_user: statement
            .secret_arn
            .is_none()
            .then(|| statement.user.clone()),
        has_result_set: waited
            .as_ref()
            .map(|s| s.parts.iter().any(|p| p.has_result)),
        id: Some(statement.id.clone()),
        redshift_pid: waited.as_ref().map(|s| s.pid),
        secret_arn: statement.secret_arn.clone(),
        session_id: statement.session.clone(),
        status: waited.as_ref().map(|s| s.status.word().to_string()),
        workgroup_name: statement.target.workgroup.clone(),
    })
}

pub async fn batch_execute_statement(
    call: Call,
    input: BatchExecuteStatementInput,
) -> Result<BatchExecuteStatementOutput, ApiError> {
    let wait = input.wait_time_seconds;
    if input.sqls.is_empty() || input.sqls.len() > 40 {
        return Err(errors::validation_exception(
            "Sqls must hold 1 to 40 statements.",
        ));
    }
    let statement = submit(
        &call,
        Batch {
            sqls: input.sqls,
            batch: true,
            auto_commit: input.execution_mode.as_deref() == Some("AUTO_COMMIT"),
            cluster: input.cluster_identifier,
            workgroup: input.workgroup_name,
            database: input.database,
            db_user: input.db_user,
            secret_arn: input.secret_arn,
            parameters: pairs(input.parameters),
            token: input.client_token,
            name: input.statement_name,
            csv: input.result_format.as_deref() == Some("CSV"),
            session: input.session_id,
            keep_alive_s: input.session_keep_alive_seconds,
            with_event: input.with_event.unwrap_or(false),
        },
    )
    .await?;
    let waited = wait_for(&call.control, &statement, wait).await?;
    Ok(BatchExecuteStatementOutput {
        cluster_identifier: statement.target.cluster.clone(),
        created_at: Some(statement.created),
        database: Some(statement.database.clone()),
        db_groups: (!statement.groups.is_empty()).then(|| statement.groups.clone()),
        db_user: statement
            .secret_arn
            .is_none()
            .then(|| statement.user.clone()),
        has_result_set: waited
            .as_ref()
            .map(|s| s.parts.iter().any(|p| p.has_result)),
        id: Some(statement.id.clone()),
        redshift_pid: waited.as_ref().map(|s| s.pid),
        secret_arn: statement.secret_arn.clone(),
        session_id: statement.session.clone(),
        status: waited.as_ref().map(|s| s.status.word().to_string()),
        workgroup_name: statement.target.workgroup.clone(),
    })
}

/// Accepts a statement and gives it a place in its lane. It is durable when this returns.
pub async fn submit(call: &Call, batch: Batch) -> Result<Arc<Statement>, ApiError> {
    check(&batch)?;
    let control = &call.control;
    let owner = Owner::of(&call.caller);
    if let Some(known) = known_token(control, &owner, batch.token.as_deref()) {
        return Ok(known);
    }
    let (target, database, login, session) = place(call, &batch).await?;
    let now = call.now();
    let mut statement = Statement {
        id: uuid::Uuid::new_v4().to_string(),
        owner: owner.clone(),
        target,
        database,
        user: login.user.clone(),
        secret_arn: login.secret_arn.clone(),
        groups: login.groups.clone(),
        name: batch.name,
        batch: batch.batch,
        auto_commit: batch.auto_commit,
        parameters: batch.parameters,
        token: batch.token,
        csv: batch.csv,
        session: None,
        with_event: batch.with_event,
        created: now,
        updated: now,
        status: Status::Submitted,
        error: None,
        pid: 0,
        parts: batch
            .sqls
            .into_iter()
            .map(|sql| Part::new(sql, now))
            .collect(),
    };
    // One change of records at a time: the counts below hold until the commit.
    let mut txn = call.begin().await;
    if let Some(known) = known_token(control, &owner, statement.token.as_deref()) {
        return Ok(known);
    }
    let active = control
        .data
        .live
        .lock()
        .values()
        .filter(|live| live.state.borrow().target.namespace == statement.target.namespace)
        .count();
    if active >= ACTIVE {
        return Err(errors::active_statements_exceeded_exception(format!(
            "Active statements exceeded the allowed quota ({ACTIVE})."
        )));
    }
    statement.session = sessions::enter(
        control,
        &mut txn,
        &statement,
        &login,
        session,
        batch.keep_alive_s,
    )?;
    txn.put(statement.clone())?;
    let token = statement
        .token
        .clone()
        .map(|token| (owner.arn.clone(), token));
    let live = Arc::new(Live {
        state: watch::Sender::new(Arc::new(statement.clone())),
        cancel: CancellationToken::new(),
    });
    // Known before the commit: a second call with the token waits for this one's transaction.
    if let Some(token) = &token {
        let entry = (statement.id.clone(), now);
        control.data.tokens.lock().insert(token.clone(), entry);
    }
    control
        .data
        .live
        .lock()
        .insert(statement.id.clone(), live.clone());
    // Places in a lane are taken in the order of the commits.
    let lane = statement.lane();
    let reads = statement.session.is_none()
        && statement
            .parts
            .iter()
            .all(|part| params::only_reads(&part.sql));
    let (committed, ready) = tokio::sync::oneshot::channel();
    {
        let (call, id) = (call.clone(), statement.id.clone());
        control
            .data
            .lanes
            .join(&lane, &statement.id, reads, move |turn| {
                let jobs = call.control.clone();
                jobs.jobs.start(format!("data/{id}"), async move {
                    // False if it could not be kept: then it does not run.
                    if ready.await.unwrap_or(false) {
                        run::run(call, live, login, turn).await;
                    }
                });
            });
    }
    if let Err(error) = txn.commit().await {
        control.data.live.lock().remove(&statement.id);
        if let Some(token) = &token {
            control.data.tokens.lock().remove(token);
        }
        control.data.lanes.leave(&lane, &statement.id);
        if let Some(session) = &statement.session {
            sessions::leave(control, session, &statement.id);
        }
        let _ = committed.send(false);
        return Err(error);
    }
    let _ = committed.send(true);
    Ok(Arc::new(statement))
}

fn known_token(control: &Control, owner: &Owner, token: Option<&str>) -> Option<Arc<Statement>> {
    let key = (owner.arn.clone(), token?.to_string());
    let (id, at) = control.data.tokens.lock().get(&key).cloned()?;
    if control.clock.now() - at >= TOKEN_KEPT {
        return None;
    }
    super::query::find(control, &id)
}

fn check(batch: &Batch) -> Result<(), ApiError> {
    let length: usize = batch.sqls.iter().map(String::len).sum();
    if length > TEXT_LIMIT {
        return Err(errors::validation_exception(format!(
            "The text of the statement has {length} bytes; it may have {TEXT_LIMIT} (100 KB)."
        )));
    }
    if batch.sqls.iter().any(|sql| sql.trim().is_empty()) {
        return Err(errors::validation_exception(
            "The text of the statement is empty.",
        ));
    }
    let names: BTreeSet<&str> = batch
        .parameters
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    if names.len() != batch.parameters.len() {
        return Err(errors::validation_exception("A parameter is given twice."));
    }
    let used: BTreeSet<String> = batch
        .sqls
        .iter()
        .flat_map(|sql| params::number(sql, &names).names)
        .collect();
    let unused: Vec<&str> = names
        .into_iter()
        .filter(|name| !used.contains(*name))
        .collect();
    if !unused.is_empty() {
        return Err(errors::validation_exception(format!(
            "Parameters list contains unused parameters. Unused parameters: [{}]",
            unused.join(", ")
        )));
    }
    Ok(())
}

/// Where a statement runs and as whom: as its session says, or as it says itself.
async fn place(
    call: &Call,
    batch: &Batch,
) -> Result<(target::Target, String, Login, Option<Arc<SessionRecord>>), ApiError> {
    if let Some(id) = &batch.session {
        let (session, login) = sessions::find_open(call, id)?;
        let differs = |given: &Option<String>, is: Option<&str>| {
            given.as_deref().is_some_and(|given| Some(given) != is)
        };
        if differs(&batch.cluster, session.target.cluster.as_deref())
            || differs(&batch.workgroup, session.target.workgroup.as_deref())
            || differs(&batch.database, Some(&session.database))
            || differs(&batch.db_user, Some(&session.user))
            || differs(&batch.secret_arn, session.secret_arn.as_deref())
        {
            return Err(errors::validation_exception(format!(
                "The session {id} belongs to another cluster, workgroup, database or user."
            )));
        }
        return Ok((
            session.target.clone(),
            session.database.clone(),
            login,
            Some(session),
        ));
    }
    let target = target::resolve(
        call.config(),
        &call.view(),
        batch.cluster.as_deref(),
        batch.workgroup.as_deref(),
    )?;
    let database = batch
        .database
        .clone()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| errors::validation_exception("Database must be provided."))?;
    let login = login::resolve(
        call,
        &target,
        &database,
        batch.secret_arn.as_deref(),
        batch.db_user.as_deref(),
    )
    .await?;
    Ok((target, database, login, None))
}

/// Waits for a statement's end, as long as the call asks; `None` if it does not ask.
pub async fn wait_for(
    control: &Control,
    statement: &Statement,
    seconds: Option<i64>,
) -> Result<Option<Arc<Statement>>, ApiError> {
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    let live = control.data.live.lock().get(&statement.id).cloned();
    let Some(live) = live else {
        return Ok(super::query::find(control, &statement.id));
    };
    struct Place<'a>(&'a Control);
    impl Drop for Place<'_> {
        fn drop(&mut self) {
            self.0.data.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let others = control.data.waiting.fetch_add(1, Ordering::Relaxed);
    let _place = Place(control);
    if others >= WAITING {
        return Err(errors::active_waiting_requests_exceeded_exception(format!(
            "Requests that wait exceeded the allowed quota ({WAITING})."
        )));
    }
    let mut state = live.state.subscribe();
    let over = state.wait_for(|statement| statement.status.is_over());
    let limit = std::time::Duration::from_secs(seconds.clamp(0, 30) as u64);
    let _ = tokio::time::timeout(limit, over).await;
    let now = state.borrow().clone();
    Ok(Some(now))
}
