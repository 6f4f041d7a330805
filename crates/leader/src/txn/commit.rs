//! The committer: one task through which every commit goes. While one batch is being made durable
//! the next gathers, so that sessions share the cost of a disk flush.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lw_base::{Oid, Result, SqlError, SqlState, TxnId, Version, clock};
use lw_catalog::{CatalogSnapshot, CatalogStore, Change};
use tokio::sync::{mpsc, oneshot};

use super::ids::Ids;
use super::lock::LockMode;
use super::manager::Shared;
use super::rebase::{conflict, rebase, table_of};
use super::serial::{Node, Violation};
use super::transaction::Guard;

/// Transactions made durable together at most.
const BATCH: usize = 256;
/// How long background work gives way to a user's transaction that began before it ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// A transaction that wants to be committed.
pub(super) struct Request {
    /// Frees locks and snapshot once the commit is published. `None` for identity values, which
    /// are taken outside any transaction.
    pub guard: Option<Guard>,
    /// How the serialization graph sees it, if it is to.
    pub node: Option<Node>,
    pub internal: bool,
    pub pid: i32,
    /// The state its changes were made on; `None`: they fit on any.
    pub base: Option<CatalogSnapshot>,
    pub changes: Vec<Change>,
    pub reply: oneshot::Sender<Result<Version>>,
}

/// Error 1023, as Redshift prints it.
pub(super) fn violation(violation: &Violation, pid: i32) -> SqlError {
    let xids: Vec<String> = violation.xids.iter().map(TxnId::to_string).collect();
    SqlError::new(SqlState::SERIALIZATION_FAILURE, "1023")
        .with_detail(format!(
            "Serializable isolation violation on table - {}, transactions forming the cycle are: {} (pid:{pid})",
            violation.table,
            xids.join(", ")
        ))
        .with_hint("Run the transaction again.")
}

/// Runs until the last sender is gone.
pub(super) async fn run(
    shared: Arc<Shared>,
    store: Arc<dyn CatalogStore>,
    ids: Weak<Ids>,
    mut requests: mpsc::UnboundedReceiver<Request>,
) {
    let mut batch = Vec::new();
    // Set once it is not known what the store holds: nothing may be committed any more.
    let mut broken: Option<SqlError> = None;
    while requests.recv_many(&mut batch, BATCH).await > 0 {
        if broken.is_none() && shared.closed.load(Ordering::SeqCst) {
            broken = Some(SqlError::new(
                SqlState::ADMIN_SHUTDOWN,
                "terminating connection due to administrator command",
            ));
        }
        if let Some(error) = &broken {
            for request in batch.drain(..) {
                answer(request.reply, Err(error.clone()));
            }
            continue;
        }
        let base = shared.version();
        let mut head = shared.current();
        let mut accepted = Vec::new();
        let mut transactions = Vec::new();
        for mut request in batch.drain(..) {
            match validate(&shared, &ids, &head, &mut request) {
                Ok((changes, mut next)) => {
                    next.version = Version(head.version.0 + 1);
                    head = next;
                    transactions.push(changes);
                    accepted.push((head.version, request));
                }
                Err(error) => answer(request.reply, Err(error)),
            }
        }
        if accepted.is_empty() {
            continue;
        }
        let result = match store.commit(base, &transactions).await {
            Ok(_) => Ok(()),
            Err(error) => settle(&*store, base, head.version, error).await,
        };
        match result {
            Ok(()) => {
                shared.publish(head);
                let oldest = shared.oldest_pinned();
                shared.graph.lock().prune(oldest);
                for (version, request) in accepted {
                    // Locks first: whoever is told may act at once.
                    drop(request.guard);
                    answer(request.reply, Ok(version));
                }
            }
            Err((error, known)) => {
                shared.graph.lock().take_back(base);
                if !known {
                    tracing::error!(%error, "catalog store lost; the warehouse is read-only until restart");
                    broken = Some(error.clone());
                }
                for (_, request) in accepted {
                    drop(request.guard);
                    answer(request.reply, Err(error.clone()));
                }
            }
        }
    }
}

fn answer(reply: oneshot::Sender<Result<Version>>, result: Result<Version>) {
    // Whoever asked may have gone; the commit stands all the same.
    let _ = reply.send(result);
}

/// After a commit that failed: did it become durable? `Err((_, false))` if that cannot be told.
async fn settle(
    store: &dyn CatalogStore,
    base: Version,
    head: Version,
    error: SqlError,
) -> Result<(), (SqlError, bool)> {
    match store.version().await {
        Ok(version) if version == head => Ok(()),
        Ok(version) if version == base => Err((error, true)),
        _ => Err((error, false)),
    }
}

fn validate(
    shared: &Shared,
    ids: &Weak<Ids>,
    head: &CatalogSnapshot,
    request: &mut Request,
) -> Result<(Vec<Change>, CatalogSnapshot)> {
    let changes = std::mem::take(&mut request.changes);
    let xid = request.guard.as_ref().map(|g| g.xid);
    let Some(base) = request.base.take() else {
        let mut next = head.clone();
        next.apply_all(&changes)?;
        return Ok((changes, next));
    };
    if request.internal {
        give_way(shared, xid.unwrap_or_default(), &changes)?;
    }
    let about = changes.iter().find_map(table_of).unwrap_or(Oid(0));
    let conflicted = |error: SqlError, table: Oid| {
        if error.state == SqlState::SERIALIZATION_FAILURE
            && !request.internal
            && let Some(xid) = xid
        {
            shared.record_conflict(xid, table);
        }
        error
    };
    let (mut changes, mut next) = rebase(&base, head, changes).map_err(|e| conflicted(e, about))?;
    let ids = ids
        .upgrade()
        .ok_or_else(|| SqlError::internal("the source of ids is gone"))?;
    let identity = ids.adopt(head, &changes);
    next.apply_all(&identity)?;
    changes.extend(identity);
    if let Some(mut node) = request.node.take() {
        node.commit = Version(head.version.0 + 1);
        let result = shared.graph.lock().commit(node);
        result.map_err(|v| conflicted(violation(&v, request.pid), v.table))?;
    }
    Ok((changes, next))
}

/// Background work that replaces segments must not make a user fail who deleted from them, or is
/// about to.
fn give_way(shared: &Shared, xid: TxnId, changes: &[Change]) -> Result<()> {
    for change in changes {
        let (Change::RemoveSegments { table, .. } | Change::SetDeleted { table, .. }) = change
        else {
            continue;
        };
        // Kept until the commit is published, so that a writer who comes now sees its result.
        if shared.locks.try_lock(xid, *table, LockMode::Write).is_err() {
            return Err(conflict(format!("Table {table} is being written.")));
        }
        let patience = clock::now_micros() - PATIENCE.as_micros() as i64;
        let may_write_later = shared.live.lock().iter().any(|(other, live)| {
            *other != xid
                && !live.internal
                && !live.implicit
                && !live.read_only
                && live.pinned.is_some()
                && live.start > patience
        });
        if may_write_later {
            return Err(conflict("A transaction that may write it is open."));
        }
    }
    Ok(())
}
