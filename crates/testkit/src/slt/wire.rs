//! Over the wire, by the simple query protocol, with a client that is not ours.

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use super::types::shown;
use super::{Client, ColumnKind, Connector, Output, SltError};

/// A warehouse at an address.
pub struct Wire {
    config: Config,
}

impl Wire {
    /// Sessions of `user` at `host:port`.
    pub fn new(host: &str, port: u16, user: &str, password: &str) -> Wire {
        let mut config = Config::new();
        config
            .host(host)
            .port(port)
            .user(user)
            .password(password)
            .application_name("slt");
        Wire { config }
    }
}

#[async_trait]
impl Connector for Wire {
    fn engine(&self) -> &'static str {
        "wire"
    }

    async fn connect(&self, database: &str) -> Result<Box<dyn Client>, SltError> {
        let mut config = self.config.clone();
        config.dbname(database);
        let (client, connection) = config.connect(NoTls).await?;
        let task = tokio::spawn(async move {
            // Its errors reach the client's calls too.
            let _ = connection.await;
        });
        Ok(Box::new(WireClient {
            client: Some(client),
            task,
        }))
    }
}

struct WireClient {
    client: Option<tokio_postgres::Client>,
    task: JoinHandle<()>,
}

#[async_trait]
impl Client for WireClient {
    async fn run(&mut self, sql: &str) -> Result<Output, SltError> {
        let Some(client) = &self.client else {
            return Err(SltError::new("08003", "the session was closed"));
        };
        let mut output = Output::StatementComplete(0);
        let mut open: Option<(usize, Vec<Vec<String>>)> = None;
        for message in client.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    open = Some((columns.len(), Vec::new()));
                }
                SimpleQueryMessage::Row(row) => {
                    let values = (0..row.len()).map(|i| shown(row.get(i))).collect();
                    if let Some((_, rows)) = &mut open {
                        rows.push(values);
                    }
                }
                SimpleQueryMessage::CommandComplete(count) => {
                    output = match open.take() {
                        Some((columns, rows)) => Output::Rows {
                            types: vec![ColumnKind::Any; columns],
                            rows,
                        },
                        None => Output::StatementComplete(count),
                    };
                }
                _ => {}
            }
        }
        Ok(output)
    }

    async fn close(&mut self) {
        // Dropping the client ends the connection's task.
        self.client = None;
        let _ = (&mut self.task).await;
    }
}

impl From<tokio_postgres::Error> for SltError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(e) => SltError::from_parts(e.code().code(), e.message(), e.detail(), e.hint()),
            None => SltError::new("08006", error.to_string()),
        }
    }
}
