//! Table providers over segments.
//!
//! Where to start: [`provider`], then [`SegmentTable`]'s `scan`.

mod adapt;
mod defaults;
mod dynamic;
mod inline;
pub(crate) mod keys;
mod numbers;
mod prune;
mod row_ids;
mod stats;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result as DfResult, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use lw_base::SqlError;
use lw_catalog::{Place, Relation, Segment, TableData};
use lw_sql_plan::source::{CatalogTable, ROW_COLUMN, SEGMENT_COLUMN};
use lw_storage::{SegmentStore, deletes};
use object_store::{ObjectMeta, path::Path as Key};
use vortex::scan::selection::Selection;
use vortex_datafusion::{VortexAccessPlan, VortexSource};

use crate::StatementContext;
use crate::rules::cardinality;
use adapt::StorageNames;
use defaults::AddedDefaults;
pub(crate) use stats::scalar as bound_value;

/// Where DataFusion finds the warehouse's segments.
const SEGMENTS_URL: &str = "segments://warehouse/";

/// The provider for a table as the statement's catalog snapshot has it.
pub fn provider(
    source: &CatalogTable,
    ctx: &StatementContext,
    store: &SegmentStore,
) -> Arc<dyn TableProvider> {
    segment_table(source, ctx, store)
}

/// The same, as what it is.
pub(crate) fn segment_table(
    source: &CatalogTable,
    ctx: &StatementContext,
    store: &SegmentStore,
) -> Arc<SegmentTable> {
    let data = ctx.session.catalog.table_data(source.relation.oid);
    Arc::new(SegmentTable::new(
        source.relation.clone(),
        source.row_ids,
        data,
        store.clone(),
    ))
}

/// A table's segments as a DataFusion table.
#[derive(Debug)]
pub struct SegmentTable {
    relation: Arc<Relation>,
    row_ids: bool,
    schema: SchemaRef,
    data: Arc<TableData>,
    store: SegmentStore,
}

impl SegmentTable {
    /// The table.
    pub fn relation(&self) -> &Arc<Relation> {
        &self.relation
    }

    /// The table with these segments. With `row_ids`, [`SEGMENT_COLUMN`] and [`ROW_COLUMN`] follow
    /// its columns.
    pub fn new(
        relation: Arc<Relation>,
        row_ids: bool,
        data: Arc<TableData>,
        store: SegmentStore,
    ) -> Self {
        let schema = datafusion::logical_expr::TableSource::schema(&CatalogTable::new(
            relation.clone(),
            row_ids,
        ));
        SegmentTable {
            relation,
            row_ids,
            schema,
            data,
            store,
        }
    }

