//! The binary `longwave`: composition of the parts, configuration, start and stop.
//!
//! Where to start: [`compose`] (the parts of a warehouse).

pub mod compose;

pub use compose::{Warehouse, WarehouseConfig};
