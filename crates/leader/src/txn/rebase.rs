//! A transaction's changes carried over from the state it read to the newest one, or refused
//! because somebody else changed the same thing in between.

use std::sync::Arc;

use bytes::Bytes;
use lw_base::{Oid, Result, SegmentId, SqlError, SqlState};
use lw_catalog::{CatalogSnapshot, Change, Relation};
use roaring::RoaringTreemap;

/// The conflict of two transactions, as SNAPSHOT isolation reports it.
pub(super) fn conflict(detail: impl Into<String>) -> SqlError {
    SqlError::new(
        SqlState::SERIALIZATION_FAILURE,
        "could not complete because of conflict with concurrent transaction",
    )
    .with_detail(detail)
    .with_hint("Run the transaction again.")
}

/// What a conflict is about, for `stl_tr_conflict`.
pub(super) fn table_of(change: &Change) -> Option<Oid> {
    match change {
        Change::AddSegments { table, .. }
        | Change::RemoveSegments { table, .. }
        | Change::SetDeleted { table, .. }
        | Change::PutStats { table, .. }
        | Change::AdvanceIdentity { table, .. } => Some(*table),
        Change::PutRelation(r) => Some(r.oid),
        Change::DropRelation(oid) => Some(*oid),
        _ => None,
    }
}

/// Carries `changes`, made on `base`, over to `head`. Gives them as they are to be committed, and
/// the state they lead to (still with `head`'s version).
pub(super) fn rebase(
    base: &CatalogSnapshot,
    head: &CatalogSnapshot,
    changes: Vec<Change>,
) -> Result<(Vec<Change>, CatalogSnapshot)> {
    let mut working = head.clone();
    let mut out = Vec::with_capacity(changes.len());
    for change in changes {
        check_untouched(base, head, &change)?;
        check_name(&working, &change)?;
        let change = merge_deletes(base, head, change)?;
        working.apply(&change)?;
        out.push(change);
    }
    check_dependencies(base, head, &working, &out)?;
    Ok((out, working))
}

fn same<T: PartialEq>(a: Option<&Arc<T>>, b: Option<&Arc<T>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
        (None, None) => true,
        _ => false,
    }
}

/// An object that is to be redefined or dropped must be as the transaction saw it.
fn check_untouched(base: &CatalogSnapshot, head: &CatalogSnapshot, change: &Change) -> Result<()> {
    let (untouched, what) = match change {
        Change::PutDatabase(d) => (same(base.database(d.oid), head.database(d.oid)), "database"),
        Change::DropDatabase(o) => (same(base.database(*o), head.database(*o)), "database"),
        Change::PutUser(u) => (same(base.user(u.oid), head.user(u.oid)), "user"),
        Change::DropUser(o) => (same(base.user(*o), head.user(*o)), "user"),
        Change::PutGroup(g) => (same(group(base, g.oid), group(head, g.oid)), "group"),
        Change::DropGroup(o) => (same(group(base, *o), group(head, *o)), "group"),
        Change::PutSchema(s) => (same(base.schema(s.oid), head.schema(s.oid)), "schema"),
        Change::DropSchema(o) => (same(base.schema(*o), head.schema(*o)), "schema"),
        Change::PutRelation(r) => (same(base.relation(r.oid), head.relation(r.oid)), "relation"),
        Change::DropRelation(o) => (same(base.relation(*o), head.relation(*o)), "relation"),
        Change::AddSegments { table, .. }
        | Change::RemoveSegments { table, .. }
        | Change::SetDeleted { table, .. }
        | Change::PutStats { table, .. } => return check_table(base, head, *table),
        Change::Comment { .. } | Change::AdvanceIdentity { .. } => (true, ""),
    };
    if untouched {
        return Ok(());
    }
    Err(conflict(format!(
        "The {what} was changed or dropped by a concurrent transaction."
    )))
}

fn group(snapshot: &CatalogSnapshot, oid: Oid) -> Option<&Arc<lw_catalog::Group>> {
    snapshot.groups().find(|g| g.oid == oid)
}

/// A table that is written must have the shape it was written for.
fn check_table(base: &CatalogSnapshot, head: &CatalogSnapshot, table: Oid) -> Result<()> {
    // Made by this very transaction: nobody else knows it.
    let Some(before) = base.relation(table) else {
        return Ok(());
    };
    let Some(now) = head.relation(table) else {
        return Err(SqlError::new(SqlState::SERIALIZATION_FAILURE, "1018")
            .with_detail("Relation does not exist.")
            .with_hint("The table was dropped by a concurrent transaction."));
    };
    if Arc::ptr_eq(before, now) || shape(before) == shape(now) {
        return Ok(());
    }
    Err(conflict(format!(
        "Table \"{}\" was altered by a concurrent transaction.",
        now.name
    )))
}

fn shape(relation: &Relation) -> impl PartialEq + '_ {
    (&relation.columns, &relation.kind)
}

