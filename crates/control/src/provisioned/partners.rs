//! Integrations with partners (guide L19139-19178): records that partners keep about themselves.

use chrono::{DateTime, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    DescribePartnersInputMessage, DescribePartnersOutputMessage, PartnerIntegrationInfo,
    PartnerIntegrationInputMessage, PartnerIntegrationOutputMessage,
    UpdatePartnerStatusInputMessage, errors, op,
};
use serde::{Deserialize, Serialize};

use super::cluster::find_cluster;
use super::common::Read;
use crate::Call;
use crate::records::Record;
use crate::registry::{Depth, Registry};

/// An integration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Partner {
    pub namespace: String,
    pub database: String,
    pub name: String,
    pub status: String,
    pub message: Option<String>,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
}

impl Record for Partner {
    const KIND: &'static str = "redshift.partner";
    fn id(&self) -> String {
        format!("{}/{}/{}", self.namespace, self.database, self.name)
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::AddPartner, Depth::Record("partners are not told"), add);
    registry.serve(
        op::DeletePartner,
        Depth::Record("partners are not told"),
        delete,
    );
    registry.serve(
        op::UpdatePartnerStatus,
        Depth::Record("partners are not told"),
        update,
    );
    registry.serve(
        op::DescribePartners,
        Depth::Record("partners are not told"),
        describe,
    );
}

/// The namespace of a cluster of this account.
fn namespace(
    call: &Call,
    read: &impl Read,
    account: &str,
    cluster: &str,
) -> Result<String, ApiError> {
    if account != call.config().account {
        return Err(errors::unauthorized_partner_integration_fault(format!(
            "The account {account} is not accessible."
        )));
    }
    Ok(find_cluster(read, cluster)?.namespace.clone())
}

fn missing(name: &str) -> ApiError {
    errors::partner_not_found_fault(format!("Partner {name} not found."))
}

async fn add(
    call: Call,
    input: PartnerIntegrationInputMessage,
) -> Result<PartnerIntegrationOutputMessage, ApiError> {
    let mut txn = call.begin().await;
    let namespace = namespace(&call, &txn, &input.account_id, &input.cluster_identifier)?;
    txn.put(Partner {
        namespace,
        database: input.database_name.clone(),
        name: input.partner_name.clone(),
        status: "Active".into(),
        message: None,
        created: call.now(),
        updated: call.now(),
    })?;
    txn.commit().await?;
    Ok(PartnerIntegrationOutputMessage {
        database_name: Some(input.database_name),
        partner_name: Some(input.partner_name),
    })
}

async fn delete(
    call: Call,
    input: PartnerIntegrationInputMessage,
) -> Result<PartnerIntegrationOutputMessage, ApiError> {
    let mut txn = call.begin().await;
    let namespace = namespace(&call, &txn, &input.account_id, &input.cluster_identifier)?;
    let id = format!("{namespace}/{}/{}", input.database_name, input.partner_name);
    if txn.get::<Partner>(&id).is_none() {
        return Err(missing(&input.partner_name));
    }
    txn.delete::<Partner>(&id);
    txn.commit().await?;
    Ok(PartnerIntegrationOutputMessage {
        database_name: Some(input.database_name),
        partner_name: Some(input.partner_name),
    })
}

async fn update(
    call: Call,
    input: UpdatePartnerStatusInputMessage,
) -> Result<PartnerIntegrationOutputMessage, ApiError> {
    let mut txn = call.begin().await;
    let namespace = namespace(&call, &txn, &input.account_id, &input.cluster_identifier)?;
    let id = format!("{namespace}/{}/{}", input.database_name, input.partner_name);
    let now = call.now();
    let there = txn.update::<Partner>(&id, |partner| {
        partner.status = input.status.clone();
        partner.message = input.status_message.clone();
        partner.updated = now;
    })?;
    if !there {
        return Err(missing(&input.partner_name));
    }
    txn.commit().await?;
    Ok(PartnerIntegrationOutputMessage {
        database_name: Some(input.database_name),
        partner_name: Some(input.partner_name),
    })
}

async fn describe(
    call: Call,
    input: DescribePartnersInputMessage,
) -> Result<DescribePartnersOutputMessage, ApiError> {
    let view = call.view();
    let namespace = namespace(&call, &view, &input.account_id, &input.cluster_identifier)?;
    Ok(DescribePartnersOutputMessage {
        partner_integration_info_list: Some(
            Read::list::<Partner>(&view)
                .iter()
                .filter(|p| p.namespace == namespace)
                .filter(|p| {
                    input
                        .database_name
                        .as_ref()
                        .is_none_or(|d| *d == p.database)
                })
                .filter(|p| input.partner_name.as_ref().is_none_or(|n| *n == p.name))
                .map(|p| PartnerIntegrationInfo {
                    database_name: Some(p.database.clone()),
                    partner_name: Some(p.name.clone()),
                    status: Some(p.status.clone()),
                    status_message: p.message.clone(),
                    created_at: Some(p.created),
                    updated_at: Some(p.updated),
                })
                .collect(),
        ),
    })
}
