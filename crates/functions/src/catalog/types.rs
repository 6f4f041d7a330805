//! `format_type` and the names of types.

use lw_base::Result;
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;

use super::define::{Def, Value, def};

/// The functions.
pub static DEFS: &[Def] = &[
    def("format_type", 1, 2, SqlType::Text, |_, args| {
        if args[0] == Value::Null {
            return Ok(Value::Null);
        }
        let typmod = args.get(1).map_or(-1, |t| match t {
            Value::Null => -1,
            t => t.int() as i32,
        });
        Ok(format_type(args[0].int() as u32, typmod).into())
    })
    .nullable(),
    def("format_encoding", 1, 1, SqlType::Text, |_, args| {
        Ok(encoding_name(args[0].int()).into())
    }),
    def("__regtype", 1, 1, SqlType::Oid, regtype),
    def("__regtype_name", 1, 1, SqlType::Text, |s, args| {
        Ok(format_type(regtype(s, args)?.int() as u32, -1).into())
    }),
    def("to_regtype", 1, 1, SqlType::Oid, |s, args| {
        Ok(regtype(s, args).unwrap_or(Value::Null))
    }),
];

/// Types `pg_type` lists that no value of Longwave's has.
const NAMED: &[(u32, &str)] = &[
    (17, "bytea"),
    (27, "tid"),
    (29, "cid"),
    (1000, "boolean[]"),
    (1002, "\"char\"[]"),
    (1014, "character[]"),
    (1015, "character varying[]"),
    (1016, "bigint[]"),
    (1021, "real[]"),
    (1022, "double precision[]"),
    (1033, "aclitem"),
    (1115, "timestamp without time zone[]"),
    (1182, "date[]"),
    (1183, "time without time zone[]"),
    (1185, "timestamp with time zone[]"),
    (1186, "interval"),
    (1231, "numeric[]"),
    (1270, "time with time zone[]"),
    (1790, "refcursor"),
    (2205, "regclass"),
    (2206, "regtype"),
    (2249, "record"),
    (2275, "cstring"),
    (2276, "\"any\""),
    (2277, "anyarray"),
    (2279, "\"trigger\""),
    (2283, "anyelement"),
    (2935, "hllsketch"),
    (3000, "geometry"),
    (3001, "geography"),
    (4000, "super"),
];

/// The SQL name of a type.
pub fn format_type(oid: u32, typmod: i32) -> String {
    if oid == 0 {
        return "-".to_string();
    }
    match SqlType::from_oid(oid, typmod) {
        Some(sql_type) => {
            let full = sql_type.to_string();
            let parametrized = matches!(
                sql_type,
                SqlType::Char(_) | SqlType::Varchar(_) | SqlType::Numeric(..) | SqlType::Varbyte(_)
            );
            if typmod < 0 && parametrized {
                full.split('(').next().unwrap_or_default().to_string()
            } else {
                full
            }
        }
        None => NAMED
            .iter()
            .find(|(known, _)| *known == oid)
            .map_or_else(|| "???".to_string(), |(_, name)| name.to_string()),
    }
}

/// The name of a compression encoding, from `pg_attribute.attencodingtype`.
fn encoding_name(code: i64) -> &'static str {
    match code {
        1 => "bytedict",
        2 => "delta",
        3 => "delta32k",
        4 => "mostly8",
        5 => "mostly16",
        6 => "mostly32",
        7 => "runlength",
        8 => "text255",
        9 => "text32k",
        10 => "lzo",
        11 => "zstd",
        12 => "az64",
        _ => "none",
    }
}

/// `'name'::regtype`: the id of a type, by its SQL name or its `typname`.
fn regtype(_: &SessionInfo, args: &[Value]) -> Result<Value> {
    if let Value::Int(oid) = args[0] {
        return Ok(Value::Int(oid));
    }
    let text = args[0].text().trim();
    if let Ok(oid) = text.parse::<i64>() {
        return Ok(Value::Int(oid));
    }
    let name = text.strip_prefix("pg_catalog.").unwrap_or(text);
    let name = name.to_lowercase();
    let found = (16..7000).find(|oid| {
        SqlType::from_oid(*oid, -1).is_some_and(|t| t.typname() == name)
            || format_type(*oid, -1) == name
    });
    let named = || {
        NAMED
            .iter()
            .find(|(_, known)| known.trim_matches('"') == name)
            .map(|(oid, _)| *oid)
    };
    match found.or_else(named) {
        Some(oid) => Ok(Value::Int(oid.into())),
        None => Err(lw_base::SqlError::new(
            lw_base::SqlState::UNDEFINED_OBJECT,
            format!("type \"{name}\" does not exist"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_their_parameters() {
        assert_eq!(format_type(23, -1), "integer");
        assert_eq!(format_type(1043, 24), "character varying(20)");
        assert_eq!(format_type(1043, -1), "character varying");
        assert_eq!(format_type(1700, (12 << 16) + 2 + 4), "numeric(12,2)");
        assert_eq!(format_type(1700, -1), "numeric");
        assert_eq!(format_type(4000, -1), "super");
        assert_eq!(format_type(999_999, -1), "???");
        assert_eq!(format_type(0, -1), "-");
    }
}
