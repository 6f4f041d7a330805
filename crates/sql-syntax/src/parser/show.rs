//! SHOW: settings, lists of objects, definitions.

use lw_base::SqlError;
use sqlparser::tokenizer::Token;

use super::{P, PResult};
use crate::ast::*;

impl P<'_> {
    /// SHOW.
    pub(super) fn show(&mut self) -> PResult<Option<Statement>> {
        if !self.eat("SHOW") {
            return Ok(None);
        }
        if self.eat("ALL") {
            return Ok(Some(Statement::Show(None)));
        }
        if self.eats("TIME ZONE") {
            return Ok(Some(Statement::Show(Some("timezone".to_string()))));
        }
        if self.eats("TRANSACTION ISOLATION LEVEL") {
            return Ok(Some(Statement::Show(Some(
                "transaction_isolation".to_string(),
            ))));
        }
        for words in [
            "MODEL",
            "PROCEDURE",
            "FUNCTION",
            "DATASHARES",
            "EXTERNAL TABLE",
            "ROW LEVEL",
            "ROLES",
        ] {
            if self.eats(words) {
                return Err(SqlError::unsupported(format!("SHOW {words}")).into());
            }
        }
        for (words, kind) in [("TABLE", ObjectKind::Table), ("VIEW", ObjectKind::View)] {
            if self.at(words) && !matches!(self.p.peek_nth_token_ref(1).token, Token::EOF) {
                self.need(words)?;
                return Ok(Some(Statement::ShowDefinition {
                    kind,
                    name: self.name()?,
                }));
            }
        }
        if let Some(objects) = self.show_objects()? {
            return Ok(Some(Statement::ShowObjects(Box::new(objects))));
        }
        Ok(Some(Statement::Show(Some(self.setting_name()?))))
    }

    fn show_objects(&mut self) -> PResult<Option<ShowObjects>> {
        let (kind, from_words): (ShowKind, &[&str]) = if self.eat("DATABASES") {
            (ShowKind::Databases, &[])
        } else if self.eat("SCHEMAS") {
            (ShowKind::Schemas, &["FROM DATABASE", "FROM"])
        } else if self.eat("TABLES") {
            (ShowKind::Tables, &["FROM SCHEMA", "FROM"])
        } else if self.eats("COLUMN GRANTS") {
            (ShowKind::ColumnPrivileges, &["ON TABLE", "ON"])
        } else if self.eat("COLUMNS") {
            (ShowKind::Columns, &["FROM TABLE", "FROM"])
        } else if self.eat("GRANTS") {
            if self.at("FOR") {
                return Err(SqlError::unsupported("SHOW GRANTS FOR").into());
            }
            (
                ShowKind::Grants,
                &["ON TABLE", "ON SCHEMA", "ON DATABASE", "ON"],
            )
        } else if self.eats("CONSTRAINTS PRIMARY KEYS") {
            (ShowKind::PrimaryKeys, &["FROM TABLE", "FROM"])
        } else if self.eats("CONSTRAINTS FOREIGN KEYS EXPORTED") {
            (ShowKind::ExportedKeys, &["FROM TABLE", "FROM"])
        } else if self.eats("CONSTRAINTS FOREIGN KEYS") {
            (ShowKind::ForeignKeys, &["FROM TABLE", "FROM"])
        } else if self.eat("PROCEDURES") {
            (ShowKind::Procedures, &["FROM SCHEMA", "FROM"])
        } else if self.eat("FUNCTIONS") {
            (ShowKind::Functions, &["FROM SCHEMA", "FROM"])
        } else if self.eats("PARAMETERS OF") {
            if self.eat_any(&["PROCEDURE", "FUNCTION"]).is_none() {
                return self.unexpected();
            }
            (ShowKind::Parameters, &[])
        } else {
            return Ok(None);
        };
        let mut from = Vec::new();
        let mut level = None;
        if kind == ShowKind::Parameters {
            from = self.name_parts()?;
            self.skip_arguments()?;
        } else if kind == ShowKind::Databases {
            if self.at("FROM") {
                return Err(SqlError::unsupported("SHOW DATABASES FROM DATA CATALOG").into());
            }
        } else if let Some(words) = self.eat_any(from_words) {
            level = Some(words.to_string());
            from = self.name_parts()?;
        } else if !matches!(kind, ShowKind::Schemas | ShowKind::Tables) {
            return self.unexpected();
        }
        if level
            .as_deref()
            .is_some_and(|l| l != "ON TABLE" && l != "ON")
            && kind == ShowKind::Grants
        {
            return Err(SqlError::unsupported("SHOW GRANTS on schemas and databases").into());
        }
        let like = if self.eat("LIKE") {
            Some(match self.parameter() {
                Some(n) => LikePattern::Parameter(n),
                None => LikePattern::Text(self.string()?),
            })
        } else {
            None
        };
        let limit = if self.eat("LIMIT") {
            Some(self.unsigned()?)
        } else {
            None
        };
        Ok(Some(ShowObjects {
            kind,
            from,
            like,
            limit,
        }))
    }

    /// `a.b.c`, where each part may be a parameter. The lexer may take `$1.` as one token.
    fn name_parts(&mut self) -> PResult<Vec<NamePart>> {
        let mut parts = Vec::new();
        loop {
            parts.push(match self.parameter() {
                Some(n) => NamePart::Parameter(n),
                None => NamePart::Name(self.ident()?),
            });
            if !self.eat_token(&Token::Period) {
                return Ok(parts);
            }
        }
    }

    /// `$n`, if it is next.
    fn parameter(&mut self) -> Option<u32> {
        let Token::Placeholder(text) = self.peek() else {
            return None;
        };
        let n = text.strip_prefix('$')?.parse().ok()?;
        self.p.advance_token();
        Some(n)
    }

    fn skip_arguments(&mut self) -> PResult<()> {
        if !self.eat_token(&Token::LParen) {
            return Ok(());
        }
        while !self.eat_token(&Token::RParen) {
            if self.at_end() {
                return self.unexpected();
            }
            self.p.advance_token();
        }
        Ok(())
    }
}
