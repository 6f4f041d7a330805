//! What a policy is asked about: who asks, for what, over which resources, and the facts that conditions
//! may look at.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

/// Condition keys with their values. Names are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(BTreeMap<String, Vec<String>>);

impl Keys {
    /// No keys.
    pub fn new() -> Keys {
        Keys::default()
    }

    /// Sets a key to one value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_lowercase(), vec![value.into()]);
    }

    /// Sets a key to several values (`aws:TagKeys`); none means that the key is absent.
    pub fn set_all(&mut self, name: &str, values: impl IntoIterator<Item = impl Into<String>>) {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            self.0.remove(&name.to_lowercase());
        } else {
            self.0.insert(name.to_lowercase(), values);
        }
    }

    /// The keys of tags that a request brings: `aws:RequestTag/...` and `aws:TagKeys`.
    pub fn set_request_tags<'a>(&mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let mut names = Vec::new();
        for (name, value) in tags {
            self.set(&format!("aws:RequestTag/{name}"), value);
            names.push(name);
        }
        self.set_all("aws:TagKeys", names);
    }

    /// The keys of the time: `aws:CurrentTime` and `aws:EpochTime`.
    pub fn set_time(&mut self, now: DateTime<Utc>) {
        self.set(
            "aws:CurrentTime",
            now.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        );
        self.set("aws:EpochTime", now.timestamp().to_string());
    }

    /// [`Keys::set`] for building in one expression.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Keys {
        self.set(name, value);
        self
    }

    /// The values of a key, if it is there.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        match self.0.get(name) {
            Some(values) => Some(values),
            None => self.0.get(&name.to_lowercase()).map(Vec::as_slice),
        }
    }

    /// The value of a key that has exactly one.
    pub fn single(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            [value] => Some(value),
            _ => None,
        }
    }

    /// Adds other keys; where both have one, the other's holds.
    pub fn extend(&mut self, other: &Keys) {
        for (name, values) in &other.0 {
            self.0.insert(name.clone(), values.clone());
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account it belongs to; empty for services and for nobody.
    pub account: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// Its tags: those of the user or role, overlaid with those of the session.
    pub tags: Vec<(String, String)>,
}

/// What a principal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalKind {
    /// The account itself.
    Root,
    /// An IAM user.
    User {
        /// Path, `/` or `/a/b/`.
        path: String,
        /// Name.
        name: String,
        /// Unique id (`AIDA...`).
        id: String,
    },
    /// A session of an IAM role.
    Session {
        /// Path of the role.
        path: String,
        /// Name of the role.
        role: String,
        /// Unique id of the role (`AROA...`).
        id: String,
        /// Name of the session.
        session: String,
    },
    /// A service, by its name (`redshift.amazonaws.com`) and the region it acts in.
    Service {
        /// Name.
        name: String,
        /// Region.
        region: String,
    },
    /// Somebody an identity provider vouches for: its ARN (SAML) or host name (OIDC).
    Federated {
        /// The provider.
        provider: String,
    },
    /// Nobody in particular.
    Anonymous,
}

impl Principal {
    fn new(account: &str, kind: PrincipalKind) -> Principal {
        Principal {
            account: account.to_owned(),
            kind,
            tags: Vec::new(),
        }
    }

    /// The root of an account.
    pub fn root(account: &str) -> Principal {
        Principal::new(account, PrincipalKind::Root)
    }

    /// A user.
    pub fn user(account: &str, path: &str, name: &str, id: &str) -> Principal {
        Principal::new(
            account,
            PrincipalKind::User {
                path: path.to_owned(),
                name: name.to_owned(),
                id: id.to_owned(),
            },
        )
    }

    /// A session of a role.
    pub fn session(account: &str, path: &str, role: &str, id: &str, session: &str) -> Principal {
        Principal::new(
            account,
            PrincipalKind::Session {
                path: path.to_owned(),
                role: role.to_owned(),
                id: id.to_owned(),
                session: session.to_owned(),
            },
        )
    }

    /// A service in a region.
    pub fn service(name: &str, region: &str) -> Principal {
        Principal::new(
            "",
            PrincipalKind::Service {
                name: name.to_owned(),
                region: region.to_owned(),
            },
        )
    }

    /// Somebody vouched for by a provider.
    pub fn federated(provider: &str) -> Principal {
        Principal::new(
            "",
            PrincipalKind::Federated {
                provider: provider.to_owned(),
            },
        )
    }

    /// Nobody in particular.
    pub fn anonymous() -> Principal {
        Principal::new("", PrincipalKind::Anonymous)
    }

