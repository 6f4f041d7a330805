use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Int16Type, Int32Type, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;

use super::*;

fn table(schema: &str, name: &str) -> &'static SampleTable {
    of_schema(schema)
        .iter()
        .find(|t| t.name == name)
        .expect("a sample table")
}

fn whole(schema: &str, name: &str) -> RecordBatch {
    let table = table(schema, name);
    let batches: Vec<_> = table.batches(0.01).map(|b| b.expect("rows")).collect();
    arrow::compute::concat_batches(&table.arrow_schema(), &batches).expect("one schema")
}

fn ints(batch: &RecordBatch, column: &str) -> Vec<i32> {
    let column = batch.column_by_name(column).expect("a column");
    match column.as_primitive_opt::<Int32Type>() {
        Some(values) => values.values().to_vec(),
        None => column
            .as_primitive::<Int16Type>()
            .values()
            .iter()
            .map(|&v| i32::from(v))
            .collect(),
    }
}

fn cents(batch: &RecordBatch, column: &str) -> Vec<i128> {
    batch[column]
        .as_primitive::<Decimal128Type>()
        .values()
        .to_vec()
}

/// Row counts of the Database Developer Guide, "Sample database", and of the TPC-H specification,
/// section 4.2.5.1, for one hundredth of its unit.
#[test]
fn row_counts_are_the_documented_ones() {
    for (schema, name, rows) in [
        ("tickit", "users", 49_990),
        ("tickit", "venue", 202),
        ("tickit", "category", 11),
        ("tickit", "date", 365),
        ("tickit", "event", 8_798),
        ("tickit", "listing", 192_497),
        ("tickit", "sales", 172_456),
        ("tpch", "region", 5),
        ("tpch", "nation", 25),
        ("tpch", "supplier", 100),
        ("tpch", "part", 2_000),
        ("tpch", "partsupp", 8_000),
        ("tpch", "customer", 1_500),
        ("tpch", "orders", 15_000),
        ("tpch", "lineitem", 60_175),
    ] {
        let batch = whole(schema, name);
        assert_eq!(batch.num_rows(), rows, "{schema}.{name}");
        if name != "lineitem" {
            assert_eq!(table(schema, name).row_count(0.01), rows as u64, "{name}");
        }
    }
}

#[test]
fn values_fit_their_types() {
    for table in all() {
        let batch = whole(table.schema, table.name);
        for (column, array) in table.columns.iter().zip(batch.columns()) {
            let limit = match column.sql_type {
                lw_pgrepr::SqlType::Char(n) | lw_pgrepr::SqlType::Varchar(n) => n as usize,
                _ => continue,
            };
            let longest = array.as_string_view().iter().flatten().map(str::len).max();
            assert!(
                longest <= Some(limit),
                "{}.{} has a value of {longest:?} bytes",
                table.name,
                column.name
            );
        }
    }
}

#[test]
fn parts_make_up_the_whole() {
    for name in ["lineitem", "partsupp", "nation"] {
        let table = table("tpch", name);
        let parts: Vec<_> = (1..=3)
            .flat_map(|part| table.part(0.01, part, 3))
            .map(|b| b.expect("rows"))
            .collect();
        let joined = arrow::compute::concat_batches(&table.arrow_schema(), &parts);
        assert_eq!(joined.expect("one schema"), whole("tpch", name), "{name}");
    }
}

