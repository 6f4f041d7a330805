//! Scans of files and inline batches, checked through plain DataFusion.

use std::sync::Arc;

use arrow::array::*;
use lw_catalog::{DistStyle, Place, SortKey};
use lw_pgrepr::SqlType;
use lw_storage::WriteOptions;

use crate::testing::{Fixture, column, relation};

fn ints(values: impl IntoIterator<Item = i32>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(values))
}

fn texts(values: impl IntoIterator<Item = String>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

/// (a integer, b varchar) by a, 20,000 rows in files of 4,096 and 3 rows inline.
async fn numbers() -> Fixture {
    let mut f = Fixture::new(relation(
        vec![
            column("a", SqlType::Int4),
            // A name that is another column's name inside files.
            column("c1", SqlType::Varchar(40)),
        ],
        DistStyle::Even,
        SortKey::Compound(vec![1]),
    ));
    let files = WriteOptions {
        segment_rows: 4_096,
        ..WriteOptions::files_only()
    };
    let a = ints((0..20_000).rev());
    let b = texts((0..20_000).rev().map(|i| format!("text number {i}")));
    f.insert(vec![a, b], files).await;
    let (a, b) = (
        ints([20_000, 20_001, 20_002]),
        texts(["x".into(), "y".into(), "z".into()]),
    );
    f.insert(vec![a, b], WriteOptions::default()).await;
    f
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_inline_are_one_table() {
    let f = numbers().await;
    let inline = f
        .data
        .segments
        .values()
        .filter(|s| matches!(s.place, Place::Inline(_)));
    assert_eq!(inline.count(), 1);
    assert_eq!(
        f.query("select count(*), sum(a) from t").await,
        ["20003|200050003"]
    );
    assert_eq!(
        f.query("select a, c1 from t where a between 4095 and 4097 order by a")
            .await,
        [
            "4095|text number 4095",
            "4096|text number 4096",
            "4097|text number 4097"
        ]
    );
    assert_eq!(
        f.query("select c1 from t where a > 19998 order by a").await,
        ["text number 19999", "x", "y", "z"]
    );
    assert_eq!(f.query("select min(a), max(a) from t").await, ["0|20002"]);
    assert_eq!(
        f.query("select upper(c1) from t where c1 like '%9999' order by 1")
            .await,
        ["TEXT NUMBER 19999", "TEXT NUMBER 9999"]
    );
    assert_eq!(f.query("select a from t limit 0").await, [] as [&str; 0]);
    assert_eq!(f.query("select a from t limit 7").await.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_rows_are_not_seen() {
    let mut f = numbers().await;
    let first = *f.data.segments.keys().next().unwrap();
    let rows = f.data.segments[&first].rows;
    f.delete(first, 0..rows - 1);
    let last = f
        .data
        .segments
        .values()
        .find(|s| matches!(s.place, Place::Inline(_)));
    let last = last.unwrap().id;
    f.delete(last, [1]);
    let left = 20_003 - (rows - 1) - 1;
    assert_eq!(f.query("select count(*) from t").await, [left.to_string()]);
    assert_eq!(
        f.query("select count(c1) from t where a >= 0").await,
        [left.to_string()]
    );
    assert_eq!(
        f.query("select a from t where a >= 20000 order by 1").await,
        ["20000", "20002"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn row_ids_name_the_row() {
    let mut f = numbers().await;
    let first = *f.data.segments.keys().next().unwrap();
    f.delete(first, [0, 5]);
    for filter in [
        "a in (17, 18000, 20001)",
        "c1 in ('text number 17', 'text number 18000', 'y')",
    ] {
        let sql = format!("select __segment, __row, a from t_rows where {filter} order by a");
        let found = f.query(&sql).await;
        assert_eq!(found.len(), 3, "{filter}: {found:?}");
        for row in &found {
            let parts: Vec<u64> = row.split('|').map(|p| p.parse().unwrap()).collect();
            let mut one = Fixture::clone_of(&f);
            one.delete(lw_base::SegmentId(parts[0]), [parts[1]]);
            let gone = format!("select count(*) from t where a = {}", parts[2]);
            assert_eq!(one.query(&gone).await, ["0"], "{row}");
            let rest = one.query("select count(*) from t").await;
            assert_eq!(rest, [(20_003 - 2 - 1).to_string()]);
        }
    }
    // Positions of all rows, deleted ones left out.
    let sql = format!(
        "select min(__row), count(*), count(distinct __row) from t_rows where __segment = {}",
        first.0
    );
    let rows = f.data.segments[&first].rows;
    assert_eq!(f.query(&sql).await, [format!("1|{0}|{0}", rows - 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_added_later_and_renames() {
    let mut f = numbers().await;
    let mut new = (*f.relation).clone();
    let mut with_default = column("d", SqlType::Numeric(8, 2));
    with_default.id = 3;
    with_default.added_default = Some("7.5".into());
    let mut plain = column("e", SqlType::Date);
    plain.id = 4;
    new.columns[1].name = "renamed".into();
    new.columns.push(with_default);
    new.columns.push(plain);
    f.relation = Arc::new(new);
    assert_eq!(
        f.query("select a, renamed, d, e from t where a in (1, 20002) order by a")
            .await,
        ["1|text number 1|7.50|-", "20002|z|7.50|-"]
    );
    assert_eq!(
        f.query("select count(*) from t where d > 7 and e is null")
            .await,
        ["20003"]
    );
    assert_eq!(f.query("select count(*) from t where d < 7").await, ["0"]);
    assert_eq!(
        f.query("select count(*) from t_rows where d > 7 and a < 10 and __row >= 0")
            .await,
        ["10"]
    );
    // A dropped column stays in the files, unseen.
    let mut new = (*f.relation).clone();
    new.columns.remove(1);
    f.relation = Arc::new(new);
    assert_eq!(f.query("select * from t where a = 3").await, ["3|7.50|-"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_comes_back_as_it_was() {
    let types = [
        SqlType::Bool,
        SqlType::Int2,
        SqlType::Int4,
        SqlType::Int8,
        SqlType::Numeric(18, 4),
        SqlType::Numeric(38, 10),
        SqlType::Float4,
        SqlType::Float8,
        SqlType::Char(3),
        SqlType::Varchar(20),
        SqlType::Date,
        SqlType::Time,
        SqlType::TimeTz,
        SqlType::Timestamp,
        SqlType::TimestampTz,
        SqlType::Varbyte(9),
    ];
    let columns = types
        .iter()
        .enumerate()
        .map(|(i, t)| column(&format!("x{i}"), *t))
        .collect();
    let mut f = Fixture::new(relation(columns, DistStyle::Key(3), SortKey::None));
    let arrays = || -> Vec<ArrayRef> {
        vec![
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX)])),
            Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)])),
            Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])),
            Arc::new(
                Decimal128Array::from(vec![Some(-1), None, Some(123_456_789_012_345_678)])
                    .with_precision_and_scale(18, 4)
                    .unwrap(),
            ),
            Arc::new(
                Decimal128Array::from(vec![
                    Some(10i128.pow(38) - 1),
                    None,
                    Some(1 - 10i128.pow(38)),
                ])
                .with_precision_and_scale(38, 10)
                .unwrap(),
            ),
            Arc::new(Float32Array::from(vec![Some(f32::NAN), None, Some(-0.5)])),
            Arc::new(Float64Array::from(vec![
                Some(f64::INFINITY),
                None,
                Some(1e-300),
            ])),
            Arc::new(StringViewArray::from(vec![Some("a  "), None, Some("ß")])),
            Arc::new(StringViewArray::from(vec![
                Some(""),
                None,
                Some("longer than twelve b"),
            ])),
            Arc::new(Date32Array::from(vec![Some(-1), None, Some(20_000)])),
            Arc::new(Time64MicrosecondArray::from(vec![
                Some(0),
                None,
                Some(86_399_999_999),
            ])),
            Arc::new(Time64NanosecondArray::from(vec![
                Some(0),
                None,
                Some(86_399_999_999_000),
            ])),
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(-62_135_596_800_000_000),
                None,
                Some(1),
            ])),
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(0), None, Some(253_402_300_799_999_999)])
                    .with_timezone("UTC"),
            ),
            Arc::new(BinaryViewArray::from(vec![
                Some(&b"\x00\xff"[..]),
                None,
                Some(&b""[..]),
            ])),
        ]
    };
    f.insert(arrays(), WriteOptions::files_only()).await;
    f.insert(arrays(), WriteOptions::default()).await;
    let batches = f
        .session()
        .sql("select * from t order by x2, x9")
        .await
        .unwrap();
    let batches = batches.collect().await.unwrap();
    let schema = batches[0].schema();
    for (field, sql_type) in schema.fields().iter().zip(types) {
        assert_eq!(field.data_type(), &sql_type.arrow());
        assert_eq!(SqlType::of_field(field), Some(sql_type));
    }
    let want = RecordBatch::try_new(schema.clone(), arrays()).unwrap();
    let got = arrow::compute::concat_batches(&schema, &batches).unwrap();
    // i32::MIN twice, i32::MAX twice, NULL twice.
    let order = UInt32Array::from(vec![0, 0, 2, 2, 1, 1]);
    let want = arrow::compute::take_record_batch(&want, &order).unwrap();
    for (i, t) in types.iter().enumerate() {
        assert_eq!(
            format!("{:?}", got.column(i)),
            format!("{:?}", want.column(i)),
            "{t}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_spare_files() {
    let f = numbers().await;
    let plan = f
        .session()
        .sql("select * from t where a = 9")
        .await
        .unwrap();
    let plan = plan.create_physical_plan().await.unwrap();
    let text = datafusion::physical_plan::displayable(plan.as_ref())
        .indent(true)
        .to_string();
    // Each slice has a run of files of its own; one file of each could hold the 9.
    let files = text.matches(".vortex").count();
    assert!(files <= 2, "{text}");
    assert!(text.contains("predicate: a@0 = 9"), "{text}");
}
