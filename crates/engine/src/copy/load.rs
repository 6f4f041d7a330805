//! Runs a COPY: files are read, decompressed and cut into blocks by a task each, blocks become
//! columns on the blocking pool, and one loop hands them to the table in order.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::ArrayRef;
use futures::StreamExt;
use lw_base::{Result, SqlError};
use lw_catalog::{Column, Relation};
use lw_events::{LoadRecord, QueryStatus};
use lw_functions::error::canceled;
use lw_pgrepr::Zone;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::wrappers::ReceiverStream;

use super::columns::{Loaded, Target, load};
use super::errors::RowError;
use super::input::{Block, Blocks, read};
use super::options::CopyOptions;
use super::scan::{Scanned, scan_again};
use super::source::SourceFile;
use crate::dml::Loader;
use crate::{Effect, Engine, StatementContext};

/// How many refused rows of one COPY are recorded.
const RECORDED_ERRORS: usize = 10_000;

/// What a COPY is about.
pub(crate) struct Job {
    pub relation: Arc<Relation>,
    pub options: Arc<CopyOptions>,
    /// The loaded columns, in order of the fields.
    pub targets: Vec<Target>,
    /// Where each column of the table comes from.
    pub sources: Vec<Source>,
    pub files: Vec<SourceFile>,
    pub zone: Zone,
    /// The statement's FROM.
    pub from: String,
    /// When it began.
    pub start: i64,
}

/// Where a column of the table comes from.
pub(crate) enum Source {
    /// This field.
    Field(usize),
    /// A new value of IDENTITY.
    Identity,
    /// The same value in every row.
    Constant(datafusion::common::ScalarValue),
}

/// What happened in a COPY, whether it ended well or not.
#[derive(Default)]
pub(crate) struct Progress {
    /// Rows read and good.
    pub rows: u64,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Refused rows, and the file of each.
    pub errors: Vec<(usize, RowError)>,
    pub error_count: u64,
    /// Rows in which characters were replaced.
    pub replaced: u64,
    /// One per file that was read to its end or begun.
    pub files: Vec<LoadRecord>,
    /// Lines of each file so far.
    lines: Vec<u64>,
    /// The file that was read last.
    pub current: usize,
    /// When it was last told how far the load is.
    told: i64,
}

/// Microseconds between two notes of how far a load is.
const TELL_EVERY: i64 = 500_000;

impl Progress {
    pub fn new(files: &[SourceFile]) -> Self {
        Progress {
            lines: vec![0; files.len()],
            files: files
                .iter()
                .map(|f| LoadRecord {
                    file_name: f.url.clone(),
                    bytes: f.size,
                    ..LoadRecord::default()
                })
                .collect(),
            ..Progress::default()
        }
    }

    /// Lets `stv_load_state` know how far the load is.
    pub fn tell(&mut self, engine: &Engine, job: &Job, ctx: &StatementContext) {
        let now = lw_base::clock::now_micros();
        if now - self.told >= TELL_EVERY {
            self.told = now;
            let running = QueryStatus::Running;
            let copy = super::copy_record(ctx, job, self, running);
            engine.events.update_copy(copy);
        }
    }

    fn errors(&mut self, file: usize, errors: Vec<RowError>) {
        self.error_count += errors.len() as u64;
        self.files[file].errors += errors.len() as u64;
        let base = self.lines[file];
        for mut error in errors {
            if self.errors.len() < RECORDED_ERRORS {
                error.line += base + 1;
                self.errors.push((file, error));
            }
        }
    }
}

/// The load is over because of its errors.
pub(crate) enum Ended {
    /// Too many rows were refused.
    TooManyErrors,
    /// Something else.
    Failed(SqlError),
}

impl From<SqlError> for Ended {
    fn from(error: SqlError) -> Self {
        Ended::Failed(error)
    }
}

/// What blocks are read with, kept for the next ones: getting so much memory anew for each of them
/// costs more than reading it.
#[derive(Default)]
struct Spare {
    blocks: Arc<Blocks>,
    scanned: Mutex<Vec<Scanned>>,
}

/// A block being read.
struct Pending {
    file: usize,
    last: bool,
    skipped: u64,
    bytes: u64,
    work: JoinHandle<Result<Loaded>>,
}

/// Brings columns into the table.
pub(crate) struct Sink<'a> {
    job: &'a Job,
    /// `None` for NOLOAD.
    loader: Option<Loader>,
}

impl<'a> Sink<'a> {
    pub fn new(engine: &Engine, job: &'a Job, ctx: &StatementContext) -> Result<Self> {
        let loader = match job.options.no_load {
            true => None,
            false => Some(Loader::of_whole_rows(engine, job.relation.clone(), ctx)?),
        };
        Ok(Sink { job, loader })
    }

