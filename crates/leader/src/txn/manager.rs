//! [`TransactionManager`]: what all transactions share.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lw_base::{Oid, Result, SegmentId, TxnId, Version, clock};
use lw_catalog::{CatalogSnapshot, CatalogStore, Isolation, Place};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};

use super::commit::{self, Request};
use super::ids::Ids;
use super::lock::{LockInfo, LockTable};
use super::serial::SerializationGraph;
use super::transaction::Transaction;

/// Transaction ids taken from the store at once.
const TRANSACTION_CHUNK: u64 = 100_000;
/// Conflicts remembered for `stl_tr_conflict`.
const CONFLICTS_KEPT: usize = 1000;

/// The transactions of a warehouse.
pub struct TransactionManager {
    pub(super) shared: Arc<Shared>,
    pub(super) commits: mpsc::UnboundedSender<Request>,
    pub(super) ids: Arc<Ids>,
    next_xid: AtomicU64,
    /// Ids up to this one may be given.
    last_xid: Arc<AtomicU64>,
    refilling: Arc<AtomicBool>,
    store: Arc<dyn CatalogStore>,
}

/// What transactions and the committer share.
pub(super) struct Shared {
    current: RwLock<CatalogSnapshot>,
    pub(super) locks: LockTable,
    pub(super) live: Mutex<BTreeMap<TxnId, Live>>,
    pub(super) graph: Mutex<SerializationGraph>,
    /// True: nothing may be committed any more.
    pub(super) closed: AtomicBool,
    conflicts: Mutex<VecDeque<Conflict>>,
}

/// A running transaction.
#[derive(Clone)]
pub(super) struct Live {
    pub owner: Owner,
    pub start: i64,
    pub isolation: Isolation,
    pub read_only: bool,
    pub internal: bool,
    pub implicit: bool,
    pub pinned: Option<CatalogSnapshot>,
    pub segment_floor: SegmentId,
}

/// Whom a transaction is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owner {
    /// The session's process id; 0 for background work.
    pub pid: i32,
    /// The user.
    pub user: Oid,
    /// The database.
    pub database: Oid,
}

/// A running transaction, for `svv_transactions`.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionInfo {
    /// Its id.
    pub xid: TxnId,
    /// Whom it is for.
    pub owner: Owner,
    /// When it began, microseconds since 1970 UTC.
    pub start: i64,
    /// Its isolation.
    pub isolation: Isolation,
    /// True if it may not write.
    pub read_only: bool,
    /// True for background work.
    pub internal: bool,
    /// The version it reads, once it reads one.
    pub snapshot: Option<Version>,
}

/// A transaction that was ended because of a conflict, for `stl_tr_conflict`.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The transaction.
    pub xid: TxnId,
    /// Its session.
    pub pid: i32,
    /// When it began, microseconds since 1970 UTC.
    pub start: i64,
    /// When it was ended.
    pub aborted: i64,
    /// The table the conflict was about; 0 if not one.
    pub table: Oid,
}

/// What garbage collection must leave alone.
#[derive(Debug, Clone)]
pub struct GcView {
    /// The newest state and every older one that is still being read.
    pub snapshots: Vec<CatalogSnapshot>,
    /// Segments with this id or a larger one may be in the making.
    pub segment_floor: SegmentId,
}

impl GcView {
    /// Keys of the files of all segments of all snapshots.
    pub fn files(&self) -> HashSet<String> {
        let mut out = HashSet::new();
        for snapshot in &self.snapshots {
            for (_, data) in snapshot.all_table_data() {
                out.extend(data.segments.values().filter_map(|s| match &s.place {
                    Place::File(key) => Some(key.clone()),
                    Place::Inline(_) => None,
                }));
            }
        }
        out
    }
}

impl Shared {
    pub(super) fn current(&self) -> CatalogSnapshot {
        self.current.read().clone()
    }

    pub(super) fn version(&self) -> Version {
        self.current.read().version
    }

    pub(super) fn publish(&self, snapshot: CatalogSnapshot) {
        *self.current.write() = snapshot;
    }

    /// The newest state, kept from garbage collection until the transaction ends.
    pub(super) fn pin(&self, xid: TxnId) -> CatalogSnapshot {
        // Under the lock of `live`, so that nobody prunes between reading and pinning.
        let mut live = self.live.lock();
        let snapshot = self.current();
        if let Some(live) = live.get_mut(&xid) {
            live.pinned = Some(snapshot.clone());
        }
        snapshot
    }

    pub(super) fn oldest_pinned(&self) -> Version {
        let live = self.live.lock();
        let newest = self.current.read().version;
        live.values()
            .filter_map(|l| l.pinned.as_ref().map(|s| s.version))
            .min()
            .unwrap_or(newest)
    }

    pub(super) fn pid_of(&self, xid: TxnId) -> i32 {
        self.live.lock().get(&xid).map_or(0, |l| l.owner.pid)
    }

    pub(super) fn record_conflict(&self, xid: TxnId, table: Oid) {
        let (pid, start) = self
            .live
            .lock()
            .get(&xid)
            .map_or((0, 0), |l| (l.owner.pid, l.start));
        let mut conflicts = self.conflicts.lock();
        if conflicts.len() >= CONFLICTS_KEPT {
            conflicts.pop_front();
        }
        conflicts.push_back(Conflict {
            xid,
            pid,
            start,
            aborted: clock::now_micros(),
            table,
        });
    }
}

