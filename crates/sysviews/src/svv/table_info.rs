//! `svv_table_info`: size, order, skew and statistics of each table that has rows.

use std::collections::BTreeMap;

use lw_catalog::{DistStyle, Relation, SortKey, TableData, TableDef};

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("svv_table_info", 10_160, COLUMNS, rows)
        .superuser()
        .on_compute();

const COLUMNS: Columns = &[
    ("database", Text),
    ("schema", Text),
    ("table_id", SqlType::Oid),
    ("table", Text),
    ("encoded", Text),
    ("diststyle", Text),
    ("sortkey1", Text),
    ("max_varchar", Int4),
    ("sortkey1_enc", Char(32)),
    ("sortkey_num", Int4),
    ("size", Int8),
    ("pct_used", Numeric(10, 4)),
    ("empty", Int8),
    ("unsorted", Numeric(5, 2)),
    ("stats_off", Numeric(5, 2)),
    ("tbl_rows", Numeric(38, 0)),
    ("skew_sortkey1", Numeric(19, 2)),
    ("skew_rows", Numeric(19, 2)),
    ("estimated_visible_rows", Numeric(38, 0)),
    ("risk_event", Text),
    ("vacuum_sort_benefit", Numeric(12, 2)),
    ("create_time", Timestamp),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    let catalog = &ctx.session.catalog;
    let database = database_name(catalog, ctx.session.database);
    for (schema, relation) in user_relations(ctx) {
        let Some(table) = relation.table() else {
            continue;
        };
        let data = catalog.table_data(relation.oid);
        let total: u64 = data.segments.values().map(|s| s.rows).sum();
        if total == 0 {
            continue;
        }
        let keys: &[u32] = match &table.sort {
            SortKey::Compound(ids) | SortKey::Interleaved(ids) => ids,
            SortKey::Auto | SortKey::None => &[],
        };
        let first = keys
            .first()
            .and_then(|id| relation.columns.iter().find(|c| c.id == *id));
        let sort_key = match (&table.sort, first) {
            (SortKey::Interleaved(_), _) => Some("INTERLEAVED".to_string()),
            (SortKey::Auto, _) => Some("AUTO(SORTKEY)".to_string()),
            (_, Some(column)) => Some(column.name.clone()),
            _ => None,
        };
        let max_varchar = relation.columns.iter().map(|c| match c.sql_type {
            Varchar(n) => n,
            _ => 0,
        });
        rows.push(row![
            &database,
            &schema.name,
            relation.oid,
            &relation.name,
            encoded(&relation),
            dist_style_text(&relation, table, &data),
            sort_key,
            max_varchar.max().unwrap_or(0),
            first.map(|c| shown_encoding(&c.encoding)),
            keys.len(),
            data.bytes().div_ceil(BLOCK_BYTES),
            // The share of the disk is not known here: a warehouse on an object store has no fixed size.
            Cell::Null,
            0,
            unsorted_percent(&relation, &data),
            stats_off(&data, total),
            total as f64,
            Cell::Null,
            skew_rows(table, &data),
            data.row_count() as f64,
            Cell::Null,
            Cell::Null,
            relation.created_at,
        ]);
    }
    rows.finish()
}

/// `Y` if a column has an encoding, `N` if none has; AUTO where the system chose.
pub fn encoded(relation: &Relation) -> String {
    let any = relation
        .columns
        .iter()
        .any(|c| shown_encoding(&c.encoding) != "none");
    let explicit = relation.columns.iter().any(|c| c.encoding_explicit);
    match (any, explicit) {
        (true, false) => "Y, AUTO(ENCODE)".to_string(),
        (true, true) => "Y".to_string(),
        (false, _) => "N".to_string(),
    }
}

/// `EVEN`, `ALL`, `KEY(column)`, `AUTO(ALL)`, `AUTO(EVEN)`.
pub fn dist_style_text(relation: &Relation, table: &TableDef, data: &TableData) -> String {
    match &table.dist {
        DistStyle::Even => "EVEN".to_string(),
        DistStyle::All => "ALL".to_string(),
        DistStyle::Key(id) => {
            let name = relation.columns.iter().find(|c| c.id == *id);
            format!("KEY({})", name.map_or("", |c| c.name.as_str()))
        }
        DistStyle::Auto if auto_is_all(data) => "AUTO(ALL)".to_string(),
        DistStyle::Auto => "AUTO(EVEN)".to_string(),
    }
}

/// Percent of the rows that are in the unsorted region. NULL without a sort key.
fn unsorted_percent(relation: &Relation, data: &TableData) -> Option<f64> {
    match relation.table()?.sort {
        SortKey::Auto | SortKey::None => return None,
        SortKey::Compound(_) | SortKey::Interleaved(_) => {}
    }
    let unsorted = lw_storage::regions::of(relation, data).unsorted_rows();
    let total = data.row_count();
    (total > 0).then(|| unsorted as f64 * 100.0 / total as f64)
}

/// How stale statistics are: 100 if ANALYZE never ran, else the share of rows changed since.
fn stats_off(data: &TableData, total: u64) -> f64 {
    if data.stats.analyzed_at.is_none() {
        return 100.0;
    }
    let base = data.stats.rows.max(total).max(1);
    (data.stats.modified_since as f64 * 100.0 / base as f64).min(100.0)
}

/// Rows of the fullest slice against those of the emptiest. NULL where one has none, and for ALL.
fn skew_rows(table: &TableDef, data: &TableData) -> Option<f64> {
    let all = match &table.dist {
        DistStyle::All => true,
        DistStyle::Auto => auto_is_all(data),
        _ => false,
    };
    if all {
        return None;
    }
    let mut by_slice: BTreeMap<u16, u64> = (0..table.slices).map(|s| (s, 0)).collect();
    for segment in data.segments.values() {
        *by_slice.entry(segment.slice.0).or_default() += segment.rows;
    }
    let most = *by_slice.values().max()?;
    let least = *by_slice.values().min()?;
    (least > 0).then(|| most as f64 / least as f64)
}
