//! A service that knows a handful of statements.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, Decimal128Array, Int32Array, StringViewArray};
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_services::*;
use md5::{Digest, Md5};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{WireConfig, serve};

pub const PASSWORD: &str = "secret";
pub const SALT: &[u8] = b"saltsaltsaltsalt";

/// What the fake saw, for the tests to look at.
#[derive(Default)]
pub struct Seen {
    pub log: Mutex<Vec<String>>,
    pub streams: AtomicUsize,
    pub cancel: Mutex<CancellationToken>,
}

impl Seen {
    pub fn note(&self, what: impl Into<String>) {
        self.log.lock().unwrap().push(what.into());
    }

    pub fn has(&self, what: &str) -> bool {
        self.log.lock().unwrap().iter().any(|l| l == what)
    }
}

pub struct Fake {
    pub seen: Arc<Seen>,
    pub idle: Option<u64>,
    pub md5: bool,
}

pub struct FakeSession {
    seen: Arc<Seen>,
    idle: Option<u64>,
    status: TransactionStatus,
    implicit: bool,
    notices: Vec<Notice>,
    changes: Vec<(String, String)>,
}

/// A running server.
pub struct Running {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    pub stop: CancellationToken,
    pub task: tokio::task::JoinHandle<()>,
}

pub async fn start() -> Running {
    start_with(WireConfig::default(), None, true).await
}

pub async fn start_with(config: WireConfig, idle: Option<u64>, md5: bool) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let stop = CancellationToken::new();
    let service = Arc::new(Fake {
        seen: seen.clone(),
        idle,
        md5,
    });
    let task = tokio::spawn(serve(listener, service, config, stop.clone()));
    Running {
        address,
        seen,
        stop,
        task,
    }
}

pub fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    parts.iter().for_each(|p| hash.update(p));
    hash.finalize().to_vec()
}

pub fn md5_hex(parts: &[&[u8]]) -> String {
    let mut hash = Md5::new();
    parts.iter().for_each(|p| hash.update(p));
    hex::encode(hash.finalize())
}

#[async_trait]
impl SqlService for Fake {
    async fn challenge(&self, user: &str) -> Result<Challenge> {
        Ok(Challenge {
            temporary: user.starts_with("IAM:"),
            sha256_salt: SALT.to_vec(),
            md5: self.md5,
            sha256: true,
        })
    }

    async fn connect(&self, client: ClientInfo, proof: Proof) -> Result<Box<dyn Session>> {
        let (kind, right) = match &proof {
            Proof::Cleartext(p) => ("cleartext", p == PASSWORD),
            Proof::Md5 { salt, response } => {
                let stored = md5_hex(&[PASSWORD.as_bytes(), client.user.as_bytes()]);
                (
                    "md5",
                    *response == format!("md5{}", md5_hex(&[stored.as_bytes(), salt])),
                )
            }
            Proof::Digest {
                server_nonce,
                client_nonce,
                digest,
            } => {
                let stored = sha256(&[PASSWORD.as_bytes(), SALT]);
                (
                    "digest",
                    *digest == sha256(&[&stored, server_nonce, client_nonce]),
                )
            }
            Proof::Trusted | Proof::Temporary(_) => ("trusted", false),
        };
        self.seen
            .note(format!("{kind} tls={} db={}", client.tls, client.database));
        if !right {
            return Err(SqlError::new(SqlState::INVALID_AUTHORIZATION, "no").fatal());
        }
        Ok(Box::new(FakeSession {
            seen: self.seen.clone(),
            idle: self.idle,
            status: TransactionStatus::Idle,
            implicit: false,
            notices: Vec::new(),
            changes: vec![("server_version".into(), "8.0.2".into())],
        }))
    }

    fn cancel(&self, pid: i32, key: i32) {
        self.seen.note(format!("cancel {pid} {key}"));
        if (pid, key) == (7, 77) {
            self.seen.cancel.lock().unwrap().cancel();
        }
    }
}

