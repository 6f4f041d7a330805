//! Segments: immutable Vortex files on the object store, and inline row batches. Writing (sorted,
//! sliced, with bounds and sketches), deletion vectors, garbage collection.
//!
//! What it must never know: SQL, sessions, transactions, the catalog store, the engine.
//!
//! Where to start: [`SegmentStore`], then [`SegmentWriter`].

mod arrange;
pub mod bounds;
pub mod deletes;
mod encode;
mod hll;
mod inline;
pub mod order;
pub mod regions;
pub mod sketch;
mod slices;
mod store;
mod writer;

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use lw_base::{Result, SqlError, SqlState};
use lw_catalog::Column;
use lw_pgrepr::SqlType;
use std::sync::Arc;

pub use store::{Collected, SegmentStore};
pub use writer::{SegmentIds, SegmentWriter, WriteOptions, Written};

/// The schema of the rows inside segments: columns by their storage names, all of them nullable,
/// so that neither a rename nor NOT NULL touches a file; types by [`stored_type`].
pub fn storage_schema(columns: &[Column]) -> Result<SchemaRef> {
    let fields = columns
        .iter()
        .map(|c| match c.sql_type {
            SqlType::IntervalYM | SqlType::IntervalDS | SqlType::Unknown | SqlType::Void => Err(
                SqlError::unsupported(format!("a table column of type {}", c.sql_type)),
            ),
            t => Ok(Field::new(c.storage_name(), stored_type(&t.arrow()), true)),
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// The type inside segments of an Arrow type. Moments and days are plain numbers there: the file
/// format's own types end in the year 9999, Redshift's in 294276.
pub fn stored_type(arrow: &DataType) -> DataType {
    match arrow {
        DataType::Date32 => DataType::Int32,
        DataType::Timestamp(TimeUnit::Microsecond, _) => DataType::Int64,
        other => other.clone(),
    }
}

/// The type in which rows of a stored type are given to the encoder: decimals of up to 18 digits in
/// 64 bits. In the file they are the same.
pub(crate) fn written_type(stored: &DataType) -> DataType {
    match stored {
        DataType::Decimal128(precision, scale) if *precision <= 18 => {
            DataType::Decimal64(*precision, *scale)
        }
        other => other.clone(),
    }
}

/// An array of a column of type `arrow` as it is given to the encoder. Costs nothing but for moments,
/// days and decimals, and little for those.
pub(crate) fn to_written(array: &ArrayRef, arrow: &DataType) -> Result<ArrayRef> {
    let written = written_type(&stored_type(arrow));
    if written == *array.data_type() {
        return Ok(array.clone());
    }
    let options = CastOptions {
        safe: false,
        ..Default::default()
    };
    let cast = |array: &ArrayRef, to: &DataType| {
        cast_with_options(array, to, &options).map_err(|e| failed("a column cannot be stored", e))
    };
    if array.data_type() == arrow {
        return cast(array, &written);
    }
    cast(&cast(array, arrow)?, &written)
}

/// An array out of a segment as one of `arrow` type.
pub fn from_stored(array: &ArrayRef, arrow: &DataType) -> Result<ArrayRef> {
    if arrow == array.data_type() {
        return Ok(array.clone());
    }
    arrow::compute::cast(array, arrow).map_err(|e| failed("a column does not read", e))
}

/// An error of a library below, as the client sees it.
pub(crate) fn failed(what: &str, error: impl std::fmt::Display) -> SqlError {
    let text = error.to_string();
    // The file format's errors carry their call stack.
    let text = text.split("\nBacktrace").next().unwrap_or_default();
    // By its words, because the file format's errors hide the cause.
    if text.contains("No space left on device") || text.contains("os error 28") {
        return SqlError::new(SqlState::DISK_FULL, "Disk Full").with_detail(what.to_string());
    }
    SqlError::internal(format!("{what}: {text}"))
}

pub(crate) fn io_failed(what: &str, error: object_store::Error) -> SqlError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(e) = source {
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            let state = match io.kind() {
                std::io::ErrorKind::StorageFull => SqlState::DISK_FULL,
                _ => SqlState::IO_ERROR,
            };
            return SqlError::new(state, format!("{what}: {error}"));
        }
        source = e.source();
    }
    SqlError::new(SqlState::IO_ERROR, format!("{what}: {error}"))
}
