//! Who may use the warehouse's own buckets: the holders of keys, by their policies, and the statements
//! COPY and UNLOAD, by those of the role they name.
//!
//! A role that a statement names must exist, trust the service `redshift.amazonaws.com`, and allow what is
//! done. As long as the account has no role that trusts the service, every name of a role of the account
//! stands for the account itself: a warehouse is of use before IAM is. `IAM_ROLE default` stands for the
//! account too.

use std::sync::Arc;

use lw_aws_model::ApiError;
use lw_aws_model::edge::{Caller, CallerKind};
use lw_policy::{
    Keys, Kind, Named, Policies, Policy, Principal, PrincipalPattern, Request, Resource,
    ResourceRule, evaluate,
};
use lw_services::buckets::{BucketAccess, BucketAction, BucketError, BucketIdentity};

use super::authorize::{Ask, Owned, decide};
use super::records::{AccessKey, Role, name_id};
use super::sessions;
use crate::Control;
use crate::records::View;

const SERVICE: &str = "redshift.amazonaws.com";

/// The control plane, deciding over buckets.
pub struct Access(pub Arc<Control>);

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access")
    }
}

fn unknown_key() -> BucketError {
    BucketError::new(
        403,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
    )
}

fn denied(message: impl Into<String>) -> BucketError {
    BucketError::new(403, "AccessDenied", message)
}

/// A key's error in the words of S3.
fn of_key(error: ApiError) -> BucketError {
    match error.code.as_str() {
        "ExpiredToken" => BucketError::new(400, "ExpiredToken", "The provided token has expired."),
        "InvalidClientTokenId" => unknown_key(),
        _ => BucketError::new(error.status, &error.code, error.message),
    }
}

impl BucketAccess for Access {
    fn secret(&self, access_key_id: &str) -> Result<String, BucketError> {
        if access_key_id.starts_with("ASIA") {
            return Ok(sessions::secret(&self.0, access_key_id));
        }
        super::key(&self.0, access_key_id, None)
            .map(|key| key.secret)
            .map_err(of_key)
    }

    fn signed(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
        asked: &BucketAction<'_>,
    ) -> Result<(), BucketError> {
        let key = super::key(&self.0, access_key_id, session_token).map_err(|error| {
            match (error.code.as_str(), session_token) {
                ("InvalidClientTokenId", Some(_)) => BucketError::new(
                    400,
                    "InvalidToken",
                    "The provided token is malformed or otherwise invalid.",
                ),
                _ => of_key(error),
            }
        })?;
        self.may(&key.caller, asked)
    }

    fn statement(
        &self,
        identity: &BucketIdentity,
        asked: Option<&BucketAction<'_>>,
    ) -> Result<(), BucketError> {
        match identity {
            BucketIdentity::DefaultRole => Ok(()),
            BucketIdentity::Role(arns) => {
                let Some(role) = self.assume(arns)? else {
                    return Ok(());
                };
                asked.map_or(Ok(()), |asked| self.may_as(&role, asked))
            }
            BucketIdentity::Keys {
                access_key_id,
                secret_access_key,
                session_token,
            } => {
                if self
                    .0
                    .records
                    .view()
                    .get::<AccessKey>(access_key_id)
                    .is_none()
                    && *access_key_id != self.0.config.root_key_id
                    && session_token.is_none()
                {
                    return Err(unknown_key());
                }
                let key = super::key(&self.0, access_key_id, session_token.as_deref()).map_err(
                    |error| match session_token {
                        Some(_) if error.code == "InvalidClientTokenId" => BucketError::new(
                            403,
                            "InvalidToken",
                            "The provided token is malformed or otherwise invalid.",
                        ),
                        _ => of_key(error),
                    },
                )?;
                if key.secret != *secret_access_key {
                    return Err(BucketError::new(
                        403,
                        "SignatureDoesNotMatch",
                        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
                    ));
                }
                asked.map_or(Ok(()), |asked| self.may(&key.caller, asked))
            }
        }
    }
}

impl Access {
    fn request(&self, asked: &BucketAction<'_>) -> Request {
        let arn = match (asked.bucket, asked.key) {
            ("", _) => "*".to_owned(),
            (bucket, None) => lw_policy::arn::bucket(bucket),
            (bucket, Some(key)) => lw_policy::arn::object(bucket, key),
        };
        let resource = Resource::new(arn).owned_by(&self.0.config.account);
        let mut request = Request::new(asked.action, [resource]);
        request.keys = self.now();
        if let Some(prefix) = asked.prefix {
            request.keys.set("s3:prefix", prefix);
        }
        request
    }

