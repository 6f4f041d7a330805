//! The control plane's time: the machine's, moved by tests.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, Utc};

/// A clock.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_s: AtomicI64,
}

impl Clock {
    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        let now = DateTime::from_timestamp_micros(lw_base::clock::now_micros()).unwrap_or_default();
        now + Duration::seconds(self.ahead_s.load(Ordering::Relaxed))
    }

    /// Moves it forward (tests).
    pub fn advance(&self, by: Duration) {
        self.ahead_s.fetch_add(by.num_seconds(), Ordering::Relaxed);
    }
}
