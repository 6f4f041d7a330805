//! What is done after a request was answered: workgroups started, changed, deleted; namespaces restored
//! and deleted. Each piece of work is in the record it is about until it is finished, and every step may
//! be done again.

use std::sync::Arc;
use std::time::Duration;

use lw_services::warehouses::{ComputeSpec, Networks};

use super::backups::{Snapshot, Stage};
use super::copies::CopyConfiguration;
use super::state::{
    Gate, Namespace, NamespaceWork, RestoreSource, Setup, Workgroup, WorkgroupWork,
};
use super::{
    admin, domains, drive_backups, endpoints, events, parameters, policies, rules, schedules,
    tables, tags, usage, workgroup_of,
};
use crate::identity::logins;
use crate::records::View;
use crate::{Control, provisioned};

/// Unfinished work is looked for this often, besides when it is asked for.
const LOOK: Duration = Duration::from_secs(5);
/// What goes by the clock is looked at this often.
const UPKEEP: Duration = Duration::from_secs(20);
/// After this many failures a change is taken back.
const TRIES: u32 = 4;
/// A workgroup without a session gives its memory back after this long, seconds.
const IDLE_S: u64 = 300;

/// Starts what should be running, and goes on with what a crash cut off.
pub async fn start(control: &Arc<Control>) {
    let view = control.records.view();
    for namespace in view.list::<Namespace>() {
        if namespace.pending == Some(NamespaceWork::Make) {
            // Its caller was never told of it.
            if let Err(error) = unmake(control, &namespace).await {
                tracing::error!(namespace = namespace.name, %error, "half a namespace is left");
            }
        }
    }
    let default = &control.config.default_namespace;
    let mut served = false;
    for workgroup in view.list::<Workgroup>() {
        served |= workgroup.namespace_id == *default;
        let namespace = view.get::<Namespace>(&workgroup.namespace);
        let steady = workgroup.pending.is_none() && namespace.is_some_and(|n| n.pending.is_none());
        if !steady {
            continue;
        }
        let spec = compute(control, &view, &workgroup);
        match control
            .provisioner
            .start(&workgroup.namespace_id, &spec)
            .await
        {
            Ok(address) => {
                let reached = (control.config.sql_host.clone(), address.port());
                if workgroup.address.as_ref() == Some(&reached) {
                    continue;
                }
                let mut txn = control.records.begin().await;
                let moved = txn.update::<Workgroup>(&workgroup.name, |w| w.address = Some(reached));
                if let Err(error) = moved.map(|_| ()).and(txn.commit().await) {
                    tracing::error!(workgroup = workgroup.name, %error, "its address is not kept");
                }
            }
            Err(error) => {
                tracing::error!(workgroup = workgroup.name, %error, "it does not start");
            }
        }
    }
    if !served {
        // The process opens the default namespace by itself; a workgroup that was deleted stays so.
        if let Err(error) = control.provisioner.stop(default).await {
            tracing::error!(%error, "the default namespace does not stop");
        }
    }
    resume(control);
    let again = control.clone();
    control.jobs.every(LOOK, move || {
        let control = again.clone();
        async move { resume(&control) }
    });
    let again = control.clone();
    control.jobs.every(UPKEEP, move || {
        let control = again.clone();
        async move { upkeep(&control).await }
    });
}

/// What goes by the clock.
pub async fn upkeep(control: &Arc<Control>) {
    usage::upkeep(control).await;
    if let Err(error) = logins::prune(control).await {
        tracing::warn!(%error, "old credentials are not deleted");
    }
    schedules::upkeep(control).await;
    drive_backups::upkeep(control).await;
}

/// Starts the jobs of all unfinished work that is not under way.
pub fn resume(control: &Arc<Control>) {
    let view = control.records.view();
    for workgroup in view.list::<Workgroup>() {
        if let Some(work) = &workgroup.pending {
            let id = work.id().to_string();
            control.jobs.start(
                format!("serverless.workgroup/{id}"),
                on_workgroup(control.clone(), workgroup.name.clone(), id),
            );
        }
    }
    for namespace in view.list::<Namespace>() {
        match &namespace.pending {
            None | Some(NamespaceWork::Make) => {}
            Some(work) => {
                let id = work.id().to_string();
                control.jobs.start(
                    format!("serverless.namespace/{id}"),
                    on_namespace(control.clone(), namespace.name.clone(), id),
                );
            }
        }
    }
    drive_backups::resume(control, &view);
    tables::resume(control, &view);
}

