//! The three ways in which a call says as whom its SQL runs (guide L16698-16711): a secret with name
//! and password, temporary credentials of a named database user, temporary credentials of the caller's
//! own identity. The secret and the credentials are asked for in the caller's name, through the same door
//! as everybody's: whoever may not read the secret or be the user may not run SQL so.

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::edge::{ApiRequest, AwsApi, CallerKind};
use lw_aws_model::redshift::{GetClusterCredentialsMessage, GetClusterCredentialsWithIAMMessage};
use lw_aws_model::redshift_data::errors;
use lw_aws_model::redshift_serverless::GetCredentialsRequest;
use lw_aws_model::secretsmanager::{GetSecretValueRequest, GetSecretValueResponse};
use lw_aws_model::{ApiError, ServiceRef, Shape, Value};
use lw_services::Proof;

use crate::target::{self, Target};
use crate::{Api, Call};

/// How long temporary credentials are asked for, seconds.
const CREDENTIALS_S: i64 = 3600;
/// How long the root's credentials are used again, so that each of its statements need not make new ones.
const REUSED: Duration = Duration::minutes(10);
/// Credentials that end sooner than this are not used any more.
const MARGIN: Duration = Duration::minutes(2);

/// As whom SQL runs.
#[derive(Clone)]
pub struct Login {
    /// The user's name, as the API shows it.
    pub user: String,
    /// The user's name, as it is sent to the leader.
    pub login_as: String,
    /// What is shown to the leader.
    pub proof: Proof,
    /// The secret it comes from.
    pub secret_arn: Option<String>,
    /// Groups of the session besides the user's.
    pub groups: Vec<String>,
    /// When the credentials end.
    pub expires: Option<DateTime<Utc>>,
}

impl Login {
    fn trusted(user: &str) -> Login {
        Login {
            user: user.to_string(),
            login_as: user.to_string(),
            proof: Proof::Trusted,
            secret_arn: None,
            groups: Vec::new(),
            expires: None,
        }
    }

    /// True if it can be used now.
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_none_or(|expires| expires - now >= MARGIN)
    }
}

/// Finds out, and checks that the caller may.
pub async fn resolve(
    call: &Call,
    target: &Target,
    database: &str,
    secret_arn: Option<&str>,
    db_user: Option<&str>,
) -> Result<Login, ApiError> {
    if secret_arn.is_some() && db_user.is_some() {
        return Err(errors::validation_exception(
            "SecretArn and DbUser cannot be provided together.",
        ));
    }
    if let Some(arn) = secret_arn {
        return of_secret(call, target, arn).await;
    }
    if target.workgroup.is_some() && db_user.is_some() {
        return Err(errors::validation_exception(
            "DbUser cannot be provided with a workgroup: the user is the caller's identity.",
        ));
    }
    // The root may do all at any time; what others may is asked anew for each call.
    let root = matches!(call.caller.kind, CallerKind::Root | CallerKind::Service);
    let key = (
        target.namespace.clone(),
        database.to_string(),
        db_user.unwrap_or_default().to_string(),
    );
    if root
        && let Some((made, login)) = call.control.data.logins.lock().get(&key)
        && call.now() - *made < REUSED
        && login.is_good(call.now())
    {
        return Ok(login.clone());
    }
    let login = temporary(call, target, database, db_user).await?;
    if root && login.expires.is_some() {
        let mut kept = call.control.data.logins.lock();
        kept.retain(|_, (made, _)| call.now() - *made < REUSED);
        kept.insert(key, (call.now(), login.clone()));
    }
    Ok(login)
}

/// Calls an operation in the caller's name.
async fn ask(
    call: &Call,
    service: &'static ServiceRef,
    operation: &str,
    input: Value,
) -> Result<Value, ApiError> {
    Api(call.control.clone())
        .call(ApiRequest {
            service: service.get(),
            operation: operation.into(),
            input,
            caller: call.caller.clone(),
            request_id: call.request_id.clone(),
            source_ip: call.source_ip,
            user_agent: "redshift-data.amazonaws.com".into(),
            secure: call.secure,
            presigned: false,
        })
        .await
}

