//! Tags of namespaces, workgroups, snapshots and recovery points (guide L2733-2764).

use std::collections::BTreeMap;

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, Tag, TagResourceRequest,
    TagResourceResponse, UntagResourceRequest, UntagResourceResponse, errors, op,
};
use serde::{Deserialize, Serialize};

use super::resources;
use crate::Call;
use crate::records::{Record, Txn, View};
use crate::registry::{Depth, Registry};

/// Tags of one resource.
const MOST: usize = 50;

/// The tags of a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tags {
    /// Its ARN.
    pub arn: String,
    /// Keys and values.
    pub tags: BTreeMap<String, String>,
}

impl Record for Tags {
    const KIND: &'static str = "serverless.tags";
    fn id(&self) -> String {
        self.arn.clone()
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::TagResource, Depth::Full, tag_resource);
    registry.serve(op::UntagResource, Depth::Full, untag_resource);
    registry.serve(op::ListTagsForResource, Depth::Full, list_tags);
}

/// The tags of a resource, for conditions of policies.
pub fn of(view: &View, arn: &str) -> BTreeMap<String, String> {
    view.get::<Tags>(arn)
        .map(|tags| tags.tags.clone())
        .unwrap_or_default()
}

/// Adds tags to a resource.
pub fn add(txn: &mut Txn, arn: &str, given: Option<&[Tag]>) -> Result<(), ApiError> {
    let given = given.unwrap_or_default();
    if given.is_empty() {
        return Ok(());
    }
    let mut tags = txn
        .get::<Tags>(arn)
        .map(|tags| tags.tags.clone())
        .unwrap_or_default();
    let mut seen = Vec::new();
    for tag in given {
        check(&tag.key, &tag.value)?;
        if seen.contains(&&tag.key) {
            return Err(errors::validation_exception(format!(
                "Duplicate tag keys found: {}. Tag keys are case sensitive and must be unique.",
                tag.key
            )));
        }
        seen.push(&tag.key);
        tags.insert(tag.key.clone(), tag.value.clone());
    }
    if tags.len() > MOST {
        return Err(errors::too_many_tags_exception(format!(
            "The resource would have {} tags; {MOST} are allowed.",
            tags.len()
        ))
        .with("resourceName", arn));
    }
    txn.put(Tags {
        arn: arn.into(),
        tags,
    })
}

/// Deletes the tags of a resource that is deleted.
pub fn forget(txn: &mut Txn, arn: &str) {
    if txn.get::<Tags>(arn).is_some() {
        txn.delete::<Tags>(arn);
    }
}

fn check(key: &str, value: &str) -> Result<(), ApiError> {
    let fail = |what: String| Err(errors::validation_exception(what));
    let allowed = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
    };
    if key.to_lowercase().starts_with("aws:") {
        return fail(format!(
            "Tag keys that begin with aws: are reserved: {key}."
        ));
    }
    if !allowed(key) || !allowed(value) {
        return fail(format!(
            "The tag {key} has characters other than letters, digits, whitespace and _ . : / = + - @."
        ));
    }
    Ok(())
}

async fn tag_resource(
    call: Call,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, ApiError> {
    let mut txn = call.begin().await;
    resources::exists(&call.view(), call.config(), &input.resource_arn)?;
    add(&mut txn, &input.resource_arn, Some(&input.tags))?;
    txn.commit().await?;
    Ok(TagResourceResponse::default())
}

async fn untag_resource(
    call: Call,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, ApiError> {
    let mut txn = call.begin().await;
    resources::exists(&call.view(), call.config(), &input.resource_arn)?;
    txn.update::<Tags>(&input.resource_arn, |tags| {
        tags.tags.retain(|key, _| !input.tag_keys.contains(key));
    })?;
    txn.commit().await?;
    Ok(UntagResourceResponse::default())
}

async fn list_tags(
    call: Call,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, ApiError> {
    let view = call.view();
    resources::exists(&view, call.config(), &input.resource_arn)?;
    let tags = of(&view, &input.resource_arn);
    Ok(ListTagsForResourceResponse {
        tags: Some(
            tags.into_iter()
                .map(|(key, value)| Tag { key, value })
                .collect(),
        ),
    })
}
