//! Conditions: an operator, a key, and the values it is compared with.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use ipnet::IpNet;
use std::cmp::Ordering;
use std::net::IpAddr;

use crate::context::Keys;
use crate::pattern::{ArnPattern, Pattern, Reading};

/// One line of a `Condition` block.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    operator: Operator,
    /// In lower case.
    key: String,
    values: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operator {
    set: Set,
    test: Test,
    negated: bool,
    if_exists: bool,
}

/// How the values of the request are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    /// The key has one value.
    Single,
    /// `ForAnyValue:`
    Any,
    /// `ForAllValues:`
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Text { like: bool, ignore_case: bool },
    Number(Comparison),
    Date(Comparison),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, order: Option<Ordering>) -> bool {
        let Some(order) = order else { return false };
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(Pattern),
    Arn(ArnPattern),
    Number(f64),
    /// Microseconds since 1970.
    Date(i64),
    Bool(bool),
    Binary(String),
    Ip(IpNet),
}

/// Every operator, without its prefix and its suffix: name, test, negated.
const OPERATORS: &[(&str, Test, bool)] = {
    use Comparison::*;
    const fn text(like: bool, ignore_case: bool) -> Test {
        Test::Text { like, ignore_case }
    }
    &[
        ("StringEquals", text(false, false), false),
        ("StringNotEquals", text(false, false), true),
        ("StringEqualsIgnoreCase", text(false, true), false),
        ("StringNotEqualsIgnoreCase", text(false, true), true),
        ("StringLike", text(true, false), false),
        ("StringNotLike", text(true, false), true),
        ("NumericEquals", Test::Number(Equal), false),
        ("NumericNotEquals", Test::Number(Equal), true),
        ("NumericLessThan", Test::Number(Less), false),
        ("NumericLessThanEquals", Test::Number(LessOrEqual), false),
        ("NumericGreaterThan", Test::Number(Greater), false),
        (
            "NumericGreaterThanEquals",
            Test::Number(GreaterOrEqual),
            false,
        ),
        ("DateEquals", Test::Date(Equal), false),
        ("DateNotEquals", Test::Date(Equal), true),
        ("DateLessThan", Test::Date(Less), false),
        ("DateLessThanEquals", Test::Date(LessOrEqual), false),
        ("DateGreaterThan", Test::Date(Greater), false),
        ("DateGreaterThanEquals", Test::Date(GreaterOrEqual), false),
        ("Bool", Test::Bool, false),
        ("BinaryEquals", Test::Binary, false),
        ("IpAddress", Test::Ip, false),
        ("NotIpAddress", Test::Ip, true),
        // With ARNs the two words mean the same: both know wildcards.
        ("ArnEquals", Test::Arn, false),
        ("ArnNotEquals", Test::Arn, true),
        ("ArnLike", Test::Arn, false),
        ("ArnNotLike", Test::Arn, true),
        ("Null", Test::Null, false),
    ]
};

impl Operator {
    fn parse(name: &str) -> Option<Operator> {
        let lower = name.to_lowercase();
        let (set, rest) = if let Some(rest) = lower.strip_prefix("foranyvalue:") {
            (Set::Any, rest)
        } else if let Some(rest) = lower.strip_prefix("forallvalues:") {
            (Set::All, rest)
        } else {
            (Set::Single, lower.as_str())
        };
        let (if_exists, rest) = match rest.strip_suffix("ifexists") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (_, test, negated) = OPERATORS
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(rest))?;
        if *test == Test::Null && if_exists {
            return None;
        }
        Some(Operator {
            set,
            test: *test,
            negated: *negated,
            if_exists,
        })
    }
}

impl Condition {
    /// Reads one line of a `Condition` block. `variables` says if `${...}` is one.
    pub(crate) fn parse(
        operator: &str,
        key: &str,
        values: &[String],
        variables: bool,
    ) -> Result<Condition, String> {
        let Some(parsed) = Operator::parse(operator) else {
            return Err(format!("\"{operator}\" is not a condition operator"));
        };
        let values = values
            .iter()
            .map(|text| value(parsed.test, text, variables))
            .collect::<Result<_, _>>()?;
        Ok(Condition {
            operator: parsed,
            key: key.to_lowercase(),
            values,
        })
    }

