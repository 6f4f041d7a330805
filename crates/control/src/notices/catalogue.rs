//! Every event there is (guide L27656-27957): one list, for what is emitted, for
//! DescribeEventCategories and for the check of subscriptions. The texts are this project's.
//!
//! `{id}` in a text stands for the source's own id; other words in braces are given by who emits it.

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// `REDSHIFT-EVENT-2000`
    pub id: &'static str,
    /// Type of the source: [`CLUSTER`] and its like.
    pub source: &'static str,
    /// `configuration`, `management`, `monitoring`, `security`, `pending`; serverless and integrations
    /// have `ratechange` and `operation` besides.
    pub category: &'static str,
    /// `INFO`, `ERROR`; integrations have `WARNING` besides.
    pub severity: &'static str,
    /// The text, with words in braces to be filled in.
    pub text: &'static str,
}

/// Source type of clusters.
pub const CLUSTER: &str = "cluster";
/// Source type of parameter groups.
pub const PARAMETER_GROUP: &str = "cluster-parameter-group";
/// Source type of cluster security groups.
pub const SECURITY_GROUP: &str = "cluster-security-group";
/// Source type of snapshots.
pub const SNAPSHOT: &str = "cluster-snapshot";
/// Source type of scheduled actions.
pub const SCHEDULED_ACTION: &str = "scheduled-action";
/// Source type of what Redshift Serverless has (its events go over the event bus only).
pub const SERVERLESS: &str = "serverless";
/// Source type of zero-ETL integrations (event bus only).
pub const INTEGRATION: &str = "integration";

/// Categories a subscription may name.
pub const CATEGORIES: &[&str] = &[
    "configuration",
    "management",
    "monitoring",
    "security",
    "pending",
];

/// The source types of the provisioned API.
pub const SOURCES: &[&str] = &[
    CLUSTER,
    PARAMETER_GROUP,
    SECURITY_GROUP,
    SNAPSHOT,
    SCHEDULED_ACTION,
];

/// The kind with this id.
pub fn kind(id: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.id == id)
}

macro_rules! kinds {
    ($($prefix:literal $source:ident $category:literal { $($number:literal $severity:ident $text:literal;)* })*) => {
        &[$($(Kind {
            id: concat!($prefix, "-EVENT-", $number),
            source: $source,
            category: $category,
            severity: stringify!($severity),
            text: $text,
        },)*)*]
    };
}

