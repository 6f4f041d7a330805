//! Result rows: batches turned into DataRow messages, as many as are asked for.

use arrow::record_batch::RecordBatch;
use bytes::{BufMut, BytesMut};
use lw_base::{Result, SqlError};
use lw_pgrepr::{Column, NumericForm, SqlType, TextOptions};
use lw_services::RowStream;

use crate::backend::Out;
use crate::transport::FLUSH_AT;

/// A result that is being sent: its stream and where in it we are.
pub(crate) struct Rows {
    pub stream: RowStream,
    pub tag: String,
    pub tag_with_rows: bool,
    types: Vec<SqlType>,
    /// Format code of each column.
    formats: Vec<i16>,
    columns: Vec<Column>,
    batch_rows: usize,
    next: usize,
}

impl Rows {
    pub(crate) fn new(
        stream: RowStream,
        types: Vec<SqlType>,
        formats: Vec<i16>,
        tag: String,
        tag_with_rows: bool,
    ) -> Rows {
        Rows {
            stream,
            tag,
            tag_with_rows,
            types,
            formats,
            columns: Vec::new(),
            batch_rows: 0,
            next: 0,
        }
    }

    /// True if the batch at hand is used up.
    pub(crate) fn wants_batch(&self) -> bool {
        self.next >= self.batch_rows
    }

    pub(crate) fn load(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_columns() != self.types.len() {
            return Err(SqlError::internal(format!(
                "a result of {} columns came with {}",
                self.types.len(),
                batch.num_columns()
            )));
        }
        let columns = batch.columns().iter().zip(&self.types);
        self.columns = columns
            .map(|(a, t)| Column::new(a, *t))
            .collect::<Result<_>>()?;
        self.batch_rows = batch.num_rows();
        self.next = 0;
        Ok(())
    }

    /// Appends rows of the batch at hand until `limit` rows are written, the batch is used up or
    /// the buffer is full; returns how many were written.
    pub(crate) fn write(
        &mut self,
        limit: u64,
        options: &TextOptions,
        out: &mut Out,
    ) -> Result<u64> {
        let numeric = if out.protocol >= 2 {
            NumericForm::Unscaled
        } else {
            NumericForm::Digits
        };
        let mut written = 0;
        while written < limit && !self.wants_batch() && out.buf.len() < FLUSH_AT {
            let row = self.next;
            // A row that cannot be written must not leave half a message behind.
            let before = out.buf.len();
            if let Err(error) = self.write_row(row, numeric, options, &mut out.buf) {
                out.buf.truncate(before);
                return Err(error);
            }
            self.next += 1;
            written += 1;
        }
        Ok(written)
    }

    fn write_row(
        &self,
        row: usize,
        numeric: NumericForm,
        options: &TextOptions,
        buf: &mut BytesMut,
    ) -> Result<()> {
        buf.put_u8(b'D');
        let at = buf.len();
        buf.put_u32(0);
        buf.put_u16(self.columns.len() as u16);
        for (column, format) in self.columns.iter().zip(&self.formats) {
            if column.is_null(row) {
                buf.put_i32(-1);
            } else if *format == 1 {
                lw_pgrepr::binary::put_sized(buf, |b| column.write_binary(row, numeric, b))?;
            } else {
                lw_pgrepr::binary::put_sized(buf, |b| {
                    column.write_text(row, options, b);
                    Ok(())
                })?;
            }
        }
        let length = u32::try_from(buf.len() - at)
            .ok()
            .filter(|l| *l <= i32::MAX as u32)
            .ok_or_else(|| SqlError::internal("a row is longer than 2 GB"))?;
        buf[at..at + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}
