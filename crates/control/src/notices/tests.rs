use std::sync::Arc;
use std::time::Duration;

use lw_aws_model::events::{PutRuleRequest, PutTargetsRequest, RedshiftDataParameters, Target};
use lw_aws_model::sns::{ConfirmSubscriptionInput, CreateTopicInput, PublishInput, SubscribeInput};
use lw_aws_model::{events, redshift_data, sns};
use parking_lot::Mutex;
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::testing::Bed;

/// An endpoint that keeps what it is sent; it refuses the first `refuse` requests.
async fn endpoint(refuse: usize) -> (String, Arc<Mutex<Vec<Json>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let got: Arc<Mutex<Vec<Json>>> = Arc::default();
    let kept = got.clone();
    tokio::spawn(async move {
        let mut left = refuse;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                let count = stream.read(&mut buffer).await.unwrap();
                text.extend_from_slice(&buffer[..count]);
                let whole = String::from_utf8_lossy(&text).into_owned();
                let Some((head, body)) = whole.split_once("\r\n\r\n") else {
                    continue;
                };
                let length: usize = head
                    .lines()
                    .find_map(|line| {
                        line.to_lowercase()
                            .strip_prefix("content-length: ")?
                            .parse()
                            .ok()
                    })
                    .unwrap();
                if body.len() < length {
                    continue;
                }
                let status = if left > 0 { "503 Busy" } else { "200 OK" };
                if left == 0 {
                    kept.lock().push(serde_json::from_str(body).unwrap());
                }
                left = left.saturating_sub(1);
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                break;
            }
        }
    });
    (url, got)
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}

