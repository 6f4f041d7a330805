//! Resources by their ARNs: which types there are, and whether one exists.

use lw_aws_model::ApiError;
use lw_aws_model::redshift::errors;

use super::cluster::ClusterRecord;
use super::common::Read;
use super::copies::CopyGrant;
use super::hsm::{HsmCertificate, HsmConfiguration};
use super::networks::SecurityGroup;
use super::parameters::ParameterGroup;
use super::schedules::SnapshotSchedule;
use super::snapshots::SnapshotRecord;
use super::subnets::SubnetGroup;
use super::usage::UsageLimit;
use crate::ControlConfig;
use crate::notices::EventSubscription;

/// Types as ARNs write them, and as DescribeTags does (L28183-28193).
pub const TYPES: &[(&str, &str)] = &[
    ("cluster", "cluster"),
    ("securitygroupingress", "cidr/ip"),
    ("securitygroup", "cluster security group"),
    ("snapshot", "snapshot"),
    ("subnetgroup", "subnet group"),
    ("hsmconfiguration", "HSM connection"),
    ("hsmclientcertificate", "HSM certificate"),
    ("parametergroup", "parameter group"),
    ("snapshotcopygrant", "snapshot copy grant"),
    ("snapshotschedule", "snapshot schedule"),
    ("usagelimit", "usage limit"),
    ("eventsubscription", "event subscription"),
    ("integration", "integration"),
    ("redshiftidcapplication", "Redshift IDC application"),
];

/// Type and name in an ARN of this service.
fn parts(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    if parts.next()? != "arn" {
        return None;
    }
    parts.next()?;
    if parts.next()? != "redshift" {
        return None;
    }
    parts.next()?;
    parts.next()?;
    parts.next()?.split_once(':')
}

/// A resource's type as DescribeTags writes it.
pub fn type_of(arn: &str) -> Option<&'static str> {
    let (kind, _) = parts(arn)?;
    TYPES
        .iter()
        .find(|(word, _)| *word == kind)
        .map(|(_, shown)| *shown)
}

/// An error unless the resource exists.
pub fn require(read: &impl Read, config: &ControlConfig, arn: &str) -> Result<(), ApiError> {
    let Some((kind, name)) = parts(arn) else {
        return Err(ApiError::validation(format!(
            "Invalid resource name: {arn}"
        )));
    };
    let there = match kind {
        "cluster" => read.get::<ClusterRecord>(name).is_some(),
        "namespace" => read
            .list::<ClusterRecord>()
            .iter()
            .any(|c| c.namespace == name),
        "securitygroup" => read.get::<SecurityGroup>(name).is_some(),
        "securitygroupingress" => name
            .split_once('/')
            .is_some_and(|(group, _)| read.get::<SecurityGroup>(group).is_some()),
        "subnetgroup" => read.get::<SubnetGroup>(name).is_some(),
        "parametergroup" => read.get::<ParameterGroup>(name).is_some(),
        "snapshot" => name
            .split_once('/')
            .and_then(|(_, id)| read.get::<SnapshotRecord>(id))
            .is_some_and(|snapshot| snapshot.arn(config) == arn),
        "snapshotschedule" => read.get::<SnapshotSchedule>(name).is_some(),
        "snapshotcopygrant" => read.get::<CopyGrant>(name).is_some(),
        "hsmclientcertificate" => read.get::<HsmCertificate>(name).is_some(),
        "hsmconfiguration" => read.get::<HsmConfiguration>(name).is_some(),
        "usagelimit" => read.get::<UsageLimit>(name).is_some(),
        "eventsubscription" => read.get::<EventSubscription>(name).is_some(),
        _ => false,
    };
    if there {
        return Ok(());
    }
    Err(errors::resource_not_found_fault(format!(
        "{kind} ({name}) not found."
    )))
}
