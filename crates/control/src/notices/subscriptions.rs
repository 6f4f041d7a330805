//! Subscriptions to events (guide L27552-27588): the record that the operations of `redshift` keep,
//! and which events it is for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::events::Event;
use crate::records::Record;

/// A subscription to events of a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventSubscription {
    /// Its name.
    pub name: String,
    /// ARN of the topic it sends to.
    pub topic_arn: String,
    /// Only events of sources of this type.
    #[serde(default)]
    pub source_type: Option<String>,
    /// Only events of these sources; empty: of all.
    #[serde(default)]
    pub source_ids: Vec<String>,
    /// Only events of these categories; empty: of all.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Only events of this severity: `INFO` or `ERROR`.
    #[serde(default)]
    pub severity: Option<String>,
    /// False: it is paused.
    pub enabled: bool,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl Record for EventSubscription {
    const KIND: &'static str = "event-subscription";

    fn id(&self) -> String {
        self.name.clone()
    }
}

impl EventSubscription {
    /// True if the event is one it asks for: all criteria that are given must hold (guide
    /// L27568-27582).
    pub fn wants(&self, event: &Event) -> bool {
        let among = |wanted: &[String], value: &str| {
            wanted.is_empty() || wanted.iter().any(|one| one.eq_ignore_ascii_case(value))
        };
        self.enabled
            && self
                .source_type
                .as_deref()
                .is_none_or(|wanted| wanted == event.source_type)
            && among(&self.source_ids, &event.source_id)
            && among(&self.categories, &event.category)
            && self
                .severity
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(&event.severity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_criteria_must_hold() {
        let now = Utc::now();
        let rebooted = Event::of("REDSHIFT-EVENT-3000", "c1", now, &[]);
        let failed = Event::of("REDSHIFT-EVENT-3501", "c1", now, &[("snapshot", "s1")]);
        let made = Event::of("REDSHIFT-EVENT-2000", "c1", now, &[]);
        let of =
            |source: Option<&str>, ids: &[&str], categories: &[&str], severity: Option<&str>| {
                EventSubscription {
                    name: "s".into(),
                    topic_arn: "arn:aws:sns:us-east-1:123456789012:t".into(),
                    source_type: source.map(Into::into),
                    source_ids: ids.iter().map(|id| id.to_string()).collect(),
                    categories: categories.iter().map(|c| c.to_string()).collect(),
                    severity: severity.map(Into::into),
                    enabled: true,
                    created: now,
                }
            };
        // Guide L27579-27582.
        let one = of(Some("cluster"), &["c1"], &["monitoring"], Some("ERROR"));
        assert!(one.wants(&failed) && !one.wants(&rebooted) && !one.wants(&made));
        let errors = of(None, &[], &[], Some("ERROR"));
        assert!(errors.wants(&failed) && !errors.wants(&made));
        let all = of(None, &[], &[], None);
        assert!(all.wants(&made));
        // A source of another type never fires (L27573-27575).
        assert!(!of(Some("cluster-snapshot"), &["c1"], &[], None).wants(&failed));
        let mut paused = of(None, &[], &[], None);
        paused.enabled = false;
        assert!(!paused.wants(&made));
    }
}
