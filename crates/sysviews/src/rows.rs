//! Building the rows of a primitive relation.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, ListBuilder, StringViewArray, StringViewBuilder, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow::array::{Int16Builder, Int32Builder, UInt32Builder};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use lw_base::{Oid, Result, SqlError, TxnId};
use lw_pgrepr::SqlType;

/// A value, to be stored as its column's type.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// NULL
    Null,
    /// A truth value
    Bool(bool),
    /// Any integer, an OID, a moment in microseconds
    Int(i64),
    /// REAL, DOUBLE PRECISION
    Float(f64),
    /// Any string
    Text(String),
    /// An array of strings
    Texts(Vec<String>),
    /// An array of integers or OIDs
    Ints(Vec<i64>),
}

macro_rules! from_int {
    ($($t:ty),*) => {$(
        impl From<$t> for Cell {
            fn from(v: $t) -> Cell {
                Cell::Int(v as i64)
            }
        }
    )*};
}
from_int!(i16, i32, i64, u16, u32, u64, usize);

impl From<Oid> for Cell {
    fn from(v: Oid) -> Cell {
        Cell::Int(v.0.into())
    }
}

impl From<TxnId> for Cell {
    fn from(v: TxnId) -> Cell {
        Cell::Int(v.0 as i64)
    }
}

impl From<bool> for Cell {
    fn from(v: bool) -> Cell {
        Cell::Bool(v)
    }
}

impl From<f64> for Cell {
    fn from(v: f64) -> Cell {
        Cell::Float(v)
    }
}

impl From<&str> for Cell {
    fn from(v: &str) -> Cell {
        Cell::Text(v.to_string())
    }
}

impl From<&String> for Cell {
    fn from(v: &String) -> Cell {
        Cell::Text(v.clone())
    }
}

impl From<String> for Cell {
    fn from(v: String) -> Cell {
        Cell::Text(v)
    }
}

impl From<Vec<String>> for Cell {
    fn from(v: Vec<String>) -> Cell {
        Cell::Texts(v)
    }
}

impl From<Vec<i64>> for Cell {
    fn from(v: Vec<i64>) -> Cell {
        Cell::Ints(v)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(v: Option<T>) -> Cell {
        v.map_or(Cell::Null, Into::into)
    }
}

/// One row: `row![a, b, c]` turns each value into a [`Cell`].
macro_rules! row {
    ($($value:expr),* $(,)?) => {
        [$($crate::rows::Cell::from($value)),*]
    };
}
pub(crate) use row;

/// Rows in the making.
pub struct Rows {
    columns: &'static [(&'static str, SqlType)],
    cells: Vec<Vec<Cell>>,
}

impl Rows {
    /// No rows of these columns yet.
    pub fn new(columns: &'static [(&'static str, SqlType)]) -> Rows {
        Rows {
            columns,
            cells: vec![Vec::new(); columns.len()],
        }
    }

    /// Adds a row: one cell per column.
    pub fn push<const N: usize>(&mut self, row: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len(), "cells of {}", self.columns[0].0);
        for (column, cell) in self.cells.iter_mut().zip(row) {
            column.push(cell);
        }
    }

    /// The batch.
    pub fn finish(self) -> Result<RecordBatch> {
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays = Vec::with_capacity(self.columns.len());
        for ((name, sql_type), cells) in self.columns.iter().zip(self.cells) {
            fields.push(sql_type.field(*name, true));
            arrays.push(array(name, *sql_type, cells)?);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|e| SqlError::internal(format!("rows of a system relation: {e}")))
    }
}

fn int(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Int(v) => Some(*v),
        Cell::Bool(v) => Some(i64::from(*v)),
        _ => None,
    }
}

fn float(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Float(v) => Some(*v),
        Cell::Int(v) => Some(*v as f64),
        _ => None,
    }
}

fn array(name: &str, sql_type: SqlType, cells: Vec<Cell>) -> Result<ArrayRef> {
    let ints = || cells.iter().map(int);
    Ok(match sql_type.arrow() {
        DataType::Boolean => Arc::new(BooleanArray::from_iter(cells.iter().map(|c| match c {
            Cell::Bool(v) => Some(*v),
            _ => None,
        }))),
        DataType::Int16 => Arc::new(Int16Array::from_iter(
            ints().map(|v| v.and_then(|v| i16::try_from(v).ok())),
        )),
        DataType::Int32 => Arc::new(Int32Array::from_iter(
            ints().map(|v| v.and_then(|v| i32::try_from(v).ok())),
        )),
        DataType::Int64 => Arc::new(Int64Array::from_iter(ints())),
        DataType::UInt32 => Arc::new(UInt32Array::from_iter(
            ints().map(|v| v.and_then(|v| u32::try_from(v).ok())),
        )),
        DataType::Float32 => Arc::new(Float32Array::from_iter(
            cells.iter().map(|c| float(c).map(|v| v as f32)),
        )),
        DataType::Float64 => Arc::new(Float64Array::from_iter(cells.iter().map(float))),
        DataType::Decimal128(p, s) => {
            let unit = 10f64.powi(s.into());
            let values = cells
                .iter()
                .map(|c| float(c).map(|v| (v * unit).round() as i128));
            Arc::new(
                Decimal128Array::from_iter(values)
                    .with_precision_and_scale(p, s)
                    .map_err(SqlError::internal)?,
            )
        }
        DataType::Timestamp(_, zone) => {
            Arc::new(TimestampMicrosecondArray::from_iter(ints()).with_timezone_opt(zone))
        }
        DataType::Utf8View => Arc::new(StringViewArray::from_iter(cells.iter().map(|c| match c {
            Cell::Text(v) => Some(v.as_str()),
            _ => None,
        }))),
        DataType::List(item) => list(name, &item, cells)?,
        other => {
            return Err(SqlError::internal(format!(
                "column {name} of a system relation has the type {other}"
            )));
        }
    })
}

fn list(name: &str, item: &Arc<Field>, cells: Vec<Cell>) -> Result<ArrayRef> {
    macro_rules! ints {
        ($builder:ty, $t:ty) => {{
            let mut out = ListBuilder::new(<$builder>::new()).with_field(item.clone());
            for cell in cells {
                match cell {
                    Cell::Ints(v) => {
                        v.into_iter()
                            .for_each(|v| out.values().append_option(<$t>::try_from(v).ok()));
                        out.append(true);
                    }
                    _ => out.append(false),
                }
            }
            Arc::new(out.finish()) as ArrayRef
        }};
    }
    Ok(match item.data_type() {
        DataType::Int16 => ints!(Int16Builder, i16),
        DataType::Int32 => ints!(Int32Builder, i32),
        DataType::UInt32 => ints!(UInt32Builder, u32),
        DataType::Utf8View => {
            let mut out = ListBuilder::new(StringViewBuilder::new()).with_field(item.clone());
            for cell in cells {
                match cell {
                    Cell::Texts(v) => {
                        v.into_iter().for_each(|v| out.values().append_value(v));
                        out.append(true);
                    }
                    _ => out.append(false),
                }
            }
            Arc::new(out.finish())
        }
        other => {
            return Err(SqlError::internal(format!(
                "column {name} of a system relation has items of type {other}"
            )));
        }
    })
}
