//! Logins: by the password a user has here, or by temporary credentials that somebody else knows.

use std::sync::Arc;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{CatalogSnapshot, Change, Isolation, User};
use lw_services::warehouses::TemporaryLogin;
use lw_services::{Challenge, ClientInfo, Proof};

use crate::auth;
use crate::bootstrap::new_user;
use crate::service::Leader;

/// Who logged in.
pub(crate) struct Login {
    pub user: Arc<User>,
    /// What the temporary credentials allow, if they were shown.
    pub temporary: Option<TemporaryLogin>,
}

/// Names of temporary credentials begin with one of these, in any case.
const PREFIXES: [&str; 3] = ["IAM:", "IAMA:", "IAMR:"];

/// True for a name as temporary credentials have it.
fn is_temporary(user: &str) -> bool {
    PREFIXES.iter().any(|prefix| {
        user.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })
}

impl Leader {
    /// As [`lw_services::SqlService::challenge`].
    pub(crate) fn challenge_for(&self, user: &str) -> Challenge {
        let shared = self.shared();
        let catalog = shared.txns.current();
        // A user without a password here can only have temporary credentials.
        let elsewhere = || {
            shared.logins.is_some()
                && catalog
                    .user_named(user)
                    .is_some_and(|u| u.credential.is_none())
        };
        Challenge {
            temporary: is_temporary(user) || elsewhere(),
            ..auth::challenge(&catalog, user, &shared.secret)
        }
    }

    /// Finds out who logs in.
    pub(crate) async fn log_in(&self, client: &ClientInfo, proof: &Proof) -> Result<Login> {
        let catalog = self.shared().txns.current();
        if let Proof::Temporary(login) = proof {
            return self.temporary(client, login.clone()).await;
        }
        let known = match is_temporary(&client.user) {
            true => Err(auth::refused(&client.user)),
            false => auth::verify(&catalog, &client.user, proof),
        };
        let refused = match known {
            Ok(user) => {
                return Ok(Login {
                    user,
                    temporary: None,
                });
            }
            Err(refused) => refused,
        };
        let (Some(logins), Proof::Cleartext(password)) = (&self.shared().logins, proof) else {
            return Err(refused);
        };
        if !client.tls {
            if !is_temporary(&client.user) {
                return Err(refused);
            }
            return Err(SqlError::new(
                SqlState::INVALID_AUTHORIZATION,
                "temporary credentials need an encrypted connection",
            )
            .with_hint("Connect with TLS (sslmode=require).")
            .fatal());
        }
        let namespace = &self.shared().namespace;
        match logins.check(namespace, &client.user, password).await {
            Some(login) => self.temporary(client, login).await,
            None => Err(refused),
        }
    }

    /// The user that temporary credentials stand for, made if they say so.
    async fn temporary(&self, client: &ClientInfo, login: TemporaryLogin) -> Result<Login> {
        let refused = || auth::refused(&client.user);
        if let Some(database) = &login.database
            && *database != client.database
        {
            return Err(refused().with_detail(format!(
                "The temporary credentials are for database \"{database}\" only."
            )));
        }
        let user = match self.shared().txns.current().user_named(&login.db_user) {
            Some(user) => user.clone(),
            None if login.auto_create => self.auto_create(&login).await?,
            None => return Err(refused()),
        };
        Ok(Login {
            user,
            temporary: Some(login),
        })
    }

    /// Makes the user, unless another login has done it meanwhile.
    async fn auto_create(&self, login: &TemporaryLogin) -> Result<Arc<User>> {
        let txns = &self.shared().txns;
        let _one_at_a_time = self.shared().making_users.lock().await;
        if let Some(user) = txns.current().user_named(&login.db_user) {
            return Ok(user.clone());
        }
        let oid = txns.ids().oids(1).await?;
        let user = Arc::new(new_user(oid, &login.db_user, None, login.superuser));
        let mut txn = txns.begin(Isolation::Snapshot, false);
        txn.apply(vec![Change::PutUser(user.clone())])?;
        txn.commit().await?;
        Ok(user)
    }
}

/// Ids of the groups the session joins; unknown ones are ignored.
pub(crate) fn groups(catalog: &CatalogSnapshot, login: Option<&TemporaryLogin>) -> Vec<Oid> {
    let Some(login) = login else {
        return Vec::new();
    };
    catalog
        .groups()
        .filter(|group| login.groups.contains(&group.name))
        .map(|group| group.oid)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::is_temporary;

    #[test]
    fn names_of_temporary_credentials() {
        for name in ["IAM:ana", "iama:ana:sales", "IamR:role"] {
            assert!(is_temporary(name), "{name}");
        }
        for name in ["iam", "ana", "IAMX:ana", "ünïcode", "äIAM:ana"] {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
