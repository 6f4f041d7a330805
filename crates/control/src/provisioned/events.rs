//! Events of provisioned clusters (guide L27532-27847): what happened is said in the transaction that made
//! it so.

use chrono::{DateTime, Utc};
use lw_aws_model::ApiError;

use crate::records::Txn;

pub const CLUSTER: &str = "cluster";
pub const PARAMETER_GROUP: &str = "cluster-parameter-group";
pub const SECURITY_GROUP: &str = "cluster-security-group";
pub const SNAPSHOT: &str = "cluster-snapshot";
pub const SCHEDULED_ACTION: &str = "scheduled-action";

/// A moment as event texts write it.
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// Says that something happened.
pub fn emit(
    _txn: &mut Txn,
    _at: DateTime<Utc>,
    source_type: &str,
    source: &str,
    event: u32,
    message: String,
) -> Result<(), ApiError> {
    tracing::info!(source_type, source, event, message, "event");
    Ok(())
}
