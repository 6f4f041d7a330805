//! Folding: many small inserts become few batches, many batches a file.

use std::sync::Arc;

use lw_base::{Oid, Result};
use lw_catalog::{Change, Place, Segment, TableData};
use lw_storage::WriteOptions;

use super::rewrite::{Order, copy_rows, replaced};
use crate::dml::relation;
use crate::{Effect, Engine, StatementContext};

/// Inline batches a table may have before they are folded.
const MOST_BATCHES: usize = 32;
/// Files of fewer rows are small.
const SMALL_ROWS: u64 = 64 * 1024;
/// Small files a table may have before they are merged.
const MOST_SMALL_FILES: usize = 24;

/// True if a table has so many small segments that its scans suffer.
pub fn wants_fold(data: &TableData) -> bool {
    !to_fold(data).is_empty()
}

fn to_fold(data: &TableData) -> Vec<Arc<Segment>> {
    let (inline, files): (Vec<_>, Vec<_>) = data
        .segments
        .values()
        .cloned()
        .partition(|s| matches!(s.place, Place::Inline(_)));
    let small: Vec<Arc<Segment>> = files
        .into_iter()
        .filter(|s| s.live_rows() < SMALL_ROWS)
        .collect();
    let mut out = Vec::new();
    if small.len() > MOST_SMALL_FILES {
        out.extend(small);
    }
    if inline.len() > MOST_BATCHES || !out.is_empty() {
        out.extend(inline);
    }
    out
}

/// Folds a table's small segments, if it has too many.
pub(super) async fn fold(engine: &Engine, table: Oid, ctx: &StatementContext) -> Result<Effect> {
    let relation = relation(ctx, table)?;
    let data = ctx.session.catalog.table_data(table);
    let old = to_fold(&data);
    if old.is_empty() {
        return Ok(Effect::default());
    }
    let written = copy_rows(
        engine,
        &relation,
        &old,
        Order::PerSegment,
        WriteOptions::default(),
        ctx,
    )
    .await?;
    // Rows that leave the inline batches are counted now: inserting them did not.
    let news = old.iter().all(|s| matches!(s.place, Place::Inline(_)))
        && written
            .segments
            .iter()
            .any(|s| matches!(s.place, Place::File(_)));
    let sketch = written.sketch.clone();
    let mut effect = replaced(&relation, &old, written);
    if news {
        let before = data.row_count().saturating_sub(sketch.rows);
        effect.changes.push(Change::PutStats {
            table,
            stats: Arc::new(sketch.add_to(&data.stats, before, &relation.columns)),
        });
    }
    Ok(effect)
}
