//! Runs sqllogictest files against a running server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use lw_testkit::slt::{self, Wire};

/// Runs sqllogictest files against a running server, over the wire.
#[derive(Parser)]
struct Arguments {
    /// Files, or directories of files that end in .slt
    #[arg(default_value = "tests/slt")]
    paths: Vec<PathBuf>,
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
    #[arg(long, env = "LONGWAVE_ADMIN_PASSWORD", hide_env_values = true)]
    password: String,
    /// How many failures to print in full
    #[arg(long, default_value_t = 50)]
    show: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let files = slt::find_files(&arguments.paths)?;
    let wire = Wire::new(
        &arguments.host,
        arguments.port,
        &arguments.user,
        &arguments.password,
    );
    let report = slt::run(Arc::new(wire), &files).await;
    report.print("slt over the wire", arguments.show);
    Ok(if report.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
