//! CREATE TABLE, CREATE TABLE AS, ALTER TABLE.

use lw_base::SqlError;
use sqlparser::ast::{Ident, ObjectName, Query};
use sqlparser::tokenizer::Token;

use super::{P, PResult};
use crate::ast::*;

impl P<'_> {
    /// After CREATE: `[LOCAL] [TEMP] TABLE ...`.
    pub(super) fn create_table(&mut self) -> PResult<Statement> {
        self.eat("LOCAL");
        let mut temporary = self.eat("TEMPORARY") || self.eat("TEMP");
        self.need("TABLE")?;
        let if_not_exists = self.eats("IF NOT EXISTS");
        let name = self.name()?;
        temporary |= is_hash_name(&name);

        let names_only = *self.peek() == Token::LParen
            && matches!(self.p.peek_nth_token_ref(1).token, Token::Word(_))
            && matches!(
                self.p.peek_nth_token_ref(2).token,
                Token::Comma | Token::RParen
            );
        if *self.peek() != Token::LParen || names_only {
            let columns = if names_only {
                self.parens(Self::ident)?
            } else {
                vec![]
            };
            let attributes = self.table_attributes()?;
            self.need("AS")?;
            return Ok(Statement::CreateTableAs(Box::new(CreateTableAs {
                temporary,
                if_not_exists,
                name,
                columns,
                attributes,
                query: self.query()?,
                select_into: false,
            })));
        }
        let elements = self.parens(Self::table_element)?;
        let attributes = self.table_attributes()?;
        if self.at("AS") {
            return self.unexpected();
        }
        Ok(Statement::CreateTable(Box::new(CreateTable {
            temporary,
            if_not_exists,
            name,
            elements,
            attributes,
        })))
    }

    /// A query, with the rewriting every query gets.
    pub(super) fn query(&mut self) -> PResult<Box<Query>> {
        let mut query = self.p.parse_query()?;
        crate::rewrite::query(&mut query)?;
        Ok(query)
    }

    fn table_element(&mut self) -> PResult<TableElement> {
        if self.at("LIKE") && !matches!(self.p.peek_nth_token_ref(2).token, Token::EOF) {
            self.need("LIKE")?;
            let table = self.name()?;
            let defaults = self.eats("INCLUDING DEFAULTS");
            if !defaults {
                self.eats("EXCLUDING DEFAULTS");
            }
            return Ok(TableElement::Like { table, defaults });
        }
        if let Some(constraint) = self.table_constraint()? {
            return Ok(TableElement::Constraint(constraint));
        }
        Ok(TableElement::Column(self.column_spec()?))
    }

    /// A table constraint, if one is next.
    pub(super) fn table_constraint(&mut self) -> PResult<Option<ConstraintSpec>> {
        let name = if self.eat("CONSTRAINT") {
            Some(self.ident()?)
        } else {
            None
        };
        let kind = if self.eats("PRIMARY KEY") {
            ConstraintKind::PrimaryKey
        } else if self.at("UNIQUE") && self.p.peek_nth_token_ref(1).token == Token::LParen {
            self.need("UNIQUE")?;
            ConstraintKind::Unique
        } else if self.eats("FOREIGN KEY") {
            let columns = self.parens(Self::ident)?;
            self.need("REFERENCES")?;
            let table = self.name()?;
            let referenced = if *self.peek() == Token::LParen {
                self.parens(Self::ident)?
            } else {
                vec![]
            };
            return Ok(Some(ConstraintSpec {
                name,
                kind: ConstraintKind::ForeignKey(table, referenced),
                columns,
            }));
        } else if self.at("CHECK") {
            return Err(SqlError::unsupported("a CHECK constraint")
                .with_hint("Redshift has no CHECK constraints")
                .into());
        } else if name.is_some() {
            return self.unexpected();
        } else {
            return Ok(None);
        };
        let columns = self.parens(Self::ident)?;
        Ok(Some(ConstraintSpec {
            name,
            kind,
            columns,
        }))
    }

    /// A column definition.
    pub(super) fn column_spec(&mut self) -> PResult<ColumnSpec> {
        let name = self.ident()?;
        let data_type = self.data_type()?;
        let mut column = ColumnSpec {
            name,
            data_type,
            default: None,
            identity: None,
            encode: None,
            distkey: false,
            sortkey: false,
            not_null: None,
            unique: false,
            primary_key: false,
            references: None,
            primary_key_name: None,
            unique_name: None,
            references_name: None,
            case_insensitive: false,
        };
        while self.column_attribute(&mut column)? {}
        Ok(column)
    }

    fn column_attribute(&mut self, column: &mut ColumnSpec) -> PResult<bool> {
        if self.eat("CONSTRAINT") {
            let name = self.ident()?;
            // Names of the others are not kept: nothing can be done with them.
            let slot = if self.at("PRIMARY") {
                Some(&mut column.primary_key_name)
            } else if self.at("UNIQUE") {
                Some(&mut column.unique_name)
            } else if self.at("REFERENCES") {
                Some(&mut column.references_name)
            } else if self.at("NOT") || self.at("NULL") || self.at("DEFAULT") {
                None
            } else {
                return self.unexpected();
            };
            if let Some(slot) = slot {
                *slot = Some(name);
            }
            return self.column_attribute(column);
        }
        if self.eat("DEFAULT") {
            column.default = Some(self.text_expr()?);
        } else if self.at("IDENTITY") {
            self.need("IDENTITY")?;
            let (seed, step) = self.seed_and_step()?;
            column.identity = Some((seed, step, false));
        } else if self.eats("GENERATED BY DEFAULT AS IDENTITY") {
            let (seed, step) = self.seed_and_step()?;
            column.identity = Some((seed, step, true));
        } else if self.eats("GENERATED ALWAYS") {
            return Err(SqlError::unsupported("GENERATED ALWAYS")
                .with_hint("use IDENTITY(seed, step)")
                .into());
        } else if self.eat("ENCODE") {
            column.encode = Some(self.encoding()?);
        } else if self.eat("DISTKEY") {
            column.distkey = true;
        } else if self.eat("SORTKEY") {
            column.sortkey = true;
        } else if self.eats("NOT NULL") {
            column.not_null = Some(true);
        } else if self.eat("NULL") {
            column.not_null = Some(false);
        } else if self.eat("UNIQUE") {
            column.unique = true;
        } else if self.eats("PRIMARY KEY") {
            column.primary_key = true;
        } else if self.eat("REFERENCES") {
            let table = self.name()?;
            let referenced = if *self.peek() == Token::LParen {
                let columns = self.parens(Self::ident)?;
                columns.into_iter().next()
            } else {
                None
            };
            column.references = Some((table, referenced));
        } else if self.eat("COLLATE") {
            column.case_insensitive = !self.collation()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// True for CASE_SENSITIVE, false for CASE_INSENSITIVE.
    pub(super) fn collation(&mut self) -> PResult<bool> {
        match self.eat_any(&["CASE_SENSITIVE", "CS", "CASE_INSENSITIVE", "CI"]) {
            Some("CASE_SENSITIVE" | "CS") => Ok(true),
            Some(_) => Ok(false),
            None => match self.try_string() {
                Some(s) if s.eq_ignore_ascii_case("case_sensitive") => Ok(true),
                Some(s) if s.eq_ignore_ascii_case("case_insensitive") => Ok(false),
                _ => self.unexpected(),
            },
        }
    }

    fn seed_and_step(&mut self) -> PResult<(i64, i64)> {
        if *self.peek() != Token::LParen {
            return Ok((1, 1));
        }
        self.need_token(&Token::LParen)?;
        let seed = self.integer()?;
        self.need_token(&Token::Comma)?;
        let step = self.integer()?;
        self.need_token(&Token::RParen)?;
        Ok((seed, step))
    }

    /// An encoding's name, in lower case.
    pub(super) fn encoding(&mut self) -> PResult<String> {
        Ok(self.ident()?.value.to_lowercase())
    }

    fn text_expr(&mut self) -> PResult<TextExpr> {
        let mark = self.mark();
        let mut expr = self.expr()?;
        let text = self.text_since(mark);
        crate::rewrite::expr(&mut expr)?;
        Ok(TextExpr { expr, text })
    }

    fn table_attributes(&mut self) -> PResult<TableAttributes> {
        let mut attributes = TableAttributes::default();
        loop {
            if self.eat("BACKUP") {
                attributes.backup = match self.eat_any(&["YES", "NO"]) {
                    Some(word) => Some(word == "YES"),
                    None => return self.unexpected(),
                };
            } else if self.eat("DISTSTYLE") {
                attributes.diststyle = Some(self.dist_spec()?);
            } else if self.at("DISTKEY") {
                self.need("DISTKEY")?;
                let mut columns = self.parens(Self::ident)?;
                if columns.len() > 1 {
                    return Err(SqlError::new(
                        lw_base::SqlState::INVALID_TABLE_DEFINITION,
                        "only one DISTKEY column is allowed",
                    )
                    .into());
                }
                attributes.distkey = columns.pop();
            } else if let Some(sort) = self.try_sort_spec()? {
                attributes.sortkey = Some(sort);
            } else if self.eats("ENCODE AUTO") {
                attributes.encode_auto = true;
            } else {
                return Ok(attributes);
            }
        }
    }

    fn dist_spec(&mut self) -> PResult<DistSpec> {
        Ok(match self.eat_any(&["AUTO", "EVEN", "ALL", "KEY"]) {
            Some("AUTO") => DistSpec::Auto,
            Some("EVEN") => DistSpec::Even,
            Some("ALL") => DistSpec::All,
            Some(_) => DistSpec::Key,
            None => return self.unexpected(),
        })
    }

    fn try_sort_spec(&mut self) -> PResult<Option<SortSpec>> {
        let interleaved = self.eat("INTERLEAVED");
        let compound = !interleaved && self.eat("COMPOUND");
        if !self.eat("SORTKEY") {
            return if interleaved || compound {
                self.unexpected()
            } else {
                Ok(None)
            };
        }
        if !interleaved && !compound {
            if self.eat("AUTO") {
                return Ok(Some(SortSpec::Auto));
            }
            if self.eat("NONE") {
                return Ok(Some(SortSpec::None));
            }
        }
        let columns = self.parens(Self::ident)?;
        Ok(Some(if interleaved {
            SortSpec::Interleaved(columns)
        } else {
            SortSpec::Compound(columns)
        }))
    }

    /// After ALTER TABLE.
    pub(super) fn alter_table(&mut self) -> PResult<Statement> {
        let name = self.name()?;
        let action = self.alter_action()?;
        Ok(Statement::AlterTable(Box::new(AlterTable {
            name,
            view: false,
            action,
        })))
    }

    fn alter_action(&mut self) -> PResult<AlterAction> {
        if self.eat("ADD") {
            if self.at("PARTITION") || self.at("IF") {
                return Err(SqlError::unsupported("ALTER TABLE ... ADD PARTITION").into());
            }
            if let Some(constraint) = self.table_constraint()? {
                return Ok(AlterAction::AddConstraint(constraint));
            }
            self.eat("COLUMN");
            return Ok(AlterAction::AddColumn(self.column_spec()?));
        }
        if self.eat("DROP") {
            if self.at("PARTITION") {
                return Err(SqlError::unsupported("ALTER TABLE ... DROP PARTITION").into());
            }
            let constraint = self.eat("CONSTRAINT");
            if !constraint {
                self.eat("COLUMN");
            }
            let name = self.ident()?;
            let cascade = self.cascade();
            return Ok(if constraint {
                AlterAction::DropConstraint { name, cascade }
            } else {
                AlterAction::DropColumn { name, cascade }
            });
        }
        if self.eats("OWNER TO") {
            return Ok(AlterAction::Owner(self.ident()?));
        }
        if self.eats("RENAME TO") {
            return Ok(AlterAction::Rename(self.ident()?));
        }
        if self.eat("RENAME") {
            self.eat("COLUMN");
            let from = self.ident()?;
            self.need("TO")?;
            return Ok(AlterAction::RenameColumn(from, self.ident()?));
        }
        if self.eats("SET SCHEMA") {
            return Ok(AlterAction::SetSchema(self.ident()?));
        }
        if self.at("SET") {
            return Err(SqlError::unsupported("ALTER TABLE ... SET").into());
        }
        if self.eat("APPEND") {
            return Err(SqlError::unsupported("ALTER TABLE APPEND").into());
        }
        if self.eats("ROW LEVEL SECURITY") {
            return Err(SqlError::unsupported("row-level security").into());
        }
        self.need("ALTER")?;
        self.alter_alter()
    }

    fn alter_alter(&mut self) -> PResult<AlterAction> {
        if self.eats("ENCODE AUTO") {
            return Ok(AlterAction::EncodeAuto);
        }
        if let Some(sort) = self.try_sort_spec()? {
            return match self.next_alter()? {
                None => Ok(AlterAction::Sort(sort)),
                Some(AlterAction::DistKey(key)) => {
                    Ok(AlterAction::DistAndSort(DistChange::Key(key), sort))
                }
                Some(AlterAction::DistStyle(style)) => {
                    Ok(AlterAction::DistAndSort(DistChange::Style(style), sort))
                }
                Some(_) => self.unexpected(),
            };
        }
        if self.at("DISTKEY") || self.at("DISTSTYLE") {
            let change = self.dist_change()?;
            return match self.next_alter()? {
                None => Ok(match change {
                    DistChange::Key(key) => AlterAction::DistKey(key),
                    DistChange::Style(style) => AlterAction::DistStyle(style),
                }),
                Some(AlterAction::Sort(sort)) => Ok(AlterAction::DistAndSort(change, sort)),
                Some(_) => self.unexpected(),
            };
        }
        self.eat("COLUMN");
        let column = self.ident()?;
        if self.eat("TYPE") {
            return Ok(AlterAction::ColumnType(column, self.data_type()?));
        }
        self.need("ENCODE")?;
        let mut encodes = vec![(column, self.encoding()?)];
        while self.eat_token(&Token::Comma) {
            self.need("ALTER")?;
            self.eat("COLUMN");
            let column = self.ident()?;
            self.need("ENCODE")?;
            encodes.push((column, self.encoding()?));
        }
        Ok(AlterAction::ColumnEncode(encodes))
    }

    fn dist_change(&mut self) -> PResult<DistChange> {
        if self.eat("DISTSTYLE") {
            let style = self.dist_spec()?;
            if style != DistSpec::Key {
                return Ok(DistChange::Style(style));
            }
        }
        self.need("DISTKEY")?;
        // The column may stand in parentheses.
        let parens = self.eat_token(&Token::LParen);
        let column = self.ident()?;
        if parens {
            self.need_token(&Token::RParen)?;
        }
        Ok(DistChange::Key(column))
    }

    fn next_alter(&mut self) -> PResult<Option<AlterAction>> {
        if !self.eat_token(&Token::Comma) {
            return Ok(None);
        }
        self.need("ALTER")?;
        self.alter_alter().map(Some)
    }
}

/// A name that starts with `#` is that of a temporary table.
pub(super) fn is_hash_name(name: &ObjectName) -> bool {
    name.0
        .last()
        .and_then(|p| p.as_ident())
        .is_some_and(|Ident { value, .. }| value.starts_with('#'))
}
