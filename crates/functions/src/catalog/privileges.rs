//! `has_table_privilege` and its kin. Each takes (object, privilege) for the current user, or
//! (user, object, privilege).

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;

use super::define::{Def, Value, def};
use super::names::{Found, relation_of, system_names, user_of};

/// The functions.
pub static DEFS: &[Def] = &[
    def("has_table_privilege", 2, 3, SqlType::Bool, table),
    def("has_column_privilege", 3, 4, SqlType::Bool, column),
    def("has_any_column_privilege", 2, 3, SqlType::Bool, table),
    def("has_schema_privilege", 2, 3, SqlType::Bool, schema),
    def("has_database_privilege", 2, 3, SqlType::Bool, database),
    // Everyone may call the built-in functions and use the built-in languages; there are no others.
    def("has_function_privilege", 2, 3, SqlType::Bool, |_, _| {
        Ok(true.into())
    }),
    def("has_language_privilege", 2, 3, SqlType::Bool, |_, _| {
        Ok(true.into())
    }),
];

/// The user asked about, and the arguments after it.
fn who<'a>(
    session: &SessionInfo,
    args: &'a [Value],
    without_user: usize,
) -> Result<(Oid, &'a [Value])> {
    if args.len() == without_user {
        return Ok((session.user, args));
    }
    Ok((user_of(session, &args[0])?.oid, &args[1..]))
}

/// The letters of a list of privileges; an object grants the list if it grants one of them.
fn letters(text: &str, known: &[(&str, char)]) -> Result<Vec<char>> {
    text.split(',')
        .map(|word| {
            let word = word.trim();
            known
                .iter()
                .find(|(name, _)| word.eq_ignore_ascii_case(name))
                .map(|(_, letter)| *letter)
                .ok_or_else(|| {
                    SqlError::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("unrecognized privilege type: \"{word}\""),
                    )
                })
        })
        .collect()
}

const TABLE: &[(&str, char)] = &[
    ("select", 'r'),
    ("insert", 'a'),
    ("update", 'w'),
    ("delete", 'd'),
    ("references", 'x'),
    ("trigger", 't'),
    ("rule", 'R'),
    ("drop", 'D'),
    ("truncate", 'P'),
    ("alter", 'A'),
];

fn table(session: &SessionInfo, args: &[Value]) -> Result<Value> {
    let (user, rest) = who(session, args, 2)?;
    check_table(session, user, &rest[0], rest[1].text())
}

fn check_table(
    session: &SessionInfo,
    user: Oid,
    object: &Value,
    privileges: &str,
) -> Result<Value> {
    let wanted = letters(privileges, TABLE)?;
    Ok(match relation_of(session, object)? {
        Some(Found::User(relation)) => wanted
            .iter()
            .any(|p| session.catalog.may_relation(user, &relation, *p))
            .into(),
        Some(Found::System(_, superuser_only)) => {
            let reads = wanted.contains(&'r');
            (reads && (!superuser_only || session.catalog.is_superuser(user))).into()
        }
        None => Value::Null,
    })
}

fn column(session: &SessionInfo, args: &[Value]) -> Result<Value> {
    let (user, rest) = who(session, args, 3)?;
    // Privileges are given on whole tables.
    if let Some(Found::User(relation)) = relation_of(session, &rest[0])? {
        let known = match &rest[1] {
            Value::Int(id) => relation.columns.iter().any(|c| i64::from(c.id) == *id),
            name => relation.column_index(name.text()).is_some(),
        };
        if !known {
            return Err(SqlError::new(
                SqlState::UNDEFINED_COLUMN,
                format!(
                    "column \"{}\" of relation \"{}\" does not exist",
                    rest[1].text(),
                    relation.name
                ),
            ));
        }
    }
    check_table(session, user, &rest[0], rest[2].text())
}

fn schema(session: &SessionInfo, args: &[Value]) -> Result<Value> {
    let (user, rest) = who(session, args, 2)?;
    let wanted = letters(rest[1].text(), &[("usage", 'U'), ("create", 'C')])?;
    let system = |name: &str, oid: i64| {
        system_names()
            .schemas
            .iter()
            .any(|s| s.0 == name || i64::from(s.1) == oid)
    };
    let found = match &rest[0] {
        Value::Int(oid) => session.catalog.schema(Oid(*oid as u32)),
        name => session.catalog.schema_named(session.database, name.text()),
    };
    match found {
        Some(schema) => Ok(wanted
            .iter()
            .any(|p| session.catalog.may_schema(user, schema, *p))
            .into()),
        None if system(rest[0].text(), rest[0].int()) => Ok(wanted.contains(&'U').into()),
        None if matches!(rest[0], Value::Int(_)) => Ok(Value::Null),
        None => Err(SqlError::new(
            SqlState::INVALID_SCHEMA_NAME,
            format!("schema \"{}\" does not exist", rest[0].text()),
        )),
    }
}

fn database(session: &SessionInfo, args: &[Value]) -> Result<Value> {
    let (user, rest) = who(session, args, 2)?;
    let wanted = letters(
        rest[1].text(),
        &[
            ("create", 'C'),
            ("temporary", 'T'),
            ("temp", 'T'),
            ("usage", 'U'),
            ("connect", 'c'),
        ],
    )?;
    let found = match &rest[0] {
        Value::Int(oid) => session.catalog.database(Oid(*oid as u32)),
        name => session.catalog.database_named(name.text()),
    };
    match found {
        Some(database) => Ok(wanted
            .iter()
            .any(|p| session.catalog.may_database(user, database, *p))
            .into()),
        None if matches!(rest[0], Value::Int(_)) => Ok(Value::Null),
        None => Err(SqlError::new(
            SqlState::INVALID_CATALOG_NAME,
            format!("database \"{}\" does not exist", rest[0].text()),
        )),
    }
}
