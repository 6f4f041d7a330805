//! The leader: sessions, transactions, locks, the access gate, and the sequencing of plans.
//!
//! What it must never know: a wire protocol, how rows are stored, how the catalog store keeps them.
//!
//! Where to start: [`service::Leader`] (logins), [`session`] (the life of a statement), [`txn`].

mod access;
pub mod acl;
mod adopt;
mod auth;
mod background;
mod bind;
pub mod bootstrap;
mod cursor;
pub mod ddl;
mod internal;
mod live;
mod login;
mod meter;
mod ran;
mod recent;
mod record;
mod registry;
mod samples;
mod sequence;
pub mod service;
mod session;
pub mod setting;
mod statement;
mod temp;
pub mod txn;

pub use adopt::Adoption;
pub use bootstrap::FirstStart;
pub use meter::{Meter, Metered};
pub use service::{Leader, LeaderParts, Shared};
pub use session::LeaderSession;
