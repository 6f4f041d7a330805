//! Runs sqllogictest files, against a warehouse in this process or a running server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use lw_server::{Warehouse, WarehouseConfig};
use lw_testkit::slt::{self, Connector, InProcess, Wire};

/// Runs sqllogictest files, against a warehouse in this process or a running server.
#[derive(Parser)]
struct Arguments {
    /// Files, or directories of files that end in .slt
    #[arg(default_value = "tests/slt")]
    paths: Vec<PathBuf>,
    /// Use a new warehouse in this process instead of a server
    #[arg(long)]
    in_process: bool,
    /// Host of the server
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port of the server
    #[arg(long, env = "LONGWAVE_TEST_PORT", default_value_t = 5439)]
    port: u16,
    /// Name of the administrator
    #[arg(long, default_value = "awsuser")]
    user: String,
    /// Password of the administrator
    #[arg(
        long,
        env = "LONGWAVE_ADMIN_PASSWORD",
        default_value = "",
        hide_env_values = true
    )]
    password: String,
    /// How many failures to print in full
    #[arg(long, default_value_t = 50)]
    show: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let files = slt::find_files(&arguments.paths)?;
    let report = if arguments.in_process {
        let dir = tempfile::tempdir()?;
        let warehouse = Warehouse::open(config(dir.path(), &arguments.user)).await?;
        // The background work is part of what is tested: it must not change what a query yields.
        let service = warehouse.sql().await?;
        let connector: Arc<dyn Connector> = Arc::new(InProcess::new(service, &arguments.user));
        let report = slt::run(connector, &files).await;
        warehouse.host.close().await;
        report.print("slt in process", arguments.show);
        report
    } else {
        let Arguments {
            host,
            port,
            user,
            password,
            ..
        } = &arguments;
        let connector = Arc::new(Wire::new(host, *port, user, password));
        let report = slt::run(connector, &files).await;
        report.print("slt over the wire", arguments.show);
        report
    };
    Ok(if report.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn config(dir: &Path, user: &str) -> WarehouseConfig {
    WarehouseConfig {
        data_dir: dir.to_path_buf(),
        admin_user: user.to_string(),
        admin_password: "Longwave1".to_string(),
        admin_password_given: true,
        access_key_id: "AKIALONGWAVETEST0001".to_string(),
        secret_access_key: "longwave-test-secret-access-key-0000001".to_string(),
        region: "us-east-1".to_string(),
        account_id: "000000000000".to_string(),
        memory_bytes: None,
        partitions: None,
        external_s3: None,
        wire: None,
    }
}
