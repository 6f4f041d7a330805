//! Patterns: SIMILAR TO, LIKE with an escape character of its own, and the REGEXP functions
//! (Developer Guide, "Pattern-matching conditions", "REGEXP_COUNT function" and its neighbours).

use std::cell::RefCell;
use std::sync::Arc;

use arrow::array::Array;
use datafusion::logical_expr::ScalarUDF;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use regex::Regex;

use crate::func::{Call, Ret, STR, Ty, func};
use crate::rows::*;

thread_local! {
    /// The patterns used last: nearly always a constant.
    static CACHE: RefCell<Vec<(String, Arc<Regex>)>> = const { RefCell::new(Vec::new()) };
}

const CACHED: usize = 16;

fn invalid(pattern: &str, why: &str) -> SqlError {
    SqlError::new(
        SqlState("2201B"),
        format!("invalid regular expression: \"{pattern}\""),
    )
    .with_detail(why.lines().last().unwrap_or(why).trim().to_string())
}

/// A compiled pattern.
pub fn compile(pattern: &str) -> Result<Arc<Regex>> {
    CACHE.with_borrow_mut(|cache| {
        if let Some((_, regex)) = cache.iter().find(|(p, _)| p == pattern) {
            return Ok(regex.clone());
        }
        let regex = Regex::new(pattern).map_err(|e| {
            let look_around =
                pattern.contains("(?=") || pattern.contains("(?!") || pattern.contains("(?<");
            if look_around {
                SqlError::unsupported("look-around in a regular expression")
            } else {
                invalid(pattern, &e.to_string())
            }
        })?;
        let regex = Arc::new(regex);
        if cache.len() == CACHED {
            cache.remove(0);
        }
        cache.push((pattern.to_string(), regex.clone()));
        Ok(regex)
    })
}

/// Fails if a pattern cannot be read.
pub fn check(pattern: &str) -> Result<()> {
    compile(pattern).map(|_| ())
}

/// A LIKE pattern with another escape character (or none) as one with backslashes.
pub fn backslash_pattern(pattern: &str, escape: Option<char>) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            if let Some(next) = chars.next() {
                if matches!(next, '%' | '_' | '\\') {
                    out.push('\\');
                }
                out.push(next);
            }
        } else if c == '\\' {
            out.push_str("\\\\");
        } else {
            out.push(c);
        }
    }
    out
}

/// A SIMILAR TO pattern as a regular expression.
pub fn similar_to_regex(pattern: &str, escape: Option<char>) -> String {
    let mut out = String::from("^(?s:");
    let mut in_class = false;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            if let Some(next) = chars.next() {
                out.push_str(&regex::escape(&next.to_string()));
            }
            continue;
        }
        match c {
            '[' if !in_class => {
                in_class = true;
                out.push('[');
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            c if in_class => {
                if c == '\\' {
                    out.push('\\');
                }
                out.push(c);
            }
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '|' | '*' | '+' | '?' | '(' | ')' | '{' | '}' => out.push(c),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push_str(")$");
    out
}

/// What the parameters `c`, `i`, `e`, `p` say.
struct Flags {
    pattern: String,
    extract: bool,
}

fn flags(pattern: &str, parameters: &str) -> Result<Flags> {
    let mut insensitive = false;
    let mut extract = false;
    for c in parameters.chars() {
        match c {
            'c' => insensitive = false,
            'i' => insensitive = true,
            'e' => extract = true,
            'p' => {}
            other => {
                return Err(SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid regular expression parameter: \"{other}\""),
                ));
            }
        }
    }
    Ok(Flags {
        pattern: match insensitive {
            true => format!("(?i){pattern}"),
            false => pattern.to_string(),
        },
        extract,
    })
}

/// Byte offset where the search begins; `None` past the end.
fn start_of(source: &str, position: i32) -> Option<usize> {
    let skip = (position.max(1) - 1) as usize;
    match source.char_indices().nth(skip) {
        Some((i, _)) => Some(i),
        None if source.chars().count() == skip => Some(source.len()),
        None => None,
    }
}

