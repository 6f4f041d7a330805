//! Who may use the S3 endpoint: the secrets of keys, and what their holders' policies allow.

use std::sync::Arc;

use lw_services::buckets::{BucketAccess, BucketAction};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{Credentials, S3Auth, SecretKey};
use s3s::dto::DeleteObjectsInput;
use s3s::path::S3Path;
use s3s::{S3Request, S3Result, s3_error};

use super::s3_error as in_words;

const TOKEN: &str = "x-amz-security-token";

/// Secrets of access keys.
pub struct Keys {
    /// The root's.
    pub root: (String, SecretKey),
    /// Who knows all others.
    pub access: Option<Arc<dyn BucketAccess>>,
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let (id, secret) = &self.root;
        match &self.access {
            _ if access_key == id => Ok(secret.clone()),
            Some(access) => access
                .secret(access_key)
                .map(SecretKey::from)
                .map_err(in_words),
            None => Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )),
        }
    }
}

/// What the holders of keys may do.
pub struct Access {
    /// Access key id of the root, who may do all.
    pub root: String,
    /// Who decides for all others.
    pub access: Option<Arc<dyn BucketAccess>>,
}

impl Access {
    fn ask(
        &self,
        credentials: Option<&Credentials>,
        token: Option<&str>,
        asked: &BucketAction<'_>,
    ) -> S3Result<()> {
        let Some(credentials) = credentials else {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        };
        match &self.access {
            Some(access) if credentials.access_key != self.root || token.is_some() => access
                .signed(&credentials.access_key, token, asked)
                .map_err(in_words),
            _ => Ok(()),
        }
    }
}

/// The permission that an operation of S3 needs. Those of unknown names need one of their own name, which
/// only `s3:*` gives.
fn action(operation: &str) -> String {
    let name = match operation {
        "HeadObject" | "SelectObjectContent" => "GetObject",
        "CopyObject"
        | "PostObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy"
        | "CompleteMultipartUpload" => "PutObject",
        "DeleteObjects" => "DeleteObject",
        "ListObjects" | "ListObjectsV2" | "HeadBucket" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "ListBuckets" => "ListAllMyBuckets",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListParts" => "ListMultipartUploadParts",
        other => other,
    };
    format!("s3:{name}")
}

/// The value of a parameter of the URL.
fn parameter(uri: &http::Uri, wanted: &str) -> Option<String> {
    form_urlencoded::parse(uri.query()?.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.into_owned())
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let header = |name: &str| {
            let value = cx.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let token = header(TOKEN).or_else(|| parameter(cx.uri(), TOKEN));
        let (bucket, key) = match cx.s3_path() {
            S3Path::Root => ("", None),
            S3Path::Bucket { bucket } => (&**bucket, None),
            S3Path::Object { bucket, key } => (&**bucket, Some(&**key)),
        };
        let operation = cx.s3_op().name();
        if operation == "DeleteObjects" && cx.credentials().is_some() {
            // Its keys are in the body: asked for below.
            return Ok(());
        }
        // The key of a form is in the form: the whole bucket is asked for.
        let key = match operation {
            "PostObject" => Some("*"),
            _ => key,
        };
        let action = action(operation);
        let prefix = parameter(cx.uri(), "prefix");
        self.ask(
            cx.credentials(),
            token.as_deref(),
            &BucketAction {
                action: &action,
                bucket,
                key,
                prefix: prefix.as_deref(),
            },
        )?;
        if let Some(source) = header("x-amz-copy-source") {
            let source = percent_encoding::percent_decode_str(&source).decode_utf8_lossy();
            let path = source.trim_start_matches('/');
            let path = path.split_once("?versionId=").map_or(path, |(p, _)| p);
            if let Some((bucket, key)) = path.split_once('/') {
                let read = BucketAction {
                    action: "s3:GetObject",
                    bucket,
                    key: Some(key),
                    prefix: None,
                };
                self.ask(cx.credentials(), token.as_deref(), &read)?;
            }
        }
        Ok(())
    }

    async fn delete_objects(&self, req: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        let token = req.headers.get(TOKEN).and_then(|value| value.to_str().ok());
        for object in &req.input.delete.objects {
            self.ask(
                req.credentials.as_ref(),
                token,
                &BucketAction {
                    action: "s3:DeleteObject",
                    bucket: &req.input.bucket,
                    key: Some(&object.key),
                    prefix: None,
                },
            )?;
        }
        Ok(())
    }
}
