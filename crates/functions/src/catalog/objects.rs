//! Names, definitions, visibility and comments of objects.

use lw_base::{Oid, Result};
use lw_catalog::{Constraint, ConstraintKind, Relation};
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;

use super::define::{Def, Value, def};
use super::names::{Found, path_schemas, relation_by_name, relation_of, schema_name, system_names};
use super::quote::quote_ident;

/// The functions.
pub static DEFS: &[Def] = &[
    def("pg_get_userbyid", 1, 1, SqlType::Name, |s, args| {
        let oid = args[0].int();
        Ok(match s.catalog.user(Oid(oid as u32)) {
            Some(user) => user.name.as_str().into(),
            None if oid == 1 => "rdsdb".into(),
            None => format!("unknown (OID={oid})").into(),
        })
    }),
    def("pg_table_is_visible", 1, 1, SqlType::Bool, |s, args| {
        Ok(match relation_of(s, &args[0])? {
            Some(found) => visible(s, &found).into(),
            None => Value::Bool(false),
        })
    }),
    // All functions and types are in pg_catalog, which is always on the path.
    def("pg_function_is_visible", 1, 1, SqlType::Bool, |_, _| {
        Ok(true.into())
    }),
    def("pg_type_is_visible", 1, 1, SqlType::Bool, |_, _| {
        Ok(true.into())
    }),
    def("pg_get_expr", 2, 3, SqlType::Text, |_, args| {
        Ok(args[0].clone())
    }),
    def("pg_get_viewdef", 1, 2, SqlType::Text, view_definition),
    def("pg_get_ruledef", 1, 2, SqlType::Text, view_definition),
    def(
        "pg_get_constraintdef",
        1,
        2,
        SqlType::Text,
        constraint_definition,
    ),
    // There are no indexes, triggers or serial sequences to define.
    def("pg_get_indexdef", 1, 3, SqlType::Text, |_, _| {
        Ok(Value::Null)
    }),
    def("pg_get_triggerdef", 1, 2, SqlType::Text, |_, _| {
        Ok(Value::Null)
    }),
    def("pg_get_serial_sequence", 2, 2, SqlType::Text, |_, _| {
        Ok(Value::Null)
    }),
    def("obj_description", 1, 2, SqlType::Text, |s, args| {
        Ok(comment(s, &args[0], 0))
    }),
    def("shobj_description", 2, 2, SqlType::Text, |s, args| {
        Ok(comment(s, &args[0], 0))
    }),
    def("col_description", 2, 2, SqlType::Text, |s, args| {
        Ok(comment(s, &args[0], args[1].int()))
    }),
    def("pg_get_function_result", 1, 1, SqlType::Text, |_, args| {
        Ok(function(&args[0]).map(|f| f.2.to_string()).into())
    }),
    def(
        "pg_get_function_arguments",
        1,
        1,
        SqlType::Text,
        |_, args| Ok(function(&args[0]).map(|f| type_list(&f.1)).into()),
    ),
    def(
        "pg_get_function_identity_arguments",
        1,
        1,
        SqlType::Text,
        |_, args| Ok(function(&args[0]).map(|f| type_list(&f.1)).into()),
    ),
    def("oidvectortypes", 1, 1, SqlType::Text, |_, args| {
        let names = args[0]
            .text()
            .split_whitespace()
            .map(|oid| super::types::format_type(oid.parse().unwrap_or(0), -1));
        Ok(names.collect::<Vec<_>>().join(", ").into())
    }),
    def("__regclass", 1, 1, SqlType::Oid, |s, args| {
        if let Value::Int(oid) = args[0] {
            return Ok(Value::Int(oid));
        }
        if let Ok(oid) = args[0].text().trim().parse::<i64>() {
            return Ok(Value::Int(oid));
        }
        Ok(relation_of(s, &args[0])?
            .map(|f| i64::from(f.oid().0))
            .into())
    }),
    def("to_regclass", 1, 1, SqlType::Oid, |s, args| {
        Ok(relation_by_name(s, args[0].text())
            .map(|f| i64::from(f.oid().0))
            .into())
    }),
    def("__regproc", 1, 1, SqlType::Regproc, |_, args| {
        Ok(match &args[0] {
            Value::Int(_) => function(&args[0])
                .map_or_else(|| args[0].int().to_string(), |f| f.0.clone())
                .into(),
            other => other.clone(),
        })
    }),
    def("__regclass_name", 1, 1, SqlType::Text, |s, args| {
        Ok(match relation_of(s, &args[0])? {
            Some(found) => relation_label(s, &found).into(),
            None => args[0].int().to_string().into(),
        })
    }),
];

