//! What depends on what: views on the relations they read, foreign keys on the tables they name.
//! Late-binding views depend on nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{CatalogSnapshot, Change, Relation, RelationKind};
use lw_services::Notice;
use lw_settings::SessionInfo;
use lw_sql_plan::{PlanContext, plan_query};

use super::{existing, info, references};

/// What a DROP does.
pub(super) struct Dropped {
    pub changes: Vec<Change>,
    pub notices: Vec<Notice>,
}

/// The views whose text names the relation.
pub(super) fn views_on(catalog: &CatalogSnapshot, oid: Oid) -> Vec<Arc<Relation>> {
    catalog
        .relations()
        .filter(|r| r.view().is_some_and(|v| v.depends_on.contains(&oid)))
        .cloned()
        .collect()
}

fn what(relation: &Relation) -> &'static str {
    if relation.view().is_some() {
        "view"
    } else {
        "table"
    }
}

fn refused(what: &str, name: &str, detail: Vec<String>) -> SqlError {
    SqlError::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop {what} {name} because other objects depend on it"),
    )
    .with_detail(detail.join("\n"))
    .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
}

/// DROP TABLE, DROP VIEW.
pub(super) fn drop_relations(
    relations: &[Oid],
    cascade: bool,
    session: &SessionInfo,
) -> Result<Dropped> {
    let named: BTreeSet<Oid> = relations.iter().copied().collect();
    let mut gone = named.clone();
    let mut detail = Vec::new();
    let mut next: Vec<Oid> = relations.to_vec();
    while let Some(oid) = next.pop() {
        let target = existing(oid, session)?;
        for view in views_on(&session.catalog, oid) {
            if gone.insert(view.oid) {
                detail.push(format!(
                    "view {} depends on {} {}",
                    view.name,
                    what(&target),
                    target.name
                ));
                next.push(view.oid);
            }
        }
    }
    let keys = keys_to(&gone, session);
    for (relation, target, constraint) in &keys {
        let target = existing(*target, session)?;
        detail.push(format!(
            "constraint {constraint} on table {} depends on table {}",
            relation.name, target.name
        ));
    }
    if !cascade && !detail.is_empty() {
        let first = existing(relations[0], session)?;
        return Err(refused(what(&first), &first.name, detail));
    }
    let mut changes = without_keys(&keys);
    // Views before what they read.
    let (views, tables): (Vec<Oid>, Vec<Oid>) = gone.iter().partition(|oid| {
        session
            .catalog
            .relation(**oid)
            .is_some_and(|r| r.view().is_some())
    });
    changes.extend(views.into_iter().chain(tables).map(Change::DropRelation));
    let notices = gone
        .difference(&named)
        .filter_map(|oid| session.catalog.relation(*oid))
        .map(|r| info(format!("drop cascades to {} {}", what(r), r.name)))
        .collect();
    Ok(Dropped { changes, notices })
}

/// Foreign keys of tables that stay, to tables that go: table, target, constraint.
fn keys_to(gone: &BTreeSet<Oid>, session: &SessionInfo) -> Vec<(Arc<Relation>, Oid, String)> {
    let mut keys = Vec::new();
    for relation in session.catalog.relations() {
        if gone.contains(&relation.oid) {
            continue;
        }
        for constraint in relation.table().iter().flat_map(|t| &t.constraints) {
            if let Some((target, _)) = references(constraint)
                && gone.contains(&target)
            {
                keys.push((relation.clone(), target, constraint.name.clone()));
            }
        }
    }
    keys
}

/// The tables, without those keys.
fn without_keys(keys: &[(Arc<Relation>, Oid, String)]) -> Vec<Change> {
    let mut changed: Vec<Relation> = Vec::new();
    for (relation, _, name) in keys {
        let slot = match changed.iter().position(|r| r.oid == relation.oid) {
            Some(i) => i,
            None => {
                changed.push((**relation).clone());
                changed.len() - 1
            }
        };
        if let RelationKind::Table(table) = &mut changed[slot].kind {
            table.constraints.retain(|c| c.name != *name);
        }
    }
    changed
        .into_iter()
        .map(|r| Change::PutRelation(Arc::new(r)))
        .collect()
}

/// DROP SCHEMA.
pub(super) fn drop_schemas(
    schemas: &[Oid],
    cascade: bool,
    session: &SessionInfo,
) -> Result<Dropped> {
    let mut relations = Vec::new();
    for oid in schemas {
        let inside: Vec<Oid> = session.catalog.relations_in(*oid).map(|r| r.oid).collect();
        if !cascade && !inside.is_empty() {
            let name = session
                .catalog
                .schema(*oid)
                .map(|s| s.name.clone())
                .unwrap_or_default();
            let detail = session
                .catalog
                .relations_in(*oid)
                .map(|r| format!("{} {name}.{} depends on schema {name}", what(r), r.name))
                .collect();
            return Err(refused("schema", &name, detail));
        }
        relations.extend(inside);
    }
    let mut dropped = if relations.is_empty() {
        Dropped {
            changes: vec![],
            notices: vec![],
        }
    } else {
        drop_relations(&relations, true, session)?
    };
    dropped
        .changes
        .extend(schemas.iter().map(|s| Change::DropSchema(*s)));
    Ok(dropped)
}

/// The views on a relation that could not be read, or would read otherwise, once the relation is
/// as `changed`.
pub(super) fn broken_views(
    changed: &Relation,
    session: &SessionInfo,
) -> Result<Vec<Arc<Relation>>> {
    let views = views_on(&session.catalog, changed.oid);
    if views.is_empty() {
        return Ok(vec![]);
    }
    let mut after = session.clone();
    after
        .catalog
        .apply(&Change::PutRelation(Arc::new(changed.clone())))?;
    let mut broken = Vec::new();
    for view in views {
        if !reads_the_same(&view, &after) {
            broken.push(view);
        }
    }
    Ok(broken)
}

/// True if the view's text gives columns of the same types with that catalog.
pub(super) fn reads_the_same(view: &Relation, after: &SessionInfo) -> bool {
    let Some(def) = view.view() else {
        return true;
    };
    let mut session = after.clone();
    session.search_path = def.search_path.clone();
    let ctx = PlanContext::new(Arc::new(session), vec![]);
    let planned = lw_sql_syntax::parse_query(&def.query).and_then(|q| plan_query(&q, &ctx));
    planned.is_ok_and(|p| {
        p.columns.len() == view.columns.len()
            && p.columns
                .iter()
                .zip(&view.columns)
                .all(|(p, v)| p.sql_type == v.sql_type)
    })
}
