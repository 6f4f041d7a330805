//! Builds Arrow columns from the fields of a block, one column at a time.

use std::str::Utf8Error;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::filter_record_batch;
use arrow::datatypes::*;
use arrow::error::ArrowError;
use lw_base::{Result, SqlError};
use lw_pgrepr::{SqlType, Zone};

use super::errors::{FieldError, RowError, missing_data};
use super::formats::read_time;
use super::numbers::{boolean, decimal, float, integer, short_decimal};
use super::options::CopyOptions;
use super::scan::{MISSING, Place, Scanned};

/// A column to be loaded.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub name: String,
    pub sql_type: SqlType,
    pub not_null: bool,
}

/// What came of a block.
pub(crate) struct Loaded {
    /// The loaded columns, good rows only.
    pub columns: Vec<ArrayRef>,
    /// Good rows.
    pub rows: usize,
    /// Lines of the block.
    pub lines: u64,
    /// Refused rows, in order of lines.
    pub errors: Vec<RowError>,
    /// Rows in which ACCEPTINVCHARS replaced something.
    pub replaced: u64,
}

/// Reads all columns of a block.
pub(crate) fn load(
    scanned: &mut Scanned,
    targets: &[Target],
    options: &CopyOptions,
    zone: Zone,
) -> Result<Loaded> {
    let mut reader = Reader {
        scanned,
        text: scanned.text(),
        options,
        zone,
        refused: Vec::new(),
        replaced: Vec::new(),
    };
    let mut columns = Vec::with_capacity(targets.len());
    for (index, target) in targets.iter().enumerate() {
        columns.push(reader.column(index, target)?);
    }
    let Reader {
        mut refused,
        mut replaced,
        ..
    } = reader;
    let mut rows = scanned.len();
    let mut errors = Vec::new();
    if !refused.is_empty() {
        // The first field at fault speaks for its row.
        refused.sort_by_key(|(row, column, _)| (*row, *column));
        refused.dedup_by_key(|(row, ..)| *row);
        let mut good = vec![true; rows];
        for (row, column, error) in refused {
            good[row] = false;
            errors.push(scanned.row_error(row, Some(column), error));
        }
        replaced.retain(|row| good[*row]);
        columns = keep(columns, BooleanArray::from(good))?;
        rows = columns.first().map_or(0, |c| c.len());
    }
    let lines = scanned.lines;
    errors.append(&mut scanned.errors);
    errors.sort_by_key(|e| e.line);
    replaced.sort_unstable();
    replaced.dedup();
    Ok(Loaded {
        columns,
        rows,
        lines,
        errors,
        replaced: replaced.len() as u64,
    })
}

fn keep(columns: Vec<ArrayRef>, good: BooleanArray) -> Result<Vec<ArrayRef>> {
    let fields: Vec<Field> = columns
        .iter()
        .enumerate()
        .map(|(i, c)| Field::new(i.to_string(), c.data_type().clone(), true))
        .collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(failed)?;
    let kept = filter_record_batch(&batch, &good).map_err(failed)?;
    Ok(kept.columns().to_vec())
}

fn failed(error: ArrowError) -> SqlError {
    SqlError::internal(error)
}

struct Reader<'a> {
    scanned: &'a Scanned,
    /// The block, if it is UTF-8 from one end to the other.
    text: Option<&'a str>,
    options: &'a CopyOptions,
    zone: Zone,
    /// Row, column and reason of fields that were refused.
    refused: Vec<(usize, usize, FieldError)>,
    /// Rows with replaced characters.
    replaced: Vec<usize>,
}

