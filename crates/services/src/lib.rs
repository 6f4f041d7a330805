//! Contracts between the edges (wire protocol, HTTP) and the roles behind them. Every client takes
//! this one path: an edge decodes bytes, calls [`SqlService`] and [`Session`], and encodes what
//! comes back.
//!
//! What it must never know: how a statement is run, the catalog's inside, any protocol's framing.
//!
//! Where to start: [`sql::Session`], then [`buckets::BucketResolver`], [`warehouses::Provisioner`].

pub mod buckets;
pub mod sql;
pub mod warehouses;

pub use sql::*;
