//! Buckets of another S3-compatible endpoint, through the crate `object_store`.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use lw_services::buckets::*;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt};
use tokio::io::AsyncWriteExt;

use crate::buckets::ExternalS3;

pub fn open(
    config: &ExternalS3,
    bucket: &str,
    region: Option<&str>,
    identity: &BucketIdentity,
) -> Result<Arc<dyn Bucket>, BucketError> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region.unwrap_or(&config.region));
    if let Some(url) = &config.endpoint_url {
        builder = builder
            .with_endpoint(url)
            .with_allow_http(url.starts_with("http://"));
    }
    let keys = match identity {
        BucketIdentity::Keys {
            access_key_id,
            secret_access_key,
            session_token,
        } => (
            access_key_id.clone(),
            secret_access_key.clone(),
            session_token.clone(),
        ),
        BucketIdentity::DefaultRole | BucketIdentity::Role(_) => {
            config.role_keys.clone().ok_or_else(|| {
                BucketError::new(
                    403,
                    "AccessDenied",
                    "Access Denied: no keys are configured for IAM roles at the external endpoint",
                )
            })?
        }
    };
    builder = builder
        .with_access_key_id(keys.0)
        .with_secret_access_key(keys.1);
    if let Some(token) = keys.2 {
        builder = builder.with_token(token);
    }
    let store = builder.build().map_err(convert)?;
    Ok(Arc::new(External {
        store: Arc::new(store),
    }))
}

#[derive(Debug)]
struct External {
    store: Arc<AmazonS3>,
}

fn convert(error: object_store::Error) -> BucketError {
    use object_store::Error;
    let text = error.to_string();
    match error {
        // S3 says NoSuchBucket in the body of a listing's 404.
        Error::NotFound { .. } if text.contains("NoSuchBucket") => {
            BucketError::new(404, "NoSuchBucket", "The specified bucket does not exist")
        }
        Error::NotFound { .. } => {
            BucketError::new(404, "NoSuchKey", "The specified key does not exist.")
        }
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            let code = [
                "InvalidAccessKeyId",
                "SignatureDoesNotMatch",
                "ExpiredToken",
            ]
            .into_iter()
            .find(|code| text.contains(code))
            .unwrap_or("AccessDenied");
            BucketError::new(403, code, "Access Denied")
        }
        _ => BucketError::internal(text),
    }
}

fn path(key: &str) -> Result<Path, BucketError> {
    Path::parse(key).map_err(|e| {
        BucketError::new(
            400,
            "InvalidArgument",
            format!("this key cannot be used at an external endpoint: {e}"),
        )
    })
}

#[async_trait]
impl Bucket for External {
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, BucketError> {
        // The crate lists whole path segments; S3's prefixes end anywhere.
        let folder = prefix
            .rsplit_once('/')
            .map(|(folder, _)| Path::from(folder));
        let mut all: Vec<ObjectInfo> = self
            .store
            .list(folder.as_ref())
            .map_err(convert)
            .map_ok(|meta| ObjectInfo {
                key: meta.location.to_string(),
                size: meta.size,
            })
            .try_filter(|info| futures::future::ready(info.key.starts_with(prefix)))
            .try_collect()
            .await?;
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, BucketError> {
        let meta = self.store.head(&path(key)?).await.map_err(convert)?;
        Ok(ObjectInfo {
            key: key.to_string(),
            size: meta.size,
        })
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<ObjectStream, BucketError> {
        let options = GetOptions {
            range: range.map(Into::into),
            ..GetOptions::default()
        };
        let result = self
            .store
            .get_opts(&path(key)?, options)
            .await
            .map_err(convert)?;
        Ok(result
            .into_stream()
            .map(|piece| piece.map_err(convert))
            .boxed())
    }

    async fn put(&self, key: &str) -> Result<Box<dyn ObjectWriter>, BucketError> {
        Ok(Box::new(ExternalWriter {
            key: key.to_string(),
            size: 0,
            writer: BufWriter::new(self.store.clone(), path(key)?),
        }))
    }

    async fn delete(&self, key: &str) -> Result<(), BucketError> {
        match self.store.delete(&path(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(convert(e)),
        }
    }
}

struct ExternalWriter {
    key: String,
    size: u64,
    writer: BufWriter,
}

#[async_trait]
impl ObjectWriter for ExternalWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BucketError> {
        self.size += bytes.len() as u64;
        Ok(self.writer.put(bytes).await.map_err(convert)?)
    }

    async fn finish(mut self: Box<Self>) -> Result<ObjectInfo, BucketError> {
        self.writer.shutdown().await?;
        Ok(ObjectInfo {
            key: self.key,
            size: self.size,
        })
    }
}
