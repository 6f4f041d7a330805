//! Calls a second that each operation allows (guide L28042-28059). A burst of several seconds' worth
//! passes: programs with the SDKs' own retries are slowed down, not failed.

use std::collections::HashMap;
use std::time::Instant;

use lw_aws_model::ApiError;
use parking_lot::Mutex;

/// Seconds' worth of calls that may come at once.
const BURST_S: f64 = 10.0;

const PER_SECOND: &[(&str, f64)] = &[
    ("BatchExecuteStatement", 20.0),
    ("CancelStatement", 3.0),
    ("DescribeStatement", 100.0),
    ("DescribeTable", 3.0),
    ("ExecuteStatement", 30.0),
    ("GetStatementResult", 20.0),
    ("GetStatementResultV2", 20.0),
    ("ListDatabases", 3.0),
    ("ListSchemas", 3.0),
    ("ListSessions", 3.0),
    ("ListStatements", 3.0),
    ("ListTables", 3.0),
];

/// What each operation has left.
#[derive(Default)]
pub struct Throttle(Mutex<HashMap<&'static str, (f64, Instant)>>);

impl Throttle {
    /// Counts a call; too many fail.
    pub fn pass(&self, operation: &str) -> Result<(), ApiError> {
        self.pass_at(operation, Instant::now())
    }

    fn pass_at(&self, operation: &str, now: Instant) -> Result<(), ApiError> {
        let Some((name, rate)) = PER_SECOND.iter().find(|(name, _)| *name == operation) else {
            return Ok(());
        };
        let most = rate * BURST_S;
        let mut all = self.0.lock();
        let (left, at) = all.entry(name).or_insert((most, now));
        *left = (*left + now.saturating_duration_since(*at).as_secs_f64() * rate).min(most);
        *at = now;
        if *left < 1.0 {
            return Err(ApiError::throttled("Rate exceeded"));
        }
        *left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let throttle = Throttle::default();
        let now = Instant::now();
        let passed = |at| {
            (0..100)
                .filter(|_| throttle.pass_at("CancelStatement", at).is_ok())
                .count()
        };
        assert_eq!(passed(now), 30);
        assert_eq!(passed(now + Duration::from_secs(2)), 6);
        let error = throttle.pass_at("CancelStatement", now).unwrap_err();
        assert_eq!(
            (error.shape.as_str(), error.status),
            ("ThrottlingException", 400)
        );
        assert!(throttle.pass_at("ExecuteStatement", now).is_ok());
    }
}
