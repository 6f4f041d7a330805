//! `sys_query_history`, `stl_query`, `svl_qlog`.

use super::*;

pub static SYS_QUERY_HISTORY: SystemRelation =
    SystemRelation::primitive("sys_query_history", 11_001, HISTORY, history)
        .own_rows()
        .on_compute();
const HISTORY: Columns = &[
    ("user_id", Int4),
    ("query_id", Int8),
    ("query_label", Char(320)),
    ("transaction_id", Int8),
    ("session_id", Int4),
    ("database_name", Char(128)),
    ("query_type", Char(32)),
    ("status", Char(10)),
    ("result_cache_hit", Bool),
    ("start_time", Timestamp),
    ("end_time", Timestamp),
    ("elapsed_time", Int8),
    ("queue_time", Int8),
    ("execution_time", Int8),
    ("error_message", Char(512)),
    ("returned_rows", Int8),
    ("returned_bytes", Int8),
    ("query_text", Char(4000)),
    ("redshift_version", Char(256)),
    ("usage_limit", Char(150)),
    ("compute_type", Varchar(32)),
    ("compile_time", Int8),
    ("planning_time", Int8),
    ("lock_wait_time", Int8),
    ("service_class_id", Int4),
    ("service_class_name", Char(64)),
    ("query_priority", Varchar(20)),
    ("short_query_accelerated", Varchar(10)),
    ("user_query_hash", Char(40)),
    ("generic_query_hash", Char(40)),
    ("query_hash_version", Int4),
    ("result_cache_query_id", Int8),
];

fn history(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(HISTORY);
    let now = lw_base::clock::now_micros();
    for q in queries_seen(ctx) {
        rows.push(row![
            q.user,
            q.query_id,
            &q.label,
            q.xid,
            q.pid,
            &q.database_name,
            &q.query_type,
            q.status.as_str(),
            // There is no result cache, nor a compiler of queries.
            false,
            q.start,
            q.end,
            q.end.unwrap_or(now) - q.start,
            q.queue_time,
            q.execution_time,
            q.error_message.as_deref().map(|m| cut(m, 512)),
            q.returned_rows,
            q.returned_bytes,
            cut(&q.text, 4000),
            Cell::Null,
            Cell::Null,
            "primary",
            0,
            q.planning_time,
            q.lock_wait_time,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            "false",
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
        ]);
    }
    rows.finish()
}

pub static STL_QUERY: SystemRelation = SystemRelation::primitive("stl_query", 11_002, QUERY, query)
    .own_rows()
    .on_compute();
const QUERY: Columns = &[
    ("userid", Int4),
    ("query", Int4),
    ("label", Char(320)),
    ("xid", Int8),
    ("pid", Int4),
    ("database", Char(32)),
    ("querytxt", Char(4000)),
    ("starttime", Timestamp),
    ("endtime", Timestamp),
    ("aborted", Int4),
    ("insert_pristine", Int4),
    ("concurrency_scaling_status", Int4),
];

fn query(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(QUERY);
    for q in ended(ctx) {
        rows.push(row![
            q.user,
            q.query_id,
            &q.label,
            q.xid,
            q.pid,
            &q.database_name,
            cut(&q.text, 4000),
            q.start,
            q.end,
            aborted(&q),
            0,
            0,
        ]);
    }
    rows.finish()
}

/// Queries (not DDL, not utilities) that ended.
fn ended(ctx: &SystemContext) -> impl Iterator<Item = Arc<QueryRecord>> {
    queries_seen(ctx)
        .into_iter()
        .filter(|q| q.status.ended() && family(q) == Family::Query)
}

pub static SVL_QLOG: SystemRelation = SystemRelation::primitive("svl_qlog", 11_003, QLOG, qlog)
    .own_rows()
    .on_compute();
const QLOG: Columns = &[
    ("userid", Int4),
    ("query", Int4),
    ("xid", Int8),
    ("pid", Int4),
    ("starttime", Timestamp),
    ("endtime", Timestamp),
    ("elapsed", Int8),
    ("aborted", Int4),
    ("label", Char(320)),
    ("substring", Char(60)),
    ("source_query", Int4),
    ("concurrency_scaling_status_txt", Text),
    ("from_sp_call", Int4),
];

fn qlog(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(QLOG);
    for q in ended(ctx) {
        rows.push(row![
            q.user,
            q.query_id,
            q.xid,
            q.pid,
            q.start,
            q.end,
            q.end.unwrap_or(q.start) - q.start,
            aborted(&q),
            &q.label,
            cut(&q.text, 60),
            Cell::Null,
            "0 - Ran on main cluster",
            Cell::Null,
        ]);
    }
    rows.finish()
}
