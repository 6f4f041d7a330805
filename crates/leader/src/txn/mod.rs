//! Transactions: snapshots, table locks, serializability, commit, ids.
//!
//! A [`Transaction`] reads one [`CatalogSnapshot`](lw_catalog::CatalogSnapshot), collects changes and
//! hands them to the committer, which validates them against the newest state, makes them durable
//! together with those of whoever commits at the same moment, and then publishes the result.
//!
//! How a session is to use it:
//! 1. `begin`; tell it who it is for (`set_owner`).
//! 2. For each statement: plan it on `snapshot_with(temp)` if the transaction has one, else on
//!    `current()`. Take the locks of what it writes (and, in mode `Read`, of what it reads). If
//!    there was no snapshot before, plan again on `snapshot_with(temp)`: the wait may have been
//!    long. `record_read` and `record_write` what it touches; run; `apply` its changes.
//! 3. `commit` or `rollback`. Dropping a transaction rolls it back.
//!
//! Where to start: [`Transaction`], [`TransactionManager`]; then `rebase` (what conflicts) and
//! `serial` (error 1023).

mod commit;
mod ids;
mod lock;
mod manager;
mod rebase;
mod serial;
mod transaction;

pub use lock::{LockInfo, LockMode};
pub use manager::{Conflict, GcView, Owner, TransactionInfo, TransactionManager};
pub use serial::WriteKind;
pub use transaction::Transaction;

#[cfg(test)]
mod tests;
