//! Copies, and uploads in parts.

use std::ops::Range as Span;
use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::checksums::{Announced, fill_checksums, hasher_of, into_map};
use super::{S3Api, blocking, body, etag, refuse_encryption, timestamp};
use crate::store::upload::{NamedPart, Upload};
use crate::store::{BucketDir, ObjectMeta, object};

fn source(api: &S3Api, source: &CopySource) -> S3Result<(Arc<BucketDir>, String)> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id: None,
        } => Ok((
            api.store.bucket(bucket).map_err(super::s3_error)?,
            key.to_string(),
        )),
        _ => Err(s3_error!(
            NotImplemented,
            "copying from a version or an access point is not supported yet"
        )),
    }
}

pub async fn copy_object(
    api: &S3Api,
    req: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let input = req.input;
    refuse_encryption(
        input.server_side_encryption.is_some() || input.sse_customer_algorithm.is_some(),
    )?;
    let (from, from_key) = source(api, &input.copy_source)?;
    let to = api.bucket(&input.bucket).await?;
    let replace = input
        .metadata_directive
        .as_ref()
        .is_some_and(|d| d.as_str() == MetadataDirective::REPLACE);
    let headers = body::kept_headers(&req.headers);
    let user = body::user_metadata(input.metadata);
    if Arc::ptr_eq(&from, &to) && from_key == input.key && !replace {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let condition = input.copy_source_if_match.clone();
    let key = input.key;
    let meta = blocking(move || {
        let (_, old) = from.open(&from_key)?;
        if super::conditions::check_match(condition.as_ref(), &old).is_err() {
            return Err(crate::store::precondition_failed());
        }
        let mut file = to.begin()?;
        from.append_to(&from_key, None, &mut file)?;
        let meta = ObjectMeta {
            key,
            etag: hex::encode(file.md5()),
            headers: if replace { headers } else { old.headers },
            user: if replace { user } else { old.user },
            ..ObjectMeta::default()
        };
        to.finish(file, meta, false)
    })
    .await?;
    Ok(S3Response::new(CopyObjectOutput {
        copy_object_result: Some(CopyObjectResult {
            e_tag: Some(etag(&meta)),
            last_modified: Some(timestamp(meta.modified)),
            ..CopyObjectResult::default()
        }),
        ..CopyObjectOutput::default()
    }))
}

pub async fn create(
    api: &S3Api,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let input = req.input;
    refuse_encryption(
        input.server_side_encryption.is_some() || input.sse_customer_algorithm.is_some(),
    )?;
    let bucket = api.bucket(&input.bucket).await?;
    let meta = ObjectMeta {
        key: input.key.clone(),
        headers: body::kept_headers(&req.headers),
        user: body::user_metadata(input.metadata),
        checksum_type: input
            .checksum_type
            .as_ref()
            .map(|t| t.as_str().to_string())
            .unwrap_or_default(),
        ..ObjectMeta::default()
    };
    let algorithm = input
        .checksum_algorithm
        .as_ref()
        .map(|a| a.as_str().to_string())
        .unwrap_or_default();
    let upload = blocking(move || bucket.begin_upload(meta, algorithm)).await?;
    Ok(S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload.id),
        checksum_algorithm: input.checksum_algorithm,
        checksum_type: input.checksum_type,
        ..CreateMultipartUploadOutput::default()
    }))
}

async fn upload_of(
    api: &S3Api,
    bucket: &str,
    key: &str,
    id: &str,
) -> S3Result<(Arc<BucketDir>, Upload)> {
    let bucket = api.bucket(bucket).await?;
    let (b, key, id) = (bucket.clone(), key.to_string(), id.to_string());
    let upload = blocking(move || b.upload(&key, &id)).await?;
    Ok((bucket, upload))
}

fn part_number(number: i32) -> S3Result<u32> {
    match number {
        1..=10_000 => Ok(number as u32),
        _ => Err(s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive"
        )),
    }
}

