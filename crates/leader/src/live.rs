//! What goes on now, for the live system relations.

use std::sync::Arc;

use lw_base::clock;
use lw_events::{EventLog, QueryStatus};
use lw_sysviews::{
    CursorRecord, LiveState, LockRecord, RunningQuery, SessionRecord, TransactionRecord,
};

use crate::registry::Registry;
use crate::txn::TransactionManager;

/// The leader's live state.
pub struct Live {
    txns: Arc<TransactionManager>,
    events: Arc<EventLog>,
    registry: Arc<Registry>,
    started: i64,
}

impl Live {
    /// Over these parts; the warehouse starts now.
    pub fn new(
        txns: Arc<TransactionManager>,
        events: Arc<EventLog>,
        registry: Arc<Registry>,
    ) -> Self {
        Live {
            txns,
            events,
            registry,
            started: clock::now_micros(),
        }
    }
}

impl LiveState for Live {
    fn sessions(&self) -> Vec<SessionRecord> {
        let applications = self.events.sessions();
        self.registry
            .all()
            .into_iter()
            .filter(|s| !s.client.internal)
            .map(|s| {
                let record = applications.iter().find(|r| r.pid == s.pid);
                SessionRecord {
                    pid: s.pid,
                    user: s.user,
                    database: s.database,
                    started_at: s.started,
                    remote_host: s.client.address,
                    remote_port: s.client.port,
                    application_name: record.map_or_else(
                        || s.client.application.clone(),
                        |r| r.application_name.clone(),
                    ),
                    timeout_s: record.map_or(0, |r| r.timeout_s),
                }
            })
            .collect()
    }

    fn transactions(&self) -> Vec<TransactionRecord> {
        self.txns
            .transactions()
            .into_iter()
            .filter(|t| t.owner.pid != 0)
            .map(|t| TransactionRecord {
                xid: t.xid,
                pid: t.owner.pid,
                user: t.owner.user,
                database: t.owner.database,
                started_at: t.start,
            })
            .collect()
    }

    fn locks(&self) -> Vec<LockRecord> {
        let transactions = self.txns.transactions();
        self.txns
            .locks()
            .into_iter()
            .map(|l| {
                let owner = transactions
                    .iter()
                    .find(|t| t.xid == l.xid)
                    .map(|t| t.owner)
                    .unwrap_or_default();
                LockRecord {
                    table: l.table,
                    mode: l.mode.as_str(),
                    granted: l.granted,
                    pid: owner.pid,
                    xid: l.xid,
                    user: owner.user,
                    since: l.since,
                }
            })
            .collect()
    }

    fn running(&self) -> Vec<RunningQuery> {
        self.events
            .running_queries()
            .into_iter()
            .map(|q| RunningQuery {
                query_id: q.query_id,
                pid: q.pid,
                xid: q.xid,
                user: q.user,
                database: q.database,
                text: q.text.clone(),
                query_type: static_query_type(&q.query_type),
                label: q.label,
                started_at: q.start,
                queued: matches!(q.status, QueryStatus::Queued | QueryStatus::LockWait),
            })
            .collect()
    }

    fn cursors(&self) -> Vec<CursorRecord> {
        self.registry.cursors()
    }

    fn events(&self) -> Arc<EventLog> {
        self.events.clone()
    }

    fn started_at(&self) -> i64 {
        self.started
    }
}

fn static_query_type(name: &str) -> &'static str {
    const TYPES: &[&str] = &[
        "SELECT", "INSERT", "DELETE", "UPDATE", "MERGE", "CTAS", "DDL", "COPY", "UNLOAD",
        "COMMAND", "UTILITY",
    ];
    TYPES
        .iter()
        .find(|t| **t == name)
        .copied()
        .unwrap_or("OTHER")
}
