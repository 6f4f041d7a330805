//! Scheduled actions (guide L3588, L3626): pause, resume and resize by the clock, with the rights of a
//! role.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::edge::{ApiRequest, AwsApi};
use lw_aws_model::redshift::{
    CreateScheduledActionMessage, DeleteScheduledActionMessage, DescribeScheduledActionsMessage,
    ModifyScheduledActionMessage, ScheduledAction as Shown, ScheduledActionType,
    ScheduledActionsMessage, errors, op,
};
use lw_aws_model::{ApiError, Nothing, Operation, Shape, Stored, Value};
use serde::{Deserialize, Serialize};

use super::cluster::find_cluster;
use super::common::{Read, paged, some};
use super::events;
use crate::identity::service_roles;
use crate::records::Record;
use crate::registry::{Depth, Registry};
use crate::schedule::Schedule;
use crate::{Api, Call, Control};

/// A scheduled action.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduledAction {
    pub name: String,
    pub target: Stored<ScheduledActionType>,
    pub schedule: String,
    pub role: String,
    pub description: Option<String>,
    pub start: Option<DateTime<Utc>>,
    pub end: Option<DateTime<Utc>>,
    pub enabled: bool,
    /// When it is due next.
    pub next: Option<DateTime<Utc>>,
    /// When the invocation under way was due.
    pub running: Option<DateTime<Utc>>,
    pub created: DateTime<Utc>,
}

impl Record for ScheduledAction {
    const KIND: &'static str = "redshift.scheduled-action";
    fn id(&self) -> String {
        self.name.clone()
    }
}

/// The service that the roles of actions trust (L20505-20527).
const SCHEDULER: &str = "scheduler.redshift.amazonaws.com";
/// Actions of an account.
const QUOTA: usize = 100;
/// An action that could not run for this long is skipped.
const LATE: Duration = Duration::minutes(30);

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateScheduledAction, Depth::Full, create);
    registry.serve(op::ModifyScheduledAction, Depth::Full, modify);
    registry.serve(op::DeleteScheduledAction, Depth::Full, delete);
    registry.serve(op::DescribeScheduledActions, Depth::Full, describe);
}

fn parse(text: &str) -> Result<Schedule, ApiError> {
    match Schedule::parse(text) {
        Ok(Schedule::Rate(_)) => Err(errors::invalid_schedule_fault(format!(
            "The schedule {text} is not valid: a scheduled action has at(...) or cron(...)."
        ))),
        Ok(schedule) => Ok(schedule),
        Err(why) => Err(errors::invalid_schedule_fault(format!(
            "The schedule {text} is not valid: {why}"
        ))),
    }
}

impl ScheduledAction {
    fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let from = self
            .start
            .map_or(after, |start| (start - Duration::seconds(1)).max(after));
        let next = parse(&self.schedule).ok()?.next(from, self.created)?;
        self.end.is_none_or(|end| next <= end).then_some(next)
    }

    fn next_times(&self, now: DateTime<Utc>, most: usize) -> Vec<DateTime<Utc>> {
        let mut all = Vec::new();
        let mut at = now;
        while all.len() < most
            && self.enabled
            && let Some(next) = self.next_after(at)
        {
            all.push(next);
            at = next;
        }
        all
    }

    fn cluster(&self) -> Option<&str> {
        let target = &self.target.0;
        target
            .resize_cluster
            .as_ref()
            .map(|t| t.cluster_identifier.as_str())
            .or(target
                .pause_cluster
                .as_ref()
                .map(|t| t.cluster_identifier.as_str()))
            .or(target
                .resume_cluster
                .as_ref()
                .map(|t| t.cluster_identifier.as_str()))
    }

    fn kind(&self) -> &'static str {
        if self.target.0.resize_cluster.is_some() {
            "ResizeCluster"
        } else if self.target.0.pause_cluster.is_some() {
            "PauseCluster"
        } else {
            "ResumeCluster"
        }
    }

    fn shown(&self, now: DateTime<Utc>) -> Shown {
        Shown {
            scheduled_action_name: Some(self.name.clone()),
            target_action: Some(self.target.0.clone()),
            schedule: Some(self.schedule.clone()),
            iam_role: Some(self.role.clone()),
            scheduled_action_description: self.description.clone(),
            state: Some(if self.enabled { "ACTIVE" } else { "DISABLED" }.into()),
            next_invocations: Some(self.next_times(now, 5)),
            start_time: self.start,
            end_time: self.end,
        }
    }
}

fn find(read: &impl Read, name: &str) -> Result<Arc<ScheduledAction>, ApiError> {
    read.get::<ScheduledAction>(&name.to_ascii_lowercase())
        .ok_or_else(|| {
            errors::scheduled_action_not_found_fault(format!("Scheduled action {name} not found."))
        })
}

