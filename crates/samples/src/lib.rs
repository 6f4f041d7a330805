//! Sample data: the schemas `tickit` and `tpch`, as DDL and as record batches that are the same on
//! every machine and in every run.
//!
//! What it must never know: how a table is stored, how a statement is run, the wire. Whoever loads
//! the data runs [`SampleTable::ddl`] as SQL and hands [`SampleTable::batches`] to its loader.
//!
//! Where to start: [`all`], [`SampleTable`]; [`export`] writes them as files for COPY.

pub mod export;
mod rng;
mod table;
mod tickit;
mod tpch;

pub use table::{Batches, Column, SampleTable};

/// Name of the schema of the ticket sales sample.
pub const TICKIT: &str = "tickit";
/// Name of the schema of the TPC-H sample.
pub const TPCH: &str = "tpch";

/// Every sample table, in an order in which they can be loaded (referenced tables first).
pub fn all() -> impl Iterator<Item = &'static SampleTable> {
    tickit::TABLES.iter().chain(tpch::TABLES.iter())
}

/// The tables of one sample schema; empty if there is no such schema.
pub fn of_schema(schema: &str) -> &'static [SampleTable] {
    match schema {
        TICKIT => tickit::TABLES,
        TPCH => tpch::TABLES,
        _ => &[],
    }
}

#[cfg(test)]
mod tests;
