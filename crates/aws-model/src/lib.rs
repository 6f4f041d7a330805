//! The shapes of the AWS services, made from their models (`models/`, one JSON file a service: names
//! and facts of botocore's service models, Apache-2.0): Rust structures, checks of what the models
//! demand, and the wire forms (query with XML answers, JSON 1.0 and 1.1).
//!
//! What it must never know: what an operation does, HTTP, signatures, where state is kept.
//!
//! Where to start: [`Operation`] (what a handler implements), [`edge::AwsApi`] (what the HTTP port asks), [`Service`] (a model at run time),
//! [`wire`] (bytes to [`Value`] and back), `build.rs` (the structures).

mod check;
pub mod edge;
mod error;
pub mod form;
pub mod json;
mod model;
mod shape;
mod value;
pub mod wire;
pub mod xml;

pub use check::check;
pub use error::ApiError;
pub use model::{
    Kind, Member, OperationModel, Page, Protocol, Service, ServiceRef, ShapeId, ShapeModel,
};
pub use shape::{Fields, Nothing, Operation, Shape, Stored};
pub use value::Value;

include!(concat!(env!("OUT_DIR"), "/generated.rs"));

/// The service with this signing name, and target prefix or version where several share one.
pub fn service(signing_name: &str) -> Option<&'static Service> {
    SERVICES
        .iter()
        .map(|service| service.get())
        .find(|service| service.signing_name == signing_name)
}

#[cfg(test)]
mod tests;
