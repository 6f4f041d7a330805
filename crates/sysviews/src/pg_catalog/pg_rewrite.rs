//! `pg_rewrite`: the rule of each view, under the view's own id. The stored query is shown by
//! `pg_get_viewdef`, so its parse tree is left out.

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_rewrite", 2618, COLUMNS, rows).hidden(1);

const COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    ("rulename", Name),
    ("ev_class", SqlType::Oid),
    ("ev_attr", Int2),
    ("ev_type", CharByte),
    ("is_instead", Bool),
    ("ev_qual", Text),
    ("ev_action", Text),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for (_, relation) in user_relations(ctx) {
        if relation.view().is_some() {
            rows.push(row![
                relation.oid,
                "_RETURN",
                relation.oid,
                -1,
                "1",
                true,
                Cell::Null,
                Cell::Null,
            ]);
        }
    }
    rows.finish()
}