async fn of_secret(call: &Call, target: &Target, arn: &str) -> Result<Login, ApiError> {
    let input = GetSecretValueRequest {
        secret_id: arn.to_string(),
        ..Default::default()
    };
    let answer = ask(
        call,
        &lw_aws_model::secretsmanager::SERVICE,
        "GetSecretValue",
        input.into_value(),
    )
    .await
    .map_err(|error| match error.shape.as_str() {
        "AccessDeniedException" => error,
        _ => errors::validation_exception(format!(
            "The secret {arn} cannot be read: {}",
            error.message
        )),
    })?;
    let text = GetSecretValueResponse::from_value(answer)
        .secret_string
        .unwrap_or_default();
    let secret: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let member = |name: &str| secret.get(name).and_then(serde_json::Value::as_str);
    let (Some(user), Some(password)) = (member("username"), member("password")) else {
        return Err(errors::validation_exception(
            "The secret must be a JSON object with the members username and password.",
        ));
    };
    if let (Some(named), Some(cluster)) = (member("dbClusterIdentifier"), &target.cluster)
        && named != cluster
    {
        return Err(errors::validation_exception(
            "The cluster identifier does not match the one in the secret.",
        ));
    }
    Ok(Login {
        proof: Proof::Cleartext(password.to_string()),
        secret_arn: Some(arn.to_string()),
        ..Login::trusted(user)
    })
}

/// Temporary credentials: of a named user, or of the caller's identity.
async fn temporary(
    call: &Call,
    target: &Target,
    database: &str,
    db_user: Option<&str>,
) -> Result<Login, ApiError> {
    let (service, operation, input) = match (&target.cluster, db_user) {
        (Some(cluster), Some(user)) => (
            &lw_aws_model::redshift::SERVICE,
            "GetClusterCredentials",
            GetClusterCredentialsMessage {
                cluster_identifier: Some(cluster.clone()),
                db_user: user.to_string(),
                db_name: Some(database.to_string()),
                db_groups: groups(call),
                duration_seconds: Some(CREDENTIALS_S),
                ..Default::default()
            }
            .into_value(),
        ),
        (Some(cluster), None) => (
            &lw_aws_model::redshift::SERVICE,
            "GetClusterCredentialsWithIAM",
            GetClusterCredentialsWithIAMMessage {
                cluster_identifier: Some(cluster.clone()),
                db_name: Some(database.to_string()),
                duration_seconds: Some(CREDENTIALS_S),
                ..Default::default()
            }
            .into_value(),
        ),
        (None, _) => (
            &lw_aws_model::redshift_serverless::SERVICE,
            "GetCredentials",
            GetCredentialsRequest {
                workgroup_name: target.workgroup.clone(),
                db_name: Some(database.to_string()),
                duration_seconds: Some(CREDENTIALS_S),
                ..Default::default()
            }
            .into_value(),
        ),
    };
    let root = matches!(call.caller.kind, CallerKind::Root | CallerKind::Service);
    if !call.control.serves(service.name(), operation) {
        // Without credentials to be had the root is the admin: it could set that one's password.
        if !root {
            return Err(ApiError::unsupported(format!(
                "{operation} for the Data API"
            )));
        }
        let admin = || target::admin(&call.view(), target);
        return match db_user.map(str::to_string).or_else(admin) {
            Some(user) => Ok(Login::trusted(&user)),
            None => Err(ApiError::internal("the admin user is not known")),
        };
    }
    let answer = ask(call, service, operation, input).await?;
    // The provisioned API writes DbUser, the serverless one dbUser.
    let text = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| answer.text(name))
            .unwrap_or_default()
            .to_string()
    };
    let sent = text(["DbUser", "dbUser"]);
    let expires = match answer
        .get("Expiration")
        .or_else(|| answer.get("expiration"))
    {
        Some(Value::Timestamp(time)) => Some(*time),
        _ => None,
    };
    Ok(Login {
        user: db_user.map_or_else(|| sent.clone(), str::to_string),
        login_as: sent,
        proof: Proof::Cleartext(text(["DbPassword", "dbPassword"])),
        secret_arn: None,
        groups: groups(call).unwrap_or_default(),
        expires,
    })
}

/// The groups that the caller's tag names (guide L16971-16988).
fn groups(call: &Call) -> Option<Vec<String>> {
    let tag = call.caller.tags.get("RedshiftDbGroups")?;
    let groups: Vec<String> = tag
        .split(':')
        .map(str::trim)
        .filter(|group| !group.is_empty())
        .map(Into::into)
        .collect();
    (!groups.is_empty()).then_some(groups)
}

/// The login of a statement at the time it runs: one whose credentials have ended is made anew.
pub async fn renewed(
    call: &Call,
    target: &Target,
    database: &str,
    login: Login,
) -> Result<Login, ApiError> {
    if login.is_good(call.now()) {
        return Ok(login);
    }
    // The identity's own user is named by the credentials, not by the call.
    let own = target.workgroup.is_some() || login.user.contains(':');
    let db_user = (!own).then(|| login.user.clone());
    temporary(call, target, database, db_user.as_deref()).await
}

/// Kept logins of the root, by namespace, database and user.
pub type Logins =
    parking_lot::Mutex<std::collections::HashMap<(String, String, String), (DateTime<Utc>, Login)>>;
