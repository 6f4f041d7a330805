//! What a sample table is.

use std::fmt::Write;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use lw_base::Result;
use lw_pgrepr::SqlType;

/// Rows of a sample table, batch by batch.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// A column of a sample table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub sql_type: SqlType,
    /// True if it is declared NOT NULL.
    pub not_null: bool,
}

/// A sample table: how to create it and what is in it.
pub struct SampleTable {
    /// Its schema, `tickit` or `tpch`.
    pub schema: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// What follows the column list in CREATE TABLE: keys, distribution, sort order.
    pub(crate) attributes: &'static str,
    /// A primary key, as the text inside its parentheses.
    pub(crate) primary_key: &'static str,
    /// Rows at a scale.
    pub(crate) row_count: fn(f64) -> u64,
    /// The generator: scale, part (from 1), parts.
    pub(crate) generate: fn(f64, i32, i32) -> Batches,
}

impl SampleTable {
    /// `CREATE TABLE schema.name (...) ...`, without a semicolon.
    pub fn ddl(&self) -> String {
        self.ddl_in(self.schema)
    }

    /// The same in another schema.
    pub fn ddl_in(&self, schema: &str) -> String {
        // `date` is a type's name, so it is quoted to be a table's in any grammar.
        let name = match self.name {
            "date" => "\"date\"",
            name => name,
        };
        let mut sql = format!("CREATE TABLE {schema}.{name} (");
        for (i, column) in self.columns.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let not_null = if column.not_null { " NOT NULL" } else { "" };
            let _ = write!(
                sql,
                "{comma}\n  {} {}{not_null}",
                column.name, column.sql_type
            );
        }
        let _ = write!(
            sql,
            ",\n  PRIMARY KEY ({})\n) {}",
            self.primary_key, self.attributes
        );
        sql
    }

    /// The Arrow schema of the batches: each field has the Arrow type of its column's type and
    /// names it in the metadata.
    pub fn arrow_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.columns
                .iter()
                .map(|c| c.sql_type.field(c.name, !c.not_null))
                .collect::<Vec<_>>(),
        ))
    }

    /// How many rows [`SampleTable::batches`] yields at this scale; for `lineitem`, whose count is
    /// only known once it is generated, close to it. `tickit` has one size and ignores the scale.
    pub fn row_count(&self, scale: f64) -> u64 {
        (self.row_count)(scale)
    }

    /// The rows at a scale (1.0 is TPC-H's 1 GB).
    pub fn batches(&self, scale: f64) -> Batches {
        self.part(scale, 1, 1)
    }

    /// One of `parts` pieces of the rows (`part` from 1), for generating in parallel. The pieces
    /// together are the rows of [`SampleTable::batches`], in order. Small tables have all their
    /// rows in the first piece.
    pub fn part(&self, scale: f64, part: i32, parts: i32) -> Batches {
        (self.generate)(scale, part, parts)
    }
}
