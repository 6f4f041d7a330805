//! The one function that builds the engine's state: limits, rules, functions.

use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::physical_plan::operator_statistics::StatisticsRegistry;
use datafusion::prelude::SessionConfig;
use lw_base::Result;
use lw_functions::{SessionExtension, sql_error};
use lw_settings::SessionInfo;

use crate::rules::cardinality::ScanFilters;
use crate::scan::keys::BuiltKeys;
use crate::{Engine, EngineConfig};

/// Of the biggest memory consumers, how many an error names.
const NAMED_CONSUMERS: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(2);

/// With up to this many partitions every hash join builds its smaller side in one piece.
const FEW_PARTITIONS: usize = 8;

/// Memory and spill space all statements share. Made once.
pub(crate) fn runtime(config: &EngineConfig) -> Result<Arc<RuntimeEnv>> {
    std::fs::create_dir_all(&config.spill_dir)?;
    let pool = TrackConsumersPool::new(FairSpillPool::new(config.memory_bytes), NAMED_CONSUMERS);
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![config.spill_dir.clone()]));
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(disk)
        .build_arc()
        .map_err(sql_error)
}

/// The state that all statements' states are copies of. Made once.
///
/// It knows next to no functions by name: planning has resolved them, and copying hundreds of names
/// for each statement costs more than running a small one. Its optimizer is not ours: the rules of
/// ours are made anew for each statement, when it is optimized.
pub(crate) fn base(config: &EngineConfig, runtime: &Arc<RuntimeEnv>) -> SessionState {
    let mut options = SessionConfig::new()
        .with_target_partitions(config.partitions.max(1))
        .with_batch_size(8192)
        .with_information_schema(false);
    {
        let options = options.options_mut();
        options.sql_parser.enable_ident_normalization = false;
        options.optimizer.skip_failed_rules = false;
        // Moving both sides of a join costs more than building the smaller one once, unless there
        // are many processors to build what is large.
        let few = config.partitions <= FEW_PARTITIONS;
        let most = if few { usize::MAX } else { 256 << 20 };
        options.optimizer.hash_join_single_partition_threshold = most;
        options.optimizer.hash_join_single_partition_threshold_rows = most >> 6;
        // `JoinSides` has decided which.
        options.optimizer.join_reordering = false;
        // Types carry Redshift's names in their metadata, which optimized expressions may lose.
        options.execution.skip_physical_aggregate_schema_check = true;
        options.optimizer.use_statistics_registry = true;
        options.catalog.create_default_catalog_and_schema = false;
    }
    let mut statistics = StatisticsRegistry::default_with_builtin_providers();
    statistics.register(Arc::new(ScanFilters));
    SessionStateBuilder::new()
        .with_config(options)
        .with_runtime_env(runtime.clone())
        .with_statistics_registry(statistics)
        .with_analyzer_rules(lw_sql_plan::query::analyzer_rules())
        .with_physical_optimizer_rules(crate::rules::physical_rules())
        // The one that a rule asks for by its name (DISTINCT ON).
        .with_aggregate_functions(vec![first_value_udaf()])
        .build()
}

/// The state one statement is planned and run in.
pub(crate) fn session_state(engine: &Engine, session: &Arc<SessionInfo>) -> SessionState {
    let mut state = SessionState::clone(&engine.base);
    state
        .config_mut()
        .set_extension(Arc::new(BuiltKeys::default()));
    let options = state.config_mut().options_mut();
    options.extensions.insert(SessionExtension(session.clone()));
    // Functions are given the configuration, and with it the session, only from here on.
    state.mark_start_execution();
    state
}
