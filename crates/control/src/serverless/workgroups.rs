//! Operations of workgroups.

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    CreateWorkgroupRequest, CreateWorkgroupResponse, DeleteWorkgroupRequest,
    DeleteWorkgroupResponse, GetWorkgroupRequest, GetWorkgroupResponse, ListWorkgroupsRequest,
    ListWorkgroupsResponse, UpdateWorkgroupRequest, UpdateWorkgroupResponse, errors, op,
};

use super::paging::page;
use super::state::{Gate, Setup, Workgroup, WorkgroupWork};
use super::{idle, namespace, parameters, rules, tags, tracks, work_id, workgroup, workgroup_of};
use crate::Call;
use crate::records::View;
use crate::registry::{Depth, Registry};

pub fn register(registry: &mut Registry) {
    registry.serve(
        op::CreateWorkgroup,
        Depth::Partly("maxCapacity, pricePerformanceTarget, subnets, tracks, most query limits"),
        create,
    );
    registry.serve(
        op::UpdateWorkgroup,
        Depth::Partly("maxCapacity, pricePerformanceTarget, subnets, tracks, most query limits"),
        update,
    );
    registry.serve(op::GetWorkgroup, Depth::Full, get);
    registry.serve(op::ListWorkgroups, Depth::Full, list);
    registry.serve(op::DeleteWorkgroup, Depth::Full, delete);
}

/// A port for a workgroup that asks for none: one that no other has.
fn free_port(view: &View) -> u16 {
    let taken: Vec<u16> = view
        .list::<Workgroup>()
        .iter()
        .flat_map(|w| [Some(w.setup.port), w.address.as_ref().map(|a| a.1)])
        .flatten()
        .collect();
    rules::ports()
        .find(|port| !taken.contains(port))
        .unwrap_or(rules::USUAL_PORT)
}

async fn create(
    call: Call,
    input: CreateWorkgroupRequest,
) -> Result<CreateWorkgroupResponse, ApiError> {
    let base_capacity = rules::base_capacity(input.base_capacity.unwrap_or(rules::USUAL_CAPACITY))?;
    let max_capacity = match input.max_capacity {
        Some(rpu) => rules::max_capacity(rpu, base_capacity)?,
        None => None,
    };
    let port = input.port.map(rules::port).transpose()?;
    let parameters =
        parameters::merge(&[], input.config_parameters.as_deref().unwrap_or_default())?;
    if let Some(track) = &input.track_name {
        tracks::check(track)?;
    }
    let mut txn = call.begin().await;
    let view = call.view();
    if view.get::<Workgroup>(&input.workgroup_name).is_some() {
        return Err(errors::conflict_exception(format!(
            "Workgroup {} already exists.",
            input.workgroup_name
        )));
    }
    let namespace = namespace(&view, &input.namespace_name)?;
    if let Some(other) = workgroup_of(&view, &namespace.name) {
        // One to one (guide L1838); a client that replaces a workgroup waits for the old one to go.
        return Err(errors::conflict_exception(
            if matches!(other.pending, Some(WorkgroupWork::Delete { .. })) {
                "There is an operation running on the existing workgroup. Try again later."
                    .to_string()
            } else {
                format!(
                    "Namespace {} is already associated with the workgroup {}.",
                    namespace.name, other.name
                )
            },
        ));
    }
    idle(&view, &namespace)?;
    if view.count::<Workgroup>() >= rules::MOST {
        return Err(errors::validation_exception(format!(
            "The account has {} workgroups already, which is its quota.",
            rules::MOST
        )));
    }
    let made = Workgroup {
        name: input.workgroup_name,
        uuid: uuid::Uuid::new_v4().to_string(),
        namespace: namespace.name.clone(),
        namespace_id: namespace.uuid.clone(),
        created: call.now(),
        setup: Setup {
            base_capacity,
            max_capacity,
            port: port.unwrap_or_else(|| free_port(&view)),
            parameters,
            enhanced_vpc_routing: input.enhanced_vpc_routing.unwrap_or(false),
            publicly_accessible: input.publicly_accessible.unwrap_or(false),
            security_groups: input.security_group_ids.unwrap_or_default(),
            subnets: input.subnet_ids.unwrap_or_default(),
            ip_address_type: input.ip_address_type,
            track: input.track_name,
            price_performance: input.price_performance_target.map(|t| (t.status, t.level)),
            extra_compute: input.extra_compute_for_automatic_optimization,
        },
        gate: Gate::default(),
        address: None,
        pending: Some(WorkgroupWork::Create { id: work_id() }),
    };
    tags::add(&mut txn, &made.arn(call.config()), input.tags.as_deref())?;
    txn.put(made.clone())?;
    txn.commit().await?;
    call.drive();
    Ok(CreateWorkgroupResponse {
        workgroup: Some(made.shown(call.config(), &view)),
    })
}

