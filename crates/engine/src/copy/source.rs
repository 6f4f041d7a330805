//! Which files a COPY loads: URL, prefix, manifest; and what the store's errors are to the client.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use lw_base::{Result, SqlError, SqlState};
use lw_services::buckets::{Bucket, BucketError, BucketIdentity, BucketResolver};
use lw_sql_plan::CopyCredentials;
use serde::Deserialize;

/// The largest manifest that is read.
const MANIFEST_BYTES: u64 = 64 << 20;

/// One file to load.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    pub bucket: Arc<dyn Bucket>,
    /// `s3://bucket/key`
    pub url: String,
    pub key: String,
    pub size: u64,
}

/// Who the statement says it is.
pub(crate) fn identity(credentials: &CopyCredentials) -> BucketIdentity {
    match credentials {
        CopyCredentials::DefaultRole => BucketIdentity::DefaultRole,
        CopyCredentials::Role(arn) => BucketIdentity::Role(arn.clone()),
        CopyCredentials::Keys {
            access_key_id,
            secret_access_key,
            session_token,
        } => BucketIdentity::Keys {
            access_key_id: access_key_id.clone(),
            secret_access_key: secret_access_key.clone(),
            session_token: session_token.clone(),
        },
    }
}

/// An error of the store, in the form Redshift gives S3's.
pub(crate) fn s3_error(error: BucketError, context: &str) -> SqlError {
    match error.code.as_str() {
        "InvalidRole" => SqlError::new(SqlState::INVALID_PARAMETER_VALUE, error.message),
        "NotAuthorizedToAssumeRole" => SqlError::new(SqlState::INTERNAL_ERROR, error.message),
        _ => {
            let text = format!(
                "S3ServiceException:{},Status {},Error {},Rid 0,CanRetry 1",
                error.message, error.status, error.code
            );
            let detail = detail(&text, context);
            SqlError::new(SqlState::INTERNAL_ERROR, text).with_detail(detail)
        }
    }
}

/// The block Redshift puts under errors of the store.
pub(crate) fn detail(error: &str, context: &str) -> String {
    let line = "-----------------------------------------------";
    format!("\n  {line}\n  error:  {error}\n  code:      8001\n  context:   {context}\n  {line}\n")
}

/// Bucket and key of `s3://bucket/key`.
pub(crate) fn parse_url(url: &str) -> Result<(&str, &str)> {
    let Some(rest) = url.strip_prefix("s3://") else {
        for (scheme, what) in [
            ("dynamodb://", "Amazon DynamoDB"),
            ("emr://", "Amazon EMR"),
            ("ssh://", "remote hosts (SSH)"),
        ] {
            if url.starts_with(scheme) {
                return Err(SqlError::unsupported(format!("COPY from {what}")));
            }
        }
        return Err(invalid_url(url));
    };
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(invalid_url(url));
    }
    Ok((bucket, key))
}

fn invalid_url(url: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("Invalid S3 URL: '{url}'"),
    )
    .with_hint("Use the form 's3://bucket/key-prefix'.")
}

/// Opens buckets once each.
pub(crate) struct Buckets<'a> {
    resolver: &'a Arc<dyn BucketResolver>,
    identity: BucketIdentity,
    region: Option<&'a str>,
    open: HashMap<String, Arc<dyn Bucket>>,
}

impl<'a> Buckets<'a> {
    pub fn new(
        resolver: &'a Arc<dyn BucketResolver>,
        credentials: &CopyCredentials,
        region: Option<&'a str>,
    ) -> Self {
        Buckets {
            resolver,
            identity: identity(credentials),
            region,
            open: HashMap::new(),
        }
    }

    pub async fn open(&mut self, bucket: &str) -> Result<Arc<dyn Bucket>> {
        if let Some(open) = self.open.get(bucket) {
            return Ok(open.clone());
        }
        let open = self
            .resolver
            .open(bucket, self.region, &self.identity)
            .await
            .map_err(|e| s3_error(e, &format!("Opening bucket={bucket}")))?;
        self.open.insert(bucket.to_string(), open.clone());
        Ok(open)
    }
}

