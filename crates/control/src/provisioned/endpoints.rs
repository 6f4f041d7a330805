//! Managed endpoints, their authorizations, and custom domain names (guide L26435-26463, L26201-26423). An
//! endpoint's address is the cluster's own: there is one network here. They go with their cluster.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lw_aws_model::redshift::{
    Association, AuthorizeEndpointAccessMessage, CertificateAssociation,
    CreateCustomDomainAssociationMessage, CreateCustomDomainAssociationResult,
    CreateEndpointAccessMessage, CustomDomainAssociationsMessage,
    DeleteCustomDomainAssociationMessage, DeleteEndpointAccessMessage,
    DescribeCustomDomainAssociationsMessage, DescribeEndpointAccessMessage,
    DescribeEndpointAuthorizationMessage, EndpointAccess as Shown, EndpointAccessList,
    EndpointAuthorization as ShownAuthorization, EndpointAuthorizationList,
    ModifyCustomDomainAssociationMessage, ModifyCustomDomainAssociationResult,
    ModifyEndpointAccessMessage, RevokeEndpointAccessMessage, VpcEndpoint,
    VpcSecurityGroupMembership, errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};

use super::cluster::{ClusterRecord, find_by_namespace, find_cluster};
use super::common::{Read, identifier, paged, paged_in_order, some};
use super::{networks, subnets};
use crate::Call;
use crate::records::Record;
use crate::registry::{Depth, Registry};

/// A managed endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    pub name: String,
    pub namespace: String,
    pub owner: String,
    pub subnet_group: String,
    pub security_groups: Vec<String>,
    pub created: DateTime<Utc>,
}

impl Record for Endpoint {
    const KIND: &'static str = "redshift.endpoint-access";
    fn id(&self) -> String {
        self.name.clone()
    }
}

/// What another account may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Authorization {
    pub namespace: String,
    pub account: String,
    /// Empty: all VPCs.
    pub vpcs: Vec<String>,
    pub created: DateTime<Utc>,
}

impl Record for Authorization {
    const KIND: &'static str = "redshift.endpoint-authorization";
    fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.account)
    }
}

/// Endpoints and grantees of a cluster (L27982-27983).
const ENDPOINTS: usize = 30;
const GRANTEES: usize = 5;

pub fn register(registry: &mut Registry) {
    let why = Depth::Record("there is one network: an endpoint's address is the cluster's own");
    registry.serve(op::CreateEndpointAccess, why, create);
    registry.serve(op::ModifyEndpointAccess, why, modify);
    registry.serve(op::DeleteEndpointAccess, why, delete);
    registry.serve(op::DescribeEndpointAccess, why, describe);
    let why = Depth::Record("there is one account: others have no keys here");
    registry.serve(op::AuthorizeEndpointAccess, why, authorize);
    registry.serve(op::RevokeEndpointAccess, why, revoke);
    registry.serve(
        op::DescribeEndpointAuthorization,
        why,
        describe_authorizations,
    );
    let why = Depth::Record("names are the operator's DNS; the certificate is not served");
    registry.serve(op::CreateCustomDomainAssociation, why, create_domain);
    registry.serve(op::ModifyCustomDomainAssociation, why, modify_domain);
    registry.serve(op::DeleteCustomDomainAssociation, why, delete_domain);
    registry.serve(op::DescribeCustomDomainAssociations, why, describe_domains);
}

fn shown(read: &impl Read, call: &Call, endpoint: &Endpoint, status: &str) -> Shown {
    let cluster = find_by_namespace(read, &endpoint.namespace);
    Shown {
        endpoint_name: Some(endpoint.name.clone()),
        cluster_identifier: cluster.as_ref().map(|c| c.id.clone()),
        resource_owner: Some(endpoint.owner.clone()),
        subnet_group_name: Some(endpoint.subnet_group.clone()),
        endpoint_status: Some(status.into()),
        endpoint_create_time: Some(endpoint.created),
        port: cluster
            .as_ref()
            .map(|c| c.endpoint_port.unwrap_or(c.port).into()),
        address: Some(call.config().sql_host.clone()),
        vpc_security_groups: Some(
            endpoint
                .security_groups
                .iter()
                .map(|id| VpcSecurityGroupMembership {
                    vpc_security_group_id: Some(id.clone()),
                    status: Some("active".into()),
                })
                .collect(),
        ),
        vpc_endpoint: Some(VpcEndpoint {
            vpc_endpoint_id: Some(format!(
                "vpce-{}",
                &endpoint.namespace.replace('-', "")[..17]
            )),
            vpc_id: Some(networks::VPC.into()),
            network_interfaces: Some(Vec::new()),
        }),
    }
}

