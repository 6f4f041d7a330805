//! Changes of a cluster besides ModifyCluster: roles, maintenance, revisions, keys, failover (guide L3043-3125,
//! L4788-4826, L19641-19649).

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    AquaConfiguration, FailoverPrimaryComputeInputMessage, FailoverPrimaryComputeResult,
    ModifyAquaInputMessage, ModifyAquaOutputMessage, ModifyClusterDbRevisionMessage,
    ModifyClusterDbRevisionResult, ModifyClusterIamRolesMessage, ModifyClusterIamRolesResult,
    ModifyClusterMaintenanceMessage, ModifyClusterMaintenanceResult, RotateEncryptionKeyMessage,
    RotateEncryptionKeyResult, errors, op,
};

use super::cluster::{Deferral, find_cluster};
use super::common::some;
use super::modify::apply;
use super::operations::put;
use super::{events, lifecycle, options, rights, windows};
use crate::Call;
use crate::registry::{Depth, Registry};

pub fn register(registry: &mut Registry) {
    registry.serve(op::ModifyClusterIamRoles, Depth::Full, modify_iam_roles);
    registry.serve(
        op::ModifyClusterMaintenance,
        Depth::Record("no maintenance is run"),
        modify_maintenance,
    );
    registry.serve(op::ModifyClusterDbRevision, Depth::Full, modify_revision);
    registry.serve(
        op::ModifyAquaConfiguration,
        Depth::Record("AQUA has ended"),
        modify_aqua,
    );
    registry.serve(
        op::FailoverPrimaryCompute,
        Depth::Record("there is one machine: the leader is restarted"),
        failover,
    );
    registry.serve(
        op::RotateEncryptionKey,
        Depth::Record("the keys' effect on disk comes with encryption at rest"),
        rotate_key,
    );
}

async fn modify_iam_roles(
    call: Call,
    input: ModifyClusterIamRolesMessage,
) -> Result<ModifyClusterIamRolesResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    cluster.require_available()?;
    let removed = input.remove_iam_roles.unwrap_or_default();
    let mut roles: Vec<String> = cluster.iam_roles.clone();
    let added = input.add_iam_roles.unwrap_or_default();
    rights::pass_roles(&call, &added)?;
    roles.extend(added);
    roles.retain(|role| !removed.contains(role));
    cluster.iam_roles = options::iam_roles(Some(roles))?;
    if let Some(default) = input.default_iam_role_arn {
        if !default.is_empty() && !cluster.iam_roles.contains(&default) {
            return Err(ApiError::validation(format!(
                "The default IAM role {default} is not associated with the cluster."
            )));
        }
        cluster.default_role = some(Some(default));
    }
    if cluster
        .default_role
        .as_ref()
        .is_some_and(|role| removed.contains(role))
    {
        cluster.default_role = None;
    }
    let shown = put(&call, &mut txn, cluster)?;
    txn.commit().await?;
    Ok(ModifyClusterIamRolesResult {
        cluster: Some(shown),
    })
}

