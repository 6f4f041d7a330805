//! New names under views. A view keeps the text of its query, so a relation that gets another name or
//! schema gets it in the texts of the views that read it, in the same transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use lw_base::{Oid, Result, SqlError};
use lw_catalog::{Change, Relation, RelationKind, Schema};
use lw_settings::SessionInfo;
use lw_sql_plan::{PlanContext, Resolved};
use lw_sql_syntax::renaming::{Name, renamed};

use super::depend::{reads_the_same, views_on};

/// The relation as it will be, and the views on it with its new name in their texts.
pub(super) fn relation(new: Relation, session: &SessionInfo) -> Result<Vec<Change>> {
    let schema = session.catalog.schema(new.schema).cloned();
    let mut views = Views::default();
    if let Some(schema) = &schema {
        views.rename(&new, &schema.name, session)?;
    }
    let mut changes = vec![Change::PutRelation(Arc::new(new))];
    changes.extend(views.changes());
    check(&changes, session)?;
    Ok(changes)
}

/// The schema as it will be, and all views on what is in it.
pub(super) fn schema(new: &Schema, session: &SessionInfo) -> Result<Vec<Change>> {
    let mut changes = vec![Change::PutSchema(Arc::new(new.clone()))];
    let before = session.catalog.schema(new.oid);
    if before.is_some_and(|old| old.name != new.name) {
        let mut views = Views::default();
        for relation in session.catalog.relations_in(new.oid) {
            views.rename(relation, &new.name, session)?;
        }
        changes.extend(views.changes());
        check(&changes, session)?;
    }
    Ok(changes)
}

/// Views whose texts change.
#[derive(Default)]
struct Views(BTreeMap<Oid, Relation>);

impl Views {
    fn rename(&mut self, new: &Relation, schema: &str, session: &SessionInfo) -> Result<()> {
        let Some(old) = session.catalog.relation(new.oid) else {
            return Ok(());
        };
        let Some(old_schema) = session.catalog.schema(old.schema) else {
            return Ok(());
        };
        let from = Name {
            schema: &old_schema.name,
            name: &old.name,
        };
        let to = Name {
            schema,
            name: &new.name,
        };
        for view in views_on(&session.catalog, new.oid) {
            let view = self.0.entry(view.oid).or_insert_with(|| (*view).clone());
            let RelationKind::View(def) = &mut view.kind else {
                continue;
            };
            let mut then = session.clone();
            then.search_path = def.search_path.clone();
            let ctx = PlanContext::new(Arc::new(then), vec![]);
            def.query = renamed(
                &def.query,
                from,
                to,
                |name| matches!(ctx.resolve(name), Ok(Resolved::Relation(found)) if found.oid == new.oid),
            )?;
        }
        Ok(())
    }

    fn changes(self) -> impl Iterator<Item = Change> {
        self.0
            .into_values()
            .map(|view| Change::PutRelation(Arc::new(view)))
    }
}

/// That the views can be read as before once all of it is done. Late-binding views are read as they are
/// found.
fn check(changes: &[Change], session: &SessionInfo) -> Result<()> {
    let mut after = session.clone();
    for change in changes {
        after.catalog.apply(change)?;
    }
    for change in changes {
        if let Change::PutRelation(view) = change
            && view.view().is_some_and(|def| !def.late_binding)
            && !reads_the_same(view, &after)
        {
            return Err(SqlError::unsupported(format!(
                "a new name for what view \"{}\" reads",
                view.name
            ))
            .with_hint("Drop the view, rename, and create the view again."));
        }
    }
    Ok(())
}
