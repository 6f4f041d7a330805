//! What every catalog store must do, as functions over the trait, run against each store.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use lw_base::{Oid, SegmentId, SliceId, Version};
use lw_catalog::*;
use lw_catalog_sql::SqliteStore;
use lw_pgrepr::SqlType;

async fn open(path: &Path) -> Arc<dyn CatalogStore> {
    SqliteStore::open(path).await.unwrap()
}

fn database() -> Change {
    Change::PutDatabase(Arc::new(Database {
        oid: Oid(100_000),
        name: "dev".into(),
        owner: Oid(100),
        isolation: Isolation::Serializable,
        connection_limit: None,
        read_only: false,
        case_sensitive: true,
    }))
}

fn schema(oid: u32, name: &str) -> Change {
    Change::PutSchema(Arc::new(Schema {
        oid: Oid(oid),
        database: Oid(100_000),
        name: name.into(),
        owner: Oid(100),
        quota_bytes: Some(5),
        acl: Acl(BTreeMap::from([(Oid(0), "U".into())])),
    }))
}

fn table(oid: u32, schema: u32, name: &str, step: i64) -> Change {
    let column = |id: u32, name: &str, identity| Column {
        id,
        name: name.into(),
        sql_type: SqlType::Int8,
        not_null: true,
        default: None,
        added_default: None,
        identity,
        encoding: "az64".into(),
        encoding_explicit: false,
        case_insensitive: false,
    };
    Change::PutRelation(Arc::new(Relation {
        oid: Oid(oid),
        schema: Oid(schema),
        name: name.into(),
        owner: Oid(100),
        kind: RelationKind::Table(TableDef {
            dist: DistStyle::Key(1),
            sort: SortKey::Compound(vec![2, 1]),
            temporary: false,
            backup: true,
            next_column_id: 3,
            slices: 2,
            constraints: vec![],
        }),
        columns: vec![
            column(1, "a", None),
            column(
                2,
                "b",
                Some(Identity {
                    seed: 1,
                    step,
                    by_default: false,
                }),
            ),
        ],
        acl: Acl::default(),
        created_at: 17,
    }))
}

fn segment(id: u64, place: Place) -> Arc<Segment> {
    let bounds = |min, max| ColumnBounds {
        min: Some(min),
        max: Some(max),
        nulls: Some(0),
    };
    Arc::new(Segment {
        id: SegmentId(id),
        slice: SliceId((id % 2) as u16),
        place,
        rows: 1000,
        bytes: 4096,
        sorted: true,
        columns: BTreeMap::from([
            (1, bounds(Bound::Int(i64::MIN), Bound::Int(i64::MAX))),
            (
                2,
                bounds(
                    Bound::Text("a'\"\u{1f600}".into()),
                    Bound::Decimal(i128::MAX),
                ),
            ),
        ]),
        deleted: Bytes::new(),
        deleted_rows: 0,
    })
}

fn base_changes() -> Vec<Change> {
    vec![
        database(),
        schema(2200, "public"),
        table(100_001, 2200, "t", 1),
    ]
}

/// All there is, in a form that can be compared.
fn dump(snapshot: &CatalogSnapshot) -> String {
    let databases: Vec<_> = snapshot.databases().collect();
    let schemas: Vec<_> = databases
        .iter()
        .flat_map(|d| snapshot.schemas(d.oid))
        .collect();
    let users: Vec<_> = snapshot.users().collect();
    let groups: Vec<_> = snapshot.groups().collect();
    let relations: Vec<_> = snapshot.relations().collect();
    let data: BTreeMap<_, _> = snapshot.all_table_data().collect();
    format!(
        "{} {databases:?} {users:?} {groups:?} {schemas:?} {relations:?} {data:?} {:?}",
        snapshot.version,
        snapshot.comment(Oid(100_001), 2)
    )
}

/// Commits each list of changes, checks that the store gives back what the snapshot became, both
/// now and after it was opened anew.
async fn check(path: &Path, commits: Vec<Vec<Change>>) {
    let store = open(path).await;
    let mut expected = store.load().await.unwrap();
    for changes in &commits {
        expected.apply_all(changes).unwrap();
        let version = store
            .commit(expected.version, std::slice::from_ref(changes))
            .await;
        expected.version = version.unwrap();
    }
    assert_eq!(dump(&store.load().await.unwrap()), dump(&expected));
    let log = store.log_after(Version(0)).await.unwrap();
    assert_eq!(log.len(), commits.len());
    for ((version, logged), (i, changes)) in log.iter().zip(commits.iter().enumerate()) {
        assert_eq!(version.0, i as u64 + 1);
        // By text: NaN is not equal to itself.
        assert_eq!(format!("{logged:?}"), format!("{changes:?}"));
    }
    drop(store);
    let again = open(path).await.load().await.unwrap();
    assert_eq!(dump(&again), dump(&expected));
}

