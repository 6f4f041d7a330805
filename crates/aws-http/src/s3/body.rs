//! Bodies and headers of objects, in and out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::checksum::ChecksumHasher;
use s3s::dto::{Metadata, StreamingBlob};
use s3s::{S3Error, S3Result, s3_error};

use super::blocking;
use crate::store::{BucketDir, ObjectFile, ObjectMeta};

/// How much is read or written at once.
const PIECE: usize = 1 << 20;

/// Headers that are kept with an object and come back with it.
const KEPT: [&str; 6] = [
    "content-type",
    "content-encoding",
    "content-disposition",
    "content-language",
    "cache-control",
    "expires",
];

/// Writes a request's body to a new file; gives it with the hasher that saw it.
pub async fn receive(
    bucket: &Arc<BucketDir>,
    body: Option<StreamingBlob>,
    announced: Option<i64>,
    hasher: ChecksumHasher,
) -> S3Result<(ObjectFile, ChecksumHasher)> {
    let b = bucket.clone();
    let mut file = blocking(move || b.begin()).await?;
    file.hasher = hasher;
    let mut waiting: Vec<Bytes> = Vec::new();
    let mut waiting_bytes = 0;
    if let Some(mut body) = body {
        while let Some(piece) = body.next().await {
            let piece =
                piece.map_err(|e| S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, e))?;
            waiting_bytes += piece.len();
            waiting.push(piece);
            if waiting_bytes >= PIECE {
                file = append(file, std::mem::take(&mut waiting)).await?;
                waiting_bytes = 0;
            }
        }
    }
    file = append(file, waiting).await?;
    if announced.is_some_and(|n| n as u64 != file.size()) {
        return Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        ));
    }
    let hasher = std::mem::take(&mut file.hasher);
    Ok((file, hasher))
}

async fn append(mut file: ObjectFile, pieces: Vec<Bytes>) -> S3Result<ObjectFile> {
    blocking(move || {
        for piece in &pieces {
            file.write(piece)?;
        }
        Ok(file)
    })
    .await
}

/// Part of a file as a stream, read ahead by one piece.
pub fn stream(
    file: File,
    range: Range<u64>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync {
    let file = Arc::new(file);
    let read = move |at: u64, end: u64| {
        let file = file.clone();
        tokio::task::spawn_blocking(move || -> io::Result<Bytes> {
            let mut piece = vec![0u8; PIECE.min((end - at) as usize)];
            file.read_exact_at(&mut piece, at)?;
            Ok(Bytes::from(piece))
        })
    };
    async_stream::stream! {
        let mut at = range.start;
        let mut next = (at < range.end).then(|| read(at, range.end));
        while let Some(task) = next.take() {
            at += (PIECE as u64).min(range.end - at);
            if at < range.end {
                next = Some(read(at, range.end));
            }
            let piece = task.await.unwrap_or_else(|e| Err(io::Error::other(e)));
            let failed = piece.is_err();
            yield piece;
            if failed {
                break;
            }
        }
    }
}

/// The headers of a request that are kept.
pub fn kept_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for name in KEPT {
        let Some(value) = headers.get(name).and_then(|v| v.to_str().ok()) else {
            continue;
        };
        let value = match name {
            // How the body travelled, not what the object is.
            "content-encoding" => value
                .split(',')
                .map(str::trim)
                .filter(|e| !e.is_empty() && !e.eq_ignore_ascii_case("aws-chunked"))
                .collect::<Vec<_>>()
                .join(","),
            _ => value.to_string(),
        };
        if !value.is_empty() {
            kept.insert(name.to_string(), value);
        }
    }
    kept
}

/// The kept headers of an object, to send.
pub fn sent_headers(meta: &ObjectMeta) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let default_type = (
        "content-type".to_string(),
        "binary/octet-stream".to_string(),
    );
    let given = meta.headers.contains_key("content-type");
    let kept = meta.headers.iter().map(|(n, v)| (n.clone(), v.clone()));
    for (name, value) in kept.chain((!given).then_some(default_type)) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::from_str(&value),
        ) {
            headers.insert(name, value);
        }
    }
    headers
}

/// `x-amz-meta-…` of a request.
pub fn user_metadata(metadata: Option<Metadata>) -> BTreeMap<String, String> {
    metadata.unwrap_or_default().into_iter().collect()
}

/// `x-amz-meta-…` of an object.
pub fn metadata_of(meta: &ObjectMeta) -> Option<Metadata> {
    (!meta.user.is_empty()).then(|| meta.user.clone().into_iter().collect())
}
