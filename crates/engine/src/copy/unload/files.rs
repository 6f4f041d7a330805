//! Names and divides the files of one slice: parts of at most MAXFILESIZE, folders of PARTITION BY.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use bytes::BytesMut;
use lw_base::{Result, SqlError};
use lw_pgrepr::{Column, TextOptions};
use lw_services::buckets::ObjectInfo;

use super::super::source::s3_error;
use super::options::OutFormat;
use super::parquet::ParquetFile;
use super::text::TextFile;
use super::{OutColumn, Target};

/// Folders that are written to at a time; with more, files are ended early.
const OPEN_FOLDERS: usize = 200;

/// A finished file.
#[derive(Debug)]
pub(crate) struct Written {
    pub slice: usize,
    pub key: String,
    pub bytes: u64,
    pub rows: u64,
}

/// A file being written.
enum File {
    Text(Box<TextFile>),
    Parquet(Box<ParquetFile>),
}

impl File {
    async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            File::Text(file) => file.write(batch).await,
            File::Parquet(file) => file.write(batch).await,
        }
    }

    /// Bytes so far, about.
    fn size(&self) -> u64 {
        match self {
            File::Text(file) => file.size(),
            File::Parquet(file) => file.size(),
        }
    }

    async fn finish(self) -> Result<(ObjectInfo, u64)> {
        match self {
            File::Text(file) => file.finish().await,
            File::Parquet(file) => file.finish().await,
        }
    }
}

/// The files of one slice.
pub(crate) struct Files {
    target: Arc<Target>,
    slice: usize,
    /// Columns that are written, by position in the query.
    kept: Vec<usize>,
    columns: Arc<Vec<OutColumn>>,
    /// Partition columns, by position in the query.
    keys: Vec<usize>,
    /// Files being written, by folder.
    open: HashMap<String, File>,
    /// The next part of each folder.
    parts: HashMap<String, usize>,
    written: Vec<Written>,
}

impl Files {
    pub fn new(target: Arc<Target>, slice: usize) -> Self {
        let options = &target.options;
        let keys: Vec<usize> = options
            .partition_by
            .iter()
            .filter_map(|name| target.columns.iter().position(|c| c.name == *name))
            .collect();
        let kept: Vec<usize> = (0..target.columns.len())
            .filter(|i| options.include_partitions || !keys.contains(i))
            .collect();
        let columns = Arc::new(kept.iter().map(|i| target.columns[*i].clone()).collect());
        Files {
            target,
            slice,
            kept,
            columns,
            keys,
            open: HashMap::new(),
            parts: HashMap::new(),
            written: Vec::new(),
        }
    }

