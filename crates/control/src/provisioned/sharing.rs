//! What waits for an engine of its own: datashares, zero-ETL integrations, IAM Identity Center, the Glue
//! catalog. None can be made, so that lists are empty and names are unknown; resource policies are kept.

use lw_aws_model::redshift::{
    AssociateDataShareConsumerMessage, AuthorizeDataShareMessage, DataShare,
    DeauthorizeDataShareMessage, DeleteIntegrationMessage, DeleteQev2IdcApplicationMessage,
    DeleteRedshiftIdcApplicationMessage, DeleteResourcePolicyMessage,
    DescribeDataSharesForConsumerMessage, DescribeDataSharesForConsumerResult,
    DescribeDataSharesForProducerMessage, DescribeDataSharesForProducerResult,
    DescribeDataSharesMessage, DescribeDataSharesResult, DescribeInboundIntegrationsMessage,
    DescribeIntegrationsMessage, DescribeQev2IdcApplicationsMessage,
    DescribeQev2IdcApplicationsResult, DescribeRedshiftIdcApplicationsMessage,
    DescribeRedshiftIdcApplicationsResult, DisassociateDataShareConsumerMessage,
    GetResourcePolicyMessage, GetResourcePolicyResult, InboundIntegrationsMessage, Integration,
    IntegrationsMessage, ListRecommendationsMessage, ListRecommendationsResult,
    ModifyIntegrationMessage, ModifyQev2IdcApplicationMessage, ModifyQev2IdcApplicationResult,
    ModifyRedshiftIdcApplicationMessage, ModifyRedshiftIdcApplicationResult,
    PutResourcePolicyMessage, PutResourcePolicyResult, RejectDataShareMessage, ResourcePolicy,
    errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};

use super::cluster::{find_by_namespace, find_cluster};
use super::common::{Read, some};
use super::resources;
use crate::records::Record;
use crate::registry::{Depth, Registry};
use crate::{Call, page};

const SHARES: Depth = Depth::Record("datashares cannot be made in SQL yet, so that there are none");
const INTEGRATIONS: Depth =
    Depth::Record("integrations cannot be made yet, so that there are none");
const IDC: Depth = Depth::Record("applications cannot be made yet, so that there are none");

/// The policy of a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyRecord {
    pub arn: String,
    pub policy: String,
}

impl Record for PolicyRecord {
    const KIND: &'static str = "redshift.resource-policy";
    fn id(&self) -> String {
        self.arn.clone()
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::DescribeDataShares, SHARES, describe_shares);
    registry.serve(op::DescribeDataSharesForConsumer, SHARES, describe_consumer);
    registry.serve(op::DescribeDataSharesForProducer, SHARES, describe_producer);
    registry.serve(op::AuthorizeDataShare, SHARES, authorize);
    registry.serve(op::DeauthorizeDataShare, SHARES, deauthorize);
    registry.serve(op::AssociateDataShareConsumer, SHARES, associate);
    registry.serve(op::DisassociateDataShareConsumer, SHARES, disassociate);
    registry.serve(op::RejectDataShare, SHARES, reject);

    registry.refuse(op::CreateIntegration, "zero-ETL sources are not here");
    registry.serve(op::ModifyIntegration, INTEGRATIONS, modify_integration);
    registry.serve(op::DeleteIntegration, INTEGRATIONS, delete_integration);
    registry.serve(
        op::DescribeIntegrations,
        INTEGRATIONS,
        describe_integrations,
    );
    registry.serve(
        op::DescribeInboundIntegrations,
        INTEGRATIONS,
        describe_inbound,
    );

    registry.refuse(
        op::CreateRedshiftIdcApplication,
        "IAM Identity Center is not here",
    );
    registry.serve(op::ModifyRedshiftIdcApplication, IDC, modify_idc);
    registry.serve(op::DeleteRedshiftIdcApplication, IDC, delete_idc);
    registry.serve(op::DescribeRedshiftIdcApplications, IDC, describe_idc);
    registry.refuse(
        op::CreateQev2IdcApplication,
        "IAM Identity Center is not here",
    );
    registry.serve(op::ModifyQev2IdcApplication, IDC, modify_qev2);
    registry.serve(op::DeleteQev2IdcApplication, IDC, delete_qev2);
    registry.serve(op::DescribeQev2IdcApplications, IDC, describe_qev2);
    registry.refuse(
        op::GetIdentityCenterAuthToken,
        "IAM Identity Center is not here",
    );

    registry.refuse(op::RegisterNamespace, "the Glue data catalog is not here");
    registry.refuse(op::DeregisterNamespace, "the Glue data catalog is not here");
    registry.refuse(
        op::ModifyLakehouseConfiguration,
        "the Glue data catalog is not here",
    );

    registry.serve(
        op::ListRecommendations,
        Depth::Record("there is no advisor: the list is empty"),
        recommendations,
    );

