//! Policy documents as they are evaluated.

use std::fmt;

use crate::condition::Condition;
use crate::context::{Keys, Principal, PrincipalKind};
use crate::pattern::{ArnPattern, Pattern};

/// What a document is for, which decides what its statements must and must not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Attached to a user or role, or given with a session: no principal, resources.
    Identity,
    /// Attached to a resource or an endpoint: principals; a resource may be left out where it is the one
    /// that the policy is attached to.
    Resource,
    /// Who may assume a role: principals, actions of STS, no resources.
    Trust,
}

/// Which language a document is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 2008-10-17, also that of documents that do not say: no policy variables.
    Old,
    /// 2012-10-17.
    Current,
}

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// `Id`.
    pub id: Option<String>,
    /// `Version`.
    pub version: Version,
    /// Its statements, at least one.
    pub statements: Vec<Statement>,
}

impl Policy {
    /// Whom its statements name, also to leave them out.
    pub fn principals(&self) -> impl Iterator<Item = &PrincipalPattern> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(|principals| &principals.any)
    }
}

/// A policy with the name it is shown by.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// ARN of a managed policy, name of an inline one.
    pub name: &'a str,
    /// The policy.
    pub policy: &'a Policy,
}

impl<'a> Named<'a> {
    /// A policy under a name.
    pub fn new(name: &'a str, policy: &'a Policy) -> Named<'a> {
        Named { name, policy }
    }
}

/// Whether a statement grants or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Forbids, whatever else grants.
    Deny,
}

/// `X` or `NotX`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Either<T> {
    pub negated: bool,
    pub any: Vec<T>,
}

impl<T> Either<T> {
    fn holds(&self, matches: impl Fn(&T) -> bool) -> bool {
        self.any.iter().any(matches) != self.negated
    }
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// `Sid`.
    pub sid: Option<String>,
    /// `Effect`.
    pub effect: Effect,
    /// `None` in policies of identities, where the principal is who they are attached to.
    pub(crate) principals: Option<Either<PrincipalPattern>>,
    pub(crate) actions: Either<Pattern>,
    /// `None` where the resource is the one that the policy is attached to.
    pub(crate) resources: Option<Either<ArnPattern>>,
    pub(crate) conditions: Vec<Condition>,
}

/// An entry of `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `*`: everybody.
    Everyone,
    /// An account: everybody in it, as far as their own policies go.
    Account(String),
    /// A user, a role, or a session of a role.
    Arn(String),
    /// A service.
    Service(String),
    /// An identity provider.
    Federated(String),
    /// A canonical user of S3.
    Canonical(String),
}

/// How closely a statement named the principal: what it grants by itself depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closeness {
    /// By its account: its own policies must allow as well.
    Account,
    /// Everybody, or the role of a session.
    Entity,
    /// The user itself.
    User,
    /// The very session.
    Session,
}

impl PrincipalPattern {
    pub(crate) fn matches(&self, principal: &Principal) -> Option<Closeness> {
        use PrincipalPattern::*;
        match (self, &principal.kind) {
            (Everyone, _) => Some(Closeness::Entity),
            (Service(wanted), PrincipalKind::Service { name, region }) => {
                let regional = name
                    .split_once('.')
                    .map(|(service, rest)| format!("{service}.{region}.{rest}"));
                (wanted == name || Some(wanted) == regional.as_ref()).then_some(Closeness::Entity)
            }
            (Federated(wanted), PrincipalKind::Federated { provider }) => {
                (wanted == provider).then_some(Closeness::Entity)
            }
            (Service(_) | Federated(_) | Canonical(_), _) => None,
            (_, PrincipalKind::Service { .. } | PrincipalKind::Federated { .. }) => None,
            (_, PrincipalKind::Anonymous) => None,
            (Account(account), _) => (*account == principal.account).then_some(Closeness::Account),
            (Arn(arn), PrincipalKind::User { .. }) => {
                (*arn == principal.arn()).then_some(Closeness::User)
            }
            (Arn(arn), PrincipalKind::Session { .. }) => {
                if *arn == principal.arn() {
                    Some(Closeness::Session)
                } else {
                    (*arn == principal.identity_arn()).then_some(Closeness::Entity)
                }
            }
            (Arn(_), PrincipalKind::Root) => None,
        }
    }
}

impl Statement {
    /// How it speaks of this request: `None` if it does not.
    pub(crate) fn applies(
        &self,
        principal: &Principal,
        action: &str,
        resource: &str,
        keys: &Keys,
    ) -> Option<Closeness> {
        let closeness = match &self.principals {
            None => Closeness::Entity,
            Some(either) => {
                let closest = either.any.iter().filter_map(|p| p.matches(principal)).max();
                match (either.negated, closest) {
                    (false, closest) => closest?,
                    (true, None) => Closeness::Entity,
                    (true, Some(_)) => return None,
                }
            }
        };
        let speaks = self.actions.holds(|a| a.matches(action, keys, true))
            && self
                .resources
                .as_ref()
                .is_none_or(|either| either.holds(|r| r.matches(resource, keys)))
            && self.conditions.iter().all(|c| c.holds(keys));
        speaks.then_some(closeness)
    }
}

/// Why a text is not a policy: what AWS says of it, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The complaint.
    pub message: String,
    /// Where in the document (`Statement[1].Action`); empty for the whole of it.
    pub at: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.at.is_empty() {
            true => Ok(()),
            false => write!(f, " (at {})", self.at),
        }
    }
}

impl std::error::Error for Malformed {}