fn find(read: &impl Read, name: &str) -> Result<Arc<Endpoint>, ApiError> {
    read.get::<Endpoint>(&name.to_ascii_lowercase())
        .ok_or_else(|| errors::endpoint_not_found_fault(format!("Endpoint {name} not found.")))
}

async fn create(call: Call, input: CreateEndpointAccessMessage) -> Result<Shown, ApiError> {
    let name = identifier("EndpointName", &input.endpoint_name, 30)?;
    let id = some(input.cluster_identifier)
        .ok_or_else(|| ApiError::combination("ClusterIdentifier is required."))?;
    let mut txn = call.begin().await;
    let cluster = find_cluster(&txn, &id)?;
    if let Some(owner) = some(input.resource_owner)
        && owner != call.config().account
    {
        return Err(errors::access_to_cluster_denied_fault(format!(
            "There is no authorization for cluster {id} of account {owner}."
        )));
    }
    cluster.require_available()?;
    // L26454-26456
    if !cluster.node().is_some_and(|node| node.ra3) || !(cluster.relocation || cluster.multi_az) {
        return Err(errors::unsupported_operation_fault(
            "A managed endpoint needs a cluster of an RA3 node type with relocation or Multi-AZ turned on.",
        ));
    }
    let subnet_group = subnets::find_subnet_group(&txn, &input.subnet_group_name)?
        .name
        .clone();
    if txn.get::<Endpoint>(&name).is_some() {
        return Err(errors::endpoint_already_exists_fault(format!(
            "Endpoint {name} already exists."
        )));
    }
    let many = Read::list::<Endpoint>(&txn)
        .iter()
        .filter(|other| other.namespace == cluster.namespace)
        .count();
    if many >= ENDPOINTS {
        return Err(errors::endpoints_per_cluster_limit_exceeded_fault(format!(
            "A cluster can have up to {ENDPOINTS} managed endpoints."
        )));
    }
    let endpoint = Endpoint {
        name,
        namespace: cluster.namespace.clone(),
        owner: call.config().account.clone(),
        subnet_group,
        security_groups: networks::vpc_security_groups(input.vpc_security_group_ids)?,
        created: call.now(),
    };
    txn.put(endpoint.clone())?;
    let shown = shown(&txn, &call, &endpoint, "creating");
    txn.commit().await?;
    Ok(shown)
}

async fn modify(call: Call, input: ModifyEndpointAccessMessage) -> Result<Shown, ApiError> {
    let mut txn = call.begin().await;
    let mut endpoint = (*find(&txn, &input.endpoint_name)?).clone();
    endpoint.security_groups = networks::vpc_security_groups(input.vpc_security_group_ids)?;
    txn.put(endpoint.clone())?;
    let shown = shown(&txn, &call, &endpoint, "modifying");
    txn.commit().await?;
    Ok(shown)
}

async fn delete(call: Call, input: DeleteEndpointAccessMessage) -> Result<Shown, ApiError> {
    let mut txn = call.begin().await;
    let endpoint = find(&txn, &input.endpoint_name)?;
    let shown = shown(&txn, &call, &endpoint, "deleting");
    txn.delete::<Endpoint>(&endpoint.name);
    txn.commit().await?;
    Ok(shown)
}

async fn describe(
    call: Call,
    input: DescribeEndpointAccessMessage,
) -> Result<EndpointAccessList, ApiError> {
    let view = call.view();
    let cluster = some(input.cluster_identifier)
        .map(|id| find_cluster(&view, &id))
        .transpose()?;
    let all = match some(input.endpoint_name) {
        Some(name) => vec![find(&view, &name)?],
        None => Read::list::<Endpoint>(&view),
    };
    let all = all
        .into_iter()
        .filter(|e| cluster.as_ref().is_none_or(|c| c.namespace == e.namespace))
        .filter(|e| {
            input
                .resource_owner
                .as_ref()
                .is_none_or(|owner| *owner == e.owner)
        })
        .filter(|_| {
            input
                .vpc_id
                .as_deref()
                .is_none_or(|vpc| vpc == networks::VPC)
        })
        .collect();
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(EndpointAccessList {
        marker,
        endpoint_access_list: Some(
            page.iter()
                .map(|e| shown(&view, &call, e, "active"))
                .collect(),
        ),
    })
}

fn shown_authorization(
    call: &Call,
    cluster: &ClusterRecord,
    held: &Authorization,
    status: &str,
) -> ShownAuthorization {
    ShownAuthorization {
        grantor: Some(call.config().account.clone()),
        grantee: Some(held.account.clone()),
        cluster_identifier: Some(cluster.id.clone()),
        authorize_time: Some(held.created),
        cluster_status: Some(cluster.status.clone()),
        status: Some(status.into()),
        allowed_all_vp_cs: Some(held.vpcs.is_empty()),
        allowed_vp_cs: Some(held.vpcs.clone()),
        endpoint_count: Some(0),
    }
}

