//! [`Transaction`]: one transaction, from BEGIN to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lw_base::{Oid, Result, SqlError, SqlState, TxnId, Version};
use lw_catalog::{CatalogSnapshot, Change, Isolation};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::commit::{Request, violation};
use super::lock::LockMode;
use super::manager::{Owner, Shared, TransactionManager};
use super::serial::{Node, Violation, WriteKind};

/// One transaction. Dropping it rolls it back.
pub struct Transaction {
    manager: Arc<TransactionManager>,
    guard: Guard,
    isolation: Isolation,
    read_only: bool,
    internal: bool,
    owner: Owner,
    /// The state it reads.
    base: Option<CatalogSnapshot>,
    /// The same with its own changes and the session's temporary tables.
    own: CatalogSnapshot,
    changes: Vec<Change>,
    reads: BTreeSet<Oid>,
    writes: BTreeMap<Oid, WriteKind>,
}

/// Frees what the transaction holds when it ends, however it ends.
pub(super) struct Guard {
    shared: Arc<Shared>,
    pub(super) xid: TxnId,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.live.lock().remove(&self.xid);
        self.shared.locks.release(self.xid);
    }
}

impl Transaction {
    pub(super) fn new(
        manager: Arc<TransactionManager>,
        xid: TxnId,
        isolation: Isolation,
        read_only: bool,
        internal: bool,
    ) -> Self {
        let shared = manager.shared.clone();
        Transaction {
            manager,
            guard: Guard { shared, xid },
            isolation,
            read_only,
            internal,
            owner: Owner::default(),
            base: None,
            own: CatalogSnapshot::default(),
            changes: Vec::new(),
            reads: BTreeSet::new(),
            writes: BTreeMap::new(),
        }
    }

    /// Its id.
    pub fn id(&self) -> TxnId {
        self.guard.xid
    }

    /// The transactions it belongs to.
    #[cfg(test)]
    pub(super) fn manager(&self) -> &TransactionManager {
        &self.manager
    }

    /// Its isolation.
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// True if it may not write.
    pub fn read_only(&self) -> bool {
        self.read_only
    }

    /// Says whom it is for: shown in system views and in errors.
    pub fn set_owner(&mut self, owner: Owner) {
        self.owner = owner;
        if let Some(live) = self.guard.shared.live.lock().get_mut(&self.guard.xid) {
            live.owner = owner;
        }
    }

    /// Says that it ends with the statement it began with (no BEGIN): it will lock no table after
    /// its snapshot is taken, so background work need not wait for it.
    pub fn set_implicit(&mut self) {
        if let Some(live) = self.guard.shared.live.lock().get_mut(&self.guard.xid) {
            live.implicit = true;
        }
    }

    /// True if it has made changes that are to be committed.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// What a commit would be refused for: it makes a schema larger, and that is more than its
    /// quota (Developer Guide, CREATE SCHEMA, QUOTA). Deleting is always allowed.
    pub fn over_quota(&self, database: Oid) -> Option<SqlError> {
        let base = self.base.as_ref().filter(|_| self.has_changes())?;
        let used = |state: &CatalogSnapshot, schema: Oid| -> u64 {
            let permanent = state
                .relations_in(schema)
                .filter(|r| r.table().is_some_and(|t| !t.temporary));
            permanent.map(|r| state.table_data(r.oid).bytes()).sum()
        };
        let over: Vec<String> = self
            .own
            .schemas(database)
            .filter_map(|schema| {
                let quota = schema.quota_bytes?;
                let now = used(&self.own, schema.oid);
                (now > quota && now > used(base, schema.oid)).then(|| {
                    format!(
                        "(Schema: {}, Quota: {} MB, Current Disk Usage: {} MB)",
                        schema.name,
                        quota >> 20,
                        now.div_ceil(1 << 20)
                    )
                })
            })
            .collect();
        if over.is_empty() {
            return None;
        }
        let message = format!(
            "Transaction {} is aborted due to exceeding the disk space quota for schema(s): {}",
            self.id(),
            over.join(", ")
        );
        Some(
            SqlError::new(SqlState::DISK_FULL, message)
                .with_hint("Free up disk space or request increased quota for the schema(s)."),
        )
    }

    /// True once it reads a fixed state.
    pub fn has_snapshot(&self) -> bool {
        self.base.is_some()
    }

    /// The state it reads: the newest committed when first asked for, with its own changes.
    pub fn snapshot(&mut self) -> &CatalogSnapshot {
        self.pin();
        &self.own
    }

    /// As [`Transaction::snapshot`]; when the state is taken, `temp` (the session's temporary
    /// tables and their rows) is applied on top. Later calls ignore `temp`.
    pub fn snapshot_with(&mut self, temp: &[Change]) -> Result<&CatalogSnapshot> {
        if self.pin() {
            self.own.apply_all(temp)?;
        }
        Ok(&self.own)
    }

    /// True if the state was taken now.
    fn pin(&mut self) -> bool {
        if self.base.is_some() {
            return false;
        }
        let snapshot = self.guard.shared.pin(self.guard.xid);
        self.own = snapshot.clone();
        self.base = Some(snapshot);
        true
    }

