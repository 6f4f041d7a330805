//! One namespace: opening and closing its leader, and the port it is served on.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use lw_base::{Result, SqlError, SqlState, clock};
use lw_catalog::Isolation;
use lw_leader::{FirstStart, Meter, Metered};
use lw_pgwire::{Door, WireConfig};
use lw_services::warehouses::{ComputeSpec, NamespaceUsage, Networks};
use lw_services::{Challenge, ClientInfo, Proof, Session, SqlService};
use parking_lot::{Mutex, RwLock};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::files::{NamespaceFile, PortFile, USE_FILE, UseFile, read_json, write_json};
use super::open::{Open, size};

/// A namespace of this host.
pub(super) struct Namespace {
    pub id: String,
    pub host: Arc<Shared>,
    file: Mutex<NamespaceFile>,
    /// Where use is counted, as long as the process lives.
    pub meter: Arc<Meter>,
    saved: Mutex<Metered>,
    /// One change from outside at a time (start, stop, snapshot, restore).
    pub admin: tokio::sync::Mutex<()>,
    /// One opening or closing at a time.
    change: Arc<tokio::sync::Mutex<()>>,
    open: RwLock<Option<Arc<Open>>>,
    started: Mutex<Option<Started>>,
    /// When somebody last asked for a session, or had one.
    last_use: AtomicI64,
    /// Bytes and tables, as they were when it was closed.
    closed_at: Mutex<Option<(u64, u64)>>,
    /// The default namespace: what it is made of if anything is missing.
    first: Mutex<Option<FirstStart>>,
    samples: AtomicBool,
}

/// What serves a namespace that is started.
struct Started {
    compute: ComputeSpec,
    /// Settings in force: those of the last start.
    settings: Vec<(String, String)>,
    address: SocketAddr,
    door: Arc<Door>,
    stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

impl Namespace {
    pub fn new(host: Arc<Shared>, file: NamespaceFile) -> Result<Arc<Namespace>> {
        let used = host.layout.namespace(&file.id).join(USE_FILE);
        let used: UseFile = read_json(&used)?.unwrap_or_default();
        let metered = Metered {
            busy: used.busy,
            charged: used.charged,
        };
        Ok(Arc::new(Namespace {
            id: file.id.clone(),
            host,
            file: Mutex::new(file),
            meter: Meter::from(metered),
            saved: Mutex::new(metered),
            admin: tokio::sync::Mutex::default(),
            change: Arc::default(),
            open: RwLock::default(),
            started: Mutex::default(),
            last_use: AtomicI64::new(0),
            closed_at: Mutex::default(),
            first: Mutex::default(),
            samples: AtomicBool::new(false),
        }))
    }

    /// What it is.
    pub fn file(&self) -> NamespaceFile {
        self.file.lock().clone()
    }

    /// It became another, by a restore.
    pub fn set_file(&self, file: NamespaceFile) {
        *self.file.lock() = file;
        *self.closed_at.lock() = None;
        // What it has it has from the snapshot.
        *self.first.lock() = None;
        self.samples.store(false, Ordering::Relaxed);
    }

    /// No sample database is made in it.
    #[cfg(test)]
    pub fn forget_samples(&self) {
        self.samples.store(false, Ordering::Relaxed);
    }

    /// Where its files are.
    pub fn dir(&self) -> PathBuf {
        self.host.layout.namespace(&self.id)
    }

    /// What is open, if it is.
    pub fn open_now(&self) -> Option<Arc<Open>> {
        self.open.read().clone()
    }

    /// True if it is started.
    pub fn is_started(&self) -> bool {
        self.started.lock().is_some()
    }

    /// Keeps it as it is, closed or open, as long as what is given back is held; `None` if it is open.
    pub async fn keep_closed(&self) -> Option<tokio::sync::OwnedMutexGuard<()>> {
        let guard = self.change.clone().lock_owned().await;
        self.open_now().is_none().then_some(guard)
    }

    /// Opens it if it is started and not open.
    pub async fn opened(self: &Arc<Self>) -> Result<Arc<Open>> {
        self.last_use.store(clock::now_micros(), Ordering::Relaxed);
        if let Some(open) = self.open_now() {
            return Ok(open);
        }
        let _one = self.change.lock().await;
        if let Some(open) = self.open_now() {
            return Ok(open);
        }
        let compute = self.started.lock().as_ref().map(|s| ComputeSpec {
            settings: s.settings.clone(),
            ..s.compute.clone()
        });
        let Some(compute) = compute else {
            return Err(self.not_started());
        };
        let first = self.first.lock().clone();
        let open = self.open_leader(&self.dir(), &compute, first).await?;
        open.run(self.samples.load(Ordering::Relaxed));
        // Only once: what ALTER USER says afterwards lasts when it is closed and opened again.
        *self.first.lock() = None;
        // It may have changed meanwhile.
        if let Some(started) = &*self.started.lock() {
            open.leader.set_closed(started.compute.closed.clone());
        }
        let open = Arc::new(open);
        *self.open.write() = Some(open.clone());
        Ok(open)
    }

