//! IAM and STS as a client sees them, and what policies then allow.

use std::sync::Arc;

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::edge::{AwsApi, Caller};
use lw_aws_model::iam::{self, op};
use lw_aws_model::redshift::{self, op as redshift_op};
use lw_aws_model::sts;

use crate::Api;
use crate::testing::Bed;

const TRUST_REDSHIFT: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
    "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;

fn allow(action: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}]}}"#
    )
}

async fn user(bed: &Bed, name: &str) -> Result<iam::User, ApiError> {
    let input = iam::CreateUserRequest {
        user_name: name.into(),
        ..Default::default()
    };
    let answer = bed.call(op::CreateUser, input).await?;
    Ok(answer.user.expect("a user"))
}

async fn role(bed: &Bed, name: &str, trust: &str) -> Result<iam::Role, ApiError> {
    let input = iam::CreateRoleRequest {
        role_name: name.into(),
        assume_role_policy_document: trust.into(),
        ..Default::default()
    };
    Ok(bed.call(op::CreateRole, input).await?.role)
}

async fn put_user_policy(bed: &Bed, user: &str, document: String) -> Result<(), ApiError> {
    let input = iam::PutUserPolicyRequest {
        user_name: user.into(),
        policy_name: "p".into(),
        policy_document: document,
    };
    bed.call(op::PutUserPolicy, input).await.map(|_| ())
}

async fn new_key(bed: &Bed, user: &str) -> iam::AccessKey {
    let input = iam::CreateAccessKeyRequest {
        user_name: Some(user.into()),
    };
    let answer = bed.call(op::CreateAccessKey, input).await;
    answer.expect("a key").access_key
}

/// Whoever signs with these.
async fn caller(bed: &Bed, id: &str, token: Option<&str>) -> Result<Arc<Caller>, ApiError> {
    let key = Api(bed.control.clone()).key(id, token).await?;
    Ok(key.caller)
}

async fn caller_of(bed: &Bed, name: &str) -> Arc<Caller> {
    let key = new_key(bed, name).await;
    caller(bed, &key.access_key_id, None).await.expect("known")
}

fn code<T>(result: Result<T, ApiError>) -> String {
    result.err().map(|e| e.code).unwrap_or_default()
}

