//! The wire protocol of port 5439: PostgreSQL's version 3 with Redshift's additions, translated
//! into calls of [`lw_services::SqlService`].
//!
//! What it must never know: SQL, the catalog, how a statement runs. It sees `base`, `pgrepr` and
//! `services`.
//!
//! Messages are read and written by the codecs here and not by the crate `pgwire`, because
//! Redshift's additions do not fit its types (authentication request 13 and its answer, the extra
//! fields of RowDescription, a binary NUMERIC of its own), because it decodes text lossily where a
//! bad byte must be an error (22021), and because its limits on sizes are not ours.
//!
//! Where to start: [`serve`], then `connection` for a connection's life from its first byte to the
//! login, and `session` for what follows.

mod auth;
mod backend;
mod connection;
mod frontend;
mod portal;
mod rows;
mod server;
mod session;
mod transport;

#[cfg(test)]
mod tests;

pub use server::{Door, WireConfig, serve};
