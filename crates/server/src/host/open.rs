//! An open namespace: a leader and an engine over the files of a directory, and the work they do in the
//! background.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lw_base::Result;
use lw_catalog::{CatalogSnapshot, Isolation};
use lw_catalog_sql::SqliteStore;
use lw_engine::{Engine, EngineConfig, EngineParts};
use lw_events::EventLog;
use lw_leader::{FirstStart, Leader, LeaderParts, bootstrap};
use lw_services::warehouses::ComputeSpec;
use lw_storage::SegmentStore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::namespace::Namespace;
use super::{Lease, files};

/// How often small inserts are folded into files.
const FOLD_EVERY: Duration = Duration::from_secs(5);
/// How often files nothing can reach are deleted.
const COLLECT_EVERY: Duration = Duration::from_secs(60);

/// An open namespace.
pub(super) struct Open {
    pub leader: Leader,
    store: Arc<SqliteStore>,
    stop: CancellationToken,
    background: TaskTracker,
    _lease: Lease,
}

impl Open {
    /// Ends sessions and background work; nothing is committed afterwards.
    pub async fn close(&self) {
        self.stop.cancel();
        self.background.close();
        self.leader.close().await;
        self.background.wait().await;
        if let Err(error) = self.store.checkpoint().await {
            tracing::debug!(%error, "the catalog's log stays");
        }
    }

    /// Begins the background work: the sample database (first start), folding of small inserts, garbage
    /// collection.
    pub fn run(&self, samples: bool) {
        if samples {
            let leader = self.leader.clone();
            let stop = self.stop.clone();
            self.background.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    done = leader.load_samples() => if let Err(error) = done {
                        tracing::warn!(%error, "the sample database is not complete");
                    }
                }
            });
        }
        let leader = self.leader.clone();
        self.background
            .spawn(every(FOLD_EVERY, self.stop.clone(), move || {
                let leader = leader.clone();
                async move { leader.fold_small_inserts().await }
            }));
        let leader = self.leader.clone();
        self.background
            .spawn(every(COLLECT_EVERY, self.stop.clone(), move || {
                let leader = leader.clone();
                async move { leader.collect_garbage().await }
            }));
    }
}

async fn every<F, Fut>(period: Duration, stop: CancellationToken, work: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<()>>,
{
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
        match work().await {
            Err(error) if !stop.is_cancelled() => tracing::warn!(%error, "background work"),
            _ => {}
        }
    }
}

impl Namespace {
    /// Makes a leader over the files of a directory.
    pub async fn open_leader(
        &self,
        dir: &Path,
        compute: &ComputeSpec,
        first: Option<FirstStart>,
    ) -> Result<Open> {
        let store = SqliteStore::open(&dir.join("catalog.db")).await?;
        let events = EventLog::open(&dir.join("events.db")).await?;
        let segments = SegmentStore::open(&dir.join("segments"))?;
        let spill_dir = dir.join("spill");
        // Spill files do not outlive what wrote them.
        files::remove(&spill_dir)?;
        std::fs::create_dir_all(&spill_dir)?;
        let (memory_bytes, partitions) = self.host.limits(compute);
        let (lease, threads) = Lease::new(&self.host)?;
        let limits = EngineConfig {
            memory_bytes,
            partitions,
            spill_dir,
            threads,
        };
        let new_databases = match self.file().serverless {
            true => Isolation::Snapshot,
            false => Isolation::Serializable,
        };
        let engine_events = events.clone();
        let buckets = self.host.buckets.clone();
        let leader = Leader::open(LeaderParts {
            store: store.clone(),
            events,
            first,
            namespace: self.id.clone(),
            new_databases,
            parameters: compute.settings.clone(),
            logins: Some(self.host.logins.clone()),
            meter: self.meter.clone(),
            engine: Box::new(move |live| {
                Engine::new(EngineParts {
                    segments,
                    config: limits,
                    live,
                    events: engine_events,
                    buckets,
                })
            }),
        })
        .await?;
        leader.set_closed(compute.closed.clone());
        Ok(Open {
            leader,
            store,
            stop: CancellationToken::new(),
            background: TaskTracker::new(),
            _lease: lease,
        })
    }
}

/// Bytes and tables of users: what the service itself owns (the sample database) is not theirs.
pub(super) fn size(catalog: &CatalogSnapshot) -> (u64, u64) {
    let tables = catalog
        .relations()
        .filter(|r| r.table().is_some() && r.owner != bootstrap::RDSDB);
    tables.fold((0, 0), |(bytes, count), table| {
        (bytes + catalog.table_data(table.oid).bytes(), count + 1)
    })
}
