//! Audit logging of a cluster (guide L25100-25260): where its logs go.

use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    DescribeLoggingStatusMessage, DisableLoggingMessage, EnableLoggingMessage, LoggingStatus,
    S3TablePublishStatus, errors, op,
};
use serde::{Deserialize, Serialize};

use super::cluster::find_cluster;
use super::common::{Read, some};
use crate::Call;
use crate::records::Record;
use crate::registry::{Depth, Registry};

/// Logging of a cluster.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Logging {
    pub namespace: String,
    pub bucket: Option<String>,
    pub prefix: Option<String>,
    /// s3, cloudwatch
    pub destination: Option<String>,
    pub exports: Vec<String>,
    /// Logs published as S3 tables.
    pub tables: Vec<String>,
}

impl Record for Logging {
    const KIND: &'static str = "redshift.logging";
    fn id(&self) -> String {
        self.namespace.clone()
    }
}

const LOGS: &[&str] = &["connectionlog", "userlog", "useractivitylog"];

pub fn register(registry: &mut Registry) {
    let why =
        Depth::Record("log files are not delivered yet; system tables have what they would hold");
    registry.serve(op::EnableLogging, why, enable);
    registry.serve(op::DisableLogging, why, disable);
    registry.serve(op::DescribeLoggingStatus, why, describe);
}

fn shown(logging: Option<&Logging>) -> LoggingStatus {
    let Some(logging) = logging.filter(|l| l.destination.is_some() || !l.tables.is_empty()) else {
        return LoggingStatus {
            logging_enabled: Some(false),
            ..LoggingStatus::default()
        };
    };
    LoggingStatus {
        logging_enabled: Some(true),
        bucket_name: logging.bucket.clone(),
        s3_key_prefix: logging.prefix.clone(),
        log_destination_type: logging.destination.clone(),
        log_exports: (!logging.exports.is_empty()).then(|| logging.exports.clone()),
        s3_tables: (!logging.tables.is_empty()).then(|| S3TablePublishStatus {
            s3_tables: Some(logging.tables.clone()),
            ..S3TablePublishStatus::default()
        }),
        ..LoggingStatus::default()
    }
}

fn bucket(name: &str) -> Result<String, ApiError> {
    let right = (3..=63).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if right {
        return Ok(name.to_string());
    }
    Err(errors::invalid_s3_bucket_name_fault(format!(
        "The S3 bucket name {name} is not valid."
    )))
}

async fn enable(call: Call, input: EnableLoggingMessage) -> Result<LoggingStatus, ApiError> {
    let mut txn = call.begin().await;
    let cluster = find_cluster(&txn, &input.cluster_identifier)?;
    cluster.require_available()?;
    let exports = input.log_exports.unwrap_or_default();
    if let Some(wrong) = exports.iter().find(|log| !LOGS.contains(&log.as_str())) {
        return Err(ApiError::validation(format!(
            "Invalid log type: {wrong}. Valid values: {}.",
            LOGS.join(", ")
        )));
    }
    let mut logging = Read::get::<Logging>(&txn, &cluster.namespace)
        .map(|known| (*known).clone())
        .unwrap_or_default();
    logging.namespace = cluster.namespace.clone();
    match input.log_destination_type.as_deref().unwrap_or("s3") {
        "cloudwatch" => {
            if exports.is_empty() {
                return Err(ApiError::combination(
                    "LogExports is required when LogDestinationType is cloudwatch.",
                ));
            }
            logging.destination = Some("cloudwatch".into());
            logging.exports = exports;
            logging.bucket = None;
            logging.prefix = None;
        }
        "s3table" => {
            return Err(errors::unsupported_operation_fault(
                "The log destination s3table is not supported.",
            ));
        }
        _ => {
            let name = some(input.bucket_name).ok_or_else(|| {
                ApiError::combination("BucketName is required when LogDestinationType is s3.")
            })?;
            logging.destination = Some("s3".into());
            logging.bucket = Some(bucket(&name)?);
            logging.prefix = some(input.s3_key_prefix);
            logging.exports = exports;
        }
    }
    let shown = shown(Some(&logging));
    txn.put(logging)?;
    txn.commit().await?;
    Ok(shown)
}

async fn disable(call: Call, input: DisableLoggingMessage) -> Result<LoggingStatus, ApiError> {
    let mut txn = call.begin().await;
    let cluster = find_cluster(&txn, &input.cluster_identifier)?;
    txn.delete::<Logging>(&cluster.namespace);
    txn.commit().await?;
    Ok(shown(None))
}

async fn describe(
    call: Call,
    input: DescribeLoggingStatusMessage,
) -> Result<LoggingStatus, ApiError> {
    let view = call.view();
    let cluster = find_cluster(&view, &input.cluster_identifier)?;
    let logging = Read::get::<Logging>(&view, &cluster.namespace);
    Ok(shown(logging.as_deref()))
}
