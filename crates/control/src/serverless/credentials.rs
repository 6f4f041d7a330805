//! GetCredentials: temporary credentials of the caller's own identity (guide L1546, L1758, L24804).

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::edge::CallerKind;
use lw_aws_model::redshift_serverless::{
    GetCredentialsRequest, GetCredentialsResponse, errors, op,
};
use lw_services::warehouses::TemporaryLogin;

use super::domains::Domain;
use super::{namespace, not_found, workgroup};
use crate::Call;
use crate::identity::logins;
use crate::registry::{Depth, Registry};

pub fn register(registry: &mut Registry) {
    registry.serve(op::GetCredentials, Depth::Full, get);
}

async fn get(call: Call, input: GetCredentialsRequest) -> Result<GetCredentialsResponse, ApiError> {
    let (least, most) = logins::SECONDS;
    let seconds = input.duration_seconds.unwrap_or(least);
    if !(least..=most).contains(&seconds) {
        return Err(errors::validation_exception(format!(
            "Invalid durationSeconds {seconds}. It must be between {least} and {most}."
        )));
    }
    let mut txn = call.begin().await;
    let view = call.view();
    let name = match (&input.workgroup_name, &input.custom_domain_name) {
        (Some(name), None) => name.clone(),
        (None, Some(domain)) => view
            .get::<Domain>(&domain.to_lowercase())
            .map(|known| known.workgroup.clone())
            .ok_or_else(|| not_found("Custom domain name", domain))?,
        _ => {
            return Err(errors::validation_exception(
                "Specify either workgroupName or customDomainName.",
            ));
        }
    };
    let known = workgroup(&view, &name)?;
    if !known.available() {
        return Err(errors::validation_exception(format!(
            "Workgroup {name} is not available."
        )));
    }
    let data = namespace(&view, &known.namespace)?;
    let user = logins::name_of(&call.caller);
    // Guide L1656-1658: who made the namespace is a superuser of it.
    let superuser = matches!(call.caller.kind, CallerKind::Root | CallerKind::Service)
        || data.creator.as_ref() == Some(&call.caller.arn);
    let made = logins::make(
        &call.control,
        &mut txn,
        &known.namespace_id,
        &user,
        TemporaryLogin {
            db_user: user.clone(),
            auto_create: true,
            superuser,
            database: input.db_name.filter(|name| !name.is_empty()),
            groups: logins::names_in_tag(&call.caller, "RedshiftDbGroups"),
            // Guide L1579-1581.
            roles: logins::names_in_tag(&call.caller, "RedshiftDbRoles"),
            request_id: call.request_id.clone(),
        },
        seconds,
    )?;
    txn.commit().await?;
    Ok(GetCredentialsResponse {
        db_password: Some(made.password),
        db_user: Some(made.user),
        expiration: Some(made.expires),
        // Half of the time is left then.
        next_refresh_time: Some(made.expires - Duration::seconds(seconds / 2)),
    })
}
