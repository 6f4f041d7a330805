//! What happened: events and their subscribers, topics, rules, and the record of API calls.
//!
//! Where to start: [`emit`] (an event, in the transaction of what it tells of), [`catalogue`] (all events
//! there are), [`dispatch`] (who is told), [`delivery`] (how).

pub mod catalogue;

mod audit;
pub mod bus;
mod delivery;
mod dispatch;
mod events;
mod mail;
mod roles;
mod rules;
pub mod sns;
pub mod subscriptions;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use lw_aws_model::{ApiError, Value};
use parking_lot::RwLock;

use crate::registry::Registry;
use crate::{Call, Control};

pub use events::{Event, emit, list};
pub use subscriptions::EventSubscription;

/// What is in memory only.
#[derive(Default)]
pub struct Notices {
    audit: audit::Audit,
    client: reqwest::Client,
    http_url: RwLock<Option<String>>,
    relay: RwLock<Option<mail::Relay>>,
}

impl Notices {
    /// Says under which URL the HTTP port is reached from outside: where subscriptions are confirmed.
    pub fn set_http_url(&self, url: &str) {
        *self.http_url.write() = Some(url.trim_end_matches('/').to_string());
    }

    /// Says where e-mail goes (`host:port` of an SMTP relay) and under whose address. Without it topics
    /// have no subscribers by e-mail.
    pub fn set_mail_relay(&self, address: &str, from: &str) {
        *self.relay.write() = Some(mail::Relay {
            address: address.to_string(),
            from: from.to_string(),
        });
    }

    fn relay(&self) -> Option<mail::Relay> {
        self.relay.read().clone()
    }

    fn http_url(&self) -> String {
        self.http_url
            .read()
            .clone()
            .unwrap_or_else(|| "http://127.0.0.1:5440".into())
    }
}

/// The operations.
pub fn register(registry: &mut Registry) {
    sns::register(registry);
    rules::register(registry);
}

/// Starts delivery: after every commit, and once a second for what goes by the clock.
pub async fn start(control: &Arc<Control>) {
    let weak = Arc::downgrade(control);
    let mut commits = control.records.commits();
    control.jobs.start("notices".into(), async move {
        loop {
            let Some(control) = weak.upgrade() else {
                return;
            };
            round(&control).await;
            drop(control);
            tokio::select! {
                changed = commits.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    });
    let weak = Arc::downgrade(control);
    control.jobs.every(Duration::from_secs(3600), move || {
        let control = weak.upgrade();
        async move {
            let Some(control) = control else {
                return;
            };
            if let Err(error) = dispatch::sweep(&control).await {
                tracing::error!(%error, "old events could not be deleted");
            }
            audit::sweep(&control.config.dir.join("audit"), control.clock.now());
        }
    });
}

/// Everything that is due now.
async fn round(control: &Arc<Control>) {
    let done = async {
        dispatch::tell(control).await?;
        dispatch::by_the_clock(control).await?;
        dispatch::invoke_due(control).await
    };
    if let Err(error) = done.await {
        tracing::error!(%error, "events could not be told");
    }
    delivery::send_due(control);
}

/// Records a call.
pub fn audit(call: &Call, input: &Value, result: &Result<Value, ApiError>) {
    call.control.notices.audit.record(call, input, result);
    tracing::debug!(
        service = call.service.name,
        operation = call.operation,
        caller = call.caller.arn,
        request = call.request_id,
        error = result.as_ref().err().map(|e| e.code.as_str()),
        "API call"
    );
}