    /// Takes rows of the query.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        if self.keys.is_empty() {
            return self.write_to(String::new(), batch).await;
        }
        let mut rows: HashMap<String, Vec<u32>> = HashMap::new();
        let folders = self.folders(&batch)?;
        for (row, folder) in folders.into_iter().enumerate() {
            rows.entry(folder).or_default().push(row as u32);
        }
        for (folder, rows) in rows {
            let part =
                take_record_batch(&batch, &UInt32Array::from(rows)).map_err(SqlError::internal)?;
            self.write_to(folder, part).await?;
        }
        Ok(())
    }

    async fn write_to(&mut self, folder: String, batch: RecordBatch) -> Result<()> {
        let batch = batch.project(&self.kept).map_err(SqlError::internal)?;
        // Small steps, so that no file outgrows its limit by much.
        let step = 2_048;
        let mut at = 0;
        while at < batch.num_rows() {
            let rows = step.min(batch.num_rows() - at);
            if !self.open.contains_key(&folder) {
                if self.open.len() >= OPEN_FOLDERS {
                    self.close_all().await?;
                }
                let file = self.begin(&folder).await?;
                self.open.insert(folder.clone(), file);
            }
            if let Some(file) = self.open.get_mut(&folder) {
                file.write(&batch.slice(at, rows)).await?;
                // The next step may be as large as this one.
                let size = file.size();
                let step_size = size / (at as u64 / step as u64 + 1).max(1);
                if size + step_size.min(1 << 20) >= self.target.options.max_file_size {
                    self.close(&folder).await?;
                }
            }
            at += rows;
        }
        Ok(())
    }

    async fn begin(&mut self, folder: &str) -> Result<File> {
        let target = &self.target;
        let options = &target.options;
        let part = self.parts.entry(folder.to_string()).or_insert(0);
        let number = *part;
        *part += 1;
        let name = match options.parallel {
            true => format!("{:04}_part_{number:02}", self.slice),
            false => format!("{number:03}"),
        };
        let prefix = format!("{}{folder}", target.prefix);
        let key = format!("{prefix}{name}{}", options.suffix());
        target.claim(&key);
        if options.clean_path && !folder.is_empty() && number == 0 {
            clean(&self.target, &prefix).await?;
        }
        let writer = self
            .target
            .bucket
            .put(&key)
            .await
            .map_err(|e| s3_error(e, &format!("Writing {key}")))?;
        Ok(match self.target.options.format {
            OutFormat::Parquet => File::Parquet(Box::new(ParquetFile::new(
                writer,
                &self.columns,
                &self.target.options,
            )?)),
            _ => File::Text(Box::new(
                TextFile::new(writer, self.columns.clone(), self.target.clone()).await?,
            )),
        })
    }

    async fn close(&mut self, folder: &str) -> Result<()> {
        if let Some(file) = self.open.remove(folder) {
            let (info, rows) = file.finish().await?;
            self.written.push(Written {
                slice: self.slice,
                key: info.key,
                bytes: info.size,
                rows,
            });
        }
        Ok(())
    }

    async fn close_all(&mut self) -> Result<()> {
        let folders: Vec<String> = self.open.keys().cloned().collect();
        for folder in folders {
            self.close(&folder).await?;
        }
        Ok(())
    }

    /// Ends the slice. If `good` is false, files that are not finished are given up.
    pub async fn finish(mut self, good: bool) -> (Vec<Written>, Result<()>) {
        let mut result = Ok(());
        if good {
            // The first slice writes a file even if there are no rows.
            if self.slice == 0 && self.keys.is_empty() && self.parts.is_empty() {
                result = match self.begin("").await {
                    Ok(file) => {
                        self.open.insert(String::new(), file);
                        Ok(())
                    }
                    Err(e) => Err(e),
                };
            }
            if result.is_ok() {
                result = self.close_all().await;
            }
        }
        (self.written, result)
    }

    /// The folder of each row: `column=value/`, one level per partition column.
    fn folders(&self, batch: &RecordBatch) -> Result<Vec<String>> {
        let options = TextOptions::default();
        let mut folders = vec![String::new(); batch.num_rows()];
        for key in &self.keys {
            let column = &self.target.columns[*key];
            let array: &ArrayRef = batch.column(*key);
            let values = Column::new(array, column.sql_type)?;
            let mut text = BytesMut::new();
            for (row, folder) in folders.iter_mut().enumerate() {
                folder.push_str(&column.name);
                folder.push('=');
                if values.is_null(row) {
                    folder.push_str("__HIVE_DEFAULT_PARTITION__");
                } else {
                    text.clear();
                    values.write_text(row, &options, &mut text);
                    encode(text.trim_ascii_end(), folder);
                }
                folder.push('/');
            }
        }
        Ok(folders)
    }
}

/// Removes what was in a folder before.
async fn clean(target: &Target, prefix: &str) -> Result<()> {
    let context = format!("Cleaning {prefix}");
    let there = target
        .bucket
        .list(prefix)
        .await
        .map_err(|e| s3_error(e, &context))?;
    for object in there {
        if target.is_new(&object.key) {
            continue;
        }
        target
            .bucket
            .delete(&object.key)
            .await
            .map_err(|e| s3_error(e, &context))?;
    }
    Ok(())
}

/// As Hive escapes the names of partitions.
fn encode(value: &[u8], out: &mut String) {
    for chunk in value.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"'
                | '#'
                | '%'
                | '\''
                | '*'
                | '/'
                | ':'
                | '='
                | '?'
                | '\\'
                | '{'
                | '['
                | ']'
                | '^'
                | '\u{0}'..='\u{1f}'
                | '\u{7f}' => out.push_str(&format!("%{:02X}", c as u32)),
                c => out.push(c),
            }
        }
    }
}
