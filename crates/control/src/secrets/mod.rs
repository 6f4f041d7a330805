//! Secrets Manager: secrets with versions and stages, encrypted with keys of KMS; and the secrets that the
//! warehouse keeps for itself, the admin passwords of clusters and namespaces ([`managed`]).

pub mod access;
mod changes;
mod list;
pub mod managed;
mod records;
mod rotation;
mod tags;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;
use std::time::Duration;

use lw_aws_model::secretsmanager::op;

use crate::Control;
use crate::registry::{Depth, Registry};

pub use records::{Owner, Secret, Version, find};
pub use rotation::Guard;

/// How often deletions and rotations that are due are looked for.
const LOOK: Duration = Duration::from_secs(60);

/// The operations.
pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateSecret, Depth::Full, changes::create);
    registry.serve(op::UpdateSecret, Depth::Full, changes::update);
    registry.serve(op::PutSecretValue, Depth::Full, values::put);
    registry.serve(op::GetSecretValue, Depth::Full, values::get);
    registry.serve(op::DescribeSecret, Depth::Full, list::describe);
    registry.serve(op::ListSecrets, Depth::Full, list::list);
    registry.serve(op::DeleteSecret, Depth::Full, changes::delete);
    registry.serve(op::RestoreSecret, Depth::Full, changes::restore);
    registry.serve(op::RotateSecret, Depth::Full, rotation::rotate);
    registry.serve(op::TagResource, Depth::Full, tags::tag);
    registry.serve(op::UntagResource, Depth::Full, tags::untag);
}

/// Ends rotations that a crash cut off; deletes and rotates secrets when it is time.
pub async fn start(control: &Arc<Control>) {
    look(control).await;
    let weak = Arc::downgrade(control);
    control.jobs.every(LOOK, move || {
        let weak = weak.clone();
        async move {
            if let Some(control) = weak.upgrade() {
                look(&control).await;
            }
        }
    });
}

async fn look(control: &Arc<Control>) {
    if let Err(error) = changes::due(control).await {
        tracing::error!(%error, "secrets");
    }
    rotation::due(control).await;
}
