//! One file of text: CSV, delimited or of fixed widths, compressed or not.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_compression::tokio::write::{BzEncoder, GzipEncoder, ZstdEncoder};
use bytes::{Bytes, BytesMut};
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::{Column, SqlType, TextOptions};
use lw_services::buckets::{ObjectInfo, ObjectWriter};
use tokio::io::AsyncWriteExt;

use super::super::options::Compression;
use super::super::source::s3_error;
use super::options::{OutFormat, UnloadOptions};
use super::{OutColumn, Target};

/// Bytes that are gathered before they go to the store.
const PIECE: usize = 1 << 20;

enum Encoder {
    None(Vec<u8>),
    Gzip(GzipEncoder<Vec<u8>>),
    Bzip2(BzEncoder<Vec<u8>>),
    Zstd(ZstdEncoder<Vec<u8>>),
}

impl Encoder {
    fn new(compression: Compression) -> Self {
        match compression {
            Compression::None => Encoder::None(Vec::new()),
            Compression::Gzip => Encoder::Gzip(GzipEncoder::new(Vec::new())),
            Compression::Bzip2 => Encoder::Bzip2(BzEncoder::new(Vec::new())),
            Compression::Zstd => Encoder::Zstd(ZstdEncoder::new(Vec::new())),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Encoder::None(out) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            Encoder::Gzip(e) => e.write_all(bytes).await,
            Encoder::Bzip2(e) => e.write_all(bytes).await,
            Encoder::Zstd(e) => e.write_all(bytes).await,
        }
    }

    async fn end(&mut self) -> std::io::Result<()> {
        match self {
            Encoder::None(_) => Ok(()),
            Encoder::Gzip(e) => e.shutdown().await,
            Encoder::Bzip2(e) => e.shutdown().await,
            Encoder::Zstd(e) => e.shutdown().await,
        }
    }

    /// What is ready to be stored.
    fn ready(&mut self) -> &mut Vec<u8> {
        match self {
            Encoder::None(out) => out,
            Encoder::Gzip(e) => e.get_mut(),
            Encoder::Bzip2(e) => e.get_mut(),
            Encoder::Zstd(e) => e.get_mut(),
        }
    }
}

/// A file of text.
pub(crate) struct TextFile {
    writer: Box<dyn ObjectWriter>,
    encoder: Encoder,
    columns: Arc<Vec<OutColumn>>,
    target: Arc<Target>,
    stored: u64,
    waiting: u64,
    rows: u64,
}

impl TextFile {
    pub async fn new(
        writer: Box<dyn ObjectWriter>,
        columns: Arc<Vec<OutColumn>>,
        target: Arc<Target>,
    ) -> Result<Self> {
        let mut file = TextFile {
            writer,
            encoder: Encoder::new(target.options.compression),
            columns,
            target,
            stored: 0,
            waiting: 0,
            rows: 0,
        };
        if file.target.options.header {
            let options = &file.target.options;
            let mut line = Vec::new();
            for (i, column) in file.columns.iter().enumerate() {
                if i > 0 {
                    line.push(options.delimiter);
                }
                field(options, true, column.name.as_bytes(), &mut line);
            }
            line.push(b'\n');
            file.put(&line).await?;
            // The manifest counts the header's line too.
            file.rows += u64::from(file.target.options.manifest_verbose);
        }
        Ok(file)
    }

    /// Appends rows.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let (batch, columns, target) = (batch.clone(), self.columns.clone(), self.target.clone());
        let rows = batch.num_rows() as u64;
        let text = tokio::task::spawn_blocking(move || lines(&batch, &columns, &target))
            .await
            .map_err(SqlError::internal)??;
        self.rows += rows;
        self.put(&text).await
    }

    async fn put(&mut self, text: &[u8]) -> Result<()> {
        self.encoder.write(text).await?;
        self.store(PIECE).await
    }

    /// Gives the store what is ready, if it is at least so much.
    async fn store(&mut self, least: usize) -> Result<()> {
        let ready = self.encoder.ready();
        self.waiting = ready.len() as u64;
        if ready.len() < least || ready.is_empty() {
            return Ok(());
        }
        let bytes = Bytes::from(std::mem::take(ready));
        self.stored += bytes.len() as u64;
        self.waiting = 0;
        self.writer
            .write(bytes)
            .await
            .map_err(|e| s3_error(e, "Writing a file"))
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.stored + self.waiting
    }

    /// Makes the file visible.
    pub async fn finish(mut self) -> Result<(ObjectInfo, u64)> {
        self.encoder.end().await?;
        self.store(0).await?;
        let info = self
            .writer
            .finish()
            .await
            .map_err(|e| s3_error(e, "Finishing a file"))?;
        Ok((info, self.rows))
    }
}

