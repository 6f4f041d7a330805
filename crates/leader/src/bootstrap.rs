//! The first start: the databases and users every warehouse has.

use std::collections::BTreeMap;
use std::sync::Arc;

use lw_base::{Oid, Result};
use lw_catalog::{Acl, Change, Database, Isolation, Schema, User};

use crate::auth;
use crate::txn::TransactionManager;

/// The database of the first start.
pub const FIRST_DATABASE: &str = "dev";
/// Id of the admin user (as in Redshift, the first user is 100).
pub const ADMIN: Oid = Oid(100);
/// Id of the superuser that owns what is built in.
pub const RDSDB: Oid = Oid(1);

/// Makes what every warehouse has, if it is missing. `given`: the password replaces an older one.
pub async fn run(
    txns: &Arc<TransactionManager>,
    admin: &str,
    password: &str,
    given: bool,
) -> Result<()> {
    let catalog = txns.current();
    let mut changes = Vec::new();
    if catalog.user(RDSDB).is_none() {
        changes.push(Change::PutUser(Arc::new(user(RDSDB, "rdsdb", None))));
    }
    let credential = auth::credential(admin, password);
    match catalog.user_named(admin) {
        None => changes.push(Change::PutUser(Arc::new(user(
            ADMIN,
            admin,
            Some(credential),
        )))),
        Some(old) if given && !auth::password_matches(old, password) => {
            changes.push(Change::PutUser(Arc::new(User {
                credential: Some(credential),
                ..User::clone(old)
            })));
        }
        Some(_) => {}
    }
    if catalog.database_named(FIRST_DATABASE).is_none() {
        let first = txns.ids().oids(2).await?;
        changes.extend(database(first, Oid(first.0 + 1), FIRST_DATABASE, ADMIN));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let mut txn = txns.begin(Isolation::Serializable, false);
    txn.apply(changes)?;
    txn.commit().await?;
    Ok(())
}

fn user(oid: Oid, name: &str, credential: Option<lw_catalog::Credential>) -> User {
    User {
        oid,
        name: name.to_string(),
        superuser: true,
        create_db: true,
        credential,
        valid_until: None,
        connection_limit: None,
        session_timeout_s: None,
        settings: BTreeMap::new(),
        syslog_unrestricted: true,
    }
}

/// A database and its schema `public`, in which everyone may create (as in Redshift).
pub fn database(oid: Oid, public: Oid, name: &str, owner: Oid) -> Vec<Change> {
    vec![
        Change::PutDatabase(Arc::new(Database {
            oid,
            name: name.to_string(),
            owner,
            isolation: Isolation::Serializable,
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
