//! Topics and their subscriptions: SNS as far as events need it. A topic's messages go to HTTP and HTTPS
//! endpoints that have confirmed their subscription.

use chrono::{DateTime, Utc};
use lw_aws_model::sns::{
    ConfirmSubscriptionInput, ConfirmSubscriptionResponse, CreateTopicInput, CreateTopicResponse,
    DeleteTopicInput, ListSubscriptionsByTopicInput, ListSubscriptionsByTopicResponse,
    ListTopicsInput, ListTopicsResponse, PublishInput, PublishResponse, SubscribeInput,
    SubscribeResponse, Subscription, Topic as TopicShape, UnsubscribeInput, errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::delivery::{self, Message};
use super::mail;
use crate::Call;
use crate::page::page;
use crate::records::{Record, Txn};
use crate::registry::{Depth, Registry};

const PAGE: usize = 100;
const TOPICS: usize = 100_000;
/// Bytes of a message.
const MESSAGE_LIMIT: usize = 256 * 1024;

/// A topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Topic {
    /// Its ARN.
    pub arn: String,
    /// Its attributes (`DisplayName`).
    #[serde(default)]
    pub attributes: std::collections::BTreeMap<String, String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl Record for Topic {
    const KIND: &'static str = "sns-topic";

    fn id(&self) -> String {
        self.arn.clone()
    }
}

/// A subscription to a topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscriber {
    /// Its ARN.
    pub arn: String,
    /// The topic's.
    pub topic_arn: String,
    /// `http`, `https`, `email`, `email-json`
    pub protocol: String,
    /// Where messages go.
    pub endpoint: String,
    /// True: messages are sent as they are, without a frame.
    #[serde(default)]
    pub raw: bool,
    /// The token that confirms it, until it does.
    #[serde(default)]
    pub token: Option<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl Record for Subscriber {
    const KIND: &'static str = "sns-subscription";

    fn id(&self) -> String {
        self.arn.clone()
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateTopic, Depth::Full, create_topic);
    registry.serve(op::DeleteTopic, Depth::Full, delete_topic);
    registry.serve(op::ListTopics, Depth::Full, list_topics);
    registry.serve(op::Subscribe, Depth::Full, subscribe);
    registry.serve(op::ConfirmSubscription, Depth::Full, confirm_subscription);
    registry.serve(op::Unsubscribe, Depth::Full, unsubscribe);
    registry.serve(
        op::ListSubscriptionsByTopic,
        Depth::Full,
        list_subscriptions_by_topic,
    );
    registry.serve(op::Publish, Depth::Full, publish);
}

fn invalid(message: impl std::fmt::Display) -> ApiError {
    errors::invalid_parameter_exception(format!("Invalid parameter: {message}"))
}

fn no_topic() -> ApiError {
    errors::not_found_exception("Topic does not exist")
}

async fn create_topic(
    call: Call,
    input: CreateTopicInput,
) -> Result<CreateTopicResponse, ApiError> {
    let name = &input.name;
    let attributes = input.attributes.unwrap_or_default();
    if name.ends_with(".fifo") || attributes.get("FifoTopic").is_some_and(|v| v == "true") {
        return Err(invalid("FIFO topics are not supported by Longwave yet"));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 256 || !name.chars().all(good) {
        return Err(invalid("Topic Name"));
    }
    if let Some(name) = attributes.keys().find(|name| *name != "DisplayName") {
        return Err(invalid(format!(
            "Attributes Reason: {name} is not supported by Longwave yet"
        )));
    }
    if input.data_protection_policy.is_some() {
        return Err(invalid(
            "DataProtectionPolicy is not supported by Longwave yet",
        ));
    }
    let tags: Vec<(String, String)> = input
        .tags
        .unwrap_or_default()
        .into_iter()
        .map(|tag| (tag.key, tag.value))
        .collect();
    let arn = call.config().arn("sns", name);
    let mut txn = call.begin().await;
    if let Some(known) = txn.get::<Topic>(&arn) {
        let differs = |(name, value): (&String, &String)| known.attributes.get(name) != Some(value);
        if attributes.iter().any(differs) || (!tags.is_empty() && tags != known.tags) {
            return Err(invalid(
                "Attributes Reason: Topic already exists with different attributes",
            ));
        }
        return Ok(CreateTopicResponse {
            topic_arn: Some(arn),
        });
    }
    if txn.count::<Topic>() >= TOPICS {
        return Err(errors::topic_limit_exceeded_exception(
            "The limit of topics is reached.",
        ));
    }
    txn.put(Topic {
        arn: arn.clone(),
        attributes,
        tags,
        created: call.now(),
    })?;
    txn.commit().await?;
    Ok(CreateTopicResponse {
        topic_arn: Some(arn),
    })
}

async fn delete_topic(call: Call, input: DeleteTopicInput) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    for subscriber in txn.list::<Subscriber>() {
        if subscriber.topic_arn == input.topic_arn {
            txn.delete::<Subscriber>(&subscriber.arn);
        }
    }
    txn.delete::<Topic>(&input.topic_arn);
    txn.commit().await?;
    Ok(Nothing)
}

async fn list_topics(call: Call, input: ListTopicsInput) -> Result<ListTopicsResponse, ApiError> {
    let (topics, next_token) = page(
        call.view().list::<Topic>(),
        |topic| topic.arn.clone(),
        input.next_token.as_deref(),
        PAGE,
    )?;
    let topics = topics
        .iter()
        .map(|topic| TopicShape {
            topic_arn: Some(topic.arn.clone()),
        })
        .collect();
    Ok(ListTopicsResponse {
        next_token,
        topics: Some(topics),
    })
}

/// What is shown of a subscription that is not confirmed.
const PENDING: &str = "pending confirmation";

async fn subscribe(call: Call, input: SubscribeInput) -> Result<SubscribeResponse, ApiError> {
    let endpoint = input.endpoint.unwrap_or_default();
    let starts = format!("{}://", input.protocol);
    match input.protocol.as_str() {
        "http" | "https" if !endpoint.starts_with(&starts) => {
            return Err(invalid("Endpoint must match the specified protocol"));
        }
        "http" | "https" if reqwest::Url::parse(&endpoint).is_err() => {
            return Err(invalid("Endpoint"));
        }
        "http" | "https" => {}
        "email" | "email-json" if call.control.notices.relay().is_none() => {
            return Err(invalid(
                "Protocol email: the operator has not set a mail relay (--smtp-relay)",
            ));
        }
        "email" | "email-json" if !mail::is_address(&endpoint) => {
            return Err(invalid("Email address"));
        }
        "email" | "email-json" => {}
        other => {
            return Err(invalid(format!(
                "Protocol {other} is not supported by Longwave yet: use http or https"
            )));
        }
    }
    let attributes = input.attributes.unwrap_or_default();
    if let Some(name) = attributes.keys().find(|name| *name != "RawMessageDelivery") {
        return Err(invalid(format!(
            "Attributes Reason: {name} is not supported by Longwave yet"
        )));
    }
    let raw = attributes
        .get("RawMessageDelivery")
        .is_some_and(|v| v == "true");
    let mut txn = call.begin().await;
    if txn.get::<Topic>(&input.topic_arn).is_none() {
        return Err(no_topic());
    }
    let known = txn
        .list::<Subscriber>()
        .into_iter()
        .find(|s| s.topic_arn == input.topic_arn && s.endpoint == endpoint);
    let subscriber = match known {
        Some(known) if known.token.is_none() => (*known).clone(),
        // Asked again: a new token goes out.
        known => Subscriber {
            arn: known.map_or_else(
                || format!("{}:{}", input.topic_arn, uuid::Uuid::new_v4()),
                |known| known.arn.clone(),
            ),
            topic_arn: input.topic_arn.clone(),
            protocol: input.protocol.clone(),
            endpoint: endpoint.clone(),
            raw,
            token: Some(format!(
                "{}{}",
                uuid::Uuid::new_v4().simple(),
                uuid::Uuid::new_v4().simple()
            )),
            created: call.now(),
        },
    };
    if let Some(token) = &subscriber.token {
        delivery::ask_for_confirmation(&call.control, &mut txn, &subscriber, token)?;
    }
    let confirmed = subscriber.token.is_none();
    let arn = subscriber.arn.clone();
    txn.put(subscriber)?;
    txn.commit().await?;
    let shown = confirmed || input.return_subscription_arn.unwrap_or(false);
    Ok(SubscribeResponse {
        subscription_arn: Some(if shown { arn } else { PENDING.into() }),
    })
}

async fn confirm_subscription(
    call: Call,
    input: ConfirmSubscriptionInput,
) -> Result<ConfirmSubscriptionResponse, ApiError> {
    let mut txn = call.begin().await;
    if txn.get::<Topic>(&input.topic_arn).is_none() {
        return Err(no_topic());
    }
    let found = txn.list::<Subscriber>().into_iter().find(|subscriber| {
        subscriber.topic_arn == input.topic_arn
            && subscriber.token.as_deref() == Some(input.token.as_str())
    });
    let Some(found) = found else {
        return Err(invalid("Token"));
    };
    txn.update::<Subscriber>(&found.arn, |subscriber| subscriber.token = None)?;
    txn.commit().await?;
    Ok(ConfirmSubscriptionResponse {
        subscription_arn: Some(found.arn.clone()),
    })
}

async fn unsubscribe(call: Call, input: UnsubscribeInput) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    if !input.subscription_arn.starts_with("arn:") {
        return Err(invalid(
            "SubscriptionArn Reason: An ARN must have at least 6 elements",
        ));
    }
    txn.delete::<Subscriber>(&input.subscription_arn);
    txn.commit().await?;
    Ok(Nothing)
}

