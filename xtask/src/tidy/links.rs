//! Links between pages: a relative link leads to a file that exists.

use std::path::Path;

use super::Source;

pub fn check(root: &Path, files: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for page in files
        .iter()
        .filter(|f| f.path.extension().is_some_and(|e| e == "md"))
    {
        for target in targets(&page.text) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            let folder = page.path.parent().unwrap_or(Path::new(""));
            if !root.join(folder).join(file).exists() {
                complaints.push(format!("{}: no file {target}", page.path.display()));
            }
        }
    }
    complaints
}

fn targets(text: &str) -> Vec<&str> {
    let mut code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            if let Some(end) = rest.find([')', ' ']) {
                found.push(&rest[..end]);
            }
        }
    }
    found
}