/// All of them.
pub static ALL: &[Kind] = kinds! {
"REDSHIFT" CLUSTER "configuration" {
    "1000" INFO "The parameter group {group} was updated at {time}. Changes of dynamic parameters alone apply to its clusters now; if a static one changed, all of them wait for a reboot.";
    "1001" INFO "Your cluster {id} was modified to use the parameter group {group} at {time}.";
    "1500" ERROR "The VPC {vpc} does not exist. The configuration changes of cluster {id} were not applied.";
    "1501" ERROR "The subnets given for the VPC {vpc} are missing or not valid. The configuration changes of cluster {id} were not applied.";
    "1502" ERROR "The subnet group {group} has no free addresses. Cluster {id} could not be created.";
    "1503" ERROR "The VPC {vpc} has no internet gateway. The configuration changes of cluster {id} were not applied.";
    "1504" ERROR "The HSM of cluster {id} cannot be reached.";
    "1505" ERROR "The HSM of cluster {id} cannot be registered. Try another configuration.";
    "1506" ERROR "Cluster {id} would exceed the account's limit of network interfaces.";
    "1509" ERROR "Cluster {id} cannot be created: the limit of VPC endpoints is reached.";
    "1510" ERROR "Loading the sample data into cluster {id} failed. Give it access to the object store, create a new cluster and load again.";
    "1511" ERROR "Cluster {id} was not created: the limit of elastic addresses is reached.";
    "3679" INFO "The port of cluster {id} was modified.";
    "3680" ERROR "Cluster {id} was not created: its service-linked role cannot be used.";
}
"REDSHIFT" CLUSTER "management" {
    "2000" INFO "Cluster {id} has been created and is ready for use.";
    "2001" INFO "Cluster {id} was deleted at {time}. A final snapshot {was} saved.";
    "2002" INFO "The VPC security groups of cluster {id} were updated at {time}.";
    "2003" INFO "Maintenance has started on cluster {id} at {time}. It may be unavailable meanwhile.";
    "2004" INFO "Maintenance of cluster {id} was completed at {time}.";
    "2006" INFO "A resize of cluster {id} started at {time}. The cluster is read-only meanwhile.";
    "2007" INFO "The request to resize cluster {id} was acknowledged.";
    "2008" INFO "A restore started to create cluster {id} from snapshot {snapshot} at {time}.";
    "2013" INFO "Cluster {old} was renamed to {id} at {time}.";
    "2014" INFO "A request to restore a table into cluster {id} was received.";
    "2015" INFO "The table restore {request} of cluster {id} was cancelled at {time}.";
    "2016" INFO "The replacement of cluster {id} started at {time}.";
    "2017" INFO "Maintenance started by the customer has begun on cluster {id} at {time}. It may be unavailable meanwhile.";
    "2018" INFO "Maintenance started by the customer was completed on cluster {id} at {time}.";
    "2019" ERROR "Maintenance started by the customer failed on cluster {id} at {time}. It returns to its former state.";
    "2020" INFO "The track of cluster {id} changed from {from} to {to}.";
    "2021" ERROR "The {operation} of cluster {id} found no capacity and was cancelled. Delete it and try again later.";
    "2022" ERROR "The {operation} of cluster {id} found no capacity and was cancelled. There is some in {zones}.";
    "2023" ERROR "The only node of cluster {id} failed and no capacity was found to replace it. Restore its latest snapshot.";
    "2024" ERROR "The only node of cluster {id} failed and no capacity was found to replace it. Restore its latest snapshot in {zones}.";
    "3011" INFO "An elastic resize of cluster {id} started at {time}. Connections are held; some queries may be ended.";
    "3012" INFO "A request for an elastic resize of cluster {id} was received at {time}. Another event tells when it begins.";
    "3603" INFO "The restore of cluster {id} from snapshot {snapshot} failed by an internal error. The cluster is in the state incompatible-restore and can be deleted. Try another configuration.";
    "3614" INFO "The scheduled action {action} was created at {time}. It runs first at {next}.";
    "3615" INFO "The scheduled action {action} is to run at {next}.";
    "3626" INFO "The scheduled action {action} was modified at {time}. It runs next at {next}.";
    "3627" INFO "The scheduled action {action} was deleted at {time}.";
    "3629" INFO "A request to relocate cluster {id} to another Availability Zone was received.";
    "3630" INFO "Cluster {id} was relocated from {from} to {to}.";
    "3631" INFO "Cluster {id} was relocated from {from} to {to} to recover it.";
    "3632" INFO "Relocation of cluster {id} is off for now because of a change of its configuration.";
    "3666" INFO "A failure of the Multi-AZ cluster {id} was found at {time}; it recovers by itself.";
    "3667" INFO "The Multi-AZ cluster {id} has recovered in its first Availability Zone; its secondary compute is being made.";
    "3669" INFO "The Multi-AZ cluster {id} has recovered with both Availability Zones.";
    "3670" INFO "The maintenance of cluster {id} is done in its first Availability Zone; its secondary compute is being made.";
    "3671" INFO "The resize of cluster {id} is done in its first Availability Zone; its secondary compute is being made.";
    "3672" INFO "A failure of the Multi-AZ cluster {id} was found in its second Availability Zone; it recovers by itself.";
    "3673" INFO "Making cluster {id} Multi-AZ started at {time}.";
    "3674" INFO "Cluster {id} is Multi-AZ since {time}.";
    "3676" INFO "Making cluster {id} Single-AZ started at {time}.";
    "3677" INFO "Cluster {id} is Single-AZ since {time}.";
    "3685" ERROR "The restore of cluster {id} failed for lack of disk space and is rolled back.";
    "3686" ERROR "The resize of cluster {id} failed for lack of disk space and is rolled back.";
}
"REDSHIFT" CLUSTER "pending" {
    "2025" INFO "The database of cluster {id} will be updated between {start} and {end}. It cannot be reached meanwhile.";
    "2026" INFO "Cluster {id} will be updated between {start} and {end}. It cannot be reached meanwhile.";
    "3601" INFO "A node of cluster {id} will be replaced between {start} and {end}. This cannot be deferred.";
    "3602" INFO "A node of cluster {id} is to be replaced between {start} and {end}. It cannot be reached meanwhile.";
}
"REDSHIFT" CLUSTER "monitoring" {
    "2050" INFO "A fault of the hardware of cluster {id} was found; a replacement was requested.";
    "3000" INFO "Cluster {id} was rebooted at {time}.";
    "3001" INFO "A node of cluster {id} was replaced at {time}; the cluster works normally.";
    "3002" INFO "The resize of cluster {id} is complete; it can be read and written. It started at {start} and took {hours} hours.";
    "3003" INFO "Cluster {id} was created from snapshot {snapshot} and is available.";
    "3007" INFO "Snapshot {snapshot} was copied from {from} to {to} at {time}.";
    "3008" INFO "A table restore into cluster {id} started at {time}.";
    "3009" INFO "A table restore into cluster {id} was completed at {time}.";
    "3010" ERROR "A table restore into cluster {id} failed at {time}.";
    "3013" ERROR "The elastic resize of cluster {id} failed at {time}: {reason}";
    "3014" INFO "Cluster {id} was rebooted by the service at {time}.";
    "3500" ERROR "The resize of cluster {id} failed. It is tried again in a few minutes.";
    "3501" ERROR "The restore of cluster {id} from snapshot {snapshot} failed at {time}. Try again.";
    "3504" ERROR "The bucket {bucket} is not valid for the logs of cluster {id}.";
    "3505" ERROR "The bucket {bucket} lacks the policies that the logs of cluster {id} need.";
    "3506" ERROR "The bucket {bucket} does not exist. The logs of cluster {id} cannot be written.";
    "3507" ERROR "Cluster {id} cannot be created: the elastic address {address} is in use.";
    "3508" ERROR "Cluster {id} cannot be created: the elastic address {address} was not found.";
    "3509" ERROR "Snapshots of cluster {id} are not copied to another Region: copying is not enabled.";
    "3510" ERROR "A table restore into cluster {id} could not start: {reason}";
    "3511" ERROR "A table restore into cluster {id} failed: {reason}";
    "3512" ERROR "The hardware of cluster {id} failed. It is being restored from its latest snapshot.";
    "3513" ERROR "The hardware of cluster {id} failed. It is being restored from its latest snapshot; later changes must be made again.";
    "3514" ERROR "The hardware of cluster {id} failed; its status is hardware-failure. Delete it and restore its latest snapshot.";
    "3515" ERROR "The hardware of cluster {id} failed; its status is hardware-failure. Delete it and restore its latest snapshot; later changes must be made again.";
    "3516" ERROR "The hardware of cluster {id} failed and there is no backup; its status is hardware-failure. It can be deleted.";
    "3519" INFO "Cluster {id} began to restart at {time}.";
    "3520" INFO "Cluster {id} has restarted at {time}.";
    "3521" INFO "A fault of connectivity was found on cluster {id} at {time}; diagnostics have started.";
    "3522" INFO "An action to recover cluster {id} failed at {time}.";
    "3533" ERROR "The resize of cluster {id} was cancelled at {time}: {reason} {action}";
    "3534" INFO "The elastic resize of cluster {id} is complete. It can be read and written while its data is moved.";
    "3537" INFO "The transfer of the data of cluster {id} was completed at {time}.";
    "3600" INFO "The resize of cluster {id} was cancelled; its rollback was completed at {time}.";
    "3616" INFO "The scheduled action {action} ended at {time} with the status 'SUCCEEDED'.";
    "3617" ERROR "The scheduled action {action} of {time} was skipped because it was late.";
    "3628" ERROR "The scheduled action {action} ended at {time} with the status 'FAILED'.";
    "3618" INFO "Pausing cluster {id} started at {time}.";
    "3619" INFO "Cluster {id} is paused since {time}.";
    "3658" ERROR "The move of cluster {id} to a VPC failed.";
    "3659" INFO "The move of cluster {id} to a VPC was completed.";
    "3660" INFO "Cluster {id}, which is in the state hardware-failure, was moved to a VPC.";
    "3668" ERROR "The Multi-AZ cluster {id} could not be recovered.";
    "3675" ERROR "Cluster {id} could not be made Multi-AZ.";
    "3678" ERROR "Cluster {id} could not be made Single-AZ.";
    "3684" ERROR "The bucket {bucket} of the logs of cluster {id} is encrypted with a key that is unknown or cannot be used.";
}
"REDSHIFT" CLUSTER "security" {
    "4000" INFO "The admin credentials of cluster {id} were updated at {time}.";
    "4001" INFO "The security group {group} was modified at {time}. The change applies to its clusters by itself.";
    "4500" ERROR "The security group {group} is not valid. The changes of cluster {id} were not applied.";
    "4501" ERROR "The group {group} named in the cluster security group {id} was not found. The authorization is not complete.";
    "4502" ERROR "The admin credentials of cluster {id} could not be updated because of other activity. Reduce its load and try again.";
    "4503" ERROR "The secret of cluster {id} cannot be read.";
    "4504" ERROR "The key that encrypts the admin secret of cluster {id} cannot be used.";
    "4505" ERROR "The secret of cluster {id} cannot be rotated while an operation on it is under way.";
    "4506" ERROR "Cluster {id} is paused. Secrets of paused clusters are not rotated.";
}
"REDSHIFT" PARAMETER_GROUP "configuration" {
    "1002" INFO "The parameter {parameter} of the parameter group {id} was changed from {from} to {to} at {time}.";
    "1003" INFO "The parameter group {id} was created.";
    "1004" INFO "The parameter group {id} was deleted.";
    "1005" INFO "The parameter group {id} was updated at {time}. Changes of dynamic parameters alone apply to its clusters now; if a static one changed, all of them wait for a reboot.";
}
"REDSHIFT" SECURITY_GROUP "security" {
    "4002" INFO "The cluster security group {id} was created.";
    "4003" INFO "The cluster security group {id} was deleted.";
    "4004" INFO "The cluster security group {id} was changed at {time}. The change applies to its clusters by itself.";
}
"REDSHIFT" SNAPSHOT "management" {
    "2009" INFO "The snapshot {id} of cluster {cluster} started at {time}.";
    "2010" INFO "The snapshot {id} of cluster {cluster} was cancelled at {time}.";
    "2011" INFO "The snapshot {id} of cluster {cluster} was deleted at {time}.";
    "2012" INFO "The final snapshot {id} of cluster {cluster} started at {time}.";
}
"REDSHIFT" SNAPSHOT "monitoring" {
    "3004" INFO "The snapshot {id} of cluster {cluster} was completed at {time}.";
    "3005" INFO "The final snapshot {id} of cluster {cluster} was completed at {time}.";
    "3006" INFO "The final snapshot {id} of cluster {cluster} was cancelled at {time}.";
    "3502" ERROR "The final snapshot {id} of cluster {cluster} failed at {time}. Take one and delete the cluster again.";
    "3503" ERROR "The snapshot {id} of cluster {cluster} failed at {time}. Try again.";
}
"REDSHIFT-SERVERLESS" SERVERLESS "monitoring" {
    "1000" INFO "The snapshot {id} was completed at {time}.";
    "1003" INFO "The software of the endpoint {id} was updated at {time}.";
    "1029" ERROR "The base capacity of the workgroup {id} could not be changed for lack of disk space.";
    "1500" ERROR "The limit of elastic addresses is reached for the workgroup {id}.";
    "1501" ERROR "The subnet {subnet} of the workgroup {id} has no free addresses; loads and federated queries that need them fail.";
    "1502" ERROR "The subnet {subnet} of the workgroup {id} has no free addresses; loads, federated queries and machine learning that need them fail.";
}
"REDSHIFT-SERVERLESS" SERVERLESS "ratechange" {
    "1001" INFO "The base capacity of the workgroup {id} is {capacity} RPUs since {time}.";
    "1002" ERROR "The base capacity of the workgroup {id} could not be changed to {capacity} RPUs.";
}
"REDSHIFT-SERVERLESS" SERVERLESS "management" {
    "1004" INFO "The snapshot {snapshot} was restored on the namespace {id} at {time}.";
    "1005" ERROR "The snapshot {snapshot} could not be restored on the namespace {id}.";
    "1006" INFO "The recovery point {point} was restored on the namespace {id} at {time}.";
    "1007" INFO "The recovery point {point} could not be restored on the namespace {id}.";
    "1008" INFO "The workgroup {id} has been created and is ready for use.";
    "1009" INFO "The workgroup {id} was deleted at {time}.";
}
"REDSHIFT-SERVERLESS" SERVERLESS "configuration" {
    "1011" ERROR "The workgroup {id} cannot be created: its service-linked role cannot be used.";
}
"REDSHIFT-SERVERLESS" SERVERLESS "security" {
    "1012" ERROR "The secret of the namespace {id} cannot be read.";
    "1013" ERROR "The key that encrypts the admin secret of the namespace {id} cannot be used.";
    "1014" ERROR "The secret of the namespace {id} cannot be rotated while an operation on its workgroup is under way.";
    "1015" ERROR "The secret of the namespace {id} cannot be rotated: it has no workgroup.";
    "1016" INFO "The admin credentials of the namespace {id} were updated at {time}.";
}
"REDSHIFT-INTEGRATION" INTEGRATION "monitoring" {
    "0000" INFO "The integration {id} was created and is active.";
    "0001" INFO "The integration {id} was deleted.";
    "0002" INFO "Deleting the integration {id} was begun.";
    "0003" INFO "The integration {id} copies data of its source to its target.";
    "0004" WARNING "Tables of the source of the integration {id} lack a primary key and are not copied.";
    "0005" WARNING "Tables of the source of the integration {id} have types or lengths that are not supported.";
    "0006" ERROR "The integration {id} cannot be created. Delete it and create it again.";
    "0007" ERROR "A load of the integration {id} failed. Delete it and create it again.";
    "0008" ERROR "The integration {id} may not read its source any more.";
    "0009" ERROR "The integration {id} has more tables or schemas than its target may hold.";
    "0012" ERROR "The target of the integration {id} was restored from a recovery point. Delete the integration and create it again.";
    "0013" INFO "The integration {id} is active.";
    "0014" ERROR "The integration {id} could not be modified.";
}
"REDSHIFT-INTEGRATION" INTEGRATION "operation" {
    "0015" INFO "A change of definition ({ddl}) was applied to the table {table} of the integration {id}.";
    "0016" INFO "A modification of the integration {id} is being applied: {arguments}";
    "0017" INFO "A modification of the integration {id} was applied.";
    "0018" WARNING "The target of the integration {id} is being paused. Wait, then resume it.";
    "0019" WARNING "The target of the integration {id} is being paused. Resume it to go on.";
    "0020" WARNING "The target of the integration {id} is being resumed. Wait until it is active.";
}
"REDSHIFT-INTEGRATION" INTEGRATION "configuration" {
    "1000" ERROR "Parameters of the source of the integration {id} are not right. Mend them, reboot it, and create the integration again.";
    "1001" ERROR "The target of the integration {id} needs enable_case_sensitive_identifier = true.";
    "1002" ERROR "The source of the integration {id} needs cdc_insert_enabled = true.";
    "1003" ERROR "The source of the integration {id} needs binlog_format = ROW.";
    "1004" ERROR "The source of the integration {id} needs binlog_transaction_compression = OFF.";
    "1005" ERROR "The source of the integration {id} has binlog_row_value_options = PARTIAL_JSON, which is not supported.";
    "1006" WARNING "The filter of the integration {id} cannot be read.";
}
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_words_known() {
        let ids: HashSet<_> = ALL.iter().map(|kind| kind.id).collect();
        assert_eq!(ids.len(), ALL.len());
        for kind in ALL {
            assert!(["INFO", "ERROR", "WARNING"].contains(&kind.severity));
            if SOURCES.contains(&kind.source) {
                assert!(CATEGORIES.contains(&kind.category), "{}", kind.id);
                assert_ne!(kind.severity, "WARNING");
            }
        }
        assert_eq!(kind("REDSHIFT-EVENT-3600").unwrap().category, "monitoring");
    }
}
