//! A leader for tests of the Data API.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, Int32Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_services::*;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// A leader that knows a handful of words. What is written is seen once it is committed.
#[derive(Default)]
pub struct Words {
    pub committed: Mutex<Vec<String>>,
    pub running: Mutex<Vec<(i32, CancellationToken)>>,
    next: Mutex<i32>,
    pub users: Mutex<Vec<String>>,
}

struct WordsSession {
    words: Arc<Words>,
    pid: i32,
    pending: Vec<String>,
}

pub struct Service(pub Arc<Words>);

#[async_trait]
impl SqlService for Service {
    async fn challenge(&self, _: &str) -> Result<Challenge> {
        Err(SqlError::internal("not asked here"))
    }

    async fn connect(&self, client: ClientInfo, _: Proof) -> Result<Box<dyn Session>> {
        if client.database == "nowhere" {
            return Err(SqlError::new(
                SqlState::INVALID_CATALOG_NAME,
                "database \"nowhere\" does not exist",
            )
            .fatal());
        }
        let mut next = self.0.next.lock();
        *next += 1;
        self.0.users.lock().push(client.user);
        Ok(Box::new(WordsSession {
            words: self.0.clone(),
            pid: *next,
            pending: Vec::new(),
        }))
    }

    fn cancel(&self, pid: i32, _: i32) {
        for (_, token) in self.0.running.lock().iter().filter(|(p, _)| *p == pid) {
            token.cancel();
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

fn rows(columns: Vec<ColumnDesc>, arrays: Vec<ArrayRef>) -> Outcome {
    let fields = columns
        .iter()
        .map(|c| c.sql_type.field(c.name.clone(), true))
        .collect::<Vec<_>>();
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let batch = RecordBatch::try_new(schema, arrays).unwrap();
    Outcome::Rows {
        columns,
        rows: futures::stream::iter([Ok(batch)]).boxed(),
        tag: "SELECT".into(),
        tag_with_rows: true,
    }
}

#[async_trait]
impl Session for WordsSession {
    fn pid(&self) -> i32 {
        self.pid
    }
    fn cancel_key(&self) -> i32 {
        0
    }
    fn parse(&mut self, sql: &str) -> Result<Vec<ParsedStatement>> {
        Ok(sql
            .split(';')
            .filter(|text| !text.trim().is_empty())
            .map(|text| ParsedStatement {
                text: text.trim().into(),
                offset: 0,
                inner: Arc::new(()),
            })
            .collect())
    }
    async fn prepare(
        &mut self,
        statement: &ParsedStatement,
        _: &[Option<SqlType>],
    ) -> Result<Arc<Prepared>> {
        if statement.text.contains("wrong") {
            return Err(SqlError::syntax("syntax error at or near \"wrong\"").at(12));
        }
        let params = (1..)
            .take_while(|n| statement.text.contains(&format!("${n}")))
            .map(|_| SqlType::Int4)
            .collect();
        Ok(Arc::new(Prepared {
            statement: statement.clone(),
            params,
            columns: None,
            inner: Arc::new(()),
        }))
    }
    async fn execute(&mut self, prepared: &Prepared, params: Vec<Param>) -> Result<Outcome> {
        let text = prepared.statement.text.to_string();
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["insert", word] => {
                // Slower than what comes after it would be.
                tokio::time::sleep(Duration::from_millis(2)).await;
                self.pending.push(word.to_string());
                Ok(Outcome::Done {
                    tag: "INSERT 0 1".into(),
                })
            }
            ["sleep"] => {
                let token = CancellationToken::new();
                self.words.running.lock().push((self.pid, token.clone()));
                token.cancelled().await;
                Err(SqlError::new(SqlState::QUERY_CANCELED, "cancelled"))
            }
            ["select", "words"] => {
                let all = self.words.committed.lock().clone();
                Ok(rows(
                    vec![column("word", SqlType::Varchar(20))],
                    vec![Arc::new(StringViewArray::from_iter_values(all))],
                ))
            }
            ["select", "many", count] => {
                let count: i32 = count.parse().unwrap();
                Ok(rows(
                    vec![
                        column("n", SqlType::Int4),
                        column("text", SqlType::Char(40)),
                        column("half", SqlType::Float8),
                    ],
                    vec![
                        Arc::new(Int32Array::from_iter_values(0..count)),
                        Arc::new(StringViewArray::from_iter(
                            (0..count).map(|n| (n % 3 != 2).then(|| format!("row, {n}   "))),
                        )),
                        Arc::new(Float64Array::from_iter_values(
                            (0..count).map(|n| f64::from(n) / 2.0),
                        )),
                    ],
                ))
            }
            ["select", "wide"] => Ok(rows(
                vec![column("text", SqlType::Text)],
                vec![Arc::new(StringViewArray::from(vec!["x".repeat(66_000)]))],
            )),
            ["select", _, ..] => {
                let value = match params.first().and_then(|param| param.value.clone()) {
                    Some(value) => value,
                    None => Arc::new(Int32Array::from(vec![1])),
                };
                Ok(rows(vec![column("?column?", SqlType::Int4)], vec![value]))
            }
            _ => Err(SqlError::new(
                SqlState::UNDEFINED_TABLE,
                format!("relation \"{text}\" does not exist"),
            )),
        }
    }
    fn cursor_columns(&self, _: &str) -> Option<Vec<ColumnDesc>> {
        None
    }
    async fn sync(&mut self) -> Result<()> {
        self.words.committed.lock().append(&mut self.pending);
        Ok(())
    }
    async fn fail(&mut self) {
        self.pending.clear();
    }
    fn transaction_status(&self) -> TransactionStatus {
        TransactionStatus::Idle
    }
    fn take_notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }
    fn take_parameter_changes(&mut self) -> Vec<(String, String)> {
        Vec::new()
    }
    fn idle_timeout_s(&self) -> Option<u64> {
        None
    }
    fn text_format(&self) -> TextFormat {
        TextFormat {
            time_zone: "UTC".into(),
            extra_float_digits: 0,
            date_style: "ISO, MDY".into(),
        }
    }
    async fn close(&mut self) {}
}
