//! What a system relation is.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use lw_base::{Oid, Result};
use lw_pgrepr::SqlType;

use crate::context::SystemContext;

/// A system relation.
#[derive(Debug)]
pub struct SystemRelation {
    /// `pg_catalog` or `information_schema`.
    pub schema: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its id, below [`Oid::FIRST_USER`], never changed.
    pub oid: Oid,
    /// Its columns in order.
    pub columns: &'static [(&'static str, SqlType)],
    /// How many of the leading columns `SELECT *` leaves out (`oid` of the old catalog tables).
    pub hidden: usize,
    /// Who may read what.
    pub access: SystemAccess,
    /// True if it can be read on the leader node only: a query that joins it with rows of user
    /// tables is refused by Redshift.
    pub leader_only: bool,
    /// Where its rows come from.
    pub body: Body,
}

/// Who may read a system relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemAccess {
    /// Everyone, all rows (or the rows of objects the user may use, as the body decides).
    Everyone,
    /// Superusers, and users with SYSLOG ACCESS UNRESTRICTED, all rows; others their own.
    OwnRows,
    /// Superusers only: others are refused.
    Superuser,
}

/// Where the rows of a system relation come from.
pub enum Body {
    /// Computed. The batch has exactly the relation's columns.
    Primitive(fn(&SystemContext) -> Result<RecordBatch>),
    /// A query over other system relations, as SQL text; its result is cast to the relation's
    /// columns by position. To be resolved with `search_path` = `pg_catalog`.
    View(&'static str),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Primitive(_) => f.write_str("Primitive"),
            Body::View(_) => f.write_str("View"),
        }
    }
}

impl SystemRelation {
    /// A computed relation of `pg_catalog`, read by everyone, on the leader node only.
    pub(crate) const fn primitive(
        name: &'static str,
        oid: u32,
        columns: &'static [(&'static str, SqlType)],
        rows: fn(&SystemContext) -> Result<RecordBatch>,
    ) -> Self {
        SystemRelation {
            schema: "pg_catalog",
            name,
            oid: Oid(oid),
            columns,
            hidden: 0,
            access: SystemAccess::Everyone,
            leader_only: true,
            body: Body::Primitive(rows),
        }
    }

    /// A view of `pg_catalog`, read by everyone, on the leader node only.
    pub(crate) const fn view(
        name: &'static str,
        oid: u32,
        columns: &'static [(&'static str, SqlType)],
        query: &'static str,
    ) -> Self {
        SystemRelation {
            schema: "pg_catalog",
            name,
            oid: Oid(oid),
            columns,
            hidden: 0,
            access: SystemAccess::Everyone,
            leader_only: true,
            body: Body::View(query),
        }
    }

    /// In another schema.
    pub(crate) const fn in_schema(mut self, schema: &'static str) -> Self {
        self.schema = schema;
        self
    }

    /// With leading columns that `SELECT *` leaves out.
    pub(crate) const fn hidden(mut self, columns: usize) -> Self {
        self.hidden = columns;
        self
    }

    /// Ordinary users see their own rows.
    pub(crate) const fn own_rows(mut self) -> Self {
        self.access = SystemAccess::OwnRows;
        self
    }

    /// For superusers only.
    pub(crate) const fn superuser(mut self) -> Self {
        self.access = SystemAccess::Superuser;
        self
    }

    /// Readable together with user tables.
    pub(crate) const fn on_compute(mut self) -> Self {
        self.leader_only = false;
        self
    }

    /// The columns `SELECT *` gives.
    pub fn visible_columns(&self) -> &'static [(&'static str, SqlType)] {
        &self.columns[self.hidden..]
    }

    /// The Arrow schema of its rows, exact types in the fields' metadata.
    pub fn arrow_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.columns
                .iter()
                .map(|(name, sql_type)| sql_type.field(*name, true))
                .collect::<Vec<_>>(),
        ))
    }

    /// `r` for a table, `v` for a view, as in `pg_class.relkind`.
    pub fn relkind(&self) -> &'static str {
        // The tables of PostgreSQL's own catalog are tables; everything else shows as a view.
        match self.body {
            Body::Primitive(_) if self.oid.0 < 10_000 => "r",
            _ => "v",
        }
    }
}
