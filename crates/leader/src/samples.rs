//! The sample database: made table by table after the first start, each in a transaction of its
//! own, so that a start that was interrupted goes on where it stopped.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use lw_base::{Result, SqlError};
use lw_catalog::{Change, Database, Isolation};
use lw_samples::SampleTable;

use crate::bootstrap;
use crate::service::Leader;

/// Name of the sample database.
pub const SAMPLE_DATABASE: &str = "sample_data_dev";
/// TPC-H scale of the sample.
const TPCH_SCALE: f64 = 0.01;
/// Owner of the sample database.
const OWNER: &str = "rdsdb";

impl Leader {
    /// Makes what is missing of the sample database, and then makes it read-only.
    pub async fn load_samples(&self) -> Result<()> {
        let txns = &self.shared().txns;
        let catalog = txns.current();
        let database = match catalog.database_named(SAMPLE_DATABASE) {
            Some(database) if database.read_only => return Ok(()),
            Some(database) => database.clone(),
            None => self.make_sample_database().await?,
        };
        let mut session = self.internal_session(OWNER, SAMPLE_DATABASE)?;
        for schema in [lw_samples::TICKIT, lw_samples::TPCH] {
            session
                .run_sql(&format!(
                    "create schema if not exists {schema}; \
                     grant usage on schema {schema} to public"
                ))
                .await?;
        }
        for table in lw_samples::all() {
            let catalog = txns.current();
            let loaded = catalog
                .schema_named(database.oid, table.schema)
                .and_then(|s| catalog.relation_named(s.oid, table.name))
                .is_some_and(|r| catalog.table_data(r.oid).row_count() > 0);
            if loaded {
                continue;
            }
            session
                .run_sql(&format!(
                    "drop table if exists {schema}.{name}; {ddl}; \
                     grant select on {schema}.{name} to public",
                    schema = table.schema,
                    name = table.name,
                    ddl = table.ddl(),
                ))
                .await?;
            let batches = generate(table).await?;
            let rows = session.load(table.schema, table.name, batches).await?;
            tracing::info!(table = table.name, rows, "sample table loaded");
        }
        session.run_sql("analyze").await?;
        let mut txn = txns.begin(Isolation::Serializable, false);
        let done = Database {
            read_only: true,
            ..Database::clone(&database)
        };
        txn.apply(vec![Change::PutDatabase(Arc::new(done))])?;
        txn.commit().await?;
        Ok(())
    }

    /// Loads the sample schema `tickit` into a database's schema `public`, as its owner's tables
    /// (Management Guide, L4627). What is there already stays.
    pub async fn load_tickit(&self, database: &str, owner: &str) -> Result<()> {
        let mut session = self.internal_session(owner, database)?;
        for table in lw_samples::of_schema(lw_samples::TICKIT) {
            let catalog = self.shared().txns.current();
            let there = catalog
                .database_named(database)
                .and_then(|d| catalog.schema_named(d.oid, "public"))
                .and_then(|s| catalog.relation_named(s.oid, table.name))
                .is_some_and(|r| catalog.table_data(r.oid).row_count() > 0);
            if there {
                continue;
            }
            session
                .run_sql(&format!(
                    "drop table if exists public.\"{}\"; {}",
                    table.name,
                    table.ddl_in("public")
                ))
                .await?;
            session
                .load("public", table.name, generate(table).await?)
                .await?;
        }
        session.run_sql("analyze").await
    }

    async fn make_sample_database(&self) -> Result<Arc<Database>> {
        let txns = &self.shared().txns;
        let first = txns.ids().oids(2).await?;
        let mut txn = txns.begin(Isolation::Serializable, false);
        txn.apply(bootstrap::database(
            first,
            lw_base::Oid(first.0 + 1),
            SAMPLE_DATABASE,
            bootstrap::RDSDB,
            Isolation::Serializable,
        ))?;
        txn.commit().await?;
        txns.current()
            .database_named(SAMPLE_DATABASE)
            .cloned()
            .ok_or_else(|| SqlError::internal("the sample database is gone"))
    }
}

/// Generating burns a processor: it is done beside the tasks that serve clients.
async fn generate(table: &'static SampleTable) -> Result<Vec<RecordBatch>> {
    tokio::task::spawn_blocking(move || table.batches(TPCH_SCALE).collect())
        .await
        .map_err(SqlError::internal)?
}