/// What serves SQL for a workgroup. Capacity maps on this machine: an RPU is a processor and 16 GB
/// (guide L985), as far as the machine has them.
pub fn compute(control: &Control, view: &View, workgroup: &Workgroup) -> ComputeSpec {
    let rpu = u64::try_from(workgroup.setup.base_capacity)
        .unwrap_or(1)
        .max(1);
    let config = &control.config;
    ComputeSpec {
        name: workgroup.name.clone(),
        port: workgroup.setup.port,
        units: config.processors.min(rpu as usize).max(1),
        memory_bytes: config
            .memory_bytes
            .min(rpu.saturating_mul(rules::RPU_BYTES)),
        networks: networks(view, &workgroup.setup.security_groups),
        settings: parameters::settings(&workgroup.setup.parameters),
        idle_s: Some(IDLE_S),
        closed: usage::closed(view, workgroup, control.clock.now()),
        max_connections: rules::CONNECTIONS,
    }
}

/// Who may connect: the address ranges of the security groups that are Redshift's own (made by
/// CreateClusterSecurityGroup). Groups of EC2 are not known here, and restrict nothing.
fn networks(view: &View, groups: &[String]) -> Networks {
    let own: Vec<String> = groups
        .iter()
        .filter(|name| provisioned::find_security_group(view, name).is_ok())
        .cloned()
        .collect();
    provisioned::networks_of(view, &own)
}

/// A step failed; it is tried again.
pub type Step = Result<(), String>;

/// An error of whoever did it, in words.
pub fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

async fn unmake(control: &Arc<Control>, namespace: &Namespace) -> Step {
    let provisioner = &control.provisioner;
    provisioner
        .delete_namespace(&namespace.uuid)
        .await
        .map_err(text)?;
    let mut txn = control.records.begin().await;
    tags::forget(&mut txn, &namespace.arn(&control.config));
    admin::release(control, &mut txn, &mut namespace.clone());
    txn.delete::<Namespace>(&namespace.name);
    txn.commit().await.map_err(text)
}

