//! Snapshot schedules (guide L3874-3944): sets of rules for any number of clusters.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::redshift::{
    ClusterAssociatedToSchedule, CreateSnapshotScheduleMessage, DeleteSnapshotScheduleMessage,
    DescribeSnapshotSchedulesMessage, DescribeSnapshotSchedulesOutputMessage,
    ModifyClusterSnapshotScheduleMessage, ModifySnapshotScheduleMessage, SnapshotSchedule as Shown,
    errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};

use super::cluster::{ClusterRecord, find_cluster};
use super::common::{Read, group_name, paged, some};
use super::{options, tags};
use crate::records::Record;
use crate::registry::{Depth, Registry};
use crate::schedule::Schedule;
use crate::{Call, ControlConfig};

/// Rules of a schedule.
const RULES: usize = 50;
/// Schedules of an account.
const QUOTA: usize = 50;

/// A snapshot schedule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SnapshotSchedule {
    pub id: String,
    pub description: Option<String>,
    pub definitions: Vec<String>,
    /// When it was made: what rates count from.
    pub created: DateTime<Utc>,
}

impl Record for SnapshotSchedule {
    const KIND: &'static str = "redshift.snapshot-schedule";
    fn id(&self) -> String {
        self.id.clone()
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateSnapshotSchedule, Depth::Full, create);
    registry.serve(op::ModifySnapshotSchedule, Depth::Full, modify);
    registry.serve(op::DeleteSnapshotSchedule, Depth::Full, delete);
    registry.serve(op::DescribeSnapshotSchedules, Depth::Full, describe);
    registry.serve(op::ModifyClusterSnapshotSchedule, Depth::Full, attach);
}

/// A rule: `rate(12 hours)`, `cron(...)` of six fields, or of the three that the guide's samples have
/// (minute, hour, day of the week, L3884-3938).
fn rule(text: &str) -> Result<Schedule, ApiError> {
    let wrong = |why: String| {
        errors::invalid_schedule_fault(format!("The schedule {text} is not valid: {why}"))
    };
    let trimmed = text.trim();
    let inner = trimmed
        .strip_prefix("cron(")
        .and_then(|rest| rest.strip_suffix(')'));
    let Some(inner) = inner else {
        if !trimmed.starts_with("rate(") {
            return Err(errors::schedule_definition_type_unsupported_fault(format!(
                "The schedule {text} is of a type that is not supported: cron or rate."
            )));
        }
        return Schedule::parse(trimmed).map_err(wrong);
    };
    let fields: Vec<&str> = inner.split_whitespace().collect();
    // L3902
    if fields.iter().any(|field| field.split(',').count() > 24) {
        return Err(wrong("a field has more than 24 values.".into()));
    }
    // L3913: with # there is one day only.
    if fields
        .iter()
        .any(|field| field.contains('#') && field.contains(','))
    {
        return Err(wrong("with # a field has one value.".into()));
    }
    let whole = match fields[..] {
        [minute, hour, "*" | "?"] => format!("cron({minute} {hour} * * ? *)"),
        [minute, hour, week] => format!("cron({minute} {hour} ? * {week} *)"),
        _ => trimmed.to_string(),
    };
    Schedule::parse(&whole).map_err(wrong)
}

/// The next times of a schedule's rules, in order, each once.
fn next_times(
    rules: &[Schedule],
    since: DateTime<Utc>,
    after: DateTime<Utc>,
    most: usize,
) -> Vec<DateTime<Utc>> {
    let mut all: Vec<DateTime<Utc>> = Vec::new();
    for rule in rules {
        let mut at = after;
        for _ in 0..most {
            match rule.next(at, since) {
                Some(next) => {
                    all.push(next);
                    at = next;
                }
                None => break,
            }
        }
    }
    all.sort();
    all
}

/// Reads rules; no two snapshots may be less than an hour apart (L3918-3922).
fn checked(definitions: &[String], now: DateTime<Utc>) -> Result<Vec<Schedule>, ApiError> {
    if definitions.is_empty() {
        return Err(errors::invalid_schedule_fault(
            "A schedule needs at least one definition.",
        ));
    }
    if definitions.len() > RULES {
        return Err(errors::invalid_schedule_fault(format!(
            "A schedule can have up to {RULES} definitions."
        )));
    }
    let rules = definitions
        .iter()
        .map(|d| rule(d))
        .collect::<Result<Vec<_>, _>>()?;
    let times = next_times(&rules, now, now, 400);
    let horizon = now + Duration::days(35);
    for pair in times.windows(2) {
        if pair[1] < horizon && pair[1] - pair[0] < Duration::hours(1) {
            return Err(errors::invalid_schedule_fault(
                "The definitions make snapshots less than one hour apart.",
            ));
        }
    }
    Ok(rules)
}

