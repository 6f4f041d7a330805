//! Sizes, quoting, encodings, and the array functions the catalogs are read with.

use lw_base::Oid;
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;

use super::define::{Def, Value, def};
use super::names::relation_of;
use super::quote::quote_ident;

/// The functions.
pub static DEFS: &[Def] = &[
    def("quote_ident", 1, 1, SqlType::Text, |_, args| {
        Ok(quote_ident(args[0].text()).into())
    }),
    def("quote_literal", 1, 1, SqlType::Text, |_, args| {
        let text = match &args[0] {
            Value::Int(v) => v.to_string(),
            other => other.text().to_string(),
        };
        let quoted = text.replace('\\', "\\\\").replace('\'', "''");
        Ok(format!("'{quoted}'").into())
    }),
    def("pg_encoding_to_char", 1, 1, SqlType::Name, |_, args| {
        Ok(match args[0].int() {
            0 => "SQL_ASCII",
            6 => "UNICODE",
            8 => "LATIN1",
            _ => "",
        }
        .into())
    }),
    def("pg_char_to_encoding", 1, 1, SqlType::Int4, |_, args| {
        Ok(match args[0].text().to_ascii_uppercase().as_str() {
            "UNICODE" | "UTF8" | "UTF-8" => 6,
            "SQL_ASCII" => 0,
            "LATIN1" => 8,
            _ => -1i64,
        }
        .into())
    }),
    def("getdatabaseencoding", 0, 0, SqlType::Name, |_, _| {
        Ok("UNICODE".into())
    }),
    def("pg_client_encoding", 0, 0, SqlType::Name, |_, _| {
        Ok("UNICODE".into())
    }),
    def("pg_relation_size", 1, 1, SqlType::Int8, relation_size),
    def("pg_table_size", 1, 1, SqlType::Int8, relation_size),
    def("pg_total_relation_size", 1, 1, SqlType::Int8, relation_size),
    def("pg_database_size", 1, 1, SqlType::Int8, database_size),
    def("pg_size_pretty", 1, 1, SqlType::Text, |_, args| {
        Ok(pretty(args[0].int()).into())
    }),
    def("pg_tablespace_location", 1, 1, SqlType::Text, |_, _| {
        Ok("".into())
    }),
    // `array || array`.
    def("__array_cat", 2, 2, SqlType::TextArray, |_, args| {
        let items = |v: &Value| match v {
            Value::List(items) => Some(items.clone()),
            _ => None,
        };
        Ok(match (items(&args[0]), items(&args[1])) {
            (Some(mut a), Some(b)) => {
                a.extend(b);
                Value::List(a)
            }
            (a, b) => a.or(b).map_or(Value::Null, Value::List),
        })
    })
    .nullable(),
    // `ARRAY(SELECT prefix || x FROM unnest(array) x)`.
    def("__array_prefix", 2, 2, SqlType::TextArray, |_, args| {
        let Value::List(items) = &args[1] else {
            return Ok(Value::List(Vec::new()));
        };
        let prefix = args[0].text();
        let prefixed = items
            .iter()
            .map(|v| v.as_ref().map(|v| format!("{prefix}{v}")));
        Ok(Value::List(prefixed.collect()))
    })
    .nullable(),
    // ARRAY(subquery) of no rows is an empty array.
    def("__array_or_empty", 1, 1, SqlType::TextArray, |_, args| {
        Ok(match &args[0] {
            Value::Null => Value::List(Vec::new()),
            list => list.clone(),
        })
    })
    .nullable(),
    def("array_lower", 2, 2, SqlType::Int4, |_, args| {
        Ok(match (&args[0], args[1].int()) {
            (Value::List(items), 1) if !items.is_empty() => Value::Int(1),
            _ => Value::Null,
        })
    }),
    def("array_upper", 2, 2, SqlType::Int4, |_, args| {
        Ok(match (&args[0], args[1].int()) {
            (Value::List(items), 1) if !items.is_empty() => Value::Int(items.len() as i64),
            _ => Value::Null,
        })
    }),
    def("array_to_string", 2, 3, SqlType::Text, |_, args| {
        let Value::List(items) = &args[0] else {
            return Ok(Value::Null);
        };
        let null = args.get(2).map(Value::text);
        let shown = items.iter().filter_map(|v| v.as_deref().or(null));
        Ok(shown.collect::<Vec<_>>().join(args[1].text()).into())
    }),
    def("string_to_array", 2, 2, SqlType::TextArray, |_, args| {
        let (text, separator) = (args[0].text(), args[1].text());
        let items: Vec<Option<String>> = if text.is_empty() {
            Vec::new()
        } else if separator.is_empty() {
            vec![Some(text.to_string())]
        } else {
            text.split(separator).map(|p| Some(p.to_string())).collect()
        };
        Ok(Value::List(items))
    }),
];

fn relation_size(session: &SessionInfo, args: &[Value]) -> lw_base::Result<Value> {
    Ok(relation_of(session, &args[0])?
        .map(|found| session.catalog.table_data(found.oid()).bytes() as i64)
        .into())
}

fn database_size(session: &SessionInfo, args: &[Value]) -> lw_base::Result<Value> {
    let catalog = &session.catalog;
    let database = match &args[0] {
        Value::Int(oid) => catalog.database(Oid(*oid as u32)),
        name => catalog.database_named(name.text()),
    };
    Ok(database
        .map(|database| {
            let mut bytes = 0;
            for schema in catalog.schemas(database.oid) {
                for relation in catalog.relations_in(schema.oid) {
                    bytes += catalog.table_data(relation.oid).bytes() as i64;
                }
            }
            bytes
        })
        .into())
}

/// A size for people: whole units, the next one from ten times 1,024 on.
fn pretty(bytes: i64) -> String {
    let mut size = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if size.abs() < 10.0 * 1024.0 {
            return format!("{} {unit}", size.round());
        }
        size /= 1024.0;
    }
    format!("{} TB", size.round())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_to_units() {
        assert_eq!(pretty(0), "0 bytes");
        assert_eq!(pretty(10_239), "10239 bytes");
        assert_eq!(pretty(10_240), "10 kB");
        assert_eq!(pretty(20 * 1024 * 1024), "20 MB");
    }
}
