//! The table source that stands for a system relation in a `LogicalPlan`. The engine replaces it
//! by a provider of the relation's rows when it lowers the plan.

use arrow::datatypes::SchemaRef;
use datafusion::logical_expr::TableSource;

use crate::relation::SystemRelation;

/// A primitive system relation, to be scanned.
#[derive(Debug)]
pub struct SystemTable {
    /// The relation.
    pub relation: &'static SystemRelation,
    schema: SchemaRef,
}

impl SystemTable {
    /// A source for this relation.
    pub fn new(relation: &'static SystemRelation) -> Self {
        SystemTable {
            relation,
            schema: relation.arrow_schema(),
        }
    }
}

impl TableSource for SystemTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
