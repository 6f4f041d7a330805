//! `longwave`: the command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lw_server::admin::AdminArgs;
use lw_server::config::ServeArgs;
use lw_server::sample::SampleArgs;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Stack of each thread: a statement may be a tree as deep as it is long, and parsing, planning and
/// dropping it all recurse. Only what is used takes memory.
const STACK: usize = 128 << 20;

/// Longwave: a self-hosted data warehouse for Amazon Redshift's clients.
#[derive(Parser)]
#[command(name = "longwave", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the warehouse.
    Serve(ServeArgs),
    /// Writes sample data as files for COPY.
    Sample(SampleArgs),
    /// What an operator does beside the service: credentials, users, backup, check.
    Admin(AdminArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Logs go to stderr; what a person or script reads goes to stdout.
    let filter = EnvFilter::try_from_env("LONGWAVE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,s3s=off,lw_server=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        // These serve sockets and the catalog, and plan; the engine computes on threads of its own.
        .worker_threads(worker_threads())
        .enable_all()
        .thread_stack_size(STACK)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let done = match cli.command {
        Command::Serve(args) => runtime.block_on(lw_server::serve::run(args)),
        Command::Sample(args) => lw_server::sample::run(&args),
        Command::Admin(args) => runtime.block_on(lw_server::admin::run(args)),
    };
    // What still runs in the background must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("longwave: {error:#}");
    ExitCode::FAILURE
}

/// Threads that serve: some are free while others plan long statements.
fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().max(4))
}
