//! The page of coverage of the AWS APIs (`docs/api-coverage.md`), made from the models and the list of
//! operations that are served.

use std::fmt::Write;

use lw_aws_model::SERVICES;

use crate::registry::Depth;

/// The page.
pub fn page() -> String {
    let registry = crate::registry();
    let mut out = String::from(
        "# Coverage of the AWS APIs\n\n\
         Made by `coverage` from the service models and the list of operations that are served; not edited by hand.\n\
         **yes**: it does what it says. **partly**: but for the members named, which are kept and shown. **record**: it keeps and shows what it is told, and the effect is missing.\n\
         **refused**: input is checked, then the call fails and says why. **no**: not there.\n",
    );
    for service in SERVICES {
        let service = service.get();
        let mut names: Vec<&String> = service.operations.keys().collect();
        names.sort();
        let mut rows = String::new();
        let mut served = 0;
        for name in &names {
            let (word, note) = match registry.get(service.name, name).map(|entry| entry.depth) {
                Some(Depth::Full) => ("yes", ""),
                Some(Depth::Partly(which)) => ("partly", which),
                Some(Depth::Record(why)) => ("record", why),
                Some(Depth::Refused(why)) => ("refused", why),
                None => ("no", ""),
            };
            served += usize::from(word != "no");
            let _ = writeln!(rows, "| {name} | {word} | {note} |");
        }
        let _ = write!(
            out,
            "\n## {} (`{}`): {served} of {}\n\n| operation | served | note |\n|---|---|---|\n{rows}",
            service.full_name,
            service.name,
            names.len(),
        );
    }
    out
}
