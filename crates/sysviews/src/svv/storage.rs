//! `stv_slices`, `stv_tbl_perm`, `svv_schema_quota_state`: where rows are kept.

use std::collections::BTreeMap;

use lw_catalog::SLICES_PER_TABLE;

use crate::prelude::*;

pub static STV_SLICES: SystemRelation =
    SystemRelation::primitive("stv_slices", 10_150, SLICES, slices).on_compute();
const SLICES: Columns = &[
    ("node", Int4),
    ("slice", Int4),
    ("localslice", Int4),
    ("type", Char(1)),
];

fn slices(_ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SLICES);
    for slice in 0..SLICES_PER_TABLE {
        rows.push(row![0, slice, slice, "D"]);
    }
    rows.finish()
}

pub static STV_TBL_PERM: SystemRelation =
    SystemRelation::primitive("stv_tbl_perm", 10_151, TBL_PERM, tbl_perm)
        .superuser()
        .on_compute();
const TBL_PERM: Columns = &[
    ("slice", Int4),
    ("id", Int4),
    ("name", Char(72)),
    ("rows", Int8),
    ("sorted_rows", Int8),
    ("temp", Int4),
    ("db_id", Int4),
    ("insert_pristine", Int4),
    ("delete_pristine", Int4),
    ("backup", Int4),
];

fn tbl_perm(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(TBL_PERM);
    let catalog = &ctx.session.catalog;
    for database in catalog.databases() {
        for schema in catalog.schemas(database.oid) {
            for relation in catalog.relations_in(schema.oid) {
                let Some(table) = relation.table() else {
                    continue;
                };
                // Every slice has its row, an empty one too.
                let mut by_slice: BTreeMap<u16, (u64, u64, u64)> =
                    (0..table.slices).map(|s| (s, (0, 0, 0))).collect();
                for segment in catalog.table_data(relation.oid).segments.values() {
                    let entry = by_slice.entry(segment.slice.0).or_default();
                    entry.0 += segment.rows;
                    entry.1 += if segment.sorted { segment.rows } else { 0 };
                    entry.2 += segment.deleted_rows;
                }
                for (slice, (total, sorted, deleted)) in by_slice {
                    rows.push(row![
                        slice,
                        relation.oid,
                        &relation.name,
                        total,
                        sorted,
                        i32::from(table.temporary),
                        database.oid,
                        0,
                        i32::from(deleted == 0),
                        i32::from(table.backup),
                    ]);
                }
            }
        }
    }
    rows.finish()
}

pub static SVV_SCHEMA_QUOTA_STATE: SystemRelation =
    SystemRelation::primitive("svv_schema_quota_state", 10_152, QUOTA, quota);
const QUOTA: Columns = &[
    ("schema_id", Int4),
    ("schema_name", Char(128)),
    ("schema_owner", Int4),
    ("quota", Int4),
    ("disk_usage", Int4),
    ("disk_usage_pct", Float8),
];

fn quota(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(QUOTA);
    let catalog = &ctx.session.catalog;
    for schema in user_schemas(ctx) {
        let Some(quota) = schema.quota_bytes else {
            continue;
        };
        if schema.owner != ctx.session.user && !catalog.is_superuser(ctx.session.user) {
            continue;
        }
        let used: u64 = catalog
            .relations_in(schema.oid)
            .map(|r| catalog.table_data(r.oid).bytes())
            .sum();
        rows.push(row![
            schema.oid,
            &schema.name,
            schema.owner,
            quota / BLOCK_BYTES,
            used.div_ceil(BLOCK_BYTES),
            used as f64 * 100.0 / quota.max(1) as f64,
        ]);
    }
    rows.finish()
}
