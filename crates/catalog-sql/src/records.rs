//! [`SqliteRecords`]: the control plane's records in a SQLite file of their own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lw_base::{Result, SqlError};
use lw_catalog::{RawRecord, RecordChange, RecordStore};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Row, SqliteConnection, query};
use tokio::sync::Mutex;

use crate::sql;
use crate::sqlite::failed;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/records");

/// Records in one SQLite file. One process at a time may write it; the server's lock on the data
/// directory sees to that.
pub struct SqliteRecords {
    db: Mutex<SqliteConnection>,
}

impl SqliteRecords {
    /// Opens the store in the file `path`, made if it is missing.
    pub async fn open(path: &Path) -> Result<Arc<Self>> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let mut db = SqliteConnection::connect_with(&options)
            .await
            .map_err(failed)?;
        MIGRATIONS
            .run(&mut db)
            .await
            .map_err(|e| SqlError::internal(format!("record store: {e}")))?;
        Ok(Arc::new(SqliteRecords { db: Mutex::new(db) }))
    }
}

#[async_trait]
impl RecordStore for SqliteRecords {
    async fn load(&self) -> Result<Vec<RawRecord>> {
        let mut db = self.db.lock().await;
        let rows = query(sql::ALL_RECORDS)
            .fetch_all(&mut *db)
            .await
            .map_err(failed)?;
        Ok(rows
            .into_iter()
            .map(|row| RawRecord {
                kind: row.get(0),
                id: row.get(1),
                body: row.get(2),
            })
            .collect())
    }

    async fn commit(&self, changes: &[RecordChange]) -> Result<()> {
        let mut db = self.db.lock().await;
        let mut transaction = db.begin().await.map_err(failed)?;
        for change in changes {
            match change {
                RecordChange::Put(record) => query(sql::PUT_RECORD)
                    .bind(&record.kind)
                    .bind(&record.id)
                    .bind(&record.body)
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed)?,
                RecordChange::Delete { kind, id } => query(sql::DELETE_RECORD)
                    .bind(kind)
                    .bind(id)
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed)?,
            };
        }
        transaction.commit().await.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(id: &str, body: &str) -> RecordChange {
        RecordChange::Put(RawRecord {
            kind: "k".into(),
            id: id.into(),
            body: body.into(),
        })
    }

    #[tokio::test]
    async fn records_outlive_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.db");
        let store = SqliteRecords::open(&path).await.unwrap();
        store.commit(&[put("a", "1"), put("b", "2")]).await.unwrap();
        let gone = RecordChange::Delete {
            kind: "k".into(),
            id: "a".into(),
        };
        store.commit(&[gone, put("b", "3")]).await.unwrap();
        drop(store);
        let kept = SqliteRecords::open(&path)
            .await
            .unwrap()
            .load()
            .await
            .unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].id.as_str(), kept[0].body.as_str()), ("b", "3"));
    }
}
