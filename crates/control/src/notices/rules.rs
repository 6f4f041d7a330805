//! Rules of EventBridge, as far as Redshift's guide uses them (L18135-18303): a schedule or a pattern of
//! events, and targets: statements of the Data API and topics of SNS.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lw_aws_model::edge::CallerKind;
use lw_aws_model::events::{
    DeleteRuleRequest, DescribeRuleRequest, DescribeRuleResponse, ListRulesRequest,
    ListRulesResponse, ListTargetsByRuleRequest, ListTargetsByRuleResponse, PutRuleRequest,
    PutRuleResponse, PutTargetsRequest, PutTargetsResponse, PutTargetsResultEntry,
    RemoveTargetsRequest, RemoveTargetsResponse, RemoveTargetsResultEntry, Rule as RuleShape,
    Target, errors, op,
};
use lw_aws_model::{ApiError, Nothing, Stored};
use serde::{Deserialize, Serialize};

use super::bus::Pattern;
use super::roles;
use super::sns::Topic;
use crate::Call;
use crate::page::page;
use crate::records::{Record, Txn};
use crate::registry::{Depth, Registry};
use crate::schedule::Schedule;

const PAGE: i64 = 100;
/// Rules of a bus.
const RULES: usize = 300;
/// Targets of a rule.
const TARGETS: usize = 5;

/// A rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// When it fires.
    #[serde(default)]
    pub schedule: Option<String>,
    /// On which events it fires.
    #[serde(default)]
    pub pattern: Option<String>,
    /// False: it does not.
    pub enabled: bool,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// A role, shown as it was given; what its targets act with they name themselves.
    #[serde(default)]
    pub role: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// Its targets.
    #[serde(default)]
    pub targets: Vec<Stored<Target>>,
    /// When its schedule began.
    pub since: DateTime<Utc>,
    /// When its schedule last fired.
    #[serde(default)]
    pub fired: Option<DateTime<Utc>>,
    /// ARN of who made it.
    #[serde(default)]
    pub created_by: String,
}

impl Record for Rule {
    const KIND: &'static str = "events-rule";

    fn id(&self) -> String {
        self.name.clone()
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::PutRule, Depth::Full, put_rule);
    registry.serve(op::DescribeRule, Depth::Full, describe_rule);
    registry.serve(op::ListRules, Depth::Full, list_rules);
    registry.serve(op::DeleteRule, Depth::Full, delete_rule);
    registry.serve(op::PutTargets, Depth::Full, put_targets);
    registry.serve(op::RemoveTargets, Depth::Full, remove_targets);
    registry.serve(op::ListTargetsByRule, Depth::Full, list_targets_by_rule);
}

/// There is one bus.
fn on_default_bus(name: Option<&str>) -> Result<(), ApiError> {
    match name.map(|name| name.rsplit('/').next().unwrap_or(name)) {
        None | Some("default") => Ok(()),
        Some(other) => Err(errors::resource_not_found_exception(format!(
            "Event bus {other} does not exist."
        ))),
    }
}

fn no_rule(name: &str) -> ApiError {
    errors::resource_not_found_exception(format!("Rule {name} does not exist on EventBus default."))
}

fn arn(call: &Call, name: &str) -> String {
    call.config().arn("events", format!("rule/{name}"))
}

fn state(rule: &Rule) -> String {
    if rule.enabled { "ENABLED" } else { "DISABLED" }.into()
}

