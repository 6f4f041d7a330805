//! The binary `longwave`: its command line, the data directory, credentials and certificates, and
//! the composition of all other crates into a running warehouse.
//!
//! What it must never know: how anything of that works; it only puts parts together.
//!
//! Where to start: [`serve::run`], then [`compose`] and [`host`].

pub mod admin;
pub mod banner;
pub mod compose;
pub mod config;
pub mod credentials;
pub mod data_dir;
pub mod host;
pub mod limits;
pub mod sample;
pub mod serve;
pub mod tls;

pub use compose::{Warehouse, WarehouseConfig};
pub use host::{Host, HostConfig};