fn wanted_cluster(read: &impl Read, id: Option<String>) -> Result<Arc<ClusterRecord>, ApiError> {
    let id = some(id).ok_or_else(|| ApiError::combination("ClusterIdentifier is required."))?;
    find_cluster(read, &id)
}

async fn authorize(
    call: Call,
    input: AuthorizeEndpointAccessMessage,
) -> Result<ShownAuthorization, ApiError> {
    if !(input.account.len() == 12 && input.account.bytes().all(|b| b.is_ascii_digit())) {
        return Err(ApiError::validation(format!(
            "Invalid account: {}",
            input.account
        )));
    }
    let mut txn = call.begin().await;
    let cluster = wanted_cluster(&txn, input.cluster_identifier)?;
    let mut held = Authorization {
        namespace: cluster.namespace.clone(),
        account: input.account,
        vpcs: input.vpc_ids.unwrap_or_default(),
        created: call.now(),
    };
    match Read::get::<Authorization>(&txn, &held.id()) {
        Some(known)
            if known.vpcs.is_empty()
                || held.vpcs.is_empty()
                || held.vpcs.iter().all(|v| known.vpcs.contains(v)) =>
        {
            return Err(errors::endpoint_authorization_already_exists_fault(
                format!(
                    "Account {} is authorized for cluster {} already.",
                    held.account, cluster.id
                ),
            ));
        }
        Some(known) => {
            let mut vpcs = known.vpcs.clone();
            vpcs.extend(held.vpcs);
            vpcs.sort();
            vpcs.dedup();
            held.vpcs = vpcs;
            held.created = known.created;
        }
        None => {
            let many = Read::list::<Authorization>(&txn)
                .iter()
                .filter(|other| other.namespace == cluster.namespace)
                .count();
            if many >= GRANTEES {
                return Err(
                    errors::endpoint_authorizations_per_cluster_limit_exceeded_fault(format!(
                        "A cluster can have up to {GRANTEES} grantees."
                    )),
                );
            }
        }
    }
    txn.put(held.clone())?;
    txn.commit().await?;
    Ok(shown_authorization(&call, &cluster, &held, "Authorized"))
}

async fn revoke(
    call: Call,
    input: RevokeEndpointAccessMessage,
) -> Result<ShownAuthorization, ApiError> {
    let mut txn = call.begin().await;
    let cluster = wanted_cluster(&txn, input.cluster_identifier)?;
    let account =
        some(input.account).ok_or_else(|| ApiError::combination("Account is required."))?;
    let id = format!("{}/{account}", cluster.namespace);
    let Some(known) = txn.get::<Authorization>(&id) else {
        return Err(errors::endpoint_authorization_not_found_fault(format!(
            "Account {account} is not authorized for cluster {}.",
            cluster.id
        )));
    };
    let mut left = (*known).clone();
    let named = input.vpc_ids.unwrap_or_default();
    if named.is_empty() {
        left.vpcs.clear();
        txn.delete::<Authorization>(&id);
    } else {
        left.vpcs.retain(|vpc| !named.contains(vpc));
        if left.vpcs.is_empty() {
            txn.delete::<Authorization>(&id);
        } else {
            txn.put(left.clone())?;
        }
    }
    txn.commit().await?;
    Ok(shown_authorization(&call, &cluster, &left, "Revoking"))
}

async fn describe_authorizations(
    call: Call,
    input: DescribeEndpointAuthorizationMessage,
) -> Result<EndpointAuthorizationList, ApiError> {
    let view = call.view();
    let wanted = some(input.cluster_identifier)
        .map(|id| find_cluster(&view, &id))
        .transpose()?;
    let all: Vec<Arc<Authorization>> = if input.grantee == Some(true) {
        // What others granted to this account: there are no others.
        Vec::new()
    } else {
        Read::list::<Authorization>(&view)
            .into_iter()
            .filter(|held| {
                wanted
                    .as_ref()
                    .is_none_or(|c| c.namespace == held.namespace)
            })
            .filter(|held| input.account.as_ref().is_none_or(|a| *a == held.account))
            .collect()
    };
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(EndpointAuthorizationList {
        marker,
        endpoint_authorization_list: Some(
            page.iter()
                .filter_map(|held| {
                    let cluster = find_by_namespace(&view, &held.namespace)?;
                    Some(shown_authorization(&call, &cluster, held, "Authorized"))
                })
                .collect(),
        ),
    })
}