async fn put_rule(call: Call, input: PutRuleRequest) -> Result<PutRuleResponse, ApiError> {
    on_default_bus(input.event_bus_name.as_deref())?;
    if input.schedule_expression.is_none() && input.event_pattern.is_none() {
        return Err(ApiError::validation(
            "Parameter(s) EventPattern or ScheduleExpression must be specified.",
        ));
    }
    if let Some(schedule) = &input.schedule_expression {
        match Schedule::parse(schedule) {
            Ok(Schedule::Rate(_) | Schedule::Cron(_)) => {}
            _ => {
                return Err(ApiError::validation(
                    "Parameter ScheduleExpression is not valid.",
                ));
            }
        }
    }
    if let Some(pattern) = &input.event_pattern {
        Pattern::parse(pattern).map_err(|why| {
            errors::invalid_event_pattern_exception(format!(
                "Event pattern is not valid. Reason: {why}"
            ))
        })?;
    }
    if let Some(role) = &input.role_arn {
        roles::may_pass(&call, role)?;
    }
    let now = call.now();
    let mut txn = call.begin().await;
    let known = txn.get::<Rule>(&input.name);
    if known.is_none() && txn.count::<Rule>() >= RULES {
        return Err(errors::limit_exceeded_exception(
            "The requested resource exceeds the maximum number allowed.",
        ));
    }
    // The same schedule goes on; another begins now.
    let goes_on = known
        .as_ref()
        .filter(|known| known.schedule == input.schedule_expression && known.enabled);
    txn.put(Rule {
        since: goes_on.map_or(now, |known| known.since),
        fired: goes_on.and_then(|known| known.fired),
        targets: known
            .as_ref()
            .map(|k| k.targets.clone())
            .unwrap_or_default(),
        tags: match (&known, input.tags) {
            // Tags are given when a rule is made; a later call leaves them.
            (Some(known), _) => known.tags.clone(),
            (None, tags) => tags
                .unwrap_or_default()
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect(),
        },
        created_by: match &known {
            Some(known) => known.created_by.clone(),
            None => call.config().account.clone(),
        },
        name: input.name.clone(),
        schedule: input.schedule_expression,
        pattern: input.event_pattern,
        enabled: input.state.as_deref() != Some("DISABLED"),
        description: input.description,
        role: input.role_arn,
    })?;
    txn.commit().await?;
    Ok(PutRuleResponse {
        rule_arn: Some(arn(&call, &input.name)),
    })
}

async fn describe_rule(
    call: Call,
    input: DescribeRuleRequest,
) -> Result<DescribeRuleResponse, ApiError> {
    on_default_bus(input.event_bus_name.as_deref())?;
    let rule = call
        .view()
        .get::<Rule>(&input.name)
        .ok_or_else(|| no_rule(&input.name))?;
    Ok(DescribeRuleResponse {
        arn: Some(arn(&call, &rule.name)),
        created_by: Some(rule.created_by.clone()),
        description: rule.description.clone(),
        event_bus_name: Some("default".into()),
        event_pattern: rule.pattern.clone(),
        managed_by: None,
        name: Some(rule.name.clone()),
        role_arn: rule.role.clone(),
        schedule_expression: rule.schedule.clone(),
        state: Some(state(&rule)),
    })
}

async fn list_rules(call: Call, input: ListRulesRequest) -> Result<ListRulesResponse, ApiError> {
    on_default_bus(input.event_bus_name.as_deref())?;
    let (rules, next_token) = page(
        call.view()
            .list_under::<Rule>(input.name_prefix.as_deref().unwrap_or_default()),
        |rule| rule.name.clone(),
        input.next_token.as_deref(),
        input.limit.unwrap_or(PAGE).clamp(1, PAGE) as usize,
    )?;
    let rules = rules
        .iter()
        .map(|rule| RuleShape {
            arn: Some(arn(&call, &rule.name)),
            description: rule.description.clone(),
            event_bus_name: Some("default".into()),
            event_pattern: rule.pattern.clone(),
            managed_by: None,
            name: Some(rule.name.clone()),
            role_arn: rule.role.clone(),
            schedule_expression: rule.schedule.clone(),
            state: Some(state(rule)),
        })
        .collect();
    Ok(ListRulesResponse {
        next_token,
        rules: Some(rules),
    })
}

async fn delete_rule(call: Call, input: DeleteRuleRequest) -> Result<Nothing, ApiError> {
    on_default_bus(input.event_bus_name.as_deref())?;
    let mut txn = call.begin().await;
    if let Some(rule) = txn.get::<Rule>(&input.name) {
        if !rule.targets.is_empty() {
            return Err(ApiError::validation(
                "Rule can't be deleted since it has targets.",
            ));
        }
        txn.delete::<Rule>(&input.name);
        txn.commit().await?;
    }
    Ok(Nothing)
}

