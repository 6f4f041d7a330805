//! The HTTP port with the control plane over a provisioner that runs nothing: for SDKs to be tried on
//! without building the engine. `control DIR PORT`; keys AKIALONGWAVETEST0001 and
//! longwave-test-secret-access-key-0000001.

#[path = "../tests/fake/mod.rs"]
#[allow(missing_docs, dead_code)]
mod fake;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lw_aws_http::{BucketStore, HttpConfig};
use lw_catalog_sql::SqliteRecords;
use lw_control::identity::Access;
use lw_control::{Api, Control, ControlConfig};
use lw_services::warehouses::{NamespaceSpec, Provisioner};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(
        args.next()
            .unwrap_or_else(|| "/tmp/longwave-control".into()),
    );
    let port = args.next().unwrap_or_else(|| "5450".into());
    std::fs::create_dir_all(&dir)?;
    let provisioner = Arc::new(fake::Fake::default());
    let namespace = "00000000-0000-4000-8000-000000000001";
    provisioner
        .create_namespace(&NamespaceSpec {
            id: namespace.into(),
            database: "dev".into(),
            admin_user: "awsuser".into(),
            admin_password: None,
            sample_data: false,
            serverless: true,
        })
        .await?;
    let config = ControlConfig {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        root_key_id: "AKIALONGWAVETEST0001".into(),
        root_secret: "longwave-test-secret-access-key-0000001".into(),
        dir: dir.clone(),
        sql_host: "127.0.0.1".into(),
        sql_port: 5439,
        sql_ip: [127, 0, 0, 1].into(),
        default_namespace: namespace.into(),
        admin_user: "awsuser".into(),
        processors: 2,
        memory_bytes: 1 << 30,
    };
    let records = SqliteRecords::open(&dir.join("control.db")).await?;
    let control = Control::open(config.clone(), records, provisioner).await?;
    control.start().await;
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    lw_aws_http::serve(
        listener,
        HttpConfig {
            access_key_id: config.root_key_id,
            secret_access_key: config.root_secret,
            region: config.region,
            account_id: config.account,
            store: Arc::new(BucketStore::open(&dir.join("s3"))?),
            ready: Arc::new(AtomicBool::new(true)),
            metrics: Default::default(),
            ca_pem: None,
            api: Some(Arc::new(Api(control.clone()))),
            access: Some(Arc::new(Access(control.clone()))),
        },
        async {
            let _ = tokio::signal::ctrl_c().await;
        },
    )
    .await?;
    control.stop().await;
    Ok(())
}
