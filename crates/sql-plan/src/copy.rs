//! COPY and UNLOAD. What the options mean is the engine's to know.

use lw_base::{Result, SqlError, SqlState};
use lw_catalog::Relation;
use lw_sql_syntax::ast::{Copy, Credentials, Unload as UnloadStatement};

use crate::context::{PlanContext, missing_column};
use crate::plan::*;
use crate::query::plan_query;

/// COPY ... FROM.
pub(crate) fn plan_copy(copy: &Copy, ctx: &PlanContext) -> Result<Planned> {
    let relation = ctx.table(&copy.table)?;
    let mut access = vec![Access::Relation(relation.oid, 'a')];
    // Developer Guide, "Data load operations": STATUPDATE is for the owner.
    if copy.options.contains_key("STATUPDATE") {
        access.push(Access::OwnRelation(relation.oid));
    }
    let plan = CopyFrom {
        table: relation.oid,
        columns: columns(copy, &relation, ctx)?,
        from: copy.from.clone(),
        credentials: credentials(copy.credentials.as_ref())?,
        options: copy.options.clone(),
    };
    Ok(Planned {
        plan: Plan::Copy(CopyPlan::From(plan)),
        params: Vec::new(),
        columns: None,
        access,
        reads: Vec::new(),
        writes: vec![relation.oid],
        tag: "COPY",
    })
}

/// The loaded columns. Without a list they are all, without IDENTITY columns unless EXPLICIT_IDS
/// (Developer Guide, "Column mapping options").
fn columns(copy: &Copy, relation: &Relation, ctx: &PlanContext) -> Result<Vec<u32>> {
    if copy.columns.is_empty() {
        let explicit = copy.options.contains_key("EXPLICIT_IDS");
        return Ok(relation
            .columns
            .iter()
            .filter(|c| explicit || c.identity.is_none())
            .map(|c| c.id)
            .collect());
    }
    let mut ids = Vec::with_capacity(copy.columns.len());
    for name in &copy.columns {
        let name = ctx.fold(name);
        let index = relation
            .column_index(&name)
            .ok_or_else(|| missing_column(&relation.name, &name))?;
        let id = relation.columns[index].id;
        if ids.contains(&id) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            ));
        }
        ids.push(id);
    }
    Ok(ids)
}

/// UNLOAD.
pub(crate) fn plan_unload(unload: &UnloadStatement, ctx: &PlanContext) -> Result<Planned> {
    let query = unload
        .query
        .query()
        .ok_or_else(|| SqlError::syntax("UNLOAD needs a SELECT statement"))?;
    let planned = plan_query(query, ctx)?;
    let plan = Unload {
        input: planned.logical,
        names: planned.columns.iter().map(|c| c.name.clone()).collect(),
        to: unload.to.clone(),
        credentials: credentials(unload.credentials.as_ref())?,
        options: unload.options.clone(),
    };
    Ok(Planned {
        plan: Plan::Copy(CopyPlan::Unload(plan)),
        params: planned.params,
        columns: None,
        access: planned.access,
        reads: planned.reads,
        writes: Vec::new(),
        tag: "UNLOAD",
    })
}

fn credentials(given: Option<&Credentials>) -> Result<CopyCredentials> {
    match given {
        None => Err(
            SqlError::syntax("No authorization was specified").with_hint(
                "Add IAM_ROLE default, IAM_ROLE 'arn', or ACCESS_KEY_ID and SECRET_ACCESS_KEY.",
            ),
        ),
        Some(Credentials::DefaultRole) => Ok(CopyCredentials::DefaultRole),
        Some(Credentials::Role(arn)) => Ok(CopyCredentials::Role(arn.clone())),
        Some(Credentials::Keys {
            access_key_id,
            secret_access_key,
            session_token,
        }) => Ok(CopyCredentials::Keys {
            access_key_id: access_key_id.clone(),
            secret_access_key: secret_access_key.0.clone(),
            session_token: session_token.as_ref().map(|t| t.0.clone()),
        }),
    }
}