/// What of a target cannot be done here; `None`: all of it can.
fn refused(txn: &Txn, target: &Target) -> Option<String> {
    let unsupported = |what: &str| Some(format!("{what} is not supported by Longwave yet."));
    let others = target.kinesis_parameters.is_some()
        || target.run_command_parameters.is_some()
        || target.ecs_parameters.is_some()
        || target.batch_parameters.is_some()
        || target.sqs_parameters.is_some()
        || target.http_parameters.is_some()
        || target.sage_maker_pipeline_parameters.is_some()
        || target.app_sync_parameters.is_some();
    if others {
        return unsupported("A target of this kind");
    }
    if target.input_path.is_some() || target.input_transformer.is_some() {
        return unsupported("InputPath or InputTransformer");
    }
    if target.dead_letter_config.is_some() {
        return unsupported("DeadLetterConfig");
    }
    let words: Vec<&str> = target.arn.splitn(6, ':').collect();
    match words.as_slice() {
        ["arn", _, "sns", _, _, _] => txn
            .get::<Topic>(&target.arn)
            .is_none()
            .then(|| format!("The topic {} does not exist.", target.arn)),
        ["arn", _, "redshift" | "redshift-serverless", _, _, rest]
            if rest.starts_with("cluster:") || rest.starts_with("workgroup/") =>
        {
            let Some(parameters) = &target.redshift_data_parameters else {
                return Some("A target of Redshift needs RedshiftDataParameters.".into());
            };
            match (&parameters.sql, &parameters.sqls) {
                (Some(_), None) => None,
                (None, Some(sqls)) if !sqls.is_empty() => None,
                _ => Some("RedshiftDataParameters needs Sql or Sqls.".into()),
            }
        }
        _ => unsupported(&format!("The target {}", target.arn)),
    }
}

async fn put_targets(call: Call, input: PutTargetsRequest) -> Result<PutTargetsResponse, ApiError> {
    on_default_bus(input.event_bus_name.as_deref())?;
    for target in &input.targets {
        match &target.role_arn {
            Some(role) => roles::may_pass(&call, role)?,
            // Without a role a statement runs as the root: nobody else may ask for that.
            None if target.redshift_data_parameters.is_some()
                && call.caller.kind != CallerKind::Root =>
            {
                return Err(ApiError::validation(format!(
                    "RoleArn is required for target {}.",
                    target.arn
                )));
            }
            None => {}
        }
    }
    let mut txn = call.begin().await;
    let rule = txn
        .get::<Rule>(&input.rule)
        .ok_or_else(|| no_rule(&input.rule))?;
    let mut rule = (*rule).clone();
    let mut failed = Vec::new();
    for target in input.targets {
        if let Some(why) = refused(&txn, &target) {
            failed.push(PutTargetsResultEntry {
                error_code: Some("ValidationException".into()),
                error_message: Some(why),
                target_id: Some(target.id.clone()),
            });
            continue;
        }
        rule.targets.retain(|known| known.0.id != target.id);
        if rule.targets.len() >= TARGETS {
            return Err(errors::limit_exceeded_exception(
                "The requested resource exceeds the maximum number allowed.",
            ));
        }
        rule.targets.push(Stored(target));
    }
    txn.put(rule)?;
    txn.commit().await?;
    Ok(PutTargetsResponse {
        failed_entry_count: Some(failed.len() as i64),
        failed_entries: Some(failed),
    })
}

async fn remove_targets(
    call: Call,
    input: RemoveTargetsRequest,
) -> Result<RemoveTargetsResponse, ApiError> {
    on_default_bus(input.event_bus_name.as_deref())?;
    let mut txn = call.begin().await;
    let rule = txn
        .get::<Rule>(&input.rule)
        .ok_or_else(|| no_rule(&input.rule))?;
    let mut rule = (*rule).clone();
    let missing: Vec<RemoveTargetsResultEntry> = input
        .ids
        .iter()
        .filter(|id| !rule.targets.iter().any(|target| target.0.id == **id))
        .map(|id| RemoveTargetsResultEntry {
            error_code: Some("ResourceNotFoundException".into()),
            error_message: Some(format!("Rule {} has no target {id}.", rule.name)),
            target_id: Some(id.clone()),
        })
        .collect();
    rule.targets
        .retain(|target| !input.ids.contains(&target.0.id));
    txn.put(rule)?;
    txn.commit().await?;
    Ok(RemoveTargetsResponse {
        failed_entry_count: Some(missing.len() as i64),
        failed_entries: Some(missing),
    })
}

async fn list_targets_by_rule(
    call: Call,
    input: ListTargetsByRuleRequest,
) -> Result<ListTargetsByRuleResponse, ApiError> {
    on_default_bus(input.event_bus_name.as_deref())?;
    let rule: Arc<Rule> = call
        .view()
        .get::<Rule>(&input.rule)
        .ok_or_else(|| no_rule(&input.rule))?;
    let mut targets: Vec<Target> = rule.targets.iter().map(|target| target.0.clone()).collect();
    targets.sort_by(|a, b| a.id.cmp(&b.id));
    let (targets, next_token) = page(
        targets,
        |target| target.id.clone(),
        input.next_token.as_deref(),
        input.limit.unwrap_or(PAGE).clamp(1, PAGE) as usize,
    )?;
    Ok(ListTargetsByRuleResponse {
        next_token,
        targets: Some(targets),
    })
}
