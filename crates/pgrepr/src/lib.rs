//! Redshift's types as clients and Arrow see them: OIDs, typmods, names, the Arrow type each is
//! held in, and the text and binary forms of values on the wire.
//!
//! What it must never know: the catalog, SQL text, sockets. It sees `base` alone.
//!
//! Where to start: [`SqlType`].

pub mod types;

pub use types::SqlType;