async fn topic(bed: &Bed, url: &str, got: &Arc<Mutex<Vec<Json>>>) -> String {
    let topic = bed
        .call(
            sns::op::CreateTopic,
            CreateTopicInput {
                name: "events".into(),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .topic_arn
        .unwrap();
    let pending = bed
        .call(
            sns::op::Subscribe,
            SubscribeInput {
                topic_arn: topic.clone(),
                protocol: "http".into(),
                endpoint: Some(url.into()),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(
        pending.subscription_arn.as_deref(),
        Some("pending confirmation")
    );
    until(|| got.lock().len() == 1).await;
    let asked = got.lock().remove(0);
    assert_eq!(asked["Type"], "SubscriptionConfirmation");
    let token = asked["Token"].as_str().unwrap().to_string();
    assert!(asked["SubscribeURL"].as_str().unwrap().ends_with(&token));
    bed.call(
        sns::op::ConfirmSubscription,
        ConfirmSubscriptionInput {
            topic_arn: topic.clone(),
            token,
            ..Default::default()
        },
    )
    .await
    .unwrap();
    topic
}

#[tokio::test]
async fn subscribers_hear_of_events_in_order_even_if_they_refuse_at_first() {
    let bed = Bed::new().await;
    let (url, got) = endpoint(0).await;
    let arn = topic(&bed, &url, &got).await;
    let now = bed.control.clock.now();
    let mut txn = bed.control.records.begin().await;
    txn.put(EventSubscription {
        name: "all".into(),
        topic_arn: arn.clone(),
        source_type: Some("cluster".into()),
        source_ids: vec![],
        categories: vec!["management".into()],
        severity: None,
        enabled: true,
        created: now,
    })
    .unwrap();
    emit(&mut txn, Event::of("REDSHIFT-EVENT-2000", "c1", now, &[])).unwrap();
    emit(&mut txn, Event::of("REDSHIFT-EVENT-3000", "c1", now, &[])).unwrap();
    txn.commit().await.unwrap();
    until(|| !got.lock().is_empty()).await;
    let first = got.lock().remove(0);
    assert_eq!(first["Type"], "Notification");
    assert_eq!(
        first["Subject"],
        "[Amazon Redshift INFO] - REDSHIFT-EVENT-2000"
    );
    let text: Json = serde_json::from_str(first["Message"].as_str().unwrap()).unwrap();
    assert_eq!(text["Resource"], "c1");

    // Another one, that is busy at first.
    let (url, busy) = endpoint(1).await;
    let subscriber = sns_subscriber(&arn, &url);
    let mut txn = bed.control.records.begin().await;
    txn.put(subscriber).unwrap();
    txn.commit().await.unwrap();
    for text in ["one", "two"] {
        bed.call(
            sns::op::Publish,
            PublishInput {
                topic_arn: Some(arn.clone()),
                message: text.into(),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    }
    until(|| got.lock().len() == 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(busy.lock().is_empty());
    // What waits outlasts a restart.
    let bed = bed.reopen().await;
    bed.control.clock.advance(chrono::Duration::seconds(10));
    until(|| busy.lock().len() == 2).await;
    let texts: Vec<Json> = busy.lock().iter().map(|m| m["Message"].clone()).collect();
    assert_eq!(texts, ["one", "two"]);
    until(|| {
        bed.control
            .records
            .view()
            .count::<super::delivery::Message>()
            == 0
    })
    .await;
}

fn sns_subscriber(topic: &str, url: &str) -> super::sns::Subscriber {
    super::sns::Subscriber {
        arn: format!("{topic}:second"),
        topic_arn: topic.into(),
        protocol: "http".into(),
        endpoint: url.into(),
        raw: false,
        token: None,
        created: chrono::Utc::now(),
    }
}

#[tokio::test]
async fn rules_fire_by_the_clock_and_by_events() {
    let bed = Bed::new().await;
    let (url, got) = endpoint(0).await;
    let topic = topic(&bed, &url, &got).await;
    let rule = |name: &str, schedule: Option<&str>, pattern: Option<&str>| PutRuleRequest {
        name: name.into(),
        schedule_expression: schedule.map(Into::into),
        event_pattern: pattern.map(Into::into),
        ..Default::default()
    };
    bed.call(
        events::op::PutRule,
        rule("nightly", Some("rate(1 minute)"), None),
    )
    .await
    .unwrap();
    bed.call(
        events::op::PutRule,
        rule(
            "ended",
            None,
            Some(r#"{"source":["aws.redshift-data"],"detail":{"state":["FAILED"]}}"#),
        ),
    )
    .await
    .unwrap();
    let wrong = bed
        .call(
            events::op::PutRule,
            rule("wrong", Some("rate(1 minutes)"), None),
        )
        .await
        .unwrap_err();
    assert_eq!(wrong.message, "Parameter ScheduleExpression is not valid.");
    let targets = |rule: &str, target: Target| PutTargetsRequest {
        rule: rule.into(),
        targets: vec![target],
        event_bus_name: None,
    };
    let statement = Target {
        id: "1".into(),
        arn: crate::serverless::find_workgroup(&bed.control.records.view(), "default")
            .unwrap()
            .arn(&bed.control.config),
        redshift_data_parameters: Some(RedshiftDataParameters {
            database: "dev".into(),
            sql: Some("call nightly()".into()),
            statement_name: Some("nightly".into()),
            with_event: Some(true),
            ..Default::default()
        }),
        ..Default::default()
    };
    let put = bed
        .call(events::op::PutTargets, targets("nightly", statement))
        .await
        .unwrap();
    assert_eq!(put.failed_entry_count, Some(0));
    let lambda = Target {
        id: "2".into(),
        arn: "arn:aws:lambda:us-east-1:123456789012:function:f".into(),
        ..Default::default()
    };
    let refused = bed
        .call(events::op::PutTargets, targets("nightly", lambda))
        .await
        .unwrap();
    assert_eq!(refused.failed_entry_count, Some(1));
    let message = Target {
        id: "1".into(),
        arn: topic.clone(),
        ..Default::default()
    };
    bed.call(events::op::PutTargets, targets("ended", message))
        .await
        .unwrap();
    assert!(got.lock().is_empty());
    bed.control.clock.advance(chrono::Duration::seconds(61));
    // Nothing runs SQL here: the statement fails, and its event says so.
    until(|| !got.lock().is_empty()).await;
    let frame = got.lock().remove(0);
    let event: Json = serde_json::from_str(frame["Message"].as_str().unwrap()).unwrap();
    assert_eq!(
        event["detail-type"],
        "Redshift Data Statement Status Change"
    );
    assert_eq!(event["detail"]["statementName"], "nightly");
    assert_eq!(event["detail"]["state"], "FAILED");
    let listed = bed
        .call(
            redshift_data::op::ListStatements,
            redshift_data::ListStatementsRequest {
                status: Some("ALL".into()),
                statement_name: Some("night".into()),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(listed.statements.len(), 1);
    let delete = bed
        .call(
            events::op::DeleteRule,
            events::DeleteRuleRequest {
                name: "nightly".into(),
                ..Default::default()
            },
        )
        .await
        .unwrap_err();
    assert_eq!(
        delete.message,
        "Rule can't be deleted since it has targets."
    );
}

/// A mail relay that keeps the mails it is given.
async fn relay() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let got: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = got.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.split();
            let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(read));
            write.write_all(b"220 here\r\n").await.unwrap();
            let mut mail = None::<String>;
            while let Some(line) = lines.next_line().await.unwrap() {
                let answer = match (&mut mail, line.as_str()) {
                    (Some(_), ".") => {
                        kept.lock().extend(mail.take());
                        "250 kept"
                    }
                    (Some(mail), line) => {
                        mail.push_str(line);
                        mail.push('\n');
                        continue;
                    }
                    (None, "DATA") => {
                        mail = Some(String::new());
                        "354 go on"
                    }
                    (None, "QUIT") => break,
                    (None, line) if line.starts_with("EHLO") => "250-here\r\n250 8BITMIME",
                    (None, _) => "250 fine",
                };
                write
                    .write_all(format!("{answer}\r\n").as_bytes())
                    .await
                    .unwrap();
            }
        }
    });
    (address, got)
}

fn text_of(mail: &str) -> String {
    let body: String = mail
        .split_once("\n\n")
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn mail_goes_through_the_relay_once_it_is_confirmed() {
    let bed = Bed::new().await;
    let arn = bed
        .call(
            sns::op::CreateTopic,
            CreateTopicInput {
                name: "mails".into(),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .topic_arn
        .unwrap();
    let subscribe = |to: &str| SubscribeInput {
        topic_arn: arn.clone(),
        protocol: "email".into(),
        endpoint: Some(to.into()),
        ..Default::default()
    };
    let without = bed
        .call(sns::op::Subscribe, subscribe("a@example.com"))
        .await;
    assert!(without.unwrap_err().message.contains("mail relay"));
    let (address, got) = relay().await;
    bed.control
        .notices
        .set_mail_relay(&address, "longwave@example.com");
    assert!(
        bed.call(sns::op::Subscribe, subscribe("nobody"))
            .await
            .is_err()
    );
    bed.call(sns::op::Subscribe, subscribe("a@example.com"))
        .await
        .unwrap();
    until(|| got.lock().len() == 1).await;
    let asked = got.lock().remove(0);
    assert!(
        asked.contains("To: <a@example.com>")
            && asked.contains("Subject: Confirm your subscription")
    );
    let text = text_of(&asked);
    let token = text.trim_end().rsplit_once("Token=").unwrap().1;
    bed.call(
        sns::op::ConfirmSubscription,
        ConfirmSubscriptionInput {
            topic_arn: arn.clone(),
            token: token.into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    bed.call(
        sns::op::Publish,
        PublishInput {
            topic_arn: Some(arn.clone()),
            subject: Some("Hello".into()),
            message: ".one\ntwo".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    until(|| got.lock().len() == 1).await;
    let mail = got.lock().remove(0);
    assert!(mail.contains("Subject: Hello"));
    assert_eq!(text_of(&mail), ".one\ntwo");
}