fn column(name: &str, sql_type: SqlType) -> ColumnDesc {
    ColumnDesc {
        name: name.into(),
        sql_type,
        origin: None,
        not_null: false,
    }
}

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let fields: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(i, a)| arrow::datatypes::Field::new(format!("c{i}"), a.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// Columns of a statement; `None` for those without rows.
fn columns_of(text: &str) -> Option<Vec<ColumnDesc>> {
    let word = text.split_whitespace().next().unwrap_or("");
    match word {
        "one" | "count" | "forever" | "breaks" => Some(vec![column("n", SqlType::Int4)]),
        "row" => Some(vec![
            ColumnDesc {
                not_null: true,
                origin: Some(Origin {
                    table_oid: 100_001,
                    column: 2,
                    catalog_name: "dev".into(),
                    schema_name: "public".into(),
                    table_name: "t".into(),
                    column_name: "d".into(),
                    auto_increment: true,
                }),
                ..column("d", SqlType::Numeric(5, 2))
            },
            column("s", SqlType::Varchar(10)),
        ]),
        "echo" => Some(vec![column("e", SqlType::Varchar(100))]),
        _ => None,
    }
}

#[async_trait]
impl Session for FakeSession {
    fn pid(&self) -> i32 {
        7
    }

    fn cancel_key(&self) -> i32 {
        77
    }

    fn parse(&mut self, sql: &str) -> Result<Vec<ParsedStatement>> {
        let mut offset = 0;
        let mut found = Vec::new();
        for part in sql.split(';') {
            let blanks = part.chars().take_while(|c| c.is_whitespace()).count() as u32;
            let text = part.trim();
            if text == "bad" {
                return Err(SqlError::syntax("syntax error").at(offset + blanks + 1));
            }
            if !text.is_empty() {
                found.push(ParsedStatement {
                    text: text.into(),
                    offset: offset + blanks,
                    inner: Arc::new(()),
                });
            }
            offset += part.chars().count() as u32 + 1;
        }
        Ok(found)
    }

    async fn prepare(
        &mut self,
        statement: &ParsedStatement,
        declared: &[Option<SqlType>],
    ) -> Result<Arc<Prepared>> {
        if &*statement.text == "missing" {
            return Err(
                SqlError::new(SqlState::UNDEFINED_TABLE, "relation does not exist")
                    .at(1)
                    .with_hint("make it"),
            );
        }
        let params = if statement.text.starts_with("echo") {
            vec![
                declared
                    .first()
                    .copied()
                    .flatten()
                    .unwrap_or(SqlType::Varchar(100)),
            ]
        } else {
            Vec::new()
        };
        Ok(Arc::new(Prepared {
            statement: statement.clone(),
            params,
            columns: columns_of(&statement.text),
            inner: Arc::new(()),
        }))
    }

    async fn execute(&mut self, prepared: &Prepared, params: Vec<Param>) -> Result<Outcome> {
        let text = prepared.statement.text.to_string();
        self.seen.note(format!("execute {text}"));
        if self.status == TransactionStatus::Failed && text != "ROLLBACK" {
            return Err(SqlError::new(
                SqlState::IN_FAILED_SQL_TRANSACTION,
                "aborted",
            ));
        }
        if self.status == TransactionStatus::Idle {
            self.implicit = true;
        }
        let mut words = text.split_whitespace();
        let done = |tag: &str| {
            Ok(Outcome::Done {
                tag: tag.to_string(),
            })
        };
        let rows = |rows: Vec<Result<RecordBatch>>| {
            Ok(Outcome::Rows {
                columns: prepared.columns.clone().unwrap_or_default(),
                rows: futures::stream::iter(rows).boxed(),
                tag: "SELECT".into(),
                tag_with_rows: true,
            })
        };
        let ints = |r: std::ops::Range<i32>| {
            batch(vec![Arc::new(Int32Array::from_iter_values(r)) as ArrayRef])
        };
        match words.next().unwrap_or("") {
            "BEGIN" => {
                self.status = TransactionStatus::InBlock;
                done("BEGIN")
            }
            "COMMIT" | "ROLLBACK" => {
                self.status = TransactionStatus::Idle;
                self.implicit = false;
                done(&text)
            }
            "insert" => done("INSERT 0 1"),
            "notice" => {
                self.notices.push(Notice {
                    severity: "INFO",
                    message: SqlError::new(SqlState("00000"), "loaded"),
                });
                self.changes.push(("TimeZone".into(), "UTC".into()));
                done("COPY")
            }
            "panic" => panic!("as asked"),
            "fatal" => Err(SqlError::new(SqlState::ADMIN_SHUTDOWN, "ended").fatal()),
            "nocommit" => {
                self.seen.note("commit will fail");
                done("INSERT 0 1")
            }
            "sleep" => {
                let token = CancellationToken::new();
                *self.seen.cancel.lock().unwrap() = token.clone();
                self.seen.note("sleeping");
                tokio::select! {
                    () = token.cancelled() => {
                        self.seen.note("woken");
                        Err(SqlError::new(SqlState::QUERY_CANCELED, "cancelled"))
                    }
                    () = tokio::time::sleep(Duration::from_secs(30)) => done("SLEPT"),
                }
            }
            "one" => rows(vec![Ok(ints(1..2))]),
            "count" => {
                let n: i32 = words.next().unwrap().parse().unwrap();
                // In two batches, with an empty one between.
                rows(vec![Ok(ints(0..n / 2)), Ok(ints(0..0)), Ok(ints(n / 2..n))])
            }
            "breaks" => rows(vec![Ok(ints(0..1)), Err(SqlError::internal("mid-way"))]),
            "forever" => {
                struct Held(Arc<Seen>);
                impl Drop for Held {
                    fn drop(&mut self) {
                        self.0.streams.fetch_sub(1, Ordering::SeqCst);
                    }
                }
                self.seen.streams.fetch_add(1, Ordering::SeqCst);
                let held = Held(self.seen.clone());
                let stream = futures::stream::repeat_with(move || {
                    let _held = &held;
                    Ok(batch(vec![
                        Arc::new(Int32Array::from(vec![1; 8192])) as ArrayRef
                    ]))
                });
                Ok(Outcome::Rows {
                    columns: prepared.columns.clone().unwrap_or_default(),
                    rows: stream.boxed(),
                    tag: "SELECT".into(),
                    tag_with_rows: true,
                })
            }
            "row" => {
                let d = Decimal128Array::from(vec![Some(150), None])
                    .with_precision_and_scale(5, 2)
                    .unwrap();
                let s = StringViewArray::from(vec![Some("é"), None]);
                rows(vec![Ok(batch(vec![Arc::new(d), Arc::new(s)]))])
            }
            "echo" => {
                let shown = match &params[0].value {
                    None => None,
                    Some(array) => {
                        let mut out = bytes::BytesMut::new();
                        let options = lw_pgrepr::TextOptions::default();
                        lw_pgrepr::text::encode(array, 0, params[0].sql_type, &options, &mut out)?;
                        Some(String::from_utf8(out.to_vec()).unwrap())
                    }
                };
                rows(vec![Ok(batch(vec![Arc::new(StringViewArray::from(
                    vec![shown],
                ))]))])
            }
            other => Err(SqlError::unsupported(other)),
        }
    }

    fn cursor_columns(&self, _name: &str) -> Option<Vec<ColumnDesc>> {
        None
    }

    async fn sync(&mut self) -> Result<()> {
        self.seen.note("sync");
        if std::mem::take(&mut self.implicit) && self.status == TransactionStatus::Idle {
            let mut log = self.seen.log.lock().unwrap();
            if log.iter().any(|l| l == "commit will fail") {
                log.retain(|l| l != "commit will fail");
                return Err(SqlError::new(SqlState::SERIALIZATION_FAILURE, "1023"));
            }
            log.push("commit".into());
        }
        Ok(())
    }

    async fn fail(&mut self) {
        self.seen.note("fail");
        self.implicit = false;
        if self.status == TransactionStatus::InBlock {
            self.status = TransactionStatus::Failed;
        }
    }

    fn transaction_status(&self) -> TransactionStatus {
        self.status
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn take_parameter_changes(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.changes)
    }

    fn idle_timeout_s(&self) -> Option<u64> {
        self.idle
    }

    fn text_format(&self) -> TextFormat {
        TextFormat {
            time_zone: "UTC".into(),
            extra_float_digits: 0,
            date_style: "ISO, MDY".into(),
        }
    }

    async fn close(&mut self) {
        self.seen.note("close");
    }
}
