//! [`PlanContext`]: what planning may see, and how names are found in it.

use std::sync::Arc;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{CatalogSnapshot, Database, Relation, Schema};
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;
use lw_sql_syntax::sqlparser::ast::{Ident, ObjectName, ObjectNamePart};
use lw_sysviews::SystemRelation;

/// Longest name, bytes (Developer Guide, "Names and identifiers").
pub const NAME_MAX: usize = 127;

/// What one statement's planning may see.
#[derive(Debug, Clone)]
pub struct PlanContext {
    /// The session, with its catalog.
    pub session: Arc<SessionInfo>,
    /// Types the client declared for `$1`, `$2`, ...
    pub declared: Vec<Option<SqlType>>,
}

/// A table or view found by name.
#[derive(Debug, Clone)]
pub enum Resolved {
    /// One of the catalog.
    Relation(Arc<Relation>),
    /// A system relation.
    System(&'static SystemRelation),
}

/// A name divided into its parts, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualifiedName {
    /// The database, if given.
    pub database: Option<String>,
    /// The schema, if given.
    pub schema: Option<String>,
    /// The object.
    pub name: String,
}

impl std::fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [&self.database, &self.schema].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name)
    }
}

impl PlanContext {
    /// A context.
    pub fn new(session: Arc<SessionInfo>, declared: Vec<Option<SqlType>>) -> Self {
        PlanContext { session, declared }
    }

    /// The catalog.
    pub fn catalog(&self) -> &CatalogSnapshot {
        &self.session.catalog
    }

    /// The name as the catalog has it: lower case, quoted or not, unless
    /// `enable_case_sensitive_identifier` is on; cut at [`NAME_MAX`] bytes.
    pub fn fold(&self, ident: &Ident) -> String {
        let keep = ident.quote_style.is_some()
            && self
                .session
                .settings
                .is_on("enable_case_sensitive_identifier");
        let mut name = if keep {
            ident.value.clone()
        } else {
            ident.value.to_lowercase()
        };
        if name.len() > NAME_MAX {
            let mut end = NAME_MAX;
            while !name.is_char_boundary(end) {
                end -= 1;
            }
            name.truncate(end);
        }
        name
    }

    /// The parts of a name, folded.
    pub fn qualified(&self, name: &ObjectName) -> Result<QualifiedName> {
        let mut parts = Vec::with_capacity(3);
        for part in &name.0 {
            match part {
                ObjectNamePart::Identifier(ident) => parts.push(self.fold(ident)),
                ObjectNamePart::Function(_) => {
                    return Err(SqlError::syntax(format!("improper name: {name}")));
                }
            }
        }
        let mut parts = parts.into_iter().rev();
        let (last, schema, database) = (parts.next(), parts.next(), parts.next());
        match (last, parts.next()) {
            (Some(name), None) => Ok(QualifiedName {
                database,
                schema,
                name,
            }),
            _ => Err(SqlError::syntax(format!(
                "improper qualified name (too many dotted names): {name}"
            ))),
        }
    }

    /// Finds a table or view. Names without a schema are looked for in the temporary schema, then
    /// `pg_catalog`, then `search_path`.
    pub fn resolve(&self, name: &ObjectName) -> Result<Resolved> {
        let name = self.qualified(name)?;
        self.find(&name)?.ok_or_else(|| missing_relation(&name))
    }

