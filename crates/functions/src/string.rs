//! String functions (Developer Guide, "String functions"). Positions and lengths count characters,
//! OCTET_LENGTH and OCTETINDEX bytes.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;

use crate::func::{Ret, STR, Ty, func};
use crate::rows::*;

/// The longest string a function makes, bytes.
const LONGEST: usize = 65_535;

fn bounded(text: String) -> Result<Option<String>> {
    if text.len() <= LONGEST {
        return Ok(Some(text));
    }
    Err(SqlError::new(
        SqlState::STRING_DATA_RIGHT_TRUNCATION,
        format!("value too long for type character varying({LONGEST})"),
    ))
}

/// The characters from `start` (from 1, may be less), at most `length`.
fn substring(s: &str, start: i64, length: Option<i64>) -> Result<Option<&str>> {
    let end = match length {
        Some(n) if n < 0 => {
            return Err(SqlError::new(
                SqlState("22011"),
                "negative substring length not allowed",
            ));
        }
        Some(n) => Some(start.saturating_add(n)),
        None => None,
    };
    let first = start.max(1) - 1;
    let count = end.map(|e| (e - 1 - first).max(0) as usize);
    let ascii = s.is_ascii();
    let byte_at = |chars: usize, from: &str| match ascii {
        true => chars.min(from.len()),
        false => from
            .char_indices()
            .nth(chars)
            .map_or(from.len(), |(i, _)| i),
    };
    let tail = &s[byte_at(first.min(i32::MAX as i64) as usize, s)..];
    Ok(Some(match count {
        None => tail,
        Some(n) => &tail[..byte_at(n, tail)],
    }))
}

fn position(haystack: &str, needle: &str) -> i32 {
    match haystack.find(needle) {
        Some(at) => haystack[..at].chars().count() as i32 + 1,
        None => 0,
    }
}

fn pad(s: &str, length: i32, fill: &str, left: bool) -> Result<Option<String>> {
    let length = length.max(0) as usize;
    let have = s.chars().count();
    if have >= length || fill.is_empty() {
        return Ok(Some(s.chars().take(length).collect()));
    }
    if (length - have).saturating_mul(fill.chars().map(char::len_utf8).max().unwrap_or(1))
        > LONGEST * 4
    {
        return bounded(" ".repeat(LONGEST + 1));
    }
    let filling: String = fill.chars().cycle().take(length - have).collect();
    bounded(if left {
        filling + s
    } else {
        format!("{s}{filling}")
    })
}

fn initcap(s: &str) -> String {
    let mut inside = false;
    s.chars()
        .flat_map(|c| {
            let word = c.is_alphanumeric();
            let first = word && !inside;
            inside = word;
            let out: Vec<char> = match first {
                true => c.to_uppercase().collect(),
                false => c.to_lowercase().collect(),
            };
            out
        })
        .collect()
}

fn translate(s: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    s.chars()
        .filter_map(|c| match from.chars().position(|f| f == c) {
            Some(i) => to.get(i).copied(),
            None => Some(c),
        })
        .collect()
}

fn split_part(s: &str, delimiter: &str, part: i32) -> Result<Option<String>> {
    if part < 1 {
        return Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "field position must be greater than zero",
        ));
    }
    let n = part as usize - 1;
    let found = match delimiter {
        "" => (n == 0).then_some(s),
        d => s.split(d).nth(n),
    };
    Ok(Some(found.unwrap_or_default().to_string()))
}

fn repeat(s: &str, n: i64) -> Result<Option<String>> {
    let n = n.max(0) as usize;
    if s.len().saturating_mul(n) > LONGEST {
        return bounded(" ".repeat(LONGEST + 1));
    }
    Ok(Some(s.repeat(n)))
}

fn strtol(s: &str, base: i32) -> Result<Option<i64>> {
    let bad = || {
        SqlError::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("The input {s} is not valid to be converted to base {base}"),
        )
    };
    if !(2..=36).contains(&base) {
        return Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("base {base} must be between 2 and 36"),
        ));
    }
    let body = s.trim();
    if body.is_empty() || body.starts_with('\0') || body.starts_with("\\0") {
        return Ok(Some(0));
    }
    let (negative, digits) = match body.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, body.strip_prefix('+').unwrap_or(body)),
    };
    let digits = match base {
        16 => digits
            .strip_prefix("0x")
            .or(digits.strip_prefix("0X"))
            .unwrap_or(digits),
        _ => digits,
    };
    let value = i128::from_str_radix(digits, base as u32).map_err(|_| bad())?;
    let value = if negative { -value } else { value };
    i64::try_from(value)
        .map(Some)
        .map_err(|_| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"))
}

