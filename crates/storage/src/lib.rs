//! Segments: immutable Vortex files on the object store, and inline row batches. Writing (sorted,
//! sliced, with bounds and sketches), reading, deletion vectors, garbage collection.
//!
//! What it must never know: SQL, sessions, transactions, the catalog store.
//!
//! Where to start: [`SegmentStore`].

use std::sync::Arc;

use object_store::ObjectStore;

/// The segments of a warehouse on one object store.
#[derive(Debug, Clone)]
pub struct SegmentStore {
    /// Root of the warehouse's files.
    pub objects: Arc<dyn ObjectStore>,
}
