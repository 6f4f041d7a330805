//! Snapshots: a directory with a copy of a namespace's catalog and links to the segments it reaches.
//!
//! Segments never change, so that a snapshot holds no data twice, and none is lost when the namespace
//! or another snapshot goes. `snapshots/<name>/` are those of this region, `regions/<region>/
//! snapshots/<name>/` those copied into others: they stand for stores elsewhere and share no data.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lw_base::{Result, SqlError, SqlState, clock};
use lw_catalog::{CatalogSnapshot, CatalogStore, Change, Place, RelationKind, Segment, SortKey};
use lw_catalog_sql::SqliteStore;
use lw_services::warehouses::SnapshotUsage;
use serde::{Deserialize, Serialize};

use super::Host;
use super::files::{
    Layout, NamespaceFile, USE_FILE, check_name, names, read_json, remove, sync_dir, sync_tree,
    write_json,
};
use super::namespace::Namespace;

/// What a snapshot is, in its directory. Written last.
const SNAPSHOT_FILE: &str = "snapshot.json";
pub(super) const CATALOG: &str = "catalog.db";
pub(super) const SEGMENTS: &str = "segments";
/// How often a snapshot is tried whose namespace drops segments meanwhile.
const TRIES: usize = 5;

/// What a snapshot is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SnapshotFile {
    /// The namespace it is of, as it was then.
    pub namespace: NamespaceFile,
    /// When it was taken, microseconds since 1970 UTC.
    pub taken: i64,
    /// Bytes of the data it reaches.
    pub bytes: u64,
    /// Bytes that no earlier snapshot of the namespace reaches.
    pub incremental_bytes: u64,
}

impl SnapshotFile {
    fn usage(&self) -> SnapshotUsage {
        SnapshotUsage {
            bytes: self.bytes,
            incremental_bytes: self.incremental_bytes,
        }
    }
}

/// A file whose directory is gone before it was linked.
fn gone(error: &SqlError) -> bool {
    error.state == SqlState::UNDEFINED_FILE
}

impl Layout {
    fn snapshots(&self) -> PathBuf {
        self.root().join("snapshots")
    }

    fn region(&self, region: &str) -> PathBuf {
        self.root().join("regions").join(region).join("snapshots")
    }

    /// The directory of a snapshot, here or in another region.
    pub(super) fn find_snapshot(&self, name: &str) -> Result<Option<PathBuf>> {
        check_name("snapshot", name)?;
        let mut places = vec![self.snapshots()];
        for region in names(&self.root().join("regions"))? {
            places.push(self.region(&region));
        }
        let found = places.into_iter().map(|place| place.join(name));
        Ok(found
            .into_iter()
            .find(|dir| dir.join(SNAPSHOT_FILE).exists()))
    }

    /// The directory of a snapshot that must be there, and what it is.
    pub(super) fn snapshot(&self, name: &str) -> Result<(PathBuf, SnapshotFile)> {
        let missing = || {
            SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("snapshot \"{name}\" does not exist"),
            )
        };
        let dir = self.find_snapshot(name)?.ok_or_else(missing)?;
        let file = read_json(&dir.join(SNAPSHOT_FILE))?.ok_or_else(missing)?;
        Ok((dir, file))
    }

    /// Inodes of the segments of a namespace's earlier snapshots.
    fn linked(&self, namespace: &str) -> Result<HashSet<(u64, u64)>> {
        let mut inodes = HashSet::new();
        for name in names(&self.snapshots())? {
            let dir = self.snapshots().join(name);
            let file: Option<SnapshotFile> = read_json(&dir.join(SNAPSHOT_FILE))?;
            if file.is_none_or(|f| f.namespace.id != namespace) {
                continue;
            }
            for table in names(&dir.join(SEGMENTS))? {
                for entry in std::fs::read_dir(dir.join(SEGMENTS).join(table))? {
                    let found = entry?.metadata()?;
                    inodes.insert((found.dev(), found.ino()));
                }
            }
        }
        Ok(inodes)
    }
}

/// Keys of the files a catalog reaches.
pub(crate) fn keys(catalog: &CatalogSnapshot) -> Vec<String> {
    let segments = catalog
        .all_table_data()
        .flat_map(|(_, data)| data.segments.values());
    segments
        .filter_map(|segment| match &segment.place {
            Place::File(key) => Some(key.clone()),
            Place::Inline(_) => None,
        })
        .collect()
}

/// Gives a file a second name. Between file systems it is copied.
pub(super) fn link(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let linked = std::fs::hard_link(from, to);
    match linked {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(SqlError::new(
            SqlState::UNDEFINED_FILE,
            format!("segment {} is gone", from.display()),
        )),
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            tracing::debug!(%error, "a segment is copied, not linked");
            copy_file(from, to)
        }
        _ => Ok(()),
    }
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)?;
    Ok(std::fs::File::open(to)?.sync_all()?)
}

