//! DROP, TRUNCATE, COMMENT.

use lw_base::{Result, SqlError, SqlState};
use lw_sql_syntax::ast::ObjectKind;
use lw_sql_syntax::sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use super::{lookup, nothing, planned, refuse_system_schema};
use crate::context::{PlanContext, missing_column, missing_relation};
use crate::plan::*;

pub(super) fn drop(
    kind: ObjectKind,
    if_exists: bool,
    names: &[ObjectName],
    cascade: bool,
    ctx: &PlanContext,
) -> Result<Planned> {
    match kind {
        ObjectKind::Schema => drop_schemas(if_exists, names, cascade, ctx),
        ObjectKind::Database => drop_database(if_exists, names, ctx),
        _ => drop_relations(kind, if_exists, names, cascade, ctx),
    }
}

fn drop_relations(
    kind: ObjectKind,
    if_exists: bool,
    names: &[ObjectName],
    cascade: bool,
    ctx: &PlanContext,
) -> Result<Planned> {
    let tag = match kind {
        ObjectKind::View => "DROP VIEW",
        _ => "DROP TABLE",
    };
    let mut relations = Vec::new();
    let mut missing = Vec::new();
    for name in names {
        let Some(relation) = lookup(name, ctx)? else {
            let name = ctx.qualified(name)?;
            if !if_exists {
                let mut error = missing_relation(&name);
                error.message = format!("{kind} \"{name}\" does not exist");
                // The schema's own error, if that is what is missing.
                if let Err(e) = ctx.find(&name) {
                    error = e;
                }
                return Err(error);
            }
            missing.push(name.to_string());
            continue;
        };
        match (kind, relation.view().is_some()) {
            (ObjectKind::View, false) => {
                return Err(SqlError::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("\"{}\" is not a view", relation.name),
                )
                .with_hint("Use DROP TABLE to remove a table."));
            }
            (ObjectKind::Table, true) => {
                return Err(SqlError::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("\"{}\" is not a table", relation.name),
                )
                .with_hint("Use DROP VIEW to remove a view."));
            }
            _ => {}
        }
        if !relations.contains(&relation.oid) {
            relations.push(relation.oid);
        }
    }
    if relations.is_empty() {
        let notice = missing
            .iter()
            .map(|name| format!("{kind} \"{name}\" does not exist and will be skipped"))
            .collect::<Vec<_>>()
            .join("\n");
        let mut notice = notice;
        if let Some(first) = notice.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        return Ok(nothing(notice, tag));
    }
    let access = relations.iter().map(|r| Access::OwnRelation(*r)).collect();
    let writes = relations.clone();
    let plan = DdlPlan::DropRelations { relations, cascade };
    Ok(planned(plan, access, writes, tag))
}

fn drop_schemas(
    if_exists: bool,
    names: &[ObjectName],
    cascade: bool,
    ctx: &PlanContext,
) -> Result<Planned> {
    let tag = "DROP SCHEMA";
    let mut schemas = Vec::new();
    let mut writes = Vec::new();
    for name in names {
        let name = ctx.qualified(name)?.name;
        refuse_system_schema(&name)?;
        let Some(schema) = ctx.catalog().schema_named(ctx.session.database, &name) else {
            if !if_exists {
                return ctx
                    .schema(ctx.session.database, &name)
                    .map(|_| nothing("", tag));
            }
            continue;
        };
        writes.extend(ctx.catalog().relations_in(schema.oid).map(|r| r.oid));
        schemas.push(schema.oid);
    }
    if schemas.is_empty() {
        return Ok(nothing("Schema does not exist and will be skipped", tag));
    }
    let access = schemas.iter().map(|s| Access::OwnSchema(*s)).collect();
    let plan = DdlPlan::DropSchema { schemas, cascade };
    Ok(planned(plan, access, writes, tag))
}

fn drop_database(if_exists: bool, names: &[ObjectName], ctx: &PlanContext) -> Result<Planned> {
    let tag = "DROP DATABASE";
    let Some(name) = names.first() else {
        return Err(SqlError::syntax("DROP DATABASE needs a name"));
    };
    let name = ctx.qualified(name)?.name;
    if if_exists && ctx.catalog().database_named(&name).is_none() {
        return Ok(nothing("Database does not exist and will be skipped", tag));
    }
    let database = ctx.database(&name)?;
    if database.oid == ctx.session.database {
        return Err(SqlError::new(
            SqlState::OBJECT_IN_USE,
            "cannot drop the currently open database",
        ));
    }
    let plan = DdlPlan::DropDatabase {
        database: database.oid,
    };
    Ok(planned(
        plan,
        vec![Access::OwnDatabase(database.oid)],
        vec![],
        tag,
    ))
}

pub(super) fn truncate(name: &ObjectName, ctx: &PlanContext) -> Result<Planned> {
    let table = ctx.table(name)?;
    Ok(planned(
        DdlPlan::Truncate { table: table.oid },
        vec![Access::OwnRelation(table.oid)],
        vec![table.oid],
        "TRUNCATE TABLE",
    ))
}

pub(super) fn comment(
    kind: ObjectKind,
    name: &ObjectName,
    text: Option<String>,
    ctx: &PlanContext,
) -> Result<Planned> {
    let (object, column, access) = match kind {
        ObjectKind::Database => {
            let database = ctx.database(&ctx.qualified(name)?.name)?;
            (database.oid, 0, Access::OwnDatabase(database.oid))
        }
        ObjectKind::Schema => {
            let schema = ctx.schema(ctx.session.database, &ctx.qualified(name)?.name)?;
            (schema.oid, 0, Access::OwnSchema(schema.oid))
        }
        ObjectKind::Column | ObjectKind::Constraint => {
            let (relation, last) = split_last(name)?;
            let relation = ctx.relation(&relation)?;
            let last = ctx.fold(&last);
            let access = Access::OwnRelation(relation.oid);
            if kind == ObjectKind::Column {
                let column = relation
                    .columns
                    .iter()
                    .find(|c| c.name == last)
                    .ok_or_else(|| missing_column(&relation.name, &last))?;
                (relation.oid, column.id, access)
            } else {
                let constraint = relation
                    .table()
                    .and_then(|t| t.constraints.iter().find(|c| c.name == last))
                    .ok_or_else(|| {
                        SqlError::new(
                            SqlState::UNDEFINED_OBJECT,
                            format!(
                                "constraint \"{last}\" for relation \"{}\" does not exist",
                                relation.name
                            ),
                        )
                    })?;
                (constraint.oid, 0, access)
            }
        }
        ObjectKind::Table | ObjectKind::View => {
            let relation = ctx.relation(name)?;
            if (kind == ObjectKind::View) != relation.view().is_some() {
                return Err(SqlError::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("\"{}\" is not a {kind}", relation.name),
                ));
            }
            (relation.oid, 0, Access::OwnRelation(relation.oid))
        }
    };
    let plan = DdlPlan::Comment {
        object,
        column,
        text,
    };
    Ok(planned(plan, vec![access], vec![], "COMMENT"))
}

fn split_last(name: &ObjectName) -> Result<(ObjectName, Ident)> {
    let mut parts = name.0.clone();
    match (parts.pop(), parts.is_empty()) {
        (Some(ObjectNamePart::Identifier(last)), false) => Ok((ObjectName(parts), last)),
        _ => Err(SqlError::syntax(
            "column name must be qualified by its table",
        )),
    }
}
