//! From what happened, and from the clock, to who is told: subscriptions to events, rules, their targets.
//! What is pending is turned into messages and invocations in one transaction, so that a crash neither
//! loses nor doubles them.

use std::sync::Arc;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use lw_aws_model::edge::{ApiRequest, AwsApi};
use lw_aws_model::events::Target;
use lw_aws_model::redshift_data::{self, BatchExecuteStatementInput, ExecuteStatementInput};
use lw_aws_model::{ApiError, Shape, Stored, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::bus::{self, Pattern, Pending};
use super::events::{Event, EventRecord};
use super::rules::Rule;
use super::subscriptions::EventSubscription;
use super::{roles, sns};
use crate::records::{Record, Txn};
use crate::schedule::Schedule;
use crate::{Api, Control};

/// How often and how long a target is tried, where it does not say itself.
const TRIES: i64 = 185;
const PATIENCE_S: i64 = 86_400;

/// A target that is to be called.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invocation {
    /// Its place in the queue, time first.
    pub id: String,
    /// The rule's name.
    pub rule: String,
    /// The target.
    pub target: Stored<Target>,
    /// When the rule fired.
    pub at: DateTime<Utc>,
    /// How often it was tried.
    #[serde(default)]
    pub tries: i64,
    /// Not before this.
    pub due: DateTime<Utc>,
}

