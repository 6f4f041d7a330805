//! Temporary credentials of database users (guide L22365-22557, L23671-23744, L24804-24836): who may have
//! them, and what they allow. That they are good at a login is with
//! [`crate::identity::logins`].

use std::sync::Arc;

use chrono::Duration;
use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    ClusterCredentials, ClusterExtendedCredentials, GetClusterCredentialsMessage,
    GetClusterCredentialsWithIAMMessage, errors, op,
};
use lw_policy::Request;
use lw_services::warehouses::TemporaryLogin;

use super::cluster::{ClusterRecord, find_cluster};
use super::common::{Read, some};
use crate::Call;
use crate::identity::{authorize, logins, resource};
use crate::registry::{Depth, Registry};

pub fn register(registry: &mut Registry) {
    registry.serve(op::GetClusterCredentials, Depth::Full, get);
    registry.serve(op::GetClusterCredentialsWithIAM, Depth::Full, get_with_iam);
}

/// The cluster that is asked for, by its identifier or its custom domain name.
fn cluster(
    call: &Call,
    id: Option<String>,
    domain: Option<String>,
) -> Result<Arc<ClusterRecord>, ApiError> {
    let view = call.view();
    match (some(id), some(domain)) {
        (Some(id), _) => find_cluster(&view, &id),
        (None, Some(domain)) => Read::list::<ClusterRecord>(&view)
            .into_iter()
            .find(|cluster| {
                cluster
                    .custom_domain
                    .as_ref()
                    .is_some_and(|(name, _)| name.eq_ignore_ascii_case(&domain))
            })
            .ok_or_else(|| {
                errors::cluster_not_found_fault(format!("Cluster of {domain} not found."))
            }),
        (None, None) => Err(ApiError::combination(
            "ClusterIdentifier or CustomDomainName is required.",
        )),
    }
}

/// 15 minutes to an hour (L23693).
fn duration(seconds: Option<i64>) -> Result<Duration, ApiError> {
    match seconds.unwrap_or(900) {
        seconds @ 900..=3600 => Ok(Duration::seconds(seconds)),
        seconds => Err(ApiError::validation(format!(
            "Invalid DurationSeconds {seconds}: it must be between 900 and 3600."
        ))),
    }
}

/// The name of a database user, group or database: no colon or slash, which separate.
fn name(parameter: &str, text: &str, longest: usize) -> Result<String, ApiError> {
    let right = (1..=longest).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_+.@-$".contains(c))
        && text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if !right || text.eq_ignore_ascii_case("public") {
        return Err(ApiError::validation(format!(
            "The parameter {parameter} is not valid: {text}"
        )));
    }
    Ok(text.to_lowercase())
}

async fn get(
    call: Call,
    input: GetClusterCredentialsMessage,
) -> Result<ClusterCredentials, ApiError> {
    let cluster = cluster(&call, input.cluster_identifier, input.custom_domain_name)?;
    let lasts = duration(input.duration_seconds)?;
    let user = name("DbUser", &input.db_user, 128)?;
    let database = some(input.db_name)
        .map(|database| name("DbName", &database, 127))
        .transpose()?;
    let groups = input
        .db_groups
        .unwrap_or_default()
        .iter()
        .map(|group| name("DbGroups", group, 127))
        .collect::<Result<Vec<_>, _>>()?;
    let create = input.auto_create == Some(true);

    // L22484-22504: the user, the database, each group.
    let mut resources = vec![resource(&call, "dbuser", &[&cluster.id, &user])];
    if let Some(database) = &database {
        resources.push(resource(&call, "dbname", &[&cluster.id, database]));
    }
    let with_keys = |request: Request| {
        let request = request
            .with("redshift:DbUser", user.as_str())
            .with("redshift:DurationSeconds", lasts.num_seconds().to_string());
        match &database {
            Some(database) => request.with("redshift:DbName", database.as_str()),
            None => request,
        }
    };
    authorize(
        &call,
        with_keys(Request::new("redshift:GetClusterCredentials", resources)),
    )?;
    if create {
        let new = resource(&call, "dbuser", &[&cluster.id, &user]);
        authorize(
            &call,
            with_keys(Request::new("redshift:CreateClusterUser", [new])),
        )?;
    }
    for group in &groups {
        let joined = resource(&call, "dbgroup", &[&cluster.id, group]);
        authorize(
            &call,
            with_keys(Request::new("redshift:JoinGroup", [joined])),
        )?;
    }

    // L23708-23735: the name says whether the user is made, and its groups.
    let mut shown = format!("{}:{user}", if create { "IAMA" } else { "IAM" });
    if !groups.is_empty() {
        shown = format!("{shown}:{}", groups.join(","));
    }
    let login = TemporaryLogin {
        db_user: user,
        auto_create: create,
        superuser: false,
        database,
        groups,
        roles: Vec::new(),
        request_id: call.request_id.clone(),
    };
    let made = issue(&call, &cluster.namespace, &shown, login, lasts).await?;
    Ok(ClusterCredentials {
        db_user: Some(made.user),
        db_password: Some(made.password),
        expiration: Some(made.expires),
    })
}

async fn get_with_iam(
    call: Call,
    input: GetClusterCredentialsWithIAMMessage,
) -> Result<ClusterExtendedCredentials, ApiError> {
    let cluster = cluster(&call, input.cluster_identifier, input.custom_domain_name)?;
    let lasts = duration(input.duration_seconds)?;
    let database = some(input.db_name)
        .map(|database| name("DbName", &database, 127))
        .transpose()?;
    let asked = resource(
        &call,
        "dbname",
        &[&cluster.id, database.as_deref().unwrap_or("*")],
    );
    authorize(
        &call,
        Request::new("redshift:GetClusterCredentialsWithIAM", [asked])
            .with("redshift:DurationSeconds", lasts.num_seconds().to_string()),
    )?;
    // L24804-24834: the database user is the caller.
    let user = logins::name_of(&call.caller);
    let login = TemporaryLogin {
        db_user: user.clone(),
        auto_create: true,
        superuser: false,
        database,
        // Groups and roles come with the principal's tags.
        groups: logins::names_in_tag(&call.caller, "RedshiftDbGroups"),
        roles: logins::names_in_tag(&call.caller, "RedshiftDbRoles"),
        request_id: call.request_id.clone(),
    };
    let made = issue(&call, &cluster.namespace, &user, login, lasts).await?;
    Ok(ClusterExtendedCredentials {
        db_user: Some(made.user),
        db_password: Some(made.password),
        expiration: Some(made.expires),
        next_refresh_time: Some(made.expires - lasts / 2),
    })
}

/// Makes the credentials.
async fn issue(
    call: &Call,
    namespace: &str,
    user: &str,
    login: TemporaryLogin,
    lasts: Duration,
) -> Result<logins::Made, ApiError> {
    let mut txn = call.begin().await;
    let made = logins::make(
        &call.control,
        &mut txn,
        namespace,
        user,
        login,
        lasts.num_seconds(),
    )?;
    txn.commit().await?;
    Ok(made)
}