async fn list_subscriptions_by_topic(
    call: Call,
    input: ListSubscriptionsByTopicInput,
) -> Result<ListSubscriptionsByTopicResponse, ApiError> {
    let view = call.view();
    if view.get::<Topic>(&input.topic_arn).is_none() {
        return Err(no_topic());
    }
    let (found, next_token) = page(
        view.list_under::<Subscriber>(&format!("{}:", input.topic_arn)),
        |subscriber| subscriber.arn.clone(),
        input.next_token.as_deref(),
        PAGE,
    )?;
    let subscriptions = found
        .iter()
        .map(|subscriber| Subscription {
            endpoint: Some(subscriber.endpoint.clone()),
            owner: Some(call.config().account.clone()),
            protocol: Some(subscriber.protocol.clone()),
            subscription_arn: Some(match subscriber.token {
                None => subscriber.arn.clone(),
                Some(_) => "PendingConfirmation".into(),
            }),
            topic_arn: Some(subscriber.topic_arn.clone()),
        })
        .collect();
    Ok(ListSubscriptionsByTopicResponse {
        next_token,
        subscriptions: Some(subscriptions),
    })
}

async fn publish(call: Call, input: PublishInput) -> Result<PublishResponse, ApiError> {
    let Some(arn) = input.topic_arn.or(input.target_arn) else {
        return Err(invalid(
            "TopicArn or TargetArn Reason: no value for required parameter",
        ));
    };
    if input.message.is_empty() {
        return Err(invalid("Empty message"));
    }
    if input.message.len() > MESSAGE_LIMIT {
        return Err(invalid("Message too long"));
    }
    if input
        .subject
        .as_deref()
        .is_some_and(|s| s.is_empty() || s.chars().count() > 100)
    {
        return Err(invalid("Subject"));
    }
    if input
        .message_attributes
        .is_some_and(|attributes| !attributes.is_empty())
    {
        return Err(invalid(
            "MessageAttributes are not supported by Longwave yet",
        ));
    }
    if input.message_group_id.is_some() || input.message_deduplication_id.is_some() {
        return Err(invalid(
            "MessageGroupId Reason: The request includes MessageGroupId parameter that is not valid for this topic type",
        ));
    }
    let texts = match input.message_structure.as_deref() {
        None => None,
        Some("json") => {
            let json: Json = serde_json::from_str(&input.message)
                .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
            if json.get("default").and_then(Json::as_str).is_none() {
                return Err(invalid(
                    "Message Structure - No default entry in JSON message body",
                ));
            }
            Some(json)
        }
        Some(_) => return Err(invalid("MessageStructure")),
    };
    let mut txn = call.begin().await;
    if txn.get::<Topic>(&arn).is_none() {
        return Err(no_topic());
    }
    let id = send(
        &mut txn,
        &arn,
        call.now(),
        input.subject.as_deref(),
        |protocol| match &texts {
            None => input.message.clone(),
            Some(json) => json
                .get(protocol)
                .or_else(|| json.get("default"))
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_string(),
        },
    )?;
    txn.commit().await?;
    Ok(PublishResponse {
        message_id: Some(id),
        sequence_number: None,
    })
}

/// Puts a message into the queue of each subscriber of a topic. Gives its id.
pub fn send(
    txn: &mut Txn,
    topic_arn: &str,
    at: DateTime<Utc>,
    subject: Option<&str>,
    text: impl Fn(&str) -> String,
) -> Result<String, ApiError> {
    let id = uuid::Uuid::new_v4().to_string();
    for subscriber in txn.list::<Subscriber>() {
        if subscriber.topic_arn == topic_arn && subscriber.token.is_none() {
            txn.put(Message::notification(
                &subscriber,
                &id,
                at,
                subject,
                text(&subscriber.protocol),
            ))?;
        }
    }
    Ok(id)
}