fn certificate(arn: &str) -> Result<(), ApiError> {
    if arn.starts_with("arn:") && arn.contains(":acm:") {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "Invalid certificate ARN: {arn}"
    )))
}

async fn create_domain(
    call: Call,
    input: CreateCustomDomainAssociationMessage,
) -> Result<CreateCustomDomainAssociationResult, ApiError> {
    certificate(&input.custom_domain_certificate_arn)?;
    let name = input.custom_domain_name.to_ascii_lowercase();
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    // L26248: one name a cluster, one cluster a name.
    let taken = Read::list::<ClusterRecord>(&txn).iter().any(|other| {
        other
            .custom_domain
            .as_ref()
            .is_some_and(|(held, _)| *held == name)
    });
    if cluster.custom_domain.is_some() || taken {
        return Err(errors::custom_cname_association_fault(format!(
            "The custom domain name {name} or the cluster {} is associated already.",
            cluster.id
        )));
    }
    let arn = input.custom_domain_certificate_arn;
    cluster.custom_domain = Some((name.clone(), arn.clone()));
    let id = cluster.id.clone();
    txn.put(cluster)?;
    txn.commit().await?;
    Ok(CreateCustomDomainAssociationResult {
        custom_domain_name: Some(name),
        custom_domain_certificate_arn: Some(arn),
        cluster_identifier: Some(id),
        custom_domain_cert_expiry_time: None,
    })
}

/// The cluster, if it has this name.
fn with_domain(read: &impl Read, id: &str, name: &str) -> Result<ClusterRecord, ApiError> {
    let cluster = (*find_cluster(read, id)?).clone();
    match &cluster.custom_domain {
        Some((held, _)) if held.eq_ignore_ascii_case(name) => Ok(cluster),
        _ => Err(errors::custom_domain_association_not_found_fault(format!(
            "The custom domain name {name} is not associated with cluster {id}."
        ))),
    }
}

async fn modify_domain(
    call: Call,
    input: ModifyCustomDomainAssociationMessage,
) -> Result<ModifyCustomDomainAssociationResult, ApiError> {
    certificate(&input.custom_domain_certificate_arn)?;
    let mut txn = call.begin().await;
    let mut cluster = with_domain(&txn, &input.cluster_identifier, &input.custom_domain_name)?;
    let arn = input.custom_domain_certificate_arn;
    let name = input.custom_domain_name.to_ascii_lowercase();
    if cluster
        .custom_domain
        .as_ref()
        .is_some_and(|(_, held)| *held == arn)
    {
        // L26363
        return Err(errors::custom_cname_association_fault(
            "The certificate must differ from the one in use.",
        ));
    }
    cluster.custom_domain = Some((name.clone(), arn.clone()));
    let id = cluster.id.clone();
    txn.put(cluster)?;
    txn.commit().await?;
    Ok(ModifyCustomDomainAssociationResult {
        custom_domain_name: Some(name),
        custom_domain_certificate_arn: Some(arn),
        cluster_identifier: Some(id),
        custom_domain_cert_expiry_time: None,
    })
}

async fn delete_domain(
    call: Call,
    input: DeleteCustomDomainAssociationMessage,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = with_domain(&txn, &input.cluster_identifier, &input.custom_domain_name)?;
    cluster.custom_domain = None;
    txn.put(cluster)?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe_domains(
    call: Call,
    input: DescribeCustomDomainAssociationsMessage,
) -> Result<CustomDomainAssociationsMessage, ApiError> {
    let view = call.view();
    let all: Vec<Association> = Read::list::<ClusterRecord>(&view)
        .iter()
        .filter_map(|cluster| {
            let (name, arn) = cluster.custom_domain.clone()?;
            let asked = input
                .custom_domain_name
                .as_ref()
                .is_none_or(|n| n.eq_ignore_ascii_case(&name))
                && input
                    .custom_domain_certificate_arn
                    .as_ref()
                    .is_none_or(|a| *a == arn);
            asked.then(|| Association {
                custom_domain_certificate_arn: Some(arn),
                custom_domain_certificate_expiry_date: None,
                certificate_associations: Some(vec![CertificateAssociation {
                    custom_domain_name: Some(name),
                    cluster_identifier: Some(cluster.id.clone()),
                }]),
            })
        })
        .collect();
    if all.is_empty()
        && (input.custom_domain_name.is_some() || input.custom_domain_certificate_arn.is_some())
    {
        return Err(errors::custom_domain_association_not_found_fault(
            "The custom domain association was not found.",
        ));
    }
    let (associations, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(CustomDomainAssociationsMessage {
        marker,
        associations: Some(associations),
    })
}
