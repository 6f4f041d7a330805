//! Development tasks: `cargo xtask tidy` checks what the compiler does not.
//!
//! What it must never know: how the product works; it reads the source as text.
//!
//! Where to start: [`tidy`], which runs the checks one by one.

use std::process::ExitCode;

mod tidy;

fn main() -> anyhow::Result<ExitCode> {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy::run(),
        other => {
            eprintln!("usage: cargo xtask tidy (got {other:?})");
            Ok(ExitCode::from(2))
        }
    }
}
