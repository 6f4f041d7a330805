//! `pg_type`: the types. Array types, and the types of Redshift's that Longwave does not store
//! yet but drivers look up by OID, are part of the list.

use super::pg_attribute::{align, by_value, storage};
use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_type", 1247, COLUMNS, rows).hidden(4);

const COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    // Asked for by psql 9.2 and later and by pgjdbc; Redshift's own table ends before them.
    ("typcategory", CharByte),
    ("typcollation", SqlType::Oid),
    ("typarray", SqlType::Oid),
    ("typname", Name),
    ("typnamespace", SqlType::Oid),
    ("typowner", Int4),
    ("typlen", Int2),
    ("typbyval", Bool),
    ("typtype", CharByte),
    ("typisdefined", Bool),
    ("typdelim", CharByte),
    ("typrelid", SqlType::Oid),
    ("typelem", SqlType::Oid),
    ("typinput", Regproc),
    ("typoutput", Regproc),
    ("typreceive", Regproc),
    ("typsend", Regproc),
    ("typanalyze", Regproc),
    ("typalign", CharByte),
    ("typstorage", CharByte),
    ("typnotnull", Bool),
    ("typbasetype", SqlType::Oid),
    ("typtypmod", Int4),
    ("typndims", Int4),
    ("typdefaultbin", Text),
    ("typdefault", Text),
];

/// The types with their category, array type and element type.
const TYPES: &[(SqlType, &str, u32, u32)] = &[
    (Bool, "B", 1000, 0),
    (CharByte, "S", 1002, 0),
    (Name, "S", 1003, 18),
    (Int8, "N", 1016, 0),
    (Int2, "N", 1005, 0),
    (Int2Vector, "A", 1006, 21),
    (Int4, "N", 1007, 0),
    (Regproc, "N", 1008, 0),
    (Text, "S", 1009, 0),
    (SqlType::Oid, "N", 1028, 0),
    (Xid, "U", 1011, 0),
    (OidVector, "A", 1013, 26),
    (Float4, "N", 1021, 0),
    (Float8, "N", 1022, 0),
    (Unknown, "X", 0, 0),
    (Char(1), "S", 1014, 0),
    (Varchar(1), "S", 1015, 0),
    (Date, "D", 1182, 0),
    (Time, "D", 1183, 0),
    (Timestamp, "D", 1115, 0),
    (TimestampTz, "D", 1185, 0),
    (IntervalYM, "T", 0, 0),
    (IntervalDS, "T", 0, 0),
    (TimeTz, "D", 1270, 0),
    (Numeric(38, 0), "N", 1231, 0),
    (Void, "P", 0, 0),
    (Varbyte(1), "U", 0, 0),
    (NameArray, "A", 0, 19),
    (Int2Array, "A", 0, 21),
    (Int4Array, "A", 0, 23),
    (TextArray, "A", 0, 25),
    (OidArray, "A", 0, 26),
    (AclItemArray, "A", 0, 1033),
];

/// Types known by name only: OID, name, length, category, type of type, element.
const OTHERS: &[(u32, &str, i16, &str, &str, u32)] = &[
    (17, "bytea", -1, "U", "b", 0),
    (27, "tid", 6, "U", "b", 0),
    (29, "cid", 4, "U", "b", 0),
    (1000, "_bool", -1, "A", "b", 16),
    (1002, "_char", -1, "A", "b", 18),
    (1006, "_int2vector", -1, "A", "b", 22),
    (1008, "_regproc", -1, "A", "b", 24),
    (1011, "_xid", -1, "A", "b", 28),
    (1013, "_oidvector", -1, "A", "b", 30),
    (1014, "_bpchar", -1, "A", "b", 1042),
    (1015, "_varchar", -1, "A", "b", 1043),
    (1016, "_int8", -1, "A", "b", 20),
    (1021, "_float4", -1, "A", "b", 700),
    (1022, "_float8", -1, "A", "b", 701),
    (1033, "aclitem", 12, "U", "b", 0),
    (1115, "_timestamp", -1, "A", "b", 1114),
    (1182, "_date", -1, "A", "b", 1082),
    (1183, "_time", -1, "A", "b", 1083),
    (1185, "_timestamptz", -1, "A", "b", 1184),
    (1186, "interval", 16, "T", "b", 0),
    (1231, "_numeric", -1, "A", "b", 1700),
    (1270, "_timetz", -1, "A", "b", 1266),
    (1790, "refcursor", -1, "U", "b", 0),
    (2205, "regclass", 4, "N", "b", 0),
    (2206, "regtype", 4, "N", "b", 0),
    (2249, "record", 4, "P", "p", 0),
    (2275, "cstring", -2, "P", "p", 0),
    (2276, "any", 4, "P", "p", 0),
    (2277, "anyarray", -1, "P", "p", 0),
    (2279, "trigger", 4, "P", "p", 0),
    (2283, "anyelement", 4, "P", "p", 0),
    (2935, "hllsketch", -1, "U", "b", 0),
    (3000, "geometry", -1, "U", "b", 0),
    (3001, "geography", -1, "U", "b", 0),
    (4000, "super", -1, "U", "b", 0),
];

fn rows(_ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for (sql_type, category, array, element) in TYPES {
        let name = sql_type.typname();
        let kind = if *category == "P" { "p" } else { "b" };
        let io = |suffix: &str| io_function(name, suffix, *category == "A" && *element != 0);
        rows.push(row![
            sql_type.oid(),
            *category,
            0,
            *array,
            name,
            crate::PG_CATALOG,
            BOOTSTRAP_USER,
            sql_type.typlen(),
            by_value(*sql_type),
            kind,
            true,
            ",",
            0,
            *element,
            io("in"),
            io("out"),
            io("recv"),
            io("send"),
            "-",
            align(*sql_type),
            storage(*sql_type),
            false,
            0,
            -1,
            0,
            Cell::Null,
            Cell::Null,
        ]);
    }
    for (oid, name, len, category, kind, element) in OTHERS {
        let io = |suffix: &str| io_function(name, suffix, *category == "A");
        rows.push(row![
            *oid,
            *category,
            0,
            0,
            *name,
            crate::PG_CATALOG,
            BOOTSTRAP_USER,
            *len,
            matches!(len, 1 | 2 | 4 | 8),
            *kind,
            true,
            ",",
            0,
            *element,
            io("in"),
            io("out"),
            io("recv"),
            io("send"),
            "-",
            "i",
            if *len == -1 { "x" } else { "p" },
            false,
            0,
            -1,
            0,
            Cell::Null,
            Cell::Null,
        ]);
    }
    rows.finish()
}

/// The name of a type's input or output function, in PostgreSQL's way of naming them.
fn io_function(name: &str, suffix: &str, array: bool) -> String {
    match name {
        // The vectors have functions of their own.
        "int2vector" | "oidvector" => format!("{name}{suffix}"),
        _ if array => format!("array_{suffix}"),
        "date" | "time" | "timetz" | "timestamp" | "timestamptz" | "numeric" | "interval"
        | "array" | "record" | "void" | "any" | "anyarray" | "trigger" | "cstring" => {
            format!("{name}_{suffix}")
        }
        _ => format!("{name}{suffix}"),
    }
}
