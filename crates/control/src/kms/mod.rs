//! KMS: symmetric keys. Key material is sealed with the root key of the data directory; ciphertexts are
//! AES-256-GCM and say which key, and which of its materials, they are made with.

pub mod access;
mod cipher;
mod keys;
mod records;
#[cfg(test)]
mod tests;
mod uses;

use std::sync::Arc;
use std::time::Duration;

use lw_aws_model::kms::op;

use crate::Control;
use crate::registry::{Depth, Registry};

pub use cipher::{Context, decrypt, encrypt};
pub use records::{Alias, Key, KeyState, find, service_key};

/// How often deletions and rotations that are due are looked for.
const LOOK: Duration = Duration::from_secs(600);

/// The operations.
pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateKey, Depth::Full, keys::create);
    registry.serve(op::DescribeKey, Depth::Full, keys::describe);
    registry.serve(op::ListKeys, Depth::Full, keys::list);
    registry.serve(op::EnableKey, Depth::Full, keys::enable);
    registry.serve(op::DisableKey, Depth::Full, keys::disable);
    registry.serve(op::EnableKeyRotation, Depth::Full, keys::enable_rotation);
    registry.serve(
        op::ScheduleKeyDeletion,
        Depth::Full,
        keys::schedule_deletion,
    );
    registry.serve(op::CancelKeyDeletion, Depth::Full, keys::cancel_deletion);
    registry.serve(op::CreateAlias, Depth::Full, keys::create_alias);
    registry.serve(op::DeleteAlias, Depth::Full, keys::delete_alias);
    registry.serve(op::ListAliases, Depth::Full, keys::list_aliases);
    registry.serve(op::Encrypt, Depth::Full, uses::encrypt);
    registry.serve(op::Decrypt, Depth::Full, uses::decrypt);
    registry.serve(op::GenerateDataKey, Depth::Full, uses::generate_data_key);
    registry.serve(
        op::GenerateDataKeyWithoutPlaintext,
        Depth::Full,
        uses::generate_data_key_without_plaintext,
    );
}

/// Deletes and rotates keys when it is time.
pub async fn start(control: &Arc<Control>) {
    if let Err(error) = keys::due(control).await {
        tracing::error!(%error, "keys");
    }
    let weak = Arc::downgrade(control);
    control.jobs.every(LOOK, move || {
        let weak = weak.clone();
        async move {
            if let Some(control) = weak.upgrade()
                && let Err(error) = keys::due(&control).await
            {
                tracing::error!(%error, "keys");
            }
        }
    });
}
