//! The three ways in which a call says as whom its SQL runs (guide L16698-16711): a secret with name
//! and password, temporary credentials of a named database user, temporary credentials of the caller's
//! own identity.

use lw_aws_model::ApiError;
use lw_aws_model::edge::CallerKind;
use lw_aws_model::redshift_data::errors;
use lw_services::Proof;

use crate::Call;
use crate::target::Target;

/// As whom SQL runs.
#[derive(Clone)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// What is shown to the leader.
    pub proof: Proof,
    /// The secret it comes from.
    pub secret_arn: Option<String>,
    /// Groups of the session besides the user's.
    pub groups: Vec<String>,
}

/// Finds out, and checks that the caller may.
pub async fn resolve(
    call: &Call,
    target: &Target,
    _database: &str,
    secret_arn: Option<&str>,
    db_user: Option<&str>,
) -> Result<Login, ApiError> {
    match (secret_arn, db_user) {
        (Some(_), Some(_)) => Err(errors::validation_exception(
            "SecretArn and DbUser cannot be provided together.",
        )),
        (Some(_), None) => Err(ApiError::unsupported(
            "A secret as the login of the Data API",
        )),
        (None, Some(user)) => {
            if target.workgroup.is_some() {
                return Err(errors::validation_exception(
                    "DbUser cannot be provided with a workgroup: the user is the caller's identity.",
                ));
            }
            Ok(Login {
                user: user.to_string(),
                proof: Proof::Trusted,
                secret_arn: None,
                groups: Vec::new(),
            })
        }
        (None, None) => match &call.caller.kind {
            CallerKind::Root | CallerKind::Service => Ok(Login {
                user: call.config().admin_user.clone(),
                proof: Proof::Trusted,
                secret_arn: None,
                groups: Vec::new(),
            }),
            CallerKind::User { name } => Ok(Login {
                user: format!("IAM:{name}"),
                proof: Proof::Trusted,
                secret_arn: None,
                groups: Vec::new(),
            }),
            CallerKind::Role { name, .. } => Ok(Login {
                user: format!("IAMR:{name}"),
                proof: Proof::Trusted,
                secret_arn: None,
                groups: Vec::new(),
            }),
            CallerKind::Anonymous => Err(ApiError::denied("The request is not signed.")),
        },
    }
}
