//! VACUUM and ANALYZE: `stl_vacuum`, `stl_analyze`, `sys_vacuum_history`, `sys_analyze_history`.

use lw_events::MaintenanceRecord;

use super::*;

fn of_kind(ctx: &SystemContext, kind: &str) -> Vec<Arc<MaintenanceRecord>> {
    let mut records = ctx.live.events().maintenance();
    records.retain(|m| m.kind == kind);
    records
}

/// The schema of a table that still exists.
fn schema_name(ctx: &SystemContext, table: Oid) -> Option<String> {
    let catalog = &ctx.session.catalog;
    let relation = catalog.relation(table)?;
    catalog.schema(relation.schema).map(|s| s.name.clone())
}

fn flag(value: bool) -> &'static str {
    if value { "t" } else { "f" }
}

pub static STL_ANALYZE: SystemRelation =
    SystemRelation::primitive("stl_analyze", 11_050, ANALYZE, analyze)
        .superuser()
        .on_compute();
const ANALYZE: Columns = &[
    ("userid", Int4),
    ("xid", Int8),
    ("database", Char(30)),
    ("table_id", Int4),
    ("status", Char(15)),
    ("rows", Float8),
    ("modified_rows", Float8),
    ("threshold_percent", Int4),
    ("is_auto", Char(1)),
    ("starttime", Timestamp),
    ("endtime", Timestamp),
    ("prevtime", Timestamp),
    ("num_predicate_cols", Int4),
    ("num_new_predicate_cols", Int4),
    ("is_background", Char(1)),
    ("auto_analyze_phase", Char(100)),
    ("schema_name", Char(128)),
    ("table_name", Char(128)),
];

fn analyze(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(ANALYZE);
    for m in of_kind(ctx, "analyze") {
        rows.push(row![
            m.user,
            m.xid,
            &m.database_name,
            m.table,
            &m.status,
            m.rows_after as f64,
            Cell::Null,
            Cell::Null,
            flag(m.automatic),
            m.start,
            m.end,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            flag(m.automatic),
            Cell::Null,
            schema_name(ctx, m.table),
            &m.table_name,
        ]);
    }
    rows.finish()
}

pub static SYS_ANALYZE_HISTORY: SystemRelation =
    SystemRelation::primitive("sys_analyze_history", 11_051, SYS_ANALYZE, sys_analyze)
        .superuser()
        .on_compute();
const SYS_ANALYZE: Columns = &[
    ("user_id", Int4),
    ("transaction_id", Int8),
    ("database_name", Char(30)),
    ("schema_name", Char(128)),
    ("table_name", Char(128)),
    ("table_id", Int4),
    ("is_automatic", Char(1)),
    ("status", Char(15)),
    ("start_time", Timestamp),
    ("end_time", Timestamp),
    ("rows", Float8),
    ("modified_rows", Float8),
    ("analyze_threshold_percent", Int4),
    ("last_analyze_time", Timestamp),
];

fn sys_analyze(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SYS_ANALYZE);
    for m in of_kind(ctx, "analyze") {
        rows.push(row![
            m.user,
            m.xid,
            &m.database_name,
            schema_name(ctx, m.table),
            &m.table_name,
            m.table,
            flag(m.automatic),
            &m.status,
            m.start,
            m.end,
            m.rows_after as f64,
            Cell::Null,
            Cell::Null,
            Cell::Null,
        ]);
    }
    rows.finish()
}

pub static STL_VACUUM: SystemRelation =
    SystemRelation::primitive("stl_vacuum", 11_052, VACUUM, vacuum)
        .superuser()
        .on_compute();
const VACUUM: Columns = &[
    ("userid", Int4),
    ("xid", Int8),
    ("table_id", Int4),
    ("status", Char(30)),
    ("rows", Int8),
    ("sortedrows", Int8),
    ("blocks", Int4),
    ("max_merge_partitions", Int4),
    ("eventtime", Timestamp),
    ("reclaimable_rows", Int8),
    ("reclaimable_space_mb", Int8),
    ("cutoff_xid", Int8),
    ("is_recluster", Int4),
];

/// Two rows for each table: as it was at the start and as it is at the end. A table that was
/// skipped has one.
fn vacuum(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(VACUUM);
    for m in of_kind(ctx, "vacuum") {
        let reclaimable = m.rows_before.saturating_sub(m.rows_after);
        let space = m.bytes_before.saturating_sub(m.bytes_after) / BLOCK_BYTES;
        if !m.status.starts_with("Skipped") {
            rows.push(row![
                m.user,
                m.xid,
                m.table,
                "Started",
                m.rows_before,
                m.sorted_rows_before,
                m.bytes_before.div_ceil(BLOCK_BYTES),
                Cell::Null,
                m.start,
                reclaimable,
                space,
                Cell::Null,
                0,
            ]);
        }
        rows.push(row![
            m.user,
            m.xid,
            m.table,
            &m.status,
            m.rows_after,
            m.sorted_rows_after,
            m.bytes_after.div_ceil(BLOCK_BYTES),
            Cell::Null,
            m.end,
            0,
            0,
            Cell::Null,
            0,
        ]);
    }
    rows.finish()
}

pub static SYS_VACUUM_HISTORY: SystemRelation =
    SystemRelation::primitive("sys_vacuum_history", 11_053, SYS_VACUUM, sys_vacuum)
        .superuser()
        .on_compute();
const SYS_VACUUM: Columns = &[
    ("user_id", Int4),
    ("transaction_id", Int8),
    ("query_id", Int8),
    ("database_name", Char(30)),
    ("schema_name", Char(128)),
    ("table_name", Char(128)),
    ("table_id", Int4),
    ("vacuum_type", Char(30)),
    ("is_automatic", Bool),
    ("status", Char(30)),
    ("start_time", Timestamp),
    ("end_time", Timestamp),
    ("record_time", Timestamp),
    ("duration", Int8),
    ("rows_before_vacuum", Int8),
    ("size_before_vacuum", Int4),
    ("reclaimable_rows", Int8),
    ("reclaimed_rows", Int8),
    ("reclaimed_blocks", Int8),
    ("sortedrows_before_vacuum", Int8),
    ("sortedrows_after_vacuum", Int8),
];

fn sys_vacuum(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SYS_VACUUM);
    for m in of_kind(ctx, "vacuum") {
        let reclaimed = m.rows_before.saturating_sub(m.rows_after);
        let blocks = m.bytes_before.saturating_sub(m.bytes_after) / BLOCK_BYTES;
        rows.push(row![
            m.user,
            m.xid,
            m.query_id,
            &m.database_name,
            schema_name(ctx, m.table),
            &m.table_name,
            m.table,
            Cell::Null,
            m.automatic,
            &m.status,
            m.start,
            m.end,
            m.end,
            m.end - m.start,
            m.rows_before,
            m.bytes_before.div_ceil(BLOCK_BYTES),
            reclaimed,
            reclaimed,
            blocks,
            m.sorted_rows_before,
            m.sorted_rows_after,
        ]);
    }
    rows.finish()
}
