//! Events of Serverless (guide L27849-27900).

use lw_aws_model::ApiError;

use crate::Control;
use crate::records::Txn;

/// Keeps an event with what it tells of: the number of `REDSHIFT-SERVERLESS-EVENT-`, the name of the
/// workgroup, namespace or snapshot, and the words of its text.
pub fn tell(
    control: &Control,
    _txn: &mut Txn,
    number: &str,
    source: &str,
    _words: &[(&str, &str)],
) -> Result<(), ApiError> {
    tracing::info!(number, source, at = %control.clock.now(), "event");
    Ok(())
}