    /// Locks a table until the transaction ends, waiting for its turn. Locks held are kept when a
    /// weaker mode is asked for. Fails on a deadlock (40P01), if `cancel` is cancelled (57014), and
    /// early with 1023 if waiting made it certain that the transaction cannot be serialized.
    pub async fn lock(
        &mut self,
        table: Oid,
        mode: LockMode,
        cancel: &CancellationToken,
    ) -> Result<()> {
        let shared = &self.guard.shared;
        let xid = self.guard.xid;
        if self.internal {
            return shared.locks.try_lock(xid, table, mode).map_err(|_| {
                SqlError::new(
                    SqlState::LOCK_NOT_AVAILABLE,
                    format!("could not obtain lock on relation {table}"),
                )
            });
        }
        shared
            .locks
            .lock(xid, table, mode, cancel, |xid| shared.pid_of(xid))
            .await?;
        if mode >= LockMode::Write {
            self.check_stale(table)?;
        }
        Ok(())
    }

    /// It read the table in an old state and is about to write it: that can only end in a cycle.
    fn check_stale(&self, table: Oid) -> Result<()> {
        let Some(base) = &self.base else {
            return Ok(());
        };
        if self.isolation != Isolation::Serializable || !self.reads.contains(&table) {
            return Ok(());
        }
        let graph = self.guard.shared.graph.lock();
        if !graph.modified_since(table, base.version) {
            return Ok(());
        }
        let other = graph.last_modifier(table);
        drop(graph);
        self.guard.shared.record_conflict(self.guard.xid, table);
        let xids = std::iter::once(self.guard.xid).chain(other).collect();
        Err(violation(&Violation { table, xids }, self.owner.pid))
    }

    /// Notes that a statement read a table.
    pub fn record_read(&mut self, table: Oid) {
        self.reads.insert(table);
    }

    /// Notes that a statement wrote a table. [`WriteKind::Modify`] implies that it was read.
    pub fn record_write(&mut self, table: Oid, kind: WriteKind) {
        if kind == WriteKind::Modify {
            self.reads.insert(table);
        }
        let slot = self.writes.entry(table).or_insert(kind);
        *slot = (*slot).max(kind);
    }

    /// Adds changes to the transaction: seen by its own statements now, by others once committed.
    pub fn apply(&mut self, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        if self.read_only {
            return Err(SqlError::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                "transaction is read-only",
            ));
        }
        self.pin();
        // On a copy: an error must not leave half of them.
        let mut own = self.own.clone();
        own.apply_all(&changes)?;
        self.own = own;
        self.changes.extend(changes);
        Ok(())
    }

    /// Adds changes only this session sees and that are never committed (temporary tables). The
    /// session keeps them for its next transactions if this one commits.
    pub fn local_apply(&mut self, changes: &[Change]) -> Result<()> {
        self.pin();
        let mut own = self.own.clone();
        own.apply_all(changes)?;
        self.own = own;
        Ok(())
    }

    fn node(&self, commit: Version) -> Option<Node> {
        let base = self.base.as_ref()?;
        (self.isolation == Isolation::Serializable && !self.internal).then(|| Node {
            xid: self.guard.xid,
            snapshot: base.version,
            commit,
            reads: self.reads.clone(),
            writes: self.writes.clone(),
        })
    }

    /// Commits: when it returns, the changes survive a crash and everybody sees them. On an error
    /// nothing of the transaction remains. The commit goes on even if the caller stops waiting.
    pub async fn commit(self) -> Result<Version> {
        if self.changes.is_empty() {
            return self.finish_reading();
        }
        let mut node = self.node(Version(0));
        let Transaction {
            manager,
            guard,
            owner,
            base,
            changes,
            internal,
            mut writes,
            ..
        } = self;
        let base = base.ok_or_else(|| SqlError::internal("changes without a snapshot"))?;
        if let Some(node) = &mut node {
            // Whatever the session forgot to note is in the changes.
            note_writes(&changes, &mut writes);
            node.writes = writes;
        }
        let (reply, wait) = oneshot::channel();
        let request = Request {
            guard: Some(guard),
            node,
            internal,
            pid: owner.pid,
            base: Some(base),
            changes,
            reply,
        };
        let gone = || SqlError::internal("the committer is gone");
        manager.commits.send(request).map_err(|_| gone())?;
        wait.await.map_err(|_| gone())?
    }

    /// A transaction that wrote nothing must still fit into a serial order, and others into one
    /// with it. It needs no commit.
    fn finish_reading(self) -> Result<Version> {
        let shared = &self.guard.shared;
        let newest = shared.version();
        if self.reads.is_empty() {
            return Ok(newest);
        }
        let Some(node) = self.node(newest) else {
            return Ok(newest);
        };
        // If it saw the newest state and nobody else is running, no order can be wrong.
        let alone = shared.live.lock().len() == 1;
        if alone && node.snapshot == newest {
            return Ok(newest);
        }
        let oldest = shared.oldest_pinned();
        let mut graph = shared.graph.lock();
        graph.prune(oldest);
        let result = graph.commit_read(node);
        drop(graph);
        result.map_err(|v| {
            shared.record_conflict(self.guard.xid, v.table);
            violation(&v, self.owner.pid)
        })?;
        Ok(newest)
    }

    /// Rolls back. Nothing of the transaction remains (files it wrote are garbage).
    pub fn rollback(self) {
        drop(self);
    }
}

fn note_writes(changes: &[Change], writes: &mut BTreeMap<Oid, WriteKind>) {
    for change in changes {
        let (table, kind) = match change {
            Change::AddSegments { table, .. } => (*table, WriteKind::Insert),
            Change::RemoveSegments { table, .. } | Change::SetDeleted { table, .. } => {
                (*table, WriteKind::Modify)
            }
            Change::DropRelation(oid) => (*oid, WriteKind::Definition),
            Change::PutRelation(r) => (r.oid, WriteKind::Definition),
            _ => continue,
        };
        let slot = writes.entry(table).or_insert(kind);
        *slot = (*slot).max(kind);
    }
}
