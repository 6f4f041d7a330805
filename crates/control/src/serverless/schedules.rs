//! Scheduled actions: snapshots of a namespace by a schedule (guide L2530-2585, L2673-2682).

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::edge::{ApiRequest, AwsApi};
use lw_aws_model::redshift_serverless::{
    CreateScheduledActionRequest, CreateScheduledActionResponse, CreateSnapshotRequest,
    CreateSnapshotScheduleActionParameters, DeleteScheduledActionRequest,
    DeleteScheduledActionResponse, GetScheduledActionRequest, GetScheduledActionResponse,
    ListScheduledActionsRequest, ListScheduledActionsResponse, Schedule,
    ScheduledActionAssociation, ScheduledActionResponse, TargetAction,
    UpdateScheduledActionRequest, UpdateScheduledActionResponse, errors, op,
};
use lw_aws_model::{ApiError, Operation, Shape, Stored};
use serde::{Deserialize, Serialize};

use super::cron::Cron;
use super::drive::{Step, text};
use super::paging::page;
use super::{namespace, not_found, rules, work_id};
use crate::identity::service_roles;
use crate::records::{Record, Txn, View};
use crate::registry::{Depth, Registry};
use crate::{Api, Call, Control};

/// The service that roles of scheduled actions trust.
const SCHEDULER: &str = "scheduler.redshift.amazonaws.com";
/// Invocations that are told ahead.
const AHEAD: usize = 5;
/// Days on which schedules are held against each other: all days of the week, ends of months.
const COMPARED_DAYS: i64 = 62;

/// A scheduled action.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduledAction {
    /// Its name.
    pub name: String,
    /// Its id.
    pub uuid: String,
    /// The namespace.
    pub namespace: String,
    /// `cron(...)`.
    pub cron: Option<String>,
    /// The one time, for an action that runs once.
    pub at: Option<DateTime<Utc>>,
    /// Role it acts with.
    pub role: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// False: it does not run.
    pub enabled: bool,
    /// Not before.
    #[serde(default)]
    pub start: Option<DateTime<Utc>>,
    /// Not after.
    #[serde(default)]
    pub end: Option<DateTime<Utc>>,
    /// What it does.
    pub target: Stored<TargetAction>,
    /// Invocations up to here are done.
    pub done: DateTime<Utc>,
}

impl Record for ScheduledAction {
    const KIND: &'static str = "serverless.scheduled-action";
    fn id(&self) -> String {
        self.name.clone()
    }
}

impl ScheduledAction {
    /// The next invocation after `after`.
    fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = match self.start {
            Some(start) if start > after => start - Duration::seconds(1),
            _ => after,
        };
        let next = match (&self.cron, self.at) {
            (Some(cron), _) => Cron::parse(cron).ok()?.next(after)?,
            (None, Some(at)) if at > after => at,
            _ => return None,
        };
        self.end.is_none_or(|end| next <= end).then_some(next)
    }

    fn shown(&self, now: DateTime<Utc>) -> ScheduledActionResponse {
        let mut ahead = Vec::new();
        let mut at = now;
        while self.enabled && ahead.len() < AHEAD {
            let Some(next) = self.next(at) else { break };
            ahead.push(next);
            at = next;
        }
        ScheduledActionResponse {
            end_time: self.end,
            namespace_name: Some(self.namespace.clone()),
            next_invocations: Some(ahead),
            role_arn: Some(self.role.clone()),
            schedule: Some(Schedule {
                at: self.at,
                cron: self.cron.clone(),
            }),
            scheduled_action_description: self.description.clone(),
            scheduled_action_name: Some(self.name.clone()),
            scheduled_action_uuid: Some(self.uuid.clone()),
            start_time: self.start,
            state: Some(if self.enabled { "ACTIVE" } else { "DISABLED" }.into()),
            target_action: Some(self.target.0.clone()),
        }
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateScheduledAction, Depth::Full, create);
    registry.serve(op::UpdateScheduledAction, Depth::Full, update);
    registry.serve(op::GetScheduledAction, Depth::Full, get);
    registry.serve(op::ListScheduledActions, Depth::Full, list);
    registry.serve(op::DeleteScheduledAction, Depth::Full, delete);
}

/// Deletes the actions of a namespace that is deleted.
pub fn forget(txn: &mut Txn, view: &View, namespace: &str) {
    for action in view.list::<ScheduledAction>() {
        if action.namespace == namespace {
            txn.delete::<ScheduledAction>(&action.name);
        }
    }
}

