//! The listener: accepts connections, and sees them out when the server stops.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lw_base::{SqlError, SqlState};
use lw_services::SqlService;
use lw_services::warehouses::Networks;
use parking_lot::RwLock;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection;
use crate::transport::Transport;

/// How the wire is to be spoken.
#[derive(Clone)]
pub struct WireConfig {
    /// The server's certificate; `None`: clients that ask for TLS are told there is none.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Refuse clients without TLS (`require_ssl`).
    pub require_tls: bool,
    /// Who may connect.
    pub door: Arc<Door>,
    /// How long a client may take to log in.
    pub login_timeout: Duration,
}

impl Default for WireConfig {
    fn default() -> Self {
        WireConfig {
            tls: None,
            require_tls: false,
            door: Arc::new(Door::new(Networks::Any, 2000)),
            login_timeout: Duration::from_secs(60),
        }
    }
}

/// Who may connect: it may be changed while a listener serves, and holds for those who come then.
#[derive(Debug)]
pub struct Door {
    networks: RwLock<Networks>,
    max_connections: AtomicUsize,
    connections: AtomicUsize,
}

impl Door {
    /// Open to these networks, and so many connections at one time, those that have not logged in yet
    /// included.
    pub fn new(networks: Networks, max_connections: usize) -> Door {
        Door {
            networks: RwLock::new(networks),
            max_connections: AtomicUsize::new(max_connections),
            connections: AtomicUsize::new(0),
        }
    }

    /// Changes who may connect.
    pub fn set(&self, networks: Networks, max_connections: usize) {
        *self.networks.write() = networks;
        self.max_connections
            .store(max_connections, Ordering::Relaxed);
    }

    /// True if a client may come from there.
    fn admits(&self, address: IpAddr) -> bool {
        match &*self.networks.read() {
            Networks::Any => true,
            Networks::Only(networks) => networks
                .iter()
                .any(|(network, prefix)| within(address, *network, *prefix)),
        }
    }

    /// A place for a connection, if one is free.
    fn enter(self: &Arc<Self>) -> Option<Place> {
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.clone());
        (before < self.max_connections.load(Ordering::Relaxed)).then_some(place)
    }
}

/// A connection's place.
struct Place(Arc<Door>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// True if the address is of the network. An IPv4 address may come in IPv6's form.
fn within(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (address.to_canonical(), network.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            let shift = 32u32.saturating_sub(u32::from(prefix));
            (u64::from(a.to_bits()) >> shift) == (u64::from(n.to_bits()) >> shift)
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            let shift = 128u32.saturating_sub(u32::from(prefix));
            let cut = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
            cut(a.to_bits()) == cut(n.to_bits())
        }
        _ => false,
    }
}

/// What all connections share.
pub(crate) struct Shared {
    pub service: Arc<dyn SqlService>,
    pub tls: Option<TlsAcceptor>,
    pub config: WireConfig,
    pub stop: CancellationToken,
}

/// How long connections may take to end once the server stops.
const STOP_WAIT: Duration = Duration::from_secs(20);

/// Serves the wire protocol on `listener` until `stop` is cancelled; then every session is told
/// (57P01), and this returns when all have ended.
pub async fn serve(
    listener: TcpListener,
    service: Arc<dyn SqlService>,
    config: WireConfig,
    stop: CancellationToken,
) {
    let shared = Arc::new(Shared {
        service,
        tls: config.tls.clone().map(TlsAcceptor::from),
        config,
        stop: stop.clone(),
    });
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: others must end before more can begin.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if !shared.config.door.admits(peer.ip()) {
            // As a firewall: not a word.
            continue;
        }
        tune(&socket);
        let shared = shared.clone();
        match shared.config.door.enter() {
            Some(place) => {
                tasks.spawn(async move {
                    connection::run(socket, peer, &shared).await;
                    drop(place);
                });
            }
            None => {
                let error = SqlError::new(
                    SqlState::TOO_MANY_CONNECTIONS,
                    "too many connections already",
                )
                .fatal();
                tasks.spawn(async move {
                    Transport::new(Box::new(socket), shared.stop.clone())
                        .goodbye(Some(&error))
                        .await;
                });
            }
        }
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(STOP_WAIT, tasks.wait()).await.is_err() {
        tracing::warn!(left = tasks.len(), "connections did not end in time");
    }
}

/// No delay for small answers; a dead peer is noticed within minutes.
fn tune(socket: &TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15));
    let tuned = socket
        .set_nodelay(true)
        .and_then(|()| SockRef::from(socket).set_tcp_keepalive(&keepalive));
    if let Err(error) = tuned {
        tracing::debug!(%error, "cannot tune a socket");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let only = |list: &[(&str, u8)]| {
            let list = list.iter().map(|(n, p)| (ip(n), *p)).collect();
            Door::new(Networks::Only(list), 1)
        };
        assert!(Door::new(Networks::Any, 1).admits(ip("203.0.113.9")));
        assert!(!only(&[]).admits(ip("127.0.0.1")));
        let door = only(&[("10.1.0.0", 16), ("192.0.2.7", 32), ("2001:db8::", 32)]);
        for inside in [
            "10.1.255.3",
            "192.0.2.7",
            "2001:db8:1::5",
            "::ffff:10.1.2.3",
        ] {
            assert!(door.admits(ip(inside)), "{inside}");
        }
        for outside in ["10.2.0.1", "192.0.2.8", "2001:db9::", "::1", "127.0.0.1"] {
            assert!(!door.admits(ip(outside)), "{outside}");
        }
        assert!(only(&[("0.0.0.0", 0)]).admits(ip("198.51.100.1")));
        assert!(!only(&[("0.0.0.0", 0)]).admits(ip("::1")));
        assert!(only(&[("::", 0)]).admits(ip("::1")));
    }
}
