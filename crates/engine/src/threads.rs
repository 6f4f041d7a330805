//! The threads that compute, apart from those that serve sockets and the catalog: a statement that
//! keeps every one of them busy holds up neither a cancel request nor `/health`.

use std::sync::Arc;

use futures::StreamExt;
use lw_base::Result;
use lw_functions::error::canceled;
use lw_services::RowStream;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Stack of each thread: plans are trees as deep as their texts are long. Only what is used takes
/// memory.
const STACK: usize = 128 << 20;
/// Batches computed ahead of what the client has taken.
const AHEAD: usize = 2;

/// Threads to compute on, shared by all engines that are given clones; or none, then work is done
/// where it is asked for.
#[derive(Clone, Default)]
pub struct Threads(Option<Arc<Own>>);

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Threads(own)"
        } else {
            "Threads(none)"
        })
    }
}

struct Own {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped by a task, which must not wait.
            runtime.shutdown_background();
        }
    }
}

impl Threads {
    /// No threads: work is done where it is asked for.
    pub fn none() -> Threads {
        Threads(None)
    }

    /// So many threads.
    pub fn new(count: usize) -> Result<Threads> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(count.max(1))
            .thread_name("compute")
            .thread_stack_size(STACK)
            .enable_all()
            .build()?;
        Ok(Threads(Some(Arc::new(Own {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        }))))
    }

    /// Does work there. It ends when this future is dropped, at its next pause.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        match &self.0 {
            None => work.await,
            Some(own) => match AbortOnDropHandle::new(own.handle.spawn(work)).await {
                Ok(result) => result,
                Err(error) => Err(ended(error)),
            },
        }
    }

    /// Computes a stream there.
    pub(crate) fn pump(&self, mut rows: RowStream, cancel: CancellationToken) -> RowStream {
        let Some(own) = &self.0 else {
            return rows;
        };
        let (give, take) = mpsc::channel(AHEAD);
        let task = AbortOnDropHandle::new(own.handle.spawn(async move {
            while let Some(batch) = rows.next().await {
                if give.send(batch).await.is_err() {
                    return;
                }
            }
        }));
        futures::stream::unfold(Some((take, task, cancel)), |state| async move {
            let (mut take, task, cancel) = state?;
            tokio::select! {
                biased;
                // Answered at once, even if what computes has yet to notice.
                () = cancel.cancelled() => Some((Err(canceled()), None)),
                batch = take.recv() => match batch {
                    Some(Ok(batch)) => Some((Ok(batch), Some((take, task, cancel)))),
                    Some(Err(error)) => Some((Err(error), None)),
                    // The end, unless the task did not come to it.
                    None => match task.await {
                        Ok(()) => None,
                        Err(error) => Some((Err(ended(error)), None)),
                    },
                },
            }
        })
        .boxed()
    }
}

/// Why a task gave no result. A panic goes on in the session, which it ends.
fn ended(error: tokio::task::JoinError) -> lw_base::SqlError {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => canceled(),
    }
}
