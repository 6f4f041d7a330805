//! ARNs, and the one list of the resource types of Redshift with the form of each.
//!
//! [`TYPES`] and the functions that build the ARNs come from the same table, so a type that is added has
//! both. The other services of the control plane have functions at the end.

use std::fmt;
use std::str::FromStr;

/// An ARN in its six parts. The last may have colons of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    /// `aws`.
    pub partition: String,
    /// `redshift`, `iam`.
    pub service: String,
    /// Region; empty for global resources.
    pub region: String,
    /// Account; empty for buckets.
    pub account: String,
    /// The rest.
    pub resource: String,
}

/// A text that is not an ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnArn(pub String);

impl fmt::Display for NotAnArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid ARN: {}", self.0)
    }
}

impl std::error::Error for NotAnArn {}

impl FromStr for Arn {
    type Err = NotAnArn;

    fn from_str(text: &str) -> Result<Arn, NotAnArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, service, region, account, resource]
                if partition.starts_with("aws") && !service.is_empty() && !resource.is_empty() =>
            {
                Ok(Arn {
                    partition: partition.to_owned(),
                    service: service.to_owned(),
                    region: region.to_owned(),
                    account: account.to_owned(),
                    resource: resource.to_owned(),
                })
            }
            _ => Err(NotAnArn(text.to_owned())),
        }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "arn:{}:{}:{}:{}:{}",
            self.partition, self.service, self.region, self.account, self.resource
        )
    }
}

impl Arn {
    /// Its type, if it is one of [`TYPES`], with the names in it (`["examplecluster", "testdb"]`).
    pub fn resource_type(&self) -> Option<(&'static ResourceType, Vec<&str>)> {
        TYPES.iter().find_map(|t| {
            let names = (t.service == self.service).then(|| t.names(&self.resource))??;
            Some((t, names))
        })
    }
}

/// Where resources live: a region of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `us-east-1`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

impl Place {
    /// A region of an account.
    pub fn new(region: &str, account: &str) -> Place {
        Place {
            region: region.to_owned(),
            account: account.to_owned(),
        }
    }

    /// The ARN of something of a service here.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{resource}",
            self.region, self.account
        )
    }
}

/// A type of resource.
#[derive(Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// Name of the function that builds its ARN.
    pub name: &'static str,
    /// Service in the ARN.
    pub service: &'static str,
    /// The last part of the ARN, names in braces.
    pub form: &'static str,
}

impl ResourceType {
    /// The ARN of one with these names; names that are missing are `*`.
    pub fn arn(&self, place: &Place, names: &[&str]) -> String {
        let mut names = names.iter();
        let mut resource = String::new();
        for part in self.form.split('{') {
            match part.split_once('}') {
                Some((_, text)) => {
                    resource += names.next().copied().unwrap_or("*");
                    resource += text;
                }
                None => resource += part,
            }
        }
        place.arn(self.service, &resource)
    }

    /// The names in a resource of this form; `None` if it has another form.
    pub fn names<'a>(&self, resource: &'a str) -> Option<Vec<&'a str>> {
        let mut names = Vec::new();
        let mut rest = resource;
        let mut form = self.form;
        loop {
            let (text, after) = form.split_once('{').unwrap_or((form, ""));
            rest = rest.strip_prefix(text)?;
            let Some((_, tail)) = after.split_once('}') else {
                return rest.is_empty().then_some(names);
            };
            // A name ends where the next fixed text begins; the last one takes the rest.
            let next = tail.split('{').next().unwrap_or_default();
            let end = match next.is_empty() {
                true => rest.len(),
                false => rest.find(next)?,
            };
            if end == 0 {
                return None;
            }
            names.push(&rest[..end]);
            rest = &rest[end..];
            form = tail;
        }
    }
}