/// The Soundex code: a letter and three digits.
pub fn soundex(s: &str) -> String {
    let code = |c: char| match c {
        'B' | 'F' | 'P' | 'V' => '1',
        'C' | 'G' | 'J' | 'K' | 'Q' | 'S' | 'X' | 'Z' => '2',
        'D' | 'T' => '3',
        'L' => '4',
        'M' | 'N' => '5',
        'R' => '6',
        _ => '0',
    };
    let letters: Vec<char> = s
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let Some(first) = letters.first() else {
        return String::new();
    };
    let mut out = String::from(*first);
    let mut last = code(*first);
    for c in &letters[1..] {
        let digit = code(*c);
        if digit != '0' && digit != last {
            out.push(digit);
        }
        // H and W do not separate equal codes.
        if !matches!(c, 'H' | 'W') {
            last = digit;
        }
        if out.len() == 4 {
            break;
        }
    }
    while out.len() < 4 {
        out.push('0');
    }
    out
}

/// Declared length of an argument as the result's.
fn same_length(args: &crate::func::ReturnArgs) -> Result<SqlType> {
    Ok(match args.types.first() {
        Some(SqlType::Varchar(n) | SqlType::Char(n)) => SqlType::Varchar(*n),
        _ => SqlType::Varchar(LONGEST as u32),
    })
}

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let int = Ret::Is(SqlType::Int4);
    let same = Ret::By(same_length);
    vec![
        func("len", "r_LEN")
            .alias(&["length", "char_length", "character_length", "textlen"])
            .form(&[Ty::Str], int, |c| {
                map1::<Strs, i32>(c, |s| Ok(Some(s.chars().count() as i32)))
            })
            .form(&[Ty::Bytes], int, |c| {
                map1::<Blobs, i32>(c, |b| Ok(Some(b.len() as i32)))
            })
            .build(),
        func("octet_length", "r_OCTET_LENGTH")
            .form(&[Ty::Str], int, |c| {
                map1::<Strs, i32>(c, |s| Ok(Some(s.len() as i32)))
            })
            .form(&[Ty::Bytes], int, |c| {
                map1::<Blobs, i32>(c, |b| Ok(Some(b.len() as i32)))
            })
            .build(),
        func("bit_length", "r_OCTET_LENGTH")
            .form(&[Ty::Str], int, |c| {
                map1::<Strs, i32>(c, |s| Ok(Some(s.len() as i32 * 8)))
            })
            .build(),
        func("upper", "r_UPPER")
            .form(&[Ty::Str], same, |c| {
                map1::<Strs, String>(c, |s| Ok(Some(s.to_uppercase())))
            })
            .build(),
        func("lower", "r_LOWER")
            .form(&[Ty::Str], same, |c| {
                map1::<Strs, String>(c, |s| Ok(Some(s.to_lowercase())))
            })
            .build(),
        func("initcap", "r_INITCAP")
            .form(&[Ty::Str], same, |c| {
                map1::<Strs, String>(c, |s| Ok(Some(initcap(s))))
            })
            .build(),
        func("substring", "r_SUBSTRING")
            .alias(&["substr"])
            .form(&[Ty::Str, Ty::Int8], same, |c| {
                map2::<Strs, I64s, &str>(c, |s, a| substring(s, a, None))
            })
            .form(&[Ty::Str, Ty::Int8, Ty::Int8], same, |c| {
                map3::<Strs, I64s, I64s, &str>(c, |s, a, n| substring(s, a, Some(n)))
            })
            .build(),
        func("left", "r_LEFT")
            .form(&[Ty::Str, Ty::Int8], same, |c| {
                map2::<Strs, I64s, &str>(c, |s, n| {
                    let n = if n < 0 {
                        (s.chars().count() as i64 + n).max(0)
                    } else {
                        n
                    };
                    substring(s, 1, Some(n))
                })
            })
            .build(),
        func("right", "r_LEFT")
            .form(&[Ty::Str, Ty::Int8], same, |c| {
                map2::<Strs, I64s, &str>(c, |s, n| {
                    let have = s.chars().count() as i64;
                    let n = if n < 0 {
                        (have + n).max(0)
                    } else {
                        n.min(have)
                    };
                    substring(s, have - n + 1, None)
                })
            })
            .build(),
        func("strpos", "r_STRPOS")
            .alias(&["position"])
            .form(&[Ty::Str, Ty::Str], int, |c| {
                map2::<Strs, Strs, i32>(c, |s, n| Ok(Some(position(s, n))))
            })
            .build(),
        func("charindex", "r_CHARINDEX")
            .form(&[Ty::Str, Ty::Str], int, |c| {
                map2::<Strs, Strs, i32>(c, |n, s| Ok(Some(position(s, n))))
            })
            .build(),
        func("octetindex", "OCTETINDEX")
            .form(&[Ty::Str, Ty::Str], int, |c| {
                map2::<Strs, Strs, i32>(c, |n, s| Ok(Some(s.find(n).map_or(0, |i| i as i32 + 1))))
            })
            .build(),
        func("btrim", "r_BTRIM")
            .alias(&["trim"])
            .form(&[Ty::Str], same, |c| {
                map1::<Strs, &str>(c, |s| Ok(Some(s.trim_matches(' '))))
            })
            .form(&[Ty::Str, Ty::Str], same, |c| {
                map2::<Strs, Strs, &str>(c, |s, t| Ok(Some(s.trim_matches(|x| t.contains(x)))))
            })
            .build(),
        func("ltrim", "r_LTRIM")
            .form(&[Ty::Str], same, |c| {
                map1::<Strs, &str>(c, |s| Ok(Some(s.trim_start_matches(' '))))
            })
            .form(&[Ty::Str, Ty::Str], same, |c| {
                map2::<Strs, Strs, &str>(c, |s, t| {
                    Ok(Some(s.trim_start_matches(|x| t.contains(x))))
                })
            })
            .build(),
        func("rtrim", "r_RTRIM")
            .form(&[Ty::Str], same, |c| {
                map1::<Strs, &str>(c, |s| Ok(Some(s.trim_end_matches(' '))))
            })
            .form(&[Ty::Str, Ty::Str], same, |c| {
                map2::<Strs, Strs, &str>(c, |s, t| Ok(Some(s.trim_end_matches(|x| t.contains(x)))))
            })
            .build(),
        func("lpad", "r_LPAD")
            .form(&[Ty::Str, Ty::Int4], STR, |c| {
                map2::<Strs, I32s, String>(c, |s, n| pad(s, n, " ", true))
            })
            .form(&[Ty::Str, Ty::Int4, Ty::Str], STR, |c| {
                map3::<Strs, I32s, Strs, String>(c, |s, n, f| pad(s, n, f, true))
            })
            .build(),
        func("rpad", "r_LPAD")
            .form(&[Ty::Str, Ty::Int4], STR, |c| {
                map2::<Strs, I32s, String>(c, |s, n| pad(s, n, " ", false))
            })
            .form(&[Ty::Str, Ty::Int4, Ty::Str], STR, |c| {
                map3::<Strs, I32s, Strs, String>(c, |s, n, f| pad(s, n, f, false))
            })
            .build(),
        func("concat", "r_CONCAT")
            .form(&[Ty::Str, Ty::Str], STR, |c| {
                map2::<Strs, Strs, String>(c, |a, b| bounded(format!("{a}{b}")))
            })
            .build(),
        func("replace", "r_REPLACE")
            .form(&[Ty::Str, Ty::Str, Ty::Str], STR, |c| {
                map3::<Strs, Strs, Strs, String>(c, |s, a, b| match a {
                    "" => Ok(Some(s.to_string())),
                    a => bounded(s.replace(a, b)),
                })
            })
            .build(),
        func("translate", "r_TRANSLATE")
            .form(&[Ty::Str, Ty::Str, Ty::Str], STR, |c| {
                map3::<Strs, Strs, Strs, String>(c, |s, a, b| Ok(Some(translate(s, a, b))))
            })
            .build(),
        func("reverse", "r_REVERSE")
            .form(&[Ty::Str], same, |c| {
                map1::<Strs, String>(c, |s| Ok(Some(s.chars().rev().collect())))
            })
            .build(),
        func("repeat", "r_REPEAT")
            .alias(&["replicate"])
            .form(&[Ty::Str, Ty::Int8], STR, |c| {
                map2::<Strs, I64s, String>(c, repeat)
            })
            .build(),
        func("split_part", "SPLIT_PART")
            .form(&[Ty::Str, Ty::Str, Ty::Int4], STR, |c| {
                map3::<Strs, Strs, I32s, String>(c, split_part)
            })
            .build(),
        func("ascii", "r_ASCII")
            .form(&[Ty::Str], int, |c| {
                map1::<Strs, i32>(c, |s| Ok(Some(s.chars().next().map_or(0, |c| c as i32))))
            })
            .build(),
        func("chr", "r_CHR")
            .alias(&["char"])
            .form(&[Ty::Int4], STR, |c| {
                map1::<I32s, String>(c, |n| {
                    Ok(u32::try_from(n)
                        .ok()
                        .filter(|n| *n > 0)
                        .and_then(char::from_u32)
                        .map(String::from))
                })
            })
            .build(),
        func("strtol", "r_STRTOL")
            .form(&[Ty::Str, Ty::Int4], Ret::Is(SqlType::Int8), |c| {
                map2::<Strs, I32s, i64>(c, strtol)
            })
            .build(),
        func("to_hex", "r_TO_HEX")
            .form(&[Ty::Int8], STR, |c| {
                map1::<I64s, String>(c, |n| Ok(Some(format!("{n:x}"))))
            })
            .form(&[Ty::Bytes], STR, |c| {
                map1::<Blobs, String>(c, |b| {
                    Ok(Some(b.iter().map(|x| format!("{x:02x}")).collect()))
                })
            })
            .build(),
        func("soundex", "SOUNDEX")
            .form(&[Ty::Str], STR, |c| {
                map1::<Strs, String>(c, |s| Ok(Some(soundex(s))))
            })
            .build(),
        func("difference", "DIFFERENCE")
            .form(&[Ty::Str, Ty::Str], int, |c| {
                map2::<Strs, Strs, i32>(c, |a, b| {
                    let (a, b) = (soundex(a), soundex(b));
                    Ok(Some(
                        a.chars().zip(b.chars()).filter(|(x, y)| x == y).count() as i32,
                    ))
                })
            })
            .build(),
    ]
}
