//! Passwords of admins that Secrets Manager keeps (guide L4944-4947, L24900-25090).

use lw_aws_model::ApiError;
use serde_json::{Map, Value as Json};

use super::cluster::{ClusterRecord, arn};
use super::common::some;
use crate::records::Txn;
use crate::secrets::{Owner, Secret, managed};
use crate::{Call, Control, ControlConfig};

/// What a secret tells besides name and password.
fn members(config: &ControlConfig, cluster: &ClusterRecord) -> Map<String, Json> {
    let mut all = Map::new();
    all.insert("dbClusterIdentifier".into(), cluster.id.clone().into());
    all.insert("host".into(), config.sql_host.clone().into());
    all.insert(
        "port".into(),
        cluster.endpoint_port.unwrap_or(cluster.port).into(),
    );
    all.insert("dbname".into(), cluster.database.clone().into());
    all
}

/// Makes the secret of a cluster's admin; gives the password.
pub fn manage(
    call: &Call,
    txn: &mut Txn,
    cluster: &mut ClusterRecord,
    key: Option<String>,
) -> Result<String, ApiError> {
    let key = some(key);
    managed::may_manage(call, &cluster.id, key.as_deref())?;
    let (secret, password) = managed::create(
        &call.control,
        txn,
        managed::Wanted {
            owner: Owner {
                service: "redshift".into(),
                arn: arn(call.config(), &cluster.id),
                namespace: cluster.namespace.clone(),
                user: cluster.admin.clone(),
            },
            name: cluster.id.clone(),
            kms_key: key.clone(),
            members: members(call.config(), cluster),
        },
    )?;
    cluster.secret_arn = Some(secret);
    cluster.secret_key = key;
    Ok(password)
}

/// Gives a managed password back to who asks for it: the secret goes.
pub fn release(call: &Call, txn: &mut Txn, cluster: &mut ClusterRecord) {
    forget(txn, call.config(), &cluster.id);
    cluster.secret_arn = None;
    cluster.secret_key = None;
}

/// The secret of a cluster that is deleted goes too (L3689).
pub fn forget(txn: &mut Txn, config: &ControlConfig, cluster: &str) {
    managed::delete(txn, &arn(config, cluster));
}

/// Tells a secret where its cluster is now: it got a port, or another name.
pub fn moved(
    control: &Control,
    txn: &mut Txn,
    cluster: &ClusterRecord,
    from: &str,
) -> Result<(), ApiError> {
    let Some(secret) = &cluster.secret_arn else {
        return Ok(());
    };
    managed::update(control, txn, secret, members(&control.config, cluster))?;
    if from != cluster.id {
        let (old, new) = (
            arn(&control.config, from),
            arn(&control.config, &cluster.id),
        );
        for held in txn.list::<Secret>() {
            if held.owner.as_ref().is_some_and(|owner| owner.arn == old) {
                txn.update::<Secret>(&held.name, |secret| {
                    if let Some(owner) = &mut secret.owner {
                        owner.arn = new.clone();
                    }
                    secret
                        .tags
                        .insert("aws:redshift:primaryClusterArn".into(), new.clone());
                })?;
            }
        }
    }
    Ok(())
}