    let why = Depth::Record("what they allow (integrations, datashares) is not here yet");
    registry.serve(op::PutResourcePolicy, why, put_policy);
    registry.serve(op::GetResourcePolicy, why, get_policy);
    registry.serve(op::DeleteResourcePolicy, why, delete_policy);
}

fn check_page(max_records: Option<i64>) -> Result<(), ApiError> {
    page::max_records(max_records).map(|_| ())
}

fn no_share(arn: &str) -> ApiError {
    errors::invalid_data_share_fault(format!("The datashare {arn} does not exist."))
}

async fn describe_shares(
    _: Call,
    input: DescribeDataSharesMessage,
) -> Result<DescribeDataSharesResult, ApiError> {
    check_page(input.max_records)?;
    match some(input.data_share_arn) {
        Some(arn) => Err(no_share(&arn)),
        None => Ok(DescribeDataSharesResult {
            data_shares: Some(Vec::new()),
            marker: None,
        }),
    }
}

async fn describe_consumer(
    _: Call,
    input: DescribeDataSharesForConsumerMessage,
) -> Result<DescribeDataSharesForConsumerResult, ApiError> {
    check_page(input.max_records)?;
    Ok(DescribeDataSharesForConsumerResult {
        data_shares: Some(Vec::new()),
        marker: None,
    })
}

async fn describe_producer(
    _: Call,
    input: DescribeDataSharesForProducerMessage,
) -> Result<DescribeDataSharesForProducerResult, ApiError> {
    check_page(input.max_records)?;
    Ok(DescribeDataSharesForProducerResult {
        data_shares: Some(Vec::new()),
        marker: None,
    })
}

async fn authorize(_: Call, input: AuthorizeDataShareMessage) -> Result<DataShare, ApiError> {
    Err(no_share(&input.data_share_arn))
}

async fn deauthorize(_: Call, input: DeauthorizeDataShareMessage) -> Result<DataShare, ApiError> {
    Err(no_share(&input.data_share_arn))
}

async fn associate(
    _: Call,
    input: AssociateDataShareConsumerMessage,
) -> Result<DataShare, ApiError> {
    Err(no_share(&input.data_share_arn))
}

async fn disassociate(
    _: Call,
    input: DisassociateDataShareConsumerMessage,
) -> Result<DataShare, ApiError> {
    Err(no_share(&input.data_share_arn))
}

async fn reject(_: Call, input: RejectDataShareMessage) -> Result<DataShare, ApiError> {
    Err(no_share(&input.data_share_arn))
}

fn no_integration(arn: &str) -> ApiError {
    errors::integration_not_found_fault(format!("The integration {arn} does not exist."))
}

async fn modify_integration(
    _: Call,
    input: ModifyIntegrationMessage,
) -> Result<Integration, ApiError> {
    Err(no_integration(&input.integration_arn))
}

async fn delete_integration(
    _: Call,
    input: DeleteIntegrationMessage,
) -> Result<Integration, ApiError> {
    Err(no_integration(&input.integration_arn))
}

async fn describe_integrations(
    _: Call,
    input: DescribeIntegrationsMessage,
) -> Result<IntegrationsMessage, ApiError> {
    check_page(input.max_records)?;
    match some(input.integration_arn) {
        Some(arn) => Err(no_integration(&arn)),
        None => Ok(IntegrationsMessage {
            integrations: Some(Vec::new()),
            marker: None,
        }),
    }
}

async fn describe_inbound(
    _: Call,
    input: DescribeInboundIntegrationsMessage,
) -> Result<InboundIntegrationsMessage, ApiError> {
    check_page(input.max_records)?;
    match some(input.integration_arn) {
        Some(arn) => Err(no_integration(&arn)),
        None => Ok(InboundIntegrationsMessage {
            inbound_integrations: Some(Vec::new()),
            marker: None,
        }),
    }
}

fn no_application(arn: &str) -> ApiError {
    errors::redshift_idc_application_not_exists_fault(format!(
        "The application {arn} does not exist."
    ))
}

async fn modify_idc(
    _: Call,
    input: ModifyRedshiftIdcApplicationMessage,
) -> Result<ModifyRedshiftIdcApplicationResult, ApiError> {
    Err(no_application(&input.redshift_idc_application_arn))
}

async fn delete_idc(
    _: Call,
    input: DeleteRedshiftIdcApplicationMessage,
) -> Result<Nothing, ApiError> {
    Err(no_application(&input.redshift_idc_application_arn))
}

async fn describe_idc(
    _: Call,
    input: DescribeRedshiftIdcApplicationsMessage,
) -> Result<DescribeRedshiftIdcApplicationsResult, ApiError> {
    check_page(input.max_records)?;
    match some(input.redshift_idc_application_arn) {
        Some(arn) => Err(no_application(&arn)),
        None => Ok(DescribeRedshiftIdcApplicationsResult {
            redshift_idc_applications: Some(Vec::new()),
            marker: None,
        }),
    }
}

