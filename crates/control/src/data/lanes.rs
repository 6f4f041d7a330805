//! The order in which statements run. SDK programs submit CREATE, INSERTs and SELECT without waiting
//! in between (guide L29199-30310), so statements of one user in one database of one target run in
//! the order in which they came: those that only read beside each other, the others alone. A session
//! is such a lane too, one statement at a time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

/// Readers of a lane that run at one time.
const READERS: usize = 8;

type Start = Box<dyn FnOnce(Turn) + Send>;

struct Waiting {
    id: String,
    reads: bool,
    start: Start,
}

#[derive(Default)]
struct Lane {
    readers: usize,
    writing: bool,
    /// Somebody is starting those whose turn it is, and will look again.
    pumped: bool,
    queue: VecDeque<Waiting>,
}

/// All lanes.
#[derive(Clone, Default)]
pub struct Lanes(Arc<Mutex<HashMap<String, Lane>>>);

/// The right to run; given back when dropped.
pub struct Turn {
    lanes: Lanes,
    lane: String,
    reads: bool,
}

impl Lanes {
    /// Takes a place in a lane; `start` is called when it is its turn, perhaps at once.
    pub fn join(
        &self,
        lane: &str,
        id: &str,
        reads: bool,
        start: impl FnOnce(Turn) + Send + 'static,
    ) {
        self.0
            .lock()
            .entry(lane.to_string())
            .or_default()
            .queue
            .push_back(Waiting {
                id: id.to_string(),
                reads,
                start: Box::new(start),
            });
        self.pump(lane);
    }

    /// Leaves a lane before its turn came; false if it is not waiting there.
    pub fn leave(&self, lane: &str, id: &str) -> bool {
        let left = {
            let mut lanes = self.0.lock();
            let Some(found) = lanes.get_mut(lane) else {
                return false;
            };
            let before = found.queue.len();
            found.queue.retain(|waiting| waiting.id != id);
            before != found.queue.len()
        };
        self.pump(lane);
        left
    }

    /// Starts those whose turn it is. What starts may end at once and come back here: it leaves the
    /// rest to the one below it on the stack.
    fn pump(&self, lane: &str) {
        let mut first = true;
        while let Some(next) = self.next(lane, first) {
            first = false;
            (next.start)(Turn {
                lanes: self.clone(),
                lane: lane.to_string(),
                reads: next.reads,
            });
        }
    }

    /// The next whose turn it is; none if another is looking.
    fn next(&self, lane: &str, first: bool) -> Option<Waiting> {
        let mut lanes = self.0.lock();
        let found = lanes.get_mut(lane)?;
        if first && found.pumped {
            return None;
        }
        let free = match found.queue.front() {
            None => false,
            Some(waiting) if waiting.reads => !found.writing && found.readers < READERS,
            Some(_) => !found.writing && found.readers == 0,
        };
        let next = free.then(|| found.queue.pop_front()).flatten();
        found.pumped = next.is_some();
        match &next {
            Some(next) if next.reads => found.readers += 1,
            Some(_) => found.writing = true,
            None if found.queue.is_empty() && found.readers == 0 && !found.writing => {
                lanes.remove(lane);
            }
            None => {}
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(lane) = self.lanes.0.lock().get_mut(&self.lane) {
            if self.reads {
                lane.readers = lane.readers.saturating_sub(1);
            } else {
                lane.writing = false;
            }
        }
        self.lanes.pump(&self.lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_run_alone_and_in_order() {
        let lanes = Lanes::default();
        let running: Arc<Mutex<Vec<(&'static str, Turn)>>> = Arc::default();
        let join = |id: &'static str, reads| {
            let running = running.clone();
            lanes.join("l", id, reads, move |turn| running.lock().push((id, turn)));
        };
        let names = || -> Vec<_> { running.lock().iter().map(|(id, _)| *id).collect() };
        join("create", false);
        join("insert", false);
        join("select1", true);
        join("select2", true);
        join("drop", false);
        join("select3", true);
        assert_eq!(names(), ["create"]);
        let end = |index: usize| {
            let turn = running.lock().remove(index);
            drop(turn);
        };
        end(0);
        assert_eq!(names(), ["insert"]);
        end(0);
        assert_eq!(names(), ["select1", "select2"]);
        assert!(lanes.leave("l", "drop"));
        assert_eq!(names(), ["select1", "select2", "select3"]);
        for _ in 0..3 {
            end(0);
        }
        assert!(lanes.0.lock().is_empty());
        // Those that end as soon as they start do not pile up.
        let held: Arc<Mutex<Option<Turn>>> = Arc::default();
        let hold = held.clone();
        lanes.join("l", "first", false, move |turn| *hold.lock() = Some(turn));
        for _ in 0..100_000 {
            lanes.join("l", "x", false, drop);
        }
        let first = held.lock().take();
        drop(first);
        assert!(lanes.0.lock().is_empty());
        assert!(!lanes.leave("l", "drop"));
    }
}
