//! The rules by which policies together give an answer.
//!
//! An explicit deny anywhere decides. Otherwise every resource must be allowed: by the policies of the
//! principal, within its boundary and the policies of its session, or by the policy of the resource where
//! that names the principal itself; across accounts by both.

use crate::context::{Keys, Principal, PrincipalKind, Request, Resource};
use crate::decision::{At, Decision, Denial, Granted, PolicyType};
use crate::document::{Closeness, Effect, Named};

/// What the policy of a resource is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResourceRule {
    /// It may add to what the principal's own policies grant (S3, Secrets Manager).
    #[default]
    Adds,
    /// Nothing is allowed without it, and it may delegate to the principal's policies by naming the
    /// account (KMS keys).
    Required,
    /// The trust policy of a role: as `Required`.
    Trust,
}

/// The policies that apply to a request.
#[derive(Debug, Clone, Default)]
pub struct Policies<'a> {
    /// Of the user or role, inline and attached.
    pub identity: Vec<Named<'a>>,
    /// The most these may grant, if limited.
    pub boundary: Option<Named<'a>>,
    /// Those the session was given, if any were: the most it may do.
    pub session: Option<Vec<Named<'a>>>,
    /// That of the resource.
    pub resource: Option<Named<'a>>,
    /// What that is for.
    pub resource_rule: ResourceRule,
    /// Of the endpoint that the request came through.
    pub endpoint: Option<Named<'a>>,
}

/// Decides.
pub fn evaluate(principal: &Principal, request: &Request, policies: &Policies<'_>) -> Decision {
    let everything = [Resource::new("*")];
    let resources = match request.resources.is_empty() {
        true => &everything[..],
        false => &request.resources[..],
    };
    let mut granted = Granted::Root;
    for resource in resources {
        let case = Case {
            principal,
            action: &request.action,
            resource,
            keys: request.keys_for(principal, resource),
            policies,
        };
        match case.decide() {
            Ok(by) => granted = by,
            Err(why) => {
                return Decision::Denied {
                    resource: resource.arn.clone(),
                    why,
                };
            }
        }
    }
    Decision::Allowed(granted)
}

/// One request over one resource.
struct Case<'a> {
    principal: &'a Principal,
    action: &'a str,
    resource: &'a Resource,
    keys: Keys,
    policies: &'a Policies<'a>,
}

impl Case<'_> {
    fn decide(&self) -> Result<Granted, Denial> {
        self.explicit_deny()?;
        if let Some(endpoint) = &self.policies.endpoint
            && self.allow(endpoint, PolicyType::Endpoint).is_none()
        {
            return Err(Denial::Implicit(PolicyType::Endpoint));
        }
        let direct = self
            .policies
            .resource
            .as_ref()
            .and_then(|policy| self.allow(policy, self.resource_type()));
        let none = Denial::Implicit(self.resource_type());
        if self.principal.account.is_empty() {
            // A service, a federated or anonymous caller: there are no policies of its own.
            return direct.map(|(_, at)| Granted::By(at)).ok_or(none);
        }
        let foreign = self
            .resource
            .account
            .as_ref()
            .is_some_and(|owner| *owner != self.principal.account);
        if foreign {
            let own = self.by_identity()?;
            return match direct {
                Some(_) => Ok(own),
                None => Err(none),
            };
        }
        match direct {
            Some((Closeness::Session, at)) => Ok(Granted::By(at)),
            // The boundary limits what the user's policies grant, not what the resource's do.
            Some((Closeness::User, at)) => self.in_session().map(|()| Granted::By(at)),
            Some((Closeness::Entity, at)) => self.within().map(|()| Granted::By(at)),
            Some((Closeness::Account, _)) => self.by_identity(),
            None if self.policies.resource_rule == ResourceRule::Adds => self.by_identity(),
            None => Err(none),
        }
    }

    fn resource_type(&self) -> PolicyType {
        match self.policies.resource_rule {
            ResourceRule::Trust => PolicyType::Trust,
            _ => PolicyType::Resource,
        }
    }

    fn explicit_deny(&self) -> Result<(), Denial> {
        let policies = self.policies;
        let session = policies.session.iter().flatten();
        let all = (policies.endpoint.iter().map(|p| (p, PolicyType::Endpoint)))
            .chain(policies.identity.iter().map(|p| (p, PolicyType::Identity)))
            .chain(policies.boundary.iter().map(|p| (p, PolicyType::Boundary)))
            .chain(session.map(|p| (p, PolicyType::Session)))
            .chain(policies.resource.iter().map(|p| (p, self.resource_type())));
        for (policy, policy_type) in all {
            if let Some((_, at)) = self.find(policy, policy_type, Effect::Deny) {
                return Err(Denial::Explicit(at));
            }
        }
        Ok(())
    }

    /// Allowed by the principal's own policies, within what limits them.
    fn by_identity(&self) -> Result<Granted, Denial> {
        let granted = match &self.principal.kind {
            PrincipalKind::Root => Granted::Root,
            _ => {
                let mut own = self.policies.identity.iter();
                let (_, at) = own
                    .find_map(|policy| self.allow(policy, PolicyType::Identity))
                    .ok_or(Denial::Implicit(PolicyType::Identity))?;
                Granted::By(at)
            }
        };
        self.within().map(|()| granted)
    }

    fn within(&self) -> Result<(), Denial> {
        if let Some(boundary) = &self.policies.boundary
            && self.allow(boundary, PolicyType::Boundary).is_none()
        {
            return Err(Denial::Implicit(PolicyType::Boundary));
        }
        self.in_session()
    }

    fn in_session(&self) -> Result<(), Denial> {
        match &self.policies.session {
            Some(given)
                if !given
                    .iter()
                    .any(|policy| self.allow(policy, PolicyType::Session).is_some()) =>
            {
                Err(Denial::Implicit(PolicyType::Session))
            }
            _ => Ok(()),
        }
    }

    fn allow(&self, policy: &Named<'_>, policy_type: PolicyType) -> Option<(Closeness, At)> {
        self.find(policy, policy_type, Effect::Allow)
    }

    /// The statement of an effect that speaks of this case; of several the one that names the principal
    /// most closely.
    fn find(
        &self,
        policy: &Named<'_>,
        policy_type: PolicyType,
        effect: Effect,
    ) -> Option<(Closeness, At)> {
        let mut best: Option<(Closeness, usize)> = None;
        for (number, statement) in policy.policy.statements.iter().enumerate() {
            if statement.effect != effect {
                continue;
            }
            let closeness =
                statement.applies(self.principal, self.action, &self.resource.arn, &self.keys);
            if let Some(closeness) = closeness
                && best.is_none_or(|(other, _)| closeness > other)
            {
                best = Some((closeness, number));
            }
        }
        best.map(|(closeness, number)| {
            let at = At {
                policy_type,
                policy: policy.name.to_owned(),
                statement: number,
                sid: policy.policy.statements[number].sid.clone(),
            };
            (closeness, at)
        })
    }
}
