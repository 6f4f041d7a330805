//! `pg_group`: groups of users.

use crate::prelude::*;

pub static RELATION: SystemRelation = SystemRelation::primitive("pg_group", 1261, COLUMNS, rows);

const COLUMNS: Columns = &[
    ("groname", Name),
    ("grosysid", Int4),
    ("grolist", Int4Array),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for group in ctx.session.catalog.groups() {
        let members: Vec<i64> = group.members.iter().map(|m| i64::from(m.0)).collect();
        rows.push(row![&group.name, group.oid, members]);
    }
    rows.finish()
}
