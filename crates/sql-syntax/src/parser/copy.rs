//! COPY and UNLOAD. Each option of either has a row in [`OPTIONS`].

use std::collections::BTreeMap;

use lw_base::{SqlError, SqlState};
use sqlparser::tokenizer::Token;

use super::{P, PResult};
use crate::ast::*;

/// What may follow an option's word.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    /// Nothing.
    Nothing,
    /// `[AS] 'text'`, or a bare word or number.
    Text,
    /// As `Text`, or nothing.
    OptionalText,
    /// ON, TRUE, OFF, FALSE, PRESET or nothing.
    Switch,
    /// `[AS] number [MB | GB]`
    Size,
    /// Nothing; the word is a format.
    Format,
    /// `[AS] 'text'` or nothing; the word is a format.
    FormatText,
}

const COPY: u8 = 1;
const UNLOAD: u8 = 2;
const BOTH: u8 = 3;

/// The options: word, statements that have it, what follows.
const OPTIONS: &[(&str, u8, Takes)] = &[
    ("ACCEPTANYDATE", COPY, Takes::Nothing),
    ("ACCEPTINVCHARS", COPY, Takes::OptionalText),
    ("ADDQUOTES", UNLOAD, Takes::Nothing),
    ("ALLOWOVERWRITE", UNLOAD, Takes::Nothing),
    ("AVRO", COPY, Takes::FormatText),
    ("BLANKSASNULL", COPY, Takes::Nothing),
    ("BZIP2", BOTH, Takes::Nothing),
    ("CLEANPATH", UNLOAD, Takes::Nothing),
    ("COMPROWS", COPY, Takes::Text),
    ("COMPUPDATE", COPY, Takes::Switch),
    ("CSV", BOTH, Takes::Format),
    ("DATEFORMAT", COPY, Takes::Text),
    ("DELIMITER", BOTH, Takes::OptionalText),
    ("EMPTYASNULL", COPY, Takes::Nothing),
    ("ENCODING", COPY, Takes::Text),
    ("ESCAPE", BOTH, Takes::Nothing),
    ("EXPLICIT_IDS", COPY, Takes::Nothing),
    ("EXTENSION", UNLOAD, Takes::Text),
    ("FILLRECORD", COPY, Takes::Nothing),
    ("FIXEDWIDTH", BOTH, Takes::FormatText),
    ("GZIP", BOTH, Takes::Nothing),
    ("HEADER", UNLOAD, Takes::Nothing),
    ("IGNOREALLERRORS", COPY, Takes::Nothing),
    ("IGNOREBLANKLINES", COPY, Takes::Nothing),
    ("IGNOREHEADER", COPY, Takes::Text),
    ("JSON", BOTH, Takes::FormatText),
    ("KMS_KEY_ID", UNLOAD, Takes::Text),
    ("LZOP", COPY, Takes::Nothing),
    ("MASTER_SYMMETRIC_KEY", BOTH, Takes::Text),
    ("MAXERROR", COPY, Takes::Text),
    ("MAXERRORS", COPY, Takes::Text),
    ("MAXFILESIZE", UNLOAD, Takes::Size),
    ("NOLOAD", COPY, Takes::Nothing),
    ("NULL", BOTH, Takes::Text),
    ("ORC", COPY, Takes::Format),
    ("PARALLEL", UNLOAD, Takes::Switch),
    ("PARQUET", BOTH, Takes::Format),
    ("QUOTE", COPY, Takes::Text),
    ("READRATIO", COPY, Takes::Text),
    ("REGION", BOTH, Takes::Text),
    ("REMOVEQUOTES", COPY, Takes::Nothing),
    ("ROUNDEC", COPY, Takes::Nothing),
    ("ROWGROUPSIZE", UNLOAD, Takes::Size),
    ("SHAPEFILE", COPY, Takes::Format),
    ("SSH", COPY, Takes::Nothing),
    ("STATUPDATE", COPY, Takes::Switch),
    ("TIMEFORMAT", COPY, Takes::Text),
    ("TRIMBLANKS", COPY, Takes::Nothing),
    ("TRUNCATECOLUMNS", COPY, Takes::Nothing),
    ("ZSTD", BOTH, Takes::Nothing),
];

/// Options and credentials as they are gathered.
#[derive(Default)]
struct Gathered {
    options: BTreeMap<String, String>,
    credentials: Option<Credentials>,
    key: Option<String>,
    secret: Option<Secret>,
    token: Option<Secret>,
}

impl Gathered {
    fn put(&mut self, name: &str, value: impl Into<String>) -> PResult<()> {
        if self
            .options
            .insert(name.to_string(), value.into())
            .is_some()
        {
            return Err(redundant(name));
        }
        Ok(())
    }