/// The bytes of one occurrence.
fn occurrence(
    source: &str,
    pattern: &str,
    position: i32,
    nth: i32,
    parameters: &str,
) -> Result<Option<(usize, usize)>> {
    let flags = flags(pattern, parameters)?;
    let regex = compile(&flags.pattern)?;
    if nth < 1 {
        return Ok(None);
    }
    let Some(start) = start_of(source, position) else {
        return Ok(None);
    };
    let Some(captures) = regex.captures_iter(&source[start..]).nth(nth as usize - 1) else {
        return Ok(None);
    };
    let group = if flags.extract && regex.captures_len() > 1 {
        1
    } else {
        0
    };
    Ok(captures
        .get(group)
        .map(|m| (start + m.start(), start + m.end())))
}

fn substr(
    source: &str,
    pattern: &str,
    position: i32,
    nth: i32,
    parameters: &str,
) -> Result<Option<String>> {
    Ok(Some(
        match occurrence(source, pattern, position, nth, parameters)? {
            Some((a, b)) => source[a..b].to_string(),
            None => String::new(),
        },
    ))
}

fn instr(
    source: &str,
    pattern: &str,
    position: i32,
    nth: i32,
    end: i32,
    parameters: &str,
) -> Result<Option<i32>> {
    let found = occurrence(source, pattern, position, nth, parameters)?;
    Ok(Some(found.map_or(0, |(a, b)| {
        let at = if end == 0 { a } else { b };
        source[..at].chars().count() as i32 + 1
    })))
}

fn count(source: &str, pattern: &str, position: i32, parameters: &str) -> Result<Option<i32>> {
    let flags = flags(pattern, parameters)?;
    let regex = compile(&flags.pattern)?;
    Ok(Some(start_of(source, position).map_or(0, |start| {
        regex.find_iter(&source[start..]).count() as i32
    })))
}

/// `\1` of a replacement is `$1` of the library; its own `$` means itself.
fn replacement(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.peek().copied() {
                Some(d) if d.is_ascii_digit() => {
                    chars.next();
                    out.push_str(&format!("${{{d}}}"));
                }
                Some('\\') => {
                    chars.next();
                    out.push('\\');
                }
                _ => out.push('\\'),
            },
            '$' => match chars.peek().copied() {
                Some(d) if d.is_ascii_digit() => {
                    chars.next();
                    out.push_str(&format!("${{{d}}}"));
                }
                _ => out.push_str("$$"),
            },
            other => out.push(other),
        }
    }
    out
}

fn replace(
    source: &str,
    pattern: &str,
    with: &str,
    position: i32,
    parameters: &str,
) -> Result<Option<String>> {
    let flags = flags(pattern, parameters)?;
    let regex = compile(&flags.pattern)?;
    let Some(start) = start_of(source, position) else {
        return Ok(Some(source.to_string()));
    };
    let replaced = regex.replace_all(&source[start..], replacement(with).as_str());
    Ok(Some(format!("{}{replaced}", &source[..start])))
}

