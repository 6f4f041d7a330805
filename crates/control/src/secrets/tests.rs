//! Secrets as a client sees them, and admin passwords that change.

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::secretsmanager::{self as sm, op};

use super::managed::{self, Wanted, password};
use super::records::{self, Owner};
use super::{changes, rotation};
use crate::kms;
use crate::testing::{Bed, NAMESPACE};

async fn create(bed: &Bed, name: &str, value: &str) -> Result<sm::CreateSecretResponse, ApiError> {
    let input = sm::CreateSecretRequest {
        name: name.into(),
        secret_string: Some(value.into()),
        ..Default::default()
    };
    bed.call(op::CreateSecret, input).await
}

async fn get(bed: &Bed, id: &str, stage: Option<&str>) -> Result<String, ApiError> {
    let input = sm::GetSecretValueRequest {
        secret_id: id.into(),
        version_stage: stage.map(Into::into),
        ..Default::default()
    };
    let answer = bed.call(op::GetSecretValue, input).await?;
    Ok(answer.secret_string.unwrap())
}

async fn put(bed: &Bed, id: &str, value: &str, token: Option<&str>) -> Result<String, ApiError> {
    let input = sm::PutSecretValueRequest {
        secret_id: id.into(),
        secret_string: Some(value.into()),
        client_request_token: token.map(Into::into),
        ..Default::default()
    };
    Ok(bed
        .call(op::PutSecretValue, input)
        .await?
        .version_id
        .unwrap())
}

fn shape<T>(result: Result<T, ApiError>) -> String {
    result.err().map(|e| e.shape).unwrap_or_default()
}

#[tokio::test]
async fn values_have_versions_and_stages() {
    let bed = Bed::new().await;
    let made = create(&bed, "db/one", "first").await.unwrap();
    let arn = made.arn.unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:123456789012:secret:db/one-"));
    assert_eq!(
        shape(create(&bed, "db/one", "other").await),
        "ResourceExistsException"
    );
    let without_suffix = arn.rsplit_once('-').unwrap().0;
    for id in ["db/one", arn.as_str(), without_suffix] {
        assert_eq!(get(&bed, id, None).await.unwrap(), "first");
    }
    assert_eq!(
        shape(get(&bed, "db/two", None).await),
        "ResourceNotFoundException"
    );
    let token = "11111111-1111-4111-8111-111111111111";
    assert_eq!(
        put(&bed, "db/one", "second", Some(token)).await.unwrap(),
        token
    );
    // The same again is the same; another value is not.
    put(&bed, "db/one", "second", Some(token)).await.unwrap();
    assert_eq!(
        shape(put(&bed, "db/one", "third", Some(token)).await),
        "ResourceExistsException"
    );
    let bed = bed.reopen().await;
    assert_eq!(get(&bed, "db/one", None).await.unwrap(), "second");
    assert_eq!(
        get(&bed, "db/one", Some("AWSPREVIOUS")).await.unwrap(),
        "first"
    );
    assert_eq!(
        shape(get(&bed, "db/one", Some("AWSPENDING")).await),
        "ResourceNotFoundException"
    );
    put(&bed, "db/one", "third", None).await.unwrap();
    let input = sm::DescribeSecretRequest {
        secret_id: "db/one".into(),
    };
    let shown = bed.call(op::DescribeSecret, input).await.unwrap();
    // The first has no stage any more.
    let mut stages: Vec<_> = shown.version_ids_to_stages.unwrap().into_values().collect();
    stages.sort();
    assert_eq!(stages, [["AWSCURRENT"], ["AWSPREVIOUS"]]);
    // No value lies in the records as it is.
    let record = bed
        .control
        .records
        .view()
        .get::<records::Secret>("db/one")
        .unwrap();
    let text = serde_json::to_string(&*record).unwrap();
    assert!(!text.contains("third"));
    // One's own key, switched off.
    let key = bed
        .call(lw_aws_model::kms::op::CreateKey, Default::default())
        .await
        .unwrap();
    let key = key.key_metadata.unwrap().key_id;
    let input = sm::UpdateSecretRequest {
        secret_id: "db/one".into(),
        kms_key_id: Some(key.clone()),
        secret_string: Some("fourth".into()),
        ..Default::default()
    };
    bed.call(op::UpdateSecret, input).await.unwrap();
    assert_eq!(get(&bed, "db/one", None).await.unwrap(), "fourth");
    let input = lw_aws_model::kms::DisableKeyRequest { key_id: key };
    bed.call(lw_aws_model::kms::op::DisableKey, input)
        .await
        .unwrap();
    assert_eq!(shape(get(&bed, "db/one", None).await), "DecryptionFailure");
    assert_eq!(
        get(&bed, "db/one", Some("AWSPREVIOUS")).await.unwrap(),
        "third"
    );
    assert_eq!(
        shape(put(&bed, "db/one", "x", None).await),
        "EncryptionFailure"
    );
    let aliases = bed.control.records.view().list::<kms::Alias>();
    assert_eq!(aliases[0].name, "alias/aws/secretsmanager");
}

