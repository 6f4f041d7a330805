//! `stv_sessions`.

use super::*;

pub static STV_SESSIONS: SystemRelation =
    SystemRelation::primitive("stv_sessions", 11_100, COLUMNS, rows)
        .own_rows()
        .on_compute();

const COLUMNS: Columns = &[
    ("starttime", Timestamp),
    ("process", Int4),
    ("user_name", Char(50)),
    ("db_name", Char(50)),
    ("timeout_sec", Int4),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for s in ctx.live.sessions() {
        if sees_rows_of(ctx, s.user) {
            rows.push(row![
                s.started_at,
                s.pid,
                user_name(&ctx.session.catalog, s.user),
                database_name(&ctx.session.catalog, s.database),
                s.timeout_s,
            ]);
        }
    }
    rows.finish()
}