/// Waits between tries, longer each time.
pub async fn pause(tries: u32) {
    let seconds = 1u64 << tries.min(5);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

async fn on_workgroup(control: Arc<Control>, name: String, id: String) {
    let mut tries = 0;
    loop {
        let view = control.records.view();
        let Some(workgroup) = view.get::<Workgroup>(&name) else {
            return;
        };
        let Some(work) = workgroup.pending.clone().filter(|work| work.id() == id) else {
            return;
        };
        let result = match &work {
            WorkgroupWork::Create { .. } => run(&control, &view, &workgroup, false).await,
            WorkgroupWork::Update { restart, .. } => {
                run(&control, &view, &workgroup, *restart).await
            }
            WorkgroupWork::Delete { .. } => delete_workgroup(&control, &workgroup).await,
        };
        let Err(error) = result else { return };
        tries += 1;
        tracing::warn!(workgroup = name, error, tries, "work on a workgroup failed");
        if tries >= TRIES
            && let WorkgroupWork::Update { before, .. } = work
        {
            if let Err(error) = take_back(&control, &workgroup, *before).await {
                tracing::error!(workgroup = name, error, "a change could not be taken back");
            } else {
                return;
            }
        }
        pause(tries).await;
    }
}

/// Starts a workgroup, or starts it anew, and ends the work under way.
async fn run(control: &Arc<Control>, view: &View, workgroup: &Workgroup, restart: bool) -> Step {
    let spec = compute(control, view, workgroup);
    let provisioner = &control.provisioner;
    let namespace = &workgroup.namespace_id;
    let address = if restart {
        provisioner.restart(namespace, &spec).await
    } else {
        provisioner.start(namespace, &spec).await
    }
    .map_err(text)?;
    let mut txn = control.records.begin().await;
    let (name, pending) = (&workgroup.name, &workgroup.pending);
    let host = control.config.sql_host.clone();
    txn.update::<Workgroup>(name, |w| {
        w.address = Some((host, address.port()));
        w.gate = Gate::of(&spec);
        // A deletion may have come in between; it stays.
        if w.pending == *pending {
            w.pending = None;
        }
    })
    .map_err(text)?;
    admin::moved(control, &mut txn, &workgroup.namespace, address.port()).map_err(text)?;
    let capacity = workgroup.setup.base_capacity;
    match pending {
        Some(WorkgroupWork::Create { .. }) => events::tell(control, &mut txn, "1008", name, &[]),
        Some(WorkgroupWork::Update { before, .. }) if before.base_capacity != capacity => {
            let capacity = capacity.to_string();
            events::tell(control, &mut txn, "1001", name, &[("capacity", &capacity)])
        }
        _ => Ok(()),
    }
    .map_err(text)?;
    txn.commit().await.map_err(text)
}

/// Goes back to what a workgroup was set to before a change that does not work.
async fn take_back(control: &Arc<Control>, workgroup: &Workgroup, before: Setup) -> Step {
    let mut txn = control.records.begin().await;
    let old = Workgroup {
        setup: before,
        pending: None,
        ..workgroup.clone()
    };
    txn.put(old.clone()).map_err(text)?;
    let wanted = workgroup.setup.base_capacity;
    if wanted != old.setup.base_capacity {
        let wanted = wanted.to_string();
        events::tell(
            control,
            &mut txn,
            "1002",
            &old.name,
            &[("capacity", &wanted)],
        )
        .map_err(text)?;
    }
    txn.commit().await.map_err(text)?;
    let spec = compute(control, &control.records.view(), &old);
    if let Err(error) = control.provisioner.start(&old.namespace_id, &spec).await {
        tracing::error!(workgroup = old.name, %error, "it does not start as it was");
    }
    Ok(())
}

async fn delete_workgroup(control: &Arc<Control>, workgroup: &Workgroup) -> Step {
    control
        .provisioner
        .stop(&workgroup.namespace_id)
        .await
        .map_err(text)?;
    let mut txn = control.records.begin().await;
    // Guide L1979: what hangs on a workgroup goes with it.
    let arn = workgroup.arn(&control.config);
    tags::forget(&mut txn, &arn);
    policies::forget(&mut txn, &arn);
    let view = control.records.view();
    usage::forget(&mut txn, &view, workgroup);
    endpoints::forget(&mut txn, &view, &workgroup.name);
    domains::forget(&mut txn, &view, &workgroup.name);
    txn.delete::<Workgroup>(&workgroup.name);
    events::tell(control, &mut txn, "1009", &workgroup.name, &[]).map_err(text)?;
    txn.commit().await.map_err(text)
}

async fn on_namespace(control: Arc<Control>, name: String, id: String) {
    let mut tries = 0;
    loop {
        let view = control.records.view();
        let Some(namespace) = view.get::<Namespace>(&name) else {
            return;
        };
        let Some(work) = namespace.pending.clone().filter(|work| work.id() == id) else {
            return;
        };
        if let NamespaceWork::Delete {
            final_snapshot: Some(last),
            ..
        } = &work
            && view
                .get::<Snapshot>(last)
                .is_some_and(|s| s.stage == Stage::Taking)
        {
            // Its own job takes it; without it nothing is deleted.
            resume(&control);
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        let result = match work {
            NamespaceWork::Make => return,
            NamespaceWork::Restore { ref source, .. } => {
                restore(&control, &view, &namespace, source).await
            }
            NamespaceWork::Delete {
                ref final_snapshot, ..
            } => delete_namespace(&control, &namespace, final_snapshot.as_deref()).await,
        };
        let Err(error) = result else { return };
        tries += 1;
        tracing::warn!(namespace = name, error, tries, "work on a namespace failed");
        if tries >= TRIES
            && let NamespaceWork::Restore { source, .. } = &work
        {
            match give_up_restore(&control, &view, &namespace, source).await {
                Ok(()) => return,
                Err(error) => tracing::error!(namespace = name, error, "it stays as it is"),
            }
        }
        pause(tries).await;
    }
}

async fn restart_after(control: &Arc<Control>, view: &View, namespace: &Namespace) -> Step {
    let Some(workgroup) = workgroup_of(view, &namespace.name) else {
        return Ok(());
    };
    let spec = compute(control, view, &workgroup);
    control
        .provisioner
        .start(&namespace.uuid, &spec)
        .await
        .map(|_| ())
        .map_err(text)
}

/// The number of the event of a restore, and the word of its text.
fn restore_event(source: &RestoreSource, good: bool) -> (&'static str, &'static str) {
    match (source.recovery_point, good) {
        (false, true) => ("1004", "snapshot"),
        (false, false) => ("1005", "snapshot"),
        (true, true) => ("1006", "point"),
        (true, false) => ("1007", "point"),
    }
}

async fn restore(
    control: &Arc<Control>,
    view: &View,
    namespace: &Namespace,
    source: &RestoreSource,
) -> Step {
    let provisioner = &control.provisioner;
    let id = &namespace.uuid;
    provisioner.stop(id).await.map_err(text)?;
    provisioner
        .restore(&source.held, id, true)
        .await
        .map_err(text)?;
    restart_after(control, view, namespace).await?;
    let mut txn = control.records.begin().await;
    let mut restored = Namespace {
        pending: None,
        admin_user: source.admin_user.clone(),
        database: source.database.clone(),
        ..namespace.clone()
    };
    // A managed password stays managed: what came with the snapshot is not known.
    if source.manage || namespace.admin_secret.is_some() {
        let key = source
            .secret_key
            .clone()
            .or(namespace.admin_secret_key.clone());
        let password = admin::manage(control, &mut txn, &mut restored, key).map_err(text)?;
        provisioner
            .set_admin(id, &restored.admin_user, &password)
            .await
            .map_err(text)?;
    }
    txn.put(restored).map_err(text)?;
    let (number, word) = restore_event(source, true);
    events::tell(
        control,
        &mut txn,
        number,
        &namespace.name,
        &[(word, &source.shown)],
    )
    .map_err(text)?;
    txn.commit().await.map_err(text)
}

/// Leaves a namespace with what it had.
async fn give_up_restore(
    control: &Arc<Control>,
    view: &View,
    namespace: &Namespace,
    source: &RestoreSource,
) -> Step {
    restart_after(control, view, namespace).await?;
    let mut txn = control.records.begin().await;
    txn.update::<Namespace>(&namespace.name, |n| n.pending = None)
        .map_err(text)?;
    let (number, word) = restore_event(source, false);
    events::tell(
        control,
        &mut txn,
        number,
        &namespace.name,
        &[(word, &source.shown)],
    )
    .map_err(text)?;
    txn.commit().await.map_err(text)
}

async fn delete_namespace(
    control: &Arc<Control>,
    namespace: &Namespace,
    final_snapshot: Option<&str>,
) -> Step {
    let view = control.records.view();
    if let Some(snapshot) = final_snapshot.and_then(|name| view.get::<Snapshot>(name)) {
        match snapshot.stage {
            Stage::Ready => {}
            Stage::Taking => return Err("the final snapshot is not there yet".into()),
            Stage::Failed | Stage::Going => {
                let mut txn = control.records.begin().await;
                txn.update::<Namespace>(&namespace.name, |n| n.pending = None)
                    .map_err(text)?;
                return txn.commit().await.map_err(text);
            }
        }
    }
    control
        .provisioner
        .delete_namespace(&namespace.uuid)
        .await
        .map_err(text)?;
    let mut txn = control.records.begin().await;
    tags::forget(&mut txn, &namespace.arn(&control.config));
    for configuration in view.list::<CopyConfiguration>() {
        if configuration.namespace == namespace.name {
            txn.delete::<CopyConfiguration>(&configuration.uuid);
        }
    }
    schedules::forget(&mut txn, &view, &namespace.name);
    admin::release(control, &mut txn, &mut namespace.clone());
    txn.delete::<Namespace>(&namespace.name);
    txn.commit().await.map_err(text)
}
