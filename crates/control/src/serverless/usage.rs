//! Metering (guide L1044-1190) and usage limits (guide L867-877, L1050-1063, L2089-2113).
//!
//! Every minute the seconds in which a workgroup computed are read from the provisioner and kept as
//! RPU-seconds of that minute: `compute_seconds` as they pass, `charged_seconds` with their minimum and
//! after a transaction ended. Limits are judged by the charged ones.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Duration, NaiveTime, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    CreateUsageLimitRequest, CreateUsageLimitResponse, DeleteUsageLimitRequest,
    DeleteUsageLimitResponse, GetUsageLimitRequest, GetUsageLimitResponse, ListUsageLimitsRequest,
    ListUsageLimitsResponse, UpdateUsageLimitRequest, UpdateUsageLimitResponse,
    UsageLimit as Shown, errors, op,
};
use lw_services::warehouses::NamespaceUsage;
use serde::{Deserialize, Serialize};

use super::drive::{Step, compute, text};
use super::paging::page;
use super::resources::{self, Resource};
use super::state::{Gate, Namespace, SERVICE, Workgroup};
use super::{not_found, workgroup};
use crate::records::{Record, Txn, View};
use crate::registry::{Depth, Registry};
use crate::{Call, Control, ControlConfig};

/// Usage is kept this long: the longest period of a limit, and the month before.
const KEPT: Duration = Duration::days(62);
/// Limits of one workgroup (guide L875, L2113).
const MOST: usize = 4;
/// Compute, in RPU-hours.
const COMPUTE: &str = "serverless-compute";
/// Turns queries off.
const DEACTIVATE: &str = "deactivate";

/// What a workgroup used in one minute, for `sys_serverless_usage`.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct UsageMinute {
    /// Id of the workgroup.
    pub workgroup_id: String,
    /// Id of the namespace.
    pub namespace_id: String,
    /// Begin of the minute.
    pub start: DateTime<Utc>,
    /// Capacity, RPU.
    pub capacity: i64,
    /// RPU-seconds computed.
    pub compute_seconds: i64,
    /// RPU-seconds charged.
    pub charged_seconds: i64,
}

impl Record for UsageMinute {
    const KIND: &'static str = "serverless.usage";
    fn id(&self) -> String {
        format!("{}/{:012}", self.workgroup_id, self.start.timestamp())
    }
}

/// How far the counters of a workgroup have been read.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
pub struct Meter {
    /// Id of the workgroup.
    pub workgroup_id: String,
    /// Seconds computed.
    pub busy_s: u64,
    /// Seconds charged.
    pub charged_s: u64,
}

impl Record for Meter {
    const KIND: &'static str = "serverless.meter";
    fn id(&self) -> String {
        self.workgroup_id.clone()
    }
}

/// A usage limit of a workgroup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UsageLimit {
    /// Its id.
    pub uuid: String,
    /// Name of the workgroup.
    pub workgroup: String,
    /// What is limited.
    pub usage_type: String,
    /// How much: RPU-hours, or TB.
    pub amount: i64,
    /// `daily`, `weekly`, `monthly`.
    pub period: String,
    /// `log`, `emit-metric`, `deactivate`.
    pub action: String,
    /// When it was made: its first period begins then (guide L3158).
    pub created: DateTime<Utc>,
    /// Begin of the period in which it was last exceeded.
    #[serde(default)]
    pub breached: Option<DateTime<Utc>>,
}

impl Record for UsageLimit {
    const KIND: &'static str = "serverless.usage-limit";
    fn id(&self) -> String {
        self.uuid.clone()
    }
}

impl UsageLimit {
    fn shown(&self, config: &ControlConfig, view: &View) -> Shown {
        Shown {
            amount: Some(self.amount),
            breach_action: Some(self.action.clone()),
            period: Some(self.period.clone()),
            resource_arn: view
                .get::<Workgroup>(&self.workgroup)
                .map(|w| w.arn(config)),
            usage_limit_arn: Some(config.arn(SERVICE, format_args!("usagelimit/{}", self.uuid))),
            usage_limit_id: Some(self.uuid.clone()),
            usage_type: Some(self.usage_type.clone()),
        }
    }

