//! Finding objects by name or id, as the functions' arguments give them, and the names of the
//! system's own objects.

use std::sync::{Arc, OnceLock};

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{Relation, Schema, User};
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;

use super::define::Value;

/// Names of the system's own objects. The list of system relations is `sysviews`', which this
/// crate does not see; the engine hands it over when it is built.
#[derive(Debug, Default)]
pub struct SystemNames {
    /// System relations: schema, name, id, true if only superusers may read it.
    pub relations: Vec<(&'static str, &'static str, u32, bool)>,
    /// Ids of the schemas that hold them.
    pub schemas: Vec<(&'static str, u32)>,
    /// The id of the first function.
    pub first_function: u32,
    /// Functions in order of their ids: name, arguments, result.
    pub functions: Vec<(String, Vec<SqlType>, SqlType)>,
}

static NAMES: OnceLock<SystemNames> = OnceLock::new();

/// Hands over the names of the system's own objects; later calls change nothing.
pub fn set_system_names(names: SystemNames) {
    let _ = NAMES.set(names);
}

/// The names of the system's own objects.
pub fn system_names() -> &'static SystemNames {
    static NONE: SystemNames = SystemNames {
        relations: Vec::new(),
        schemas: Vec::new(),
        first_function: 0,
        functions: Vec::new(),
    };
    NAMES.get().unwrap_or(&NONE)
}

/// A relation that was found.
pub enum Found {
    /// A user's.
    User(Arc<Relation>),
    /// One of the system's: id and true if only superusers may read it.
    System(Oid, bool),
}

impl Found {
    /// Its id.
    pub fn oid(&self) -> Oid {
        match self {
            Found::User(r) => r.oid,
            Found::System(oid, _) => *oid,
        }
    }
}

/// The parts of a possibly quoted, possibly qualified name: `"My Schema".t`.
pub fn name_parts(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut chars = text.trim().chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c if quoted => part.push(c),
            c => part.extend(c.to_lowercase()),
        }
    }
    parts.push(part);
    parts
}

/// Schemas `search_path` reaches, in order: the temporary one first, `pg_catalog` left out.
pub fn path_schemas(session: &SessionInfo) -> Vec<Arc<Schema>> {
    let user = session.catalog.user(session.user).map(|u| u.name.as_str());
    let temporary = session.catalog.schema(session.temp_schema).cloned();
    let named = session.search_path.iter().filter_map(|name| {
        let name = if name == "$user" {
            user?
        } else {
            name.as_str()
        };
        session
            .catalog
            .schema_named(session.database, name)
            .cloned()
    });
    temporary.into_iter().chain(named).collect()
}

/// The relation with this name.
pub fn relation_by_name(session: &SessionInfo, text: &str) -> Option<Found> {
    let mut parts = name_parts(text);
    let name = parts.pop()?;
    let schema = parts.pop();
    let database = match parts.pop() {
        Some(database) => session.catalog.database_named(&database)?.oid,
        None => session.database,
    };
    let system = |schema: &str| {
        system_names()
            .relations
            .iter()
            .find(|r| r.0 == schema && r.1 == name)
            .map(|r| Found::System(Oid(r.2), r.3))
    };
    match schema {
        Some(schema) => system(&schema).or_else(|| {
            let schema = session.catalog.schema_named(database, &schema)?;
            let relation = session.catalog.relation_named(schema.oid, &name)?;
            Some(Found::User(relation.clone()))
        }),
        None => system("pg_catalog").or_else(|| {
            path_schemas(session).into_iter().find_map(|schema| {
                let relation = session.catalog.relation_named(schema.oid, &name)?;
                Some(Found::User(relation.clone()))
            })
        }),
    }
}

/// The relation an argument names, by id or by name. An id that nothing has gives `None`, an
/// unknown name is an error.
pub fn relation_of(session: &SessionInfo, value: &Value) -> Result<Option<Found>> {
    let id = match value {
        Value::Int(oid) => Some(*oid),
        Value::Text(text) => text.trim().parse::<i64>().ok(),
        _ => None,
    };
    if let Some(id) = id {
        let oid = Oid(u32::try_from(id).unwrap_or(0));
        let system = system_names().relations.iter().find(|r| r.2 == oid.0);
        return Ok(match session.catalog.relation(oid) {
            Some(relation) => Some(Found::User(relation.clone())),
            None => system.map(|r| Found::System(oid, r.3)),
        });
    }
    match relation_by_name(session, value.text()) {
        Some(found) => Ok(Some(found)),
        None => Err(SqlError::new(
            SqlState::UNDEFINED_TABLE,
            format!("relation \"{}\" does not exist", value.text()),
        )),
    }
}

/// The user an argument names, by id or by name.
pub fn user_of(session: &SessionInfo, value: &Value) -> Result<Arc<User>> {
    let found = match value {
        Value::Int(oid) => session.catalog.user(Oid(u32::try_from(*oid).unwrap_or(0))),
        other => session.catalog.user_named(other.text()),
    };
    found.cloned().ok_or_else(|| {
        let name = match value {
            Value::Int(oid) => format!("user with OID {oid} does not exist"),
            other => format!("user \"{}\" does not exist", other.text()),
        };
        SqlError::new(SqlState::UNDEFINED_OBJECT, name)
    })
}

/// The name of the schema with this id, the system's included.
pub fn schema_name(session: &SessionInfo, oid: Oid) -> Option<String> {
    session
        .catalog
        .schema(oid)
        .map(|s| s.name.clone())
        .or_else(|| {
            system_names()
                .schemas
                .iter()
                .find(|s| s.1 == oid.0)
                .map(|s| s.0.to_string())
        })
}
