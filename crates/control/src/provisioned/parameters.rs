//! Parameter groups (guide L18363-19133). Values in effect are those a cluster took at its last restart,
//! but for what is dynamic, which takes effect at once unless something static changed with it (L18737).

use std::collections::BTreeMap;
use std::sync::Arc;

use lw_aws_model::redshift::{
    ClusterParameterGroup, ClusterParameterGroupDetails, ClusterParameterGroupNameMessage,
    ClusterParameterGroupsMessage, CreateClusterParameterGroupMessage,
    CreateClusterParameterGroupResult, DefaultClusterParameters,
    DeleteClusterParameterGroupMessage, DescribeClusterParameterGroupsMessage,
    DescribeClusterParametersMessage, DescribeDefaultClusterParametersMessage,
    DescribeDefaultClusterParametersResult, ModifyClusterParameterGroupMessage,
    ResetClusterParameterGroupMessage, errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};

use super::cluster::ClusterRecord;
use super::common::{Read, identifier, paged, paged_in_order};
use super::known::{Known, PARAMETERS, WLM, parameter};
use super::{events, lifecycle, tags, wlm};
use crate::Call;
use crate::records::{Record, Txn};
use crate::registry::{Depth, Registry};

/// The only family there is (L18367).
pub const FAMILY: &str = "redshift-1.0";
/// Its default group, which cannot be changed (L18369).
pub const DEFAULT_GROUP: &str = "default.redshift-1.0";
/// Groups of an account (L27980).
const QUOTA: usize = 20;

/// A parameter group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ParameterGroup {
    pub name: String,
    pub family: String,
    pub description: String,
    /// Values that were set; the rest are defaults.
    pub values: BTreeMap<String, String>,
}

