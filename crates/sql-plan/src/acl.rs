//! Users, groups, GRANT and REVOKE.

use std::collections::BTreeMap;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{Acl, Group, User};
use lw_sql_syntax::Statement;
use lw_sql_syntax::ast::{AlterGroup, AlterUser, Grant, GrantObjects, Grantee, UserOptions};
use lw_sql_syntax::sqlparser::ast::Ident;

use crate::context::PlanContext;
use crate::ddl::{fold_user, user_named};
use crate::plan::*;

/// Plans a statement of the family; `None` if it is of another.
pub(crate) fn plan(statement: &Statement, ctx: &PlanContext) -> Result<Option<Planned>> {
    Ok(Some(match statement {
        Statement::CreateUser { name, options } => create_user(name, options, ctx)?,
        Statement::AlterUser { name, action } => alter_user(name, action, ctx)?,
        Statement::DropUser { if_exists, names } => drop_users(*if_exists, names, ctx)?,
        Statement::CreateGroup { name, users } => create_group(name, users, ctx)?,
        Statement::AlterGroup { name, action } => alter_group(name, action, ctx)?,
        Statement::DropGroup { name } => {
            let group = group_named(name, ctx)?;
            planned(AclPlan::DropGroup(group.oid), superuser(), "DROP GROUP")
        }
        Statement::Grant(grant) => self::grant(grant, ctx)?,
        _ => return Ok(None),
    }))
}

fn planned(plan: AclPlan, access: Vec<Access>, tag: &'static str) -> Planned {
    Planned {
        plan: Plan::Acl(plan),
        params: vec![],
        columns: None,
        access,
        reads: vec![],
        writes: vec![],
        tag,
    }
}

fn superuser() -> Vec<Access> {
    vec![Access::Superuser]
}

fn group_named(name: &Ident, ctx: &PlanContext) -> Result<Group> {
    let name = ctx.fold(name);
    ctx.catalog()
        .groups()
        .find(|g| g.name == name)
        .map(|g| (**g).clone())
        .ok_or_else(|| {
            SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("group \"{name}\" does not exist"),
            )
        })
}

fn users_named(names: &[Ident], ctx: &PlanContext) -> Result<Vec<Oid>> {
    let mut oids = Vec::new();
    for name in names {
        let oid = user_named(name, ctx)?.oid;
        if !oids.contains(&oid) {
            oids.push(oid);
        }
    }
    Ok(oids)
}

fn create_user(name: &Ident, options: &UserOptions, ctx: &PlanContext) -> Result<Planned> {
    let name = fold_user(name);
    if ctx.catalog().user_named(&name).is_some() {
        return Err(user_exists(&name));
    }
    // Developer Guide, CREATE USER: names that cannot be a user's.
    if ["public", "rdsdb"].contains(&name.as_str()) || name.starts_with("pg_") {
        return Err(SqlError::new(
            SqlState("42939"),
            format!("user name \"{name}\" is reserved"),
        ));
    }
    let mut user = User {
        oid: Oid(0),
        name,
        superuser: false,
        create_db: false,
        credential: None,
        valid_until: None,
        connection_limit: None,
        session_timeout_s: None,
        settings: BTreeMap::new(),
        syslog_unrestricted: false,
    };
    apply_options(&mut user, options)?;
    let groups = options
        .groups
        .iter()
        .map(|g| group_named(g, ctx).map(|g| g.oid))
        .collect::<Result<Vec<_>>>()?;
    let plan = AclPlan::CreateUser {
        user,
        groups,
        password: options.password.clone().flatten(),
    };
    Ok(planned(plan, superuser(), "CREATE USER"))
}

fn user_exists(name: &str) -> SqlError {
    SqlError::new(
        SqlState::DUPLICATE_OBJECT,
        format!("user \"{name}\" already exists"),
    )
}

/// Applies what a statement says of a user.
fn apply_options(user: &mut User, options: &UserOptions) -> Result<()> {
    if options.external_id.is_some() {
        return Err(SqlError::unsupported("EXTERNALID"));
    }
    if let Some(create_user) = options.create_user {
        user.superuser = create_user;
    }
    if let Some(create_db) = options.create_db {
        user.create_db = create_db;
    }
    if let Some(unrestricted) = options.syslog_unrestricted {
        user.syslog_unrestricted = unrestricted;
    }
    if let Some(limit) = options.connection_limit {
        user.connection_limit = limit;
    }
    match options.session_timeout {
        // 60 seconds to 20 days (Developer Guide, CREATE USER, SESSION TIMEOUT).
        Some(Some(seconds)) if !(60..=1_728_000).contains(&seconds) => {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("session timeout must be between 60 and 1728000 seconds, not {seconds}"),
            ));
        }
        Some(timeout) => user.session_timeout_s = timeout,
        None => {}
    }
    if let Some(until) = &options.valid_until {
        user.valid_until = moment(until)?;
    }
    if options.password == Some(None) {
        user.credential = None;
    }
    Ok(())
}

