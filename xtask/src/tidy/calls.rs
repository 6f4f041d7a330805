//! Calls that go round a place made for them: the clock and randomness in `base`, the environment and
//! standard output at the edge of the process.

use super::Source;

struct Rule {
    /// The text of the call.
    call: &'static str,
    /// Beginnings of the paths in which it is right.
    allowed: &'static [&'static str],
    /// What to do instead.
    instead: &'static str,
}

/// Programs that own their process.
const PROGRAMS: &[&str] = &[
    "crates/server/",
    "crates/testkit/",
    "crates/engine/examples/",
    "xtask/",
];
const CLOCK: &[&str] = &["crates/base/src/clock.rs", "crates/testkit/", "xtask/"];
const RANDOM: &[&str] = &["crates/base/src/random.rs", "crates/testkit/"];

const RULES: &[Rule] = &[
    Rule {
        call: "SystemTime::now",
        allowed: CLOCK,
        instead: "lw_base::clock",
    },
    Rule {
        call: "Utc::now",
        allowed: CLOCK,
        instead: "lw_base::clock",
    },
    Rule {
        call: "Local::now",
        allowed: CLOCK,
        instead: "lw_base::clock",
    },
    Rule {
        call: "rand::",
        allowed: RANDOM,
        instead: "lw_base::random",
    },
    Rule {
        call: "thread_rng",
        allowed: RANDOM,
        instead: "lw_base::random",
    },
    Rule {
        call: "getrandom",
        allowed: RANDOM,
        instead: "lw_base::random",
    },
    Rule {
        call: "env::var",
        allowed: PROGRAMS,
        instead: "a parameter from the server",
    },
    Rule {
        call: "println!",
        allowed: PROGRAMS,
        instead: "tracing",
    },
    Rule {
        call: "process::exit",
        allowed: PROGRAMS,
        instead: "an error",
    },
    Rule {
        call: "std::thread::sleep",
        allowed: &["xtask/"],
        instead: "tokio::time::sleep",
    },
];

pub fn check(files: &[&Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| !f.is_test()) {
        let path = file.path.display().to_string();
        // What builds the product is not part of it.
        if path.ends_with("tidy/calls.rs") || path.ends_with("build.rs") {
            continue;
        }
        for (number, line) in file.product_lines() {
            let code = line.split("//").next().unwrap_or_default();
            for rule in RULES.iter().filter(|r| stands_alone(code, r.call)) {
                if !rule.allowed.iter().any(|a| path.starts_with(a)) {
                    complaints.push(format!(
                        "{path}:{number}: {}; use {}",
                        rule.call, rule.instead
                    ));
                }
            }
        }
    }
    complaints
}

/// True if the call is in the line and is not the tail of a longer name (`operand::x`, `eprintln!`).
fn stands_alone(code: &str, call: &str) -> bool {
    code.match_indices(call)
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}
