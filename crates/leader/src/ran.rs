//! What came of a plan, before it becomes the outcome the edge is given.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray};
use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use lw_base::SqlError;
use lw_pgrepr::SqlType;
use lw_services::{ColumnDesc, Outcome};

/// What came of a plan.
pub(crate) enum Ran {
    /// Rows.
    Rows {
        columns: Vec<ColumnDesc>,
        rows: lw_services::RowStream,
        tag: String,
        tag_with_rows: bool,
    },
    /// Done, with so many rows written.
    Done { tag: String, rows: u64 },
}

impl Ran {
    pub(crate) fn done(tag: &str) -> Ran {
        Ran::Done {
            tag: tag.to_string(),
            rows: 0,
        }
    }

    pub(crate) fn rows(
        columns: Option<Vec<ColumnDesc>>,
        rows: lw_services::RowStream,
        tag: &str,
        tag_with_rows: bool,
    ) -> Ran {
        Ran::Rows {
            columns: columns.unwrap_or_default(),
            rows,
            tag: tag.to_string(),
            tag_with_rows,
        }
    }

    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Ran::Rows {
                columns,
                rows,
                tag,
                tag_with_rows,
            } => Outcome::Rows {
                columns,
                rows,
                tag,
                tag_with_rows,
            },
            Ran::Done { tag, .. } => Outcome::Done { tag },
        }
    }
}

/// Lines of text as a result of one column.
pub(crate) fn text_rows(name: &str, lines: Vec<String>, tag: &str) -> Ran {
    table_of_text(&[name], vec![lines], tag)
}

/// Columns of text as a result.
pub(crate) fn table_of_text(names: &[&str], columns: Vec<Vec<String>>, tag: &str) -> Ran {
    let descs = names
        .iter()
        .map(|name| ColumnDesc {
            name: (*name).to_string(),
            sql_type: SqlType::Text,
            origin: None,
            not_null: false,
        })
        .collect::<Vec<_>>();
    let batch = RecordBatch::try_from_iter(names.iter().zip(columns).map(|(name, values)| {
        let array: ArrayRef = Arc::new(StringViewArray::from_iter_values(values));
        (*name, array)
    }))
    .map_err(SqlError::internal);
    Ran::Rows {
        columns: descs,
        rows: futures::stream::iter([batch]).boxed(),
        tag: tag.to_string(),
        tag_with_rows: false,
    }
}
