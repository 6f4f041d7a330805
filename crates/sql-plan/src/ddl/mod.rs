//! CREATE, ALTER, DROP, TRUNCATE, COMMENT.

mod alter;
mod drop;
mod encoding;
mod namespace;
mod table;
mod view;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::Relation;
use lw_sql_syntax::Statement;
use lw_sql_syntax::sqlparser::ast::ObjectName;

use crate::context::{PlanContext, Resolved};
use crate::plan::*;

/// Plans a statement of the family; `None` if it is of another.
pub(crate) fn plan(statement: &Statement, ctx: &PlanContext) -> Result<Option<Planned>> {
    Ok(Some(match statement {
        Statement::CreateTable(create) => table::create(create, ctx)?,
        Statement::CreateTableAs(create) => table::create_as(create, ctx)?,
        Statement::CreateView(create) => view::create(create, ctx)?,
        Statement::AlterTable(alter) => alter::alter(alter, ctx)?,
        Statement::CreateSchema(create) => namespace::create_schema(create, ctx)?,
        Statement::AlterSchema { name, action } => namespace::alter_schema(name, action, ctx)?,
        Statement::CreateDatabase(options) => namespace::create_database(options, ctx)?,
        Statement::AlterDatabase { name, action } => namespace::alter_database(name, action, ctx)?,
        Statement::Drop {
            kind,
            if_exists,
            names,
            cascade,
        } => drop::drop(*kind, *if_exists, names, *cascade, ctx)?,
        Statement::Truncate(name) => drop::truncate(name, ctx)?,
        Statement::Comment { kind, name, text } => drop::comment(*kind, name, text.clone(), ctx)?,
        _ => return Ok(None),
    }))
}

/// A planned statement of the family.
fn planned(plan: DdlPlan, access: Vec<Access>, writes: Vec<Oid>, tag: &'static str) -> Planned {
    Planned {
        plan: Plan::Ddl(plan),
        params: vec![],
        columns: None,
        access,
        reads: vec![],
        writes,
        tag,
    }
}

/// A statement that IF [NOT] EXISTS left nothing to do.
fn nothing(notice: impl Into<String>, tag: &'static str) -> Planned {
    let plan = DdlPlan::Nothing {
        notice: notice.into(),
    };
    planned(plan, vec![], vec![], tag)
}

/// Where a new relation goes: its schema and name, and what that needs.
struct Place {
    schema: Oid,
    name: String,
    access: Access,
}

/// The place for a new table or view. A temporary one goes to the session's own schema.
fn place(name: &ObjectName, temporary: bool, ctx: &PlanContext) -> Result<Place> {
    let name = ctx.qualified(name)?;
    if temporary {
        if name.schema.as_deref().is_some_and(|s| s != "pg_temp") {
            return Err(SqlError::new(
                SqlState::INVALID_TABLE_DEFINITION,
                "temporary tables cannot specify a schema name",
            ));
        }
        return Ok(Place {
            schema: ctx.session.temp_schema,
            name: name.name,
            access: Access::Database(ctx.session.database, 'T'),
        });
    }
    let database = ctx.database_of(&name)?;
    if database != ctx.session.database {
        return Err(
            SqlError::unsupported("creating objects in another database")
                .with_hint("Connect to that database."),
        );
    }
    let schema = match &name.schema {
        Some(schema) => {
            refuse_system_schema(schema)?;
            ctx.schema(database, schema)?
        }
        None => ctx.creation_schema()?,
    };
    Ok(Place {
        schema: schema.oid,
        name: name.name,
        access: Access::Schema(schema.oid, 'C'),
    })
}

fn refuse_system_schema(schema: &str) -> Result<()> {
    if lw_sysviews::SCHEMAS.iter().any(|(name, _)| *name == schema) {
        return Err(SqlError::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("permission denied for schema {schema}"),
        ));
    }
    Ok(())
}

/// The relation that has this place already.
fn occupant(place: &Place, ctx: &PlanContext) -> Option<std::sync::Arc<Relation>> {
    ctx.catalog()
        .relation_named(place.schema, &place.name)
        .cloned()
}

fn exists(name: &str) -> SqlError {
    SqlError::new(
        SqlState::DUPLICATE_TABLE,
        format!("Relation \"{name}\" already exists"),
    )
}

/// Finds a relation of the catalog; `None` if it, or its schema, is not there.
fn lookup(name: &ObjectName, ctx: &PlanContext) -> Result<Option<std::sync::Arc<Relation>>> {
    let qualified = ctx.qualified(name)?;
    match ctx.find(&qualified) {
        Ok(Some(Resolved::Relation(relation))) => Ok(Some(relation)),
        Ok(Some(Resolved::System(found))) => Err(SqlError::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("permission denied: \"{}\" is a system catalog", found.name),
        )),
        Ok(None) => Ok(None),
        Err(e) if e.state == SqlState::INVALID_SCHEMA_NAME => Ok(None),
        Err(e) => Err(e),
    }
}

/// A user's name: unlike others, one in quotes always keeps its case (Developer Guide, CREATE USER).
pub(crate) fn fold_user(name: &lw_sql_syntax::sqlparser::ast::Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

/// A user by name.
pub(crate) fn user_named(
    name: &lw_sql_syntax::sqlparser::ast::Ident,
    ctx: &PlanContext,
) -> Result<std::sync::Arc<lw_catalog::User>> {
    let name = fold_user(name);
    ctx.catalog().user_named(&name).cloned().ok_or_else(|| {
        SqlError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("user \"{name}\" does not exist"),
        )
    })
}