/// Checks the record as a whole and sets when it is due.
fn check(call: &Call, read: &impl Read, action: &mut ScheduledAction) -> Result<(), ApiError> {
    let target = &action.target.0;
    let given = [
        target.resize_cluster.is_some(),
        target.pause_cluster.is_some(),
        target.resume_cluster.is_some(),
    ];
    if given.iter().filter(|is| **is).count() != 1 {
        return Err(errors::invalid_scheduled_action_fault(
            "TargetAction must be exactly one of ResizeCluster, PauseCluster and ResumeCluster.",
        ));
    }
    find_cluster(read, action.cluster().unwrap_or_default())?;
    parse(&action.schedule)?;
    if !(action.role.starts_with("arn:")
        && action.role.contains(":iam::")
        && action.role.contains(":role/"))
    {
        return Err(ApiError::validation(format!(
            "Invalid IAM role ARN: {}",
            action.role
        )));
    }
    service_roles::may_pass(call, &action.role, SCHEDULER)?;
    if let (Some(start), Some(end)) = (action.start, action.end)
        && end <= start
    {
        return Err(errors::invalid_scheduled_action_fault(
            "EndTime must be after StartTime.",
        ));
    }
    if action.end.is_some_and(|end| end <= call.now()) {
        return Err(errors::invalid_scheduled_action_fault(
            "EndTime must be in the future.",
        ));
    }
    action.next = if action.enabled {
        action.next_after(call.now())
    } else {
        None
    };
    if action.enabled && action.next.is_none() {
        return Err(errors::invalid_schedule_fault(format!(
            "The schedule {} has no time to come.",
            action.schedule
        )));
    }
    Ok(())
}

fn name(text: &str) -> Result<String, ApiError> {
    let right = (1..=60).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !right {
        return Err(ApiError::validation(format!(
            "Invalid scheduled action name: {text}. 1 to 60 letters, digits, hyphens, underscores and dots."
        )));
    }
    Ok(text.to_ascii_lowercase())
}

async fn create(call: Call, input: CreateScheduledActionMessage) -> Result<Shown, ApiError> {
    let name = name(&input.scheduled_action_name)?;
    let mut txn = call.begin().await;
    if txn.get::<ScheduledAction>(&name).is_some() {
        return Err(errors::scheduled_action_already_exists_fault(format!(
            "Scheduled action {name} already exists."
        )));
    }
    if txn.count::<ScheduledAction>() >= QUOTA {
        return Err(errors::scheduled_action_quota_exceeded_fault(format!(
            "The quota of {QUOTA} scheduled actions is reached."
        )));
    }
    let mut action = ScheduledAction {
        name: name.clone(),
        target: Stored(input.target_action),
        schedule: input.schedule,
        role: input.iam_role,
        description: some(input.scheduled_action_description),
        start: input.start_time,
        end: input.end_time,
        enabled: input.enable.unwrap_or(true),
        next: None,
        running: None,
        created: call.now(),
    };
    check(&call, &txn, &mut action)?;
    let first = action.next.map_or_else(|| "no time".into(), events::time);
    events::emit(
        &mut txn,
        call.now(),
        events::SCHEDULED_ACTION,
        &name,
        3614,
        format!("Scheduled action {name} was created. Its first invocation is at {first}."),
    )?;
    txn.put(action.clone())?;
    txn.commit().await?;
    Ok(action.shown(call.now()))
}

async fn modify(call: Call, input: ModifyScheduledActionMessage) -> Result<Shown, ApiError> {
    let mut txn = call.begin().await;
    let mut action = (*find(&txn, &input.scheduled_action_name)?).clone();
    if let Some(target) = input.target_action {
        action.target = Stored(target);
    }
    if let Some(schedule) = some(input.schedule) {
        action.schedule = schedule;
    }
    if let Some(role) = some(input.iam_role) {
        action.role = role;
    }
    if let Some(description) = input.scheduled_action_description {
        action.description = some(Some(description));
    }
    action.start = input.start_time.or(action.start);
    action.end = input.end_time.or(action.end);
    action.enabled = input.enable.unwrap_or(action.enabled);
    check(&call, &txn, &mut action)?;
    let first = action.next.map_or_else(|| "no time".into(), events::time);
    events::emit(
        &mut txn,
        call.now(),
        events::SCHEDULED_ACTION,
        &action.name,
        3626,
        format!(
            "Scheduled action {} was modified. Its first invocation is at {first}.",
            action.name
        ),
    )?;
    txn.put(action.clone())?;
    txn.commit().await?;
    Ok(action.shown(call.now()))
}

