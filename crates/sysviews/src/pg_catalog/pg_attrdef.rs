//! `pg_attrdef`: defaults of columns. `adbin` and `adsrc` both hold the SQL text, which
//! `pg_get_expr` gives back.

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_attrdef", 2604, COLUMNS, rows).hidden(1);

const COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    ("adrelid", SqlType::Oid),
    ("adnum", Int2),
    ("adbin", Text),
    ("adsrc", Text),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for (_, relation) in user_relations(ctx) {
        for column in &relation.columns {
            if let Some(text) = column_default(&relation, column) {
                rows.push(row![relation.oid, relation.oid, column.id, &text, &text]);
            }
        }
    }
    rows.finish()
}
