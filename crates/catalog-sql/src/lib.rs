//! The durable catalog on a SQL database: [`SqliteStore`] keeps it in one SQLite file (WAL,
//! synchronous=FULL), which is what a warehouse on one machine needs.
//!
//! What it must never know: SQL of users, the engine, what a change means beyond keeping it. It
//! trusts its caller (the transaction manager) to have validated a commit.
//!
//! Where to start: [`SqliteStore`], then `sql` (every statement it sends, but for those `rows` puts together), `migrations/` (the
//! tables). The test suite in `tests/` is written against the trait and will serve a PostgreSQL
//! store as it is.

mod apply;
mod codec;
mod records;
mod rows;
mod sql;
mod sqlite;

pub use records::SqliteRecords;
pub use sqlite::{SqliteStore, continue_after, copy, read};
