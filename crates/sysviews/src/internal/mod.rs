//! Relations behind statements and functions (SHOW TABLES, `pg_get_late_binding_view_cols`). They
//! are in no schema a client can list.

use lw_catalog::{ConstraintKind, Relation, SortKey};

use crate::INTERNAL_SCHEMA;
use crate::listing::{all_databases, yes_no};
use crate::prelude::*;
use crate::svv::{dist_style_text, grants};

/// The list.
pub const RELATIONS: &[&SystemRelation] = &[
    &SHOW_COLUMNS,
    &SHOW_DATABASES,
    &SHOW_FOREIGN_KEYS,
    &SHOW_GRANTS,
    &SHOW_PRIMARY_KEYS,
    &SHOW_SCHEMAS,
    &SHOW_TABLES,
    &LATE_BINDING_VIEW_COLUMNS,
    &RELATION_COLUMNS,
];

static SHOW_DATABASES: SystemRelation = SystemRelation::view(
    "show_databases",
    14_001,
    &[
        ("database_name", Varchar(128)),
        ("database_owner", Int4),
        ("database_type", Varchar(32)),
        ("database_acl", Varchar(128)),
        ("parameters", Varchar(128)),
        ("database_isolation_level", Varchar(128)),
    ],
    include_str!("../views/pg_internal/show_databases.sql"),
)
.in_schema(INTERNAL_SCHEMA);

static SHOW_SCHEMAS: SystemRelation = SystemRelation::view(
    "show_schemas",
    14_002,
    &[
        ("database_name", Varchar(128)),
        ("schema_name", Varchar(128)),
        ("schema_owner", Int4),
        ("schema_type", Varchar(128)),
        ("schema_acl", Varchar(128)),
        ("source_database", Varchar(128)),
        ("schema_option", Varchar(128)),
    ],
    include_str!("../views/pg_internal/show_schemas.sql"),
)
.in_schema(INTERNAL_SCHEMA);

static SHOW_TABLES: SystemRelation =
    SystemRelation::primitive("show_tables", 14_003, TABLES, tables).in_schema(INTERNAL_SCHEMA);
const TABLES: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("table_name", Varchar(128)),
    ("table_type", Varchar(128)),
    ("table_acl", Varchar(128)),
    ("remarks", Varchar(256)),
    ("owner", Varchar(128)),
    ("last_altered_time", Timestamp),
    ("last_modified_time", Timestamp),
    ("dist_style", Varchar(128)),
    ("table_subtype", Varchar(128)),
];

fn tables(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(TABLES);
    let catalog = &ctx.session.catalog;
    for r in all_databases(ctx) {
        let Some(relation) = &r.relation else {
            continue;
        };
        let data = catalog.table_data(relation.oid);
        let dist = relation
            .table()
            .map(|t| dist_style_text(relation, t, &data).replace("AUTO(", "AUTO ("));
        let subtype = match relation.view() {
            Some(view) if view.late_binding => "LATE BINDING VIEW",
            Some(_) => "REGULAR VIEW",
            None => "REGULAR TABLE",
        };
        rows.push(row![
            &r.database,
            &r.schema,
            &r.name,
            if r.view { "VIEW" } else { "TABLE" },
            r.acl.as_ref(),
            r.remarks.as_ref(),
            user_name(catalog, relation.owner),
            Cell::Null,
            Cell::Null,
            dist,
            subtype,
        ]);
    }
    rows.finish()
}

static SHOW_COLUMNS: SystemRelation =
    SystemRelation::primitive("show_columns", 14_004, COLUMNS, columns).in_schema(INTERNAL_SCHEMA);
const COLUMNS: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("table_name", Varchar(128)),
    ("column_name", Varchar(128)),
    ("ordinal_position", Int4),
    ("column_default", Varchar(4000)),
    ("is_nullable", Varchar(3)),
    ("data_type", Varchar(128)),
    ("character_maximum_length", Int4),
    ("numeric_precision", Int4),
    ("numeric_scale", Int4),
    ("remarks", Varchar(256)),
    ("sort_key_type", Varchar(128)),
    ("sort_key", Int4),
    ("dist_key", Int4),
    ("encoding", Varchar(128)),
    ("collation", Varchar(128)),
];

