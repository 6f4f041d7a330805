//! Schemas and databases.

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{Acl, Database, Isolation, Schema};
use lw_sql_syntax::ast::{AlterDatabase, AlterSchema, CreateSchema, DatabaseOptions};
use lw_sql_syntax::sqlparser::ast::Ident;

use super::{nothing, planned, refuse_system_schema, user_named};
use crate::context::PlanContext;
use crate::plan::*;

/// Least quota of a schema (Developer Guide, CREATE SCHEMA: quotas are kept in whole MB).
const MB: u64 = 1 << 20;

pub(super) fn create_schema(create: &CreateSchema, ctx: &PlanContext) -> Result<Planned> {
    let tag = "CREATE SCHEMA";
    if !create.elements.is_empty() {
        return Err(SqlError::unsupported("CREATE SCHEMA with statements in it")
            .with_hint("Run the statements one by one."));
    }
    let owner = match &create.owner {
        Some(user) => user_named(user, ctx)?.oid,
        None => ctx.session.user,
    };
    let name = match &create.name {
        Some(name) => ctx.fold(name),
        None => ctx
            .catalog()
            .user(owner)
            .map(|u| u.name.clone())
            .unwrap_or_default(),
    };
    check_schema_name(&name)?;
    if ctx
        .catalog()
        .schema_named(ctx.session.database, &name)
        .is_some()
    {
        return if create.if_not_exists {
            Ok(nothing(
                format!("Schema \"{name}\" already exists and will be skipped"),
                tag,
            ))
        } else {
            Err(schema_exists(&name))
        };
    }
    let quota_bytes = quota(create.quota.flatten())?;
    let mut access = vec![Access::Database(ctx.session.database, 'C')];
    if owner != ctx.session.user {
        access.push(Access::Superuser);
    }
    let plan = DdlPlan::CreateSchema {
        schema: Schema {
            oid: Oid(0),
            database: ctx.session.database,
            name,
            owner,
            quota_bytes,
            acl: Acl::default(),
        },
        if_not_exists: create.if_not_exists,
    };
    Ok(planned(plan, access, vec![], tag))
}

fn quota(bytes: Option<u64>) -> Result<Option<u64>> {
    match bytes {
        Some(bytes) if bytes < MB => Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "schema quota must be at least 1 MB",
        )),
        other => Ok(other),
    }
}

fn check_schema_name(name: &str) -> Result<()> {
    refuse_system_schema(name).map_err(|_| schema_exists(name))?;
    if name.starts_with("pg_") {
        return Err(SqlError::new(
            SqlState("42939"),
            format!("unacceptable schema name \"{name}\""),
        )
        .with_detail("The prefix \"pg_\" is reserved for system schemas."));
    }
    Ok(())
}

fn schema_exists(name: &str) -> SqlError {
    SqlError::new(
        SqlState::DUPLICATE_SCHEMA,
        format!("Schema \"{name}\" already exists"),
    )
}

pub(super) fn alter_schema(
    name: &Ident,
    action: &AlterSchema,
    ctx: &PlanContext,
) -> Result<Planned> {
    let name = ctx.fold(name);
    refuse_system_schema(&name)?;
    let mut schema = (*ctx.schema(ctx.session.database, &name)?).clone();
    let mut access = vec![Access::OwnSchema(schema.oid)];
    match action {
        AlterSchema::Rename(to) => {
            let to = ctx.fold(to);
            check_schema_name(&to)?;
            if ctx
                .catalog()
                .schema_named(ctx.session.database, &to)
                .is_some()
            {
                return Err(schema_exists(&to));
            }
            schema.name = to;
        }
        AlterSchema::Owner(user) => {
            access.push(Access::Superuser);
            schema.owner = user_named(user, ctx)?.oid;
        }
        AlterSchema::Quota(bytes) => {
            access.push(Access::Superuser);
            schema.quota_bytes = quota(*bytes)?;
        }
    }
    Ok(planned(
        DdlPlan::AlterSchema(schema),
        access,
        vec![],
        "ALTER SCHEMA",
    ))
}

pub(super) fn create_database(options: &DatabaseOptions, ctx: &PlanContext) -> Result<Planned> {
    let name = ctx.fold(&options.name);
    let reserved = ["template0", "template1", "padb_harvest", "sys:internal"];
    if reserved.contains(&name.as_str()) || ctx.catalog().database_named(&name).is_some() {
        return Err(database_exists(&name));
    }
    let mut access = vec![Access::CreateDb];
    let owner = match &options.owner {
        Some(user) => user_named(user, ctx)?.oid,
        None => ctx.session.user,
    };
    if owner != ctx.session.user {
        access.push(Access::Superuser);
    }
    let database = Database {
        oid: Oid(0),
        name,
        owner,
        isolation: match options.snapshot_isolation {
            Some(false) => Isolation::Serializable,
            _ => Isolation::Snapshot,
        },
        connection_limit: options.connection_limit.flatten(),
        read_only: false,
        case_sensitive: options.case_sensitive.unwrap_or(true),
    };
    Ok(planned(
        DdlPlan::CreateDatabase {
            database,
            isolation_given: options.snapshot_isolation.is_some(),
        },
        access,
        vec![],
        "CREATE DATABASE",
    ))
}

fn database_exists(name: &str) -> SqlError {
    SqlError::new(
        SqlState::DUPLICATE_DATABASE,
        format!("database \"{name}\" already exists"),
    )
}

pub(super) fn alter_database(
    name: &Ident,
    action: &AlterDatabase,
    ctx: &PlanContext,
) -> Result<Planned> {
    let mut database = (*ctx.database(&ctx.fold(name))?).clone();
    let mut access = vec![Access::OwnDatabase(database.oid)];
    match action {
        AlterDatabase::Rename(to) => {
            if database.oid == ctx.session.database {
                return Err(SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "current database may not be renamed",
                ));
            }
            let to = ctx.fold(to);
            if ctx.catalog().database_named(&to).is_some() {
                return Err(database_exists(&to));
            }
            database.name = to;
        }
        AlterDatabase::Owner(user) => {
            access.push(Access::Superuser);
            database.owner = user_named(user, ctx)?.oid;
        }
        AlterDatabase::ConnectionLimit(limit) => database.connection_limit = *limit,
        AlterDatabase::Collate(case_sensitive) => {
            let has_objects = ctx
                .catalog()
                .schemas(database.oid)
                .any(|s| ctx.catalog().relations_in(s.oid).next().is_some());
            if has_objects {
                return Err(SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "the collation of a database with tables or views cannot be changed",
                ));
            }
            database.case_sensitive = *case_sensitive;
        }
        AlterDatabase::Isolation(snapshot) => {
            database.isolation = if *snapshot {
                Isolation::Snapshot
            } else {
                Isolation::Serializable
            };
        }
    }
    Ok(planned(
        DdlPlan::AlterDatabase(database),
        access,
        vec![],
        "ALTER DATABASE",
    ))
}