impl Record for ParameterGroup {
    const KIND: &'static str = "redshift.parameter-group";
    fn id(&self) -> String {
        self.name.clone()
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(
        op::CreateClusterParameterGroup,
        Depth::Partly("wlm_json_configuration, auto_mv, auto_analyze"),
        create,
    );
    registry.serve(op::DeleteClusterParameterGroup, Depth::Full, delete);
    registry.serve(
        op::DescribeClusterParameterGroups,
        Depth::Full,
        describe_groups,
    );
    registry.serve(op::DescribeClusterParameters, Depth::Full, describe);
    registry.serve(
        op::DescribeDefaultClusterParameters,
        Depth::Full,
        describe_default,
    );
    registry.serve(
        op::ModifyClusterParameterGroup,
        Depth::Partly("wlm_json_configuration, auto_mv, auto_analyze"),
        modify,
    );
    registry.serve(op::ResetClusterParameterGroup, Depth::Full, reset);
}

/// Makes the default group.
pub fn seed(txn: &mut Txn) -> Result<(), ApiError> {
    if txn.get::<ParameterGroup>(DEFAULT_GROUP).is_some() {
        return Ok(());
    }
    txn.put(ParameterGroup {
        name: DEFAULT_GROUP.into(),
        family: FAMILY.into(),
        description: "Default parameter group for redshift-1.0".into(),
        values: BTreeMap::new(),
    })
}

/// The group with this name.
pub fn find(read: &impl Read, name: &str) -> Result<Arc<ParameterGroup>, ApiError> {
    read.get::<ParameterGroup>(&name.to_ascii_lowercase())
        .ok_or_else(|| {
            errors::cluster_parameter_group_not_found_fault(format!(
                "ParameterGroup not found: {name}"
            ))
        })
}

/// What a cluster takes from its group when it starts. Workload management stays here: it is no setting
/// of a session.
pub fn settings(read: &impl Read, group: &str) -> Vec<(String, String)> {
    read.get::<ParameterGroup>(group)
        .map(|group| {
            group
                .values
                .iter()
                .filter(|(name, _)| *name != WLM)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        })
        .unwrap_or_default()
}

/// Parameters whose values in the group are not those in effect.
pub fn differing(read: &impl Read, cluster: &ClusterRecord) -> Vec<String> {
    let wanted: BTreeMap<_, _> = settings(read, &cluster.parameter_group)
        .into_iter()
        .collect();
    let have: BTreeMap<_, _> = cluster.settings.iter().cloned().collect();
    PARAMETERS
        .iter()
        .filter(|p| wanted.get(p.name) != have.get(p.name))
        .map(|p| p.name.to_string())
        .collect()
}

fn arn(config: &crate::ControlConfig, name: &str) -> String {
    config.arn("redshift", format_args!("parametergroup:{name}"))
}

fn shown(call: &Call, read: &impl Read, group: &ParameterGroup) -> ClusterParameterGroup {
    ClusterParameterGroup {
        parameter_group_name: Some(group.name.clone()),
        parameter_group_family: Some(group.family.clone()),
        description: Some(group.description.clone()),
        tags: Some(tags::of(read, &arn(call.config(), &group.name))),
    }
}

async fn create(
    call: Call,
    input: CreateClusterParameterGroupMessage,
) -> Result<CreateClusterParameterGroupResult, ApiError> {
    let name = identifier("ParameterGroupName", &input.parameter_group_name, 255)?;
    if input.parameter_group_family != FAMILY {
        return Err(ApiError::validation(format!(
            "ParameterGroupFamily {} is not a valid parameter group family. Valid values: {FAMILY}",
            input.parameter_group_family
        )));
    }
    let mut txn = call.begin().await;
    if txn.get::<ParameterGroup>(&name).is_some() {
        return Err(errors::cluster_parameter_group_already_exists_fault(
            format!("Parameter group {name} already exists"),
        ));
    }
    // The default group is not one of the account's own.
    if txn.count::<ParameterGroup>() > QUOTA {
        return Err(errors::cluster_parameter_group_quota_exceeded_fault(
            format!("The quota of {QUOTA} parameter groups is reached."),
        ));
    }
    let group = ParameterGroup {
        name: name.clone(),
        family: FAMILY.into(),
        description: input.description,
        values: BTreeMap::new(),
    };
    txn.put(group.clone())?;
    tags::set(&mut txn, &arn(call.config(), &name), input.tags)?;
    events::emit(
        &mut txn,
        call.now(),
        events::PARAMETER_GROUP,
        &name,
        1003,
        format!("Cluster parameter group {name} was created."),
    )?;
    let shown = shown(&call, &txn, &group);
    txn.commit().await?;
    Ok(CreateClusterParameterGroupResult {
        cluster_parameter_group: Some(shown),
    })
}

async fn delete(
    call: Call,
    input: DeleteClusterParameterGroupMessage,
) -> Result<Nothing, ApiError> {
    let mut txn = call.begin().await;
    let group = find(&txn, &input.parameter_group_name)?;
    if group.name == DEFAULT_GROUP {
        return Err(errors::invalid_cluster_parameter_group_state_fault(
            format!("The default parameter group {DEFAULT_GROUP} cannot be deleted."),
        ));
    }
    if let Some(user) = Read::list::<ClusterRecord>(&txn)
        .iter()
        .find(|cluster| cluster.parameter_group == group.name)
    {
        return Err(errors::invalid_cluster_parameter_group_state_fault(
            format!(
                "The parameter group {} is in use by cluster {}.",
                group.name, user.id
            ),
        ));
    }
    txn.delete::<ParameterGroup>(&group.name);
    tags::forget(&mut txn, &arn(call.config(), &group.name));
    events::emit(
        &mut txn,
        call.now(),
        events::PARAMETER_GROUP,
        &group.name,
        1004,
        format!("Cluster parameter group {} was deleted.", group.name),
    )?;
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe_groups(
    call: Call,
    input: DescribeClusterParameterGroupsMessage,
) -> Result<ClusterParameterGroupsMessage, ApiError> {
    let view = call.view();
    let groups = match &input.parameter_group_name {
        Some(name) => vec![find(&view, name)?],
        None => Read::list::<ParameterGroup>(&view),
    };
    let groups = groups
        .into_iter()
        .filter(|group| {
            tags::matches(
                &view,
                &arn(call.config(), &group.name),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    let (groups, marker) = paged(groups, &input.marker, input.max_records)?;
    Ok(ClusterParameterGroupsMessage {
        marker,
        parameter_groups: Some(
            groups
                .iter()
                .map(|group| shown(&call, &view, group))
                .collect(),
        ),
    })
}

async fn describe(
    call: Call,
    input: DescribeClusterParametersMessage,
) -> Result<ClusterParameterGroupDetails, ApiError> {
    let group = find(&call.view(), &input.parameter_group_name)?;
    if let Some(source) = input.source.as_deref()
        && !matches!(source, "user" | "engine-default")
    {
        return Err(ApiError::validation(format!(
            "Invalid source: {source}. Valid values: user, engine-default."
        )));
    }
    let all = PARAMETERS
        .iter()
        .map(|p| p.shown(&group.values))
        .filter(|p| input.source.is_none() || p.source == input.source)
        .collect();
    let (parameters, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(ClusterParameterGroupDetails {
        marker,
        parameters: Some(parameters),
    })
}

async fn describe_default(
    _call: Call,
    input: DescribeDefaultClusterParametersMessage,
) -> Result<DescribeDefaultClusterParametersResult, ApiError> {
    if input.parameter_group_family != FAMILY {
        return Err(ApiError::validation(format!(
            "ParameterGroupFamily {} is not a valid parameter group family. Valid values: {FAMILY}",
            input.parameter_group_family
        )));
    }
    let all = PARAMETERS
        .iter()
        .map(|p| p.shown(&BTreeMap::new()))
        .collect();
    let (parameters, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(DescribeDefaultClusterParametersResult {
        default_cluster_parameters: Some(DefaultClusterParameters {
            parameter_group_family: Some(FAMILY.into()),
            marker,
            parameters: Some(parameters),
        }),
    })
}

async fn modify(
    call: Call,
    input: ModifyClusterParameterGroupMessage,
) -> Result<ClusterParameterGroupNameMessage, ApiError> {
    if input.parameters.is_empty() {
        return Err(ApiError::validation(
            "At least one parameter must be given.",
        ));
    }
    change(&call, &input.parameter_group_name, |values| {
        for given in &input.parameters {
            let name = given.parameter_name.as_deref().unwrap_or_default();
            let known = parameter(name)?;
            let value = given.parameter_value.as_deref().ok_or_else(|| {
                ApiError::validation(format!("The parameter {name} has no value."))
            })?;
            values.insert(name.to_string(), known.check(value)?);
        }
        Ok(())
    })
    .await
}

async fn reset(
    call: Call,
    input: ResetClusterParameterGroupMessage,
) -> Result<ClusterParameterGroupNameMessage, ApiError> {
    let all = input.reset_all_parameters.unwrap_or(false);
    let named = input.parameters.unwrap_or_default();
    if all != named.is_empty() {
        return Err(ApiError::combination(
            "Either ResetAllParameters or a list of Parameters must be given, not both.",
        ));
    }
    change(&call, &input.parameter_group_name, |values| {
        if all {
            values.clear();
        }
        for given in &named {
            let name = given.parameter_name.as_deref().unwrap_or_default();
            values.remove(parameter(name)?.name);
        }
        Ok(())
    })
    .await
}

/// Changes a group's values and brings its clusters to the state that follows.
async fn change(
    call: &Call,
    name: &str,
    make: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), ApiError>,
) -> Result<ClusterParameterGroupNameMessage, ApiError> {
    let mut txn = call.begin().await;
    let group = find(&txn, name)?;
    if group.name == DEFAULT_GROUP {
        return Err(errors::invalid_cluster_parameter_group_state_fault(
            format!(
                "The default parameter group {DEFAULT_GROUP} cannot be modified; create a parameter group of your own."
            ),
        ));
    }
    let mut new = (*group).clone();
    make(&mut new.values)?;
    let value = |values: &BTreeMap<String, String>, p: &Known| {
        values
            .get(p.name)
            .cloned()
            .unwrap_or_else(|| p.default.to_string())
    };
    let changed: Vec<&Known> = PARAMETERS
        .iter()
        .filter(|p| value(&group.values, p) != value(&new.values, p))
        .collect();
    let wlm_static = wlm::static_change(
        group.values.get(WLM).map(String::as_str),
        new.values.get(WLM).map(String::as_str),
    );
    let waits = changed.iter().any(|p| !p.dynamic) || wlm_static;
    for p in &changed {
        events::emit(
            &mut txn,
            call.now(),
            events::PARAMETER_GROUP,
            &group.name,
            1002,
            format!(
                "Cluster parameter {} was updated from {} to {}.",
                p.name,
                value(&group.values, p),
                value(&new.values, p)
            ),
        )?;
    }
    if !changed.is_empty() {
        events::emit(
            &mut txn,
            call.now(),
            events::PARAMETER_GROUP,
            &group.name,
            1005,
            format!(
                "Cluster parameter group {} was updated. If you changed only dynamic parameters, associated \
                     clusters are being modified now. If you changed static parameters, all updates, including \
                     dynamic parameters, will be applied when you reboot the associated clusters.",
                group.name
            ),
        )?;
    }
    txn.put(new)?;
    let mut now = Vec::new();
    for cluster in Read::list::<ClusterRecord>(&txn) {
        if cluster.parameter_group != group.name || changed.is_empty() {
            continue;
        }
        let mut cluster = (*cluster).clone();
        if waits || cluster.parameters_status == "pending-reboot" {
            cluster.parameters_status = "pending-reboot".into();
        } else {
            cluster.settings = settings(&txn, &cluster.parameter_group);
            cluster.parameters_status = "in-sync".into();
            now.push(cluster.id.clone());
        }
        events::emit(
            &mut txn,
            call.now(),
            events::CLUSTER,
            &cluster.id,
            1000,
            format!(
                "The parameter group {} was updated at {}.",
                group.name,
                events::time(call.now())
            ),
        )?;
        txn.put(cluster)?;
    }
    let name = group.name.clone();
    txn.commit().await?;
    for id in now {
        lifecycle::apply_now(&call.control, &id).await?;
    }
    Ok(ClusterParameterGroupNameMessage {
        parameter_group_name: Some(name),
        parameter_group_status: Some(
            if waits {
                "Your parameter group has been updated but changes won't get applied until you reboot the associated Clusters."
            } else {
                "Your parameter group has been updated. If you updated only dynamic parameters, associated clusters are being modified now. If you updated static parameters, all updates, including dynamic parameters, will be applied when you reboot the associated clusters."
            }
            .into(),
        ),
    })
}

/// Is the group a cluster is to have there?
pub fn chosen(read: &impl Read, name: Option<&str>) -> Result<String, ApiError> {
    match name {
        None => Ok(DEFAULT_GROUP.into()),
        Some(name) => Ok(find(read, name)?.name.clone()),
    }
}