/// A moment of VALID UNTIL, in UTC; `None` for infinity.
fn moment(text: &str) -> Result<Option<i64>> {
    if text.trim().eq_ignore_ascii_case("infinity") {
        return Ok(None);
    }
    arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(text.trim())
        .map(|nanos| Some(nanos / 1_000))
        .map_err(|_| {
            SqlError::new(
                SqlState::INVALID_DATETIME_FORMAT,
                format!("invalid input syntax for type timestamp with time zone: \"{text}\""),
            )
        })
}

fn alter_user(name: &Ident, action: &AlterUser, ctx: &PlanContext) -> Result<Planned> {
    let mut user = (*user_named(name, ctx)?).clone();
    let own = user.oid == ctx.session.user;
    let mut access = superuser();
    let mut password = None;
    match action {
        AlterUser::Options(options) => {
            password = options.password.clone().flatten();
            // A user may change their own password, and nothing else.
            let password_only = UserOptions {
                password: options.password.clone(),
                ..UserOptions::default()
            };
            if own && *options == password_only {
                access.clear();
            }
            apply_options(&mut user, options)?;
        }
        AlterUser::Rename(to) => {
            let to = fold_user(to);
            if own {
                return Err(SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "session user may not be renamed",
                ));
            }
            if ctx.catalog().user_named(&to).is_some() {
                return Err(user_exists(&to));
            }
            user.name = to;
            // The MD5 hash holds the name, so it is of no more use (as in PostgreSQL).
            if let Some(credential) = &mut user.credential {
                credential.md5 = None;
                if credential.sha256.is_none() {
                    user.credential = None;
                }
            }
        }
        AlterUser::Set(setting, value) => {
            if own {
                access.clear();
            }
            match value {
                Some(value) => {
                    let value = lw_settings::params::check(setting, value)?;
                    user.settings.insert(setting.clone(), value);
                }
                None => {
                    user.settings.remove(setting);
                }
            }
        }
        AlterUser::Reset(setting) => {
            if own {
                access.clear();
            }
            if setting == "all" {
                user.settings.clear();
            } else {
                user.settings.remove(setting);
            }
        }
    }
    Ok(planned(
        AclPlan::AlterUser { user, password },
        access,
        "ALTER USER",
    ))
}