impl SnapshotSchedule {
    /// The first time after `after`.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let rules: Vec<Schedule> = self
            .definitions
            .iter()
            .filter_map(|d| rule(d).ok())
            .collect();
        next_times(&rules, self.created, after, 1).first().copied()
    }
}

/// When a cluster's schedule is next due.
pub fn next_for(
    read: &impl Read,
    cluster: &ClusterRecord,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    read.get::<SnapshotSchedule>(cluster.schedule.as_deref()?)?
        .next(now)
}

/// A schedule's ARN.
pub fn arn(config: &ControlConfig, id: &str) -> String {
    config.arn("redshift", format_args!("snapshotschedule:{id}"))
}

fn shown(read: &impl Read, call: &Call, schedule: &SnapshotSchedule, next: usize) -> Shown {
    let rules: Vec<Schedule> = schedule
        .definitions
        .iter()
        .filter_map(|d| rule(d).ok())
        .collect();
    let clusters: Vec<ClusterAssociatedToSchedule> = read
        .list::<ClusterRecord>()
        .iter()
        .filter(|cluster| cluster.schedule.as_deref() == Some(&schedule.id))
        .map(|cluster| ClusterAssociatedToSchedule {
            cluster_identifier: Some(cluster.id.clone()),
            schedule_association_state: Some("ACTIVE".into()),
        })
        .collect();
    let mut times = next_times(&rules, schedule.created, call.now(), next);
    times.truncate(next);
    Shown {
        schedule_identifier: Some(schedule.id.clone()),
        schedule_description: schedule.description.clone(),
        schedule_definitions: Some(schedule.definitions.clone()),
        tags: Some(tags::of(read, &arn(call.config(), &schedule.id))),
        next_invocations: (next > 0).then_some(times),
        associated_cluster_count: Some(clusters.len() as i64),
        associated_clusters: Some(clusters),
    }
}

fn find(read: &impl Read, id: &str) -> Result<Arc<SnapshotSchedule>, ApiError> {
    read.get::<SnapshotSchedule>(&id.to_ascii_lowercase())
        .ok_or_else(|| {
            errors::snapshot_schedule_not_found_fault(format!("Snapshot schedule {id} not found."))
        })
}

async fn create(call: Call, input: CreateSnapshotScheduleMessage) -> Result<Shown, ApiError> {
    let id = match some(input.schedule_identifier) {
        Some(id) => group_name("ScheduleIdentifier", &id)?,
        None => uuid::Uuid::new_v4().to_string(),
    };
    let definitions = input.schedule_definitions.unwrap_or_default();
    checked(&definitions, call.now())?;
    let mut txn = call.begin().await;
    if txn.get::<SnapshotSchedule>(&id).is_some() {
        return Err(errors::snapshot_schedule_already_exists_fault(format!(
            "Snapshot schedule {id} already exists."
        )));
    }
    if txn.count::<SnapshotSchedule>() >= QUOTA {
        return Err(errors::snapshot_schedule_quota_exceeded_fault(format!(
            "The quota of {QUOTA} snapshot schedules is reached."
        )));
    }
    let schedule = SnapshotSchedule {
        id: id.clone(),
        description: input.schedule_description,
        definitions,
        created: call.now(),
    };
    txn.put(schedule.clone())?;
    tags::set(&mut txn, &arn(call.config(), &id), input.tags)?;
    let shown = shown(
        &txn,
        &call,
        &schedule,
        input.next_invocations.unwrap_or(0).clamp(0, 100) as usize,
    );
    if input.dry_run != Some(true) {
        txn.commit().await?;
    }
    Ok(shown)
}

async fn modify(call: Call, input: ModifySnapshotScheduleMessage) -> Result<Shown, ApiError> {
    checked(&input.schedule_definitions, call.now())?;
    let mut txn = call.begin().await;
    let mut schedule = (*find(&txn, &input.schedule_identifier)?).clone();
    schedule.definitions = input.schedule_definitions;
    txn.put(schedule.clone())?;
    let shown = shown(&txn, &call, &schedule, 5);
    txn.commit().await?;
    Ok(shown)
}

