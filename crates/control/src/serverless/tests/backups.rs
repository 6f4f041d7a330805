//! Snapshots, recovery points, restores, schedules.

use lw_aws_model::redshift_serverless::*;

use super::*;
use crate::testing::Bed;

#[tokio::test]
async fn a_snapshot_restores_another_namespace_and_ends_with_its_time() {
    let bed = Bed::new().await;
    make(&bed, "sales", Some("sales-wg")).await;
    make(&bed, "copy", Some("copy-wg")).await;
    let taken = take(&bed, "sales", "before", Some(2)).await;
    assert_eq!(taken.snapshot_retention_period, Some(2));
    assert_eq!(taken.admin_username.as_deref(), Some("boss"));
    let both = RestoreFromSnapshotRequest {
        namespace_name: "copy".into(),
        workgroup_name: "copy-wg".into(),
        snapshot_name: Some("before".into()),
        snapshot_arn: taken.snapshot_arn.clone(),
        ..Default::default()
    };
    let refused = bed.call(op::RestoreFromSnapshot, both.clone()).await;
    assert_eq!(refused.unwrap_err().shape, "ValidationException");
    let begun = bed
        .call(
            op::RestoreFromSnapshot,
            RestoreFromSnapshotRequest {
                snapshot_arn: None,
                ..both
            },
        )
        .await
        .unwrap();
    assert_eq!(
        begun.namespace.unwrap().status.as_deref(),
        Some("MODIFYING")
    );
    let bed = bed.reopen().await;
    namespace(&bed, "copy").await.unwrap();
    let calls = bed.fake.state.lock().calls.clone();
    assert!(
        calls.iter().any(|c| c.starts_with("restore sls-")),
        "{calls:?}"
    );
    // Two days and a bit later.
    bed.control.clock.advance(chrono::Duration::hours(49));
    super::super::drive::upkeep(&bed.control).await;
    let gone = bed
        .call(
            op::GetSnapshot,
            GetSnapshotRequest {
                snapshot_name: Some("before".into()),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(gone.unwrap_err().shape, "ResourceNotFoundException");
}

#[tokio::test]
async fn recovery_points_come_by_the_clock_and_become_snapshots() {
    let bed = Bed::new().await;
    let all = |bed| {
        Bed::call(
            bed,
            op::ListRecoveryPoints,
            ListRecoveryPointsRequest {
                namespace_name: Some("default".into()),
                ..Default::default()
            },
        )
    };
    super::super::drive::upkeep(&bed.control).await;
    assert!(all(&bed).await.unwrap().recovery_points.unwrap().is_empty());
    bed.control.clock.advance(chrono::Duration::minutes(31));
    super::super::drive::upkeep(&bed.control).await;
    super::super::drive::upkeep(&bed.control).await;
    let points = all(&bed).await.unwrap().recovery_points.unwrap();
    assert_eq!((points.len(), held(&bed)), (1, 1));
    let id = points[0].recovery_point_id.clone().unwrap();
    let made = bed
        .call(
            op::ConvertRecoveryPointToSnapshot,
            ConvertRecoveryPointToSnapshotRequest {
                recovery_point_id: id.clone(),
                snapshot_name: "kept".into(),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(made.snapshot.unwrap().snapshot_retention_period, Some(-1));
    bed.control.clock.advance(chrono::Duration::hours(24));
    super::super::drive::upkeep(&bed.control).await;
    let points = all(&bed).await.unwrap().recovery_points.unwrap();
    // The first is over; a new one was due.
    assert_eq!(points.len(), 1);
    assert_ne!(points[0].recovery_point_id.as_deref(), Some(id.as_str()));
    // What the snapshot stands for is held still.
    assert_eq!(held(&bed), 2);
    bed.call(
        op::DeleteSnapshot,
        DeleteSnapshotRequest {
            snapshot_name: "kept".into(),
        },
    )
    .await
    .unwrap();
    assert_eq!(held(&bed), 1);
}

#[tokio::test]
async fn a_final_snapshot_outlives_its_namespace() {
    let bed = Bed::new().await;
    make(&bed, "sales", None).await;
    bed.call(
        op::DeleteNamespace,
        DeleteNamespaceRequest {
            namespace_name: "sales".into(),
            final_snapshot_name: Some("last".into()),
            final_snapshot_retention_period: Some(7),
        },
    )
    .await
    .unwrap();
    assert!(namespace(&bed, "sales").await.is_none());
    assert_eq!(
        snapshot(&bed, "last").await.snapshot_retention_period,
        Some(7)
    );
    let calls = bed.fake.state.lock().calls.clone();
    let at = |what: &str| calls.iter().position(|c| c.starts_with(what)).unwrap();
    assert!(at("snapshot ") < at("delete_namespace"));
}

#[tokio::test]
async fn a_shared_snapshot_stays_and_a_copied_one_restores_by_its_arn() {
    let bed = Bed::new().await;
    make(&bed, "sales", Some("sales-wg")).await;
    bed.call(
        op::CreateSnapshotCopyConfiguration,
        CreateSnapshotCopyConfigurationRequest {
            namespace_name: "sales".into(),
            destination_region: "eu-west-1".into(),
            snapshot_retention_period: Some(1),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let taken = take(&bed, "sales", "shared", None).await;
    assert_eq!(held(&bed), 2);
    let arn = taken.snapshot_arn.unwrap();
    bed.call(
        op::PutResourcePolicy,
        PutResourcePolicyRequest {
            resource_arn: arn.clone(),
            policy: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":
                {"AWS":["111122223333"]},"Action":"redshift-serverless:RestoreFromSnapshot"}]}"#
                .into(),
        },
    )
    .await
    .unwrap();
    let shared = snapshot(&bed, "shared").await;
    assert_eq!(
        shared.accounts_with_restore_access.unwrap(),
        ["111122223333"]
    );
    let delete = || {
        bed.call(
            op::DeleteSnapshot,
            DeleteSnapshotRequest {
                snapshot_name: "shared".into(),
            },
        )
    };
    assert_eq!(delete().await.unwrap_err().shape, "ConflictException");
    let copy = bed
        .control
        .records
        .view()
        .get::<super::super::backups::Snapshot>("shared")
        .unwrap()
        .copies[0]
        .uuid
        .clone();
    let there = format!("arn:aws:redshift-serverless:eu-west-1:123456789012:snapshot/{copy}");
    bed.call(
        op::RestoreFromSnapshot,
        RestoreFromSnapshotRequest {
            namespace_name: "sales".into(),
            workgroup_name: "sales-wg".into(),
            snapshot_arn: Some(there),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    namespace(&bed, "sales").await.unwrap();
    bed.call(
        op::DeleteResourcePolicy,
        DeleteResourcePolicyRequest { resource_arn: arn },
    )
    .await
    .unwrap();
    delete().await.unwrap();
    assert_eq!(held(&bed), 0);
}

#[tokio::test]
async fn a_table_comes_back_under_a_new_name() {
    let bed = Bed::new().await;
    make(&bed, "sales", Some("sales-wg")).await;
    take(&bed, "sales", "before", None).await;
    let asked = bed
        .call(
            op::RestoreTableFromSnapshot,
            RestoreTableFromSnapshotRequest {
                namespace_name: "sales".into(),
                workgroup_name: "sales-wg".into(),
                snapshot_name: "before".into(),
                source_database_name: "dev".into(),
                source_table_name: "Orders".into(),
                new_table_name: "Orders_Back".into(),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .table_restore_status
        .unwrap();
    let id = asked.table_restore_request_id.unwrap();
    for _ in 0..300 {
        let status = bed
            .call(
                op::GetTableRestoreStatus,
                GetTableRestoreStatusRequest {
                    table_restore_request_id: id.clone(),
                },
            )
            .await
            .unwrap()
            .table_restore_status
            .unwrap();
        if status.status.as_deref() == Some("SUCCEEDED") {
            assert_eq!(status.new_table_name.as_deref(), Some("orders_back"));
            assert_eq!(status.source_schema_name.as_deref(), Some("public"));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the table is not restored");
}

/// The role `snap`, which the scheduler may take, and what it may do.
async fn scheduler_role(bed: &Bed, action: &str) {
    use lw_aws_model::iam;
    let role = iam::CreateRoleRequest {
        role_name: "snap".into(),
        assume_role_policy_document: r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "scheduler.redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#
            .into(),
        ..Default::default()
    };
    // It may be there already.
    let _ = bed.call(iam::op::CreateRole, role).await;
    let policy = iam::PutRolePolicyRequest {
        role_name: "snap".into(),
        policy_name: "p".into(),
        policy_document: format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}]}}"#
        ),
    };
    bed.call(iam::op::PutRolePolicy, policy).await.unwrap();
}

#[tokio::test]
async fn a_schedule_makes_snapshots() {
    let bed = Bed::new().await;
    make(&bed, "sales", Some("sales-wg")).await;
    scheduler_role(&bed, "redshift-serverless:CreateSnapshot").await;
    let action = |name: &str, cron: &str| CreateScheduledActionRequest {
        namespace_name: "sales".into(),
        role_arn: "arn:aws:iam::123456789012:role/snap".into(),
        schedule: Schedule {
            cron: Some(cron.into()),
            at: None,
        },
        scheduled_action_name: name.into(),
        target_action: TargetAction {
            create_snapshot: Some(CreateSnapshotScheduleActionParameters {
                namespace_name: "sales".into(),
                retention_period: Some(3),
                snapshot_name_prefix: "auto".into(),
                tags: None,
            }),
        },
        ..Default::default()
    };
    let made = bed
        .call(op::CreateScheduledAction, action("hourly", "cron(0 * *)"))
        .await
        .unwrap()
        .scheduled_action
        .unwrap();
    assert_eq!(made.next_invocations.unwrap().len(), 5);
    let close = bed
        .call(op::CreateScheduledAction, action("other", "cron(30 12 *)"))
        .await;
    assert_eq!(close.unwrap_err().shape, "ValidationException");
    super::super::drive::upkeep(&bed.control).await;
    let count = |bed: &Bed| {
        bed.control
            .records
            .view()
            .count::<super::super::backups::Snapshot>()
    };
    assert_eq!(count(&bed), 0);
    bed.control.clock.advance(chrono::Duration::hours(1));
    super::super::drive::upkeep(&bed.control).await;
    super::super::drive::upkeep(&bed.control).await;
    assert_eq!(count(&bed), 1);
    // What the role may not do is not done.
    scheduler_role(&bed, "redshift-serverless:GetSnapshot").await;
    bed.control.clock.advance(chrono::Duration::hours(1));
    super::super::drive::upkeep(&bed.control).await;
    assert_eq!(count(&bed), 1);
}

#[tokio::test]
async fn snapshots_go_from_clusters_to_namespaces_and_back() {
    use lw_aws_model::redshift;
    let bed = Bed::new().await;
    make(&bed, "sales", Some("sales-wg")).await;
    let mut cluster = redshift::CreateClusterMessage {
        cluster_identifier: "old".into(),
        node_type: "ra3.xlplus".into(),
        number_of_nodes: Some(2),
        master_username: "chief".into(),
        master_user_password: Some("Longwave1".into()),
        ..Default::default()
    };
    cluster.db_name = Some("shop".into());
    bed.call(redshift::op::CreateCluster, cluster)
        .await
        .unwrap();
    let available = |id: &'static str| {
        let bed = &bed;
        async move {
            for _ in 0..500 {
                let seen = bed
                    .call(
                        redshift::op::DescribeClusters,
                        redshift::DescribeClustersMessage {
                            cluster_identifier: Some(id.into()),
                            ..Default::default()
                        },
                    )
                    .await
                    .unwrap()
                    .clusters
                    .unwrap();
                if seen[0].cluster_status.as_deref() == Some("available") {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            panic!("{id} is not available");
        }
    };
    available("old").await;
    bed.call(
        redshift::op::CreateClusterSnapshot,
        redshift::CreateClusterSnapshotMessage {
            cluster_identifier: "old".into(),
            snapshot_identifier: "of-old".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let arn = loop {
        let seen = bed
            .call(
                redshift::op::DescribeClusterSnapshots,
                redshift::DescribeClusterSnapshotsMessage {
                    snapshot_identifier: Some("of-old".into()),
                    ..Default::default()
                },
            )
            .await
            .unwrap()
            .snapshots
            .unwrap();
        if seen[0].status.as_deref() == Some("available") {
            break seen[0].snapshot_arn.clone().unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    bed.call(
        op::RestoreFromSnapshot,
        RestoreFromSnapshotRequest {
            namespace_name: "sales".into(),
            workgroup_name: "sales-wg".into(),
            snapshot_arn: Some(arn),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let restored = namespace(&bed, "sales").await.unwrap();
    assert_eq!(restored.admin_username.as_deref(), Some("chief"));
    assert_eq!(restored.db_name.as_deref(), Some("shop"));

    let back = take(&bed, "sales", "of-sales", None).await;
    bed.call(
        redshift::op::RestoreFromClusterSnapshot,
        redshift::RestoreFromClusterSnapshotMessage {
            cluster_identifier: "again".into(),
            snapshot_arn: back.snapshot_arn,
            node_type: Some("ra3.xlplus".into()),
            number_of_nodes: Some(2),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    available("again").await;
    let calls = bed.fake.state.lock().calls.clone();
    let restores = calls.iter().filter(|c| c.starts_with("restore ")).count();
    assert_eq!(restores, 2, "{calls:?}");
}
