//! COPY: `stl_load_errors`, `stl_loaderror_detail`, `stl_load_commits`, `stl_file_scan`,
//! `stv_load_state`, `sys_load_history`, `sys_load_detail`, `sys_load_error_detail`.

use lw_events::LoadError;

use super::*;

fn errors_seen(ctx: &SystemContext) -> Vec<Arc<LoadError>> {
    let mut errors = ctx.live.events().load_errors();
    errors.retain(|e| sees_rows_of(ctx, e.user));
    errors
}

pub static STL_LOAD_ERRORS: SystemRelation =
    SystemRelation::primitive("stl_load_errors", 11_020, ERRORS, errors)
        .own_rows()
        .on_compute();
const ERRORS: Columns = &[
    ("userid", Int4),
    ("slice", Int4),
    ("tbl", Int4),
    ("starttime", Timestamp),
    ("session", Int4),
    ("query", Int4),
    ("filename", Char(256)),
    ("line_number", Int8),
    ("colname", Char(127)),
    ("type", Char(10)),
    ("col_length", Char(10)),
    ("position", Int4),
    ("raw_line", Char(1024)),
    ("raw_field_value", Char(1024)),
    ("err_code", Int4),
    ("err_reason", Char(100)),
    ("is_partial", Int4),
    ("start_offset", Int8),
    ("copy_job_id", Int8),
];

fn errors(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(ERRORS);
    for e in errors_seen(ctx) {
        rows.push(row![
            e.user,
            e.slice,
            e.table,
            e.start,
            e.pid,
            e.query_id,
            cut(&e.file_name, 256),
            e.line_number,
            &e.column_name,
            cut(&e.column_type, 10),
            &e.column_length,
            e.position,
            cut(&e.raw_line, 1024),
            cut(&e.raw_field_value, 1024),
            e.err_code,
            cut(&e.err_reason, 100),
            i32::from(e.is_partial),
            e.start_offset,
            0,
        ]);
    }
    rows.finish()
}

pub static STL_LOADERROR_DETAIL: SystemRelation =
    SystemRelation::primitive("stl_loaderror_detail", 11_021, DETAIL, detail)
        .own_rows()
        .on_compute();
const DETAIL: Columns = &[
    ("userid", Int4),
    ("slice", Int4),
    ("session", Int4),
    ("query", Int4),
    ("filename", Char(256)),
    ("line_number", Int8),
    ("field", Int4),
    ("colname", Char(1024)),
    ("value", Char(1024)),
    ("is_null", Int4),
    ("type", Char(10)),
    ("col_length", Char(10)),
];

fn detail(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(DETAIL);
    for e in errors_seen(ctx) {
        // The number of the field is known while the table still has the column.
        let field = ctx
            .session
            .catalog
            .relation(e.table)
            .and_then(|r| r.column_index(&e.column_name));
        rows.push(row![
            e.user,
            e.slice,
            e.pid,
            e.query_id,
            cut(&e.file_name, 256),
            e.line_number,
            field,
            &e.column_name,
            cut(&e.raw_field_value, 1024),
            0,
            cut(&e.column_type, 10),
            &e.column_length,
        ]);
    }
    rows.finish()
}

pub static SYS_LOAD_ERROR_DETAIL: SystemRelation =
    SystemRelation::primitive("sys_load_error_detail", 11_022, SYS_ERRORS, sys_errors)
        .own_rows()
        .on_compute();
const SYS_ERRORS: Columns = &[
    ("user_id", Int4),
    ("query_id", Int8),
    ("transaction_id", Int8),
    ("session_id", Int4),
    ("database_name", Char(64)),
    ("table_id", Int4),
    ("start_time", Timestamp),
    ("file_name", Char(256)),
    ("line_number", Int8),
    ("column_name", Char(127)),
    ("column_type", Char(10)),
    ("column_length", Char(10)),
    ("position", Int4),
    ("error_code", Int4),
    ("error_message", Char(512)),
];

fn sys_errors(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SYS_ERRORS);
    for e in errors_seen(ctx) {
        rows.push(row![
            e.user,
            e.query_id,
            e.xid,
            e.pid,
            &e.database_name,
            e.table,
            e.start,
            cut(&e.file_name, 256),
            e.line_number,
            &e.column_name,
            cut(&e.column_type, 10),
            &e.column_length,
            e.position,
            e.err_code,
            cut(&e.err_reason, 512),
        ]);
    }
    rows.finish()
}

pub static STL_LOAD_COMMITS: SystemRelation =
    SystemRelation::primitive("stl_load_commits", 11_023, COMMITS, commits)
        .own_rows()
        .on_compute();
const COMMITS: Columns = &[
    ("userid", Int4),
    ("query", Int4),
    ("slice", Int4),
    ("name", Char(256)),
    ("filename", Char(256)),
    ("byte_offset", Int4),
    ("lines_scanned", Int4),
    ("errors", Int4),
    ("status", Int4),
    ("curtime", Timestamp),
    ("file_format", Char(16)),
    ("is_partial", Int4),
    ("start_offset", Int8),
    ("copy_job_id", Int8),
];

fn commits(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COMMITS);
    for load in ctx.live.events().load_commits() {
        if !sees_rows_of(ctx, load.user) {
            continue;
        }
        rows.push(row![
            load.user,
            load.query_id,
            load.slice,
            &load.table_name,
            cut(&load.file_name, 256),
            0,
            load.lines_scanned,
            load.errors,
            1,
            load.end,
            &load.file_format,
            0,
            0,
            0,
        ]);
    }
    rows.finish()
}

