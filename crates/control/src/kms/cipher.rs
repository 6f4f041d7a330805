//! Ciphertexts: one byte of version, the key's id, the number of its material, then what
//! [`Sealer::seal`] makes, with all before it and the encryption context as associated data.

use std::collections::BTreeMap;

use lw_aws_model::ApiError;
use lw_aws_model::kms::errors;

use super::records::{Key, KeyState, find};
use crate::Control;
use crate::records::View;
use crate::vault::Sealer;

/// An encryption context.
pub type Context = BTreeMap<String, String>;

const VERSION: u8 = 1;
const HEADER: usize = 1 + 16 + 4;

/// Encrypts with the newest material of a key.
pub fn encrypt(
    control: &Control,
    key: &Key,
    plain: &[u8],
    context: &Context,
) -> Result<Vec<u8>, ApiError> {
    usable(control, key)?;
    let number = key.materials.len().saturating_sub(1);
    let id = uuid::Uuid::parse_str(&key.key_id).map_err(ApiError::internal)?;
    let mut blob = vec![VERSION];
    blob.extend_from_slice(id.as_bytes());
    blob.extend_from_slice(&(number as u32).to_be_bytes());
    let sealed = sealer(control, key, number)?
        .seal(plain, &associated(&blob, context))
        .map_err(|_| ApiError::internal("the data cannot be encrypted"))?;
    blob.extend_from_slice(&sealed);
    Ok(blob)
}

/// Decrypts, with the key that the ciphertext names.
pub fn decrypt(
    control: &Control,
    view: &View,
    blob: &[u8],
    context: &Context,
) -> Result<(std::sync::Arc<Key>, Vec<u8>), ApiError> {
    let invalid = || {
        errors::invalid_ciphertext_exception(
            "The ciphertext is damaged, was made with another encryption context, or is none.",
        )
    };
    let (header, sealed) = blob.split_at_checked(HEADER).ok_or_else(invalid)?;
    let id = key_of(blob).ok_or_else(invalid)?;
    let number = u32::from_be_bytes(header[17..HEADER].try_into().map_err(|_| invalid())?);
    let key = find(view, &control.config, &id)?;
    usable(control, &key)?;
    if number as usize >= key.materials.len() {
        return Err(invalid());
    }
    let plain = sealer(control, &key, number as usize)?
        .open(sealed, &associated(header, context))
        .map_err(|_| invalid())?;
    Ok((key, plain))
}

/// Id of the key that a ciphertext names.
pub fn key_of(blob: &[u8]) -> Option<String> {
    let (version, rest) = blob.split_first()?;
    let id = rest.get(..16)?;
    (*version == VERSION).then(|| uuid::Uuid::from_slice(id).map(|id| id.to_string()).ok())?
}

/// A name for a material, for those who want to see that it changed.
pub fn material_id(key: &Key, number: usize) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(key.seal_context(number)))
}

/// Complains about a key that may not be used.
pub fn usable(control: &Control, key: &Key) -> Result<(), ApiError> {
    let arn = key.arn(&control.config);
    match key.state {
        KeyState::Enabled => Ok(()),
        KeyState::Disabled => Err(errors::disabled_exception(format!("{arn} is disabled."))),
        KeyState::PendingDeletion => Err(errors::kms_invalid_state_exception(format!(
            "{arn} is pending deletion."
        ))),
    }
}

fn sealer(control: &Control, key: &Key, number: usize) -> Result<Sealer, ApiError> {
    let broken = || ApiError::internal("the key's material cannot be opened with the root key");
    let sealed = key.materials.get(number).ok_or_else(broken)?;
    let material = control
        .root_key
        .open_text(sealed, &key.seal_context(number))
        .map_err(|_| broken())?;
    Sealer::new(&material).ok_or_else(broken)
}

/// Header and context, each part with its length, so that no two contexts read the same.
fn associated(header: &[u8], context: &Context) -> Vec<u8> {
    let mut bytes = header.to_vec();
    for (name, value) in context {
        for part in [name, value] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    bytes
}
