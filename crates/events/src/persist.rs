//! The file behind the log: a SQLite database with one table of JSON records. Losing its last
//! moments in a crash is allowed; holding up a statement is not.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lw_base::{Result, SqlError, clock};
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Row, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::log::{Limits, Rings};
use crate::record::*;

const CREATE: &str = "
CREATE TABLE IF NOT EXISTS event (
    seq  INTEGER PRIMARY KEY,
    kind TEXT    NOT NULL,
    at   BIGINT  NOT NULL,
    body TEXT    NOT NULL
);
CREATE INDEX IF NOT EXISTS event_kind ON event (kind, seq);
CREATE INDEX IF NOT EXISTS event_at ON event (at);
";

/// Records waiting for the writer. Beyond it records stay in memory only, and are counted.
const QUEUE: usize = 65_536;
/// How long records are gathered before they are written together.
const GATHER: Duration = Duration::from_millis(250);
/// Records in one statement.
const TOGETHER: usize = 100;
/// Retention is looked after once per this many batches.
const PRUNE_EVERY: u32 = 64;

/// One record of any kind.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Query(Arc<QueryRecord>),
    Copy(Arc<CopyRecord>),
    Load(Arc<LoadRecord>),
    LoadError(Arc<LoadError>),
    Unload(Arc<UnloadRecord>),
    Connection(Arc<ConnectionRecord>),
    Maintenance(Arc<MaintenanceRecord>),
}

const KINDS: [&str; 7] = [
    "query",
    "copy",
    "load",
    "load_error",
    "unload",
    "connection",
    "maintenance",
];

impl Entry {
    fn kind(&self) -> &'static str {
        match self {
            Entry::Query(_) => "query",
            Entry::Copy(_) => "copy",
            Entry::Load(_) => "load",
            Entry::LoadError(_) => "load_error",
            Entry::Unload(_) => "unload",
            Entry::Connection(_) => "connection",
            Entry::Maintenance(_) => "maintenance",
        }
    }

    fn body(&self) -> serde_json::Result<String> {
        match self {
            Entry::Query(r) => serde_json::to_string(r),
            Entry::Copy(r) => serde_json::to_string(r),
            Entry::Load(r) => serde_json::to_string(r),
            Entry::LoadError(r) => serde_json::to_string(r),
            Entry::Unload(r) => serde_json::to_string(r),
            Entry::Connection(r) => serde_json::to_string(r),
            Entry::Maintenance(r) => serde_json::to_string(r),
        }
    }

    fn parse(kind: &str, body: &str) -> Option<Entry> {
        fn of<T: DeserializeOwned>(body: &str) -> Option<Arc<T>> {
            serde_json::from_str(body).ok().map(Arc::new)
        }
        match kind {
            "query" => of(body).map(Entry::Query),
            "copy" => of(body).map(Entry::Copy),
            "load" => of(body).map(Entry::Load),
            "load_error" => of(body).map(Entry::LoadError),
            "unload" => of(body).map(Entry::Unload),
            "connection" => of(body).map(Entry::Connection),
            "maintenance" => of(body).map(Entry::Maintenance),
            _ => None,
        }
    }
}

enum Message {
    Entry(Entry, i64),
    Flush(oneshot::Sender<()>),
}

/// The sending side of the background writer.
pub(crate) struct Writer {
    sender: mpsc::Sender<Message>,
    lost: Arc<AtomicU64>,
}

fn failed(error: sqlx::Error) -> SqlError {
    SqlError::internal(format!("event log: {error}"))
}

async fn connect(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5));
    let mut connection = SqliteConnection::connect_with(&options)
        .await
        .map_err(failed)?;
    sqlx::raw_sql(CREATE)
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    Ok(connection)
}