    /// Begin of the period that `now` is in, UTC. Weeks begin on Sunday.
    fn period_start(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = now.date_naive();
        let first = match self.period.as_str() {
            "daily" => today,
            "weekly" => today - Duration::days(i64::from(today.weekday().num_days_from_sunday())),
            _ => today.with_day(1).unwrap_or(today),
        };
        first.and_time(NaiveTime::MIN).and_utc()
    }

    /// RPU-seconds charged in the period that `now` is in.
    fn consumed(&self, view: &View, workgroup: &Workgroup, now: DateTime<Utc>) -> i64 {
        // The minute in which the limit was made counts whole.
        let created = self.created - Duration::seconds(self.created.timestamp().rem_euclid(60));
        let from = self.period_start(now).max(created);
        view.list_under::<UsageMinute>(&format!("{}/", workgroup.uuid))
            .iter()
            .filter(|minute| minute.start >= from && minute.start <= now)
            .map(|minute| minute.charged_seconds)
            .sum()
    }

    /// True if what was consumed in this period has reached it.
    fn exceeded(&self, view: &View, workgroup: &Workgroup, now: DateTime<Utc>) -> bool {
        // Nothing comes from other regions, so the other type is never reached.
        self.usage_type == COMPUTE
            && self.consumed(view, workgroup, now) >= self.amount.saturating_mul(3600)
    }
}

/// Why queries of a workgroup are refused now, if they are.
pub fn closed(view: &View, workgroup: &Workgroup, now: DateTime<Utc>) -> Option<String> {
    view.list::<UsageLimit>()
        .iter()
        .find(|limit| {
            limit.workgroup == workgroup.name
                && limit.action == DEACTIVATE
                && limit.exceeded(view, workgroup, now)
        })
        .map(|limit| {
            format!(
                "Queries of the workgroup {} are turned off: it has reached its {} usage limit of {} RPU hours.",
                workgroup.name, limit.period, limit.amount
            )
        })
}

/// Deletes what hangs on a workgroup that is deleted (guide L1979). What it used stays in the records.
pub fn forget(txn: &mut Txn, view: &View, workgroup: &Workgroup) {
    for limit in view.list::<UsageLimit>() {
        if limit.workgroup == workgroup.name {
            txn.delete::<UsageLimit>(&limit.uuid);
        }
    }
    txn.delete::<Meter>(&workgroup.uuid);
}

/// True if a workgroup serves SQL and nobody else is starting or stopping it now.
fn steady(view: &View, workgroup: &Workgroup) -> bool {
    workgroup.available()
        && view
            .get::<Namespace>(&workgroup.namespace)
            .is_some_and(|namespace| namespace.pending.is_none())
}

/// Reads the counters of all workgroups, and does what limits demand.
pub async fn upkeep(control: &Arc<Control>) {
    let view = control.records.view();
    for workgroup in view.list::<Workgroup>() {
        if !steady(&view, &workgroup) {
            continue;
        }
        let read = match control.provisioner.usage(&workgroup.namespace_id).await {
            Ok(usage) => keep(control, &workgroup, &usage).await,
            Err(error) => Err(text(error)),
        };
        if let Err(error) = read.and(judge(control, &workgroup).await) {
            tracing::warn!(workgroup = workgroup.name, error, "its usage is not kept");
        }
    }
    if let Err(error) = prune(control).await {
        tracing::warn!(error, "old usage is not deleted");
    }
}

