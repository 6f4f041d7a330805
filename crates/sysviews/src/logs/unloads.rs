//! UNLOAD: `stl_unload_log`, `sys_unload_detail`, `sys_unload_history`.

use std::collections::BTreeMap;

use lw_events::UnloadRecord;

use super::*;

fn seen(ctx: &SystemContext) -> Vec<Arc<UnloadRecord>> {
    let mut unloads = ctx.live.events().unloads();
    unloads.retain(|u| sees_rows_of(ctx, u.user));
    unloads
}

pub static STL_UNLOAD_LOG: SystemRelation =
    SystemRelation::primitive("stl_unload_log", 11_030, LOG, log)
        .own_rows()
        .on_compute();
const LOG: Columns = &[
    ("userid", Int4),
    ("query", Int4),
    ("slice", Int4),
    ("pid", Int4),
    ("path", Char(1280)),
    ("start_time", Timestamp),
    ("end_time", Timestamp),
    ("line_count", Int8),
    ("transfer_size", Int8),
    ("file_format", Char(10)),
];

fn log(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(LOG);
    for u in seen(ctx) {
        rows.push(row![
            u.user,
            u.query_id,
            u.slice,
            u.pid,
            &u.path,
            u.start,
            u.end,
            u.line_count,
            u.transfer_size,
            format_name(&u.file_format),
        ]);
    }
    rows.finish()
}

/// `CSV`, `Text`, `Parquet`, as the views spell them.
fn format_name(format: &str) -> String {
    match format.to_ascii_lowercase().as_str() {
        "csv" => "CSV".to_string(),
        "json" => "JSON".to_string(),
        "parquet" => "Parquet".to_string(),
        "text" | "delimited" | "" => "Text".to_string(),
        other => other.to_string(),
    }
}

pub static SYS_UNLOAD_DETAIL: SystemRelation =
    SystemRelation::primitive("sys_unload_detail", 11_031, DETAIL, detail)
        .own_rows()
        .on_compute();
const DETAIL: Columns = &[
    ("user_id", Int4),
    ("query_id", Int8),
    ("session_id", Int4),
    ("transaction_id", Int8),
    ("file_name", Char(1280)),
    ("start_time", Timestamp),
    ("end_time", Timestamp),
    ("line_count", Int8),
    ("transfer_size", Int8),
    ("file_format", Char(10)),
];

fn detail(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(DETAIL);
    for u in seen(ctx) {
        rows.push(row![
            u.user,
            u.query_id,
            u.pid,
            u.xid,
            &u.path,
            u.start,
            u.end,
            u.line_count,
            u.transfer_size,
            format_name(&u.file_format),
        ]);
    }
    rows.finish()
}

pub static SYS_UNLOAD_HISTORY: SystemRelation =
    SystemRelation::primitive("sys_unload_history", 11_032, HISTORY, history)
        .own_rows()
        .on_compute();
const HISTORY: Columns = &[
    ("user_id", Int4),
    ("query_id", Int8),
    ("transaction_id", Int8),
    ("session_id", Int4),
    ("database_name", Text),
    ("status", Text),
    ("start_time", Timestamp),
    ("end_time", Timestamp),
    ("duration", Int8),
    ("file_format", Text),
    ("compression_type", Text),
    ("unloaded_location", Text),
    ("unloaded_rows", Int8),
    ("unloaded_files_count", Int8),
    ("unloaded_files_size", Int8),
    ("error_message", Text),
];

/// One row per UNLOAD statement, with the sums of the files it wrote.
fn history(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut files: BTreeMap<i64, Vec<Arc<UnloadRecord>>> = BTreeMap::new();
    for unload in seen(ctx) {
        files.entry(unload.query_id).or_default().push(unload);
    }
    let mut rows = Rows::new(HISTORY);
    for q in queries_seen(ctx) {
        if q.query_type != "UNLOAD" {
            continue;
        }
        let files = files.get(&q.query_id).map_or(&[][..], Vec::as_slice);
        let first = files.first();
        rows.push(row![
            q.user,
            q.query_id,
            q.xid,
            q.pid,
            &q.database_name,
            load_status(q.status),
            q.start,
            q.end,
            q.end.map(|end| end - q.start),
            first.map(|f| format_name(&f.file_format)),
            first.map(|f| compression(&f.path)),
            first.map(|f| location(&f.path, files)),
            files.iter().map(|f| f.line_count).sum::<u64>(),
            files.len(),
            files.iter().map(|f| f.transfer_size).sum::<u64>(),
            q.error_message.as_ref(),
        ]);
    }
    rows.finish()
}

/// The compression a file's name tells of.
fn compression(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("gz") => "GZIP",
        Some("bz2") => "BZIP2",
        Some("zst") => "ZSTD",
        _ => "",
    }
}

/// What the names of all files begin with.
fn location(first: &str, files: &[Arc<UnloadRecord>]) -> String {
    let shared = files.iter().fold(first.len(), |length, file| {
        let same = first
            .bytes()
            .zip(file.path.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        length.min(same)
    });
    cut(first, shared).to_string()
}