#[tokio::test]
async fn users_with_keys() {
    let bed = Bed::new().await;
    let ann = user(&bed, "Ann").await.unwrap();
    assert_eq!(ann.arn, "arn:aws:iam::123456789012:user/Ann");
    assert!(ann.user_id.starts_with("AIDA") && ann.user_id.len() == 21);
    // Names differ by more than case.
    assert_eq!(code(user(&bed, "ANN").await), "EntityAlreadyExists");
    let key = new_key(&bed, "ann").await;
    assert_eq!(key.user_name, "Ann");
    assert_eq!(
        (key.access_key_id.len(), key.secret_access_key.len()),
        (20, 40)
    );
    let api = Api(bed.control.clone());
    let known = api.key(&key.access_key_id, None).await.unwrap();
    assert_eq!(known.secret, key.secret_access_key);
    assert_eq!(known.caller.arn, ann.arn);
    // The secret itself is not among the records.
    let record = bed
        .control
        .records
        .view()
        .get::<super::records::AccessKey>(&key.access_key_id)
        .unwrap();
    assert!(!record.sealed.contains(&key.secret_access_key));
    new_key(&bed, "ann").await;
    let third = iam::CreateAccessKeyRequest {
        user_name: Some("ann".into()),
    };
    assert_eq!(
        code(bed.call(op::CreateAccessKey, third).await),
        "LimitExceeded"
    );
    // Set inactive, it is not known; a restart changes nothing of that.
    let off = iam::UpdateAccessKeyRequest {
        user_name: Some("ann".into()),
        access_key_id: key.access_key_id.clone(),
        status: "Inactive".into(),
    };
    bed.call(op::UpdateAccessKey, off).await.unwrap();
    let bed = bed.reopen().await;
    assert_eq!(
        code(caller(&bed, &key.access_key_id, None).await),
        "InvalidClientTokenId"
    );
    // What hangs on a user keeps it.
    let delete = || iam::DeleteUserRequest {
        user_name: "ann".into(),
    };
    assert_eq!(
        code(bed.call(op::DeleteUser, delete()).await),
        "DeleteConflict"
    );
    let keys = bed
        .call(
            op::ListAccessKeys,
            iam::ListAccessKeysRequest {
                user_name: Some("ann".into()),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let mut states = Vec::new();
    for key in keys.access_key_metadata {
        states.push(key.status.unwrap());
        let input = iam::DeleteAccessKeyRequest {
            user_name: Some("ann".into()),
            access_key_id: key.access_key_id.unwrap(),
        };
        bed.call(op::DeleteAccessKey, input).await.unwrap();
    }
    states.sort();
    assert_eq!(states, ["Active", "Inactive"]);
    bed.call(op::DeleteUser, delete()).await.unwrap();
    assert_eq!(
        code(bed.call(op::DeleteUser, delete()).await),
        "NoSuchEntity"
    );
}

#[tokio::test]
async fn lists_in_pages() {
    let bed = Bed::new().await;
    for name in ["b", "C", "a"] {
        user(&bed, name).await.unwrap();
    }
    let mut names = Vec::new();
    let mut marker = None;
    loop {
        let input = iam::ListUsersRequest {
            marker,
            max_items: Some(2),
            ..Default::default()
        };
        let answer = bed.call(op::ListUsers, input).await.unwrap();
        names.extend(answer.users.into_iter().map(|user| user.user_name));
        assert_eq!(answer.is_truncated, Some(answer.marker.is_some()));
        marker = answer.marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "C"]);
    let input = iam::ListPoliciesRequest {
        scope: Some("AWS".into()),
        max_items: Some(1000),
        ..Default::default()
    };
    let policies = bed
        .call(op::ListPolicies, input)
        .await
        .unwrap()
        .policies
        .unwrap();
    assert_eq!(policies.len(), lw_policy::managed::ALL.len());
    let full = policies
        .iter()
        .find(|p| p.policy_name.as_deref() == Some("AmazonRedshiftFullAccess"))
        .unwrap();
    assert_eq!(
        full.arn.as_deref(),
        Some("arn:aws:iam::aws:policy/AmazonRedshiftFullAccess")
    );
}

#[tokio::test]
async fn policies_and_what_they_hang_on() {
    let bed = Bed::new().await;
    user(&bed, "ann").await.unwrap();
    let create = |document: &str| iam::CreatePolicyRequest {
        policy_name: "describe".into(),
        policy_document: document.into(),
        ..Default::default()
    };
    let broken = bed.call(op::CreatePolicy, create("{")).await;
    assert_eq!(code(broken), "MalformedPolicyDocument");
    let policy = bed
        .call(op::CreatePolicy, create(&allow("redshift:Describe*")))
        .await
        .unwrap()
        .policy
        .unwrap();
    let arn = policy.arn.unwrap();
    assert_eq!(arn, "arn:aws:iam::123456789012:policy/describe");
    let again = bed.call(op::CreatePolicy, create(&allow("a:b"))).await;
    assert_eq!(code(again), "EntityAlreadyExists");
    let attach = |arn: &str| iam::AttachUserPolicyRequest {
        user_name: "ann".into(),
        policy_arn: arn.into(),
    };
    bed.call(op::AttachUserPolicy, attach(&arn)).await.unwrap();
    bed.call(op::AttachUserPolicy, attach(&arn)).await.unwrap();
    for (other, expected) in [
        ("arn:aws:iam::123456789012:policy/nothing", "NoSuchEntity"),
        ("arn:aws:iam::444455556666:policy/describe", "NoSuchEntity"),
        (
            "arn:aws:iam::aws:policy/aws-service-role/AmazonRedshiftServiceLinkedRolePolicy",
            "PolicyNotAttachable",
        ),
    ] {
        assert_eq!(
            code(bed.call(op::AttachUserPolicy, attach(other)).await),
            expected
        );
    }
    let get = iam::GetPolicyRequest {
        policy_arn: arn.clone(),
    };
    let shown = bed.call(op::GetPolicy, get).await.unwrap().policy.unwrap();
    assert_eq!(shown.attachment_count, Some(1));
    let delete = || iam::DeletePolicyRequest {
        policy_arn: arn.clone(),
    };
    assert_eq!(
        code(bed.call(op::DeletePolicy, delete()).await),
        "DeleteConflict"
    );
    let detach = || iam::DetachUserPolicyRequest {
        user_name: "ann".into(),
        policy_arn: arn.clone(),
    };
    bed.call(op::DetachUserPolicy, detach()).await.unwrap();
    assert_eq!(
        code(bed.call(op::DetachUserPolicy, detach()).await),
        "NoSuchEntity"
    );
    bed.call(op::DeletePolicy, delete()).await.unwrap();
    // Inline ones travel percent-encoded.
    put_user_policy(&bed, "ann", allow("s3:*")).await.unwrap();
    let get = iam::GetUserPolicyRequest {
        user_name: "ann".into(),
        policy_name: "p".into(),
    };
    let document = bed
        .call(op::GetUserPolicy, get)
        .await
        .unwrap()
        .policy_document;
    assert!(
        document.starts_with("%7B%22Version%22%3A%20%222012-10-17%22"),
        "{document}"
    );
    let long = allow(&format!("s3:{}", "x".repeat(2100)));
    assert_eq!(
        code(put_user_policy(&bed, "ann", long).await),
        "LimitExceeded"
    );
}

#[tokio::test]
async fn calls_are_judged_by_policies() {
    let bed = Bed::new().await;
    user(&bed, "ann").await.unwrap();
    let ann = caller_of(&bed, "ann").await;
    let describe = || redshift::DescribeOrderableClusterOptionsMessage::default();
    let ask = async || {
        bed.call_as(
            ann.clone(),
            redshift_op::DescribeOrderableClusterOptions,
            describe(),
        )
        .await
    };
    let denied = ask().await.unwrap_err();
    assert_eq!((denied.code.as_str(), denied.status), ("AccessDenied", 403));
    assert_eq!(
        denied.message,
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: redshift:DescribeOrderableClusterOptions on resource: * because no identity-based policy allows the redshift:DescribeOrderableClusterOptions action"
    );
    put_user_policy(&bed, "ann", allow("redshift:Describe*"))
        .await
        .unwrap();
    ask().await.unwrap();
    // A deny beside it.
    let input = iam::PutUserPolicyRequest {
        user_name: "ann".into(),
        policy_name: "no".into(),
        policy_document: allow("redshift:*Orderable*").replace("Allow", "Deny"),
    };
    bed.call(op::PutUserPolicy, input).await.unwrap();
    let denied = ask().await.unwrap_err();
    assert!(
        denied
            .message
            .ends_with("with an explicit deny in an identity-based policy"),
        "{}",
        denied.message
    );
    let input = iam::DeleteUserPolicyRequest {
        user_name: "ann".into(),
        policy_name: "no".into(),
    };
    bed.call(op::DeleteUserPolicy, input).await.unwrap();
    ask().await.unwrap();
    // One may look at oneself by one's own name only.
    let own = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*",
        "Resource": "arn:aws:iam::123456789012:user/${aws:username}"}]}"#;
    put_user_policy(&bed, "ann", own.into()).await.unwrap();
    user(&bed, "bob").await.unwrap();
    for (name, allowed) in [(None, true), (Some("ann"), true), (Some("bob"), false)] {
        let input = iam::GetUserRequest {
            user_name: name.map(Into::into),
        };
        let answer = bed.call_as(ann.clone(), op::GetUser, input).await;
        assert_eq!(answer.is_ok(), allowed, "{name:?}");
    }
}

