//! Secrets that the warehouse keeps: the admin passwords of clusters and namespaces. Their owner makes one
//! with [`create`] in the same change as its own record, tells the password to whoever runs the
//! warehouse, and deletes it with [`delete`] when it goes.

use lw_aws_model::ApiError;
use lw_policy::{Request, Resource};
use serde_json::{Map, Value as Json};

use super::records::{self, CURRENT, Owner, Rotation, place};
use super::values::{Given, add};
use crate::identity::authorize;
use crate::records::Txn;
use crate::{Call, Control, kms};

/// Days from one rotation to the next.
pub const ROTATION_DAYS: i64 = 30;

/// Whose password, and what else the secret tells.
pub struct Wanted {
    /// Whose.
    pub owner: Owner,
    /// Name of the cluster or namespace, for the name of the secret.
    pub name: String,
    /// The customer's key; `None`: the service's own.
    pub kms_key: Option<String>,
    /// Further members of the secret's JSON (`host`, `port`, `dbClusterIdentifier`).
    pub members: Map<String, Json>,
}

/// Asks whether the caller may have a password managed: the rights over the secret, and over their key
/// if they name one.
pub fn may_manage(call: &Call, name: &str, kms_key: Option<&str>) -> Result<(), ApiError> {
    let arn = lw_policy::arn::secret(&place(call.config()), &format!("redshift!{name}-*"), "*");
    for action in ["CreateSecret", "TagResource"] {
        let request = Request::new(
            &format!("secretsmanager:{action}"),
            [Resource::new(arn.as_str())],
        );
        authorize(call, request)?;
    }
    if let Some(key) = kms_key {
        kms::find(&call.view(), call.config(), key)?;
        for action in [
            "kms:DescribeKey",
            "kms:GenerateDataKey",
            "kms:Decrypt",
            "kms:CreateGrant",
        ] {
            authorize(
                call,
                kms::access::ask(call, action, key, &Default::default()),
            )?;
        }
    }
    Ok(())
}

/// Makes the secret with a new password. Gives its ARN and the password.
pub fn create(
    control: &Control,
    txn: &mut Txn,
    wanted: Wanted,
) -> Result<(String, String), ApiError> {
    let password = password();
    let now = control.clock.now();
    let name = format!("redshift!{}-{}", wanted.name, wanted.owner.user);
    let mut secret = records::Secret::new(name, now);
    secret.description = Some(format!(
        "Secret created by Amazon Redshift for {}",
        wanted.owner.arn
    ));
    secret.kms_key = wanted.kms_key;
    let arn_tag = match wanted.owner.service.as_str() {
        "redshift-serverless" => "aws:redshift-serverless:namespaceArn",
        _ => "aws:redshift:primaryClusterArn",
    };
    secret.tags = [
        (arn_tag.to_owned(), wanted.owner.arn.clone()),
        (
            "aws:secretsmanager:owningService".to_owned(),
            "redshift".to_owned(),
        ),
    ]
    .into();
    secret.rotation = Some(Rotation {
        enabled: true,
        days: ROTATION_DAYS,
        next: now + chrono::Duration::days(ROTATION_DAYS),
    });
    let mut members = wanted.members;
    members.insert("username".into(), wanted.owner.user.clone().into());
    members.insert("password".into(), password.clone().into());
    members.insert("engine".into(), "redshift".into());
    secret.owner = Some(wanted.owner);
    let value = Given {
        bytes: Json::Object(members).to_string().into(),
        binary: false,
    };
    let id = uuid::Uuid::new_v4().to_string();
    add(control, txn, &mut secret, &id, &value)?;
    secret.move_stage(CURRENT, &id);
    let arn = secret.arn(&control.config);
    txn.put(secret)?;
    Ok((arn, password))
}

/// Deletes the secret of an owner, at once.
pub fn delete(txn: &mut Txn, owner_arn: &str) {
    for secret in txn.list::<records::Secret>() {
        if secret.owner.as_ref().is_some_and(|o| o.arn == owner_arn) {
            txn.delete::<records::Secret>(&secret.name);
        }
    }
}

/// Changes the members of an owner's secret that are not its password (another port, another name).
pub fn update(
    control: &Control,
    txn: &mut Txn,
    secret_arn: &str,
    members: Map<String, Json>,
) -> Result<(), ApiError> {
    let mut secret = records::find_in(txn, &control.config, secret_arn)?;
    let Some((id, _)) = secret.staged(CURRENT) else {
        return Ok(());
    };
    let id = id.clone();
    let mut all = read(control, &secret, &id)?;
    all.extend(members);
    let stages = secret.versions[&id].stages.clone();
    let value = Given {
        bytes: Json::Object(all).to_string().into(),
        binary: false,
    };
    add(control, txn, &mut secret, &id, &value)?;
    if let Some(version) = secret.versions.get_mut(&id) {
        version.stages = stages;
    }
    txn.put(secret)
}

/// The JSON of a version.
pub(super) fn read(
    control: &Control,
    secret: &records::Secret,
    id: &str,
) -> Result<Map<String, Json>, ApiError> {
    let plain = super::values::open(control, &control.records.view(), secret, id)?;
    match serde_json::from_slice(&plain) {
        Ok(Json::Object(members)) => Ok(members),
        _ => Err(ApiError::internal("a managed secret is not an object")),
    }
}

/// A password by the rules of admin passwords: 32 characters, with upper and lower case and digits, and
/// without those that need quoting somewhere.
pub fn password() -> String {
    const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    const LOWER: &[u8] = b"abcdefghijkmnopqrstuvwxyz";
    const DIGITS: &[u8] = b"23456789";
    let all = [UPPER, LOWER, DIGITS, b"!#$%()*+,-.:;<=>?[]^_{|}~"].concat();
    loop {
        let word = lw_base::random::string(32, &all);
        let has = |class: &[u8]| word.bytes().any(|b| class.contains(&b));
        if has(UPPER) && has(LOWER) && has(DIGITS) {
            return word;
        }
    }
}
