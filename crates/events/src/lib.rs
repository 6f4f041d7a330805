//! The append-only record of what happened: queries, loads, load errors, connections. System views
//! are computed from it.
//!
//! What it must never know: SQL, the engine, the catalog.