    /// True if the request's values satisfy it.
    pub(crate) fn holds(&self, keys: &Keys) -> bool {
        let Operator {
            set,
            test,
            negated,
            if_exists,
        } = self.operator;
        let given = keys.get(&self.key).unwrap_or_default();
        if test == Test::Null {
            let absent = Value::Bool(given.is_empty());
            return self.values.contains(&absent);
        }
        if given.is_empty() {
            return match set {
                Set::All => true,
                Set::Any => if_exists,
                Set::Single => if_exists || negated,
            };
        }
        let satisfied = |given: &String| {
            let matched = self.values.iter().any(|v| compare(test, given, v, keys));
            matched != negated
        };
        match set {
            Set::All => given.iter().all(satisfied),
            Set::Any => given.iter().any(satisfied),
            // A key with many values under an operator for one: none may be what is forbidden.
            Set::Single if negated => given.iter().all(satisfied),
            Set::Single => given.iter().any(satisfied),
        }
    }
}

fn value(test: Test, text: &str, variables: bool) -> Result<Value, String> {
    let wrong = |what: &str| format!("\"{text}\" is not {what}");
    Ok(match test {
        Test::Text { like, .. } => {
            let reading = Reading {
                wildcards: like,
                variables,
            };
            Value::Text(Pattern::parse(text, reading)?)
        }
        Test::Number(_) => Value::Number(number(text).ok_or_else(|| wrong("a number"))?),
        Test::Date(_) => Value::Date(date(text).ok_or_else(|| wrong("a date"))?),
        Test::Bool | Test::Null => {
            Value::Bool(boolean(text).ok_or_else(|| wrong("\"true\" or \"false\""))?)
        }
        Test::Binary => Value::Binary(text.to_owned()),
        Test::Ip => Value::Ip(network(text).ok_or_else(|| wrong("an address or a CIDR block"))?),
        Test::Arn => Value::Arn(ArnPattern::parse(text, variables)?),
    })
}

fn compare(test: Test, given: &str, value: &Value, keys: &Keys) -> bool {
    match (test, value) {
        (Test::Text { ignore_case, .. }, Value::Text(pattern)) => {
            pattern.matches(given, keys, ignore_case)
        }
        (Test::Number(comparison), Value::Number(wanted)) => {
            comparison.holds(number(given).and_then(|n| n.partial_cmp(wanted)))
        }
        (Test::Date(comparison), Value::Date(wanted)) => {
            comparison.holds(date(given).map(|d| d.cmp(wanted)))
        }
        (Test::Bool, Value::Bool(wanted)) => boolean(given) == Some(*wanted),
        (Test::Binary, Value::Binary(wanted)) => given == wanted,
        (Test::Ip, Value::Ip(wanted)) => given
            .parse::<IpAddr>()
            .is_ok_and(|address| wanted.contains(&address.to_canonical())),
        (Test::Arn, Value::Arn(pattern)) => pattern.matches(given, keys),
        _ => false,
    }
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The forms of ISO 8601 that the W3C note lists, and seconds since 1970.
fn date(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() != 4 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok()?.checked_mul(1_000_000);
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.timestamp_micros());
    }
    for form in ["%Y-%m-%dT%H:%M%:z", "%Y-%m-%dT%H:%M:%S%z"] {
        if let Ok(moment) = DateTime::parse_from_str(text, form) {
            return Some(moment.timestamp_micros());
        }
    }
    let plain = text.strip_suffix('Z').unwrap_or(text);
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(plain, form) {
            return Some(moment.and_utc().timestamp_micros());
        }
    }
    let day = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    let day = NaiveDate::parse_from_str(&day, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_their_forms() {
        for (text, seconds) in [
            ("1970", 0),
            ("1970-02", 31 * 86_400),
            ("1970-01-02", 86_400),
            ("1970-01-01T01:00Z", 3_600),
            ("1970-01-01T01:00+01:00", 0),
            ("1970-01-01T00:00:05Z", 5),
            ("1970-01-01T00:00:05", 5),
            ("1970-01-01T02:00:00+02:00", 0),
            ("1234567890", 1_234_567_890),
        ] {
            assert_eq!(date(text), Some(seconds * 1_000_000), "{text}");
        }
        for text in ["", "tomorrow", "2024-13-01", "2024-01-01T25:00Z"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn operators_by_name() {
        assert!(Operator::parse("ForAnyValue:StringNotLikeIfExists").is_some());
        assert!(Operator::parse("stringequals").is_some());
        for name in [
            "",
            "StringSimilar",
            "NullIfExists",
            "ForEachValue:Bool",
            "Not",
        ] {
            assert!(Operator::parse(name).is_none(), "{name}");
        }
    }
}
