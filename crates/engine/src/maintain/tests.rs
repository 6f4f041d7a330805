//! VACUUM, ANALYZE and folding.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::*;
use datafusion::logical_expr::{col, lit};
use lw_base::clock;
use lw_catalog::{Bound, Change, DistStyle, Place, RelationKind, SortKey};
use lw_pgrepr::SqlType;
use lw_sql_plan::{DmlPlan, MaintainPlan, VacuumKind};
use lw_storage::regions;

use crate::testing::{Warehouse, column, relation};

fn table(dist: DistStyle, sort: SortKey) -> Warehouse {
    Warehouse::new(relation(
        vec![
            column("a", SqlType::Int4),
            column("b", SqlType::Int4),
            column("c", SqlType::Varchar(20)),
        ],
        dist,
        sort,
    ))
}

/// Rows with a = `values`, b = 1000 - a, c a text of a; a divisible by 10 has no c.
async fn add(w: &mut Warehouse, values: impl Iterator<Item = i32>) {
    let a: Vec<i32> = values.collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(a.clone())),
        Arc::new(Int32Array::from_iter_values(a.iter().map(|a| 1_000 - a))),
        Arc::new(StringViewArray::from_iter(
            a.iter().map(|a| (a % 10 != 0).then(|| format!("text {a}"))),
        )),
    ];
    w.insert(columns).await.unwrap();
}

fn vacuum(w: &Warehouse, kind: VacuumKind) -> MaintainPlan {
    MaintainPlan::Vacuum {
        tables: vec![w.table],
        kind,
        threshold_percent: 95,
        boost: false,
    }
}

