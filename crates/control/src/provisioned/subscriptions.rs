//! DescribeEvents and the subscriptions to events (guide L27532-27644). What they tell, and to whom, is
//! with [`crate::notices`].

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Duration;
use lw_aws_model::redshift::{
    CreateEventSubscriptionMessage, CreateEventSubscriptionResult, DeleteEventSubscriptionMessage,
    DescribeEventCategoriesMessage, DescribeEventSubscriptionsMessage, DescribeEventsMessage,
    Event as ShownEvent, EventCategoriesMap, EventCategoriesMessage, EventInfoMap,
    EventSubscription as Shown, EventSubscriptionsMessage, EventsMessage,
    ModifyEventSubscriptionMessage, ModifyEventSubscriptionResult, errors, op,
};
use lw_aws_model::{ApiError, Nothing};

use super::common::{Read, identifier, paged, some};
use super::tags;
use crate::notices::{self, EventSubscription, catalogue};
use crate::registry::{Depth, Registry};
use crate::{Call, ControlConfig, page};

/// Subscriptions of an account (L27976).
const QUOTA: usize = 20;

pub fn register(registry: &mut Registry) {
    registry.serve(op::DescribeEvents, Depth::Full, describe_events);
    registry.serve(
        op::DescribeEventCategories,
        Depth::Full,
        describe_categories,
    );
    registry.serve(op::CreateEventSubscription, Depth::Full, create);
    registry.serve(op::ModifyEventSubscription, Depth::Full, modify);
    registry.serve(op::DeleteEventSubscription, Depth::Full, delete);
    registry.serve(op::DescribeEventSubscriptions, Depth::Full, describe);
}

async fn describe_events(
    call: Call,
    input: DescribeEventsMessage,
) -> Result<EventsMessage, ApiError> {
    let now = call.now();
    let source = some(input.source_identifier);
    if source.is_some() && input.source_type.is_none() {
        return Err(ApiError::combination(
            "SourceType is required when SourceIdentifier is specified.",
        ));
    }
    if input.duration.is_some() && input.start_time.is_some() && input.end_time.is_some() {
        return Err(ApiError::combination(
            "Duration cannot be specified together with StartTime and EndTime.",
        ));
    }
    // Minutes; an hour if nothing is said.
    let minutes = input.duration.unwrap_or(60);
    if minutes < 1 {
        return Err(ApiError::validation(
            "Duration must be at least one minute.",
        ));
    }
    let length = Duration::minutes(minutes.min(60 * 24 * 366));
    let (from, to) = match (input.start_time, input.end_time) {
        (Some(start), Some(end)) => (start, end),
        (Some(start), None) if input.duration.is_some() => (start, start + length),
        (Some(start), None) => (start, now + Duration::seconds(1)),
        (None, Some(end)) => (end - length, end),
        (None, None) => (now - length, now + Duration::seconds(1)),
    };
    let found = notices::list(
        &call.view(),
        from,
        to,
        input.source_type.as_deref(),
        source.as_deref(),
    )
    .into_iter()
    // The event bus has those of Serverless and of integrations (L27853).
    .filter(|record| catalogue::SOURCES.contains(&record.event.source_type.as_str()))
    .collect();
    let (page, marker) = page::page(
        found,
        |record| record.id.clone(),
        input.marker.as_deref(),
        page::max_records(input.max_records)?,
    )?;
    Ok(EventsMessage {
        marker,
        events: Some(
            page.into_iter()
                .map(|record| ShownEvent {
                    source_identifier: Some(record.event.source_id),
                    source_type: Some(record.event.source_type),
                    message: Some(record.event.message),
                    event_categories: Some(vec![record.event.category]),
                    severity: Some(record.event.severity),
                    date: Some(record.event.at),
                    event_id: Some(record.event.event_id),
                })
                .collect(),
        ),
    })
}

async fn describe_categories(
    _call: Call,
    input: DescribeEventCategoriesMessage,
) -> Result<EventCategoriesMessage, ApiError> {
    let wanted = some(input.source_type);
    if let Some(kind) = &wanted {
        source_type(kind)?;
    }
    let mut by_source: BTreeMap<&str, Vec<EventInfoMap>> = BTreeMap::new();
    for kind in catalogue::ALL {
        if !catalogue::SOURCES.contains(&kind.source)
            || wanted.as_deref().is_some_and(|w| w != kind.source)
        {
            continue;
        }
        by_source
            .entry(kind.source)
            .or_default()
            .push(EventInfoMap {
                event_id: Some(kind.id.into()),
                event_categories: Some(vec![kind.category.into()]),
                event_description: Some(kind.text.into()),
                severity: Some(kind.severity.into()),
            });
    }
    Ok(EventCategoriesMessage {
        event_categories_map_list: Some(
            by_source
                .into_iter()
                .map(|(source, events)| EventCategoriesMap {
                    source_type: Some(source.into()),
                    events: Some(events),
                })
                .collect(),
        ),
    })
}

fn source_type(kind: &str) -> Result<(), ApiError> {
    if catalogue::SOURCES.contains(&kind) {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "Invalid source type: {kind}. Valid values: {}.",
        catalogue::SOURCES.join(", ")
    )))
}

