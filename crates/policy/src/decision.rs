//! The answer, and the sentence that tells a client of a denial.

/// The sorts of policies that take part in a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyType {
    /// Of the user or role.
    Identity,
    /// Of the resource.
    Resource,
    /// Who may assume the role.
    Trust,
    /// The most that the policies of a user or role may grant.
    Boundary,
    /// Given with the session.
    Session,
    /// Of the endpoint that the request came through.
    Endpoint,
}

impl PolicyType {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            PolicyType::Identity => "identity-based policy",
            PolicyType::Resource => "resource-based policy",
            PolicyType::Trust => "role trust policy",
            PolicyType::Boundary => "permissions boundary",
            PolicyType::Session => "session policy",
            PolicyType::Endpoint => "VPC endpoint policy",
        }
    }

    fn explicit(self) -> String {
        let article = match self {
            PolicyType::Identity => "an",
            PolicyType::Trust => "the",
            _ => "a",
        };
        format!("with an explicit deny in {article} {}", self.name())
    }
}

/// May it be done?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed(Granted),
    /// No, and over which resource.
    Denied {
        /// ARN, or `*`.
        resource: String,
        /// Why.
        why: Denial,
    },
}

/// What granted it (of the last resource, where there are several).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// The root of the account needs no policy.
    Root,
    /// A statement.
    By(At),
}

/// A statement, by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// Sort of the policy.
    pub policy_type: PolicyType,
    /// Its name.
    pub policy: String,
    /// Number of the statement, from 0.
    pub statement: usize,
    /// `Sid` of the statement.
    pub sid: Option<String>,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A statement forbids it.
    Explicit(At),
    /// No policy of this sort allows it.
    Implicit(PolicyType),
}

impl Decision {
    /// True for yes.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Decision::Allowed(_))
    }

    /// The sentence for the client, if the answer is no.
    pub fn message(&self, principal_arn: &str, action: &str) -> Option<String> {
        let Decision::Denied { resource, why } = self else {
            return None;
        };
        let (policy_type, reason) = match why {
            Denial::Explicit(at) => (at.policy_type, at.policy_type.explicit()),
            Denial::Implicit(policy_type) => (
                *policy_type,
                format!(
                    "because no {} allows the {action} action",
                    policy_type.name()
                ),
            ),
        };
        let resource = match policy_type {
            // That of a role's trust policy is told without the role.
            PolicyType::Trust => String::new(),
            _ => format!(" on resource: {resource}"),
        };
        Some(format!(
            "User: {principal_arn} is not authorized to perform: {action}{resource} {reason}"
        ))
    }
}
