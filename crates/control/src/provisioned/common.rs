//! What the modules of provisioned clusters share: reading from a view or a change alike, names and
//! values that must be right (guide L28111-28163), pages.

use std::sync::Arc;

use lw_aws_model::ApiError;

use crate::page;
use crate::records::{Record, Txn, View};

/// Records at rest or within a change.
pub trait Read {
    /// The record with this id.
    fn get<R: Record>(&self, id: &str) -> Option<Arc<R>>;
    /// All of a type, in order of ids.
    fn list<R: Record>(&self) -> Vec<Arc<R>>;
}

impl Read for View {
    fn get<R: Record>(&self, id: &str) -> Option<Arc<R>> {
        View::get(self, id)
    }
    fn list<R: Record>(&self) -> Vec<Arc<R>> {
        View::list(self)
    }
}

impl Read for Txn {
    fn get<R: Record>(&self, id: &str) -> Option<Arc<R>> {
        Txn::get(self, id)
    }
    fn list<R: Record>(&self) -> Vec<Arc<R>> {
        Txn::list(self)
    }
}

/// A page of records under `MaxRecords` and `Marker`.
pub fn paged<R: Record>(
    items: Vec<Arc<R>>,
    marker: &Option<String>,
    max_records: Option<i64>,
) -> Result<(Vec<Arc<R>>, Option<String>), ApiError> {
    page::page(
        items,
        |item| item.id(),
        marker.as_deref(),
        page::max_records(max_records)?,
    )
}

/// A page of a list in an order of its own: keys are positions.
pub fn paged_in_order<T>(
    items: Vec<T>,
    marker: &Option<String>,
    max_records: Option<i64>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let (page, next) = page::page(
        items.into_iter().enumerate().collect(),
        |(at, _)| format!("{at:08}"),
        marker.as_deref(),
        page::max_records(max_records)?,
    )?;
    Ok((page.into_iter().map(|(_, item)| item).collect(), next))
}

/// An identifier as clusters and parameter groups have: letters, digits and hyphens, a letter first, no
/// hyphen at the end and no two in a row (L28115-28123, L28139-28142). Lower case is what is kept.
pub fn identifier(parameter: &str, value: &str, longest: usize) -> Result<String, ApiError> {
    let right = !value.is_empty()
        && value.len() <= longest
        && value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !value.ends_with('-')
        && !value.contains("--");
    if right {
        return Ok(value.to_ascii_lowercase());
    }
    Err(ApiError::validation(format!(
        "The parameter {parameter} is not a valid identifier. Identifiers must have 1 to {longest} characters; \
         must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a \
         hyphen or contain two consecutive hyphens."
    )))
}

/// A cluster's identifier, which has no upper-case letters (L28118).
pub fn cluster_identifier(parameter: &str, value: &str) -> Result<String, ApiError> {
    if value.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(ApiError::validation(format!(
            "The parameter {parameter} is not a valid identifier. Alphabetic characters must be lowercase."
        )));
    }
    identifier(parameter, value, 63)
}

/// The name of a security group, subnet group or snapshot: up to 255 letters, digits, hyphens; not
/// "Default" (L28146-28163).
pub fn group_name(parameter: &str, value: &str) -> Result<String, ApiError> {
    let right = !value.is_empty()
        && value.len() <= 255
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' '));
    if !right {
        return Err(ApiError::validation(format!(
            "The parameter {parameter} must contain from 1 to 255 alphanumeric characters or hyphens."
        )));
    }
    let name = value.to_ascii_lowercase();
    if name == "default" {
        return Err(ApiError::validation(format!(
            "The parameter {parameter} must not be \"Default\"."
        )));
    }
    Ok(name)
}

