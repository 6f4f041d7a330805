//! Every crate opens with a header: what it is, what it must never know, where to start.

use std::path::Path;

pub fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut complaints = Vec::new();
    let mut crates: Vec<_> = std::fs::read_dir(root.join("crates"))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.join("Cargo.toml").exists() && !path.ends_with("workspace-hack"))
        .collect();
    crates.push(root.join("xtask"));
    crates.sort();
    for path in crates {
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        let Some(text) = ["src/lib.rs", "src/main.rs"]
            .iter()
            .find_map(|file| std::fs::read_to_string(path.join(file)).ok())
        else {
            complaints.push(format!("{name} has neither src/lib.rs nor src/main.rs"));
            continue;
        };
        let header: Vec<&str> = text.lines().take_while(|l| l.starts_with("//!")).collect();
        let header = header.join("\n");
        if header.is_empty() {
            complaints.push(format!("{name} does not open with a header"));
            continue;
        }
        for part in ["must never know", "Where to start"] {
            if !header.contains(part) {
                complaints.push(format!("the header of {name} does not say \"{part}\""));
            }
        }
    }
    Ok(complaints)
}
