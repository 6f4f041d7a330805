//! Test runners: sqllogictest files against the warehouse, in process or over the wire.
//!
//! What it must never know: what a test file asserts. It is no part of the product.
//!
//! Where to start: [`slt::run`], and `tests/slt/README.md` for how the files are written.

pub mod slt;
