//! Temporary credentials of database users (guide L22365-22557, L23671-23744).

use crate::registry::Registry;
use lw_aws_model::redshift::op;

pub fn register(registry: &mut Registry) {
    registry.refuse(
        op::GetClusterCredentials,
        "temporary logins are not here yet",
    );
    registry.refuse(
        op::GetClusterCredentialsWithIAM,
        "temporary logins are not here yet",
    );
}
