//! Who may connect: credentials, managed passwords, limits, policies.

use lw_aws_model::redshift_serverless::*;

use super::*;
use crate::testing::Bed;

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
        let workgroup = super::super::find_workgroup(&view, "sales-wg").unwrap();
        super::super::usage::UsageMinute {
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
    super::super::drive::upkeep(&bed.control).await;
    assert_eq!(closed(&bed), None);
    let minute = spend(&bed, 7200);
    let mut txn = bed.control.records.begin().await;
    txn.put(minute).unwrap();
    txn.commit().await.unwrap();
    super::super::drive::upkeep(&bed.control).await;
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
    super::super::drive::upkeep(&bed.control).await;
    assert_eq!(closed(&bed), None);
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
    assert_eq!(view.count::<super::super::endpoints::Endpoint>(), 0);
    assert_eq!(view.count::<super::super::domains::Domain>(), 0);
    assert_eq!(view.count::<super::super::usage::UsageLimit>(), 0);
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

#[tokio::test]
async fn policies_name_workgroups_by_their_ids_and_tags() {
    use lw_aws_model::edge::AwsApi;
    use lw_aws_model::iam;
    let bed = Bed::new().await;
    let mine = make(&bed, "sales", Some("sales-wg")).await.unwrap();
    let arn = mine.workgroup_arn.unwrap();
    bed.call(
        op::TagResource,
        TagResourceRequest {
            resource_arn: arn.clone(),
            tags: vec![Tag {
                key: "team".into(),
                value: "sales".into(),
            }],
        },
    )
    .await
    .unwrap();
    let user = iam::CreateUserRequest {
        user_name: "ann".into(),
        ..Default::default()
    };
    bed.call(iam::op::CreateUser, user).await.unwrap();
    let key = iam::CreateAccessKeyRequest {
        user_name: Some("ann".into()),
    };
    let key = bed.call(iam::op::CreateAccessKey, key).await.unwrap();
    let ann = crate::Api(bed.control.clone())
        .key(&key.access_key.access_key_id, None)
        .await
        .unwrap()
        .caller;
    let tagged = r#", "Condition": {"StringEquals": {"aws:ResourceTag/team": "sales"}}"#;
    for (resource, condition) in [(arn.as_str(), ""), ("*", tagged)] {
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": [
            {{"Effect": "Allow", "Resource": "{resource}"{condition},
              "Action": ["redshift-serverless:GetWorkgroup", "redshift-serverless:GetCredentials"]}},
            {{"Effect": "Allow", "Action": "redshift-serverless:CreateNamespace", "Resource": "*"}}]}}"#
        );
        bed.call(
            iam::op::PutUserPolicy,
            iam::PutUserPolicyRequest {
                user_name: "ann".into(),
                policy_name: "p".into(),
                policy_document: policy,
            },
        )
        .await
        .unwrap();
        let get = |name: &str| {
            let input = GetWorkgroupRequest {
                workgroup_name: name.into(),
            };
            bed.call_as(ann.clone(), op::GetWorkgroup, input)
        };
        get("sales-wg").await.unwrap();
        let refused = get("default").await.unwrap_err();
        assert_eq!(refused.shape, "AccessDeniedException");
    }
    let input = GetCredentialsRequest {
        workgroup_name: Some("sales-wg".into()),
        ..Default::default()
    };
    let made = bed.call_as(ann.clone(), op::GetCredentials, input).await;
    assert_eq!(made.unwrap().db_user.as_deref(), Some("IAM:ann"));
    // A role is passed on only by those who may.
    let with_role = CreateNamespaceRequest {
        namespace_name: "with-role".into(),
        iam_roles: Some(vec!["arn:aws:iam::123456789012:role/load".into()]),
        ..Default::default()
    };
    let refused = bed.call_as(ann, op::CreateNamespace, with_role).await;
    assert!(refused.unwrap_err().message.contains("iam:PassRole"));
}