    fn not_started(&self) -> SqlError {
        // cannot_connect_now
        SqlError::new(
            SqlState("57P03"),
            format!("namespace \"{}\" is not started", self.id),
        )
    }

    /// Closes it if it is open.
    pub async fn close(&self) {
        let _one = self.change.lock().await;
        let open = self.open.write().take();
        self.close_open(open).await;
    }

    async fn close_open(&self, open: Option<Arc<Open>>) {
        if let Some(open) = open {
            let catalog = open.leader.shared().txns.current();
            open.close().await;
            *self.closed_at.lock() = Some(size(&catalog));
            self.save_use();
        }
    }

    /// Closes it if nobody has used it for as long as its compute says.
    pub async fn close_if_idle(&self) {
        let idle_s = match &*self.started.lock() {
            Some(started) => started.compute.idle_s,
            None => None,
        };
        let (Some(idle_s), Some(open)) = (idle_s, self.open_now()) else {
            return;
        };
        let now = clock::now_micros();
        if open.leader.sessions() > 0 {
            self.last_use.store(now, Ordering::Relaxed);
            return;
        }
        drop(open);
        let idle = now - self.last_use.load(Ordering::Relaxed);
        if idle < i64::try_from(idle_s.saturating_mul(1_000_000)).unwrap_or(i64::MAX) {
            return;
        }
        let _one = self.change.lock().await;
        let open = {
            let mut slot = self.open.write();
            // Who is about to connect holds it too, and takes it only under this lock.
            let unused = slot
                .as_ref()
                .is_some_and(|open| Arc::strong_count(open) == 1 && open.leader.sessions() == 0);
            if unused { slot.take() } else { None }
        };
        self.close_open(open).await;
    }

    /// Writes down how much it was used.
    pub fn save_use(&self) {
        let now = self.meter.read();
        if *self.saved.lock() == now {
            return;
        }
        let file = UseFile {
            busy: now.busy,
            charged: now.charged,
        };
        match write_json(&self.dir().join(USE_FILE), &file) {
            Ok(()) => *self.saved.lock() = now,
            Err(error) => tracing::warn!(%error, "use is not written down"),
        }
    }

    /// Starts it as the default namespace, which has been served on its port for as long as there
    /// were no others.
    pub async fn start_as_default(
        self: &Arc<Self>,
        compute: ComputeSpec,
        listener: Option<TcpListener>,
        (admin_password, admin_password_given): (String, bool),
    ) -> Result<()> {
        let file = self.file();
        // Whoever restored it has made it what it is.
        self.samples.store(true, Ordering::Relaxed);
        *self.first.lock() = Some(FirstStart {
            database: file.database,
            isolation: Isolation::Serializable,
            admin_user: file.admin_user,
            admin_password: Some(admin_password),
            admin_password_given,
        });
        let door = Arc::new(Door::new(compute.networks.clone(), compute.max_connections));
        let address = match &listener {
            Some(listener) => listener.local_addr()?,
            None => SocketAddr::new(self.host.ip, 0),
        };
        let stop = CancellationToken::new();
        *self.started.lock() = Some(Started {
            settings: compute.settings.clone(),
            compute,
            address,
            door: door.clone(),
            stop: stop.clone(),
            serving: None,
        });
        // A mistake in what is there shows before anybody connects.
        self.opened().await?;
        if let Some(listener) = listener {
            let port = address.port();
            let port = PortFile {
                asked: port,
                given: port,
            };
            self.host.layout.set_port(&self.id, port)?;
            let serving = self.serve(listener, door, stop, self.host.require_tls);
            if let Some(started) = &mut *self.started.lock() {
                started.serving = Some(serving);
            }
        }
        Ok(())
    }

    fn serve(
        self: &Arc<Self>,
        listener: TcpListener,
        door: Arc<Door>,
        stop: CancellationToken,
        require_tls: bool,
    ) -> JoinHandle<()> {
        let wire = WireConfig {
            tls: self.host.tls.clone(),
            require_tls,
            door,
            ..WireConfig::default()
        };
        let service = Arc::new(Service(self.clone()));
        tokio::spawn(lw_pgwire::serve(listener, service, wire, stop))
    }

    /// Starts serving, or changes what serves.
    pub async fn start(self: &Arc<Self>, compute: &ComputeSpec) -> Result<SocketAddr> {
        if let Some(address) = self.restrict(compute)? {
            return Ok(address);
        }
        let listener = self.listen(compute.port).await?;
        let address = listener.local_addr()?;
        let port = PortFile {
            asked: compute.port,
            given: address.port(),
        };
        self.host.layout.set_port(&self.id, port)?;
        let door = Arc::new(Door::new(compute.networks.clone(), compute.max_connections));
        let stop = CancellationToken::new();
        let require_tls = self.host.require_tls || requires_tls(&compute.settings);
        *self.started.lock() = Some(Started {
            compute: compute.clone(),
            settings: compute.settings.clone(),
            address,
            door: door.clone(),
            stop: stop.clone(),
            serving: None,
        });
        let serving = self.serve(listener, door, stop, require_tls);
        if let Some(started) = &mut *self.started.lock() {
            started.serving = Some(serving);
        }
        Ok(address)
    }

