//! Work nobody asked for: folding small inserts into files, deleting files nothing can reach.

use std::sync::Arc;

use lw_base::{Oid, Result, SqlError, SqlState, clock};
use lw_engine::StatementContext;
use lw_engine::maintain::wants_fold;
use lw_settings::SessionInfo;
use lw_settings::params::SettingValues;
use tokio_util::sync::CancellationToken;

use crate::service::Leader;
use crate::txn::LockMode;

/// Times of files come from a coarser clock than ours (and, on a remote store, from another one):
/// a file may look this much older than the transaction that wrote it, microseconds.
const CLOCK_MARGIN: i64 = 60_000_000;

impl Leader {
    /// Folds the row batches of small inserts into segments where enough have gathered. A table
    /// somebody is changing is left for the next time.
    pub async fn fold_small_inserts(&self) -> Result<()> {
        let catalog = self.shared().txns.current();
        let tables: Vec<Oid> = catalog
            .all_table_data()
            .filter(|(_, data)| wants_fold(data))
            .map(|(table, _)| *table)
            .collect();
        for table in tables {
            match self.fold(table).await {
                Ok(()) => {}
                Err(e) if gave_way(&e) => tracing::debug!(%table, "folding gave way: {e}"),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    async fn fold(&self, table: Oid) -> Result<()> {
        let shared = self.shared();
        let cancel = CancellationToken::new();
        let mut txn = shared.txns.begin_internal();
        // New rows may come meanwhile; rows must not be changed.
        txn.lock(table, LockMode::Insert, &cancel).await?;
        let catalog = txn.snapshot().clone();
        let Some(relation) = catalog.relation(table) else {
            return Ok(());
        };
        let database = catalog.schema(relation.schema).map(|s| s.database);
        let now = clock::now_micros();
        let session = SessionInfo {
            database: database.unwrap_or_default(),
            user: relation.owner,
            session_user: relation.owner,
            temp_schema: Oid(0),
            search_path: Vec::new(),
            settings: SettingValues::default(),
            pid: 0,
            xid: txn.id(),
            query_id: 0,
            transaction_start: now,
            statement_start: now,
            last_copy_count: 0,
            last_copy_id: -1,
            last_query_id: -1,
            last_unload_count: 0,
            catalog,
        };
        let ctx = StatementContext {
            session: Arc::new(session),
            ids: shared.txns.ids(),
            cancel,
        };
        let effect = shared.engine().fold(table, &ctx).await?;
        txn.apply(effect.changes)?;
        txn.commit().await?;
        Ok(())
    }

    /// Deletes files that no catalog version in use can reach.
    pub async fn collect_garbage(&self) -> Result<()> {
        let shared = self.shared();
        // Files of running transactions are younger than the oldest of them; those begun after this
        // moment write files younger than it.
        let oldest = shared
            .txns
            .transactions()
            .iter()
            .map(|t| t.start)
            .min()
            .unwrap_or(i64::MAX)
            .min(clock::now_micros())
            .saturating_sub(CLOCK_MARGIN);
        let mut reachable = shared.txns.gc_view().files();
        for session in shared.registry.all() {
            reachable.extend(session.temp_files());
        }
        let done = shared.engine().segments.collect(&reachable, oldest).await?;
        if done.files > 0 {
            tracing::info!(
                files = done.files,
                bytes = done.bytes,
                "unreachable files deleted"
            );
        }
        Ok(())
    }
}

/// Background work that met a user's transaction: it is tried again later.
fn gave_way(error: &SqlError) -> bool {
    matches!(
        error.state,
        SqlState::LOCK_NOT_AVAILABLE | SqlState::SERIALIZATION_FAILURE
    )
}
