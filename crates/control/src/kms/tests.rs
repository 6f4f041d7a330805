//! Keys as a client sees them.

use std::collections::BTreeMap;

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::kms::{self, op};

use super::keys;
use crate::testing::Bed;

async fn key(bed: &Bed) -> String {
    let answer = bed.call(op::CreateKey, Default::default()).await.unwrap();
    answer.key_metadata.unwrap().key_id
}

async fn encrypt(bed: &Bed, key: &str, text: &str) -> Result<bytes::Bytes, ApiError> {
    let input = kms::EncryptRequest {
        key_id: key.into(),
        plaintext: text.as_bytes().to_vec().into(),
        encryption_context: Some(context("a", "b")),
        ..Default::default()
    };
    Ok(bed.call(op::Encrypt, input).await?.ciphertext_blob.unwrap())
}

async fn decrypt(
    bed: &Bed,
    blob: &[u8],
    context: BTreeMap<String, String>,
) -> Result<String, ApiError> {
    let input = kms::DecryptRequest {
        ciphertext_blob: Some(blob.to_vec().into()),
        encryption_context: Some(context),
        ..Default::default()
    };
    let answer = bed.call(op::Decrypt, input).await?;
    Ok(String::from_utf8(answer.plaintext.unwrap().to_vec()).unwrap())
}

fn context(name: &str, value: &str) -> BTreeMap<String, String> {
    [(name.to_string(), value.to_string())].into()
}

fn shape<T>(result: Result<T, ApiError>) -> String {
    result.err().map(|e| e.shape).unwrap_or_default()
}

#[tokio::test]
async fn what_is_encrypted_comes_back() {
    let bed = Bed::new().await;
    let id = key(&bed).await;
    let blob = encrypt(&bed, &id, "hello").await.unwrap();
    assert!(!blob.windows(5).any(|w| w == b"hello"));
    // After another start, with the same context, and not otherwise.
    let bed = bed.reopen().await;
    assert_eq!(
        decrypt(&bed, &blob, context("a", "b")).await.unwrap(),
        "hello"
    );
    for wrong in [context("a", "c"), context("ab", ""), BTreeMap::new()] {
        assert_eq!(
            shape(decrypt(&bed, &blob, wrong).await),
            "InvalidCiphertextException"
        );
    }
    let mut changed = blob.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    for wrong in [changed.as_slice(), &blob[..10], b"x"] {
        assert_eq!(
            shape(decrypt(&bed, wrong, context("a", "b")).await),
            "InvalidCiphertextException"
        );
    }
    let other = key(&bed).await;
    let input = kms::DecryptRequest {
        ciphertext_blob: Some(blob),
        encryption_context: Some(context("a", "b")),
        key_id: Some(other),
        ..Default::default()
    };
    assert_eq!(
        shape(bed.call(op::Decrypt, input).await),
        "IncorrectKeyException"
    );
}

#[tokio::test]
async fn data_keys() {
    let bed = Bed::new().await;
    let id = key(&bed).await;
    for (spec, bytes, expected) in [
        (Some("AES_256"), None, Some(32)),
        (Some("AES_128"), None, Some(16)),
        (None, Some(7), Some(7)),
        (None, None, None),
        (Some("AES_128"), Some(7), None),
    ] {
        let input = kms::GenerateDataKeyRequest {
            key_id: id.clone(),
            key_spec: spec.map(Into::into),
            number_of_bytes: bytes,
            ..Default::default()
        };
        let answer = bed.call(op::GenerateDataKey, input).await;
        let Some(expected) = expected else {
            assert_eq!(shape(answer), "ValidationException");
            continue;
        };
        let answer = answer.unwrap();
        let plain = answer.plaintext.unwrap();
        assert_eq!(plain.len(), expected);
        let input = kms::DecryptRequest {
            ciphertext_blob: answer.ciphertext_blob,
            ..Default::default()
        };
        assert_eq!(
            bed.call(op::Decrypt, input).await.unwrap().plaintext,
            Some(plain)
        );
    }
}