async fn modify_maintenance(
    call: Call,
    input: ModifyClusterMaintenanceMessage,
) -> Result<ModifyClusterMaintenanceResult, ApiError> {
    let now = call.now();
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    cluster.require_available()?;
    let id = some(input.defer_maintenance_identifier);
    if input.defer_maintenance == Some(false) {
        match &id {
            Some(id) if cluster.deferrals.iter().any(|deferral| deferral.id == *id) => {
                cluster.deferrals.retain(|deferral| deferral.id != *id);
            }
            Some(id) => {
                return Err(ApiError::validation(format!(
                    "The deferral {id} does not exist."
                )));
            }
            None => cluster.deferrals.clear(),
        }
    } else {
        if input.defer_maintenance_end_time.is_some() && input.defer_maintenance_duration.is_some()
        {
            return Err(ApiError::combination(
                "DeferMaintenanceEndTime and DeferMaintenanceDuration cannot be specified together.",
            ));
        }
        let known = id.as_ref().and_then(|id| {
            cluster
                .deferrals
                .iter()
                .position(|deferral| deferral.id == *id)
        });
        let start = input
            .defer_maintenance_start_time
            .or(known.map(|at| cluster.deferrals[at].start))
            .unwrap_or(now);
        let end = match (
            input.defer_maintenance_end_time,
            input.defer_maintenance_duration,
        ) {
            (Some(end), _) => end,
            (None, Some(days)) => start + Duration::days(days.clamp(0, 3650)),
            (None, None) => start + Duration::days(45),
        };
        // L3053: 45 days at most.
        if end <= start || end - start > Duration::days(45) || end < now {
            return Err(ApiError::validation(
                "Maintenance can be deferred for up to 45 days, until a time to come.",
            ));
        }
        let deferral = Deferral {
            id: id.unwrap_or_else(|| {
                format!("dfm-{}", &uuid::Uuid::new_v4().simple().to_string()[..20])
            }),
            start,
            end,
        };
        match known {
            Some(at) => cluster.deferrals[at] = deferral,
            None => {
                // L3065: what follows a deferral at once cannot be deferred.
                if cluster
                    .deferrals
                    .iter()
                    .any(|other| other.end >= start && other.start <= end)
                {
                    return Err(ApiError::validation(
                        "The deferral overlaps or follows directly another one.",
                    ));
                }
                cluster.deferrals.push(deferral);
            }
        }
    }
    let shown = put(&call, &mut txn, cluster)?;
    txn.commit().await?;
    Ok(ModifyClusterMaintenanceResult {
        cluster: Some(shown),
    })
}

async fn modify_revision(
    call: Call,
    input: ModifyClusterDbRevisionMessage,
) -> Result<ModifyClusterDbRevisionResult, ApiError> {
    let cluster = find_cluster(&call.view(), &input.cluster_identifier)?;
    cluster.require_available()?;
    if input.revision_target == cluster.revision {
        return Err(errors::cluster_on_latest_revision_fault(format!(
            "Cluster {} is on the latest revision {} already.",
            cluster.id, cluster.revision
        )));
    }
    Err(ApiError::validation(format!(
        "Invalid revision target: {}. There is no other revision than {}.",
        input.revision_target, cluster.revision
    )))
}

async fn modify_aqua(
    call: Call,
    input: ModifyAquaInputMessage,
) -> Result<ModifyAquaOutputMessage, ApiError> {
    // AQUA was retired; the service takes the setting and does nothing with it.
    find_cluster(&call.view(), &input.cluster_identifier)?;
    Ok(ModifyAquaOutputMessage {
        aqua_configuration: Some(AquaConfiguration {
            aqua_status: Some("disabled".into()),
            aqua_configuration_status: Some("auto".into()),
        }),
    })
}

async fn failover(
    call: Call,
    input: FailoverPrimaryComputeInputMessage,
) -> Result<FailoverPrimaryComputeResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    cluster.require_available()?;
    if !cluster.multi_az {
        return Err(errors::unsupported_operation_fault(format!(
            "Cluster {} is not a Multi-AZ cluster.",
            cluster.id
        )));
    }
    let second = windows::next_zone(&cluster.zone);
    events::emit(
        &mut txn,
        call.now(),
        events::CLUSTER,
        &cluster.id,
        3666,
        format!(
            "Multi-AZ cluster {} is recovering: compute in {} takes over.",
            cluster.id, second
        ),
    )?;
    cluster.zone = second;
    let text = format!(
        "Multi-AZ cluster {} was recovered with both Availability Zones.",
        cluster.id
    );
    cluster.push(apply("modifying", Some((3669, text))));
    let shown = put(&call, &mut txn, cluster.clone())?;
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(FailoverPrimaryComputeResult {
        cluster: Some(shown),
    })
}

async fn rotate_key(
    call: Call,
    input: RotateEncryptionKeyMessage,
) -> Result<RotateEncryptionKeyResult, ApiError> {
    let mut txn = call.begin().await;
    let mut cluster = (*find_cluster(&txn, &input.cluster_identifier)?).clone();
    cluster.require_available()?;
    if !cluster.encrypted {
        return Err(errors::invalid_cluster_state_fault(format!(
            "Cluster {} is not encrypted.",
            cluster.id
        )));
    }
    cluster.push(apply("rotating-keys", None));
    let shown = put(&call, &mut txn, cluster.clone())?;
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(RotateEncryptionKeyResult {
        cluster: Some(shown),
    })
}
