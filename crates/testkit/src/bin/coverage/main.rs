//! Writes the pages of coverage from the product's own lists: `docs/sql-coverage.md` (functions and
//! system relations, beside the names that Redshift's documentation has) and `docs/api-coverage.md` (the
//! operations of the AWS services). With `--check` it only says whether the pages are true.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::ExitCode;

/// System relations of the Database Developer Guide, by the names of its pages.
const RELATIONS: &str = include_str!("redshift_relations.txt");
/// What the grammar knows itself, so that it is no entry of the list of functions.
const SYNTAX: &[&str] = &[
    "case", "cast", "convert", "decode", "extract", "position", "trim",
];

fn main() -> anyhow::Result<ExitCode> {
    let pages = [
        ("docs/sql-coverage.md", page()?),
        ("docs/api-coverage.md", lw_control::coverage::page()),
    ];
    let checking = std::env::args().any(|a| a == "--check");
    let mut done = ExitCode::SUCCESS;
    for (path, page) in pages {
        if !checking {
            std::fs::write(path, page)?;
            println!("{path} written");
        } else if std::fs::read_to_string(path).map_or(true, |old| old != page) {
            eprintln!("{path} is not what the lists say; run target/release/coverage");
            done = ExitCode::FAILURE;
        }
    }
    Ok(done)
}

fn page() -> anyhow::Result<String> {
    let mut page = String::from(
        "# SQL coverage\n\nMade by `coverage` from the product's own lists; not edited by hand. What is \
         missing is refused with SQLSTATE\n0A000 and named, never ignored.\n",
    );
    let functions = lw_functions::all();
    let have: BTreeSet<&str> = functions
        .scalar
        .keys()
        .chain(functions.aggregate.keys())
        .chain(functions.window.keys())
        .map(String::as_str)
        .chain(SYNTAX.iter().copied())
        .filter(|name| !name.starts_with("__"))
        .collect();
    section(
        &mut page,
        "Functions",
        &have,
        &lw_functions::missing::redshift_names().collect(),
    )?;
    let have: BTreeSet<&str> = lw_sysviews::all().iter().map(|r| r.name).collect();
    section(
        &mut page,
        "System relations",
        &have,
        &RELATIONS.lines().collect(),
    )?;
    Ok(page)
}

fn section(
    page: &mut String,
    title: &str,
    have: &BTreeSet<&str>,
    redshift: &BTreeSet<&str>,
) -> std::fmt::Result {
    let there: Vec<&str> = redshift.intersection(have).copied().collect();
    let missing: Vec<&str> = redshift.difference(have).copied().collect();
    let besides: Vec<&str> = have.difference(redshift).copied().collect();
    write!(
        page,
        "\n## {title}\n\n{} of the {} documented for Redshift.\n",
        there.len(),
        redshift.len()
    )?;
    for (name, list) in [
        ("There", there),
        ("Missing", missing),
        ("There besides", besides),
    ] {
        if !list.is_empty() {
            write!(page, "\n**{name} ({}).** {}\n", list.len(), list.join(", "))?;
        }
    }
    Ok(())
}