async fn delete(call: Call, input: DeleteSnapshotScheduleMessage) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let schedule = find(&txn, &input.schedule_identifier)?;
    if let Some(user) = Read::list::<ClusterRecord>(&txn)
        .iter()
        .find(|cluster| cluster.schedule.as_deref() == Some(&schedule.id))
    {
        return Err(errors::invalid_cluster_snapshot_schedule_state_fault(
            format!(
                "The snapshot schedule {} is associated with cluster {}.",
                schedule.id, user.id
            ),
        ));
    }
    txn.delete::<SnapshotSchedule>(&schedule.id);
    tags::forget(&mut txn, &arn(call.config(), &schedule.id));
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe(
    call: Call,
    input: DescribeSnapshotSchedulesMessage,
) -> Result<DescribeSnapshotSchedulesOutputMessage, ApiError> {
    let view = call.view();
    let of_cluster = some(input.cluster_identifier).map(|id| {
        Read::get::<ClusterRecord>(&view, &id.to_ascii_lowercase()).and_then(|c| c.schedule.clone())
    });
    let wanted = some(input.schedule_identifier).map(|id| id.to_ascii_lowercase());
    let all = Read::list::<SnapshotSchedule>(&view)
        .into_iter()
        .filter(|schedule| wanted.as_ref().is_none_or(|id| *id == schedule.id))
        .filter(|schedule| {
            of_cluster
                .as_ref()
                .is_none_or(|id| id.as_ref() == Some(&schedule.id))
        })
        .filter(|schedule| {
            tags::matches(
                &view,
                &arn(call.config(), &schedule.id),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(DescribeSnapshotSchedulesOutputMessage {
        marker,
        snapshot_schedules: Some(
            page.iter()
                .map(|schedule| shown(&view, &call, schedule, 5))
                .collect(),
        ),
    })
}

async fn attach(
    call: Call,
    input: ModifyClusterSnapshotScheduleMessage,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    let named = some(input.schedule_identifier);
    if input.disassociate_schedule == Some(true) {
        if let Some(id) = named
            && cluster.schedule.as_deref() != Some(&id.to_ascii_lowercase())
        {
            return Err(errors::snapshot_schedule_not_found_fault(format!(
                "Snapshot schedule {id} is not associated with cluster {}.",
                cluster.id
            )));
        }
        cluster.schedule = None;
    } else {
        let id = named.ok_or_else(|| {
            ApiError::combination(
                "ScheduleIdentifier must be given unless DisassociateSchedule is true.",
            )
        })?;
        cluster.schedule = options::schedule(&txn, Some(id))?;
    }
    txn.put(cluster)?;
    txn.commit().await?;
    Ok(Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(text: &str, from: &str, most: usize) -> Vec<String> {
        let from = from.parse().unwrap();
        next_times(&[rule(text).unwrap()], from, from, most)
            .into_iter()
            .map(|at| at.format("%a %H:%M").to_string())
            .collect()
    }

    #[test]
    fn the_samples_of_the_guide_come_out() {
        // L3927-3938; 2026-11-24 is a Tuesday.
        let tuesday = "2026-11-24T00:00:00Z";
        assert_eq!(
            times("cron(0 14-20/1 TUE)", tuesday, 3),
            ["Tue 14:00", "Tue 15:00", "Tue 16:00"]
        );
        assert_eq!(
            times("cron(0 21 MON-FRI)", tuesday, 2),
            ["Tue 21:00", "Wed 21:00"]
        );
        assert_eq!(
            times("cron(30 0/6 SAT-SUN)", tuesday, 5),
            [
                "Sat 00:30",
                "Sat 06:30",
                "Sat 12:30",
                "Sat 18:30",
                "Sun 00:30"
            ]
        );
        assert_eq!(
            times("cron(30 12/4 *)", tuesday, 4),
            ["Tue 12:30", "Tue 16:30", "Tue 20:30", "Wed 12:30"]
        );
        assert_eq!(
            times("cron(15 15/2 *)", tuesday, 5),
            [
                "Tue 15:15",
                "Tue 17:15",
                "Tue 19:15",
                "Tue 21:15",
                "Tue 23:15"
            ]
        );
        assert_eq!(
            times("rate(12 hours)", tuesday, 2),
            ["Tue 12:00", "Wed 00:00"]
        );
    }

    #[test]
    fn what_comes_too_often_is_refused() {
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        let check = |rules: &[&str]| {
            checked(
                &rules.iter().map(|r| r.to_string()).collect::<Vec<_>>(),
                now,
            )
            .map(|_| ())
            .map_err(|e| e.code)
        };
        assert_eq!(
            check(&["cron(0 17 SAT,SUN)", "cron(0 9,17 MON-FRI)"]),
            Ok(())
        );
        for bad in [
            &["cron(0/30 * *)"][..],
            &["cron(0 3 *)", "cron(30 3 *)"],
            &["rate(30 minutes)"],
            &["cron(0 3 3#1,6#3)"],
            &["cron(0 3 1 * MON *)"],
            &["cron(0 25 *)"],
            &[],
        ] {
            assert_eq!(check(bad), Err("InvalidSchedule".into()), "{bad:?}");
        }
        assert_eq!(
            check(&["at(2027-01-01T00:00:00)"]),
            Err("ScheduleDefinitionTypeUnsupported".into())
        );
    }
}
