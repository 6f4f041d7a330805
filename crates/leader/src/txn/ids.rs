//! Ids, given out from ranges reserved in the store: a crash loses the rest of a range, never
//! repeats an id.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use lw_base::{Oid, Result, SegmentId, SqlError, SqlState};
use lw_catalog::{CatalogSnapshot, CatalogStore, Change};
use lw_engine::IdSource;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::commit::Request;
use super::manager::Shared;

const SEGMENT_CHUNK: u64 = 4096;
const OID_CHUNK: u32 = 256;
/// Values of an IDENTITY column reserved at first; each further time twice as many, up to the most.
const IDENTITY_FIRST: u64 = 32;
const IDENTITY_MOST: u64 = 65_536;

#[derive(Default)]
struct Range {
    next: u64,
    end: u64,
}

/// What is known of an IDENTITY column.
struct Counter {
    /// The next value to give.
    next: i64,
    /// Values from `next` on that may be given; `None`: all of them, because the table is not
    /// committed and nothing of it survives a crash.
    left: Option<u64>,
    chunk: u64,
}

type Counters = HashMap<(Oid, u32), Counter>;

/// The source of ids.
pub(super) struct Ids {
    store: Arc<dyn CatalogStore>,
    shared: Arc<Shared>,
    commits: mpsc::UnboundedSender<Request>,
    segments: tokio::sync::Mutex<Range>,
    oids: tokio::sync::Mutex<Range>,
    next_segment: AtomicU64,
    identity: Mutex<Counters>,
    /// One reservation of identity values at a time.
    reserving: tokio::sync::Mutex<()>,
}

fn exhausted() -> SqlError {
    SqlError::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "identity column has reached the limit of its type",
    )
}

/// The value `count` steps after `from`.
fn after(from: i64, step: i64, count: u64) -> Result<i64> {
    i64::try_from(count)
        .ok()
        .and_then(|count| step.checked_mul(count))
        .and_then(|distance| from.checked_add(distance))
        .ok_or_else(exhausted)
}

impl Counter {
    /// Takes `count` values, if that many may be given.
    fn take(&mut self, step: i64, count: u64) -> Result<Option<i64>> {
        match &mut self.left {
            Some(left) if *left < count => return Ok(None),
            Some(left) => *left -= count,
            None => {}
        }
        let first = self.next;
        self.next = after(first, step, count)?;
        Ok(Some(first))
    }
}

impl Ids {
    pub(super) async fn open(
        store: Arc<dyn CatalogStore>,
        shared: Arc<Shared>,
        commits: mpsc::UnboundedSender<Request>,
    ) -> Result<Arc<Self>> {
        let first = store.reserve_segments(SEGMENT_CHUNK).await?.0;
        Ok(Arc::new(Ids {
            store,
            shared,
            commits,
            segments: tokio::sync::Mutex::new(Range {
                next: first,
                end: first + SEGMENT_CHUNK,
            }),
            oids: tokio::sync::Mutex::default(),
            next_segment: AtomicU64::new(first),
            identity: Mutex::default(),
            reserving: tokio::sync::Mutex::default(),
        }))
    }

    /// No segment id from this one on has been given.
    pub(super) fn next_segment(&self) -> SegmentId {
        SegmentId(self.next_segment.load(Ordering::SeqCst))
    }

    /// Tables that `changes` make, about to be committed on `head`: the values already taken of
    /// their IDENTITY columns, to be committed with them.
    pub(super) fn adopt(&self, head: &CatalogSnapshot, changes: &[Change]) -> Vec<Change> {
        let mut counters = self.identity.lock();
        let mut out = Vec::new();
        for change in changes {
            let Change::PutRelation(relation) = change else {
                continue;
            };
            if head.relation(relation.oid).is_some() {
                continue;
            }
            let mut next = BTreeMap::new();
            for column in relation.columns.iter().filter(|c| c.identity.is_some()) {
                if let Some(counter) = counters.get_mut(&(relation.oid, column.id)) {
                    counter.left = Some(0);
                    next.insert(column.id, counter.next);
                }
            }
            if !next.is_empty() {
                out.push(Change::AdvanceIdentity {
                    table: relation.oid,
                    next,
                });
            }
        }
        out
    }

