//! The catalog: what exists in the warehouse. A [`CatalogSnapshot`] is immutable and cheap to clone
//! (persistent maps); a transaction works on its own clone and collects typed [`Change`]s; a commit
//! hands the changes to a [`CatalogStore`], which makes them durable in one database transaction.
//!
//! What it must never know: SQL text, the engine, files of segments beyond their names, how the
//! store keeps its rows.
//!
//! Where to start: [`model`] (the objects), [`change`] (how they change), [`snapshot`] (how they are
//! looked up), [`store`] (the contract of a durable store).

pub mod change;
pub mod model;
mod privilege;
pub mod records;
pub mod snapshot;
pub mod store;

pub use change::Change;
pub use model::*;
pub use records::{RawRecord, RecordChange, RecordStore};
pub use snapshot::{CatalogSnapshot, Definitions};
pub use store::CatalogStore;
