//! What every file of a primitive relation needs.

pub use arrow::record_batch::RecordBatch;
pub use lw_base::{Oid, Result};
pub use lw_pgrepr::SqlType::{self, *};

pub use crate::common::*;
pub use crate::context::SystemContext;
pub use crate::relation::SystemRelation;
pub(crate) use crate::rows::row;
pub use crate::rows::{Cell, Rows};

/// Columns of a relation.
pub type Columns = &'static [(&'static str, SqlType)];
