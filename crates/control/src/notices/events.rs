//! What happened to clusters and their like, as DescribeEvents shows it (guide L27532).

use chrono::{DateTime, Duration, Utc};
use lw_aws_model::ApiError;
use serde::{Deserialize, Serialize};

use super::bus::{self, Pending};
use super::catalogue;
use crate::records::{Record, Txn, View};

/// How long events are kept: "several weeks" (guide L27532).
pub const KEPT: Duration = Duration::weeks(4);

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Type of the source: `cluster`, `cluster-snapshot` ...
    pub source_type: String,
    /// Its name.
    pub source_id: String,
    /// `management` ...
    pub category: String,
    /// `INFO`, `ERROR`
    pub severity: String,
    /// `REDSHIFT-EVENT-2000`
    pub event_id: String,
    /// What happened, for a person.
    pub message: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Event {
    /// An event of the catalogue: `Event::of("REDSHIFT-EVENT-2001", "c1", now, &[("was", "was not")])`.
    /// `{id}` and `{time}` fill themselves.
    pub fn of(event_id: &str, source_id: &str, at: DateTime<Utc>, words: &[(&str, &str)]) -> Event {
        let kind = catalogue::kind(event_id);
        debug_assert!(kind.is_some(), "{event_id} is not in the catalogue");
        let time = at.format("%Y-%m-%d %H:%M UTC").to_string();
        let mut message = kind.map_or("", |kind| kind.text).to_string();
        for (word, value) in words.iter().chain(&[("id", source_id), ("time", &time)]) {
            message = message.replace(&format!("{{{word}}}"), value);
        }
        debug_assert!(!message.contains('{'), "words are missing: {message}");
        Event {
            source_type: kind.map_or(catalogue::CLUSTER, |kind| kind.source).into(),
            source_id: source_id.into(),
            category: kind.map_or("monitoring", |kind| kind.category).into(),
            severity: kind.map_or("INFO", |kind| kind.severity).into(),
            event_id: event_id.into(),
            message,
            at,
        }
    }
}

/// An event that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventRecord {
    /// Its id: time first, so that lists are in order.
    pub id: String,
    /// What happened.
    pub event: Event,
}

impl Record for EventRecord {
    const KIND: &'static str = "event";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Keeps an event, in the same transaction as what it tells of. Subscribers are told after the commit.
pub fn emit(txn: &mut Txn, event: Event) -> Result<(), ApiError> {
    let id = bus::id(event.at);
    txn.put(Pending {
        id: id.clone(),
        event: Some(event.clone()),
        envelope: None,
    })?;
    txn.put(EventRecord { id, event })
}

/// Events of a time (from inclusive, to exclusive) in order, of a source if one is named.
pub fn list(
    view: &View,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    source_type: Option<&str>,
    source_id: Option<&str>,
) -> Vec<EventRecord> {
    view.list::<EventRecord>()
        .into_iter()
        .filter(|record| {
            let event = &record.event;
            event.at >= from
                && event.at < to
                && source_type.is_none_or(|wanted| wanted == event.source_type)
                && source_id.is_none_or(|wanted| wanted == event.source_id)
        })
        .map(|record| (*record).clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bed;

    #[tokio::test]
    async fn events_are_kept_in_order_and_found() {
        let bed = Bed::new().await;
        let now = bed.control.clock.now();
        let mut txn = bed.control.records.begin().await;
        let deleted = Event::of("REDSHIFT-EVENT-2001", "c1", now, &[("was", "was not")]);
        assert!(deleted.message.starts_with("Cluster c1 was deleted at 20"));
        assert!(deleted.message.ends_with("A final snapshot was not saved."));
        emit(&mut txn, deleted).unwrap();
        let before = now - Duration::minutes(5);
        emit(
            &mut txn,
            Event::of("REDSHIFT-EVENT-2000", "c1", before, &[]),
        )
        .unwrap();
        emit(
            &mut txn,
            Event::of("REDSHIFT-EVENT-1003", "g1", before, &[]),
        )
        .unwrap();
        txn.commit().await.unwrap();
        let view = bed.control.records.view();
        let ids = |from, kind: Option<&str>| -> Vec<String> {
            list(&view, from, now + Duration::seconds(1), kind, None)
                .into_iter()
                .map(|record| record.event.event_id)
                .collect()
        };
        assert_eq!(
            ids(before, Some("cluster")),
            ["REDSHIFT-EVENT-2000", "REDSHIFT-EVENT-2001"]
        );
        assert_eq!(ids(now, None), ["REDSHIFT-EVENT-2001"]);
    }
}
