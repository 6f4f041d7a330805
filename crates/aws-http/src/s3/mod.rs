//! The S3 API over [`BucketStore`]. The crate `s3s` parses, checks signatures and prints; this says
//! what the operations do. An operation that is not here is answered `NotImplemented` by `s3s`.

mod access;
pub(crate) mod body;
mod checksums;
mod conditions;
mod multipart;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lw_services::buckets::BucketError;
use s3s::dto::*;
use s3s::host::{S3Host, VirtualHost};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use crate::store::list::Page;
use crate::store::{BucketDir, BucketStore, ObjectMeta, StoreResult};
pub use access::{Access, Keys};
use checksums::{Announced, fill_checksums};

/// The operations.
#[derive(Debug, Clone)]
pub struct S3Api {
    pub(crate) store: Arc<BucketStore>,
    pub(crate) region: String,
    pub(crate) account: String,
}

/// Runs store work on the blocking pool.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> StoreResult<T> + Send + 'static,
) -> S3Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(s3_error),
        Err(e) => Err(S3Error::internal_error(e)),
    }
}

/// A store's error as `s3s` prints it.
pub(crate) fn s3_error(error: BucketError) -> S3Error {
    if error.status >= 500 {
        tracing::error!(%error, "S3 endpoint");
    }
    let code = S3ErrorCode::from_bytes(error.code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
    S3Error::with_message(code, error.message)
}

pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_micros(micros.max(0) as u64))
}

pub(crate) fn etag(meta: &ObjectMeta) -> ETag {
    ETag::Strong(meta.etag.clone())
}

/// Percent-encoding of `encoding-type=url`.
fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(byte as char);
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn encoder(encoding: Option<&EncodingType>) -> fn(&str) -> String {
    match encoding {
        Some(e) if e.as_str() == EncodingType::URL => url_encode,
        _ => str::to_string,
    }
}

impl S3Api {
    async fn bucket(&self, name: &str) -> S3Result<Arc<BucketDir>> {
        self.store.bucket(name).map_err(s3_error)
    }

    fn owner(&self) -> Owner {
        Owner {
            display_name: Some("root".to_string()),
            id: Some(self.account.clone()),
        }
    }

    fn contents(&self, page: &Page, encode: fn(&str) -> String, owner: bool) -> Vec<Object> {
        page.objects
            .iter()
            .map(|meta| Object {
                key: Some(encode(&meta.key)),
                e_tag: Some(etag(meta)),
                size: Some(meta.size as i64),
                last_modified: Some(timestamp(meta.modified)),
                storage_class: Some(ObjectStorageClass::from_static(
                    ObjectStorageClass::STANDARD,
                )),
                owner: owner.then(|| self.owner()),
                ..Object::default()
            })
            .collect()
    }
}

fn common_prefixes(page: &Page, encode: fn(&str) -> String) -> Option<Vec<CommonPrefix>> {
    (!page.prefixes.is_empty()).then(|| {
        page.prefixes
            .iter()
            .map(|p| CommonPrefix {
                prefix: Some(encode(p)),
            })
            .collect()
    })
}

fn max_keys(asked: Option<i32>) -> S3Result<usize> {
    match asked {
        Some(n) if n < 0 => Err(s3_error!(
            InvalidArgument,
            "Argument maxKeys must be an integer between 0 and 2147483647"
        )),
        Some(n) => Ok((n as usize).min(1000)),
        None => Ok(1000),
    }
}

#[async_trait::async_trait]
impl S3 for S3Api {
    async fn create_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let name = req.input.bucket;
        if req.input.object_lock_enabled_for_bucket == Some(true) {
            return Err(s3_error!(
                NotImplemented,
                "object lock is not supported yet"
            ));
        }
        let (store, bucket) = (self.store.clone(), name.clone());
        let new = blocking(move || store.create_bucket(&bucket)).await?;
        if !new && self.region != "us-east-1" {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        Ok(S3Response::new(CreateBucketOutput {
            location: Some(format!("/{name}")),
        }))
    }

    async fn delete_bucket(
        &self,
        req: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let store = self.store.clone();
        blocking(move || store.delete_bucket(&req.input.bucket)).await?;
        Ok(S3Response::new(DeleteBucketOutput {}))
    }

