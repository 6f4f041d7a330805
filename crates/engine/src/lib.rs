//! Execution: lowering of plans to DataFusion, table providers over segments, optimizer rules, DML,
//! COPY and UNLOAD, VACUUM and ANALYZE. The only crate that builds engine state, by one function.
//!
//! What it must never know: sessions and their protocol, transactions and locks (it is given a
//! catalog snapshot and gives back changes), the catalog store.
//!
//! Where to start: [`Engine`], then [`context::StatementContext`].

pub mod context;
mod copy;
pub mod dml;
pub mod maintain;
pub mod scan;
#[cfg(test)]
mod testing;

mod explain;
mod lower;
mod proc_list;
mod query;
mod rules;
mod small;
mod state;
mod stop;
mod threads;

use std::sync::Arc;

use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use lw_base::{Oid, Result};
use lw_catalog::Change;
use lw_events::EventLog;
use lw_services::buckets::BucketResolver;
use lw_services::{Notice, RowStream};
use lw_sql_plan::{CopyFrom, DmlPlan, MaintainPlan, Unload};
use lw_storage::SegmentStore;
use lw_sysviews::LiveState;

pub use context::{IdSource, StatementContext};
pub use threads::Threads;

/// What a statement that writes did: to be committed by the leader.
#[derive(Debug, Default)]
pub struct Effect {
    /// Rows inserted, deleted, updated, loaded.
    pub rows: u64,
    /// Changes to the catalog, in order.
    pub changes: Vec<Change>,
    /// What the client is to be told.
    pub notices: Vec<Notice>,
}

/// The engine of a warehouse. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    /// Segments.
    pub segments: SegmentStore,
    /// Limits.
    pub config: Arc<EngineConfig>,
    /// What goes on in the warehouse, for the system relations.
    pub live: Arc<dyn LiveState>,
    /// The record of what happens: loads and their errors.
    pub events: Arc<EventLog>,
    /// The buckets COPY and UNLOAD reach.
    pub buckets: Arc<dyn BucketResolver>,
    /// Memory and spill space, shared by all statements.
    pub runtime: Arc<RuntimeEnv>,
    /// What the states of statements are copies of.
    base: Arc<SessionState>,
}

/// What an engine is made of.
pub struct EngineParts {
    /// Segments.
    pub segments: SegmentStore,
    /// Limits.
    pub config: EngineConfig,
    /// What goes on in the warehouse.
    pub live: Arc<dyn LiveState>,
    /// The record of what happens.
    pub events: Arc<EventLog>,
    /// The buckets.
    pub buckets: Arc<dyn BucketResolver>,
}

/// Limits of the engine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Memory all statements together may use, bytes.
    pub memory_bytes: usize,
    /// Partitions a query runs in.
    pub partitions: usize,
    /// Where operators spill.
    pub spill_dir: std::path::PathBuf,
    /// The threads it computes on.
    pub threads: Threads,
}

impl Engine {
    /// An engine of these parts.
    pub fn new(parts: EngineParts) -> Result<Engine> {
        proc_list::publish_system_names();
        let runtime = state::runtime(&parts.config)?;
        // What a load holds comes on top of what queries are given.
        let segments = parts
            .segments
            .with_writers_memory(parts.config.memory_bytes / 8);
        Ok(Engine {
            base: Arc::new(state::base(&parts.config, &runtime)),
            segments,
            config: Arc::new(parts.config),
            live: parts.live,
            events: parts.events,
            buckets: parts.buckets,
            runtime,
        })
    }

    /// The same engine with other limits, for statements that begin from now on. Those that run keep
    /// what they were given.
    pub fn with_limits(&self, memory_bytes: usize, partitions: usize) -> Result<Engine> {
        let config = EngineConfig {
            memory_bytes,
            partitions,
            ..EngineConfig::clone(&self.config)
        };
        let runtime = state::runtime(&config)?;
        Ok(Engine {
            base: Arc::new(state::base(&config, &runtime)),
            config: Arc::new(config),
            runtime,
            ..self.clone()
        })
    }

    /// Runs a query. Placeholders have been replaced.
    pub async fn query(&self, plan: &LogicalPlan, ctx: &StatementContext) -> Result<RowStream> {
        self.run(plan, ctx).await
    }

    /// The lines of EXPLAIN.
    pub async fn explain(
        &self,
        plan: &LogicalPlan,
        verbose: bool,
        ctx: &StatementContext,
    ) -> Result<Vec<String>> {
        self.explain_lines(plan, verbose, ctx).await
    }

    /// Runs INSERT, UPDATE, DELETE or MERGE. Files it wrote are not part of the warehouse until the
    /// changes are committed; if they never are, garbage collection removes them.
    pub async fn dml(&self, plan: &DmlPlan, ctx: &StatementContext) -> Result<Effect> {
        if dml::is_small(self, plan, ctx) {
            return dml::run(self, plan, ctx).await;
        }
        let (engine, plan, ctx) = (self.clone(), plan.clone(), ctx.clone());
        self.config
            .threads
            .run(async move { dml::run(&engine, &plan, &ctx).await })
            .await
    }

    /// Runs COPY ... FROM.
    pub async fn copy_from(&self, plan: &CopyFrom, ctx: &StatementContext) -> Result<Effect> {
        let (engine, plan, ctx) = (self.clone(), plan.clone(), ctx.clone());
        self.config
            .threads
            .run(async move { copy::copy_from(&engine, &plan, &ctx).await })
            .await
    }

    /// Runs UNLOAD.
    pub async fn unload(&self, plan: &Unload, ctx: &StatementContext) -> Result<Effect> {
        let (engine, plan, ctx) = (self.clone(), plan.clone(), ctx.clone());
        self.config
            .threads
            .run(async move { copy::unload(&engine, &plan, &ctx).await })
            .await
    }

    /// Runs VACUUM or ANALYZE.
    pub async fn maintain(&self, plan: &MaintainPlan, ctx: &StatementContext) -> Result<Effect> {
        let (engine, plan, ctx) = (self.clone(), plan.clone(), ctx.clone());
        self.config
            .threads
            .run(async move { maintain::run(&engine, &plan, &ctx).await })
            .await
    }

    /// Writes a table's rows anew after its distribution or sort key changed.
    pub async fn rewrite(&self, table: Oid, ctx: &StatementContext) -> Result<Effect> {
        let (engine, ctx) = (self.clone(), ctx.clone());
        self.config
            .threads
            .run(async move { maintain::rewrite_table(&engine, table, &ctx).await })
            .await
    }

    /// Gathers the small inserts of a table [`maintain::wants_fold`] is true of. The rows stay the
    /// same. No other transaction may write the table meanwhile.
    pub async fn fold(&self, table: Oid, ctx: &StatementContext) -> Result<Effect> {
        let (engine, ctx) = (self.clone(), ctx.clone());
        self.config
            .threads
            .run(async move { maintain::fold_table(&engine, table, &ctx).await })
            .await
    }
}
