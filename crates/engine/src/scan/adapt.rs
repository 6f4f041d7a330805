//! From the table's names to those inside files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result as DfResult, ScalarValue, exec_datafusion_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use lw_catalog::Relation;
use lw_sql_plan::source::ROW_COLUMN;
use vortex::array::memory::MemorySessionExt;
use vortex::io::VortexReadAt;
use vortex::io::session::RuntimeSessionExt;
use vortex::io::std_file::FileReadAt;
use vortex::session::VortexSession;
use vortex_datafusion::reader::VortexReaderFactory;

use super::defaults::AddedDefaults;
use super::numbers;
use super::row_ids::RowPosition;

/// Rewrites expressions over a table's columns to expressions over a file's: other names, columns
/// the file lacks become the constant rows had when the column was added.
#[derive(Debug, Clone)]
pub(super) struct StorageNames {
    columns: Arc<HashMap<String, (String, ScalarValue)>>,
    row_ids: bool,
}

impl StorageNames {
    pub(super) fn new(relation: &Relation, defaults: AddedDefaults, row_ids: bool) -> Self {
        let columns = relation
            .columns
            .iter()
            .map(|c| {
                let default = defaults.get(c);
                (c.name.clone(), (c.storage_name(), default))
            })
            .collect();
        StorageNames {
            columns: Arc::new(columns),
            row_ids,
        }
    }
}

impl PhysicalExprAdapterFactory for StorageNames {
    fn create(
        &self,
        logical_file_schema: SchemaRef,
        physical_file_schema: SchemaRef,
    ) -> DfResult<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(FileNames {
            names: self.clone(),
            logical: logical_file_schema,
            physical: physical_file_schema,
        }))
    }
}

#[derive(Debug)]
struct FileNames {
    names: StorageNames,
    logical: SchemaRef,
    physical: SchemaRef,
}

impl PhysicalExprAdapter for FileNames {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> DfResult<Arc<dyn PhysicalExpr>> {
        expr.transform_down(|expr| {
            // What a column becomes is not looked at again: its new name may be another's old one.
            let Some(column) = expr.downcast_ref::<Column>() else {
                return Ok(Transformed::no(expr));
            };
            let new = self.column(column.name())?;
            Ok(Transformed::new(
                new,
                true,
                datafusion::common::tree_node::TreeNodeRecursion::Jump,
            ))
        })
        .and_then(|t| t.data.transform_up(|e| numbers::compare(e, &self.physical)))
        .map(|t| t.data)
    }
}

impl FileNames {
    fn column(&self, name: &str) -> DfResult<Arc<dyn PhysicalExpr>> {
        let Some((stored, default)) = self.names.columns.get(name) else {
            if self.names.row_ids && name == ROW_COLUMN {
                return Ok(Arc::new(RowPosition));
            }
            return Err(exec_datafusion_err!("no column {name} in the table"));
        };
        let Ok(index) = self.physical.index_of(stored) else {
            return Ok(Arc::new(Literal::new(default.clone())));
        };
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(stored, index));
        let want = self.logical.field_with_name(name)?.data_type();
        if self.physical.field(index).data_type() == want {
            Ok(column)
        } else {
            Ok(Arc::new(CastExpr::new(column, want.clone(), None)))
        }
    }
}

/// Opens segments of a local directory by name, without the object store between.
#[derive(Debug)]
pub(super) struct LocalFiles {
    directory: PathBuf,
}

impl LocalFiles {
    pub(super) fn new(directory: &Path) -> Self {
        LocalFiles {
            directory: directory.to_path_buf(),
        }
    }
}

impl VortexReaderFactory for LocalFiles {
    fn create_reader(
        &self,
        file: &PartitionedFile,
        session: &VortexSession,
    ) -> DfResult<Arc<dyn VortexReadAt>> {
        let path = self.directory.join(file.path().as_ref());
        let reader = FileReadAt::open_with_allocator(&path, session.handle(), session.allocator())
            .map_err(|e| exec_datafusion_err!("segment {} does not open: {e}", file.path()))?;
        Ok(Arc::new(reader))
    }
}
