//! Taking a table over from the catalog of a snapshot, in one transaction of this leader.

use std::collections::BTreeMap;
use std::sync::Arc;

use lw_base::{Oid, Result, SegmentId, SqlError, SqlState, clock};
use lw_catalog::{
    Acl, CatalogSnapshot, Change, Constraint, ConstraintKind, Isolation, Place, Relation,
    RelationKind, Schema, Segment, TableDef,
};
use lw_services::warehouses::{TableRestore, TableRestored};
use lw_storage::SegmentStore;

use crate::service::Leader;
use crate::txn::Transaction;

/// A table that is about to be taken over: its files are to be put in place, then it is committed.
/// While this lives garbage collection spares files written since.
pub struct Adoption {
    /// Files to be put in place: key in the snapshot, key here.
    pub files: Vec<(String, String)>,
    txn: Transaction,
    changes: Vec<Change>,
    restored: TableRestored,
}

impl Adoption {
    /// Makes the table, once its files are there and durable.
    pub async fn commit(mut self) -> Result<TableRestored> {
        self.txn.apply(self.changes)?;
        self.txn.commit().await?;
        Ok(self.restored)
    }
}

fn schema_of(
    catalog: &CatalogSnapshot,
    database: &str,
    schema: &str,
    place: &str,
) -> Result<Arc<Schema>> {
    let found = catalog.database_named(database).ok_or_else(|| {
        SqlError::new(
            SqlState::INVALID_CATALOG_NAME,
            format!("database \"{database}\" does not exist{place}"),
        )
    })?;
    let schema = catalog.schema_named(found.oid, schema).ok_or_else(|| {
        SqlError::new(
            SqlState::INVALID_SCHEMA_NAME,
            format!("schema \"{schema}\" does not exist{place}"),
        )
    })?;
    Ok(schema.clone())
}

impl Leader {
    /// Prepares taking a table over from another catalog: its columns, keys, encodings and rows, but
    /// no foreign keys and no privileges.
    pub async fn adopt_table(
        &self,
        from: &CatalogSnapshot,
        wanted: &TableRestore,
    ) -> Result<Adoption> {
        let place = " in the snapshot";
        let schema = schema_of(from, &wanted.source_database, &wanted.source_schema, place)?;
        let source = from
            .relation_named(schema.oid, &wanted.source_table)
            .filter(|r| r.table().is_some())
            .ok_or_else(|| {
                SqlError::new(
                    SqlState::UNDEFINED_TABLE,
                    format!(
                        "table \"{}.{}\" does not exist{place}",
                        wanted.source_schema, wanted.source_table
                    ),
                )
            })?;
        let txns = &self.shared().txns;
        let mut txn = txns.begin(Isolation::Snapshot, false);
        let here = txn.snapshot().clone();
        let schema = schema_of(&here, &wanted.target_database, &wanted.target_schema, "")?;
        if here.relation_named(schema.oid, &wanted.new_table).is_some() {
            return Err(SqlError::new(
                SqlState::DUPLICATE_TABLE,
                format!("relation \"{}\" already exists", wanted.new_table),
            ));
        }
        let ids = txns.ids();
        let constraints = source.table().map_or(0, |t| t.constraints.len()) as u32;
        let oid = ids.oids(1 + constraints).await?;
        let owner = owner(from, &here, source, &wanted.admin_user)?;
        let relation = redefined(source, oid, owner, schema.oid, &wanted.new_table)?;
        let data = from.table_data(source.oid);
        let first = match data.segments.len() as u64 {
            0 => SegmentId(0),
            count => ids.segment_ids(count).await?,
        };
        let (mut files, mut segments) = (Vec::new(), Vec::new());
        for (id, segment) in (first.0..).map(SegmentId).zip(data.segments.values()) {
            let mut segment = Segment::clone(segment);
            segment.id = id;
            if let Place::File(key) = &mut segment.place {
                let new = SegmentStore::key(oid, id);
                files.push((std::mem::replace(key, new.clone()), new));
            }
            segments.push(Arc::new(segment));
        }
        let mut changes = vec![Change::PutRelation(Arc::new(relation))];
        if !segments.is_empty() {
            changes.push(Change::AddSegments {
                table: oid,
                segments,
            });
        }
        changes.push(Change::PutStats {
            table: oid,
            stats: data.stats.clone(),
        });
        let next: BTreeMap<u32, i64> = data.identity_next.clone();
        if !next.is_empty() {
            changes.push(Change::AdvanceIdentity { table: oid, next });
        }
        let comments = std::iter::once(0).chain(source.columns.iter().map(|c| c.id));
        changes.extend(comments.filter_map(|column| {
            Some(Change::Comment {
                object: oid,
                column,
                text: Some(from.comment(source.oid, column)?.to_string()),
            })
        }));
        Ok(Adoption {
            files,
            txn,
            changes,
            restored: TableRestored {
                bytes: data.bytes(),
                rows: data.row_count(),
            },
        })
    }
}

/// The user of the source's owner's name, or the admin.
fn owner(
    from: &CatalogSnapshot,
    here: &CatalogSnapshot,
    source: &Relation,
    admin: &str,
) -> Result<Oid> {
    let name = from.user(source.owner).map(|u| u.name.as_str());
    let user = name.and_then(|name| here.user_named(name));
    user.or_else(|| here.user_named(admin))
        .map(|user| user.oid)
        .ok_or_else(|| {
            SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("user \"{admin}\" does not exist"),
            )
        })
}

/// The table's definition under new ids.
fn redefined(source: &Relation, oid: Oid, owner: Oid, schema: Oid, name: &str) -> Result<Relation> {
    let Some(table) = source.table() else {
        return Err(SqlError::internal("not a table"));
    };
    let constraints = table
        .constraints
        .iter()
        .filter(|c| !matches!(c.kind, ConstraintKind::ForeignKey { .. }))
        .zip(oid.0 + 1..)
        .map(|(constraint, oid)| Constraint {
            oid: Oid(oid),
            ..constraint.clone()
        });
    Ok(Relation {
        oid,
        schema,
        name: name.to_string(),
        owner,
        acl: Acl::default(),
        created_at: clock::now_micros(),
        columns: source.columns.clone(),
        kind: RelationKind::Table(TableDef {
            constraints: constraints.collect(),
            ..table.clone()
        }),
    })
}
