//! [`SegmentStore`]: where segments live.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use lw_base::{Oid, Result, SegmentId, SqlError};
use lw_catalog::{Place, Segment};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vortex::VortexSessionDefault;
use vortex::io::session::RuntimeSessionExt;
use vortex::layout::LayoutStrategy;
use vortex::session::VortexSession;

use crate::{encode, failed, inline, io_failed};

/// Rows of decoded inline batches kept in memory.
const INLINE_CACHE_ROWS: usize = 1_000_000;

/// The segments of a warehouse on one object store. Cheap to clone; clones share caches and limits.
#[derive(Debug, Clone)]
pub struct SegmentStore {
    /// Root of the warehouse's files.
    pub objects: Arc<dyn ObjectStore>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The directory, if the store is one: its files are fsynced by name.
    directory: Option<PathBuf>,
    vortex: VortexSession,
    strategy: Strategy,
    inline: Mutex<InlineCache>,
    /// Bytes of rows all writers hold.
    held: AtomicUsize,
    /// And may hold.
    writers: Memory,
}

/// How files are laid out.
#[derive(Clone)]
struct Strategy(Arc<dyn LayoutStrategy>);

impl std::fmt::Debug for Strategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Strategy")
    }
}

/// Memory of all writers together.
#[derive(Debug)]
struct Memory {
    bytes: usize,
    /// Room for chunks that are being written, in units of [`ROOM`].
    room: Arc<Semaphore>,
}

impl Memory {
    fn new(bytes: usize) -> Memory {
        Memory {
            bytes,
            room: Arc::new(Semaphore::new((bytes / 3 * 2 / ROOM).max(1))),
        }
    }
}

/// Bytes of a permit.
const ROOM: usize = 4 << 10;

/// Rows held in memory by a writer, counted in its store until dropped.
#[derive(Debug)]
pub(crate) struct Held {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Held {
    /// Counts more rows.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.shared.held.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes counted here.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct InlineCache {
    batches: HashMap<SegmentId, Arc<RecordBatch>>,
    rows: usize,
}

/// Bytes of rows all writers may hold at most: a third of it gathered, the rest on its way to files.
/// Beyond that they wait, or write smaller files than they would like to.
const WRITERS_BYTES: usize = 320 << 20;

/// What garbage collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Files deleted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files not reachable but too young to delete.
    pub spared: u64,
}

impl SegmentStore {
    /// Segments in a directory, which is made if it is missing.
    pub fn open(directory: &Path) -> Result<SegmentStore> {
        std::fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        let objects = LocalFileSystem::new_with_prefix(&directory)
            .map_err(|e| io_failed("the segment directory does not open", e))?;
        Ok(SegmentStore::new(Arc::new(objects), Some(directory)))
    }

    /// Segments on an object store that is durable by itself (S3 and its like).
    pub fn on(objects: Arc<dyn ObjectStore>) -> SegmentStore {
        SegmentStore::new(objects, None)
    }

    /// Segments in memory, for tests.
    pub fn in_memory() -> SegmentStore {
        SegmentStore::on(Arc::new(InMemory::new()))
    }

    fn new(objects: Arc<dyn ObjectStore>, directory: Option<PathBuf>) -> SegmentStore {
        let vortex = VortexSession::default().with_tokio();
        SegmentStore {
            objects,
            shared: Arc::new(Shared {
                directory,
                strategy: Strategy(encode::strategy(&vortex)),
                vortex,
                inline: Mutex::default(),
                held: AtomicUsize::new(0),
                writers: Memory::new(WRITERS_BYTES),
            }),
        }
    }

    /// The same store, of which writers may hold at most so many bytes of rows in memory. Not for one
    /// that is in use.
    pub fn with_writers_memory(self, bytes: usize) -> SegmentStore {
        SegmentStore {
            objects: self.objects,
            shared: Arc::new(Shared {
                directory: self.shared.directory.clone(),
                vortex: self.shared.vortex.clone(),
                inline: Mutex::default(),
                held: AtomicUsize::new(0),
                writers: Memory::new(bytes.min(WRITERS_BYTES)),
                strategy: self.shared.strategy.clone(),
            }),
        }
    }

    /// The session with which files are read and written.
    pub fn vortex(&self) -> &VortexSession {
        &self.shared.vortex
    }

    /// How files are laid out.
    pub(crate) fn strategy(&self) -> Arc<dyn LayoutStrategy> {
        self.shared.strategy.0.clone()
    }

