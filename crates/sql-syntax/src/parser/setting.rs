//! SET, RESET, SHOW of settings, USE.

use sqlparser::tokenizer::Token;

use super::{P, PResult};
use crate::ast::*;

impl P<'_> {
    /// SET, RESET, USE.
    pub(super) fn setting(&mut self) -> PResult<Option<Statement>> {
        Ok(Some(if self.eat("SET") {
            self.set()?
        } else if self.eat("RESET") {
            if self.eat("ALL") {
                Statement::Reset(None)
            } else {
                Statement::Reset(Some(self.reset_name()?))
            }
        } else if self.at("USE") {
            self.need("USE")?;
            Statement::Use(self.ident()?)
        } else {
            return Ok(None);
        }))
    }

    fn reset_name(&mut self) -> PResult<String> {
        if self.eats("TIME ZONE") {
            return Ok("timezone".to_string());
        }
        if self.eats("SESSION AUTHORIZATION") {
            return Ok("session_authorization".to_string());
        }
        self.setting_name()
    }

    fn set(&mut self) -> PResult<Statement> {
        if self.eats("SESSION CHARACTERISTICS AS TRANSACTION") || self.eat("TRANSACTION") {
            return Ok(Statement::SetTransaction(self.transaction_modes()?));
        }
        let local = self.at("LOCAL") && !self.assigns(1);
        let session = self.at("SESSION") && !self.assigns(1);
        if self.at("SESSION") && self.at_nth(1, "AUTHORIZATION") {
            return self.session_authorization(false);
        }
        if local && self.at_nth(1, "SESSION") && self.at_nth(2, "AUTHORIZATION") {
            self.p.advance_token();
            return self.session_authorization(true);
        }
        if local || session {
            self.p.advance_token();
        }
        if self.eats("TIME ZONE") {
            let value = if self.eat("LOCAL") || self.eat("DEFAULT") {
                None
            } else {
                Some(self.setting_value()?)
            };
            return Ok(Statement::Set {
                name: "timezone".to_string(),
                value,
                local,
            });
        }
        if self.at("NAMES") && !self.assigns(1) {
            self.need("NAMES")?;
            return Ok(Statement::Set {
                name: "client_encoding".to_string(),
                value: Some(self.setting_value()?),
                local,
            });
        }
        let (name, value) = self.setting_and_value()?;
        Ok(Statement::Set { name, value, local })
    }

    /// True if the token `n` ahead is `=` or TO.
    fn assigns(&self, n: usize) -> bool {
        self.at_nth(n, "TO") || self.p.peek_nth_token_ref(n).token == Token::Eq
    }

    fn session_authorization(&mut self, local: bool) -> PResult<Statement> {
        self.need("SESSION AUTHORIZATION")?;
        let user = if self.eat("DEFAULT") {
            None
        } else if let Some(name) = self.try_string() {
            Some(sqlparser::ast::Ident::new(name))
        } else {
            Some(self.ident()?)
        };
        Ok(Statement::SetSessionAuthorization { user, local })
    }

    /// `name {TO | =} value`
    pub(super) fn setting_and_value(&mut self) -> PResult<(String, Option<String>)> {
        let name = self.setting_name()?;
        if !self.eat("TO") && !self.eat_token(&Token::Eq) {
            return self.unexpected();
        }
        if self.eat("DEFAULT") {
            return Ok((name, None));
        }
        let values = self.list(Self::setting_value)?;
        Ok((name, Some(values.join(", "))))
    }

    /// A setting's name, which may have dots.
    pub(super) fn setting_name(&mut self) -> PResult<String> {
        let mut name = self.ident()?.value.to_lowercase();
        while self.eat_token(&Token::Period) {
            name.push('.');
            name.push_str(&self.ident()?.value.to_lowercase());
        }
        Ok(name)
    }

    /// One value: a string, a word, a signed number.
    fn setting_value(&mut self) -> PResult<String> {
        if let Some(text) = self.try_string() {
            return Ok(text);
        }
        let sign = if self.eat_token(&Token::Minus) {
            "-"
        } else {
            self.eat_token(&Token::Plus);
            ""
        };
        let text = match self.peek() {
            Token::Number(digits, _) => format!("{sign}{digits}"),
            Token::Word(w) if sign.is_empty() && w.quote_style.is_some() => w.value.clone(),
            Token::Word(w) if sign.is_empty() => w.value.to_lowercase(),
            Token::Placeholder(name) if sign.is_empty() && !name.starts_with('?') => {
                // `$user` in search_path.
                name.to_lowercase()
            }
            _ => return self.unexpected(),
        };
        self.p.advance_token();
        Ok(text)
    }
}
