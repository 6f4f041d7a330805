//! The list of operations that are served. Each is a function from [`Call`] and the operation's input
//! to its output; a service's `register` names them all. Coverage, its page and its test are made
//! from this list and the models.
//!
//! An operation, written:
//!
//! ```ignore
//! pub fn register(registry: &mut Registry) {
//!     registry.serve(op::DescribeClusters, Depth::Full, describe_clusters);
//! }
//!
//! async fn describe_clusters(call: Call, input: DescribeClustersMessage) -> Result<ClustersMessage, ApiError> {
//!     let view = call.view();                      // to read
//!     let mut txn = call.begin().await;            // to change: get, put, delete ...
//!     txn.commit().await?;                         // ... and make durable, all or nothing
//!     ...
//! }
//! ```

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use lw_aws_model::{ApiError, Operation, Shape, Value};

use crate::Call;
use crate::identity::{Lookup, ServiceKeys};
use crate::secrets::Guard;

/// How far an operation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// It does what it says.
    Full,
    /// It does what it says, but for some members, which are kept and shown; which.
    Partly(&'static str),
    /// It keeps and shows records whose effect is missing; the reason.
    Record(&'static str),
    /// It checks its input and then says that it cannot be done here; the reason.
    Refused(&'static str),
}

type Handler = Box<
    dyn Fn(Call, Value) -> Pin<Box<dyn Future<Output = Result<Value, ApiError>> + Send>>
        + Send
        + Sync,
>;

/// An operation that is served.
pub struct Entry {
    /// How far it goes.
    pub depth: Depth,
    handler: Handler,
}

impl Entry {
    /// Runs it.
    pub fn run(
        &self,
        call: Call,
        input: Value,
    ) -> Pin<Box<dyn Future<Output = Result<Value, ApiError>> + Send>> {
        (self.handler)(call, input)
    }
}

/// All operations that are served.
#[derive(Default)]
pub struct Registry {
    /// By service and operation.
    entries: BTreeMap<&'static str, BTreeMap<&'static str, Entry>>,
    lookups: BTreeMap<&'static str, Lookup>,
    keys: BTreeMap<&'static str, ServiceKeys>,
    guards: BTreeMap<&'static str, Guard>,
}

impl Registry {
    /// Adds an operation.
    pub fn serve<O, F, R>(&mut self, _operation: O, depth: Depth, run: F)
    where
        O: Operation,
        F: Fn(Call, O::Input) -> R + Send + Sync + Copy + 'static,
        R: Future<Output = Result<O::Output, ApiError>> + Send + 'static,
    {
        let handler: Handler = Box::new(move |call, input| {
            Box::pin(async move {
                let output = run(call, O::Input::from_value(input)).await?;
                Ok(output.into_value())
            })
        });
        let before = self
            .entries
            .entry(O::service().name())
            .or_default()
            .insert(O::NAME, Entry { depth, handler });
        debug_assert!(before.is_none(), "{} is there twice", O::NAME);
    }

    /// Adds an operation that is refused after its input was checked.
    pub fn refuse<O: Operation>(&mut self, operation: O, reason: &'static str)
    where
        O::Output: Send,
    {
        self.serve::<O, _, _>(operation, Depth::Refused(reason), move |_, _| async move {
            Err(ApiError::unsupported(format!("{} ({reason})", O::NAME)))
        });
    }

    /// Tells how resources of a service (its name in ARNs) are looked up when a call is authorized: their
    /// ARNs, where those have ids and not the names they are called by, and their tags.
    pub fn resources(&mut self, service: &'static str, lookup: Lookup) {
        self.lookups.insert(service, lookup);
    }

    /// Tells the condition keys that only a service knows.
    pub fn keys(&mut self, service: &'static str, keys: ServiceKeys) {
        self.keys.insert(service, keys);
    }

    /// Tells when the managed passwords of a service (`redshift`, `redshift-serverless`) cannot be changed.
    pub fn rotation(&mut self, service: &'static str, guard: Guard) {
        self.guards.insert(service, guard);
    }

    /// What [`Registry::rotation`] told.
    pub fn rotation_guard(&self, service: &str) -> Option<Guard> {
        self.guards.get(service).copied()
    }

    /// What [`Registry::resources`] told.
    pub fn lookup(&self, service: &str) -> Option<Lookup> {
        self.lookups.get(service).copied()
    }

    /// What [`Registry::keys`] told.
    pub fn service_keys(&self, service: &str) -> Option<ServiceKeys> {
        self.keys.get(service).copied()
    }

    /// The operation with this name.
    pub fn get(&self, service: &str, operation: &str) -> Option<&Entry> {
        self.entries.get(service)?.get(operation)
    }
}