async fn read(connection: &mut SqliteConnection, limits: Limits, rings: &mut Rings) -> Result<()> {
    for kind in KINDS {
        let rows = sqlx::query(
            "SELECT body FROM (SELECT seq, body FROM event WHERE kind = ?1 AND at >= ?2
             ORDER BY seq DESC LIMIT ?3) ORDER BY seq",
        )
        .bind(kind)
        .bind(clock::now_micros() - limits.max_age)
        .bind(limits.in_memory as i64)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
        for row in rows {
            // A record of a newer or broken form is left out, not an error.
            if let Some(entry) = Entry::parse(kind, row.get::<&str, _>(0)) {
                rings.add(entry, limits.in_memory);
            }
        }
    }
    Ok(())
}

impl Writer {
    pub(crate) async fn open(path: &Path, limits: Limits, rings: &mut Rings) -> Result<Writer> {
        let opened = async {
            let mut connection = connect(path).await?;
            read(&mut connection, limits, rings).await?;
            Ok::<_, SqlError>(connection)
        };
        let connection = match opened.await {
            Ok(connection) => connection,
            Err(error) => {
                let aside = path.with_extension("unreadable");
                tracing::warn!(%error, "event log is unreadable, put aside as {}", aside.display());
                std::fs::rename(path, &aside)?;
                for suffix in ["-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(suffix);
                    // Leftovers of the broken file; usually there are none.
                    let _ = std::fs::remove_file(name);
                }
                connect(path).await?
            }
        };
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(run(connection, receiver, limits));
        Ok(Writer {
            sender,
            lost: Arc::default(),
        })
    }

    pub(crate) fn send(&self, entry: Entry) {
        let message = Message::Entry(entry, clock::now_micros());
        if self.sender.try_send(message).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::warn!(
                    lost,
                    "event log cannot keep up; records are kept in memory only"
                );
            }
        }
    }

    pub(crate) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.sender.send(Message::Flush(done)).await.is_ok() {
            // An error means the writer is gone: nothing to wait for.
            let _ = wait.await;
        }
    }
}

async fn run(
    mut connection: SqliteConnection,
    mut receiver: mpsc::Receiver<Message>,
    limits: Limits,
) {
    let mut batches = 0u32;
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, 4096).await > 0 {
        if !batch.iter().any(|m| matches!(m, Message::Flush(_))) {
            tokio::time::sleep(GATHER).await;
            while batch.len() < 4096
                && let Ok(more) = receiver.try_recv()
            {
                batch.push(more);
            }
        }
        if let Err(error) = write(&mut connection, &batch).await {
            tracing::warn!(%error, "event log: {} records not written", batch.len());
        }
        if batches.is_multiple_of(PRUNE_EVERY)
            && let Err(error) = prune(&mut connection, limits).await
        {
            tracing::warn!(%error, "event log: old records not removed");
        }
        batches = batches.wrapping_add(1);
        for message in batch.drain(..) {
            if let Message::Flush(done) = message {
                // The one who asked may have gone.
                let _ = done.send(());
            }
        }
    }
}

async fn write(connection: &mut SqliteConnection, batch: &[Message]) -> Result<(), sqlx::Error> {
    // One statement for many records: each statement wakes another thread.
    let mut rows = Vec::new();
    for message in batch {
        let Message::Entry(entry, at) = message else {
            continue;
        };
        let body = entry.body().map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
        rows.push((entry.kind(), *at, body));
    }
    let mut transaction = connection.begin().await?;
    for rows in rows.chunks(TOGETHER) {
        let mut insert = sqlx::QueryBuilder::new("INSERT INTO event (kind, at, body) ");
        insert.push_values(rows, |mut values, (kind, at, body)| {
            values.push_bind(*kind).push_bind(*at).push_bind(body);
        });
        // Only the common size is worth remembering.
        let persistent = rows.len() == TOGETHER;
        insert
            .build()
            .persistent(persistent)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

async fn prune(connection: &mut SqliteConnection, limits: Limits) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM event WHERE at < ?1")
        .bind(clock::now_micros() - limits.max_age)
        .execute(&mut *connection)
        .await?;
    for kind in KINDS {
        sqlx::query(
            "DELETE FROM event WHERE kind = ?1 AND seq <= (SELECT seq FROM event WHERE kind = ?1
             ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
        )
        .bind(kind)
        .bind(limits.on_disk as i64)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
