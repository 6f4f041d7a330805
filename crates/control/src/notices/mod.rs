//! What happened: events and their subscribers, and the record of API calls.

// What emits is written beside this.
#![allow(dead_code, unused_imports)]

pub mod catalogue;
mod events;
pub mod subscriptions;

use std::sync::Arc;

use lw_aws_model::{ApiError, Value};

use crate::registry::Registry;
use crate::{Call, Control};

pub use events::{Event, EventRecord, KEPT, emit, list};
pub use subscriptions::EventSubscription;

/// The operations.
pub fn register(_registry: &mut Registry) {}

/// Starts delivery.
pub async fn start(_control: &Arc<Control>) {}

/// Records a call.
pub fn audit(call: &Call, _input: &Value, result: &Result<Value, ApiError>) {
    tracing::debug!(
        service = call.service.name,
        operation = call.operation,
        caller = call.caller.arn,
        request = call.request_id,
        error = result.as_ref().err().map(|e| e.code.as_str()),
        "API call"
    );
}