#[tokio::test]
async fn deletion_and_its_recovery() {
    let bed = Bed::new().await;
    create(&bed, "a", "x").await.unwrap();
    let delete = |days: Option<i64>, force: Option<bool>| sm::DeleteSecretRequest {
        secret_id: "a".into(),
        recovery_window_in_days: days,
        force_delete_without_recovery: force,
    };
    for (days, force) in [(Some(6), None), (Some(31), None), (Some(7), Some(true))] {
        assert_eq!(
            shape(bed.call(op::DeleteSecret, delete(days, force)).await),
            "InvalidParameterException"
        );
    }
    bed.call(op::DeleteSecret, delete(Some(7), None))
        .await
        .unwrap();
    assert_eq!(shape(get(&bed, "a", None).await), "InvalidRequestException");
    assert_eq!(
        shape(create(&bed, "a", "y").await),
        "InvalidRequestException"
    );
    let listed = async |planned| {
        let input = sm::ListSecretsRequest {
            include_planned_deletion: Some(planned),
            ..Default::default()
        };
        let answer = bed.call(op::ListSecrets, input).await.unwrap();
        answer.secret_list.unwrap().len()
    };
    assert_eq!((listed(false).await, listed(true).await), (0, 1));
    let restore = || sm::RestoreSecretRequest {
        secret_id: "a".into(),
    };
    bed.call(op::RestoreSecret, restore()).await.unwrap();
    assert_eq!(get(&bed, "a", None).await.unwrap(), "x");
    bed.call(op::DeleteSecret, delete(Some(7), None))
        .await
        .unwrap();
    bed.control.clock.advance(Duration::days(7));
    changes::due(&bed.control).await.unwrap();
    assert_eq!(
        shape(bed.call(op::RestoreSecret, restore()).await),
        "ResourceNotFoundException"
    );
    create(&bed, "a", "y").await.unwrap();
    bed.call(op::DeleteSecret, delete(None, Some(true)))
        .await
        .unwrap();
    create(&bed, "a", "z").await.unwrap();
    assert_eq!(get(&bed, "a", None).await.unwrap(), "z");
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let bed = Bed::new().await;
    for name in ["prod/db", "prod/api", "test/db"] {
        create(&bed, name, "x").await.unwrap();
        bed.control.clock.advance(Duration::seconds(1));
    }
    let input = sm::TagResourceRequest {
        secret_id: "test/db".into(),
        tags: vec![sm::Tag {
            key: Some("Redshift".into()),
            value: Some("yes".into()),
        }],
    };
    bed.call(op::TagResource, input).await.unwrap();
    let filter = |key: &str, value: &str| {
        Some(vec![sm::Filter {
            key: Some(key.into()),
            values: Some(vec![value.into()]),
        }])
    };
    for (filters, by, order, expected) in [
        (None, None, None, vec!["test/db", "prod/api", "prod/db"]),
        (
            None,
            None,
            Some("asc"),
            vec!["prod/db", "prod/api", "test/db"],
        ),
        (
            None,
            Some("name"),
            Some("asc"),
            vec!["prod/api", "prod/db", "test/db"],
        ),
        (
            None,
            Some("name"),
            Some("desc"),
            vec!["test/db", "prod/db", "prod/api"],
        ),
        (
            filter("name", "prod/"),
            Some("name"),
            Some("asc"),
            vec!["prod/api", "prod/db"],
        ),
        (filter("name", "!prod/"), None, None, vec!["test/db"]),
        (filter("tag-key", "Redshift"), None, None, vec!["test/db"]),
        (filter("all", "API"), None, None, vec!["prod/api"]),
        (filter("tag-value", "no"), None, None, vec![]),
    ] {
        let mut names = Vec::new();
        let mut token = None;
        loop {
            let input = sm::ListSecretsRequest {
                filters: filters.clone(),
                sort_by: by.map(Into::into),
                sort_order: order.map(Into::into),
                max_results: Some(1),
                next_token: token,
                ..Default::default()
            };
            let answer = bed.call(op::ListSecrets, input).await.unwrap();
            names.extend(
                answer
                    .secret_list
                    .unwrap()
                    .into_iter()
                    .map(|s| s.name.unwrap()),
            );
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(names, expected, "{filters:?} {by:?} {order:?}");
    }
}

fn owner() -> Owner {
    Owner {
        service: "redshift".into(),
        arn: "arn:aws:redshift:us-east-1:123456789012:cluster:c".into(),
        namespace: NAMESPACE.into(),
        user: "awsuser".into(),
    }
}

async fn managed_secret(bed: &Bed) -> (String, String) {
    let mut txn = bed.control.records.begin().await;
    let wanted = Wanted {
        owner: owner(),
        name: "c".into(),
        kms_key: None,
        members: [("host".to_owned(), "127.0.0.1".into())]
            .into_iter()
            .collect(),
    };
    let made = managed::create(&bed.control, &mut txn, wanted).unwrap();
    txn.commit().await.unwrap();
    made
}

fn told(bed: &Bed) -> Option<String> {
    bed.fake.state.lock().namespaces[NAMESPACE].1.clone()
}

async fn kept(bed: &Bed, arn: &str) -> serde_json::Value {
    serde_json::from_str(&get(bed, arn, None).await.unwrap()).unwrap()
}

#[tokio::test]
async fn admin_passwords_rotate() {
    let bed = Bed::new().await;
    let (arn, first) = managed_secret(&bed).await;
    assert!(arn.contains(":secret:redshift!c-awsuser-"));
    assert_eq!(kept(&bed, &arn).await["password"], first.as_str());
    assert_eq!(kept(&bed, &arn).await["engine"], "redshift");
    // Nobody else changes it.
    assert_eq!(
        shape(put(&bed, &arn, "mine", None).await),
        "InvalidRequestException"
    );
    let input = sm::DeleteSecretRequest {
        secret_id: arn.clone(),
        ..Default::default()
    };
    assert_eq!(
        shape(bed.call(op::DeleteSecret, input).await),
        "InvalidRequestException"
    );
    let rotate = || sm::RotateSecretRequest {
        secret_id: arn.clone(),
        ..Default::default()
    };
    bed.call(op::RotateSecret, rotate()).await.unwrap();
    let second = kept(&bed, &arn).await;
    assert_ne!(second["password"], first.as_str());
    assert_eq!(second["host"], "127.0.0.1");
    assert_eq!(told(&bed).as_deref(), second["password"].as_str());
    // By the clock, after thirty days and not before.
    bed.control.clock.advance(Duration::days(29));
    rotation::due(&bed.control).await;
    assert_eq!(kept(&bed, &arn).await, second);
    bed.control.clock.advance(Duration::days(1));
    rotation::due(&bed.control).await;
    let third = kept(&bed, &arn).await;
    assert_ne!(third, second);
    assert_eq!(told(&bed).as_deref(), third["password"].as_str());
    // One that the warehouse does not take is not kept.
    bed.fake.state.lock().broken = Some("no".into());
    assert_eq!(
        shape(bed.call(op::RotateSecret, rotate()).await),
        "InternalServiceError"
    );
    bed.fake.state.lock().broken = None;
    assert_eq!(kept(&bed, &arn).await, third);
    let mut txn = bed.control.records.begin().await;
    managed::delete(&mut txn, &owner().arn);
    txn.commit().await.unwrap();
    assert_eq!(
        shape(get(&bed, &arn, None).await),
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn a_rotation_cut_off_ends_with_the_same_password() {
    let bed = Bed::new().await;
    let (arn, _) = managed_secret(&bed).await;
    // The process ends after the new password was kept and before the warehouse was told.
    bed.fake.state.lock().broken = Some("gone".into());
    let mut txn = bed.control.records.begin().await;
    let mut secret = records::find_in(&txn, &bed.control.config, &arn).unwrap();
    rotation::prepare(
        &bed.control,
        &mut txn,
        &mut secret,
        "22222222-2222-4222-8222-222222222222",
    )
    .unwrap();
    txn.put(secret).unwrap();
    txn.commit().await.unwrap();
    let pending: serde_json::Value =
        serde_json::from_str(&get(&bed, &arn, Some("AWSPENDING")).await.unwrap()).unwrap();
    bed.fake.state.lock().broken = None;
    let bed = bed.reopen().await;
    assert_eq!(kept(&bed, &arn).await, pending);
    assert_eq!(told(&bed).as_deref(), pending["password"].as_str());
}

#[tokio::test]
async fn without_a_function_nothing_rotates() {
    let bed = Bed::new().await;
    create(&bed, "a", "x").await.unwrap();
    let input = sm::RotateSecretRequest {
        secret_id: "a".into(),
        ..Default::default()
    };
    assert_eq!(
        shape(bed.call(op::RotateSecret, input).await),
        "InvalidRequestException"
    );
}

#[test]
fn passwords_by_the_rules() {
    for _ in 0..100 {
        let word = password();
        assert_eq!(word.len(), 32);
        assert!(word.bytes().all(|b| (33..=126).contains(&b)));
        assert!(!word.contains(['\'', '"', '\\', '/', '@']));
    }
}
