//! Backup and restore. Files of segments, buckets and snapshots are never changed once they are
//! written, so that they get a second name where that is possible; databases are copied as of one
//! commit. What is written while a backup is made is in it or not, as of the catalog's copy.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::check;

/// What belongs to a process and not to the data.
const LEFT_OUT: &[&str] = &["lock", "spill"];
/// What has files that never change.
const UNCHANGING: &[&str] = &["segments", "s3", "snapshots", "regions"];

pub async fn backup(from: &Path, to: &Path) -> Result<()> {
    if !from.join("namespace.json").exists() {
        bail!("{} is no data directory of Longwave", from.display());
    }
    make_empty(to)?;
    // Before and after the catalogs: what a catalog names was there before its copy, or came while
    // the first round ran.
    let mut seen = BTreeSet::new();
    copy_files(from, to, &mut seen)?;
    for database in files(from, Path::new(""))?
        .iter()
        .filter(|path| is_database(path))
    {
        let target = to.join(database);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        lw_catalog_sql::copy(&from.join(database), &target)
            .await
            .with_context(|| format!("cannot copy {}", database.display()))?;
    }
    copy_files(from, to, &mut seen)?;
    println!("{} files copied to {}", seen.len(), to.display());
    check::check(to)
        .await
        .context("the backup is not whole; make it again")
}

pub async fn restore(from: &Path, to: &Path) -> Result<()> {
    if !from.join("namespace.json").exists() {
        bail!("{} is no backup of Longwave", from.display());
    }
    make_empty(to)?;
    let mut seen = BTreeSet::new();
    copy_files(from, to, &mut seen)?;
    for database in files(from, Path::new(""))?
        .iter()
        .filter(|path| is_database(path))
    {
        fs::copy(from.join(database), to.join(database))?;
    }
    println!("{} files restored to {}", seen.len(), to.display());
    check::check(to).await
}

fn make_empty(dir: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make {}", dir.display()))?;
    if fs::read_dir(dir)?.next().is_some() {
        bail!("{} is not empty", dir.display());
    }
    Ok(())
}

fn is_database(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "db") && !unchanging(path)
}

fn unchanging(path: &Path) -> bool {
    path.components()
        .any(|part| UNCHANGING.iter().any(|name| part.as_os_str() == *name))
}

fn copy_files(from: &Path, to: &Path, seen: &mut BTreeSet<PathBuf>) -> Result<()> {
    for path in files(from, Path::new(""))? {
        let name = path.to_string_lossy();
        let side = name.ends_with(".db-wal") || name.ends_with(".db-shm");
        if is_database(&path) || side || seen.contains(&path) {
            continue;
        }
        let (source, target) = (from.join(&path), to.join(&path));
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let copied = match unchanging(&path) && fs::hard_link(&source, &target).is_ok() {
            true => Ok(()),
            false => fs::copy(&source, &target).map(|_| ()),
        };
        match copied {
            Ok(()) => {
                seen.insert(path);
            }
            // Deleted meanwhile: nothing reaches it.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot copy {}", source.display()));
            }
        }
    }
    Ok(())
}

/// All files below a directory, by their path from it.
fn files(root: &Path, below: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        let name = entry.file_name();
        let work_in_progress = name.to_string_lossy().starts_with(".new-")
            || name.to_string_lossy().starts_with(".gone-");
        if LEFT_OUT.iter().any(|left| name == **left) || work_in_progress {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => match files(root, &path) {
                Ok(inner) => found.extend(inner),
                Err(_) if !root.join(&path).exists() => {}
                Err(error) => return Err(error),
            },
            false => found.push(path),
        }
    }
    Ok(found)
}
