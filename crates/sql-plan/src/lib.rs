//! Planning: an AST, a catalog snapshot and settings give a [`Plan`]. Pure: no I/O, no clock.
//!
//! What it must never know: how a plan is run, files, transactions.
//!
//! Where to start: [`plan`] (what comes out), then the module of the statement's family.

pub mod plan;
pub mod source;

pub use plan::*;