async fn delete_where_b_below(w: &mut Warehouse, limit: i32) -> u64 {
    let input = w.scan().filter(col("t.b").lt(lit(limit))).unwrap();
    let input = input
        .project(vec![col("t.__segment"), col("t.__row")])
        .unwrap();
    let plan = DmlPlan::Delete {
        table: w.table,
        input: Some(input.build().unwrap()),
    };
    w.dml(plan).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_sorts_and_reclaims() {
    let mut w = table(DistStyle::Key(2), SortKey::Compound(vec![1]));
    add(&mut w, (0..20_000).rev()).await;
    add(&mut w, 10_000..30_000).await;
    let unsorted = regions::of(&w.relation(), &w.data()).unsorted_rows();
    assert!(unsorted >= 19_000, "{unsorted}");
    let gone = delete_where_b_below(&mut w, -28_000).await;
    assert_eq!(gone, 999);
    let before = w
        .query("select count(*), sum(a), sum(b), count(c) from t")
        .await;
    w.maintain(vacuum(&w, VacuumKind::Full)).await.unwrap();
    assert_eq!(
        w.query("select count(*), sum(a), sum(b), count(c) from t")
            .await,
        before
    );
    assert_eq!(regions::of(&w.relation(), &w.data()).unsorted_rows(), 0);
    assert!(
        w.data()
            .segments
            .values()
            .all(|s| s.deleted_rows == 0 && s.sorted)
    );
    // Rows are in order within each segment.
    assert_eq!(
        w.query(
            "select count(*) from (select a, lag(a) over (partition by __segment order by __row) \
             as p from t) where p > a"
        )
        .await,
        ["0"]
    );
    // Nothing is left to do.
    let names: Vec<_> = w.data().segments.keys().copied().collect();
    w.maintain(vacuum(&w, VacuumKind::Full)).await.unwrap();
    assert_eq!(names, w.data().segments.keys().copied().collect::<Vec<_>>());
    let status: Vec<String> = w
        .engine
        .events
        .maintenance()
        .iter()
        .map(|m| m.status.clone())
        .collect();
    assert!(status.contains(&"Finished".to_string()) && status.contains(&"Skipped".to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_only_spares_segments_without_deletes() {
    let mut w = table(DistStyle::Even, SortKey::None);
    add(&mut w, 0..10_000).await;
    add(&mut w, 10_000..20_000).await;
    let gone = delete_where_b_below(&mut w, -14_000).await;
    assert_eq!(gone, 4_999);
    let untouched: Vec<_> = w
        .data()
        .segments
        .values()
        .filter(|s| s.deleted_rows == 0)
        .map(|s| s.id)
        .collect();
    assert!(!untouched.is_empty());
    w.maintain(vacuum(&w, VacuumKind::DeleteOnly))
        .await
        .unwrap();
    assert!(w.data().segments.values().all(|s| s.deleted_rows == 0));
    assert!(
        untouched
            .iter()
            .all(|id| w.data().segments.contains_key(id))
    );
    assert_eq!(w.query("select count(*) from t").await, ["15001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reindex_keeps_every_row() {
    let mut w = table(DistStyle::Even, SortKey::Interleaved(vec![1, 2]));
    add(&mut w, (0..30_000).map(|i| (i * 7_919) % 30_000)).await;
    let before = w
        .query("select count(*), sum(a), count(distinct a) from t")
        .await;
    w.maintain(vacuum(&w, VacuumKind::Reindex)).await.unwrap();
    assert_eq!(
        w.query("select count(*), sum(a), count(distinct a) from t")
            .await,
        before
    );
    assert_eq!(before[0].split('|').next(), Some("30000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn small_inserts_are_folded() {
    let mut w = table(DistStyle::Even, SortKey::Compound(vec![1]));
    for i in 0..40 {
        add(&mut w, std::iter::once(i)).await;
    }
    assert!(super::wants_fold(&w.data()));
    let effect = w.engine.fold(w.table, &w.ctx()).await.unwrap();
    w.commit(effect);
    assert!(w.data().segments.len() <= 2);
    assert!(!super::wants_fold(&w.data()));
    assert_eq!(w.query("select count(*), sum(a) from t").await, ["40|780"]);
    // Many rows become a file, and are counted.
    for i in 0..40 {
        add(&mut w, (i * 100)..(i * 100 + 100)).await;
    }
    let effect = w.engine.fold(w.table, &w.ctx()).await.unwrap();
    w.commit(effect);
    assert!(
        w.data()
            .segments
            .values()
            .all(|s| matches!(s.place, Place::File(_)))
    );
    assert_eq!(w.query("select count(*) from t").await, ["4040"]);
    assert!(w.data().stats.columns[&1].distinct.unwrap() > 3_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_rewrites_the_table() {
    let mut w = table(DistStyle::Even, SortKey::None);
    add(&mut w, (0..20_000).rev()).await;
    let mut new = (*w.relation()).clone();
    if let RelationKind::Table(t) = &mut new.kind {
        t.dist = DistStyle::Key(1);
        t.sort = SortKey::Compound(vec![2]);
    }
    w.catalog
        .apply(&Change::PutRelation(Arc::new(new)))
        .unwrap();
    let effect = w.engine.rewrite(w.table, &w.ctx()).await.unwrap();
    assert_eq!(w.commit(effect), 20_000);
    assert_eq!(
        w.query("select count(*), sum(a) from t").await,
        ["20000|199990000"]
    );
    assert_eq!(regions::of(&w.relation(), &w.data()).unsorted_rows(), 0);
    let slices: HashSet<_> = w.data().segments.values().map(|s| s.slice).collect();
    assert_eq!(slices.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn analyze_counts() {
    let mut w = table(DistStyle::Even, SortKey::None);
    add(&mut w, 0..10_000).await;
    add(&mut w, 0..10).await;
    let analyze = |columns: Vec<u32>| MaintainPlan::Analyze {
        tables: vec![(w.table, columns)],
        predicate_columns: false,
    };
    let all = analyze(vec![]);
    w.maintain(all.clone()).await.unwrap();
    let stats = w.data().stats.clone();
    assert_eq!(stats.rows, 10_010);
    assert_eq!(stats.modified_since, 0);
    assert!(stats.analyzed_at.is_some_and(|t| t <= clock::now_micros()));
    let a = &stats.columns[&1];
    let distinct = a.distinct.unwrap();
    assert!((9_500..=10_010).contains(&distinct), "{distinct}");
    assert_eq!(a.width_bytes, 4.0);
    assert_eq!(a.histogram.len(), 101);
    assert_eq!(a.histogram[0], Bound::Int(0));
    assert_eq!(a.histogram[100], Bound::Int(9_999));
    let Bound::Int(middle) = a.histogram[50] else {
        panic!("{:?}", a.histogram[50]);
    };
    assert!((4_900..=5_100).contains(&middle), "{middle}");
    let c = &stats.columns[&3];
    assert!((c.null_fraction - 0.1).abs() < 0.001, "{}", c.null_fraction);
    // Nothing changed: passed over.
    w.maintain(all).await.unwrap();
    assert_eq!(w.data().stats, stats);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_nobody_reaches_are_collected() {
    let mut w = table(DistStyle::Even, SortKey::None);
    add(&mut w, 0..10_000).await;
    add(&mut w, 0..10_000).await;
    let old: Vec<String> = files(&w);
    let rewritten = w.engine.rewrite(w.table, &w.ctx()).await.unwrap();
    let store = w.engine.segments.clone();
    let reachable: HashSet<String> = old.iter().cloned().collect();
    // Written but not committed: spared while young.
    let done = store.collect(&reachable, 0).await.unwrap();
    assert_eq!((done.files, done.spared > 0), (0, true));
    w.commit(rewritten);
    let reachable: HashSet<String> = files(&w).into_iter().collect();
    let done = store.collect(&reachable, i64::MAX).await.unwrap();
    assert_eq!(done.files as usize, old.len());
    assert_eq!(w.query("select count(*) from t").await, ["20000"]);
}

fn files(w: &Warehouse) -> Vec<String> {
    w.data()
        .segments
        .values()
        .filter_map(|s| match &s.place {
            Place::File(key) => Some(key.clone()),
            Place::Inline(_) => None,
        })
        .collect()
}
