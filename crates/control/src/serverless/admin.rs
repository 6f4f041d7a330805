//! Admin passwords that Secrets Manager keeps (guide L24920-25060).

use lw_aws_model::ApiError;
use serde_json::{Map, Value as Json};

use super::state::{Namespace, SERVICE};
use super::{resources, workgroup_of};
use crate::records::Txn;
use crate::secrets::{Owner, managed};
use crate::{Control, ControlConfig};

/// Makes the secret of a namespace's admin, in place of the one it had, and notes it in the record.
/// Gives the password, which the namespace has to be told.
pub fn manage(
    control: &Control,
    txn: &mut Txn,
    namespace: &mut Namespace,
    key: Option<String>,
) -> Result<String, ApiError> {
    let config = &control.config;
    let arn = namespace.arn(config);
    managed::delete(txn, &arn);
    let mut members = place(config, None);
    if let Some(workgroup) = workgroup_of(&control.records.view(), &namespace.name) {
        members = place(config, workgroup.address.as_ref());
    }
    members.insert("dbname".into(), namespace.database.clone().into());
    members.insert("namespaceName".into(), namespace.name.clone().into());
    let (secret, password) = managed::create(
        control,
        txn,
        managed::Wanted {
            owner: Owner {
                service: SERVICE.into(),
                arn,
                namespace: namespace.uuid.clone(),
                user: namespace.admin_user.clone(),
            },
            name: namespace.name.clone(),
            kms_key: key.clone(),
            members,
        },
    )?;
    namespace.admin_secret = Some(secret);
    namespace.admin_secret_key = key;
    Ok(password)
}

/// The secret goes, and the password is the caller's again.
pub fn release(control: &Control, txn: &mut Txn, namespace: &mut Namespace) {
    if namespace.admin_secret.take().is_some() {
        managed::delete(txn, &namespace.arn(&control.config));
    }
    namespace.admin_secret_key = None;
}

/// Writes where the namespace is reached into its secret.
pub fn moved(control: &Control, txn: &mut Txn, namespace: &str, port: u16) -> Result<(), ApiError> {
    let Some(secret) = txn
        .get::<Namespace>(namespace)
        .and_then(|n| n.admin_secret.clone())
    else {
        return Ok(());
    };
    let address = (control.config.sql_host.clone(), port);
    managed::update(
        control,
        txn,
        &secret,
        place(&control.config, Some(&address)),
    )
}

fn place(config: &ControlConfig, address: Option<&(String, u16)>) -> Map<String, Json> {
    let mut members = Map::new();
    let host = address.map_or(&config.sql_host, |a| &a.0);
    members.insert("host".into(), host.clone().into());
    if let Some((_, port)) = address {
        members.insert("port".into(), (*port).into());
    }
    members
}

/// Why a password cannot be rotated now (guide L25059).
pub fn guard(control: &Control, arn: &str) -> Result<(), String> {
    let view = control.records.view();
    let name = match resources::exists(&view, &control.config, arn) {
        Ok(resources::Resource::Namespace(name)) => name,
        _ => return Err("The namespace is not there.".into()),
    };
    let Some(workgroup) = workgroup_of(&view, &name) else {
        return Err(format!(
            "Namespace {name} has no workgroup. Passwords are rotated only while one is attached."
        ));
    };
    let busy = view
        .get::<Namespace>(&name)
        .is_some_and(|n| n.pending.is_some());
    if busy || workgroup.pending.is_some() {
        return Err(format!(
            "There is an operation running on the workgroup {}.",
            workgroup.name
        ));
    }
    Ok(())
}
