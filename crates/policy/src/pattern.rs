//! Patterns of policies: `*` and `?`, and policy variables (`${aws:username}`, with a default after a
//! comma). What a variable stands for is literal text: a `*` in a user's name matches a `*` only.

use crate::context::Keys;

/// How the text of a pattern is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// `*` and `?` match more than themselves.
    pub wildcards: bool,
    /// `${...}` is a variable; in documents of 2008-10-17 it is plain text.
    pub variables: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    /// `*`
    Any,
    /// `?`
    One,
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// One text with wildcards and variables.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern(Vec<Piece>);

/// What is left of a [`Piece`] when variables have values.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Char(char),
    Any,
    One,
}

impl Pattern {
    /// Reads a text; a `${` that is never closed, or names nothing, is an error.
    pub fn parse(text: &str, reading: Reading) -> Result<Pattern, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let piece = match c {
                '*' if reading.wildcards => Some((Piece::Any, 1)),
                '?' if reading.wildcards => Some((Piece::One, 1)),
                '$' if reading.variables && rest.starts_with("${") => {
                    let end = rest.find('}').ok_or("\"${\" without \"}\"")?;
                    Some((variable(&rest[2..end])?, end + 1))
                }
                _ => None,
            };
            match piece {
                Some((piece, length)) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(piece);
                    rest = &rest[length..];
                }
                None => {
                    plain.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Pattern(pieces))
    }

    fn any() -> Pattern {
        Pattern(vec![Piece::Any])
    }

    /// True if the text is what the pattern describes. A variable without value and default matches
    /// nothing, so neither does a pattern that has one.
    pub fn matches(&self, text: &str, keys: &Keys, ignore_case: bool) -> bool {
        let Some(mut tokens) = self.resolve(keys) else {
            return false;
        };
        if ignore_case {
            let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
            tokens = tokens
                .into_iter()
                .flat_map(|token| match token {
                    Token::Char(c) => c.to_lowercase().map(Token::Char).collect(),
                    other => vec![other],
                })
                .collect();
            glob(&tokens, &text)
        } else {
            glob(&tokens, &text.chars().collect::<Vec<_>>())
        }
    }

    fn resolve(&self, keys: &Keys) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => tokens.extend(text.chars().map(Token::Char)),
                Piece::Any => tokens.push(Token::Any),
                Piece::One => tokens.push(Token::One),
                Piece::Variable { key, default } => {
                    let value = keys.single(key).or(default.as_deref())?;
                    tokens.extend(value.chars().map(Token::Char));
                }
            }
        }
        Some(tokens)
    }

    /// Cuts at the first `parts - 1` colons that stand outside of variables.
    fn split(self, parts: usize) -> Vec<Pattern> {
        let mut done = vec![Vec::new()];
        for piece in self.0 {
            let Piece::Text(text) = piece else {
                if let Some(last) = done.last_mut() {
                    last.push(piece);
                }
                continue;
            };
            let left = parts.saturating_sub(done.len()) + 1;
            for (number, part) in text.splitn(left, ':').enumerate() {
                if number > 0 {
                    done.push(Vec::new());
                }
                if let (Some(last), false) = (done.last_mut(), part.is_empty()) {
                    last.push(Piece::Text(part.to_owned()));
                }
            }
        }
        done.into_iter().map(Pattern).collect()
    }
}

fn variable(inner: &str) -> Result<Piece, String> {
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => {
            let quoted = default.trim();
            let default = quoted
                .strip_prefix('\'')
                .and_then(|d| d.strip_suffix('\''))
                .filter(|d| !d.contains('\''))
                .ok_or_else(|| {
                    format!("the default in \"${{{inner}}}\" is not in single quotes")
                })?;
            (key.trim(), Some(default.to_owned()))
        }
        None => (inner.trim(), None),
    };
    match key {
        "" => Err("\"${}\" names no variable".to_owned()),
        // The three characters that mean something in a pattern, as themselves.
        "*" | "?" | "$" => Ok(Piece::Text(key.to_owned())),
        _ => Ok(Piece::Variable {
            key: key.to_lowercase(),
            default,
        }),
    }
}

/// Matches with one place to come back to (the last `*`), so that the work is at most the product of the
/// two lengths whatever the pattern.
fn glob(pattern: &[Token], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Any) => {
                back = Some((p, t));
                p += 1;
            }
            Some(Token::One) => {
                p += 1;
                t += 1;
            }
            Some(Token::Char(c)) if *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| *token == Token::Any)
}

