//! The contract of a durable catalog store. `catalog-sql` implements it on SQLite; one generic test suite (`catalog-sql/tests`) runs
//! against each.

use async_trait::async_trait;
use lw_base::{Oid, Result, SegmentId, TxnId, Version};

use crate::change::Change;
use crate::snapshot::CatalogSnapshot;

/// A durable catalog. Exactly one process writes at a time.
#[async_trait]
pub trait CatalogStore: Send + Sync {
    /// The newest state, read whole. Called once at start.
    async fn load(&self) -> Result<CatalogSnapshot>;

    /// The newest version. Tells, after a commit that failed, whether it became durable.
    async fn version(&self) -> Result<Version>;

    /// Makes a commit durable: appends it to the commit log and applies it to the catalog tables in
    /// one database transaction. Fails (and changes nothing) if the store is not at `base`.
    /// When it returns, the commit survives `kill -9` and power loss.
    ///
    /// Several transactions may be given at once (group commit); each becomes one version.
    async fn commit(&self, base: Version, transactions: &[Vec<Change>]) -> Result<Version>;

    /// The commits after `after`, oldest first: what a follower applies. The log is bounded: if it
    /// no longer reaches back to `after`, this is an error and the follower loads anew.
    async fn log_after(&self, after: Version) -> Result<Vec<(Version, Vec<Change>)>>;

    /// Gives out `count` consecutive object ids, durable before they are used, never given twice.
    async fn reserve_oids(&self, count: u32) -> Result<Oid>;

    /// As [`CatalogStore::reserve_oids`], for segments.
    async fn reserve_segments(&self, count: u64) -> Result<SegmentId>;

    /// As [`CatalogStore::reserve_oids`], for transactions.
    async fn reserve_transactions(&self, count: u64) -> Result<TxnId>;
}
