//! Redshift Serverless: namespaces (data) and workgroups (compute), one to one.
//!
//! Where to start: [`state`] (what is kept), [`namespaces`] and [`workgroups`] (their operations),
//! [`drive`] (what is done after a request was answered).

use std::sync::Arc;

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::errors;

use crate::records::View;
use crate::registry::Registry;
use crate::{Call, Control};

mod admin;
mod backups;
mod copies;
mod credentials;
mod cron;
mod domains;
mod drive;
mod drive_backups;
mod elsewhere;
mod endpoints;
mod events;
mod found;
mod lookup;
mod namespaces;
mod paging;
mod parameters;
mod policies;
mod reservations;
mod resources;
mod rules;
mod schedules;
mod snapshots;
mod state;
mod tables;
mod tags;
mod tracks;
mod usage;
mod workgroups;

#[cfg(test)]
mod tests;

pub use snapshots::restorable;
use state::SERVICE;
pub use state::{Namespace, Workgroup};

/// The operations.
pub fn register(registry: &mut Registry) {
    namespaces::register(registry);
    workgroups::register(registry);
    copies::register(registry);
    credentials::register(registry);
    domains::register(registry);
    elsewhere::register(registry);
    endpoints::register(registry);
    policies::register(registry);
    reservations::register(registry);
    schedules::register(registry);
    snapshots::register(registry);
    tables::register(registry);
    tags::register(registry);
    tracks::register(registry);
    registry.resources(SERVICE, lookup::lookup);
    registry.rotation(SERVICE, admin::guard);
    usage::register(registry);
}

/// Makes what the first start needs, starts the workgroups, and goes on with what a crash cut off.
pub async fn start(control: &Arc<Control>) {
    if let Err(error) = found::found(control).await {
        tracing::error!(%error, "the default workgroup could not be recorded");
    }
    drive::start(control).await;
}

/// The namespace with this name.
pub fn find_namespace(view: &View, name: &str) -> Option<Arc<Namespace>> {
    view.get::<Namespace>(name).filter(|n| n.visible())
}

/// The workgroup with this name. [`Workgroup::namespace_id`] is what the provisioner knows,
/// [`Workgroup::available`] says whether SQL may be asked.
pub fn find_workgroup(view: &View, name: &str) -> Option<Arc<Workgroup>> {
    view.get::<Workgroup>(name)
}

/// The workgroup of a namespace.
pub fn workgroup_of(view: &View, namespace: &str) -> Option<Arc<Workgroup>> {
    view.list::<Workgroup>()
        .into_iter()
        .find(|w| w.namespace == namespace)
}

/// The namespace with this name, or the error that says it is not there.
fn namespace(view: &View, name: &str) -> Result<Arc<Namespace>, ApiError> {
    find_namespace(view, name).ok_or_else(|| not_found("Namespace", name))
}

/// The workgroup with this name, or the error that says it is not there.
fn workgroup(view: &View, name: &str) -> Result<Arc<Workgroup>, ApiError> {
    find_workgroup(view, name).ok_or_else(|| not_found("Workgroup", name))
}

fn not_found(what: &str, name: &str) -> ApiError {
    errors::resource_not_found_exception(format!("{what} {name} not found."))
        .with("resourceName", name)
}

/// True while a table is restored into a namespace.
fn restoring_table(view: &View, namespace: &Namespace) -> bool {
    view.list::<tables::TableRestore>()
        .iter()
        .any(|one| one.namespace == namespace.name && one.running())
}

/// Refuses while something is under way with a namespace or its workgroup. Clients wait for the
/// words "operation running" and ask again.
fn idle(view: &View, namespace: &Namespace) -> Result<(), ApiError> {
    if namespace.pending.is_some() {
        return Err(errors::conflict_exception(
            "There is an operation running on the namespace. Try again later.",
        ));
    }
    match workgroup_of(view, &namespace.name) {
        Some(workgroup) if workgroup.pending.is_some() => Err(errors::conflict_exception(
            "There is an operation running on the workgroup. Try again later.",
        )),
        _ => Ok(()),
    }
}

/// Runs an operation to its end even if the client goes away.
async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::spawn(work).await.map_err(ApiError::internal)?
}

/// A new name for a piece of work.
fn work_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

impl Call {
    /// Starts what a committed change asked for.
    fn drive(&self) {
        drive::resume(&self.control);
    }
}
