//! Snapshots: by hand, by the clock, in other regions; restoring from them.

use super::*;

#[tokio::test]
async fn snapshots_are_taken_restored_and_deleted() {
    let bed = Bed::new().await;
    made(&bed, "c1").await;
    let created = bed
        .call(
            op::CreateClusterSnapshot,
            CreateClusterSnapshotMessage {
                cluster_identifier: "c1".into(),
                snapshot_identifier: "S1".into(),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .snapshot
        .unwrap();
    assert_eq!(created.status.as_deref(), Some("creating"));
    assert_eq!(
        created.snapshot_arn.as_deref(),
        Some("arn:aws:redshift:us-east-1:123456789012:snapshot:c1/s1")
    );
    let done = until_snapshot(&bed, "s1").await;
    assert_eq!(done.total_backup_size_in_mega_bytes, Some(1.0));
    let twice = bed
        .call(
            op::CreateClusterSnapshot,
            CreateClusterSnapshotMessage {
                cluster_identifier: "c1".into(),
                snapshot_identifier: "s1".into(),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(twice.unwrap_err().code, "ClusterSnapshotAlreadyExists");
    bed.call(
        op::RestoreFromClusterSnapshot,
        RestoreFromClusterSnapshotMessage {
            cluster_identifier: "c2".into(),
            snapshot_identifier: Some("s1".into()),
            node_type: Some("ra3.xlplus".into()),
            number_of_nodes: Some(4),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let restored = until(&bed, "c2", "available").await;
    assert_eq!(
        restored.restore_status.unwrap().status.as_deref(),
        Some("completed")
    );
    assert_eq!(restored.master_username.as_deref(), Some("adminuser"));
    assert_eq!(restored.node_type.as_deref(), Some("ra3.xlplus"));

    // Shared ones are not deleted (L4147).
    let share = |account: &str| AuthorizeSnapshotAccessMessage {
        snapshot_identifier: Some("s1".into()),
        account_with_restore_access: account.into(),
        ..Default::default()
    };
    bed.call(op::AuthorizeSnapshotAccess, share("210987654321"))
        .await
        .unwrap();
    assert!(
        bed.call(op::AuthorizeSnapshotAccess, share("123456789012"))
            .await
            .is_err()
    );
    let delete = || DeleteClusterSnapshotMessage {
        snapshot_identifier: "s1".into(),
        ..Default::default()
    };
    assert_eq!(
        bed.call(op::DeleteClusterSnapshot, delete())
            .await
            .unwrap_err()
            .code,
        "InvalidClusterSnapshotState"
    );
    bed.call(
        op::RevokeSnapshotAccess,
        RevokeSnapshotAccessMessage {
            snapshot_identifier: Some("s1".into()),
            account_with_restore_access: "210987654321".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let gone = bed.call(op::DeleteClusterSnapshot, delete()).await.unwrap();
    assert_eq!(gone.snapshot.unwrap().status.as_deref(), Some("deleted"));
    assert!(bed.fake.state.lock().snapshots.is_empty());
    assert_eq!(
        bed.call(op::DeleteClusterSnapshot, delete())
            .await
            .unwrap_err()
            .code,
        "ClusterSnapshotNotFound"
    );
}

#[tokio::test]
async fn tables_are_restored_from_snapshots_of_the_same_cluster() {
    let bed = Bed::new().await;
    made(&bed, "c1").await;
    made(&bed, "c2").await;
    bed.call(
        op::CreateClusterSnapshot,
        CreateClusterSnapshotMessage {
            cluster_identifier: "c1".into(),
            snapshot_identifier: "s1".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    until_snapshot(&bed, "s1").await;
    let ask = |cluster: &str| RestoreTableFromClusterSnapshotMessage {
        cluster_identifier: cluster.into(),
        snapshot_identifier: "s1".into(),
        source_database_name: "dev".into(),
        source_table_name: "T".into(),
        new_table_name: "t_back".into(),
        ..Default::default()
    };
    assert_eq!(
        bed.call(op::RestoreTableFromClusterSnapshot, ask("c2"))
            .await
            .unwrap_err()
            .code,
        "InvalidClusterSnapshotState"
    );
    let asked = bed
        .call(op::RestoreTableFromClusterSnapshot, ask("c1"))
        .await
        .unwrap()
        .table_restore_status
        .unwrap();
    assert_eq!(asked.source_schema_name.as_deref(), Some("public"));
    for _ in 0..200 {
        let shown = bed
            .call(
                op::DescribeTableRestoreStatus,
                DescribeTableRestoreStatusMessage {
                    table_restore_request_id: asked.table_restore_request_id.clone(),
                    ..Default::default()
                },
            )
            .await
            .unwrap()
            .table_restore_status_details
            .unwrap()
            .remove(0);
        if shown.status.as_deref() == Some("SUCCEEDED") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the table was not restored");
}

#[tokio::test]
async fn automated_snapshots_follow_the_rule_and_the_retention() {
    let bed = Bed::new().await;
    made(&bed, "c1").await;
    let automated = |bed: &Bed| -> usize {
        bed.control
            .records
            .view()
            .list::<SnapshotRecord>()
            .iter()
            .filter(|s| s.automated)
            .count()
    };
    crate::provisioned::automated::sweep(&bed.control).await;
    assert_eq!(automated(&bed), 0);
    bed.control.clock.advance(chrono::Duration::hours(8));
    crate::provisioned::automated::sweep(&bed.control).await;
    assert_eq!(automated(&bed), 1);
    let first = bed.control.records.view().list::<SnapshotRecord>()[0]
        .id
        .clone();
    assert!(first.starts_with("rs:c1-"));
    until_snapshot(&bed, &first).await;
    let refused = bed
        .call(
            op::DeleteClusterSnapshot,
            DeleteClusterSnapshotMessage {
                snapshot_identifier: first.clone(),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(refused.unwrap_err().code, "InvalidClusterSnapshotState");
    // The latest stays although its day is over; then another is the latest.
    bed.control.clock.advance(chrono::Duration::hours(25));
    crate::provisioned::automated::sweep(&bed.control).await;
    assert!(
        bed.control
            .records
            .view()
            .get::<SnapshotRecord>(&first)
            .is_some()
    );
    for snapshot in bed.control.records.view().list::<SnapshotRecord>() {
        until_snapshot(&bed, &snapshot.id).await;
    }
    assert_eq!(automated(&bed), 2);
    crate::provisioned::automated::sweep(&bed.control).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        bed.control
            .records
            .view()
            .get::<SnapshotRecord>(&first)
            .is_none()
    );
}

#[tokio::test]
async fn snapshots_are_copied_to_another_region() {
    let bed = Bed::new().await;
    made(&bed, "c1").await;
    bed.call(
        op::EnableSnapshotCopy,
        EnableSnapshotCopyMessage {
            cluster_identifier: "c1".into(),
            destination_region: "us-west-2".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    bed.call(
        op::CreateClusterSnapshot,
        CreateClusterSnapshotMessage {
            cluster_identifier: "c1".into(),
            snapshot_identifier: "s1".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let copy = until_snapshot(&bed, "copy:s1").await;
    assert_eq!(copy.source_region.as_deref(), Some("us-east-1"));
    assert_eq!(
        copy.snapshot_arn.as_deref(),
        Some("arn:aws:redshift:us-west-2:123456789012:snapshot:c1/copy:s1")
    );
    bed.call(
        op::RestoreFromClusterSnapshot,
        RestoreFromClusterSnapshotMessage {
            cluster_identifier: "c2".into(),
            snapshot_identifier: Some("copy:s1".into()),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    until(&bed, "c2", "available").await;
    let twice = bed
        .call(
            op::EnableSnapshotCopy,
            EnableSnapshotCopyMessage {
                cluster_identifier: "c1".into(),
                destination_region: "us-west-2".into(),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(twice.unwrap_err().code, "SnapshotCopyAlreadyEnabledFault");
}
