//! ALTER, CREATE and DROP of users and groups, GRANT and REVOKE: plans to catalog changes.

use std::sync::Arc;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{Change, Credential, Group};
use lw_engine::IdSource;
use lw_services::Notice;
use lw_settings::SessionInfo;
use lw_sql_plan::AclPlan;

use crate::auth;

/// The changes a plan stands for.
pub async fn changes(
    plan: &AclPlan,
    session: &SessionInfo,
    ids: &dyn IdSource,
) -> Result<(Vec<Change>, Vec<Notice>)> {
    let catalog = &session.catalog;
    let changes = match plan {
        AclPlan::CreateUser {
            user,
            groups,
            password,
        } => {
            let mut user = user.clone();
            user.oid = ids.oids(1).await?;
            if let Some(password) = password {
                user.credential = Some(credential(&user.name, &password.0)?);
            }
            let oid = user.oid;
            let mut changes = vec![Change::PutUser(Arc::new(user))];
            for group in catalog.groups().filter(|g| groups.contains(&g.oid)) {
                let mut group = Group::clone(group);
                group.members.push(oid);
                changes.push(Change::PutGroup(Arc::new(group)));
            }
            changes
        }
        AclPlan::AlterUser { user, password } => {
            let mut user = user.clone();
            if let Some(password) = password {
                user.credential = Some(credential(&user.name, &password.0)?);
            }
            vec![Change::PutUser(Arc::new(user))]
        }
        AclPlan::DropUsers(users) => drop_users(users, session)?,
        AclPlan::PutGroup(group) => {
            let mut group = group.clone();
            if group.oid == Oid(0) {
                group.oid = ids.oids(1).await?;
            }
            vec![Change::PutGroup(Arc::new(group))]
        }
        AclPlan::DropGroup(group) => {
            refuse_grantee(*group, "group", session)?;
            vec![Change::DropGroup(*group)]
        }
        AclPlan::Grant { relations, schemas } => {
            let mut changes = Vec::new();
            for (oid, acl) in relations {
                if let Some(relation) = catalog.relation(*oid) {
                    let mut relation = (**relation).clone();
                    relation.acl = acl.clone();
                    changes.push(Change::PutRelation(Arc::new(relation)));
                }
            }
            for (oid, acl) in schemas {
                if let Some(schema) = catalog.schema(*oid) {
                    let mut schema = (**schema).clone();
                    schema.acl = acl.clone();
                    changes.push(Change::PutSchema(Arc::new(schema)));
                }
            }
            changes
        }
    };
    Ok((changes, vec![]))
}

/// A user who owns something, or was granted something, cannot be dropped (Developer Guide, DROP
/// USER).
fn drop_users(users: &[Oid], session: &SessionInfo) -> Result<Vec<Change>> {
    let catalog = &session.catalog;
    for user in users {
        let name = catalog
            .user(*user)
            .map(|u| u.name.clone())
            .unwrap_or_default();
        let refuse = |detail: String| {
            Err(SqlError::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("user \"{name}\" cannot be dropped because some objects depend on it"),
            )
            .with_detail(detail))
        };
        if let Some(d) = catalog.databases().find(|d| d.owner == *user) {
            return refuse(format!("owner of database {}", d.name));
        }
        for database in catalog.databases() {
            if let Some(s) = catalog
                .schemas(database.oid)
                .find(|s| s.owner == *user && s.oid != session.temp_schema)
            {
                return refuse(format!("owner of schema {}", s.name));
            }
        }
        if let Some(r) = catalog.relations().find(|r| r.owner == *user) {
            return refuse(format!("owner of {}", r.name));
        }
        refuse_grantee(*user, "user", session)?;
    }
    let mut changes = Vec::new();
    for group in catalog.groups() {
        if group.members.iter().any(|m| users.contains(m)) {
            let mut group = Group::clone(group);
            group.members.retain(|m| !users.contains(m));
            changes.push(Change::PutGroup(Arc::new(group)));
        }
    }
    changes.extend(users.iter().map(|u| Change::DropUser(*u)));
    Ok(changes)
}

fn refuse_grantee(oid: Oid, kind: &str, session: &SessionInfo) -> Result<()> {
    let catalog = &session.catalog;
    let schemas = catalog
        .databases()
        .flat_map(|d| catalog.schemas(d.oid))
        .find(|s| s.acl.0.contains_key(&oid))
        .map(|s| format!("schema {}", s.name));
    let object = schemas.or_else(|| {
        catalog
            .relations()
            .find(|r| r.acl.0.contains_key(&oid))
            .map(|r| r.name.clone())
    });
    let name = match kind {
        "user" => catalog.user(oid).map(|u| u.name.clone()),
        _ => catalog
            .groups()
            .find(|g| g.oid == oid)
            .map(|g| g.name.clone()),
    };
    match object {
        None => Ok(()),
        Some(object) => Err(SqlError::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!(
                "{kind} \"{}\" cannot be dropped because the {kind} has a privilege on some object",
                name.unwrap_or_default()
            ),
        )
        .with_detail(format!("privileges on {object}"))
        .with_hint("Revoke them first.")),
    }
}

/// What is kept of a password given as cleartext, `md5...` or `sha256|...` (Developer Guide, CREATE
/// USER).
fn credential(user: &str, text: &str) -> Result<Credential> {
    if let Some(digest) = text.strip_prefix("md5")
        && digest.len() == 32
        && digest.bytes().all(|b| b.is_ascii_hexdigit())
    {
        return Ok(Credential {
            salt: vec![],
            sha256: None,
            md5: Some(digest.to_ascii_lowercase()),
        });
    }
    let Some(rest) = text.strip_prefix("sha256|") else {
        check_password(text)?;
        return Ok(auth::credential(user, text));
    };
    let Some((digest, salt)) = rest.split_once('|') else {
        // A cleartext password of which only the SHA-256 form is to be kept.
        check_password(rest)?;
        let mut credential = auth::credential(user, rest);
        credential.md5 = None;
        return Ok(credential);
    };
    match (hex::decode(digest), hex::decode(salt)) {
        (Ok(digest), Ok(salt)) if digest.len() == 32 && !salt.is_empty() => Ok(Credential {
            salt,
            sha256: Some(digest),
            md5: None,
        }),
        _ => Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "invalid sha256 password: expected sha256|digest|salt in hexadecimal",
        )),
    }
}

/// The rules for a cleartext password.
fn check_password(text: &str) -> Result<()> {
    let allowed =
        |b: u8| (33..=126).contains(&b) && !matches!(b, b'\'' | b'"' | b'\\' | b'/' | b'@');
    let problem = if !(8..=64).contains(&text.len()) {
        "password must be between 8 and 64 characters long"
    } else if !text.bytes().any(|b| b.is_ascii_uppercase()) {
        "password must contain an uppercase letter"
    } else if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        "password must contain a lowercase letter"
    } else if !text.bytes().any(|b| b.is_ascii_digit()) {
        "password must contain a number"
    } else if !text.bytes().all(allowed) {
        "password can contain ASCII characters 33 to 126 except ', \", \\, / and @"
    } else {
        return Ok(());
    };
    Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, problem))
}