async fn delete(call: Call, input: DeleteScheduledActionMessage) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let action = find(&txn, &input.scheduled_action_name)?;
    txn.delete::<ScheduledAction>(&action.name);
    events::emit(
        &mut txn,
        call.now(),
        events::SCHEDULED_ACTION,
        &action.name,
        3627,
        format!("Scheduled action {} was deleted.", action.name),
    )?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe(
    call: Call,
    input: DescribeScheduledActionsMessage,
) -> Result<ScheduledActionsMessage, ApiError> {
    let view = call.view();
    let now = call.now();
    let all = match some(input.scheduled_action_name) {
        Some(name) => vec![find(&view, &name)?],
        None => Read::list::<ScheduledAction>(&view),
    };
    let filters = input.filters.unwrap_or_default();
    let all = all
        .into_iter()
        .filter(|action| {
            input
                .target_action_type
                .as_deref()
                .is_none_or(|kind| kind == action.kind())
        })
        .filter(|action| input.active.is_none_or(|active| active == action.enabled))
        .filter(|action| {
            let (from, to) = (input.start_time, input.end_time);
            (from.is_none() && to.is_none())
                || action
                    .next_times(from.unwrap_or(now), 1)
                    .first()
                    .is_some_and(|at| to.is_none_or(|to| *at <= to))
        })
        .filter(|action| {
            filters.iter().all(|filter| match filter.name.as_str() {
                "cluster-identifier" => filter.values.iter().any(|v| action.cluster() == Some(v)),
                _ => filter.values.contains(&action.role),
            })
        })
        .collect();
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(ScheduledActionsMessage {
        marker,
        scheduled_actions: Some(page.iter().map(|action| action.shown(now)).collect()),
    })
}

/// Invokes what is due.
pub async fn tick(control: &Arc<Control>) {
    let now = control.clock.now();
    for action in control.records.view().list::<ScheduledAction>() {
        let due = action
            .running
            .or(action.next.filter(|at| action.enabled && *at <= now));
        if let Some(due) = due
            && let Err(error) = invoke(control, &action.name, due, now).await
        {
            tracing::error!(action = action.name, %error, "a scheduled action could not be invoked");
        }
    }
}

async fn invoke(
    control: &Arc<Control>,
    name: &str,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let mut txn = control.records.begin().await;
    let Some(found) = txn.get::<ScheduledAction>(name) else {
        return Ok(());
    };
    let mut action = (*found).clone();
    action.next = action.next_after(now);
    if now - due > LATE {
        action.running = None;
        events::emit(
            &mut txn,
            now,
            events::SCHEDULED_ACTION,
            name,
            3617,
            format!(
                "Scheduled action {name} of {} was skipped due to a delay.",
                events::time(due)
            ),
        )?;
        txn.put(action)?;
        return txn.commit().await;
    }
    action.running = Some(due);
    txn.put(action.clone())?;
    txn.commit().await?;
    let done = run(control, &action).await;
    let mut txn = control.records.begin().await;
    txn.update::<ScheduledAction>(name, |action| action.running = None)?;
    match done {
        Ok(()) => events::emit(
            &mut txn,
            now,
            events::SCHEDULED_ACTION,
            name,
            3616,
            format!(
                "Scheduled action {name} of {} finished with status 'SUCCEEDED'.",
                events::time(due)
            ),
        )?,
        Err(error) => events::emit(
            &mut txn,
            now,
            events::SCHEDULED_ACTION,
            name,
            3628,
            format!(
                "Scheduled action {name} of {} finished with status 'FAILED': {error}",
                events::time(due)
            ),
        )?,
    }
    txn.commit().await
}

/// Calls the operation as a session of the action's role: what the role may not do fails.
async fn run(control: &Arc<Control>, action: &ScheduledAction) -> Result<(), ApiError> {
    let target = action.target.0.clone();
    let (operation, input): (&str, Value) = if let Some(resize) = target.resize_cluster {
        (op::ResizeCluster::NAME, resize.into_value())
    } else if let Some(pause) = target.pause_cluster {
        (op::PauseCluster::NAME, pause.into_value())
    } else if let Some(resume) = target.resume_cluster {
        (op::ResumeCluster::NAME, resume.into_value())
    } else {
        return Ok(());
    };
    let caller = service_roles::session(
        &control.config,
        &control.records.view(),
        &action.role,
        SCHEDULER,
        "RedshiftScheduler",
    )?;
    Api(control.clone())
        .call(ApiRequest {
            service: op::PauseCluster::service().get(),
            operation: operation.into(),
            input,
            caller: Arc::new(caller),
            request_id: uuid::Uuid::new_v4().to_string(),
            source_ip: None,
            user_agent: "redshift.amazonaws.com".into(),
            secure: true,
            presigned: false,
        })
        .await
        .map(|_| ())
}
