//! [`Control`]: from a request whose signature is right to its answer. Input is checked against the
//! model, the caller's policies are asked, the operation runs, and the call is recorded.

use std::sync::Arc;

use async_trait::async_trait;
use lw_aws_model::edge::{ApiRequest, AwsApi, CallerKind, Key};
use lw_aws_model::{ApiError, Value, check};
use lw_catalog::RecordStore;
use lw_services::warehouses::Provisioner;

use crate::clock::Clock;
use crate::identity::{Lookup, ServiceKeys};
use crate::jobs::Jobs;
use crate::records::Records;
use crate::registry::{Depth, Registry};
use crate::secrets::Guard;
use crate::vault::{self, Sealer};
use crate::{Call, ControlConfig, data, identity, kms, notices, provisioned, secrets, serverless};

/// The control plane.
pub struct Control {
    /// What it was told from outside.
    pub config: ControlConfig,
    /// What it keeps.
    pub records: Arc<Records>,
    /// Who runs warehouses.
    pub provisioner: Arc<dyn Provisioner>,
    /// Its time.
    pub clock: Clock,
    /// Work under way.
    pub jobs: Jobs,
    /// The Data API's statements and sessions under way.
    pub(crate) data: data::DataApi,
    /// Who is told of what.
    pub notices: notices::Notices,
    /// What secrets at rest are sealed with.
    pub root_key: Sealer,
    registry: Registry,
}

/// Every operation that is served.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    data::register(&mut registry);
    identity::register(&mut registry);
    kms::register(&mut registry);
    notices::register(&mut registry);
    provisioned::register(&mut registry);
    secrets::register(&mut registry);
    serverless::register(&mut registry);
    registry
}

impl Control {
    /// Opens the control plane: reads what is kept, makes what the first start needs.
    pub async fn open(
        config: ControlConfig,
        store: Arc<dyn RecordStore>,
        provisioner: Arc<dyn Provisioner>,
    ) -> lw_base::Result<Arc<Control>> {
        let root_key = vault::root(&config.dir)
            .map_err(|error| lw_base::SqlError::internal(format!("root key: {error}")))?;
        let control = Arc::new(Control {
            root_key,
            config,
            records: Records::open(store).await?,
            provisioner,
            clock: Clock::default(),
            jobs: Jobs::default(),
            data: data::DataApi::default(),
            notices: notices::Notices::default(),
            registry: registry(),
        });
        Ok(control)
    }

    /// Goes on with what a crash cut off, starts what should be running, and what goes by the clock.
    pub async fn start(self: &Arc<Self>) {
        identity::start(self).await;
        kms::start(self).await;
        provisioned::start(self).await;
        serverless::start(self).await;
        // After those whose passwords it changes.
        secrets::start(self).await;
        data::start(self).await;
        notices::start(self).await;
    }

    /// True if an operation is served.
    pub(crate) fn serves(&self, service: &str, operation: &str) -> bool {
        self.registry
            .get(service, operation)
            .is_some_and(|entry| !matches!(entry.depth, Depth::Refused(_)))
    }

    /// How the resources of a service are looked up.
    pub(crate) fn lookup(&self, service: &str) -> Option<Lookup> {
        self.registry.lookup(service)
    }

    /// The condition keys that only a service knows.
    pub(crate) fn keys(&self, service: &str) -> Option<ServiceKeys> {
        self.registry.service_keys(service)
    }

    /// Who says whether the passwords of a service can be changed now.
    pub(crate) fn rotation_guard(&self, service: &str) -> Option<Guard> {
        self.registry.rotation_guard(service)
    }

    /// Ends jobs; they go on at the next start.
    pub async fn stop(&self) {
        self.jobs.stop().await;
    }
}

/// [`Control`] behind the contract of the edge.
pub struct Api(pub Arc<Control>);

#[async_trait]
impl AwsApi for Api {
    async fn key(&self, id: &str, session_token: Option<&str>) -> Result<Key, ApiError> {
        identity::key(&self.0, id, session_token)
    }

    async fn call(&self, request: ApiRequest) -> Result<Value, ApiError> {
        let (service, name) = (request.service, request.operation.as_str());
        let Some((operation, entry)) = service
            .operations
            .get(name)
            .and_then(|operation| Some((operation, self.0.registry.get(service.name, name)?)))
        else {
            return Err(ApiError::of(
                "UnknownOperationException",
                "InvalidAction",
                400,
                format!(
                    "{}:{name} is not supported by Longwave yet.",
                    service.signing_name
                ),
            ));
        };
        let call = Call {
            control: self.0.clone(),
            caller: request.caller.clone(),
            service,
            operation: &operation.name,
            request_id: request.request_id.clone(),
            source_ip: request.source_ip,
            user_agent: request.user_agent.clone(),
            secure: request.secure,
        };
        if let Some(shape) = operation.input {
            check(service, shape, &request.input)?;
        }
        // Who needs no signature is let in by the operation itself (a token, an assertion).
        let nobody = request.caller.kind == CallerKind::Anonymous;
        if !nobody {
            identity::authorize_call(&call, &request.input)?;
        }
        let result = entry.run(call.clone(), request.input.clone()).await;
        notices::audit(&call, &request.input, &result);
        result
    }
}
