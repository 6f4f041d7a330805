//! Tags (guide L28165-28255): one set a resource, kept under the resource's ARN; deleted with it.

use std::collections::BTreeMap;

use lw_aws_model::redshift::{
    CreateTagsMessage, DeleteTagsMessage, DescribeTagsMessage, Tag, TaggedResource,
    TaggedResourceListMessage, errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};

use super::common::{Read, paged_in_order};
use super::resources;
use crate::Call;
use crate::records::{Record, Txn};
use crate::registry::{Depth, Registry};

/// The tags of a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TagSet {
    /// Whose.
    pub arn: String,
    /// Keys and values.
    pub tags: BTreeMap<String, String>,
}

impl Record for TagSet {
    const KIND: &'static str = "redshift.tags";
    fn id(&self) -> String {
        self.arn.clone()
    }
}

/// Most tags of a resource (L28181).
const MOST: usize = 50;

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateTags, Depth::Full, create_tags);
    registry.serve(op::DeleteTags, Depth::Full, delete_tags);
    registry.serve(op::DescribeTags, Depth::Full, describe_tags);
}

/// The tags of a resource.
pub fn of(read: &impl Read, arn: &str) -> Vec<Tag> {
    read.get::<TagSet>(arn)
        .map(|set| shown(&set.tags))
        .unwrap_or_default()
}

fn shown(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}

/// True if a resource has one of the keys and one of the values asked for (none asked: any).
pub fn matches(
    read: &impl Read,
    arn: &str,
    keys: &Option<Vec<String>>,
    values: &Option<Vec<String>>,
) -> bool {
    let keys = keys.as_deref().unwrap_or_default();
    let values = values.as_deref().unwrap_or_default();
    if keys.is_empty() && values.is_empty() {
        return true;
    }
    let Some(set) = read.get::<TagSet>(arn) else {
        return false;
    };
    (keys.is_empty() || keys.iter().any(|key| set.tags.contains_key(key)))
        && (values.is_empty() || set.tags.values().any(|value| values.contains(value)))
}

/// Gives a new resource its tags.
pub fn set(txn: &mut Txn, arn: &str, tags: Option<Vec<Tag>>) -> Result<(), ApiError> {
    let tags = checked(tags.unwrap_or_default())?;
    if tags.is_empty() {
        txn.delete::<TagSet>(arn);
        return Ok(());
    }
    if tags.len() > MOST {
        return Err(too_many());
    }
    txn.put(TagSet {
        arn: arn.to_string(),
        tags,
    })
}

/// Forgets the tags of a deleted resource.
pub fn forget(txn: &mut Txn, arn: &str) {
    if txn.get::<TagSet>(arn).is_some() {
        txn.delete::<TagSet>(arn);
    }
}

/// Moves tags when a resource's name changes.
pub fn rename(txn: &mut Txn, from: &str, to: &str) -> Result<(), ApiError> {
    txn.update::<TagSet>(from, |set| set.arn = to.to_string())
        .map(|_| ())
}

fn too_many() -> ApiError {
    errors::tag_limit_exceeded_fault(format!(
        "The number of tags exceeds the limit of {MOST} tags per resource."
    ))
}

/// Keys and values in the form the guide demands (L28201-28207).
pub fn checked(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, ApiError> {
    let mut all = BTreeMap::new();
    let good = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
    };
    for tag in tags {
        let key = tag.key.unwrap_or_default();
        let value = tag.value.unwrap_or_default();
        let length = key.chars().count();
        if length == 0 || length > 128 || !good(&key) {
            return Err(errors::invalid_tag_fault(format!(
                "The tag key '{key}' is not valid: 1 to 128 letters, digits, spaces and _ . : / = + - @."
            )));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(errors::invalid_tag_fault(
                "Tag keys must not begin with aws:, which is reserved.",
            ));
        }
        if value.chars().count() > 256 || !good(&value) {
            return Err(errors::invalid_tag_fault(format!(
                "The value of the tag '{key}' is not valid: up to 256 letters, digits, spaces and _ . : / = + - @."
            )));
        }
        if all.insert(key.clone(), value).is_some() {
            return Err(errors::invalid_tag_fault(format!(
                "The tag key '{key}' is there more than once."
            )));
        }
    }
    Ok(all)
}

async fn create_tags(call: Call, input: CreateTagsMessage) -> Result<Nothing, ApiError> {
    let new = checked(input.tags)?;
    let mut txn = call.begin().await;
    resources::require(&txn, call.config(), &input.resource_name)?;
    let mut tags = txn
        .get::<TagSet>(&input.resource_name)
        .map(|set| set.tags.clone())
        .unwrap_or_default();
    tags.extend(new);
    if tags.len() > MOST {
        return Err(too_many());
    }
    txn.put(TagSet {
        arn: input.resource_name,
        tags,
    })?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn delete_tags(call: Call, input: DeleteTagsMessage) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    resources::require(&txn, call.config(), &input.resource_name)?;
    txn.update::<TagSet>(&input.resource_name, |set| {
        set.tags.retain(|key, _| !input.tag_keys.contains(key));
    })?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe_tags(
    call: Call,
    input: DescribeTagsMessage,
) -> Result<TaggedResourceListMessage, ApiError> {
    let view = call.view();
    if input.resource_name.is_some() && input.resource_type.is_some() {
        return Err(ApiError::combination(
            "ResourceName and ResourceType cannot be specified together.",
        ));
    }
    if let Some(arn) = &input.resource_name {
        resources::require(&view, call.config(), arn)?;
    }
    if let Some(kind) = &input.resource_type
        && !resources::TYPES
            .iter()
            .any(|(_, shown)| shown.eq_ignore_ascii_case(kind))
    {
        return Err(ApiError::validation(format!(
            "Invalid resource type: {kind}. Valid values: {}.",
            resources::TYPES
                .iter()
                .map(|(_, shown)| *shown)
                .collect::<Vec<_>>()
                .join(", ")
        )));
    }
    let keys = input.tag_keys.unwrap_or_default();
    let values = input.tag_values.unwrap_or_default();
    let mut found = Vec::new();
    for set in Read::list::<TagSet>(&view) {
        let kind = resources::type_of(&set.arn).unwrap_or_default();
        if input
            .resource_name
            .as_ref()
            .is_some_and(|arn| *arn != set.arn)
            || input
                .resource_type
                .as_ref()
                .is_some_and(|asked| !asked.eq_ignore_ascii_case(kind))
        {
            continue;
        }
        for (key, value) in &set.tags {
            if (!keys.is_empty() && !keys.contains(key))
                || (!values.is_empty() && !values.contains(value))
            {
                continue;
            }
            found.push(TaggedResource {
                resource_name: Some(set.arn.clone()),
                resource_type: Some(kind.to_string()),
                tag: Some(Tag {
                    key: Some(key.clone()),
                    value: Some(value.clone()),
                }),
            });
        }
    }
    let (tagged_resources, marker) = paged_in_order(found, &input.marker, input.max_records)?;
    Ok(TaggedResourceListMessage {
        marker,
        tagged_resources: Some(tagged_resources),
    })
}
