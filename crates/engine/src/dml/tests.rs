//! Statements that change rows, as plans.

use std::sync::Arc;

use arrow::array::*;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, case, col, lit};
use lw_base::SqlState;
use lw_catalog::{DistStyle, Identity, Place, SortKey};
use lw_pgrepr::SqlType;
use lw_sql_plan::DmlPlan;

use crate::testing::{Warehouse, column, relation};

fn people() -> Warehouse {
    let mut id = column("id", SqlType::Int8);
    id.identity = Some(Identity {
        seed: 10,
        step: 5,
        by_default: false,
    });
    let mut name = column("name", SqlType::Varchar(20));
    name.not_null = true;
    Warehouse::new(relation(
        vec![id, name, column("age", SqlType::Int4)],
        DistStyle::Even,
        SortKey::None,
    ))
}

fn row_ids() -> Vec<Expr> {
    vec![col("t.__segment"), col("t.__row")]
}

async fn insert(w: &mut Warehouse, rows: &[(Option<&str>, i32)]) -> lw_base::Result<u64> {
    let values = rows
        .iter()
        .map(|(name, age)| {
            let name = datafusion::common::ScalarValue::Utf8View(name.map(str::to_string));
            vec![lit(name), lit(*age)]
        })
        .collect();
    let input = LogicalPlanBuilder::values(values).unwrap().build().unwrap();
    w.dml(DmlPlan::Insert {
        table: w.table,
        columns: vec![2, 3],
        identity: vec![1],
        input,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn insert_makes_identity_and_refuses_null() {
    let mut w = people();
    assert_eq!(
        insert(&mut w, &[(Some("ann"), 30), (Some("bob"), 40)])
            .await
            .unwrap(),
        2
    );
    assert_eq!(insert(&mut w, &[(Some("cid"), 50)]).await.unwrap(), 1);
    assert_eq!(
        w.query("select id, name, age from t order by id").await,
        ["10|ann|30", "15|bob|40", "20|cid|50"]
    );
    let error = insert(&mut w, &[(Some("dan"), 1), (None, 2)])
        .await
        .unwrap_err();
    assert_eq!(error.state, SqlState::NOT_NULL_VIOLATION);
    assert_eq!(error.message, "Cannot insert a NULL value into column name");
    assert_eq!(w.query("select count(*) from t").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn update_and_delete_of_a_few_rows() {
    let mut w = people();
    insert(
        &mut w,
        &[(Some("ann"), 30), (Some("bob"), 40), (Some("cid"), 50)],
    )
    .await
    .unwrap();
    let mut exprs = row_ids();
    exprs.extend([col("t.id"), col("t.name"), col("t.age") + lit(1)]);
    let input = w.scan().filter(col("t.age").gt(lit(35))).unwrap();
    let input = input.project(exprs).unwrap().build().unwrap();
    let update = DmlPlan::Update {
        table: w.table,
        input,
    };
    assert_eq!(w.dml(update.clone()).await.unwrap(), 2);
    assert_eq!(
        w.query("select id, name, age from t order by id").await,
        ["10|ann|30", "15|bob|41", "20|cid|51"]
    );
    // The rows are in another segment now; it goes whole when it is updated again.
    assert_eq!(w.dml(update).await.unwrap(), 2);
    assert_eq!(w.data().segments.len(), 2);
    assert_eq!(w.query("select sum(age) from t").await, ["124"]);

    // A row given twice is deleted once.
    let once = w.scan().filter(col("t.name").eq(lit("ann"))).unwrap();
    let once = once.project(row_ids()).unwrap();
    let twice = once
        .clone()
        .union(once.build().unwrap())
        .unwrap()
        .build()
        .unwrap();
    let delete = DmlPlan::Delete {
        table: w.table,
        input: Some(twice),
    };
    assert_eq!(w.dml(delete).await.unwrap(), 1);
    assert_eq!(
        w.query("select name from t order by 1").await,
        ["bob", "cid"]
    );
    let all = DmlPlan::Delete {
        table: w.table,
        input: None,
    };
    assert_eq!(w.dml(all).await.unwrap(), 2);
    assert!(w.data().segments.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_inserts_updates_and_deletes() {
    let mut w = people();
    insert(
        &mut w,
        &[(Some("ann"), 30), (Some("bob"), 40), (Some("cid"), 50)],
    )
    .await
    .unwrap();
    let action = |age: i32, n: i64| case(col("t.age")).when(lit(age), lit(n));
    let act = action(30, 2)
        .when(lit(40), lit(3i64))
        .otherwise(lit(0i64))
        .unwrap();
    let act = datafusion::logical_expr::cast(act, arrow::datatypes::DataType::Int8);
    let mut exprs = vec![act.alias("__action")];
    exprs.extend(row_ids());
    exprs.extend([col("t.id"), col("t.name"), col("t.age") * lit(10)]);
    let matched = w.scan().project(exprs).unwrap();
    let none = datafusion::common::ScalarValue::UInt64(None);
    let new = LogicalPlanBuilder::values(vec![vec![
        lit(1i8),
        lit(none.clone()),
        lit(none),
        lit(datafusion::common::ScalarValue::Int64(None)),
        lit(datafusion::common::ScalarValue::Utf8View(Some(
            "dora".into(),
        ))),
        lit(60i32),
    ]])
    .unwrap();
    let input = matched
        .union(new.build().unwrap())
        .unwrap()
        .build()
        .unwrap();
    let merge = DmlPlan::Merge {
        table: w.table,
        identity: vec![1],
        input,
    };
    assert_eq!(w.dml(merge).await.unwrap(), 3);
    assert_eq!(
        w.query("select id, name, age from t order by id").await,
        ["10|ann|300", "20|cid|50", "25|dora|60"]
    );
    // Two source rows for one target row.
    let mut exprs = vec![lit(2i8).alias("__action")];
    exprs.extend(row_ids());
    exprs.extend([col("t.id"), col("t.name"), col("t.age")]);
    let once = w.scan().project(exprs).unwrap();
    let twice = once
        .clone()
        .union(once.build().unwrap())
        .unwrap()
        .build()
        .unwrap();
    let merge = DmlPlan::Merge {
        table: w.table,
        identity: vec![1],
        input: twice,
    };
    let error = w.dml(merge).await.unwrap_err();
    assert_eq!(
        error.message,
        "Found multiple matches to update the same tuple."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn large_updates_go_through_files() {
    let mut w = people();
    let n = 50_000i64;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..n)),
        Arc::new(StringViewArray::from_iter_values(
            (0..n).map(|i| format!("name {i}")),
        )),
        Arc::new(Int32Array::from_iter_values((0..n).map(|i| i as i32 % 100))),
    ];
    assert_eq!(w.insert(columns).await.unwrap(), 50_000);
    assert!(
        w.data()
            .segments
            .values()
            .all(|s| matches!(s.place, Place::File(_)))
    );
    assert_eq!(w.data().stats.columns[&3].distinct, Some(100));
    let mut exprs = row_ids();
    exprs.extend([col("t.id"), col("t.name"), col("t.age") + lit(1_000)]);
    let input = w.scan().filter(col("t.age").lt(lit(50))).unwrap();
    let input = input.project(exprs).unwrap().build().unwrap();
    let update = DmlPlan::Update {
        table: w.table,
        input,
    };
    assert_eq!(w.dml(update).await.unwrap(), 25_000);
    assert_eq!(
        w.query("select count(*), count(distinct id), sum(age), min(age) from t")
            .await,
        // 0..100 each 500 times, half of them 1,000 more.
        [format!("50000|50000|{}|50", 500 * 4_950 + 25_000 * 1_000)]
    );
    let input = w.scan().filter(col("t.name").eq(lit("name 77"))).unwrap();
    let input = input.project(row_ids()).unwrap().build().unwrap();
    let delete = DmlPlan::Delete {
        table: w.table,
        input: Some(input),
    };
    assert_eq!(w.dml(delete).await.unwrap(), 1);
    assert_eq!(w.query("select count(*) from t where id = 77").await, ["0"]);
    assert_eq!(w.query("select count(*) from t").await, ["49999"]);
}
