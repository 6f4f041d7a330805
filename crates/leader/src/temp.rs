//! A session's temporary tables: changes that are never committed, applied again to every snapshot
//! the session reads.

use std::collections::HashSet;
use std::sync::Arc;

use lw_base::Oid;
use lw_catalog::{CatalogSnapshot, Change, Place};

/// The number of changes from which the list is made anew from the state it leads to.
const COMPACT_AT: usize = 64;

/// The temporary objects of one session.
#[derive(Debug, Clone, Default)]
pub struct TempObjects {
    changes: Vec<Change>,
    tables: HashSet<Oid>,
}

impl TempObjects {
    /// The changes to apply to a snapshot to see the session's temporary tables.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// True if the session has temporary tables.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// True if the table is one of the session's temporary tables.
    pub fn contains(&self, table: Oid) -> bool {
        self.tables.contains(&table)
    }

    /// Keys of all files the changes name.
    pub fn files(&self) -> Vec<String> {
        self.changes
            .iter()
            .filter_map(|change| match change {
                Change::AddSegments { segments, .. } => Some(segments),
                _ => None,
            })
            .flatten()
            .filter_map(|segment| match &segment.place {
                Place::File(key) => Some(key.clone()),
                Place::Inline(_) => None,
            })
            .collect()
    }

    /// Takes out of `changes` those that concern temporary objects and keeps them.
    /// `temp_schema` is the session's.
    pub fn absorb(&mut self, changes: Vec<Change>, temp_schema: Oid) -> Vec<Change> {
        let mut rest = Vec::new();
        for change in changes {
            let temporary = match &change {
                Change::PutSchema(s) => s.oid == temp_schema,
                Change::DropSchema(oid) => *oid == temp_schema,
                Change::PutRelation(r) => {
                    let temporary = r.schema == temp_schema;
                    if temporary {
                        self.tables.insert(r.oid);
                    }
                    temporary
                }
                Change::DropRelation(oid) => self.tables.contains(oid),
                Change::Comment { object, .. } => self.tables.contains(object),
                Change::AddSegments { table, .. }
                | Change::RemoveSegments { table, .. }
                | Change::SetDeleted { table, .. }
                | Change::PutStats { table, .. }
                | Change::AdvanceIdentity { table, .. } => self.tables.contains(table),
                _ => false,
            };
            if temporary {
                self.changes.push(change);
            } else {
                rest.push(change);
            }
        }
        rest
    }

    /// True if the list has grown long enough for [`TempObjects::compact`].
    pub fn needs_compaction(&self) -> bool {
        self.changes.len() >= COMPACT_AT
    }

    /// Shortens the list, given a snapshot to which it has been applied.
    pub fn compact(&mut self, snapshot: &CatalogSnapshot, temp_schema: Oid) {
        let mut changes = Vec::new();
        let mut tables = HashSet::new();
        if let Some(schema) = snapshot.schema(temp_schema) {
            changes.push(Change::PutSchema(schema.clone()));
        }
        for relation in snapshot.relations_in(temp_schema) {
            tables.insert(relation.oid);
            changes.push(Change::PutRelation(relation.clone()));
            let data = snapshot.table_data(relation.oid);
            if !data.segments.is_empty() {
                changes.push(Change::AddSegments {
                    table: relation.oid,
                    segments: data.segments.values().cloned().collect(),
                });
            }
            if !data.identity_next.is_empty() {
                changes.push(Change::AdvanceIdentity {
                    table: relation.oid,
                    next: data.identity_next.clone(),
                });
            }
            changes.push(Change::PutStats {
                table: relation.oid,
                stats: Arc::clone(&data.stats),
            });
        }
        self.changes = changes;
        self.tables = tables;
    }
}
