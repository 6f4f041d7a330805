//! Reserved nodes (guide L19207-19423): records. They change a price, and nothing here has one.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    AcceptReservedNodeExchangeInputMessage, AcceptReservedNodeExchangeOutputMessage,
    DescribeReservedNodeExchangeStatusInputMessage,
    DescribeReservedNodeExchangeStatusOutputMessage, DescribeReservedNodeOfferingsMessage,
    DescribeReservedNodesMessage, GetReservedNodeExchangeConfigurationOptionsInputMessage,
    GetReservedNodeExchangeConfigurationOptionsOutputMessage,
    GetReservedNodeExchangeOfferingsInputMessage, GetReservedNodeExchangeOfferingsOutputMessage,
    PurchaseReservedNodeOfferingMessage, PurchaseReservedNodeOfferingResult, RecurringCharge,
    ReservedNode as Shown, ReservedNodeConfigurationOption, ReservedNodeExchangeStatus,
    ReservedNodeOffering, ReservedNodeOfferingsMessage, ReservedNodesMessage, errors, op,
};
use serde::{Deserialize, Serialize};

use super::cluster::find_cluster;
use super::common::{Read, paged, paged_in_order, some};
use super::nodes;
use super::snapshots::find;
use crate::Call;
use crate::records::Record;
use crate::registry::{Depth, Registry};

/// A reservation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reserved {
    pub id: String,
    pub offering: String,
    pub count: i64,
    pub start: DateTime<Utc>,
    /// What it was exchanged for: request, when, offering.
    pub exchanged: Option<(String, DateTime<Utc>, String)>,
}

impl Record for Reserved {
    const KIND: &'static str = "redshift.reserved-node";
    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Nodes of an account (L27985).
const QUOTA: i64 = 200;
const YEAR: i64 = 31_536_000;
const PAYMENTS: [&str; 3] = ["No Upfront", "Partial Upfront", "All Upfront"];

pub fn register(registry: &mut Registry) {
    let why = Depth::Record("a reservation changes a price, and there is none");
    registry.serve(op::DescribeReservedNodeOfferings, why, describe_offerings);
    registry.serve(op::DescribeReservedNodes, why, describe);
    registry.serve(op::PurchaseReservedNodeOffering, why, purchase);
    registry.serve(
        op::GetReservedNodeExchangeOfferings,
        why,
        exchange_offerings,
    );
    registry.serve(op::AcceptReservedNodeExchange, why, exchange);
    registry.serve(
        op::DescribeReservedNodeExchangeStatus,
        why,
        describe_exchanges,
    );
    registry.serve(
        op::GetReservedNodeExchangeConfigurationOptions,
        why,
        configurations,
    );
}

/// All offerings: a type, one or three years, three ways to pay. All prices are nought.
fn offerings() -> Vec<ReservedNodeOffering> {
    let mut all = Vec::new();
    for (at, node) in nodes::TYPES.iter().enumerate() {
        if node.name.starts_with("ds2") || node.name.starts_with("dc1") {
            continue;
        }
        for years in [1, 3] {
            for (way, payment) in PAYMENTS.iter().enumerate() {
                all.push(ReservedNodeOffering {
                    reserved_node_offering_id: Some(format!(
                        "{at:08x}-0000-4000-8000-{:012x}",
                        years * 16 + way as i64
                    )),
                    node_type: Some(node.name.into()),
                    duration: Some(years * YEAR),
                    fixed_price: Some(0.0),
                    usage_price: Some(0.0),
                    currency_code: Some("USD".into()),
                    offering_type: Some((*payment).into()),
                    recurring_charges: Some(vec![RecurringCharge {
                        recurring_charge_amount: Some(0.0),
                        recurring_charge_frequency: Some("Hourly".into()),
                    }]),
                    reserved_node_offering_type: Some("Regular".into()),
                });
            }
        }
    }
    all
}

fn offering(id: &str) -> Result<ReservedNodeOffering, ApiError> {
    offerings()
        .into_iter()
        .find(|o| o.reserved_node_offering_id.as_deref() == Some(id))
        .ok_or_else(|| {
            errors::reserved_node_offering_not_found_fault(format!(
                "Reserved node offering {id} not found."
            ))
        })
}

impl Reserved {
    fn ends(&self) -> DateTime<Utc> {
        let seconds = offering(&self.offering)
            .ok()
            .and_then(|o| o.duration)
            .unwrap_or(YEAR);
        self.start + Duration::seconds(seconds)
    }

