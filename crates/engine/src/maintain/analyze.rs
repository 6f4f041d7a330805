//! ANALYZE.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{SortOptions, sort};
use arrow::record_batch::RecordBatch;
use lw_base::{Oid, Result, clock};
use lw_catalog::{Bound, Change, Column, TableStats};
use lw_functions::sql_error;
use lw_storage::bounds;
use lw_storage::sketch::RowSketch;

use super::record;
use super::rewrite::{Order, read};
use crate::dml::{next, relation};
use crate::{Effect, Engine, StatementContext};

/// Rows histograms are made from.
const SAMPLE_ROWS: u64 = 32_768;
/// Buckets of a histogram.
const BUCKETS: usize = 100;

/// Computes statistics of a table's columns (`columns`: ids; empty: all).
pub(super) async fn analyze(
    engine: &Engine,
    table: Oid,
    columns: &[u32],
    ctx: &StatementContext,
) -> Result<Effect> {
    let relation = relation(ctx, table)?;
    let data = ctx.session.catalog.table_data(table);
    let rows = data.row_count();
    let threshold = ctx
        .session
        .settings
        .get("analyze_threshold_percent")
        .and_then(|v| v.parse::<f64>().ok())
        .unwrap_or(10.0);
    let begun = record::begin("analyze", &relation, &data, ctx);
    let catalog = &ctx.session.catalog;
    if up_to_date(&data.stats, rows, threshold) {
        let nothing = Effect::default();
        begun.end(engine, &relation, &nothing, catalog, "Skipped");
        return Ok(nothing);
    }
    // Only what is asked for is read.
    let mut narrow = (*relation).clone();
    if !columns.is_empty() {
        narrow.columns.retain(|c| columns.contains(&c.id));
    }
    let narrow = Arc::new(narrow);
    let segments: Vec<_> = data.segments.values().cloned().collect();
    let mut sketch = RowSketch::new(narrow.columns.len());
    let mut sample = Sample::new(rows);
    let mut stream = read(engine, &narrow, &segments, Order::PerSegment, ctx).await?;
    while let Some(batch) = next(&mut stream, ctx).await? {
        sketch.update(&batch);
        sample.add(&batch);
    }
    let mut stats = match columns.is_empty() {
        true => TableStats::default(),
        false => (*data.stats).clone(),
    };
    let histograms = sample.histograms(&narrow.columns)?;
    let mut found = sketch.column_stats(&narrow.columns);
    for (column, histogram) in narrow.columns.iter().zip(histograms) {
        if let Some(mut one) = found.remove(&column.id) {
            one.histogram = histogram;
            stats.columns.insert(column.id, one);
        }
    }
    stats.rows = rows;
    stats.modified_since = 0;
    stats.analyzed_at = Some(clock::now_micros());
    let effect = Effect {
        rows,
        changes: vec![Change::PutStats {
            table,
            stats: Arc::new(stats),
        }],
        notices: vec![],
    };
    // The words of `stl_analyze`.
    begun.end(engine, &relation, &effect, catalog, "Full");
    Ok(effect)
}

/// ANALYZE passes over a table of which fewer rows than `analyze_threshold_percent` changed.
fn up_to_date(stats: &TableStats, rows: u64, threshold: f64) -> bool {
    if stats.analyzed_at.is_none() {
        return false;
    }
    let changed = stats.modified_since.max(stats.rows.abs_diff(rows));
    threshold > 0.0 && (changed as f64) * 100.0 < threshold * rows.max(1) as f64
}

/// Each so-manyth row.
struct Sample {
    every: u64,
    seen: u64,
    batches: Vec<RecordBatch>,
}

impl Sample {
    fn new(rows: u64) -> Sample {
        Sample {
            every: (rows / SAMPLE_ROWS).max(1),
            seen: 0,
            batches: Vec::new(),
        }
    }

    fn add(&mut self, batch: &RecordBatch) {
        let rows = batch.num_rows() as u64;
        let first = (self.every - self.seen % self.every) % self.every;
        self.seen += rows;
        let picked: Vec<u32> = (first..rows)
            .step_by(self.every as usize)
            .map(|r| r as u32)
            .collect();
        // A batch that cannot be taken from is no reason to fail.
        if let Ok(picked) = arrow::compute::take_record_batch(batch, &UInt32Array::from(picked)) {
            self.batches.push(picked);
        }
    }

    fn histograms(&self, columns: &[Column]) -> Result<Vec<Vec<Bound>>> {
        (0..columns.len())
            .map(|i| {
                let parts: Vec<&dyn Array> =
                    self.batches.iter().map(|b| b.column(i).as_ref()).collect();
                if parts.is_empty() {
                    return Ok(vec![]);
                }
                let all = arrow::compute::concat(&parts).map_err(|e| sql_error(e.into()))?;
                histogram(&all)
            })
            .collect()
    }
}

/// Bounds of buckets that hold equally many of the values that are not null.
fn histogram(values: &ArrayRef) -> Result<Vec<Bound>> {
    let options = SortOptions {
        descending: false,
        nulls_first: false,
    };
    let sorted = sort(values, Some(options)).map_err(|e| sql_error(e.into()))?;
    let count = sorted.len() - sorted.null_count();
    if count == 0 {
        return Ok(vec![]);
    }
    let buckets = BUCKETS.min(count);
    let out: Option<Vec<Bound>> = (0..=buckets)
        .map(|i| bounds::of(sorted.slice(i * (count - 1) / buckets, 1).as_ref()).min)
        .collect();
    // Types without bounds have no histogram.
    Ok(out.unwrap_or_default())
}
