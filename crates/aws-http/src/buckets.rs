//! The buckets as COPY and UNLOAD see them: the warehouse's own, without going through HTTP, and
//! those of an S3-compatible endpoint if one is configured.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use lw_services::buckets::*;

use crate::external;
use crate::s3::body;
use crate::store::{BucketDir, BucketStore, ObjectFile, ObjectMeta, StoreResult};

/// Who may use which buckets.
#[derive(Clone)]
pub struct BucketsConfig {
    /// Access key id of the root.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The account, twelve digits: its roles may be assumed.
    pub account_id: String,
    /// Region of the own buckets.
    pub region: String,
    /// Another S3-compatible endpoint, asked for buckets that are not the warehouse's own.
    pub external: Option<ExternalS3>,
}

/// Another S3-compatible endpoint.
#[derive(Clone)]
pub struct ExternalS3 {
    /// Its URL; `None`: Amazon's.
    pub endpoint_url: Option<String>,
    /// Its region, unless the statement names one.
    pub region: String,
    /// Keys that stand for IAM roles there (id, secret, token).
    pub role_keys: Option<(String, String, Option<String>)>,
}

/// Opens buckets for COPY and UNLOAD.
#[derive(Clone)]
pub struct Buckets {
    store: Arc<BucketStore>,
    config: Arc<BucketsConfig>,
    access: Arc<OnceLock<Arc<dyn BucketAccess>>>,
}

impl std::fmt::Debug for Buckets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buckets")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Buckets {
    /// The buckets of this store.
    pub fn new(store: Arc<BucketStore>, config: BucketsConfig) -> Self {
        Buckets {
            store,
            config: Arc::new(config),
            access: Arc::default(),
        }
    }

    /// From now on this decides who may do what.
    pub fn judged_by(&self, access: Arc<dyn BucketAccess>) {
        let _ = self.access.set(access);
    }

    /// Without anybody to decide, the root's keys are right, and so is every role of the account.
    fn check(&self, identity: &BucketIdentity) -> Result<(), BucketError> {
        if let Some(access) = self.access.get() {
            return access.statement(identity, None);
        }
        let config = &self.config;
        match identity {
            BucketIdentity::DefaultRole => Ok(()),
            BucketIdentity::Role(arns) => {
                for arn in arns.split(',').map(str::trim) {
                    self.check_role(arn)?;
                }
                Ok(())
            }
            BucketIdentity::Keys {
                access_key_id,
                secret_access_key,
                session_token,
            } => {
                if *access_key_id != config.access_key_id {
                    return Err(BucketError::new(
                        403,
                        "InvalidAccessKeyId",
                        "The AWS Access Key Id you provided does not exist in our records.",
                    ));
                }
                if *secret_access_key != config.secret_access_key {
                    return Err(BucketError::new(
                        403,
                        "SignatureDoesNotMatch",
                        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
                    ));
                }
                if session_token.is_some() {
                    return Err(BucketError::new(
                        403,
                        "InvalidToken",
                        "The provided token is malformed or otherwise invalid.",
                    ));
                }
                Ok(())
            }
        }
    }

    fn check_role(&self, arn: &str) -> Result<(), BucketError> {
        let mut parts = arn.splitn(6, ':');
        let fields: Vec<&str> = parts.by_ref().collect();
        let valid = matches!(
            fields[..],
            ["arn", _, "iam", "", account, role]
                if account.len() == 12 && role.strip_prefix("role/").is_some_and(|r| !r.is_empty())
        );
        if !valid {
            return Err(BucketError::new(
                400,
                "InvalidRole",
                format!("Invalid IAM role ARN: {arn}"),
            ));
        }
        if fields[4] != self.config.account_id {
            return Err(BucketError::new(
                403,
                "NotAuthorizedToAssumeRole",
                format!(
                    "User arn:aws:redshift:{}:{}:namespace:default is not authorized to assume IAM Role {arn}",
                    self.config.region, self.config.account_id
                ),
            ));
        }
        Ok(())
    }
}

