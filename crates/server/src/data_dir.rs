//! The data directory: its layout, and the lock that keeps a second process out.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A data directory that this process holds.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    /// Held for as long as the process lives; the system lets go of it even after `kill -9`.
    _lock: File,
}

impl DataDir {
    /// Opens the directory, made if it is missing, and takes its lock.
    pub fn open(root: &Path) -> Result<DataDir> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .with_context(|| format!("cannot make the data directory {}", root.display()))?;
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot open the data directory {}", root.display()))?;
        let path = root.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = lock.read_to_string(&mut holder);
                bail!(
                    "another process{} serves the data directory {}; stop it first, or name another \
                     directory with --data-dir",
                    match holder.trim() {
                        "" => String::new(),
                        pid => format!(" (pid {pid})"),
                    },
                    root.display()
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        lock.set_len(0)?;
        lock.seek(SeekFrom::Start(0))?;
        writeln!(lock, "{}", std::process::id())?;
        let dir = DataDir { root, _lock: lock };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir.tls())?;
        Ok(dir)
    }

    /// The directory itself, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Certificates.
    pub fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// Password of the admin and keys of the root.
    pub fn credentials(&self) -> PathBuf {
        self.root.join("credentials")
    }
}

/// Writes a file that only its owner may read: whole or not at all.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        match path.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        let error = DataDir::open(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("(pid {})", std::process::id())),
            "{error}"
        );
        drop(first);
        DataDir::open(dir.path()).unwrap();
    }
}
