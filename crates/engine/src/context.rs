//! The surroundings of one statement's execution.

use std::sync::Arc;

use async_trait::async_trait;
use lw_base::{Oid, Result, SegmentId};
use lw_settings::SessionInfo;
use tokio_util::sync::CancellationToken;

/// Gives out ids.
#[async_trait]
pub trait IdSource: Send + Sync {
    /// `count` consecutive segment ids, never given before.
    async fn segment_ids(&self, count: u64) -> Result<SegmentId>;

    /// `count` consecutive object ids, never given before.
    async fn oids(&self, count: u32) -> Result<Oid>;

    /// Takes `count` values of an IDENTITY column for good (a rollback leaves a gap, as in
    /// Redshift) and gives the first. `seed` and `step` are the column's.
    async fn identity(
        &self,
        table: Oid,
        column: u32,
        seed: i64,
        step: i64,
        count: u64,
    ) -> Result<i64>;
}

/// The surroundings of one statement.
#[derive(Clone)]
pub struct StatementContext {
    /// Session, catalog, settings.
    pub session: Arc<SessionInfo>,
    /// Ids.
    pub ids: Arc<dyn IdSource>,
    /// Cancelled by the client, by statement_timeout, by the end of the session.
    pub cancel: CancellationToken,
}
