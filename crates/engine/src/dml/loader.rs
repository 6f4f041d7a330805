//! [`Loader`]: the way of new rows into a table.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int16Array, Int32Array, Int64Array};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use lw_base::{Result, SegmentId, SqlError, SqlState};
use lw_catalog::{Change, Column, Relation};
use lw_pgrepr::SqlType;
use lw_storage::{SegmentIds, SegmentWriter, WriteOptions};

use crate::{Effect, Engine, IdSource, StatementContext};

/// Segment ids out of the statement's source.
pub(crate) struct IdsOf(pub(crate) Arc<dyn IdSource>);

#[async_trait]
impl SegmentIds for IdsOf {
    async fn segment_ids(&self, count: u64) -> Result<SegmentId> {
        self.0.segment_ids(count).await
    }
}

/// Brings rows into a table: puts columns in the table's order, makes IDENTITY values, checks
/// NOT NULL, writes segments. Until the effect is committed nothing of it is part of the table.
pub struct Loader {
    relation: Arc<Relation>,
    /// Where each column of the table comes from.
    sources: Vec<Source>,
    ctx: StatementContext,
    writer: SegmentWriter,
    /// Rows are new to the table, and not new values of old ones.
    counts_as_load: bool,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    /// This column of the input.
    Input(usize),
    /// A new value of IDENTITY.
    Identity,
}

impl Loader {
    /// A loader of rows that have the columns `columns` (ids, in the input's order). Values of the
    /// columns `identity` are made.
    pub fn new(
        engine: &Engine,
        relation: Arc<Relation>,
        columns: &[u32],
        identity: &[u32],
        ctx: &StatementContext,
    ) -> Result<Loader> {
        let sources = relation
            .columns
            .iter()
            .map(|c| {
                if identity.contains(&c.id) {
                    return Ok(Source::Identity);
                }
                match columns.iter().position(|id| *id == c.id) {
                    Some(input) => Ok(Source::Input(input)),
                    None => Err(SqlError::internal(format!(
                        "no values for column \"{}\"",
                        c.name
                    ))),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let writer = engine.segments.writer(
            &relation,
            Arc::new(IdsOf(ctx.ids.clone())),
            WriteOptions::default(),
        )?;
        Ok(Loader {
            relation,
            sources,
            ctx: ctx.clone(),
            writer,
            counts_as_load: true,
        })
    }

    /// A loader of rows that have all columns of the table in its order.
    pub(crate) fn of_whole_rows(
        engine: &Engine,
        relation: Arc<Relation>,
        ctx: &StatementContext,
    ) -> Result<Loader> {
        let columns: Vec<u32> = relation.columns.iter().map(|c| c.id).collect();
        Loader::new(engine, relation, &columns, &[], ctx)
    }

    /// The rows replace others: they are not news to the statistics.
    pub(crate) fn replacing(mut self) -> Loader {
        self.counts_as_load = false;
        self
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.writer.rows()
    }

    /// Takes rows.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.sources.len());
        for (column, source) in self.relation.columns.iter().zip(&self.sources) {
            columns.push(match source {
                Source::Input(i) => batch.column(*i).clone(),
                Source::Identity => self.identity(column, batch.num_rows()).await?,
            });
        }
        self.write_columns(columns).await
    }

    /// Takes rows given as all columns of the table.
    pub(crate) async fn write_columns(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        for (array, column) in columns.iter().zip(&self.relation.columns) {
            if column.not_null && array.null_count() > 0 {
                return Err(null_in(column));
            }
        }
        self.writer.write(columns).await
    }

    /// New values of an IDENTITY column.
    pub(crate) async fn identity(&self, column: &Column, rows: usize) -> Result<ArrayRef> {
        let identity = column.identity.ok_or_else(|| {
            SqlError::internal(format!("column \"{}\" is no IDENTITY column", column.name))
        })?;
        let first = self
            .ctx
            .ids
            .identity(
                self.relation.oid,
                column.id,
                identity.seed,
                identity.step,
                rows as u64,
            )
            .await?;
        let values = (0..rows as i64).map(|i| {
            identity
                .step
                .checked_mul(i)
                .and_then(|d| first.checked_add(d))
        });
        let past = || {
            SqlError::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!(
                    "identity column \"{}\" has reached the limit of its type",
                    column.name
                ),
            )
        };
        Ok(match column.sql_type {
            SqlType::Int2 => Arc::new(Int16Array::from_iter_values(
                values
                    .map(|v| v.and_then(|v| i16::try_from(v).ok()).ok_or_else(past))
                    .collect::<Result<Vec<_>>>()?,
            )),
            SqlType::Int4 => Arc::new(Int32Array::from_iter_values(
                values
                    .map(|v| v.and_then(|v| i32::try_from(v).ok()).ok_or_else(past))
                    .collect::<Result<Vec<_>>>()?,
            )),
            _ => Arc::new(Int64Array::from_iter_values(
                values
                    .map(|v| v.ok_or_else(past))
                    .collect::<Result<Vec<_>>>()?,
            )),
        })
    }

    /// Ends the load: every row is durable, and a part of the table once the effect is committed.
    pub async fn finish(self) -> Result<Effect> {
        let table = self.relation.oid;
        let written = self.writer.finish().await?;
        let mut changes = Vec::new();
        // A few rows are not worth new statistics: folding counts them.
        let in_files = written
            .segments
            .iter()
            .any(|s| matches!(s.place, lw_catalog::Place::File(_)));
        if !written.segments.is_empty() {
            changes.push(Change::AddSegments {
                table,
                segments: written.segments,
            });
        }
        if in_files && self.counts_as_load {
            let data = self.ctx.session.catalog.table_data(table);
            let stats =
                written
                    .sketch
                    .add_to(&data.stats, data.row_count(), &self.relation.columns);
            changes.push(Change::PutStats {
                table,
                stats: Arc::new(stats),
            });
        }
        Ok(Effect {
            rows: written.rows,
            changes,
            notices: vec![],
        })
    }
}

fn null_in(column: &Column) -> SqlError {
    SqlError::new(
        SqlState::NOT_NULL_VIOLATION,
        format!("Cannot insert a NULL value into column {}", column.name),
    )
}
