//! Events of Serverless (guide L27849-27900).

use lw_aws_model::ApiError;

use crate::Control;
use crate::notices::{self, Event};
use crate::records::Txn;

/// Keeps an event with what it tells of: the number of `REDSHIFT-SERVERLESS-EVENT-`, the name of the
/// workgroup, namespace or snapshot, and the words of its text.
pub fn tell(
    control: &Control,
    txn: &mut Txn,
    number: &str,
    source: &str,
    words: &[(&str, &str)],
) -> Result<(), ApiError> {
    let id = format!("REDSHIFT-SERVERLESS-EVENT-{number}");
    notices::emit(txn, Event::of(&id, source, control.clock.now(), words))
}
