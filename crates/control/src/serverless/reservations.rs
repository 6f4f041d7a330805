//! Reservations of capacity. Nothing is billed here: they are kept and shown.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    CreateReservationRequest, CreateReservationResponse, GetReservationOfferingRequest,
    GetReservationOfferingResponse, GetReservationRequest, GetReservationResponse,
    ListReservationOfferingsRequest, ListReservationOfferingsResponse, ListReservationsRequest,
    ListReservationsResponse, Reservation as Shown, ReservationOffering, errors, op,
};
use serde::{Deserialize, Serialize};

use super::paging::page;
use super::state::SERVICE;
use super::{not_found, work_id};
use crate::records::{Record, View};
use crate::registry::{Depth, Registry};
use crate::{Call, ControlConfig};

const WHY: Depth = Depth::Record("nothing is billed");
/// One year, seconds.
const YEAR: i64 = 365 * 86_400;
/// Ids and payment of what is offered, in order of ids.
const OFFERINGS: &[(&str, &str)] = &[
    ("1f60f8b2-5a0c-4c4c-9d6b-0d6f4c0a1e01", "ALL_UPFRONT"),
    ("2c1b7d9e-8f3a-4b57-a1c4-7e2f9b6d1e02", "NO_UPFRONT"),
];

/// A reservation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reservation {
    /// Its id.
    pub uuid: String,
    /// Capacity, RPU.
    pub capacity: i64,
    /// What was taken.
    pub offering: String,
    /// When it began.
    pub start: DateTime<Utc>,
    /// The caller's token: the same request twice makes one.
    #[serde(default)]
    pub token: Option<String>,
}

impl Record for Reservation {
    const KIND: &'static str = "serverless.reservation";
    fn id(&self) -> String {
        self.uuid.clone()
    }
}

impl Reservation {
    fn shown(&self, config: &ControlConfig, now: DateTime<Utc>) -> Shown {
        let end = self.start + Duration::seconds(YEAR);
        Shown {
            capacity: Some(self.capacity),
            end_date: Some(end),
            offering: offering(&self.offering).ok(),
            reservation_arn: Some(config.arn(SERVICE, format_args!("reservation/{}", self.uuid))),
            reservation_id: Some(self.uuid.clone()),
            start_date: Some(self.start),
            status: Some(if now < end { "active" } else { "retired" }.into()),
        }
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::CreateReservation, WHY, create);
    registry.serve(op::GetReservation, WHY, get);
    registry.serve(op::ListReservations, WHY, list);
    registry.serve(op::GetReservationOffering, WHY, get_offering);
    registry.serve(op::ListReservationOfferings, WHY, list_offerings);
}

fn offering(id: &str) -> Result<ReservationOffering, ApiError> {
    let (id, payment) = OFFERINGS
        .iter()
        .find(|(known, _)| *known == id)
        .ok_or_else(|| not_found("Reservation offering", id))?;
    Ok(ReservationOffering {
        currency_code: Some("USD".into()),
        duration: Some(YEAR),
        hourly_charge: Some(0.0),
        offering_id: Some((*id).into()),
        offering_type: Some((*payment).into()),
        upfront_charge: Some(0.0),
    })
}

fn find(view: &View, id: &str) -> Result<Arc<Reservation>, ApiError> {
    view.get::<Reservation>(id)
        .ok_or_else(|| not_found("Reservation", id))
}

async fn create(
    call: Call,
    input: CreateReservationRequest,
) -> Result<CreateReservationResponse, ApiError> {
    offering(&input.offering_id)?;
    if input.capacity < 8 || input.capacity % 8 != 0 {
        return Err(errors::validation_exception(format!(
            "Invalid capacity {}. It must be a multiple of 8 RPUs.",
            input.capacity
        )));
    }
    let mut txn = call.begin().await;
    let before = input.client_token.as_ref().and_then(|token| {
        let view = call.view();
        let mut all = view.list::<Reservation>().into_iter();
        all.find(|r| r.token.as_ref() == Some(token))
    });
    let made = match before {
        Some(same) if same.capacity == input.capacity && same.offering == input.offering_id => {
            (*same).clone()
        }
        Some(_) => {
            return Err(errors::conflict_exception(
                "The client token was used with other parameters.",
            ));
        }
        None => Reservation {
            uuid: work_id(),
            capacity: input.capacity,
            offering: input.offering_id,
            start: call.now(),
            token: input.client_token,
        },
    };
    txn.put(made.clone())?;
    txn.commit().await?;
    Ok(CreateReservationResponse {
        reservation: Some(made.shown(call.config(), call.now())),
    })
}

async fn get(call: Call, input: GetReservationRequest) -> Result<GetReservationResponse, ApiError> {
    let known = find(&call.view(), &input.reservation_id)?;
    Ok(GetReservationResponse {
        reservation: known.shown(call.config(), call.now()),
    })
}

async fn list(
    call: Call,
    input: ListReservationsRequest,
) -> Result<ListReservationsResponse, ApiError> {
    let (shown, next_token) = page(
        &call,
        call.view().list::<Reservation>(),
        |r| r.uuid.clone(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListReservationsResponse {
        next_token,
        reservations_list: shown
            .iter()
            .map(|r| r.shown(call.config(), call.now()))
            .collect(),
    })
}

async fn get_offering(
    _call: Call,
    input: GetReservationOfferingRequest,
) -> Result<GetReservationOfferingResponse, ApiError> {
    Ok(GetReservationOfferingResponse {
        reservation_offering: offering(&input.offering_id)?,
    })
}

async fn list_offerings(
    call: Call,
    input: ListReservationOfferingsRequest,
) -> Result<ListReservationOfferingsResponse, ApiError> {
    let ids = OFFERINGS.iter().map(|(id, _)| *id).collect();
    let (ids, next_token) = page(
        &call,
        ids,
        |id| id.to_string(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListReservationOfferingsResponse {
        next_token,
        reservation_offerings_list: ids
            .into_iter()
            .map(offering)
            .collect::<Result<_, ApiError>>()?,
    })
}
