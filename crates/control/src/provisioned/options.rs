//! Options of a cluster that creation, restoring and modification share.

use lw_aws_model::ApiError;
use lw_aws_model::redshift::errors;

use super::common::{Read, some};
use super::hsm::{HsmCertificate, HsmConfiguration};
use super::nodes::NodeType;
use super::schedules::SnapshotSchedule;
use super::{subnets, windows};
use crate::ControlConfig;

/// The only engine version (L2786).
pub fn version(given: Option<&str>) -> Result<(), ApiError> {
    match given {
        None | Some("" | "1.0") => Ok(()),
        Some(other) => Err(ApiError::validation(format!(
            "Invalid cluster version: {other}. Valid value: 1.0."
        ))),
    }
}

/// A maintenance track (L3079-3087), as it is written.
pub fn track(given: Option<&str>) -> Result<String, ApiError> {
    match given {
        None | Some("") => Ok("current".into()),
        Some(name) if ["current", "trailing"].contains(&name.to_ascii_lowercase().as_str()) => {
            Ok(name.to_ascii_lowercase())
        }
        Some(name) if name.to_ascii_lowercase().starts_with("preview_") => {
            Err(errors::unsupported_operation_fault(format!(
                "The preview track {name} is not available. Use current or trailing."
            )))
        }
        Some(name) => Err(errors::invalid_cluster_track_fault(format!(
            "The maintenance track {name} does not exist."
        ))),
    }
}

/// IAM roles of a cluster: up to 50 (L27972).
pub fn iam_roles(given: Option<Vec<String>>) -> Result<Vec<String>, ApiError> {
    let mut roles = given.unwrap_or_default();
    for role in &roles {
        if !(role.starts_with("arn:") && role.contains(":iam::") && role.contains(":role/")) {
            return Err(ApiError::validation(format!(
                "Invalid IAM role ARN: {role}"
            )));
        }
    }
    roles.sort();
    roles.dedup();
    if roles.len() > 50 {
        return Err(errors::limit_exceeded_fault(
            "A cluster can have up to 50 IAM roles.",
        ));
    }
    Ok(roles)
}

/// Where a cluster is.
pub fn zone(given: Option<String>, region: &str, namespace: &str) -> Result<String, ApiError> {
    match some(given) {
        None => Ok(windows::zone(region, namespace)),
        Some(zone) if is_zone(&zone) => Ok(zone),
        Some(zone) => Err(ApiError::validation(format!(
            "Invalid availability zone: {zone}"
        ))),
    }
}

fn is_zone(zone: &str) -> bool {
    let mut chars = zone.chars().rev();
    chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.next().is_some_and(|c| c.is_ascii_digit())
        && zone.contains('-')
}

/// HSM connections that must be there if they are named.
pub fn hsm(
    read: &impl Read,
    certificate: &Option<String>,
    configuration: &Option<String>,
) -> Result<(), ApiError> {
    if let Some(name) = certificate
        && read
            .get::<HsmCertificate>(&name.to_ascii_lowercase())
            .is_none()
    {
        return Err(errors::hsm_client_certificate_not_found_fault(format!(
            "HSM client certificate {name} not found."
        )));
    }
    if let Some(name) = configuration
        && read
            .get::<HsmConfiguration>(&name.to_ascii_lowercase())
            .is_none()
    {
        return Err(errors::hsm_configuration_not_found_fault(format!(
            "HSM configuration {name} not found."
        )));
    }
    if certificate.is_some() || configuration.is_some() {
        // L19607: no node type that is still sold supports one.
        return Err(errors::unsupported_operation_fault(
            "Hardware security modules are not supported by DC2 and RA3 node types.",
        ));
    }
    Ok(())
}

/// A snapshot schedule that must be there if it is named.
pub fn schedule(read: &impl Read, given: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(name) = given else { return Ok(None) };
    let name = name.to_ascii_lowercase();
    match read.get::<SnapshotSchedule>(&name) {
        Some(_) => Ok(Some(name)),
        None => Err(errors::snapshot_schedule_not_found_fault(format!(
            "Snapshot schedule {name} not found."
        ))),
    }
}

/// The key of an encrypted cluster; the service's own if none is named.
pub fn kms_key(encrypted: bool, given: Option<String>, config: &ControlConfig) -> Option<String> {
    encrypted.then(|| some(given).unwrap_or_else(|| config.arn("kms", "alias/aws/redshift")))
}

/// `ipv4`; dual-stack addresses are not served (L4957).
pub fn ip_type(given: Option<String>) -> Result<String, ApiError> {
    match some(given) {
        None => Ok("ipv4".into()),
        Some(word) if word.eq_ignore_ascii_case("ipv4") => Ok("ipv4".into()),
        Some(word) if word.eq_ignore_ascii_case("dualstack") => Err(
            errors::unsupported_operation_fault("The IP address type dualstack is not supported."),
        ),
        Some(word) => Err(ApiError::validation(format!(
            "Invalid IP address type: {word}. Valid values: ipv4, dualstack."
        ))),
    }
}

/// May a cluster be Multi-AZ (L4555-4563)?
pub fn check_multi_az(
    read: &impl Read,
    node: &NodeType,
    nodes: i64,
    encrypted: bool,
    subnet_group: &str,
) -> Result<(), ApiError> {
    let wrong = |what: &str| {
        Err(errors::unsupported_operation_fault(format!(
            "Multi-AZ {what}"
        )))
    };
    if !node.ra3 {
        return wrong("is supported by RA3 node types only.");
    }
    if !encrypted {
        return wrong("needs an encrypted cluster.");
    }
    if nodes < 2 {
        return wrong("needs at least 2 nodes in each Availability Zone.");
    }
    if subnets::zones_of(read, subnet_group) < 3 {
        return wrong("needs a subnet group with subnets in at least 3 Availability Zones.");
    }
    Ok(())
}