    async fn head_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.bucket(&req.input.bucket).await?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(self.region.clone()),
            ..HeadBucketOutput::default()
        }))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.bucket(&req.input.bucket).await?;
        let location = (self.region != "us-east-1")
            .then(|| BucketLocationConstraint::from(self.region.clone()));
        Ok(S3Response::new(GetBucketLocationOutput {
            location_constraint: location,
        }))
    }

    async fn get_bucket_versioning(
        &self,
        req: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        self.bucket(&req.input.bucket).await?;
        Ok(S3Response::new(GetBucketVersioningOutput::default()))
    }

    async fn list_buckets(
        &self,
        req: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let prefix = req.input.prefix.clone().unwrap_or_default();
        let after = req.input.continuation_token.clone().unwrap_or_default();
        let max = req.input.max_buckets.map_or(10_000, |n| n.max(1) as usize);
        let mut all: Vec<_> = self.store.buckets();
        all.retain(|b| b.name.starts_with(&prefix) && b.name > after);
        let next = (all.len() > max).then(|| all[max - 1].name.clone());
        let buckets = all
            .iter()
            .take(max)
            .map(|b| Bucket {
                name: Some(b.name.clone()),
                creation_date: Some(timestamp(b.created)),
                bucket_region: Some(self.region.clone()),
            })
            .collect();
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(self.owner()),
            continuation_token: next,
            prefix: req.input.prefix,
        }))
    }

    async fn list_objects(
        &self,
        req: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = req.input;
        let bucket = self.bucket(&input.bucket).await?;
        let max = max_keys(input.max_keys)?;
        let encode = encoder(input.encoding_type.as_ref());
        let prefix = input.prefix.clone().unwrap_or_default();
        let (delimiter, marker) = (input.delimiter.clone(), input.marker.clone());
        let page = blocking(move || {
            bucket.list(
                &prefix,
                delimiter.as_deref(),
                marker.as_deref().filter(|m| !m.is_empty()),
                max,
            )
        })
        .await?;
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encode(input.prefix.as_deref().unwrap_or_default())),
            marker: Some(encode(input.marker.as_deref().unwrap_or_default())),
            max_keys: Some(max as i32),
            is_truncated: Some(page.next.is_some()),
            contents: Some(self.contents(&page, encode, true)),
            common_prefixes: common_prefixes(&page, encode),
            delimiter: input.delimiter.as_deref().map(encode),
            next_marker: page.next.as_deref().map(encode),
            encoding_type: input.encoding_type,
            ..ListObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let bucket = self.bucket(&input.bucket).await?;
        let max = max_keys(input.max_keys)?;
        let encode = encoder(input.encoding_type.as_ref());
        let after = match &input.continuation_token {
            Some(token) => Some(
                hex::decode(token)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .ok_or_else(|| {
                        s3_error!(
                            InvalidArgument,
                            "The continuation token provided is incorrect"
                        )
                    })?,
            ),
            None => input.start_after.clone().filter(|s| !s.is_empty()),
        };
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone();
        let page =
            blocking(move || bucket.list(&prefix, delimiter.as_deref(), after.as_deref(), max))
                .await?;
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encode(input.prefix.as_deref().unwrap_or_default())),
            max_keys: Some(max as i32),
            key_count: Some((page.objects.len() + page.prefixes.len()) as i32),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_ref().map(hex::encode),
            contents: Some(self.contents(&page, encode, input.fetch_owner == Some(true))),
            common_prefixes: common_prefixes(&page, encode),
            delimiter: input.delimiter.as_deref().map(encode),
            encoding_type: input.encoding_type,
            start_after: input.start_after.as_deref().map(encode),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        refuse_encryption(
            input.server_side_encryption.is_some() || input.sse_customer_algorithm.is_some(),
        )?;
        let bucket = self.bucket(&input.bucket).await?;
        let only_new = match &input.if_none_match {
            Some(condition) if condition.is_any() => true,
            Some(_) => return Err(s3_error!(NotImplemented, "If-None-Match takes only *")),
            None => false,
        };
        if input.if_match.is_some() {
            let (b, key) = (bucket.clone(), input.key.clone());
            let meta = blocking(move || b.meta(&key)).await?;
            conditions::check_match(input.if_match.as_ref(), &meta)?;
        }
        let announced = Announced::of(&req.headers);
        let stored = body::receive(
            &bucket,
            input.body,
            input.content_length,
            announced.hasher(),
        )
        .await?;
        let (file, hasher) = stored;
        let md5 = file.md5();
        let checksums = announced.check(&md5, hasher, req.trailing_headers.as_ref())?;
        let meta = ObjectMeta {
            key: input.key,
            etag: hex::encode(md5),
            headers: body::kept_headers(&req.headers),
            user: body::user_metadata(input.metadata),
            checksum_type: if checksums.is_empty() {
                ""
            } else {
                ChecksumType::FULL_OBJECT
            }
            .to_string(),
            checksums,
            ..ObjectMeta::default()
        };
        let meta = blocking(move || bucket.finish(file, meta, only_new)).await?;
        let mut output = PutObjectOutput {
            e_tag: Some(etag(&meta)),
            ..PutObjectOutput::default()
        };
        fill_checksums!(output, meta.checksums);
        if !meta.checksum_type.is_empty() {
            output.checksum_type = Some(ChecksumType::from(meta.checksum_type.clone()));
        }
        Ok(S3Response::new(output))
    }

    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        if input.part_number.is_some_and(|n| n > 1) {
            return Err(s3_error!(
                NotImplemented,
                "reading a part by its number is not supported yet"
            ));
        }
        let bucket = self.bucket(&input.bucket).await?;
        let key = input.key.clone();
        let (file, meta) = blocking(move || bucket.open(&key)).await?;
        conditions::check_read(
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
            input.if_modified_since.as_ref(),
            input.if_unmodified_since.as_ref(),
            &meta,
        )?;
        let (range, content_range) = conditions::range(input.range.as_ref(), meta.size)?;
        let mut output = GetObjectOutput {
            content_length: Some((range.end - range.start) as i64),
            accept_ranges: Some("bytes".to_string()),
            e_tag: Some(etag(&meta)),
            last_modified: Some(timestamp(meta.modified)),
            parts_count: input.part_number.and(meta.parts).map(|n| n as i32),
            metadata: body::metadata_of(&meta),
            ..GetObjectOutput::default()
        };
        if content_range.is_none() && input.checksum_mode.is_some() {
            fill_checksums!(output, meta.checksums);
            if !meta.checksum_type.is_empty() {
                output.checksum_type = Some(ChecksumType::from(meta.checksum_type.clone()));
            }
        }
        output.body = Some(StreamingBlob::wrap(body::stream(file, range)));
        let partial = content_range.is_some();
        output.content_range = content_range;
        let mut response = S3Response::with_headers(output, body::sent_headers(&meta));
        if partial {
            response.status = Some(http::StatusCode::PARTIAL_CONTENT);
        }
        Ok(response)
    }

    async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        let bucket = self.bucket(&input.bucket).await?;
        let key = input.key.clone();
        let meta = blocking(move || bucket.meta(&key)).await?;
        conditions::check_read(
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
            input.if_modified_since.as_ref(),
            input.if_unmodified_since.as_ref(),
            &meta,
        )?;
        let (range, content_range) = conditions::range(input.range.as_ref(), meta.size)?;
        let mut output = HeadObjectOutput {
            content_length: Some((range.end - range.start) as i64),
            content_range,
            accept_ranges: Some("bytes".to_string()),
            e_tag: Some(etag(&meta)),
            last_modified: Some(timestamp(meta.modified)),
            metadata: body::metadata_of(&meta),
            ..HeadObjectOutput::default()
        };
        if input.checksum_mode.is_some() {
            fill_checksums!(output, meta.checksums);
            if !meta.checksum_type.is_empty() {
                output.checksum_type = Some(ChecksumType::from(meta.checksum_type.clone()));
            }
        }
        Ok(S3Response::with_headers(output, body::sent_headers(&meta)))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let bucket = self.bucket(&req.input.bucket).await?;
        blocking(move || bucket.delete(&req.input.key)).await?;
        Ok(S3Response::with_status(
            DeleteObjectOutput::default(),
            http::StatusCode::NO_CONTENT,
        ))
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let bucket = self.bucket(&req.input.bucket).await?;
        let delete = req.input.delete;
        let quiet = delete.quiet == Some(true);
        let (deleted, errors) = blocking(move || {
            let (mut deleted, mut errors) = (Vec::new(), Vec::new());
            for object in delete.objects {
                match bucket.delete(&object.key) {
                    Ok(_) => deleted.push(DeletedObject {
                        key: Some(object.key),
                        ..DeletedObject::default()
                    }),
                    Err(e) => errors.push(Error {
                        code: Some(e.code),
                        key: Some(object.key),
                        message: Some(e.message),
                        ..Error::default()
                    }),
                }
            }
            Ok((deleted, errors))
        })
        .await?;
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            ..DeleteObjectsOutput::default()
        }))
    }

    async fn copy_object(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        multipart::copy_object(self, req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        multipart::create(self, req).await
    }

    async fn upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        multipart::upload_part(self, req).await
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        multipart::upload_part_copy(self, req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        multipart::complete(self, req).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        multipart::abort(self, req).await
    }

    async fn list_parts(
        &self,
        req: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        multipart::list_parts(self, req).await
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        multipart::list_uploads(self, req).await
    }
}

/// Objects are not encrypted one by one; a request that asks for it must not be told it happened.
fn refuse_encryption(asked: bool) -> S3Result<()> {
    if asked {
        return Err(s3_error!(
            NotImplemented,
            "server-side encryption of single objects is not supported yet"
        ));
    }
    Ok(())
}

/// Names of the host: `localhost`, addresses and one-label names carry no bucket; in
/// `bucket.localhost` and `bucket.s3.….amazonaws.com` the first label is one.
#[derive(Debug)]
pub struct HostNames;

impl S3Host for HostNames {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let base_at = [".s3.", ".s3-", ".localhost"]
            .iter()
            .filter_map(|mark| name.find(mark))
            .min();
        match base_at {
            Some(at) if at > 0 && name.parse::<std::net::IpAddr>().is_err() => {
                let bucket = &name[..at];
                if bucket == "s3" {
                    return Ok(VirtualHost::new(name));
                }
                Ok(VirtualHost::new(&name[at + 1..]).with_bucket(bucket))
            }
            _ => Ok(VirtualHost::new(name)),
        }
    }
}
