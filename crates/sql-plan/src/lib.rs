//! Planning: an AST, a catalog snapshot and settings give a [`Plan`]. Pure: no I/O, no clock.
//!
//! What it must never know: how a plan is run, files, transactions.
//!
//! Where to start: [`plan`] (what goes in) and [`Planned`] (what comes out), then the module of the
//! statement's family. [`PlanContext`] finds names.

mod acl;
pub mod context;
mod copy;
mod ddl;
mod dispatch;
mod dml;
mod maintain;
pub mod plan;
pub mod query;
mod setting;
mod show;
pub mod source;
mod tcl;

pub use context::{PlanContext, QualifiedName, Resolved};
pub use dispatch::plan;
pub use plan::*;
pub use query::{
    PlannedQuery, QueryOptions, assignment_cast, bind_params, null_of, plan_constant, plan_query,
    plan_query_with,
};
