//! Composition: which parts a warehouse is made of, and where in the data directory each keeps its
//! files. The only place that knows them all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lw_aws_http::{BucketStore, Buckets, BucketsConfig};
use lw_base::Result;
use lw_catalog_sql::SqliteStore;
use lw_engine::{Engine, EngineConfig, EngineParts};
use lw_events::EventLog;
use lw_leader::{Leader, LeaderParts};
use lw_storage::SegmentStore;
use tokio_util::sync::CancellationToken;

use crate::limits;

/// What a warehouse is told from outside.
#[derive(Clone)]
pub struct WarehouseConfig {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Name of the admin user.
    pub admin_user: String,
    /// The admin's password.
    pub admin_password: String,
    /// True if the operator gave the password for this start: then it replaces the one the admin
    /// has. A generated one is set at the first start only, so that ALTER USER lasts.
    pub admin_password_given: bool,
    /// Root access key id.
    pub access_key_id: String,
    /// Root secret.
    pub secret_access_key: String,
    /// Region.
    pub region: String,
    /// Account, twelve digits.
    pub account_id: String,
    /// Memory statements may use together, bytes; `None`: 60% of the machine's.
    pub memory_bytes: Option<usize>,
    /// Partitions of a query; `None`: one per processor.
    pub partitions: Option<usize>,
    /// Another S3-compatible endpoint for COPY and UNLOAD.
    pub external_s3: Option<lw_aws_http::buckets::ExternalS3>,
}

/// An open warehouse.
pub struct Warehouse {
    /// The leader.
    pub leader: Leader,
    /// The buckets of the S3 endpoint.
    pub buckets: Arc<BucketStore>,
    /// The record of events, to be flushed at the end.
    pub events: Arc<EventLog>,
}

/// How often small inserts are folded into files.
const FOLD_EVERY: Duration = Duration::from_secs(5);
/// How often files nothing can reach are deleted.
const COLLECT_EVERY: Duration = Duration::from_secs(60);

impl Warehouse {
    /// Opens the warehouse of a data directory, which this process has locked.
    pub async fn open(config: &WarehouseConfig) -> Result<Warehouse> {
        let dir = &config.data_dir;
        let store = SqliteStore::open(&dir.join("catalog.db")).await?;
        let events = EventLog::open(&dir.join("events.db")).await?;
        let segments = SegmentStore::open(&dir.join("segments"))?;
        let buckets = Arc::new(BucketStore::open(&dir.join("s3"))?);
        let resolver = Arc::new(Buckets::new(
            buckets.clone(),
            BucketsConfig {
                access_key_id: config.access_key_id.clone(),
                secret_access_key: config.secret_access_key.clone(),
                account_id: config.account_id.clone(),
                region: config.region.clone(),
                external: config.external_s3.clone(),
            },
        ));
        let config_limits = EngineConfig {
            memory_bytes: config
                .memory_bytes
                .unwrap_or_else(|| limits::memory_bytes() / 10 * 6),
            partitions: config.partitions.unwrap_or_else(limits::processors),
            spill_dir: fresh_spill_dir(dir)?,
            threads: Some(limits::processors()),
        };
        let (engine_events, kept_events) = (events.clone(), events.clone());
        let leader = Leader::open(LeaderParts {
            store,
            events,
            admin_user: config.admin_user.clone(),
            admin_password: config.admin_password.clone(),
            admin_password_given: config.admin_password_given,
            engine: Box::new(move |live| {
                Engine::new(EngineParts {
                    segments,
                    config: config_limits,
                    live,
                    events: engine_events,
                    buckets: resolver,
                })
            }),
        })
        .await?;
        Ok(Warehouse {
            leader,
            buckets,
            events: kept_events,
        })
    }

    /// Starts the background work: the sample database (first start), folding of small inserts,
    /// garbage collection. Ends with `stop`.
    pub fn start_background(&self, stop: CancellationToken) {
        let leader = self.leader.clone();
        tokio::spawn(async move {
            if let Err(error) = leader.load_samples().await {
                tracing::warn!(%error, "the sample database is not complete");
            }
        });
        let leader = self.leader.clone();
        tokio::spawn(every(FOLD_EVERY, stop.clone(), move || {
            let leader = leader.clone();
            async move { leader.fold_small_inserts().await }
        }));
        let leader = self.leader.clone();
        tokio::spawn(every(COLLECT_EVERY, stop, move || {
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
        if let Err(error) = work().await {
            tracing::warn!(%error, "background work");
        }
    }
}

/// Spill files do not outlive the process that wrote them.
fn fresh_spill_dir(data_dir: &Path) -> Result<PathBuf> {
    let dir = data_dir.join("spill");
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}