fn no_qev2(arn: &str) -> ApiError {
    errors::qev2_idc_application_not_exists_fault(format!("The application {arn} does not exist."))
}

async fn modify_qev2(
    _: Call,
    input: ModifyQev2IdcApplicationMessage,
) -> Result<ModifyQev2IdcApplicationResult, ApiError> {
    Err(no_qev2(&input.qev2_idc_application_arn))
}

async fn delete_qev2(_: Call, input: DeleteQev2IdcApplicationMessage) -> Result<Nothing, ApiError> {
    Err(no_qev2(&input.qev2_idc_application_arn))
}

async fn describe_qev2(
    _: Call,
    input: DescribeQev2IdcApplicationsMessage,
) -> Result<DescribeQev2IdcApplicationsResult, ApiError> {
    check_page(input.max_records)?;
    match some(input.qev2_idc_application_arn) {
        Some(arn) => Err(no_qev2(&arn)),
        None => Ok(DescribeQev2IdcApplicationsResult {
            qev2_idc_applications: Some(Vec::new()),
            marker: None,
        }),
    }
}

async fn recommendations(
    call: Call,
    input: ListRecommendationsMessage,
) -> Result<ListRecommendationsResult, ApiError> {
    check_page(input.max_records)?;
    let view = call.view();
    if let Some(id) = some(input.cluster_identifier) {
        find_cluster(&view, &id)?;
    }
    if let Some(arn) = some(input.namespace_arn) {
        let namespace = arn.rsplit(':').next().unwrap_or_default();
        if find_by_namespace(&view, namespace).is_none() {
            return Err(errors::cluster_not_found_fault(format!(
                "Namespace {arn} not found."
            )));
        }
    }
    Ok(ListRecommendationsResult {
        recommendations: Some(Vec::new()),
        marker: None,
    })
}

/// The resource a policy is for must exist: a namespace of a cluster, or of Serverless.
fn policy_resource(call: &Call, read: &impl Read, arn: &str) -> Result<(), ApiError> {
    resources::require(read, call.config(), arn)
}

async fn put_policy(
    call: Call,
    input: PutResourcePolicyMessage,
) -> Result<PutResourcePolicyResult, ApiError> {
    let mut txn = call.begin().await;
    policy_resource(&call, &txn, &input.resource_arn)?;
    check_policy(&input.policy)?;
    // It replaces the whole of the one before (L5833).
    txn.put(PolicyRecord {
        arn: input.resource_arn.clone(),
        policy: input.policy.clone(),
    })?;
    txn.commit().await?;
    Ok(PutResourcePolicyResult {
        resource_policy: Some(ResourcePolicy {
            resource_arn: Some(input.resource_arn),
            policy: Some(input.policy),
        }),
    })
}

fn check_policy(text: &str) -> Result<(), ApiError> {
    let wrong = |what: String| {
        errors::invalid_policy_fault(format!("The resource policy is not valid: {what}"))
    };
    let document: serde_json::Value =
        serde_json::from_str(text).map_err(|error| wrong(format!("{error}.")))?;
    let statements = match document.get("Statement") {
        Some(serde_json::Value::Array(all)) if !all.is_empty() => all.clone(),
        Some(one @ serde_json::Value::Object(_)) => vec![one.clone()],
        _ => return Err(wrong("it has no statement.".into())),
    };
    for statement in &statements {
        if !matches!(
            statement.get("Effect").and_then(|e| e.as_str()),
            Some("Allow" | "Deny")
        ) {
            return Err(wrong("an Effect must be Allow or Deny.".into()));
        }
        for key in ["Principal", "Action"] {
            if statement.get(key).is_none() {
                return Err(wrong(format!("a statement lacks {key}.")));
            }
        }
    }
    Ok(())
}

fn no_policy(arn: &str) -> ApiError {
    errors::resource_not_found_fault(format!("The resource {arn} has no resource policy."))
}

async fn get_policy(
    call: Call,
    input: GetResourcePolicyMessage,
) -> Result<GetResourcePolicyResult, ApiError> {
    let view = call.view();
    policy_resource(&call, &view, &input.resource_arn)?;
    let held = Read::get::<PolicyRecord>(&view, &input.resource_arn)
        .ok_or_else(|| no_policy(&input.resource_arn))?;
    Ok(GetResourcePolicyResult {
        resource_policy: Some(ResourcePolicy {
            resource_arn: Some(held.arn.clone()),
            policy: Some(held.policy.clone()),
        }),
    })
}

async fn delete_policy(
    call: Call,
    input: DeleteResourcePolicyMessage,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    if txn.get::<PolicyRecord>(&input.resource_arn).is_none() {
        return Err(no_policy(&input.resource_arn));
    }
    txn.delete::<PolicyRecord>(&input.resource_arn);
    txn.commit().await?;
    Ok(Nothing)
}
