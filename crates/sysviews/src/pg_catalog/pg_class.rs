//! `pg_class`: the relations of the session's database, the system relations included.

use arrow::record_batch::RecordBatch;
use lw_base::{Oid, Result};
use lw_catalog::{ConstraintKind, RelationKind};
use lw_pgrepr::SqlType;

use crate::common::{BLOCK_BYTES, BOOTSTRAP_USER, acl_items, dist_code, user_relations};
use crate::context::SystemContext;
use crate::relation::{Body, SystemAccess, SystemRelation};
use crate::rows::{Cell, Rows, row};

/// The relation.
pub static RELATION: SystemRelation = SystemRelation {
    schema: "pg_catalog",
    name: "pg_class",
    oid: Oid(1259),
    columns: COLUMNS,
    hidden: 1,
    access: SystemAccess::Everyone,
    leader_only: true,
    body: Body::Primitive(rows),
};

const COLUMNS: &[(&str, SqlType)] = &[
    ("oid", SqlType::Oid),
    ("relname", SqlType::Name),
    ("relnamespace", SqlType::Oid),
    ("reltype", SqlType::Oid),
    ("relowner", SqlType::Int4),
    ("relam", SqlType::Oid),
    ("relfilenode", SqlType::Oid),
    ("reltablespace", SqlType::Oid),
    ("relpages", SqlType::Int4),
    ("reltuples", SqlType::Float4),
    ("reltoastrelid", SqlType::Oid),
    ("reltoastidxid", SqlType::Oid),
    ("relhasindex", SqlType::Bool),
    ("relisshared", SqlType::Bool),
    ("relkind", SqlType::CharByte),
    ("relnatts", SqlType::Int2),
    ("relexternid", SqlType::Oid),
    ("relisreplicated", SqlType::Bool),
    ("relispinned", SqlType::Bool),
    ("reldiststyle", SqlType::Int2),
    ("relprojbaseid", SqlType::Oid),
    ("relchecks", SqlType::Int2),
    ("reltriggers", SqlType::Int2),
    ("relukeys", SqlType::Int2),
    ("relfkeys", SqlType::Int2),
    ("relrefs", SqlType::Int2),
    ("relhasoids", SqlType::Bool),
    ("relhaspkey", SqlType::Bool),
    ("relhasrules", SqlType::Bool),
    ("relhassubclass", SqlType::Bool),
    ("relacl", SqlType::AclItemArray),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for relation in crate::all() {
        let schema = crate::SCHEMAS
            .iter()
            .find(|(name, _)| *name == relation.schema)
            .map(|(_, oid)| *oid);
        let shared = matches!(
            relation.name,
            "pg_database" | "pg_shadow" | "pg_group" | "pg_tablespace"
        );
        let acl = (relation.access != SystemAccess::Superuser).then(|| {
            let owner = crate::common::BOOTSTRAP_USER_NAME;
            vec![format!("{owner}=arwdRxt/{owner}"), format!("=r/{owner}")]
        });
        rows.push(row![
            relation.oid,
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
        let count = |want: fn(&ConstraintKind) -> bool| {
            relation.table().map_or(0, |t| {
                t.constraints.iter().filter(|c| want(&c.kind)).count()
            })
        };
        let dist = match &relation.kind {
            RelationKind::Table(t) => Cell::from(dist_code(&t.dist, &data)),
            RelationKind::View(_) => Cell::from(0),
        };
        rows.push(row![
            relation.oid,
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
