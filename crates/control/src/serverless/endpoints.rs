//! Managed endpoints (guide L1357-1518): further names for the way to a workgroup. There are no VPCs
//! here, so an endpoint has the workgroup's own address, and its subnets and groups are kept only.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    CreateEndpointAccessRequest, CreateEndpointAccessResponse, DeleteEndpointAccessRequest,
    DeleteEndpointAccessResponse, EndpointAccess, GetEndpointAccessRequest,
    GetEndpointAccessResponse, ListEndpointAccessRequest, ListEndpointAccessResponse,
    UpdateEndpointAccessRequest, UpdateEndpointAccessResponse, VpcEndpoint,
    VpcSecurityGroupMembership, errors, op,
};
use serde::{Deserialize, Serialize};

use super::paging::page;
use super::state::{SERVICE, Workgroup};
use super::{not_found, work_id, workgroup};
use crate::records::{Record, Txn, View};
use crate::registry::{Depth, Registry};
use crate::{Call, ControlConfig};

/// Endpoints of one workgroup (guide L27982).
const MOST: usize = 30;
const WHY: Depth = Depth::Record(
    "an endpoint has the workgroup's own address; subnets and security groups are kept only",
);

/// An endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// Its id.
    pub uuid: String,
    /// The workgroup.
    pub workgroup: String,
    /// Subnets asked for.
    pub subnets: Vec<String>,
    /// Security groups.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl Record for Endpoint {
    const KIND: &'static str = "serverless.endpoint";
    fn id(&self) -> String {
        self.name.clone()
    }
}

impl Endpoint {
    /// Its ARN.
    pub fn arn(&self, config: &ControlConfig) -> String {
        config.arn(SERVICE, format_args!("managedvpcendpoint/{}", self.uuid))
    }

    fn shown(&self, config: &ControlConfig, view: &View, status: &str) -> EndpointAccess {
        let address = view
            .get::<Workgroup>(&self.workgroup)
            .and_then(|w| w.address.clone());
        let short: String = self.uuid.chars().filter(|c| *c != '-').take(17).collect();
        EndpointAccess {
            address: address.as_ref().map(|a| a.0.clone()),
            endpoint_arn: Some(self.arn(config)),
            endpoint_create_time: Some(self.created),
            endpoint_name: Some(self.name.clone()),
            endpoint_status: Some(status.into()),
            port: address.map(|a| i64::from(a.1)),
            subnet_ids: Some(self.subnets.clone()),
            vpc_endpoint: Some(VpcEndpoint {
                network_interfaces: Some(Vec::new()),
                vpc_endpoint_id: Some(format!("vpce-{short}")),
                vpc_id: None,
            }),
            vpc_security_groups: Some(
                self.security_groups
                    .iter()
                    .map(|group| VpcSecurityGroupMembership {
                        status: Some("active".into()),
                        vpc_security_group_id: Some(group.clone()),
                    })
                    .collect(),
            ),
            workgroup_name: Some(self.workgroup.clone()),
        }
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateEndpointAccess, WHY, create);
    registry.serve(op::UpdateEndpointAccess, WHY, update);
    registry.serve(op::GetEndpointAccess, WHY, get);
    registry.serve(op::ListEndpointAccess, WHY, list);
    registry.serve(op::DeleteEndpointAccess, WHY, delete);
}

/// Deletes the endpoints of a workgroup that is deleted (guide L1979).
pub fn forget(txn: &mut Txn, view: &View, workgroup: &str) {
    for endpoint in view.list::<Endpoint>() {
        if endpoint.workgroup == workgroup {
            txn.delete::<Endpoint>(&endpoint.name);
        }
    }
}

fn find(view: &View, name: &str) -> Result<Arc<Endpoint>, ApiError> {
    view.get::<Endpoint>(name)
        .ok_or_else(|| not_found("Endpoint", name))
}

/// Name of an endpoint (guide L28125).
fn check_name(name: &str) -> Result<(), ApiError> {
    let good = (1..=30).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.ends_with('-')
        && !name.contains("--");
    if good {
        return Ok(());
    }
    Err(errors::validation_exception(format!(
        "Invalid endpoint name '{name}'. It must be 1-30 letters, digits or hyphens, begin with a letter, and not end with a hyphen or contain two in a row."
    )))
}

