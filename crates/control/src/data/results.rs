//! Results in files: `<dir>/<id>-<n>.rows` holds pages of about 1 MB, each a gzip member of its own, and
//! `<id>-<n>.json` what the columns are and where the pages begin. A result is there once its `.json`
//! is; memory holds one page.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use lw_aws_model::redshift_data::{ColumnMetadata, Field};
use lw_aws_model::{ApiError, Stored};
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::TextOptions;
use lw_services::ColumnDesc;
use serde::{Deserialize, Serialize};

use super::columns::{Cells, metadata};

/// Bytes of a page before it is compressed.
const PAGE: usize = 1_000_000;
/// Bytes of a row (guide L18125).
const ROW_LIMIT: usize = 64 * 1024;
/// Bytes of a result, compressed (guide L16662).
const RESULT_LIMIT: u64 = 100 * 1024 * 1024;

/// What a result is made of.
#[derive(Debug, Serialize, Deserialize)]
pub struct Index {
    columns: Vec<Stored<ColumnMetadata>>,
    /// True: the pages are CSV; else a line of JSON for each row.
    pub csv: bool,
    /// All rows.
    pub rows: i64,
    /// Bytes of the rows on the SQL port.
    pub size: i64,
    pages: Vec<PageAt>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PageAt {
    offset: u64,
    length: u64,
}

fn io(error: std::io::Error) -> SqlError {
    SqlError::new(
        SqlState::IO_ERROR,
        format!("the result could not be kept: {error}"),
    )
}

fn rows_path(dir: &Path, key: &str) -> PathBuf {
    dir.join(format!("{key}.rows"))
}

fn index_path(dir: &Path, key: &str) -> PathBuf {
    dir.join(format!("{key}.json"))
}

/// A result under way.
pub struct Writer {
    dir: PathBuf,
    key: String,
    file: Option<File>,
    page: Vec<u8>,
    compressed: u64,
    columns: Vec<ColumnDesc>,
    options: TextOptions,
    index: Index,
}

impl Writer {
    /// Begins a result.
    pub fn create(
        dir: &Path,
        key: &str,
        columns: Vec<ColumnDesc>,
        csv: bool,
        options: TextOptions,
    ) -> Result<Writer> {
        std::fs::create_dir_all(dir).map_err(io)?;
        Ok(Writer {
            file: Some(File::create(rows_path(dir, key)).map_err(io)?),
            dir: dir.to_path_buf(),
            key: key.to_string(),
            page: Vec::new(),
            compressed: 0,
            index: Index {
                columns: columns.iter().map(|c| Stored(metadata(c))).collect(),
                csv,
                rows: 0,
                size: 0,
                pages: Vec::new(),
            },
            columns,
            options,
        })
    }

