//! What the control plane asks of the host.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use lw_base::{Result, SqlError};
use lw_catalog::Isolation;
use lw_leader::FirstStart;
use lw_services::SqlService;
use lw_services::warehouses::{
    ComputeSpec, NamespaceSpec, NamespaceUsage, Provisioner, SnapshotUsage, TableRestore,
    TableRestored,
};

use super::Host;
use super::files::{NAMESPACE_FILE, NamespaceFile, check_name, write_json};
use super::namespace::{Namespace, small};

#[async_trait]
impl Provisioner for Host {
    async fn create_namespace(&self, spec: &NamespaceSpec) -> Result<()> {
        check_name("namespace", &spec.id)?;
        let _one = self.making.lock().await;
        if self.namespaces.read().contains_key(&spec.id) {
            return Ok(());
        }
        let file = NamespaceFile {
            id: spec.id.clone(),
            database: spec.database.clone(),
            admin_user: spec.admin_user.clone(),
            serverless: spec.serverless,
        };
        // Made beside its place, and put there whole.
        let dir = self.shared.layout.new_namespace(&spec.id)?;
        let namespace = Namespace::new(self.shared.clone(), file.clone())?;
        fill(&namespace, &dir, spec).await?;
        self.shared.layout.put_namespace(&file)?;
        self.namespaces.write().insert(spec.id.clone(), namespace);
        Ok(())
    }

    async fn delete_namespace(&self, id: &str) -> Result<()> {
        if id == self.default {
            return Err(SqlError::unsupported("deleting the default namespace"));
        }
        let _one = self.making.lock().await;
        let Some(namespace) = self.namespaces.write().remove(id) else {
            return Ok(());
        };
        let _admin = namespace.admin.lock().await;
        namespace.stop().await;
        self.shared.layout.remove_namespace(id)
    }

    async fn start(&self, namespace: &str, compute: &ComputeSpec) -> Result<SocketAddr> {
        let namespace = self.namespace(namespace)?;
        let _admin = namespace.admin.lock().await;
        namespace.start(compute).await
    }

    async fn stop(&self, namespace: &str) -> Result<()> {
        let namespace = self.namespace(namespace)?;
        let _admin = namespace.admin.lock().await;
        namespace.stop().await;
        Ok(())
    }

    async fn sql(&self, namespace: &str) -> Result<Arc<dyn SqlService>> {
        let namespace = self.namespace(namespace)?;
        namespace.opened().await?;
        Ok(namespace.service())
    }

    async fn usage(&self, namespace: &str) -> Result<NamespaceUsage> {
        self.namespace(namespace)?.usage().await
    }

    async fn set_admin(&self, namespace: &str, user: &str, password: &str) -> Result<()> {
        let namespace = self.namespace(namespace)?;
        let _admin = namespace.admin.lock().await;
        let borrowed = namespace.borrow().await?;
        let done = borrowed.open.leader.set_admin(user, password).await;
        borrowed.give_back().await;
        done?;
        let file = NamespaceFile {
            admin_user: user.to_string(),
            ..namespace.file()
        };
        // The default one's name is the operator's to say.
        if namespace.id != self.default {
            write_json(&namespace.dir().join(NAMESPACE_FILE), &file)?;
            namespace.set_file(file);
        }
        Ok(())
    }

    async fn restart(&self, namespace: &str, compute: &ComputeSpec) -> Result<SocketAddr> {
        let namespace = self.namespace(namespace)?;
        let _admin = namespace.admin.lock().await;
        namespace.stop().await;
        namespace.start(compute).await
    }

    async fn snapshot(&self, namespace: &str, snapshot: &str) -> Result<SnapshotUsage> {
        let namespace = self.namespace(namespace)?;
        let _admin = namespace.admin.lock().await;
        self.take_snapshot(&namespace, snapshot).await
    }

    async fn delete_snapshot(&self, snapshot: &str) -> Result<()> {
        self.remove_snapshot(snapshot).await
    }

    async fn copy_snapshot(&self, snapshot: &str, region: &str, copy: &str) -> Result<()> {
        self.copy_snapshot_to(snapshot, region, copy).await
    }

    async fn restore(&self, snapshot: &str, namespace: &str, serverless: bool) -> Result<()> {
        let _one = self.making.lock().await;
        self.restore_snapshot(snapshot, namespace, serverless).await
    }

    async fn restore_table(
        &self,
        snapshot: &str,
        namespace: &str,
        table: &TableRestore,
    ) -> Result<TableRestored> {
        let namespace = self.namespace(namespace)?;
        self.take_table(snapshot, &namespace, table).await
    }
}

/// Makes what a new namespace begins with.
async fn fill(namespace: &Namespace, dir: &Path, spec: &NamespaceSpec) -> Result<()> {
    let first = FirstStart {
        database: spec.database.clone(),
        isolation: match spec.serverless {
            true => Isolation::Snapshot,
            false => Isolation::Serializable,
        },
        admin_user: spec.admin_user.clone(),
        admin_password: spec.admin_password.clone(),
        admin_password_given: false,
    };
    let open = namespace.open_leader(dir, &small(), Some(first)).await?;
    let filled = match spec.sample_data {
        true => {
            let (database, owner) = (&spec.database, &spec.admin_user);
            open.leader.load_tickit(database, owner).await
        }
        false => Ok(()),
    };
    open.close().await;
    filled
}
