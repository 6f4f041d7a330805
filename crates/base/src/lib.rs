//! Vocabulary shared by every crate of Longwave: identifiers, the clock, randomness and the one
//! error type that travels between crates.
//!
//! What it must never know: SQL, files, the network, or any engine. It depends on no other crate
//! of the workspace.
//!
//! Where to start: [`SqlError`] (what a client is told when something fails), then [`ids`].

pub mod clock;
pub mod error;
pub mod ids;
pub mod random;

pub use error::{Result, SqlError, SqlState};
pub use ids::{Oid, SegmentId, SliceId, TxnId, Version};
