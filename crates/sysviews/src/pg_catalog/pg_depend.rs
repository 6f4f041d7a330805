//! `pg_depend`: which view reads which relation, which constraint belongs to which table. As in
//! Redshift a view depends through its rule, which is listed under the view's own id.

use lw_catalog::ConstraintKind;

use crate::prelude::*;

pub static RELATION: SystemRelation = SystemRelation::primitive("pg_depend", 2608, COLUMNS, rows);

const COLUMNS: Columns = &[
    ("classid", SqlType::Oid),
    ("objid", SqlType::Oid),
    ("objsubid", Int4),
    ("refclassid", SqlType::Oid),
    ("refobjid", SqlType::Oid),
    ("refobjsubid", Int4),
    ("deptype", CharByte),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    let (class, rewrite, constraints, namespace) = (1259, 2618, 2606, 2615);
    for (schema, relation) in user_relations(ctx) {
        rows.push(row![class, relation.oid, 0, namespace, schema.oid, 0, "n"]);
        if let Some(view) = relation.view() {
            rows.push(row![rewrite, relation.oid, 0, class, relation.oid, 0, "i"]);
            for read in &view.depends_on {
                rows.push(row![rewrite, relation.oid, 0, class, *read, 0, "n"]);
            }
        }
        for constraint in relation.table().iter().flat_map(|t| &t.constraints) {
            for column in &constraint.columns {
                rows.push(row![
                    constraints,
                    constraint.oid,
                    0,
                    class,
                    relation.oid,
                    *column,
                    "a"
                ]);
            }
            if let ConstraintKind::ForeignKey { table, columns } = &constraint.kind {
                for column in columns {
                    rows.push(row![
                        constraints,
                        constraint.oid,
                        0,
                        class,
                        *table,
                        *column,
                        "n"
                    ]);
                }
            }
        }
    }
    rows.finish()
}
