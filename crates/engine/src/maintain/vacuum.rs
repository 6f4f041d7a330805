//! VACUUM.

use std::collections::BTreeMap;
use std::sync::Arc;

use lw_base::{Oid, Result};
use lw_catalog::{Place, Relation, Segment, SortKey, TableData};
use lw_sql_plan::VacuumKind;
use lw_storage::regions;

use super::record;
use super::rewrite::{Order, rewrite};
use crate::dml::relation;
use crate::{Effect, Engine, StatementContext};

/// Files of fewer rows are merged with others by VACUUM FULL.
const SMALL_ROWS: u64 = 128 * 1024;

/// Vacuums one table.
pub(super) async fn vacuum(
    engine: &Engine,
    table: Oid,
    kind: VacuumKind,
    threshold_percent: u8,
    ctx: &StatementContext,
) -> Result<Effect> {
    let relation = relation(ctx, table)?;
    let data = ctx.session.catalog.table_data(table);
    let begun = record::begin("vacuum", &relation, &data, ctx);
    let catalog = &ctx.session.catalog;
    let chosen = choose(&relation, &data, kind, threshold_percent);
    if chosen.is_empty() {
        let nothing = Effect::default();
        begun.end(engine, &relation, &nothing, catalog, "Skipped");
        return Ok(nothing);
    }
    let order = match kind {
        VacuumKind::DeleteOnly => Order::PerSegment,
        _ => Order::Global,
    };
    let effect = rewrite(engine, relation.clone(), chosen, order, ctx).await?;
    begun.end(engine, &relation, &effect, catalog, "Finished");
    Ok(effect)
}

/// The segments to rewrite.
pub(super) fn choose(
    relation: &Relation,
    data: &TableData,
    kind: VacuumKind,
    threshold_percent: u8,
) -> Vec<Arc<Segment>> {
    let all = || -> Vec<Arc<Segment>> { data.segments.values().cloned().collect() };
    let mut chosen = BTreeMap::new();
    let mut add = |segments: Vec<Arc<Segment>>| {
        chosen.extend(segments.into_iter().map(|s| (s.id, s)));
    };
    let (sorts, reclaims) = match kind {
        VacuumKind::Full => (true, true),
        VacuumKind::SortOnly | VacuumKind::Recluster => (true, false),
        VacuumKind::DeleteOnly => (false, true),
        VacuumKind::Reindex => {
            // A new curve through the whole table; a table without one is vacuumed in full.
            if matches!(
                relation.table().map(|t| &t.sort),
                Some(SortKey::Interleaved(_))
            ) {
                return all();
            }
            (true, true)
        }
    };
    let live = data.row_count();
    let stored: u64 = data.segments.values().map(|s| s.rows).sum();
    if sorts {
        let regions = regions::of(relation, data);
        if below(live - regions.unsorted_rows(), live, threshold_percent) {
            add(regions.to_sort(relation));
        }
    }
    if reclaims && below(live, stored, threshold_percent) {
        add(data
            .segments
            .values()
            .filter(|s| s.deleted_rows > 0)
            .cloned()
            .collect());
    }
    if kind == VacuumKind::Full {
        let small: Vec<Arc<Segment>> = data
            .segments
            .values()
            .filter(|s| is_small(s))
            .cloned()
            .collect();
        // One per slice cannot be merged with anything.
        if small.len() > relation.table().map_or(1, |t| t.slices as usize) {
            add(small);
        }
    }
    chosen.into_values().collect()
}

/// True if `part` is less than the threshold's share of `whole`. A threshold of 100 leaves nothing.
fn below(part: u64, whole: u64, threshold_percent: u8) -> bool {
    part < whole && (part as f64) < whole as f64 * f64::from(threshold_percent) / 100.0
}

fn is_small(segment: &Segment) -> bool {
    matches!(segment.place, Place::Inline(_)) || segment.live_rows() < SMALL_ROWS
}
