//! CREATE, ALTER, DROP of schemas, databases and views; TRUNCATE, COMMENT.

use lw_base::SqlError;
use sqlparser::tokenizer::Token;

use super::{P, PResult};
use crate::ast::*;

/// What Redshift can create, alter and drop and Longwave cannot yet, as the words of the statement.
const MISSING_OBJECTS: &[&str] = &[
    "EXTERNAL SCHEMA",
    "EXTERNAL TABLE",
    "EXTERNAL FUNCTION",
    "EXTERNAL VIEW",
    "EXTERNAL MODEL",
    "MATERIALIZED VIEW",
    "FUNCTION",
    "AGGREGATE",
    "PROCEDURE",
    "LIBRARY",
    "MODEL",
    "DATASHARE",
    "ROLE",
    "RLS POLICY",
    "MASKING POLICY",
    "IDENTITY PROVIDER",
    "DEFAULT PRIVILEGES",
    "TEMPLATE",
];

impl P<'_> {
    /// CREATE, ALTER, DROP, TRUNCATE, COMMENT.
    pub(super) fn ddl(&mut self) -> PResult<Option<Statement>> {
        Ok(Some(if self.eat("CREATE") {
            self.create()?
        } else if self.eat("ALTER") {
            self.alter()?
        } else if self.eat("DROP") {
            self.drop_statement()?
        } else if self.eat("TRUNCATE") {
            self.eat("TABLE");
            Statement::Truncate(self.name()?)
        } else if self.eat("COMMENT") {
            self.need("ON")?;
            self.comment()?
        } else {
            return Ok(None);
        }))
    }

    fn refuse_missing(&self, verb: &str, ahead: usize) -> PResult<()> {
        for words in MISSING_OBJECTS {
            let found = words
                .split(' ')
                .enumerate()
                .all(|(n, w)| self.at_nth(ahead + n, w));
            if found {
                return Err(SqlError::unsupported(format!("{verb} {words}")).into());
            }
        }
        Ok(())
    }

    fn create(&mut self) -> PResult<Statement> {
        let or_replace = self.eats("OR REPLACE");
        self.refuse_missing("CREATE", 0)?;
        if self.eat("VIEW") {
            return self.create_view(or_replace);
        }
        if or_replace {
            return self.unexpected();
        }
        if self.eat("SCHEMA") {
            return self.create_schema();
        }
        if self.eat("DATABASE") {
            return self.create_database();
        }
        if self.eat("USER") {
            return self.create_user();
        }
        if self.eat("GROUP") {
            return self.create_group();
        }
        if self.at("INDEX") || self.eats("UNIQUE INDEX") {
            return Err(SqlError::new(
                lw_base::SqlState::FEATURE_NOT_SUPPORTED,
                "SQL command \"CREATE INDEX\" not supported on Redshift tables.",
            )
            .into());
        }
        self.create_table()
    }

    fn create_view(&mut self, or_replace: bool) -> PResult<Statement> {
        let name = self.name()?;
        let columns = if *self.peek() == Token::LParen {
            self.parens(Self::ident)?
        } else {
            vec![]
        };
        self.need("AS")?;
        let mark = self.mark();
        let query = self.query()?;
        let text = self.text_since(mark);
        let late_binding = self.eats("WITH NO SCHEMA BINDING");
        Ok(Statement::CreateView(Box::new(CreateView {
            or_replace,
            name,
            columns,
            query,
            text,
            late_binding,
        })))
    }

    fn create_schema(&mut self) -> PResult<Statement> {
        let if_not_exists = self.eats("IF NOT EXISTS");
        let name = if self.at("AUTHORIZATION") {
            None
        } else {
            Some(self.ident()?)
        };
        let owner = if self.eat("AUTHORIZATION") {
            Some(self.ident()?)
        } else {
            None
        };
        let quota = if self.eat("QUOTA") {
            Some(self.quota()?)
        } else {
            None
        };
        let mut elements = Vec::new();
        while !self.at_end() {
            elements.push(match self.peek_word(0).as_deref() {
                Some("CREATE") if self.at_nth(1, "TABLE") || self.at_nth(1, "VIEW") => {
                    self.need("CREATE")?;
                    self.create()?
                }
                Some("GRANT") => self.statement()?,
                _ => return self.unexpected(),
            });
        }
        Ok(Statement::CreateSchema(CreateSchema {
            if_not_exists,
            name,
            owner,
            quota,
            elements,
        }))
    }

    /// A quota in bytes; `None` for UNLIMITED. The unit is MB unless given.
    fn quota(&mut self) -> PResult<Option<u64>> {
        if self.eat("UNLIMITED") {
            return Ok(None);
        }
        let (number, unit) = self.number_with_unit()?;
        let shift = match unit.as_deref() {
            None | Some("MB") => 20,
            Some("GB") => 30,
            Some("TB") => 40,
            Some(_) => return self.unexpected(),
        };
        Ok(Some(number.saturating_mul(1 << shift)))
    }

    /// A number and its unit, which may be written together (`5GB`).
    pub(super) fn number_with_unit(&mut self) -> PResult<(u64, Option<String>)> {
        let number = self.unsigned::<u64>()?;
        let unit = match self.peek_word(0) {
            Some(w) if ["KB", "MB", "GB", "TB"].contains(&w.as_str()) => {
                self.p.advance_token();
                Some(w)
            }
            _ => None,
        };
        Ok((number, unit))
    }

    fn create_database(&mut self) -> PResult<Statement> {
        let mut options = DatabaseOptions {
            name: self.ident()?,
            owner: None,
            connection_limit: None,
            case_sensitive: None,
            snapshot_isolation: None,
        };
        if self.at("FROM") {
            return Err(SqlError::unsupported("CREATE DATABASE ... FROM").into());
        }
        self.eat("WITH");
        while !self.at_end() {
            if self.eat("OWNER") {
                self.eat_token(&Token::Eq);
                options.owner = Some(self.ident()?);
            } else if self.eats("CONNECTION LIMIT") {
                self.eat_token(&Token::Eq);
                options.connection_limit = Some(self.limit()?);
            } else if self.eat("COLLATE") {
                options.case_sensitive = Some(self.collation()?);
            } else if self.eats("ISOLATION LEVEL") {
                options.snapshot_isolation = Some(self.isolation()?);
            } else {
                return self.unexpected();
            }
        }
        Ok(Statement::CreateDatabase(options))
    }

    /// A number, or UNLIMITED as `None`.
    pub(super) fn limit(&mut self) -> PResult<Option<u32>> {
        if self.eat("UNLIMITED") {
            return Ok(None);
        }
        // PostgreSQL's way to say "no limit".
        match self.integer()? {
            -1 => Ok(None),
            n => match u32::try_from(n) {
                Ok(n) => Ok(Some(n)),
                Err(_) => Err(SqlError::new(
                    lw_base::SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid connection limit: {n}"),
                )
                .into()),
            },
        }
    }

    fn isolation(&mut self) -> PResult<bool> {
        match self.eat_any(&["SNAPSHOT", "SERIALIZABLE"]) {
            Some(level) => Ok(level == "SNAPSHOT"),
            None => self.unexpected(),
        }
    }

    fn alter(&mut self) -> PResult<Statement> {
        self.refuse_missing("ALTER", 0)?;
        if self.eat("TABLE") {
            return self.alter_table();
        }
        if self.eat("VIEW") {
            let name = self.name()?;
            let action = if self.eats("RENAME TO") {
                AlterAction::Rename(self.ident()?)
            } else if self.eats("OWNER TO") {
                AlterAction::Owner(self.ident()?)
            } else {
                return self.unexpected();
            };
            return Ok(Statement::AlterTable(Box::new(AlterTable {
                name,
                view: true,
                action,
            })));
        }
        if self.eat("SCHEMA") {
            return self.alter_schema();
        }
        if self.eat("DATABASE") {
            return self.alter_database();
        }
        if self.eat("USER") {
            return self.alter_user();
        }
        if self.eat("GROUP") {
            return self.alter_group();
        }
        if self.at("SYSTEM") {
            return Err(SqlError::unsupported("ALTER SYSTEM").into());
        }
        self.unexpected()
    }

    fn alter_schema(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        let action = if self.eats("RENAME TO") {
            AlterSchema::Rename(self.ident()?)
        } else if self.eats("OWNER TO") {
            AlterSchema::Owner(self.ident()?)
        } else if self.eat("QUOTA") {
            AlterSchema::Quota(self.quota()?)
        } else {
            return self.unexpected();
        };
        Ok(Statement::AlterSchema { name, action })
    }

    fn alter_database(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        let action = if self.eats("RENAME TO") {
            AlterDatabase::Rename(self.ident()?)
        } else if self.eats("OWNER TO") {
            AlterDatabase::Owner(self.ident()?)
        } else if self.eats("CONNECTION LIMIT") {
            AlterDatabase::ConnectionLimit(self.limit()?)
        } else if self.eat("COLLATE") {
            AlterDatabase::Collate(self.collation()?)
        } else if self.eats("ISOLATION LEVEL") {
            AlterDatabase::Isolation(self.isolation()?)
        } else if self.at("SET") || self.at("REFRESH") || self.at("INTEGRATION") {
            return Err(SqlError::unsupported("this form of ALTER DATABASE").into());
        } else {
            return self.unexpected();
        };
        Ok(Statement::AlterDatabase { name, action })
    }

    fn drop_statement(&mut self) -> PResult<Statement> {
        self.refuse_missing("DROP", 0)?;
        if self.eat("USER") {
            let if_exists = self.eats("IF EXISTS");
            return Ok(Statement::DropUser {
                if_exists,
                names: self.list(Self::ident)?,
            });
        }
        if self.eat("GROUP") {
            return Ok(Statement::DropGroup {
                name: self.ident()?,
            });
        }
        let kind = match self.eat_any(&["TABLE", "VIEW", "SCHEMA", "DATABASE"]) {
            Some("TABLE") => ObjectKind::Table,
            Some("VIEW") => ObjectKind::View,
            Some("SCHEMA") => ObjectKind::Schema,
            Some(_) => ObjectKind::Database,
            None => return self.unexpected(),
        };
        let if_exists = self.eats("IF EXISTS");
        let names = self.list(Self::name)?;
        if kind == ObjectKind::Database && names.len() > 1 {
            return self.unexpected();
        }
        let cascade = self.cascade();
        Ok(Statement::Drop {
            kind,
            if_exists,
            names,
            cascade,
        })
    }

    /// CASCADE or RESTRICT, if given.
    pub(super) fn cascade(&mut self) -> bool {
        let cascade = self.eat("CASCADE");
        if !cascade {
            self.eat("RESTRICT");
        }
        cascade
    }

    fn comment(&mut self) -> PResult<Statement> {
        let kind = match self.eat_any(&[
            "TABLE",
            "COLUMN",
            "CONSTRAINT",
            "DATABASE",
            "VIEW",
            "SCHEMA",
        ]) {
            Some("TABLE") => ObjectKind::Table,
            Some("COLUMN") => ObjectKind::Column,
            Some("CONSTRAINT") => ObjectKind::Constraint,
            Some("DATABASE") => ObjectKind::Database,
            Some("VIEW") => ObjectKind::View,
            Some(_) => ObjectKind::Schema,
            None => return self.unexpected(),
        };
        let mut name = self.name()?;
        if kind == ObjectKind::Constraint {
            self.need("ON")?;
            let constraint = name;
            name = self.name()?;
            name.0.extend(constraint.0);
        }
        self.need("IS")?;
        let text = if self.eat("NULL") {
            None
        } else {
            Some(self.string()?)
        };
        Ok(Statement::Comment { kind, name, text })
    }
}
