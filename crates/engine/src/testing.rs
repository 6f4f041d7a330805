//! What the engine's unit tests share: a table, its segments, a plain DataFusion session over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use datafusion::prelude::{SessionConfig, SessionContext};
use lw_base::{Oid, Result, SegmentId};
use lw_catalog::*;
use lw_pgrepr::SqlType;
use lw_storage::{SegmentIds, SegmentStore, WriteOptions, Written};

use crate::scan::SegmentTable;

/// Ids from 1.
#[derive(Default)]
pub(crate) struct Ids(AtomicU64);

#[async_trait]
impl SegmentIds for Ids {
    async fn segment_ids(&self, count: u64) -> Result<SegmentId> {
        Ok(SegmentId(self.0.fetch_add(count, Ordering::Relaxed) + 1))
    }
}

/// A column without frills; its id is given by [`relation`].
pub(crate) fn column(name: &str, sql_type: SqlType) -> Column {
    Column {
        id: 0,
        name: name.into(),
        sql_type,
        not_null: false,
        default: None,
        added_default: None,
        identity: None,
        encoding: "raw".into(),
        encoding_explicit: false,
        case_insensitive: false,
    }
}

/// A table with these columns, numbered from 1.
pub(crate) fn relation(mut columns: Vec<Column>, dist: DistStyle, sort: SortKey) -> Relation {
    for (i, c) in columns.iter_mut().enumerate() {
        c.id = i as u32 + 1;
    }
    Relation {
        oid: Oid(100_001),
        schema: Oid(2200),
        name: "t".into(),
        owner: Oid(100),
        kind: RelationKind::Table(TableDef {
            dist,
            sort,
            temporary: false,
            backup: true,
            next_column_id: columns.len() as u32 + 1,
            slices: SLICES_PER_TABLE,
            constraints: vec![],
        }),
        columns,
        acl: Acl::default(),
        created_at: 0,
    }
}

/// A table and what it holds.
pub(crate) struct Fixture {
    pub store: SegmentStore,
    pub relation: Arc<Relation>,
    pub data: TableData,
    pub ids: Arc<Ids>,
    directory: Arc<tempfile::TempDir>,
}

impl Fixture {
    pub(crate) fn new(relation: Relation) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        Fixture {
            store: SegmentStore::open(directory.path()).unwrap(),
            relation: Arc::new(relation),
            data: TableData::default(),
            ids: Arc::new(Ids::default()),
            directory: Arc::new(directory),
        }
    }

    /// The same table, to be changed apart.
    pub(crate) fn clone_of(other: &Fixture) -> Fixture {
        Fixture {
            store: other.store.clone(),
            relation: other.relation.clone(),
            data: other.data.clone(),
            ids: other.ids.clone(),
            directory: other.directory.clone(),
        }
    }

    /// Writes rows; the segments join the table.
    pub(crate) async fn insert(
        &mut self,
        columns: Vec<ArrayRef>,
        options: WriteOptions,
    ) -> Written {
        let mut writer = self
            .store
            .writer(&self.relation, self.ids.clone(), options)
            .unwrap();
        let fields: Vec<_> = self
            .relation
            .columns
            .iter()
            .map(|c| c.sql_type.field(&c.name, true))
            .collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        let batch = RecordBatch::try_new(schema, columns).unwrap();
        for start in (0..batch.num_rows()).step_by(8_192) {
            let len = (batch.num_rows() - start).min(8_192);
            let rows = batch.slice(start, len);
            writer.write(rows.columns().to_vec()).await.unwrap();
        }
        let written = writer.finish().await.unwrap();
        for s in &written.segments {
            self.data.segments.insert(s.id, s.clone());
        }
        let before = self.data.row_count() - written.rows;
        self.data.stats = Arc::new(written.sketch.add_to(
            &self.data.stats,
            before,
            &self.relation.columns,
        ));
        written
    }

    /// Marks rows of a segment as deleted.
    pub(crate) fn delete(&mut self, segment: SegmentId, rows: impl IntoIterator<Item = u64>) {
        let old = self.data.segments.get(&segment).unwrap();
        let mut deleted = lw_storage::deletes::of(old).unwrap();
        deleted.extend(rows);
        let mut new = Segment::clone(old);
        new.deleted_rows = deleted.len();
        new.deleted = lw_storage::deletes::encode(&deleted).unwrap();
        self.data.segments.insert(segment, Arc::new(new));
    }

    /// A session in which the table is `t`, and with row ids `t_rows`.
    pub(crate) fn session(&self) -> SessionContext {
        let mut config = SessionConfig::new().with_target_partitions(2);
        config.options_mut().execution.parquet.pushdown_filters = true;
        let ctx = SessionContext::new_with_config(config);
        for (name, row_ids) in [("t", false), ("t_rows", true)] {
            let table = SegmentTable::new(
                self.relation.clone(),
                row_ids,
                Arc::new(self.data.clone()),
                self.store.clone(),
            );
            ctx.register_table(name, Arc::new(table)).unwrap();
        }
        ctx
    }

    /// Runs a query and gives its rows, values as text separated by `|`, NULL as `-`.
    pub(crate) async fn query(&self, sql: &str) -> Vec<String> {
        let batches = self.session().sql(sql).await.unwrap().collect().await;
        rows_text(&batches.unwrap())
    }
}

/// Rows as text.
pub(crate) fn rows_text(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let mut out = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            out.push(values.join("|"));
        }
    }
    out
}

