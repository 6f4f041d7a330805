//! The commits there are most of: a few rows more, a few rows less. Everything such a commit writes is
//! sent at once, because each statement of its own wakes the database's thread and waits for it.

use lw_base::{Result, SqlError, Version};
use lw_catalog::{Change, Place, Segment};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, query};

use crate::codec;
use crate::sqlite::failed;

/// Statements sent together at most.
const MOST: usize = 32;

/// True if these transactions can be committed by [`commit`].
pub(crate) fn are_few(transactions: &[Vec<Change>]) -> bool {
    let mut statements = 0;
    for change in transactions.iter().flatten() {
        statements += match change {
            Change::AddSegments { segments, .. } => segments.len(),
            Change::RemoveSegments { segments, .. } => segments.len(),
            Change::SetDeleted { .. } => 1,
            _ => return false,
        };
    }
    statements + transactions.len() < MOST
}

/// Commits transactions that [`are_few`].
pub(crate) async fn commit(
    db: &mut SqliteConnection,
    base: Version,
    transactions: &[Vec<Change>],
) -> Result<()> {
    match write(db, base, transactions).await {
        Ok(()) => Ok(()),
        Err(error) => {
            // It may be that nothing was begun; then this says so.
            let _ = query("ROLLBACK").execute(db).await;
            Err(error)
        }
    }
}

async fn write(
    db: &mut SqliteConnection,
    base: Version,
    transactions: &[Vec<Change>],
) -> Result<()> {
    let newest = base.0 + transactions.len() as u64;
    let mut text = QueryBuilder::<Sqlite>::new(
        "BEGIN IMMEDIATE; SELECT total_changes(); UPDATE counter SET value = ",
    );
    text.push_bind(newest as i64)
        .push(" WHERE name = 'version' AND value = ")
        .push_bind(base.0 as i64);
    // Each statement changes one row, or something is amiss.
    let mut expected = 1;
    for (version, changes) in (base.0 + 1..).zip(transactions) {
        for change in changes {
            expected += put(&mut text, change)?;
        }
        text.push("; INSERT INTO commit_log (version, body) VALUES (")
            .push_bind(version as i64)
            .push(", ")
            .push_bind(codec::encode_changes(changes)?)
            .push(")");
        expected += 1;
    }
    text.push("; SELECT total_changes()");
    let counts = text.build().fetch_all(&mut *db).await.map_err(failed)?;
    let count = |row: Option<&sqlx::sqlite::SqliteRow>| row.map_or(0, |r| r.get::<i64, _>(0));
    if counts.len() != 2 || count(counts.last()) - count(counts.first()) != expected {
        return Err(SqlError::internal(format!(
            "catalog store: it is not as version {base} left it: another process has written it"
        )));
    }
    query("COMMIT").execute(db).await.map_err(failed)?;
    Ok(())
}

/// Adds the statements of a change; returns how many.
fn put(text: &mut QueryBuilder<Sqlite>, change: &Change) -> Result<i64> {
    match change {
        Change::AddSegments { table, segments } => {
            for segment in segments {
                add_segment(text, i64::from(table.0), segment)?;
            }
            Ok(segments.len() as i64)
        }
        Change::RemoveSegments { segments, .. } => {
            for id in segments {
                text.push("; DELETE FROM segment WHERE id = ")
                    .push_bind(id.0 as i64);
            }
            Ok(segments.len() as i64)
        }
        Change::SetDeleted {
            segment,
            deleted,
            deleted_rows,
            ..
        } => {
            text.push("; UPDATE segment SET deleted = ")
                .push_bind(deleted.to_vec())
                .push(", deleted_rows = ")
                .push_bind(*deleted_rows as i64)
                .push(" WHERE id = ")
                .push_bind(segment.0 as i64);
            Ok(1)
        }
        _ => Err(SqlError::internal("not a change of rows")),
    }
}

fn add_segment(text: &mut QueryBuilder<Sqlite>, table: i64, segment: &Segment) -> Result<()> {
    let inline = match &segment.place {
        Place::Inline(bytes) => Some(bytes.to_vec()),
        Place::File(_) => None,
    };
    let deleted = (!segment.deleted.is_empty()).then(|| segment.deleted.to_vec());
    text.push(
        "; INSERT INTO segment (id, table_oid, body, rows_inline, deleted, deleted_rows) VALUES (",
    );
    let mut values = text.separated(", ");
    values
        .push_bind(segment.id.0 as i64)
        .push_bind(table)
        .push_bind(codec::segment_json(segment)?)
        .push_bind(inline)
        .push_bind(deleted)
        .push_bind(segment.deleted_rows as i64);
    text.push(")");
    Ok(())
}
