//! Deletion vectors: which rows of a segment are gone.

use bytes::Bytes;
use lw_base::Result;
use lw_catalog::Segment;
use roaring::RoaringTreemap;

use crate::failed;

/// The deleted positions of a segment.
pub fn of(segment: &Segment) -> Result<RoaringTreemap> {
    if segment.deleted.is_empty() {
        return Ok(RoaringTreemap::new());
    }
    RoaringTreemap::deserialize_from(segment.deleted.as_ref())
        .map_err(|e| failed("a deletion vector does not read", e))
}

/// The stored form of deleted positions.
pub fn encode(deleted: &RoaringTreemap) -> Result<Bytes> {
    let mut out = Vec::with_capacity(deleted.serialized_size());
    deleted
        .serialize_into(&mut out)
        .map_err(|e| failed("a deletion vector does not write", e))?;
    Ok(out.into())
}
