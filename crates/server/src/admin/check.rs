//! The check of a data directory: every catalog can be read, and every file that it names is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::host::keys;

pub async fn check(root: &Path) -> Result<()> {
    let mut problems = Vec::new();
    let mut places = vec![("default namespace".to_string(), root.to_path_buf())];
    for (kind, below) in [("namespace", "namespaces"), ("snapshot", "snapshots")] {
        for dir in directories(&root.join(below))? {
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            places.push((format!("{kind} {name}"), dir.clone()));
        }
    }
    for region in directories(&root.join("regions"))? {
        for dir in directories(&region.join("snapshots"))? {
            places.push((format!("snapshot {}", dir.display()), dir));
        }
    }
    for (name, dir) in places {
        // A restored default namespace has a directory of its own.
        if !dir.join("catalog.db").exists() && dir == root {
            continue;
        }
        if let Err(error) = place(&name, &dir, &mut problems).await {
            problems.push(format!("{name}: {error:#}"));
        }
    }
    let records = root.join("control.db");
    if records.exists() {
        use lw_catalog::RecordStore;
        let store = lw_catalog_sql::SqliteRecords::open(&records).await?;
        let loaded = store.load().await.context("control.db")?;
        println!("control plane: {} records", loaded.len());
    }
    if problems.is_empty() {
        println!("all is there");
        return Ok(());
    }
    for problem in &problems {
        println!("PROBLEM {problem}");
    }
    bail!("{} problems", problems.len())
}

async fn place(name: &str, dir: &Path, problems: &mut Vec<String>) -> Result<()> {
    let catalog = lw_catalog_sql::read(&dir.join("catalog.db"))
        .await
        .context("its catalog cannot be read")?;
    let wanted: BTreeSet<String> = keys(&catalog).into_iter().collect();
    let segments = dir.join("segments");
    let mut bytes = 0;
    for key in &wanted {
        match std::fs::metadata(segments.join(key)) {
            Ok(found) if found.len() > 0 => bytes += found.len(),
            Ok(_) => problems.push(format!("{name}: the file {key} is empty")),
            Err(error) => problems.push(format!("{name}: the file {key}: {error}")),
        }
    }
    println!(
        "{name}: version {}, {} relations, {} segment files, {bytes} bytes",
        catalog.version.0,
        catalog.relations().count(),
        wanted.len()
    );
    Ok(())
}

fn directories(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && !entry.file_name().to_string_lossy().starts_with('.') {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
