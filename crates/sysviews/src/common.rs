//! What several primitives compute the same way.

use std::sync::Arc;

use lw_base::Oid;
use lw_catalog::{Acl, CatalogSnapshot, Column, DistStyle, Relation, Schema, TableData, User};

use crate::context::SystemContext;

/// The user that owns the system's own objects (`rdsdb` of Redshift).
pub const BOOTSTRAP_USER: Oid = Oid(1);
/// Its name.
pub const BOOTSTRAP_USER_NAME: &str = "rdsdb";

/// Bytes of a block: system views count storage in blocks of 1 MB.
pub const BLOCK_BYTES: u64 = 1 << 20;

/// The name of a user.
pub fn user_name(catalog: &CatalogSnapshot, oid: Oid) -> String {
    if oid == BOOTSTRAP_USER {
        return BOOTSTRAP_USER_NAME.to_string();
    }
    catalog
        .user(oid)
        .map_or_else(|| format!("unknown (OID={oid})"), |u| u.name.clone())
}

/// The name of a database.
pub fn database_name(catalog: &CatalogSnapshot, oid: Oid) -> String {
    catalog
        .database(oid)
        .map_or_else(String::new, |d| d.name.clone())
}

/// Schemas of the session's database, without the system's.
pub fn user_schemas(ctx: &SystemContext) -> Vec<Arc<Schema>> {
    ctx.session
        .catalog
        .schemas(ctx.session.database)
        .filter(|s| !is_system_schema(&s.name))
        .cloned()
        .collect()
}

/// Relations of users in the session's database, each with its schema.
pub fn user_relations(ctx: &SystemContext) -> Vec<(Arc<Schema>, Arc<Relation>)> {
    let catalog = &ctx.session.catalog;
    let schemas: std::collections::HashMap<Oid, Arc<Schema>> =
        user_schemas(ctx).into_iter().map(|s| (s.oid, s)).collect();
    catalog
        .relations()
        .filter_map(|r| Some((schemas.get(&r.schema)?.clone(), r.clone())))
        .collect()
}

/// Privileges as `aclitem[]` shows them, or `None` where only the owner has any.
/// `owner_letters` are what the owner has of itself.
pub fn acl_items(
    catalog: &CatalogSnapshot,
    acl: &Acl,
    owner: Oid,
    owner_letters: &str,
) -> Option<Vec<String>> {
    if acl.0.is_empty() {
        return None;
    }
    let owner_name = user_name(catalog, owner);
    let mut items = Vec::new();
    if !acl.0.contains_key(&owner) {
        items.push(format!("{owner_name}={owner_letters}/{owner_name}"));
    }
    for (grantee, letters) in &acl.0 {
        let who = if *grantee == Oid(0) {
            String::new()
        } else if let Some(group) = catalog.groups().find(|g| g.oid == *grantee) {
            format!("group {}", group.name)
        } else {
            user_name(catalog, *grantee)
        };
        items.push(format!("{who}={letters}/{owner_name}"));
    }
    Some(items)
}

/// The declared distribution style: the code of `pg_class.reldiststyle`.
pub fn dist_code(dist: &DistStyle) -> i16 {
    match dist {
        DistStyle::Even => 0,
        DistStyle::Key(_) => 1,
        DistStyle::All => 8,
        DistStyle::Auto => 9,
    }
}

/// The distribution style in force: the code of `pg_class_info.releffectivediststyle`.
pub fn effective_dist_code(dist: &DistStyle, data: &TableData) -> i16 {
    match dist {
        DistStyle::Auto if auto_is_all(data) => 10,
        DistStyle::Auto => 11,
        declared => dist_code(declared),
    }
}

/// AUTO keeps a small table whole on every node, and spreads it once it has grown.
pub fn auto_is_all(data: &TableData) -> bool {
    data.bytes() < 64 * BLOCK_BYTES
}

/// What `pg_attrdef` and `svv_columns` show as a column's default: the DEFAULT, or the call that
/// Redshift shows for an IDENTITY column.
pub fn column_default(relation: &Relation, column: &Column) -> Option<String> {
    if let Some(identity) = &column.identity {
        let function = if identity.by_default {
            "default_identity"
        } else {
            "identity"
        };
        return Some(format!(
            "\"{function}\"({}, {}, '{},{}'::text)",
            relation.oid,
            column.id - 1,
            identity.seed,
            identity.step
        ));
    }
    column.default.clone()
}

/// `useconfig`: settings of ALTER USER ... SET.
pub fn user_config(user: &User) -> Option<Vec<String>> {
    (!user.settings.is_empty()).then(|| {
        user.settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    })
}

/// `useconnlimit`: a number or UNLIMITED.
pub fn connection_limit(user: &User) -> String {
    user.connection_limit
        .map_or_else(|| "UNLIMITED".to_string(), |n| n.to_string())
}

/// `syslogaccess`: RESTRICTED or UNRESTRICTED.
pub fn syslog_access(user: &User) -> &'static str {
    if user.superuser || user.syslog_unrestricted {
        "UNRESTRICTED"
    } else {
        "RESTRICTED"
    }
}

/// An encoding as system views show it: `none` for RAW.
pub fn shown_encoding(encoding: &str) -> &str {
    match encoding {
        "raw" | "" => "none",
        other => other,
    }
}

/// The schemas of users that `search_path` reaches, in order; the session's own temporary schema
/// first.
pub fn search_path_schemas(ctx: &SystemContext) -> Vec<Oid> {
    let session = &ctx.session;
    let user = session.catalog.user(session.user).map(|u| u.name.as_str());
    let named = session.search_path.iter().filter_map(|name| {
        let name = if name == "$user" {
            user?
        } else {
            name.as_str()
        };
        session
            .catalog
            .schema_named(session.database, name)
            .map(|s| s.oid)
    });
    std::iter::once(session.temp_schema).chain(named).collect()
}

/// True if the session's user sees the rows of this user in the logs.
pub fn sees_rows_of(ctx: &SystemContext, user: Oid) -> bool {
    user == ctx.session.user || ctx.session.catalog.sees_all_logs(ctx.session.user)
}

/// True for a schema that holds the system's own relations.
pub fn is_system_schema(name: &str) -> bool {
    name == crate::INTERNAL_SCHEMA || crate::SCHEMAS.iter().any(|(system, _)| *system == name)
}
