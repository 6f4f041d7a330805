//! Inline batches: a few rows as an Arrow IPC stream, kept inside the catalog store.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use lw_base::Result;

use crate::failed;

/// Writes a batch with storage names.
pub(crate) fn encode(schema: &SchemaRef, batch: &RecordBatch) -> Result<Bytes> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(
            |(array, field)| match array.data_type() == field.data_type() {
                true => Ok(compact(array)),
                false => arrow::compute::cast(array, field.data_type()),
            },
        )
        .collect::<Result<Vec<ArrayRef>, _>>()
        .map_err(|e| failed("an inline batch", e))?;
    let batch =
        RecordBatch::try_new(schema.clone(), columns).map_err(|e| failed("an inline batch", e))?;
    let mut out = Vec::new();
    let mut writer =
        StreamWriter::try_new(&mut out, schema).map_err(|e| failed("an inline batch", e))?;
    writer
        .write(&batch)
        .and_then(|_| writer.finish())
        .map_err(|e| failed("an inline batch", e))?;
    drop(writer);
    Ok(out.into())
}

/// Reads it back.
pub(crate) fn decode(bytes: &Bytes) -> Result<RecordBatch> {
    let reader = StreamReader::try_new(bytes.as_ref(), None)
        .map_err(|e| failed("an inline batch does not read", e))?;
    let schema = reader.schema();
    let batches = reader
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| failed("an inline batch does not read", e))?;
    arrow::compute::concat_batches(&schema, &batches)
        .map_err(|e| failed("an inline batch does not read", e))
}

/// Views may hold on to large buffers of which they show little.
fn compact(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        _ => array.clone(),
    }
}
