//! Messages on their way to subscribers. Each is a record until its endpoint took it or patience ended:
//! a restart loses none. Endpoints are told in the order of the messages as long as they answer.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use lw_aws_model::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bus;
use super::sns::Subscriber;
use crate::Control;
use crate::records::{Record, Txn};

/// How long an endpoint is tried, at most.
const PATIENCE: Duration = Duration::hours(1);
/// How long an endpoint may take to answer.
const ANSWER: StdDuration = StdDuration::from_secs(15);

/// A message to one subscriber.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// Its place in the queue, time first.
    pub id: String,
    /// The subscription's ARN.
    pub subscriber: String,
    /// `Notification`, `SubscriptionConfirmation`
    pub kind: String,
    /// Id that all subscribers of the topic see.
    pub message_id: String,
    /// Subject.
    #[serde(default)]
    pub subject: Option<String>,
    /// Text.
    pub text: String,
    /// The token that confirms, for a confirmation.
    #[serde(default)]
    pub token: Option<String>,
    /// When it was published.
    pub at: DateTime<Utc>,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u32,
    /// Not before this.
    pub due: DateTime<Utc>,
}

impl Record for Message {
    const KIND: &'static str = "sns-message";

    fn id(&self) -> String {
        self.id.clone()
    }
}

impl Message {
    /// A message of a topic.
    pub fn notification(
        subscriber: &Subscriber,
        message_id: &str,
        at: DateTime<Utc>,
        subject: Option<&str>,
        text: String,
    ) -> Message {
        Message {
            id: bus::id(at),
            subscriber: subscriber.arn.clone(),
            kind: "Notification".into(),
            message_id: message_id.into(),
            subject: subject.map(Into::into),
            text,
            token: None,
            at,
            tries: 0,
            due: at,
        }
    }
}

/// Asks an endpoint whether it wants the subscription.
pub fn ask_for_confirmation(
    control: &Control,
    txn: &mut Txn,
    subscriber: &Subscriber,
    token: &str,
) -> Result<(), ApiError> {
    let at = control.clock.now();
    txn.put(Message {
        kind: "SubscriptionConfirmation".into(),
        text: format!(
            "You have chosen to subscribe to the topic {}.\n\
             To confirm the subscription, visit the SubscribeURL included in this message.",
            subscriber.topic_arn
        ),
        token: Some(token.into()),
        ..Message::notification(
            subscriber,
            &uuid::Uuid::new_v4().to_string(),
            at,
            None,
            String::new(),
        )
    })
}

/// The body that an endpoint gets.
fn body(control: &Control, subscriber: &Subscriber, message: &Message) -> String {
    if subscriber.raw && message.kind == "Notification" {
        return message.text.clone();
    }
    let mut frame = json!({
        "Type": message.kind,
        "MessageId": message.message_id,
        "TopicArn": subscriber.topic_arn,
        "Message": message.text,
        "Timestamp": message.at.to_rfc3339_opts(SecondsFormat::Millis, true),
    });
    if let Some(subject) = &message.subject {
        frame["Subject"] = subject.as_str().into();
    }
    if let Some(token) = &message.token {
        frame["Token"] = token.as_str().into();
        frame["SubscribeURL"] = confirmation_url(control, subscriber, message).into();
    }
    frame.to_string()
}

async fn post(
    control: &Control,
    client: &reqwest::Client,
    subscriber: &Subscriber,
    message: &Message,
) -> Result<(), String> {
    let mut request = client
        .post(&subscriber.endpoint)
        .header("content-type", "text/plain; charset=UTF-8")
        .header("x-amz-sns-message-type", &message.kind)
        .header("x-amz-sns-message-id", &message.message_id)
        .header("x-amz-sns-topic-arn", &subscriber.topic_arn)
        .timeout(ANSWER)
        .body(body(control, subscriber, message));
    if message.kind == "Notification" {
        request = request.header("x-amz-sns-subscription-arn", &subscriber.arn);
    }
    if subscriber.raw {
        request = request.header("x-amz-sns-rawdelivery", "true");
    }
    let answer = request.send().await.map_err(|error| error.to_string())?;
    match answer.status().is_success() {
        true => Ok(()),
        false => Err(format!("the endpoint answered {}", answer.status())),
    }
}

