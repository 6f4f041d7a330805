//! SHOW TABLES and its like: queries over internal relations. SHOW TABLE and SHOW VIEW: the
//! statement that makes the object.

use lw_base::{Result, SqlError, SqlState};
use lw_catalog::{ConstraintKind, DistStyle, Relation, SortKey, TableDef};
use lw_sql_syntax::Statement;
use lw_sql_syntax::ast::{LikePattern, NamePart, ObjectKind, ShowKind, ShowObjects};

use crate::context::PlanContext;
use crate::plan::*;
use crate::query::plan_query;

/// Plans a statement of the family; `None` if it is of another.
pub(crate) fn plan(statement: &Statement, ctx: &PlanContext) -> Result<Option<Planned>> {
    match statement {
        Statement::ShowObjects(show) => objects(show, ctx).map(Some),
        Statement::ShowDefinition { kind, name } => {
            let relation = ctx.relation(name)?;
            let sees = ctx.catalog().sees_relation(ctx.session.user, &relation);
            if !sees {
                return Err(SqlError::new(
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    format!("permission denied for relation {}", relation.name),
                ));
            }
            let (title, text) = match (kind, relation.table(), relation.view()) {
                (ObjectKind::Table, Some(table), _) => (
                    "Show Table DDL statement",
                    table_text(&relation, table, ctx),
                ),
                (ObjectKind::View, _, Some(view)) => {
                    ("Show View DDL statement", view_text(&relation, view, ctx))
                }
                _ => {
                    return Err(SqlError::new(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!("\"{}\" is not a {kind}", relation.name),
                    ));
                }
            };
            let sql = format!("select {}::varchar(65535) as \"{title}\"", literal(&text));
            let mut planned = query(&sql, ctx)?;
            // The title keeps its case, whatever the session does with names.
            if let Some(column) = planned.columns.as_mut().and_then(|c| c.first_mut()) {
                column.name = title.to_string();
            }
            Ok(Some(planned))
        }
        _ => Ok(None),
    }
}

/// A string literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn query(sql: &str, ctx: &PlanContext) -> Result<Planned> {
    let planned = plan_query(&*lw_sql_syntax::parse_query(sql)?, ctx)?;
    Ok(Planned {
        plan: Plan::Show(QueryPlan {
            logical: planned.logical,
        }),
        params: planned.params,
        columns: Some(planned.columns),
        // What a user may not see, the relations leave out.
        access: vec![],
        reads: vec![],
        writes: vec![],
        tag: "SHOW",
    })
}

/// The relation, its filter columns from the outermost, the column LIKE is on, the order.
struct Listing {
    sql: &'static str,
    levels: &'static [&'static str],
    like: &'static str,
    order: &'static str,
}

fn listing(kind: ShowKind) -> Listing {
    const TABLE: &[&str] = &["database_name", "schema_name", "table_name"];
    const SCHEMA: &[&str] = &["database_name", "schema_name"];
    let (sql, levels, like, order) = match kind {
        ShowKind::Databases => (
            "select * from pg_internal.show_databases",
            &[][..],
            "database_name",
            "database_name",
        ),
        ShowKind::Schemas => (
            "select * from pg_internal.show_schemas",
            &["database_name"][..],
            "schema_name",
            "schema_name",
        ),
        ShowKind::Tables => (
            "select * from pg_internal.show_tables",
            SCHEMA,
            "table_name",
            "table_name",
        ),
        ShowKind::Columns => (
            "select * from pg_internal.show_columns",
            TABLE,
            "column_name",
            "ordinal_position",
        ),
        ShowKind::PrimaryKeys => (
            "select * from pg_internal.show_primary_keys",
            TABLE,
            "column_name",
            "key_seq",
        ),
        ShowKind::ForeignKeys => (
            "select * from pg_internal.show_foreign_keys",
            &["fk_database_name", "fk_schema_name", "fk_table_name"][..],
            "fk_column_name",
            "pk_table_name, fk_name, key_seq",
        ),
        ShowKind::ExportedKeys => (
            "select * from pg_internal.show_foreign_keys",
            &["pk_database_name", "pk_schema_name", "pk_table_name"][..],
            "pk_column_name",
            "fk_table_name, fk_name, key_seq",
        ),
        ShowKind::Grants => (
            "select * from pg_internal.show_grants",
            &["database_name", "schema_name", "object_name"][..],
            "identity_name",
            "identity_name, privilege_type",
        ),
        // Privileges on single columns cannot be granted, and there are no functions and
        // procedures of users: these lists are empty.
        ShowKind::ColumnPrivileges => (
            "select database_name, schema_name, table_name, column_name, grantor_name, identity_name, privilege_type, admin_option from (select database_name, schema_name, object_name as table_name, ''::varchar(128) as column_name, grantor_name, identity_name, privilege_type, admin_option from pg_internal.show_grants where false)",
            TABLE,
            "column_name",
            "column_name",
        ),
        ShowKind::Procedures => (
            "select * from (select database_name, schema_name, object_name as procedure_name, ''::varchar(128) as return_type, ''::varchar(128) as argument_list from pg_internal.show_grants where false)",
            SCHEMA,
            "procedure_name",
            "procedure_name",
        ),
        ShowKind::Functions => (
            "select * from (select database_name, schema_name, object_name as function_name, ''::varchar(128) as return_type, ''::varchar(128) as argument_list from pg_internal.show_grants where false)",
            SCHEMA,
            "function_name",
            "function_name",
        ),
        ShowKind::Parameters => (
            "select * from (select database_name, schema_name, object_name as function_name, object_name as procedure_name, ''::varchar(128) as parameter_name, 0 as ordinal_position, ''::varchar(16) as parameter_type, ''::varchar(128) as data_type, 0 as character_maximum_length, 0 as numeric_precision, 0 as numeric_scale from pg_internal.show_grants where false)",
            &["database_name", "schema_name", "function_name"][..],
            "parameter_name",
            "ordinal_position",
        ),
    };
    Listing {
        sql,
        levels,
        like,
        order,
    }
}

