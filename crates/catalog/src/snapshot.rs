//! [`CatalogSnapshot`]: one state of the whole catalog.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use imbl::{HashMap, OrdMap};
use lw_base::{Oid, Result, SqlError, Version};

use crate::change::Change;
use crate::model::*;

/// Tells states of the catalog apart by what is defined in them: two snapshots with the same mark
/// have the same objects, users and privileges; the rows of their tables may differ. Marks mean
/// nothing beyond this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Definitions(u64);

impl Definitions {
    fn new() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Definitions(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// One immutable state of the catalog. Cloning is cheap; applying changes to a clone leaves the
/// original as it was.
#[derive(Debug, Clone, Default)]
pub struct CatalogSnapshot {
    /// The number of commits it contains.
    pub version: Version,
    definitions: Definitions,
    databases: OrdMap<Oid, Arc<Database>>,
    users: OrdMap<Oid, Arc<User>>,
    groups: OrdMap<Oid, Arc<Group>>,
    schemas: OrdMap<Oid, Arc<Schema>>,
    relations: OrdMap<Oid, Arc<Relation>>,
    /// (schema, name) to relation.
    names: HashMap<(Oid, String), Oid>,
    /// Table to its data.
    data: HashMap<Oid, Arc<TableData>>,
    comments: OrdMap<(Oid, u32), Arc<str>>,
    /// Memberships of one session: a user and groups.
    joined: Option<Arc<(Oid, Vec<Oid>)>>,
}

impl CatalogSnapshot {
    /// The mark of what is defined in this state: plans made over another state with the same mark
    /// hold in this one.
    pub fn definitions(&self) -> Definitions {
        self.definitions
    }

    /// Gives the state the mark of another, for one who knows otherwise how the two differ.
    pub fn mark_definitions(&mut self, mark: Definitions) {
        self.definitions = mark;
    }

    /// All databases.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<Database>> {
        self.databases.values()
    }

    /// The database with this id.
    pub fn database(&self, oid: Oid) -> Option<&Arc<Database>> {
        self.databases.get(&oid)
    }

    /// The database with this name.
    pub fn database_named(&self, name: &str) -> Option<&Arc<Database>> {
        self.databases().find(|d| d.name == name)
    }

    /// All users.
    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// The user with this id.
    pub fn user(&self, oid: Oid) -> Option<&Arc<User>> {
        self.users.get(&oid)
    }

    /// The user with this name.
    pub fn user_named(&self, name: &str) -> Option<&Arc<User>> {
        self.users().find(|u| u.name == name)
    }

    /// All groups.
    pub fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.values()
    }

    /// Ids of the groups the user is a member of, those joined for the session included.
    pub fn groups_of(&self, user: Oid) -> Vec<Oid> {
        let joined = match &self.joined {
            Some(joined) if joined.0 == user => joined.1.as_slice(),
            _ => &[],
        };
        self.groups()
            .filter(|g| g.members.contains(&user) || joined.contains(&g.oid))
            .map(|g| g.oid)
            .collect()
    }

    /// Makes the user a member of groups in this state only: of no other, and never committed.
    pub fn join(&mut self, membership: Option<Arc<(Oid, Vec<Oid>)>>) {
        self.joined = membership;
    }

    /// All schemas of a database.
    pub fn schemas(&self, database: Oid) -> impl Iterator<Item = &Arc<Schema>> {
        self.schemas
            .values()
            .filter(move |s| s.database == database)
    }

    /// The schema with this id.
    pub fn schema(&self, oid: Oid) -> Option<&Arc<Schema>> {
        self.schemas.get(&oid)
    }

    /// The schema of a database with this name.
    pub fn schema_named(&self, database: Oid, name: &str) -> Option<&Arc<Schema>> {
        self.schemas(database).find(|s| s.name == name)
    }

    /// All relations of all databases.
    pub fn relations(&self) -> impl Iterator<Item = &Arc<Relation>> {
        self.relations.values()
    }

    /// All relations of a schema.
    pub fn relations_in(&self, schema: Oid) -> impl Iterator<Item = &Arc<Relation>> {
        self.relations.values().filter(move |r| r.schema == schema)
    }

    /// The relation with this id.
    pub fn relation(&self, oid: Oid) -> Option<&Arc<Relation>> {
        self.relations.get(&oid)
    }

    /// The relation of a schema with this name.
    pub fn relation_named(&self, schema: Oid, name: &str) -> Option<&Arc<Relation>> {
        self.names
            .get(&(schema, name.to_string()))
            .and_then(|oid| self.relations.get(oid))
    }

    /// What a table holds; empty for a table nothing was stored in.
    pub fn table_data(&self, table: Oid) -> Arc<TableData> {
        self.data.get(&table).cloned().unwrap_or_default()
    }

    /// All tables that hold something.
    pub fn all_table_data(&self) -> impl Iterator<Item = (&Oid, &Arc<TableData>)> {
        self.data.iter()
    }

    /// The comment on an object (`column` 0) or one of its columns.
    pub fn comment(&self, object: Oid, column: u32) -> Option<&Arc<str>> {
        self.comments.get(&(object, column))
    }