/// Adds what was used since the last time to the minute that is now.
async fn keep(control: &Arc<Control>, workgroup: &Workgroup, usage: &NamespaceUsage) -> Step {
    let mut txn = control.records.begin().await;
    let before = txn
        .get::<Meter>(&workgroup.uuid)
        .map(|meter| (*meter).clone())
        .unwrap_or_default();
    // A counter that goes back began anew with a start.
    let since = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now);
    let busy = since(usage.busy_s, before.busy_s);
    let charged = since(usage.charged_s, before.charged_s);
    if (usage.busy_s, usage.charged_s) == (before.busy_s, before.charged_s) {
        return Ok(());
    }
    let now = control.clock.now();
    let capacity = workgroup.setup.base_capacity;
    let rpu_seconds = |seconds: u64| {
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(capacity)
    };
    let fresh = UsageMinute {
        workgroup_id: workgroup.uuid.clone(),
        namespace_id: workgroup.namespace_id.clone(),
        start: now
            - Duration::seconds(now.timestamp().rem_euclid(60))
            - Duration::nanoseconds(i64::from(now.timestamp_subsec_nanos())),
        capacity,
        compute_seconds: 0,
        charged_seconds: 0,
    };
    let mut minute = txn
        .get::<UsageMinute>(&fresh.id())
        .map_or(fresh, |known| (*known).clone());
    minute.compute_seconds += rpu_seconds(busy);
    minute.charged_seconds += rpu_seconds(charged);
    if busy > 0 || charged > 0 {
        txn.put(minute).map_err(text)?;
    }
    txn.put(Meter {
        workgroup_id: workgroup.uuid.clone(),
        busy_s: usage.busy_s,
        charged_s: usage.charged_s,
    })
    .map_err(text)?;
    txn.commit().await.map_err(text)
}

/// Does what the limits of a workgroup demand: says so once a period, and turns queries off
/// and on. Security groups that changed are told to the provisioner with it.
pub async fn judge(control: &Arc<Control>, workgroup: &Workgroup) -> Step {
    let now = control.clock.now();
    let view = control.records.view();
    let mut txn = control.records.begin().await;
    for limit in view.list::<UsageLimit>() {
        if limit.workgroup != workgroup.name || !limit.exceeded(&view, workgroup, now) {
            continue;
        }
        let period = limit.period_start(now);
        if limit.breached == Some(period) {
            continue;
        }
        tracing::warn!(
            workgroup = workgroup.name,
            limit = limit.uuid,
            action = limit.action,
            consumed = limit.consumed(&view, workgroup, now),
            "a usage limit is reached"
        );
        txn.update::<UsageLimit>(&limit.uuid, |l| l.breached = Some(period))
            .map_err(text)?;
    }
    txn.commit().await.map_err(text)?;
    let spec = compute(control, &control.records.view(), workgroup);
    let gate = Gate::of(&spec);
    if workgroup.gate == gate {
        return Ok(());
    }
    let provisioner = &control.provisioner;
    provisioner
        .start(&workgroup.namespace_id, &spec)
        .await
        .map_err(text)?;
    let mut txn = control.records.begin().await;
    txn.update::<Workgroup>(&workgroup.name, |w| w.gate = gate)
        .map_err(text)?;
    txn.commit().await.map_err(text)
}

async fn prune(control: &Arc<Control>) -> Step {
    let oldest = control.clock.now() - KEPT;
    let view = control.records.view();
    let old: Vec<String> = view
        .list::<UsageMinute>()
        .iter()
        .filter(|minute| minute.start < oldest)
        .map(|minute| minute.id())
        .collect();
    if old.is_empty() {
        return Ok(());
    }
    let mut txn = control.records.begin().await;
    for id in old {
        txn.delete::<UsageMinute>(&id);
    }
    txn.commit().await.map_err(text)
}

pub fn register(registry: &mut Registry) {
    registry.serve(
        op::CreateUsageLimit,
        Depth::Partly("log and emit-metric only write to the log"),
        create,
    );
    registry.serve(
        op::UpdateUsageLimit,
        Depth::Partly("log and emit-metric only write to the log"),
        update,
    );
    registry.serve(op::GetUsageLimit, Depth::Full, get);
    registry.serve(op::ListUsageLimits, Depth::Full, list);
    registry.serve(op::DeleteUsageLimit, Depth::Full, delete);
}

fn find(view: &View, id: &str) -> Result<Arc<UsageLimit>, ApiError> {
    view.get::<UsageLimit>(id)
        .ok_or_else(|| not_found("Usage limit", id))
}

fn amount(amount: i64) -> Result<i64, ApiError> {
    if amount > 0 {
        return Ok(amount);
    }
    Err(errors::validation_exception(format!(
        "Invalid amount {amount}. It must be a positive number."
    )))
}

