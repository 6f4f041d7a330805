//! COPY from Parquet: columns are matched by position, types must fit (Developer Guide, "COPY from
//! columnar data formats").

use std::ops::Range;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ArrowReaderOptions;
use ::parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use arrow::array::*;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, TimeUnit};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use lw_base::{Result, SqlError, SqlState};
use lw_functions::error::canceled;
use lw_pgrepr::SqlType;

use super::columns::Target;
use super::load::{Ended, Job, Progress, Sink};
use super::source::{SourceFile, s3_error};
use crate::{Effect, Engine, StatementContext};

/// A file of a bucket, read by ranges.
struct Reader {
    file: SourceFile,
}

fn store_failed(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ::parquet::errors::Result<Bytes>> {
        async move {
            let stream = self
                .file
                .bucket
                .get(&self.file.key, Some(range))
                .await
                .map_err(store_failed)?;
            let pieces: Vec<Bytes> = stream.try_collect().await.map_err(store_failed)?;
            Ok(match pieces.len() {
                1 => pieces[0].clone(),
                _ => pieces.concat().into(),
            })
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ::parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.file.size;
            let metadata = ParquetMetaDataReader::new()
                .load_and_finish(&mut *self, size)
                .await?;
            Ok(Arc::new(metadata))
        }
        .boxed()
    }
}

fn broken(file: &SourceFile, error: impl std::fmt::Display) -> SqlError {
    SqlError::new(
        SqlState::INTERNAL_ERROR,
        format!("Spectrum Scan Error: failed to read {}: {error}", file.url),
    )
}

/// Loads files of Parquet.
pub(crate) async fn load(
    engine: &Engine,
    job: &Job,
    ctx: &StatementContext,
    progress: &mut Progress,
) -> Result<Effect, Ended> {
    let mut sink = Sink::new(engine, job, ctx)?;
    for (index, file) in job.files.iter().enumerate() {
        progress.files[index].start = lw_base::clock::now_micros();
        let builder = ParquetRecordBatchStreamBuilder::new(Reader { file: file.clone() })
            .await
            .map_err(|e| unwrap_store(e, file))?;
        let have = builder.schema().fields().len();
        let want = job.targets.len();
        if have != want && !(have < want && job.options.fill_record) {
            return Err(SqlError::new(
                SqlState::INTERNAL_ERROR,
                format!(
                    "Spectrum Scan Error: unmatched number of columns between table and file. Table columns: {want}, Data columns: {have}, File name: {}",
                    file.url
                ),
            )
            .into());
        }
        for (field, target) in builder.schema().fields().iter().zip(&job.targets) {
            check_type(file, field.name(), field.data_type(), target)?;
        }
        let mut batches = builder
            .with_batch_size(32_768)
            .build()
            .map_err(|e| broken(file, e))?;
        loop {
            let batch = tokio::select! {
                biased;
                () = ctx.cancel.cancelled() => return Err(canceled().into()),
                batch = batches.next() => match batch {
                    Some(batch) => batch.map_err(|e| unwrap_store(e, file))?,
                    None => break,
                },
            };
            let rows = batch.num_rows();
            progress.bytes += batch.get_array_memory_size() as u64;
            let targets = job.targets.clone();
            let file = file.clone();
            let inv = job.options.accept_inv_chars;
            let columns = tokio::spawn(async move {
                targets
                    .iter()
                    .enumerate()
                    .map(|(i, target)| match i < batch.num_columns() {
                        true => convert(&file, batch.column(i), target, inv),
                        false => missing(&file, target, rows),
                    })
                    .collect::<Result<Vec<_>>>()
            })
            .await
            .map_err(SqlError::internal)??;
            progress.rows += rows as u64;
            progress.files[index].lines_scanned += rows as u64;
            progress.current = index;
            progress.tell(engine, job, ctx);
            sink.write(columns, rows).await?;
        }
        progress.files[index].end = lw_base::clock::now_micros();
    }
    Ok(sink.finish().await?)
}

fn missing(file: &SourceFile, target: &Target, rows: usize) -> Result<ArrayRef> {
    if target.not_null {
        return Err(not_null(file, target));
    }
    Ok(new_null_array(&target.sql_type.arrow(), rows))
}

fn not_null(file: &SourceFile, target: &Target) -> SqlError {
    broken(
        file,
        format!("column {} is NOT NULL and has no value", target.name),
    )
}

