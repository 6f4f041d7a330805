//! Provisioned clusters.

use std::sync::Arc;

use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    DescribeOrderableClusterOptionsMessage, OrderableClusterOptionsMessage, op,
};

use crate::registry::{Depth, Registry};
use crate::{Call, Control};

/// The operations.
pub fn register(registry: &mut Registry) {
    registry.serve(
        op::DescribeOrderableClusterOptions,
        Depth::Full,
        describe_orderable_cluster_options,
    );
}

/// Goes on with what a crash cut off.
pub async fn start(_control: &Arc<Control>) {}

async fn describe_orderable_cluster_options(
    _call: Call,
    _input: DescribeOrderableClusterOptionsMessage,
) -> Result<OrderableClusterOptionsMessage, ApiError> {
    Ok(OrderableClusterOptionsMessage::default())
}
