//! Reads a file, decompresses it and cuts it into blocks of whole records. At most a few blocks of a
//! file are in memory at a time.

use std::sync::Arc;

use async_compression::tokio::bufread::{BzDecoder, GzipDecoder, ZstdDecoder};
use futures::TryStreamExt;
use lw_base::{Result, SqlError, SqlState};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;

use super::options::{Compression, CopyOptions};
use super::scan::last_boundary;
use super::source::{SourceFile, s3_error};

/// Bytes of a block: with its fields it stays in a processor's cache.
const BLOCK: usize = 1 << 20;
/// Bytes a block's memory has at first: a record's part may stand behind the last whole one.
const ROOM: usize = BLOCK + (BLOCK >> 2);
/// Memory of blocks that is kept for others.
const SPARE: usize = 8;
/// Bytes that one record may be long (Developer Guide, "COPY": a row is at most 4 MB).
const RECORD: usize = 4 << 20;

/// Whole records of one file.
pub(crate) struct Block {
    /// Which file.
    pub file: usize,
    /// The records.
    pub bytes: Vec<u8>,
    /// Lines skipped before them (IGNOREHEADER).
    pub skipped: u64,
    /// True for the last one of its file.
    pub last: bool,
}

/// Memory of blocks that were read.
#[derive(Default)]
pub(crate) struct Blocks(Mutex<Vec<Vec<u8>>>);

impl Blocks {
    /// Empty memory for a block.
    fn take(&self) -> Vec<u8> {
        let kept = self.0.lock().pop();
        kept.unwrap_or_else(|| Vec::with_capacity(ROOM))
    }

    /// Keeps memory for other blocks.
    pub fn give(&self, mut block: Vec<u8>) {
        block.clear();
        let mut kept = self.0.lock();
        // Memory of a very long record is not kept.
        if kept.len() < SPARE && block.capacity() <= 2 * ROOM {
            kept.push(block);
        }
    }
}

/// Reads a file and sends its blocks.
pub(crate) async fn read(
    index: usize,
    file: SourceFile,
    options: Arc<CopyOptions>,
    blocks: Arc<Blocks>,
    to: mpsc::Sender<Result<Block>>,
) {
    if let Err(error) = read_blocks(index, &file, &options, &blocks, &to).await {
        // A receiver that is gone has its own reason.
        let _ = to.send(Err(error)).await;
    }
}

async fn read_blocks(
    index: usize,
    file: &SourceFile,
    options: &CopyOptions,
    blocks: &Blocks,
    to: &mpsc::Sender<Result<Block>>,
) -> Result<()> {
    let mut input = open(file, options.compression).await?;
    let mut buffer = blocks.take();
    let mut header = options.ignore_header;
    let mut skipped = 0;
    let mut first = true;
    loop {
        let mut ended = false;
        while buffer.len() < BLOCK {
            // Room for a whole piece, so that reading does not go by small steps.
            buffer.reserve(BLOCK.max(buffer.len()) - buffer.len() + 1);
            if input
                .read_buf(&mut buffer)
                .await
                .map_err(|e| broken(file, e))?
                == 0
            {
                ended = true;
                break;
            }
        }
        if first {
            first = false;
            // A byte order mark is no data.
            if buffer.starts_with(b"\xEF\xBB\xBF") {
                buffer.drain(..3);
            }
        }
        while header > 0 {
            let Some(end) = memchr::memchr(b'\n', &buffer) else {
                if ended {
                    buffer.clear();
                    header = 0;
                }
                break;
            };
            buffer.drain(..=end);
            header -= 1;
            skipped += 1;
        }
        if header > 0 {
            if buffer.len() >= RECORD {
                return Err(too_long(file));
            }
            // A line longer than a block.
            if buffer.len() >= BLOCK {
                grow(&mut buffer, &mut input, file, &mut ended).await?;
            }
            continue;
        }
        let end = if ended {
            buffer.len()
        } else {
            last_boundary(&buffer, options)
        };
        if end == 0 && !ended {
            if buffer.len() > RECORD + BLOCK {
                return Err(too_long(file));
            }
            // The record is longer than what was read: read on.
            grow(&mut buffer, &mut input, file, &mut ended).await?;
            if !ended {
                continue;
            }
        }
        let end = if ended { buffer.len() } else { end };
        let mut rest = blocks.take();
        rest.extend_from_slice(&buffer[end..]);
        buffer.truncate(end);
        let block = Block {
            file: index,
            bytes: std::mem::replace(&mut buffer, rest),
            skipped: std::mem::take(&mut skipped),
            last: ended,
        };
        if to.send(Ok(block)).await.is_err() || ended {
            return Ok(());
        }
    }
}

async fn grow(
    buffer: &mut Vec<u8>,
    input: &mut (impl AsyncRead + Unpin),
    file: &SourceFile,
    ended: &mut bool,
) -> Result<()> {
    let most = buffer.len() + (1 << 20);
    while buffer.len() < most {
        buffer.reserve(most - buffer.len() + 1);
        if input.read_buf(buffer).await.map_err(|e| broken(file, e))? == 0 {
            *ended = true;
            return Ok(());
        }
    }
    Ok(())
}

type Input = Box<dyn AsyncRead + Send + Unpin>;

async fn open(file: &SourceFile, compression: Compression) -> Result<Input> {
    let context = format!("Reading {}", file.url);
    let stream = file
        .bucket
        .get(&file.key, None)
        .await
        .map_err(|e| s3_error(e, &context))?;
    let bytes = StreamReader::new(stream.map_err(std::io::Error::other));
    // Files may be several compressed members one after another.
    Ok(match compression {
        Compression::None => Box::new(bytes),
        Compression::Gzip => {
            let mut decoder = GzipDecoder::new(bytes);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
        Compression::Bzip2 => {
            let mut decoder = BzDecoder::new(bytes);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
        Compression::Zstd => {
            let mut decoder = ZstdDecoder::new(bytes);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
    })
}

fn broken(file: &SourceFile, error: std::io::Error) -> SqlError {
    SqlError::new(
        SqlState::INTERNAL_ERROR,
        format!("failed to read {}: {error}", file.url),
    )
    .with_hint("Check that the file is compressed as the options say.")
}

fn too_long(file: &SourceFile) -> SqlError {
    SqlError::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("a record of {} is longer than 4 MB", file.url),
    )
}