fn objects(show: &ShowObjects, ctx: &PlanContext) -> Result<Planned> {
    let listing = listing(show.kind);
    let from = from_parts(show, &listing, ctx)?;
    let mut conditions: Vec<String> = listing
        .levels
        .iter()
        .zip(&from)
        .map(|(column, value)| format!("{column} = {value}"))
        .collect();
    match &show.like {
        Some(LikePattern::Text(pattern)) => {
            conditions.push(format!("{} like {}", listing.like, literal(pattern)));
        }
        Some(LikePattern::Parameter(n)) => {
            conditions.push(format!("{} like ${n}::varchar", listing.like));
        }
        None => {}
    }
    let mut sql = listing.sql.to_string();
    if !conditions.is_empty() {
        sql.push_str(" where ");
        sql.push_str(&conditions.join(" and "));
    }
    sql.push_str(" order by ");
    sql.push_str(listing.order);
    if let Some(limit) = show.limit {
        sql.push_str(&format!(" limit {limit}"));
    }
    query(&sql, ctx)
}

/// The values of the levels, as SQL; names that were not given are the session's own.
fn from_parts(show: &ShowObjects, listing: &Listing, ctx: &PlanContext) -> Result<Vec<String>> {
    let levels = listing.levels.len();
    if show.from.len() > levels {
        return Err(SqlError::syntax("improper name: too many dotted names"));
    }
    let database = |ctx: &PlanContext| {
        let database = ctx.catalog().database(ctx.session.database);
        literal(&database.map(|d| d.name.clone()).unwrap_or_default())
    };
    let mut parts: Vec<String> = Vec::with_capacity(levels);
    for part in &show.from {
        parts.push(match part {
            NamePart::Parameter(n) => format!("${n}::varchar"),
            NamePart::Name(ident) => literal(&ctx.fold(ident)),
        });
    }
    while parts.len() < levels {
        let missing = levels - parts.len();
        let next = if missing == levels.min(3) && levels == missing && parts.is_empty() {
            // Nothing was given at all: the database, and (for tables) the first schema.
            match levels {
                1 => database(ctx),
                _ => literal(&ctx.creation_schema()?.name),
            }
        } else if missing == 1 {
            database(ctx)
        } else {
            literal(&schema_of(show, ctx)?)
        };
        parts.insert(0, next);
    }
    check_names(show, levels, ctx)?;
    Ok(parts)
}

/// The schema a table named without one is found in.
fn schema_of(show: &ShowObjects, ctx: &PlanContext) -> Result<String> {
    if let Some(NamePart::Name(ident)) = show.from.last() {
        let name = lw_sql_syntax::sqlparser::ast::ObjectName::from(vec![ident.clone()]);
        return Ok(match ctx.resolve(&name)? {
            crate::Resolved::Relation(relation) => ctx
                .catalog()
                .schema(relation.schema)
                .map(|s| s.name.clone())
                .unwrap_or_default(),
            crate::Resolved::System(system) => system.schema.to_string(),
        });
    }
    Ok(ctx.creation_schema()?.name.clone())
}