#[tokio::test]
async fn keeps_every_kind_of_change() {
    let dir = tempfile::tempdir().unwrap();
    let user = User {
        oid: Oid(100),
        name: "awsuser".into(),
        superuser: true,
        create_db: true,
        credential: Some(Credential {
            salt: vec![0, 255],
            sha256: Some(vec![1, 2, 3]),
            md5: None,
        }),
        valid_until: Some(-1),
        connection_limit: Some(3),
        session_timeout_s: None,
        settings: BTreeMap::from([("search_path".into(), "a, b".into())]),
        syslog_unrestricted: false,
    };
    let group = Group {
        oid: Oid(101),
        name: "g".into(),
        members: vec![Oid(100)],
    };
    let t = Oid(100_001);
    let comment = |text: Option<&str>| Change::Comment {
        object: t,
        column: 2,
        text: text.map(str::to_string),
    };
    check(
        &dir.path().join("catalog"),
        vec![
            base_changes(),
            vec![
                Change::PutUser(Arc::new(user)),
                Change::PutGroup(Arc::new(group)),
                comment(Some("first")),
                comment(Some("second")),
            ],
            vec![Change::AddSegments {
                table: t,
                segments: vec![
                    segment(1, Place::File("t/1.vortex".into())),
                    segment(2, Place::Inline(Bytes::from_static(&[0, 1, 2, 255]))),
                    segment(3, Place::Inline(Bytes::new())),
                ],
            }],
            vec![
                Change::SetDeleted {
                    table: t,
                    segment: SegmentId(2),
                    deleted: Bytes::from_static(&[9, 8, 7]),
                    deleted_rows: 5,
                },
                Change::RemoveSegments {
                    table: t,
                    segments: vec![SegmentId(1)],
                },
                Change::PutStats {
                    table: t,
                    stats: Arc::new(TableStats {
                        rows: 7,
                        modified_since: 1,
                        analyzed_at: Some(5),
                        columns: BTreeMap::from([(
                            1,
                            ColumnStats {
                                distinct: Some(3),
                                sketch: Bytes::from_static(&[4, 5]),
                                null_fraction: 0.25,
                                width_bytes: 8.0,
                                histogram: vec![
                                    Bound::Float(f64::NEG_INFINITY),
                                    Bound::Float(0.1),
                                    Bound::Float(f64::INFINITY),
                                    Bound::Float(f64::NAN),
                                    Bound::Int(5),
                                    Bound::Decimal(-1),
                                ],
                            },
                        )]),
                    }),
                },
                Change::AdvanceIdentity {
                    table: t,
                    next: BTreeMap::from([(2, 33)]),
                },
            ],
            // A rename replaces the definition; identity does not go back.
            vec![
                table(100_001, 2200, "renamed", 1),
                Change::AdvanceIdentity {
                    table: t,
                    next: BTreeMap::from([(2, 20)]),
                },
                Change::DropGroup(Oid(101)),
            ],
        ],
    )
    .await;
}

#[tokio::test]
async fn drops_take_everything_along() {
    let dir = tempfile::tempdir().unwrap();
    let t = Oid(100_001);
    let fill = vec![
        Change::AddSegments {
            table: t,
            segments: vec![segment(1, Place::Inline(Bytes::from_static(b"x")))],
        },
        Change::Comment {
            object: t,
            column: 2,
            text: Some("gone".into()),
        },
        Change::AdvanceIdentity {
            table: t,
            next: BTreeMap::from([(2, 5)]),
        },
    ];
    let mut again = vec![Change::DropRelation(t)];
    again.extend(base_changes().into_iter().skip(2));
    check(
        &dir.path().join("catalog"),
        vec![
            base_changes(),
            fill.clone(),
            again,
            fill,
            vec![Change::DropDatabase(Oid(100_000))],
        ],
    )
    .await;
}

