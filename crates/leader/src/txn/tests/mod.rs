//! Tests of transactions, on a real store.
#![allow(clippy::unwrap_used)]

mod commit;
mod history;
mod isolation;
mod locks;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use lw_base::{Oid, Result, SegmentId, SliceId};
use lw_catalog::*;
use lw_catalog_sql::SqliteStore;
use lw_pgrepr::SqlType;
use roaring::RoaringTreemap;
use tokio_util::sync::CancellationToken;

use super::*;

const DEV: Oid = Oid(100);
const PUBLIC: Oid = Oid(2200);
const A: Oid = Oid(100_001);
const B: Oid = Oid(100_002);

/// A warehouse with tables `a` and `b` of one IDENTITY column each.
struct Warehouse {
    manager: Arc<TransactionManager>,
    dir: tempfile::TempDir,
}

impl Warehouse {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("catalog"))
            .await
            .unwrap();
        let manager = TransactionManager::open(store).await.unwrap();
        let mut t = manager.begin(Isolation::Serializable, false);
        t.apply(vec![
            database(),
            schema(PUBLIC, "public"),
            table(A, "a"),
            table(B, "b"),
        ])
        .unwrap();
        t.commit().await.unwrap();
        Warehouse { manager, dir }
    }

    /// As after a crash: a second manager over the same file.
    async fn reopen(self) -> Self {
        let store = SqliteStore::open(&self.dir.path().join("catalog"))
            .await
            .unwrap();
        Warehouse {
            manager: TransactionManager::open(store).await.unwrap(),
            dir: self.dir,
        }
    }

    fn begin(&self) -> Transaction {
        self.manager.begin(Isolation::Serializable, false)
    }

    fn begin_snapshot(&self) -> Transaction {
        self.manager.begin(Isolation::Snapshot, false)
    }

    /// A segment with ten rows, committed.
    async fn fill(&self, table: Oid) -> SegmentId {
        let mut t = self.begin();
        let id = insert(&mut t, table).await;
        t.commit().await.unwrap();
        id
    }
}

fn database() -> Change {
    Change::PutDatabase(Arc::new(Database {
        oid: DEV,
        name: "dev".into(),
        owner: Oid(1),
        isolation: Isolation::Serializable,
        connection_limit: None,
        read_only: false,
        case_sensitive: true,
    }))
}

fn schema(oid: Oid, name: &str) -> Change {
    Change::PutSchema(Arc::new(Schema {
        oid,
        database: DEV,
        name: name.into(),
        owner: Oid(1),
        quota_bytes: None,
        acl: Acl::default(),
    }))
}

fn relation(oid: Oid, name: &str) -> Relation {
    Relation {
        oid,
        schema: PUBLIC,
        name: name.into(),
        owner: Oid(1),
        kind: RelationKind::Table(TableDef {
            dist: DistStyle::Even,
            sort: SortKey::None,
            temporary: false,
            backup: true,
            next_column_id: 2,
            slices: 2,
            constraints: vec![],
        }),
        columns: vec![Column {
            id: 1,
            name: "id".into(),
            sql_type: SqlType::Int8,
            not_null: true,
            default: None,
            added_default: None,
            identity: Some(Identity {
                seed: 1,
                step: 1,
                by_default: false,
            }),
            encoding: "raw".into(),
            encoding_explicit: false,
            case_insensitive: false,
        }],
        acl: Acl::default(),
        created_at: 0,
    }
}

fn table(oid: Oid, name: &str) -> Change {
    Change::PutRelation(Arc::new(relation(oid, name)))
}

fn view(oid: Oid, name: &str, reads: Oid) -> Change {
    let mut view = relation(oid, name);
    view.kind = RelationKind::View(ViewDef {
        query: "select 1".into(),
        late_binding: false,
        search_path: vec![],
        depends_on: vec![reads],
    });
    Change::PutRelation(Arc::new(view))
}

fn segment(id: SegmentId) -> Arc<Segment> {
    Arc::new(Segment {
        id,
        slice: SliceId(0),
        place: Place::File(format!("{id}.vortex")),
        rows: 10,
        bytes: 100,
        sorted: true,
        columns: BTreeMap::new(),
        deleted: Bytes::new(),
        deleted_rows: 0,
    })
}

/// Changes of a DELETE of these rows, as the transaction sees the segment.
fn delete_change(t: &mut Transaction, table: Oid, segment: SegmentId, rows: &[u64]) -> Change {
    let data = t.snapshot().table_data(table);
    let seen = &data.segments[&segment].deleted;
    let mut all = match seen.is_empty() {
        true => RoaringTreemap::new(),
        false => RoaringTreemap::deserialize_from(&seen[..]).unwrap(),
    };
    all.extend(rows.iter().copied());
    let mut bytes = Vec::new();
    all.serialize_into(&mut bytes).unwrap();
    Change::SetDeleted {
        table,
        segment,
        deleted: bytes.into(),
        deleted_rows: all.len(),
    }
}

/// INSERT INTO table VALUES ...
async fn insert(t: &mut Transaction, table: Oid) -> SegmentId {
    let id = t.manager().ids().segment_ids(1).await.unwrap();
    t.record_write(table, WriteKind::Insert);
    t.apply(vec![Change::AddSegments {
        table,
        segments: vec![segment(id)],
    }])
    .unwrap();
    id
}

/// SELECT FROM table
fn select(t: &mut Transaction, table: Oid) -> u64 {
    t.record_read(table);
    t.snapshot().table_data(table).row_count()
}

/// DELETE FROM table WHERE (it is one of these rows), with its lock.
async fn delete(t: &mut Transaction, table: Oid, segment: SegmentId, rows: &[u64]) -> Result<()> {
    t.lock(table, LockMode::Write, &CancellationToken::new())
        .await?;
    let change = delete_change(t, table, segment, rows);
    t.record_write(table, WriteKind::Modify);
    t.apply(vec![change])
}

fn state<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().state.0
}
