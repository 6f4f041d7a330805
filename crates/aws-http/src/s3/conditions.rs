//! Conditional requests and ranges.

use std::ops::Range as Span;

use s3s::dto::{ETagCondition, Range, Timestamp};
use s3s::{S3Result, s3_error};

use super::{etag, timestamp};
use crate::store::ObjectMeta;

fn holds(condition: &ETagCondition, meta: &ObjectMeta) -> bool {
    match condition.as_etag() {
        Some(want) => want.weak_cmp(&etag(meta)),
        None => condition.is_any(),
    }
}

/// If-Match.
pub fn check_match(condition: Option<&ETagCondition>, meta: &ObjectMeta) -> S3Result<()> {
    match condition {
        Some(condition) if !holds(condition, meta) => Err(s3_error!(PreconditionFailed)),
        _ => Ok(()),
    }
}

/// The four conditions of reading, in the order of RFC 9110 §13.2.2.
pub fn check_read(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
    if_modified_since: Option<&Timestamp>,
    if_unmodified_since: Option<&Timestamp>,
    meta: &ObjectMeta,
) -> S3Result<()> {
    // HTTP dates have whole seconds.
    let modified = timestamp(meta.modified / 1_000_000 * 1_000_000);
    if if_match.is_some() {
        check_match(if_match, meta)?;
    } else if if_unmodified_since.is_some_and(|since| modified > *since) {
        return Err(s3_error!(PreconditionFailed));
    }
    if let Some(condition) = if_none_match {
        if holds(condition, meta) {
            return Err(s3_error!(NotModified));
        }
    } else if if_modified_since.is_some_and(|since| modified <= *since) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

/// The bytes a range stands for, and the Content-Range of the answer if it is one.
pub fn range(range: Option<&Range>, size: u64) -> S3Result<(Span<u64>, Option<String>)> {
    let Some(range) = range else {
        return Ok((0..size, None));
    };
    let span = range
        .check(size)
        .map_err(|_| s3_error!(InvalidRange, "The requested range is not satisfiable"))?;
    let text = format!("bytes {}-{}/{size}", span.start, span.end.saturating_sub(1));
    Ok((span, Some(text)))
}
