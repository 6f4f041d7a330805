//! `pg_user`: users, for everyone.

use crate::prelude::*;

pub static RELATION: SystemRelation = SystemRelation::primitive("pg_user", 10_001, COLUMNS, rows);

const COLUMNS: Columns = &[
    ("usename", Name),
    ("usesysid", Int4),
    ("usecreatedb", Bool),
    ("usesuper", Bool),
    ("usecatupd", Bool),
    ("passwd", Text),
    ("valuntil", Timestamp),
    ("useconfig", TextArray),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for user in ctx.session.catalog.users() {
        rows.push(row![
            &user.name,
            user.oid,
            user.create_db,
            user.superuser,
            user.superuser,
            "********",
            user.valid_until,
            user_config(user),
        ]);
    }
    rows.finish()
}
