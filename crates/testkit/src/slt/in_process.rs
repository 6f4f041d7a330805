//! Through the traits of `services`, in the process of the test.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::BytesMut;
use futures::StreamExt;
use lw_pgrepr::{Column, TextOptions};
use lw_services::{ClientInfo, ColumnDesc, Outcome, Proof, RowStream, Session, SqlService};

use super::types::shown;
use super::{Client, ColumnKind, Connector, Output, SltError};

/// A warehouse in this process.
pub struct InProcess {
    service: Arc<dyn SqlService>,
    user: String,
}

impl InProcess {
    /// Sessions of `user`, whose identity is taken as proved.
    pub fn new(service: Arc<dyn SqlService>, user: impl Into<String>) -> InProcess {
        InProcess {
            service,
            user: user.into(),
        }
    }
}

#[async_trait]
impl Connector for InProcess {
    fn engine(&self) -> &'static str {
        "in_process"
    }

    async fn connect(&self, database: &str) -> Result<Box<dyn Client>, SltError> {
        let client = ClientInfo {
            user: self.user.clone(),
            database: database.to_string(),
            options: BTreeMap::from([("application_name".to_string(), "slt".to_string())]),
            remote_address: None,
            remote_port: 0,
            tls: false,
            tls_detail: String::new(),
        };
        let session = self.service.connect(client, Proof::Trusted).await?;
        Ok(Box::new(InProcessClient { session }))
    }
}

struct InProcessClient {
    session: Box<dyn Session>,
}

#[async_trait]
impl Client for InProcessClient {
    async fn run(&mut self, sql: &str) -> Result<Output, SltError> {
        let result = self.run_text(sql).await;
        if result.is_err() {
            self.session.fail().await;
        }
        // As the edge does at the end of a simple query, whether it failed or not.
        let synced = self.session.sync().await;
        self.session.take_notices();
        let output = result?;
        synced?;
        Ok(output)
    }

    async fn close(&mut self) {
        self.session.close().await;
    }
}

impl InProcessClient {
    async fn run_text(&mut self, sql: &str) -> Result<Output, SltError> {
        let mut output = Output::StatementComplete(0);
        for statement in self.session.parse(sql)? {
            let prepared = self.session.prepare(&statement, &[]).await?;
            output = match self.session.execute(&prepared, Vec::new()).await? {
                Outcome::Rows { columns, rows, .. } => {
                    collect(&columns, rows, &self.options()).await?
                }
                Outcome::Done { tag } => Output::StatementComplete(count_of(&tag)),
                Outcome::Empty => Output::StatementComplete(0),
            };
        }
        Ok(output)
    }

    fn options(&self) -> TextOptions {
        let format = self.session.text_format();
        TextOptions::new(
            &format.time_zone,
            format.extra_float_digits,
            &format.date_style,
        )
    }
}

async fn collect(
    columns: &[ColumnDesc],
    mut rows: RowStream,
    options: &TextOptions,
) -> Result<Output, SltError> {
    let mut text_rows = Vec::new();
    let mut buffer = BytesMut::new();
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let values: Vec<Column> = columns
            .iter()
            .zip(batch.columns())
            .map(|(column, array)| Column::new(array, column.sql_type))
            .collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let text = values.iter().map(|column| {
                if column.is_null(row) {
                    return shown(None);
                }
                buffer.clear();
                column.write_text(row, options, &mut buffer);
                shown(Some(&String::from_utf8_lossy(&buffer)))
            });
            text_rows.push(text.collect());
        }
    }
    Ok(Output::Rows {
        types: columns
            .iter()
            .map(|c| ColumnKind::from(c.sql_type))
            .collect(),
        rows: text_rows,
    })
}
/// The number at the end of a command tag; 0 if there is none.
fn count_of(tag: &str) -> u64 {
    tag.rsplit(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}
