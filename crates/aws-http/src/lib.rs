//! The HTTP port: the AWS services by signing name (S3 today), `/health`, `/metrics`, `/ca.pem`, and
//! a page at `/`. It also keeps the buckets of the S3 endpoint and gives the engine a way to them
//! that does not go through HTTP.
//!
//! What it must never know: SQL, the catalog, the engine, how statements run.
//!
//! Where to start: [`serve`], then [`store::BucketStore`] (the buckets), [`s3`] (the S3 API),
//! [`buckets::Buckets`] (what COPY and UNLOAD are given).

mod aws;
pub mod buckets;
mod external;
pub mod s3;
mod services;
mod signing;
pub mod store;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{StatusCode, header};
use lw_aws_model::edge::AwsApi;
use lw_services::buckets::BucketAccess;
use prometheus::{IntCounterVec, Opts, Registry, TextEncoder};
use s3s::auth::SecretKey;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use buckets::{Buckets, BucketsConfig};
pub use store::BucketStore;

/// How long requests may go on after the shutdown began.
const GRACE: Duration = Duration::from_secs(5);

/// What the HTTP port needs.
#[derive(Clone)]
pub struct HttpConfig {
    /// Access key id of the root.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Region, for instance `us-east-1`.
    pub region: String,
    /// The account, twelve digits.
    pub account_id: String,
    /// The buckets.
    pub store: Arc<BucketStore>,
    /// True once SQL is served.
    pub ready: Arc<AtomicBool>,
    /// What `/metrics` prints.
    pub metrics: Registry,
    /// Certificate of the SQL port's authority; `None` if TLS is off.
    pub ca_pem: Option<PathBuf>,
    /// The AWS services but S3; `None`: they are refused.
    pub api: Option<Arc<dyn AwsApi>>,
    /// Who may use which buckets; `None`: the root's key alone.
    pub access: Option<Arc<dyn BucketAccess>>,
}

struct Port {
    config: HttpConfig,
    s3: S3Service,
    requests: IntCounterVec,
}

