//! Sizes as a ratchet. A file past [`FILE_LOOK`] lines or a function past [`FUNCTION_LOOK`] deserves a
//! look and is counted; past the limits it is a complaint, unless `xtask/giants.txt` lists it with
//! a size it has not outgrown. The list only shrinks.

use std::collections::HashMap;
use std::path::Path;

use super::Source;

const FILE_LOOK: usize = 500;
const FUNCTION_LOOK: usize = 70;
const FILE_LIMIT: usize = 800;
const FUNCTION_LIMIT: usize = 140;

pub fn check(root: &Path, files: &[&Source]) -> anyhow::Result<Vec<String>> {
    let list = std::fs::read_to_string(root.join("xtask/giants.txt"))?;
    let allowed: HashMap<&str, usize> = list
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.rsplit_once(' '))
        .filter_map(|(name, size)| Some((name, size.parse().ok()?)))
        .collect();
    let mut complaints = Vec::new();
    let mut looks = [0, 0];
    let mut weigh = |name: String, size: usize, look: usize, limit: usize, kind: usize| {
        looks[kind] += usize::from(size > look);
        let limit = allowed.get(name.as_str()).copied().unwrap_or(limit);
        if size > limit {
            complaints.push(format!("{name} has {size} lines, more than {limit}"));
        }
    };
    for file in files.iter().filter(|f| !f.is_test()) {
        let path = file.path.display().to_string();
        let lines = file.product_lines().count();
        weigh(path.clone(), lines, FILE_LOOK, FILE_LIMIT, 0);
        for (name, size) in functions(file) {
            weigh(
                format!("{path}::{name}"),
                size,
                FUNCTION_LOOK,
                FUNCTION_LIMIT,
                1,
            );
        }
    }
    println!(
        "     worth a look: {} files past {FILE_LOOK} lines, {} functions past {FUNCTION_LOOK}",
        looks[0], looks[1]
    );
    Ok(complaints)
}

/// Functions and their lengths. The code is formatted, so a function ends at the first line that is a
/// closing brace with its own indentation.
fn functions(file: &Source) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut open: Vec<(String, usize, usize)> = Vec::new();
    for (number, line) in file.product_lines() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if trimmed == "}"
            && let Some(at) = open.iter().rposition(|(_, i, _)| *i == indent)
        {
            let (name, _, start) = open.swap_remove(at);
            found.push((name, number - start + 1));
        }
        if let Some(name) = function_name(trimmed)
            && !trimmed.ends_with(';')
            && !trimmed.ends_with('}')
        {
            open.retain(|(_, i, _)| *i != indent);
            open.push((name, indent, number));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let mut rest = line;
    while let Some((word, after)) = rest.split_once(' ') {
        if word == "fn" {
            let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            return Some(after[..end].to_string());
        }
        let modifier =
            word.starts_with("pub") || ["async", "const", "unsafe", "extern"].contains(&word);
        if !modifier && !word.starts_with('"') {
            return None;
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured() {
        let text = "impl A {\n    pub(crate) async fn one(\n        &self,\n    ) {\n        if x {\n        \
                    }\n    }\n    fn short() {}\n}\nfn two<T>() {\n}\n";
        let file = Source {
            path: "a.rs".into(),
            text: text.to_string(),
        };
        assert_eq!(
            functions(&file),
            [("one".to_string(), 6), ("two".to_string(), 2)]
        );
    }
}