    /// The directory of the files, if they are in one.
    pub fn directory(&self) -> Option<&Path> {
        self.shared.directory.as_deref()
    }

    /// Bytes of rows a writer gathers at most before it writes them.
    pub(crate) fn chunk_limit(&self) -> usize {
        (self.shared.writers.bytes / 3).max(1)
    }

    /// Waits for room for a chunk of so many bytes that is to be written.
    pub(crate) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit> {
        // A chunk may be larger than the limit by its last batch.
        let most = self.chunk_limit() / ROOM;
        let permits = (bytes / ROOM).clamp(1, most.max(1)) as u32;
        let room = self.shared.writers.room.clone();
        let got = room.acquire_many_owned(permits).await;
        got.map_err(|e| failed("the segment store is closed", e))
    }

    /// A count of rows held, of none yet.
    pub(crate) fn hold(&self) -> Held {
        Held {
            shared: self.shared.clone(),
            bytes: 0,
        }
    }

    /// True if all writers together hold so much that each should write what it has.
    pub(crate) fn crowded(&self) -> bool {
        self.shared.held.load(Ordering::Relaxed) > self.shared.writers.bytes
    }

    /// The key of a segment's file. A key is never used twice: segment ids are not.
    pub fn key(table: Oid, segment: SegmentId) -> String {
        format!("{table}/{:016x}.vortex", segment.0)
    }

    /// The rows of an inline segment, columns by storage names; `None` if the segment is a file.
    pub fn inline_batch(&self, segment: &Segment) -> Result<Option<Arc<RecordBatch>>> {
        let Place::Inline(bytes) = &segment.place else {
            return Ok(None);
        };
        if let Some(batch) = self.shared.inline.lock().batches.get(&segment.id) {
            return Ok(Some(batch.clone()));
        }
        let batch = Arc::new(inline::decode(bytes)?);
        if batch.num_rows() as u64 != segment.rows {
            return Err(failed(
                "an inline batch",
                format!("{} rows instead of {}", batch.num_rows(), segment.rows),
            ));
        }
        let mut cache = self.shared.inline.lock();
        if cache.rows > INLINE_CACHE_ROWS {
            // Rare: folding keeps inline rows few.
            *cache = InlineCache::default();
        }
        cache.rows += batch.num_rows();
        cache.batches.insert(segment.id, batch.clone());
        Ok(Some(batch))
    }

    /// Makes the names of new files durable. Files themselves are synced when written.
    pub(crate) async fn sync_names(&self, table: Oid) -> Result<()> {
        let Some(root) = self.shared.directory.clone() else {
            return Ok(());
        };
        blocking(move || {
            std::fs::File::open(root.join(table.to_string()))?.sync_all()?;
            std::fs::File::open(&root)?.sync_all()?;
            Ok(())
        })
        .await
    }

    /// Deletes files no one can reach: those whose key is not in `reachable` and which were last
    /// written before `older_than` (microseconds since 1970 UTC; files of running transactions are
    /// unreachable but young). At start, before the first transaction, nothing need be spared.
    pub async fn collect(&self, reachable: &HashSet<String>, older_than: i64) -> Result<Collected> {
        let err = |e| io_failed("segments cannot be listed", e);
        let mut done = Collected::default();
        let mut files = self.objects.list(None);
        while let Some(file) = files.try_next().await.map_err(err)? {
            let key = file.location.as_ref();
            if !key.ends_with(".vortex") || reachable.contains(key) {
                continue;
            }
            if file.last_modified.timestamp_micros() >= older_than {
                done.spared += 1;
                continue;
            }
            match self.objects.delete(&file.location).await {
                Ok(()) => {
                    done.files += 1;
                    done.bytes += file.size;
                }
                Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return Err(io_failed("a segment cannot be deleted", e)),
            }
        }
        Ok(done)
    }

    /// Deletes one file, for instance of a temporary table that is gone.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.objects.delete(&Key::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(io_failed("a segment cannot be deleted", e)),
        }
    }
}

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| SqlError::internal(format!("a storage task failed: {e}")))?
}

/// Runs work that computes and never waits, beside its caller, on the threads made for that: what
/// many threads have allocated an allocator keeps in many places.
pub(crate) async fn computing<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::spawn(async move { work() })
        .await
        .map_err(|e| SqlError::internal(format!("a storage task failed: {e}")))?
}
