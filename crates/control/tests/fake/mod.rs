//! A provisioner that runs nothing and keeps count: for tests of what the control plane does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use lw_base::{Result, SqlError};
use lw_services::SqlService;
use lw_services::warehouses::*;
use parking_lot::Mutex;

/// What it was told.
#[derive(Default)]
pub struct Fake {
    pub state: Mutex<State>,
    /// What runs SQL, where a test has something.
    pub sql: Mutex<Option<Arc<dyn SqlService>>>,
}

/// Namespaces, what serves them, snapshots.
#[derive(Default)]
pub struct State {
    pub namespaces: BTreeMap<String, (String, Option<String>)>,
    pub running: BTreeMap<String, (ComputeSpec, SocketAddr)>,
    pub snapshots: BTreeMap<String, (String, Option<String>)>,
    /// Calls fail with this while it is set.
    pub broken: Option<String>,
    /// Every call, in order.
    pub calls: Vec<String>,
    ports: u16,
}

impl Fake {
    fn called(&self, call: String) -> Result<parking_lot::MutexGuard<'_, State>> {
        let mut state = self.state.lock();
        state.calls.push(call);
        match &state.broken {
            Some(why) => Err(SqlError::internal(why)),
            None => Ok(state),
        }
    }
}

#[async_trait]
impl Provisioner for Fake {
    async fn create_namespace(&self, spec: &NamespaceSpec) -> Result<()> {
        self.called(format!("create_namespace {}", spec.id))?
            .namespaces
            .insert(
                spec.id.clone(),
                (spec.admin_user.clone(), spec.admin_password.clone()),
            );
        Ok(())
    }

    async fn delete_namespace(&self, namespace: &str) -> Result<()> {
        let mut state = self.called(format!("delete_namespace {namespace}"))?;
        state.namespaces.remove(namespace);
        state.running.remove(namespace);
        Ok(())
    }

    async fn start(&self, namespace: &str, compute: &ComputeSpec) -> Result<SocketAddr> {
        let mut state = self.called(format!("start {namespace}"))?;
        if !state.namespaces.contains_key(namespace) {
            return Err(SqlError::internal(format!("no namespace {namespace}")));
        }
        state.ports += 1;
        let fresh = SocketAddr::from(([127, 0, 0, 1], 20_000 + state.ports));
        let address = state.running.get(namespace).map_or(fresh, |known| known.1);
        state
            .running
            .insert(namespace.to_string(), (compute.clone(), address));
        Ok(address)
    }

    async fn stop(&self, namespace: &str) -> Result<()> {
        self.called(format!("stop {namespace}"))?
            .running
            .remove(namespace);
        Ok(())
    }

    async fn sql(&self, namespace: &str) -> Result<Arc<dyn SqlService>> {
        drop(self.called(format!("sql {namespace}"))?);
        self.sql
            .lock()
            .clone()
            .ok_or_else(|| SqlError::internal("nothing runs here"))
    }

    async fn usage(&self, namespace: &str) -> Result<NamespaceUsage> {
        drop(self.called(format!("usage {namespace}"))?);
        Ok(NamespaceUsage {
            bytes: 1 << 20,
            tables: 1,
            ..Default::default()
        })
    }

    async fn set_admin(&self, namespace: &str, user: &str, password: &str) -> Result<()> {
        self.called(format!("set_admin {namespace} {user}"))?
            .namespaces
            .insert(
                namespace.to_string(),
                (user.to_string(), Some(password.to_string())),
            );
        Ok(())
    }

    async fn restart(&self, namespace: &str, compute: &ComputeSpec) -> Result<SocketAddr> {
        drop(self.called(format!("restart {namespace}"))?);
        self.start(namespace, compute).await
    }

    async fn snapshot(&self, namespace: &str, snapshot: &str) -> Result<SnapshotUsage> {
        let mut state = self.called(format!("snapshot {namespace} {snapshot}"))?;
        let admin = state
            .namespaces
            .get(namespace)
            .cloned()
            .ok_or_else(|| SqlError::internal(format!("no namespace {namespace}")))?;
        state.snapshots.insert(snapshot.to_string(), admin);
        Ok(SnapshotUsage {
            bytes: 1 << 20,
            incremental_bytes: 1 << 10,
        })
    }

    async fn delete_snapshot(&self, snapshot: &str) -> Result<()> {
        self.called(format!("delete_snapshot {snapshot}"))?
            .snapshots
            .remove(snapshot);
        Ok(())
    }

    async fn copy_snapshot(&self, snapshot: &str, region: &str, copy: &str) -> Result<()> {
        let mut state = self.called(format!("copy_snapshot {snapshot} {region} {copy}"))?;
        if let Some(held) = state.snapshots.get(snapshot).cloned() {
            state.snapshots.insert(copy.to_string(), held);
        }
        Ok(())
    }

    async fn restore(&self, snapshot: &str, namespace: &str, _serverless: bool) -> Result<()> {
        let mut state = self.called(format!("restore {snapshot} {namespace}"))?;
        let held = state
            .snapshots
            .get(snapshot)
            .cloned()
            .ok_or_else(|| SqlError::internal(format!("no snapshot {snapshot}")))?;
        state.namespaces.insert(namespace.to_string(), held);
        Ok(())
    }

    async fn restore_table(
        &self,
        snapshot: &str,
        namespace: &str,
        table: &TableRestore,
    ) -> Result<TableRestored> {
        drop(self.called(format!(
            "restore_table {snapshot} {namespace} {}",
            table.new_table
        ))?);
        Ok(TableRestored {
            bytes: 100,
            rows: 1,
        })
    }
}