#[tokio::test]
async fn states_and_aliases() {
    let bed = Bed::new().await;
    let id = key(&bed).await;
    let alias = |name: &str, target: &str| kms::CreateAliasRequest {
        alias_name: name.into(),
        target_key_id: target.into(),
    };
    bed.call(op::CreateAlias, alias("alias/mine", &id))
        .await
        .unwrap();
    assert_eq!(
        shape(bed.call(op::CreateAlias, alias("alias/mine", &id)).await),
        "AlreadyExistsException"
    );
    assert_eq!(
        shape(
            bed.call(op::CreateAlias, alias("alias/aws/mine", &id))
                .await
        ),
        "InvalidAliasNameException"
    );
    let arn = format!("arn:aws:kms:us-east-1:123456789012:key/{id}");
    for name in [
        id.as_str(),
        arn.as_str(),
        "alias/mine",
        "arn:aws:kms:us-east-1:123456789012:alias/mine",
    ] {
        let blob = encrypt(&bed, name, "x").await.unwrap();
        assert_eq!(decrypt(&bed, &blob, context("a", "b")).await.unwrap(), "x");
    }
    assert_eq!(
        shape(encrypt(&bed, "alias/other", "x").await),
        "NotFoundException"
    );
    let blob = encrypt(&bed, &id, "x").await.unwrap();
    let disable = kms::DisableKeyRequest { key_id: id.clone() };
    bed.call(op::DisableKey, disable).await.unwrap();
    assert_eq!(shape(encrypt(&bed, &id, "x").await), "DisabledException");
    assert_eq!(
        shape(decrypt(&bed, &blob, context("a", "b")).await),
        "DisabledException"
    );
    let enable = || kms::EnableKeyRequest { key_id: id.clone() };
    bed.call(op::EnableKey, enable()).await.unwrap();
    decrypt(&bed, &blob, context("a", "b")).await.unwrap();
    let delete = |days| kms::ScheduleKeyDeletionRequest {
        key_id: id.clone(),
        pending_window_in_days: Some(days),
    };
    assert_eq!(
        shape(bed.call(op::ScheduleKeyDeletion, delete(6)).await),
        "ValidationException"
    );
    bed.call(op::ScheduleKeyDeletion, delete(7)).await.unwrap();
    assert_eq!(
        shape(encrypt(&bed, &id, "x").await),
        "KMSInvalidStateException"
    );
    let cancel = kms::CancelKeyDeletionRequest { key_id: id.clone() };
    bed.call(op::CancelKeyDeletion, cancel).await.unwrap();
    assert_eq!(shape(encrypt(&bed, &id, "x").await), "DisabledException");
    bed.call(op::ScheduleKeyDeletion, delete(7)).await.unwrap();
    bed.control
        .clock
        .advance(Duration::days(7) - Duration::seconds(60));
    keys::due(&bed.control).await.unwrap();
    let describe = || kms::DescribeKeyRequest {
        key_id: id.clone(),
        ..Default::default()
    };
    let shown = bed.call(op::DescribeKey, describe()).await.unwrap();
    assert_eq!(
        shown.key_metadata.unwrap().key_state.as_deref(),
        Some("PendingDeletion")
    );
    bed.control.clock.advance(Duration::seconds(61));
    keys::due(&bed.control).await.unwrap();
    assert_eq!(
        shape(bed.call(op::DescribeKey, describe()).await),
        "NotFoundException"
    );
    let aliases = bed.call(op::ListAliases, Default::default()).await.unwrap();
    assert_eq!(aliases.aliases.unwrap().len(), 0);
    assert_eq!(
        shape(decrypt(&bed, &blob, context("a", "b")).await),
        "NotFoundException"
    );
}

#[tokio::test]
async fn rotation_keeps_what_was_encrypted() {
    let bed = Bed::new().await;
    let id = key(&bed).await;
    let blob = encrypt(&bed, &id, "old").await.unwrap();
    let material = async || {
        let input = kms::DescribeKeyRequest {
            key_id: id.clone(),
            ..Default::default()
        };
        let shown = bed.call(op::DescribeKey, input).await.unwrap();
        shown.key_metadata.unwrap().current_key_material_id
    };
    let first = material().await;
    let input = kms::EnableKeyRotationRequest {
        key_id: id.clone(),
        rotation_period_in_days: Some(90),
    };
    bed.call(op::EnableKeyRotation, input).await.unwrap();
    keys::due(&bed.control).await.unwrap();
    assert_eq!(material().await, first);
    bed.control.clock.advance(Duration::days(200));
    keys::due(&bed.control).await.unwrap();
    assert_ne!(material().await, first);
    assert_eq!(
        decrypt(&bed, &blob, context("a", "b")).await.unwrap(),
        "old"
    );
}

#[tokio::test]
async fn a_policy_does_not_lock_its_author_out() {
    let bed = Bed::new().await;
    let create = |policy: &str, bypass| kms::CreateKeyRequest {
        policy: Some(policy.into()),
        bypass_policy_lockout_safety_check: bypass,
        ..Default::default()
    };
    let other = r#"{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/x"}, "Action": "kms:*", "Resource": "*"}]}"#;
    for (policy, bypass, expected) in [
        ("{", None, "MalformedPolicyDocumentException"),
        (other, None, "MalformedPolicyDocumentException"),
        (other, Some(true), ""),
    ] {
        assert_eq!(
            shape(bed.call(op::CreateKey, create(policy, bypass)).await),
            expected
        );
    }
    let rsa = kms::CreateKeyRequest {
        key_spec: Some("RSA_2048".into()),
        ..Default::default()
    };
    assert_eq!(
        shape(bed.call(op::CreateKey, rsa).await),
        "UnsupportedOperationException"
    );
}