/// Looks at the limits of a workgroup again after they changed, before the caller hears of it.
async fn look(call: &Call, name: &str) -> Result<(), ApiError> {
    let known = workgroup(&call.view(), name)?;
    if !steady(&call.view(), &known) {
        return Ok(());
    }
    judge(&call.control, &known)
        .await
        .map_err(ApiError::internal)
}

async fn create(
    call: Call,
    input: CreateUsageLimitRequest,
) -> Result<CreateUsageLimitResponse, ApiError> {
    amount(input.amount)?;
    let mut txn = call.begin().await;
    let view = call.view();
    let name = match resources::exists(&view, call.config(), &input.resource_arn)? {
        Resource::Workgroup(name) => name,
        _ => {
            return Err(errors::validation_exception(
                "Usage limits can be made for workgroups.",
            ));
        }
    };
    let made = UsageLimit {
        uuid: uuid::Uuid::new_v4().to_string(),
        workgroup: name.clone(),
        usage_type: input.usage_type,
        amount: input.amount,
        period: input.period.unwrap_or_else(|| "monthly".into()),
        action: input.breach_action.unwrap_or_else(|| "log".into()),
        created: call.now(),
        breached: None,
    };
    let others: Vec<_> = view
        .list::<UsageLimit>()
        .into_iter()
        .filter(|limit| limit.workgroup == name)
        .collect();
    if others.len() >= MOST {
        return Err(errors::service_quota_exceeded_exception(format!(
            "Workgroup {name} has {MOST} usage limits already, which is its quota."
        )));
    }
    if others.iter().any(|limit| {
        (
            &limit.usage_type,
            &limit.period,
            &limit.action,
            limit.amount,
        ) == (&made.usage_type, &made.period, &made.action, made.amount)
    }) {
        return Err(errors::conflict_exception(
            "A usage limit with these values already exists.",
        ));
    }
    let shown = made.shown(call.config(), &view);
    txn.put(made)?;
    txn.commit().await?;
    look(&call, &name).await?;
    Ok(CreateUsageLimitResponse {
        usage_limit: Some(shown),
    })
}

async fn update(
    call: Call,
    input: UpdateUsageLimitRequest,
) -> Result<UpdateUsageLimitResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let mut known = (*find(&view, &input.usage_limit_id)?).clone();
    if let Some(given) = input.amount {
        known.amount = amount(given)?;
    }
    if let Some(action) = input.breach_action {
        known.action = action;
    }
    known.breached = None;
    txn.put(known.clone())?;
    txn.commit().await?;
    look(&call, &known.workgroup).await?;
    Ok(UpdateUsageLimitResponse {
        usage_limit: Some(known.shown(call.config(), &view)),
    })
}

async fn get(call: Call, input: GetUsageLimitRequest) -> Result<GetUsageLimitResponse, ApiError> {
    let view = call.view();
    Ok(GetUsageLimitResponse {
        usage_limit: Some(find(&view, &input.usage_limit_id)?.shown(call.config(), &view)),
    })
}

async fn list(
    call: Call,
    input: ListUsageLimitsRequest,
) -> Result<ListUsageLimitsResponse, ApiError> {
    let view = call.view();
    let mut all = view.list::<UsageLimit>();
    if let Some(arn) = &input.resource_arn {
        let resource = resources::exists(&view, call.config(), arn)?;
        all.retain(|limit| resource == Resource::Workgroup(limit.workgroup.clone()));
    }
    if let Some(usage_type) = &input.usage_type {
        all.retain(|limit| limit.usage_type == *usage_type);
    }
    let (shown, next_token) = page(
        &call,
        all,
        |limit| limit.uuid.clone(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListUsageLimitsResponse {
        next_token,
        usage_limits: Some(
            shown
                .iter()
                .map(|limit| limit.shown(call.config(), &view))
                .collect(),
        ),
    })
}

async fn delete(
    call: Call,
    input: DeleteUsageLimitRequest,
) -> Result<DeleteUsageLimitResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let known = find(&view, &input.usage_limit_id)?;
    txn.delete::<UsageLimit>(&known.uuid);
    txn.commit().await?;
    look(&call, &known.workgroup).await?;
    Ok(DeleteUsageLimitResponse {
        usage_limit: Some(known.shown(call.config(), &view)),
    })
}
