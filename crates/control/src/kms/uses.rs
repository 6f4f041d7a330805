//! Keys in use.

use bytes::Bytes;
use lw_aws_model::ApiError;
use lw_aws_model::kms::*;

use super::cipher::{self, Context, material_id};
use super::records::{self, find};
use crate::Call;

/// Bytes of random that a data key has at most.
const DATA_KEY_BYTES: usize = 1024;

fn algorithm(given: &Option<String>) -> Result<String, ApiError> {
    match given.as_deref() {
        None | Some("SYMMETRIC_DEFAULT") => Ok("SYMMETRIC_DEFAULT".into()),
        Some(other) => Err(errors::invalid_key_usage_exception(format!(
            "Algorithm {other} is incompatible with key spec SYMMETRIC_DEFAULT."
        ))),
    }
}

/// Everything was right, but nothing was to be done.
fn dry_run(given: Option<bool>) -> Result<(), ApiError> {
    match given {
        Some(true) => Err(errors::dry_run_operation_exception(
            "The request would have succeeded, but the DryRun option is set.",
        )),
        _ => Ok(()),
    }
}

fn no_recipient(given: bool) -> Result<(), ApiError> {
    match given {
        true => Err(errors::unsupported_operation_exception(
            "Recipient is not supported by Longwave yet.",
        )),
        false => Ok(()),
    }
}

pub async fn encrypt(call: Call, input: EncryptRequest) -> Result<EncryptResponse, ApiError> {
    let algorithm = algorithm(&input.encryption_algorithm)?;
    let key = find(&call.view(), call.config(), &input.key_id)?;
    let context = input.encryption_context.unwrap_or_default();
    let blob = cipher::encrypt(&call.control, &key, &input.plaintext, &context)?;
    dry_run(input.dry_run)?;
    Ok(EncryptResponse {
        ciphertext_blob: Some(blob.into()),
        key_id: Some(key.arn(call.config())),
        encryption_algorithm: Some(algorithm),
    })
}

pub async fn decrypt(call: Call, input: DecryptRequest) -> Result<DecryptResponse, ApiError> {
    let algorithm = algorithm(&input.encryption_algorithm)?;
    no_recipient(input.recipient.is_some())?;
    if input
        .dry_run_modifiers
        .as_ref()
        .is_some_and(|m| !m.is_empty())
    {
        return Err(errors::unsupported_operation_exception(
            "DryRunModifiers is not supported by Longwave yet.",
        ));
    }
    let view = call.view();
    let context = input.encryption_context.unwrap_or_default();
    let blob = input
        .ciphertext_blob
        .ok_or_else(|| ApiError::validation("CiphertextBlob is missing."))?;
    if let Some(named) = &input.key_id {
        let key = find(&view, call.config(), named)?;
        if cipher::key_of(&blob).is_some_and(|id| id != key.key_id) {
            return Err(errors::incorrect_key_exception(
                "The key ID in the request does not identify a CMK that can perform this operation.",
            ));
        }
    }
    let (key, plain) = cipher::decrypt(&call.control, &view, &blob, &context)?;
    dry_run(input.dry_run)?;
    Ok(DecryptResponse {
        key_id: Some(key.arn(call.config())),
        plaintext: Some(plain.into()),
        encryption_algorithm: Some(algorithm),
        ..Default::default()
    })
}

/// A new data key, and the same encrypted.
struct DataKey {
    key: std::sync::Arc<records::Key>,
    plain: Bytes,
    blob: Bytes,
}

fn data_key(
    call: &Call,
    key_id: &str,
    spec: Option<&str>,
    bytes: Option<i64>,
    context: &Context,
) -> Result<DataKey, ApiError> {
    let length = match (spec, bytes) {
        (Some("AES_256"), None) => 32,
        (Some("AES_128"), None) => 16,
        (None, Some(n)) if (1..=DATA_KEY_BYTES as i64).contains(&n) => n as usize,
        _ => {
            return Err(ApiError::validation(
                "Please specify either number of bytes or key spec.",
            ));
        }
    };
    let key = find(&call.view(), call.config(), key_id)?;
    let random: [u8; DATA_KEY_BYTES] = lw_base::random::bytes();
    let plain = &random[..length];
    let blob = cipher::encrypt(&call.control, &key, plain, context)?;
    Ok(DataKey {
        key,
        plain: Bytes::copy_from_slice(plain),
        blob: blob.into(),
    })
}

fn newest(key: &records::Key) -> String {
    material_id(key, key.materials.len().saturating_sub(1))
}

pub async fn generate_data_key(
    call: Call,
    input: GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse, ApiError> {
    no_recipient(input.recipient.is_some())?;
    let made = data_key(
        &call,
        &input.key_id,
        input.key_spec.as_deref(),
        input.number_of_bytes,
        &input.encryption_context.unwrap_or_default(),
    )?;
    dry_run(input.dry_run)?;
    Ok(GenerateDataKeyResponse {
        ciphertext_blob: Some(made.blob),
        plaintext: Some(made.plain),
        key_id: Some(made.key.arn(call.config())),
        key_material_id: Some(newest(&made.key)),
        ..Default::default()
    })
}

pub async fn generate_data_key_without_plaintext(
    call: Call,
    input: GenerateDataKeyWithoutPlaintextRequest,
) -> Result<GenerateDataKeyWithoutPlaintextResponse, ApiError> {
    let made = data_key(
        &call,
        &input.key_id,
        input.key_spec.as_deref(),
        input.number_of_bytes,
        &input.encryption_context.unwrap_or_default(),
    )?;
    dry_run(input.dry_run)?;
    Ok(GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Some(made.blob),
        key_id: Some(made.key.arn(call.config())),
        key_material_id: Some(newest(&made.key)),
    })
}