/// Hands a message to the mail relay.
async fn mail(control: &Control, subscriber: &Subscriber, message: &Message) -> Result<(), String> {
    let relay = control
        .notices
        .relay()
        .ok_or("the operator has not set a mail relay")?;
    let subject = match (&message.subject, &message.token) {
        (Some(subject), _) => subject.as_str(),
        (None, Some(_)) => "Confirm your subscription",
        (None, None) => "Notification",
    };
    let text = match (&message.token, subscriber.protocol.as_str()) {
        (Some(_), _) => {
            let url = confirmation_url(control, subscriber, message);
            format!("{}\n\n{}\n", message.text, url.unwrap_or_default())
        }
        (None, "email-json") => body(control, subscriber, message),
        (None, _) => message.text.clone(),
    };
    relay.send(&subscriber.endpoint, subject, &text).await
}

/// Where a subscription is confirmed.
fn confirmation_url(
    control: &Control,
    subscriber: &Subscriber,
    message: &Message,
) -> Option<String> {
    let token = message.token.as_deref()?;
    Some(format!(
        "{}/?Action=ConfirmSubscription&Version=2010-03-31&TopicArn={}&Token={token}",
        control.notices.http_url(),
        subscriber.topic_arn
    ))
}

/// Sends what is due: one job for each subscriber, so that a slow endpoint holds up nobody else.
pub fn send_due(control: &Arc<Control>) {
    let now = control.clock.now();
    let due: std::collections::BTreeSet<String> = control
        .records
        .view()
        .list::<Message>()
        .iter()
        .filter(|message| message.due <= now)
        .map(|message| message.subscriber.clone())
        .collect();
    for arn in due {
        let inner = control.clone();
        control.jobs.start(format!("sns/{arn}"), async move {
            if let Err(error) = send_to(&inner, &arn).await {
                tracing::error!(%error, arn, "messages could not be taken from the queue");
            }
        });
    }
}

/// Sends a subscriber its messages, in order, until one is refused.
async fn send_to(control: &Control, arn: &str) -> Result<(), ApiError> {
    loop {
        let view = control.records.view();
        let now = control.clock.now();
        let next = view
            .list::<Message>()
            .into_iter()
            .find(|message| message.subscriber == arn);
        let Some(message) = next.filter(|message| message.due <= now) else {
            return Ok(());
        };
        let sent = match view.get::<Subscriber>(arn) {
            // It is gone, and with it what was for it.
            None => Ok(()),
            Some(subscriber) if subscriber.protocol.starts_with("email") => {
                mail(control, &subscriber, &message).await
            }
            Some(subscriber) => post(control, &control.notices.client, &subscriber, &message).await,
        };
        let mut txn = control.records.begin().await;
        let refused = match sent {
            Ok(()) => {
                txn.delete::<Message>(&message.id);
                false
            }
            Err(error) if now - message.at >= PATIENCE => {
                tracing::warn!(
                    arn,
                    error,
                    tries = message.tries + 1,
                    "a message was given up"
                );
                txn.delete::<Message>(&message.id);
                false
            }
            Err(error) => {
                tracing::info!(
                    arn,
                    error,
                    "a message could not be delivered; it is tried again"
                );
                txn.update::<Message>(&message.id, |message| {
                    message.tries += 1;
                    let wait = 1i64 << message.tries.min(9);
                    message.due = now + Duration::seconds(wait.min(300));
                })?;
                true
            }
        };
        txn.commit().await?;
        if refused {
            return Ok(());
        }
    }
}
