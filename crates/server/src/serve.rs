//! `longwave serve`: from the arguments to the last goodbye.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use lw_aws_http::HttpConfig;
use lw_catalog_sql::SqliteRecords;
use lw_control::identity::Access;
use lw_control::{Api, Control, ControlConfig};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::compose::WirePort;
use crate::config::{Config, ServeArgs};
use crate::credentials::Credentials;
use crate::data_dir::DataDir;
use crate::{Warehouse, WarehouseConfig, banner, limits, tls};

/// Runs the warehouse until SIGTERM or SIGINT.
pub async fn run(args: ServeArgs) -> Result<()> {
    let config = Config::load(args)?;
    // Libraries that speak TLS as clients take the process's provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    raise_file_limit();
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone())?;
    let dir = DataDir::open(&config.data_dir)?;
    let credentials = Credentials::load(&dir, &config)?;
    let tls = tls::server_config(&dir, &config.tls_names)?;
    // Both ports are taken before anything else, so that a mistake shows at once.
    let sql = bind(config.sql_addr, "SQL", "--sql-addr").await?;
    let http = bind(config.http_addr, "HTTP", "--http-addr").await?;
    let (sql_addr, http_addr) = (sql.local_addr()?, http.local_addr()?);

    let warehouse = Warehouse::open(WarehouseConfig {
        data_dir: dir.root().to_path_buf(),
        admin_user: credentials.admin_user.clone(),
        admin_password: credentials.admin_password.clone(),
        admin_password_given: config.admin_password.is_some(),
        access_key_id: credentials.access_key_id.clone(),
        secret_access_key: credentials.secret_access_key.clone(),
        region: config.region.clone(),
        account_id: config.account_id.clone(),
        memory_bytes: config.memory_bytes,
        partitions: config.partitions,
        external_s3: config.external_s3.clone(),
        wire: Some(WirePort {
            listener: sql,
            tls: Some(tls),
            require_tls: config.require_ssl,
            max_connections: config.max_connections,
        }),
    })
    .await
    .map_err(|e| anyhow::Error::from(e).context("the warehouse does not open"))?;
    let records = SqliteRecords::open(&dir.root().join("control.db"))
        .await
        .map_err(|e| anyhow::Error::from(e).context("the control plane's records do not open"))?;
    let control = Control::open(
        ControlConfig {
            account: config.account_id.clone(),
            region: config.region.clone(),
            root_key_id: credentials.access_key_id.clone(),
            root_secret: credentials.secret_access_key.clone(),
            dir: dir.root().to_path_buf(),
            sql_host: banner::reachable(sql_addr.ip()),
            sql_port: sql_addr.port(),
            sql_ip: sql_addr.ip(),
            default_namespace: warehouse.host.default_namespace().to_string(),
            admin_user: credentials.admin_user.clone(),
            processors: limits::processors(),
            memory_bytes: config
                .memory_bytes
                .unwrap_or_else(|| limits::memory_bytes() / 10 * 6)
                as u64,
        },
        records,
        warehouse.host.clone(),
    )
    .await
    .map_err(|e| anyhow::Error::from(e).context("the control plane does not open"))?;
    control.notices.set_http_url(&format!(
        "http://{}:{}",
        banner::reachable(http_addr.ip()),
        http_addr.port()
    ));
    warehouse
        .host
        .set_temporary_logins(Arc::new(lw_control::Logins::of(&control)));
    if let Some(relay) = &config.smtp_relay {
        control.notices.set_mail_relay(relay, &config.smtp_from);
    }
    let access = Arc::new(Access(control.clone()));
    warehouse.resolver.judged_by(access.clone());
    control.start().await;
    let ready = Arc::new(AtomicBool::new(false));
    let serving_http = tokio::spawn(lw_aws_http::serve(
        http,
        HttpConfig {
            access_key_id: credentials.access_key_id.clone(),
            secret_access_key: credentials.secret_access_key.clone(),
            region: config.region.clone(),
            account_id: config.account_id.clone(),
            store: warehouse.buckets.clone(),
            ready: ready.clone(),
            metrics: prometheus::Registry::new(),
            ca_pem: Some(dir.tls().join(tls::CA_FILE)),
            api: Some(Arc::new(Api(control.clone()))),
            access: Some(access),
        },
        stop.clone().cancelled_owned(),
    ));
    ready.store(true, Ordering::Release);
    // Nobody may be reading; the warehouse serves all the same.
    let _ = write!(
        std::io::stdout(),
        "{}",
        banner::text(&config, &dir, &credentials, sql_addr, http_addr)
    )
    .and_then(|()| std::io::stdout().flush());

    let mut serving_http = serving_http;
    let ended = tokio::select! {
        // Asked first: the ports end because of it, and that is no failure.
        biased;
        () = stop.cancelled() => Ok(()),
        ended = &mut serving_http => Err(match ended {
            Ok(Ok(())) => anyhow::anyhow!("the HTTP port ended"),
            Ok(Err(error)) => anyhow::Error::from(error).context("the HTTP port ended"),
            Err(error) => anyhow::Error::from(error).context("the HTTP port failed"),
        }),
    };
    ready.store(false, Ordering::Release);
    stop.cancel();
    tracing::info!("stopping");
    control.stop().await;
    warehouse.host.close().await;
    if ended.is_ok() {
        let _ = tokio::time::timeout(Duration::from_secs(10), serving_http).await;
    }
    ended
}

async fn bind(address: std::net::SocketAddr, port: &str, flag: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} for the {port} port (choose another with {flag})")
    })
}

/// The first SIGTERM or SIGINT stops in order; the second at once.
fn stop_on_signals(stop: CancellationToken) -> Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(1);
            }
            stop.cancel();
        }
    });
    Ok(())
}

/// Sockets and segments need more files than many systems allow by default.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::debug!(%error, "cannot raise the limit of open files");
    }
}
