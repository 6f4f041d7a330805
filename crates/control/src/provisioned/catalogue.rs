//! What can be ordered: versions, tracks, node types, revisions, limits of the account.

use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    AccountAttribute, AccountAttributeList, AttributeValueTarget, AvailabilityZone,
    ClusterDbRevision, ClusterDbRevisionsMessage, ClusterVersion, ClusterVersionsMessage,
    DescribeAccountAttributesMessage, DescribeClusterDbRevisionsMessage,
    DescribeClusterTracksMessage, DescribeClusterVersionsMessage,
    DescribeNodeConfigurationOptionsMessage, DescribeOrderableClusterOptionsMessage,
    MaintenanceTrack, NodeConfigurationOption, NodeConfigurationOptionsMessage,
    OrderableClusterOption, OrderableClusterOptionsMessage, SupportedOperation, SupportedPlatform,
    TrackListMessage, UpdateTarget, errors, op,
};

use super::cluster::{ClusterRecord, find_cluster};
use super::common::{Read, paged, paged_in_order, some};
use super::create::REVISION;
use super::snapshots::find_either;
use super::{nodes, parameters};
use crate::Call;
use crate::registry::{Depth, Registry};

pub fn register(registry: &mut Registry) {
    registry.serve(op::DescribeOrderableClusterOptions, Depth::Full, orderable);
    registry.serve(op::DescribeClusterVersions, Depth::Full, versions);
    registry.serve(op::DescribeClusterTracks, Depth::Full, tracks);
    registry.serve(op::DescribeClusterDbRevisions, Depth::Full, revisions);
    registry.serve(
        op::DescribeNodeConfigurationOptions,
        Depth::Full,
        configurations,
    );
    registry.serve(op::DescribeAccountAttributes, Depth::Full, attributes);
}

