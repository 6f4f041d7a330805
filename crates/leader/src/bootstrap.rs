//! The first start: the databases and users every warehouse has.

use std::collections::BTreeMap;
use std::sync::Arc;

use lw_base::{Oid, Result};
use lw_catalog::{Acl, Change, Credential, Database, Isolation, Schema, User};

use crate::auth;
use crate::txn::TransactionManager;

/// Id of the admin user (as in Redshift, the first user is 100).
pub const ADMIN: Oid = Oid(100);
/// Id of the superuser that owns what is built in.
pub const RDSDB: Oid = Oid(1);

/// What a warehouse has from its first start on.
#[derive(Debug, Clone)]
pub struct FirstStart {
    /// The first database.
    pub database: String,
    /// Its isolation.
    pub isolation: Isolation,
    /// Name of the admin user.
    pub admin_user: String,
    /// The admin's password; `None`: PASSWORD DISABLE.
    pub admin_password: Option<String>,
    /// True: the password replaces the one the admin has (the operator's word wins).
    pub admin_password_given: bool,
}

/// Makes what every warehouse has, if it is missing.
pub async fn run(txns: &Arc<TransactionManager>, first: &FirstStart) -> Result<()> {
    let admin = first.admin_user.as_str();
    let catalog = txns.current();
    let mut changes = Vec::new();
    if catalog.user(RDSDB).is_none() {
        changes.push(Change::PutUser(Arc::new(user(RDSDB, "rdsdb", None))));
    }
    let password = first.admin_password.as_deref();
    let credential = password.map(|p| auth::credential(admin, p));
    let mut owner = ADMIN;
    match catalog.user_named(admin) {
        None => {
            // Another may have the id: one who was the admin under another name.
            if catalog.user(ADMIN).is_some() {
                owner = txns.ids().oids(1).await?;
            }
            changes.push(Change::PutUser(Arc::new(user(owner, admin, credential))));
        }
        Some(old) => {
            owner = old.oid;
            if let Some(password) = password
                && first.admin_password_given
                && !auth::password_matches(old, password)
            {
                changes.push(Change::PutUser(Arc::new(User {
                    credential,
                    ..User::clone(old)
                })));
            }
        }
    }
    if catalog.database_named(&first.database).is_none() {
        let oids = txns.ids().oids(2).await?;
        changes.extend(database(
            oids,
            Oid(oids.0 + 1),
            &first.database,
            owner,
            first.isolation,
        ));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let mut txn = txns.begin(Isolation::Serializable, false);
    txn.apply(changes)?;
    txn.commit().await?;
    Ok(())
}

fn user(oid: Oid, name: &str, credential: Option<Credential>) -> User {
    new_user(oid, name, credential, true)
}

/// A user with nothing but a name, and may be a superuser.
pub(crate) fn new_user(
    oid: Oid,
    name: &str,
    credential: Option<Credential>,
    superuser: bool,
) -> User {
    User {
        oid,
        name: name.to_string(),
        superuser,
        create_db: superuser,
        credential,
        valid_until: None,
        connection_limit: None,
        session_timeout_s: None,
        settings: BTreeMap::new(),
        syslog_unrestricted: superuser,
    }
}

/// A database and its schema `public`, in which everyone may create (as in Redshift).
pub fn database(
    oid: Oid,
    public: Oid,
    name: &str,
    owner: Oid,
    isolation: Isolation,
) -> Vec<Change> {
    vec![
        Change::PutDatabase(Arc::new(Database {
            oid,
            name: name.to_string(),
            owner,
            isolation,
            connection_limit: None,
            read_only: false,
            case_sensitive: true,
        })),
        Change::PutSchema(Arc::new(Schema {
            oid: public,
            database: oid,
            name: "public".to_string(),
            owner,
            quota_bytes: None,
            acl: Acl(BTreeMap::from([(Oid(0), "UC".to_string())])),
        })),
    ]
}
