//! The sessions of this leader and what each is running: for cancellation, limits and the live
//! system views.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};

use lw_base::{Oid, clock, random};
use lw_events::ConnectionRecord;
use lw_sysviews::CursorRecord;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Process ids start here, far from those of the operating system's first processes.
const FIRST_PID: i32 = 1_073_741_825;

/// All sessions.
pub struct Registry {
    sessions: Mutex<BTreeMap<i32, Arc<SessionEntry>>>,
    cursors: Mutex<BTreeMap<(i32, String), CursorRecord>>,
    next_pid: AtomicI32,
    next_query_id: AtomicI64,
}

impl Registry {
    /// An empty registry; the next query gets `first_query_id`.
    pub fn new(first_query_id: i64) -> Self {
        Registry {
            sessions: Mutex::default(),
            cursors: Mutex::default(),
            next_pid: AtomicI32::new(FIRST_PID),
            next_query_id: AtomicI64::new(first_query_id),
        }
    }

    /// Registers a session.
    pub fn add(
        &self,
        user: Oid,
        user_name: &str,
        database: Oid,
        client: ClientNote,
    ) -> Arc<SessionEntry> {
        let pid = self.next_pid.fetch_add(1, Ordering::Relaxed);
        let entry = Arc::new(SessionEntry {
            pid,
            key: i32::from_be_bytes(random::bytes::<4>()),
            user,
            user_name: user_name.to_string(),
            database,
            started: clock::now_micros(),
            client,
            slot: Mutex::default(),
        });
        self.sessions.lock().insert(pid, entry.clone());
        entry
    }

    /// Forgets a session.
    pub fn remove(&self, pid: i32) {
        self.sessions.lock().remove(&pid);
    }

    /// All sessions, by process id.
    pub fn all(&self) -> Vec<Arc<SessionEntry>> {
        self.sessions.lock().values().cloned().collect()
    }

    /// The session with this process id.
    pub fn get(&self, pid: i32) -> Option<Arc<SessionEntry>> {
        self.sessions.lock().get(&pid).cloned()
    }

    /// Notes an open cursor, or that it was read from.
    pub fn put_cursor(&self, cursor: CursorRecord) {
        self.cursors
            .lock()
            .insert((cursor.pid, cursor.name.clone()), cursor);
    }

    /// Forgets a cursor.
    pub fn remove_cursor(&self, pid: i32, name: &str) {
        self.cursors.lock().remove(&(pid, name.to_string()));
    }

    /// Open cursors.
    pub fn cursors(&self) -> Vec<CursorRecord> {
        self.cursors.lock().values().cloned().collect()
    }

    /// The next query's id.
    pub fn next_query_id(&self) -> i64 {
        self.next_query_id.fetch_add(1, Ordering::Relaxed)
    }
}

/// What is known of a session's client.
#[derive(Debug, Clone, Default)]
pub struct ClientNote {
    /// Address.
    pub address: Option<IpAddr>,
    /// Port.
    pub port: u16,
    /// `application_name` at the start.
    pub application: String,
    /// The record of the connection's start, from which that of its end is made.
    pub connection: ConnectionRecord,
    /// True for sessions of the service itself.
    pub internal: bool,
}

/// A session, as others see it.
pub struct SessionEntry {
    /// Process id.
    pub pid: i32,
    /// Secret of CancelRequest.
    pub key: i32,
    /// Who logged in.
    pub user: Oid,
    /// The name.
    pub user_name: String,
    /// Database.
    pub database: Oid,
    /// When, microseconds since 1970 UTC.
    pub started: i64,
    /// The client.
    pub client: ClientNote,
    slot: Mutex<Slot>,
}

/// What a session is doing now.
#[derive(Default)]
struct Slot {
    running: Option<RunningStatement>,
    ended: bool,
    temp_files: Vec<String>,
}

/// A statement being run.
#[derive(Clone)]
pub struct RunningStatement {
    /// Its id.
    pub query_id: i64,
    /// Cancelling it.
    pub cancel: CancellationToken,
    /// Why it was cancelled.
    pub reason: Arc<Mutex<Option<String>>>,
}

impl SessionEntry {
    /// Notes that a statement runs.
    pub fn set_running(&self, running: Option<RunningStatement>) {
        self.slot.lock().running = running;
    }

    /// Forgets the statement with this id, if it is the one that runs.
    pub fn clear_running(&self, query_id: i64) {
        let mut slot = self.slot.lock();
        if slot
            .running
            .as_ref()
            .is_some_and(|r| r.query_id == query_id)
        {
            slot.running = None;
        }
    }

    /// What runs now.
    pub fn running(&self) -> Option<RunningStatement> {
        self.slot.lock().running.clone()
    }

    /// Cancels what runs, for this reason (the error's text). Does nothing if nothing runs.
    pub fn cancel(&self, reason: &str) {
        if let Some(running) = self.running() {
            running
                .reason
                .lock()
                .get_or_insert_with(|| reason.to_string());
            running.cancel.cancel();
        }
    }

    /// Notes the files of the session's temporary tables, which no catalog version knows.
    pub fn set_temp_files(&self, files: Vec<String>) {
        self.slot.lock().temp_files = files;
    }

    /// The files of the session's temporary tables.
    pub fn temp_files(&self) -> Vec<String> {
        self.slot.lock().temp_files.clone()
    }

    /// Ends the session: cancels what runs; later statements are refused.
    pub fn terminate(&self) {
        self.cancel("terminating connection due to administrator command");
        let mut slot = self.slot.lock();
        slot.ended = true;
    }

    /// True once [`SessionEntry::terminate`] was called.
    pub fn terminated(&self) -> bool {
        self.slot.lock().ended
    }
}
