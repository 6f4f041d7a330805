//! `svv_relation_privileges`, `svv_schema_privileges`: what was granted to whom. As in Redshift
//! the owner's own privileges are not listed.

use lw_catalog::Acl;

use crate::listing::user_relations_of;
use crate::prelude::*;

pub static SVV_RELATION_PRIVILEGES: SystemRelation =
    SystemRelation::primitive("svv_relation_privileges", 10_140, RELATION, relation);
const RELATION: Columns = &[
    ("namespace_name", Text),
    ("relation_name", Text),
    ("privilege_type", Text),
    ("identity_id", Int4),
    ("identity_name", Text),
    ("identity_type", Text),
    ("admin_option", Bool),
    ("privilege_scope", Text),
];

fn relation(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(RELATION);
    if let Some(database) = ctx.session.catalog.database(ctx.session.database) {
        for (schema, relation) in user_relations_of(ctx, database) {
            for (privilege, id, name, kind) in grants(ctx, &relation.acl, relation.owner) {
                rows.push(row![
                    &schema.name,
                    &relation.name,
                    privilege,
                    id,
                    name,
                    kind,
                    false,
                    "OBJECT",
                ]);
            }
        }
    }
    rows.finish()
}

pub static SVV_SCHEMA_PRIVILEGES: SystemRelation =
    SystemRelation::primitive("svv_schema_privileges", 10_141, SCHEMA, schema);
const SCHEMA: Columns = &[
    ("namespace_name", Text),
    ("privilege_type", Text),
    ("identity_id", Int4),
    ("identity_name", Text),
    ("identity_type", Text),
    ("admin_option", Bool),
    ("privilege_scope", Text),
];

fn schema(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SCHEMA);
    for schema in user_schemas(ctx) {
        if !"UC"
            .chars()
            .any(|p| ctx.session.catalog.may_schema(ctx.session.user, &schema, p))
        {
            continue;
        }
        for (privilege, id, name, kind) in grants(ctx, &schema.acl, schema.owner) {
            rows.push(row![
                &schema.name,
                privilege,
                id,
                name,
                kind,
                false,
                "SCHEMA",
            ]);
        }
    }
    rows.finish()
}

/// Privilege, identity's id, name and kind of each grant.
pub fn grants(
    ctx: &SystemContext,
    acl: &Acl,
    owner: Oid,
) -> Vec<(&'static str, Oid, String, &'static str)> {
    let catalog = &ctx.session.catalog;
    let mut found = Vec::new();
    for (grantee, letters) in &acl.0 {
        if *grantee == owner {
            continue;
        }
        let (name, kind) = if *grantee == Oid(0) {
            ("public".to_string(), "public")
        } else if let Some(group) = catalog.groups().find(|g| g.oid == *grantee) {
            (group.name.clone(), "group")
        } else {
            (user_name(catalog, *grantee), "user")
        };
        for privilege in letters.chars().filter_map(privilege_name) {
            found.push((privilege, *grantee, name.clone(), kind));
        }
    }
    found
}

fn privilege_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        'r' => "SELECT",
        'a' => "INSERT",
        'w' => "UPDATE",
        'd' => "DELETE",
        'R' => "RULE",
        'x' => "REFERENCES",
        't' => "TRIGGER",
        'D' => "DROP",
        'P' => "TRUNCATE",
        'A' => "ALTER",
        'U' => "USAGE",
        'C' => "CREATE",
        _ => return None,
    })
}
