//! The host: this process's namespaces, and what serves SQL over each of them.
//!
//! A namespace is a directory with a catalog, its segments and its record of events. Each that is
//! started has a port of its own; its leader and engine are opened by the first session and, if its
//! compute says so, closed when it has been idle. All share the threads that compute and the buckets.
//!
//! Where to start: [`Host`], then `namespace` (the life of one), `snapshot`, and `files` (what is on disk).

mod files;
mod namespace;
mod open;
mod provision;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use lw_base::{Result, SqlError, SqlState};
use lw_engine::Threads;
use lw_services::buckets::BucketResolver;
use lw_services::warehouses::{ComputeSpec, Networks, TemporaryLogin, TemporaryLogins};
use parking_lot::{Mutex, RwLock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::limits;
use files::Layout;
use namespace::Namespace;
pub(crate) use snapshot::keys;

/// How often it is looked for namespaces that are idle, and for use that is to be written down.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Use is written down once per this many looks.
const SAVE_EVERY: u32 = 15;
/// Partitions of a query per processor, at most.
const PARTITIONS_PER_PROCESSOR: usize = 4;
/// The least memory statements are given.
const LEAST_MEMORY: usize = 64 << 20;

/// What a host is told from outside.
pub struct HostConfig {
    /// The data directory, which this process has locked.
    pub data_dir: PathBuf,
    /// Where the default namespace is served; `None`: only in this process.
    pub listener: Option<TcpListener>,
    /// The server's certificate.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Refuse SQL clients without TLS, everywhere.
    pub require_tls: bool,
    /// Connections at one time of the default namespace.
    pub max_connections: usize,
    /// Name of the default namespace's admin user.
    pub admin_user: String,
    /// Their password.
    pub admin_password: String,
    /// True if the operator gave the password for this start: then it replaces the one the admin
    /// has. A generated one is set at the first start only, so that ALTER USER lasts.
    pub admin_password_given: bool,
    /// Memory statements of a namespace may use together at most, bytes; `None`: 60% of the machine's.
    pub memory_bytes: Option<usize>,
    /// Partitions of a query in the default namespace; `None`: one per processor.
    pub partitions: Option<usize>,
    /// The buckets COPY and UNLOAD reach.
    pub buckets: Arc<dyn BucketResolver>,
}

/// The namespaces of this process.
pub struct Host {
    shared: Arc<Shared>,
    namespaces: RwLock<BTreeMap<String, Arc<Namespace>>>,
    default: String,
    /// One namespace is made or deleted at a time.
    making: tokio::sync::Mutex<()>,
    stop: CancellationToken,
}

/// What all namespaces share.
struct Shared {
    layout: Layout,
    ip: IpAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    require_tls: bool,
    memory_bytes: usize,
    pool: Mutex<Pool>,
    buckets: Arc<dyn BucketResolver>,
    logins: Arc<LateLogins>,
}

impl Shared {
    /// Memory and partitions of a namespace's engine: what this machine has of what it was promised.
    fn limits(&self, compute: &ComputeSpec) -> (usize, usize) {
        let memory = usize::try_from(compute.memory_bytes).unwrap_or(usize::MAX);
        let most = PARTITIONS_PER_PROCESSOR * limits::processors();
        (
            memory.clamp(LEAST_MEMORY, self.memory_bytes.max(LEAST_MEMORY)),
            compute.units.clamp(1, most),
        )
    }
}

/// The threads that compute, shared by all engines. They go when the last is closed: what they have
/// allocated they give back only then.
#[derive(Default)]
struct Pool {
    engines: usize,
    threads: Option<Threads>,
}

/// The right to compute, of one engine, until dropped.
struct Lease(Arc<Shared>);

impl Lease {
    fn new(shared: &Arc<Shared>) -> Result<(Lease, Threads)> {
        let mut pool = shared.pool.lock();
        let threads = match &pool.threads {
            Some(threads) => threads.clone(),
            None => Threads::new(limits::processors())?,
        };
        pool.threads = Some(threads.clone());
        pool.engines += 1;
        Ok((Lease(shared.clone()), threads))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut pool = self.0.pool.lock();
        pool.engines -= 1;
        if pool.engines == 0 {
            pool.threads = None;
        }
    }
}

/// Who knows temporary credentials: known only once the control plane is there.
#[derive(Debug, Default)]
struct LateLogins(OnceLock<Arc<dyn TemporaryLogins>>);

#[async_trait]
impl TemporaryLogins for LateLogins {
    async fn check(&self, namespace: &str, user: &str, password: &str) -> Option<TemporaryLogin> {
        self.0.get()?.check(namespace, user, password).await
    }
}

impl Host {
    /// Opens the host of a data directory: what a crash left half done is put right, and the default
    /// namespace is opened and served.
    pub async fn open(config: HostConfig) -> Result<Arc<Host>> {
        let layout = Layout::open(&config.data_dir, &config.admin_user)?;
        let default = layout.default_namespace().to_string();
        let sql_addr = match &config.listener {
            Some(listener) => listener.local_addr()?,
            None => SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let memory = config
            .memory_bytes
            .unwrap_or_else(|| limits::memory_bytes() / 10 * 6);
        let shared = Arc::new(Shared {
            ip: sql_addr.ip(),
            tls: config.tls,
            require_tls: config.require_tls,
            memory_bytes: memory,
            pool: Mutex::default(),
            buckets: config.buckets,
            logins: Arc::default(),
            layout,
        });
        let mut namespaces = BTreeMap::new();
        for file in shared.layout.namespaces()? {
            let id = file.id.clone();
            namespaces.insert(id, Namespace::new(shared.clone(), file)?);
        }
        let host = Arc::new(Host {
            shared,
            namespaces: RwLock::new(namespaces),
            default,
            making: tokio::sync::Mutex::default(),
            stop: CancellationToken::new(),
        });
        let namespace = host.namespace(&host.default)?;
        let compute = ComputeSpec {
            name: "default".to_string(),
            port: sql_addr.port(),
            units: config.partitions.unwrap_or_else(limits::processors),
            memory_bytes: memory as u64,
            networks: Networks::Any,
            settings: Vec::new(),
            idle_s: None,
            closed: None,
            max_connections: config.max_connections,
        };
        let admin = (config.admin_password, config.admin_password_given);
        namespace
            .start_as_default(compute, config.listener, admin)
            .await?;
        tokio::spawn(look_after(Arc::downgrade(&host), host.stop.clone()));
        Ok(host)
    }

    /// Id of the namespace that is there from the first start on.
    pub fn default_namespace(&self) -> &str {
        &self.default
    }

    /// Names who knows temporary credentials. Only the first call counts.
    pub fn set_temporary_logins(&self, logins: Arc<dyn TemporaryLogins>) {
        let _ = self.shared.logins.0.set(logins);
    }

    /// Ends all sessions and closes all namespaces.
    pub async fn close(&self) {
        self.stop.cancel();
        let all: Vec<_> = self.namespaces.read().values().cloned().collect();
        // Their sessions are told at the same time.
        futures::future::join_all(all.iter().map(|namespace| namespace.stop())).await;
    }

    fn namespace(&self, id: &str) -> Result<Arc<Namespace>> {
        self.namespaces.read().get(id).cloned().ok_or_else(|| {
            SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("namespace \"{id}\" does not exist"),
            )
        })
    }
}

/// Closes what is idle and writes down use, until the host is gone.
async fn look_after(host: std::sync::Weak<Host>, stop: CancellationToken) {
    for look in 1u32.. {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let Some(host) = host.upgrade() else {
            return;
        };
        let all: Vec<_> = host.namespaces.read().values().cloned().collect();
        drop(host);
        for namespace in all {
            namespace.close_if_idle().await;
            if look.is_multiple_of(SAVE_EVERY) {
                namespace.save_use();
            }
        }
    }
}
