//! The listener: accepts connections, and sees them out when the server stops.

use std::sync::Arc;
use std::time::Duration;

use lw_base::{SqlError, SqlState};
use lw_services::SqlService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
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
    /// Connections at one time, those that have not logged in yet included.
    pub max_connections: usize,
    /// How long a client may take to log in.
    pub login_timeout: Duration,
}

impl Default for WireConfig {
    fn default() -> Self {
        WireConfig {
            tls: None,
            require_tls: false,
            max_connections: 2000,
            login_timeout: Duration::from_secs(60),
        }
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
    let places = Arc::new(Semaphore::new(config.max_connections));
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
        tune(&socket);
        let shared = shared.clone();
        match places.clone().try_acquire_owned() {
            Ok(place) => {
                tasks.spawn(async move {
                    connection::run(socket, peer, &shared).await;
                    drop(place);
                });
            }
            Err(_) => {
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
