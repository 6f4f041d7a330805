//! The built-in managed policies, one file each under `managed/`. They hold the permissions that the
//! guide and the changelog of these policies document.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::document::{Kind, Policy};

/// A managed policy that every account has.
#[derive(Debug, PartialEq, Eq)]
pub struct Managed {
    /// Name.
    pub name: &'static str,
    /// Path, `/` for most.
    pub path: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its document.
    pub document: &'static str,
}

impl Managed {
    /// Its ARN.
    pub fn arn(&self) -> String {
        crate::arn::iam_policy("aws", self.path, self.name)
    }

    /// False for those that only service-linked roles have.
    pub fn is_attachable(&self) -> bool {
        self.path != SERVICE_ROLES
    }
}

const SERVICE_ROLES: &str = "/aws-service-role/";

macro_rules! managed {
    ($( $path:literal $name:literal $description:literal )+) => {
        /// All of them.
        pub const ALL: &[Managed] = &[
            $( Managed {
                name: $name,
                path: $path,
                description: $description,
                document: include_str!(concat!("managed/", $name, ".json")),
            }, )+
        ];
    };
}

managed! {
    "/" "AdministratorAccess" "Everything."
    "/" "PowerUserAccess" "Everything but the management of users, roles and policies."
    "/" "IAMFullAccess" "Users, roles, policies and keys."
    "/" "IAMReadOnlyAccess" "Reading users, roles and policies."
    "/" "AmazonS3FullAccess" "All buckets."
    "/" "AmazonS3ReadOnlyAccess" "Reading all buckets."
    "/" "SecretsManagerReadWrite" "All secrets."
    "/" "AWSKeyManagementServicePowerUser" "Keys of KMS, except using and deleting them."
    "/" "AmazonEventBridgeFullAccess" "Rules of EventBridge."
    "/" "AmazonRedshiftFullAccess" "Everything of Redshift, provisioned and serverless."
    "/" "AmazonRedshiftReadOnlyAccess" "Reading everything of Redshift."
    "/" "AmazonRedshiftDataFullAccess" "The Data API, and the credentials it needs."
    "/" "AmazonRedshiftQueryEditor" "The query editor of the console."
    "/" "AmazonRedshiftQueryEditorV2FullAccess" "Query editor v2, all of it."
    "/" "AmazonRedshiftQueryEditorV2NoSharing" "Query editor v2 without sharing."
    "/" "AmazonRedshiftQueryEditorV2ReadSharing" "Query editor v2; what a team shares can be read."
    "/" "AmazonRedshiftQueryEditorV2ReadWriteSharing" "Query editor v2; what a team shares can be changed."
    "/" "AmazonRedshiftAllCommandsFullAccess" "What a warehouse's role needs for COPY, UNLOAD, external schemas and functions, and models."
    "/aws-service-role/" "AmazonRedshiftServiceLinkedRolePolicy" "What the warehouse does in the account by itself."
}

/// The one with this ARN.
pub fn find(arn: &str) -> Option<&'static Managed> {
    ALL.iter().find(|managed| managed.arn() == arn)
}

/// The policy with this ARN, read.
pub fn policy(arn: &str) -> Option<&'static Policy> {
    static READ: LazyLock<HashMap<String, Policy>> = LazyLock::new(|| {
        ALL.iter()
            .filter_map(|managed| {
                let policy = Policy::parse(managed.document, Kind::Identity).ok()?;
                Some((managed.arn(), policy))
            })
            .collect()
    });
    READ.get(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_can_be_read_and_found() {
        for managed in ALL {
            let parsed = Policy::parse(managed.document, Kind::Identity);
            assert!(parsed.is_ok(), "{}: {parsed:?}", managed.name);
            assert!(policy(&managed.arn()).is_some());
            assert_eq!(find(&managed.arn()), Some(managed));
        }
        assert_eq!(find("arn:aws:iam::aws:policy/Nothing"), None);
    }
}
