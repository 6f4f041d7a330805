//! One run of a statement: its id, its cancellation, its record in the events.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use futures::Stream;
use lw_base::{Result, SqlError, SqlState, clock};
use lw_events::{EventLog, QueryRecord, QueryStatus};
use lw_services::RowStream;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::registry::{RunningStatement, SessionEntry};

/// What a statement counted.
#[derive(Debug, Clone, Copy)]
pub enum Count {
    /// Rows sent to the client.
    Returned(u64),
    /// Rows inserted, updated, deleted, loaded, unloaded.
    Affected(u64),
}

/// A statement that runs. Dropping it without [`Run::finish`] records it as aborted.
pub struct Run {
    entry: Arc<SessionEntry>,
    events: Arc<EventLog>,
    running: RunningStatement,
    timeout: Option<tokio::task::JoinHandle<()>>,
    finished: bool,
}

impl Run {
    /// Notes that the statement runs, and arms its timeout (0: none).
    pub fn start(
        entry: Arc<SessionEntry>,
        events: Arc<EventLog>,
        record: QueryRecord,
        timeout_ms: u64,
    ) -> Run {
        let running = RunningStatement {
            query_id: record.query_id,
            cancel: CancellationToken::new(),
            reason: Arc::new(Mutex::new(None)),
        };
        events.start_query(record);
        entry.set_running(Some(running.clone()));
        let timeout = (timeout_ms > 0).then(|| {
            let running = running.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(timeout_ms)).await;
                running
                    .reason
                    .lock()
                    .get_or_insert_with(|| "Query cancelled due to statement timeout".to_string());
                running.cancel.cancel();
            })
        });
        Run {
            entry,
            events,
            running,
            timeout,
            finished: false,
        }
    }

    /// Changes the statement's record while it runs.
    pub fn update(&self, change: impl FnOnce(&mut QueryRecord)) {
        self.events.update_query(self.running.query_id, change);
    }

    /// Cancels the statement.
    pub fn cancel_token(&self) -> CancellationToken {
        self.running.cancel.clone()
    }

    /// The statement's id.
    pub fn query_id(&self) -> i64 {
        self.running.query_id
    }

    /// Gives a cancelled statement's error the reason it was cancelled for.
    pub fn explain(&self, error: SqlError) -> SqlError {
        if error.state != SqlState::QUERY_CANCELED {
            return error;
        }
        match self.running.reason.lock().clone() {
            Some(reason) => SqlError {
                message: reason,
                ..error
            },
            None => error,
        }
    }

    /// Records the end. Only the first call counts.
    pub fn finish(&mut self, result: Result<Count, &SqlError>) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        if let Some(timeout) = self.timeout.take() {
            timeout.abort();
        }
        self.entry.clear_running(self.running.query_id);
        self.events.finish_query(self.running.query_id, |record| {
            match result {
                Ok(count) => {
                    record.status = QueryStatus::Success;
                    match count {
                        Count::Returned(rows) => record.returned_rows = rows,
                        Count::Affected(rows) => record.affected_rows = rows,
                    }
                }
                Err(error) => crate::record::failed(record, error),
            }
            record.execution_time = clock::now_micros() - record.start - record.lock_wait_time;
        });
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let aborted = SqlError::new(SqlState::QUERY_CANCELED, "Query was not read to its end");
        self.finish(Err(&aborted));
        // Work that other tasks still do for the statement ends too.
        self.running.cancel.cancel();
    }
}

/// Rows of a statement; its end is the statement's end.
pub struct RunStream<K> {
    rows: RowStream,
    run: Run,
    count: u64,
    /// Kept alive as long as the rows are read (the snapshot's pin).
    _keep: K,
}

impl<K> RunStream<K> {
    /// Ties the rows to their run.
    pub fn new(rows: RowStream, run: Run, keep: K) -> Self {
        RunStream {
            rows,
            run,
            count: 0,
            _keep: keep,
        }
    }
}

impl<K: Unpin> Stream for RunStream<K> {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.rows.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(batch))) => {
                self.count += batch.num_rows() as u64;
                Poll::Ready(Some(Ok(batch)))
            }
            Poll::Ready(Some(Err(error))) => {
                let error = self.run.explain(error);
                self.run.finish(Err(&error));
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                let count = self.count;
                self.run.finish(Ok(Count::Returned(count)));
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