    /// Takes values from what is reserved.
    fn take(&self, key: (Oid, u32), seed: i64, step: i64, count: u64) -> Result<Option<i64>> {
        let mut counters = self.identity.lock();
        if let Some(counter) = counters.get_mut(&key) {
            return counter.take(step, count);
        }
        let current = self.shared.current();
        let committed = current.relation(key.0).is_some();
        let next = current.table_data(key.0).identity_next.get(&key.1).copied();
        let counter = counters.entry(key).or_insert(Counter {
            next: next.unwrap_or(seed),
            left: committed.then_some(0),
            chunk: IDENTITY_FIRST,
        });
        counter.take(step, count)
    }

    /// Makes more values of a committed table's column available.
    async fn reserve(&self, key: (Oid, u32), step: i64, count: u64) -> Result<()> {
        let (limit, size) = {
            let mut counters = self.identity.lock();
            let Some(counter) = counters.get_mut(&key) else {
                return Ok(());
            };
            let size = counter.chunk.max(count);
            counter.chunk = (counter.chunk * 2).min(IDENTITY_MOST);
            // What is left is reserved already.
            let from = after(counter.next, step, counter.left.unwrap_or(0))?;
            // Near the limit of the type, what is there.
            let (limit, size) = match after(from, step, size) {
                Ok(limit) => (limit, size),
                Err(_) => (after(from, step, count)?, count),
            };
            (limit, size)
        };
        let (reply, wait) = oneshot::channel();
        let gone = || SqlError::internal("the committer is gone");
        self.commits
            .send(Request {
                guard: None,
                node: None,
                internal: true,
                pid: 0,
                base: None,
                changes: vec![Change::AdvanceIdentity {
                    table: key.0,
                    next: BTreeMap::from([(key.1, limit)]),
                }],
                reply,
            })
            .map_err(|_| gone())?;
        wait.await.map_err(|_| gone())??;
        if let Some(counter) = self.identity.lock().get_mut(&key)
            && let Some(left) = &mut counter.left
        {
            *left += size;
        }
        Ok(())
    }
}

#[async_trait]
impl IdSource for Ids {
    async fn segment_ids(&self, count: u64) -> Result<SegmentId> {
        let mut range = self.segments.lock().await;
        if range.end - range.next < count {
            let size = SEGMENT_CHUNK.max(count);
            let first = self.store.reserve_segments(size).await?.0;
            *range = Range {
                next: first,
                end: first + size,
            };
        }
        let first = range.next;
        range.next += count;
        self.next_segment.store(range.next, Ordering::SeqCst);
        Ok(SegmentId(first))
    }

    async fn oids(&self, count: u32) -> Result<Oid> {
        let mut range = self.oids.lock().await;
        if range.end - range.next < u64::from(count) {
            let size = OID_CHUNK.max(count);
            let first = u64::from(self.store.reserve_oids(size).await?.0);
            *range = Range {
                next: first,
                end: first + u64::from(size),
            };
        }
        let first = range.next as u32;
        range.next += u64::from(count);
        Ok(Oid(first))
    }

    async fn identity(
        &self,
        table: Oid,
        column: u32,
        seed: i64,
        step: i64,
        count: u64,
    ) -> Result<i64> {
        let key = (table, column);
        if let Some(first) = self.take(key, seed, step, count)? {
            return Ok(first);
        }
        let _one_at_a_time = self.reserving.lock().await;
        loop {
            if let Some(first) = self.take(key, seed, step, count)? {
                return Ok(first);
            }
            self.reserve(key, step, count).await?;
        }
    }
}
