//! Plans of the texts a session has lately sent: a program sends the same few over and over.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use lw_services::Prepared;
use lw_sql_plan::Plan;

use crate::session::Resolved;

/// Texts remembered.
const TEXTS: usize = 128;
/// Longer texts are not worth their memory: they carry data, and do not come again.
const LONGEST: usize = 4096;
/// Words that stand for a moment inside literals: planning may make a constant of them.
const MOMENTS: [&str; 4] = ["now", "today", "tomorrow", "yesterday"];

/// The plans, by text.
#[derive(Default)]
pub(crate) struct RecentPlans {
    plans: HashMap<Arc<str>, Arc<Prepared>>,
    /// Oldest first.
    order: VecDeque<Arc<str>>,
}

impl RecentPlans {
    /// The statement last planned for a text.
    pub(crate) fn get(&self, text: &str) -> Option<Arc<Prepared>> {
        self.plans.get(text).cloned()
    }

    /// Remembers a statement, if it is one whose plan depends on nothing but definitions and
    /// settings.
    pub(crate) fn keep(&mut self, prepared: &Arc<Prepared>) {
        let text = &prepared.statement.text;
        let plan = prepared.inner.downcast_ref::<Resolved>();
        let lasting = matches!(
            plan.map(|resolved| &resolved.planned.plan),
            Some(Plan::Query(_) | Plan::Dml(_))
        );
        if !lasting || text.len() > LONGEST || names_moment(text) {
            return;
        }
        if self.plans.insert(text.clone(), prepared.clone()).is_some() {
            return;
        }
        self.order.push_back(text.clone());
        if self.order.len() > TEXTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.plans.remove(&oldest);
        }
    }
}

fn names_moment(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    MOMENTS.iter().any(|word| lower.contains(word))
}
