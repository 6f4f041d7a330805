//! Restoring one table of a snapshot.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lw_base::{Result, clock};
use lw_services::warehouses::{TableRestore, TableRestored};

use super::Host;
use super::files::sync_dir;
use super::namespace::Namespace;
use super::snapshot::{CATALOG, SEGMENTS, blocking, link};

impl Host {
    /// Makes a table out of one of a snapshot.
    pub(super) async fn take_table(
        &self,
        snapshot: &str,
        namespace: &Arc<Namespace>,
        wanted: &TableRestore,
    ) -> Result<TableRestored> {
        let (from, _) = self.shared.layout.snapshot(snapshot)?;
        let state = lw_catalog_sql::read(&from.join(CATALOG)).await?;
        let open = namespace.opened().await?;
        let adoption = open.leader.adopt_table(&state, wanted).await?;
        let files = adoption.files.clone();
        let to = namespace.dir().join(SEGMENTS);
        let from = from.join(SEGMENTS);
        blocking(move || {
            for (old, new) in &files {
                take(&from.join(old), &to.join(new))?;
            }
            // All of a table are in one directory.
            if let Some(table) = files
                .first()
                .and_then(|(_, new)| to.join(new).parent().map(Path::to_path_buf))
            {
                sync_dir(&table)?;
                sync_dir(&to)?;
            }
            Ok(())
        })
        .await?;
        adoption.commit().await
    }
}

/// Links a file that no catalog knows yet. Garbage collection takes it for new by its time, which all
/// names of a file share; it means nothing else.
fn take(from: &Path, to: &Path) -> Result<()> {
    if let Ok(file) = std::fs::File::options().append(true).open(from) {
        let now = Duration::from_micros(clock::now_micros().unsigned_abs());
        file.set_modified(UNIX_EPOCH + now)?;
    }
    link(from, to)
}
