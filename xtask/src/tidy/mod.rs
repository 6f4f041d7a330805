//! The checks of `cargo xtask tidy`. Each yields a list of complaints; none is a success.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, bail};

mod calls;
mod headers;
mod links;
mod rows;
mod sizes;

/// A file of the project, as text.
pub struct Source {
    /// Its path from the root.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

impl Source {
    /// True if it is named so, or lies where test code lies.
    pub fn is_test(&self) -> bool {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        stem == "tests"
            || stem.ends_with("_tests")
            || stem == "test_support"
            || self.path.components().any(|c| c.as_os_str() == "tests")
    }

    /// Lines with their numbers, up to an inline test module.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self
            .text
            .find("#[cfg(test)]\nmod tests {")
            .unwrap_or(self.text.len());
        self.text[..end]
            .lines()
            .enumerate()
            .map(|(i, l)| (i + 1, l))
    }
}

/// Runs all checks.
pub fn run() -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let root = root()?;
    let files = tracked_files(&root)?;
    let rust: Vec<&Source> = files
        .iter()
        .filter(|f| f.path.extension().is_some_and(|e| e == "rs"))
        .collect();
    let checks: [(&str, Vec<String>); 5] = [
        ("rows: who may depend on whom", rows::check(&root)?),
        (
            "headers: every crate says what it is",
            headers::check(&root)?,
        ),
        ("sizes: no new giants", sizes::check(&root, &rust)?),
        (
            "calls: clock, randomness, environment, output",
            calls::check(&rust),
        ),
        (
            "links: pages that pages point to exist",
            links::check(&root, &files),
        ),
    ];
    let mut failed = 0;
    for (name, complaints) in &checks {
        println!(
            "{} {name}",
            if complaints.is_empty() {
                "ok  "
            } else {
                "FAIL"
            }
        );
        for complaint in complaints {
            println!("     {complaint}");
        }
        failed += usize::from(!complaints.is_empty());
    }
    println!(
        "tidy: {} passed, {failed} failed, {} files, {:.1} s",
        checks.len() - failed,
        files.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn root() -> anyhow::Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .context("xtask lies in the workspace's root")
}

fn tracked_files(root: &Path) -> anyhow::Result<Vec<Source>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("git ls-files")?;
    if !output.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut files = Vec::new();
    for path in String::from_utf8(output.stdout)?.split_terminator('\0') {
        // A file that is not text is of no interest here; one that was deleted is still listed.
        if let Ok(text) = std::fs::read_to_string(root.join(path)) {
            files.push(Source {
                path: PathBuf::from(path),
                text,
            });
        }
    }
    Ok(files)
}