async fn create(
    call: Call,
    input: CreateEndpointAccessRequest,
) -> Result<CreateEndpointAccessResponse, ApiError> {
    check_name(&input.endpoint_name)?;
    if input.subnet_ids.is_empty() {
        return Err(errors::validation_exception("Specify at least one subnet."));
    }
    let mut txn = call.begin().await;
    let view = call.view();
    let foreign = input
        .owner_account
        .as_ref()
        .is_some_and(|owner| *owner != call.config().account);
    if foreign {
        return Err(not_found("Workgroup", &input.workgroup_name));
    }
    let known = workgroup(&view, &input.workgroup_name)?;
    if view.get::<Endpoint>(&input.endpoint_name).is_some() {
        return Err(errors::conflict_exception(format!(
            "Endpoint {} already exists.",
            input.endpoint_name
        )));
    }
    if !known.available() {
        return Err(errors::conflict_exception(
            "There is an operation running on the workgroup. Try again later.",
        ));
    }
    let others = view.list::<Endpoint>();
    if others.iter().filter(|e| e.workgroup == known.name).count() >= MOST {
        return Err(errors::service_quota_exceeded_exception(format!(
            "Workgroup {} has {MOST} endpoints already, which is its quota.",
            known.name
        )));
    }
    let made = Endpoint {
        name: input.endpoint_name,
        uuid: work_id(),
        workgroup: known.name.clone(),
        subnets: input.subnet_ids,
        security_groups: input.vpc_security_group_ids.unwrap_or_default(),
        created: call.now(),
    };
    let shown = made.shown(call.config(), &view, "ACTIVE");
    txn.put(made)?;
    txn.commit().await?;
    Ok(CreateEndpointAccessResponse {
        endpoint: Some(shown),
    })
}

async fn update(
    call: Call,
    input: UpdateEndpointAccessRequest,
) -> Result<UpdateEndpointAccessResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let mut known = (*find(&view, &input.endpoint_name)?).clone();
    if let Some(groups) = input.vpc_security_group_ids {
        known.security_groups = groups;
    }
    let shown = known.shown(call.config(), &view, "ACTIVE");
    txn.put(known)?;
    txn.commit().await?;
    Ok(UpdateEndpointAccessResponse {
        endpoint: Some(shown),
    })
}

async fn get(
    call: Call,
    input: GetEndpointAccessRequest,
) -> Result<GetEndpointAccessResponse, ApiError> {
    let view = call.view();
    let known = find(&view, &input.endpoint_name)?;
    Ok(GetEndpointAccessResponse {
        endpoint: Some(known.shown(call.config(), &view, "ACTIVE")),
    })
}

async fn list(
    call: Call,
    input: ListEndpointAccessRequest,
) -> Result<ListEndpointAccessResponse, ApiError> {
    let view = call.view();
    if let Some(name) = &input.workgroup_name {
        workgroup(&view, name)?;
    }
    let mut all = view.list::<Endpoint>();
    all.retain(|e| {
        input
            .workgroup_name
            .as_ref()
            .is_none_or(|name| e.workgroup == *name)
            && input
                .owner_account
                .as_ref()
                .is_none_or(|owner| *owner == call.config().account)
            // No endpoint is in a VPC.
            && input.vpc_id.is_none()
    });
    let (shown, next_token) = page(
        &call,
        all,
        |e| e.name.clone(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListEndpointAccessResponse {
        endpoints: shown
            .iter()
            .map(|e| e.shown(call.config(), &view, "ACTIVE"))
            .collect(),
        next_token,
    })
}

async fn delete(
    call: Call,
    input: DeleteEndpointAccessRequest,
) -> Result<DeleteEndpointAccessResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let known = find(&view, &input.endpoint_name)?;
    txn.delete::<Endpoint>(&known.name);
    txn.commit().await?;
    Ok(DeleteEndpointAccessResponse {
        endpoint: Some(known.shown(call.config(), &view, "DELETING")),
    })
}
