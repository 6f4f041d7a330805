//! [`EventLog`]: recording and reading.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use lw_base::Result;
use parking_lot::RwLock;

use crate::persist::{Entry, Writer};
use crate::record::*;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most records of each kind in memory (and so in the views).
    pub in_memory: usize,
    /// Most records of each kind in the file.
    pub on_disk: usize,
    /// Records older than this are dropped, microseconds.
    pub max_age: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            in_memory: 20_000,
            on_disk: 200_000,
            max_age: 7 * 24 * 3600 * 1_000_000,
        }
    }
}

/// The record of what happened. Cheap to share; every call returns at once.
pub struct EventLog {
    rings: RwLock<Rings>,
    writer: Option<Writer>,
    limits: Limits,
}

#[derive(Default)]
pub(crate) struct Rings {
    running: BTreeMap<i64, QueryRecord>,
    running_copies: BTreeMap<i64, Arc<CopyRecord>>,
    sessions: BTreeMap<i32, SessionRecord>,
    queries: VecDeque<Arc<QueryRecord>>,
    copies: VecDeque<Arc<CopyRecord>>,
    loads: VecDeque<Arc<LoadRecord>>,
    load_errors: VecDeque<Arc<LoadError>>,
    unloads: VecDeque<Arc<UnloadRecord>>,
    connections: VecDeque<Arc<ConnectionRecord>>,
    maintenance: VecDeque<Arc<MaintenanceRecord>>,
    last_query_id: i64,
}

fn push<T>(ring: &mut VecDeque<T>, item: T, most: usize) {
    if ring.len() >= most {
        ring.pop_front();
    }
    ring.push_back(item);
}

impl Rings {
    pub(crate) fn add(&mut self, entry: Entry, most: usize) {
        match entry {
            Entry::Query(r) => {
                self.last_query_id = self.last_query_id.max(r.query_id);
                push(&mut self.queries, r, most);
            }
            Entry::Copy(r) => push(&mut self.copies, r, most),
            Entry::Load(r) => push(&mut self.loads, r, most),
            Entry::LoadError(r) => push(&mut self.load_errors, r, most),
            Entry::Unload(r) => push(&mut self.unloads, r, most),
            Entry::Connection(r) => push(&mut self.connections, r, most),
            Entry::Maintenance(r) => push(&mut self.maintenance, r, most),
        }
    }
}

impl EventLog {
    /// Opens the log kept in the file `path`, made if it is missing. A file that cannot be read is
    /// put aside and a new one begun: the record of the past must not keep the warehouse from
    /// starting.
    pub async fn open(path: &Path) -> Result<Arc<Self>> {
        Self::open_with(path, Limits::default()).await
    }

    /// As [`EventLog::open`], with other limits.
    pub async fn open_with(path: &Path, limits: Limits) -> Result<Arc<Self>> {
        let mut rings = Rings::default();
        let writer = Writer::open(path, limits, &mut rings).await?;
        Ok(Arc::new(EventLog {
            rings: RwLock::new(rings),
            writer: Some(writer),
            limits,
        }))
    }

    /// A log that is kept in memory only (tests).
    pub fn in_memory() -> Arc<Self> {
        Arc::new(EventLog {
            rings: RwLock::default(),
            writer: None,
            limits: Limits::default(),
        })
    }

    fn record(&self, entry: Entry) {
        if let Some(writer) = &self.writer {
            writer.send(entry.clone());
        }
        self.rings.write().add(entry, self.limits.in_memory);
    }

    /// A statement began.
    pub fn start_query(&self, query: QueryRecord) {
        self.rings.write().running.insert(query.query_id, query);
    }

    /// A running statement changed (its status, its times). Unknown ids are ignored.
    pub fn update_query(&self, query_id: i64, change: impl FnOnce(&mut QueryRecord)) {
        if let Some(query) = self.rings.write().running.get_mut(&query_id) {
            change(query);
        }
    }

    /// A statement ended; `change` sets status, counts and error. `end` is set here unless
    /// `change` sets it. Unknown ids are ignored.
    pub fn finish_query(&self, query_id: i64, change: impl FnOnce(&mut QueryRecord)) {
        let Some(mut query) = self.rings.write().running.remove(&query_id) else {
            return;
        };
        change(&mut query);
        query.end.get_or_insert_with(lw_base::clock::now_micros);
        self.record(Entry::Query(Arc::new(query)));
    }