macro_rules! resource_types {
    ($( $(#[$doc:meta])* $function:ident = $service:literal $form:literal ($($name:ident),+); )+) => {
        /// Every type of resource of Redshift, provisioned and serverless.
        pub const TYPES: &[ResourceType] = &[
            $( ResourceType { name: stringify!($function), service: $service, form: $form }, )+
        ];
        $(
            $(#[$doc])*
            pub fn $function(place: &Place, $($name: &str),+) -> String {
                place.arn($service, &format!($form))
            }
        )+
    };
}

resource_types! {
    /// A provisioned cluster.
    cluster = "redshift" "cluster:{cluster}" (cluster);
    /// A database of a cluster; never created, only allowed.
    dbname = "redshift" "dbname:{cluster}/{database}" (cluster, database);
    /// A database user. For a workgroup its name stands in the cluster's place.
    dbuser = "redshift" "dbuser:{cluster}/{user}" (cluster, user);
    /// A database group.
    dbgroup = "redshift" "dbgroup:{cluster}/{group}" (cluster, group);
    /// The namespace of a provisioned cluster.
    namespace = "redshift" "namespace:{id}" (id);
    /// A snapshot of a cluster.
    snapshot = "redshift" "snapshot:{cluster}/{snapshot}" (cluster, snapshot);
    /// A schedule of snapshots.
    snapshot_schedule = "redshift" "snapshotschedule:{schedule}" (schedule);
    /// A grant for copies of snapshots in another region.
    snapshot_copy_grant = "redshift" "snapshotcopygrant:{grant}" (grant);
    /// A parameter group.
    parameter_group = "redshift" "parametergroup:{group}" (group);
    /// A subnet group.
    subnet_group = "redshift" "subnetgroup:{group}" (group);
    /// A security group of clusters.
    security_group = "redshift" "securitygroup:{group}" (group);
    /// A rule of a security group that lets a range of addresses in.
    security_group_cidr = "redshift" "securitygroupingress:{group}/cidrip/{range}" (group, range);
    /// A rule of a security group that lets another security group in.
    security_group_ec2 = "redshift" "securitygroupingress:{group}/ec2securitygroup/{owner}/{id}" (group, owner, id);
    /// A subscription to events.
    event_subscription = "redshift" "eventsubscription:{subscription}" (subscription);
    /// A client certificate of a hardware security module.
    hsm_client_certificate = "redshift" "hsmclientcertificate:{certificate}" (certificate);
    /// The configuration of a hardware security module.
    hsm_configuration = "redshift" "hsmconfiguration:{configuration}" (configuration);
    /// A usage limit of a cluster.
    usage_limit = "redshift" "usagelimit:{id}" (id);
    /// A scheduled action.
    scheduled_action = "redshift" "scheduledaction:{action}" (action);
    /// An authentication profile.
    authentication_profile = "redshift" "authenticationprofile:{profile}" (profile);
    /// An access point of a cluster in another network.
    endpoint_access = "redshift" "endpointaccess:{endpoint}" (endpoint);
    /// A datashare, by the namespace of its producer.
    datashare = "redshift" "datashare:{namespace}/{share}" (namespace, share);
    /// An integration that brings data in.
    integration = "redshift" "integration:{id}" (id);
    /// A link to IAM Identity Center.
    idc_application = "redshift" "redshiftidcapplication:{id}" (id);
    /// That of query editor v2.
    qev2_idc_application = "redshift" "qev2idcapplication:{id}" (id);
    /// A serverless namespace.
    serverless_namespace = "redshift-serverless" "namespace/{id}" (id);
    /// A serverless workgroup.
    workgroup = "redshift-serverless" "workgroup/{id}" (id);
    /// A serverless workgroup that another service manages.
    managed_workgroup = "redshift-serverless" "managed-workgroup/{id}" (id);
    /// A serverless snapshot.
    serverless_snapshot = "redshift-serverless" "snapshot/{id}" (id);
    /// A recovery point.
    recovery_point = "redshift-serverless" "recoverypoint/{id}" (id);
    /// An access point of a workgroup in another network.
    serverless_endpoint_access = "redshift-serverless" "managedvpcendpoint/{id}" (id);
    /// A usage limit of a workgroup.
    serverless_usage_limit = "redshift-serverless" "usagelimit/{id}" (id);
}

/// An IAM user; a path is `/` or begins and ends with one.
pub fn iam_user(account: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user{path}{name}")
}

/// An IAM role.
pub fn iam_role(account: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role{path}{name}")
}

/// A managed policy; the built-in ones have the account `aws`.
pub fn iam_policy(account: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:policy{path}{name}")
}

/// A session of a role.
pub fn assumed_role(account: &str, role: &str, session: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
}

/// A key of KMS.
pub fn kms_key(place: &Place, id: &str) -> String {
    place.arn("kms", &format!("key/{id}"))
}

/// An alias of a key; its name begins with `alias/`.
pub fn kms_alias(place: &Place, name: &str) -> String {
    place.arn("kms", name)
}

/// A secret, with the six characters that make its ARN unlike that of a later secret of the same name.
pub fn secret(place: &Place, name: &str, suffix: &str) -> String {
    place.arn("secretsmanager", &format!("secret:{name}-{suffix}"))
}

/// A topic of SNS.
pub fn topic(place: &Place, name: &str) -> String {
    place.arn("sns", name)
}

/// A rule of EventBridge on the default bus.
pub fn event_rule(place: &Place, name: &str) -> String {
    place.arn("events", &format!("rule/{name}"))
}

/// A bucket.
pub fn bucket(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

/// An object of a bucket.
pub fn object(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_guide() {
        let place = Place::new("us-west-2", "123456789012");
        for (built, expected) in [
            (
                cluster(&place, "production-1"),
                "arn:aws:redshift:us-west-2:123456789012:cluster:production-1",
            ),
            (
                dbuser(&place, "examplecluster", "temp_x"),
                "arn:aws:redshift:us-west-2:123456789012:dbuser:examplecluster/temp_x",
            ),
            (
                dbname(&place, "examplecluster", "testdb"),
                "arn:aws:redshift:us-west-2:123456789012:dbname:examplecluster/testdb",
            ),
            (
                dbgroup(&place, "examplecluster", "common_group"),
                "arn:aws:redshift:us-west-2:123456789012:dbgroup:examplecluster/common_group",
            ),
            (
                snapshot(&place, "big-cluster-1", "s"),
                "arn:aws:redshift:us-west-2:123456789012:snapshot:big-cluster-1/s",
            ),
            (
                datashare(&place, "86b5169f-01dc-4a6f-9fbb-e2e24359e9a8", "sales"),
                "arn:aws:redshift:us-west-2:123456789012:datashare:86b5169f-01dc-4a6f-9fbb-e2e24359e9a8/sales",
            ),
            (
                workgroup(&place, "0aabbccd"),
                "arn:aws:redshift-serverless:us-west-2:123456789012:workgroup/0aabbccd",
            ),
        ] {
            assert_eq!(built, expected);
            let arn: Result<Arn, _> = built.parse();
            assert_eq!(arn.map(|a| a.to_string()), Ok(built));
        }
    }

    #[test]
    fn every_type_is_found_again() {
        for t in TYPES {
            let mut resource = String::new();
            let mut names = Vec::new();
            for (number, part) in t.form.split('{').enumerate() {
                match part.split_once('}') {
                    Some((name, rest)) => {
                        let name = format!("{name}-{number}");
                        resource += &name;
                        resource += rest;
                        names.push(name);
                    }
                    None => resource += part,
                }
            }
            let arn = Place::new("eu-west-1", "123456789012").arn(t.service, &resource);
            let arn: Arn = arn.parse().expect("built by the same form");
            let found = arn.resource_type().expect("a type of the list");
            assert_eq!(found.0.name, t.name);
            assert_eq!(found.1, names);
            let place = Place::new("eu-west-1", "123456789012");
            assert_eq!(t.arn(&place, &found.1), arn.to_string());
        }
        for text in ["arn:aws:redshift:r:a:cluster:", "arn:aws:iam::1:role/x"] {
            let arn: Arn = text.parse().expect("an ARN");
            assert_eq!(arn.resource_type(), None, "{text}");
        }
        for text in [
            "",
            "arn:aws:redshift:us-west-2:*",
            "cluster:x",
            "arn:aws:s3:::",
        ] {
            assert!(text.parse::<Arn>().is_err(), "{text}");
        }
    }
}