    fn credentials(mut self) -> PResult<(Option<Credentials>, BTreeMap<String, String>)> {
        if self.key.is_some() || self.secret.is_some() || self.token.is_some() {
            let (Some(access_key_id), Some(secret_access_key)) = (self.key, self.secret) else {
                return Err(SqlError::syntax(
                    "ACCESS_KEY_ID and SECRET_ACCESS_KEY must be given together",
                )
                .into());
            };
            if self.credentials.is_some() {
                return Err(redundant("credentials"));
            }
            self.credentials = Some(Credentials::Keys {
                access_key_id,
                secret_access_key,
                session_token: self.token,
            });
        }
        Ok((self.credentials, self.options))
    }
}

fn redundant(name: &str) -> super::Fail {
    SqlError::syntax(format!("conflicting or redundant options: {name}")).into()
}

impl P<'_> {
    /// COPY, UNLOAD.
    pub(super) fn copy(&mut self) -> PResult<Option<Statement>> {
        Ok(Some(if self.eat("COPY") {
            self.copy_from()?
        } else if self.eat("UNLOAD") {
            self.unload()?
        } else {
            return Ok(None);
        }))
    }

    fn copy_from(&mut self) -> PResult<Statement> {
        if self.at("JOB") && !matches!(self.p.peek_nth_token_ref(1).token, Token::LParen) {
            return Err(SqlError::unsupported("COPY JOB").into());
        }
        let table = self.name()?;
        let columns = if *self.peek() == Token::LParen {
            self.parens(Self::ident)?
        } else {
            vec![]
        };
        self.need("FROM")?;
        if self.at("STDIN") {
            return Err(SqlError::unsupported("COPY FROM STDIN")
                .with_hint(
                    "Redshift loads from Amazon S3, Amazon EMR, Amazon DynamoDB and remote hosts",
                )
                .into());
        }
        let from = self.string()?;
        let gathered = self.copy_options(COPY)?;
        if self.at("JOB") {
            return Err(SqlError::unsupported("COPY JOB").into());
        }
        let (credentials, options) = gathered.credentials()?;
        Ok(Statement::Copy(Box::new(Copy {
            table,
            columns,
            from,
            credentials,
            options,
        })))
    }

    fn unload(&mut self) -> PResult<Statement> {
        self.need_token(&Token::LParen)?;
        let place = self.p.peek_token_ref().span.start;
        let text = self.string()?;
        self.need_token(&Token::RParen)?;
        let position = self.source.position(self.source.byte(place));
        let query = self.unload_query(&text).map_err(|e| e.at(position))?;
        self.need("TO")?;
        let to = self.string()?;
        let (credentials, options) = self.copy_options(UNLOAD)?.credentials()?;
        Ok(Statement::Unload(Box::new(Unload {
            query: Box::new(query),
            to,
            credentials,
            options,
        })))
    }

    fn unload_query(&self, text: &str) -> Result<Statement, SqlError> {
        let mut statements = crate::parse(text)?;
        match (statements.pop(), statements.is_empty()) {
            (Some(p), true) if p.statement.query().is_some() => Ok(p.statement),
            _ => Err(SqlError::syntax("UNLOAD needs one SELECT statement")),
        }
    }

    fn copy_options(&mut self, statement: u8) -> PResult<Gathered> {
        let mut all = Gathered::default();
        self.eat("WITH");
        while !self.at_end() && !self.at("JOB") {
            if !self.credential(&mut all)? {
                self.copy_option(statement, &mut all)?;
            }
            // Options may be parted by commas.
            self.eat_token(&Token::Comma);
        }
        Ok(all)
    }

    fn credential(&mut self, all: &mut Gathered) -> PResult<bool> {
        if self.eat("IAM_ROLE") {
            let role = if self.eat("DEFAULT") {
                Credentials::DefaultRole
            } else {
                match self.string()? {
                    s if s.eq_ignore_ascii_case("default") => Credentials::DefaultRole,
                    arn => Credentials::Role(arn),
                }
            };
            if all.credentials.replace(role).is_some() {
                return Err(redundant("IAM_ROLE"));
            }
        } else if self.eat("CREDENTIALS") {
            self.eat("AS");
            let text = self.string()?;
            credentials_text(&text, all)?;
        } else if self.eat("ACCESS_KEY_ID") {
            self.eat("AS");
            all.key = Some(self.string()?);
        } else if self.eat("SECRET_ACCESS_KEY") {
            self.eat("AS");
            all.secret = Some(Secret(self.string()?));
        } else if self.eat("SESSION_TOKEN") {
            self.eat("AS");
            all.token = Some(Secret(self.string()?));
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn copy_option(&mut self, statement: u8, all: &mut Gathered) -> PResult<()> {
        let Some(word) = self.peek_word(0) else {
            return self.unexpected();
        };
        match word.as_str() {
            "FORMAT" => {
                self.p.advance_token();
                self.eat("AS");
                let is_format = self.peek_word(0).and_then(|w| find(&w, statement));
                if !is_format.is_some_and(|(_, t)| matches!(t, Takes::Format | Takes::FormatText)) {
                    return self.unexpected();
                }
                return self.copy_option(statement, all);
            }
            "MANIFEST" => {
                self.p.advance_token();
                let verbose = statement == UNLOAD && self.eat("VERBOSE");
                return all.put("MANIFEST", if verbose { "VERBOSE" } else { "" });
            }
            "ENCRYPTED" => {
                self.p.advance_token();
                let auto = self.eat("AUTO");
                return all.put("ENCRYPTED", if auto { "AUTO" } else { "" });
            }
            "PARTITION" if statement == UNLOAD => {
                self.need("PARTITION BY")?;
                let columns = self.parens(Self::ident)?;
                let columns: Vec<String> = columns
                    .into_iter()
                    .map(|i| i.value.to_lowercase())
                    .collect();
                if self.eat("INCLUDE") {
                    all.put("INCLUDE", "")?;
                }
                return all.put("PARTITION BY", columns.join(","));
            }
            "SIMPLIFY" => return Err(SqlError::unsupported("COPY ... SIMPLIFY").into()),
            _ => {}
        }
        let Some((name, takes)) = find(&word, statement) else {
            return self.unexpected();
        };
        self.p.advance_token();
        match takes {
            Takes::Nothing => all.put(name, ""),
            Takes::Format => all.put("FORMAT", name),
            Takes::FormatText => {
                all.put("FORMAT", name)?;
                self.eat("AS");
                match self.try_string() {
                    Some(text) => all.put(name, text),
                    None => Ok(()),
                }
            }
            Takes::Text => {
                self.eat("AS");
                let value = self.option_value()?;
                all.put(name, value)
            }
            Takes::OptionalText => {
                self.eat("AS");
                let value = self.try_string().unwrap_or_default();
                all.put(name, value)
            }
            Takes::Switch => {
                let value = match self.eat_any(&["ON", "TRUE", "OFF", "FALSE", "PRESET"]) {
                    Some("ON" | "TRUE") => "ON",
                    Some("OFF" | "FALSE") => "OFF",
                    Some(other) => other,
                    None => "",
                };
                all.put(name, value)
            }
            Takes::Size => {
                self.eat("AS");
                let Token::Number(number, _) = self.peek().clone() else {
                    return self.unexpected();
                };
                self.p.advance_token();
                let unit = self.eat_any(&["MB", "GB"]).unwrap_or("MB");
                all.put(name, format!("{number} {unit}"))
            }
        }
    }

    fn option_value(&mut self) -> PResult<String> {
        if let Some(text) = self.try_string() {
            return Ok(text);
        }
        let text = match self.peek() {
            Token::Number(digits, _) => digits.clone(),
            Token::Word(w) => w.value.clone(),
            _ => return self.unexpected(),
        };
        self.p.advance_token();
        Ok(text)
    }
}

fn find(word: &str, statement: u8) -> Option<(&'static str, Takes)> {
    OPTIONS
        .iter()
        .find(|(name, who, _)| *name == word && who & statement != 0)
        .map(|(name, _, takes)| {
            (
                if *name == "MAXERRORS" {
                    "MAXERROR"
                } else {
                    name
                },
                *takes,
            )
        })
}

/// `aws_iam_role=...` or `aws_access_key_id=...;aws_secret_access_key=...[;token=...]`, and
/// `master_symmetric_key=...`.
fn credentials_text(text: &str, all: &mut Gathered) -> PResult<()> {
    for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        let Some((name, value)) = part.split_once('=') else {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "invalid credentials: expected name=value pairs parted by semicolons",
            )
            .into());
        };
        let value = value.trim().to_string();
        match name.trim().to_ascii_lowercase().as_str() {
            "aws_iam_role" => all.credentials = Some(Credentials::Role(value)),
            "aws_access_key_id" => all.key = Some(value),
            "aws_secret_access_key" => all.secret = Some(Secret(value)),
            "token" | "aws_session_token" => all.token = Some(Secret(value)),
            "master_symmetric_key" => all.put("MASTER_SYMMETRIC_KEY", value)?,
            other => {
                return Err(SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid credentials: unknown key \"{other}\""),
                )
                .into());
            }
        }
    }
    Ok(())
}