/// The admin's password (L28130-28135).
pub fn password(parameter: &str, value: &str) -> Result<(), ApiError> {
    let wrong = |what: &str| {
        Err(ApiError::validation(format!(
            "The parameter {parameter} {what}"
        )))
    };
    if !(8..=64).contains(&value.len()) {
        return wrong("must be between 8 and 64 characters long.");
    }
    if !value
        .chars()
        .all(|c| ('!'..='~').contains(&c) && !matches!(c, '\'' | '"' | '\\' | '/' | '@'))
    {
        return wrong(
            "is not a valid password. Only printable ASCII characters besides '/', '@', '\"', ' ', '\\' and ''' may be used.",
        );
    }
    if !value.chars().any(|c| c.is_ascii_uppercase()) {
        return wrong("must contain at least one upper case letter.");
    }
    if !value.chars().any(|c| c.is_ascii_lowercase()) {
        return wrong("must contain at least one lower case letter.");
    }
    if !value.chars().any(|c| c.is_ascii_digit()) {
        return wrong("must contain at least one decimal digit.");
    }
    Ok(())
}

/// The admin's name (L28126): lower case, a letter first.
pub fn admin_user(value: &str) -> Result<String, ApiError> {
    let name = value.to_ascii_lowercase();
    let right = (1..=128).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_+.@-".contains(c));
    if !right {
        return Err(ApiError::validation(
            "The parameter MasterUsername must begin with a lowercase letter and contain only lowercase letters, \
             digits, and the characters _ + . @ - (1 to 128).",
        ));
    }
    if matches!(
        name.as_str(),
        "public" | "user" | "group" | "role" | "all" | "current_user" | "session_user" | "rdsdb"
    ) {
        return Err(ApiError::validation(format!(
            "MasterUsername {name} is a reserved word and cannot be used."
        )));
    }
    Ok(name)
}

/// A database's name (L28124).
pub fn database(value: &str) -> Result<String, ApiError> {
    let right = (1..=64).contains(&value.len())
        && value.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && value
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '$'));
    if !right {
        return Err(ApiError::validation(
            "The parameter DBName must begin with a letter and contain only lowercase alphanumeric characters (1 to 64).",
        ));
    }
    if matches!(
        value,
        "template0" | "template1" | "padb_harvest" | "awsdatacatalog" | "public" | "user" | "table"
    ) {
        return Err(ApiError::validation(format!(
            "DBName {value} is a reserved word and cannot be used."
        )));
    }
    Ok(value.to_string())
}

/// Days a manual snapshot is kept: -1 for ever, or 1 to 3653 (L3949, L4407).
pub fn manual_retention(days: Option<i64>, absent: i64) -> Result<i64, ApiError> {
    match days {
        None => Ok(absent),
        Some(days @ (-1 | 1..=3653)) => Ok(days),
        Some(days) => Err(
            lw_aws_model::redshift::errors::invalid_retention_period_fault(format!(
                "The manual snapshot retention period {days} is not valid. It must be -1 (indefinite) or between 1 and 3653 days."
            )),
        ),
    }
}

/// The value of an option given as an empty string is none.
pub fn some(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        assert_eq!(
            cluster_identifier("X", "my-cluster-1").unwrap(),
            "my-cluster-1"
        );
        for bad in ["", "1a", "a-", "a--b", "a_b", "My", &"a".repeat(64)] {
            assert!(cluster_identifier("X", bad).is_err(), "{bad}");
        }
        assert!(group_name("X", "Default").is_err());
        assert_eq!(group_name("X", "My-Group").unwrap(), "my-group");
        assert!(admin_user("awsuser").is_ok());
        assert!(admin_user("public").is_err());
        assert!(database("dev").is_ok());
        assert!(database("Dev").is_err());
    }

    #[test]
    fn passwords_follow_the_rules() {
        assert!(password("P", "TopSecret1").is_ok());
        for bad in [
            "Short1",
            "alllower1",
            "ALLUPPER1",
            "NoDigitHere",
            "With@Sign1",
            "With Space1",
            "Quote'd12",
        ] {
            assert!(password("P", bad).is_err(), "{bad}");
        }
        assert!(password("P", &format!("Aa1{}", "x".repeat(62))).is_err());
    }

    #[test]
    fn retention_is_for_ever_or_up_to_ten_years() {
        assert_eq!(manual_retention(None, -1).unwrap(), -1);
        assert_eq!(manual_retention(Some(3653), -1).unwrap(), 3653);
        assert!(manual_retention(Some(0), -1).is_err());
        assert!(manual_retention(Some(3654), -1).is_err());
    }
}