    /// Changes what serves under running sessions; `None` if it is not started.
    fn restrict(&self, compute: &ComputeSpec) -> Result<Option<SocketAddr>> {
        let open = self.open_now();
        let mut slot = self.started.lock();
        let Some(started) = &mut *slot else {
            return Ok(None);
        };
        started
            .door
            .set(compute.networks.clone(), compute.max_connections);
        started.compute = compute.clone();
        if let Some(open) = open {
            open.leader.set_closed(compute.closed.clone());
            let (memory_bytes, partitions) = self.host.limits(compute);
            open.leader.set_limits(memory_bytes, partitions)?;
        }
        Ok(Some(started.address))
    }

    /// The port asked for; the one it had if it asked for the same then; else any.
    async fn listen(&self, asked: u16) -> Result<TcpListener> {
        let had = self.host.layout.port(&self.id);
        let had = had.filter(|had| had.asked == asked).map(|had| had.given);
        let mut last = None;
        for port in had.into_iter().chain([asked, 0]) {
            match TcpListener::bind((self.host.ip, port)).await {
                Ok(listener) => return Ok(listener),
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or_else(|| SqlError::internal("no port"), SqlError::from))
    }

    /// Ends sessions and serving.
    pub async fn stop(&self) {
        let started = self.started.lock().take();
        if let Some(started) = started {
            started.stop.cancel();
            if let Some(serving) = started.serving {
                let _ = serving.await;
            }
        }
        self.close().await;
    }

    /// What it holds and does.
    pub async fn usage(&self) -> Result<NamespaceUsage> {
        let metered = self.meter.read();
        let mut usage = NamespaceUsage {
            busy_s: metered.busy_s(),
            charged_s: metered.charged_s(),
            ..NamespaceUsage::default()
        };
        let (bytes, tables) = match self.open_now() {
            Some(open) => {
                usage.connections = open.leader.sessions() as u64;
                usage.running = open.leader.running() as u64;
                size(&open.leader.shared().txns.current())
            }
            None => self.closed_size().await?,
        };
        Ok(NamespaceUsage {
            bytes,
            tables,
            ..usage
        })
    }

    async fn closed_size(&self) -> Result<(u64, u64)> {
        if let Some(known) = *self.closed_at.lock() {
            return Ok(known);
        }
        let catalog = self.dir().join("catalog.db");
        if !catalog.exists() {
            return Ok((0, 0));
        }
        let found = size(&lw_catalog_sql::read(&catalog).await?);
        // It may have been opened meanwhile; then this is asked for again once it is closed.
        *self.closed_at.lock() = Some(found);
        Ok(found)
    }

    /// SQL over it.
    pub fn service(self: &Arc<Self>) -> Arc<dyn SqlService> {
        Arc::new(Service(self.clone()))
    }

    /// Its leader, opened for the occasion if it is not started; to be given back then.
    pub async fn borrow(self: &Arc<Self>) -> Result<Borrowed> {
        if self.is_started() {
            return Ok(Borrowed {
                open: self.opened().await?,
                occasion: None,
            });
        }
        let occasion = self.change.clone().lock_owned().await;
        let open = Arc::new(self.open_leader(&self.dir(), &small(), None).await?);
        *self.closed_at.lock() = None;
        Ok(Borrowed {
            open,
            occasion: Some(occasion),
        })
    }
}

/// A leader for work that is not a user's.
pub(super) struct Borrowed {
    pub open: Arc<Open>,
    /// Held if it was opened for the occasion.
    occasion: Option<tokio::sync::OwnedMutexGuard<()>>,
}

impl Borrowed {
    /// Closes it if it was opened for the occasion.
    pub async fn give_back(self) {
        if self.occasion.is_some() {
            self.open.close().await;
        }
    }
}

/// Compute for work on a namespace that is not started.
pub(super) fn small() -> ComputeSpec {
    ComputeSpec {
        name: String::new(),
        port: 0,
        units: 1,
        memory_bytes: 256 << 20,
        networks: Networks::Any,
        settings: Vec::new(),
        idle_s: None,
        closed: None,
        max_connections: 0,
    }
}

fn requires_tls(settings: &[(String, String)]) -> bool {
    settings.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("require_ssl")
            && matches!(
                value.to_ascii_lowercase().as_str(),
                "true" | "on" | "1" | "yes"
            )
    })
}

/// SQL over a namespace, which is opened by who needs it.
struct Service(Arc<Namespace>);

#[async_trait]
impl SqlService for Service {
    async fn challenge(&self, user: &str) -> Result<Challenge> {
        self.0.opened().await?.leader.challenge(user).await
    }

    async fn connect(&self, client: ClientInfo, proof: Proof) -> Result<Box<dyn Session>> {
        self.0.opened().await?.leader.connect(client, proof).await
    }

    fn cancel(&self, pid: i32, key: i32) {
        if let Some(open) = self.0.open_now() {
            open.leader.cancel(pid, key);
        }
    }
}
