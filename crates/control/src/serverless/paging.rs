//! Pages of the lists of Serverless: `nextToken`, `maxResults`.

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::errors;

use crate::Call;

/// Items on a page if the caller does not say.
const USUAL: i64 = 100;

/// Cuts a page out of a list in order of `key`. Keys get a prefix, as a token must have eight
/// characters at least.
pub fn page<T>(
    call: &Call,
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    token: Option<&str>,
    limit: Option<i64>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let limit = usize::try_from(limit.unwrap_or(USUAL)).unwrap_or(1);
    crate::page::page(items, |item| format!("after {}", key(item)), token, limit).map_err(|_| {
        let text = "The provided pagination token is invalid.";
        let own = call
            .service
            .operations
            .get(call.operation)
            .is_some_and(|o| o.errors.iter().any(|e| e == "InvalidPaginationException"));
        if own {
            errors::invalid_pagination_exception(text)
        } else {
            errors::validation_exception(text)
        }
    })
}
