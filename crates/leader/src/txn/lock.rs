//! Table locks: first come, first served, released all at once at the end of the transaction.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use lw_base::{Oid, Result, SqlError, SqlState, TxnId, clock};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// What a lock allows beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// Reading. Waits for [`LockMode::Exclusive`] only.
    Read,
    /// A statement that only appends, in a transaction of its own: many at once.
    Insert,
    /// COPY, INSERT inside BEGIN, UPDATE, DELETE, MERGE, VACUUM: one at a time.
    Write,
    /// `LOCK`, ALTER, DROP, TRUNCATE: alone.
    Exclusive,
}

impl LockMode {
    /// True if two transactions may hold these at once.
    pub fn compatible(self, other: LockMode) -> bool {
        use LockMode::*;
        matches!(
            (self, other),
            (Read, Read | Insert | Write) | (Insert | Write, Read) | (Insert, Insert)
        )
    }

    /// The name in `svv_transactions.lock_mode`.
    pub fn as_str(self) -> &'static str {
        match self {
            LockMode::Read => "AccessShareLock",
            LockMode::Insert => "RowExclusiveLock",
            LockMode::Write => "ShareRowExclusiveLock",
            LockMode::Exclusive => "AccessExclusiveLock",
        }
    }
}

/// A lock held or waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct LockInfo {
    /// The table.
    pub table: Oid,
    /// Who holds or wants it.
    pub xid: TxnId,
    /// How.
    pub mode: LockMode,
    /// False if it is waited for.
    pub granted: bool,
    /// When it was granted, or asked for; microseconds since 1970 UTC.
    pub since: i64,
}

struct Held {
    xid: TxnId,
    mode: LockMode,
    since: i64,
}

struct Waiting {
    xid: TxnId,
    mode: LockMode,
    since: i64,
    /// Tells this wait from a later one of the same transaction.
    ticket: u64,
    granted: oneshot::Sender<()>,
}

#[derive(Default)]
struct Entry {
    held: Vec<Held>,
    queue: VecDeque<Waiting>,
}

#[derive(Default)]
struct State {
    tables: BTreeMap<Oid, Entry>,
    by_transaction: HashMap<TxnId, HashSet<Oid>>,
    tickets: u64,
}

/// All table locks of the warehouse.
#[derive(Default)]
pub(super) struct LockTable {
    state: Mutex<State>,
}

/// Why a lock was not given at once.
pub(super) enum Refusal {
    /// Somebody has it.
    Busy,
}

impl Entry {
    fn holds(&self, xid: TxnId) -> Option<LockMode> {
        self.held
            .iter()
            .filter(|h| h.xid == xid)
            .map(|h| h.mode)
            .max()
    }

    fn grantable(&self, xid: TxnId, mode: LockMode) -> bool {
        self.held
            .iter()
            .all(|h| h.xid == xid || mode.compatible(h.mode))
    }

    fn grant(&mut self, xid: TxnId, mode: LockMode) {
        let since = clock::now_micros();
        match self.held.iter_mut().find(|h| h.xid == xid) {
            Some(held) => {
                held.mode = held.mode.max(mode);
                held.since = since;
            }
            None => self.held.push(Held { xid, mode, since }),
        }
    }

    /// Transactions that must end before `xid` gets `mode`; `ahead` are those queued before it.
    fn blockers<'a>(
        &'a self,
        xid: TxnId,
        mode: LockMode,
        ahead: usize,
    ) -> impl Iterator<Item = TxnId> + 'a {
        let holders = self
            .held
            .iter()
            .filter(move |h| h.xid != xid && !mode.compatible(h.mode))
            .map(|h| h.xid);
        let queued = self
            .queue
            .iter()
            .take(ahead)
            .filter(move |w| w.xid != xid && !mode.compatible(w.mode))
            .map(|w| w.xid);
        holders.chain(queued)
    }
}

impl State {
    /// Gives out what has become free, in order of the queue.
    fn advance(&mut self, table: Oid) {
        let Some(entry) = self.tables.get_mut(&table) else {
            return;
        };
        while let Some(first) = entry.queue.front() {
            if !entry.grantable(first.xid, first.mode) {
                break;
            }
            let Some(first) = entry.queue.pop_front() else {
                break;
            };
            // If the waiter is gone, its guard has not run yet; it will find nothing to remove and
            // the lock must not stay with a transaction that may already have ended.
            if first.granted.send(()).is_ok() {
                entry.grant(first.xid, first.mode);
                self.by_transaction
                    .entry(first.xid)
                    .or_default()
                    .insert(table);
            }
        }
        if entry.held.is_empty() && entry.queue.is_empty() {
            self.tables.remove(&table);
        }
    }