    /// How far a COPY has come.
    pub fn update_copy(&self, copy: CopyRecord) {
        let mut rings = self.rings.write();
        rings.running_copies.insert(copy.query_id, Arc::new(copy));
    }

    /// A COPY is over, whether [`EventLog::record_copy`] was told or not.
    pub fn forget_copy(&self, query_id: i64) {
        self.rings.write().running_copies.remove(&query_id);
    }

    /// COPYs that run now.
    pub fn running_copies(&self) -> Vec<Arc<CopyRecord>> {
        self.rings.read().running_copies.values().cloned().collect()
    }

    /// A COPY ended.
    pub fn record_copy(&self, copy: CopyRecord) {
        self.forget_copy(copy.query_id);
        self.record(Entry::Copy(Arc::new(copy)));
    }

    /// A file of a COPY was loaded.
    pub fn record_load(&self, load: LoadRecord) {
        self.record(Entry::Load(Arc::new(load)));
    }

    /// A COPY refused a row.
    pub fn record_load_error(&self, error: LoadError) {
        self.record(Entry::LoadError(Arc::new(error)));
    }

    /// An UNLOAD wrote a file.
    pub fn record_unload(&self, unload: UnloadRecord) {
        self.record(Entry::Unload(Arc::new(unload)));
    }

    /// Something happened to a connection.
    pub fn record_connection(&self, connection: ConnectionRecord) {
        self.record(Entry::Connection(Arc::new(connection)));
    }

    /// A table was analyzed or vacuumed.
    pub fn record_maintenance(&self, maintenance: MaintenanceRecord) {
        self.record(Entry::Maintenance(Arc::new(maintenance)));
    }

    /// A session began.
    pub fn open_session(&self, session: SessionRecord) {
        self.rings.write().sessions.insert(session.pid, session);
    }

    /// A session changed. Unknown ids are ignored.
    pub fn update_session(&self, pid: i32, change: impl FnOnce(&mut SessionRecord)) {
        if let Some(session) = self.rings.write().sessions.get_mut(&pid) {
            change(session);
        }
    }

    /// A session ended.
    pub fn close_session(&self, pid: i32) {
        self.rings.write().sessions.remove(&pid);
    }

    /// Sessions that are open now, by process id.
    pub fn sessions(&self) -> Vec<SessionRecord> {
        self.rings.read().sessions.values().cloned().collect()
    }

    /// Statements that ended, oldest first, then those that run now.
    pub fn queries(&self) -> Vec<Arc<QueryRecord>> {
        let rings = self.rings.read();
        rings
            .queries
            .iter()
            .cloned()
            .chain(rings.running.values().cloned().map(Arc::new))
            .collect()
    }

    /// Statements that run now.
    pub fn running_queries(&self) -> Vec<QueryRecord> {
        self.rings.read().running.values().cloned().collect()
    }

    /// COPYs that ended, oldest first.
    pub fn copies(&self) -> Vec<Arc<CopyRecord>> {
        self.rings.read().copies.iter().cloned().collect()
    }

    /// Files loaded, oldest first.
    pub fn load_commits(&self) -> Vec<Arc<LoadRecord>> {
        self.rings.read().loads.iter().cloned().collect()
    }

    /// Rows refused by COPY, oldest first.
    pub fn load_errors(&self) -> Vec<Arc<LoadError>> {
        self.rings.read().load_errors.iter().cloned().collect()
    }

    /// Files unloaded, oldest first.
    pub fn unloads(&self) -> Vec<Arc<UnloadRecord>> {
        self.rings.read().unloads.iter().cloned().collect()
    }

    /// What happened to connections, oldest first.
    pub fn connections(&self) -> Vec<Arc<ConnectionRecord>> {
        self.rings.read().connections.iter().cloned().collect()
    }

    /// Tables analyzed and vacuumed, oldest first.
    pub fn maintenance(&self) -> Vec<Arc<MaintenanceRecord>> {
        self.rings.read().maintenance.iter().cloned().collect()
    }

    /// The largest query id ever recorded: ids given after a restart begin above it.
    pub fn last_query_id(&self) -> i64 {
        let rings = self.rings.read();
        rings
            .running
            .keys()
            .next_back()
            .copied()
            .unwrap_or(0)
            .max(rings.last_query_id)
    }

    /// Waits until everything recorded so far is in the file (stop of the server, tests).
    pub async fn flush(&self) {
        if let Some(writer) = &self.writer {
            writer.flush().await;
        }
    }
}