    fn now(&self) -> Keys {
        let mut keys = Keys::new();
        keys.set_time(self.0.clock.now());
        keys.set("aws:RequestedRegion", self.0.config.region.as_str());
        keys
    }

    fn may(&self, caller: &Caller, asked: &BucketAction<'_>) -> Result<(), BucketError> {
        if caller.kind == CallerKind::Root {
            return Ok(());
        }
        let ask: Ask = self.request(asked).into();
        let decision = decide(&self.0.records.view(), &self.0.config, caller, &ask);
        match decision.message(&caller.arn, asked.action) {
            Some(message) => Err(denied(message)),
            None => Ok(()),
        }
    }

    /// What a role that the warehouse has assumed may do.
    fn may_as(&self, role: &Role, asked: &BucketAction<'_>) -> Result<(), BucketError> {
        let view = self.0.records.view();
        let principal = self.session(role);
        let owned = Owned::of(&view, &self.0.config, &role.grants);
        let decision = evaluate(&principal, &self.request(asked), &owned.policies());
        match decision.message(&principal.arn(), asked.action) {
            Some(message) => Err(denied(message)),
            None => Ok(()),
        }
    }

    fn session(&self, role: &Role) -> Principal {
        let account = &self.0.config.account;
        Principal::session(
            account,
            &role.path,
            &role.name,
            &role.unique_id,
            "RedshiftIamRoleSession",
        )
        .with_tags(role.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())))
    }

    /// The role at the end of a chain, assumed by the service and then by one role after the other;
    /// `None`: the account itself.
    fn assume(&self, arns: &str) -> Result<Option<Role>, BucketError> {
        let view = self.0.records.view();
        let config = &self.0.config;
        let mut before: Option<Role> = None;
        let mut anything = false;
        for arn in arns.split(',').map(str::trim) {
            let refused = || {
                BucketError::new(
                    403,
                    "NotAuthorizedToAssumeRole",
                    format!(
                        "User arn:aws:redshift:{}:{}:namespace:default is not authorized to assume IAM Role {arn}",
                        config.region, config.account
                    ),
                )
            };
            let account = account_of(arn).ok_or_else(|| {
                BucketError::new(400, "InvalidRole", format!("Invalid IAM role ARN: {arn}"))
            })?;
            if account != config.account {
                return Err(refused());
            }
            if anything {
                continue;
            }
            let name = arn.rsplit('/').next().unwrap_or_default();
            let role = view
                .get::<Role>(&name_id(name))
                .filter(|role| lw_policy::arn::iam_role(account, &role.path, &role.name) == arn);
            let Some(role) = role else {
                if before.is_none() && !uses_roles(&view) {
                    anything = true;
                    continue;
                }
                return Err(refused());
            };
            if !self.trusts(&view, &role, arn, before.as_ref()) {
                return Err(refused());
            }
            before = Some((*role).clone());
        }
        Ok(before)
    }

    fn trusts(&self, view: &View, role: &Role, arn: &str, before: Option<&Role>) -> bool {
        let Ok(trust) = Policy::parse(&role.trust, Kind::Trust) else {
            return false;
        };
        let mut request = Request::new("sts:AssumeRole", [Resource::new(arn)]);
        request.keys = self.now();
        let owned = before.map(|before| Owned::of(view, &self.0.config, &before.grants));
        let policies = Policies {
            resource: Some(Named::new(&role.name, &trust)),
            resource_rule: ResourceRule::Trust,
            ..owned.as_ref().map(Owned::policies).unwrap_or_default()
        };
        let principal = match before {
            Some(before) => self.session(before),
            None => Principal::service(SERVICE, &self.0.config.region),
        };
        evaluate(&principal, &request, &policies).is_allowed()
    }
}

/// True once a role is there for warehouses.
fn uses_roles(view: &View) -> bool {
    view.list::<Role>().iter().any(|role| {
        Policy::parse(&role.trust, Kind::Trust).is_ok_and(|trust| {
            trust.principals().any(|principal| {
                matches!(principal, PrincipalPattern::Service(name)
                    if name.starts_with("redshift.") && name.ends_with("amazonaws.com"))
            })
        })
    })
}

fn account_of(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", account, role]
            if account.len() == 12 && role.strip_prefix("role/").is_some_and(|r| !r.is_empty()) =>
        {
            Some(account)
        }
        _ => None,
    }
}
