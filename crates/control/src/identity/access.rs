//! What a call asks for: the action, and the resources it touches by the members of its input. A service
//! whose resources are named otherwise than they are called (workgroups have ids in their ARNs), or
//! have tags, says so with [`crate::registry::Registry::resources`].

use lw_aws_model::{ApiError, Kind, Value};
use lw_policy::arn::{self, Place};
use lw_policy::{Keys, Request, Resource};

use super::authorize::Ask;
use super::iam;
use crate::{Call, kms, secrets};

/// What a service knows of a resource.
pub struct Known {
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// The condition keys that only the service can tell (`redshift-data:statement-owner-iam-userid`).
pub type ServiceKeys = fn(&Call, &Value) -> Keys;

/// Looks a resource up: by the name of its type in [`lw_policy::arn::TYPES`] and the names in it.
pub type Lookup = fn(&Call, &str, &[&str]) -> Option<Known>;

/// Which members of an input name which type of resource. Of the rows that fit an input the first counts,
/// so those of more special things come first.
struct Row {
    /// Signing name of the service.
    service: &'static str,
    /// The members; one that is missing counts as `*` if it stands in brackets or if nothing better fits.
    members: &'static [&'static str],
    /// The function that builds the ARN.
    kind: &'static str,
}

const fn row(service: &'static str, members: &'static [&'static str], kind: &'static str) -> Row {
    Row {
        service,
        members,
        kind,
    }
}

const R: &str = "redshift";
const S: &str = "redshift-serverless";

const ROWS: &[Row] = &[
    row(
        R,
        &["[SnapshotClusterIdentifier]", "SnapshotIdentifier"],
        "snapshot",
    ),
    row(
        R,
        &[
            "[SourceSnapshotClusterIdentifier]",
            "SourceSnapshotIdentifier",
        ],
        "snapshot",
    ),
    row(R, &["UsageLimitId"], "usage_limit"),
    row(R, &["ClusterIdentifier"], "cluster"),
    row(R, &["ParameterGroupName"], "parameter_group"),
    row(R, &["ClusterSubnetGroupName"], "subnet_group"),
    row(R, &["ClusterSecurityGroupName"], "security_group"),
    row(R, &["SubscriptionName"], "event_subscription"),
    row(
        R,
        &["HsmClientCertificateIdentifier"],
        "hsm_client_certificate",
    ),
    row(R, &["HsmConfigurationIdentifier"], "hsm_configuration"),
    row(R, &["SnapshotCopyGrantName"], "snapshot_copy_grant"),
    row(R, &["ScheduleIdentifier"], "snapshot_schedule"),
    row(R, &["ScheduledActionName"], "scheduled_action"),
    row(R, &["AuthenticationProfileName"], "authentication_profile"),
    row(R, &["EndpointName"], "endpoint_access"),
    row(S, &["usageLimitId"], "serverless_usage_limit"),
    row(S, &["recoveryPointId"], "recovery_point"),
    row(S, &["snapshotName"], "serverless_snapshot"),
    row(S, &["endpointName"], "serverless_endpoint_access"),
    row(S, &["workgroupName"], "workgroup"),
    row(S, &["namespaceName"], "serverless_namespace"),
    row("redshift-data", &["ClusterIdentifier"], "cluster"),
    row("redshift-data", &["WorkgroupName"], "workgroup"),
];

/// Members that hold an ARN themselves.
const ARNS: &[(&str, &[&str])] = &[
    (
        R,
        &[
            "ResourceName",
            "ResourceArn",
            "DataShareArn",
            "SnapshotArn",
            "IntegrationArn",
            "RedshiftIdcApplicationArn",
        ],
    ),
    (S, &["resourceArn", "snapshotArn"]),
];

/// What this call asks for. Empty: anybody whose signature is right may make it.
pub fn asks(call: &Call, input: &Value) -> Result<Vec<Ask>, ApiError> {
    match call.service.name {
        "sts" => Ok(Vec::new()),
        "iam" => iam::access::asks(call, input),
        "kms" => Ok(kms::access::asks(call, input)),
        "secretsmanager" => Ok(secrets::access::asks(call, input)),

        _ => Ok(general(call, input)),
    }
}

fn general(call: &Call, input: &Value) -> Vec<Ask> {
    let service = call.service.signing_name.as_str();
    let action = format!("{service}:{}", call.operation);
    let mut request = Request::new(&action, resources(call, service, input));
    request_tags(call, input, &mut request);
    if let Some(keys) = call.control.keys(call.service.name) {
        request.keys.extend(&keys(call, input));
    }
    match (service, call.operation) {
        // Those of credentials ask for databases and users; the operations do.
        ("redshift", "GetClusterCredentials" | "GetClusterCredentialsWithIAM") => Vec::new(),
        // A snapshot (an ARN or a name) becomes a cluster: both must be allowed.
        ("redshift", "RestoreFromClusterSnapshot") => {
            if let Some(cluster) = input.text("ClusterIdentifier") {
                request
                    .resources
                    .push(resource(call, "cluster", &[cluster]));
            }
            vec![request.into()]
        }
        ("redshift", "RestoreTableFromClusterSnapshot") => {
            if let Some(cluster) = input.text("ClusterIdentifier") {
                request.resources = vec![
                    resource(call, "cluster", &[cluster]),
                    resource(
                        call,
                        "snapshot",
                        &[cluster, input.text("SnapshotIdentifier").unwrap_or("*")],
                    ),
                ];
            }
            vec![request.into()]
        }
        ("redshift", "CreateClusterSnapshot") => {
            if let (Some(cluster), Some(snapshot)) = (
                input.text("ClusterIdentifier"),
                input.text("SnapshotIdentifier"),
            ) {
                request.resources = vec![resource(call, "snapshot", &[cluster, snapshot])];
            }
            vec![request.into()]
        }
        _ => vec![request.into()],
    }
}

/// A resource by its type and names, with its tags if its service is there to tell.
pub fn resource(call: &Call, kind: &str, names: &[&str]) -> Resource {
    let place = Place::new(&call.config().region, &call.config().account);
    let Some(found) = arn::TYPES.iter().find(|t| t.name == kind) else {
        return Resource::new("*");
    };
    if let Some(lookup) = call.control.lookup(found.service)
        && let Some(known) = lookup(call, kind, names)
    {
        let tags = known.tags.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        return Resource::new(known.arn).with_tags(tags);
    }
    Resource::new(found.arn(&place, names))
}

fn resources(call: &Call, service: &str, input: &Value) -> Vec<Resource> {
    for (_, members) in ARNS.iter().filter(|(s, _)| *s == service) {
        for member in *members {
            let Some(text) = input.text(member) else {
                continue;
            };
            let Ok(parsed) = text.parse::<arn::Arn>() else {
                continue;
            };
            if let Some((kind, names)) = parsed.resource_type()
                && parsed.account == call.config().account
            {
                let mut resource = resource(call, kind.name, &names);
                resource.arn = text.to_owned();
                return vec![resource];
            }
            // Tags may be put on things of other accounts' namespaces by nobody.
            return vec![Resource::new(text)];
        }
    }
    let Some(operation) = call.service.operations.get(call.operation) else {
        return Vec::new();
    };
    let members = match operation.input.map(|input| &call.service.shape(input).kind) {
        Some(Kind::Structure { members, .. }) => members.as_slice(),
        _ => &[],
    };
    let known = |member: &str| members.iter().any(|m| m.name == member);
    let mut fallback = None;
    for row in ROWS.iter().filter(|row| row.service == service) {
        let mut names = Vec::new();
        let (mut fits, mut given) = (true, false);
        for member in row.members {
            let plain = member.trim_matches(['[', ']']);
            match input.text(plain) {
                Some(name) if !name.is_empty() => {
                    given |= plain == *member;
                    names.push(name);
                }
                _ => {
                    fits &= plain != *member || known(plain);
                    names.push("*");
                }
            }
        }
        if given {
            return vec![resource(call, row.kind, &names)];
        }
        if fits && fallback.is_none() && !call.operation.starts_with("Create") {
            fallback = Some(resource(call, row.kind, &names));
        }
    }
    fallback.into_iter().collect()
}

/// `aws:RequestTag/...` and `aws:TagKeys` of the tags in an input, whatever a service calls them.
pub fn request_tags(call: &Call, input: &Value, request: &mut Request) {
    let list = ["Tags", "tags", "TagList"]
        .iter()
        .find_map(|m| input.get(m));
    if let Some(list) = list {
        let pairs: Vec<(&str, &str)> = list
            .items()
            .iter()
            .filter_map(|tag| {
                let key = ["Key", "key", "TagKey"].iter().find_map(|m| tag.text(m))?;
                let value = ["Value", "value", "TagValue"]
                    .iter()
                    .find_map(|m| tag.text(m));
                Some((key, value.unwrap_or_default()))
            })
            .collect();
        request.keys.set_request_tags(pairs);
    }
    // Elsewhere they are a filter.
    let untags = call.operation.starts_with("Untag") || call.operation == "DeleteTags";
    if untags && let Some(names) = ["TagKeys", "tagKeys"].iter().find_map(|m| input.get(m)) {
        let names: Vec<&str> = names.items().iter().filter_map(Value::as_str).collect();
        request.keys.set_all("aws:TagKeys", names);
    }
}
