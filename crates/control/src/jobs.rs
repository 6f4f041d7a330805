//! Work that outlasts a request. An operation that takes its time (create, restore, resize) writes
//! what is to be done into its record, in the same transaction as the state it shows meanwhile, and
//! starts a job; the job does idempotent steps and ends by writing the new state. After a crash each
//! service's `resume` starts the jobs of the records it finds unfinished. What goes by the clock
//! (schedules, retention, usage limits) hangs on `every`.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Jobs under way.
#[derive(Default)]
pub struct Jobs {
    running: Arc<Mutex<HashSet<String>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

struct Running(Arc<Mutex<HashSet<String>>>, String);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

impl Jobs {
    /// Starts a job, unless one with this key is running: that one looks at the record again before
    /// it ends.
    pub fn start(&self, key: String, work: impl Future<Output = ()> + Send + 'static) {
        if self.stop.is_cancelled() || !self.running.lock().insert(key.clone()) {
            return;
        }
        let running = Running(self.running.clone(), key);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let _running = running;
            // A job that is cut off is one that a crash cut off: the next start goes on with it.
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Does work again and again, at first after `period`.
    pub fn every<F, R>(&self, period: Duration, work: F)
    where
        F: Fn() -> R + Send + 'static,
        R: Future<Output = ()> + Send,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(period) => {}
                }
                work().await;
            }
        });
    }

    /// True if a job with this key is running.
    pub fn is_running(&self, key: &str) -> bool {
        self.running.lock().contains(key)
    }

    /// Ends all of them.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(Duration::from_secs(10), self.tasks.wait()).await;
    }
}
