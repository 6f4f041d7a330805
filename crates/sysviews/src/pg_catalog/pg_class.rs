//! `pg_class`: the relations of the session's database, the system relations included.

use lw_catalog::{ConstraintKind, RelationKind};

use crate::prelude::*;
use crate::relation::SystemAccess;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_class", 1259, COLUMNS, rows).hidden(11);

const COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    // psql 9.2 and later ask for these; Redshift's own table does not have them.
    ("relhastriggers", Bool),
    ("relpersistence", CharByte),
    ("reloftype", SqlType::Oid),
    ("reloptions", TextArray),
    ("relispartition", Bool),
    ("relrowsecurity", Bool),
    ("relforcerowsecurity", Bool),
    ("relreplident", CharByte),
    // What `pg_class_info` adds.
    ("relcreationtime", Timestamp),
    ("releffectivediststyle", Int2),
    ("relname", Name),
    ("relnamespace", SqlType::Oid),
    ("reltype", SqlType::Oid),
    ("relowner", Int4),
    ("relam", SqlType::Oid),
    ("relfilenode", SqlType::Oid),
    ("reltablespace", SqlType::Oid),
    ("relpages", Int4),
    ("reltuples", Float4),
    ("reltoastrelid", SqlType::Oid),
    ("reltoastidxid", SqlType::Oid),
    ("relhasindex", Bool),
    ("relisshared", Bool),
    ("relkind", CharByte),
    ("relnatts", Int2),
    ("relexternid", SqlType::Oid),
    ("relisreplicated", Bool),
    ("relispinned", Bool),
    ("reldiststyle", Int2),
    ("relprojbaseid", SqlType::Oid),
    ("relchecks", Int2),
    ("reltriggers", Int2),
    ("relukeys", Int2),
    ("relfkeys", Int2),
    ("relrefs", Int2),
    ("relhasoids", Bool),
    ("relhaspkey", Bool),
    ("relhasrules", Bool),
    ("relhassubclass", Bool),
    ("relacl", AclItemArray),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for relation in crate::published() {
        let schema = crate::SCHEMAS
            .iter()
            .find(|(name, _)| *name == relation.schema)
            .map(|(_, oid)| *oid);
        let shared = matches!(
            relation.name,
            "pg_database" | "pg_shadow" | "pg_group" | "pg_tablespace"
        );
        let acl = (relation.access != SystemAccess::Superuser).then(|| {
            let owner = BOOTSTRAP_USER_NAME;
            vec![format!("{owner}=arwdRxt/{owner}"), format!("=r/{owner}")]
        });
        rows.push(row![
            relation.oid,
            false,
            "p",
            0,
            Cell::Null,
            false,
            false,
            false,
            "d",
            Cell::Null,
            0,
            relation.name,
            schema,
            0,
            BOOTSTRAP_USER,
            0,
            0,
            0,
            0,
            0.0,
            0,
            0,
            false,
            shared,
            relation.relkind(),
            relation.columns.len() - relation.hidden,
            0,
            false,
            false,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            relation.hidden > 0,
            false,
            relation.relkind() == "v",
            false,
            acl,
        ]);
    }
    let relations = user_relations(ctx);
    for (_, relation) in &relations {
        let data = ctx.session.catalog.table_data(relation.oid);
        let acl = acl_items(
            &ctx.session.catalog,
            &relation.acl,
            relation.owner,
            "arwdRxt",
        );
        let natts = match &relation.kind {
            RelationKind::Table(t) => t.next_column_id.saturating_sub(1),
            RelationKind::View(_) => relation.columns.len() as u32,
        };
        let temporary = relation.table().is_some_and(|t| t.temporary);
        let count = |want: fn(&ConstraintKind) -> bool| {
            relation.table().map_or(0, |t| {
                t.constraints.iter().filter(|c| want(&c.kind)).count()
            })
        };
        let (dist, effective) = match &relation.kind {
            RelationKind::Table(t) => (dist_code(&t.dist), effective_dist_code(&t.dist, &data)),
            RelationKind::View(_) => (0, 0),
        };
        rows.push(row![
            relation.oid,
            false,
            if temporary { "t" } else { "p" },
            0,
            Cell::Null,
            false,
            false,
            false,
            "d",
            relation.created_at,
            effective,
            &relation.name,
            relation.schema,
            relation.oid,
            relation.owner,
            0,
            if relation.table().is_some() {
                relation.oid
            } else {
                Oid(0)
            },
            0,
            data.bytes().div_ceil(BLOCK_BYTES),
            data.row_count() as f64,
            0,
            0,
            false,
            false,
            if relation.table().is_some() { "r" } else { "v" },
            natts,
            0,
            false,
            false,
            dist,
            0,
            0,
            0,
            count(|k| matches!(k, ConstraintKind::Unique)),
            count(|k| matches!(k, ConstraintKind::ForeignKey { .. })),
            0,
            false,
            count(|k| matches!(k, ConstraintKind::PrimaryKey)) > 0,
            relation.view().is_some(),
            false,
            acl,
        ]);
    }
    rows.finish()
}
