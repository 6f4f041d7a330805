//! Positions of rows in their files, for DELETE, UPDATE and MERGE.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result as DfResult, internal_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExprs;
use lw_sql_plan::source::ROW_COLUMN;
use vortex::dtype::Nullability;
use vortex::expr::{Expression, get_item, pack, root};
use vortex::layout::layouts::row_idx::row_idx;
use vortex::session::VortexSession;
use vortex_datafusion::convert::{
    DefaultExpressionConverter, ExpressionConverter, ProcessedProjection,
};

/// The position of a row in its file. Only a scan of the file knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RowPosition;

impl fmt::Display for RowPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROW_COLUMN)
    }
}

impl PhysicalExpr for RowPosition {
    fn return_field(&self, _: &Schema) -> DfResult<FieldRef> {
        Ok(Arc::new(Field::new(ROW_COLUMN, DataType::UInt64, false)))
    }

    fn evaluate(&self, _: &RecordBatch) -> DfResult<ColumnarValue> {
        internal_err!("the position of a row is known only inside the scan of its file")
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![]
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn PhysicalExpr>>,
    ) -> DfResult<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROW_COLUMN)
    }

    // Not a constant: nobody may compute it ahead.
    fn is_volatile_node(&self) -> bool {
        true
    }
}

/// The converter of scans with row ids.
pub(super) fn converter(session: VortexSession) -> Arc<dyn ExpressionConverter> {
    Arc::new(WithPositions(DefaultExpressionConverter::new(session)))
}

struct WithPositions(DefaultExpressionConverter);

impl ExpressionConverter for WithPositions {
    fn try_convert(
        &self,
        expr: &Arc<dyn PhysicalExpr>,
        schema: &Schema,
    ) -> DfResult<Option<Expression>> {
        // Such a filter could be left over for the rows outside the file, where their positions are
        // no longer known: moments and days are numbers in the file, and not every expression over
        // them has a form over those. It is evaluated above the scan.
        let outside = expr.exists(|e| {
            Ok(match e.downcast_ref::<Column>() {
                Some(c) => {
                    c.name() == ROW_COLUMN
                        || schema.fields().get(c.index()).is_some_and(|f| {
                            lw_storage::stored_type(f.data_type()) != *f.data_type()
                        })
                }
                None => e.downcast_ref::<RowPosition>().is_some(),
            })
        })?;
        if outside {
            return Ok(None);
        }
        self.0.try_convert(expr, schema)
    }

    /// The scan gives the columns the projection needs and, last, the position.
    fn no_pushdown_projection(
        &self,
        projection: ProjectionExprs,
        input: &Schema,
    ) -> DfResult<ProcessedProjection> {
        let indices = projection.column_indices();
        let columns = input.project(&indices)?;
        let mut fields: Vec<FieldRef> = columns.fields().to_vec();
        let mut scan: Vec<(String, Expression)> = fields
            .iter()
            .map(|f| (f.name().clone(), get_item(f.name().as_str(), root())))
            .collect();
        scan.push((ROW_COLUMN.to_string(), row_idx()));
        fields.push(Arc::new(Field::new(ROW_COLUMN, DataType::UInt64, false)));
        let position: Arc<dyn PhysicalExpr> = Arc::new(Column::new(ROW_COLUMN, fields.len() - 1));
        let leftover = projection.try_map_exprs(|expr| {
            expr.transform(|e| {
                Ok(if e.downcast_ref::<RowPosition>().is_some() {
                    Transformed::yes(position.clone())
                } else {
                    Transformed::no(e)
                })
            })
            .map(|t| t.data)
        })?;
        Ok(ProcessedProjection {
            scan_projection: pack(scan, Nullability::NonNullable),
            scan_reference_schema: Schema::new(fields),
            leftover_projection: leftover,
        })
    }
}
