//! Running queries.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::Optimizer;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;
use lw_base::Result;
use lw_functions::error::canceled;
use lw_functions::sql_error;
use lw_services::RowStream;
use lw_sql_plan::query::deep;
use lw_sysviews::SystemContext;
use tokio_util::sync::CancellationToken;

use crate::scan::keys::{BuiltKeys, collect_keys};
use crate::small::Small;
use crate::{Engine, StatementContext, lower, state, stop};

impl Engine {
    /// Runs a plan and gives the engine's own stream: for DML and COPY, which read it in process.
    /// It does not watch the statement's cancellation.
    pub async fn execute_stream(
        &self,
        plan: &LogicalPlan,
        ctx: &StatementContext,
    ) -> Result<SendableRecordBatchStream> {
        if let Some(small) = Small::of(self, plan, ctx) {
            return small.run(self, ctx).await;
        }
        let (physical, state) = self.physical(plan, ctx).await?;
        let physical = stop::guard(physical, &ctx.cancel).map_err(sql_error)?;
        execute_stream(physical, state.task_ctx()).map_err(sql_error)
    }

    /// The plan the engine runs for a query.
    pub(crate) async fn physical(
        &self,
        plan: &LogicalPlan,
        ctx: &StatementContext,
    ) -> Result<(Arc<dyn ExecutionPlan>, SessionState)> {
        let state = state::session_state(self, &ctx.session);
        // Both steps go as deep as the query does.
        let optimized = self.optimize_in(plan, ctx, &state)?;
        let physical = plan_physical(&optimized, &state).await;
        if let Err(error) = &physical
            && error
                .to_string()
                .contains("does not satisfy order requirements")
        {
            // DataFusion cannot always sort the inputs of a union one by one, and finds out at the end.
            // Sorting them together always works.
            let mut state = state;
            let options = state.config_mut().options_mut();
            options.optimizer.repartition_sorts = false;
            let physical = plan_physical(&optimized, &state).await;
            return Ok((physical.map_err(sql_error)?, state));
        }
        Ok((physical.map_err(sql_error)?, state))
    }

    /// The optimized plan of a query, as EXPLAIN shows it.
    pub(crate) fn optimized(
        &self,
        plan: &LogicalPlan,
        ctx: &StatementContext,
    ) -> Result<LogicalPlan> {
        let state = state::session_state(self, &ctx.session);
        self.optimize_in(plan, ctx, &state)
    }

    fn optimize_in(
        &self,
        plan: &LogicalPlan,
        ctx: &StatementContext,
        state: &SessionState,
    ) -> Result<LogicalPlan> {
        deep(|| {
            let lowered = lower::lower(self, plan, ctx)?;
            let analyzed = state
                .analyzer()
                .execute_and_check(lowered, state.config_options(), |_, _| {})
                .map_err(sql_error)?;
            Optimizer::with_rules(crate::rules::optimizer_rules())
                .optimize(analyzed, state, |_, _| {})
                .map_err(sql_error)
        })
    }

    pub(crate) async fn run(
        &self,
        plan: &LogicalPlan,
        ctx: &StatementContext,
    ) -> Result<RowStream> {
        let cancel = ctx.cancel.clone();
        // A small one is done sooner than another thread has woken up.
        if Small::of(self, plan, ctx).is_some() {
            let stream = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(canceled()),
                stream = self.execute_stream(plan, ctx) => stream?,
            };
            return Ok(rows(stream, cancel));
        }
        let (engine, plan, own) = (self.clone(), plan.clone(), ctx.clone());
        let started = self
            .config
            .threads
            .run(async move { engine.execute_stream(&plan, &own).await });
        let stream = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(canceled()),
            stream = started => stream?,
        };
        Ok(self
            .config
            .threads
            .pump(rows(stream, cancel.clone()), cancel))
    }

    /// What system relations are computed from, in a statement.
    pub(crate) fn system_context(&self, ctx: &StatementContext) -> SystemContext {
        SystemContext {
            session: ctx.session.clone(),
            live: self.live.clone(),
            functions: crate::proc_list::functions(),
        }
    }
}

async fn plan_physical(
    optimized: &LogicalPlan,
    state: &SessionState,
) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    let planner = state.query_planner();
    let plan = DeepFuture(planner.create_physical_plan(optimized, state)).await?;
    match state.config().get_extension::<BuiltKeys>() {
        Some(built) => collect_keys(plan, &built),
        None => Ok(plan),
    }
}

/// The engine's stream as a client's: errors in the client's words, stopped when cancelled.
pub(crate) fn rows(stream: SendableRecordBatchStream, cancel: CancellationToken) -> RowStream {
    futures::stream::unfold(Some((stream, cancel)), |state| async move {
        let (mut stream, cancel) = state?;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Some((Err(canceled()), None)),
            next = stream.next() => match next? {
                Ok(batch) => Some((Ok(batch), Some((stream, cancel)))),
                Err(error) => Some((Err(sql_error(error)), None)),
            },
        }
    })
    .boxed()
}

/// A future that is polled on a stack that deep plans do not overflow.
struct DeepFuture<F>(F);

impl<F: Future + Unpin> Future for DeepFuture<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        deep(|| Pin::new(&mut self.0).poll(cx))
    }
}