/// Rows as text.
fn lines(batch: &RecordBatch, columns: &[OutColumn], target: &Target) -> Result<Vec<u8>> {
    let options = &target.options;
    let print = TextOptions {
        zone: target.zone,
        ..TextOptions::default()
    };
    let exact = TextOptions {
        extra_float_digits: 2,
        ..print
    };
    let arrays = columns
        .iter()
        .zip(batch.columns())
        .map(|(c, array)| Column::new(array, c.sql_type))
        .collect::<Result<Vec<_>>>()?;
    let mut out = Vec::with_capacity(batch.num_rows() * columns.len() * 8);
    let mut value = BytesMut::new();
    for row in 0..batch.num_rows() {
        for (i, (array, column)) in arrays.iter().zip(columns).enumerate() {
            let null = array.is_null(row);
            value.clear();
            if !null {
                array.write_text(row, &print, &mut value);
                match column.sql_type {
                    // Padding is no content.
                    SqlType::Char(_) => {
                        let end = value.trim_ascii_end().len();
                        value.truncate(end);
                    }
                    SqlType::Float4 | SqlType::Float8 if !reads_back(&value, array, row) => {
                        value.clear();
                        array.write_text(row, &exact, &mut value);
                    }
                    _ => {}
                }
            }
            match &options.format {
                OutFormat::FixedWidth(widths) => {
                    fixed(options, column, null, &value, widths[i], &mut out)?;
                }
                _ => {
                    if i > 0 {
                        out.push(options.delimiter);
                    }
                    match (&options.null_as, null) {
                        (Some(text), true) => out.extend_from_slice(text.as_bytes()),
                        (None, true) => {}
                        _ => field(options, column.sql_type.is_string(), &value, &mut out),
                    }
                }
            }
        }
        out.push(b'\n');
    }
    Ok(out)
}

/// True if a float's short text stands for the same number.
fn reads_back(text: &[u8], array: &Column, row: usize) -> bool {
    let exact = TextOptions {
        extra_float_digits: 2,
        ..TextOptions::default()
    };
    let mut long = BytesMut::new();
    array.write_text(row, &exact, &mut long);
    let number = |t: &[u8]| {
        std::str::from_utf8(t)
            .ok()
            .and_then(|t| t.parse::<f64>().ok())
    };
    match array.sql_type() {
        SqlType::Float4 => number(text).map(|v| v as f32) == number(&long).map(|v| v as f32),
        _ => number(text) == number(&long),
    }
}

/// One field of CSV or delimited text.
fn field(options: &UnloadOptions, is_text: bool, value: &[u8], out: &mut Vec<u8>) {
    let special = |b: &u8| *b == options.delimiter || matches!(b, b'\n' | b'\r');
    if options.format == OutFormat::Csv {
        // An empty text in quotes differs from NULL.
        if value.is_empty() || value.iter().any(|b| special(b) || *b == b'"') {
            out.push(b'"');
            for b in value {
                if *b == b'"' {
                    out.push(b'"');
                }
                out.push(*b);
            }
            out.push(b'"');
        } else {
            out.extend_from_slice(value);
        }
        return;
    }
    if options.add_quotes {
        out.push(b'"');
    }
    if options.escape && is_text {
        for b in value {
            let quote = options.add_quotes && matches!(b, b'"' | b'\'');
            if special(b) || *b == b'\\' || quote {
                out.push(b'\\');
            }
            out.push(*b);
        }
    } else {
        out.extend_from_slice(value);
    }
    if options.add_quotes {
        out.push(b'"');
    }
}

/// One field of fixed width, counted in characters.
fn fixed(
    options: &UnloadOptions,
    column: &OutColumn,
    null: bool,
    value: &[u8],
    width: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut value = value;
    if null {
        value = options.null_as.as_deref().unwrap_or("").as_bytes();
        if value.len() > width && !column.sql_type.is_string() {
            value = b"";
        }
    }
    let length = value
        .utf8_chunks()
        .map(|c| c.valid().chars().count())
        .sum::<usize>();
    if length > width {
        return Err(SqlError::new(
            SqlState::STRING_DATA_RIGHT_TRUNCATION,
            format!(
                "a value of column \"{}\" is longer than its fixed width {width}",
                column.name
            ),
        ));
    }
    out.extend_from_slice(value);
    out.resize(out.len() + width - length, b' ');
    Ok(())
}