    /// Applies changes in order. On an error the snapshot is unusable: apply to a clone.
    pub fn apply_all<'a>(&mut self, changes: impl IntoIterator<Item = &'a Change>) -> Result<()> {
        changes.into_iter().try_for_each(|c| self.apply(c))
    }

    /// Applies one change.
    pub fn apply(&mut self, change: &Change) -> Result<()> {
        if change.defines() {
            self.definitions = Definitions::new();
        }
        match change {
            Change::PutDatabase(d) => {
                self.databases.insert(d.oid, d.clone());
            }
            Change::DropDatabase(oid) => self.drop_database(*oid),
            Change::PutUser(u) => {
                self.users.insert(u.oid, u.clone());
            }
            Change::DropUser(oid) => {
                self.users.remove(oid);
            }
            Change::PutGroup(g) => {
                self.groups.insert(g.oid, g.clone());
            }
            Change::DropGroup(oid) => {
                self.groups.remove(oid);
            }
            Change::PutSchema(s) => {
                self.schemas.insert(s.oid, s.clone());
            }
            Change::DropSchema(oid) => {
                self.schemas.remove(oid);
                self.comments.remove(&(*oid, 0));
            }
            Change::PutRelation(r) => self.put_relation(r),
            Change::DropRelation(oid) => self.drop_relation(*oid),
            Change::Comment {
                object,
                column,
                text,
            } => {
                match text {
                    Some(text) => self
                        .comments
                        .insert((*object, *column), Arc::from(text.as_str())),
                    None => self.comments.remove(&(*object, *column)),
                };
            }
            Change::AddSegments { table, segments } => self.with_data(*table, |data| {
                for segment in segments {
                    data.segments.insert(segment.id, segment.clone());
                }
                Ok(())
            })?,
            Change::RemoveSegments { table, segments } => self.with_data(*table, |data| {
                for id in segments {
                    data.segments
                        .remove(id)
                        .ok_or_else(|| missing_segment(*table, id))?;
                }
                Ok(())
            })?,
            Change::SetDeleted {
                table,
                segment,
                deleted,
                deleted_rows,
            } => self.with_data(*table, |data| {
                let old = data
                    .segments
                    .get(segment)
                    .ok_or_else(|| missing_segment(*table, segment))?;
                let mut new = Segment::clone(old);
                new.deleted = deleted.clone();
                new.deleted_rows = *deleted_rows;
                data.segments.insert(*segment, Arc::new(new));
                Ok(())
            })?,
            Change::PutStats { table, stats } => self.with_data(*table, |data| {
                data.stats = stats.clone();
                Ok(())
            })?,
            Change::AdvanceIdentity { table, next } => self.advance_identity(*table, next)?,
        }
        Ok(())
    }

    fn put_relation(&mut self, relation: &Arc<Relation>) {
        if let Some(old) = self.relations.get(&relation.oid) {
            self.names.remove(&(old.schema, old.name.clone()));
        }
        self.names
            .insert((relation.schema, relation.name.clone()), relation.oid);
        self.relations.insert(relation.oid, relation.clone());
    }

    fn drop_relation(&mut self, oid: Oid) {
        if let Some(old) = self.relations.remove(&oid) {
            // A later relation of the same transaction may have taken the name already.
            if self.names.get(&(old.schema, old.name.clone())) == Some(&oid) {
                self.names.remove(&(old.schema, old.name.clone()));
            }
            self.comments.remove(&(oid, 0));
            for column in &old.columns {
                self.comments.remove(&(oid, column.id));
            }
        }
        self.data.remove(&oid);
    }

    fn drop_database(&mut self, oid: Oid) {
        let schemas: Vec<Oid> = self.schemas(oid).map(|s| s.oid).collect();
        for schema in schemas {
            let relations: Vec<Oid> = self.relations_in(schema).map(|r| r.oid).collect();
            for relation in relations {
                self.drop_relation(relation);
            }
            self.schemas.remove(&schema);
            self.comments.remove(&(schema, 0));
        }
        self.databases.remove(&oid);
        self.comments.remove(&(oid, 0));
    }

    fn with_data(
        &mut self,
        table: Oid,
        change: impl FnOnce(&mut TableData) -> Result<()>,
    ) -> Result<()> {
        let mut data = TableData::clone(&self.table_data(table));
        change(&mut data)?;
        self.data.insert(table, Arc::new(data));
        Ok(())
    }

    fn advance_identity(
        &mut self,
        table: Oid,
        next: &std::collections::BTreeMap<u32, i64>,
    ) -> Result<()> {
        let steps: std::collections::BTreeMap<u32, i64> = self
            .relation(table)
            .map(|r| {
                r.columns
                    .iter()
                    .filter_map(|c| c.identity.map(|i| (c.id, i.step)))
                    .collect()
            })
            .unwrap_or_default();
        self.with_data(table, |data| {
            for (column, value) in next {
                let forward = steps.get(column).copied().unwrap_or(1) >= 0;
                let slot = data.identity_next.entry(*column).or_insert(*value);
                *slot = if forward {
                    (*slot).max(*value)
                } else {
                    (*slot).min(*value)
                };
            }
            Ok(())
        })
    }
}

fn missing_segment(table: Oid, segment: &lw_base::SegmentId) -> SqlError {
    SqlError::internal(format!("segment {segment} is not part of table {table}"))
}