impl Reader<'_> {
    fn column(&mut self, index: usize, target: &Target) -> Result<ArrayRef> {
        let options = self.options;
        let zone = self.zone;
        let ints = |least: i64, most: i64, kind: &'static str| {
            move |b: &[u8]| integer(b, least, most, kind)
        };
        let array: ArrayRef = match target.sql_type {
            SqlType::Int2 => {
                let read = ints(i16::MIN.into(), i16::MAX.into(), "Short");
                self.primitive::<Int16Type>(index, |b| read(b).map(|v| v as i16))
            }
            SqlType::Int4 => {
                let read = ints(i32::MIN.into(), i32::MAX.into(), "Integer");
                self.primitive::<Int32Type>(index, |b| read(b).map(|v| v as i32))
            }
            SqlType::Int8 => {
                let read = ints(i64::MIN, i64::MAX, "Long");
                self.primitive::<Int64Type>(index, read)
            }
            SqlType::Oid => {
                let read = ints(0, u32::MAX.into(), "OID");
                self.primitive::<UInt32Type>(index, |b| read(b).map(|v| v as u32))
            }
            // What has room in 64 bits: so it is written.
            SqlType::Numeric(p, s) if p <= 18 => {
                let round = options.round_dec;
                let array = self.primitive_array::<Decimal64Type>(index, |b| {
                    match short_decimal(b, p, s) {
                        Some(value) => Ok(value),
                        None => decimal(b, p, s, round).map(|v| v as i64),
                    }
                });
                Arc::new(array.with_precision_and_scale(p, s).map_err(failed)?)
            }
            SqlType::Numeric(p, s) => {
                let round = options.round_dec;
                let array =
                    self.primitive_array::<Decimal128Type>(index, |b| decimal(b, p, s, round));
                Arc::new(array.with_precision_and_scale(p, s).map_err(failed)?)
            }
            SqlType::Float4 => {
                self.primitive::<Float32Type>(index, |b| float(b, true).map(|v| v as f32))
            }
            SqlType::Float8 => self.primitive::<Float64Type>(index, |b| float(b, false)),
            SqlType::Bool => self.booleans(index),
            SqlType::Date => {
                let any = options.accept_any_date;
                self.optional::<Date32Type>(index, |b| match options.date_format.read(b) {
                    Err(_) if any => Ok(None),
                    other => other.map(Some),
                })
            }
            SqlType::Time => self.primitive::<Time64MicrosecondType>(index, |b| {
                read_time(b).map(|(micros, _)| micros)
            }),
            SqlType::TimeTz => self.primitive::<Time64NanosecondType>(index, |b| {
                let (micros, east) = read_time(b)?;
                let east = i64::from(east.unwrap_or_else(|| zone.offset_at(0)));
                Ok((micros - east * 1_000_000).rem_euclid(86_400_000_000) * 1000)
            }),
            SqlType::Timestamp | SqlType::TimestampTz => {
                let zoned = (target.sql_type == SqlType::TimestampTz).then_some(zone);
                let any = options.accept_any_date;
                let read = |b: &[u8]| match options.time_format.read(b, zoned) {
                    Err(_) if any => Ok(None),
                    other => other.map(Some),
                };
                let array = self.optional_array::<TimestampMicrosecondType>(index, read);
                match zoned {
                    Some(_) => Arc::new(array.with_timezone("UTC")),
                    None => Arc::new(array),
                }
            }
            SqlType::Varchar(n) => self.varchar(index, n as usize),
            SqlType::Char(n) => self.char(index, n as usize),
            SqlType::Varbyte(n) => self.varbyte(index, n as usize),
            other => {
                return Err(SqlError::unsupported(format!(
                    "COPY into a column of type {other}"
                )));
            }
        };
        if target.not_null && array.null_count() > 0 {
            let bad: Vec<usize> = self
                .refused
                .iter()
                .filter(|(_, column, _)| *column == index)
                .map(|(row, ..)| *row)
                .collect();
            for row in 0..array.len() {
                if array.is_null(row) && bad.binary_search(&row).is_err() {
                    self.refused.push((row, index, missing_data()));
                }
            }
        }
        Ok(array)
    }

    /// A field that is no text: `None` if it stands for NULL.
    #[inline]
    fn value<'f>(&self, field: Option<&'f [u8]>) -> Option<&'f [u8]> {
        let field = field?;
        let (first, last) = (field.first()?, field.last()?);
        let null = &self.options.null_as;
        if null.first() == Some(first) && *null == field {
            return None;
        }
        if matches!(first, b' ' | b'\t') || matches!(last, b' ' | b'\t') {
            let field = field.trim_ascii();
            return (!field.is_empty()).then_some(field);
        }
        Some(field)
    }

    fn primitive<T: ArrowPrimitiveType>(
        &mut self,
        index: usize,
        read: impl Fn(&[u8]) -> Result<T::Native, FieldError>,
    ) -> ArrayRef {
        Arc::new(self.primitive_array::<T>(index, read))
    }

    fn primitive_array<T: ArrowPrimitiveType>(
        &mut self,
        index: usize,
        read: impl Fn(&[u8]) -> Result<T::Native, FieldError>,
    ) -> PrimitiveArray<T> {
        self.optional_array::<T>(index, |b| read(b).map(Some))
    }

    fn optional<T: ArrowPrimitiveType>(
        &mut self,
        index: usize,
        read: impl Fn(&[u8]) -> Result<Option<T::Native>, FieldError>,
    ) -> ArrayRef {
        Arc::new(self.optional_array::<T>(index, read))
    }

    fn optional_array<T: ArrowPrimitiveType>(
        &mut self,
        index: usize,
        read: impl Fn(&[u8]) -> Result<Option<T::Native>, FieldError>,
    ) -> PrimitiveArray<T> {
        let rows = self.scanned.len();
        let mut values: Vec<T::Native> = Vec::with_capacity(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        let mut refused = Vec::new();
        for (row, field) in self.scanned.column(index).enumerate() {
            let value = match self.value(field).map(&read) {
                Some(Ok(value)) => value,
                Some(Err(error)) => {
                    refused.push((row, index, error));
                    None
                }
                None => None,
            };
            nulls.append(value.is_some());
            values.push(value.unwrap_or_default());
        }
        self.refused.extend(refused);
        PrimitiveArray::new(ScalarBuffer::from(values), nulls.finish())
    }

    fn booleans(&mut self, index: usize) -> ArrayRef {
        let rows = self.scanned.len();
        let mut values = Vec::with_capacity(rows);
        let mut nulls = Vec::with_capacity(rows);
        for row in 0..rows {
            let value = match self.value(self.scanned.field(row, index)).map(boolean) {
                Some(Ok(value)) => Some(value),
                Some(Err(error)) => {
                    self.refused.push((row, index, error));
                    None
                }
                None => None,
            };
            nulls.push(value.is_some());
            values.push(value.unwrap_or_default());
        }
        Arc::new(BooleanArray::new(
            BooleanBuffer::from(values),
            Some(NullBuffer::from(nulls)).filter(|n| n.null_count() > 0),
        ))
    }

    /// A text field: `None` if it stands for NULL.
    #[inline]
    fn string(&self, place: Place, fill: bool) -> Option<&[u8]> {
        let options = self.options;
        let Some(field) = self.scanned.at(place) else {
            let fill = fill && place == MISSING;
            return (fill && !options.empty_as_null).then_some(b"");
        };
        let null = &options.null_as;
        if null.first() == field.first() && *null == field
            || field.is_empty() && options.empty_as_null
        {
            return None;
        }
        if options.blanks_as_null && !field.is_empty() && field.trim_ascii().is_empty() {
            return None;
        }
        Some(field)
    }

    /// A builder with room for the texts of a column, and no more: there may be very many columns.
    fn texts(&self, index: usize) -> StringViewBuilder {
        let lengths = self.scanned.places(index).map(|p| p.1.wrapping_sub(p.0));
        // Shorter ones have their place in the view.
        let long = lengths.filter(|len| *len > 12 && *len < u32::MAX - 1);
        let bytes = long.map(u64::from).sum::<u64>().clamp(1, 64 << 20);
        StringViewBuilder::with_capacity(self.scanned.len()).with_fixed_block_size(bytes as u32)
    }

    /// The first part of the field at a place as text.
    #[inline]
    fn utf8<'f>(&'f self, place: Place, field: &'f [u8]) -> Result<&'f str, Utf8Error> {
        let start = place.0 as usize;
        match self.text.and_then(|t| t.get(start..start + field.len())) {
            Some(text) => Ok(text),
            None => std::str::from_utf8(field),
        }
    }

    fn varchar(&mut self, index: usize, most: usize) -> ArrayRef {
        let options = self.options;
        let mut builder = self.texts(index);
        let (mut refused, mut replaced) = (Vec::new(), Vec::new());
        let mut mended = String::new();
        for (row, place) in self.scanned.places(index).enumerate() {
            let Some(mut field) = self.string(*place, true) else {
                builder.append_null();
                continue;
            };
            if options.trim_blanks {
                field = field.trim_ascii_end();
            }
            let mut text = match self.utf8(*place, field) {
                Ok(text) => text,
                Err(error) => match options.accept_inv_chars {
                    Some(with) => {
                        mend(field, with, &mut mended);
                        replaced.push(row);
                        &mended
                    }
                    None => {
                        refused.push((row, index, invalid_utf8(field, error)));
                        builder.append_null();
                        continue;
                    }
                },
            };
            if text.len() > most {
                if !options.truncate_columns {
                    let error = FieldError::new(1204, "String length exceeds DDL length");
                    refused.push((row, index, error));
                    builder.append_null();
                    continue;
                }
                text = &text[..text.floor_char_boundary(most)];
            }
            builder.append_value(text);
        }
        self.refused.extend(refused);
        self.replaced.extend(replaced);
        Arc::new(builder.finish())
    }

    fn char(&mut self, index: usize, most: usize) -> ArrayRef {
        let mut builder = self.texts(index);
        let mut refused = Vec::new();
        for (row, place) in self.scanned.places(index).enumerate() {
            let Some(mut field) = self.string(*place, false) else {
                builder.append_null();
                continue;
            };
            // Blanks at the end of a CHAR are padding.
            while let [rest @ .., b' '] = field {
                field = rest;
            }
            if !field.is_ascii()
                && let Some(at) = field.iter().position(|b| !b.is_ascii())
            {
                refused.push((row, index, multibyte(field, at)));
                builder.append_null();
                continue;
            }
            if field.len() > most {
                if !self.options.truncate_columns {
                    let error = FieldError::new(1204, "Char length exceeds DDL length");
                    refused.push((row, index, error));
                    builder.append_null();
                    continue;
                }
                field = &field[..most];
            }
            let text = self.utf8(*place, field).unwrap_or_default();
            builder.append_value(text.trim_end_matches(' '));
        }
        self.refused.extend(refused);
        Arc::new(builder.finish())
    }

    fn varbyte(&mut self, index: usize, most: usize) -> ArrayRef {
        let mut builder = BinaryViewBuilder::new();
        for row in 0..self.scanned.len() {
            let value = self.value(self.scanned.field(row, index)).map(|field| {
                let bytes = unhex(field)
                    .ok_or_else(|| FieldError::new(1207, "Invalid hexadecimal value"))?;
                if bytes.len() > most && !self.options.truncate_columns {
                    return Err(FieldError::new(1204, "String length exceeds DDL length"));
                }
                Ok(bytes)
            });
            match value {
                None => builder.append_null(),
                Some(Ok(bytes)) => builder.append_value(&bytes[..bytes.len().min(most)]),
                Some(Err(error)) => {
                    self.refused.push((row, index, error));
                    builder.append_null();
                }
            }
        }
        Arc::new(builder.finish())
    }
}