    /// Adds rows.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let cells = batch
            .columns()
            .iter()
            .zip(&self.columns)
            .map(|(array, column)| Cells::new(array, column.sql_type))
            .collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            // Length and count of a DataRow message (guide L17475-17512: `select 1` is 11 bytes).
            let mut size = 6;
            if self.index.csv {
                self.csv_row(&cells, row, &mut size)?;
            } else {
                self.page.push(b'[');
                for (i, cell) in cells.iter().enumerate() {
                    if i > 0 {
                        self.page.push(b',');
                    }
                    cell.field(row, &self.options, &mut size, &mut self.page);
                }
                self.page.extend_from_slice(b"]\n");
            }
            if size > ROW_LIMIT {
                return Err(SqlError::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    "packet for query is too large",
                )
                .with_hint("A row of a result may have 64 KB."));
            }
            self.index.rows += 1;
            self.index.size += size as i64;
            if self.page.len() >= PAGE {
                self.flush().await?;
            }
        }
        Ok(())
    }

    fn csv_row(&mut self, cells: &[Cells], row: usize, size: &mut usize) -> Result<()> {
        let failed = |e: csv::Error| SqlError::internal(e);
        let mut out = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(&mut self.page);
        // The names come first, once.
        if self.index.rows == 0 {
            out.write_record(self.columns.iter().map(|column| column.name.as_str()))
                .map_err(failed)?;
        }
        for cell in cells {
            out.write_field(cell.text(row, &self.options, size).unwrap_or_default())
                .map_err(failed)?;
        }
        out.write_record(None::<&[u8]>).map_err(failed)?;
        out.flush().map_err(io)
    }

    async fn flush(&mut self) -> Result<()> {
        let page = std::mem::take(&mut self.page);
        let Some(mut file) = self.file.take() else {
            return Err(SqlError::internal("a result was written to after its end"));
        };
        let (file, length) = tokio::task::spawn_blocking(move || {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(&page)?;
            let bytes = gzip.finish()?;
            file.write_all(&bytes)?;
            Ok::<_, std::io::Error>((file, bytes.len() as u64))
        })
        .await
        .map_err(SqlError::internal)?
        .map_err(io)?;
        self.file = Some(file);
        self.index.pages.push(PageAt {
            offset: self.compressed,
            length,
        });
        self.compressed += length;
        if self.compressed > RESULT_LIMIT {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                "database response exceeded size limit",
            )
            .with_hint("A result may have 100 MB compressed. Fetch it in parts, with LIMIT."));
        }
        Ok(())
    }

    /// Ends it: it is durable and can be read. Says its rows and bytes.
    pub async fn finish(mut self) -> Result<(i64, i64)> {
        if !self.page.is_empty() {
            self.flush().await?;
        }
        let told = (self.index.rows, self.index.size);
        let (dir, key, file) = (self.dir.clone(), self.key.clone(), self.file.take());
        let index = serde_json::to_vec(&self.index).map_err(SqlError::internal)?;
        tokio::task::spawn_blocking(move || {
            if let Some(file) = file {
                file.sync_all()?;
            }
            let fresh = dir.join(format!("{key}.new"));
            let mut out = File::create(&fresh)?;
            out.write_all(&index)?;
            out.sync_all()?;
            std::fs::rename(&fresh, index_path(&dir, &key))?;
            File::open(&dir)?.sync_all()
        })
        .await
        .map_err(SqlError::internal)?
        .map_err(io)?;
        Ok(told)
    }
}

/// A result to read.
pub struct Reader {
    file: File,
    /// What it is made of.
    pub index: Index,
}

impl Reader {
    /// Opens a result; `None` if there is none.
    pub fn open(dir: &Path, key: &str) -> Result<Option<Reader>, ApiError> {
        let index = match std::fs::read(index_path(dir, key)) {
            Ok(index) => serde_json::from_slice(&index).map_err(ApiError::internal)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ApiError::internal(error)),
        };
        let file = File::open(rows_path(dir, key)).map_err(ApiError::internal)?;
        Ok(Some(Reader { file, index }))
    }

    /// Its columns.
    pub fn columns(&self) -> Vec<ColumnMetadata> {
        self.index.columns.iter().map(|c| c.0.clone()).collect()
    }

    /// How many pages it has.
    pub fn pages(&self) -> usize {
        self.index.pages.len()
    }

    /// A page as text; an empty one where a result has no rows.
    pub fn page(&mut self, number: usize) -> Result<String, ApiError> {
        let Some(at) = self.index.pages.get(number) else {
            return Ok(String::new());
        };
        self.file
            .seek(SeekFrom::Start(at.offset))
            .map_err(ApiError::internal)?;
        let mut text = String::new();
        GzDecoder::new((&self.file).take(at.length))
            .read_to_string(&mut text)
            .map_err(ApiError::internal)?;
        Ok(text)
    }
}

/// The rows of a page of JSON.
pub fn records(page: &str) -> Result<Vec<Vec<Field>>, ApiError> {
    page.lines()
        .map(|line| {
            let row: Vec<Stored<Field>> = serde_json::from_str(line).map_err(ApiError::internal)?;
            Ok(row.into_iter().map(|field| field.0).collect())
        })
        .collect()
}

/// Deletes a result.
pub fn delete(dir: &Path, key: &str) {
    for path in [index_path(dir, key), rows_path(dir, key)] {
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "a result could not be deleted");
        }
    }
}

/// Names of the results there are.
pub fn keys(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(name.rsplit_once('.')?.0.to_string())
        })
        .collect()
}