/// Checks the criteria and the topic of a subscription.
fn check(call: &Call, read: &impl Read, subscription: &EventSubscription) -> Result<(), ApiError> {
    if let Some(kind) = &subscription.source_type {
        source_type(kind)?;
    }
    if let Some(wrong) = subscription
        .categories
        .iter()
        .find(|c| !catalogue::CATEGORIES.contains(&c.to_ascii_lowercase().as_str()))
    {
        return Err(errors::subscription_category_not_found_fault(format!(
            "The event category {wrong} does not exist."
        )));
    }
    if let Some(severity) = &subscription.severity
        && !matches!(severity.to_ascii_uppercase().as_str(), "INFO" | "ERROR")
    {
        return Err(errors::subscription_severity_not_found_fault(format!(
            "The severity {severity} does not exist."
        )));
    }
    let arn = &subscription.topic_arn;
    let parts: Vec<&str> = arn.split(':').collect();
    if parts.len() != 6 || parts[0] != "arn" || parts[2] != "sns" || parts[5].ends_with(".fifo") {
        return Err(errors::sns_invalid_topic_fault(format!(
            "{arn} is not the ARN of a standard topic."
        )));
    }
    if parts[4] != call.config().account {
        return Err(errors::sns_no_authorization_fault(format!(
            "There is no permission to publish to {arn}."
        )));
    }
    if read.get::<notices::sns::Topic>(arn).is_none() {
        return Err(errors::sns_topic_arn_not_found_fault(format!(
            "The topic {arn} does not exist."
        )));
    }
    Ok(())
}

/// A subscription's ARN.
pub fn arn(config: &ControlConfig, name: &str) -> String {
    config.arn("redshift", format_args!("eventsubscription:{name}"))
}

fn shown(read: &impl Read, config: &ControlConfig, subscription: &EventSubscription) -> Shown {
    Shown {
        customer_aws_id: Some(config.account.clone()),
        cust_subscription_id: Some(subscription.name.clone()),
        sns_topic_arn: Some(subscription.topic_arn.clone()),
        status: Some(
            if read
                .get::<notices::sns::Topic>(&subscription.topic_arn)
                .is_some()
            {
                "active"
            } else {
                "topic-not-exist"
            }
            .into(),
        ),
        subscription_creation_time: Some(subscription.created),
        source_type: subscription.source_type.clone(),
        source_ids_list: Some(subscription.source_ids.clone()),
        event_categories_list: Some(subscription.categories.clone()),
        severity: subscription.severity.clone(),
        enabled: Some(subscription.enabled),
        tags: Some(tags::of(read, &arn(config, &subscription.name))),
    }
}

fn find(read: &impl Read, name: &str) -> Result<Arc<EventSubscription>, ApiError> {
    read.get::<EventSubscription>(&name.to_ascii_lowercase())
        .ok_or_else(|| {
            errors::subscription_not_found_fault(format!("Subscription {name} not found."))
        })
}

async fn create(
    call: Call,
    input: CreateEventSubscriptionMessage,
) -> Result<CreateEventSubscriptionResult, ApiError> {
    let name = identifier("SubscriptionName", &input.subscription_name, 255)?;
    let subscription = EventSubscription {
        name: name.clone(),
        topic_arn: input.sns_topic_arn,
        source_type: some(input.source_type),
        source_ids: input.source_ids.unwrap_or_default(),
        categories: input.event_categories.unwrap_or_default(),
        severity: some(input.severity),
        enabled: input.enabled.unwrap_or(true),
        created: call.now(),
    };
    let mut txn = call.begin().await;
    if txn.get::<EventSubscription>(&name).is_some() {
        return Err(errors::subscription_already_exist_fault(format!(
            "Subscription {name} already exists."
        )));
    }
    if txn.count::<EventSubscription>() >= QUOTA {
        return Err(errors::event_subscription_quota_exceeded_fault(format!(
            "The quota of {QUOTA} event subscriptions is reached."
        )));
    }
    check(&call, &txn, &subscription)?;
    txn.put(subscription.clone())?;
    tags::set(&mut txn, &arn(call.config(), &name), input.tags)?;
    let shown = shown(&txn, call.config(), &subscription);
    txn.commit().await?;
    Ok(CreateEventSubscriptionResult {
        event_subscription: Some(shown),
    })
}

async fn modify(
    call: Call,
    input: ModifyEventSubscriptionMessage,
) -> Result<ModifyEventSubscriptionResult, ApiError> {
    let mut txn = call.begin().await;
    let mut subscription = (*find(&txn, &input.subscription_name)?).clone();
    if let Some(topic) = some(input.sns_topic_arn) {
        subscription.topic_arn = topic;
    }
    if let Some(kind) = input.source_type {
        subscription.source_type = some(Some(kind));
    }
    if let Some(ids) = input.source_ids {
        subscription.source_ids = ids;
    }
    if let Some(categories) = input.event_categories {
        subscription.categories = categories;
    }
    if let Some(severity) = input.severity {
        subscription.severity = some(Some(severity));
    }
    if let Some(enabled) = input.enabled {
        subscription.enabled = enabled;
    }
    check(&call, &txn, &subscription)?;
    txn.put(subscription.clone())?;
    let shown = shown(&txn, call.config(), &subscription);
    txn.commit().await?;
    Ok(ModifyEventSubscriptionResult {
        event_subscription: Some(shown),
    })
}

async fn delete(call: Call, input: DeleteEventSubscriptionMessage) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let subscription = find(&txn, &input.subscription_name)?;
    txn.delete::<EventSubscription>(&subscription.name);
    tags::forget(&mut txn, &arn(call.config(), &subscription.name));
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe(
    call: Call,
    input: DescribeEventSubscriptionsMessage,
) -> Result<EventSubscriptionsMessage, ApiError> {
    let view = call.view();
    let all = match some(input.subscription_name) {
        Some(name) => vec![find(&view, &name)?],
        None => Read::list::<EventSubscription>(&view),
    };
    let all = all
        .into_iter()
        .filter(|s| {
            tags::matches(
                &view,
                &arn(call.config(), &s.name),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(EventSubscriptionsMessage {
        marker,
        event_subscriptions_list: Some(
            page.iter()
                .map(|s| shown(&view, call.config(), s))
                .collect(),
        ),
    })
}
