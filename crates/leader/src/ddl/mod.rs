//! CREATE, ALTER, DROP, COMMENT: plans to catalog changes.

mod alter;
mod depend;
mod rename;
mod rows;

pub(crate) use rows::look_at_rows;

use std::sync::Arc;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{
    Change, Constraint, ConstraintKind, Database, Relation, RelationKind, Schema, TableStats,
};
use lw_engine::IdSource;
use lw_services::Notice;
use lw_settings::SessionInfo;
use lw_sql_plan::DdlPlan;

/// The changes a plan stands for.
pub async fn changes(
    plan: &DdlPlan,
    session: &SessionInfo,
    ids: &dyn IdSource,
) -> Result<(Vec<Change>, Vec<Notice>)> {
    let mut notices = Vec::new();
    let changes = match plan {
        DdlPlan::CreateDatabase { database, .. } => create_database(database, ids).await?,
        DdlPlan::AlterDatabase(database) => vec![Change::PutDatabase(Arc::new(database.clone()))],
        DdlPlan::DropDatabase { database } => vec![Change::DropDatabase(*database)],
        DdlPlan::CreateSchema { schema, .. } => {
            let mut schema = schema.clone();
            schema.oid = ids.oids(1).await?;
            vec![Change::PutSchema(Arc::new(schema))]
        }
        DdlPlan::AlterSchema(schema) => rename::schema(schema, session)?,
        DdlPlan::DropSchema { schemas, cascade } => {
            let drop = depend::drop_schemas(schemas, *cascade, session)?;
            notices.extend(drop.notices);
            drop.changes
        }
        DdlPlan::CreateTable { relation, .. } => create_table(relation, session, ids).await?,
        DdlPlan::AlterTable { table, action } => {
            let relation = existing(*table, session)?;
            let altered = alter::alter(&relation, action, session, ids).await?;
            notices.extend(altered.notices);
            altered.changes
        }
        DdlPlan::CreateView { relation, .. } => {
            let mut relation = relation.clone();
            if relation.oid == Oid(0) {
                relation.oid = ids.oids(1).await?;
            }
            refuse_temporary_sources(&relation, session)?;
            vec![Change::PutRelation(Arc::new(relation))]
        }
        DdlPlan::DropRelations { relations, cascade } => {
            let drop = depend::drop_relations(relations, *cascade, session)?;
            notices.extend(drop.notices);
            drop.changes
        }
        DdlPlan::Truncate { table } => truncate(*table, session),
        DdlPlan::Comment {
            object,
            column,
            text,
        } => vec![Change::Comment {
            object: *object,
            column: *column,
            text: text.clone(),
        }],
        DdlPlan::Nothing { notice } => {
            if !notice.is_empty() {
                notices.push(info(notice.clone()));
            }
            vec![]
        }
    };
    Ok((changes, notices))
}

/// A message of level INFO.
fn info(message: String) -> Notice {
    Notice {
        severity: "INFO",
        message: SqlError::new(SqlState("00000"), message),
    }
}

/// The relation with this id, as the statement's snapshot has it.
fn existing(oid: Oid, session: &SessionInfo) -> Result<Arc<Relation>> {
    session.catalog.relation(oid).cloned().ok_or_else(|| {
        SqlError::new(
            SqlState::UNDEFINED_TABLE,
            format!("could not open relation with OID {oid}"),
        )
    })
}

/// A database comes with its schema `public`.
async fn create_database(database: &Database, ids: &dyn IdSource) -> Result<Vec<Change>> {
    let first = ids.oids(2).await?;
    let mut changes = crate::bootstrap::database(
        first,
        Oid(first.0 + 1),
        &database.name,
        database.owner,
        database.isolation,
    );
    let mut database = database.clone();
    database.oid = first;
    changes[0] = Change::PutDatabase(Arc::new(database));
    Ok(changes)
}

async fn create_table(
    relation: &Relation,
    session: &SessionInfo,
    ids: &dyn IdSource,
) -> Result<Vec<Change>> {
    let mut relation = relation.clone();
    let constraints = match &relation.kind {
        RelationKind::Table(table) => table.constraints.len(),
        RelationKind::View(_) => 0,
    };
    let first = ids.oids(1 + constraints as u32).await?;
    relation.oid = first;
    let mut changes = Vec::new();
    if let RelationKind::Table(table) = &mut relation.kind {
        for (i, constraint) in table.constraints.iter_mut().enumerate() {
            constraint.oid = Oid(first.0 + 1 + i as u32);
            if let ConstraintKind::ForeignKey { table, .. } = &mut constraint.kind
                && *table == Oid(0)
            {
                *table = first;
            }
        }
        if table.temporary && session.catalog.schema(session.temp_schema).is_none() {
            changes.push(Change::PutSchema(Arc::new(Schema {
                oid: session.temp_schema,
                database: session.database,
                name: format!("pg_temp_{}", session.pid),
                owner: session.user,
                quota_bytes: None,
                acl: Default::default(),
            })));
        }
    }
    changes.push(Change::PutRelation(Arc::new(relation)));
    Ok(changes)
}

/// A view lives longer than a temporary table.
fn refuse_temporary_sources(view: &Relation, session: &SessionInfo) -> Result<()> {
    let sources = view.view().map_or(&[][..], |v| &v.depends_on);
    for oid in sources {
        if let Some(source) = session.catalog.relation(*oid)
            && source.schema == session.temp_schema
        {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!(
                    "a view cannot be made over the temporary table \"{}\"",
                    source.name
                ),
            ));
        }
    }
    Ok(())
}

/// Removes every row.
fn truncate(table: Oid, session: &SessionInfo) -> Vec<Change> {
    let data = session.catalog.table_data(table);
    if data.segments.is_empty() {
        return vec![];
    }
    vec![
        Change::RemoveSegments {
            table,
            segments: data.segments.keys().copied().collect(),
        },
        Change::PutStats {
            table,
            stats: Arc::new(TableStats::default()),
        },
    ]
}

/// The columns of a constraint's kind that point to another table.
fn references(constraint: &Constraint) -> Option<(Oid, &[u32])> {
    match &constraint.kind {
        ConstraintKind::ForeignKey { table, columns } => Some((*table, columns)),
        _ => None,
    }
}
