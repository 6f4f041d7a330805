//! The one way to ask for the time, so that tests can pin it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static PINNED_MICROS: AtomicI64 = AtomicI64::new(i64::MIN);

/// Microseconds since 1970-01-01 00:00:00 UTC.
pub fn now_micros() -> i64 {
    let pinned = PINNED_MICROS.load(Ordering::Relaxed);
    if pinned != i64::MIN {
        return pinned;
    }
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|d| d.as_micros() as i64)
        .unwrap_or(0)
}

/// Pins the clock of the whole process to a moment (tests only); `None` lets it run again.
pub fn pin(micros: Option<i64>) {
    PINNED_MICROS.store(micros.unwrap_or(i64::MIN), Ordering::Relaxed);
}
