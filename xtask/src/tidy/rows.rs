//! The row rule: a crate depends only on rows above its own, and within a row only where the map in
//! ARCHITECTURE.md says "sees". The map is the one list; a crate that is not on it is a complaint.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// Edges translate only: they see the vocabulary and the contracts, never the roles.
const EDGES_ROW: u32 = 5;
const LAST_ROW_OF_EDGES: u32 = 1;
/// Not part of the product: keeps the features of shared libraries equal in partial builds.
const IGNORED: &str = "workspace-hack";

struct Place {
    row: u32,
    sees: Vec<String>,
}

pub fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let map = read_map(&std::fs::read_to_string(root.join("ARCHITECTURE.md"))?);
    if map.is_empty() {
        return Ok(vec!["ARCHITECTURE.md has no map of crates".to_string()]);
    }
    let mut complaints = Vec::new();
    let mut seen = Vec::new();
    for (name, dependencies) in dependencies(root)? {
        let Some(place) = map.get(&name) else {
            complaints.push(format!("{name} is not on the map in ARCHITECTURE.md"));
            continue;
        };
        for dependency in &dependencies {
            let Some(other) = map.get(dependency) else {
                continue;
            };
            let allowed = match place.row {
                EDGES_ROW => other.row <= LAST_ROW_OF_EDGES,
                row => other.row < row,
            };
            if !allowed && !place.sees.contains(dependency) {
                complaints.push(format!(
                    "{name} (row {}) depends on {dependency} (row {})",
                    place.row, other.row
                ));
            }
        }
        seen.push(name);
    }
    for name in map.keys().filter(|n| !seen.contains(n)) {
        complaints.push(format!(
            "{name} is on the map in ARCHITECTURE.md and does not exist"
        ));
    }
    complaints.sort();
    Ok(complaints)
}

/// Reads lines such as ``| 1 | `catalog-sql` (sees `catalog`) | ... |``.
fn read_map(page: &str) -> HashMap<String, Place> {
    let mut map = HashMap::new();
    for line in page.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(row), Some(names)) = (cells.next(), cells.next()) else {
            continue;
        };
        let Ok(row) = row.parse() else { continue };
        let mut sees = Vec::new();
        let mut bare = String::new();
        let mut rest = names;
        // What stands in parentheses is a remark; only "sees" matters.
        while let Some((before, after)) = rest.split_once('(') {
            bare.push_str(before);
            let (inside, after) = after.split_once(')').unwrap_or((after, ""));
            if inside.starts_with("sees") {
                sees = quoted(inside);
            }
            rest = after;
        }
        bare.push_str(rest);
        for name in quoted(&bare) {
            map.insert(
                name,
                Place {
                    row,
                    sees: sees.clone(),
                },
            );
        }
    }
    map
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_string)
        .collect()
}

/// Crates of the workspace and those of it they depend on, tests aside; without the prefix.
fn dependencies(root: &Path) -> anyhow::Result<Vec<(String, Vec<String>)>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let bare = |value: &Value| {
        let name = value.as_str().unwrap_or_default();
        name.strip_prefix("lw-").unwrap_or(name).to_string()
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    Ok(list(&metadata["packages"])
        .iter()
        .filter(|package| package["name"] != IGNORED)
        .map(|package| {
            let of_package = list(&package["dependencies"])
                .iter()
                .filter(|d| d["kind"] != "dev" && d["path"].is_string())
                .map(|d| bare(&d["name"]))
                .collect();
            (bare(&package["name"]), of_package)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_read() {
        let map = read_map(
            "| row | crate | content |\n|---|---|---|\n| 1 | `catalog-sql` (sees `catalog`) | `x` |\n\
             | 6 | `server` (binary `longwave`), `testkit` (sees `server`) | composition |",
        );
        assert_eq!(map["catalog-sql"].row, 1);
        assert_eq!(map["catalog-sql"].sees, ["catalog"]);
        assert_eq!(map["testkit"].sees, ["server"]);
        assert!(!map.contains_key("longwave"));
    }
}
