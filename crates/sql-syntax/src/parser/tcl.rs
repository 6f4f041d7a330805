//! BEGIN, COMMIT, ROLLBACK, LOCK.

use super::{P, PResult};
use crate::ast::{Statement, TransactionModes};
use sqlparser::tokenizer::Token;

impl P<'_> {
    pub(super) fn tcl(&mut self) -> PResult<Option<Statement>> {
        let Some(word) = self.peek_word(0) else {
            return Ok(None);
        };
        Ok(Some(match word.as_str() {
            "BEGIN" => {
                self.p.advance_token();
                self.work();
                Statement::Begin(self.transaction_modes()?)
            }
            "START" => {
                self.p.advance_token();
                self.need("TRANSACTION")?;
                Statement::Begin(self.transaction_modes()?)
            }
            "COMMIT" | "END" => {
                self.p.advance_token();
                self.work();
                Statement::Commit
            }
            "ROLLBACK" | "ABORT" => {
                self.p.advance_token();
                self.work();
                Statement::Rollback
            }
            "LOCK" => {
                self.p.advance_token();
                self.eat("TABLE");
                Statement::Lock(self.list(Self::name)?)
            }
            _ => return Ok(None),
        }))
    }

    fn work(&mut self) {
        let _ = self.eat("WORK") || self.eat("TRANSACTION");
    }

    /// Isolation level and access mode, in any order, with or without commas.
    pub(super) fn transaction_modes(&mut self) -> PResult<TransactionModes> {
        let mut modes = TransactionModes::default();
        while !self.at_end() {
            if self.eats("ISOLATION LEVEL") {
                let levels = [
                    "SERIALIZABLE",
                    "READ COMMITTED",
                    "READ UNCOMMITTED",
                    "REPEATABLE READ",
                    "SNAPSHOT",
                ];
                if self.eat_any(&levels).is_none() {
                    return self.unexpected();
                }
                modes.isolation = true;
            } else if self.eats("READ ONLY") {
                modes.read_only = Some(true);
            } else if self.eats("READ WRITE") {
                modes.read_only = Some(false);
            } else {
                return self.unexpected();
            }
            self.eat_token(&Token::Comma);
        }
        Ok(modes)
    }
}
