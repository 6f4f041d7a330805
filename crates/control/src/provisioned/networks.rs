//! Cluster security groups, whose CIDR rules are enforced where clients connect (guide L5313-5334). VPC
//! security groups belong to EC2, which is not here: their ids are kept and shown, and limit nobody.

use std::net::IpAddr;
use std::sync::Arc;

use lw_aws_model::redshift::{
    AuthorizeClusterSecurityGroupIngressMessage, AuthorizeClusterSecurityGroupIngressResult,
    ClusterSecurityGroup, ClusterSecurityGroupMessage, CreateClusterSecurityGroupMessage,
    CreateClusterSecurityGroupResult, DeleteClusterSecurityGroupMessage,
    DescribeClusterSecurityGroupsMessage, EC2SecurityGroup, IPRange,
    RevokeClusterSecurityGroupIngressMessage, RevokeClusterSecurityGroupIngressResult, errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use lw_services::warehouses::Networks;
use serde::{Deserialize, Serialize};

use super::cluster::ClusterRecord;
use super::common::{Read, group_name, paged};
use super::{events, lifecycle, tags};
use crate::records::{Record, Txn};
use crate::registry::{Depth, Registry};
use crate::{Call, ControlConfig};

/// The VPC that everything is in.
pub const VPC: &str = "vpc-00000000000000000";
/// The group a cluster is in that names none.
pub const DEFAULT: &str = "default";
/// Security groups, subnet groups, subnets of a group (L27989-27993).
pub const QUOTA: usize = 20;
/// Ingress rules of a security group.
const RULES: usize = 20;

/// A cluster security group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub name: String,
    pub description: String,
    /// Networks that may connect.
    pub ranges: Vec<String>,
    /// EC2 security groups: name and owner.
    pub ec2: Vec<(String, String)>,
}

impl Record for SecurityGroup {
    const KIND: &'static str = "redshift.security-group";
    fn id(&self) -> String {
        self.name.clone()
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(
        op::CreateClusterSecurityGroup,
        Depth::Full,
        create_security_group,
    );
    registry.serve(
        op::DeleteClusterSecurityGroup,
        Depth::Full,
        delete_security_group,
    );
    registry.serve(
        op::DescribeClusterSecurityGroups,
        Depth::Full,
        describe_security_groups,
    );
    registry.serve(
        op::AuthorizeClusterSecurityGroupIngress,
        Depth::Full,
        authorize_ingress,
    );
    registry.serve(
        op::RevokeClusterSecurityGroupIngress,
        Depth::Full,
        revoke_ingress,
    );
}

/// Makes the default group, which lets everybody in, and says so: it has a rule
/// for every address, which can be revoked.
pub fn seed(txn: &mut Txn) -> Result<(), ApiError> {
    if txn.get::<SecurityGroup>(DEFAULT).is_none() {
        txn.put(SecurityGroup {
            name: DEFAULT.into(),
            description: "default".into(),
            ranges: vec!["0.0.0.0/0".into(), "::/0".into()],
            ec2: Vec::new(),
        })?;
    }
    Ok(())
}

/// Who may connect to a cluster with these groups. A cluster with none (only VPC security groups) is open:
/// EC2's rules are not known here.
pub fn networks(read: &impl Read, names: &[String]) -> Networks {
    if names.is_empty() {
        return Networks::Any;
    }
    let mut all = Vec::new();
    for name in names {
        let Some(group) = read.get::<SecurityGroup>(name) else {
            continue;
        };
        for range in &group.ranges {
            if range == "0.0.0.0/0" {
                return Networks::Any;
            }
            all.extend(parse_cidr(range));
        }
    }
    Networks::Only(all)
}

fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.trim().split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u8 = length.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    (length <= longest).then_some((address, length))
}

/// The security groups a cluster is to have.
pub fn chosen_security_groups(
    read: &impl Read,
    names: Option<Vec<String>>,
    vpc_groups: &[String],
) -> Result<Vec<String>, ApiError> {
    match names.filter(|names| !names.is_empty()) {
        None if vpc_groups.is_empty() => Ok(vec![DEFAULT.into()]),
        None => Ok(Vec::new()),
        Some(names) => names
            .iter()
            .map(|name| Ok(find_security_group(read, name)?.name.clone()))
            .collect(),
    }
}

/// VPC security groups as given: up to five (L5332), in the form of ids.
pub fn vpc_security_groups(ids: Option<Vec<String>>) -> Result<Vec<String>, ApiError> {
    let ids = ids.unwrap_or_default();
    if ids.len() > 5 {
        return Err(ApiError::validation(
            "A cluster can have up to 5 VPC security groups.",
        ));
    }
    for id in &ids {
        if !id.starts_with("sg-") {
            return Err(ApiError::validation(format!(
                "Invalid security group id: {id}"
            )));
        }
    }
    Ok(ids)
}

