//! `pg_attribute`: the columns of all relations of the session's database. A column's number is
//! its id, never reused. The system relations' own columns are here too.

use lw_catalog::{DistStyle, SortKey};

use crate::prelude::*;

pub static RELATION: SystemRelation =
    // psql 9.2 and later ask for the first four, which Redshift's catalog does not have.
    SystemRelation::primitive("pg_attribute", 1249, COLUMNS, rows).hidden(4);

const COLUMNS: Columns = &[
    ("attcollation", SqlType::Oid),
    ("attacl", AclItemArray),
    ("attoptions", TextArray),
    ("attfdwoptions", TextArray),
    ("attrelid", SqlType::Oid),
    ("attname", Name),
    ("atttypid", SqlType::Oid),
    ("attstattarget", Int4),
    ("attlen", Int2),
    ("attnum", Int2),
    ("attndims", Int4),
    ("attcacheoff", Int4),
    ("atttypmod", Int4),
    ("attbyval", Bool),
    ("attstorage", CharByte),
    ("attalign", CharByte),
    ("attnotnull", Bool),
    ("atthasdef", Bool),
    ("attisdropped", Bool),
    ("attislocal", Bool),
    ("attinhcount", Int4),
    ("attisdistkey", Bool),
    ("attispreloaded", Bool),
    ("attsortkeyord", Int4),
    ("attencodingtype", Int2),
    ("attencrypttype", Int2),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    let mut push = |relation: Oid,
                    name: &str,
                    number: i64,
                    sql_type: SqlType,
                    not_null: bool,
                    has_default: bool,
                    dist_key: bool,
                    sort_order: i32,
                    encoding: i16| {
        rows.push(row![
            0,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            relation,
            name,
            sql_type.oid(),
            -1,
            sql_type.typlen(),
            number,
            0,
            -1,
            sql_type.typmod(),
            by_value(sql_type),
            storage(sql_type),
            align(sql_type),
            not_null,
            has_default,
            false,
            true,
            0,
            dist_key,
            false,
            sort_order,
            encoding,
            0,
        ]);
    };
    for relation in crate::published() {
        for (i, (name, sql_type)) in relation.columns.iter().enumerate() {
            push(
                relation.oid,
                name,
                attribute_number(i, relation.hidden),
                *sql_type,
                false,
                false,
                false,
                0,
                0,
            );
        }
    }
    for (_, relation) in user_relations(ctx) {
        let table = relation.table();
        for column in &relation.columns {
            push(
                relation.oid,
                &column.name,
                i64::from(column.id),
                column.sql_type,
                column.not_null,
                column.default.is_some() || column.identity.is_some(),
                table.is_some_and(|t| t.dist == DistStyle::Key(column.id)),
                table.map_or(0, |t| sort_key_position(&t.sort, column.id)),
                encoding_code(&column.encoding),
            );
        }
    }
    rows.finish()
}

/// The number of a system relation's column: hidden ones have negative numbers, `oid` the one it has
/// in PostgreSQL.
fn attribute_number(index: usize, hidden: usize) -> i64 {
    let (index, hidden) = (index as i64, hidden as i64);
    if index < hidden {
        -2 - index
    } else {
        index - hidden + 1
    }
}

/// Position in the sort key from 1, 0 if it is not in it. For an interleaved key every second
/// one is negative, as the guide shows (PG_TABLE_DEF).
pub fn sort_key_position(sort: &SortKey, column: u32) -> i32 {
    let position = |ids: &[u32]| {
        ids.iter()
            .position(|id| *id == column)
            .map(|p| p as i32 + 1)
    };
    match sort {
        SortKey::Auto | SortKey::None => 0,
        SortKey::Compound(ids) => position(ids).unwrap_or(0),
        SortKey::Interleaved(ids) => position(ids).map_or(0, |p| if p % 2 == 1 { -p } else { p }),
    }
}

/// `attencodingtype`, as `format_encoding` reads it.
fn encoding_code(encoding: &str) -> i16 {
    ENCODINGS
        .iter()
        .find(|(_, name)| *name == encoding)
        .map_or(0, |(code, _)| *code)
}

/// Codes of encodings.
const ENCODINGS: &[(i16, &str)] = &[
    (0, "none"),
    (0, "raw"),
    (1, "bytedict"),
    (2, "delta"),
    (3, "delta32k"),
    (4, "mostly8"),
    (5, "mostly16"),
    (6, "mostly32"),
    (7, "runlength"),
    (8, "text255"),
    (9, "text32k"),
    (10, "lzo"),
    (11, "zstd"),
    (12, "az64"),
];

pub fn by_value(sql_type: SqlType) -> bool {
    matches!(sql_type.typlen(), 1 | 2 | 4 | 8)
}

pub fn storage(sql_type: SqlType) -> &'static str {
    match sql_type {
        Numeric(..) => "m",
        t if t.typlen() == -1 => "x",
        _ => "p",
    }
}

pub fn align(sql_type: SqlType) -> &'static str {
    match sql_type.typlen() {
        1 => "c",
        2 => "s",
        8 | 12 => "d",
        -2 => "c",
        _ => "i",
    }
}
