//! What other services of AWS would have to be there for.

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    ListManagedWorkgroupsRequest, ListManagedWorkgroupsResponse, op,
};

use super::paging::page;
use crate::Call;
use crate::registry::{Depth, Registry};

pub fn register(registry: &mut Registry) {
    registry.serve(op::ListManagedWorkgroups, Depth::Full, list_managed);
    registry.refuse(
        op::GetIdentityCenterAuthToken,
        "there is no IAM Identity Center",
    );
    registry.refuse(
        op::UpdateLakehouseConfiguration,
        "there is no catalog of AWS Glue to register with",
    );
}

/// Workgroups that AWS Glue made for its catalogs: there are none, as there is no Glue.
async fn list_managed(
    call: Call,
    input: ListManagedWorkgroupsRequest,
) -> Result<ListManagedWorkgroupsResponse, ApiError> {
    let (_, next_token) = page(
        &call,
        Vec::<String>::new(),
        String::clone,
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListManagedWorkgroupsResponse {
        managed_workgroups: Some(Vec::new()),
        next_token,
    })
}