/// True if the relation is found by its bare name.
fn visible(session: &SessionInfo, found: &Found) -> bool {
    match found {
        Found::System(oid, _) => system_names()
            .relations
            .iter()
            .any(|r| r.2 == oid.0 && r.0 == "pg_catalog"),
        Found::User(relation) => relation_by_name(session, &quote_ident(&relation.name))
            .is_some_and(|first| first.oid() == relation.oid),
    }
}

/// The relation's name as SQL text, qualified unless it is visible.
fn relation_label(session: &SessionInfo, found: &Found) -> String {
    match found {
        Found::System(oid, _) => system_names()
            .relations
            .iter()
            .find(|r| r.2 == oid.0)
            .map_or_else(String::new, |r| match r.0 {
                "pg_catalog" => r.1.to_string(),
                schema => format!("{schema}.{}", r.1),
            }),
        Found::User(relation) => {
            let name = quote_ident(&relation.name);
            match schema_name(session, relation.schema) {
                Some(schema) if !visible(session, found) => {
                    format!("{}.{name}", quote_ident(&schema))
                }
                _ => name,
            }
        }
    }
}

fn view_definition(session: &SessionInfo, args: &[Value]) -> Result<Value> {
    let Some(Found::User(relation)) = relation_of(session, &args[0])? else {
        return Ok(Value::Null);
    };
    Ok(relation
        .view()
        .map(|view| {
            let query = view.query.trim().trim_end_matches(';');
            if view.late_binding {
                let label = relation_label(session, &Found::User(relation.clone()));
                format!("create view {label} as {query} with no schema binding;")
            } else {
                format!("{query};")
            }
        })
        .into())
}

fn constraint_definition(session: &SessionInfo, args: &[Value]) -> Result<Value> {
    let oid = Oid(args[0].int() as u32);
    let found = session.catalog.relations().find_map(|relation| {
        let table = relation.table()?;
        let constraint = table.constraints.iter().find(|c| c.oid == oid)?;
        Some(constraint_text(session, relation, constraint))
    });
    Ok(found.into())
}

fn constraint_text(session: &SessionInfo, relation: &Relation, constraint: &Constraint) -> String {
    let columns = column_list(relation, &constraint.columns);
    match &constraint.kind {
        ConstraintKind::PrimaryKey => format!("PRIMARY KEY ({columns})"),
        ConstraintKind::Unique => format!("UNIQUE ({columns})"),
        ConstraintKind::ForeignKey { table, columns: to } => match session.catalog.relation(*table)
        {
            Some(target) => format!(
                "FOREIGN KEY ({columns}) REFERENCES {}({})",
                relation_label(session, &Found::User(target.clone())),
                column_list(target, to)
            ),
            None => format!("FOREIGN KEY ({columns})"),
        },
    }
}

fn column_list(relation: &Relation, ids: &[u32]) -> String {
    let names = ids.iter().filter_map(|id| {
        let column = relation.columns.iter().find(|c| c.id == *id)?;
        Some(quote_ident(&column.name))
    });
    names.collect::<Vec<_>>().join(", ")
}

fn comment(session: &SessionInfo, object: &Value, column: i64) -> Value {
    session
        .catalog
        .comment(Oid(object.int() as u32), column as u32)
        .map(|text| text.to_string())
        .into()
}

fn function(oid: &Value) -> Option<&'static (String, Vec<SqlType>, SqlType)> {
    let names = system_names();
    let index = oid.int().checked_sub(i64::from(names.first_function))?;
    names.functions.get(usize::try_from(index).ok()?)
}

fn type_list(types: &[SqlType]) -> String {
    types
        .iter()
        .map(SqlType::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Functions of the search path.
pub static PATH_DEFS: &[Def] = &[
    def("current_schema", 0, 0, SqlType::Name, |s, _| {
        // The temporary schema is searched first but nothing is made in it unasked.
        let first = path_schemas(s).into_iter().find(|p| p.oid != s.temp_schema);
        Ok(first.map(|p| p.name.clone()).into())
    }),
    def("current_schemas", 1, 1, SqlType::NameArray, |s, args| {
        let mut names: Vec<Option<String>> = Vec::new();
        let implicit = args[0] == Value::Bool(true);
        if implicit && s.catalog.schema(s.temp_schema).is_some() {
            names.extend(path_schemas(s).first().map(|p| Some(p.name.clone())));
        }
        if implicit && !s.search_path.iter().any(|p| p == "pg_catalog") {
            names.push(Some("pg_catalog".to_string()));
        }
        let explicit = path_schemas(s)
            .into_iter()
            .filter(|p| p.oid != s.temp_schema);
        names.extend(explicit.map(|p| Some(p.name.clone())));
        Ok(Value::List(names))
    }),
    def("pg_my_temp_schema", 0, 0, SqlType::Oid, |s, _| {
        Ok(match s.catalog.schema(s.temp_schema) {
            Some(schema) => Value::Int(schema.oid.0.into()),
            None => Value::Int(0),
        })
    }),
];
