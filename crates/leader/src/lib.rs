//! The leader: sessions, transactions, locks, the access gate, and the sequencing of plans.
//!
//! What it must never know: a wire protocol, how rows are stored, how the catalog store keeps them.
//!
//! Where to start: [`service::Leader`] (logins), [`session`] (the life of a statement), [`txn`].

pub mod acl;
pub mod ddl;
pub mod setting;
pub mod txn;