pub async fn upload_part(
    api: &S3Api,
    req: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let input = req.input;
    let number = part_number(input.part_number)?;
    let (bucket, upload) = upload_of(api, &input.bucket, &input.key, &input.upload_id).await?;
    let announced = Announced::of(&req.headers);
    let (file, hasher) = body::receive(
        &bucket,
        input.body,
        input.content_length,
        announced.hasher(),
    )
    .await?;
    let md5 = file.md5();
    let checksums = announced.check(&md5, hasher, req.trailing_headers.as_ref())?;
    let meta = ObjectMeta {
        key: input.key,
        etag: hex::encode(md5),
        checksums,
        ..ObjectMeta::default()
    };
    let meta = blocking(move || bucket.finish_part(&upload, number, file, meta)).await?;
    let mut output = UploadPartOutput {
        e_tag: Some(etag(&meta)),
        ..UploadPartOutput::default()
    };
    fill_checksums!(output, meta.checksums);
    Ok(S3Response::new(output))
}

pub async fn upload_part_copy(
    api: &S3Api,
    req: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = req.input;
    let number = part_number(input.part_number)?;
    let (from, from_key) = source(api, &input.copy_source)?;
    let (bucket, upload) = upload_of(api, &input.bucket, &input.key, &input.upload_id).await?;
    let range = match &input.copy_source_range {
        Some(text) => Some(Range::parse(text).map_err(|_| s3_error!(InvalidArgument))?),
        None => None,
    };
    let meta = blocking(move || {
        let (_, old) = from.open(&from_key)?;
        let span: Option<Span<u64>> = match range {
            Some(range) => Some(range.check(old.size).map_err(|_| {
                lw_services::buckets::BucketError::new(
                    416,
                    "InvalidRange",
                    "The requested range is not satisfiable",
                )
            })?),
            None => None,
        };
        let mut file = bucket.begin()?;
        file.hasher = hasher_of(&upload.algorithm);
        from.append_to(&from_key, span, &mut file)?;
        let meta = ObjectMeta {
            key: upload.meta.key.clone(),
            etag: hex::encode(file.md5()),
            checksums: into_map(std::mem::take(&mut file.hasher)),
            ..ObjectMeta::default()
        };
        bucket.finish_part(&upload, number, file, meta)
    })
    .await?;
    let mut result = CopyPartResult {
        e_tag: Some(etag(&meta)),
        last_modified: Some(timestamp(meta.modified)),
        ..CopyPartResult::default()
    };
    fill_checksums!(result, meta.checksums);
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(result),
        ..UploadPartCopyOutput::default()
    }))
}

pub async fn complete(
    api: &S3Api,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let input = req.input;
    let (bucket, upload) = upload_of(api, &input.bucket, &input.key, &input.upload_id).await?;
    let only_new = input.if_none_match.as_ref().is_some_and(|c| c.is_any());
    let mut named = Vec::new();
    for part in input
        .multipart_upload
        .and_then(|u| u.parts)
        .unwrap_or_default()
    {
        named.push(NamedPart {
            number: part_number(part.part_number.unwrap_or_default())?,
            etag: part.e_tag.map(ETag::into_value).unwrap_or_default(),
        });
    }
    let meta =
        blocking(move || bucket.complete_upload(&upload, &named, only_new, hasher_of, into_map))
            .await?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(etag(&meta)),
        ..CompleteMultipartUploadOutput::default()
    };
    fill_checksums!(output, meta.checksums);
    if !meta.checksum_type.is_empty() {
        output.checksum_type = Some(ChecksumType::from(meta.checksum_type.clone()));
    }
    Ok(S3Response::new(output))
}

pub async fn abort(
    api: &S3Api,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = req.input;
    let (bucket, upload) = upload_of(api, &input.bucket, &input.key, &input.upload_id).await?;
    blocking(move || bucket.abort_upload(&upload)).await?;
    Ok(S3Response::with_status(
        AbortMultipartUploadOutput::default(),
        http::StatusCode::NO_CONTENT,
    ))
}

