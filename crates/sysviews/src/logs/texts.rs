//! Whole texts of statements in pieces of 200 bytes: `stl_querytext`, `stl_ddltext`,
//! `stl_utilitytext`, `svl_statementtext`, `sys_query_text`. As in Redshift a line end is written
//! as the two characters `\n`.

use super::*;

/// The pieces of a text, numbered from 0.
fn pieces(text: &str) -> Vec<String> {
    let text = text.replace('\r', "").replace('\n', "\\n");
    let mut rest = text.as_str();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let piece = cut(rest, 200);
        found.push(piece.to_string());
        rest = &rest[piece.len()..];
    }
    found
}

pub static STL_QUERYTEXT: SystemRelation =
    SystemRelation::primitive("stl_querytext", 11_010, QUERYTEXT, querytext)
        .own_rows()
        .on_compute();
const QUERYTEXT: Columns = &[
    ("userid", Int4),
    ("xid", Int8),
    ("pid", Int4),
    ("query", Int4),
    ("sequence", Int4),
    ("text", Char(200)),
];

fn querytext(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(QUERYTEXT);
    for q in queries_seen(ctx) {
        if family(&q) != Family::Query {
            continue;
        }
        for (i, piece) in pieces(&q.text).into_iter().enumerate() {
            rows.push(row![q.user, q.xid, q.pid, q.query_id, i, piece]);
        }
    }
    rows.finish()
}

pub static STL_DDLTEXT: SystemRelation =
    SystemRelation::primitive("stl_ddltext", 11_011, STATEMENT, ddltext)
        .own_rows()
        .on_compute();
pub static STL_UTILITYTEXT: SystemRelation =
    SystemRelation::primitive("stl_utilitytext", 11_012, STATEMENT, utilitytext)
        .own_rows()
        .on_compute();
const STATEMENT: Columns = &[
    ("userid", Int4),
    ("xid", Int8),
    ("pid", Int4),
    ("label", Char(320)),
    ("starttime", Timestamp),
    ("endtime", Timestamp),
    ("sequence", Int4),
    ("text", Char(200)),
];

fn ddltext(ctx: &SystemContext) -> Result<RecordBatch> {
    statements(ctx, Family::Ddl)
}

fn utilitytext(ctx: &SystemContext) -> Result<RecordBatch> {
    statements(ctx, Family::Utility)
}

fn statements(ctx: &SystemContext, wanted: Family) -> Result<RecordBatch> {
    let mut rows = Rows::new(STATEMENT);
    for q in queries_seen(ctx) {
        if !q.status.ended() || family(&q) != wanted {
            continue;
        }
        for (i, piece) in pieces(&q.text).into_iter().enumerate() {
            rows.push(row![
                q.user, q.xid, q.pid, &q.label, q.start, q.end, i, piece
            ]);
        }
    }
    rows.finish()
}

pub static SVL_STATEMENTTEXT: SystemRelation =
    SystemRelation::primitive("svl_statementtext", 11_013, STATEMENTTEXT, statementtext)
        .own_rows()
        .on_compute();
const STATEMENTTEXT: Columns = &[
    ("userid", Int4),
    ("xid", Int8),
    ("pid", Int4),
    ("label", Char(320)),
    ("starttime", Timestamp),
    ("endtime", Timestamp),
    ("sequence", Int4),
    ("type", Varchar(10)),
    ("text", Char(200)),
];

fn statementtext(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(STATEMENTTEXT);
    for q in queries_seen(ctx) {
        if !q.status.ended() {
            continue;
        }
        let kind = match family(&q) {
            Family::Query => "QUERY",
            Family::Ddl => "DDL",
            Family::Utility => "UTILITY",
        };
        for (i, piece) in pieces(&q.text).into_iter().enumerate() {
            rows.push(row![
                q.user, q.xid, q.pid, &q.label, q.start, q.end, i, kind, piece
            ]);
        }
    }
    rows.finish()
}

pub static SYS_QUERY_TEXT: SystemRelation =
    SystemRelation::primitive("sys_query_text", 11_014, QUERY_TEXT, query_text)
        .own_rows()
        .on_compute();
const QUERY_TEXT: Columns = &[
    ("user_id", Int4),
    ("query_id", Int8),
    ("transaction_id", Int8),
    ("session_id", Int4),
    ("start_time", Timestamp),
    ("sequence", Int4),
    ("text", Char(200)),
];

fn query_text(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(QUERY_TEXT);
    for q in queries_seen(ctx) {
        for (i, piece) in pieces(&q.text).into_iter().enumerate() {
            rows.push(row![q.user, q.query_id, q.xid, q.pid, q.start, i, piece]);
        }
    }
    rows.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_come_in_pieces() {
        let text = format!("select\n{}", "é".repeat(200));
        let found = pieces(&text);
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("select\\né"));
        assert!(found.iter().all(|p| p.len() <= 200));
        assert_eq!(found.concat(), text.replace('\n', "\\n"));
    }
}
