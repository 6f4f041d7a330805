//! One file of Parquet.

use std::sync::Arc;

use ::parquet::arrow::AsyncArrowWriter;
use ::parquet::arrow::async_writer::AsyncFileWriter;
use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use lw_base::{Result, SqlError, SqlState};
use lw_services::buckets::{ObjectInfo, ObjectWriter};

use super::OutColumn;
use super::options::UnloadOptions;

/// The store's end of a file.
struct Out {
    writer: Option<Box<dyn ObjectWriter>>,
    done: Option<ObjectInfo>,
}

fn gone() -> ParquetError {
    ParquetError::General("the file was finished before".to_string())
}

impl AsyncFileWriter for Out {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, ::parquet::errors::Result<()>> {
        async move {
            let writer = self.writer.as_mut().ok_or_else(gone)?;
            writer
                .write(bytes)
                .await
                .map_err(|e| ParquetError::External(Box::new(e)))
        }
        .boxed()
    }

    fn complete(&mut self) -> BoxFuture<'_, ::parquet::errors::Result<()>> {
        async move {
            let writer = self.writer.take().ok_or_else(gone)?;
            let info = writer
                .finish()
                .await
                .map_err(|e| ParquetError::External(Box::new(e)))?;
            self.done = Some(info);
            Ok(())
        }
        .boxed()
    }
}

/// A file of Parquet.
pub(crate) struct ParquetFile {
    writer: AsyncArrowWriter<Out>,
    schema: SchemaRef,
    row_group: usize,
    rows: u64,
}

fn failed(error: ParquetError) -> SqlError {
    SqlError::new(
        SqlState::INTERNAL_ERROR,
        format!("a Parquet file could not be written: {error}"),
    )
}

/// The type a column has in the file.
fn stored(have: DataType) -> DataType {
    match have {
        DataType::Utf8View | DataType::Null => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::UInt32 => DataType::Int64,
        DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        other => other,
    }
}

impl ParquetFile {
    pub fn new(
        writer: Box<dyn ObjectWriter>,
        columns: &[OutColumn],
        options: &UnloadOptions,
    ) -> Result<Self> {
        let fields: Vec<Field> = columns
            .iter()
            .map(|c| Field::new(&c.name, stored(c.sql_type.arrow()), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("Longwave".to_string())
            .build();
        let out = Out {
            writer: Some(writer),
            done: None,
        };
        Ok(ParquetFile {
            writer: AsyncArrowWriter::try_new(out, schema.clone(), Some(properties))
                .map_err(failed)?,
            schema,
            row_group: options.row_group_size as usize,
            rows: 0,
        })
    }

    /// Appends rows.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(
                |(array, field)| match array.data_type() == field.data_type() {
                    true => Ok(array.clone()),
                    false => cast(array, field.data_type()).map_err(SqlError::internal),
                },
            )
            .collect::<Result<Vec<ArrayRef>>>()?;
        let batch =
            RecordBatch::try_new(self.schema.clone(), columns).map_err(SqlError::internal)?;
        self.rows += batch.num_rows() as u64;
        self.writer.write(&batch).await.map_err(failed)?;
        if self.writer.in_progress_size() >= self.row_group {
            self.writer.flush().await.map_err(failed)?;
        }
        Ok(())
    }

    /// Bytes so far, about.
    pub fn size(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    /// Makes the file visible.
    pub async fn finish(mut self) -> Result<(ObjectInfo, u64)> {
        self.writer.finish().await.map_err(failed)?;
        let info = self
            .writer
            .into_inner()
            .done
            .ok_or_else(|| SqlError::internal("a Parquet file has no end"))?;
        Ok((info, self.rows))
    }
}
