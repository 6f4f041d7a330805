//! Sample tables as files for COPY: `|` between values, a line for each row, NULL as `\N`, which are
//! COPY's defaults.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::record_batch::RecordBatch;
use bytes::{BufMut, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use lw_base::{Result, SqlError};
use lw_pgrepr::{Column, SqlType, TextOptions};

use crate::SampleTable;

/// Rows that make a file of their own worthwhile.
const ROWS_OF_A_FILE: u64 = 1_000_000;

/// What to write, and where.
pub struct Export<'a> {
    /// Tables to write.
    pub tables: &'a [&'static SampleTable],
    /// TPC-H's scale.
    pub scale: f64,
    /// The directory; each table gets one below it.
    pub directory: &'a Path,
    /// Compress the files.
    pub gzip: bool,
    /// Files written at a time.
    pub threads: usize,
    /// Told the number of rows each time some were written.
    pub on_rows: &'a (dyn Fn(u64) + Sync),
}

struct Piece {
    table: &'static SampleTable,
    part: i32,
    parts: i32,
}

impl Export<'_> {
    /// Writes the files, and beside them `create.sql` and `copy.sql`. Gives the files' paths.
    pub fn run(&self) -> Result<Vec<PathBuf>> {
        let mut pieces = Vec::new();
        for table in self.tables {
            fs::create_dir_all(self.directory.join(table.name))?;
            let parts = table.row_count(self.scale).div_ceil(ROWS_OF_A_FILE).max(1) as i32;
            pieces.extend((1..=parts).map(|part| Piece { table, part, parts }));
        }
        let next = AtomicUsize::new(0);
        let written = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let work = || -> Result<()> {
                while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let path = self.write(piece)?;
                    let mut written = written
                        .lock()
                        .map_err(|_| SqlError::internal("a writer of sample files ended early"))?;
                    written.push(path);
                }
                Ok(())
            };
            let workers: Vec<_> = (0..self.threads.max(1))
                .map(|_| scope.spawn(work))
                .collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .map_err(|_| SqlError::internal("a writer of sample files ended early"))?
            })
        })?;
        let mut paths = written.into_inner().unwrap_or_default();
        paths.sort();
        self.write_scripts()?;
        Ok(paths)
    }

    fn write(&self, piece: &Piece) -> Result<PathBuf> {
        let name = format!("{}.{:04}.tbl", piece.table.name, piece.part);
        let mut path = self.directory.join(piece.table.name).join(name);
        if self.gzip {
            path.set_extension("tbl.gz");
            let mut out = GzEncoder::new(buffered(&path)?, Compression::fast());
            self.write_rows(piece, &mut out)?;
            out.finish()?.flush()?;
        } else {
            let mut out = buffered(&path)?;
            self.write_rows(piece, &mut out)?;
            out.flush()?;
        }
        Ok(path)
    }

    fn write_rows(&self, piece: &Piece, out: &mut dyn Write) -> Result<()> {
        let mut text = BytesMut::new();
        for batch in piece.table.part(self.scale, piece.part, piece.parts) {
            let batch = batch?;
            text.clear();
            append(piece.table, &batch, &mut text)?;
            out.write_all(&text)?;
            (self.on_rows)(batch.num_rows() as u64);
        }
        Ok(())
    }

    fn write_scripts(&self) -> Result<()> {
        let mut create = String::new();
        let mut copy = String::from(
            "-- Upload the directories to a bucket and put its name in place of BUCKET.\n",
        );
        for schema in [crate::TICKIT, crate::TPCH] {
            if self.tables.iter().any(|t| t.schema == schema) {
                create.push_str(&format!("CREATE SCHEMA IF NOT EXISTS {schema};\n"));
            }
        }
        let gzip = if self.gzip { " GZIP" } else { "" };
        for table in self.tables {
            create.push_str(&format!("{};\n", table.ddl()));
            copy.push_str(&format!(
                "COPY {}.\"{}\" FROM 's3://BUCKET/{}/' IAM_ROLE default DELIMITER '|'{gzip};\n",
                table.schema, table.name, table.name
            ));
        }
        fs::write(self.directory.join("create.sql"), create)?;
        fs::write(self.directory.join("copy.sql"), copy)?;
        Ok(())
    }
}

fn buffered(path: &Path) -> Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(1 << 18, File::create(path)?))
}

fn append(table: &SampleTable, batch: &RecordBatch, out: &mut BytesMut) -> Result<()> {
    let columns = table
        .columns
        .iter()
        .zip(batch.columns())
        .map(|(column, array)| Column::new(array, column.sql_type))
        .collect::<Result<Vec<_>>>()?;
    let options = TextOptions::default();
    for row in 0..batch.num_rows() {
        for (i, column) in columns.iter().enumerate() {
            if i > 0 {
                out.put_u8(b'|');
            }
            if column.is_null(row) {
                out.put_slice(b"\\N");
                continue;
            }
            let start = out.len();
            column.write_text(row, &options, out);
            // A CHAR's padding is not data.
            if matches!(column.sql_type(), SqlType::Char(_)) {
                let length = out[start..].trim_ascii_end().len();
                out.truncate(start + length);
            }
        }
        out.put_u8(b'\n');
    }
    Ok(())
}
