//! The policy language of IAM: documents, the request they are asked about, and the answer with its
//! reason. Beside it the ARNs of every kind of resource ([`arn`]) and the built-in managed policies
//! ([`managed`]).
//!
//! What it must never know: where policies are kept, who signed a request, HTTP, or any service's state.
//! It does no I/O and reads no clock; whoever asks brings every fact along.
//!
//! Where to start: [`Policy::parse`] (text to document), then [`evaluate`] (principal, request and
//! policies give a [`Decision`]). `tests/` has the outcomes in tables.

pub mod arn;
mod condition;
mod context;
mod decision;
mod document;
mod evaluate;
mod json;
pub mod managed;
mod parse;
mod pattern;

pub use condition::Condition;
pub use context::{Keys, Principal, PrincipalKind, Request, Resource};
pub use decision::{At, Decision, Denial, Granted, PolicyType};
pub use document::{Effect, Kind, Malformed, Named, Policy, PrincipalPattern, Statement, Version};
pub use evaluate::{Policies, ResourceRule, evaluate};