pub fn find_security_group(read: &impl Read, name: &str) -> Result<Arc<SecurityGroup>, ApiError> {
    read.get::<SecurityGroup>(&name.to_ascii_lowercase())
        .ok_or_else(|| {
            errors::cluster_security_group_not_found_fault(format!(
                "Security group {name} not found."
            ))
        })
}

fn security_arn(config: &ControlConfig, name: &str) -> String {
    config.arn("redshift", format_args!("securitygroup:{name}"))
}

fn shown_security_group(
    read: &impl Read,
    config: &ControlConfig,
    group: &SecurityGroup,
) -> ClusterSecurityGroup {
    ClusterSecurityGroup {
        cluster_security_group_name: Some(group.name.clone()),
        description: Some(group.description.clone()),
        ip_ranges: Some(
            group
                .ranges
                .iter()
                .map(|cidr| IPRange {
                    status: Some("authorized".into()),
                    cidrip: Some(cidr.clone()),
                    tags: Some(Vec::new()),
                })
                .collect(),
        ),
        ec2_security_groups: Some(
            group
                .ec2
                .iter()
                .map(|(name, owner)| EC2SecurityGroup {
                    status: Some("authorized".into()),
                    ec2_security_group_name: Some(name.clone()),
                    ec2_security_group_owner_id: Some(owner.clone()),
                    tags: Some(Vec::new()),
                })
                .collect(),
        ),
        tags: Some(tags::of(read, &security_arn(config, &group.name))),
    }
}

async fn create_security_group(
    call: Call,
    input: CreateClusterSecurityGroupMessage,
) -> Result<CreateClusterSecurityGroupResult, ApiError> {
    let name = group_name(
        "ClusterSecurityGroupName",
        &input.cluster_security_group_name,
    )?;
    let mut txn = call.begin().await;
    if txn.get::<SecurityGroup>(&name).is_some() {
        return Err(errors::cluster_security_group_already_exists_fault(
            format!("Security group {name} already exists"),
        ));
    }
    if txn.count::<SecurityGroup>() > QUOTA {
        return Err(errors::cluster_security_group_quota_exceeded_fault(
            format!("The quota of {QUOTA} cluster security groups is reached."),
        ));
    }
    let group = SecurityGroup {
        name: name.clone(),
        description: input.description,
        ranges: Vec::new(),
        ec2: Vec::new(),
    };
    txn.put(group.clone())?;
    tags::set(&mut txn, &security_arn(call.config(), &name), input.tags)?;
    events::emit(
        &mut txn,
        call.now(),
        events::SECURITY_GROUP,
        &name,
        4002,
        format!("Cluster security group {name} was created."),
    )?;
    let shown = shown_security_group(&txn, call.config(), &group);
    txn.commit().await?;
    Ok(CreateClusterSecurityGroupResult {
        cluster_security_group: Some(shown),
    })
}

