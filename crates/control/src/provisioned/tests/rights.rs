//! Passwords that Secrets Manager keeps, roles, and what goes by the clock with a role's rights.

use std::sync::Arc;

use lw_aws_model::edge::{Caller, CallerKind};
use lw_aws_model::{iam, secretsmanager as sm};

use super::*;

async fn password(bed: &Bed, secret: &str) -> String {
    let held = bed
        .call(
            sm::op::GetSecretValue,
            sm::GetSecretValueRequest {
                secret_id: secret.into(),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let members: serde_json::Value = serde_json::from_str(&held.secret_string.unwrap()).unwrap();
    assert_eq!(members["username"], "adminuser");
    members["password"].as_str().unwrap().to_string()
}

fn known_password(bed: &Bed, id: &str) -> String {
    let record = bed.control.records.view().get::<ClusterRecord>(id).unwrap();
    bed.fake.state.lock().namespaces[&record.namespace]
        .1
        .clone()
        .unwrap()
}

#[tokio::test]
async fn a_managed_password_is_the_clusters() {
    let bed = Bed::new().await;
    let mut input = wish("c1");
    input.manage_master_password = Some(true);
    assert_eq!(
        bed.call(op::CreateCluster, input.clone())
            .await
            .unwrap_err()
            .code,
        "InvalidParameterCombination"
    );
    input.master_user_password = None;
    bed.call(op::CreateCluster, input).await.unwrap();
    let shown = until(&bed, "c1", "available").await;
    let secret = shown.master_password_secret_arn.unwrap();
    assert!(
        secret.contains(":secret:redshift!c1-adminuser-"),
        "{secret}"
    );
    let first = password(&bed, &secret).await;
    assert_eq!(known_password(&bed, "c1"), first);
    // Rotated, it is another, and the cluster's again.
    bed.call(
        sm::op::RotateSecret,
        sm::RotateSecretRequest {
            secret_id: secret.clone(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let second = password(&bed, &secret).await;
    assert_ne!(first, second);
    assert_eq!(known_password(&bed, "c1"), second);
    // A paused cluster's is not rotated (event 4506).
    let id = || "c1".to_string();
    bed.call(
        op::PauseCluster,
        PauseClusterMessage {
            cluster_identifier: id(),
        },
    )
    .await
    .unwrap();
    until(&bed, "c1", "paused").await;
    let refused = bed
        .call(
            sm::op::RotateSecret,
            sm::RotateSecretRequest {
                secret_id: secret.clone(),
                ..Default::default()
            },
        )
        .await;
    assert!(refused.unwrap_err().message.contains("paused"));
    bed.call(
        op::ResumeCluster,
        ResumeClusterMessage {
            cluster_identifier: id(),
        },
    )
    .await
    .unwrap();
    until(&bed, "c1", "available").await;
    // Renamed, the secret stays and follows.
    bed.call(
        op::ModifyCluster,
        ModifyClusterMessage {
            cluster_identifier: id(),
            new_cluster_identifier: Some("c2".into()),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    until(&bed, "c2", "available").await;
    bed.call(
        sm::op::RotateSecret,
        sm::RotateSecretRequest {
            secret_id: secret.clone(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(known_password(&bed, "c2"), password(&bed, &secret).await);
    // Given back: the secret goes, the password given holds.
    bed.call(
        op::ModifyCluster,
        ModifyClusterMessage {
            cluster_identifier: "c2".into(),
            manage_master_password: Some(false),
            master_user_password: Some("A1b2c3d4".into()),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let shown = until(&bed, "c2", "available").await;
    assert_eq!(shown.master_password_secret_arn, None);
    assert_eq!(known_password(&bed, "c2"), "A1b2c3d4");
    assert_eq!(
        bed.control.records.view().count::<crate::secrets::Secret>(),
        0
    );
}

async fn role(bed: &Bed, actions: &str) -> String {
    let made = bed
        .call(
            iam::op::CreateRole,
            iam::CreateRoleRequest {
                role_name: "scheduler".into(),
                assume_role_policy_document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
                    "Principal":{"Service":"scheduler.redshift.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#
                    .into(),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    bed.call(
        iam::op::PutRolePolicy,
        iam::PutRolePolicyRequest {
            role_name: "scheduler".into(),
            policy_name: "may".into(),
            policy_document: format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{actions}","Resource":"*"}}]}}"#
            ),
        },
    )
    .await
    .unwrap();
    made.role.arn
}

fn nightly(role: String, target: ScheduledActionType) -> CreateScheduledActionMessage {
    CreateScheduledActionMessage {
        scheduled_action_name: "nightly".into(),
        schedule: "cron(0 22 * * ? *)".into(),
        iam_role: role,
        target_action: target,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_scheduled_action_does_what_its_role_may() {
    let bed = Bed::new().await;
    made(&bed, "c1").await;
    let role = role(&bed, "redshift:PauseCluster").await;
    bed.call(
        op::CreateScheduledAction,
        nightly(
            role,
            ScheduledActionType {
                pause_cluster: Some(PauseClusterMessage {
                    cluster_identifier: "c1".into(),
                }),
                ..Default::default()
            },
        ),
    )
    .await
    .unwrap();
    let tick = || crate::provisioned::scheduled::tick(&bed.control);
    tick().await;
    assert_eq!(
        describe(&bed, "c1")
            .await
            .unwrap()
            .cluster_status
            .as_deref(),
        Some("available")
    );
    // Just after ten in the evening.
    let next = bed
        .control
        .records
        .view()
        .list::<crate::provisioned::scheduled::ScheduledAction>()[0]
        .next
        .unwrap();
    bed.control
        .clock
        .advance(next - bed.control.clock.now() + chrono::Duration::seconds(2));
    tick().await;
    until(&bed, "c1", "paused").await;
    assert!(events(&bed).contains(&"3616".to_string()));
    // A resize is not among its rights.
    bed.call(
        op::ResumeCluster,
        ResumeClusterMessage {
            cluster_identifier: "c1".into(),
        },
    )
    .await
    .unwrap();
    until(&bed, "c1", "available").await;
    bed.call(
        op::ModifyScheduledAction,
        ModifyScheduledActionMessage {
            scheduled_action_name: "nightly".into(),
            target_action: Some(ScheduledActionType {
                resize_cluster: Some(ResizeClusterMessage {
                    cluster_identifier: "c1".into(),
                    number_of_nodes: Some(4),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    bed.control.clock.advance(chrono::Duration::hours(24));
    tick().await;
    assert!(events(&bed).contains(&"3628".to_string()));
    assert_eq!(describe(&bed, "c1").await.unwrap().number_of_nodes, Some(2));
    // One that could not run for long is skipped.
    bed.control.clock.advance(chrono::Duration::hours(25));
    tick().await;
    assert!(events(&bed).contains(&"3617".to_string()));
}

#[tokio::test]
async fn roles_are_passed_on_by_who_may() {
    let bed = Bed::new().await;
    let user = bed
        .call(
            iam::op::CreateUser,
            iam::CreateUserRequest {
                user_name: "ann".into(),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .user
        .unwrap();
    bed.call(
        iam::op::PutUserPolicy,
        iam::PutUserPolicyRequest {
            user_name: "ann".into(),
            policy_name: "clusters".into(),
            policy_document: r#"{"Version":"2012-10-17","Statement":[
                {"Effect":"Allow","Action":"redshift:*","Resource":"*"},
                {"Effect":"Deny","Action":"redshift:DeleteCluster","Resource":"*",
                 "Condition":{"StringEquals":{"aws:ResourceTag/keep":"yes"}}}]}"#
                .into(),
        },
    )
    .await
    .unwrap();
    let ann = Arc::new(Caller {
        arn: user.arn,
        user_id: user.user_id,
        kind: CallerKind::User { name: "ann".into() },
        ..(*bed.root()).clone()
    });
    let mut input = wish("c1");
    input.iam_roles = Some(vec!["arn:aws:iam::123456789012:role/loader".into()]);
    let refused = bed
        .call_as(ann.clone(), op::CreateCluster, input.clone())
        .await
        .unwrap_err();
    assert!(refused.message.contains("iam:PassRole"), "{refused}");
    input.iam_roles = None;
    input.tags = Some(vec![Tag {
        key: Some("keep".into()),
        value: Some("yes".into()),
    }]);
    bed.call_as(ann.clone(), op::CreateCluster, input)
        .await
        .unwrap();
    until(&bed, "c1", "available").await;
    // The tags of a resource are among what policies see.
    let delete = || DeleteClusterMessage {
        cluster_identifier: "c1".into(),
        skip_final_cluster_snapshot: Some(true),
        ..Default::default()
    };
    let denied = bed
        .call_as(ann, op::DeleteCluster, delete())
        .await
        .unwrap_err();
    assert_eq!(denied.code, "AccessDenied");
    bed.call(op::DeleteCluster, delete()).await.unwrap();
    until_gone(&bed, "c1").await;
}

#[tokio::test]
async fn temporary_credentials_are_for_who_may_have_them() {
    use lw_services::warehouses::TemporaryLogins;
    let bed = Bed::new().await;
    made(&bed, "c1").await;
    let namespace = bed
        .control
        .records
        .view()
        .get::<ClusterRecord>("c1")
        .unwrap()
        .namespace
        .clone();
    let user = bed
        .call(
            iam::op::CreateUser,
            iam::CreateUserRequest {
                user_name: "ann".into(),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .user
        .unwrap();
    // The guide's own form of policy (L22520-22557): users that begin with temp_, one database, one group.
    let here = "arn:aws:redshift:us-east-1:123456789012";
    bed.call(
        iam::op::PutUserPolicy,
        iam::PutUserPolicyRequest {
            user_name: "ann".into(),
            policy_name: "logins".into(),
            policy_document: format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",
                "Action":["redshift:GetClusterCredentials","redshift:CreateClusterUser","redshift:JoinGroup"],
                "Resource":["{here}:dbuser:c1/temp_*","{here}:dbname:c1/dev","{here}:dbgroup:c1/readers"]}}}}"#
            ),
        },
    )
    .await
    .unwrap();
    let ann = Arc::new(Caller {
        arn: user.arn,
        user_id: user.user_id,
        kind: CallerKind::User { name: "ann".into() },
        ..(*bed.root()).clone()
    });
    let wish = || GetClusterCredentialsMessage {
        cluster_identifier: Some("c1".into()),
        db_user: "temp_ann".into(),
        db_name: Some("dev".into()),
        db_groups: Some(vec!["readers".into()]),
        auto_create: Some(true),
        ..Default::default()
    };
    let given = bed
        .call_as(ann.clone(), op::GetClusterCredentials, wish())
        .await
        .unwrap();
    assert_eq!(given.db_user.as_deref(), Some("IAMA:temp_ann:readers"));
    let login = crate::identity::logins::Logins::of(&bed.control)
        .check(
            &namespace,
            "IAMA:temp_ann:readers",
            given.db_password.as_deref().unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(
        (login.db_user.as_str(), login.auto_create),
        ("temp_ann", true)
    );
    assert_eq!(login.groups, ["readers"]);
    assert_eq!(login.database.as_deref(), Some("dev"));

    type Change = fn(&mut GetClusterCredentialsMessage);
    let cases: &[(&str, Change)] = &[
        ("AccessDenied", |w| w.db_user = "other".into()),
        ("AccessDenied", |w| w.db_name = Some("sales".into())),
        ("AccessDenied", |w| {
            w.db_groups = Some(vec!["writers".into()])
        }),
        ("InvalidParameterValue", |w| w.duration_seconds = Some(899)),
        ("InvalidParameterValue", |w| w.db_user = "a:b".into()),
        ("ClusterNotFound", |w| {
            w.cluster_identifier = Some("c9".into())
        }),
    ];
    for (code, change) in cases {
        let mut wish = wish();
        change(&mut wish);
        let error = bed
            .call_as(ann.clone(), op::GetClusterCredentials, wish)
            .await
            .unwrap_err();
        assert_eq!(error.code, *code, "{error}");
    }
    // By identity: not among Ann's rights; the root's.
    let by_identity = || GetClusterCredentialsWithIAMMessage {
        cluster_identifier: Some("c1".into()),
        ..Default::default()
    };
    assert_eq!(
        bed.call_as(ann, op::GetClusterCredentialsWithIAM, by_identity())
            .await
            .unwrap_err()
            .code,
        "AccessDenied"
    );
    let root = bed
        .call(op::GetClusterCredentialsWithIAM, by_identity())
        .await
        .unwrap();
    assert!(root.db_user.unwrap().starts_with("IAM:"));
    assert!(root.next_refresh_time < root.expiration);
}