fn columns(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for r in all_databases(ctx) {
        let sort = r.relation.as_ref().and_then(|r| r.table()).map(|t| &t.sort);
        let sort_type = match sort {
            Some(SortKey::Compound(_)) => Some("COMPOUND"),
            Some(SortKey::Interleaved(_)) => Some("INTERLEAVED"),
            Some(SortKey::Auto) => Some("AUTO"),
            _ => None,
        };
        for c in &r.columns {
            let numeric = c.numeric();
            rows.push(row![
                &r.database,
                &r.schema,
                &r.name,
                &c.name,
                c.ordinal,
                c.default.as_ref(),
                yes_no(!c.not_null),
                c.type_name(),
                c.character_length(),
                numeric.map(|n| n.0),
                numeric.and_then(|n| n.2),
                c.remarks.as_ref(),
                sort_type.filter(|_| c.sort_key != 0),
                (c.sort_key != 0).then_some(c.sort_key.abs()),
                c.dist_key.then_some(1),
                &c.encoding,
                if c.case_insensitive {
                    "case_insensitive"
                } else {
                    "default"
                },
            ]);
        }
    }
    rows.finish()
}

static SHOW_PRIMARY_KEYS: SystemRelation =
    SystemRelation::primitive("show_primary_keys", 14_005, PRIMARY, primary)
        .in_schema(INTERNAL_SCHEMA);
const PRIMARY: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("table_name", Varchar(128)),
    ("pk_name", Varchar(128)),
    ("column_name", Varchar(128)),
    ("key_seq", Int4),
];

fn column_name(relation: &Relation, id: u32) -> Option<&str> {
    relation
        .columns
        .iter()
        .find(|c| c.id == id)
        .map(|c| c.name.as_str())
}

fn primary(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(PRIMARY);
    for r in all_databases(ctx) {
        let Some(relation) = &r.relation else {
            continue;
        };
        for key in relation.table().iter().flat_map(|t| &t.constraints) {
            if key.kind != ConstraintKind::PrimaryKey {
                continue;
            }
            for (i, id) in key.columns.iter().enumerate() {
                rows.push(row![
                    &r.database,
                    &r.schema,
                    &r.name,
                    &key.name,
                    column_name(relation, *id),
                    i + 1,
                ]);
            }
        }
    }
    rows.finish()
}

static SHOW_FOREIGN_KEYS: SystemRelation =
    SystemRelation::primitive("show_foreign_keys", 14_006, FOREIGN, foreign)
        .in_schema(INTERNAL_SCHEMA);
const FOREIGN: Columns = &[
    ("pk_database_name", Varchar(128)),
    ("pk_schema_name", Varchar(128)),
    ("pk_table_name", Varchar(128)),
    ("pk_column_name", Varchar(128)),
    ("fk_database_name", Varchar(128)),
    ("fk_schema_name", Varchar(128)),
    ("fk_table_name", Varchar(128)),
    ("fk_column_name", Varchar(128)),
    ("key_seq", Int4),
    ("fk_name", Varchar(128)),
    ("pk_name", Varchar(128)),
    ("update_rule", Int2),
    ("delete_rule", Int2),
    ("deferrability", Int2),
];

/// NO ACTION, as JDBC numbers rules.
const NO_ACTION: i16 = 3;
/// NOT DEFERRABLE, as JDBC numbers deferrability.
const NOT_DEFERRABLE: i16 = 7;