    /// As [`PlanContext::resolve`]; `None` if there is no such relation. A schema or database that
    /// does not exist is an error.
    pub fn find(&self, name: &QualifiedName) -> Result<Option<Resolved>> {
        let database = self.database_of(name)?;
        if let Some(schema) = &name.schema {
            if let Some(found) = self.find_in(database, schema, &name.name) {
                return Ok(Some(found));
            }
            if !lw_sysviews::SCHEMAS
                .iter()
                .any(|(system, _)| schema == system)
            {
                self.schema(database, schema)?;
            }
            return Ok(None);
        }
        let catalog = self.catalog();
        if let Some(r) = catalog.relation_named(self.session.temp_schema, &name.name) {
            return Ok(Some(Resolved::Relation(r.clone())));
        }
        let explicit = self.session.search_path.iter().any(|s| s == "pg_catalog");
        if !explicit && let Some(found) = self.find_in(database, "pg_catalog", &name.name) {
            return Ok(Some(found));
        }
        for schema in self.search_path() {
            if let Some(found) = self.find_in(database, &schema, &name.name) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn find_in(&self, database: Oid, schema: &str, name: &str) -> Option<Resolved> {
        if let Some(system) = lw_sysviews::lookup(schema, name) {
            return Some(Resolved::System(system));
        }
        let schema = self.schema_oid(database, schema)?;
        self.catalog()
            .relation_named(schema, name)
            .map(|r| Resolved::Relation(r.clone()))
    }

    fn schema_oid(&self, database: Oid, schema: &str) -> Option<Oid> {
        if schema == "pg_temp" {
            return Some(self.session.temp_schema);
        }
        self.catalog().schema_named(database, schema).map(|s| s.oid)
    }

    /// `search_path` with `$user` replaced.
    pub fn search_path(&self) -> Vec<String> {
        let user = self.catalog().user(self.session.user);
        self.session
            .search_path
            .iter()
            .filter_map(|s| match s.as_str() {
                "$user" => user.map(|u| u.name.clone()),
                other => Some(other.to_string()),
            })
            .collect()
    }

    /// The database a name is in: the session's unless it says another.
    pub fn database_of(&self, name: &QualifiedName) -> Result<Oid> {
        match &name.database {
            None => Ok(self.session.database),
            Some(database) => Ok(self.database(database)?.oid),
        }
    }

    /// The database with this name.
    pub fn database(&self, name: &str) -> Result<Arc<Database>> {
        self.catalog().database_named(name).cloned().ok_or_else(|| {
            SqlError::new(
                SqlState::INVALID_CATALOG_NAME,
                format!("database \"{name}\" does not exist"),
            )
        })
    }

    /// The schema of a database with this name.
    pub fn schema(&self, database: Oid, name: &str) -> Result<Arc<Schema>> {
        let found = match name {
            "pg_temp" => self.catalog().schema(self.session.temp_schema),
            _ => self.catalog().schema_named(database, name),
        };
        found.cloned().ok_or_else(|| {
            SqlError::new(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{name}\" does not exist"),
            )
        })
    }

    /// The schema new objects without a schema go to: the first of `search_path` that exists.
    pub fn creation_schema(&self) -> Result<Arc<Schema>> {
        self.search_path()
            .iter()
            .filter(|s| *s != "pg_catalog")
            .find_map(|s| self.catalog().schema_named(self.session.database, s))
            .cloned()
            .ok_or_else(|| {
                SqlError::new(
                    SqlState::INVALID_SCHEMA_NAME,
                    "no schema has been selected to create in",
                )
            })
    }

    /// Finds a relation of the catalog; a system relation is refused.
    pub fn relation(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        match self.resolve(name)? {
            Resolved::Relation(relation) => Ok(relation),
            Resolved::System(found) => Err(SqlError::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied: \"{}\" is a system catalog", found.name),
            )),
        }
    }

    /// Finds a table of the catalog; a view is refused.
    pub fn table(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        match relation.table() {
            Some(_) => Ok(relation),
            None => Err(SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a table", relation.name),
            )),
        }
    }
}

/// The error for a relation that is not there.
pub fn missing_relation(name: &QualifiedName) -> SqlError {
    SqlError::new(
        SqlState::UNDEFINED_TABLE,
        format!("relation \"{name}\" does not exist"),
    )
}

/// The error for a column that is not there.
pub fn missing_column(relation: &str, column: &str) -> SqlError {
    SqlError::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{column}\" of relation \"{relation}\" does not exist"),
    )
}
