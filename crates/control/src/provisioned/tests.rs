//! Clusters over a provisioner that keeps count.

use std::time::Duration;

use lw_aws_model::Operation;
use lw_aws_model::redshift::*;
use lw_services::warehouses::Networks;

use super::cluster::ClusterRecord;
use super::snapshots::SnapshotRecord;
use crate::testing::Bed;

fn wish(id: &str) -> CreateClusterMessage {
    CreateClusterMessage {
        cluster_identifier: id.into(),
        node_type: "ra3.4xlarge".into(),
        number_of_nodes: Some(2),
        master_username: "adminuser".into(),
        master_user_password: Some("TopSecret1".into()),
        ..Default::default()
    }
}

async fn describe(bed: &Bed, id: &str) -> Result<Cluster, lw_aws_model::ApiError> {
    bed.call(
        op::DescribeClusters,
        DescribeClustersMessage {
            cluster_identifier: Some(id.into()),
            ..Default::default()
        },
    )
    .await
    .map(|page| page.clusters.unwrap().remove(0))
}

/// Waits for a status.
async fn until(bed: &Bed, id: &str, status: &str) -> Cluster {
    for _ in 0..500 {
        if let Ok(cluster) = describe(bed, id).await
            && cluster.cluster_status.as_deref() == Some(status)
            && bed
                .control
                .records
                .view()
                .get::<ClusterRecord>(id)
                .is_some_and(|c| c.pending.is_empty())
        {
            return cluster;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!(
        "{id} never was {status}: {:?}",
        describe(bed, id).await.map(|c| c.cluster_status)
    );
}

async fn until_gone(bed: &Bed, id: &str) {
    for _ in 0..500 {
        if let Err(error) = describe(bed, id).await {
            assert_eq!(error.code, "ClusterNotFound");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} is still there");
}

async fn until_snapshot(bed: &Bed, id: &str) -> Snapshot {
    for _ in 0..500 {
        let page = bed
            .call(
                op::DescribeClusterSnapshots,
                DescribeClusterSnapshotsMessage {
                    snapshot_identifier: Some(id.into()),
                    ..Default::default()
                },
            )
            .await;
        if let Ok(page) = page {
            let snapshot = page.snapshots.unwrap().remove(0);
            if snapshot.status.as_deref() == Some("available") {
                return snapshot;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the snapshot {id} never was available");
}

async fn made(bed: &Bed, id: &str) -> Cluster {
    bed.call(op::CreateCluster, wish(id)).await.unwrap();
    until(bed, id, "available").await
}

fn events(bed: &Bed) -> Vec<String> {
    let now = bed.control.clock.now() + chrono::Duration::seconds(1);
    crate::notices::list(
        &bed.control.records.view(),
        now - chrono::Duration::days(1),
        now,
        None,
        None,
    )
    .into_iter()
    .map(|record| record.event.event_id.replace("REDSHIFT-EVENT-", ""))
    .collect()
}

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
async fn parameters_wait_for_a_reboot() {
    let bed = Bed::new().await;
    bed.call(
        op::CreateClusterParameterGroup,
        CreateClusterParameterGroupMessage {
            parameter_group_name: "Mine".into(),
            parameter_group_family: "redshift-1.0".into(),
            description: "d".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let mut input = wish("c1");
    input.cluster_parameter_group_name = Some("mine".into());
    bed.call(op::CreateCluster, input).await.unwrap();
    until(&bed, "c1", "available").await;
    let set = |name: &str, value: &str| ModifyClusterParameterGroupMessage {
        parameter_group_name: "mine".into(),
        parameters: vec![Parameter {
            parameter_name: Some(name.into()),
            parameter_value: Some(value.into()),
            ..Default::default()
        }],
    };
    bed.call(
        op::ModifyClusterParameterGroup,
        set("statement_timeout", "20000"),
    )
    .await
    .unwrap();
    let status = |cluster: &Cluster| {
        cluster.cluster_parameter_groups.as_ref().unwrap()[0]
            .parameter_apply_status
            .clone()
            .unwrap()
    };
    let cluster = describe(&bed, "c1").await.unwrap();
    assert_eq!(status(&cluster), "pending-reboot");
    let settings = |bed: &Bed| {
        let namespace = bed
            .control
            .records
            .view()
            .get::<ClusterRecord>("c1")
            .unwrap()
            .namespace
            .clone();
        bed.fake.state.lock().running[&namespace].0.settings.clone()
    };
    assert!(settings(&bed).is_empty());
    bed.call(
        op::RebootCluster,
        RebootClusterMessage {
            cluster_identifier: "c1".into(),
        },
    )
    .await
    .unwrap();
    let cluster = until(&bed, "c1", "available").await;
    assert_eq!(status(&cluster), "in-sync");
    assert_eq!(
        settings(&bed),
        [("statement_timeout".to_string(), "20000".to_string())]
    );
    // What is dynamic waits for nothing.
    bed.call(
        op::ModifyClusterParameterGroup,
        set("max_concurrency_scaling_clusters", "2"),
    )
    .await
    .unwrap();
    assert_eq!(status(&describe(&bed, "c1").await.unwrap()), "in-sync");
    assert_eq!(settings(&bed).len(), 2);
    for (name, value) in [
        ("statement_timeout", "50"),
        ("require_ssl", "maybe"),
        ("wlm_query_slot_count", "1"),
        ("wlm_json_configuration", "{}"),
    ] {
        assert!(
            bed.call(op::ModifyClusterParameterGroup, set(name, value))
                .await
                .is_err(),
            "{name}"
        );
    }
    let user = bed
        .call(
            op::DescribeClusterParameters,
            DescribeClusterParametersMessage {
                parameter_group_name: "mine".into(),
                source: Some("user".into()),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(user.parameters.unwrap().len(), 2);
    let drop = bed
        .call(
            op::DeleteClusterParameterGroup,
            DeleteClusterParameterGroupMessage {
                parameter_group_name: "mine".into(),
            },
        )
        .await;
    assert_eq!(drop.unwrap_err().code, "InvalidClusterParameterGroupState");
}

#[tokio::test]
async fn security_groups_let_networks_in_at_once() {
    let bed = Bed::new().await;
    bed.call(
        op::CreateClusterSecurityGroup,
        CreateClusterSecurityGroupMessage {
            cluster_security_group_name: "office".into(),
            description: "d".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let mut input = wish("c1");
    input.cluster_security_groups = Some(vec!["office".into()]);
    bed.call(op::CreateCluster, input).await.unwrap();
    until(&bed, "c1", "available").await;
    let networks = |bed: &Bed| {
        let namespace = bed
            .control
            .records
            .view()
            .get::<ClusterRecord>("c1")
            .unwrap()
            .namespace
            .clone();
        bed.fake.state.lock().running[&namespace].0.networks.clone()
    };
    assert_eq!(networks(&bed), Networks::Only(vec![]));
    let allow = |cidr: &str| AuthorizeClusterSecurityGroupIngressMessage {
        cluster_security_group_name: "office".into(),
        cidrip: Some(cidr.into()),
        ..Default::default()
    };
    bed.call(
        op::AuthorizeClusterSecurityGroupIngress,
        allow("10.1.0.0/16"),
    )
    .await
    .unwrap();
    assert_eq!(
        networks(&bed),
        Networks::Only(vec![([10, 1, 0, 0].into(), 16)])
    );
    assert_eq!(
        bed.call(
            op::AuthorizeClusterSecurityGroupIngress,
            allow("10.1.0.0/16")
        )
        .await
        .unwrap_err()
        .code,
        "AuthorizationAlreadyExists"
    );
    assert!(
        bed.call(
            op::AuthorizeClusterSecurityGroupIngress,
            allow("10.1.0.0/40")
        )
        .await
        .is_err()
    );
    bed.call(
        op::RevokeClusterSecurityGroupIngress,
        RevokeClusterSecurityGroupIngressMessage {
            cluster_security_group_name: "office".into(),
            cidrip: Some("10.1.0.0/16".into()),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(networks(&bed), Networks::Only(vec![]));
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
    super::automated::sweep(&bed.control).await;
    assert_eq!(automated(&bed), 0);
    bed.control.clock.advance(chrono::Duration::hours(8));
    super::automated::sweep(&bed.control).await;
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
    super::automated::sweep(&bed.control).await;
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
    super::automated::sweep(&bed.control).await;
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

#[tokio::test]
async fn lists_come_in_pages() {
    let bed = Bed::new().await;
    for n in 0..25 {
        let mut input = wish(&format!("c{n:02}"));
        input.node_type = "dc2.large".into();
        bed.call(op::CreateCluster, input).await.unwrap();
    }
    let page = |marker: Option<String>| DescribeClustersMessage {
        max_records: Some(20),
        marker,
        ..Default::default()
    };
    let first = bed.call(op::DescribeClusters, page(None)).await.unwrap();
    assert_eq!(first.clusters.unwrap().len(), 20);
    let second = bed
        .call(op::DescribeClusters, page(first.marker))
        .await
        .unwrap();
    assert_eq!(second.clusters.unwrap().len(), 5);
    assert_eq!(second.marker, None);
}

#[test]
fn every_operation_is_served() {
    let registry = crate::registry();
    let service = op::CreateCluster::service().get();
    let missing: Vec<&String> = service
        .operations
        .keys()
        .filter(|name| registry.get(service.name, name).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
