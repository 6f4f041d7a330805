//! Runs sqllogictest files. Each file gets a database of its own, made for it and dropped after it,
//! so that files neither see nor disturb one another. A record that fails does not end its file.

mod in_process;
mod types;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqllogictest::{AsyncDB, DBOutput, Record, Runner};

pub use in_process::InProcess;
pub use types::{ColumnKind, SltError};
pub use wire::Wire;

/// No statement of a test takes this long; one that does is reported as hanging.
const STATEMENT_LIMIT: Duration = Duration::from_secs(60);

/// Rows or a count of rows.
pub type Output = DBOutput<ColumnKind>;

/// A way to reach a warehouse.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Name for `onlyif` and `skipif`.
    fn engine(&self) -> &'static str;
    /// Opens a session of the administrator.
    async fn connect(&self, database: &str) -> Result<Box<dyn Client>, SltError>;
}

/// A session.
#[async_trait]
pub trait Client: Send {
    /// Runs a text as a simple query does and gives the output of its last statement.
    async fn run(&mut self, sql: &str) -> Result<Output, SltError>;
    /// Ends the session.
    async fn close(&mut self);
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// Statements and queries that did what their file says.
    pub passed: usize,
    /// Those that did not, each with the place and the reason.
    pub failures: Vec<String>,
    /// Files run.
    pub files: usize,
}

impl Report {
    /// Prints the first `show` failures and the last line that scripts read.
    pub fn print(&self, title: &str, show: usize) {
        for failure in self.failures.iter().take(show) {
            println!("\n{failure}");
        }
        if self.failures.len() > show {
            println!("\n... and {} more", self.failures.len() - show);
        }
        let (files, failed) = (self.files, self.failures.len());
        println!(
            "\n{title}: {} passed, {failed} failed, {files} files",
            self.passed
        );
    }

    fn add(&mut self, other: Report) {
        self.passed += other.passed;
        self.failures.extend(other.failures);
        self.files += other.files;
    }
}

/// All `.slt` files at or below the paths, sorted.
pub fn find_files(paths: &[PathBuf]) -> std::io::Result<Vec<PathBuf>> {
    fn collect(path: &Path, out: &mut Vec<PathBuf>) -> std::io::Result<()> {
        if path.is_dir() {
            for entry in std::fs::read_dir(path)? {
                collect(&entry?.path(), out)?;
            }
        } else if path.extension().is_some_and(|e| e == "slt") {
            out.push(path.to_path_buf());
        }
        Ok(())
    }
    let mut files = Vec::new();
    for path in paths {
        if !path.exists() {
            return Err(std::io::Error::other(format!(
                "no such path: {}",
                path.display()
            )));
        }
        collect(path, &mut files)?;
    }
    files.sort();
    Ok(files)
}

/// Runs the files one after another and prints a line for each.
pub async fn run(connector: Arc<dyn Connector>, files: &[PathBuf]) -> Report {
    let mut report = Report::default();
    for (number, file) in files.iter().enumerate() {
        let start = Instant::now();
        let one = run_file(&connector, file, number).await;
        println!(
            "{} {:>5} passed {:>4} failed {:>7.2} s  {}",
            if one.failures.is_empty() {
                "ok  "
            } else {
                "FAIL"
            },
            one.passed,
            one.failures.len(),
            start.elapsed().as_secs_f64(),
            file.display()
        );
        report.add(one);
    }
    report
}

async fn run_file(connector: &Arc<dyn Connector>, file: &Path, number: usize) -> Report {
    let mut report = Report {
        files: 1,
        ..Report::default()
    };
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let database: String = format!("slt_{number}_{stem}")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .take(60)
        .collect();
    let records = match sqllogictest::parse_file::<ColumnKind>(file) {
        Ok(records) => records,
        Err(error) => {
            report.failures.push(format!("{}: {error}", file.display()));
            return report;
        }
    };
    if let Err(error) = administer(connector, &format!("CREATE DATABASE {database}")).await {
        let place = file.display();
        report
            .failures
            .push(format!("{place}: no database for the file: {error}"));
        return report;
    }
    run_records(connector, &database, records, &mut report).await;
    // The database may still be in use for a moment after its sessions were closed.
    for attempt in 1.. {
        match administer(connector, &format!("DROP DATABASE {database}")).await {
            Ok(()) => break,
            Err(_) if attempt < 10 => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => {
                report
                    .failures
                    .push(format!("{}: clean-up: {error}", file.display()));
                break;
            }
        }
    }
    report
}

async fn run_records(
    connector: &Arc<dyn Connector>,
    database: &str,
    records: Vec<Record<ColumnKind>>,
    report: &mut Report,
) {
    let mut runner = Runner::new(|| {
        let connector = Arc::clone(connector);
        let database = database.to_string();
        async move {
            let client = connector.connect(&database).await?;
            Ok(Database {
                client,
                engine: connector.engine(),
            })
        }
    });
    runner.with_column_validator(types::columns_match);
    runner.set_var("DATABASE".to_string(), database.to_string());
    for record in records {
        if matches!(record, Record::Halt { .. }) {
            break;
        }
        let checked = matches!(record, Record::Statement { .. } | Record::Query { .. });
        match runner.run_async(record).await {
            Ok(_) if checked => report.passed += 1,
            Ok(_) => {}
            Err(error) => report.failures.push(error.to_string()),
        }
    }
    runner.shutdown_async().await;
}

async fn administer(connector: &Arc<dyn Connector>, sql: &str) -> Result<(), SltError> {
    let mut client = connector.connect("dev").await?;
    let result = client.run(sql).await.map(|_| ());
    client.close().await;
    result
}

/// What the library drives.
struct Database {
    client: Box<dyn Client>,
    engine: &'static str,
}

#[async_trait]
impl AsyncDB for Database {
    type Error = SltError;
    type ColumnType = ColumnKind;

    async fn run(&mut self, sql: &str) -> Result<Output, SltError> {
        match tokio::time::timeout(STATEMENT_LIMIT, self.client.run(sql)).await {
            Ok(result) => result,
            Err(_) => Err(SltError::new(
                "57014",
                format!("no answer in {STATEMENT_LIMIT:?}"),
            )),
        }
    }

    async fn shutdown(&mut self) {
        self.client.close().await;
    }

    fn engine_name(&self) -> &str {
        self.engine
    }

    async fn sleep(duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn error_sql_state(error: &SltError) -> Option<String> {
        Some(error.state.clone())
    }
}
