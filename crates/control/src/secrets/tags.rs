//! Tags of secrets.

use std::collections::BTreeMap;

use lw_aws_model::secretsmanager::*;
use lw_aws_model::{ApiError, Nothing};

use super::records::{self, find_in, in_use};
use crate::Call;

const TAGS: usize = 50;

/// Adds tags to those that are there; those of AWS are not given by users.
pub fn add_tags(to: &mut BTreeMap<String, String>, tags: Vec<Tag>) -> Result<(), ApiError> {
    for tag in tags {
        let key = tag.key.unwrap_or_default();
        if key.is_empty() {
            return Err(errors::invalid_parameter_exception("A tag has a key."));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(errors::invalid_parameter_exception(
                "Tag keys that begin with aws: are reserved.",
            ));
        }
        to.insert(key, tag.value.unwrap_or_default());
    }
    if to.keys().filter(|key| !key.starts_with("aws:")).count() > TAGS {
        return Err(errors::limit_exceeded_exception(format!(
            "A secret has at most {TAGS} tags."
        )));
    }
    Ok(())
}

async fn change(
    call: &Call,
    id: &str,
    change: impl FnOnce(&mut records::Secret) -> Result<(), ApiError>,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let mut secret = find_in(&txn, call.config(), id)?;
    in_use(&secret)?;
    change(&mut secret)?;
    txn.put(secret)?;
    txn.commit().await?;
    Ok(Nothing)
}

pub async fn tag(call: Call, input: TagResourceRequest) -> Result<Nothing, ApiError> {
    change(&call, &input.secret_id, |secret| {
        add_tags(&mut secret.tags, input.tags)
    })
    .await
}

pub async fn untag(call: Call, input: UntagResourceRequest) -> Result<Nothing, ApiError> {
    change(&call, &input.secret_id, |secret| {
        if input
            .tag_keys
            .iter()
            .any(|k| k.to_lowercase().starts_with("aws:"))
        {
            return Err(errors::invalid_parameter_exception(
                "Tags whose keys begin with aws: are not removed by users.",
            ));
        }
        secret.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await
}
