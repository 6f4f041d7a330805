//! `information_schema.tables`, `views`, `schemata`, `table_privileges`, `routines` and the name
//! of the catalog.

use super::*;

pub static TABLES: SystemRelation =
    SystemRelation::primitive("tables", 13_002, TABLES_LIST, tables)
        .in_schema("information_schema");
const TABLES_LIST: Columns = &[
    ("table_catalog", Varchar(128)),
    ("table_schema", Varchar(128)),
    ("table_name", Varchar(128)),
    ("table_type", Varchar(128)),
    ("self_referencing_column_name", Varchar(128)),
    ("reference_generation", Varchar(128)),
    ("user_defined_type_catalog", Varchar(128)),
    ("user_defined_type_schema", Varchar(128)),
    ("user_defined_type_name", Varchar(128)),
];

fn table_type(r: &Listed) -> &'static str {
    let temporary = r
        .relation
        .as_ref()
        .and_then(|r| r.table())
        .is_some_and(|t| t.temporary);
    match (r.view, temporary) {
        (true, _) => "VIEW",
        (false, true) => "LOCAL TEMPORARY",
        (false, false) => "BASE TABLE",
    }
}

fn tables(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(TABLES_LIST);
    for r in current_database(ctx) {
        let kind = table_type(&r);
        rows.push(row![
            r.database,
            r.schema,
            r.name,
            kind,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
        ]);
    }
    rows.finish()
}

pub static VIEWS: SystemRelation =
    SystemRelation::primitive("views", 13_003, VIEWS_LIST, views).in_schema("information_schema");
const VIEWS_LIST: Columns = &[
    ("table_catalog", Varchar(128)),
    ("table_schema", Varchar(128)),
    ("table_name", Varchar(128)),
    ("view_definition", Text),
    ("check_option", Varchar(128)),
    ("is_updatable", Varchar(3)),
    ("is_insertable_into", Varchar(3)),
];

fn views(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(VIEWS_LIST);
    for r in current_database(ctx).into_iter().filter(|r| r.view) {
        // The definition is shown to the view's owner alone, as the standard has it.
        let definition = r.relation.as_ref().and_then(|relation| {
            let session = &ctx.session;
            let allowed =
                relation.owner == session.user || session.catalog.is_superuser(session.user);
            relation.view().filter(|_| allowed).map(|v| v.query.clone())
        });
        rows.push(row![
            r.database, r.schema, r.name, definition, "NONE", "NO", "NO",
        ]);
    }
    rows.finish()
}

pub static SCHEMATA: SystemRelation =
    SystemRelation::primitive("schemata", 13_004, SCHEMATA_LIST, schemata)
        .in_schema("information_schema");
const SCHEMATA_LIST: Columns = &[
    ("catalog_name", Varchar(128)),
    ("schema_name", Varchar(128)),
    ("schema_owner", Varchar(128)),
    ("default_character_set_catalog", Varchar(128)),
    ("default_character_set_schema", Varchar(128)),
    ("default_character_set_name", Varchar(128)),
    ("sql_path", Varchar(128)),
];

fn schemata(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SCHEMATA_LIST);
    let catalog = &ctx.session.catalog;
    let database = database_name(catalog, ctx.session.database);
    let mut push = |name: &str, owner: Oid| {
        rows.push(row![
            &database,
            name,
            user_name(catalog, owner),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
        ]);
    };
    for (name, _) in crate::SCHEMAS {
        push(name, BOOTSTRAP_USER);
    }
    for schema in user_schemas(ctx) {
        push(&schema.name, schema.owner);
    }
    rows.finish()
}

pub static TABLE_PRIVILEGES: SystemRelation =
    SystemRelation::primitive("table_privileges", 13_005, PRIVILEGES_LIST, privileges)
        .in_schema("information_schema");
const PRIVILEGES_LIST: Columns = &[
    ("grantor", Varchar(128)),
    ("grantee", Varchar(128)),
    ("table_catalog", Varchar(128)),
    ("table_schema", Varchar(128)),
    ("table_name", Varchar(128)),
    ("privilege_type", Varchar(128)),
    ("is_grantable", Varchar(3)),
    ("with_hierarchy", Varchar(3)),
];

fn privileges(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(PRIVILEGES_LIST);
    let catalog = &ctx.session.catalog;
    for r in current_database(ctx) {
        let Some(relation) = &r.relation else {
            continue;
        };
        let owner = user_name(catalog, relation.owner);
        let mut push = |grantee: String, letters: &str, grantable: bool| {
            for (letter, name) in [
                ('r', "SELECT"),
                ('a', "INSERT"),
                ('w', "UPDATE"),
                ('d', "DELETE"),
                ('x', "REFERENCES"),
                ('t', "TRIGGER"),
            ] {
                if letters.contains(letter) {
                    rows.push(row![
                        &owner,
                        &grantee,
                        &r.database,
                        &r.schema,
                        &r.name,
                        name,
                        yes_no(grantable),
                        "NO",
                    ]);
                }
            }
        };
        push(owner.clone(), "rawdxt", true);
        for (grantee, letters) in &relation.acl.0 {
            let who = if *grantee == Oid(0) {
                "PUBLIC".to_string()
            } else if let Some(group) = catalog.groups().find(|g| g.oid == *grantee) {
                group.name.clone()
            } else {
                user_name(catalog, *grantee)
            };
            if *grantee != relation.owner {
                push(who, letters, false);
            }
        }
    }
    rows.finish()
}

pub static CATALOG_NAME: SystemRelation =
    SystemRelation::primitive("information_schema_catalog_name", 13_006, NAME_LIST, name)
        .in_schema("information_schema");
const NAME_LIST: Columns = &[("catalog_name", Varchar(128))];

fn name(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(NAME_LIST);
    rows.push(row![database_name(
        &ctx.session.catalog,
        ctx.session.database
    )]);
    rows.finish()
}

pub static ROUTINES: SystemRelation =
    SystemRelation::primitive("routines", 13_007, ROUTINES_LIST, routines)
        .in_schema("information_schema");
const ROUTINES_LIST: Columns = &[
    ("specific_catalog", Varchar(128)),
    ("specific_schema", Varchar(128)),
    ("specific_name", Varchar(256)),
    ("routine_catalog", Varchar(128)),
    ("routine_schema", Varchar(128)),
    ("routine_name", Varchar(128)),
    ("routine_type", Varchar(128)),
    ("data_type", Varchar(128)),
    ("routine_body", Varchar(128)),
    ("routine_definition", Text),
    ("external_language", Varchar(128)),
];

fn routines(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(ROUTINES_LIST);
    let database = database_name(&ctx.session.catalog, ctx.session.database);
    for (i, function) in ctx.functions.iter().enumerate() {
        rows.push(row![
            &database,
            "pg_catalog",
            format!("{}_{}", function.name, crate::FIRST_FUNCTION as usize + i),
            &database,
            "pg_catalog",
            &function.name,
            "FUNCTION",
            crate::listing::base_type_name(function.returns),
            "EXTERNAL",
            Cell::Null,
            "INTERNAL",
        ]);
    }
    rows.finish()
}