/// Does work that waits for the disk beside the tasks that serve clients.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(SqlError::internal)?
}

impl Host {
    pub(super) async fn take_snapshot(
        &self,
        namespace: &Arc<Namespace>,
        name: &str,
    ) -> Result<SnapshotUsage> {
        if let Some(dir) = self.shared.layout.find_snapshot(name)? {
            // Asked for once more, after a crash.
            return match read_json::<SnapshotFile>(&dir.join(SNAPSHOT_FILE))? {
                Some(file) if file.namespace.id == namespace.id => Ok(file.usage()),
                _ => Err(already_there(name)),
            };
        }
        let dir = self.shared.layout.snapshots();
        let new = dir.join(format!(".new-{name}"));
        let mut tries = 0;
        let file = loop {
            tries += 1;
            remove(&new)?;
            std::fs::create_dir_all(&new)?;
            match self.fill_snapshot(namespace, &new).await {
                Ok(file) => break file,
                Err(error) if gone(&error) && tries < TRIES => {}
                Err(error) => {
                    remove(&new)?;
                    return Err(error);
                }
            }
        };
        put(&new, &dir.join(name), &file).await?;
        Ok(file.usage())
    }

    /// Fills the directory of a new snapshot.
    async fn fill_snapshot(&self, namespace: &Arc<Namespace>, new: &Path) -> Result<SnapshotFile> {
        let from = namespace.dir();
        // While this transaction is open the files of its state, and what is written from now on,
        // stay. A namespace that is closed is not opened meanwhile.
        let (mut open, mut closed) = (namespace.open_now(), None);
        while open.is_none() && closed.is_none() {
            closed = namespace.keep_closed().await;
            open = namespace.open_now();
        }
        let pin = open.as_ref().map(|open| {
            let mut txn = open.leader.shared().txns.begin_internal();
            txn.snapshot();
            txn
        });
        let taken = clock::now_micros();
        let catalog = new.join(CATALOG);
        lw_catalog_sql::copy(&from.join(CATALOG), &catalog).await?;
        let state = lw_catalog_sql::read(&catalog).await?;
        let namespace = namespace.file();
        let earlier = self.shared.layout.linked(&namespace.id)?;
        let new = new.to_path_buf();
        let file = blocking(move || {
            let (mut bytes, mut incremental_bytes) = (0, 0);
            for (_, data) in state.all_table_data() {
                for segment in data.segments.values() {
                    let Place::File(key) = &segment.place else {
                        bytes += segment.bytes;
                        incremental_bytes += segment.bytes;
                        continue;
                    };
                    let to = new.join(SEGMENTS).join(key);
                    link(&from.join(SEGMENTS).join(key), &to)?;
                    let found = to.metadata()?;
                    bytes += found.len();
                    if !earlier.contains(&(found.dev(), found.ino())) {
                        incremental_bytes += found.len();
                    }
                }
            }
            Ok(SnapshotFile {
                namespace,
                taken,
                bytes,
                incremental_bytes,
            })
        })
        .await;
        drop((pin, closed));
        file
    }

    pub(super) async fn remove_snapshot(&self, name: &str) -> Result<()> {
        let Some(dir) = self.shared.layout.find_snapshot(name)? else {
            return Ok(());
        };
        blocking(move || remove(&dir)).await
    }

    pub(super) async fn copy_snapshot_to(
        &self,
        name: &str,
        region: &str,
        copy: &str,
    ) -> Result<()> {
        check_name("region", region)?;
        let layout = &self.shared.layout;
        let (from, file) = layout.snapshot(name)?;
        let all = layout.region(region);
        let place = all.join(copy);
        if let Some(found) = layout.find_snapshot(copy)? {
            let there: Option<SnapshotFile> = read_json(&found.join(SNAPSHOT_FILE))?;
            // Asked for once more, after a crash.
            return match there {
                Some(there) if found == place && there.taken == file.taken => Ok(()),
                _ => Err(already_there(copy)),
            };
        }
        let new = all.join(format!(".new-{copy}"));
        let to = new.clone();
        blocking(move || {
            remove(&to)?;
            std::fs::create_dir_all(&to)?;
            copy_file(&from.join(CATALOG), &to.join(CATALOG))?;
            for table in names(&from.join(SEGMENTS))? {
                let (from, to) = (
                    from.join(SEGMENTS).join(&table),
                    to.join(SEGMENTS).join(&table),
                );
                std::fs::create_dir_all(&to)?;
                for name in names(&from)? {
                    copy_file(&from.join(&name), &to.join(&name))?;
                }
            }
            Ok(())
        })
        .await?;
        let file = SnapshotFile {
            incremental_bytes: file.bytes,
            ..file
        };
        put(&new, &place, &file).await
    }

