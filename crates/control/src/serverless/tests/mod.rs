//! Namespaces and workgroups over a provisioner that keeps count.

use lw_aws_model::redshift_serverless::*;

use crate::testing::Bed;

mod access;
mod backups;

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
