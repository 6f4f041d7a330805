//! The control plane: clusters and workgroups with their life cycles, snapshots, parameter and subnet
//! groups, identity, keys and secrets, the Data API, events. What AWS's management APIs name is here,
//! behind [`lw_aws_model::edge::AwsApi`]; who runs SQL is behind [`lw_services::warehouses::Provisioner`].
//!
//! What it must never know: HTTP, signatures, wire forms, how SQL runs, where segments lie.
//!
//! Where to start: [`Control`]; [`registry`] (how an operation is written: a function from its input
//! to its output, registered under its type), [`records`] (what is kept, and how a change is made
//! durable), [`jobs`] (work that outlasts a request, and what goes by the clock). Each service has a
//! module with a `register` that lists its operations.

mod api;
mod arn;
mod call;
pub mod clock;
mod config;
pub mod coverage;
mod data;
pub mod identity;
pub mod jobs;
pub mod kms;
mod notices;
pub mod page;
mod provisioned;
pub mod records;
pub mod registry;
pub mod schedule;
pub mod secrets;
mod serverless;
pub mod target;
pub mod vault;

#[cfg(test)]
#[allow(dead_code)]
mod testing;

pub use api::{Api, Control, registry};
pub use call::Call;
pub use config::ControlConfig;
pub use identity::logins::Logins;