    /// Makes a namespace out of a snapshot.
    pub(super) async fn restore_snapshot(
        &self,
        name: &str,
        id: &str,
        serverless: bool,
    ) -> Result<()> {
        check_name("namespace", id)?;
        let layout = &self.shared.layout;
        let (from, snapshot) = layout.snapshot(name)?;
        let known = self.namespaces.read().get(id).cloned();
        // Held to the end, so that nobody starts it meanwhile.
        let _admin = match &known {
            Some(namespace) => Some(namespace.admin.lock().await),
            None => None,
        };
        if known.as_ref().is_some_and(|n| n.is_started()) {
            return Err(SqlError::new(
                // object_in_use
                SqlState("55006"),
                format!("namespace \"{id}\" is started"),
            ));
        }
        let _closed = match &known {
            Some(namespace) => namespace.keep_closed().await,
            None => None,
        };
        let new = layout.new_namespace(id)?;
        let catalog = new.join(CATALOG);
        copy_file(&from.join(CATALOG), &catalog)?;
        let state = lw_catalog_sql::read(&catalog).await?;
        let to = new.clone();
        let linked = keys(&state);
        blocking(move || {
            linked.iter().try_for_each(|key| {
                link(&from.join(SEGMENTS).join(key), &to.join(SEGMENTS).join(key))
            })
        })
        .await?;
        if known.is_some() {
            // Ids and keys of files go on from what either has given out.
            let old = layout.namespace(id);
            lw_catalog_sql::continue_after(&catalog, &old.join(CATALOG)).await?;
            // What serves it and what it cost are not part of the data.
            for name in [super::files::PORT_FILE, USE_FILE] {
                if old.join(name).exists() {
                    copy_file(&old.join(name), &new.join(name))?;
                }
            }
        }
        let interleaved = compound(&state);
        if serverless && !interleaved.is_empty() {
            let store = SqliteStore::open(&catalog).await?;
            store.commit(state.version, &[interleaved]).await?;
            store.checkpoint().await?;
        }
        let file = NamespaceFile {
            id: id.to_string(),
            serverless,
            ..snapshot.namespace
        };
        layout.put_namespace(&file)?;
        match &known {
            Some(namespace) => namespace.set_file(file),
            None => {
                let namespace = Namespace::new(self.shared.clone(), file)?;
                let mut all = self.namespaces.write();
                all.insert(id.to_string(), namespace);
            }
        }
        Ok(())
    }
}

/// Gives a new snapshot its place.
async fn put(new: &Path, place: &Path, file: &SnapshotFile) -> Result<()> {
    let (new, place, file) = (new.to_path_buf(), place.to_path_buf(), file.clone());
    blocking(move || {
        write_json(&new.join(SNAPSHOT_FILE), &file)?;
        sync_tree(&new)?;
        std::fs::rename(&new, &place)?;
        place.parent().map_or(Ok(()), sync_dir)
    })
    .await
}

fn already_there(name: &str) -> SqlError {
    SqlError::new(
        SqlState::DUPLICATE_OBJECT,
        format!("snapshot \"{name}\" already exists"),
    )
}

/// The changes that make compound sort keys of the interleaved ones (Management Guide, L971, L4316).
/// Their rows are no longer in order.
fn compound(state: &CatalogSnapshot) -> Vec<Change> {
    let mut changes = Vec::new();
    for relation in state.relations() {
        let RelationKind::Table(table) = &relation.kind else {
            continue;
        };
        let SortKey::Interleaved(columns) = &table.sort else {
            continue;
        };
        let mut relation = lw_catalog::Relation::clone(relation);
        relation.kind = RelationKind::Table(lw_catalog::TableDef {
            sort: SortKey::Compound(columns.clone()),
            ..table.clone()
        });
        let oid = relation.oid;
        changes.push(Change::PutRelation(Arc::new(relation)));
        let data = state.table_data(oid);
        let sorted: Vec<_> = data.segments.values().filter(|s| s.sorted).collect();
        if sorted.is_empty() {
            continue;
        }
        changes.push(Change::RemoveSegments {
            table: oid,
            segments: sorted.iter().map(|s| s.id).collect(),
        });
        let unsorted = sorted.into_iter().map(|segment| {
            Arc::new(Segment {
                sorted: false,
                ..Segment::clone(segment)
            })
        });
        changes.push(Change::AddSegments {
            table: oid,
            segments: unsorted.collect(),
        });
    }
    changes
}
