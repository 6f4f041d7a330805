//! `stv_locks`, `svv_transactions`, `pg_locks`, `stv_active_cursors`, `stv_db_isolation_level`.

use lw_catalog::Isolation;

use super::*;

pub static STV_LOCKS: SystemRelation = SystemRelation::primitive("stv_locks", 11_120, LOCKS, locks)
    .superuser()
    .on_compute();
const LOCKS: Columns = &[
    ("table_id", Int4),
    ("last_commit", Timestamp),
    ("last_update", Timestamp),
    ("lock_owner", Int8),
    ("lock_owner_pid", Int8),
    ("lock_owner_start_ts", Timestamp),
    ("lock_owner_end_ts", Timestamp),
    ("lock_status", Char(22)),
];

/// Write locks on tables, held or waited for.
fn locks(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(LOCKS);
    for lock in ctx.live.locks() {
        if lock.mode == "AccessShareLock" {
            continue;
        }
        let status = if lock.granted {
            "Holding write lock"
        } else {
            "Waiting for write lock"
        };
        rows.push(row![
            lock.table,
            Cell::Null,
            Cell::Null,
            lock.xid,
            lock.pid,
            lock.since,
            Cell::Null,
            status,
        ]);
    }
    rows.finish()
}

pub static SVV_TRANSACTIONS: SystemRelation =
    SystemRelation::primitive("svv_transactions", 11_121, TRANSACTIONS, transactions).own_rows();
const TRANSACTIONS: Columns = &[
    ("txn_owner", Text),
    ("txn_db", Text),
    ("xid", Int8),
    ("pid", Int4),
    ("txn_start", Timestamp),
    ("lock_mode", Text),
    ("lockable_object_type", Text),
    ("relation", Int4),
    ("granted", Bool),
];

/// Each open transaction: a row for itself and one for each lock.
fn transactions(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(TRANSACTIONS);
    let locks = ctx.live.locks();
    for txn in ctx.live.transactions() {
        if !sees_rows_of(ctx, txn.user) {
            continue;
        }
        let owner = user_name(&ctx.session.catalog, txn.user);
        let database = database_name(&ctx.session.catalog, txn.database);
        rows.push(row![
            &owner,
            &database,
            txn.xid,
            txn.pid,
            txn.started_at,
            "ExclusiveLock",
            "transactionid",
            Cell::Null,
            true,
        ]);
        for lock in locks.iter().filter(|l| l.xid == txn.xid) {
            rows.push(row![
                &owner,
                &database,
                txn.xid,
                txn.pid,
                txn.started_at,
                lock.mode,
                "relation",
                lock.table,
                lock.granted,
            ]);
        }
    }
    rows.finish()
}

pub static PG_LOCKS: SystemRelation =
    SystemRelation::primitive("pg_locks", 11_122, PG_LOCKS_COLUMNS, pg_locks);
const PG_LOCKS_COLUMNS: Columns = &[
    ("relation", SqlType::Oid),
    ("database", SqlType::Oid),
    ("transaction", Xid),
    ("pid", Int4),
    ("mode", Text),
    ("granted", Bool),
];

fn pg_locks(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(PG_LOCKS_COLUMNS);
    let transactions = ctx.live.transactions();
    for lock in ctx.live.locks() {
        let database = transactions.iter().find(|t| t.xid == lock.xid);
        rows.push(row![
            lock.table,
            database.map(|t| t.database),
            Cell::Null,
            lock.pid,
            lock.mode,
            lock.granted,
        ]);
    }
    for txn in transactions {
        rows.push(row![
            Cell::Null,
            Cell::Null,
            txn.xid,
            txn.pid,
            "ExclusiveLock",
            true,
        ]);
    }
    rows.finish()
}

pub static STV_ACTIVE_CURSORS: SystemRelation =
    SystemRelation::primitive("stv_active_cursors", 11_123, CURSORS, cursors)
        .own_rows()
        .on_compute();
const CURSORS: Columns = &[
    ("userid", Int4),
    ("name", Char(256)),
    ("xid", Int8),
    ("pid", Int4),
    ("starttime", Timestamp),
    ("row_count", Int8),
    ("byte_count", Int8),
    ("fetched_rows", Int8),
];

fn cursors(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(CURSORS);
    for cursor in ctx.live.cursors() {
        if sees_rows_of(ctx, cursor.user) {
            rows.push(row![
                cursor.user,
                &cursor.name,
                cursor.xid,
                cursor.pid,
                cursor.started_at,
                cursor.row_count,
                cursor.bytes,
                cursor.fetched_rows,
            ]);
        }
    }
    rows.finish()
}

pub static STV_DB_ISOLATION_LEVEL: SystemRelation =
    SystemRelation::primitive("stv_db_isolation_level", 11_124, ISOLATION, isolation);
const ISOLATION: Columns = &[("db_name", Char(128)), ("isolation_level", Char(20))];

fn isolation(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(ISOLATION);
    for database in ctx.session.catalog.databases() {
        let level = match database.isolation {
            Isolation::Serializable => "Serializable",
            Isolation::Snapshot => "Snapshot Isolation",
        };
        rows.push(row![&database.name, level]);
    }
    rows.finish()
}
