//! The system relations: `pg_catalog`, `information_schema`, `svv_`, `svl_`, `stl_`, `stv_` and
//! `sys_`, in one list ([`all`]) with name, OID, columns, access rule and leader-only flag. Some are
//! primitive tables, computed in Rust from the catalog, the record of events and the live state;
//! the others are views over them, one `.sql` file each.
//!
//! What it must never know: how SQL is planned or run, the roles above it. It never keeps state of
//! its own: every row is computed from what is or from what happened.
//!
//! Where to start: [`relation::SystemRelation`], then [`context::SystemContext`], then any file of
//! `pg_catalog/`.

pub mod context;
pub mod relation;
pub mod rows;
pub mod source;

mod common;
mod information_schema;
mod internal;
mod list;
mod listing;
mod live;
mod logs;
mod pg_catalog;
mod prelude;
mod svv;
#[cfg(test)]
mod test_support;

pub use context::{
    CursorRecord, FunctionInfo, LiveState, LockRecord, NoLiveState, RunningQuery, SessionRecord,
    SystemContext, TransactionRecord,
};
pub(crate) use list::published;
pub use list::{all, lookup, lookup_oid};
pub use pg_catalog::FIRST_FUNCTION;
pub use relation::{Body, SystemAccess, SystemRelation};
pub use source::SystemTable;

use lw_base::Oid;

/// Id of the schema `pg_catalog`. It exists in every database.
pub const PG_CATALOG: Oid = Oid(11);
/// Id of the schema `information_schema`. It exists in every database.
pub const INFORMATION_SCHEMA: Oid = Oid(12_971);

/// The schemas that hold system relations, with their ids.
pub const SCHEMAS: &[(&str, Oid)] = &[
    ("pg_catalog", PG_CATALOG),
    ("information_schema", INFORMATION_SCHEMA),
];

/// The schema of relations that statements like SHOW are computed from. Clients do not see it.
pub const INTERNAL_SCHEMA: &str = "pg_internal";
