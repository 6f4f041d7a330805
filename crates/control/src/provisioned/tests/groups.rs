//! Groups, pages, and that nothing is missing.

use super::*;

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
    let service = <op::CreateCluster as lw_aws_model::Operation>::service().get();
    let missing: Vec<&String> = service
        .operations
        .keys()
        .filter(|name| registry.get(service.name, name).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
