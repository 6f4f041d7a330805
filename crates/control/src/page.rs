//! Pages of lists: `Marker` and `MaxRecords`, `nextToken` and `maxResults`.

use base64::Engine;
use lw_aws_model::ApiError;

/// Cuts a page out of a list that is in order of keys. The token names the last key of the page before,
/// so that what is added or deleted meanwhile neither repeats nor hides others. Gives the page and
/// the token of the next one.
pub fn page<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    token: Option<&str>,
    limit: usize,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let after = token.filter(|t| !t.is_empty()).map(decode).transpose()?;
    let mut page: Vec<T> = Vec::new();
    let mut more = false;
    for item in items {
        if let Some(after) = &after
            && key(&item) <= *after
        {
            continue;
        }
        if page.len() == limit {
            more = true;
            break;
        }
        page.push(item);
    }
    let next = match (more, page.last()) {
        (true, Some(last)) => Some(encode(&key(last))),
        _ => None,
    };
    Ok((page, next))
}

/// `MaxRecords` of the provisioned API: 20 to 100, by default 100.
pub fn max_records(given: Option<i64>) -> Result<usize, ApiError> {
    match given {
        None => Ok(100),
        Some(n @ 20..=100) => Ok(n as usize),
        Some(n) => Err(ApiError::validation(format!(
            "Invalid value {n} for MaxRecords. Must be between 20 and 100."
        ))),
    }
}

fn encode(key: &str) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key)
}

fn decode(token: &str) -> Result<String, ApiError> {
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            ApiError::validation("The marker of the next page is not one that was given out.")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_on_after_the_last_key() {
        let all = |keys: &[&str]| keys.iter().map(|k| k.to_string()).collect::<Vec<_>>();
        let key = |k: &String| k.clone();
        let (first, next) = page(all(&["a", "b", "c"]), key, None, 2).unwrap();
        assert_eq!(first, ["a", "b"]);
        // "b" is deleted meanwhile, and "bb" is made.
        let (second, end) = page(all(&["a", "bb", "c"]), key, next.as_deref(), 2).unwrap();
        assert_eq!(second, ["bb", "c"]);
        assert_eq!(end, None);
        assert!(page(all(&["a"]), key, Some("%"), 2).is_err());
        assert!(max_records(Some(19)).is_err());
    }
}