/// Lays what a caller gives over what was set.
fn changed(before: &Setup, input: UpdateWorkgroupRequest) -> Result<Setup, ApiError> {
    let base_capacity = match input.base_capacity {
        Some(rpu) => rules::base_capacity(rpu)?,
        None => before.base_capacity,
    };
    let max_capacity = match input.max_capacity.or(before.max_capacity) {
        Some(rpu) => rules::max_capacity(rpu, base_capacity)?,
        None => None,
    };
    let port = match input.port {
        // The default workgroup may have one of the operator's.
        Some(port) if port == i64::from(before.port) => before.port,
        Some(port) => rules::port(port)?,
        None => before.port,
    };
    if let Some(track) = &input.track_name {
        tracks::check(track)?;
    }
    Ok(Setup {
        base_capacity,
        max_capacity,
        port,
        parameters: match &input.config_parameters {
            Some(given) => parameters::merge(&before.parameters, given)?,
            None => before.parameters.clone(),
        },
        enhanced_vpc_routing: input
            .enhanced_vpc_routing
            .unwrap_or(before.enhanced_vpc_routing),
        publicly_accessible: input
            .publicly_accessible
            .unwrap_or(before.publicly_accessible),
        security_groups: input
            .security_group_ids
            .unwrap_or_else(|| before.security_groups.clone()),
        subnets: input.subnet_ids.unwrap_or_else(|| before.subnets.clone()),
        ip_address_type: input
            .ip_address_type
            .or_else(|| before.ip_address_type.clone()),
        track: input.track_name.or_else(|| before.track.clone()),
        price_performance: match input.price_performance_target {
            Some(target) => Some((target.status, target.level)),
            None => before.price_performance.clone(),
        },
        extra_compute: input
            .extra_compute_for_automatic_optimization
            .or(before.extra_compute),
    })
}

async fn update(
    call: Call,
    input: UpdateWorkgroupRequest,
) -> Result<UpdateWorkgroupResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let known = workgroup(&view, &input.workgroup_name)?;
    idle(&view, &*namespace(&view, &known.namespace)?)?;
    let setup = changed(&known.setup, input)?;
    // Guide L2125: query limits and configuration parameters restart the database; L994, L1101: a
    // capacity does not. Another port needs a new listener.
    let restart = setup.parameters != known.setup.parameters || setup.port != known.setup.port;
    if setup == known.setup {
        return Ok(UpdateWorkgroupResponse {
            workgroup: known.shown(call.config(), &view),
        });
    }
    let modifying = Workgroup {
        setup,
        pending: Some(WorkgroupWork::Update {
            id: work_id(),
            before: Box::new(known.setup.clone()),
            restart,
        }),
        ..(*known).clone()
    };
    txn.put(modifying.clone())?;
    txn.commit().await?;
    call.drive();
    Ok(UpdateWorkgroupResponse {
        workgroup: modifying.shown(call.config(), &view),
    })
}

async fn get(call: Call, input: GetWorkgroupRequest) -> Result<GetWorkgroupResponse, ApiError> {
    let view = call.view();
    Ok(GetWorkgroupResponse {
        workgroup: workgroup(&view, &input.workgroup_name)?.shown(call.config(), &view),
    })
}

async fn list(
    call: Call,
    input: ListWorkgroupsRequest,
) -> Result<ListWorkgroupsResponse, ApiError> {
    let view = call.view();
    let foreign = input
        .owner_account
        .as_ref()
        .is_some_and(|owner| *owner != call.config().account);
    // One account lives here: no other has workgroups that it could share.
    let all = if foreign {
        Vec::new()
    } else {
        view.list::<Workgroup>()
    };
    let (shown, next_token) = page(
        &call,
        all,
        |w| w.name.clone(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListWorkgroupsResponse {
        next_token,
        workgroups: shown
            .iter()
            .map(|w| w.shown(call.config(), &view))
            .collect(),
    })
}

async fn delete(
    call: Call,
    input: DeleteWorkgroupRequest,
) -> Result<DeleteWorkgroupResponse, ApiError> {
    let mut txn = call.begin().await;
    let view = call.view();
    let known = workgroup(&view, &input.workgroup_name)?;
    let namespace = namespace(&view, &known.namespace)?;
    // One that cannot be started can still be deleted.
    let creating = matches!(known.pending, Some(WorkgroupWork::Create { .. }));
    if !creating {
        idle(&view, &namespace)?;
    }
    let deleting = Workgroup {
        pending: Some(WorkgroupWork::Delete { id: work_id() }),
        ..(*known).clone()
    };
    txn.put(deleting.clone())?;
    txn.commit().await?;
    call.drive();
    Ok(DeleteWorkgroupResponse {
        workgroup: deleting.shown(call.config(), &view),
    })
}