impl Record for Invocation {
    const KIND: &'static str = "events-invocation";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Tells of everything that is pending.
pub async fn tell(control: &Arc<Control>) -> Result<(), ApiError> {
    if control.records.view().count::<Pending>() == 0 {
        return Ok(());
    }
    let mut txn = control.records.begin().await;
    let (subscriptions, rules) = (txn.list::<EventSubscription>(), txn.list::<Rule>());
    for pending in txn.list::<Pending>() {
        if let Some(event) = &pending.event {
            for subscription in subscriptions.iter().filter(|s| s.wants(event)) {
                let text = message(event, &subscription.name);
                let subject = format!("[Amazon Redshift {}] - {}", event.severity, event.event_id);
                sns::send(
                    &mut txn,
                    &subscription.topic_arn,
                    event.at,
                    Some(&subject),
                    |_| text.clone(),
                )?;
            }
        }
        let envelope = match (&pending.envelope, &pending.event) {
            (Some(envelope), _) => envelope.clone(),
            (None, Some(event)) => bus::of_event(&control.config, event),
            (None, None) => Json::Null,
        };
        for rule in rules.iter().filter(|rule| rule.enabled) {
            let matches = rule
                .pattern
                .as_deref()
                .and_then(|pattern| Pattern::parse(pattern).ok())
                .is_some_and(|pattern| pattern.matches(&envelope));
            if matches {
                fire(&mut txn, rule, control.clock.now(), &envelope)?;
            }
        }
        txn.delete::<Pending>(&pending.id);
    }
    txn.commit().await
}

/// What subscribers to events read.
fn message(event: &Event, subscription: &str) -> String {
    json!({
        "Event Source": event.source_type,
        "Resource": event.source_id,
        "Event Time": event.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "Event ID": event.event_id,
        "Event Categories": [event.category],
        "Severity": event.severity,
        "Event Message": event.message,
        "Subscription": subscription,
    })
    .to_string()
}

/// A rule fires: topics get their messages, other targets are queued.
fn fire(txn: &mut Txn, rule: &Rule, at: DateTime<Utc>, envelope: &Json) -> Result<(), ApiError> {
    for target in &rule.targets {
        if target.0.arn.contains(":sns:") {
            let text = target
                .0
                .input
                .clone()
                .unwrap_or_else(|| envelope.to_string());
            sns::send(txn, &target.0.arn, at, None, |_| text.clone())?;
        } else {
            txn.put(Invocation {
                id: bus::id(at),
                rule: rule.name.clone(),
                target: target.clone(),
                at,
                tries: 0,
                due: at,
            })?;
        }
    }
    Ok(())
}

/// Fires the rules whose time has come. What was missed while the service was down is made up for once.
pub async fn by_the_clock(control: &Arc<Control>) -> Result<(), ApiError> {
    let now = control.clock.now();
    let due = |rule: &Rule| {
        let schedule = Schedule::parse(rule.schedule.as_deref()?).ok()?;
        let next = schedule.next(rule.fired.unwrap_or(rule.since), rule.since)?;
        (rule.enabled && next <= now).then_some(())
    };
    if !control
        .records
        .view()
        .list::<Rule>()
        .iter()
        .any(|rule| due(rule).is_some())
    {
        return Ok(());
    }
    let mut txn = control.records.begin().await;
    for rule in txn.list::<Rule>() {
        if due(&rule).is_none() {
            continue;
        }
        let arn = control.config.arn("events", format!("rule/{}", rule.name));
        let envelope = bus::envelope(
            &control.config,
            "aws.events",
            "Scheduled Event",
            now,
            &[arn],
            json!({}),
        );
        fire(&mut txn, &rule, now, &envelope)?;
        txn.update::<Rule>(&rule.name, |rule| rule.fired = Some(now))?;
    }
    txn.commit().await
}

/// Calls the targets that are due, one after the other: statements keep their order.
pub async fn invoke_due(control: &Arc<Control>) -> Result<(), ApiError> {
    let now = control.clock.now();
    let due: Vec<Arc<Invocation>> = control
        .records
        .view()
        .list::<Invocation>()
        .into_iter()
        .filter(|invocation| invocation.due <= now)
        .collect();
    for invocation in due {
        let outcome = run_statement(control, &invocation).await;
        let mut txn = control.records.begin().await;
        let policy = invocation.target.0.retry_policy.clone().unwrap_or_default();
        let may_again = |error: &ApiError| {
            let passing = error.status >= 500
                || matches!(
                    error.shape.as_str(),
                    "ThrottlingException" | "ActiveStatementsExceededException"
                );
            passing
                && invocation.tries < policy.maximum_retry_attempts.unwrap_or(TRIES)
                && (now - invocation.at).num_seconds()
                    < policy.maximum_event_age_in_seconds.unwrap_or(PATIENCE_S)
        };
        match outcome {
            Err(error) if may_again(&error) => {
                txn.update::<Invocation>(&invocation.id, |invocation| {
                    invocation.tries += 1;
                    let wait = 1i64 << invocation.tries.clamp(0, 8);
                    invocation.due = now + Duration::seconds(wait);
                })?;
            }
            Err(error) => {
                tracing::warn!(
                    rule = invocation.rule,
                    target = invocation.target.0.id,
                    %error,
                    "a rule's target could not be called"
                );
                txn.delete::<Invocation>(&invocation.id);
            }
            Ok(()) => txn.delete::<Invocation>(&invocation.id),
        }
        txn.commit().await?;
    }
    Ok(())
}

/// Submits a rule's statement, as its role, through the same door as everybody.
async fn run_statement(control: &Arc<Control>, invocation: &Invocation) -> Result<(), ApiError> {
    let target = &invocation.target.0;
    let Some(parameters) = target.redshift_data_parameters.clone() else {
        return Err(ApiError::validation(
            "The target has no RedshiftDataParameters.",
        ));
    };
    let rest = target.arn.splitn(6, ':').nth(5).unwrap_or_default();
    let cluster = rest.strip_prefix("cluster:").map(Into::into);
    let workgroup = rest.starts_with("workgroup/").then(|| target.arn.clone());
    // A call that a crash cut off between the submission and its record is not made twice.
    let token: String = invocation.id.chars().take(64).collect();
    let (operation, input): (&str, Value) = match parameters.sqls {
        Some(sqls) => (
            "BatchExecuteStatement",
            BatchExecuteStatementInput {
                sqls,
                cluster_identifier: cluster,
                workgroup_name: workgroup,
                client_token: Some(token),
                database: Some(parameters.database),
                db_user: parameters.db_user,
                secret_arn: parameters.secret_manager_arn,
                statement_name: parameters.statement_name,
                with_event: parameters.with_event,
                ..Default::default()
            }
            .into_value(),
        ),
        None => (
            "ExecuteStatement",
            ExecuteStatementInput {
                sql: parameters.sql.unwrap_or_default(),
                cluster_identifier: cluster,
                workgroup_name: workgroup,
                client_token: Some(token),
                database: Some(parameters.database),
                db_user: parameters.db_user,
                secret_arn: parameters.secret_manager_arn,
                statement_name: parameters.statement_name,
                with_event: parameters.with_event,
                ..Default::default()
            }
            .into_value(),
        ),
    };
    let caller = roles::caller(
        &control.config,
        &control.records.view(),
        target.role_arn.as_deref(),
        &invocation.rule,
    )?;
    Api(control.clone())
        .call(ApiRequest {
            service: redshift_data::SERVICE.get(),
            operation: operation.into(),
            input,
            caller: Arc::new(caller),
            request_id: uuid::Uuid::new_v4().to_string(),
            source_ip: None,
            user_agent: "events.amazonaws.com".into(),
            secure: true,
            presigned: false,
        })
        .await
        .map(|_| ())
}

/// Deletes events that are too old to be shown.
pub async fn sweep(control: &Control) -> Result<(), ApiError> {
    let first = control.clock.now() - super::events::KEPT;
    let old: Vec<Arc<EventRecord>> = control
        .records
        .view()
        .list::<EventRecord>()
        .into_iter()
        .take_while(|record| record.event.at < first)
        .collect();
    if old.is_empty() {
        return Ok(());
    }
    let mut txn = control.records.begin().await;
    for record in old {
        txn.delete::<EventRecord>(&record.id);
    }
    txn.commit().await
}
