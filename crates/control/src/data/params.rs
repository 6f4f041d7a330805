//! Named parameters: `:name` becomes `$1`, outside comments, strings and quoted names (guide
//! L16735-16782).

use std::collections::BTreeSet;

/// A statement with placeholders for its named parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered {
    /// The text with `$1`, `$2`, ...: what is run, and what positions of errors count in.
    pub sql: String,
    /// The name of each placeholder.
    pub names: Vec<String>,
}

/// Replaces `:name` for every name that has a value. A name used twice gets a placeholder each time:
/// each use may be of another type.
pub fn number(sql: &str, known: &BTreeSet<&str>) -> Numbered {
    let mut out = String::with_capacity(sql.len());
    let mut names = Vec::new();
    let bytes = sql.as_bytes();
    let mut at = 0;
    let mut copied = 0;
    while at < bytes.len() {
        if let Some(end) = skip(sql, at) {
            at = end;
            continue;
        }
        if bytes[at] != b':' {
            at += 1;
            continue;
        }
        if bytes.get(at + 1) == Some(&b':') {
            at += 2;
            continue;
        }
        let end = bytes[at + 1..]
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))
            .map_or(bytes.len(), |length| at + 1 + length);
        let name = &sql[at + 1..end];
        if known.contains(name) {
            out.push_str(&sql[copied..at]);
            names.push(name.to_string());
            out.push_str(&format!("${}", names.len()));
            copied = end;
        }
        at = end.max(at + 1);
    }
    out.push_str(&sql[copied..]);
    Numbered { sql: out, names }
}

/// The end of the comment, string or quoted name that begins here.
fn skip(sql: &str, at: usize) -> Option<usize> {
    let bytes = sql.as_bytes();
    let rest = &bytes[at..];
    match rest {
        [b'-', b'-', ..] => Some(
            rest.iter()
                .position(|b| *b == b'\n')
                .map_or(bytes.len(), |length| at + length),
        ),
        [b'/', b'*', ..] => {
            // Comments nest.
            let mut depth = 0;
            let mut i = at;
            while i < bytes.len() {
                match &bytes[i..] {
                    [b'/', b'*', ..] => {
                        depth += 1;
                        i += 2;
                    }
                    [b'*', b'/', ..] => {
                        depth -= 1;
                        i += 2;
                        if depth == 0 {
                            return Some(i);
                        }
                    }
                    _ => i += 1,
                }
            }
            Some(bytes.len())
        }
        [b'\'', ..] => Some(quoted(bytes, at, b'\'', true)),
        [b'"', ..] => Some(quoted(bytes, at, b'"', false)),
        [b'$', ..] => {
            // $tag$ ... $tag$
            let before = at.checked_sub(1).map(|i| bytes[i]);
            if before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$') {
                return None;
            }
            let tag_end = rest[1..]
                .iter()
                .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))
                .map(|length| at + 1 + length)?;
            if bytes[tag_end] != b'$' || rest.get(1).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            let tag = &sql[at..=tag_end];
            Some(
                sql[tag_end + 1..]
                    .find(tag)
                    .map_or(bytes.len(), |i| tag_end + 1 + i + tag.len()),
            )
        }
        _ => None,
    }
}

fn quoted(bytes: &[u8], start: usize, quote: u8, escapes: bool) -> usize {
    let mut i = start + 1;
    while i < bytes.len() {
        if escapes && bytes[i] == b'\\' {
            i += 2;
        } else if bytes[i] == quote {
            if bytes.get(i + 1) == Some(&quote) {
                i += 2;
            } else {
                return i + 1;
            }
        } else {
            i += 1;
        }
    }
    bytes.len()
}

/// True if the text only reads: such statements of one user may run beside each other. What is in
/// doubt counts as writing.
pub fn only_reads(sql: &str) -> bool {
    let mut words = Vec::new();
    let bytes = sql.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if let Some(end) = skip(sql, at) {
            at = end;
        } else if bytes[at] == b';' {
            // More than one statement: look no further.
            if sql[at + 1..].trim().is_empty() {
                break;
            }
            return false;
        } else if bytes[at].is_ascii_alphabetic() {
            let end = bytes[at..]
                .iter()
                .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))
                .map_or(bytes.len(), |length| at + length);
            words.push(sql[at..end].to_ascii_lowercase());
            at = end;
        } else {
            at += 1;
        }
    }
    let first = words.first().map(String::as_str);
    matches!(first, Some("select" | "with" | "show")) && !words.iter().any(|word| word == "into")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str, names: &[&str]) -> (String, Vec<String>) {
        let numbered = number(sql, &names.iter().copied().collect());
        (numbered.sql, numbered.names)
    }

    #[test]
    fn names_become_numbers() {
        assert_eq!(
            of(
                "INSERT INTO Movies VALUES( :id , :title, :year)",
                &["id", "title", "year"]
            ),
            (
                "INSERT INTO Movies VALUES( $1 , $2, $3)".to_string(),
                vec!["id".to_string(), "title".into(), "year".into()]
            )
        );
        let (sql, names) = of(
            "select :a::smallint, ':a', \":a\", :a /* :a */ -- :a\n, :b",
            &["a"],
        );
        assert_eq!(
            sql,
            "select $1::smallint, ':a', \":a\", $2 /* :a */ -- :a\n, :b"
        );
        assert_eq!(names, ["a", "a"]);
        assert_eq!(of("where id =:id ", &["id"]).0, "where id =$1 ");
        assert_eq!(
            of("select $$ :a $$, $1, :a", &["a"]).0,
            "select $$ :a $$, $1, $1"
        );
        assert_eq!(
            of("select 'it''s :a', e'\\':a', :a", &["a"]).0,
            "select 'it''s :a', e'\\':a', $1"
        );
        assert_eq!(of("select 'ü:a', :ab, :", &["a"]).0, "select 'ü:a', :ab, :");
        assert_eq!(of("/* /* :a */ :a */ :a", &["a"]).0, "/* /* :a */ :a */ $1");
        // Position 12 of an error is right in the text that runs (guide L16757-16763).
        assert_eq!(
            of("SELECT :colname, FROM event", &["colname"])
                .0
                .find("FROM"),
            Some(11)
        );
    }

    #[test]
    fn readers_are_known() {
        assert!(only_reads(" -- x\n SELECT 1;"));
        assert!(only_reads("with a as (select 'into') select * from a"));
        assert!(!only_reads("select * into b from a"));
        assert!(!only_reads("insert into a values (1)"));
        assert!(!only_reads("select 1; drop table a"));
        assert!(!only_reads(""));
    }
}
