//! Events of provisioned clusters (guide L27532-27847): what happened is said in the transaction that made
//! it so.

use chrono::{DateTime, Utc};
use lw_aws_model::ApiError;

use crate::notices::{self, Event, catalogue};
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
    txn: &mut Txn,
    at: DateTime<Utc>,
    source_type: &str,
    source: &str,
    event: u32,
    message: String,
) -> Result<(), ApiError> {
    let event_id = format!("REDSHIFT-EVENT-{event}");
    let kind = catalogue::kind(&event_id);
    debug_assert!(kind.is_some(), "{event_id} is not in the catalogue");
    notices::emit(
        txn,
        Event {
            source_type: source_type.into(),
            source_id: source.into(),
            category: kind.map_or("management", |kind| kind.category).into(),
            severity: kind.map_or("INFO", |kind| kind.severity).into(),
            event_id,
            message,
            at,
        },
    )
}