/// A pattern over ARNs: each of the six parts by itself, so that a `*` never reaches over a colon (except
/// in the last part, which may have colons of its own). Parts that are left out match anything.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ArnPattern {
    /// `*`
    All,
    Parts(Vec<Pattern>),
    /// A variable that holds a whole ARN.
    Whole(Pattern),
}

const ARN_PARTS: usize = 6;

impl ArnPattern {
    /// Reads `*`, or a text that begins with `arn:`, or one that begins with a variable.
    pub fn parse(text: &str, variables: bool) -> Result<ArnPattern, String> {
        let reading = Reading {
            wildcards: true,
            variables,
        };
        if text == "*" {
            return Ok(ArnPattern::All);
        }
        let pattern = Pattern::parse(text, reading)?;
        if text.starts_with("arn:") {
            let mut parts = pattern.split(ARN_PARTS);
            parts.resize(ARN_PARTS, Pattern::any());
            Ok(ArnPattern::Parts(parts))
        } else if matches!(pattern.0.first(), Some(Piece::Variable { .. })) {
            Ok(ArnPattern::Whole(pattern))
        } else {
            Err(format!("\"{text}\" is neither an ARN nor \"*\""))
        }
    }

    pub fn matches(&self, arn: &str, keys: &Keys) -> bool {
        match self {
            ArnPattern::All => true,
            ArnPattern::Whole(pattern) => pattern.matches(arn, keys, false),
            ArnPattern::Parts(parts) => {
                let given: Vec<&str> = arn.splitn(ARN_PARTS, ':').collect();
                given.len() == ARN_PARTS
                    && parts
                        .iter()
                        .zip(given)
                        .all(|(part, given)| part.matches(given, keys, false))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let reading = Reading {
            wildcards: true,
            variables: true,
        };
        let keys = Keys::new()
            .with("aws:username", "ann*")
            .with("redshift:DbUser", "temp_x");
        Pattern::parse(pattern, reading).is_ok_and(|p| p.matches(text, &keys, false))
    }

    #[test]
    fn wildcards_and_variables() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*aab", "aaaaab", true),
            ("a**b", "ab", true),
            ("${aws:username}", "ann*", true),
            ("${aws:username}", "anna", false),
            ("${AWS:UserName}!", "ann*!", true),
            ("${aws:nobody}", "", false),
            ("${aws:nobody, 'guest'}/*", "guest/x", true),
            ("${*}x${?}${$}", "*x?$", true),
            ("${*}", "x", false),
            ("${redshift:DbUser}@example.com", "temp_x@example.com", true),
            ("é?", "éü", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_variable_is_closed_and_named() {
        let reading = Reading {
            wildcards: true,
            variables: true,
        };
        for text in ["${aws:username", "${}", "${a, b}", "${a, 'b'c'}"] {
            assert!(Pattern::parse(text, reading).is_err(), "{text}");
        }
        let old = Reading {
            variables: false,
            ..reading
        };
        let pattern = Pattern::parse("${aws:username", old);
        assert!(pattern.is_ok_and(|p| p.matches("${aws:username", &Keys::new(), false)));
    }

    #[test]
    fn parts_of_arns() {
        let keys = Keys::new().with("redshift:DbUser", "a:b");
        for (pattern, arn, expected) in [
            ("*", "*", true),
            (
                "arn:aws:redshift:us-west-2:*",
                "arn:aws:redshift:us-west-2:123456789012:dbuser:a/b",
                true,
            ),
            (
                "arn:aws:redshift:us-west-2:*",
                "arn:aws:redshift:us-west-1:123456789012:cluster:a",
                false,
            ),
            (
                "arn:aws:s3::*redshift*",
                "arn:aws:s3:::my-redshift-bucket",
                false,
            ),
            (
                "arn:aws:s3:::*redshift*",
                "arn:aws:s3:::my-redshift-bucket/k",
                true,
            ),
            (
                "arn:aws:*:key/x",
                "arn:aws:kms:eu-west-1:123456789012:key/x",
                false,
            ),
            (
                "arn:aws:redshift:*:*:dbuser:c/${redshift:DbUser}",
                "arn:aws:redshift:eu-west-1:123456789012:dbuser:c/a:b",
                true,
            ),
            ("arn:aws:redshift:*:*:cluster:*", "*", false),
        ] {
            let got = ArnPattern::parse(pattern, true).is_ok_and(|p| p.matches(arn, &keys));
            assert_eq!(got, expected, "{pattern} {arn}");
        }
        assert!(ArnPattern::parse("cluster:*", true).is_err());
    }
}
