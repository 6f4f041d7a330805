//! COPY and UNLOAD against buckets in memory. Expected values from the Developer Guide's pages on
//! COPY's parameters, by hand.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use async_compression::tokio::write::{BzEncoder, GzipEncoder, ZstdEncoder};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use lw_base::{Result, SqlError};
use lw_catalog::{Column, DistStyle, Identity, SortKey};
use lw_pgrepr::SqlType;
use lw_services::buckets::*;
use lw_sql_plan::{CopyCredentials, CopyFrom, Unload};
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;

use crate::testing::{Warehouse, column, relation};

#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl Memory {
    fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.0.lock().insert(key.to_string(), bytes.into());
    }

    fn keys(&self) -> Vec<String> {
        self.0.lock().keys().cloned().collect()
    }

    fn text(&self, key: &str) -> String {
        String::from_utf8(self.0.lock()[key].to_vec()).unwrap()
    }
}

#[async_trait]
impl BucketResolver for Memory {
    async fn open(
        &self,
        bucket: &str,
        _: Option<&str>,
        identity: &BucketIdentity,
    ) -> Result<Arc<dyn Bucket>, BucketError> {
        if *identity != BucketIdentity::DefaultRole {
            return Err(BucketError::new(403, "AccessDenied", "Access Denied"));
        }
        if bucket != "b" {
            return Err(BucketError::new(
                404,
                "NoSuchBucket",
                "The specified bucket does not exist",
            ));
        }
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Bucket for Memory {
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, BucketError> {
        let objects = self.0.lock();
        Ok(objects
            .iter()
            .filter(|(key, _)| key.starts_with(prefix))
            .map(|(key, bytes)| ObjectInfo {
                key: key.clone(),
                size: bytes.len() as u64,
            })
            .collect())
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, BucketError> {
        let objects = self.0.lock();
        let bytes = objects.get(key).ok_or_else(|| {
            BucketError::new(404, "NoSuchKey", "The specified key does not exist.")
        })?;
        Ok(ObjectInfo {
            key: key.to_string(),
            size: bytes.len() as u64,
        })
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<ObjectStream, BucketError> {
        let bytes = self.0.lock()[key].clone();
        let range = range.map_or(0..bytes.len(), |r| r.start as usize..r.end as usize);
        let pieces: Vec<_> = bytes[range]
            .chunks(1_000)
            .map(|c| Ok(Bytes::copy_from_slice(c)))
            .collect();
        Ok(futures::stream::iter(pieces).boxed())
    }

    async fn put(&self, key: &str) -> Result<Box<dyn ObjectWriter>, BucketError> {
        Ok(Box::new(Writer {
            memory: self.clone(),
            key: key.to_string(),
            bytes: Vec::new(),
        }))
    }

    async fn delete(&self, key: &str) -> Result<(), BucketError> {
        self.0.lock().remove(key);
        Ok(())
    }
}

struct Writer {
    memory: Memory,
    key: String,
    bytes: Vec<u8>,
}

#[async_trait]
impl ObjectWriter for Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BucketError> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<ObjectInfo, BucketError> {
        let size = self.bytes.len() as u64;
        self.memory.put(&self.key, self.bytes);
        Ok(ObjectInfo {
            key: self.key,
            size,
        })
    }
}

struct Try {
    warehouse: Warehouse,
    bucket: Memory,
}

impl Try {
    fn new(columns: Vec<Column>) -> Self {
        let table = relation(columns, DistStyle::Even, SortKey::None);
        let mut warehouse = Warehouse::new(table);
        let bucket = Memory::default();
        warehouse.engine.buckets = Arc::new(bucket.clone());
        Try { warehouse, bucket }
    }

    async fn copy_as(
        &mut self,
        from: &str,
        columns: Vec<u32>,
        options: &[(&str, &str)],
        credentials: CopyCredentials,
    ) -> Result<Vec<String>> {
        let plan = CopyFrom {
            table: self.warehouse.relation().oid,
            columns,
            from: from.to_string(),
            credentials,
            options: map(options),
        };
        let ctx = self.warehouse.ctx();
        let effect = self.warehouse.engine.copy_from(&plan, &ctx).await?;
        let notices = effect
            .notices
            .iter()
            .map(|n| n.message.message.clone())
            .collect();
        self.warehouse.commit(effect);
        Ok(notices)
    }

    /// All columns but those of IDENTITY.
    async fn copy(&mut self, from: &str, options: &[(&str, &str)]) -> Result<Vec<String>> {
        let columns = self
            .warehouse
            .relation()
            .columns
            .iter()
            .filter(|c| c.identity.is_none())
            .map(|c| c.id)
            .collect();
        self.copy_as(from, columns, options, CopyCredentials::DefaultRole)
            .await
    }

    async fn unload(&mut self, to: &str, options: &[(&str, &str)]) -> Result<u64> {
        let relation = self.warehouse.relation();
        let source = lw_sql_plan::source::CatalogTable::new(relation.clone(), false);
        let plan = Unload {
            input: datafusion::logical_expr::LogicalPlanBuilder::scan("t", Arc::new(source), None)
                .unwrap()
                .build()
                .unwrap(),
            names: relation.columns.iter().map(|c| c.name.clone()).collect(),
            to: to.to_string(),
            credentials: CopyCredentials::DefaultRole,
            options: map(options),
        };
        let ctx = self.warehouse.ctx();
        Ok(self.warehouse.engine.unload(&plan, &ctx).await?.rows)
    }

    async fn rows(&self) -> Vec<String> {
        self.warehouse
            .query("SELECT * EXCEPT (__segment, __row) FROM t ORDER BY 1")
            .await
    }

    /// `line column code reason` of what was refused.
    fn refused(&self) -> Vec<String> {
        self.warehouse
            .engine
            .events
            .load_errors()
            .iter()
            .map(|e| {
                format!(
                    "{} {} {} {}",
                    e.line_number, e.column_name, e.err_code, e.err_reason
                )
            })
            .collect()
    }
}

fn map(options: &[(&str, &str)]) -> BTreeMap<String, String> {
    options
        .iter()
        .map(|(a, b)| (a.to_string(), b.to_string()))
        .collect()
}

fn failure(result: Result<Vec<String>>) -> String {
    result.unwrap_err().message
}

fn simple() -> Try {
    Try::new(vec![
        column("a", SqlType::Int4),
        column("b", SqlType::Varchar(5)),
    ])
}

#[tokio::test]
async fn files_of_a_prefix_are_loaded() {
    let mut t = simple();
    t.bucket.put("in/1", "1|one\n2|two\n");
    t.bucket.put("in/2", "3|\n4|\\N");
    t.bucket.put("other", "x");
    let notices = t.copy("s3://b/in/", &[]).await.unwrap();
    assert_eq!(
        notices,
        ["Load into table 't' completed, 4 record(s) loaded successfully."]
    );
    assert_eq!(t.rows().await, ["1|one", "2|two", "3|", "4|-"]);
    let events = &t.warehouse.engine.events;
    assert!(events.running_copies().is_empty());
    let told = &events.copies()[0];
    let (files, bytes) = (told.files_done, told.bytes_done);
    assert_eq!((files, bytes, told.loaded_rows), (2, 19, 4));
    assert_eq!(told.source_file_bytes, 19);
    let missing = failure(t.copy("s3://b/none", &[]).await);
    assert_eq!(missing, "The specified S3 prefix 'none' does not exist");
    let bucket = failure(t.copy("s3://c/none", &[]).await);
    assert!(bucket.starts_with(
        "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket"
    ));
    let keys = CopyCredentials::Keys {
        access_key_id: "a".into(),
        secret_access_key: "b".into(),
        session_token: None,
    };
    let denied = failure(t.copy_as("s3://b/in/", vec![1, 2], &[], keys).await);
    assert!(denied.starts_with("S3ServiceException:Access Denied,Status 403,Error AccessDenied"));
    assert!(failure(t.copy("file:///x", &[]).await).starts_with("Invalid S3 URL"));
}

#[tokio::test]
async fn compressed_files() {
    let text = "1|a\n2|b\n";
    for (option, bytes) in [
        ("GZIP", {
            let mut e = GzipEncoder::new(Vec::new());
            e.write_all(text.as_bytes()).await.unwrap();
            e.shutdown().await.unwrap();
            e.into_inner()
        }),
        ("BZIP2", {
            let mut e = BzEncoder::new(Vec::new());
            e.write_all(text.as_bytes()).await.unwrap();
            e.shutdown().await.unwrap();
            e.into_inner()
        }),
        ("ZSTD", {
            let mut e = ZstdEncoder::new(Vec::new());
            e.write_all(text.as_bytes()).await.unwrap();
            e.shutdown().await.unwrap();
            e.into_inner()
        }),
    ] {
        let mut t = simple();
        // Two members one after another are one file.
        t.bucket.put("f", [bytes.clone(), bytes].concat());
        t.copy("s3://b/f", &[(option, "")]).await.unwrap();
        assert_eq!(t.rows().await, ["1|a", "1|a", "2|b", "2|b"], "{option}");
        assert!(failure(t.copy("s3://b/f", &[]).await).contains("failed"));
    }
}

#[tokio::test]
async fn errors_are_counted_and_recorded() {
    let bad = "h\n1|ok\nx|bad\n3|toolong\n4\n5|a|b\n6|fine\n";
    let mut t = simple();
    t.bucket.put("f", bad);
    let options = &[("IGNOREHEADER", "1")][..];
    assert_eq!(
        failure(t.copy("s3://b/f", options).await),
        "Load into table 't' failed.  Check 'stl_load_errors' system table for details."
    );
    assert!(t.rows().await.is_empty());
    let expected = [
        "3 a 1207 Invalid digit, Value 'x', Pos 0, Type: Integer",
        "4 b 1204 String length exceeds DDL length",
        "5  1214 Delimiter not found",
        "6  1202 Extra column(s) found",
    ];
    assert_eq!(t.refused(), expected);
    let error = &t.warehouse.engine.events.load_errors()[0];
    assert_eq!(
        (error.raw_line.as_str(), error.raw_field_value.as_str()),
        ("x|bad", "x")
    );
    assert_eq!(
        (error.column_type.as_str(), error.file_name.as_str()),
        ("int4", "s3://b/f")
    );

    let notices = t
        .copy("s3://b/f", &[("IGNOREHEADER", "1"), ("MAXERROR", "5")])
        .await
        .unwrap();
    assert_eq!(
        notices[0],
        "Load into table 't' completed, 2 record(s) loaded successfully."
    );
    assert_eq!(
        notices[1],
        "Load into table 't' completed, 4 record(s) could not be loaded.  Check 'stl_load_errors' system table for details."
    );
    assert_eq!(t.rows().await, ["1|ok", "6|fine"]);
    assert!(
        t.copy("s3://b/f", &[("IGNOREHEADER", "1"), ("MAXERROR", "4")])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn text_options() {
    let cases: &[(&str, &[(&str, &str)], &[&str])] = &[
        ("1|abcdefg\n", &[("TRUNCATECOLUMNS", "")], &["1|abcde"]),
        ("1|aäöü\n", &[("TRUNCATECOLUMNS", "")], &["1|aäö"]),
        ("1|   \n2|\n", &[("BLANKSASNULL", "")], &["1|-", "2|"]),
        ("1|   \n2|\n", &[("EMPTYASNULL", "")], &["1|   ", "2|-"]),
        ("1|a  \n", &[("TRIMBLANKS", "")], &["1|a"]),
        ("1|zero\n0|x\n", &[("NULL", "zero")], &["0|x", "1|-"]),
        ("1\n", &[("FILLRECORD", "")], &["1|"]),
        ("1\n", &[("FILLRECORD", ""), ("EMPTYASNULL", "")], &["1|-"]),
        (" 7 |x\n|y\n", &[], &["7|x", "-|y"]),
        (
            "1,\"a\nb\"\r\n2,c\r\n",
            &[("FORMAT", "CSV")],
            &["1|a\nb", "2|c"],
        ),
        (
            "1;%a;b%\n",
            &[("FORMAT", "CSV"), ("DELIMITER", ";"), ("QUOTE", "%")],
            &["1|a;b"],
        ),
        ("\u{feff}1|a\n", &[], &["1|a"]),
        (
            "{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2}\n",
            &[("FORMAT", "JSON"), ("JSON", "auto")],
            &["1|x", "2|-"],
        ),
    ];
    for (text, options, expected) in cases {
        let mut t = simple();
        t.bucket.put("f", *text);
        t.copy("s3://b/f", options).await.unwrap();
        assert_eq!(t.rows().await, *expected, "{text:?} {options:?}");
    }
}

#[tokio::test]
async fn invalid_utf8_is_refused_or_replaced() {
    let mut t = simple();
    t.bucket.put("f", &b"1|a\xA4b\n2|\xE0\xA1\n"[..]);
    assert!(t.copy("s3://b/f", &[]).await.is_err());
    assert_eq!(
        t.refused()[0],
        "1 b 1220 String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: a4 (error 3)"
    );
    let notices = t
        .copy("s3://b/f", &[("ACCEPTINVCHARS", "^")])
        .await
        .unwrap();
    assert!(notices[1].contains("2 record(s) were loaded with replacements"));
    assert_eq!(t.rows().await, ["1|a^b", "2|^^"]);
}

#[tokio::test]
async fn every_type_is_read() {
    let mut t = Try::new(vec![
        column("a", SqlType::Int8),
        column("b", SqlType::Numeric(8, 2)),
        column("c", SqlType::Float8),
        column("d", SqlType::Bool),
        column("e", SqlType::Date),
        column("f", SqlType::Timestamp),
        column("g", SqlType::TimestampTz),
        column("h", SqlType::Time),
        column("i", SqlType::Char(3)),
        column("j", SqlType::Int2),
    ]);
    t.bucket.put(
        "f",
        "1|20.259|1.5|t|2020-02-29|2020-02-29 10:00:00.5|2020-02-29 10:00:00+02|10:11:12|a  |-3\n\
         2|||||||||\n",
    );
    t.copy("s3://b/f", &[]).await.unwrap();
    assert_eq!(
        t.rows().await,
        [
            "1|20.25|1.5|true|2020-02-29|2020-02-29T10:00:00.500|2020-02-29T08:00:00Z|10:11:12|a|-3",
            "2|-|-|-|-|-|-|-||-",
        ]
    );
    t.copy(
        "s3://b/f",
        &[
            ("ROUNDEC", ""),
            ("MAXERROR", "2"),
            ("DATEFORMAT", "DD.MM.YYYY"),
        ],
    )
    .await
    .unwrap();
    assert_eq!(t.refused(), ["1 e 1205 Invalid Date Format [DD.MM.YYYY]"]);
}

#[tokio::test]
async fn columns_not_loaded_get_defaults_and_identities() {
    let mut with_default = column("b", SqlType::Varchar(10));
    with_default.default = Some("'x' || 'y'".to_string());
    let mut id = column("id", SqlType::Int4);
    id.identity = Some(Identity {
        seed: 10,
        step: 1,
        by_default: false,
    });
    let mut needed = column("a", SqlType::Int4);
    needed.not_null = true;
    let mut t = Try::new(vec![id, needed, with_default]);
    t.bucket.put("f", "7\n\n");
    let role = CopyCredentials::DefaultRole;
    let refused = t.copy_as("s3://b/f", vec![2], &[], role.clone()).await;
    assert!(refused.is_err());
    assert_eq!(t.refused(), ["2 a 1213 Missing data for not-null field"]);
    t.copy_as(
        "s3://b/f",
        vec![2],
        &[("IGNOREBLANKLINES", "")],
        role.clone(),
    )
    .await
    .unwrap();
    let rows = t.rows().await;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].ends_with("|7|xy"), "{rows:?}");
    let not_null = t.copy_as("s3://b/f", vec![3], &[], role.clone()).await;
    assert_eq!(
        failure(not_null),
        "Cannot insert a NULL value into column a"
    );
    let explicit = t.copy_as("s3://b/f", vec![1, 2], &[], role.clone()).await;
    assert!(failure(explicit).starts_with("cannot set an identity column"));
    t.bucket.put("g", "99|8\n");
    t.copy_as("s3://b/g", vec![1, 2], &[("EXPLICIT_IDS", "")], role)
        .await
        .unwrap();
    assert!(t.rows().await.contains(&"99|8|xy".to_string()));
}

#[tokio::test]
async fn manifests() {
    let mut t = simple();
    t.bucket.put("x", "1|a\n");
    let manifest = |entries: &str| format!("{{\"entries\": [{entries}]}}");
    t.bucket.put("m", manifest(
        r#"{"url": "s3://b/x", "mandatory": true, "meta": {"content_length": 4}}, {"url": "s3://b/y"}"#,
    ));
    t.copy("s3://b/m", &[("MANIFEST", "")]).await.unwrap();
    assert_eq!(t.rows().await, ["1|a"]);
    t.bucket
        .put("m", manifest(r#"{"url": "s3://b/y", "mandatory": true}"#));
    assert!(failure(t.copy("s3://b/m", &[("MANIFEST", "")]).await).contains("s3://b/y"));
    t.bucket.put("m", "{");
    assert!(failure(t.copy("s3://b/m", &[("MANIFEST", "")]).await).contains("invalid manifest"));
}

#[tokio::test]
async fn noload_only_checks() {
    let mut t = simple();
    t.bucket.put("f", "1|a\n");
    t.copy("s3://b/f", &[("NOLOAD", "")]).await.unwrap();
    assert!(t.rows().await.is_empty());
}

#[tokio::test]
async fn records_and_headers_may_be_longer_than_a_block() {
    let mut t = Try::new(vec![
        column("a", SqlType::Int4),
        column("b", SqlType::Varchar(65_535)),
    ]);
    let long = "x".repeat(3 << 20);
    let text = format!("{long}\n1|one\n2|{long}\n3|three\n");
    t.bucket.put("in/1", text);
    let options = [("IGNOREHEADER", "1"), ("TRUNCATECOLUMNS", "")];
    t.copy("s3://b/in/", &options).await.unwrap();
    let cut = format!("2|{}", &long[..65_535]);
    assert_eq!(t.rows().await, ["1|one", &cut, "3|three"]);
    let longer = format!("1|{}\n", "x".repeat(6 << 20));
    t.bucket.put("in/1", longer);
    let error = failure(t.copy("s3://b/in/", &[]).await);
    assert_eq!(error, "a record of s3://b/in/1 is longer than 4 MB");
}

#[tokio::test]
async fn large_files_are_cut_between_records() {
    let mut t = simple();
    let mut text = String::new();
    let rows = 900_000;
    for i in 0..rows {
        text.push_str(&format!("{i},\"q\n{}\"\n", i % 10));
    }
    assert!(text.len() > 9 << 20);
    t.bucket.put("f", text);
    t.copy("s3://b/f", &[("FORMAT", "CSV")]).await.unwrap();
    let counted = t
        .warehouse
        .query("SELECT count(*), count(DISTINCT a), min(b), max(b) FROM t")
        .await;
    assert_eq!(counted, [format!("{rows}|{rows}|q\n0|q\n9")]);
    let stats = t.warehouse.data().stats.clone();
    assert_eq!((stats.rows, stats.modified_since), (rows, 0));
}

#[tokio::test]
async fn unload_writes_what_copy_reads() {
    let rows = "1|a|b\n2|\n3|\\N\n4|q\"\\\\\n".replace("a|b", "a\\|b");
    for options in [
        &[("FORMAT", "CSV")][..],
        &[("ESCAPE", ""), ("NULL", "\\N")],
        &[
            ("ESCAPE", ""),
            ("ADDQUOTES", ""),
            ("NULL", "\\N"),
            ("GZIP", ""),
        ],
        &[("FORMAT", "PARQUET")],
    ] {
        let mut t = simple();
        t.bucket.put("f", rows.clone());
        t.copy("s3://b/f", &[("ESCAPE", "")]).await.unwrap();
        let before = t.rows().await;
        assert_eq!(before, ["1|a|b", "2|", "3|-", "4|q\"\\"]);
        assert_eq!(t.unload("s3://b/out/x_", options).await.unwrap(), 4);
        let mut back = simple();
        back.bucket.0 = t.bucket.0.clone();
        back.warehouse.engine.buckets = Arc::new(t.bucket.clone());
        let mut options: Vec<(&str, &str)> = options.to_vec();
        for (name, _) in &mut options {
            if *name == "ADDQUOTES" {
                *name = "REMOVEQUOTES";
            }
        }
        back.copy("s3://b/out/", &options).await.unwrap();
        let mut after = back.rows().await;
        if options.contains(&("FORMAT", "CSV")) {
            // An empty field of text is an empty text.
            after[2] = "3|-".to_string();
        }
        assert_eq!(after, before, "{options:?}");
    }
}

#[tokio::test]
async fn unload_names_files_and_guards_them() {
    let mut t = simple();
    t.bucket.put("f", "1|a\n2|b\n");
    t.copy("s3://b/f", &[]).await.unwrap();
    let off = &[("PARALLEL", "OFF"), ("HEADER", ""), ("FORMAT", "CSV")][..];
    t.unload("s3://b/o/x_", off).await.unwrap();
    assert_eq!(t.bucket.text("o/x_000"), "a,b\n1,a\n2,b\n");
    let full = t.unload("s3://b/o/x_", off).await.unwrap_err();
    assert!(
        full.message
            .starts_with("Specified unload destination on S3 is not empty.")
    );
    let again = [off, &[("ALLOWOVERWRITE", ""), ("MANIFEST", "VERBOSE")]].concat();
    t.unload("s3://b/o/x_", &again).await.unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&t.bucket.text("o/x_manifest")).unwrap();
    assert_eq!(manifest["entries"][0]["url"], "s3://b/o/x_000");
    assert_eq!(manifest["entries"][0]["meta"]["record_count"], 3);
    assert_eq!(manifest["schema"]["elements"][0]["type"]["base"], "integer");
    t.unload("s3://b/o/", &[("CLEANPATH", ""), ("ZSTD", "")])
        .await
        .unwrap();
    let keys: Vec<_> = t
        .bucket
        .keys()
        .into_iter()
        .filter(|k| k.starts_with("o/"))
        .collect();
    assert_eq!(keys, ["o/0000_part_00.zst"]);
    t.unload("s3://b/p", &[("PARTITION BY", "b"), ("FORMAT", "PARQUET")])
        .await
        .unwrap();
    let keys: Vec<_> = t
        .bucket
        .keys()
        .into_iter()
        .filter(|k| k.starts_with("p/"))
        .collect();
    assert_eq!(
        keys,
        ["p/b=a/0000_part_00.parquet", "p/b=b/0000_part_00.parquet"]
    );
    t.unload(
        "s3://b/w",
        &[
            ("FORMAT", "FIXEDWIDTH"),
            ("FIXEDWIDTH", "a:3,b:2"),
            ("EXTENSION", "txt"),
        ],
    )
    .await
    .unwrap();
    assert_eq!(t.bucket.text("w0000_part_00.txt"), "1  a \n2  b \n");
}

#[tokio::test]
async fn parquet_checks_types() {
    let mut t = simple();
    t.bucket.put("f", "1|a\n");
    t.copy("s3://b/f", &[]).await.unwrap();
    t.unload("s3://b/p", &[("FORMAT", "PARQUET")])
        .await
        .unwrap();
    let mut other = Try::new(vec![
        column("a", SqlType::Varchar(5)),
        column("b", SqlType::Varchar(5)),
    ]);
    other.warehouse.engine.buckets = Arc::new(t.bucket.clone());
    let error: SqlError = other
        .copy("s3://b/p", &[("FORMAT", "PARQUET")])
        .await
        .unwrap_err();
    assert!(
        error
            .message
            .contains("incompatible Parquet schema for column 'a'"),
        "{error}"
    );
    let mut wide = Try::new(vec![column("a", SqlType::Int8)]);
    wide.warehouse.engine.buckets = Arc::new(t.bucket.clone());
    let error = wide
        .copy("s3://b/p", &[("FORMAT", "PARQUET")])
        .await
        .unwrap_err();
    assert!(
        error.message.contains("unmatched number of columns"),
        "{error}"
    );
}

/// How fast a file loads, for work on speed: LOAD_FILE=path cargo test ... -- --ignored speed
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a file of lineitem"]
async fn speed() {
    let bytes = std::fs::read(std::env::var("LOAD_FILE").unwrap()).unwrap();
    let money = SqlType::Numeric(12, 2);
    let mut t = Try::new(vec![
        column("l_orderkey", SqlType::Int8),
        column("l_partkey", SqlType::Int8),
        column("l_suppkey", SqlType::Int8),
        column("l_linenumber", SqlType::Int4),
        column("l_quantity", money),
        column("l_extendedprice", money),
        column("l_discount", money),
        column("l_tax", money),
        column("l_returnflag", SqlType::Char(1)),
        column("l_linestatus", SqlType::Char(1)),
        column("l_shipdate", SqlType::Date),
        column("l_commitdate", SqlType::Date),
        column("l_receiptdate", SqlType::Date),
        column("l_shipinstruct", SqlType::Char(25)),
        column("l_shipmode", SqlType::Char(10)),
        column("l_comment", SqlType::Varchar(44)),
    ]);
    t.bucket.put("f", bytes);
    for noload in [true, false] {
        let mut options = vec![("FORMAT", "CSV"), ("IGNOREHEADER", "1")];
        if noload {
            options.push(("NOLOAD", ""));
        }
        let begin = std::time::Instant::now();
        let notices = t.copy("s3://b/f", &options).await.unwrap();
        println!("noload {noload}: {:?} {notices:?}", begin.elapsed());
    }
}