    /// All its segments.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.data.segments.values()
    }

    /// The live rows of inline segments, with all columns.
    pub(crate) fn inline_rows(&self, segments: &[Arc<Segment>]) -> DfResult<RecordBatch> {
        inline::rows(
            &self.store,
            &self.relation,
            &self.schema,
            self.row_ids,
            segments,
        )
    }

    /// Its schema with these columns only.
    pub(crate) fn projected(&self, projection: Option<&Vec<usize>>) -> DfResult<SchemaRef> {
        Ok(match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => self.schema.clone(),
        })
    }

    /// The segments that have rows a query with these filters could want.
    fn live_segments(&self, state: &dyn Session, filters: &[Expr]) -> DfResult<Vec<Arc<Segment>>> {
        let live: Vec<Arc<Segment>> = self
            .data
            .segments
            .values()
            .filter(|s| s.live_rows() > 0)
            .cloned()
            .collect();
        if filters.is_empty() || live.len() < 2 {
            return Ok(live);
        }
        let schema = DFSchema::try_from(self.schema.as_ref().clone())?;
        let predicates = filters
            .iter()
            .filter_map(|f| state.create_physical_expr(f.clone(), &schema).ok())
            .collect();
        prune::keep(live, &self.relation, &self.schema, predicates)
    }

    pub(crate) fn file_scan(
        &self,
        state: &dyn Session,
        segments: &[Arc<Segment>],
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let table_schema = self.table_schema();
        let statistics = stats::of_segments(
            &self.relation,
            &self.data,
            segments,
            table_schema.table_schema(),
        );
        let mut source = VortexSource::new(table_schema.clone(), self.store.vortex().clone())
            .with_file_metadata_cache(state.runtime_env().cache_manager.get_file_metadata_cache());
        if let Some(directory) = self.store.directory() {
            source = source.with_vortex_reader_factory(Arc::new(adapt::LocalFiles::new(directory)));
        }
        let complete = segments.iter().all(|s| {
            self.relation
                .columns
                .iter()
                .all(|c| s.columns.contains_key(&c.id))
        });
        if self.row_ids {
            source = source
                .with_expression_converter(row_ids::converter(self.store.vortex().clone()))
                // A filter on a column some files lack could need the whole row outside the file,
                // where its position is no longer known.
                .with_predicate_pushdown(complete);
        } else {
            source = source.with_expression_converter(Arc::new(dynamic::WithDynamic::new(
                self.store.vortex().clone(),
                table_schema.table_schema(),
                &statistics,
                |name| {
                    let column = self.relation.column_index(name)?;
                    Some(self.relation.columns[column].storage_name())
                },
                state.config().get_extension().unwrap_or_default(),
            )));
        }
        let url = ObjectStoreUrl::parse(SEGMENTS_URL)?;
        state
            .runtime_env()
            .register_object_store(url.as_ref(), self.store.objects.clone());
        // Conditions that are evaluated here are counted here; see `ScanFilters`.
        let statistics =
            cardinality::filtered(statistics, table_schema.table_schema().as_ref(), filters);
        let groups = self.file_groups(segments, state.config().target_partitions())?;
        let names = StorageNames::new(
            &self.relation,
            AddedDefaults::of(&self.relation, segments)?,
            self.row_ids,
        );
        let builder = FileScanConfigBuilder::new(url, Arc::new(source) as Arc<dyn FileSource>)
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(names)))
            .with_projection_indices(self.table_projection(projection))?;
        Ok(DataSourceExec::from_data_source(builder.build()))
    }

    /// The schema inside the scan: the table's columns, then the row's position; the segment is a
    /// partition value.
    fn table_schema(&self) -> TableSchema {
        let mut fields: Vec<Arc<Field>> = self.schema.fields().to_vec();
        let mut partition = Vec::new();
        if self.row_ids {
            fields.truncate(self.relation.columns.len());
            fields.push(Arc::new(Field::new(ROW_COLUMN, DataType::UInt64, false)));
            partition.push(Arc::new(Field::new(
                SEGMENT_COLUMN,
                DataType::UInt64,
                false,
            )));
        }
        TableSchema::builder(Arc::new(Schema::new(fields)))
            .with_table_partition_cols(partition)
            .build()
    }

    /// Positions of the provider's columns in [`Self::table_schema`].
    fn table_projection(&self, projection: Option<&Vec<usize>>) -> Option<Vec<usize>> {
        let columns = self.relation.columns.len();
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let swap = |i: usize| match i.checked_sub(columns) {
            Some(hidden) => columns + 1 - hidden,
            None => i,
        };
        match projection {
            None if !self.row_ids => None,
            None => Some(all.into_iter().map(swap).collect()),
            Some(p) => Some(p.iter().copied().map(swap).collect()),
        }
    }

    /// Files over partitions, the largest first to the emptiest.
    fn file_groups(
        &self,
        segments: &[Arc<Segment>],
        partitions: usize,
    ) -> DfResult<Vec<FileGroup>> {
        let mut by_size: Vec<&Arc<Segment>> = segments.iter().collect();
        by_size.sort_by_key(|s| std::cmp::Reverse(s.bytes));
        let count = partitions.clamp(1, by_size.len().max(1));
        let mut groups: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); count];
        for segment in by_size {
            let file = self.file(segment)?;
            if let Some(group) = groups.iter_mut().min_by_key(|g| g.0) {
                group.0 += segment.bytes.max(1);
                group.1.push(file);
            }
        }
        Ok(groups.into_iter().map(|g| FileGroup::new(g.1)).collect())
    }

    fn file(&self, segment: &Segment) -> DfResult<PartitionedFile> {
        let Place::File(key) = &segment.place else {
            return datafusion::common::internal_err!("segment {} is no file", segment.id);
        };
        let mut file = PartitionedFile::new_from_meta(ObjectMeta {
            location: Key::from(key.as_str()),
            // A file never changes: one moment serves all, so that cached footers stay valid.
            last_modified: Default::default(),
            size: segment.bytes,
            e_tag: None,
            version: None,
        });
        if segment.deleted_rows > 0 {
            let deleted = deletes::of(segment).map_err(external)?;
            file = file.with_extension(
                VortexAccessPlan::default().with_selection(Selection::ExcludeRoaring(deleted)),
            );
        }
        if self.row_ids {
            file = file.with_partition_values(vec![ScalarValue::UInt64(Some(segment.id.0))]);
        }
        let table_schema = self.table_schema();
        Ok(file.with_statistics(Arc::new(stats::of_segment(
            &self.relation,
            segment,
            table_schema.file_schema(),
        ))))
    }
}

#[async_trait]
impl TableProvider for SegmentTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DfResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        let segments: Vec<Arc<Segment>> = self.data.segments.values().cloned().collect();
        Some(stats::of_segments(
            &self.relation,
            &self.data,
            &segments,
            &self.schema,
        ))
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let segments = self.live_segments(state, filters)?;
        let (files, inline): (Vec<_>, Vec<_>) = segments
            .into_iter()
            .partition(|s| matches!(s.place, Place::File(_)));
        // Filters are applied above: a limit below them would lose rows.
        let limit = limit.filter(|_| filters.is_empty());
        let mut parts: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !files.is_empty() {
            parts.push(self.file_scan(state, &files, projection, filters, limit)?);
        }
        if !inline.is_empty() {
            parts.push(inline::scan(
                &self.store,
                &self.relation,
                &self.schema,
                self.row_ids,
                &inline,
                projection,
            )?);
        }
        match parts.len() {
            0 => Ok(Arc::new(EmptyExec::new(self.projected(projection)?))),
            1 => Ok(parts.remove(0)),
            _ => UnionExec::try_new(parts),
        }
    }
}

/// An error of ours inside DataFusion's; lowering finds it again.
pub(crate) fn external(error: SqlError) -> datafusion::error::DataFusionError {
    datafusion::error::DataFusionError::External(Box::new(error))
}
