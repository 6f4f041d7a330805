//! Composition: which parts the service is made of. The only place that knows them all.

use std::path::PathBuf;
use std::sync::Arc;

use lw_aws_http::{BucketStore, Buckets, BucketsConfig};
use lw_base::Result;
use lw_services::SqlService;
use lw_services::warehouses::Provisioner;
use tokio::net::TcpListener;

use crate::host::{Host, HostConfig};

/// What a warehouse is told from outside.
pub struct WarehouseConfig {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Name of the admin user.
    pub admin_user: String,
    /// The admin's password.
    pub admin_password: String,
    /// True if the operator gave the password for this start: then it replaces the one the admin
    /// has. A generated one is set at the first start only, so that ALTER USER lasts.
    pub admin_password_given: bool,
    /// Root access key id.
    pub access_key_id: String,
    /// Root secret.
    pub secret_access_key: String,
    /// Region.
    pub region: String,
    /// Account, twelve digits.
    pub account_id: String,
    /// Memory statements may use together, bytes; `None`: 60% of the machine's.
    pub memory_bytes: Option<usize>,
    /// Partitions of a query; `None`: one per processor.
    pub partitions: Option<usize>,
    /// Another S3-compatible endpoint for COPY and UNLOAD.
    pub external_s3: Option<lw_aws_http::buckets::ExternalS3>,
    /// The SQL port.
    pub wire: Option<WirePort>,
}

/// How the SQL port is served.
pub struct WirePort {
    /// Where.
    pub listener: TcpListener,
    /// The server's certificate.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Refuse SQL clients without TLS.
    pub require_tls: bool,
    /// Connections at one time.
    pub max_connections: usize,
}

/// The open warehouses of a data directory, and the buckets they share.
pub struct Warehouse {
    /// The namespaces.
    pub host: Arc<Host>,
    /// The buckets of the S3 endpoint.
    pub buckets: Arc<BucketStore>,
    /// The buckets as statements see them.
    pub resolver: Arc<Buckets>,
}

impl Warehouse {
    /// Opens the warehouses of a data directory, which this process has locked. The default one is
    /// served from then on.
    pub async fn open(config: WarehouseConfig) -> Result<Warehouse> {
        let buckets = Arc::new(BucketStore::open(&config.data_dir.join("s3"))?);
        let resolver = Arc::new(Buckets::new(
            buckets.clone(),
            BucketsConfig {
                access_key_id: config.access_key_id,
                secret_access_key: config.secret_access_key,
                account_id: config.account_id,
                region: config.region,
                external: config.external_s3,
            },
        ));
        let (listener, tls, require_tls, max_connections) = match config.wire {
            Some(wire) => (
                Some(wire.listener),
                wire.tls,
                wire.require_tls,
                wire.max_connections,
            ),
            None => (None, None, false, 0),
        };
        let host = Host::open(HostConfig {
            data_dir: config.data_dir,
            listener,
            tls,
            require_tls,
            max_connections,
            admin_user: config.admin_user,
            admin_password: config.admin_password,
            admin_password_given: config.admin_password_given,
            memory_bytes: config.memory_bytes,
            partitions: config.partitions,
            buckets: resolver.clone(),
        })
        .await?;
        Ok(Warehouse {
            host,
            buckets,
            resolver,
        })
    }

    /// SQL over the default namespace.
    pub async fn sql(&self) -> Result<Arc<dyn SqlService>> {
        self.host.sql(self.host.default_namespace()).await
    }
}
