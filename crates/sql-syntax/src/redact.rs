//! Texts of statements as they may be kept: without passwords and keys.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// A word after which a literal is a secret, the literal, and what may stand between them.
static SECRETS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?is)\b(secret_access_key|session_token|credentials|password|master_symmetric_key)((?:\s|--[^\n]*\n|/\*.*?\*/)*(?:\bas\b(?:\s|--[^\n]*\n|/\*.*?\*/)*)?)'(?:[^']|'')*('|$)",
    )
    .ok()
});

/// The text with `***` in place of each secret. Broken texts lose theirs too.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    match SECRETS.as_ref() {
        Some(secrets) => secrets.replace_all(text, "$1$2'***'"),
        // The expression is a constant: this does not happen.
        None => Cow::Borrowed(text),
    }
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
