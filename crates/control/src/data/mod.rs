//! The Data API: SQL over HTTP, asynchronous.

use std::sync::Arc;

use crate::Control;
use crate::registry::Registry;

/// The operations.
pub fn register(_registry: &mut Registry) {}

/// Goes on with what a crash cut off.
pub async fn start(_control: &Arc<Control>) {}