/// All files of a COPY, in order of their names (or of the manifest).
pub(crate) async fn files(
    buckets: &mut Buckets<'_>,
    from: &str,
    manifest: bool,
) -> Result<Vec<SourceFile>> {
    let (name, key) = parse_url(from)?;
    let bucket = buckets.open(name).await?;
    if manifest {
        return manifest_files(buckets, bucket, name, key).await;
    }
    let listed = bucket
        .list(key)
        .await
        .map_err(|e| s3_error(e, &format!("Listing bucket={name} prefix={key}")))?;
    let files: Vec<SourceFile> = listed
        .into_iter()
        // Folders that tools make visible as empty objects.
        .filter(|o| !(o.key.ends_with('/') && o.size == 0))
        .map(|o| SourceFile {
            bucket: bucket.clone(),
            url: format!("s3://{name}/{}", o.key),
            key: o.key,
            size: o.size,
        })
        .collect();
    if files.is_empty() {
        let text = format!("The specified S3 prefix '{key}' does not exist");
        let detail = detail(&text, "");
        return Err(SqlError::new(SqlState::INTERNAL_ERROR, text).with_detail(detail));
    }
    Ok(files)
}

#[derive(Deserialize)]
struct Manifest {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    url: String,
    #[serde(default)]
    mandatory: bool,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    content_length: Option<u64>,
}

async fn manifest_files(
    buckets: &mut Buckets<'_>,
    bucket: Arc<dyn Bucket>,
    name: &str,
    key: &str,
) -> Result<Vec<SourceFile>> {
    let context = format!("Reading manifest s3://{name}/{key}");
    let info = bucket.head(key).await.map_err(|e| match e.code.as_str() {
        "NoSuchKey" => SqlError::new(
            SqlState::INTERNAL_ERROR,
            format!(
                "Problem reading manifest file - S3ServiceException:{},Status 404,Error NoSuchKey",
                e.message
            ),
        )
        .with_detail("code: 8001"),
        _ => s3_error(e, &context),
    })?;
    if info.size > MANIFEST_BYTES {
        return Err(broken_manifest("the file is too large"));
    }
    let pieces: Vec<_> = bucket
        .get(key, None)
        .await
        .map_err(|e| s3_error(e, &context))?
        .try_collect()
        .await
        .map_err(|e| s3_error(e, &context))?;
    let manifest: Manifest =
        serde_json::from_slice(&pieces.concat()).map_err(|e| broken_manifest(&e.to_string()))?;
    let mut files = Vec::new();
    for entry in manifest.entries {
        let (name, key) = parse_url(&entry.url)?;
        let bucket = buckets.open(name).await?;
        match bucket.head(key).await {
            Ok(info) => {
                let announced = entry.meta.and_then(|m| m.content_length);
                if announced.is_some_and(|n| n != info.size) {
                    return Err(broken_manifest(&format!(
                        "the size of {} differs from its content_length",
                        entry.url
                    )));
                }
                files.push(SourceFile {
                    bucket,
                    key: key.to_string(),
                    size: info.size,
                    url: entry.url,
                });
            }
            Err(e) if e.code == "NoSuchKey" && !entry.mandatory => {}
            Err(e) if e.code == "NoSuchKey" => {
                return Err(SqlError::new(
                    SqlState::INTERNAL_ERROR,
                    format!(
                        "Mandatory url is not present in manifest file: {}",
                        entry.url
                    ),
                )
                .with_detail("code: 8001"));
            }
            Err(e) => return Err(s3_error(e, &format!("Reading {}", entry.url))),
        }
    }
    if files.is_empty() {
        return Err(SqlError::new(
            SqlState::INTERNAL_ERROR,
            format!("No files of the manifest 's3://{name}/{key}' were found"),
        )
        .with_detail("code: 8001"));
    }
    Ok(files)
}

fn broken_manifest(why: &str) -> SqlError {
    SqlError::new(
        SqlState::INTERNAL_ERROR,
        format!("Problem reading manifest file - invalid manifest: {why}"),
    )
    .with_detail("code: 8001")
}