/// An engine, a catalog with one table, and what a leader would do with effects.
pub(crate) struct Warehouse {
    pub engine: crate::Engine,
    pub catalog: CatalogSnapshot,
    pub table: Oid,
    ids: Arc<Ids>,
    _directory: tempfile::TempDir,
}

#[async_trait]
impl crate::IdSource for Ids {
    async fn segment_ids(&self, count: u64) -> Result<SegmentId> {
        SegmentIds::segment_ids(self, count).await
    }

    async fn oids(&self, count: u32) -> Result<Oid> {
        Ok(Oid(self.0.fetch_add(count.into(), Ordering::Relaxed) as u32))
    }

    async fn identity(&self, _: Oid, _: u32, seed: i64, step: i64, count: u64) -> Result<i64> {
        let taken = self.0.fetch_add(count << 32, Ordering::Relaxed) >> 32;
        Ok(seed + step * taken as i64)
    }
}

#[derive(Debug)]
struct NoBuckets;

#[async_trait]
impl lw_services::buckets::BucketResolver for NoBuckets {
    async fn open(
        &self,
        bucket: &str,
        _: Option<&str>,
        _: &lw_services::buckets::BucketIdentity,
    ) -> Result<Arc<dyn lw_services::buckets::Bucket>, lw_services::buckets::BucketError> {
        Err(lw_services::buckets::BucketError::new(
            404,
            "NoSuchBucket",
            bucket,
        ))
    }
}

impl Warehouse {
    pub(crate) fn new(relation: Relation) -> Warehouse {
        let directory = tempfile::tempdir().unwrap();
        let parts = crate::EngineParts {
            segments: SegmentStore::open(&directory.path().join("segments")).unwrap(),
            config: crate::EngineConfig {
                memory_bytes: 256 << 20,
                partitions: 2,
                spill_dir: directory.path().join("spill"),
                threads: crate::Threads::none(),
            },
            live: Arc::new(lw_sysviews::NoLiveState),
            events: lw_events::EventLog::in_memory(),
            buckets: Arc::new(NoBuckets),
        };
        let mut catalog = CatalogSnapshot::default();
        let table = relation.oid;
        catalog
            .apply(&Change::PutRelation(Arc::new(relation)))
            .unwrap();
        Warehouse {
            engine: crate::Engine::new(parts).unwrap(),
            catalog,
            table,
            ids: Arc::new(Ids::default()),
            _directory: directory,
        }
    }

    pub(crate) fn ctx(&self) -> crate::StatementContext {
        crate::StatementContext {
            session: Arc::new(lw_settings::SessionInfo {
                catalog: self.catalog.clone(),
                database: Oid(1),
                user: Oid(100),
                session_user: Oid(100),
                temp_schema: Oid(2),
                search_path: vec![],
                settings: Default::default(),
                pid: 1,
                xid: lw_base::TxnId(1),
                query_id: 1,
                transaction_start: 0,
                statement_start: 0,
                last_copy_count: 0,
                last_copy_id: -1,
                last_query_id: -1,
                last_unload_count: 0,
            }),
            ids: self.ids.clone(),
            cancel: Default::default(),
        }
    }

    pub(crate) fn relation(&self) -> Arc<Relation> {
        self.catalog.relation(self.table).unwrap().clone()
    }

    pub(crate) fn data(&self) -> Arc<TableData> {
        self.catalog.table_data(self.table)
    }

    /// What the leader does at commit.
    pub(crate) fn commit(&mut self, effect: crate::Effect) -> u64 {
        self.catalog.apply_all(&effect.changes).unwrap();
        effect.rows
    }

    pub(crate) async fn dml(&mut self, plan: lw_sql_plan::DmlPlan) -> Result<u64> {
        let effect = self.engine.dml(&plan, &self.ctx()).await?;
        Ok(self.commit(effect))
    }

    pub(crate) async fn maintain(&mut self, plan: lw_sql_plan::MaintainPlan) -> Result<u64> {
        let effect = self.engine.maintain(&plan, &self.ctx()).await?;
        Ok(self.commit(effect))
    }

    /// INSERT of rows given as whole columns.
    pub(crate) async fn insert(&mut self, columns: Vec<ArrayRef>) -> Result<u64> {
        let relation = self.relation();
        let fields: Vec<_> = relation
            .columns
            .iter()
            .map(|c| c.sql_type.field(&c.name, true))
            .collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        let batch = RecordBatch::try_new(schema, columns).unwrap();
        let mut loader =
            crate::dml::Loader::of_whole_rows(&self.engine, relation, &self.ctx()).unwrap();
        for start in (0..batch.num_rows()).step_by(8_192) {
            let len = (batch.num_rows() - start).min(8_192);
            loader.write(&batch.slice(start, len)).await?;
        }
        let effect = loader.finish().await?;
        Ok(self.commit(effect))
    }

    /// A plan over the table (`t`), row ids included.
    pub(crate) fn scan(&self) -> datafusion::logical_expr::LogicalPlanBuilder {
        let source = lw_sql_plan::source::CatalogTable::new(self.relation(), true);
        datafusion::logical_expr::LogicalPlanBuilder::scan("t", Arc::new(source), None).unwrap()
    }

    /// Rows of the table, columns as SQL, with an optional tail (`where ... order by ...`).
    pub(crate) async fn query(&self, sql: &str) -> Vec<String> {
        let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        let table = SegmentTable::new(
            self.relation(),
            true,
            self.data(),
            self.engine.segments.clone(),
        );
        ctx.register_table("t", Arc::new(table)).unwrap();
        rows_text(&ctx.sql(sql).await.unwrap().collect().await.unwrap())
    }
}
