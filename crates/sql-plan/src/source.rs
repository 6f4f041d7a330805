//! The table sources planning puts into a `LogicalPlan`. The engine replaces them by providers
//! when it lowers the plan.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::logical_expr::{TableProviderFilterPushDown, TableSource};
use lw_catalog::Relation;

/// Name of the hidden column with the segment's id, in a scan with row ids.
pub const SEGMENT_COLUMN: &str = "__segment";
/// Name of the hidden column with the row's position in its segment, in a scan with row ids.
pub const ROW_COLUMN: &str = "__row";

/// A table of the catalog, to be scanned.
#[derive(Debug)]
pub struct CatalogTable {
    /// The table.
    pub relation: Arc<Relation>,
    /// True: the scan also gives [`SEGMENT_COLUMN`] and [`ROW_COLUMN`] (both UInt64, not null) after
    /// the table's columns. For DELETE, UPDATE, MERGE.
    pub row_ids: bool,
    schema: SchemaRef,
}

impl CatalogTable {
    /// A source for this table.
    pub fn new(relation: Arc<Relation>, row_ids: bool) -> Self {
        let mut fields: Vec<Field> = relation
            .columns
            .iter()
            .map(|c| c.sql_type.field(&c.name, !c.not_null))
            .collect();
        if row_ids {
            fields.push(Field::new(SEGMENT_COLUMN, DataType::UInt64, false));
            fields.push(Field::new(ROW_COLUMN, DataType::UInt64, false));
        }
        CatalogTable {
            relation,
            row_ids,
            schema: Arc::new(Schema::new(fields)),
        }
    }
}

impl TableSource for CatalogTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&datafusion::logical_expr::Expr],
    ) -> datafusion::error::Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
