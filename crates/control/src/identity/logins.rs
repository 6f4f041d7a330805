//! Temporary database credentials (guide L22365-22600, L24804-24836): made by GetClusterCredentials and
//! its kin, asked for by leaders at a login for which they have no password of their own.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use lw_aws_model::ApiError;
use lw_aws_model::edge::{Caller, CallerKind};
use lw_services::warehouses::{TemporaryLogin, TemporaryLogins};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Control;
use crate::records::{Record, Txn};

/// Seconds that credentials are good if the caller does not say, and at most.
pub const SECONDS: (i64, i64) = (900, 3600);
/// Length of a password.
const LENGTH: usize = 64;
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Credentials that were given out. The password is not kept, only its digest.
#[derive(Clone, Serialize, Deserialize)]
struct Given {
    /// Digest of namespace and password.
    digest: String,
    /// The name as it was given out, with its prefix.
    sent: String,
    db_user: String,
    auto_create: bool,
    superuser: bool,
    database: Option<String>,
    groups: Vec<String>,
    roles: Vec<String>,
    request_id: String,
    expires: DateTime<Utc>,
}

impl Record for Given {
    const KIND: &'static str = "temporary-login";
    fn id(&self) -> String {
        self.digest.clone()
    }
}

/// Credentials.
#[derive(Debug, Clone)]
pub struct Made {
    /// The name to log in with, with its prefix.
    pub user: String,
    /// The password.
    pub password: String,
    /// When they end.
    pub expires: DateTime<Utc>,
}

/// Nobody can guess a password of this length, so that a plain digest finds and hides it.
fn digest(namespace: &str, password: &str) -> String {
    hex::encode(Sha256::digest(format!("{namespace}\0{password}")))
}

/// The database user that a caller's identity stands for: `IAM:<user>`, `IAMR:<role>` (guide L24804).
pub fn name_of(caller: &Caller) -> String {
    match &caller.kind {
        CallerKind::User { name } => format!("IAM:{name}"),
        CallerKind::Role { name, .. } => format!("IAMR:{name}"),
        CallerKind::Root | CallerKind::Service | CallerKind::Anonymous => "IAM:RootIdentity".into(),
    }
}

/// The names in a tag of the caller (`RedshiftDbRoles`, guide L1579), set apart by colons.
pub fn names_in_tag(caller: &Caller, tag: &str) -> Vec<String> {
    caller
        .tags
        .get(tag)
        .map(|value| {
            value
                .split(':')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default()
}

/// Makes credentials for a namespace, good for so many seconds; `sent` is the name to log in with.
pub fn make(
    control: &Control,
    txn: &mut Txn,
    namespace: &str,
    sent: &str,
    login: TemporaryLogin,
    seconds: i64,
) -> Result<Made, ApiError> {
    let password = lw_base::random::string(LENGTH, ALPHABET);
    let expires = control.clock.now() + Duration::seconds(seconds);
    txn.put(Given {
        digest: digest(namespace, &password),
        sent: sent.into(),
        db_user: login.db_user,
        auto_create: login.auto_create,
        superuser: login.superuser,
        database: login.database,
        groups: login.groups,
        roles: login.roles,
        request_id: login.request_id,
        expires,
    })?;
    Ok(Made {
        user: sent.into(),
        password,
        expires,
    })
}

/// Deletes what is no longer good.
pub async fn prune(control: &Control) -> Result<(), ApiError> {
    let now = control.clock.now();
    let old: Vec<String> = control
        .records
        .view()
        .list::<Given>()
        .iter()
        .filter(|given| given.expires <= now)
        .map(|given| given.digest.clone())
        .collect();
    if old.is_empty() {
        return Ok(());
    }
    let mut txn = control.records.begin().await;
    for id in old {
        txn.delete::<Given>(&id);
    }
    txn.commit().await
}

/// Knows the credentials that were given out, for leaders.
pub struct Logins(Weak<Control>);

impl Logins {
    /// Of a control plane. It is not kept alive by who asks.
    pub fn of(control: &Arc<Control>) -> Logins {
        Logins(Arc::downgrade(control))
    }
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Logins")
    }
}

#[async_trait]
impl TemporaryLogins for Logins {
    async fn check(&self, namespace: &str, user: &str, password: &str) -> Option<TemporaryLogin> {
        let control = self.0.upgrade()?;
        let given = control
            .records
            .view()
            .get::<Given>(&digest(namespace, password))?;
        if given.expires <= control.clock.now() || !is_named(&given, user) {
            return None;
        }
        Some(TemporaryLogin {
            db_user: given.db_user.clone(),
            auto_create: given.auto_create,
            superuser: given.superuser,
            database: given.database.clone(),
            groups: given.groups.clone(),
            roles: given.roles.clone(),
            request_id: given.request_id.clone(),
        })
    }
}

/// True for the name as it was given out, with groups after it as drivers add them
/// (`IAMA:<user>:<group>`, guide L23709), or for the database user's own name.
fn is_named(given: &Given, user: &str) -> bool {
    if user == given.db_user || user.eq_ignore_ascii_case(&given.sent) {
        return true;
    }
    // Drivers write the prefix by whether a user may be made: IAM: or IAMA:.
    let bare = |name: &str| {
        ["IAMA:", "IAMR:", "IAM:"]
            .iter()
            .find_map(|prefix| {
                let start = name.get(..prefix.len())?;
                start
                    .eq_ignore_ascii_case(prefix)
                    .then(|| name[prefix.len()..].to_owned())
            })
            .unwrap_or_else(|| name.to_owned())
    };
    let (wanted, shown) = (bare(&given.sent), bare(user));
    shown.eq_ignore_ascii_case(&wanted)
        || shown
            .to_lowercase()
            .starts_with(&format!("{}:", wanted.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bed;

    fn login(user: &str) -> TemporaryLogin {
        TemporaryLogin {
            db_user: user.into(),
            auto_create: true,
            superuser: false,
            database: Some("dev".into()),
            groups: vec!["readers".into()],
            roles: Vec::new(),
            request_id: "r".into(),
        }
    }

    #[tokio::test]
    async fn credentials_are_good_for_their_time_their_namespace_and_their_name() {
        let bed = Bed::new().await;
        let mut txn = bed.control.records.begin().await;
        let made = make(&bed.control, &mut txn, "n1", "IAMA:ana", login("ana"), 900).unwrap();
        txn.commit().await.unwrap();
        let bed = bed.reopen().await;
        let logins = Logins::of(&bed.control);
        for name in ["IAMA:ana", "iama:ana:readers", "IAM:ana", "ana"] {
            let known = logins.check("n1", name, &made.password).await.unwrap();
            assert_eq!(known, login("ana"));
        }
        for (namespace, name, password) in [
            ("n2", "IAMA:ana", made.password.as_str()),
            ("n1", "IAMA:anabel", &made.password),
            ("n1", "IAMA:ana", "guess"),
        ] {
            assert_eq!(logins.check(namespace, name, password).await, None);
        }
        bed.control.clock.advance(Duration::seconds(901));
        assert_eq!(logins.check("n1", "IAMA:ana", &made.password).await, None);
        prune(&bed.control).await.unwrap();
        assert_eq!(bed.control.records.view().count::<Given>(), 0);
    }
}
