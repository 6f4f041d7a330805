//! DECLARE, FETCH, CLOSE, PREPARE, EXECUTE, DEALLOCATE, EXPLAIN, CANCEL.

use lw_base::SqlError;
use sqlparser::tokenizer::Token;

use super::{P, PResult};
use crate::ast::*;

impl P<'_> {
    /// The family, if the next word begins one of it.
    pub(super) fn cursor(&mut self) -> PResult<Option<Statement>> {
        let Some(word) = self.peek_word(0) else {
            return Ok(None);
        };
        Ok(Some(match word.as_str() {
            "DECLARE" => {
                self.p.advance_token();
                self.declare()?
            }
            "FETCH" => {
                self.p.advance_token();
                self.fetch()?
            }
            "CLOSE" => {
                self.p.advance_token();
                if self.at("ALL") {
                    return Err(SqlError::unsupported("CLOSE ALL").into());
                }
                Statement::Close {
                    name: self.ident()?,
                }
            }
            "PREPARE" => {
                self.p.advance_token();
                self.prepare()?
            }
            "EXECUTE" => {
                self.p.advance_token();
                let name = self.ident()?;
                let mut values = Vec::new();
                if *self.peek() == Token::LParen {
                    values = self.parens(Self::expr)?;
                }
                for value in &mut values {
                    crate::rewrite::expr(value)?;
                }
                Statement::Execute { name, values }
            }
            "DEALLOCATE" => {
                self.p.advance_token();
                if !matches!(self.p.peek_nth_token_ref(1).token, Token::EOF) {
                    self.eat("PREPARE");
                }
                if self.eat("ALL") {
                    Statement::Deallocate(None)
                } else {
                    Statement::Deallocate(Some(self.ident()?))
                }
            }
            "EXPLAIN" => {
                self.p.advance_token();
                self.explain()?
            }
            "CANCEL" => {
                self.p.advance_token();
                let pid = self.unsigned()?;
                Statement::Cancel {
                    pid,
                    message: self.try_string(),
                }
            }
            _ => return Ok(None),
        }))
    }

    fn declare(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        for word in ["BINARY", "INSENSITIVE", "SCROLL"] {
            if self.at(word) {
                return Err(SqlError::unsupported(format!("DECLARE ... {word} CURSOR")).into());
            }
        }
        self.eats("NO SCROLL");
        self.need("CURSOR")?;
        self.eats("WITHOUT HOLD");
        if self.at("WITH") {
            return Err(SqlError::unsupported("DECLARE ... CURSOR WITH HOLD").into());
        }
        self.need("FOR")?;
        let query = Box::new(Statement::Sql(Box::new(sqlparser::ast::Statement::Query(
            self.query()?,
        ))));
        self.eats("FOR READ ONLY");
        Ok(Statement::Declare { name, query })
    }

    fn fetch(&mut self) -> PResult<Statement> {
        for word in ["PRIOR", "FIRST", "LAST", "ABSOLUTE", "RELATIVE", "BACKWARD"] {
            if self.at(word) && !self.at_nth(1, "FROM") || self.eats(&format!("{word} FROM")) {
                return Err(SqlError::unsupported(format!("FETCH {word}"))
                    .with_hint("Redshift's cursors move forward only")
                    .into());
            }
        }
        let forward = self.eat("FORWARD");
        let count = if self.eat("ALL") {
            None
        } else if matches!(self.peek(), Token::Number(..)) {
            Some(self.unsigned()?)
        } else {
            if !forward {
                self.eat("NEXT");
            }
            Some(1)
        };
        if !self.eat("FROM") {
            self.need("IN")?;
        }
        Ok(Statement::Fetch {
            name: self.ident()?,
            count,
        })
    }

    fn prepare(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        let types = if *self.peek() == Token::LParen {
            self.parens(Self::data_type)?
        } else {
            vec![]
        };
        self.need("AS")?;
        let statement = Box::new(self.statement()?);
        if !matches!(*statement, Statement::Sql(_)) {
            return Err(SqlError::syntax(
                "only SELECT, INSERT, UPDATE, DELETE and MERGE can be prepared",
            )
            .into());
        }
        Ok(Statement::Prepare {
            name,
            types,
            statement,
        })
    }

    fn explain(&mut self) -> PResult<Statement> {
        let engine = *self.peek() == Token::LParen && self.at_nth(1, "ENGINE");
        if engine {
            self.need_token(&Token::LParen)?;
            self.need("ENGINE")?;
            self.need_token(&Token::RParen)?;
        }
        if self.eat("ANALYZE") {
            return Err(SqlError::unsupported("EXPLAIN ANALYZE")
                .with_hint("Redshift's EXPLAIN does not run the statement")
                .into());
        }
        let verbose = self.eat("VERBOSE");
        let statement = Box::new(self.statement()?);
        let explainable = matches!(
            *statement,
            Statement::Sql(_)
                | Statement::CreateTableAs(_)
                | Statement::Declare { .. }
                | Statement::Execute { .. }
        );
        if !explainable {
            return Err(SqlError::syntax("this statement cannot be explained")
                .with_hint("EXPLAIN works on SELECT, CREATE TABLE AS, INSERT, UPDATE and DELETE")
                .into());
        }
        Ok(Statement::Explain {
            verbose,
            engine,
            statement,
        })
    }
}
