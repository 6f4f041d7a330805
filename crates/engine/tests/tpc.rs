//! Every query of TPC-H and TPC-DS is planned and run, over empty tables: what the grammar, the
//! planner or the optimizer cannot do shows here, in seconds.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use lw_base::{Oid, Result, SegmentId, TxnId};
use lw_catalog::*;
use lw_engine::{Engine, EngineConfig, EngineParts, IdSource, StatementContext};
use lw_pgrepr::SqlType;
use lw_services::buckets::{Bucket, BucketError, BucketIdentity, BucketResolver};
use lw_settings::SessionInfo;
use lw_sql_plan::{PlanContext, plan_query};
use lw_storage::SegmentStore;

struct NoIds;

#[async_trait]
impl IdSource for NoIds {
    async fn segment_ids(&self, _count: u64) -> Result<SegmentId> {
        Ok(SegmentId(1))
    }
    async fn oids(&self, _count: u32) -> Result<Oid> {
        Ok(Oid(200_000))
    }
    async fn identity(&self, _: Oid, _: u32, seed: i64, _: i64, _: u64) -> Result<i64> {
        Ok(seed)
    }
}

#[derive(Debug)]
struct NoBuckets;

#[async_trait]
impl BucketResolver for NoBuckets {
    async fn open(
        &self,
        _bucket: &str,
        _region: Option<&str>,
        _identity: &BucketIdentity,
    ) -> Result<Arc<dyn Bucket>, BucketError> {
        unreachable!("a query reads no bucket")
    }
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tpc")
}

fn sql_type(name: &str) -> SqlType {
    match name.split('(').next().unwrap_or(name) {
        "VARCHAR" => SqlType::Varchar(256),
        "BIGINT" => SqlType::Int8,
        "INTEGER" => SqlType::Int4,
        "DATE" => SqlType::Date,
        "TIME" => SqlType::Time,
        "DECIMAL" => {
            let args: Vec<i32> = name[8..name.len() - 1]
                .split(',')
                .map(|a| a.trim().parse().unwrap())
                .collect();
            SqlType::Numeric(args[0] as u8, args[1] as i8)
        }
        other => panic!("type {other}"),
    }
}

/// Tables of `CREATE TABLE name(column TYPE, ...);` lines.
fn catalog(ddl: &str) -> CatalogSnapshot {
    let mut snapshot = CatalogSnapshot::default();
    let user = User {
        oid: Oid(100),
        name: "awsuser".into(),
        superuser: true,
        create_db: true,
        credential: None,
        valid_until: None,
        connection_limit: None,
        session_timeout_s: None,
        settings: Default::default(),
        syslog_unrestricted: true,
    };
    let database = Database {
        oid: Oid(1000),
        name: "dev".into(),
        owner: Oid(100),
        isolation: Isolation::Snapshot,
        connection_limit: None,
        read_only: false,
        case_sensitive: true,
    };
    let schema = Schema {
        oid: Oid(2200),
        database: Oid(1000),
        name: "public".into(),
        owner: Oid(100),
        quota_bytes: None,
        acl: Acl::default(),
    };
    let mut changes = vec![
        Change::PutUser(Arc::new(user)),
        Change::PutDatabase(Arc::new(database)),
        Change::PutSchema(Arc::new(schema)),
    ];
    for (i, line) in ddl
        .lines()
        .filter(|l| l.starts_with("CREATE TABLE"))
        .enumerate()
    {
        let rest = line
            .trim_start_matches("CREATE TABLE ")
            .trim_end_matches(';');
        let (name, columns) = rest.split_once('(').unwrap();
        let columns = columns.rsplit_once(')').unwrap().0;
        let mut parsed = Vec::new();
        for (id, column) in columns.split(", ").enumerate() {
            let mut words = column.split(' ');
            let (column, t) = (words.next().unwrap(), words.next().unwrap());
            parsed.push(Column {
                id: id as u32 + 1,
                name: column.trim_matches('"').into(),
                sql_type: sql_type(t),
                not_null: false,
                default: None,
                added_default: None,
                identity: None,
                encoding: "raw".into(),
                encoding_explicit: false,
                case_insensitive: false,
            });
        }
        let def = TableDef {
            dist: DistStyle::Even,
            sort: SortKey::None,
            temporary: false,
            backup: true,
            next_column_id: parsed.len() as u32 + 1,
            slices: 2,
            constraints: Vec::new(),
        };
        changes.push(Change::PutRelation(Arc::new(Relation {
            oid: Oid(100_001 + i as u32),
            schema: Oid(2200),
            name: name.trim_matches('"').into(),
            owner: Oid(100),
            kind: RelationKind::Table(def),
            columns: parsed,
            acl: Acl::default(),
            created_at: 0,
        })));
    }
    snapshot.apply_all(changes.iter()).unwrap();
    snapshot
}

fn session(catalog: CatalogSnapshot) -> Arc<SessionInfo> {
    Arc::new(SessionInfo {
        catalog,
        database: Oid(1000),
        user: Oid(100),
        session_user: Oid(100),
        temp_schema: Oid(1),
        search_path: vec!["public".into()],
        settings: Default::default(),
        pid: 1,
        xid: TxnId(1),
        query_id: 1,
        transaction_start: 0,
        statement_start: 0,
        last_copy_count: 0,
        last_copy_id: -1,
        last_query_id: -1,
        last_unload_count: 0,
    })
}

fn engine(spill: &Path) -> Engine {
    let config = EngineConfig {
        memory_bytes: 1 << 30,
        partitions: 2,
        spill_dir: spill.to_path_buf(),
        threads: lw_engine::Threads::none(),
    };
    let parts = EngineParts {
        segments: SegmentStore::in_memory(),
        config,
        live: Arc::new(lw_sysviews::NoLiveState),
        events: lw_events::EventLog::in_memory(),
        buckets: Arc::new(NoBuckets),
    };
    Engine::new(parts).unwrap()
}

async fn run(engine: &Engine, session: &Arc<SessionInfo>, text: &str) -> Result<usize> {
    let query = lw_sql_syntax::parse_query(text.trim().trim_end_matches(';'))?;
    let planned = plan_query(&query, &PlanContext::new(session.clone(), Vec::new()))?;
    let ctx = StatementContext {
        session: session.clone(),
        ids: Arc::new(NoIds),
        cancel: Default::default(),
    };
    let batches: Vec<_> = engine
        .query(&planned.logical, &ctx)
        .await?
        .try_collect()
        .await?;
    for batch in &batches {
        assert_eq!(batch.num_columns(), planned.columns.len());
        for (column, array) in planned.columns.iter().zip(batch.columns()) {
            assert_eq!(
                &column.sql_type.arrow(),
                array.data_type(),
                "{}",
                column.name
            );
        }
    }
    Ok(batches.iter().map(|b| b.num_rows()).sum())
}

async fn all(family: &str) {
    let dir = dir().join(family);
    let session = session(catalog(
        &std::fs::read_to_string(dir.join("schema.ddl")).unwrap(),
    ));
    let spill = tempfile::tempdir().unwrap();
    let engine = engine(spill.path());
    let mut names: Vec<_> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "sql"))
        .collect();
    names.sort();
    let mut failed = Vec::new();
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        if let Err(error) = run(&engine, &session, &text).await {
            failed.push(format!(
                "{}: {error}",
                path.file_stem().unwrap().to_string_lossy()
            ));
        }
    }
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[tokio::test]
async fn tpch_runs() {
    all("tpch").await;
}

#[tokio::test]
async fn tpcds_runs() {
    all("tpcds").await;
}
