//! Sessions of the service itself: running SQL and loading batches without a client.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::catalog::MemTable;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use futures::TryStreamExt;
use lw_base::{Result, SqlError, SqlState};
use lw_engine::StatementContext;
use lw_services::{Outcome, Session};
use lw_sql_plan::DmlPlan;

use crate::session::LeaderSession;
use crate::txn::{LockMode, WriteKind};

impl LeaderSession {
    /// Runs SQL and forgets its rows. Statements outside BEGIN are committed one by one.
    pub async fn run_sql(&mut self, sql: &str) -> Result<()> {
        for statement in self.parse(sql)? {
            let prepared = self.prepare(&statement, &[]).await?;
            if let Outcome::Rows { mut rows, .. } = self.execute(&prepared, Vec::new()).await? {
                while rows.try_next().await?.is_some() {}
            }
            self.sync().await?;
        }
        Ok(())
    }

    /// Appends batches to a table, whose columns are those of the batches in their order.
    pub async fn load(
        &mut self,
        schema: &str,
        table: &str,
        batches: Vec<RecordBatch>,
    ) -> Result<u64> {
        let Some(first) = batches.first() else {
            return Ok(0);
        };
        self.ensure_transaction(false);
        let catalog = self.catalog_pinned()?;
        let relation = catalog
            .schema_named(self.database, schema)
            .and_then(|s| catalog.relation_named(s.oid, table))
            .ok_or_else(|| {
                SqlError::new(
                    SqlState::UNDEFINED_TABLE,
                    format!("relation \"{schema}.{table}\" does not exist"),
                )
            })?
            .clone();
        let rows = MemTable::try_new(first.schema(), vec![batches]).map_err(SqlError::internal)?;
        let input = LogicalPlanBuilder::scan(table, provider_as_source(Arc::new(rows)), None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(SqlError::internal)?;
        let plan = DmlPlan::Insert {
            table: relation.oid,
            columns: relation.columns.iter().map(|c| c.id).collect(),
            identity: Vec::new(),
            input,
        };
        let ctx = StatementContext {
            session: self.info(catalog, 0),
            ids: self.shared.ids(),
            cancel: Default::default(),
        };
        if let Some(active) = &mut self.active {
            active
                .txn
                .lock(relation.oid, LockMode::Insert, &ctx.cancel)
                .await?;
            active.txn.record_write(relation.oid, WriteKind::Insert);
        }
        let effect = self.shared.engine().dml(&plan, &ctx).await?;
        let count = self.keep(effect, &ctx)?;
        self.sync().await?;
        Ok(count)
    }
}
