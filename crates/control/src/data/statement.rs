//! What is kept of a statement, for 24 hours, across restarts.

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::edge::{Caller, CallerKind};
use serde::{Deserialize, Serialize};

use crate::records::Record;
use crate::target::Target;

/// How long statements and their results are kept (guide L16664).
pub const KEPT: Duration = Duration::hours(24);

/// Where a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Accepted; waits for its turn.
    Submitted,
    /// Its turn has come; it connects.
    Picked,
    /// It runs.
    Started,
    /// It is done.
    Finished,
    /// It was stopped by a user.
    Aborted,
    /// It failed.
    Failed,
}

impl Status {
    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Submitted => "SUBMITTED",
            Status::Picked => "PICKED",
            Status::Started => "STARTED",
            Status::Finished => "FINISHED",
            Status::Aborted => "ABORTED",
            Status::Failed => "FAILED",
        }
    }

    /// True if it will not change any more.
    pub fn is_over(self) -> bool {
        matches!(self, Status::Finished | Status::Aborted | Status::Failed)
    }
}

/// Whose a statement is. Callers with the same role share their statements (guide L16673).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The caller's own ARN: of a role, that of the session.
    pub arn: String,
    /// The user, or the role without its session.
    pub principal: String,
    /// `aws:userid` of the caller.
    #[serde(default)]
    pub user_id: String,
}

impl Owner {
    /// The owner of what this caller submits.
    pub fn of(caller: &Caller) -> Owner {
        let principal = match &caller.kind {
            CallerKind::Role { name, .. } => format!("role/{name}"),
            _ => caller.arn.clone(),
        };
        Owner {
            arn: caller.arn.clone(),
            principal,
            user_id: caller.user_id.clone(),
        }
    }

    /// True if the caller may see what this owner submitted.
    pub fn shows_to(&self, caller: &Caller) -> bool {
        matches!(caller.kind, CallerKind::Root | CallerKind::Service)
            || self.principal == Owner::of(caller).principal
    }
}

/// A statement, or the whole of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Its id, a UUID.
    pub id: String,
    /// Who submitted it.
    pub owner: Owner,
    /// Where it runs.
    pub target: Target,
    /// The database.
    pub database: String,
    /// The user it runs as.
    pub user: String,
    /// The secret it logs in with.
    #[serde(default)]
    pub secret_arn: Option<String>,
    /// Groups of the session besides the user's.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// True: of BatchExecuteStatement.
    pub batch: bool,
    /// True: each statement of the batch is a transaction.
    #[serde(default)]
    pub auto_commit: bool,
    /// Named parameters.
    #[serde(default)]
    pub parameters: Vec<(String, String)>,
    /// The client's token.
    #[serde(default)]
    pub token: Option<String>,
    /// True: results are CSV.
    #[serde(default)]
    pub csv: bool,
    /// The session it runs in.
    #[serde(default)]
    pub session: Option<String>,
    /// True: an event tells of its end.
    #[serde(default)]
    pub with_event: bool,
    /// When it came.
    pub created: DateTime<Utc>,
    /// When it last changed.
    pub updated: DateTime<Utc>,
    /// Where it is.
    pub status: Status,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
    /// Process id of its session.
    #[serde(default)]
    pub pid: i64,
    /// Its statements: one, or those of the batch.
    pub parts: Vec<Part>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its text, as it came.
    pub sql: String,
    /// Where it is.
    pub status: Status,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
    /// When it last changed.
    pub updated: DateTime<Utc>,
    /// How long it ran, nanoseconds; -1: it did not end well.
    pub duration: i64,
    /// Rows of its result, or rows it changed; -1 as above.
    pub rows: i64,
    /// Bytes of its result; -1 as above.
    pub size: i64,
    /// True if it has a result to fetch.
    pub has_result: bool,
    /// Id of its query; -1: none, or it is not known.
    pub query: i64,
}

impl Part {
    /// A statement that has not run.
    pub fn new(sql: String, now: DateTime<Utc>) -> Part {
        Part {
            sql,
            status: Status::Submitted,
            error: None,
            updated: now,
            duration: -1,
            rows: -1,
            size: -1,
            has_result: false,
            query: -1,
        }
    }
}

impl Statement {
    /// The lane it runs in.
    pub fn lane(&self) -> String {
        match &self.session {
            Some(session) => format!("session {session}"),
            None => format!("{} {} {}", self.target.namespace, self.database, self.user),
        }
    }

    /// Ends it: what of it has not ended is as `status` says.
    pub fn end(&mut self, status: Status, error: Option<String>, now: DateTime<Utc>) {
        self.status = status;
        self.error = error;
        self.updated = now;
        for part in &mut self.parts {
            if !part.status.is_over() {
                // Of a batch whose statement failed, the later ones never start.
                part.status = Status::Aborted;
                part.updated = now;
            }
        }
        if !self.batch
            && let Some(part) = self.parts.first_mut()
        {
            part.status = status;
        }
    }

    /// Time of all its statements together; -1 if one has none.
    pub fn duration(&self) -> i64 {
        self.total(|part| part.duration)
    }

    /// Rows of all its statements together; -1 if one has none.
    pub fn rows(&self) -> i64 {
        self.total(|part| part.rows)
    }

    /// Bytes of all its results together; -1 if one has none.
    pub fn size(&self) -> i64 {
        self.total(|part| part.size)
    }

    fn total(&self, of: impl Fn(&Part) -> i64) -> i64 {
        if self.status == Status::Failed || self.parts.iter().any(|part| of(part) < 0) {
            return -1;
        }
        self.parts.iter().map(of).sum()
    }
}

impl Record for Statement {
    const KIND: &'static str = "data-statement";

    fn id(&self) -> String {
        self.id.clone()
    }
}
