//! [`SqliteStore`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lw_base::{Oid, Result, SegmentId, SqlError, SqlState, TxnId, Version};
use lw_catalog::{CatalogSnapshot, CatalogStore, Change, Segment};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Row, SqliteConnection, query};
use tokio::sync::Mutex;

use crate::apply::apply;
use crate::{codec, rows, sql};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Commits a follower may lag behind.
const LOG_KEPT: u64 = 1000;
/// The log is pruned once per this many commits.
const PRUNE_EVERY: u64 = 128;
/// Changes of one load that go into a snapshot at once, per table.
const LOAD_BATCH: usize = 100_000;

/// A catalog in one SQLite file. One process at a time may write it; the server's lock on the data
/// directory sees to that.
pub struct SqliteStore {
    /// All writing goes through one connection: SQLite has one writer anyway.
    writer: Mutex<SqliteConnection>,
    /// Reading (load, log) does not hold up commits.
    reader: Mutex<SqliteConnection>,
}

/// An error of the database as the client may see it.
pub(crate) fn failed(error: sqlx::Error) -> SqlError {
    let full = error
        .as_database_error()
        .and_then(|e| e.code())
        .is_some_and(|code| code == "13");
    if full {
        return SqlError::new(SqlState::DISK_FULL, "catalog store: disk is full");
    }
    SqlError::new(SqlState::IO_ERROR, format!("catalog store: {error}"))
}

impl SqliteStore {
    /// Opens the store in the file `path`, made if it is missing.
    pub async fn open(path: &Path) -> Result<Arc<Self>> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", "4000")
            .pragma("cache_size", "-32768")
            .busy_timeout(Duration::from_secs(10))
            .statement_cache_capacity(64);
        let mut writer = SqliteConnection::connect_with(&options)
            .await
            .map_err(failed)?;
        // What `run` does, in a form that may be awaited on any thread.
        MIGRATIONS
            .run_direct(None, &mut writer, false)
            .await
            .map_err(|e| SqlError::internal(format!("catalog store: {e}")))?;
        query(sql::DROP_STRAY_IDENTITY)
            .execute(&mut writer)
            .await
            .map_err(failed)?;
        let reader = SqliteConnection::connect_with(&options)
            .await
            .map_err(failed)?;
        Ok(Arc::new(SqliteStore {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
        }))
    }

    /// Writes the log into the file, as far as nobody reads it.
    pub async fn checkpoint(&self) -> Result<()> {
        let mut db = self.writer.lock().await;
        query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut *db)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn reserve(&self, counter: &'static str, count: u64) -> Result<u64> {
        let mut db = self.writer.lock().await;
        let next: i64 = query(sql::ADD_COUNTER)
            .bind(counter)
            .bind(count as i64)
            .fetch_one(&mut *db)
            .await
            .map_err(failed)?
            .get(0);
        Ok(next as u64 - count)
    }
}

async fn counter(db: &mut SqliteConnection, name: &'static str) -> Result<u64> {
    let row = query(sql::GET_COUNTER)
        .bind(name)
        .fetch_one(db)
        .await
        .map_err(failed)?;
    Ok(row.get::<i64, _>(0) as u64)
}

fn oid(value: i64) -> Oid {
    Oid(value as u32)
}

fn object(kind: &str, body: &str) -> Result<Change> {
    Ok(match kind {
        "database" => Change::PutDatabase(codec::from_json(kind, body)?),
        "user" => Change::PutUser(codec::from_json(kind, body)?),
        "group" => Change::PutGroup(codec::from_json(kind, body)?),
        "schema" => Change::PutSchema(codec::from_json(kind, body)?),
        "relation" => Change::PutRelation(codec::from_json(kind, body)?),
        other => {
            return Err(SqlError::internal(format!(
                "catalog store: object of unknown kind {other}"
            )));
        }
    })
}

async fn load_objects(db: &mut SqliteConnection, snapshot: &mut CatalogSnapshot) -> Result<()> {
    for row in query(sql::ALL_OBJECTS)
        .fetch_all(&mut *db)
        .await
        .map_err(failed)?
    {
        snapshot.apply(&object(row.get(0), row.get(1))?)?;
    }
    for row in query(sql::ALL_COMMENTS)
        .fetch_all(&mut *db)
        .await
        .map_err(failed)?
    {
        snapshot.apply(&Change::Comment {
            object: oid(row.get(0)),
            column: row.get::<i64, _>(1) as u32,
            text: Some(row.get(2)),
        })?;
    }
    Ok(())
}

async fn load_data(db: &mut SqliteConnection, snapshot: &mut CatalogSnapshot) -> Result<()> {
    let mut by_table: BTreeMap<Oid, Vec<Arc<Segment>>> = BTreeMap::new();
    for row in query(sql::ALL_SEGMENTS)
        .fetch_all(&mut *db)
        .await
        .map_err(failed)?
    {
        let segment = codec::segment(row.get(1), row.get(2), row.get(3), row.get(4))?;
        by_table
            .entry(oid(row.get(0)))
            .or_default()
            .push(Arc::new(segment));
    }
    for (table, segments) in by_table {
        for segments in segments.chunks(LOAD_BATCH) {
            snapshot.apply(&Change::AddSegments {
                table,
                segments: segments.to_vec(),
            })?;
        }
    }
    for row in query(sql::ALL_STATS)
        .fetch_all(&mut *db)
        .await
        .map_err(failed)?
    {
        snapshot.apply(&Change::PutStats {
            table: oid(row.get(0)),
            stats: codec::from_json("statistics", row.get(1))?,
        })?;
    }
    for row in query(sql::ALL_IDENTITY)
        .fetch_all(&mut *db)
        .await
        .map_err(failed)?
    {
        snapshot.apply(&Change::AdvanceIdentity {
            table: oid(row.get(0)),
            next: BTreeMap::from([(row.get::<i64, _>(1) as u32, row.get(2))]),
        })?;
    }
    Ok(())
}