#[async_trait]
impl BucketResolver for Buckets {
    async fn open(
        &self,
        bucket: &str,
        region: Option<&str>,
        identity: &BucketIdentity,
    ) -> Result<Arc<dyn Bucket>, BucketError> {
        match (self.store.bucket(bucket), &self.config.external) {
            (Ok(own), _) => {
                self.check(identity)?;
                Ok(Arc::new(OwnBucket {
                    name: bucket.to_string(),
                    bucket: own,
                    access: self.access.get().cloned(),
                    identity: identity.clone(),
                }))
            }
            (Err(_), Some(config)) => external::open(config, bucket, region, identity),
            (Err(missing), None) => {
                // A stranger must not learn which buckets exist.
                self.check(identity)?;
                Err(missing)
            }
        }
    }
}

#[derive(Debug)]
struct OwnBucket {
    name: String,
    bucket: Arc<BucketDir>,
    access: Option<Arc<dyn BucketAccess>>,
    identity: BucketIdentity,
}

impl OwnBucket {
    fn may(
        &self,
        action: &str,
        key: Option<&str>,
        prefix: Option<&str>,
    ) -> Result<(), BucketError> {
        match &self.access {
            Some(access) => access.statement(
                &self.identity,
                Some(&BucketAction {
                    action,
                    bucket: &self.name,
                    key,
                    prefix,
                }),
            ),
            None => Ok(()),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&BucketDir) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, BucketError> {
        let bucket = self.bucket.clone();
        blocking(move || work(&bucket)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> StoreResult<T> + Send + 'static,
) -> Result<T, BucketError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(BucketError::internal)?
}

fn info(meta: &ObjectMeta) -> ObjectInfo {
    ObjectInfo {
        key: meta.key.clone(),
        size: meta.size,
    }
}

#[async_trait]
impl Bucket for OwnBucket {
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, BucketError> {
        self.may("s3:ListBucket", None, Some(prefix))?;
        let prefix = prefix.to_string();
        let all = self.blocking(move |b| b.list_all(&prefix)).await?;
        Ok(all.iter().map(|meta| info(meta)).collect())
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, BucketError> {
        self.may("s3:GetObject", Some(key), None)?;
        let key = key.to_string();
        let meta = self.blocking(move |b| b.meta(&key)).await?;
        Ok(info(&meta))
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<ObjectStream, BucketError> {
        self.may("s3:GetObject", Some(key), None)?;
        let key = key.to_string();
        let (file, meta) = self.blocking(move |b| b.open(&key)).await?;
        let range = range.unwrap_or(0..meta.size);
        if range.start > range.end || range.end > meta.size {
            return Err(BucketError::new(
                416,
                "InvalidRange",
                "The requested range is not satisfiable",
            ));
        }
        Ok(body::stream(file, range)
            .map(|piece| piece.map_err(BucketError::from))
            .boxed())
    }

    async fn put(&self, key: &str) -> Result<Box<dyn ObjectWriter>, BucketError> {
        if key.is_empty() || key.len() > 1024 {
            return Err(BucketError::new(
                400,
                "KeyTooLongError",
                "Your key is too long",
            ));
        }
        self.may("s3:PutObject", Some(key), None)?;
        Ok(Box::new(OwnWriter {
            bucket: self.bucket.clone(),
            key: key.to_string(),
            // Hashing was a fifth of what UNLOAD cost.
            file: Some(self.blocking(|b| b.begin()).await?.unhashed()),
        }))
    }

    async fn delete(&self, key: &str) -> Result<(), BucketError> {
        self.may("s3:DeleteObject", Some(key), None)?;
        let key = key.to_string();
        self.blocking(move |b| b.delete(&key)).await?;
        Ok(())
    }
}

struct OwnWriter {
    bucket: Arc<BucketDir>,
    key: String,
    /// `None` after a failed write.
    file: Option<ObjectFile>,
}

impl OwnWriter {
    fn file(&mut self) -> Result<ObjectFile, BucketError> {
        self.file
            .take()
            .ok_or_else(|| BucketError::internal("the object could not be written"))
    }
}

#[async_trait]
impl ObjectWriter for OwnWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BucketError> {
        let mut file = self.file()?;
        let file = blocking(move || {
            file.write(&bytes)?;
            Ok(file)
        })
        .await?;
        self.file = Some(file);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<ObjectInfo, BucketError> {
        let file = self.file()?;
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        let meta = blocking(move || {
            let meta = ObjectMeta {
                key,
                // As of an upload in parts: no MD5 of the content, and new whenever that is.
                etag: format!("{}-1", uuid::Uuid::new_v4().simple()),
                ..ObjectMeta::default()
            };
            bucket.finish(file, meta, false)
        })
        .await?;
        Ok(info(&meta))
    }
}
