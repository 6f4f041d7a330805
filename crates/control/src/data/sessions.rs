//! Sessions that outlive a statement: SessionKeepAliveSeconds makes one, SessionId runs in it. What it
//! is made of (temporary tables, settings, an open transaction) is in memory: a restart closes it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::redshift_data::{ListSessionsRequest, ListSessionsResponse, SessionData, errors};
use lw_services::Session;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::login::Login;
use super::query::limit;
use super::statement::{KEPT, Owner, Statement};
use crate::page::page;
use crate::records::{Record, Txn, View};
use crate::target::Target;
use crate::{Call, Control};

/// Sessions of one target that may be open.
const OPEN: usize = 500;
/// How long a session may last.
const LONGEST: Duration = Duration::hours(24);

/// What is kept of a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Its id, a UUID.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// Where it is.
    pub target: Target,
    /// Its database.
    pub database: String,
    /// Its user.
    pub user: String,
    /// The secret it logged in with.
    #[serde(default)]
    pub secret_arn: Option<String>,
    /// How long it is kept after a statement.
    pub keep_s: i64,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it last changed.
    pub updated: DateTime<Utc>,
    /// When it was closed.
    #[serde(default)]
    pub closed: Option<DateTime<Utc>>,
}

impl Record for SessionRecord {
    const KIND: &'static str = "data-session";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// The session of the leader, once a statement has opened it.
pub type Opened = Arc<tokio::sync::Mutex<Option<Box<dyn Session>>>>;

struct LiveSession {
    login: Login,
    opened: Opened,
    created: DateTime<Utc>,
    keep_s: i64,
    /// Statements in it that are not over, the first one running.
    statements: Vec<String>,
    expires: DateTime<Utc>,
}

/// Sessions that are open.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, LiveSession>>);

impl Sessions {
    /// The leader's session of a session.
    pub fn opened(&self, id: &str) -> Option<Opened> {
        self.0.lock().get(id).map(|session| session.opened.clone())
    }
}

/// A session to run in, and its login.
pub fn find_open(call: &Call, id: &str) -> Result<(Arc<SessionRecord>, Login), ApiError> {
    let session = call
        .view()
        .get::<SessionRecord>(id)
        .filter(|session| session.owner.shows_to(&call.caller))
        .ok_or_else(|| errors::validation_exception(format!("Session with Id: {id} is invalid")))?;
    let login = call
        .control
        .data
        .sessions
        .0
        .lock()
        .get(id)
        .map(|live| live.login.clone());
    match login {
        Some(login) if session.closed.is_none() => Ok((session, login)),
        _ => Err(errors::validation_exception("Session is not available")),
    }
}

/// Counts a statement into its session, or makes the session it asks for. Gives the session's id.
pub fn enter(
    control: &Control,
    txn: &mut Txn,
    statement: &Statement,
    login: &Login,
    session: Option<Arc<SessionRecord>>,
    keep_s: Option<i64>,
) -> Result<Option<String>, ApiError> {
    let now = statement.created;
    let mut live = control.data.sessions.0.lock();
    if let Some(session) = session {
        let Some(found) = live.get_mut(&session.id) else {
            return Err(errors::validation_exception("Session is not available"));
        };
        found.statements.push(statement.id.clone());
        found.keep_s = keep_s.unwrap_or(found.keep_s);
        let keep_s = found.keep_s;
        txn.update::<SessionRecord>(&session.id, |record| {
            record.keep_s = keep_s;
            record.updated = now;
        })?;
        return Ok(Some(session.id.clone()));
    }
    let Some(keep_s) = keep_s.filter(|seconds| *seconds > 0) else {
        return Ok(None);
    };
    let open = txn
        .list::<SessionRecord>()
        .iter()
        .filter(|s| s.closed.is_none() && s.target.namespace == statement.target.namespace)
        .count();
    if open >= OPEN {
        return Err(errors::active_sessions_exceeded_exception(format!(
            "Active sessions exceeded the allowed quota ({OPEN})."
        )));
    }
    let id = uuid::Uuid::new_v4().to_string();
    txn.put(SessionRecord {
        id: id.clone(),
        owner: statement.owner.clone(),
        target: statement.target.clone(),
        database: statement.database.clone(),
        user: statement.user.clone(),
        secret_arn: statement.secret_arn.clone(),
        keep_s,
        created: now,
        updated: now,
        closed: None,
    })?;
    live.insert(
        id.clone(),
        LiveSession {
            login: login.clone(),
            opened: Opened::default(),
            created: now,
            keep_s,
            statements: vec![statement.id.clone()],
            expires: now + LONGEST,
        },
    );
    Ok(Some(id))
}

/// A statement in a session is over: the time that the session is kept begins.
pub fn leave(control: &Control, session: &str, statement: &str) {
    let now = control.clock.now();
    if let Some(live) = control.data.sessions.0.lock().get_mut(session) {
        live.statements.retain(|id| id != statement);
        live.expires = now + Duration::seconds(live.keep_s);
    }
}

/// Closes a session.
pub async fn close(control: &Control, id: &str) {
    let Some(live) = control.data.sessions.0.lock().remove(id) else {
        return;
    };
    if let Some(mut session) = live.opened.lock().await.take() {
        session.close().await;
    }
    let now = control.clock.now();
    let mut txn = control.records.begin().await;
    let closed = txn.update::<SessionRecord>(id, |record| {
        record.closed = Some(now);
        record.updated = now;
    });
    let closed = match closed {
        Ok(_) => txn.commit().await,
        Err(error) => Err(error),
    };
    if let Err(error) = closed {
        tracing::error!(%error, id, "a session of the Data API could not be recorded as closed");
    }
}

/// Closes the sessions whose time is over.
pub async fn close_idle(control: &Control) {
    let now = control.clock.now();
    let over: Vec<String> = control
        .data
        .sessions
        .0
        .lock()
        .iter()
        .filter(|(_, live)| {
            live.statements.is_empty() && (live.expires <= now || now - live.created >= LONGEST)
        })
        .map(|(id, _)| id.clone())
        .collect();
    for id in over {
        close(control, &id).await;
    }
}

/// After a restart none is open.
pub fn close_all(txn: &mut Txn, now: DateTime<Utc>) -> Result<(), ApiError> {
    for session in txn.list::<SessionRecord>() {
        if session.closed.is_none() {
            let mut session = (*session).clone();
            session.closed = Some(now);
            session.updated = now;
            txn.put(session)?;
        }
    }
    Ok(())
}

/// Sessions that were closed more than a day ago.
pub fn old(view: &View, now: DateTime<Utc>) -> Vec<String> {
    view.list::<SessionRecord>()
        .iter()
        .filter(|session| session.closed.is_some_and(|at| now - at >= KEPT))
        .map(|session| session.id.clone())
        .collect()
}

pub async fn list_sessions(
    call: Call,
    input: ListSessionsRequest,
) -> Result<ListSessionsResponse, ApiError> {
    let view = call.view();
    let same = |wanted: &Option<String>, is: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == is)
    };
    let own = Owner::of(&call.caller);
    let role_level = input.role_level.unwrap_or(true);
    let mut all: Vec<SessionData> = Vec::new();
    {
        let live = call.control.data.sessions.0.lock();
        for session in view.list::<SessionRecord>() {
            if !session.owner.shows_to(&call.caller)
                || !(role_level || session.owner == own)
                || !same(&input.session_id, Some(&session.id))
                || !same(&input.cluster_identifier, session.target.cluster.as_deref())
                || !same(&input.workgroup_name, session.target.workgroup.as_deref())
                || !same(&input.database, Some(&session.database))
            {
                continue;
            }
            let open = live.get(&session.id).filter(|_| session.closed.is_none());
            let current = open.and_then(|open| open.statements.first().cloned());
            let status = match (&open, &current) {
                (None, _) => "CLOSED",
                (_, Some(_)) => "BUSY",
                _ => "AVAILABLE",
            };
            if !same(&input.status, Some(status)) {
                continue;
            }
            all.push(SessionData {
                cluster_identifier: session.target.cluster.clone(),
                created_at: session.created,
                session_ttl: open.filter(|_| current.is_none()).map(|open| open.expires),
                current_statement_id: current,
                database: Some(session.database.clone()),
                db_user: session.secret_arn.is_none().then(|| session.user.clone()),
                session_alive_seconds: Some(session.keep_s),
                session_id: session.id.clone(),
                status: status.into(),
                updated_at: Some(session.updated),
                workgroup_name: session.target.workgroup.clone(),
            });
        }
    }
    if all.is_empty()
        && let Some(id) = &input.session_id
        && input.next_token.is_none()
        && input.status.is_none()
    {
        return Err(
            errors::resource_not_found_exception("Session does not exist.")
                .with("ResourceId", id.clone()),
        );
    }
    // The newest first.
    let key = |session: &SessionData| {
        let age = i64::MAX - session.created_at.timestamp_micros();
        format!("{age:016x}{}", session.session_id)
    };
    all.sort_by_key(key);
    let (sessions, next_token) = page(
        all,
        key,
        input.next_token.as_deref(),
        limit(input.max_results, 100),
    )?;
    Ok(ListSessionsResponse {
        next_token,
        sessions,
    })
}
