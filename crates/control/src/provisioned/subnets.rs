//! Subnet groups (guide L5430-5492). Subnets belong to EC2, which is not here: their ids are kept and
//! shown.

use std::sync::Arc;

use lw_aws_model::redshift::{
    AvailabilityZone, ClusterSubnetGroup, ClusterSubnetGroupMessage,
    CreateClusterSubnetGroupMessage, CreateClusterSubnetGroupResult,
    DeleteClusterSubnetGroupMessage, DescribeClusterSubnetGroupsMessage,
    ModifyClusterSubnetGroupMessage, ModifyClusterSubnetGroupResult, Subnet, errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};

use super::cluster::ClusterRecord;
use super::common::{Read, group_name, paged};
use super::networks::{DEFAULT, QUOTA, VPC};
use super::tags;
use crate::records::{Record, Txn};
use crate::registry::{Depth, Registry};
use crate::{Call, ControlConfig};

pub fn register(registry: &mut Registry) {
    let subnets = Depth::Record("subnets belong to EC2, which is not here");
    registry.serve(op::CreateClusterSubnetGroup, subnets, create_subnet_group);
    registry.serve(op::ModifyClusterSubnetGroup, subnets, modify_subnet_group);
    registry.serve(op::DeleteClusterSubnetGroup, subnets, delete_subnet_group);
    registry.serve(
        op::DescribeClusterSubnetGroups,
        subnets,
        describe_subnet_groups,
    );
}

/// Makes the default group.
pub fn seed(txn: &mut Txn) -> Result<(), ApiError> {
    if txn.get::<SubnetGroup>(DEFAULT).is_some() {
        return Ok(());
    }
    txn.put(SubnetGroup {
        name: DEFAULT.into(),
        description: "default".into(),
        subnets: ["a", "b", "c"]
            .iter()
            .map(|zone| format!("subnet-0000000000000000{zone}"))
            .collect(),
    })
}

/// A subnet group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubnetGroup {
    pub name: String,
    pub description: String,
    pub subnets: Vec<String>,
}

impl Record for SubnetGroup {
    const KIND: &'static str = "redshift.subnet-group";
    fn id(&self) -> String {
        self.name.clone()
    }
}

/// The subnet group a cluster is to have.
pub fn chosen_subnet_group(read: &impl Read, name: Option<String>) -> Result<String, ApiError> {
    match name {
        None => Ok(DEFAULT.into()),
        Some(name) => Ok(find_subnet_group(read, &name)?.name.clone()),
    }
}

/// Zones that a subnet group reaches.
pub fn zones_of(read: &impl Read, group: &str) -> usize {
    read.get::<SubnetGroup>(group)
        .map_or(0, |group| group.subnets.len().min(3))
}

pub fn find_subnet_group(read: &impl Read, name: &str) -> Result<Arc<SubnetGroup>, ApiError> {
    read.get::<SubnetGroup>(&name.to_ascii_lowercase())
        .ok_or_else(|| {
            errors::cluster_subnet_group_not_found_fault(format!("Subnet group {name} not found."))
        })
}

fn subnet_arn(config: &ControlConfig, name: &str) -> String {
    config.arn("redshift", format_args!("subnetgroup:{name}"))
}

fn shown_subnet_group(
    read: &impl Read,
    config: &ControlConfig,
    group: &SubnetGroup,
) -> ClusterSubnetGroup {
    ClusterSubnetGroup {
        cluster_subnet_group_name: Some(group.name.clone()),
        description: Some(group.description.clone()),
        vpc_id: Some(VPC.into()),
        subnet_group_status: Some("Complete".into()),
        subnets: Some(
            group
                .subnets
                .iter()
                .enumerate()
                .map(|(at, id)| Subnet {
                    subnet_identifier: Some(id.clone()),
                    subnet_availability_zone: Some(AvailabilityZone {
                        name: Some(format!(
                            "{}{}",
                            config.region,
                            (b'a' + (at % 3) as u8) as char
                        )),
                        supported_platforms: None,
                    }),
                    subnet_status: Some("Active".into()),
                })
                .collect(),
        ),
        tags: Some(tags::of(read, &subnet_arn(config, &group.name))),
        supported_cluster_ip_address_types: Some(vec!["ipv4".into()]),
    }
}

