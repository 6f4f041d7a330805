//! The life of a cluster.

use super::*;

#[tokio::test]
async fn a_cluster_is_made_shown_and_deleted() {
    let bed = Bed::new().await;
    let first = bed
        .call(op::CreateCluster, wish("c1"))
        .await
        .unwrap()
        .cluster
        .unwrap();
    // The defaults of the guide's own example (L28929-28962).
    assert_eq!(first.cluster_status.as_deref(), Some("creating"));
    assert_eq!(first.db_name.as_deref(), Some("dev"));
    assert_eq!(first.automated_snapshot_retention_period, Some(1));
    assert_eq!(first.allow_version_upgrade, Some(true));
    assert_eq!(first.cluster_version.as_deref(), Some("1.0"));
    assert_eq!(
        first
            .pending_modified_values
            .unwrap()
            .master_user_password
            .as_deref(),
        Some("****")
    );
    assert!(first.endpoint.is_none() && first.cluster_create_time.is_none());
    let groups = first.cluster_parameter_groups.unwrap();
    assert_eq!(
        groups[0].parameter_group_name.as_deref(),
        Some("default.redshift-1.0")
    );
    assert_eq!(groups[0].parameter_apply_status.as_deref(), Some("in-sync"));

    let shown = until(&bed, "c1", "available").await;
    assert_eq!(
        shown.cluster_availability_status.as_deref(),
        Some("Available")
    );
    assert!(shown.endpoint.unwrap().port.unwrap() > 20_000);
    assert_eq!(shown.cluster_nodes.unwrap().len(), 3);
    let record = bed
        .control
        .records
        .view()
        .get::<ClusterRecord>("c1")
        .unwrap();
    {
        let state = bed.fake.state.lock();
        assert_eq!(
            state.namespaces[&record.namespace],
            ("adminuser".into(), Some("TopSecret1".into()))
        );
        let (compute, _) = &state.running[&record.namespace];
        assert_eq!((compute.units, &compute.networks), (2, &Networks::Any));
        assert_eq!(compute.name, "c1");
    }
    // The password is not kept.
    assert!(
        !serde_json::to_string(&*record)
            .unwrap()
            .contains("TopSecret1")
    );

    let again = bed.call(op::CreateCluster, wish("c1")).await.unwrap_err();
    assert_eq!(again.code, "ClusterAlreadyExists");

    let gone = bed
        .call(
            op::DeleteCluster,
            DeleteClusterMessage {
                cluster_identifier: "c1".into(),
                skip_final_cluster_snapshot: Some(true),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(
        gone.cluster.unwrap().cluster_status.as_deref(),
        Some("deleting")
    );
    until_gone(&bed, "c1").await;
    assert!(
        !bed.fake
            .state
            .lock()
            .namespaces
            .contains_key(&record.namespace)
    );
    assert_eq!(events(&bed), ["2000", "2001"]);
}

#[tokio::test]
async fn wrong_wishes_are_refused() {
    let bed = Bed::new().await;
    type Change = fn(&mut CreateClusterMessage);
    let cases: &[(&str, Change)] = &[
        ("InvalidParameterValue", |w| {
            w.cluster_identifier = "Bad".into()
        }),
        ("InvalidParameterValue", |w| w.node_type = "ra3.nano".into()),
        ("InvalidParameterValue", |w| w.number_of_nodes = Some(1)),
        ("NumberOfNodesPerClusterLimitExceeded", |w| {
            w.number_of_nodes = Some(33)
        }),
        ("InvalidParameterValue", |w| {
            w.master_user_password = Some("weak".into())
        }),
        ("InvalidParameterValue", |w| w.master_user_password = None),
        ("InvalidParameterValue", |w| w.port = Some(80)),
        ("InvalidRetentionPeriodFault", |w| {
            w.automated_snapshot_retention_period = Some(0)
        }),
        ("InvalidRetentionPeriodFault", |w| {
            w.automated_snapshot_retention_period = Some(36)
        }),
        ("ClusterParameterGroupNotFound", |w| {
            w.cluster_parameter_group_name = Some("nope".into())
        }),
        ("ClusterSecurityGroupNotFound", |w| {
            w.cluster_security_groups = Some(vec!["nope".into()])
        }),
        ("ClusterSubnetGroupNotFoundFault", |w| {
            w.cluster_subnet_group_name = Some("nope".into())
        }),
        ("InvalidClusterTrack", |w| {
            w.maintenance_track_name = Some("nope".into())
        }),
        ("SnapshotScheduleNotFound", |w| {
            w.snapshot_schedule_identifier = Some("nope".into())
        }),
        ("InvalidParameterValue", |w| {
            w.availability_zone_relocation = Some(true);
            w.port = Some(5500);
        }),
        ("UnsupportedOperation", |w| w.multi_az = Some(true)),
        ("InvalidTagFault", |w| {
            w.tags = Some(vec![Tag {
                key: Some("aws:x".into()),
                value: None,
            }]);
        }),
    ];
    for (code, change) in cases {
        let mut input = wish("c1");
        change(&mut input);
        let error = bed
            .call(op::CreateCluster, input.clone())
            .await
            .unwrap_err();
        assert_eq!(error.code, *code, "{input:?}: {error}");
    }
    assert_eq!(bed.control.records.view().count::<ClusterRecord>(), 0);
}

#[tokio::test]
async fn what_a_crash_cuts_off_goes_on() {
    let bed = Bed::new().await;
    // Nothing works until the service has been started anew.
    bed.fake.state.lock().broken = Some("the disk is away".into());
    bed.call(op::CreateCluster, wish("c1")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        describe(&bed, "c1")
            .await
            .unwrap()
            .cluster_status
            .as_deref(),
        Some("creating")
    );
    let bed = bed.reopen().await;
    bed.fake.state.lock().broken = None;
    until(&bed, "c1", "available").await;

    // The same in the middle of a resize and of a deletion with a final snapshot.
    bed.fake.state.lock().broken = Some("the disk is away".into());
    bed.call(
        op::ResizeCluster,
        ResizeClusterMessage {
            cluster_identifier: "c1".into(),
            number_of_nodes: Some(4),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let bed = bed.reopen().await;
    bed.fake.state.lock().broken = None;
    let resized = until(&bed, "c1", "available").await;
    assert_eq!(resized.number_of_nodes, Some(4));

    bed.fake.state.lock().broken = Some("the disk is away".into());
    bed.call(
        op::DeleteCluster,
        DeleteClusterMessage {
            cluster_identifier: "c1".into(),
            final_cluster_snapshot_identifier: Some("last".into()),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let bed = bed.reopen().await;
    bed.fake.state.lock().broken = None;
    until_gone(&bed, "c1").await;
    let last = until_snapshot(&bed, "last").await;
    assert_eq!(last.snapshot_type.as_deref(), Some("manual"));
    let held = bed
        .control
        .records
        .view()
        .get::<SnapshotRecord>("last")
        .unwrap();
    assert!(bed.fake.state.lock().snapshots.contains_key(&held.name));
}

#[tokio::test]
async fn pause_resume_reboot_rename() {
    let bed = Bed::new().await;
    let namespace = made(&bed, "c1").await.cluster_namespace_arn;
    let id = || "c1".to_string();
    let awake = bed
        .call(
            op::ResumeCluster,
            ResumeClusterMessage {
                cluster_identifier: id(),
            },
        )
        .await;
    assert_eq!(awake.unwrap_err().code, "InvalidClusterState");
    let paused = bed
        .call(
            op::PauseCluster,
            PauseClusterMessage {
                cluster_identifier: id(),
            },
        )
        .await
        .unwrap();
    assert_eq!(
        paused.cluster.unwrap().cluster_status.as_deref(),
        Some("pausing")
    );
    until(&bed, "c1", "paused").await;
    // A pause leaves an automated snapshot, and no changes are taken.
    let view = bed.control.records.view();
    assert!(
        view.list::<SnapshotRecord>()
            .iter()
            .any(|s| s.automated && s.cluster == "c1")
    );
    let changed = bed
        .call(
            op::ModifyCluster,
            ModifyClusterMessage {
                cluster_identifier: id(),
                automated_snapshot_retention_period: Some(3),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(changed.unwrap_err().code, "InvalidClusterState");
    bed.call(
        op::ResumeCluster,
        ResumeClusterMessage {
            cluster_identifier: id(),
        },
    )
    .await
    .unwrap();
    until(&bed, "c1", "available").await;
    bed.call(
        op::RebootCluster,
        RebootClusterMessage {
            cluster_identifier: id(),
        },
    )
    .await
    .unwrap();
    until(&bed, "c1", "available").await;

    bed.call(
        op::CreateTags,
        CreateTagsMessage {
            resource_name: "arn:aws:redshift:us-east-1:123456789012:cluster:c1".into(),
            tags: vec![Tag {
                key: Some("k".into()),
                value: Some("v".into()),
            }],
        },
    )
    .await
    .unwrap();
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
    let renamed = until(&bed, "c2", "available").await;
    assert_eq!(renamed.cluster_namespace_arn, namespace);
    assert_eq!(renamed.tags.unwrap().len(), 1);
    assert!(describe(&bed, "c1").await.is_err());
    assert!(
        bed.control
            .records
            .view()
            .list::<SnapshotRecord>()
            .iter()
            .all(|s| s.cluster == "c2")
    );
    assert_eq!(events(&bed), ["2000", "3618", "3619", "3000", "2013"]);
}

#[tokio::test]
async fn modifications_show_what_is_pending() {
    let bed = Bed::new().await;
    made(&bed, "c1").await;
    let modified = bed
        .call(
            op::ModifyCluster,
            ModifyClusterMessage {
                cluster_identifier: "c1".into(),
                preferred_maintenance_window: Some("wed:07:30-wed:08:00".into()),
                master_user_password: Some("A1b2c3d4".into()),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .cluster
        .unwrap();
    assert_eq!(
        modified.preferred_maintenance_window.as_deref(),
        Some("wed:07:30-wed:08:00")
    );
    assert_eq!(
        modified
            .pending_modified_values
            .unwrap()
            .master_user_password
            .as_deref(),
        Some("****")
    );
    // The example deletes right after it modified (L30332-31550, step 10).
    let gone = bed
        .call(
            op::DeleteCluster,
            DeleteClusterMessage {
                cluster_identifier: "c1".into(),
                skip_final_cluster_snapshot: Some(true),
                ..Default::default()
            },
        )
        .await;
    assert!(gone.is_ok(), "{gone:?}");
    until_gone(&bed, "c1").await;
}

#[tokio::test]
async fn passwords_change_and_sessions_are_held_over_an_elastic_resize() {
    let bed = Bed::new().await;
    made(&bed, "c1").await;
    bed.call(
        op::ModifyCluster,
        ModifyClusterMessage {
            cluster_identifier: "c1".into(),
            master_user_password: Some("A1b2c3d4".into()),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    until(&bed, "c1", "available").await;
    let namespace = bed
        .control
        .records
        .view()
        .get::<ClusterRecord>("c1")
        .unwrap()
        .namespace
        .clone();
    assert_eq!(
        bed.fake.state.lock().namespaces[&namespace].1.as_deref(),
        Some("A1b2c3d4")
    );
    bed.fake.state.lock().calls.clear();
    let before = bed
        .call(
            op::DescribeResize,
            DescribeResizeMessage {
                cluster_identifier: "c1".into(),
            },
        )
        .await;
    assert_eq!(before.unwrap_err().code, "ResizeNotFound");
    bed.call(
        op::ResizeCluster,
        ResizeClusterMessage {
            cluster_identifier: "c1".into(),
            number_of_nodes: Some(4),
            classic: Some(false),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    until(&bed, "c1", "available").await;
    let shown = bed
        .call(
            op::DescribeResize,
            DescribeResizeMessage {
                cluster_identifier: "c1".into(),
            },
        )
        .await
        .unwrap();
    assert_eq!(shown.status.as_deref(), Some("SUCCEEDED"));
    assert_eq!(shown.target_number_of_nodes, Some(4));
    // Nothing was stopped or restarted.
    assert!(
        bed.fake
            .state
            .lock()
            .calls
            .iter()
            .all(|c| !c.starts_with("restart") && !c.starts_with("stop"))
    );
    // From 2 at creation up to 8, whatever it has now.
    let too_far = bed
        .call(
            op::ResizeCluster,
            ResizeClusterMessage {
                cluster_identifier: "c1".into(),
                number_of_nodes: Some(9),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(too_far.unwrap_err().code, "UnsupportedOptionFault");
    let back = bed
        .call(
            op::ResizeCluster,
            ResizeClusterMessage {
                cluster_identifier: "c1".into(),
                node_type: Some("dc2.large".into()),
                number_of_nodes: Some(4),
                classic: Some(true),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(back.unwrap_err().code, "UnsupportedOptionFault");
    assert_eq!(
        events(&bed),
        ["2000", "4000", "3012", "3011", "3534", "3537"]
    );
}

#[tokio::test]
async fn a_cluster_that_does_not_start_is_tried_again() {
    let bed = Bed::new().await;
    made(&bed, "c1").await;
    bed.fake.state.lock().broken = Some("the disk is away".into());
    let bed = bed.reopen().await;
    let shown = describe(&bed, "c1").await.unwrap();
    assert_eq!(shown.cluster_status.as_deref(), Some("modifying"));
    bed.fake.state.lock().broken = None;
    until(&bed, "c1", "available").await;
}