impl TransactionManager {
    /// Reads the catalog and starts the committer.
    pub async fn open(store: Arc<dyn CatalogStore>) -> Result<Arc<Self>> {
        let current = store.load().await?;
        let first_xid = store.reserve_transactions(TRANSACTION_CHUNK).await?;
        let shared = Arc::new(Shared {
            current: RwLock::new(current),
            locks: LockTable::default(),
            live: Mutex::default(),
            graph: Mutex::default(),
            closed: AtomicBool::new(false),
            conflicts: Mutex::default(),
        });
        let (commits, requests) = mpsc::unbounded_channel();
        let ids = Ids::open(store.clone(), shared.clone(), commits.clone()).await?;
        tokio::spawn(commit::run(
            shared.clone(),
            store.clone(),
            Arc::downgrade(&ids),
            requests,
        ));
        Ok(Arc::new(TransactionManager {
            shared,
            commits,
            ids,
            next_xid: AtomicU64::new(first_xid.0),
            last_xid: Arc::new(AtomicU64::new(first_xid.0 + TRANSACTION_CHUNK)),
            refilling: Arc::default(),
            store,
        }))
    }

    /// The newest committed state. Cheap.
    pub fn current(&self) -> CatalogSnapshot {
        self.shared.current()
    }

    /// Begins a transaction. Its snapshot is taken when it is first asked for.
    pub fn begin(self: &Arc<Self>, isolation: Isolation, read_only: bool) -> Transaction {
        self.begin_with(isolation, read_only, false)
    }

    /// Begins a transaction of background work, which gives way to users: it does not wait for
    /// locks (55P03), and does not commit (40001) what would make a user's transaction fail.
    pub fn begin_internal(self: &Arc<Self>) -> Transaction {
        self.begin_with(Isolation::Snapshot, false, true)
    }

    fn begin_with(
        self: &Arc<Self>,
        isolation: Isolation,
        read_only: bool,
        internal: bool,
    ) -> Transaction {
        let xid = self.next_xid();
        let live = Live {
            owner: Owner::default(),
            start: clock::now_micros(),
            isolation,
            read_only,
            internal,
            implicit: false,
            pinned: None,
            segment_floor: self.ids.next_segment(),
        };
        self.shared.live.lock().insert(xid, live);
        Transaction::new(self.clone(), xid, isolation, read_only, internal)
    }

    fn next_xid(&self) -> TxnId {
        let xid = self.next_xid.fetch_add(1, Ordering::Relaxed);
        let left = self.last_xid.load(Ordering::Relaxed).saturating_sub(xid);
        if left < TRANSACTION_CHUNK / 2 && !self.refilling.swap(true, Ordering::Relaxed) {
            let store = self.store.clone();
            let last = self.last_xid.clone();
            let refilling = self.refilling.clone();
            // Done long before the rest of the chunk is used up; should it fail, it is tried again
            // with the next transaction.
            tokio::spawn(async move {
                match store.reserve_transactions(TRANSACTION_CHUNK).await {
                    Ok(_) => {
                        last.fetch_add(TRANSACTION_CHUNK, Ordering::Relaxed);
                    }
                    Err(error) => tracing::warn!(%error, "no transaction ids reserved"),
                }
                refilling.store(false, Ordering::Relaxed);
            });
        }
        TxnId(xid)
    }

    /// The oldest version a transaction reads; the newest if none does.
    pub fn oldest_pinned(&self) -> Version {
        self.shared.oldest_pinned()
    }

    /// What garbage collection must leave alone, as of one moment.
    pub fn gc_view(&self) -> GcView {
        let live = self.shared.live.lock();
        let mut snapshots: BTreeMap<Version, CatalogSnapshot> = live
            .values()
            .filter_map(|l| l.pinned.clone())
            .map(|s| (s.version, s))
            .collect();
        let current = self.shared.current();
        snapshots.insert(current.version, current);
        let segment_floor = live
            .values()
            .map(|l| l.segment_floor)
            .min()
            .unwrap_or_else(|| self.ids.next_segment());
        GcView {
            snapshots: snapshots.into_values().collect(),
            segment_floor,
        }
    }

    /// Table locks, held and waited for (`stv_locks`, `svv_transactions`).
    pub fn locks(&self) -> Vec<LockInfo> {
        self.shared.locks.list()
    }

    /// Running transactions (`svv_transactions`).
    pub fn transactions(&self) -> Vec<TransactionInfo> {
        self.shared
            .live
            .lock()
            .iter()
            .map(|(xid, l)| TransactionInfo {
                xid: *xid,
                owner: l.owner,
                start: l.start,
                isolation: l.isolation,
                read_only: l.read_only,
                internal: l.internal,
                snapshot: l.pinned.as_ref().map(|s| s.version),
            })
            .collect()
    }

    /// Transactions ended because of a conflict, oldest first (`stl_tr_conflict`).
    pub fn conflicts(&self) -> Vec<Conflict> {
        self.shared.conflicts.lock().iter().cloned().collect()
    }

    /// Ends all committing: when this returns, what was being committed is, and nothing else will be
    /// (57P01).
    pub async fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        let (reply, wait) = oneshot::channel();
        // The committer answers in order: what came before this is done then.
        let last = Request {
            guard: None,
            node: None,
            internal: true,
            pid: 0,
            base: None,
            changes: Vec::new(),
            reply,
        };
        if self.commits.send(last).is_ok() {
            let _ = wait.await;
        }
    }

    /// The source of ids for execution.
    pub fn ids(&self) -> Arc<dyn lw_engine::IdSource> {
        self.ids.clone()
    }
}
