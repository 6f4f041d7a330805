//! The contract of a durable store of records: what the control plane keeps (clusters, snapshots,
//! users, keys), each a JSON text under a kind and an id.

use async_trait::async_trait;
use lw_base::Result;

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// What it is (`cluster`, `role`).
    pub kind: String,
    /// Its id among those of its kind.
    pub id: String,
    /// Its content, JSON.
    pub body: String,
}

/// A change of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordChange {
    /// Makes a record or replaces it.
    Put(RawRecord),
    /// Deletes a record; one that is not there is no error.
    Delete {
        /// What it is.
        kind: String,
        /// Its id.
        id: String,
    },
}

/// A durable store of records. Exactly one process writes at a time.
#[async_trait]
pub trait RecordStore: Send + Sync {
    /// All records. Called once at start.
    async fn load(&self) -> Result<Vec<RawRecord>>;

    /// Makes changes durable, all of them or none. When it returns, they survive `kill -9` and power
    /// loss.
    async fn commit(&self, changes: &[RecordChange]) -> Result<()>;
}
