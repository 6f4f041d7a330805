//! Users, groups, GRANT and REVOKE.

use lw_base::SqlError;
use sqlparser::tokenizer::Token;

use super::{P, PResult};
use crate::ast::*;

impl P<'_> {
    /// After CREATE USER.
    pub(super) fn create_user(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        self.eat("WITH");
        let mut options = UserOptions::default();
        while !self.at_end() {
            if !self.user_option(&mut options)? {
                return self.unexpected();
            }
        }
        if options.password.is_none() {
            return Err(SqlError::syntax("CREATE USER needs a password")
                .with_hint("give PASSWORD 'password' or PASSWORD DISABLE")
                .into());
        }
        Ok(Statement::CreateUser { name, options })
    }

    fn user_option(&mut self, options: &mut UserOptions) -> PResult<bool> {
        if self.eat("PASSWORD") {
            options.password = Some(if self.eat("DISABLE") {
                None
            } else {
                Some(Secret(self.string()?))
            });
        } else if self.eat("CREATEDB") {
            options.create_db = Some(true);
        } else if self.eat("NOCREATEDB") {
            options.create_db = Some(false);
        } else if self.eat("CREATEUSER") {
            options.create_user = Some(true);
        } else if self.eat("NOCREATEUSER") {
            options.create_user = Some(false);
        } else if self.eats("SYSLOG ACCESS") {
            options.syslog_unrestricted = match self.eat_any(&["UNRESTRICTED", "RESTRICTED"]) {
                Some(word) => Some(word == "UNRESTRICTED"),
                None => return self.unexpected(),
            };
        } else if self.eats("IN GROUP") {
            options.groups = self.list(Self::ident)?;
        } else if self.eats("VALID UNTIL") {
            options.valid_until = Some(self.string()?);
        } else if self.eats("CONNECTION LIMIT") {
            options.connection_limit = Some(self.limit()?);
        } else if self.eats("SESSION TIMEOUT") {
            options.session_timeout = Some(Some(self.unsigned()?));
        } else if self.eats("RESET SESSION TIMEOUT") {
            options.session_timeout = Some(None);
        } else if self.eat("EXTERNALID") {
            options.external_id = Some(match self.try_string() {
                Some(id) => id,
                None => self.ident()?.value,
            });
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// After ALTER USER.
    pub(super) fn alter_user(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        let with = self.eat("WITH");
        if !with && self.eats("RENAME TO") {
            let action = AlterUser::Rename(self.ident()?);
            return Ok(Statement::AlterUser { name, action });
        }
        if !with && self.eat("SET") {
            let (setting, value) = self.setting_and_value()?;
            let action = AlterUser::Set(setting, value);
            return Ok(Statement::AlterUser { name, action });
        }
        if !with && self.at("RESET") && !self.at_nth(1, "SESSION") {
            self.need("RESET")?;
            let action = AlterUser::Reset(self.setting_name()?);
            return Ok(Statement::AlterUser { name, action });
        }
        let mut options = UserOptions::default();
        loop {
            if !self.user_option(&mut options)? {
                return self.unexpected();
            }
            self.eat_token(&Token::Comma);
            if self.at_end() {
                break;
            }
        }
        if !options.groups.is_empty() {
            return self.unexpected();
        }
        let action = AlterUser::Options(options);
        Ok(Statement::AlterUser { name, action })
    }

    /// After CREATE GROUP.
    pub(super) fn create_group(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        self.eat("WITH");
        let users = if self.eat("USER") {
            self.list(Self::ident)?
        } else {
            vec![]
        };
        Ok(Statement::CreateGroup { name, users })
    }

    /// After ALTER GROUP.
    pub(super) fn alter_group(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        let action = if self.eats("ADD USER") {
            AlterGroup::Add(self.list(Self::ident)?)
        } else if self.eats("DROP USER") {
            AlterGroup::Drop(self.list(Self::ident)?)
        } else if self.eats("RENAME TO") {
            AlterGroup::Rename(self.ident()?)
        } else {
            return self.unexpected();
        };
        Ok(Statement::AlterGroup { name, action })
    }

    /// GRANT, REVOKE.
    pub(super) fn acl(&mut self) -> PResult<Option<Statement>> {
        let revoke = if self.eat("GRANT") {
            false
        } else if self.eat("REVOKE") {
            true
        } else {
            return Ok(None);
        };
        let verb = if revoke { "REVOKE" } else { "GRANT" };
        let mut grant_option = revoke && self.eats("GRANT OPTION FOR");
        let privileges = self.privileges(verb)?;
        if !self.at("ON") {
            // Roles and system privileges are granted without ON.
            return Err(
                SqlError::unsupported(format!("{verb} of roles and system permissions")).into(),
            );
        }
        self.need("ON")?;
        let objects = self.grant_objects(verb)?;
        self.need(if revoke { "FROM" } else { "TO" })?;
        let mut grantees = Vec::new();
        loop {
            grantees.push(self.grantee(verb)?);
            grant_option |= !revoke && self.eats("WITH GRANT OPTION");
            if !self.eat_token(&Token::Comma) {
                break;
            }
        }
        let cascade = revoke && self.cascade();
        Ok(Some(Statement::Grant(Box::new(Grant {
            revoke,
            privileges,
            objects,
            grantees,
            grant_option,
            cascade,
        }))))
    }

    fn privileges(&mut self, verb: &str) -> PResult<Vec<String>> {
        if self.eat("ALL") {
            self.eat("PRIVILEGES");
            if *self.peek() == Token::LParen {
                return Err(SqlError::unsupported(format!("{verb} on columns")).into());
            }
            return Ok(vec![]);
        }
        let known = [
            "SELECT",
            "INSERT",
            "UPDATE",
            "DELETE",
            "DROP",
            "REFERENCES",
            "ALTER",
            "TRUNCATE",
            "CREATE",
            "USAGE",
            "TEMPORARY",
            "TEMP",
        ];
        if let Some(word) = self.eat_any(&["EXECUTE", "ASSUMEROLE", "SHARE", "EXPLAIN", "IGNORE"]) {
            return Err(SqlError::unsupported(format!("{verb} {word}")).into());
        }
        if self.at("ROLE") {
            return Err(SqlError::unsupported(format!("{verb} ROLE")).into());
        }
        self.list(|p| {
            let Some(word) = p.eat_any(&known) else {
                return p.unexpected();
            };
            if *p.peek() == Token::LParen {
                return Err(SqlError::unsupported(format!("{verb} on columns")).into());
            }
            Ok(if word == "TEMP" { "TEMPORARY" } else { word }.to_string())
        })
    }

    fn grant_objects(&mut self, verb: &str) -> PResult<GrantObjects> {
        if self.eats("ALL TABLES IN SCHEMA") {
            return Ok(GrantObjects::AllTablesIn(self.list(Self::ident)?));
        }
        if self.eat("SCHEMA") {
            return Ok(GrantObjects::Schemas(self.list(Self::ident)?));
        }
        if self.eat("DATABASE") {
            return Ok(GrantObjects::Databases(self.list(Self::ident)?));
        }
        let missing = [
            "FUNCTION",
            "PROCEDURE",
            "LANGUAGE",
            "DATASHARE",
            "MODEL",
            "EXTERNAL",
            "ALL FUNCTIONS",
            "ALL PROCEDURES",
        ];
        for word in missing {
            // A table may be called by such a word: then TO, FROM or a comma follows.
            let next = self.peek_word(1);
            if self.at(word.split(' ').next().unwrap_or(word))
                && next.is_some_and(|n| n != "TO" && n != "FROM")
            {
                return Err(SqlError::unsupported(format!("{verb} ... ON {word}")).into());
            }
        }
        self.eat("TABLE");
        Ok(GrantObjects::Tables(self.list(Self::name)?))
    }

    fn grantee(&mut self, verb: &str) -> PResult<Grantee> {
        if self.eat("PUBLIC") {
            return Ok(Grantee::Public);
        }
        if self.eat("GROUP") {
            return Ok(Grantee::Group(self.ident()?));
        }
        for word in ["ROLE", "RLS", "NAMESPACE", "ACCOUNT", "IAM_ROLE"] {
            if self.at(word)
                && !matches!(
                    self.p.peek_nth_token_ref(1).token,
                    Token::Comma | Token::EOF
                )
            {
                return Err(SqlError::unsupported(format!("{verb} to or from {word}")).into());
            }
        }
        self.eat("USER");
        Ok(Grantee::User(self.ident()?))
    }
}