async fn orderable(
    call: Call,
    input: DescribeOrderableClusterOptionsMessage,
) -> Result<OrderableClusterOptionsMessage, ApiError> {
    let zones: Vec<AvailabilityZone> = ["a", "b", "c"]
        .iter()
        .map(|letter| AvailabilityZone {
            name: Some(format!("{}{letter}", call.config().region)),
            supported_platforms: Some(vec![SupportedPlatform {
                name: Some("VPC".into()),
            }]),
        })
        .collect();
    let node = some(input.node_type)
        .map(|name| nodes::find(&name))
        .transpose()?;
    let version = some(input.cluster_version);
    let all = nodes::TYPES
        .iter()
        // Types that are no longer sold are not offered (L2877).
        .filter(|n| !n.name.starts_with("ds2") && !n.name.starts_with("dc1"))
        .filter(|n| node.is_none_or(|wanted| wanted.name == n.name))
        .filter(|_| version.as_deref().is_none_or(|v| v == "1.0"))
        .flat_map(|n| {
            let kinds: &[&str] = if n.min == 1 {
                &["multi-node", "single-node"]
            } else {
                &["multi-node"]
            };
            kinds.iter().map(|kind| OrderableClusterOption {
                cluster_version: Some("1.0".into()),
                cluster_type: Some((*kind).into()),
                node_type: Some(n.name.into()),
                availability_zones: Some(zones.clone()),
            })
        })
        .collect();
    let (options, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(OrderableClusterOptionsMessage {
        marker,
        orderable_cluster_options: Some(options),
    })
}

async fn versions(
    _call: Call,
    input: DescribeClusterVersionsMessage,
) -> Result<ClusterVersionsMessage, ApiError> {
    let wanted = some(input.cluster_version).is_none_or(|v| v == "1.0")
        && some(input.cluster_parameter_group_family).is_none_or(|f| f == parameters::FAMILY);
    let all = if wanted {
        vec![ClusterVersion {
            cluster_version: Some("1.0".into()),
            cluster_parameter_group_family: Some(parameters::FAMILY.into()),
            description: Some("Initial release".into()),
        }]
    } else {
        Vec::new()
    };
    let (versions, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(ClusterVersionsMessage {
        marker,
        cluster_versions: Some(versions),
    })
}

async fn tracks(
    _call: Call,
    input: DescribeClusterTracksMessage,
) -> Result<TrackListMessage, ApiError> {
    let version = format!("1.0.{REVISION}");
    let target = |name: &str| UpdateTarget {
        maintenance_track_name: Some(name.into()),
        database_version: Some(version.clone()),
        supported_operations: Some(vec![SupportedOperation {
            operation_name: Some("restore-from-cluster-snapshot".into()),
        }]),
    };
    let all: Vec<MaintenanceTrack> = ["current", "trailing"]
        .iter()
        .filter(|name| {
            input
                .maintenance_track_name
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(name))
        })
        .map(|name| MaintenanceTrack {
            maintenance_track_name: Some((*name).into()),
            database_version: Some(version.clone()),
            update_targets: Some(vec![target("current"), target("trailing")]),
        })
        .collect();
    if let (Some(name), true) = (&input.maintenance_track_name, all.is_empty()) {
        return Err(errors::invalid_cluster_track_fault(format!(
            "The maintenance track {name} does not exist."
        )));
    }
    let (tracks, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(TrackListMessage {
        marker,
        maintenance_tracks: Some(tracks),
    })
}

async fn revisions(
    call: Call,
    input: DescribeClusterDbRevisionsMessage,
) -> Result<ClusterDbRevisionsMessage, ApiError> {
    let view = call.view();
    let all = match some(input.cluster_identifier) {
        Some(id) => vec![find_cluster(&view, &id)?],
        None => Read::list::<ClusterRecord>(&view),
    };
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(ClusterDbRevisionsMessage {
        marker,
        cluster_db_revisions: Some(
            page.iter()
                .map(|cluster| ClusterDbRevision {
                    cluster_identifier: Some(cluster.id.clone()),
                    current_database_revision: Some(cluster.revision.clone()),
                    database_revision_release_date: None,
                    revision_targets: Some(Vec::new()),
                })
                .collect(),
        ),
    })
}

/// What a cluster could be resized to, or a snapshot restored to (L4026-4086): utilisation is inverse to
/// slices.
async fn configurations(
    call: Call,
    input: DescribeNodeConfigurationOptionsMessage,
) -> Result<NodeConfigurationOptionsMessage, ApiError> {
    let view = call.view();
    let (node_type, count, bytes, base) = match input.action_type.as_str() {
        "resize-cluster" => {
            let id = some(input.cluster_identifier).ok_or_else(|| {
                ApiError::combination(
                    "ClusterIdentifier is required for the action resize-cluster.",
                )
            })?;
            let cluster = find_cluster(&view, &id)?;
            let usage = call
                .control
                .provisioner
                .usage(&cluster.namespace)
                .await
                .map_err(super::lifecycle::failed)?;
            (
                cluster.node_type.clone(),
                cluster.nodes,
                usage.bytes,
                Some(cluster.base_nodes),
            )
        }
        "restore-cluster" => {
            let (id, arn) = (some(input.snapshot_identifier), some(input.snapshot_arn));
            let snapshot = find_either(&view, call.config(), id.as_deref(), arn.as_deref(), None)?;
            (
                snapshot.node_type.clone(),
                snapshot.nodes,
                snapshot.bytes,
                None,
            )
        }
        other => {
            return Err(errors::unsupported_operation_fault(format!(
                "The action {other} is not supported."
            )));
        }
    };
    let now = nodes::find(&node_type)?;
    let mut all = Vec::new();
    for node in nodes::TYPES {
        if (now.ra3 && !node.ra3) || node.name.starts_with("ds2") || node.name.starts_with("dc1") {
            continue;
        }
        for n in node.min.max(2)..=node.elastic_max {
            let fits = match base {
                Some(base) if node.name == now.name => node.elastic(base, n) && n != count,
                // Another type: as many slices as half to four times those there are.
                _ => {
                    let slices = node.slices as i64 * n;
                    let have = now.slices as i64 * count;
                    n <= node.max && slices * 4 >= have && slices <= have * 4
                }
            };
            if !fits {
                continue;
            }
            let used = (bytes >> 20) as f64 / node.capacity_mb(n) as f64 * 100.0;
            let option = NodeConfigurationOption {
                node_type: Some(node.name.into()),
                number_of_nodes: Some(n),
                estimated_disk_utilization_percent: Some((used * 100.0).round() / 100.0),
                mode: Some("standard".into()),
            };
            if passes(&option, &input.filters)? {
                all.push(option);
            }
        }
    }
    let (options, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(NodeConfigurationOptionsMessage {
        marker,
        node_configuration_option_list: Some(options),
    })
}

fn passes(
    option: &NodeConfigurationOption,
    filters: &Option<Vec<lw_aws_model::redshift::NodeConfigurationOptionsFilter>>,
) -> Result<bool, ApiError> {
    for filter in filters.iter().flatten() {
        let values = filter.values.clone().unwrap_or_default();
        let operator = filter.operator.as_deref().unwrap_or("eq");
        let fits = match filter.name.as_deref().unwrap_or_default() {
            "NodeType" => values.iter().any(|v| Some(v) == option.node_type.as_ref()),
            "Mode" => values.iter().any(|v| Some(v) == option.mode.as_ref()),
            name => {
                let have = if name == "NumberOfNodes" {
                    option.number_of_nodes.unwrap_or(0) as f64
                } else {
                    option.estimated_disk_utilization_percent.unwrap_or(0.0)
                };
                let numbers = values
                    .iter()
                    .map(|v| v.parse::<f64>())
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|_| {
                        ApiError::validation(format!(
                            "The values of the filter {name} must be numbers."
                        ))
                    })?;
                let first = numbers.first().copied().unwrap_or(0.0);
                match operator {
                    "lt" => have < first,
                    "le" => have <= first,
                    "gt" => have > first,
                    "ge" => have >= first,
                    "between" => numbers.len() == 2 && have >= first && have <= numbers[1],
                    _ => numbers.contains(&have),
                }
            }
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn attributes(
    _call: Call,
    input: DescribeAccountAttributesMessage,
) -> Result<AccountAttributeList, ApiError> {
    let names = input.attribute_names.unwrap_or_default();
    let all = [
        ("max-defer-maintenance-duration", "45"),
        ("supported-platforms", "VPC"),
        ("default-vpc", super::networks::VPC),
    ];
    Ok(AccountAttributeList {
        account_attributes: Some(
            all.iter()
                .filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name))
                .map(|(name, value)| AccountAttribute {
                    attribute_name: Some((*name).into()),
                    attribute_values: Some(vec![AttributeValueTarget {
                        attribute_value: Some((*value).into()),
                    }]),
                })
                .collect(),
        ),
    })
}
