//! Usage limits (guide L3150-3185). What they would limit (Spectrum, concurrency scaling, sharing across
//! regions) is not here, so that none is ever reached.

use std::sync::Arc;

use lw_aws_model::redshift::{
    CreateUsageLimitMessage, DeleteUsageLimitMessage, DescribeUsageLimitsMessage,
    ModifyUsageLimitMessage, UsageLimit as Shown, UsageLimitList, errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};

use super::cluster::find_cluster;
use super::common::{Read, paged, some};
use super::tags;
use crate::records::Record;
use crate::registry::{Depth, Registry};
use crate::{Call, ControlConfig};

/// A usage limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UsageLimit {
    pub id: String,
    /// Namespace of its cluster, which stays when the cluster is renamed.
    pub namespace: String,
    pub cluster: String,
    pub feature: String,
    pub limit_type: String,
    pub amount: i64,
    pub period: String,
    pub action: String,
}

impl Record for UsageLimit {
    const KIND: &'static str = "redshift.usage-limit";
    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Limits of one feature of a cluster (L3160).
const MOST: usize = 3;

pub fn register(registry: &mut Registry) {
    let why = Depth::Record("the features that they limit are not here");
    registry.serve(op::CreateUsageLimit, why, create);
    registry.serve(op::ModifyUsageLimit, why, modify);
    registry.serve(op::DeleteUsageLimit, why, delete);
    registry.serve(op::DescribeUsageLimits, why, describe);
}

/// A limit's ARN.
pub fn arn(config: &ControlConfig, id: &str) -> String {
    config.arn("redshift", format_args!("usagelimit:{id}"))
}

fn shown(read: &impl Read, config: &ControlConfig, limit: &UsageLimit) -> Shown {
    Shown {
        usage_limit_id: Some(limit.id.clone()),
        cluster_identifier: Some(limit.cluster.clone()),
        feature_type: Some(limit.feature.clone()),
        limit_type: Some(limit.limit_type.clone()),
        amount: Some(limit.amount),
        period: Some(limit.period.clone()),
        breach_action: Some(limit.action.clone()),
        tags: Some(tags::of(read, &arn(config, &limit.id))),
    }
}

fn find(read: &impl Read, id: &str) -> Result<Arc<UsageLimit>, ApiError> {
    read.get::<UsageLimit>(id)
        .ok_or_else(|| errors::usage_limit_not_found_fault(format!("Usage limit {id} not found.")))
}

/// The rules among the limits of a feature: at most three, at most one that turns off (L3160-3167).
fn check(read: &impl Read, new: &UsageLimit) -> Result<(), ApiError> {
    let others: Vec<Arc<UsageLimit>> = read
        .list::<UsageLimit>()
        .into_iter()
        .filter(|other| {
            other.namespace == new.namespace && other.feature == new.feature && other.id != new.id
        })
        .collect();
    if others.len() >= MOST {
        return Err(errors::limit_exceeded_fault(format!(
            "A cluster can have up to {MOST} usage limits for the feature {}.",
            new.feature
        )));
    }
    if new.action == "disable" && others.iter().any(|other| other.action == "disable") {
        return Err(errors::invalid_usage_limit_fault(format!(
            "Only one usage limit for the feature {} can have the action disable.",
            new.feature
        )));
    }
    if others.iter().any(|other| {
        other.period == new.period && other.action == new.action && other.amount == new.amount
    }) {
        return Err(errors::usage_limit_already_exists_fault(format!(
            "There is such a usage limit for the feature {} already.",
            new.feature
        )));
    }
    if new.amount <= 0 {
        return Err(errors::invalid_usage_limit_fault(
            "The amount of a usage limit must be positive.",
        ));
    }
    Ok(())
}

async fn create(call: Call, input: CreateUsageLimitMessage) -> Result<Shown, ApiError> {
    let wanted = match input.feature_type.as_str() {
        "concurrency-scaling" | "extra-compute-for-automatic-optimization" => "time",
        _ => "data-scanned",
    };
    if input.limit_type != wanted {
        return Err(errors::invalid_usage_limit_fault(format!(
            "The limit type of the feature {} must be {wanted}.",
            input.feature_type
        )));
    }
    let mut txn = call.begin().await;
    let cluster = find_cluster(&txn, &input.cluster_identifier)?;
    let limit = UsageLimit {
        id: uuid::Uuid::new_v4().to_string(),
        namespace: cluster.namespace.clone(),
        cluster: cluster.id.clone(),
        feature: input.feature_type,
        limit_type: input.limit_type,
        amount: input.amount,
        period: input.period.unwrap_or_else(|| "monthly".into()),
        action: input.breach_action.unwrap_or_else(|| "log".into()),
    };
    check(&txn, &limit)?;
    txn.put(limit.clone())?;
    tags::set(&mut txn, &arn(call.config(), &limit.id), input.tags)?;
    let shown = shown(&txn, call.config(), &limit);
    txn.commit().await?;
    Ok(shown)
}

async fn modify(call: Call, input: ModifyUsageLimitMessage) -> Result<Shown, ApiError> {
    let mut txn = call.begin().await;
    let mut limit = (*find(&txn, &input.usage_limit_id)?).clone();
    if let Some(amount) = input.amount {
        limit.amount = amount;
    }
    if let Some(action) = input.breach_action {
        limit.action = action;
    }
    check(&txn, &limit)?;
    txn.put(limit.clone())?;
    let shown = shown(&txn, call.config(), &limit);
    txn.commit().await?;
    Ok(shown)
}

async fn delete(call: Call, input: DeleteUsageLimitMessage) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let limit = find(&txn, &input.usage_limit_id)?;
    txn.delete::<UsageLimit>(&limit.id);
    tags::forget(&mut txn, &arn(call.config(), &limit.id));
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe(
    call: Call,
    input: DescribeUsageLimitsMessage,
) -> Result<UsageLimitList, ApiError> {
    let view = call.view();
    let cluster = some(input.cluster_identifier)
        .map(|id| find_cluster(&view, &id))
        .transpose()?;
    let id = some(input.usage_limit_id);
    let all = Read::list::<UsageLimit>(&view)
        .into_iter()
        .filter(|limit| id.as_ref().is_none_or(|id| *id == limit.id))
        .filter(|limit| {
            cluster
                .as_ref()
                .is_none_or(|c| c.namespace == limit.namespace)
        })
        .filter(|limit| {
            input
                .feature_type
                .as_ref()
                .is_none_or(|f| *f == limit.feature)
        })
        .filter(|limit| {
            tags::matches(
                &view,
                &arn(call.config(), &limit.id),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(UsageLimitList {
        marker,
        usage_limits: Some(
            page.iter()
                .map(|limit| shown(&view, call.config(), limit))
                .collect(),
        ),
    })
}
