//! How values are kept in columns: definitions as JSON, bytes beside them as they are (JSON could
//! hold bytes only as base64, a third larger and slow).

use bytes::Bytes;
use lw_base::{Result, SqlError};
use lw_catalog::{Change, Place, Segment};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

fn corrupt(what: &str) -> SqlError {
    SqlError::internal(format!("catalog store: {what} cannot be read"))
}

pub fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(SqlError::internal)
}

pub fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|e| SqlError::internal(format!("catalog store: {what} cannot be read: {e}")))
}

/// A segment's JSON without its bytes.
pub fn segment_json(segment: &Segment) -> Result<String> {
    let mut bare = segment.clone();
    bare.deleted = Bytes::new();
    bare.deleted_rows = 0;
    if let Place::Inline(_) = bare.place {
        bare.place = Place::Inline(Bytes::new());
    }
    to_json(&bare)
}

/// The opposite of [`segment_json`].
pub fn segment(
    body: &str,
    inline: Option<Vec<u8>>,
    deleted: Option<Vec<u8>>,
    deleted_rows: i64,
) -> Result<Segment> {
    let mut segment: Segment = from_json("segment", body)?;
    if let Place::Inline(bytes) = &mut segment.place {
        *bytes = inline.ok_or_else(|| corrupt("row batch"))?.into();
    }
    segment.deleted = deleted.unwrap_or_default().into();
    segment.deleted_rows = deleted_rows as u64;
    Ok(segment)
}

/// Takes every run of bytes out of the changes, in order, leaving empty ones.
fn visit_bytes(
    changes: &mut [Change],
    mut visit: impl FnMut(&mut Bytes) -> Result<()>,
) -> Result<()> {
    for change in changes {
        match change {
            Change::AddSegments { segments, .. } => {
                for segment in segments {
                    let segment = Arc::make_mut(segment);
                    if let Place::Inline(bytes) = &mut segment.place {
                        visit(bytes)?;
                    }
                    visit(&mut segment.deleted)?;
                }
            }
            Change::SetDeleted { deleted, .. } => visit(deleted)?,
            _ => {}
        }
    }
    Ok(())
}

fn put_run(out: &mut Vec<u8>, run: &[u8]) {
    out.extend_from_slice(&(run.len() as u64).to_le_bytes());
    out.extend_from_slice(run);
}

/// A log entry: length and JSON of the changes, then length and content of each run of bytes.
pub fn encode_changes(changes: &[Change]) -> Result<Vec<u8>> {
    let mut bare = changes.to_vec();
    let mut runs = Vec::new();
    visit_bytes(&mut bare, |bytes| {
        runs.push(std::mem::take(bytes));
        Ok(())
    })?;
    let mut out = Vec::new();
    put_run(&mut out, to_json(&bare)?.as_bytes());
    for run in &runs {
        put_run(&mut out, run);
    }
    Ok(out)
}

/// The opposite of [`encode_changes`].
pub fn decode_changes(entry: Vec<u8>) -> Result<Vec<Change>> {
    let mut rest = Bytes::from(entry);
    let mut next = || -> Result<Bytes> {
        let head = rest.get(..8).ok_or_else(|| corrupt("log entry"))?;
        let length =
            u64::from_le_bytes(head.try_into().map_err(|_| corrupt("log entry"))?) as usize;
        if rest.len() - 8 < length {
            return Err(corrupt("log entry"));
        }
        let run = rest.slice(8..8 + length);
        rest = rest.slice(8 + length..);
        Ok(run)
    };
    let json = next()?;
    let mut changes: Vec<Change> =
        serde_json::from_slice(&json).map_err(|_| corrupt("log entry"))?;
    visit_bytes(&mut changes, |bytes| {
        *bytes = next()?;
        Ok(())
    })?;
    Ok(changes)
}
