//! VACUUM, ANALYZE.

use std::sync::Arc;

use lw_base::{Result, SqlError};
use lw_catalog::Relation;
use lw_sql_syntax::Statement;
use lw_sql_syntax::ast::{Analyze, Vacuum, VacuumKind as KindSpec};

use crate::context::{PlanContext, missing_column};
use crate::plan::*;

/// Share of sorted rows from which a table is left as it is (Developer Guide, VACUUM).
const DEFAULT_PERCENT: u8 = 95;

/// Plans a statement of the family; `None` if it is of another.
pub(crate) fn plan(statement: &Statement, ctx: &PlanContext) -> Result<Option<Planned>> {
    match statement {
        Statement::Vacuum(v) => vacuum(v, ctx).map(Some),
        Statement::Analyze(a) => analyze(a, ctx).map(Some),
        _ => Ok(None),
    }
}

fn planned(
    plan: MaintainPlan,
    tables: &[Arc<Relation>],
    named: bool,
    tag: &'static str,
) -> Planned {
    Planned {
        plan: Plan::Maintain(plan),
        params: vec![],
        columns: None,
        // Without a name, only tables the user owns were taken.
        access: if named {
            tables.iter().map(|t| Access::OwnRelation(t.oid)).collect()
        } else {
            vec![]
        },
        reads: vec![],
        writes: tables.iter().map(|t| t.oid).collect(),
        tag,
    }
}

/// The tables of the database that the user owns, or all for a superuser and the database's owner.
fn own_tables(ctx: &PlanContext) -> Vec<Arc<Relation>> {
    let catalog = ctx.catalog();
    let database = ctx.session.database;
    let all = catalog.is_superuser(ctx.session.user)
        || catalog
            .database(database)
            .is_some_and(|d| d.owner == ctx.session.user);
    catalog
        .schemas(database)
        .filter(|s| !s.name.starts_with("pg_temp") || s.oid == ctx.session.temp_schema)
        .flat_map(|s| catalog.relations_in(s.oid))
        .filter(|r| r.table().is_some() && (all || r.owner == ctx.session.user))
        .cloned()
        .collect()
}

fn vacuum(vacuum: &Vacuum, ctx: &PlanContext) -> Result<Planned> {
    if vacuum.table.is_none() && (vacuum.percent.is_some() || vacuum.kind == KindSpec::Reindex) {
        return Err(SqlError::syntax(
            "VACUUM ... TO PERCENT and VACUUM REINDEX need a table",
        ));
    }
    let tables = match &vacuum.table {
        Some(name) => vec![ctx.table(name)?],
        None => own_tables(ctx),
    };
    let plan = MaintainPlan::Vacuum {
        tables: tables.iter().map(|t| t.oid).collect(),
        kind: match vacuum.kind {
            KindSpec::Full => VacuumKind::Full,
            KindSpec::SortOnly => VacuumKind::SortOnly,
            KindSpec::DeleteOnly => VacuumKind::DeleteOnly,
            KindSpec::Reindex => VacuumKind::Reindex,
            KindSpec::Recluster => VacuumKind::Recluster,
        },
        threshold_percent: vacuum.percent.unwrap_or(DEFAULT_PERCENT),
        boost: vacuum.boost,
    };
    Ok(planned(plan, &tables, vacuum.table.is_some(), "VACUUM"))
}

fn analyze(analyze: &Analyze, ctx: &PlanContext) -> Result<Planned> {
    if analyze.compression.is_some() {
        return Err(SqlError::unsupported("ANALYZE COMPRESSION"));
    }
    let tables = match &analyze.table {
        Some(name) => vec![ctx.table(name)?],
        None => own_tables(ctx),
    };
    let mut columns = Vec::new();
    if let [table] = tables.as_slice() {
        for ident in &analyze.columns {
            let name = ctx.fold(ident);
            let column = table
                .columns
                .iter()
                .find(|c| c.name == name)
                .ok_or_else(|| missing_column(&table.name, &name))?;
            columns.push(column.id);
        }
    }
    let plan = MaintainPlan::Analyze {
        tables: tables.iter().map(|t| (t.oid, columns.clone())).collect(),
        predicate_columns: analyze.predicate_columns,
    };
    Ok(planned(plan, &tables, analyze.table.is_some(), "ANALYZE"))
}