/// Names are unique. A transaction sees its own snapshot only, so this is decided here.
fn check_name(working: &CatalogSnapshot, change: &Change) -> Result<()> {
    match change {
        Change::PutRelation(r) => {
            if working.schema(r.schema).is_none() {
                return Err(SqlError::new(
                    SqlState::INVALID_SCHEMA_NAME,
                    format!("schema of \"{}\" does not exist", r.name),
                )
                .with_detail("It was dropped by a concurrent transaction."));
            }
            match working.relation_named(r.schema, &r.name) {
                Some(other) if other.oid != r.oid => Err(SqlError::new(
                    SqlState::DUPLICATE_TABLE,
                    format!("Relation \"{}\" already exists", r.name),
                )),
                _ => Ok(()),
            }
        }
        Change::PutSchema(s) => {
            if working.database(s.database).is_none() {
                return Err(SqlError::new(
                    SqlState::INVALID_CATALOG_NAME,
                    format!("database of schema \"{}\" does not exist", s.name),
                ));
            }
            match working.schema_named(s.database, &s.name) {
                Some(other) if other.oid != s.oid => Err(SqlError::new(
                    SqlState::DUPLICATE_SCHEMA,
                    format!("Schema \"{}\" already exists", s.name),
                )),
                _ => Ok(()),
            }
        }
        Change::PutDatabase(d) => match working.database_named(&d.name) {
            Some(other) if other.oid != d.oid => Err(SqlError::new(
                SqlState::DUPLICATE_DATABASE,
                format!("database \"{}\" already exists", d.name),
            )),
            _ => Ok(()),
        },
        Change::PutUser(u) => match working.user_named(&u.name) {
            Some(other) if other.oid != u.oid => Err(SqlError::new(
                SqlState::DUPLICATE_OBJECT,
                format!("user \"{}\" already exists", u.name),
            )),
            _ => Ok(()),
        },
        Change::PutGroup(g) => {
            let taken = working.groups().any(|o| o.name == g.name && o.oid != g.oid);
            if taken {
                return Err(SqlError::new(
                    SqlState::DUPLICATE_OBJECT,
                    format!("group \"{}\" already exists", g.name),
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn bitmap(bytes: &Bytes) -> Result<RoaringTreemap> {
    if bytes.is_empty() {
        return Ok(RoaringTreemap::new());
    }
    RoaringTreemap::deserialize_from(&bytes[..])
        .map_err(|e| SqlError::internal(format!("set of deleted rows cannot be read: {e}")))
}

fn bytes(bitmap: &RoaringTreemap) -> Result<Bytes> {
    let mut out = Vec::with_capacity(bitmap.serialized_size());
    bitmap.serialize_into(&mut out)?;
    Ok(out.into())
}

/// Deletes of different rows of one segment are put together; of the same row, the first wins.
fn merge_deletes(base: &CatalogSnapshot, head: &CatalogSnapshot, change: Change) -> Result<Change> {
    let gone = |table: Oid, segment: &SegmentId| {
        conflict(format!(
            "Rows of table {table} (segment {segment}) were replaced by a concurrent transaction."
        ))
    };
    match change {
        Change::RemoveSegments { table, segments } => {
            let before = base.table_data(table);
            let now = head.table_data(table);
            for id in &segments {
                // Not there before: added by this transaction.
                let Some(seen) = before.segments.get(id) else {
                    continue;
                };
                let unchanged = now
                    .segments
                    .get(id)
                    .is_some_and(|s| Arc::ptr_eq(s, seen) || s.deleted == seen.deleted);
                if !unchanged {
                    return Err(gone(table, id));
                }
            }
            Ok(Change::RemoveSegments { table, segments })
        }
        Change::SetDeleted {
            table,
            segment,
            deleted,
            deleted_rows,
        } => {
            let before = base.table_data(table);
            let now = head.table_data(table);
            let Some(seen) = before.segments.get(&segment) else {
                return Ok(Change::SetDeleted {
                    table,
                    segment,
                    deleted,
                    deleted_rows,
                });
            };
            let Some(current) = now.segments.get(&segment) else {
                return Err(gone(table, &segment));
            };
            if Arc::ptr_eq(seen, current) || seen.deleted == current.deleted {
                return Ok(Change::SetDeleted {
                    table,
                    segment,
                    deleted,
                    deleted_rows,
                });
            }
            let seen = bitmap(&seen.deleted)?;
            let theirs = bitmap(&current.deleted)?;
            let mine = bitmap(&deleted)? - seen.clone();
            if !mine.is_disjoint(&(&theirs - &seen)) {
                return Err(conflict(format!(
                    "Rows of table {table} were changed by a concurrent transaction."
                )));
            }
            let all = theirs | mine;
            Ok(Change::SetDeleted {
                table,
                segment,
                deleted: bytes(&all)?,
                deleted_rows: all.len(),
            })
        }
        other => Ok(other),
    }
}

/// Nothing may be left without what it stands on. Within a transaction planning sees to that; here
/// it is about what others committed meanwhile.
fn check_dependencies(
    base: &CatalogSnapshot,
    head: &CatalogSnapshot,
    working: &CatalogSnapshot,
    changes: &[Change],
) -> Result<()> {
    if base.version == head.version {
        return Ok(());
    }
    let dependent = |what: String| {
        SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, what)
            .with_detail("The dependent object was made by a concurrent transaction.")
    };
    for change in changes {
        match change {
            Change::PutRelation(r) => {
                for needed in r.view().iter().flat_map(|v| &v.depends_on) {
                    let lost =
                        base.relation(*needed).is_some() && working.relation(*needed).is_none();
                    if lost && working.relation(r.oid).is_some() {
                        return Err(conflict(format!(
                            "A relation that view \"{}\" reads was dropped by a concurrent transaction.",
                            r.name
                        )));
                    }
                }
            }
            Change::DropRelation(oid) => {
                let view = working
                    .relations()
                    .find(|r| r.view().is_some_and(|v| v.depends_on.contains(oid)));
                if let Some(view) = view {
                    return Err(dependent(format!(
                        "cannot drop relation {oid} because view \"{}\" depends on it",
                        view.name
                    )));
                }
            }
            Change::DropSchema(oid) => {
                if let Some(relation) = working.relations_in(*oid).next() {
                    return Err(dependent(format!(
                        "cannot drop schema {oid} because relation \"{}\" depends on it",
                        relation.name
                    )));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
