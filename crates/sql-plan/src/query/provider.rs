//! What the planner asks: tables, functions, types, options.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::TableReference;
use datafusion::common::config::ConfigOptions;
use datafusion::datasource::DefaultTableSource;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{
    AggregateUDF, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, TableType, WindowUDF,
};
use lw_base::{Oid, Result};
use lw_catalog::{Relation, RelationKind};
use lw_functions::cast::Locale;
use lw_functions::{SessionExtension, df_error};
use lw_sysviews::{Body, SystemAccess, SystemRelation, SystemTable};

use super::{QueryOptions, views};
use crate::context::{PlanContext, QualifiedName, Resolved, missing_relation};
use crate::plan::Access;
use crate::source::CatalogTable;

/// What a query turned out to touch.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub access: Vec<Access>,
    pub reads: Vec<Oid>,
}

pub(super) struct Provider<'a> {
    pub ctx: &'a PlanContext,
    pub options: QueryOptions,
    pub touched: RefCell<Touched>,
    config: ConfigOptions,
    planners: Vec<Arc<dyn ExprPlanner>>,
    /// Depth of nested views, to stop a cycle of late-binding ones.
    pub depth: usize,
}

impl<'a> Provider<'a> {
    pub fn new(ctx: &'a PlanContext, options: QueryOptions, depth: usize) -> Self {
        let mut config = ConfigOptions::default();
        config.sql_parser.enable_ident_normalization = false;
        config.sql_parser.parse_float_as_decimal = true;
        config.sql_parser.map_string_types_to_utf8view = true;
        config.sql_parser.default_null_ordering = "nulls_max".into();
        config
            .extensions
            .insert(SessionExtension(ctx.session.clone()));
        Provider {
            ctx,
            options,
            touched: RefCell::default(),
            config,
            planners: super::operators::planners(Locale::of(&ctx.session)),
            depth,
        }
    }

    fn source(&self, name: &TableReference) -> Result<Arc<dyn TableSource>> {
        // The AST's names have been folded already.
        let name = QualifiedName {
            database: name.catalog().map(String::from),
            schema: name.schema().map(String::from),
            name: name.table().to_string(),
        };
        match self.ctx.find(&name)? {
            Some(Resolved::Relation(relation)) => self.relation(relation),
            Some(Resolved::System(relation)) => self.system(relation),
            None => Err(missing_relation(&name)),
        }
    }

    fn system(&self, relation: &'static SystemRelation) -> Result<Arc<dyn TableSource>> {
        if relation.access == SystemAccess::Superuser {
            let mut touched = self.touched.borrow_mut();
            if !touched.access.contains(&Access::Superuser) {
                touched.access.push(Access::Superuser);
            }
        }
        match &relation.body {
            Body::Primitive(_) => Ok(Arc::new(SystemTable::new(relation))),
            Body::View(text) => {
                let plan = views::expand_system(self.ctx, relation, text, self.depth)?;
                Ok(Arc::new(PlanSource::new(plan)))
            }
        }
    }

    fn relation(&self, relation: Arc<Relation>) -> Result<Arc<dyn TableSource>> {
        {
            let mut touched = self.touched.borrow_mut();
            let schema = Access::Schema(relation.schema, 'U');
            for access in [schema, Access::Relation(relation.oid, 'r')] {
                if !touched.access.contains(&access) {
                    touched.access.push(access);
                }
            }
        }
        match &relation.kind {
            RelationKind::Table(_) => {
                let row_ids = self.options.row_ids_of == Some(relation.oid);
                let mut touched = self.touched.borrow_mut();
                if !touched.reads.contains(&relation.oid) {
                    touched.reads.push(relation.oid);
                }
                Ok(Arc::new(CatalogTable::new(relation, row_ids)))
            }
            RelationKind::View(view) => {
                let planned = views::expand(self.ctx, &relation, view, self.depth)?;
                let mut touched = self.touched.borrow_mut();
                for oid in planned.reads {
                    if !touched.reads.contains(&oid) {
                        touched.reads.push(oid);
                    }
                }
                Ok(Arc::new(PlanSource::new(planned.logical)))
            }
        }
    }
}

impl ContextProvider for Provider<'_> {
    fn get_table_source(&self, name: TableReference) -> DfResult<Arc<dyn TableSource>> {
        self.source(&name).map_err(df_error)
    }

    fn get_table_function_source(
        &self,
        name: &str,
        args: Vec<datafusion::logical_expr::Expr>,
    ) -> DfResult<Arc<dyn TableSource>> {
        super::table_functions::source(self.ctx, name, args).map_err(df_error)
    }

    fn create_cte_work_table(
        &self,
        name: &str,
        schema: SchemaRef,
    ) -> DfResult<Arc<dyn TableSource>> {
        let table = Arc::new(CteWorkTable::new(name, schema));
        Ok(Arc::new(DefaultTableSource::new(table)))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(super::types::Types))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        lw_functions::all().scalar_or_missing(plain(name))
    }

    fn get_higher_order_meta(&self, _name: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        lw_functions::all().aggregate.get(plain(name)).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        lw_functions::all().window.get(plain(name)).cloned()
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.config
    }

    fn udf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// `pg_catalog.lower` is `lower`.
fn plain(name: &str) -> &str {
    name.strip_prefix("pg_catalog.").unwrap_or(name)
}

/// A view: its plan takes its place in the query.
pub(super) struct PlanSource {
    plan: LogicalPlan,
    schema: SchemaRef,
}

impl PlanSource {
    pub fn new(plan: LogicalPlan) -> Self {
        let schema = Arc::new(Schema::new(plan.schema().fields().clone()));
        PlanSource { plan, schema }
    }
}

impl TableSource for PlanSource {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }
}

impl std::fmt::Debug for PlanSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanSource").finish_non_exhaustive()
    }
}

/// An error of the planner in the client's words.
pub(super) fn plan_error(error: DataFusionError) -> lw_base::SqlError {
    lw_functions::sql_error(error)
}