fn find(view: &View, name: &str) -> Result<Arc<ScheduledAction>, ApiError> {
    view.get::<ScheduledAction>(name)
        .ok_or_else(|| not_found("Scheduled action", name))
}

fn wrong(why: impl std::fmt::Display) -> ApiError {
    errors::validation_exception(format!("The schedule is not valid: {why}."))
}

/// Holds an action to the rules of schedules, and against the others of its namespace.
fn check(action: &ScheduledAction, view: &View, now: DateTime<Utc>) -> Result<(), ApiError> {
    match (&action.cron, action.at) {
        (Some(cron), None) => {
            let cron = Cron::parse(cron).map_err(wrong)?;
            cron.check_rate(now).map_err(wrong)?;
            overlaps(action, &cron, view, now)?;
        }
        (None, Some(at)) if at <= now => return Err(wrong("its time is over")),
        (None, Some(_)) => {}
        _ => return Err(wrong("give one of cron and at")),
    }
    if let (Some(start), Some(end)) = (action.start, action.end)
        && start >= end
    {
        return Err(wrong("the end time is not after the start time"));
    }
    if action.end.is_some_and(|end| end <= now) {
        return Err(wrong("the end time is over"));
    }
    let Some(target) = &action.target.0.create_snapshot else {
        return Err(errors::validation_exception(
            "The target action must be createSnapshot.",
        ));
    };
    if target.namespace_name != action.namespace {
        return Err(errors::validation_exception(
            "The namespace of the target action must be that of the scheduled action.",
        ));
    }
    rules::retention(target.retention_period)?;
    rules::snapshot_name(&snapshot_name(target, now))?;
    Ok(())
}

/// Snapshots of two schedules within an hour are refused (guide L2569).
fn overlaps(
    action: &ScheduledAction,
    cron: &Cron,
    view: &View,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    for other in view.list::<ScheduledAction>() {
        if other.name == action.name || other.namespace != action.namespace {
            continue;
        }
        let Some(theirs) = other.cron.as_ref().and_then(|c| Cron::parse(c).ok()) else {
            continue;
        };
        for day in 0..COMPARED_DAYS {
            let date = (now + Duration::days(day)).date_naive();
            let next_day = date.succ_opt().unwrap_or(date);
            let mine = cron.times_on(date);
            let mut others = theirs.times_on(date);
            others.extend(theirs.times_on(next_day));
            let close = |a: &DateTime<Utc>, b: &DateTime<Utc>| (*a - *b).abs() < Duration::hours(1);
            if mine.iter().any(|a| others.iter().any(|b| close(a, b))) {
                return Err(wrong(format!(
                    "it makes snapshots within an hour of those of {}",
                    other.name
                )));
            }
        }
    }
    Ok(())
}

fn snapshot_name(target: &CreateSnapshotScheduleActionParameters, at: DateTime<Utc>) -> String {
    format!(
        "{}-{}",
        target.snapshot_name_prefix,
        at.format("%Y-%m-%d-%H-%M")
    )
}

/// Runs what is due. What was missed while the service was down runs once.
pub async fn upkeep(control: &Arc<Control>) {
    let now = control.clock.now();
    for action in control.records.view().list::<ScheduledAction>() {
        let due = action.next(action.done).filter(|next| *next <= now);
        let Some(due) = due.filter(|_| action.enabled) else {
            continue;
        };
        if let Err(error) = run(control, &action, due, now).await {
            tracing::warn!(action = action.name, error, "a scheduled action failed");
        }
    }
}

/// Does what an action is for, as a session of its role.
async fn act(
    control: &Arc<Control>,
    action: &ScheduledAction,
    due: DateTime<Utc>,
) -> Result<(), ApiError> {
    let Some(target) = action.target.0.create_snapshot.clone() else {
        return Ok(());
    };
    let caller = service_roles::session(
        &control.config,
        &control.records.view(),
        &action.role,
        SCHEDULER,
        "RedshiftScheduler",
    )?;
    let input = CreateSnapshotRequest {
        namespace_name: action.namespace.clone(),
        retention_period: target.retention_period,
        snapshot_name: snapshot_name(&target, due),
        tags: target.tags,
    };
    Api(control.clone())
        .call(ApiRequest {
            service: op::CreateSnapshot::service().get(),
            operation: op::CreateSnapshot::NAME.into(),
            input: input.into_value(),
            caller: Arc::new(caller),
            request_id: work_id(),
            source_ip: None,
            user_agent: "redshift-serverless.amazonaws.com".into(),
            secure: true,
            presigned: false,
        })
        .await
        .map(|_| ())
}