fn foreign(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(FOREIGN);
    let catalog = &ctx.session.catalog;
    for r in all_databases(ctx) {
        let Some(relation) = &r.relation else {
            continue;
        };
        for key in relation.table().iter().flat_map(|t| &t.constraints) {
            let ConstraintKind::ForeignKey { table, columns } = &key.kind else {
                continue;
            };
            let Some(target) = catalog.relation(*table) else {
                continue;
            };
            let target_key = target.table().and_then(|t| {
                t.constraints.iter().find(|c| {
                    c.columns == *columns && !matches!(c.kind, ConstraintKind::ForeignKey { .. })
                })
            });
            for (i, (from, to)) in key.columns.iter().zip(columns).enumerate() {
                rows.push(row![
                    &r.database,
                    catalog.schema(target.schema).map(|s| s.name.as_str()),
                    &target.name,
                    column_name(target, *to),
                    &r.database,
                    &r.schema,
                    &r.name,
                    column_name(relation, *from),
                    i + 1,
                    &key.name,
                    target_key.map(|k| k.name.as_str()),
                    NO_ACTION,
                    NO_ACTION,
                    NOT_DEFERRABLE,
                ]);
            }
        }
    }
    rows.finish()
}

static SHOW_GRANTS: SystemRelation =
    SystemRelation::primitive("show_grants", 14_007, GRANTS, show_grants)
        .in_schema(INTERNAL_SCHEMA);
const GRANTS: Columns = &[
    ("database_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("object_name", Varchar(128)),
    ("object_type", Varchar(16)),
    ("privilege_type", Varchar(16)),
    ("identity_id", Int4),
    ("identity_name", Varchar(128)),
    ("identity_type", Varchar(16)),
    ("admin_option", Bool),
    ("privilege_scope", Varchar(16)),
    ("grantor_name", Varchar(128)),
];

/// Grants on schemas and relations of all databases; those of a schema have the schema as object.
fn show_grants(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(GRANTS);
    let catalog = &ctx.session.catalog;
    let me = ctx.session.user;
    let sees = |identity: Oid| {
        catalog.is_superuser(me) || identity == me || catalog.groups_of(me).contains(&identity)
    };
    for database in catalog.databases() {
        for schema in catalog.schemas(database.oid) {
            for (privilege, id, name, kind) in grants(ctx, &schema.acl, schema.owner) {
                if sees(id) || schema.owner == me {
                    rows.push(row![
                        &database.name,
                        &schema.name,
                        &schema.name,
                        "SCHEMA",
                        privilege,
                        id,
                        name,
                        kind,
                        false,
                        "SCHEMA",
                        user_name(catalog, schema.owner),
                    ]);
                }
            }
        }
    }
    for r in all_databases(ctx) {
        let Some(relation) = &r.relation else {
            continue;
        };
        for (privilege, id, name, kind) in grants(ctx, &relation.acl, relation.owner) {
            if sees(id) || relation.owner == me {
                rows.push(row![
                    &r.database,
                    &r.schema,
                    &r.name,
                    if r.view { "VIEW" } else { "TABLE" },
                    privilege,
                    id,
                    name,
                    kind,
                    false,
                    "TABLE",
                    user_name(catalog, relation.owner),
                ]);
            }
        }
    }
    rows.finish()
}

static LATE_BINDING_VIEW_COLUMNS: SystemRelation =
    SystemRelation::primitive("pg_get_late_binding_view_cols", 14_010, COLS, late_binding)
        .in_schema(INTERNAL_SCHEMA);
static RELATION_COLUMNS: SystemRelation =
    SystemRelation::primitive("pg_get_cols", 14_011, COLS, relation_columns)
        .in_schema(INTERNAL_SCHEMA);
const COLS: Columns = &[
    ("view_schema", Name),
    ("view_name", Name),
    ("col_name", Name),
    ("col_type", Varchar(256)),
    ("col_num", Int4),
];

fn late_binding(ctx: &SystemContext) -> Result<RecordBatch> {
    cols(ctx, |r| r.view().is_some_and(|v| v.late_binding))
}

fn relation_columns(ctx: &SystemContext) -> Result<RecordBatch> {
    cols(ctx, |_| true)
}

fn cols(ctx: &SystemContext, wanted: fn(&Relation) -> bool) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLS);
    for (schema, relation) in user_relations(ctx) {
        if wanted(&relation) {
            for c in &relation.columns {
                rows.push(row![
                    &schema.name,
                    &relation.name,
                    &c.name,
                    c.sql_type.to_string(),
                    c.id,
                ]);
            }
        }
    }
    rows.finish()
}
