//! Texts of statements as they may be kept: without passwords and keys.

use std::borrow::Cow;

/// Words after which a literal is a secret.
const WORDS: &[&str] = &[
    "secret_access_key",
    "session_token",
    "credentials",
    "password",
    "master_symmetric_key",
];

/// The text with `***` in place of each secret. Broken texts lose theirs too.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    let mut secret_next = false;
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        match bytes[at] {
            b'\'' => {
                let end = at + quoted(rest, '\'');
                if secret_next {
                    out.push_str(&text[copied..at]);
                    out.push_str("'***'");
                    copied = end;
                }
                secret_next = false;
                at = end;
            }
            b'"' => {
                secret_next = false;
                at += quoted(rest, '"');
            }
            b'-' if rest.starts_with("--") => {
                at += rest.find('\n').map_or(rest.len(), |i| i + 1);
            }
            b'/' if rest.starts_with("/*") => {
                at += rest[2..].find("*/").map_or(rest.len(), |i| i + 4);
            }
            b if b.is_ascii_whitespace() => at += 1,
            b if b.is_ascii_alphabetic() || b == b'_' => {
                let length = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
                    .unwrap_or(rest.len());
                let word = &rest[..length];
                let between = secret_next && word.eq_ignore_ascii_case("as");
                secret_next = between || WORDS.iter().any(|w| word.eq_ignore_ascii_case(w));
                at += length;
            }
            _ => {
                secret_next = false;
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
    }
    if copied == 0 && out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Length of what is in quotes, the quotes included; a doubled quote does not end it.
fn quoted(text: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(end) = text[at..].find(quote) {
        at += end + 1;
        if !text[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out() {
        for (text, kept) in [
            (
                "copy t from 's3://b/k' access_key_id 'AK' secret_access_key as 's''x' csv",
                "copy t from 's3://b/k' access_key_id 'AK' secret_access_key as '***' csv",
            ),
            (
                "COPY t FROM 'x' CREDENTIALS\n'aws_secret_access_key=y' GZIP",
                "COPY t FROM 'x' CREDENTIALS\n'***' GZIP",
            ),
            (
                "create user u password 'Secret1' createdb",
                "create user u password '***' createdb",
            ),
            (
                "alter user u password /* new */ 'Sec",
                "alter user u password /* new */ '***'",
            ),
            (
                "create user u password disable",
                "create user u password disable",
            ),
            (
                "select 'password' as a, b from t where password = 'x'",
                "select 'password' as a, b from t where password = 'x'",
            ),
        ] {
            assert_eq!(without_secrets(text), kept);
        }
    }
}