pub async fn list_parts(
    api: &S3Api,
    req: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = req.input;
    let (bucket, upload) = upload_of(api, &input.bucket, &input.key, &input.upload_id).await?;
    let parts = blocking(move || bucket.parts(&upload)).await?;
    let after = input.part_number_marker.unwrap_or(0).max(0) as u32;
    let max = input
        .max_parts
        .map_or(1000, |n| (n.max(0) as usize).min(1000));
    let rest: Vec<_> = parts.into_iter().filter(|(n, _)| *n > after).collect();
    let truncated = rest.len() > max;
    let shown: Vec<Part> = rest
        .into_iter()
        .take(max)
        .map(|(number, meta)| {
            let mut part = Part {
                part_number: Some(number as i32),
                e_tag: Some(etag(&meta)),
                size: Some(meta.size as i64),
                last_modified: Some(timestamp(meta.modified)),
                ..Part::default()
            };
            fill_checksums!(part, meta.checksums);
            part
        })
        .collect();
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(truncated),
        max_parts: Some(max as i32),
        next_part_number_marker: shown
            .last()
            .and_then(|p| p.part_number)
            .filter(|_| truncated),
        part_number_marker: input.part_number_marker,
        parts: Some(shown),
        owner: Some(api.owner()),
        ..ListPartsOutput::default()
    }))
}

pub async fn list_uploads(
    api: &S3Api,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = req.input;
    if input.delimiter.is_some() {
        return Err(s3_error!(
            NotImplemented,
            "listing uploads with a delimiter is not supported yet"
        ));
    }
    let bucket = api.bucket(&input.bucket).await?;
    let all = blocking(move || bucket.uploads()).await?;
    let encode = super::encoder(input.encoding_type.as_ref());
    let prefix = input.prefix.clone().unwrap_or_default();
    let marker = (
        input.key_marker.clone().unwrap_or_default(),
        input.upload_id_marker.clone().unwrap_or_default(),
    );
    let max = input
        .max_uploads
        .map_or(1000, |n| (n.max(0) as usize).min(1000));
    // A key marker alone stands for all uploads of that key.
    let rest: Vec<_> = all
        .into_iter()
        .filter(|u| u.meta.key.starts_with(&prefix))
        .filter(|u| match (u.meta.key.as_str(), u.id.as_str()) {
            (key, _) if key != marker.0 => key > marker.0.as_str(),
            (_, id) => !marker.1.is_empty() && id > marker.1.as_str() || marker.0.is_empty(),
        })
        .collect();
    let truncated = rest.len() > max;
    let last = rest.get(max.saturating_sub(1)).filter(|_| truncated);
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: input.prefix.as_deref().map(encode),
        key_marker: input.key_marker.as_deref().map(encode),
        upload_id_marker: input.upload_id_marker,
        max_uploads: Some(max as i32),
        is_truncated: Some(truncated),
        next_key_marker: last.map(|u| encode(&u.meta.key)),
        next_upload_id_marker: last.map(|u| u.id.clone()),
        encoding_type: input.encoding_type,
        uploads: Some(
            rest.iter()
                .take(max)
                .map(|u| MultipartUpload {
                    key: Some(encode(&u.meta.key)),
                    upload_id: Some(u.id.clone()),
                    initiated: Some(timestamp(u.begun)),
                    owner: Some(api.owner()),
                    ..MultipartUpload::default()
                })
                .collect(),
        ),
        ..ListMultipartUploadsOutput::default()
    }))
}

impl BucketDir {
    /// Appends an object's bytes to one being written.
    fn append_to(
        &self,
        key: &str,
        range: Option<Span<u64>>,
        to: &mut crate::store::ObjectFile,
    ) -> crate::store::StoreResult<()> {
        Ok(object::append(&self.object_path(key), range, to)?)
    }
}
