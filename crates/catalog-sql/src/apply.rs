//! One change applied to the catalog tables.

use std::collections::BTreeMap;

use lw_base::{Oid, Result, SqlError};
use lw_catalog::{Change, Place, Relation, Segment};
use serde::Serialize;
use sqlx::{Row, SqliteConnection, query};

use crate::codec;
use crate::sql;
use crate::sqlite::failed;

/// Applies one change inside the open transaction of `db`.
pub async fn apply(db: &mut SqliteConnection, change: &Change) -> Result<()> {
    match change {
        Change::PutDatabase(d) => put(db, "database", d.oid, Oid(0), &**d).await,
        Change::DropDatabase(oid) => drop_database(db, *oid).await,
        Change::PutUser(u) => put(db, "user", u.oid, Oid(0), &**u).await,
        Change::DropUser(oid) => drop_object(db, "user", *oid).await,
        Change::PutGroup(g) => put(db, "group", g.oid, Oid(0), &**g).await,
        Change::DropGroup(oid) => drop_object(db, "group", *oid).await,
        Change::PutSchema(s) => put(db, "schema", s.oid, s.database, &**s).await,
        Change::DropSchema(oid) => {
            drop_object(db, "schema", *oid).await?;
            with_oid(db, sql::DROP_COMMENTS, *oid).await
        }
        Change::PutRelation(r) => put(db, "relation", r.oid, r.schema, &**r).await,
        Change::DropRelation(oid) => drop_relation(db, *oid).await,
        Change::Comment {
            object,
            column,
            text,
        } => comment(db, *object, *column, text.as_deref()).await,
        Change::AddSegments { table, segments } => {
            for segment in segments {
                add_segment(db, *table, segment).await?;
            }
            Ok(())
        }
        Change::RemoveSegments { segments, .. } => {
            for id in segments {
                let done = query(sql::DROP_SEGMENT)
                    .bind(id.0 as i64)
                    .execute(&mut *db)
                    .await
                    .map_err(failed)?;
                expect_one(done.rows_affected(), id)?;
            }
            Ok(())
        }
        Change::SetDeleted {
            segment,
            deleted,
            deleted_rows,
            ..
        } => {
            let done = query(sql::SET_DELETED)
                .bind(segment.0 as i64)
                .bind(deleted.as_ref())
                .bind(*deleted_rows as i64)
                .execute(&mut *db)
                .await
                .map_err(failed)?;
            expect_one(done.rows_affected(), segment)
        }
        Change::PutStats { table, stats } => {
            query(sql::PUT_STATS)
                .bind(table.0 as i64)
                .bind(codec::to_json(&**stats)?)
                .execute(&mut *db)
                .await
                .map_err(failed)?;
            Ok(())
        }
        Change::AdvanceIdentity { table, next } => advance_identity(db, *table, next).await,
    }
}

/// A commit that names a segment the store does not have was validated against another state.
fn expect_one(rows: u64, segment: &lw_base::SegmentId) -> Result<()> {
    if rows == 1 {
        return Ok(());
    }
    Err(SqlError::internal(format!(
        "catalog store: segment {segment} does not exist"
    )))
}