fn subnets(ids: Vec<String>) -> Result<Vec<String>, ApiError> {
    if ids.is_empty() {
        return Err(ApiError::validation("At least one subnet must be given."));
    }
    if ids.len() > QUOTA {
        return Err(errors::cluster_subnet_quota_exceeded_fault(format!(
            "The quota of {QUOTA} subnets of a subnet group is reached."
        )));
    }
    for id in &ids {
        if !id.starts_with("subnet-") {
            return Err(errors::invalid_subnet(format!("Subnet {id} not found.")));
        }
    }
    Ok(ids)
}

async fn create_subnet_group(
    call: Call,
    input: CreateClusterSubnetGroupMessage,
) -> Result<CreateClusterSubnetGroupResult, ApiError> {
    let name = group_name("ClusterSubnetGroupName", &input.cluster_subnet_group_name)?;
    let subnets = subnets(input.subnet_ids)?;
    let mut txn = call.begin().await;
    if txn.get::<SubnetGroup>(&name).is_some() {
        return Err(errors::cluster_subnet_group_already_exists_fault(format!(
            "Cluster subnet group {name} already exists"
        )));
    }
    if txn.count::<SubnetGroup>() > QUOTA {
        return Err(errors::cluster_subnet_group_quota_exceeded_fault(format!(
            "The quota of {QUOTA} subnet groups is reached."
        )));
    }
    let group = SubnetGroup {
        name: name.clone(),
        description: input.description,
        subnets,
    };
    txn.put(group.clone())?;
    tags::set(&mut txn, &subnet_arn(call.config(), &name), input.tags)?;
    let shown = shown_subnet_group(&txn, call.config(), &group);
    txn.commit().await?;
    Ok(CreateClusterSubnetGroupResult {
        cluster_subnet_group: Some(shown),
    })
}

async fn modify_subnet_group(
    call: Call,
    input: ModifyClusterSubnetGroupMessage,
) -> Result<ModifyClusterSubnetGroupResult, ApiError> {
    let subnets = subnets(input.subnet_ids)?;
    let mut txn = call.begin().await;
    let mut group = (*find_subnet_group(&txn, &input.cluster_subnet_group_name)?).clone();
    group.subnets = subnets;
    if let Some(description) = input.description {
        group.description = description;
    }
    txn.put(group.clone())?;
    let shown = shown_subnet_group(&txn, call.config(), &group);
    txn.commit().await?;
    Ok(ModifyClusterSubnetGroupResult {
        cluster_subnet_group: Some(shown),
    })
}

async fn delete_subnet_group(
    call: Call,
    input: DeleteClusterSubnetGroupMessage,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let group = find_subnet_group(&txn, &input.cluster_subnet_group_name)?;
    let user = Read::list::<ClusterRecord>(&txn)
        .iter()
        .find(|cluster| cluster.subnet_group == group.name)
        .map(|cluster| cluster.id.clone());
    if let Some(user) = user {
        return Err(errors::invalid_cluster_subnet_group_state_fault(format!(
            "The subnet group {} is in use by cluster {user}.",
            group.name
        )));
    }
    if group.name == DEFAULT {
        return Err(errors::invalid_cluster_subnet_group_state_fault(
            "The default subnet group cannot be deleted.",
        ));
    }
    txn.delete::<SubnetGroup>(&group.name);
    tags::forget(&mut txn, &subnet_arn(call.config(), &group.name));
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe_subnet_groups(
    call: Call,
    input: DescribeClusterSubnetGroupsMessage,
) -> Result<ClusterSubnetGroupMessage, ApiError> {
    let view = call.view();
    let all = match &input.cluster_subnet_group_name {
        Some(name) => vec![find_subnet_group(&view, name)?],
        None => Read::list::<SubnetGroup>(&view),
    };
    let all = all
        .into_iter()
        .filter(|group| {
            tags::matches(
                &view,
                &subnet_arn(call.config(), &group.name),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(ClusterSubnetGroupMessage {
        marker,
        cluster_subnet_groups: Some(
            page.iter()
                .map(|group| shown_subnet_group(&view, call.config(), group))
                .collect(),
        ),
    })
}
