//! Custom domain names of workgroups (guide L26199-26430). The name finds the workgroup for
//! GetCredentials; the certificate on the SQL port stays the operator's, as there is no ACM here to
//! take another from.

use std::sync::Arc;

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    Association, CreateCustomDomainAssociationRequest, CreateCustomDomainAssociationResponse,
    DeleteCustomDomainAssociationRequest, DeleteCustomDomainAssociationResponse,
    GetCustomDomainAssociationRequest, GetCustomDomainAssociationResponse,
    ListCustomDomainAssociationsRequest, ListCustomDomainAssociationsResponse,
    UpdateCustomDomainAssociationRequest, UpdateCustomDomainAssociationResponse, errors, op,
};
use serde::{Deserialize, Serialize};

use super::paging::page;
use super::{not_found, workgroup};
use crate::Call;
use crate::records::{Record, Txn, View};
use crate::registry::{Depth, Registry};

const WHY: Depth = Depth::Record(
    "the SQL port keeps the operator's certificate; the name is kept and resolved by GetCredentials",
);

/// A custom domain name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Domain {
    /// The name, in small letters.
    pub name: String,
    /// The workgroup.
    pub workgroup: String,
    /// ARN of its certificate.
    pub certificate: String,
}

impl Record for Domain {
    const KIND: &'static str = "serverless.custom-domain";
    fn id(&self) -> String {
        self.name.clone()
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateCustomDomainAssociation, WHY, create);
    registry.serve(op::UpdateCustomDomainAssociation, WHY, update);
    registry.serve(op::GetCustomDomainAssociation, WHY, get);
    registry.serve(op::ListCustomDomainAssociations, WHY, list);
    registry.serve(op::DeleteCustomDomainAssociation, WHY, delete);
}

/// The custom domain of a workgroup.
pub fn of(view: &View, workgroup: &str) -> Option<Arc<Domain>> {
    view.list::<Domain>()
        .into_iter()
        .find(|domain| domain.workgroup == workgroup)
}

/// Deletes the custom domain of a workgroup that is deleted.
pub fn forget(txn: &mut Txn, view: &View, workgroup: &str) {
    if let Some(domain) = of(view, workgroup) {
        txn.delete::<Domain>(&domain.name);
    }
}

fn find(view: &View, name: &str, workgroup_name: &str) -> Result<Arc<Domain>, ApiError> {
    workgroup(view, workgroup_name)?;
    view.get::<Domain>(&name.to_lowercase())
        .filter(|domain| domain.workgroup == workgroup_name)
        .ok_or_else(|| not_found("Custom domain association", name))
}

async fn create(
    call: Call,
    input: CreateCustomDomainAssociationRequest,
) -> Result<CreateCustomDomainAssociationResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let known = workgroup(&view, &input.workgroup_name)?;
    let name = input.custom_domain_name.to_lowercase();
    // One name a workgroup, one workgroup a name (guide L26248).
    if of(&view, &known.name).is_some() {
        return Err(errors::conflict_exception(format!(
            "Workgroup {} already has a custom domain name.",
            known.name
        )));
    }
    if view.get::<Domain>(&name).is_some() {
        return Err(errors::conflict_exception(format!(
            "The custom domain name {name} is already in use."
        )));
    }
    txn.put(Domain {
        name,
        workgroup: known.name.clone(),
        certificate: input.custom_domain_certificate_arn.clone(),
    })?;
    txn.commit().await?;
    Ok(CreateCustomDomainAssociationResponse {
        custom_domain_certificate_arn: Some(input.custom_domain_certificate_arn),
        custom_domain_name: Some(input.custom_domain_name),
        workgroup_name: Some(input.workgroup_name),
        ..Default::default()
    })
}

async fn update(
    call: Call,
    input: UpdateCustomDomainAssociationRequest,
) -> Result<UpdateCustomDomainAssociationResponse, ApiError> {
    let mut txn = call.begin().await;
    let known = find(
        &call.view(),
        &input.custom_domain_name,
        &input.workgroup_name,
    )?;
    let certificate = input.custom_domain_certificate_arn;
    if known.certificate == certificate {
        // Guide L26363.
        return Err(errors::validation_exception(
            "The certificate ARN must differ from the current one.",
        ));
    }
    txn.put(Domain {
        certificate: certificate.clone(),
        ..(*known).clone()
    })?;
    txn.commit().await?;
    Ok(UpdateCustomDomainAssociationResponse {
        custom_domain_certificate_arn: Some(certificate),
        custom_domain_name: Some(known.name.clone()),
        workgroup_name: Some(known.workgroup.clone()),
        ..Default::default()
    })
}

async fn get(
    call: Call,
    input: GetCustomDomainAssociationRequest,
) -> Result<GetCustomDomainAssociationResponse, ApiError> {
    let known = find(
        &call.view(),
        &input.custom_domain_name,
        &input.workgroup_name,
    )?;
    Ok(GetCustomDomainAssociationResponse {
        custom_domain_certificate_arn: Some(known.certificate.clone()),
        custom_domain_name: Some(known.name.clone()),
        workgroup_name: Some(known.workgroup.clone()),
        ..Default::default()
    })
}

async fn list(
    call: Call,
    input: ListCustomDomainAssociationsRequest,
) -> Result<ListCustomDomainAssociationsResponse, ApiError> {
    let mut all = call.view().list::<Domain>();
    all.retain(|d| {
        input
            .custom_domain_name
            .as_ref()
            .is_none_or(|name| d.name == name.to_lowercase())
            && input
                .custom_domain_certificate_arn
                .as_ref()
                .is_none_or(|arn| d.certificate == *arn)
    });
    let (shown, next_token) = page(
        &call,
        all,
        |d| d.name.clone(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListCustomDomainAssociationsResponse {
        associations: Some(
            shown
                .iter()
                .map(|d| Association {
                    custom_domain_certificate_arn: Some(d.certificate.clone()),
                    custom_domain_certificate_expiry_time: None,
                    custom_domain_name: Some(d.name.clone()),
                    workgroup_name: Some(d.workgroup.clone()),
                })
                .collect(),
        ),
        next_token,
    })
}

async fn delete(
    call: Call,
    input: DeleteCustomDomainAssociationRequest,
) -> Result<DeleteCustomDomainAssociationResponse, ApiError> {
    let mut txn = call.begin().await;
    let known = find(
        &call.view(),
        &input.custom_domain_name,
        &input.workgroup_name,
    )?;
    txn.delete::<Domain>(&known.name);
    txn.commit().await?;
    Ok(DeleteCustomDomainAssociationResponse::default())
}