pub static STL_FILE_SCAN: SystemRelation =
    SystemRelation::primitive("stl_file_scan", 11_024, SCAN, scan)
        .own_rows()
        .on_compute();
const SCAN: Columns = &[
    ("userid", Int4),
    ("query", Int4),
    ("slice", Int4),
    ("name", Char(90)),
    ("lines", Int8),
    ("bytes", Int8),
    ("loadtime", Int8),
    ("curtime", Timestamp),
    ("is_partial", Int4),
    ("start_offset", Int8),
];

fn scan(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(SCAN);
    for load in ctx.live.events().load_commits() {
        if !sees_rows_of(ctx, load.user) {
            continue;
        }
        rows.push(row![
            load.user,
            load.query_id,
            load.slice,
            cut(&load.file_name, 90),
            load.lines_scanned,
            load.bytes,
            load.end - load.start,
            load.end,
            0,
            0,
        ]);
    }
    rows.finish()
}

pub static SYS_LOAD_DETAIL: SystemRelation =
    SystemRelation::primitive("sys_load_detail", 11_025, LOAD_DETAIL, load_detail)
        .own_rows()
        .on_compute();
const LOAD_DETAIL: Columns = &[
    ("user_id", Int4),
    ("query_id", Int8),
    ("file_name", Char(256)),
    ("bytes_scanned", Int8),
    ("lines_scanned", Int8),
    ("record_time", Timestamp),
    ("splits_scanned", Int4),
    ("start_time", Timestamp),
    ("end_time", Timestamp),
];

fn load_detail(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(LOAD_DETAIL);
    for load in ctx.live.events().load_commits() {
        if !sees_rows_of(ctx, load.user) {
            continue;
        }
        rows.push(row![
            load.user,
            load.query_id,
            cut(&load.file_name, 256),
            load.bytes,
            load.lines_scanned,
            load.end,
            1,
            load.start,
            load.end,
        ]);
    }
    rows.finish()
}

pub static SYS_LOAD_HISTORY: SystemRelation =
    SystemRelation::primitive("sys_load_history", 11_026, HISTORY, history)
        .own_rows()
        .on_compute();
const HISTORY: Columns = &[
    ("user_id", Int4),
    ("query_id", Int8),
    ("transaction_id", Int8),
    ("session_id", Int4),
    ("database_name", Text),
    ("status", Text),
    ("table_name", Text),
    ("start_time", Timestamp),
    ("end_time", Timestamp),
    ("duration", Int8),
    ("data_source", Text),
    ("file_format", Text),
    ("loaded_rows", Int8),
    ("loaded_bytes", Int8),
    ("source_file_count", Int4),
    ("source_file_bytes", Int8),
    ("file_count_scanned", Int4),
    ("file_bytes_scanned", Int8),
    ("error_count", Int8),
    ("copy_job_id", Int8),
];

fn history(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(HISTORY);
    let events = ctx.live.events();
    let copies = events.copies().into_iter();
    for copy in copies.chain(events.running_copies()) {
        if !sees_rows_of(ctx, copy.user) {
            continue;
        }
        rows.push(row![
            copy.user,
            copy.query_id,
            copy.xid,
            copy.pid,
            &copy.database_name,
            load_status(copy.status),
            &copy.table_name,
            copy.start,
            copy.status.ended().then_some(copy.end),
            copy.end - copy.start,
            &copy.data_source,
            &copy.file_format,
            copy.loaded_rows,
            copy.loaded_bytes,
            copy.source_file_count,
            copy.source_file_bytes,
            copy.files_done,
            copy.bytes_done,
            copy.error_count,
            0,
        ]);
    }
    rows.finish()
}

pub static STV_LOAD_STATE: SystemRelation =
    SystemRelation::primitive("stv_load_state", 11_027, STATE, state)
        .own_rows()
        .on_compute();
const STATE: Columns = &[
    ("userid", Int4),
    ("session", Int4),
    ("query", Int4),
    ("slice", Int4),
    ("pid", Int4),
    ("recordtime", Timestamp),
    ("bytes_to_load", Int8),
    ("bytes_loaded", Int8),
    ("bytes_to_load_compressed", Int8),
    ("bytes_loaded_compressed", Int8),
    ("lines", Int4),
    ("num_files", Int4),
    ("num_files_complete", Int4),
    ("current_file", Char(256)),
    ("pct_complete", Int4),
];

/// One row per COPY, of slice 0: a file's rows go to all slices.
fn state(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(STATE);
    for copy in ctx.live.events().running_copies() {
        if !sees_rows_of(ctx, copy.user) {
            continue;
        }
        // How many bytes compressed files will be is not known.
        let compressed = !copy.compression.is_empty();
        let of = |yes: bool, bytes: u64| if yes { bytes } else { 0 };
        let (all, done) = (copy.source_file_bytes, copy.bytes_done);
        rows.push(row![
            copy.user,
            copy.pid,
            copy.query_id,
            0,
            copy.pid,
            copy.end,
            of(!compressed, all),
            copy.loaded_bytes,
            of(compressed, all),
            of(compressed, done),
            copy.loaded_rows,
            copy.source_file_count,
            copy.files_done,
            cut(&copy.current_file, 256),
            (done.min(all) * 100).checked_div(all).unwrap_or(100),
        ]);
    }
    rows.finish()
}
