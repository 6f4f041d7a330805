//! Cursors of DECLARE: a query's rows, read piece by piece within their transaction.

use std::collections::VecDeque;

use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use lw_base::Result;
use lw_services::{ColumnDesc, RowStream};

/// An open cursor.
pub struct Cursor {
    /// Columns of its rows.
    pub columns: Vec<ColumnDesc>,
    /// When it was declared, microseconds since 1970 UTC.
    pub declared: i64,
    rows: RowStream,
    ready: VecDeque<RecordBatch>,
    ended: bool,
    /// Rows fetched so far.
    pub fetched: u64,
}

impl Cursor {
    /// A cursor over these rows.
    pub fn new(columns: Vec<ColumnDesc>, rows: RowStream) -> Self {
        Cursor {
            columns,
            declared: lw_base::clock::now_micros(),
            rows,
            ready: VecDeque::new(),
            ended: false,
            fetched: 0,
        }
    }

    /// The next `count` rows (`None`: all that are left).
    pub async fn fetch(&mut self, count: Option<u64>) -> Result<Vec<RecordBatch>> {
        let mut wanted = count.unwrap_or(u64::MAX);
        let mut out = Vec::new();
        while wanted > 0 {
            let Some(batch) = self.next_batch().await? else {
                break;
            };
            let rows = batch.num_rows() as u64;
            if rows > wanted {
                let take = wanted as usize;
                self.ready
                    .push_front(batch.slice(take, batch.num_rows() - take));
                out.push(batch.slice(0, take));
                self.fetched += wanted;
                break;
            }
            wanted -= rows;
            self.fetched += rows;
            out.push(batch);
        }
        Ok(out)
    }

    /// All rows that are left, as a stream: nothing is held in memory.
    pub fn take_rest(&mut self) -> RowStream {
        let rows = std::mem::replace(&mut self.rows, futures::stream::empty().boxed());
        let ready = std::mem::take(&mut self.ready);
        self.ended = true;
        futures::stream::iter(ready.into_iter().map(Ok))
            .chain(rows)
            .boxed()
    }

    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(batch) = self.ready.pop_front() {
            return Ok(Some(batch));
        }
        if self.ended {
            return Ok(None);
        }
        match self.rows.next().await {
            Some(batch) => batch.map(Some),
            None => {
                self.ended = true;
                Ok(None)
            }
        }
    }
}
