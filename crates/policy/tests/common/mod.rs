//! What the tables share.
#![allow(dead_code)]

use lw_policy::*;

pub const ACCOUNT: &str = "123456789012";
pub const OTHER: &str = "444455556666";

pub fn user() -> Principal {
    Principal::user(ACCOUNT, "/", "ann", "AIDAANN")
}

pub fn session() -> Principal {
    Principal::session(ACCOUNT, "/data/", "loader", "AROALOADER", "bob")
}

pub fn identity(text: &str) -> Policy {
    Policy::parse(text, Kind::Identity).unwrap_or_else(|e| panic!("{e}: {text}"))
}

pub fn resource(text: &str) -> Policy {
    Policy::parse(text, Kind::Resource).unwrap_or_else(|e| panic!("{e}: {text}"))
}

pub fn trust(text: &str) -> Policy {
    Policy::parse(text, Kind::Trust).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// An identity policy of one statement.
pub fn allow(rest: &str) -> Policy {
    identity(&format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", {rest}}}]}}"#
    ))
}

/// Asks the one policy of a user.
pub fn ask(policy: &Policy, request: &Request) -> Decision {
    let policies = Policies {
        identity: vec![Named::new("p", policy)],
        ..Policies::default()
    };
    evaluate(&user(), request, &policies)
}

pub fn request(action: &str, arns: &[&str]) -> Request {
    Request::new(action, arns.iter().map(|arn| Resource::new(*arn)))
}
