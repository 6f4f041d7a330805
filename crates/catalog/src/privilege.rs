//! Who may do what with an object: the one place that says so, for the access gate, the
//! `has_..._privilege` functions and the system views.

use lw_base::Oid;

use crate::model::{Acl, Database, Relation, Schema};
use crate::snapshot::CatalogSnapshot;

impl CatalogSnapshot {
    /// True for a superuser.
    pub fn is_superuser(&self, user: Oid) -> bool {
        self.user(user).is_some_and(|u| u.superuser)
    }

    /// True if the user sees everybody's rows in the logs of the system (superusers, SYSLOG ACCESS
    /// UNRESTRICTED).
    pub fn sees_all_logs(&self, user: Oid) -> bool {
        self.user(user)
            .is_some_and(|u| u.superuser || u.syslog_unrestricted)
    }

    fn holds(&self, user: Oid, owner: Oid, acl: &Acl, privilege: char) -> bool {
        owner == user
            || self.is_superuser(user)
            || acl.allows(user, &self.groups_of(user), privilege)
    }

    /// True if the user has this privilege (a letter as in [`Acl`]) on the relation, as its owner,
    /// as a superuser, by a grant, by a group or by PUBLIC.
    pub fn may_relation(&self, user: Oid, relation: &Relation, privilege: char) -> bool {
        self.holds(user, relation.owner, &relation.acl, privilege)
    }

    /// True if the user has any privilege on the relation: then its metadata is shown to them.
    pub fn sees_relation(&self, user: Oid, relation: &Relation) -> bool {
        "rawdRxtDA"
            .chars()
            .any(|privilege| self.may_relation(user, relation, privilege))
    }

    /// As [`CatalogSnapshot::may_relation`], for a schema.
    pub fn may_schema(&self, user: Oid, schema: &Schema, privilege: char) -> bool {
        self.holds(user, schema.owner, &schema.acl, privilege)
    }

    /// As [`CatalogSnapshot::may_relation`], for a database. Everyone may make temporary tables
    /// (`T`) and connect (`c`); only the owner and superusers may create schemas (`C`).
    pub fn may_database(&self, user: Oid, database: &Database, privilege: char) -> bool {
        matches!(privilege, 'T' | 'c' | 'U') || database.owner == user || self.is_superuser(user)
    }
}