async fn with_oid(db: &mut SqliteConnection, statement: &'static str, oid: Oid) -> Result<()> {
    query(statement)
        .bind(oid.0 as i64)
        .execute(db)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn put<T: Serialize>(
    db: &mut SqliteConnection,
    kind: &'static str,
    oid: Oid,
    parent: Oid,
    body: &T,
) -> Result<()> {
    query(sql::PUT_OBJECT)
        .bind(kind)
        .bind(oid.0 as i64)
        .bind(parent.0 as i64)
        .bind(codec::to_json(body)?)
        .execute(db)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn drop_object(db: &mut SqliteConnection, kind: &'static str, oid: Oid) -> Result<()> {
    query(sql::DROP_OBJECT)
        .bind(kind)
        .bind(oid.0 as i64)
        .execute(db)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn drop_relation(db: &mut SqliteConnection, oid: Oid) -> Result<()> {
    drop_object(db, "relation", oid).await?;
    for statement in [
        sql::DROP_COMMENTS,
        sql::DROP_SEGMENTS,
        sql::DROP_STATS,
        sql::DROP_IDENTITY,
    ] {
        with_oid(db, statement, oid).await?;
    }
    Ok(())
}

async fn children(db: &mut SqliteConnection, kind: &'static str, parent: Oid) -> Result<Vec<Oid>> {
    let rows = query(sql::CHILDREN)
        .bind(kind)
        .bind(parent.0 as i64)
        .fetch_all(db)
        .await
        .map_err(failed)?;
    Ok(rows
        .iter()
        .map(|row| Oid(row.get::<i64, _>(0) as u32))
        .collect())
}

async fn drop_database(db: &mut SqliteConnection, oid: Oid) -> Result<()> {
    for schema in children(db, "schema", oid).await? {
        for relation in children(db, "relation", schema).await? {
            drop_relation(db, relation).await?;
        }
        drop_object(db, "schema", schema).await?;
        with_oid(db, sql::DROP_COMMENTS, schema).await?;
    }
    drop_object(db, "database", oid).await?;
    with_oid(db, sql::DROP_COMMENTS, oid).await
}

async fn comment(
    db: &mut SqliteConnection,
    object: Oid,
    column: u32,
    text: Option<&str>,
) -> Result<()> {
    let statement = match text {
        Some(text) => query(sql::PUT_COMMENT)
            .bind(object.0 as i64)
            .bind(i64::from(column))
            .bind(text),
        None => query(sql::DROP_COMMENT)
            .bind(object.0 as i64)
            .bind(i64::from(column)),
    };
    statement.execute(db).await.map_err(failed)?;
    Ok(())
}

async fn add_segment(db: &mut SqliteConnection, table: Oid, segment: &Segment) -> Result<()> {
    let inline = match &segment.place {
        Place::Inline(bytes) => Some(bytes.as_ref()),
        Place::File(_) => None,
    };
    let deleted = (!segment.deleted.is_empty()).then_some(segment.deleted.as_ref());
    query(sql::ADD_SEGMENT)
        .bind(segment.id.0 as i64)
        .bind(table.0 as i64)
        .bind(codec::segment_json(segment)?)
        .bind(inline)
        .bind(deleted)
        .bind(segment.deleted_rows as i64)
        .execute(db)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn advance_identity(
    db: &mut SqliteConnection,
    table: Oid,
    next: &BTreeMap<u32, i64>,
) -> Result<()> {
    let definition = query(sql::GET_OBJECT)
        .bind("relation")
        .bind(table.0 as i64)
        .fetch_optional(&mut *db)
        .await
        .map_err(failed)?;
    let definition: Option<Relation> = definition
        .map(|row| codec::from_json("relation", row.get::<&str, _>(0)))
        .transpose()?;
    for (column, value) in next {
        let step = definition
            .iter()
            .flat_map(|r| &r.columns)
            .find(|c| c.id == *column)
            .and_then(|c| c.identity)
            .map_or(1, |identity| identity.step);
        let old: Option<i64> = query(sql::GET_IDENTITY)
            .bind(table.0 as i64)
            .bind(i64::from(*column))
            .fetch_optional(&mut *db)
            .await
            .map_err(failed)?
            .map(|row| row.get(0));
        let new = match old {
            Some(old) if step >= 0 => old.max(*value),
            Some(old) => old.min(*value),
            None => *value,
        };
        query(sql::PUT_IDENTITY)
            .bind(table.0 as i64)
            .bind(i64::from(*column))
            .bind(new)
            .execute(&mut *db)
            .await
            .map_err(failed)?;
    }
    Ok(())
}