/// Serves until `shutdown` is done, then a little longer for requests under way.
pub async fn serve(
    listener: TcpListener,
    config: HttpConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = router(config)?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        shutdown.await;
        stop.cancel();
    });
    let graceful = stopped.clone();
    let serving = axum::serve(
        listener,
        router.into_make_service_with_connect_info::<std::net::SocketAddr>(),
    )
    .with_graceful_shutdown(async move { graceful.cancelled().await });
    tokio::select! {
        result = async { serving.await } => result,
        () = async { stopped.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

/// All routes of the port.
pub fn router(config: HttpConfig) -> std::io::Result<Router> {
    let requests = IntCounterVec::new(
        Opts::new("longwave_http_requests_total", "Requests on the HTTP port"),
        &["service", "status"],
    )
    .map_err(std::io::Error::other)?;
    // A second port in the same process (tests) shares the registry's first counter.
    if let Err(error) = config.metrics.register(Box::new(requests.clone())) {
        tracing::debug!(%error, "metrics");
    }
    let mut builder = S3ServiceBuilder::new(s3::S3Api {
        store: config.store.clone(),
        region: config.region.clone(),
        account: config.account_id.clone(),
    });
    builder.set_auth(s3::Keys {
        root: (
            config.access_key_id.clone(),
            SecretKey::from(config.secret_access_key.clone()),
        ),
        access: config.access.clone(),
    });
    builder.set_access(s3::Access {
        root: config.access_key_id.clone(),
        access: config.access.clone(),
    });
    builder.set_host(s3::HostNames);
    let s3 = builder.build();
    let port = Arc::new(Port {
        config,
        s3,
        requests,
    });
    Ok(Router::new().fallback(dispatch).with_state(port))
}

/// One place decides whose a request is: a signed one belongs to the service it is signed for, an
/// unsigned one to the port's own pages.
async fn dispatch(State(port): State<Arc<Port>>, request: Request) -> Response {
    let service = signing::service(&request);
    let (label, response) = match (service.as_deref(), &port.config.api) {
        (Some("s3"), _) => ("s3", port.s3(request).await),
        (Some(name), Some(api)) => match lw_aws_model::service(name) {
            Some(service) => (service.name, aws::answer(&**api, service, request).await),
            None => ("other", services::unsupported(name, &request)),
        },
        (Some(name), None) => ("other", services::unsupported(name, &request)),
        (None, api) => match (api, unsigned_service(&request)) {
            (Some(api), Some(service)) => {
                (service.name, aws::answer(&**api, service, request).await)
            }
            _ => ("none", port.page(request).await),
        },
    };
    port.requests
        .with_label_values(&[label, response.status().as_str()])
        .inc();
    response
}

/// The service an unsigned request is for: one that asks by form parameters or by `X-Amz-Target`. It
/// is told in the service's own words that the signature is missing, unless the operation needs none.
fn unsigned_service(request: &Request) -> Option<&'static lw_aws_model::Service> {
    if request.method() == http::Method::GET && request.uri().query().is_none() {
        return None;
    }
    if let Some(target) = request
        .headers()
        .get("x-amz-target")
        .and_then(|v| v.to_str().ok())
    {
        let (prefix, _) = target.rsplit_once('.')?;
        return lw_aws_model::SERVICES
            .iter()
            .map(|service| service.get())
            .find(|service| service.target_prefix == prefix);
    }
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
    if request.uri().path() != "/" {
        return None;
    }
    let query = request.uri().query().unwrap_or_default();
    let word = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    match word("Action") {
        Some(action) => lw_aws_model::SERVICES
            .iter()
            .map(|service| service.get())
            .find(|service| {
                service.protocol == lw_aws_model::Protocol::Query
                    && service.operations.contains_key(action)
                    && word("Version").is_none_or(|version| version == service.api_version)
            }),
        // STS has most operations without a signature.
        None => form.then(|| lw_aws_model::sts::SERVICE.get()),
    }
}

impl Port {
    async fn s3(&self, request: Request) -> Response {
        use http_body_util::BodyExt;
        let request =
            request.map(|body| s3s::Body::http_body_unsync(body.map_err(std::io::Error::other)));
        match self.s3.call(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) => {
                tracing::error!(?error, "S3 endpoint");
                text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "text/plain",
                    "internal error\n",
                )
            }
        }
    }

    async fn page(&self, request: Request) -> Response {
        let reading = matches!(*request.method(), http::Method::GET | http::Method::HEAD);
        match request.uri().path() {
            "/health" if reading => {
                if self.config.ready.load(Ordering::Acquire) {
                    text(StatusCode::OK, "text/plain", "ok\n")
                } else {
                    text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "starting\n")
                }
            }
            "/metrics" if reading => {
                match TextEncoder::new().encode_to_string(&self.config.metrics.gather()) {
                    Ok(metrics) => text(StatusCode::OK, "text/plain; version=0.0.4", metrics),
                    Err(error) => text(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "text/plain",
                        format!("{error}\n"),
                    ),
                }
            }
            "/ca.pem" if reading => match &self.config.ca_pem {
                Some(path) => match tokio::fs::read_to_string(path).await {
                    Ok(pem) => text(StatusCode::OK, "application/x-pem-file", pem),
                    Err(error) => text(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "text/plain",
                        format!("cannot read the certificate: {error}\n"),
                    ),
                },
                None => services::not_found(&request),
            },
            "/" if reading => text(
                StatusCode::OK,
                "text/plain; charset=utf-8",
                format!(
                    "Longwave, a data warehouse for Redshift clients.\n\n\
                     This is the HTTP port: set AWS_ENDPOINT_URL to this address, with the keys of the\n\
                     data directory's file `credentials`, and use the S3 API. Region {}, account {}.\n\n\
                     GET /health   200 once SQL is served\n\
                     GET /metrics  Prometheus metrics\n\
                     GET /ca.pem   certificate authority of the SQL port\n",
                    self.config.region, self.config.account_id
                ),
            ),
            // Clients of S3 ask anonymously only by mistake; s3s says so in their form. A form POST
            // carries its signature in the body.
            path if signing::looks_like_s3(&request, path) => self.s3(request).await,
            _ => services::not_found(&request),
        }
    }
}

fn text(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static(content_type),
    );
    response
}
