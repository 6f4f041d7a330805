//! Work nobody asked for: folding small inserts into files, deleting files nothing can reach.

use lw_base::{Result, clock};

use crate::service::Leader;

/// Times of files come from a coarser clock than ours (and, on a remote store, from another one):
/// a file may look this much older than the transaction that wrote it, microseconds.
const CLOCK_MARGIN: i64 = 60_000_000;

impl Leader {
    /// Folds the row batches of small inserts into segments where enough have gathered.
    pub async fn fold_small_inserts(&self) -> Result<()> {
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
        let done = shared.engine.segments.collect(&reachable, oldest).await?;
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
