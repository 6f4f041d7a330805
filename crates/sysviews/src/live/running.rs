//! `stv_recents`, `stv_inflight`, `svv_query_inflight`, `pg_stat_activity`.

use super::*;

/// How many statements `stv_recents` looks back.
const RECENT: usize = 100;

pub static STV_RECENTS: SystemRelation =
    SystemRelation::primitive("stv_recents", 11_110, RECENTS, recents)
        .own_rows()
        .on_compute();
const RECENTS: Columns = &[
    ("userid", Int4),
    ("status", Char(20)),
    ("starttime", Timestamp),
    ("duration", Int8),
    ("user_name", Char(50)),
    ("db_name", Char(50)),
    ("query", Char(600)),
    ("pid", Int4),
];

fn recents(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(RECENTS);
    let now = lw_base::clock::now_micros();
    let mut queries = ctx.live.events().queries();
    queries.retain(|q| sees_rows_of(ctx, q.user));
    let skip = queries.len().saturating_sub(RECENT);
    for q in queries.into_iter().skip(skip) {
        rows.push(row![
            q.user,
            if q.end.is_some() { "Done" } else { "Running" },
            q.start,
            q.end.unwrap_or(now) - q.start,
            &q.user_name,
            &q.database_name,
            start_of(&q.text, 600),
            // As in Redshift the process is known while it runs only.
            if q.end.is_some() { -1 } else { q.pid },
        ]);
    }
    rows.finish()
}

/// The first `bytes` of a text on one line.
fn start_of(text: &str, bytes: usize) -> String {
    let mut line = text.replace('\n', " ");
    let mut end = bytes.min(line.len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    line
}

pub static STV_INFLIGHT: SystemRelation =
    SystemRelation::primitive("stv_inflight", 11_111, INFLIGHT, inflight)
        .own_rows()
        .on_compute();
const INFLIGHT: Columns = &[
    ("userid", Int4),
    ("slice", Int4),
    ("query", Int4),
    ("label", Char(320)),
    ("xid", Int8),
    ("pid", Int4),
    ("starttime", Timestamp),
    ("text", Char(100)),
    ("suspended", Int4),
    ("insert_pristine", Int4),
    ("concurrency_scaling_status", Int4),
];

fn inflight(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(INFLIGHT);
    for q in ctx.live.running() {
        if !q.queued && sees_rows_of(ctx, q.user) {
            rows.push(row![
                q.user,
                0,
                q.query_id,
                &q.label,
                q.xid,
                q.pid,
                q.started_at,
                start_of(&q.text, 100),
                0,
                0,
                0,
            ]);
        }
    }
    rows.finish()
}

pub static SVV_QUERY_INFLIGHT: SystemRelation =
    SystemRelation::primitive("svv_query_inflight", 11_112, QUERY_INFLIGHT, query_inflight)
        .own_rows()
        .on_compute();
const QUERY_INFLIGHT: Columns = &[
    ("userid", Int4),
    ("slice", Int4),
    ("query", Int4),
    ("pid", Int4),
    ("starttime", Timestamp),
    ("suspended", Int4),
    ("text", Char(200)),
    ("sequence", Int4),
];

fn query_inflight(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(QUERY_INFLIGHT);
    for q in ctx.live.running() {
        if q.queued || !sees_rows_of(ctx, q.user) {
            continue;
        }
        let mut rest = q.text.replace('\n', "\\n");
        for sequence in 0.. {
            let piece = start_of(&rest, 200);
            rest = rest.split_off(piece.len());
            rows.push(row![
                q.user,
                0,
                q.query_id,
                q.pid,
                q.started_at,
                0,
                piece,
                sequence
            ]);
            if rest.is_empty() {
                break;
            }
        }
    }
    rows.finish()
}

pub static PG_STAT_ACTIVITY: SystemRelation =
    SystemRelation::primitive("pg_stat_activity", 11_113, ACTIVITY, activity);
const ACTIVITY: Columns = &[
    ("datid", SqlType::Oid),
    ("datname", Name),
    ("procpid", Int4),
    ("usesysid", Int4),
    ("usename", Name),
    ("current_query", Text),
    ("query_start", TimestampTz),
];

fn activity(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(ACTIVITY);
    let running = ctx.live.running();
    for s in ctx.live.sessions() {
        let query = running.iter().find(|q| q.pid == s.pid);
        // Others see that a session is there, not what it runs.
        let text = if !sees_rows_of(ctx, s.user) {
            "<insufficient privilege>".to_string()
        } else {
            query.map_or_else(|| "<IDLE>".to_string(), |q| q.text.to_string())
        };
        rows.push(row![
            s.database,
            database_name(&ctx.session.catalog, s.database),
            s.pid,
            s.user,
            user_name(&ctx.session.catalog, s.user),
            text,
            query.map(|q| q.started_at),
        ]);
    }
    rows.finish()
}