    fn state(&self, now: DateTime<Utc>) -> &'static str {
        if self.exchanged.is_some() || now >= self.ends() {
            "retired"
        } else {
            "active"
        }
    }

    fn shown(&self, now: DateTime<Utc>) -> Shown {
        let offering = offering(&self.offering).unwrap_or_default();
        Shown {
            reserved_node_id: Some(self.id.clone()),
            reserved_node_offering_id: offering.reserved_node_offering_id,
            node_type: offering.node_type,
            start_time: Some(self.start),
            duration: offering.duration,
            fixed_price: offering.fixed_price,
            usage_price: offering.usage_price,
            currency_code: offering.currency_code,
            node_count: Some(self.count),
            state: Some(self.state(now).into()),
            offering_type: offering.offering_type,
            recurring_charges: offering.recurring_charges,
            reserved_node_offering_type: offering.reserved_node_offering_type,
        }
    }
}

fn reserved(read: &impl Read, id: &str) -> Result<Arc<Reserved>, ApiError> {
    read.get::<Reserved>(id).ok_or_else(|| {
        errors::reserved_node_not_found_fault(format!("Reserved node {id} not found."))
    })
}

async fn describe_offerings(
    _call: Call,
    input: DescribeReservedNodeOfferingsMessage,
) -> Result<ReservedNodeOfferingsMessage, ApiError> {
    let all = match some(input.reserved_node_offering_id) {
        Some(id) => vec![offering(&id)?],
        None => offerings(),
    };
    let (page, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(ReservedNodeOfferingsMessage {
        marker,
        reserved_node_offerings: Some(page),
    })
}

async fn describe(
    call: Call,
    input: DescribeReservedNodesMessage,
) -> Result<ReservedNodesMessage, ApiError> {
    let view = call.view();
    let all = match some(input.reserved_node_id) {
        Some(id) => vec![reserved(&view, &id)?],
        None => Read::list::<Reserved>(&view),
    };
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(ReservedNodesMessage {
        marker,
        reserved_nodes: Some(page.iter().map(|held| held.shown(call.now())).collect()),
    })
}

async fn purchase(
    call: Call,
    input: PurchaseReservedNodeOfferingMessage,
) -> Result<PurchaseReservedNodeOfferingResult, ApiError> {
    offering(&input.reserved_node_offering_id)?;
    let count = input.node_count.unwrap_or(1);
    if count < 1 {
        return Err(ApiError::validation("NodeCount must be at least 1."));
    }
    let mut txn = call.begin().await;
    let now = call.now();
    let held: i64 = Read::list::<Reserved>(&txn)
        .iter()
        .filter(|r| r.state(now) == "active")
        .map(|r| r.count)
        .sum();
    if held + count > QUOTA {
        return Err(errors::reserved_node_quota_exceeded_fault(format!(
            "The quota of {QUOTA} reserved nodes is reached."
        )));
    }
    let new = Reserved {
        id: uuid::Uuid::new_v4().to_string(),
        offering: input.reserved_node_offering_id,
        count,
        start: now,
        exchanged: None,
    };
    txn.put(new.clone())?;
    txn.commit().await?;
    Ok(PurchaseReservedNodeOfferingResult {
        reserved_node: Some(new.shown(now)),
    })
}

/// What an active reservation can become: another type with managed storage, as long and paid the same way.
fn targets(held: &Reserved, now: DateTime<Utc>) -> Result<Vec<ReservedNodeOffering>, ApiError> {
    if held.state(now) != "active" {
        return Err(errors::invalid_reserved_node_state_fault(format!(
            "Reserved node {} is not active.",
            held.id
        )));
    }
    let source = offering(&held.offering)?;
    Ok(offerings()
        .into_iter()
        .filter(|o| o.duration == source.duration && o.offering_type == source.offering_type)
        .filter(|o| o.node_type != source.node_type)
        .filter(|o| {
            o.node_type
                .as_deref()
                .is_some_and(|name| nodes::find(name).is_ok_and(|n| n.ra3))
        })
        .collect())
}

async fn exchange_offerings(
    call: Call,
    input: GetReservedNodeExchangeOfferingsInputMessage,
) -> Result<GetReservedNodeExchangeOfferingsOutputMessage, ApiError> {
    let held = reserved(&call.view(), &input.reserved_node_id)?;
    let (page, marker) = paged_in_order(
        targets(&held, call.now())?,
        &input.marker,
        input.max_records,
    )?;
    Ok(GetReservedNodeExchangeOfferingsOutputMessage {
        marker,
        reserved_node_offerings: Some(page),
    })
}

async fn exchange(
    call: Call,
    input: AcceptReservedNodeExchangeInputMessage,
) -> Result<AcceptReservedNodeExchangeOutputMessage, ApiError> {
    let now = call.now();
    let mut txn = call.begin().await;
    let mut held = (*reserved(&txn, &input.reserved_node_id)?).clone();
    if held.exchanged.is_some() {
        return Err(errors::reserved_node_already_migrated_fault(format!(
            "Reserved node {} was exchanged already.",
            held.id
        )));
    }
    let target = input.target_reserved_node_offering_id;
    offering(&target)?;
    if !targets(&held, now)?
        .iter()
        .any(|o| o.reserved_node_offering_id.as_deref() == Some(&target))
    {
        return Err(errors::unsupported_operation_fault(format!(
            "Reserved node {} cannot be exchanged for the offering {target}.",
            held.id
        )));
    }
    let new = Reserved {
        id: uuid::Uuid::new_v4().to_string(),
        offering: target.clone(),
        count: held.count,
        start: held.start,
        exchanged: None,
    };
    held.exchanged = Some((uuid::Uuid::new_v4().to_string(), now, target));
    txn.put(held)?;
    txn.put(new.clone())?;
    txn.commit().await?;
    Ok(AcceptReservedNodeExchangeOutputMessage {
        exchanged_reserved_node: Some(new.shown(now)),
    })
}

async fn describe_exchanges(
    call: Call,
    input: DescribeReservedNodeExchangeStatusInputMessage,
) -> Result<DescribeReservedNodeExchangeStatusOutputMessage, ApiError> {
    let view = call.view();
    let wanted = some(input.reserved_node_id);
    if let Some(id) = &wanted {
        reserved(&view, id)?;
    }
    let request = some(input.reserved_node_exchange_request_id);
    let all: Vec<ReservedNodeExchangeStatus> = Read::list::<Reserved>(&view)
        .iter()
        .filter(|held| wanted.as_ref().is_none_or(|id| *id == held.id))
        .filter_map(|held| {
            let (id, at, target) = held.exchanged.clone()?;
            if request.as_ref().is_some_and(|wanted| *wanted != id) {
                return None;
            }
            Some(ReservedNodeExchangeStatus {
                reserved_node_exchange_request_id: Some(id),
                status: Some("SUCCEEDED".into()),
                request_time: Some(at),
                source_reserved_node_id: Some(held.id.clone()),
                source_reserved_node_type: offering(&held.offering).ok().and_then(|o| o.node_type),
                source_reserved_node_count: Some(held.count),
                target_reserved_node_type: offering(&target).ok().and_then(|o| o.node_type),
                target_reserved_node_offering_id: Some(target),
                target_reserved_node_count: Some(held.count),
            })
        })
        .collect();
    if request.is_some() && all.is_empty() {
        return Err(errors::reserved_node_exchange_not_found_fault(
            "The reserved node exchange was not found.",
        ));
    }
    let (page, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(DescribeReservedNodeExchangeStatusOutputMessage {
        marker,
        reserved_node_exchange_status_details: Some(page),
    })
}

async fn configurations(
    call: Call,
    input: GetReservedNodeExchangeConfigurationOptionsInputMessage,
) -> Result<GetReservedNodeExchangeConfigurationOptionsOutputMessage, ApiError> {
    let view = call.view();
    let node_type = if input.action_type == "restore-cluster" {
        let id = some(input.snapshot_identifier).ok_or_else(|| {
            ApiError::combination("SnapshotIdentifier is required for restore-cluster.")
        })?;
        find(&view, &id, None)?.node_type.clone()
    } else {
        let id = some(input.cluster_identifier).ok_or_else(|| {
            ApiError::combination("ClusterIdentifier is required for resize-cluster.")
        })?;
        find_cluster(&view, &id)?.node_type.clone()
    };
    let now = call.now();
    let mut all = Vec::new();
    for held in Read::list::<Reserved>(&view) {
        let mine =
            offering(&held.offering).is_ok_and(|o| o.node_type.as_deref() == Some(&node_type));
        if !mine || held.state(now) != "active" {
            continue;
        }
        for target in targets(&held, now)? {
            all.push(ReservedNodeConfigurationOption {
                source_reserved_node: Some(held.shown(now)),
                target_reserved_node_count: Some(held.count),
                target_reserved_node_offering: Some(target),
            });
        }
    }
    let (page, marker) = paged_in_order(all, &input.marker, input.max_records)?;
    Ok(GetReservedNodeExchangeConfigurationOptionsOutputMessage {
        marker,
        reserved_node_configuration_option_list: Some(page),
    })
}
