//! Relations and columns as `svv_` and `information_schema` list them: the system's own and the
//! users', filtered by what the session's user may see.

use std::sync::Arc;

use lw_catalog::{Database, DistStyle, Relation, Schema};

use crate::pg_catalog::sort_key_position;
use crate::prelude::*;

/// A relation in a list.
pub struct Listed {
    /// Its database.
    pub database: String,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// True for a view.
    pub view: bool,
    /// The comment on it.
    pub remarks: Option<String>,
    /// Its privileges as text.
    pub acl: Option<String>,
    /// The object, if it is a user's.
    pub relation: Option<Arc<Relation>>,
    /// Its columns.
    pub columns: Vec<ListedColumn>,
}

/// A column in a list.
pub struct ListedColumn {
    /// Its name.
    pub name: String,
    /// Its number.
    pub ordinal: u32,
    /// Its type.
    pub sql_type: SqlType,
    /// NOT NULL.
    pub not_null: bool,
    /// Its default.
    pub default: Option<String>,
    /// The comment on it.
    pub remarks: Option<String>,
    /// Its encoding.
    pub encoding: String,
    /// True for the distribution key.
    pub dist_key: bool,
    /// Its place in the sort key.
    pub sort_key: i32,
    /// True for COLLATE CASE_INSENSITIVE.
    pub case_insensitive: bool,
}

/// `YES` or `NO` of the information schema.
pub fn yes_no(value: bool) -> &'static str {
    if value { "YES" } else { "NO" }
}

impl ListedColumn {
    /// The type's name without length or precision.
    pub fn type_name(&self) -> String {
        base_type_name(self.sql_type)
    }

    /// Characters (bytes) of a string type.
    pub fn character_length(&self) -> Option<u32> {
        match self.sql_type {
            Char(n) | Varchar(n) => Some(n),
            _ => None,
        }
    }

    /// Precision, radix and scale of a number.
    pub fn numeric(&self) -> Option<(i32, i32, Option<i32>)> {
        match self.sql_type {
            Int2 => Some((16, 2, Some(0))),
            Int4 => Some((32, 2, Some(0))),
            Int8 => Some((64, 2, Some(0))),
            Float4 => Some((24, 2, None)),
            Float8 => Some((53, 2, None)),
            Numeric(p, s) => Some((p.into(), 10, Some(s.into()))),
            _ => None,
        }
    }

    /// Digits of a fraction of a second.
    pub fn datetime_precision(&self) -> Option<i32> {
        match self.sql_type {
            Time | TimeTz | Timestamp | TimestampTz => Some(6),
            Date => Some(0),
            _ => None,
        }
    }
}

/// A type's name without its parameters: `character varying`.
pub fn base_type_name(sql_type: SqlType) -> String {
    match sql_type {
        Int2Array | Int4Array | OidArray | TextArray | NameArray | AclItemArray => "ARRAY".into(),
        other => {
            let name = other.to_string();
            name.split('(').next().unwrap_or_default().to_string()
        }
    }
}

/// The users' relations of one database the session's user may see.
pub fn user_relations_of(
    ctx: &SystemContext,
    database: &Database,
) -> Vec<(Arc<Schema>, Arc<Relation>)> {
    let catalog = &ctx.session.catalog;
    let mut found = Vec::new();
    for schema in catalog.schemas(database.oid) {
        for relation in catalog.relations_in(schema.oid) {
            if catalog.sees_relation(ctx.session.user, relation) {
                found.push((schema.clone(), relation.clone()));
            }
        }
    }
    found
}

/// A user's relation, as it is listed.
pub fn listed(
    ctx: &SystemContext,
    database: &str,
    schema: &Schema,
    relation: &Arc<Relation>,
) -> Listed {
    let catalog = &ctx.session.catalog;
    let table = relation.table();
    let remark = |column| catalog.comment(relation.oid, column).map(|c| c.to_string());
    Listed {
        database: database.to_string(),
        schema: schema.name.clone(),
        name: relation.name.clone(),
        view: relation.view().is_some(),
        remarks: remark(0),
        acl: acl_items(catalog, &relation.acl, relation.owner, "arwdRxt")
            .map(|items| items.join("|")),
        relation: Some(relation.clone()),
        columns: relation
            .columns
            .iter()
            .map(|column| ListedColumn {
                name: column.name.clone(),
                ordinal: column.id,
                sql_type: column.sql_type,
                not_null: column.not_null,
                default: column_default(relation, column),
                remarks: remark(column.id),
                encoding: shown_encoding(&column.encoding).to_string(),
                dist_key: table.is_some_and(|t| t.dist == DistStyle::Key(column.id)),
                sort_key: table.map_or(0, |t| sort_key_position(&t.sort, column.id)),
                case_insensitive: column.case_insensitive,
            })
            .collect(),
    }
}

/// All relations of the session's database the user may see, the system's first.
pub fn current_database(ctx: &SystemContext) -> Vec<Listed> {
    let catalog = &ctx.session.catalog;
    let name = database_name(catalog, ctx.session.database);
    let mut all: Vec<Listed> = crate::published()
        .map(|r| Listed {
            database: name.clone(),
            schema: r.schema.to_string(),
            name: r.name.to_string(),
            view: r.relkind() == "v",
            remarks: None,
            acl: None,
            relation: None,
            columns: r
                .visible_columns()
                .iter()
                .enumerate()
                .map(|(i, (name, sql_type))| ListedColumn {
                    name: name.to_string(),
                    ordinal: i as u32 + 1,
                    sql_type: *sql_type,
                    not_null: false,
                    default: None,
                    remarks: None,
                    encoding: "none".to_string(),
                    dist_key: false,
                    sort_key: 0,
                    case_insensitive: false,
                })
                .collect(),
        })
        .collect();
    if let Some(database) = catalog.database(ctx.session.database) {
        for (schema, relation) in user_relations_of(ctx, database) {
            all.push(listed(ctx, &name, &schema, &relation));
        }
    }
    all
}

/// The users' relations of all databases the user may see.
pub fn all_databases(ctx: &SystemContext) -> Vec<Listed> {
    let mut all = Vec::new();
    for database in ctx.session.catalog.databases() {
        for (schema, relation) in user_relations_of(ctx, database) {
            all.push(listed(ctx, &database.name, &schema, &relation));
        }
    }
    all
}
