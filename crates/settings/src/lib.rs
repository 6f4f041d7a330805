//! Parameters: the one table of settings ([`params`], serves SET, SHOW, `pg_settings`, parameter
//! groups and the docs) and what a session is ([`session::SessionInfo`]).
//!
//! What it must never know: SQL text, the engine.
//!
//! Where to start: [`session::SessionInfo`], then the table in [`params`].

pub mod params;
pub mod session;
mod values;

pub use params::SettingValues;
pub use session::SessionInfo;
