//! Metering: for how long transactions of users were open, and what of that is charged.
//!
//! A stretch of time counts once, however many transactions share it. A transaction is charged once
//! it ended, at least a minute (Management Guide, L1160-1190).

use std::collections::BTreeMap;
use std::sync::Arc;

use lw_base::clock;
use parking_lot::Mutex;

/// The least a transaction is charged, microseconds.
const LEAST: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;

/// What was counted, microseconds. It never goes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metered {
    /// Time in which a transaction was open.
    pub busy: i64,
    /// Time charged.
    pub charged: i64,
}

/// The meter of a namespace.
#[derive(Debug, Default)]
pub struct Meter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    total: Metered,
    /// Moments at which open transactions began, and how many began then.
    open: BTreeMap<i64, usize>,
    /// Since when one is open without a break.
    busy_since: i64,
    /// Stretches charged that a transaction may still overlap: start to end, apart from one another.
    charged: BTreeMap<i64, i64>,
}

/// A transaction that is metered, until dropped.
#[derive(Debug)]
pub struct Metering {
    meter: Arc<Meter>,
    start: i64,
}

impl Drop for Metering {
    fn drop(&mut self) {
        self.meter.end(self.start, clock::now_micros());
    }
}

impl Meter {
    /// A meter that goes on from what was counted before.
    pub fn from(total: Metered) -> Arc<Meter> {
        Arc::new(Meter(Mutex::new(State {
            total,
            ..State::default()
        })))
    }

    /// A transaction begins.
    pub fn transaction(self: &Arc<Self>) -> Metering {
        let start = clock::now_micros();
        self.begin(start);
        Metering {
            meter: self.clone(),
            start,
        }
    }

    /// What was counted up to now.
    pub fn read(&self) -> Metered {
        self.at(clock::now_micros())
    }

    /// True while a transaction is open.
    pub fn running(&self) -> bool {
        !self.0.lock().open.is_empty()
    }

    fn at(&self, now: i64) -> Metered {
        let state = self.0.lock();
        let open = match state.open.is_empty() {
            true => 0,
            false => (now - state.busy_since).max(0),
        };
        Metered {
            busy: state.total.busy + open,
            ..state.total
        }
    }

    fn begin(&self, start: i64) {
        let mut state = self.0.lock();
        if state.open.is_empty() {
            state.busy_since = start;
        }
        *state.open.entry(start).or_default() += 1;
    }

    fn end(&self, start: i64, now: i64) {
        let mut state = self.0.lock();
        if let Some(count) = state.open.get_mut(&start) {
            *count -= 1;
            if *count == 0 {
                state.open.remove(&start);
            }
        }
        if state.open.is_empty() {
            state.total.busy += (now - state.busy_since).max(0);
        }
        let added = add(&mut state.charged, start, now.max(start + LEAST));
        state.total.charged += added;
        // Nothing that is open, or will be, reaches back before this.
        let floor = state.open.keys().next().copied().unwrap_or(now);
        state.charged.retain(|_, end| *end >= floor);
    }
}

impl Metered {
    /// Whole seconds of transactions.
    pub fn busy_s(self) -> u64 {
        (self.busy / SECOND).max(0) as u64
    }

    /// Whole seconds charged.
    pub fn charged_s(self) -> u64 {
        (self.charged / SECOND).max(0) as u64
    }
}

/// Adds a stretch to stretches that are apart; gives how much of it was not among them.
fn add(stretches: &mut BTreeMap<i64, i64>, start: i64, end: i64) -> i64 {
    let touching: Vec<(i64, i64)> = stretches
        .range(..=end)
        .filter(|(_, e)| **e >= start)
        .map(|(s, e)| (*s, *e))
        .collect();
    let (mut from, mut to, mut had) = (start, end, 0);
    for (s, e) in touching {
        stretches.remove(&s);
        from = from.min(s);
        to = to.max(e);
        had += e - s;
    }
    stretches.insert(from, to);
    to - from - had
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = SECOND;

    fn of(spans: &[(i64, i64)]) -> Metered {
        let meter = Meter::from(Metered::default());
        let mut moments: Vec<(i64, bool, i64)> = Vec::new();
        for (start, end) in spans {
            moments.push((*start, false, *start));
            moments.push((*end, true, *start));
        }
        moments.sort();
        let mut last = 0;
        for (at, ends, start) in moments {
            last = at;
            match ends {
                true => meter.end(start * S, at * S),
                false => meter.begin(start * S),
            }
        }
        meter.at(last * S)
    }

    #[test]
    fn a_short_transaction_costs_a_minute() {
        let m = of(&[(100, 103)]);
        assert_eq!((m.busy_s(), m.charged_s()), (3, 60));
    }

    #[test]
    fn a_minute_is_shared() {
        // Three statements in one minute, and one that begins within it and ends after it.
        let m = of(&[(100, 101), (110, 112), (130, 131)]);
        assert_eq!((m.busy_s(), m.charged_s()), (4, 90));
        let m = of(&[(100, 101), (150, 400)]);
        assert_eq!((m.busy_s(), m.charged_s()), (251, 300));
    }

    #[test]
    fn time_together_counts_once() {
        let m = of(&[(0, 300), (100, 200), (250, 500)]);
        assert_eq!((m.busy_s(), m.charged_s()), (500, 500));
        let m = of(&[(0, 10), (1000, 1010)]);
        assert_eq!((m.busy_s(), m.charged_s()), (20, 120));
    }

    #[test]
    fn what_is_open_is_busy_and_not_yet_charged() {
        let meter = Meter::from(Metered {
            busy: 7 * S,
            charged: 60 * S,
        });
        meter.begin(1000 * S);
        let m = meter.at(1100 * S);
        assert_eq!((m.busy_s(), m.charged_s()), (107, 60));
        meter.end(1000 * S, 1100 * S);
        let m = meter.at(1100 * S);
        assert_eq!((m.busy_s(), m.charged_s()), (107, 160));
    }
}
