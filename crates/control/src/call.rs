//! One call of an operation: who asks, and the way to everything an operation needs.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lw_aws_model::Service;
use lw_aws_model::edge::Caller;

use crate::records::{Txn, View};
use crate::{Control, ControlConfig};

/// A call under way.
#[derive(Clone)]
pub struct Call {
    /// The control plane.
    pub control: Arc<Control>,
    /// Who asks.
    pub caller: Arc<Caller>,
    /// The service asked.
    pub service: &'static Service,
    /// The operation.
    pub operation: &'static str,
    /// Id of the request.
    pub request_id: String,
    /// Address of the client.
    pub source_ip: Option<IpAddr>,
    /// The client's own name for itself.
    pub user_agent: String,
    /// True if it came over TLS.
    pub secure: bool,
}

impl Call {
    /// The records now.
    pub fn view(&self) -> View {
        self.control.records.view()
    }

    /// Begins a change of records.
    pub async fn begin(&self) -> Txn {
        self.control.records.begin().await
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.control.clock.now()
    }

    /// The settings.
    pub fn config(&self) -> &ControlConfig {
        &self.control.config
    }
}
