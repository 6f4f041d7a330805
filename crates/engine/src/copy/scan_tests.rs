use std::collections::BTreeMap;

use super::options::CopyOptions;
use super::scan::{last_boundary, scan};

fn options(pairs: &[(&str, &str)]) -> CopyOptions {
    let map: BTreeMap<String, String> = pairs
        .iter()
        .map(|(a, b)| (a.to_string(), b.to_string()))
        .collect();
    CopyOptions::parse(&map).unwrap()
}

/// Rows as text, errors as `line: reason`.
fn rows(text: &str, width: usize, pairs: &[(&str, &str)]) -> Vec<String> {
    let options = options(pairs);
    let names: Vec<String> = ["a", "b"][..width].iter().map(|n| n.to_string()).collect();
    let scanned = scan(text.as_bytes().to_vec(), &names, &options);
    let mut out: Vec<String> = (0..scanned.len())
        .map(|row| {
            (0..width)
                .map(|c| match scanned.field(row, c) {
                    Some(f) => String::from_utf8_lossy(f).into_owned(),
                    None => "<missing>".to_string(),
                })
                .collect::<Vec<_>>()
                .join("¦")
        })
        .collect();
    out.extend(
        scanned
            .errors
            .iter()
            .map(|e| format!("{}: {}", e.line, e.error.reason)),
    );
    out
}

const CSV: &[(&str, &str)] = &[("FORMAT", "CSV")];

#[test]
fn plain_text() {
    assert_eq!(rows("a|b\nc|\n", 2, &[]), ["a¦b", "c¦"]);
    assert_eq!(rows("a|b", 2, &[]), ["a¦b"]);
    assert_eq!(rows("a|b|\r\n", 2, &[]), ["a¦b"]);
    assert_eq!(
        rows("a|b|c\nd|e\n", 2, &[]),
        ["d¦e", "0: Extra column(s) found"]
    );
    assert_eq!(rows("a|b\nc\n", 2, &[]), ["a¦b", "1: Delimiter not found"]);
    assert_eq!(
        rows("a|b\nc\n", 2, &[("FILLRECORD", "")]),
        ["a¦b", "c¦<missing>"]
    );
    assert_eq!(rows("\na|b\n\n", 2, &[("IGNOREBLANKLINES", "")]), ["a¦b"]);
    assert_eq!(rows("x\n\n", 1, &[]), ["x", ""]);
}

#[test]
fn csv() {
    assert_eq!(
        rows("a,b\n\"c,d\",\"e\"\"f\"\n", 2, CSV),
        ["a¦b", "c,d¦e\"f"]
    );
    assert_eq!(rows("\"a\nb\",c\r\n", 2, CSV), ["a\nb¦c"]);
    assert_eq!(rows("a,\"b\"\r\nc,d", 2, CSV), ["a¦b", "c¦d"]);
    assert_eq!(rows("a , \"b\" \n", 2, CSV), ["a ¦b"]);
    assert_eq!(rows("\"\",x\n", 2, CSV), ["¦x"]);
    assert_eq!(
        rows("a,5\" pipe\nb,\"x\"y\nc,d\n", 2, CSV),
        ["a¦5\" pipe", "c¦d", "1: Invalid quote formatting for CSV"]
    );
    assert_eq!(rows("\"q\",", 2, CSV), ["q¦"]);
    assert_eq!(rows("\"q\",x,\n", 2, CSV), ["0: Extra column(s) found"]);
    assert_eq!(
        rows("\"a,b\n", 2, CSV),
        ["0: Invalid quote formatting for CSV"]
    );
}

#[test]
fn escape_and_quotes() {
    let escape: &[(&str, &str)] = &[("ESCAPE", "")];
    assert_eq!(
        rows("1|a\\|b\\\\c\\\nd\n2|\\N\n", 2, escape),
        ["1¦a|b\\c\nd", "2¦\\N"]
    );
    let quotes: &[(&str, &str)] = &[("REMOVEQUOTES", "")];
    assert_eq!(
        rows("1|\"a|b\"\n2|'c'\n3|d\"e\n", 2, quotes),
        ["1¦a|b", "2¦c", "3¦d\"e"]
    );
    assert_eq!(
        rows("1|\"a\n2|b\n", 2, quotes),
        ["2¦b", "0: Delimited value missing end quote"]
    );
    let both: &[(&str, &str)] = &[("REMOVEQUOTES", ""), ("ESCAPE", "")];
    assert_eq!(rows("4|'Night\\'s Dream'\n", 2, both), ["4¦Night's Dream"]);
}

#[test]
fn fixed_width() {
    let fixed: &[(&str, &str)] = &[("FORMAT", "FIXEDWIDTH"), ("FIXEDWIDTH", "a:3,b:2")];
    assert_eq!(rows("abcde\nüöäxy\n", 2, fixed), ["abc¦de", "üöä¦xy"]);
    assert_eq!(rows("abcdef\n", 2, fixed), ["0: Extra column(s) found"]);
}

#[test]
fn boundaries_respect_quotes_and_escapes() {
    let csv = options(CSV);
    assert_eq!(last_boundary(b"a\nb,\"c\nd", &csv), 2);
    assert_eq!(last_boundary(b"a\nb,\"c\nd\"\n", &csv), 10);
    assert_eq!(last_boundary(b"a\"b\nc\"d\ne", &csv), 8);
    assert_eq!(last_boundary(b"\"a\"\"\n", &csv), 0);
    let escape = options(&[("ESCAPE", "")]);
    assert_eq!(last_boundary(b"a\nb\\\nc", &escape), 2);
    assert_eq!(last_boundary(b"a\nb\\\\\nc", &escape), 6);
}

#[test]
fn json() {
    let auto: &[(&str, &str)] = &[("FORMAT", "JSON"), ("JSON", "auto")];
    assert_eq!(
        rows(
            "{\"b\": \"x\\n}\\u00fc\", \"a\": 12345678901234567.89}\n{\n \"a\": true,\n \"c\": {\"d\": 1}\n}{\"b\":[1, 2]}",
            2,
            auto
        ),
        [
            "12345678901234567.89¦x\n}ü",
            "true¦<missing>",
            "<missing>¦[1, 2]"
        ]
    );
    assert_eq!(rows("{\"A\": 1}", 1, auto), ["<missing>"]);
    let fold: &[(&str, &str)] = &[("FORMAT", "JSON"), ("JSON", "auto ignorecase")];
    assert_eq!(rows("{\"A\": 1}", 1, fold), ["1"]);
    let broken = rows("{\"a\": 1}\nx\n{\"a\": 2 3}\n[1]\n{\"a\": 4}", 1, auto);
    assert_eq!(broken[..2], ["1", "4"]);
    assert_eq!(broken[2], "1: Invalid JSON format: an object was expected");
    assert!(broken[3].starts_with("2: Invalid JSON format"));
    assert_eq!(broken.len(), 5);
    let options = options(auto);
    assert_eq!(last_boundary(b"{\"a\": \"}\"}\n{\"a\"", &options), 10);
    assert_eq!(last_boundary(b"{\"a\": [{}]}\n", &options), 12);
}
