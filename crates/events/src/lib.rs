//! The append-only record of what happened: statements, loads and their errors, unloads,
//! connections, maintenance. System views are computed from it.
//!
//! What it must never know: SQL, the engine, the catalog (it records ids and names as given).
//! It must never block or fail a statement: recording is a push into memory; a background thread
//! makes it last.
//!
//! Where to start: [`record`] (what is recorded), [`EventLog`] (recording and reading).

mod log;
mod persist;
pub mod record;

pub use log::{EventLog, Limits};
pub use record::*;