fn assume(role: &str) -> sts::AssumeRoleRequest {
    sts::AssumeRoleRequest {
        role_arn: format!("arn:aws:iam::123456789012:role/{role}"),
        role_session_name: "s1".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn roles_are_assumed() {
    let bed = Bed::new().await;
    user(&bed, "ann").await.unwrap();
    let ann = caller_of(&bed, "ann").await;
    // Nobody can trust who is not there.
    let trust = |who: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Principal": {{"AWS": "arn:aws:iam::123456789012:{who}"}}}}]}}"#
        )
    };
    assert_eq!(
        code(role(&bed, "r", &trust("user/nobody")).await),
        "MalformedPolicyDocument"
    );
    role(&bed, "service", TRUST_REDSHIFT).await.unwrap();
    role(&bed, "reader", &trust("user/ann")).await.unwrap();
    role(&bed, "next", &trust("role/reader")).await.unwrap();
    role(&bed, "open", &trust("root")).await.unwrap();
    let input = iam::AttachRolePolicyRequest {
        role_name: "reader".into(),
        policy_arn: "arn:aws:iam::aws:policy/AmazonRedshiftReadOnlyAccess".into(),
    };
    bed.call(op::AttachRolePolicy, input).await.unwrap();

    let denied = bed
        .call_as(ann.clone(), sts::op::AssumeRole, assume("service"))
        .await;
    assert_eq!(
        denied.unwrap_err().message,
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:AssumeRole because no role trust policy allows the sts:AssumeRole action"
    );
    // A trust in the account leaves it to the user's own policies.
    let by_account = || bed.call_as(ann.clone(), sts::op::AssumeRole, assume("open"));
    assert_eq!(code(by_account().await), "AccessDenied");
    put_user_policy(&bed, "ann", allow("sts:AssumeRole"))
        .await
        .unwrap();
    by_account().await.unwrap();
    assert_eq!(
        code(bed.call(sts::op::AssumeRole, assume("open")).await),
        "AccessDenied"
    );
    let missing = bed
        .call_as(ann.clone(), sts::op::AssumeRole, assume("missing"))
        .await;
    assert_eq!(code(missing), "AccessDenied");

    let answer = bed
        .call_as(ann.clone(), sts::op::AssumeRole, assume("reader"))
        .await
        .unwrap();
    let keys = answer.credentials.unwrap();
    assert!(keys.access_key_id.starts_with("ASIA"));
    assert_eq!(
        keys.expiration.timestamp() - bed.control.clock.now().timestamp(),
        3600
    );
    // Another start, and they are as good as before.
    let bed = bed.reopen().await;
    let session = caller(&bed, &keys.access_key_id, Some(&keys.session_token))
        .await
        .unwrap();
    assert_eq!(
        session.arn,
        "arn:aws:sts::123456789012:assumed-role/reader/s1"
    );
    assert!(session.user_id.starts_with("AROA") && session.user_id.ends_with(":s1"));
    bed.call_as(
        session.clone(),
        redshift_op::DescribeOrderableClusterOptions,
        Default::default(),
    )
    .await
    .unwrap();
    assert_eq!(
        code(
            bed.call_as(session.clone(), op::ListUsers, Default::default())
                .await
        ),
        "AccessDenied"
    );
    // Chained: an hour at most.
    let input = sts::AssumeRoleRequest {
        duration_seconds: Some(3601),
        ..assume("next")
    };
    assert_eq!(
        code(
            bed.call_as(session.clone(), sts::op::AssumeRole, input)
                .await
        ),
        "ValidationError"
    );
    bed.call_as(session.clone(), sts::op::AssumeRole, assume("next"))
        .await
        .unwrap();
    // Wrong tokens, tokens of other keys, and none.
    for (id, token) in [
        (keys.access_key_id.as_str(), Some("x")),
        ("ASIAOTHER", Some(keys.session_token.as_str())),
        (keys.access_key_id.as_str(), None),
    ] {
        assert_eq!(code(caller(&bed, id, token).await), "InvalidClientTokenId");
    }
    // The role goes, and so do its sessions; one of the same name is another.
    let again = || caller(&bed, &keys.access_key_id, Some(&keys.session_token));
    let input = iam::DetachRolePolicyRequest {
        role_name: "reader".into(),
        policy_arn: "arn:aws:iam::aws:policy/AmazonRedshiftReadOnlyAccess".into(),
    };
    bed.call(op::DetachRolePolicy, input).await.unwrap();
    let input = iam::DeleteRoleRequest {
        role_name: "reader".into(),
    };
    bed.call(op::DeleteRole, input).await.unwrap();
    role(&bed, "reader", TRUST_REDSHIFT).await.unwrap();
    assert_eq!(code(again().await), "InvalidClientTokenId");
}