async fn delete_security_group(
    call: Call,
    input: DeleteClusterSecurityGroupMessage,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let group = find_security_group(&txn, &input.cluster_security_group_name)?;
    if group.name == DEFAULT {
        return Err(errors::invalid_cluster_security_group_state_fault(
            "The default security group cannot be deleted.",
        ));
    }
    if let Some(user) = Read::list::<ClusterRecord>(&txn)
        .iter()
        .find(|cluster| cluster.security_groups.contains(&group.name))
    {
        return Err(errors::invalid_cluster_security_group_state_fault(format!(
            "The security group {} is in use by cluster {}.",
            group.name, user.id
        )));
    }
    txn.delete::<SecurityGroup>(&group.name);
    tags::forget(&mut txn, &security_arn(call.config(), &group.name));
    events::emit(
        &mut txn,
        call.now(),
        events::SECURITY_GROUP,
        &group.name,
        4003,
        format!("Cluster security group {} was deleted.", group.name),
    )?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe_security_groups(
    call: Call,
    input: DescribeClusterSecurityGroupsMessage,
) -> Result<ClusterSecurityGroupMessage, ApiError> {
    let view = call.view();
    let all = match &input.cluster_security_group_name {
        Some(name) => vec![find_security_group(&view, name)?],
        None => Read::list::<SecurityGroup>(&view),
    };
    let all = all
        .into_iter()
        .filter(|group| {
            tags::matches(
                &view,
                &security_arn(call.config(), &group.name),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(ClusterSecurityGroupMessage {
        marker,
        cluster_security_groups: Some(
            page.iter()
                .map(|group| shown_security_group(&view, call.config(), group))
                .collect(),
        ),
    })
}

/// A rule: a network, or an EC2 security group with its owner.
enum Rule {
    Cidr(String),
    Ec2(String, String),
}

fn rule(
    cidr: Option<String>,
    name: Option<String>,
    owner: Option<String>,
) -> Result<Rule, ApiError> {
    match (cidr, name, owner) {
        (Some(cidr), None, None) => {
            if parse_cidr(&cidr).is_none() {
                return Err(ApiError::validation(format!("Invalid CIDR block: {cidr}")));
            }
            Ok(Rule::Cidr(cidr.trim().to_string()))
        }
        (None, Some(name), Some(owner)) => Ok(Rule::Ec2(name, owner)),
        _ => Err(ApiError::combination(
            "Either CIDRIP, or both EC2SecurityGroupName and EC2SecurityGroupOwnerId must be given.",
        )),
    }
}

async fn authorize_ingress(
    call: Call,
    input: AuthorizeClusterSecurityGroupIngressMessage,
) -> Result<AuthorizeClusterSecurityGroupIngressResult, ApiError> {
    let rule = rule(
        input.cidrip,
        input.ec2_security_group_name,
        input.ec2_security_group_owner_id,
    )?;
    let group = change_rules(&call, &input.cluster_security_group_name, |group| {
        if group.ranges.len() + group.ec2.len() >= RULES {
            return Err(errors::authorization_quota_exceeded_fault(format!(
                "The quota of {RULES} rules of a security group is reached."
            )));
        }
        let there =
            || errors::authorization_already_exists_fault("The authorization already exists.");
        match rule {
            Rule::Cidr(cidr) if group.ranges.contains(&cidr) => Err(there()),
            Rule::Cidr(cidr) => {
                group.ranges.push(cidr);
                Ok(())
            }
            Rule::Ec2(name, owner) => {
                let pair = (name, owner);
                if group.ec2.contains(&pair) {
                    return Err(there());
                }
                group.ec2.push(pair);
                Ok(())
            }
        }
    })
    .await?;
    Ok(AuthorizeClusterSecurityGroupIngressResult {
        cluster_security_group: Some(group),
    })
}

async fn revoke_ingress(
    call: Call,
    input: RevokeClusterSecurityGroupIngressMessage,
) -> Result<RevokeClusterSecurityGroupIngressResult, ApiError> {
    let rule = rule(
        input.cidrip,
        input.ec2_security_group_name,
        input.ec2_security_group_owner_id,
    )?;
    let group = change_rules(&call, &input.cluster_security_group_name, |group| {
        let before = group.ranges.len() + group.ec2.len();
        match rule {
            Rule::Cidr(cidr) => group.ranges.retain(|range| *range != cidr),
            Rule::Ec2(name, owner) => group
                .ec2
                .retain(|pair| *pair != (name.clone(), owner.clone())),
        }
        if group.ranges.len() + group.ec2.len() == before {
            return Err(errors::authorization_not_found_fault(
                "The authorization was not found.",
            ));
        }
        Ok(())
    })
    .await?;
    Ok(RevokeClusterSecurityGroupIngressResult {
        cluster_security_group: Some(group),
    })
}

/// Changes a group's rules; they hold at once for its clusters (L5334).
async fn change_rules(
    call: &Call,
    name: &str,
    change: impl FnOnce(&mut SecurityGroup) -> Result<(), ApiError>,
) -> Result<ClusterSecurityGroup, ApiError> {
    let mut txn = call.begin().await;
    let mut group = (*find_security_group(&txn, name)?).clone();
    change(&mut group)?;
    txn.put(group.clone())?;
    events::emit(
        &mut txn,
        call.now(),
        events::SECURITY_GROUP,
        &group.name,
        4004,
        format!(
            "Cluster security group {} was changed. The changes are applied to all associated clusters.",
            group.name
        ),
    )?;
    let mut users = Vec::new();
    for cluster in Read::list::<ClusterRecord>(&txn) {
        if cluster.security_groups.contains(&group.name) {
            users.push(cluster.id.clone());
            events::emit(
                &mut txn,
                call.now(),
                events::CLUSTER,
                &cluster.id,
                4001,
                format!(
                    "Security group {} was modified. The changes are applied to cluster {}.",
                    group.name, cluster.id
                ),
            )?;
        }
    }
    let shown = shown_security_group(&txn, call.config(), &group);
    txn.commit().await?;
    for id in users {
        lifecycle::apply_now(&call.control, &id).await?;
    }
    Ok(shown)
}