    /// The same with tags.
    pub fn with_tags<'a>(
        mut self,
        tags: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Principal {
        for (name, value) in tags {
            self.tags.retain(|(other, _)| other != name);
            self.tags.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Its ARN as `GetCallerIdentity` shows it; of a service its name.
    pub fn arn(&self) -> String {
        let account = &self.account;
        match &self.kind {
            PrincipalKind::Root => format!("arn:aws:iam::{account}:root"),
            PrincipalKind::User { path, name, .. } => crate::arn::iam_user(account, path, name),
            PrincipalKind::Session { role, session, .. } => {
                crate::arn::assumed_role(account, role, session)
            }
            PrincipalKind::Service { name, .. } => name.clone(),
            PrincipalKind::Federated { provider } => provider.clone(),
            PrincipalKind::Anonymous => "anonymous".to_owned(),
        }
    }

    /// The ARN that stands for it in `aws:PrincipalArn`: of a session that of its role.
    pub fn identity_arn(&self) -> String {
        match &self.kind {
            PrincipalKind::Session { path, role, .. } => {
                crate::arn::iam_role(&self.account, path, role)
            }
            _ => self.arn(),
        }
    }

    /// Its unique id, the value of `aws:userid`.
    pub fn user_id(&self) -> Option<String> {
        match &self.kind {
            PrincipalKind::Root => Some(self.account.clone()),
            PrincipalKind::User { id, .. } => Some(id.clone()),
            PrincipalKind::Session { id, session, .. } => Some(format!("{id}:{session}")),
            _ => None,
        }
    }

    /// The condition keys that follow from who it is.
    pub fn keys(&self) -> Keys {
        let mut keys = Keys::new();
        let kind = match &self.kind {
            PrincipalKind::Root => "Account",
            PrincipalKind::User { name, .. } => {
                keys.set("aws:username", name.as_str());
                "User"
            }
            PrincipalKind::Session { .. } => "AssumedRole",
            PrincipalKind::Service { name, .. } => {
                keys.set("aws:PrincipalServiceName", name.as_str());
                keys.set("aws:PrincipalIsAWSService", "true");
                return keys;
            }
            PrincipalKind::Federated { provider } => {
                keys.set("aws:FederatedProvider", provider.as_str());
                "FederatedUser"
            }
            PrincipalKind::Anonymous => {
                keys.set("aws:PrincipalType", "Anonymous");
                return keys;
            }
        };
        keys.set("aws:PrincipalType", kind);
        keys.set("aws:PrincipalIsAWSService", "false");
        if let Some(id) = self.user_id() {
            keys.set("aws:userid", id);
            keys.set("aws:PrincipalArn", self.identity_arn());
            keys.set("aws:PrincipalAccount", self.account.as_str());
        }
        for (name, value) in &self.tags {
            keys.set(&format!("aws:PrincipalTag/{name}"), value.as_str());
        }
        keys
    }
}

/// A resource that a request touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its ARN; `*` for actions that know no resources.
    pub arn: String,
    /// The account that owns it; `None`: that of the principal.
    pub account: Option<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

impl Resource {
    /// A resource of the principal's own account, or of the one its ARN names.
    pub fn new(arn: impl Into<String>) -> Resource {
        let arn = arn.into();
        let account = arn
            .split(':')
            .nth(4)
            .filter(|a| !a.is_empty() && a.bytes().all(|b| b.is_ascii_digit()))
            .map(str::to_owned);
        Resource {
            arn,
            account,
            tags: Vec::new(),
        }
    }

    /// The same with tags.
    pub fn with_tags<'a>(mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Resource {
        self.tags
            .extend(tags.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())));
        self
    }

    /// The same, owned by an account that its ARN does not name (buckets).
    pub fn owned_by(mut self, account: &str) -> Resource {
        self.account = Some(account.to_owned());
        self
    }
}

/// What is asked for. Every resource must be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `service:Operation`.
    pub action: String,
    /// The resources it touches; none stands for `*`.
    pub resources: Vec<Resource>,
    /// Facts about the request (`aws:SourceIp`, `redshift:DbUser`, `aws:RequestTag/...`).
    pub keys: Keys,
}

impl Request {
    /// An action over resources.
    pub fn new(action: &str, resources: impl IntoIterator<Item = Resource>) -> Request {
        Request {
            action: action.to_owned(),
            resources: resources.into_iter().collect(),
            keys: Keys::new(),
        }
    }

    /// The same with a condition key.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Request {
        self.keys.set(name, value);
        self
    }

    /// All keys that hold for one of its resources.
    pub(crate) fn keys_for(&self, principal: &Principal, resource: &Resource) -> Keys {
        // What is known of the principal is not for the request to say.
        let mut keys = self.keys.clone();
        keys.extend(&principal.keys());
        let service = self.action.split(':').next().unwrap_or_default();
        for (name, value) in &resource.tags {
            keys.set(&format!("aws:ResourceTag/{name}"), value.as_str());
            keys.set(&format!("{service}:ResourceTag/{name}"), value.as_str());
        }
        if let Some(account) = resource
            .account
            .as_ref()
            .or((!principal.account.is_empty()).then_some(&principal.account))
        {
            keys.set("aws:ResourceAccount", account.as_str());
        }
        keys
    }
}