#[tokio::test]
async fn identity_goes_down_with_a_negative_step() {
    let dir = tempfile::tempdir().unwrap();
    let advance = |to| {
        vec![Change::AdvanceIdentity {
            table: Oid(100_001),
            next: BTreeMap::from([(2, to)]),
        }]
    };
    let path = dir.path().join("catalog");
    let changes = vec![
        database(),
        schema(2200, "public"),
        table(100_001, 2200, "t", -1),
    ];
    check(&path, vec![changes, advance(-10), advance(-3)]).await;
    let loaded = open(&path).await.load().await.unwrap();
    assert_eq!(loaded.table_data(Oid(100_001)).identity_next[&2], -10);
}

#[tokio::test]
async fn several_transactions_in_one_commit() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("catalog")).await;
    let add = |id| {
        vec![Change::AddSegments {
            table: Oid(100_001),
            segments: vec![segment(id, Place::Inline(Bytes::from(vec![id as u8])))],
        }]
    };
    let version = store
        .commit(Version(0), &[base_changes(), add(1), add(2)])
        .await
        .unwrap();
    assert_eq!(version, Version(3));
    let log = store.log_after(Version(1)).await.unwrap();
    assert_eq!(log, vec![(Version(2), add(1)), (Version(3), add(2))]);
}

#[tokio::test]
async fn a_failed_commit_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("catalog")).await;
    store.commit(Version(0), &[base_changes()]).await.unwrap();
    let before = dump(&store.load().await.unwrap());
    // From a version that is not the newest.
    assert!(
        store
            .commit(Version(0), &[vec![schema(7, "s")]])
            .await
            .is_err()
    );
    assert!(
        store
            .commit(Version(5), &[vec![schema(7, "s")]])
            .await
            .is_err()
    );
    // With a change that cannot be applied, after one that can.
    let missing = Change::RemoveSegments {
        table: Oid(100_001),
        segments: vec![SegmentId(77)],
    };
    assert!(
        store
            .commit(Version(1), &[vec![schema(7, "s"), missing]])
            .await
            .is_err()
    );
    assert_eq!(store.version().await.unwrap(), Version(1));
    assert_eq!(dump(&store.load().await.unwrap()), before);
    // And the store is fine afterwards.
    assert_eq!(
        store
            .commit(Version(1), &[vec![schema(7, "s")]])
            .await
            .unwrap(),
        Version(2)
    );
}

#[tokio::test]
async fn ids_are_never_given_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog");
    let store = open(&path).await;
    assert_eq!(store.reserve_oids(10).await.unwrap(), Oid::FIRST_USER);
    assert_eq!(store.reserve_oids(1).await.unwrap(), Oid(100_010));
    let first = store.reserve_segments(1000).await.unwrap();
    let xid = store.reserve_transactions(5).await.unwrap();
    drop(store);
    let store = open(&path).await;
    assert_eq!(store.reserve_oids(1).await.unwrap(), Oid(100_011));
    assert_eq!(store.reserve_segments(1).await.unwrap().0, first.0 + 1000);
    assert_eq!(store.reserve_transactions(1).await.unwrap().0, xid.0 + 5);
}

#[tokio::test]
async fn the_log_is_bounded_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("catalog")).await;
    let many: Vec<Vec<Change>> = (0..3000)
        .map(|i| vec![schema(3000 + i, &format!("s{i}"))])
        .collect();
    let mut version = Version(0);
    for some in many.chunks(100) {
        version = store.commit(version, some).await.unwrap();
    }
    assert_eq!(version, Version(3000));
    assert!(store.log_after(Version(0)).await.is_err());
    assert_eq!(store.log_after(Version(2500)).await.unwrap().len(), 500);
    assert!(store.log_after(version).await.unwrap().is_empty());
}

#[tokio::test]
async fn ten_thousand_segments_load_quickly() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog");
    let store = open(&path).await;
    store.commit(Version(0), &[base_changes()]).await.unwrap();
    let segments: Vec<_> = (1..=10_000)
        .map(|id| segment(id, Place::File(format!("data/100001/{id}.vortex"))))
        .collect();
    let add = Change::AddSegments {
        table: Oid(100_001),
        segments,
    };
    store.commit(Version(1), &[vec![add]]).await.unwrap();
    drop(store);
    let start = Instant::now();
    let loaded = open(&path).await.load().await.unwrap();
    let took = start.elapsed();
    assert_eq!(loaded.table_data(Oid(100_001)).segments.len(), 10_000);
    println!("opened and loaded in {took:?}");
    // Well under a second where built for speed; this leaves room for a busy machine.
    assert!(took.as_secs_f64() < 2.0, "{took:?}");
}