fn drop_users(if_exists: bool, names: &[Ident], ctx: &PlanContext) -> Result<Planned> {
    let mut oids = Vec::new();
    for name in names {
        match user_named(name, ctx) {
            Ok(user) if user.oid == ctx.session.user || user.oid == ctx.session.session_user => {
                return Err(SqlError::new(
                    SqlState::OBJECT_IN_USE,
                    "current user cannot be dropped",
                ));
            }
            Ok(user) => oids.push(user.oid),
            Err(_) if if_exists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(planned(AclPlan::DropUsers(oids), superuser(), "DROP USER"))
}

fn create_group(name: &Ident, users: &[Ident], ctx: &PlanContext) -> Result<Planned> {
    let name = ctx.fold(name);
    refuse_group_name(&name, ctx)?;
    let group = Group {
        oid: Oid(0),
        name,
        members: users_named(users, ctx)?,
    };
    Ok(planned(
        AclPlan::PutGroup(group),
        superuser(),
        "CREATE GROUP",
    ))
}

fn refuse_group_name(name: &str, ctx: &PlanContext) -> Result<()> {
    if name.starts_with("pg_") || name == "public" {
        return Err(SqlError::new(
            SqlState("42939"),
            format!("group name \"{name}\" is reserved"),
        ));
    }
    if ctx.catalog().groups().any(|g| g.name == name) {
        return Err(SqlError::new(
            SqlState::DUPLICATE_OBJECT,
            format!("group \"{name}\" already exists"),
        ));
    }
    Ok(())
}

fn alter_group(name: &Ident, action: &AlterGroup, ctx: &PlanContext) -> Result<Planned> {
    let mut group = group_named(name, ctx)?;
    match action {
        AlterGroup::Add(users) => {
            for user in users_named(users, ctx)? {
                if !group.members.contains(&user) {
                    group.members.push(user);
                }
            }
        }
        AlterGroup::Drop(users) => {
            let gone = users_named(users, ctx)?;
            group.members.retain(|m| !gone.contains(m));
        }
        AlterGroup::Rename(to) => {
            let to = ctx.fold(to);
            refuse_group_name(&to, ctx)?;
            group.name = to;
        }
    }
    Ok(planned(
        AclPlan::PutGroup(group),
        superuser(),
        "ALTER GROUP",
    ))
}

/// Letters of privileges on relations, by their names.
const ON_RELATIONS: &[(&str, char)] = &[
    ("SELECT", 'r'),
    ("INSERT", 'a'),
    ("UPDATE", 'w'),
    ("DELETE", 'd'),
    ("REFERENCES", 'x'),
    ("DROP", 'D'),
    ("ALTER", 'A'),
    ("TRUNCATE", 't'),
];
/// Letters of privileges on schemas.
const ON_SCHEMAS: &[(&str, char)] = &[("USAGE", 'U'), ("CREATE", 'C')];

fn letters(privileges: &[String], known: &[(&str, char)], kind: &str) -> Result<String> {
    if privileges.is_empty() {
        return Ok(known.iter().map(|(_, letter)| letter).collect());
    }
    privileges
        .iter()
        .map(|p| {
            known
                .iter()
                .find(|(name, _)| name == p)
                .map(|(_, letter)| *letter)
                .ok_or_else(|| {
                    SqlError::new(
                        SqlState("0LP01"),
                        format!("invalid privilege type {p} for {kind}"),
                    )
                })
        })
        .collect()
}

fn grant(grant: &Grant, ctx: &PlanContext) -> Result<Planned> {
    let tag = if grant.revoke { "REVOKE" } else { "GRANT" };
    if grant.grant_option {
        return Err(SqlError::unsupported(if grant.revoke {
            "REVOKE GRANT OPTION FOR"
        } else {
            "GRANT ... WITH GRANT OPTION"
        }));
    }
    let grantees = grant
        .grantees
        .iter()
        .map(|g| {
            Ok(match g {
                Grantee::Public => Oid(0),
                Grantee::User(name) => user_named(name, ctx)?.oid,
                Grantee::Group(name) => group_named(name, ctx)?.oid,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut access = Vec::new();
    let (mut relations, mut schemas) = (Vec::new(), Vec::new());
    let mut on_relation = |relation: &lw_catalog::Relation, letters: &str| {
        access.push(Access::OwnRelation(relation.oid));
        relations.push((
            relation.oid,
            changed(&relation.acl, &grantees, letters, grant.revoke),
        ));
    };
    match &grant.objects {
        GrantObjects::Tables(names) => {
            let letters = letters(&grant.privileges, ON_RELATIONS, "table")?;
            for name in names {
                on_relation(&*ctx.relation(name)?, &letters);
            }
        }
        GrantObjects::AllTablesIn(names) => {
            let letters = letters(&grant.privileges, ON_RELATIONS, "table")?;
            for name in names {
                let schema = ctx.schema(ctx.session.database, &ctx.fold(name))?;
                for relation in ctx.catalog().relations_in(schema.oid) {
                    on_relation(relation, &letters);
                }
            }
        }
        GrantObjects::Schemas(names) => {
            let letters = letters(&grant.privileges, ON_SCHEMAS, "schema")?;
            for name in names {
                let schema = ctx.schema(ctx.session.database, &ctx.fold(name))?;
                access.push(Access::OwnSchema(schema.oid));
                schemas.push((
                    schema.oid,
                    changed(&schema.acl, &grantees, &letters, grant.revoke),
                ));
            }
        }
        GrantObjects::Databases(_) => {
            return Err(SqlError::unsupported(format!("{tag} ON DATABASE")));
        }
    }
    Ok(planned(AclPlan::Grant { relations, schemas }, access, tag))
}

/// The privileges after a GRANT or REVOKE.
fn changed(acl: &Acl, grantees: &[Oid], letters: &str, revoke: bool) -> Acl {
    let mut acl = acl.clone();
    for grantee in grantees {
        let held = acl.0.entry(*grantee).or_default();
        if revoke {
            held.retain(|c| !letters.contains(c));
        } else {
            for letter in letters.chars() {
                if !held.contains(letter) {
                    held.push(letter);
                }
            }
        }
        if held.is_empty() {
            acl.0.remove(grantee);
        }
    }
    acl
}
