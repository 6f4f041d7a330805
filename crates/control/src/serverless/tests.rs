//! Namespaces and workgroups over a provisioner that keeps count.

use lw_aws_model::redshift_serverless::*;

use crate::testing::Bed;

/// Waits until the workgroup is available, or gone.
pub async fn settled(bed: &Bed, name: &str) -> Option<Workgroup> {
    for _ in 0..200 {
        let got = bed
            .call(
                op::GetWorkgroup,
                GetWorkgroupRequest {
                    workgroup_name: name.into(),
                },
            )
            .await;
        match got {
            Err(error) => {
                assert_eq!(error.shape, "ResourceNotFoundException");
                return None;
            }
            Ok(answer) if answer.workgroup.status.as_deref() == Some("AVAILABLE") => {
                return Some(answer.workgroup);
            }
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
    panic!("{name} does not settle");
}

pub async fn make(bed: &Bed, namespace: &str, workgroup: Option<&str>) -> Option<Workgroup> {
    bed.call(
        op::CreateNamespace,
        CreateNamespaceRequest {
            namespace_name: namespace.into(),
            admin_username: Some("boss".into()),
            admin_user_password: Some("Longwave1".into()),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let workgroup = workgroup?;
    let made = bed
        .call(
            op::CreateWorkgroup,
            CreateWorkgroupRequest {
                namespace_name: namespace.into(),
                workgroup_name: workgroup.into(),
                base_capacity: Some(8),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(made.workgroup.unwrap().status.as_deref(), Some("CREATING"));
    settled(bed, workgroup).await
}

fn update(name: &str) -> UpdateWorkgroupRequest {
    UpdateWorkgroupRequest {
        workgroup_name: name.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_default_ones_are_there_and_stay_deleted() {
    let bed = Bed::new().await;
    let workgroup = settled(&bed, "default").await.unwrap();
    assert_eq!(workgroup.namespace_name.as_deref(), Some("default"));
    assert_eq!(workgroup.base_capacity, Some(128));
    bed.call(
        op::DeleteWorkgroup,
        DeleteWorkgroupRequest {
            workgroup_name: "default".into(),
        },
    )
    .await
    .unwrap();
    assert!(settled(&bed, "default").await.is_none());
    assert!(bed.fake.state.lock().running.is_empty());
    let bed = bed.reopen().await;
    assert!(settled(&bed, "default").await.is_none());
    // The data is there still, and another workgroup takes it.
    bed.call(
        op::CreateWorkgroup,
        CreateWorkgroupRequest {
            namespace_name: "default".into(),
            workgroup_name: "other".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    settled(&bed, "other").await.unwrap();
}

#[tokio::test]
async fn a_namespace_has_one_workgroup() {
    let bed = Bed::new().await;
    let made = make(&bed, "sales", Some("sales-wg")).await.unwrap();
    assert!(made.endpoint.unwrap().port.unwrap() > 20_000);
    let again = bed
        .call(
            op::CreateWorkgroup,
            CreateWorkgroupRequest {
                namespace_name: "sales".into(),
                workgroup_name: "second".into(),
                ..Default::default()
            },
        )
        .await
        .unwrap_err();
    assert_eq!(again.shape, "ConflictException");
    let delete = || {
        bed.call(
            op::DeleteNamespace,
            DeleteNamespaceRequest {
                namespace_name: "sales".into(),
                ..Default::default()
            },
        )
    };
    assert_eq!(delete().await.unwrap_err().shape, "ConflictException");
    bed.call(
        op::DeleteWorkgroup,
        DeleteWorkgroupRequest {
            workgroup_name: "sales-wg".into(),
        },
    )
    .await
    .unwrap();
    settled(&bed, "sales-wg").await;
    let deleting = delete().await.unwrap().namespace;
    assert_eq!(deleting.status.as_deref(), Some("DELETING"));
}

#[tokio::test]
async fn parameters_restart_and_capacities_do_not() {
    let bed = Bed::new().await;
    make(&bed, "sales", Some("sales-wg")).await;
    let restarts = |bed: &Bed| {
        let state = bed.fake.state.lock();
        state
            .calls
            .iter()
            .filter(|c| c.starts_with("restart"))
            .count()
    };
    bed.call(
        op::UpdateWorkgroup,
        UpdateWorkgroupRequest {
            max_capacity: Some(512),
            base_capacity: Some(16),
            ..update("sales-wg")
        },
    )
    .await
    .unwrap();
    let seen = settled(&bed, "sales-wg").await.unwrap();
    assert_eq!(
        (seen.base_capacity, seen.max_capacity),
        (Some(16), Some(512))
    );
    assert_eq!(restarts(&bed), 0);
    bed.call(
        op::UpdateWorkgroup,
        UpdateWorkgroupRequest {
            max_capacity: Some(-1),
            config_parameters: Some(vec![ConfigParameter {
                parameter_key: Some("require_ssl".into()),
                parameter_value: Some("true".into()),
            }]),
            ..update("sales-wg")
        },
    )
    .await
    .unwrap();
    let seen = settled(&bed, "sales-wg").await.unwrap();
    assert_eq!(seen.max_capacity, None);
    assert_eq!(restarts(&bed), 1);
    let state = bed.fake.state.lock();
    let (spec, _) = state
        .running
        .values()
        .find(|r| r.0.name == "sales-wg")
        .unwrap();
    assert!(
        spec.settings
            .contains(&("require_ssl".into(), "true".into()))
    );
}

#[tokio::test]
async fn a_change_that_does_not_work_is_taken_back_and_a_cut_one_goes_on() {
    let bed = Bed::new().await;
    make(&bed, "sales", Some("sales-wg")).await;
    bed.fake.state.lock().broken = Some("no room".into());
    bed.call(
        op::UpdateWorkgroup,
        UpdateWorkgroupRequest {
            base_capacity: Some(64),
            ..update("sales-wg")
        },
    )
    .await
    .unwrap();
    let busy = bed
        .call(
            op::UpdateWorkgroup,
            UpdateWorkgroupRequest {
                base_capacity: Some(32),
                ..update("sales-wg")
            },
        )
        .await
        .unwrap_err();
    assert!(busy.message.contains("operation running"), "{busy}");
    bed.fake.state.lock().broken = None;
    let bed = bed.reopen().await;
    let seen = settled(&bed, "sales-wg").await.unwrap();
    assert_eq!(seen.base_capacity, Some(64));
}

#[tokio::test]
async fn tags_are_kept_to_their_rules() {
    let bed = Bed::new().await;
    make(&bed, "sales", None).await;
    let namespace = bed
        .call(
            op::GetNamespace,
            GetNamespaceRequest {
                namespace_name: "sales".into(),
            },
        )
        .await
        .unwrap()
        .namespace;
    let arn = namespace.namespace_arn.unwrap();
    let tag = |key: String, value: &str| Tag {
        key,
        value: value.into(),
    };
    let put = |tags: Vec<Tag>| {
        bed.call(
            op::TagResource,
            TagResourceRequest {
                resource_arn: arn.clone(),
                tags,
            },
        )
    };
    put((0..50).map(|n| tag(format!("k{n}"), "v")).collect())
        .await
        .unwrap();
    let over = put(vec![tag("k50".into(), "v")]).await.unwrap_err();
    assert_eq!(over.shape, "TooManyTagsException");
    put(vec![tag("k1".into(), "w")]).await.unwrap();
    assert!(put(vec![tag("aws:x".into(), "w")]).await.is_err());
    let listed = bed
        .call(
            op::ListTagsForResource,
            ListTagsForResourceRequest {
                resource_arn: arn.clone(),
            },
        )
        .await
        .unwrap()
        .tags
        .unwrap();
    assert_eq!(listed.len(), 50);
    assert!(listed.contains(&tag("k1".into(), "w")));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let bed = Bed::new().await;
    for name in ["aaa", "bbb", "ccc"] {
        make(&bed, name, None).await;
    }
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let page = bed
            .call(
                op::ListNamespaces,
                ListNamespacesRequest {
                    max_results: Some(2),
                    next_token: token,
                },
            )
            .await
            .unwrap();
        names.extend(page.namespaces.into_iter().filter_map(|n| n.namespace_name));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["aaa", "bbb", "ccc", "default"]);
}

/// Waits until the namespace is available, or gone.
async fn namespace(bed: &Bed, name: &str) -> Option<Namespace> {
    for _ in 0..300 {
        let got = bed
            .call(
                op::GetNamespace,
                GetNamespaceRequest {
                    namespace_name: name.into(),
                },
            )
            .await;
        match got {
            Err(_) => return None,
            Ok(answer) if answer.namespace.status.as_deref() == Some("AVAILABLE") => {
                return Some(answer.namespace);
            }
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
    panic!("{name} does not settle");
}

async fn snapshot(bed: &Bed, name: &str) -> Snapshot {
    for _ in 0..300 {
        let got = bed
            .call(
                op::GetSnapshot,
                GetSnapshotRequest {
                    snapshot_name: Some(name.into()),
                    ..Default::default()
                },
            )
            .await
            .unwrap()
            .snapshot
            .unwrap();
        if got.status.as_deref() == Some("AVAILABLE") {
            return got;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{name} does not settle");
}

async fn take(bed: &Bed, namespace: &str, name: &str, days: Option<i64>) -> Snapshot {
    bed.call(
        op::CreateSnapshot,
        CreateSnapshotRequest {
            namespace_name: namespace.into(),
            snapshot_name: name.into(),
            retention_period: days,
            ..Default::default()
        },
    )
    .await
    .unwrap();
    snapshot(bed, name).await
}

fn held(bed: &Bed) -> usize {
    bed.fake.state.lock().snapshots.len()
}

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
    super::drive::upkeep(&bed.control).await;
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
    super::drive::upkeep(&bed.control).await;
    assert!(all(&bed).await.unwrap().recovery_points.unwrap().is_empty());
    bed.control.clock.advance(chrono::Duration::minutes(31));
    super::drive::upkeep(&bed.control).await;
    super::drive::upkeep(&bed.control).await;
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
    super::drive::upkeep(&bed.control).await;
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
        .get::<super::backups::Snapshot>("shared")
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

#[tokio::test]
async fn a_usage_limit_turns_queries_off_until_the_next_period() {
    let bed = Bed::new().await;
    let made = make(&bed, "sales", Some("sales-wg")).await.unwrap();
    let arn = made.workgroup_arn.unwrap();
    let limit = |amount, action: &str| CreateUsageLimitRequest {
        amount,
        breach_action: Some(action.into()),
        period: Some("daily".into()),
        resource_arn: arn.clone(),
        usage_type: "serverless-compute".into(),
    };
    let made = bed
        .call(op::CreateUsageLimit, limit(2, "deactivate"))
        .await
        .unwrap()
        .usage_limit
        .unwrap();
    for amount in 3..6 {
        bed.call(op::CreateUsageLimit, limit(amount, "log"))
            .await
            .unwrap();
    }
    let fifth = bed.call(op::CreateUsageLimit, limit(9, "log")).await;
    assert_eq!(fifth.unwrap_err().shape, "ServiceQuotaExceededException");
    let closed = |bed: &Bed| {
        let state = bed.fake.state.lock();
        let (spec, _) = state
            .running
            .values()
            .find(|r| r.0.name == "sales-wg")
            .unwrap();
        spec.closed.clone()
    };
    let spend = |bed: &Bed, seconds: i64| {
        let now = bed.control.clock.now();
        let view = bed.control.records.view();
        let workgroup = super::find_workgroup(&view, "sales-wg").unwrap();
        super::usage::UsageMinute {
            workgroup_id: workgroup.uuid.clone(),
            namespace_id: workgroup.namespace_id.clone(),
            start: now,
            capacity: 8,
            compute_seconds: seconds,
            charged_seconds: seconds,
        }
    };
    let minute = spend(&bed, 7199);
    let mut txn = bed.control.records.begin().await;
    txn.put(minute).unwrap();
    txn.commit().await.unwrap();
    super::drive::upkeep(&bed.control).await;
    assert_eq!(closed(&bed), None);
    let minute = spend(&bed, 7200);
    let mut txn = bed.control.records.begin().await;
    txn.put(minute).unwrap();
    txn.commit().await.unwrap();
    super::drive::upkeep(&bed.control).await;
    assert!(closed(&bed).unwrap().contains("turned off"));
    // A higher amount opens it again, at once; then a new day does.
    let update = |amount| UpdateUsageLimitRequest {
        amount: Some(amount),
        breach_action: None,
        usage_limit_id: made.usage_limit_id.clone().unwrap(),
    };
    bed.call(op::UpdateUsageLimit, update(50)).await.unwrap();
    assert_eq!(closed(&bed), None);
    bed.call(op::UpdateUsageLimit, update(1)).await.unwrap();
    assert!(closed(&bed).is_some());
    bed.control.clock.advance(chrono::Duration::days(1));
    super::drive::upkeep(&bed.control).await;
    assert_eq!(closed(&bed), None);
}

#[tokio::test]
async fn a_schedule_makes_snapshots() {
    let bed = Bed::new().await;
    make(&bed, "sales", Some("sales-wg")).await;
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
    super::drive::upkeep(&bed.control).await;
    let count = |bed: &Bed| {
        bed.control
            .records
            .view()
            .count::<super::backups::Snapshot>()
    };
    assert_eq!(count(&bed), 0);
    bed.control.clock.advance(chrono::Duration::hours(1));
    super::drive::upkeep(&bed.control).await;
    super::drive::upkeep(&bed.control).await;
    assert_eq!(count(&bed), 1);
}

#[tokio::test]
async fn every_operation_is_listed() {
    let registry = crate::registry();
    let service = SERVICE.get();
    let missing: Vec<&String> = service
        .operations
        .keys()
        .filter(|name| registry.get(service.name, name).is_none())
        .collect();
    assert_eq!(missing, [] as [&String; 0]);
}

#[tokio::test]
async fn what_hangs_on_a_workgroup_goes_with_it() {
    let bed = Bed::new().await;
    let made = make(&bed, "sales", Some("sales-wg")).await.unwrap();
    bed.call(
        op::CreateEndpointAccess,
        CreateEndpointAccessRequest {
            endpoint_name: "Near-by".into(),
            subnet_ids: vec!["subnet-1".into()],
            workgroup_name: "sales-wg".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let domain = CreateCustomDomainAssociationRequest {
        custom_domain_certificate_arn: "arn:aws:acm:us-east-1:123456789012:certificate/0f9a".into(),
        custom_domain_name: "sql.example.com".into(),
        workgroup_name: "sales-wg".into(),
    };
    bed.call(op::CreateCustomDomainAssociation, domain.clone())
        .await
        .unwrap();
    let again = bed.call(op::CreateCustomDomainAssociation, domain).await;
    assert_eq!(again.unwrap_err().shape, "ConflictException");
    let seen = settled(&bed, "sales-wg").await.unwrap();
    assert_eq!(seen.custom_domain_name.as_deref(), Some("sql.example.com"));
    bed.call(
        op::CreateUsageLimit,
        CreateUsageLimitRequest {
            amount: 1,
            resource_arn: made.workgroup_arn.unwrap(),
            usage_type: "cross-region-datasharing".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    bed.call(
        op::DeleteWorkgroup,
        DeleteWorkgroupRequest {
            workgroup_name: "sales-wg".into(),
        },
    )
    .await
    .unwrap();
    settled(&bed, "sales-wg").await;
    let view = bed.control.records.view();
    assert_eq!(view.count::<super::endpoints::Endpoint>(), 0);
    assert_eq!(view.count::<super::domains::Domain>(), 0);
    assert_eq!(view.count::<super::usage::UsageLimit>(), 0);
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

#[tokio::test]
async fn a_managed_password_is_in_its_secret_and_goes_with_the_namespace() {
    use lw_aws_model::secretsmanager;
    let bed = Bed::new().await;
    let made = bed
        .call(
            op::CreateNamespace,
            CreateNamespaceRequest {
                namespace_name: "sales".into(),
                manage_admin_password: Some(true),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .namespace
        .unwrap();
    let known = |bed: &Bed| {
        let state = bed.fake.state.lock();
        let id = made.namespace_id.as_deref().unwrap();
        state.namespaces.get(id).cloned().unwrap().1.unwrap()
    };
    let secret = |arn: Option<String>| {
        let bed = &bed;
        async move {
            let got = bed
                .call(
                    secretsmanager::op::GetSecretValue,
                    secretsmanager::GetSecretValueRequest {
                        secret_id: arn.unwrap(),
                        ..Default::default()
                    },
                )
                .await;
            got.map(|g| {
                serde_json::from_str::<serde_json::Value>(&g.secret_string.unwrap()).unwrap()
            })
        }
    };
    let arn = made.admin_password_secret_arn.clone();
    let value = secret(arn.clone()).await.unwrap();
    assert_eq!(value["password"], known(&bed));
    assert_eq!(value["dbname"], "dev");
    bed.call(
        op::CreateWorkgroup,
        CreateWorkgroupRequest {
            namespace_name: "sales".into(),
            workgroup_name: "sales-wg".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    settled(&bed, "sales-wg").await;
    let value = secret(arn.clone()).await.unwrap();
    assert!(value["port"].as_u64().unwrap() > 20_000);
    // Its own again.
    let given = bed
        .call(
            op::UpdateNamespace,
            UpdateNamespaceRequest {
                namespace_name: "sales".into(),
                manage_admin_password: Some(false),
                admin_user_password: Some("Longwave2".into()),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .namespace;
    assert_eq!(given.admin_password_secret_arn, None);
    assert_eq!(known(&bed), "Longwave2");
    assert!(secret(arn).await.is_err());
    // Managed again, and again after a restore.
    let again = bed
        .call(
            op::UpdateNamespace,
            UpdateNamespaceRequest {
                namespace_name: "sales".into(),
                manage_admin_password: Some(true),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .namespace;
    let value = secret(again.admin_password_secret_arn).await.unwrap();
    assert_eq!(value["password"], known(&bed));
    take(&bed, "sales", "before", None).await;
    bed.call(
        op::RestoreFromSnapshot,
        RestoreFromSnapshotRequest {
            namespace_name: "sales".into(),
            workgroup_name: "sales-wg".into(),
            snapshot_name: Some("before".into()),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let restored = namespace(&bed, "sales").await.unwrap();
    let value = secret(restored.admin_password_secret_arn).await.unwrap();
    assert_eq!(value["password"], known(&bed));
}

#[tokio::test]
async fn credentials_log_the_caller_in() {
    use lw_services::warehouses::TemporaryLogins;
    let bed = Bed::new().await;
    let input = || GetCredentialsRequest {
        workgroup_name: Some("default".into()),
        db_name: Some("dev".into()),
        ..Default::default()
    };
    let made = bed.call(op::GetCredentials, input()).await.unwrap();
    assert_eq!(made.db_user.as_deref(), Some("IAM:RootIdentity"));
    let logins = crate::Logins::of(&bed.control);
    let login = logins
        .check(
            crate::testing::NAMESPACE,
            "IAM:RootIdentity",
            made.db_password.as_deref().unwrap(),
        )
        .await
        .unwrap();
    assert!(login.superuser && login.auto_create);
    assert_eq!(login.database.as_deref(), Some("dev"));
    let long = GetCredentialsRequest {
        duration_seconds: Some(3601),
        ..input()
    };
    let long = bed.call(op::GetCredentials, long).await;
    assert_eq!(long.unwrap_err().shape, "ValidationException");
    let none = GetCredentialsRequest::default();
    let none = bed.call(op::GetCredentials, none).await;
    assert_eq!(none.unwrap_err().shape, "ValidationException");
}