/// Databases and schemas that are named must exist.
fn check_names(show: &ShowObjects, levels: usize, ctx: &PlanContext) -> Result<()> {
    let names: Vec<Option<String>> = show
        .from
        .iter()
        .map(|p| match p {
            NamePart::Name(ident) => Some(ctx.fold(ident)),
            NamePart::Parameter(_) => None,
        })
        .collect();
    let mut database = Some(ctx.session.database);
    let missing = levels - names.len();
    for (name, level) in names.iter().zip(missing..) {
        match (level, name) {
            (0, Some(name)) => database = Some(ctx.database(name)?.oid),
            (0, None) => database = None,
            (1, Some(name)) => {
                let system = lw_sysviews::SCHEMAS.iter().any(|(s, _)| s == name);
                if let Some(database) = database
                    && !system
                {
                    ctx.schema(database, name)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn qualified(relation: &Relation, ctx: &PlanContext) -> String {
    match ctx.catalog().schema(relation.schema) {
        Some(schema) => format!("{}.{}", name(&schema.name), name(&relation.name)),
        None => name(&relation.name),
    }
}

/// A name, in quotes if it needs them.
fn name(text: &str) -> String {
    let plain = text
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == '_' || c == '#')
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '#');
    if plain {
        text.to_string()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

fn columns(relation: &Relation, ids: &[u32]) -> String {
    ids.iter()
        .filter_map(|id| relation.columns.iter().find(|c| c.id == *id))
        .map(|c| name(&c.name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// CREATE TABLE, as SHOW TABLE prints it.
fn table_text(relation: &Relation, table: &TableDef, ctx: &PlanContext) -> String {
    let mut lines: Vec<String> = Vec::new();
    for column in &relation.columns {
        let mut line = format!("{} {}", name(&column.name), column.sql_type);
        if column.not_null {
            line.push_str(" NOT NULL");
        }
        if let Some(default) = &column.default {
            line.push_str(&format!(" DEFAULT {default}"));
        }
        if let Some(identity) = &column.identity {
            let words = if identity.by_default {
                "GENERATED BY DEFAULT AS IDENTITY"
            } else {
                "IDENTITY"
            };
            line.push_str(&format!(" {words}({},{})", identity.seed, identity.step));
        }
        if column.encoding != "raw" && column.encoding != "none" || column.encoding_explicit {
            line.push_str(&format!(" ENCODE {}", column.encoding));
        }
        if column.case_insensitive {
            line.push_str(" COLLATE case_insensitive");
        }
        if table.dist == DistStyle::Key(column.id) {
            line.push_str(" distkey");
        }
        lines.push(line);
    }
    for constraint in &table.constraints {
        let of = columns(relation, &constraint.columns);
        lines.push(match &constraint.kind {
            ConstraintKind::PrimaryKey => format!("PRIMARY KEY ({of})"),
            ConstraintKind::Unique => format!("UNIQUE ({of})"),
            ConstraintKind::ForeignKey { table, columns: to } => {
                match ctx.catalog().relation(*table) {
                    Some(other) => format!(
                        "FOREIGN KEY ({of}) REFERENCES {}({})",
                        qualified(other, ctx),
                        columns(other, to)
                    ),
                    None => continue,
                }
            }
        });
    }
    let temporary = if table.temporary { "TEMPORARY " } else { "" };
    let target = if table.temporary {
        name(&relation.name)
    } else {
        qualified(relation, ctx)
    };
    let mut text = format!(
        "CREATE {temporary}TABLE {target} (\n    {}\n)",
        lines.join(",\n    ")
    );
    if !table.backup {
        text.push_str("\nBACKUP NO");
    }
    text.push_str(match table.dist {
        DistStyle::Auto => "\nDISTSTYLE AUTO",
        DistStyle::Even => "\nDISTSTYLE EVEN",
        DistStyle::All => "\nDISTSTYLE ALL",
        DistStyle::Key(_) => "\nDISTSTYLE KEY",
    });
    match &table.sort {
        SortKey::Compound(ids) => {
            text.push_str(&format!("\nSORTKEY ( {} )", columns(relation, ids)));
        }
        SortKey::Interleaved(ids) => {
            text.push_str(&format!(
                "\nINTERLEAVED SORTKEY ( {} )",
                columns(relation, ids)
            ));
        }
        SortKey::Auto | SortKey::None => {}
    }
    text.push(';');
    text
}

fn view_text(relation: &Relation, view: &lw_catalog::ViewDef, ctx: &PlanContext) -> String {
    let tail = if view.late_binding {
        " WITH NO SCHEMA BINDING"
    } else {
        ""
    };
    format!(
        "CREATE OR REPLACE VIEW {} AS\n{}{tail};",
        qualified(relation, ctx),
        view.query.trim_end().trim_end_matches(';')
    )
}