async fn run(
    control: &Arc<Control>,
    action: &ScheduledAction,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Step {
    // The snapshot's name is that of the time it was due: after a crash it is not made twice.
    if let Err(error) = act(control, action, due).await {
        if error.message.contains("operation running") {
            return Err(text(error));
        }
        tracing::warn!(action = action.name, %error, "a scheduled action failed");
    }
    let mut txn = control.records.begin().await;
    txn.update::<ScheduledAction>(&action.name, |a| a.done = now)
        .map_err(text)?;
    txn.commit().await.map_err(text)
}

async fn create(
    call: Call,
    input: CreateScheduledActionRequest,
) -> Result<CreateScheduledActionResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    if view
        .get::<ScheduledAction>(&input.scheduled_action_name)
        .is_some()
    {
        return Err(errors::conflict_exception(format!(
            "Scheduled action {} already exists.",
            input.scheduled_action_name
        )));
    }
    let namespace = namespace(&view, &input.namespace_name)?;
    let now = call.now();
    let made = ScheduledAction {
        name: input.scheduled_action_name,
        uuid: work_id(),
        namespace: namespace.name.clone(),
        cron: input.schedule.cron,
        at: input.schedule.at,
        role: input.role_arn,
        description: input.scheduled_action_description,
        enabled: input.enabled.unwrap_or(true),
        start: input.start_time,
        end: input.end_time,
        target: Stored(input.target_action),
        done: now,
    };
    check(&made, &view, now)?;
    service_roles::may_pass(&call, &made.role, SCHEDULER)?;
    let shown = made.shown(now);
    txn.put(made)?;
    txn.commit().await?;
    Ok(CreateScheduledActionResponse {
        scheduled_action: Some(shown),
    })
}

async fn update(
    call: Call,
    input: UpdateScheduledActionRequest,
) -> Result<UpdateScheduledActionResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let mut known = (*find(&view, &input.scheduled_action_name)?).clone();
    let now = call.now();
    if let Some(schedule) = input.schedule {
        known.cron = schedule.cron;
        known.at = schedule.at;
    }
    known.enabled = input.enabled.unwrap_or(known.enabled);
    known.role = input.role_arn.unwrap_or(known.role);
    known.description = input.scheduled_action_description.or(known.description);
    known.start = input.start_time.or(known.start);
    known.end = input.end_time.or(known.end);
    if let Some(target) = input.target_action {
        known.target = Stored(target);
    }
    known.done = now;
    check(&known, &view, now)?;
    service_roles::may_pass(&call, &known.role, SCHEDULER)?;
    let shown = known.shown(now);
    txn.put(known)?;
    txn.commit().await?;
    Ok(UpdateScheduledActionResponse {
        scheduled_action: Some(shown),
    })
}

async fn get(
    call: Call,
    input: GetScheduledActionRequest,
) -> Result<GetScheduledActionResponse, ApiError> {
    let known = find(&call.view(), &input.scheduled_action_name)?;
    Ok(GetScheduledActionResponse {
        scheduled_action: Some(known.shown(call.now())),
    })
}

async fn list(
    call: Call,
    input: ListScheduledActionsRequest,
) -> Result<ListScheduledActionsResponse, ApiError> {
    let view = call.view();
    if let Some(name) = &input.namespace_name {
        namespace(&view, name)?;
    }
    let mut all = view.list::<ScheduledAction>();
    all.retain(|a| {
        input
            .namespace_name
            .as_ref()
            .is_none_or(|name| a.namespace == *name)
    });
    let (shown, next_token) = page(
        &call,
        all,
        |a| a.name.clone(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListScheduledActionsResponse {
        next_token,
        scheduled_actions: Some(
            shown
                .iter()
                .map(|a| ScheduledActionAssociation {
                    namespace_name: Some(a.namespace.clone()),
                    scheduled_action_name: Some(a.name.clone()),
                })
                .collect(),
        ),
    })
}

async fn delete(
    call: Call,
    input: DeleteScheduledActionRequest,
) -> Result<DeleteScheduledActionResponse, ApiError> {
    let mut txn = call.begin().await;
    let known = find(&call.view(), &input.scheduled_action_name)?;
    txn.delete::<ScheduledAction>(&known.name);
    txn.commit().await?;
    Ok(DeleteScheduledActionResponse {
        scheduled_action: Some(known.shown(call.now())),
    })
}