#[test]
fn keys_of_tickit_refer_to_rows_that_exist() {
    let sales = whole("tickit", "sales");
    let listing = whole("tickit", "listing");
    let event = whole("tickit", "event");
    let (sellers, events) = (ints(&listing, "sellerid"), ints(&listing, "eventid"));
    let (tickets, dates) = (ints(&listing, "numtickets"), ints(&listing, "dateid"));
    let event_dates = ints(&event, "dateid");
    let prices = cents(&listing, "priceperticket");
    let mut sold: HashMap<i32, i32> = HashMap::new();
    for row in 0..sales.num_rows() {
        let at = |column| ints_at(&sales, column, row);
        let list = at("listid") as usize - 1;
        assert_eq!(at("sellerid"), sellers[list]);
        assert_ne!(at("sellerid"), at("buyerid"));
        assert_eq!(at("eventid"), events[list]);
        assert!(
            at("dateid") >= dates[list] && at("dateid") < event_dates[events[list] as usize - 1]
        );
        *sold.entry(at("listid")).or_default() += at("qtysold");
        let paid = sales["pricepaid"]
            .as_primitive::<Decimal128Type>()
            .value(row);
        assert_eq!(paid, prices[list] * i128::from(at("qtysold")));
    }
    assert!(
        sold.iter()
            .all(|(list, n)| *n <= tickets[*list as usize - 1])
    );
    assert!(sellers.iter().all(|s| (1..=49_990).contains(s)));
    assert!(
        ints(&event, "venueid")
            .iter()
            .all(|v| (1..=202).contains(v))
    );
}

fn ints_at(batch: &RecordBatch, column: &str, row: usize) -> i32 {
    let column = &batch[column];
    match column.as_primitive_opt::<Int32Type>() {
        Some(values) => values.value(row),
        None => i32::from(column.as_primitive::<Int16Type>().value(row)),
    }
}

/// The documentation's example counts the sales of November this way.
#[test]
fn sales_of_november_are_14261() {
    let date = whole("tickit", "date");
    let november: HashSet<i32> = ints(&date, "dateid")
        .into_iter()
        .zip(date["month"].as_string_view())
        .filter(|(_, month)| *month == Some("NOV"))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(november.len(), 30);
    let sales = ints(&whole("tickit", "sales"), "dateid");
    assert_eq!(
        sales.iter().filter(|d| november.contains(d)).count(),
        14_261
    );
}

#[test]
fn days_and_times_agree() {
    let date = whole("tickit", "date");
    let days = date["caldate"].as_primitive::<Date32Type>();
    assert_eq!((days.value(0), days.value(364)), (13_879, 14_243));
    assert_eq!(date["day"].as_string_view().value(0), "TU");
    let event = whole("tickit", "event");
    let starts = event["starttime"].as_primitive::<TimestampMicrosecondType>();
    for (id, start) in ints(&event, "dateid").iter().zip(starts.values()) {
        assert_eq!(start / 86_400_000_000, i64::from(id - 1827 + 13_879));
    }
}

#[test]
fn user_names_are_unique() {
    let users = whole("tickit", "users");
    let names: HashSet<_> = users["username"]
        .as_string_view()
        .iter()
        .flatten()
        .collect();
    assert_eq!(names.len(), users.num_rows());
    assert!(users["likejazz"].null_count() > 20_000);
}

#[test]
fn ddl_names_keys_and_types() {
    let ddl = table("tickit", "date").ddl();
    assert!(ddl.starts_with("CREATE TABLE tickit.\"date\" (\n  dateid smallint NOT NULL,"));
    assert!(ddl.ends_with("PRIMARY KEY (dateid)\n) DISTKEY (dateid) SORTKEY (dateid)"));
}

#[test]
fn files_hold_what_the_batches_hold() {
    let directory = tempfile::tempdir().expect("a directory");
    let tables = [table("tickit", "category"), table("tickit", "users")];
    let export = export::Export {
        tables: &tables,
        scale: 1.0,
        directory: directory.path(),
        gzip: false,
        threads: 2,
        on_rows: &|_| {},
    };
    let paths = export.run().expect("files");
    assert_eq!(paths.len(), 2);
    let category = std::fs::read_to_string(&paths[0]).expect("a file");
    assert_eq!(
        category.lines().next(),
        Some("1|Sports|MLB|Major League Baseball")
    );
    let users = std::fs::read_to_string(&paths[1]).expect("a file");
    assert_eq!(users.lines().count(), 49_990);
    assert!(users.lines().all(|l| l.split('|').count() == 18));
    // An opinion that was not asked for is NULL, and the others are t or f.
    let last = |l: &str| l.rsplit('|').next().map(str::to_string);
    let kinds: HashSet<_> = users.lines().filter_map(last).collect();
    assert_eq!(kinds, HashSet::from(["t", "f", "\\N"].map(str::to_string)));
}