async fn load(db: &mut SqliteConnection) -> Result<CatalogSnapshot> {
    // One transaction: all tables are of one version.
    let mut transaction = db.begin().await.map_err(failed)?;
    let mut snapshot = CatalogSnapshot::default();
    snapshot.version = Version(counter(&mut transaction, "version").await?);
    load_objects(&mut transaction, &mut snapshot).await?;
    load_data(&mut transaction, &mut snapshot).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(snapshot)
}

/// The state in the file `path`, which is not changed; a store may have it open.
pub async fn read(path: &Path) -> Result<CatalogSnapshot> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(Duration::from_secs(10));
    let mut db = SqliteConnection::connect_with(&options)
        .await
        .map_err(failed)?;
    let loaded = load(&mut db).await;
    db.close().await.map_err(failed)?;
    loaded
}

/// Copies the state in the file `path` into the new file `copy`, as of one commit; a store that has it
/// open may go on committing.
pub async fn copy(path: &Path, copy: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(10));
    let mut db = SqliteConnection::connect_with(&options)
        .await
        .map_err(failed)?;
    let copied = query("VACUUM INTO ?1")
        .bind(copy.to_string_lossy().into_owned())
        .execute(&mut db)
        .await
        .map_err(failed);
    db.close().await.map_err(failed)?;
    copied?;
    std::fs::File::open(copy)?.sync_all()?;
    Ok(())
}

/// Sees to it that the store in the file `path` gives out no id that the one in the file `other` has
/// given out.
pub async fn continue_after(path: &Path, other: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(other)
        .read_only(true)
        .busy_timeout(Duration::from_secs(10));
    let mut theirs = SqliteConnection::connect_with(&options)
        .await
        .map_err(failed)?;
    let mut floors = Vec::new();
    for name in ["next_oid", "next_segment", "next_transaction"] {
        floors.push((name, counter(&mut theirs, name).await? as i64));
    }
    theirs.close().await.map_err(failed)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full);
    let mut ours = SqliteConnection::connect_with(&options)
        .await
        .map_err(failed)?;
    for (name, floor) in floors {
        query(sql::RAISE_COUNTER)
            .bind(name)
            .bind(floor)
            .execute(&mut ours)
            .await
            .map_err(failed)?;
    }
    ours.close().await.map_err(failed)
}

#[async_trait]
impl CatalogStore for SqliteStore {
    async fn load(&self) -> Result<CatalogSnapshot> {
        load(&mut *self.reader.lock().await).await
    }

    async fn version(&self) -> Result<Version> {
        let mut db = self.writer.lock().await;
        counter(&mut db, "version").await.map(Version)
    }

    async fn commit(&self, base: Version, transactions: &[Vec<Change>]) -> Result<Version> {
        let newest = base.0 + transactions.len() as u64;
        let mut db = self.writer.lock().await;
        let prunes = newest / PRUNE_EVERY != base.0 / PRUNE_EVERY;
        if !prunes && rows::are_few(transactions) {
            rows::commit(&mut db, base, transactions).await?;
            return Ok(Version(newest));
        }
        let mut transaction = db.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let moved = query(sql::SET_VERSION)
            .bind(base.0 as i64)
            .bind(newest as i64)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if moved.rows_affected() != 1 {
            return Err(SqlError::internal(format!(
                "catalog store: it is not at version {base}: another process has written it"
            )));
        }
        for (version, changes) in (base.0 + 1..).zip(transactions) {
            for change in changes {
                apply(&mut transaction, change).await?;
            }
            query(sql::ADD_LOG)
                .bind(version as i64)
                .bind(codec::encode_changes(changes)?)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        if prunes {
            query(sql::PRUNE_LOG)
                .bind(newest.saturating_sub(LOG_KEPT) as i64)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(Version(newest))
    }

    async fn log_after(&self, after: Version) -> Result<Vec<(Version, Vec<Change>)>> {
        let mut db = self.reader.lock().await;
        let mut transaction = db.begin().await.map_err(failed)?;
        let newest = counter(&mut transaction, "version").await?;
        let rows = query(sql::READ_LOG)
            .bind(after.0 as i64)
            .fetch_all(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        if rows.len() as u64 != newest.saturating_sub(after.0) {
            return Err(SqlError::internal(format!(
                "catalog store: the commit log no longer reaches back to version {after}"
            )));
        }
        rows.into_iter()
            .map(|row| {
                let version = Version(row.get::<i64, _>(0) as u64);
                Ok((version, codec::decode_changes(row.get(1))?))
            })
            .collect()
    }

    async fn reserve_oids(&self, count: u32) -> Result<Oid> {
        let first = self.reserve("next_oid", u64::from(count)).await?;
        u32::try_from(first + u64::from(count))
            .map(|_| Oid(first as u32))
            .map_err(|_| SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "out of object ids"))
    }

    async fn reserve_segments(&self, count: u64) -> Result<SegmentId> {
        self.reserve("next_segment", count).await.map(SegmentId)
    }

    async fn reserve_transactions(&self, count: u64) -> Result<TxnId> {
        self.reserve("next_transaction", count).await.map(TxnId)
    }
}
