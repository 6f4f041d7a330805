//! Running warehouses: what the control plane may ask of whoever holds namespaces (data) and runs
//! compute over them, and what a leader asks back about temporary logins. Clusters and workgroups are
//! the control plane's own words; here a namespace is its id, and compute is what serves SQL over it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use lw_base::Result;

use crate::SqlService;

/// Holds namespaces and runs compute over them. One process does it all for now; processes of their
/// own and other machines come behind the same trait.
///
/// Every call may be made again after a crash in the middle of it, with the same arguments, and then
/// ends in the same state: making what is there already, or removing what is gone, is no error.
#[async_trait]
pub trait Provisioner: Send + Sync {
    /// Makes an empty namespace with its first database and its admin user.
    async fn create_namespace(&self, namespace: &NamespaceSpec) -> Result<()>;

    /// Deletes a namespace with all its data. Snapshots of it stay.
    async fn delete_namespace(&self, namespace: &str) -> Result<()>;

    /// Starts serving SQL over a namespace, or changes what serves it: what can be changed under
    /// running sessions is (networks, units, memory); `port` and `settings` take effect with the next
    /// start. Says where it listens.
    async fn start(&self, namespace: &str, compute: &ComputeSpec) -> Result<SocketAddr>;

    /// Stops serving SQL over a namespace: sessions are ended (57P01), nothing committed is lost.
    async fn stop(&self, namespace: &str) -> Result<()>;

    /// SQL over a namespace that is started; it is opened if it was idle.
    async fn sql(&self, namespace: &str) -> Result<Arc<dyn SqlService>>;

    /// What a namespace holds and does.
    async fn usage(&self, namespace: &str) -> Result<NamespaceUsage>;

    /// Sets name and password of the admin user; a new name makes a new superuser.
    async fn set_admin(&self, namespace: &str, user: &str, password: &str) -> Result<()>;

    /// Ends the sessions of a namespace and opens it anew (reboot): pending settings take effect.
    async fn restart(&self, namespace: &str, compute: &ComputeSpec) -> Result<SocketAddr>;

    /// Keeps the state of a namespace under a name of its own. It holds what was committed before
    /// the call, and nothing later; no data is copied. The namespace need not be started.
    async fn snapshot(&self, namespace: &str, snapshot: &str) -> Result<SnapshotUsage>;

    /// Deletes a snapshot; data that only it holds is freed.
    async fn delete_snapshot(&self, snapshot: &str) -> Result<()>;

    /// Copies a snapshot into the store of another region, under another name.
    async fn copy_snapshot(&self, snapshot: &str, region: &str, copy: &str) -> Result<()>;

    /// Makes a namespace out of a snapshot; one that exists loses what it held (it must be stopped).
    /// With `serverless`, interleaved sort keys become compound (guide L971, L4316).
    async fn restore(&self, snapshot: &str, namespace: &str, serverless: bool) -> Result<()>;

    /// Restores one table of a snapshot into a namespace that is started.
    async fn restore_table(
        &self,
        snapshot: &str,
        namespace: &str,
        table: &TableRestore,
    ) -> Result<TableRestored>;
}

/// What a new namespace is made of.
#[derive(Debug, Clone)]
pub struct NamespaceSpec {
    /// Its id, a UUID.
    pub id: String,
    /// Its first database.
    pub database: String,
    /// Name of the admin user.
    pub admin_user: String,
    /// Password of the admin user; `None`: none yet (only temporary logins work).
    pub admin_password: Option<String>,
    /// Loads the sample data into the first database.
    pub sample_data: bool,
    /// Databases made without an isolation level are SNAPSHOT (serverless) or SERIALIZABLE.
    pub serverless: bool,
}

/// What serves SQL over a namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputeSpec {
    /// Name of the cluster or workgroup, for logs, errors and temporary logins.
    pub name: String,
    /// Port asked for. If it is taken another is chosen, and said; 0: any.
    pub port: u16,
    /// Slices, units of parallelism: partitions of a query.
    pub units: usize,
    /// Memory that statements may use together, bytes.
    pub memory_bytes: u64,
    /// Networks that may connect (security groups).
    pub networks: Networks,
    /// Parameters (parameter group, configuration parameters): name and value.
    pub settings: Vec<(String, String)>,
    /// Ends the engine after this long without a session, seconds; the next connection opens it
    /// again. `None`: never.
    pub idle_s: Option<u64>,
    /// Why user queries are refused now (a usage limit that turns off, a final snapshot); `None`:
    /// they are not.
    pub closed: Option<String>,
    /// Connections at one time.
    pub max_connections: usize,
}

/// Networks that may connect.
#[derive(Debug, Clone, PartialEq)]
pub enum Networks {
    /// All.
    Any,
    /// Those of these networks, as address and prefix length. This machine's own loopback is
    /// among them only if it is listed.
    Only(Vec<(IpAddr, u8)>),
}

/// What a namespace holds and does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamespaceUsage {
    /// Bytes of all data.
    pub bytes: u64,
    /// Tables of users.
    pub tables: u64,
    /// Sessions open now.
    pub connections: u64,
    /// Statements running now.
    pub running: u64,
    /// Seconds, since it was made, in which a transaction of a user was open (a second counts once).
    /// A statement outside BEGIN is a transaction; one of BEGIN that was not ended goes on counting
    /// (guide L1178).
    pub busy_s: u64,
    /// Seconds charged: those of transactions that ended, of which the first minute counts whole, a
    /// second once (guide L1160-1190).
    pub charged_s: u64,
}

/// What a snapshot holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SnapshotUsage {
    /// Bytes of the data it reaches.
    pub bytes: u64,
    /// Bytes that no earlier snapshot of the namespace reaches.
    pub incremental_bytes: u64,
}

/// Which table of a snapshot becomes which table.
#[derive(Debug, Clone)]
pub struct TableRestore {
    /// Database it was in.
    pub source_database: String,
    /// Schema it was in.
    pub source_schema: String,
    /// Its name.
    pub source_table: String,
    /// Database it goes to, which exists.
    pub target_database: String,
    /// Schema it goes to, which exists.
    pub target_schema: String,
    /// Its new name, which does not exist there.
    pub new_table: String,
    /// Owner if the source's owner does not exist.
    pub admin_user: String,
}

/// What came of restoring a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableRestored {
    /// Bytes of the table.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

/// Asked by a leader at a login for which it has no password of its own: are these temporary
/// credentials (GetClusterCredentials and its kin) good?
#[async_trait]
pub trait TemporaryLogins: Send + Sync + std::fmt::Debug {
    /// What the credentials allow, or `None` if they are unknown, expired, or not for this namespace.
    /// `user` is the name as sent, with its prefix (`IAM:`, `IAMA:`, `IAMR:`).
    async fn check(&self, namespace: &str, user: &str, password: &str) -> Option<TemporaryLogin>;
}

/// What temporary credentials allow.
#[derive(Debug, Clone, PartialEq)]
pub struct TemporaryLogin {
    /// The database user to be.
    pub db_user: String,
    /// True: the user is made (PASSWORD DISABLE) if it does not exist; false: the login fails then.
    pub auto_create: bool,
    /// True: the user is made a superuser when it is made.
    pub superuser: bool,
    /// The only database they are for; `None`: any.
    pub database: Option<String>,
    /// Groups the session belongs to besides those of the user; unknown ones are ignored.
    pub groups: Vec<String>,
    /// Roles the session has besides those of the user; unknown ones are ignored.
    pub roles: Vec<String>,
    /// Id of the request that made them, for `iamauthguid` of the connection log.
    pub request_id: String,
}
