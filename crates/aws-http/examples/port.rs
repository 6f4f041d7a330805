//! The HTTP port alone, for trying S3 clients: `port DIR ADDRESS`, keys `test` and `testsecret`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lw_aws_http::{BucketStore, HttpConfig, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().ok_or("a directory is missing")?);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:5440".to_string());
    let config = HttpConfig {
        access_key_id: "test".to_string(),
        secret_access_key: "testsecret".to_string(),
        region: "us-east-1".to_string(),
        account_id: "000000000000".to_string(),
        store: Arc::new(BucketStore::open(&dir)?),
        ready: Arc::new(AtomicBool::new(true)),
        metrics: prometheus::Registry::new(),
        ca_pem: None,
        api: None,
        access: None,
    };
    let listener = tokio::net::TcpListener::bind(&address).await?;
    serve(listener, config, async {
        let _ = tokio::signal::ctrl_c().await;
    })
    .await?;
    Ok(())
}
