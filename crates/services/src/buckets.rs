//! Buckets that COPY reads and UNLOAD writes: what the engine may ask of an object store of the
//! user's, whether it is the warehouse's own S3 endpoint or another.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

/// An error of the store, in S3's own words.
#[derive(Debug, Clone)]
pub struct BucketError {
    /// HTTP status (403, 404, ...).
    pub status: u16,
    /// S3's code (`AccessDenied`, `NoSuchBucket`, `NoSuchKey`, ...).
    pub code: String,
    /// S3's text.
    pub message: String,
}

impl BucketError {
    /// An error of the store.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        BucketError {
            status,
            code: code.to_string(),
            message: message.into(),
        }
    }

    /// A failure of the store itself (500 `InternalError`).
    pub fn internal(message: impl fmt::Display) -> Self {
        BucketError::new(500, "InternalError", message.to_string())
    }
}

impl fmt::Display for BucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (Status {}, Error {})",
            self.message, self.status, self.code
        )
    }
}

impl std::error::Error for BucketError {}

impl From<std::io::Error> for BucketError {
    fn from(error: std::io::Error) -> Self {
        BucketError::internal(error)
    }
}

/// Who asks.
#[derive(Clone, PartialEq)]
pub enum BucketIdentity {
    /// IAM_ROLE DEFAULT: the role associated with the warehouse.
    DefaultRole,
    /// IAM_ROLE 'arn:...' (several separated by commas: role chaining)
    Role(String),
    /// Access keys.
    Keys {
        /// Access key id.
        access_key_id: String,
        /// Secret.
        secret_access_key: String,
        /// Token of temporary keys.
        session_token: Option<String>,
    },
}

impl fmt::Debug for BucketIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BucketIdentity::DefaultRole => f.write_str("DefaultRole"),
            BucketIdentity::Role(arn) => write!(f, "Role({arn})"),
            // Secrets never reach a log.
            BucketIdentity::Keys { access_key_id, .. } => write!(f, "Keys({access_key_id}, ***)"),
        }
    }
}

/// Decides who may use the warehouse's own buckets.
pub trait BucketAccess: Send + Sync + fmt::Debug {
    /// The secret of an access key (of temporary ones too: it follows from the id).
    fn secret(&self, access_key_id: &str) -> Result<String, BucketError>;

    /// May whoever signed a request with this key, whose signature is right, do this?
    fn signed(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
        asked: &BucketAction<'_>,
    ) -> Result<(), BucketError>;

    /// May a statement do this? Without an action: does its identity prove right?
    fn statement(
        &self,
        identity: &BucketIdentity,
        asked: Option<&BucketAction<'_>>,
    ) -> Result<(), BucketError>;
}

/// What is to be done with a bucket.
#[derive(Debug, Clone, Copy)]
pub struct BucketAction<'a> {
    /// `s3:GetObject`
    pub action: &'a str,
    /// The bucket; empty for all of them.
    pub bucket: &'a str,
    /// The object, where it is about one.
    pub key: Option<&'a str>,
    /// What a list is limited to.
    pub prefix: Option<&'a str>,
}

/// An object of a bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectInfo {
    /// Its key, any UTF-8 text.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
}

/// The bytes of an object, in pieces.
pub type ObjectStream = BoxStream<'static, Result<Bytes, BucketError>>;

/// Opens buckets.
#[async_trait]
pub trait BucketResolver: Send + Sync + fmt::Debug {
    /// The bucket of this name, if `identity` proves right and the bucket exists.
    async fn open(
        &self,
        bucket: &str,
        region: Option<&str>,
        identity: &BucketIdentity,
    ) -> Result<Arc<dyn Bucket>, BucketError>;
}

/// One bucket.
#[async_trait]
pub trait Bucket: Send + Sync + fmt::Debug {
    /// All objects whose keys begin with `prefix`, in order of keys.
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, BucketError>;

    /// One object; `NoSuchKey` if it does not exist.
    async fn head(&self, key: &str) -> Result<ObjectInfo, BucketError>;

    /// An object's bytes, or those of a range that lies within it.
    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<ObjectStream, BucketError>;

    /// Begins an object. It appears (and replaces one of the same key) when finished; a writer that
    /// is dropped leaves nothing.
    async fn put(&self, key: &str) -> Result<Box<dyn ObjectWriter>, BucketError>;

    /// Deletes an object; one that does not exist is no error.
    async fn delete(&self, key: &str) -> Result<(), BucketError>;
}

/// An object being written.
#[async_trait]
pub trait ObjectWriter: Send {
    /// The next bytes.
    async fn write(&mut self, bytes: Bytes) -> Result<(), BucketError>;

    /// Makes the object durable and visible.
    async fn finish(self: Box<Self>) -> Result<ObjectInfo, BucketError>;
}
