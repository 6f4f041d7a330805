//! Relations over the record of what happened: `stl_`, `svl_` and `sys_`. An ordinary user sees
//! its own rows.

use std::sync::Arc;

use lw_events::{QueryRecord, QueryStatus};

use crate::prelude::*;

mod connections;
mod loads;
mod maintenance;
mod queries;
mod texts;
mod unloads;

/// The list.
pub const RELATIONS: &[&SystemRelation] = &[
    &connections::STL_CONNECTION_LOG,
    &connections::STL_SESSIONS,
    &connections::SYS_CONNECTION_LOG,
    &connections::SYS_SESSION_HISTORY,
    &loads::STL_FILE_SCAN,
    &loads::STL_LOAD_COMMITS,
    &loads::STV_LOAD_STATE,
    &loads::STL_LOAD_ERRORS,
    &loads::STL_LOADERROR_DETAIL,
    &loads::SYS_LOAD_DETAIL,
    &loads::SYS_LOAD_ERROR_DETAIL,
    &loads::SYS_LOAD_HISTORY,
    &maintenance::STL_ANALYZE,
    &maintenance::STL_VACUUM,
    &maintenance::SYS_ANALYZE_HISTORY,
    &maintenance::SYS_VACUUM_HISTORY,
    &queries::STL_QUERY,
    &queries::SVL_QLOG,
    &queries::SYS_QUERY_HISTORY,
    &texts::STL_DDLTEXT,
    &texts::STL_QUERYTEXT,
    &texts::STL_UTILITYTEXT,
    &texts::SVL_STATEMENTTEXT,
    &texts::SYS_QUERY_TEXT,
    &unloads::STL_UNLOAD_LOG,
    &unloads::SYS_UNLOAD_DETAIL,
    &unloads::SYS_UNLOAD_HISTORY,
];

/// The statements whose rows the session's user sees, oldest first.
fn queries_seen(ctx: &SystemContext) -> Vec<Arc<QueryRecord>> {
    let mut queries = ctx.live.events().queries();
    queries.retain(|q| sees_rows_of(ctx, q.user));
    queries
}

/// 1 if the statement was cancelled or failed.
fn aborted(query: &QueryRecord) -> i32 {
    i32::from(matches!(
        query.status,
        QueryStatus::Failed | QueryStatus::Canceled
    ))
}

/// Which of the three text tables a statement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Query,
    Ddl,
    Utility,
}

fn family(query: &QueryRecord) -> Family {
    match query.query_type.as_str() {
        "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY" | "UNLOAD" | "CTAS" => {
            Family::Query
        }
        "DDL" => Family::Ddl,
        _ => Family::Utility,
    }
}

/// A text cut to this many bytes, between characters.
fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `completed`, `aborted`, `running` of the load and unload histories.
fn load_status(status: QueryStatus) -> &'static str {
    match status {
        QueryStatus::Success => "completed",
        QueryStatus::Failed | QueryStatus::Canceled => "aborted",
        _ => "running",
    }
}
