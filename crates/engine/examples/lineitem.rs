//! How fast rows become segments and are read again: TPC-H `lineitem`, without the rest of the
//! warehouse. `cargo run --release --example lineitem -- [scale] [sortkey|none]`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::prelude::{SessionConfig, SessionContext};
use lw_base::{Oid, Result, SegmentId};
use lw_catalog::*;
use lw_engine::scan::SegmentTable;
use lw_pgrepr::SqlType;
use lw_storage::{SegmentIds, SegmentStore, WriteOptions};
use tpchgen::generators::LineItemGenerator;
use tpchgen_arrow::LineItemArrow;

#[derive(Default)]
struct Ids(AtomicU64);

#[async_trait]
impl SegmentIds for Ids {
    async fn segment_ids(&self, count: u64) -> Result<SegmentId> {
        Ok(SegmentId(self.0.fetch_add(count, Ordering::Relaxed) + 1))
    }
}

fn relation(batch: &RecordBatch, sort: SortKey) -> Relation {
    let columns = batch
        .schema()
        .fields()
        .iter()
        .enumerate()
        .map(|(i, f)| Column {
            id: i as u32 + 1,
            name: f.name().clone(),
            sql_type: match f.data_type() {
                DataType::Decimal128(..) => SqlType::Numeric(12, 2),
                DataType::Utf8View => SqlType::Varchar(44),
                other => SqlType::from_arrow(other).unwrap_or(SqlType::Int8),
            },
            not_null: true,
            default: None,
            added_default: None,
            identity: None,
            encoding: "raw".into(),
            encoding_explicit: false,
            case_insensitive: false,
        })
        .collect::<Vec<_>>();
    Relation {
        oid: Oid(100_001),
        schema: Oid(2200),
        name: "lineitem".into(),
        owner: Oid(100),
        kind: RelationKind::Table(TableDef {
            dist: DistStyle::Key(1),
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

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let scale: f64 = args.next().unwrap_or("0.1".into()).parse()?;
    let sort = match args.next().as_deref() {
        Some("sortkey") => SortKey::Compound(vec![11]),
        _ => SortKey::None,
    };
    let began = Instant::now();
    let batches: Vec<RecordBatch> = LineItemArrow::new(LineItemGenerator::new(scale, 1, 1))
        .with_batch_size(8_192)
        .collect::<std::result::Result<_, _>>()?;
    println!("generated in {:.2?}", began.elapsed());
    let directory = tempfile::tempdir()?;
    let store = SegmentStore::open(directory.path())?;
    let first = batches.first().ok_or("no rows")?;
    let relation = Arc::new(relation(first, sort));
    let began = Instant::now();
    let mut writer = store.writer(&relation, Arc::new(Ids::default()), WriteOptions::default())?;
    for batch in &batches {
        let columns = batch
            .columns()
            .iter()
            .zip(&relation.columns)
            .map(|(c, d)| arrow::compute::cast(c, &d.sql_type.arrow()))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        writer.write(columns).await?;
    }
    let written = writer.finish().await?;
    let bytes: u64 = written.segments.iter().map(|s| s.bytes).sum();
    println!(
        "{} rows, {} segments, {:.1} MB in {:.2?}",
        written.rows,
        written.segments.len(),
        bytes as f64 / 1e6,
        began.elapsed()
    );
    drop(batches);
    let mut data = TableData::default();
    data.stats = Arc::new(written.sketch.add_to(&data.stats, 0, &relation.columns));
    for c in &relation.columns {
        print!(
            "{}={} ",
            c.name,
            data.stats.columns[&c.id].distinct.unwrap_or(0)
        );
    }
    println!();
    data.segments
        .extend(written.segments.into_iter().map(|s| (s.id, s)));
    let table = SegmentTable::new(relation, false, Arc::new(data), store);
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    ctx.register_table("lineitem", Arc::new(table))?;
    for sql in [
        "select count(*) from lineitem",
        "select l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - l_discount)), sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*) from lineitem where l_shipdate <= date '1998-09-02' group by 1, 2 order by 1, 2",
        "select sum(l_extendedprice * l_discount) from lineitem where l_shipdate >= date '1994-01-01' and l_shipdate < date '1995-01-01' and l_discount between 0.05 and 0.07 and l_quantity < 24",
        "select count(l_comment), max(length(l_comment)) from lineitem",
        "select * from lineitem where l_orderkey = 12345",
    ] {
        let mut best = f64::MAX;
        for _ in 0..3 {
            let began = Instant::now();
            ctx.sql(sql).await?.collect().await?;
            best = best.min(began.elapsed().as_secs_f64());
        }
        println!("{:7.1} ms  {}", best * 1e3, &sql[..sql.len().min(70)]);
    }

    Ok(())
}