/// Refuses a column whose type is of another kind.
fn check_type(file: &SourceFile, name: &str, have: &DataType, target: &Target) -> Result<()> {
    let number = |t: &DataType| t.is_integer();
    let fits = match target.sql_type {
        SqlType::Int2 | SqlType::Int4 | SqlType::Int8 | SqlType::Oid => number(have),
        SqlType::Numeric(..) => number(have) || have.is_decimal(),
        SqlType::Float4 | SqlType::Float8 => have.is_floating(),
        SqlType::Bool => *have == DataType::Boolean,
        SqlType::Date => matches!(have, DataType::Date32 | DataType::Date64),
        SqlType::Time | SqlType::TimeTz => {
            matches!(have, DataType::Time32(_) | DataType::Time64(_))
        }
        SqlType::Timestamp | SqlType::TimestampTz => matches!(have, DataType::Timestamp(..)),
        SqlType::Varchar(_) | SqlType::Char(_) => matches!(
            have,
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
        ),
        SqlType::Varbyte(_) => matches!(
            have,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView
        ),
        _ => false,
    } || *have == DataType::Null;
    if fits {
        return Ok(());
    }
    Err(SqlError::new(
        SqlState::INTERNAL_ERROR,
        format!(
            "Spectrum Scan Error: File '{}' has an incompatible Parquet schema for column '{name}'. Column type: {}, Parquet schema: {have}",
            file.url,
            target.sql_type.to_string().to_uppercase()
        ),
    ))
}

/// Brings an array of a fitting kind into the column's type, and checks lengths and NULLs.
fn convert(
    file: &SourceFile,
    array: &ArrayRef,
    target: &Target,
    accept_inv_chars: Option<u8>,
) -> Result<ArrayRef> {
    if target.not_null && array.null_count() > 0 {
        return Err(not_null(file, target));
    }
    let want = target.sql_type.arrow();
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let cast = |array: &ArrayRef, to: &DataType| {
        cast_with_options(array, to, &strict)
            .map_err(|e| broken(file, format!("column {}: {e}", target.name)))
    };
    let binary = matches!(
        array.data_type(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView
    );
    let array = match target.sql_type {
        SqlType::Varchar(_) | SqlType::Char(_) if binary => strings(
            file,
            &cast(array, &DataType::BinaryView)?,
            target,
            accept_inv_chars,
        )?,
        // Times of a zone are moments; Parquet's without one are taken as UTC.
        SqlType::Timestamp => cast(
            &cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?,
            &want,
        )?,
        _ => cast(array, &want)?,
    };
    match target.sql_type {
        SqlType::Varchar(n) => check_length(file, &array, n as usize, target)?,
        SqlType::Char(n) => {
            let trimmed: StringViewArray = array
                .as_string_view()
                .iter()
                .map(|v| v.map(|t| t.trim_end_matches(' ')))
                .collect();
            let array: ArrayRef = Arc::new(trimmed);
            check_length(file, &array, n as usize, target)?;
            if array
                .as_string_view()
                .iter()
                .flatten()
                .any(|t| !t.is_ascii())
            {
                return Err(broken(
                    file,
                    format!(
                        "column {}: multibyte character not supported for CHAR",
                        target.name
                    ),
                ));
            }
            return Ok(array);
        }
        SqlType::Numeric(p, _) => {
            let decimals = array.as_primitive::<arrow::datatypes::Decimal128Type>();
            decimals
                .validate_decimal_precision(p)
                .map_err(|e| broken(file, format!("column {}: {e}", target.name)))?;
        }
        _ => {}
    }
    Ok(array)
}

fn strings(
    file: &SourceFile,
    array: &ArrayRef,
    target: &Target,
    accept_inv_chars: Option<u8>,
) -> Result<ArrayRef> {
    let mut out = StringViewBuilder::with_capacity(array.len());
    for value in array.as_binary_view().iter() {
        match value.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
            None => out.append_null(),
            Some((_, Ok(text))) => out.append_value(text),
            Some((bytes, Err(_))) => match accept_inv_chars {
                Some(with) => {
                    let mut text = String::new();
                    super::columns::mend(bytes, with, &mut text);
                    out.append_value(text);
                }
                None => {
                    return Err(broken(
                        file,
                        format!(
                            "column {}: invalid or unsupported UTF8 codepoints",
                            target.name
                        ),
                    ));
                }
            },
        }
    }
    Ok(Arc::new(out.finish()))
}

fn check_length(file: &SourceFile, array: &ArrayRef, most: usize, target: &Target) -> Result<()> {
    let longest = array
        .as_string_view()
        .iter()
        .flatten()
        .map(str::len)
        .max()
        .unwrap_or(0);
    if longest > most {
        return Err(broken(
            file,
            format!(
                "The length of the data column {} is longer than the length defined in the table. Table: {most}, Data: {longest}",
                target.name
            ),
        ));
    }
    Ok(())
}

/// Errors of the store keep their form through the Parquet reader.
fn unwrap_store(error: ParquetError, file: &SourceFile) -> SqlError {
    match error {
        ParquetError::External(inner) => {
            match inner.downcast::<lw_services::buckets::BucketError>() {
                Ok(store) => s3_error(*store, &format!("Reading {}", file.url)),
                Err(other) => broken(file, other),
            }
        }
        other => broken(file, other),
    }
}