/// More arguments than `map4` takes: the rest are read by hand.
fn many<R: Out>(
    call: &Call,
    f: impl Fn(&[&str], &[i32]) -> Result<Option<R>>,
) -> Result<arrow::array::ArrayRef> {
    use arrow::array::{AsArray, StringViewArray};
    use arrow::datatypes::{DataType, Int32Type};
    let mut out = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let mut texts: Vec<&str> = Vec::new();
        let mut numbers = Vec::new();
        let mut null = false;
        for array in &call.args {
            let i = if array.len() == 1 { 0 } else { row };
            if array.is_null(i) {
                null = true;
                break;
            }
            match array.data_type() {
                DataType::Int32 => numbers.push(array.as_primitive::<Int32Type>().value(i)),
                _ => {
                    let strings: &StringViewArray = array
                        .as_string_view_opt()
                        .ok_or_else(|| SqlError::internal("a string expected"))?;
                    texts.push(strings.value(i));
                }
            }
        }
        out.push(if null { None } else { f(&texts, &numbers)? });
    }
    R::collect(out, call.ret)
}

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let int = Ret::Is(SqlType::Int4);
    let boolean = Ret::Is(SqlType::Bool);
    vec![
        func("__similar_to", "pattern-matching-conditions-similar-to")
            .form(&[Ty::Str, Ty::Str, Ty::Str], boolean, |c| {
                map3::<Strs, Strs, Strs, bool>(c, |s, p, e| {
                    let regex = compile(&similar_to_regex(p, e.chars().next()))?;
                    Ok(Some(regex.is_match(s)))
                })
            })
            .build(),
        func("__like_pattern", "r_patternmatching_condition_like")
            .form(&[Ty::Str, Ty::Str], STR, |c| {
                map2::<Strs, Strs, String>(c, |p, e| {
                    Ok(Some(backslash_pattern(p, e.chars().next())))
                })
            })
            .build(),
        func("regexp_substr", "REGEXP_SUBSTR")
            .form(&[Ty::Str, Ty::Str], STR, |c| {
                map2::<Strs, Strs, String>(c, |s, p| substr(s, p, 1, 1, ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Int4], STR, |c| {
                many(c, |t, n| substr(t[0], t[1], n[0], 1, ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Int4, Ty::Int4], STR, |c| {
                many(c, |t, n| substr(t[0], t[1], n[0], n[1], ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Int4, Ty::Int4, Ty::Str], STR, |c| {
                many(c, |t, n| substr(t[0], t[1], n[0], n[1], t[2]))
            })
            .build(),
        func("regexp_instr", "REGEXP_INSTR")
            .form(&[Ty::Str, Ty::Str], int, |c| {
                many(c, |t, _| instr(t[0], t[1], 1, 1, 0, ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Int4], int, |c| {
                many(c, |t, n| instr(t[0], t[1], n[0], 1, 0, ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Int4, Ty::Int4], int, |c| {
                many(c, |t, n| instr(t[0], t[1], n[0], n[1], 0, ""))
            })
            .form(
                &[Ty::Str, Ty::Str, Ty::Int4, Ty::Int4, Ty::Int4],
                int,
                |c| many(c, |t, n| instr(t[0], t[1], n[0], n[1], n[2], "")),
            )
            .form(
                &[Ty::Str, Ty::Str, Ty::Int4, Ty::Int4, Ty::Int4, Ty::Str],
                int,
                |c| many(c, |t, n| instr(t[0], t[1], n[0], n[1], n[2], t[2])),
            )
            .build(),
        func("regexp_count", "REGEXP_COUNT")
            .form(&[Ty::Str, Ty::Str], int, |c| {
                many(c, |t, _| count(t[0], t[1], 1, ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Int4], int, |c| {
                many(c, |t, n| count(t[0], t[1], n[0], ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Int4, Ty::Str], int, |c| {
                many(c, |t, n| count(t[0], t[1], n[0], t[2]))
            })
            .build(),
        func("regexp_replace", "REGEXP_REPLACE")
            .form(&[Ty::Str, Ty::Str], STR, |c| {
                many(c, |t, _| replace(t[0], t[1], "", 1, ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Str], STR, |c| {
                many(c, |t, _| replace(t[0], t[1], t[2], 1, ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Str, Ty::Int4], STR, |c| {
                many(c, |t, n| replace(t[0], t[1], t[2], n[0], ""))
            })
            .form(&[Ty::Str, Ty::Str, Ty::Str, Ty::Int4, Ty::Str], STR, |c| {
                many(c, |t, n| replace(t[0], t[1], t[2], n[0], t[3]))
            })
            .build(),
    ]
}