fn unhex(field: &[u8]) -> Option<Vec<u8>> {
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    let (pairs, rest) = field.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[a, b]| Some(digit(*a)? << 4 | digit(*b)?))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// How long the character that starts here says it is.
fn announced(first: u8) -> usize {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    }
}

fn multibyte(field: &[u8], at: usize) -> FieldError {
    let end = (at + announced(field[at])).min(field.len());
    FieldError {
        code: 1220,
        reason: format!(
            "Multibyte character not supported for CHAR (Hint: try using VARCHAR). Invalid char: {}",
            hex(&field[at..end])
        ),
        position: at,
    }
}

fn invalid_utf8(field: &[u8], error: Utf8Error) -> FieldError {
    let at = error.valid_up_to();
    let first = field[at];
    // The numbers of the guide: 1 too long, 2 cut short, 3 no start byte, 4 a bad byte within.
    let number = match first {
        0xF8..=0xFD => 1,
        0x80..=0xBF | 0xFE | 0xFF => 3,
        _ if at + announced(first) > field.len() => 2,
        _ => 4,
    };
    let end = (at + announced(first)).min(field.len());
    FieldError {
        code: 1220,
        reason: format!(
            "String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: {} (error {number})",
            hex(&field[at..end])
        ),
        position: at,
    }
}

/// Replaces each byte that is no UTF-8.
pub(crate) fn mend(field: &[u8], with: u8, out: &mut String) {
    out.clear();
    for chunk in field.utf8_chunks() {
        out.push_str(chunk.valid());
        for _ in chunk.invalid() {
            out.push(with as char);
        }
    }
}