    /// The transactions `from` waits for, directly or not, up to one that is `from` itself.
    fn cycle(&self, from: TxnId) -> Option<Vec<(TxnId, Oid, LockMode, TxnId)>> {
        let mut waits: HashMap<TxnId, (Oid, LockMode, Vec<TxnId>)> = HashMap::new();
        for (table, entry) in &self.tables {
            for (ahead, w) in entry.queue.iter().enumerate() {
                waits.insert(
                    w.xid,
                    (
                        *table,
                        w.mode,
                        entry.blockers(w.xid, w.mode, ahead).collect(),
                    ),
                );
            }
        }
        let mut path: Vec<(TxnId, Oid, LockMode, TxnId)> = Vec::new();
        let mut seen = HashSet::new();
        fn visit(
            at: TxnId,
            goal: TxnId,
            waits: &HashMap<TxnId, (Oid, LockMode, Vec<TxnId>)>,
            seen: &mut HashSet<TxnId>,
            path: &mut Vec<(TxnId, Oid, LockMode, TxnId)>,
        ) -> bool {
            let Some((table, mode, blockers)) = waits.get(&at) else {
                return false;
            };
            for &blocker in blockers {
                path.push((at, *table, *mode, blocker));
                if blocker == goal
                    || (seen.insert(blocker) && visit(blocker, goal, waits, seen, path))
                {
                    return true;
                }
                path.pop();
            }
            false
        }
        visit(from, from, &waits, &mut seen, &mut path).then_some(path)
    }

    fn leave_queue(&mut self, table: Oid, ticket: u64) {
        if let Some(entry) = self.tables.get_mut(&table) {
            entry.queue.retain(|w| w.ticket != ticket);
        }
        self.advance(table);
    }
}

/// Takes a waiter out of the queue when its future is dropped.
struct InQueue<'a> {
    locks: &'a LockTable,
    table: Oid,
    ticket: u64,
}

impl Drop for InQueue<'_> {
    fn drop(&mut self) {
        self.locks.state.lock().leave_queue(self.table, self.ticket);
    }
}

impl LockTable {
    /// Takes the lock if nobody is in the way.
    pub(super) fn try_lock(&self, xid: TxnId, table: Oid, mode: LockMode) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        let entry = state.tables.entry(table).or_default();
        let held = entry.holds(xid);
        if held.is_some_and(|h| h >= mode) {
            return Ok(());
        }
        // Whoever holds the table already need not queue behind those who wait for him.
        let overtakes = held.is_some();
        if (overtakes || entry.queue.is_empty()) && entry.grantable(xid, mode) {
            entry.grant(xid, mode);
            state.by_transaction.entry(xid).or_default().insert(table);
            return Ok(());
        }
        Err(Refusal::Busy)
    }

    /// Takes the lock, waiting for it. True if it had to wait. Fails on a deadlock (40P01) and when
    /// `cancel` is.
    pub(super) async fn lock(
        &self,
        xid: TxnId,
        table: Oid,
        mode: LockMode,
        cancel: &CancellationToken,
        pid_of: impl Fn(TxnId) -> i32,
    ) -> Result<bool> {
        if self.try_lock(xid, table, mode).is_ok() {
            return Ok(false);
        }
        let (granted, mut wait) = oneshot::channel();
        let in_queue = {
            let mut state = self.state.lock();
            state.tickets += 1;
            let ticket = state.tickets;
            let entry = state.tables.entry(table).or_default();
            let upgrade = entry.holds(xid).is_some();
            let waiting = Waiting {
                xid,
                mode,
                since: clock::now_micros(),
                ticket,
                granted,
            };
            if upgrade {
                entry.queue.push_front(waiting);
            } else {
                entry.queue.push_back(waiting);
            }
            // It may have become free since the first try.
            state.advance(table);
            if let Some(cycle) = state.cycle(xid) {
                state.leave_queue(table, ticket);
                return Err(deadlock(&cycle, pid_of));
            }
            InQueue {
                locks: self,
                table,
                ticket,
            }
        };
        let result = tokio::select! {
            biased;
            granted = &mut wait => granted
                .map(|()| true)
                .map_err(|_| SqlError::internal("lock table is gone")),
            () = cancel.cancelled() => Err(SqlError::new(
                SqlState::QUERY_CANCELED,
                "canceling statement due to user request",
            )),
        };
        drop(in_queue);
        result
    }

    /// Releases all locks of a transaction.
    pub(super) fn release(&self, xid: TxnId) {
        let mut state = self.state.lock();
        for table in state.by_transaction.remove(&xid).unwrap_or_default() {
            if let Some(entry) = state.tables.get_mut(&table) {
                entry.held.retain(|h| h.xid != xid);
            }
            state.advance(table);
        }
    }

    /// All locks, held and waited for, by table.
    pub(super) fn list(&self) -> Vec<LockInfo> {
        let state = self.state.lock();
        let mut out = Vec::new();
        for (table, entry) in &state.tables {
            out.extend(entry.held.iter().map(|h| LockInfo {
                table: *table,
                xid: h.xid,
                mode: h.mode,
                granted: true,
                since: h.since,
            }));
            out.extend(entry.queue.iter().map(|w| LockInfo {
                table: *table,
                xid: w.xid,
                mode: w.mode,
                granted: false,
                since: w.since,
            }));
        }
        out
    }
}

fn deadlock(cycle: &[(TxnId, Oid, LockMode, TxnId)], pid_of: impl Fn(TxnId) -> i32) -> SqlError {
    let lines: Vec<String> = cycle
        .iter()
        .map(|(waiter, table, mode, blocker)| {
            format!(
                "Process {} waits for {} on relation {table}; blocked by process {}.",
                pid_of(*waiter),
                mode.as_str(),
                pid_of(*blocker)
            )
        })
        .collect();
    SqlError::new(SqlState::DEADLOCK_DETECTED, "deadlock detected").with_detail(lines.join("\n"))
}
