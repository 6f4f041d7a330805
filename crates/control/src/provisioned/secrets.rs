//! Passwords of admins that Secrets Manager keeps.

use lw_aws_model::ApiError;

use super::cluster::ClusterRecord;
use crate::Call;
use crate::records::Txn;

/// Makes the secret of a cluster's admin; gives the password.
pub fn manage(
    _call: &Call,
    _txn: &mut Txn,
    _cluster: &mut ClusterRecord,
    _key: Option<String>,
) -> Result<String, ApiError> {
    Err(ApiError::unsupported("ManageMasterPassword"))
}

/// Gives a managed password back to who asks for it: the secret goes.
pub fn release(_call: &Call, _txn: &mut Txn, cluster: &mut ClusterRecord) -> Result<(), ApiError> {
    cluster.secret_arn = None;
    cluster.secret_key = None;
    Ok(())
}