#[tokio::test]
async fn sessions_end_and_have_less() {
    let bed = Bed::new().await;
    user(&bed, "ann").await.unwrap();
    let ann = caller_of(&bed, "ann").await;
    let trust = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Principal": {"AWS": "arn:aws:iam::123456789012:user/ann"},
        "Condition": {"StringEquals": {"sts:ExternalId": "key-to-the-door"}}}]}"#;
    role(&bed, "admin", trust).await.unwrap();
    let input = iam::PutRolePolicyRequest {
        role_name: "admin".into(),
        policy_name: "all".into(),
        policy_document: allow("*"),
    };
    bed.call(op::PutRolePolicy, input).await.unwrap();
    let without = bed
        .call_as(ann.clone(), sts::op::AssumeRole, assume("admin"))
        .await;
    assert_eq!(code(without), "AccessDenied");
    let input = sts::AssumeRoleRequest {
        external_id: Some("key-to-the-door".into()),
        policy: Some(allow("redshift:Describe*")),
        tags: Some(vec![sts::Tag {
            key: "team".into(),
            value: "red".into(),
        }]),
        duration_seconds: Some(900),
        ..assume("admin")
    };
    let answer = bed
        .call_as(ann.clone(), sts::op::AssumeRole, input)
        .await
        .unwrap();
    assert!(answer.packed_policy_size.is_some());
    let keys = answer.credentials.unwrap();
    let session = || caller(&bed, &keys.access_key_id, Some(&keys.session_token));
    let it = session().await.unwrap();
    assert_eq!(it.tags.get("team").map(String::as_str), Some("red"));
    bed.call_as(
        it.clone(),
        redshift_op::DescribeOrderableClusterOptions,
        Default::default(),
    )
    .await
    .unwrap();
    let beyond = bed
        .call_as(it, op::ListUsers, Default::default())
        .await
        .unwrap_err();
    assert!(
        beyond
            .message
            .ends_with("because no session policy allows the iam:ListUsers action"),
        "{}",
        beyond.message
    );
    bed.control.clock.advance(Duration::seconds(899));
    session().await.unwrap();
    bed.control.clock.advance(Duration::seconds(1));
    assert_eq!(code(session().await), "ExpiredToken");

    // One's own session: everything one may do, but not IAM.
    put_user_policy(&bed, "ann", allow("*")).await.unwrap();
    let own = bed
        .call_as(ann, sts::op::GetSessionToken, Default::default())
        .await
        .unwrap()
        .credentials
        .unwrap();
    let own = caller(&bed, &own.access_key_id, Some(&own.session_token))
        .await
        .unwrap();
    let who = bed
        .call_as(own.clone(), sts::op::GetCallerIdentity, Default::default())
        .await
        .unwrap();
    assert_eq!(
        who.arn.as_deref(),
        Some("arn:aws:iam::123456789012:user/ann")
    );
    assert_eq!(
        code(
            bed.call_as(own.clone(), op::ListUsers, Default::default())
                .await
        ),
        "InvalidClientTokenId"
    );
    bed.call_as(
        own,
        redshift_op::DescribeOrderableClusterOptions,
        Default::default(),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn boundaries_bound() {
    let bed = Bed::new().await;
    let input = iam::CreatePolicyRequest {
        policy_name: "most".into(),
        policy_document: allow("s3:*"),
        ..Default::default()
    };
    bed.call(op::CreatePolicy, input).await.unwrap();
    let bounded = |arn: &str| iam::CreateUserRequest {
        user_name: "ann".into(),
        permissions_boundary: Some(arn.into()),
        ..Default::default()
    };
    let missing = bed
        .call(
            op::CreateUser,
            bounded("arn:aws:iam::123456789012:policy/no"),
        )
        .await;
    assert_eq!(code(missing), "NoSuchEntity");
    bed.call(
        op::CreateUser,
        bounded("arn:aws:iam::123456789012:policy/most"),
    )
    .await
    .unwrap();
    put_user_policy(&bed, "ann", allow("*")).await.unwrap();
    let ann = caller_of(&bed, "ann").await;
    let denied = bed
        .call_as(
            ann,
            redshift_op::DescribeOrderableClusterOptions,
            Default::default(),
        )
        .await
        .unwrap_err();
    assert!(
        denied
            .message
            .contains("because no permissions boundary allows")
    );
    // What bounds somebody is not deleted.
    let input = iam::DeletePolicyRequest {
        policy_arn: "arn:aws:iam::123456789012:policy/most".into(),
    };
    assert_eq!(
        code(bed.call(op::DeletePolicy, input).await),
        "DeleteConflict"
    );
}

#[tokio::test]
async fn buckets_by_role_and_by_key() {
    use lw_services::buckets::{BucketAccess, BucketAction, BucketIdentity};

    use super::Access;

    let bed = Bed::new().await;
    let access = Access(bed.control.clone());
    let read = |key: &'static str| BucketAction {
        action: "s3:GetObject",
        bucket: "landing",
        key: Some(key),
        prefix: None,
    };
    let arn = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let by = |access: &Access, arns: String, key| {
        let result = access.statement(&BucketIdentity::Role(arns), Some(&read(key)));
        result.err().map(|e| e.code).unwrap_or_default()
    };
    // Before there is a role for warehouses any name does, of this account.
    assert_eq!(by(&access, arn("made-up"), "a"), "");
    assert_eq!(
        by(&access, "arn:aws:iam::444455556666:role/x".into(), "a"),
        "NotAuthorizedToAssumeRole"
    );
    assert_eq!(by(&access, "role/x".into(), "a"), "InvalidRole");
    role(&bed, "loader", TRUST_REDSHIFT).await.unwrap();
    let chained = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/loader"}, "Action": "sts:AssumeRole"}]}"#;
    role(&bed, "next", chained).await.unwrap();
    let put = |name: &str, document: &str| iam::PutRolePolicyRequest {
        role_name: name.into(),
        policy_name: "read".into(),
        policy_document: document.into(),
    };
    let in_folder = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::landing/in/*"}]}"#;
    bed.call(op::PutRolePolicy, put("loader", in_folder))
        .await
        .unwrap();
    for (roles, key, expected) in [
        (arn("made-up"), "in/a", "NotAuthorizedToAssumeRole"),
        (arn("loader"), "in/a", ""),
        (arn("loader"), "out/a", "AccessDenied"),
        (arn("next"), "in/a", "NotAuthorizedToAssumeRole"),
        (
            format!("{},{}", arn("loader"), arn("next")),
            "in/a",
            "AccessDenied",
        ),
        (
            format!("{},{}", arn("loader"), arn("made-up")),
            "in/a",
            "NotAuthorizedToAssumeRole",
        ),
    ] {
        assert_eq!(by(&access, roles.clone(), key), expected, "{roles} {key}");
    }
    bed.call(op::PutRolePolicy, put("next", &allow("s3:*")))
        .await
        .unwrap();
    let chain = format!("{},{}", arn("loader"), arn("next"));
    assert_eq!(by(&access, chain, "anything"), "");

    // Keys of a user, and of a session: secret, token, and what they may do.
    user(&bed, "ann").await.unwrap();
    put_user_policy(&bed, "ann", in_folder.into())
        .await
        .unwrap();
    let key = new_key(&bed, "ann").await;
    assert_eq!(
        access.secret(&key.access_key_id).unwrap(),
        key.secret_access_key
    );
    assert!(access.secret("AKIANOBODY").is_err());
    access
        .signed(&key.access_key_id, None, &read("in/a"))
        .unwrap();
    assert!(
        access
            .signed(&key.access_key_id, None, &read("out/a"))
            .is_err()
    );
    let ann = caller(&bed, &key.access_key_id, None).await.unwrap();
    let own = bed
        .call_as(ann, sts::op::GetSessionToken, Default::default())
        .await
        .unwrap()
        .credentials
        .unwrap();
    let token = Some(own.session_token.as_str());
    assert_eq!(
        access.secret(&own.access_key_id).unwrap(),
        own.secret_access_key
    );
    access
        .signed(&own.access_key_id, token, &read("in/a"))
        .unwrap();
    for token in [None, Some("x")] {
        assert!(
            access
                .signed(&own.access_key_id, token, &read("in/a"))
                .is_err()
        );
    }
    let keys = |secret: &str, token: Option<&str>| BucketIdentity::Keys {
        access_key_id: own.access_key_id.clone(),
        secret_access_key: secret.into(),
        session_token: token.map(Into::into),
    };
    let secret = own.secret_access_key.as_str();
    access
        .statement(&keys(secret, token), Some(&read("in/a")))
        .unwrap();
    assert!(
        access
            .statement(&keys(secret, token), Some(&read("out/a")))
            .is_err()
    );
    assert!(access.statement(&keys("x", token), None).is_err());
    assert!(access.statement(&keys(secret, None), None).is_err());
}

/// The buckets of the S3 endpoint as COPY and UNLOAD open them.
#[tokio::test]
async fn statements_reach_what_their_role_may() {
    use lw_services::buckets::{BucketIdentity, BucketResolver};

    use super::Access;

    let bed = Bed::new().await;
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(lw_aws_http::BucketStore::open(dir.path()).unwrap());
    store.create_bucket("landing").unwrap();
    let config = lw_aws_http::BucketsConfig {
        access_key_id: "AKIAROOT".into(),
        secret_access_key: "secret".into(),
        account_id: "123456789012".into(),
        region: "us-east-1".into(),
        external: None,
    };
    let buckets = lw_aws_http::Buckets::new(store, config);
    buckets.judged_by(Arc::new(Access(bed.control.clone())));
    role(&bed, "loader", TRUST_REDSHIFT).await.unwrap();
    let document = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"],
        "Resource": "arn:aws:s3:::landing/in/*"}]}"#;
    let input = iam::PutRolePolicyRequest {
        role_name: "loader".into(),
        policy_name: "in".into(),
        policy_document: document.into(),
    };
    bed.call(op::PutRolePolicy, input).await.unwrap();
    let identity = BucketIdentity::Role("arn:aws:iam::123456789012:role/loader".into());
    let bucket = buckets.open("landing", None, &identity).await.unwrap();
    let mut writer = bucket.put("in/a").await.unwrap();
    writer.write("x".into()).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(bucket.head("in/a").await.unwrap().size, 1);
    let code = |error: Option<lw_services::buckets::BucketError>| error.map(|e| e.code);
    let denied = Some("AccessDenied".to_owned());
    assert_eq!(code(bucket.put("out/a").await.err()), denied);
    assert_eq!(code(bucket.list("in/").await.err()), denied);
    assert_eq!(code(bucket.delete("in/a").await.err()), denied);
    let other = BucketIdentity::Role("arn:aws:iam::123456789012:role/made-up".into());
    assert_eq!(
        code(buckets.open("landing", None, &other).await.err()).as_deref(),
        Some("NotAuthorizedToAssumeRole")
    );
}