    /// Takes the loaded columns of some rows.
    pub async fn write(&mut self, columns: Vec<ArrayRef>, rows: usize) -> Result<()> {
        let Some(loader) = &mut self.loader else {
            return Ok(());
        };
        if rows == 0 {
            return Ok(());
        }
        let mut whole: Vec<ArrayRef> = Vec::with_capacity(self.job.sources.len());
        for (column, source) in self.job.relation.columns.iter().zip(&self.job.sources) {
            whole.push(match source {
                Source::Field(i) => columns[*i].clone(),
                Source::Identity => loader.identity(column, rows).await?,
                Source::Constant(value) => value
                    .to_array_of_size(rows)
                    .map_err(lw_functions::sql_error)?,
            });
        }
        loader.write_columns(whole).await
    }

    /// Ends the load.
    pub async fn finish(self) -> Result<Effect> {
        match self.loader {
            Some(loader) => loader.finish().await,
            None => Ok(Effect::default()),
        }
    }
}

/// Loads files of text.
pub(crate) async fn text(
    engine: &Engine,
    job: &Job,
    ctx: &StatementContext,
    progress: &mut Progress,
) -> Result<Effect, Ended> {
    let mut sink = Sink::new(engine, job, ctx)?;
    let parallel = engine.config.partitions.max(1);
    let spare: Arc<Spare> = Arc::default();
    // Readers die with this set, when the load ends early.
    let mut readers: JoinSet<()> = JoinSet::new();
    let mut next_file = 0;
    let mut open: VecDeque<(usize, ReceiverStream<Result<Block>>)> = VecDeque::new();
    let mut pending: VecDeque<Pending> = VecDeque::new();
    loop {
        while open.len() < parallel && next_file < job.files.len() {
            let (to, from) = mpsc::channel(2);
            let (index, file) = (next_file, job.files[next_file].clone());
            let blocks = spare.blocks.clone();
            readers.spawn(read(index, file, job.options.clone(), blocks, to));
            progress.files[index].start = lw_base::clock::now_micros();
            open.push_back((index, ReceiverStream::new(from)));
            next_file += 1;
        }
        // Blocks are taken from the open files in turn.
        while pending.len() <= parallel
            && let Some((index, mut from)) = open.pop_front()
        {
            let block = tokio::select! {
                biased;
                () = ctx.cancel.cancelled() => return Err(canceled().into()),
                block = from.next() => block,
            };
            match block {
                Some(block) => {
                    let block = block?;
                    if !block.last {
                        open.push_back((index, from));
                    }
                    pending.push_back(begin(job, block, spare.clone()));
                }
                None => {
                    return Err(SqlError::internal("a file's reader ended early").into());
                }
            }
            if open.len() < parallel && next_file < job.files.len() {
                break;
            }
        }
        let Some(done) = pending.pop_front() else {
            break;
        };
        let loaded = tokio::select! {
            biased;
            () = ctx.cancel.cancelled() => return Err(canceled().into()),
            loaded = done.work => loaded.map_err(SqlError::internal)??,
        };
        let file = done.file;
        progress.lines[file] += done.skipped;
        progress.errors(file, loaded.errors);
        progress.lines[file] += loaded.lines;
        progress.bytes += done.bytes;
        progress.rows += loaded.rows as u64;
        progress.replaced += loaded.replaced;
        if done.last {
            progress.files[file].end = lw_base::clock::now_micros();
            progress.files[file].lines_scanned = progress.lines[file];
        }
        if progress.error_count >= job.options.max_error {
            return Err(Ended::TooManyErrors);
        }
        progress.current = file;
        progress.tell(engine, job, ctx);
        sink.write(loaded.columns, loaded.rows).await?;
    }
    Ok(sink.finish().await?)
}

/// Starts the reading of a block.
fn begin(job: &Job, block: Block, spare: Arc<Spare>) -> Pending {
    let options = job.options.clone();
    let targets = job.targets.clone();
    let zone = job.zone;
    let bytes = block.bytes.len() as u64;
    Pending {
        file: block.file,
        last: block.last,
        skipped: block.skipped,
        bytes,
        // On the threads that compute, not on those that may wait: these are few.
        work: tokio::spawn(async move {
            let names: Vec<String> = targets.iter().map(|t| t.name.clone()).collect();
            let used = spare.scanned.lock().pop().unwrap_or_default();
            let mut scanned = scan_again(used, block.bytes, &names, &options);
            let loaded = load(&mut scanned, &targets, &options, zone);
            spare.blocks.give(scanned.take_block());
            spare.scanned.lock().push(scanned);
            loaded
        }),
    }
}

/// What a column is to the reader.
pub(crate) fn target(column: &Column) -> Target {
    Target {
        name: column.name.clone(),
        sql_type: column.sql_type,
        not_null: column.not_null,
    }
}
