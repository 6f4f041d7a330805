//! Provisioned clusters: service `redshift`. A cluster is a record with a namespace at the provisioner;
//! what takes its time stands in the record until it is done ([`cluster::Pending`]) and is done by
//! [`lifecycle`].
//!
//! Where to start: [`cluster`] (record, what it shows, what serves it), [`create`], [`operations`], [`modify`];
//! [`snapshots`] and [`restore`]; [`automated`] for what goes by the clock.

// What stands here for others of the control plane is used by them as they are written.
#![allow(dead_code)]

mod automated;
mod catalogue;
pub mod cluster;
mod common;
mod copies;
mod create;
mod credentials;
mod endpoints;
mod events;
mod hsm;
mod known;
mod leftovers;
mod lifecycle;
mod logging;
mod modify;
mod networks;
mod nodes;
mod operations;
mod options;
mod parameters;
mod partners;
mod profiles;
mod reserved;
mod resources;
mod restore;
mod rights;
mod scheduled;
mod schedules;
mod secrets;
mod sharing;
mod snapshot_ops;
pub mod snapshots;
mod subnets;
mod subscriptions;
mod tables;
pub mod tags;
mod upkeep;
mod usage;
mod windows;
mod wlm;

#[cfg(test)]
mod tests;

pub use networks::{find_security_group, networks as networks_of};

use std::sync::Arc;
use std::time::Duration;

use crate::Control;
use crate::registry::Registry;

/// The operations.
pub fn register(registry: &mut Registry) {
    catalogue::register(registry);
    copies::register(registry);
    create::register(registry);
    credentials::register(registry);
    endpoints::register(registry);
    hsm::register(registry);
    logging::register(registry);
    modify::register(registry);
    networks::register(registry);
    operations::register(registry);
    parameters::register(registry);
    partners::register(registry);
    profiles::register(registry);
    reserved::register(registry);
    restore::register(registry);
    rights::register(registry);
    scheduled::register(registry);
    schedules::register(registry);
    sharing::register(registry);
    snapshot_ops::register(registry);
    subnets::register(registry);
    subscriptions::register(registry);
    tables::register(registry);
    tags::register(registry);
    upkeep::register(registry);
    usage::register(registry);
}

/// Makes what the first start needs, starts clusters, goes on with what a crash cut off.
pub async fn start(control: &Arc<Control>) {
    let mut txn = control.records.begin().await;
    let seeded = parameters::seed(&mut txn)
        .and_then(|()| networks::seed(&mut txn))
        .and_then(|()| subnets::seed(&mut txn));
    if let Err(error) = seeded {
        tracing::error!(%error, "the default groups could not be made");
    } else if let Err(error) = txn.commit().await {
        tracing::error!(%error, "the default groups could not be kept");
    }
    lifecycle::resume(control).await;
    automated::unfinished(control);
    tables::resume(control);
    let weak = Arc::downgrade(control);
    control.jobs.every(Duration::from_secs(2), {
        let weak = weak.clone();
        move || {
            let weak = weak.clone();
            async move {
                if let Some(control) = weak.upgrade() {
                    automated::unfinished(&control);
                    scheduled::tick(&control).await;
                }
            }
        }
    });
    control.jobs.every(Duration::from_secs(60), move || {
        let weak = weak.clone();
        async move {
            if let Some(control) = weak.upgrade() {
                automated::sweep(&control).await;
            }
        }
    });
}
