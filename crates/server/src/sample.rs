//! `longwave sample`: writes sample data as files for COPY.

use std::path::PathBuf;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use lw_samples::SampleTable;
use lw_samples::export::Export;

/// Arguments of `longwave sample`.
#[derive(Debug, clap::Args)]
pub struct SampleArgs {
    /// TPC-H's scale factor: 1 is about 1 GB of text, 6 million lines of orders
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    /// `tpch` or `tickit` (which has one size)
    #[arg(long, default_value = "tpch")]
    pub schema: String,
    /// Directory to write to; it must be empty or not exist yet
    #[arg(long)]
    pub out: PathBuf,
    /// Leave the files uncompressed
    #[arg(long)]
    pub no_gzip: bool,
    /// Files written at a time
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(2, |n| n.get()))]
    pub threads: usize,
}

/// Runs the command.
pub fn run(arguments: &SampleArgs) -> anyhow::Result<()> {
    let tables: Vec<&'static SampleTable> =
        lw_samples::of_schema(&arguments.schema).iter().collect();
    if tables.is_empty() {
        bail!(
            "no sample schema \"{}\"; there are tickit and tpch",
            arguments.schema
        );
    }
    if !(arguments.scale > 0.0 && arguments.scale <= 100_000.0) {
        bail!("the scale must be more than 0 and at most 100000");
    }
    let out = &arguments.out;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    if std::fs::read_dir(out)?.next().is_some() {
        bail!("{} is not empty", out.display());
    }
    let rows = tables.iter().map(|t| t.row_count(arguments.scale)).sum();
    let bar = ProgressBar::new(rows).with_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3}%  {human_pos} of {human_len} rows  {per_sec}  {eta} left",
    )?);
    let files = Export {
        tables: &tables,
        scale: arguments.scale,
        directory: out,
        gzip: !arguments.no_gzip,
        threads: arguments.threads,
        on_rows: &|rows| bar.inc(rows),
    }
    .run()?;
    bar.finish_and_clear();
    println!(
        "{} rows in {} files below {}; create.sql and copy.sql beside them load the tables",
        bar.position(),
        files.len(),
        out.display()
    );
    Ok(())
}
