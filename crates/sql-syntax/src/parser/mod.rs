//! Parser functions, a file for each family of statements, over [`P`].

mod acl;
mod copy;
mod cursor;
mod ddl;
mod maintain;
mod setting;
mod show;
mod table;
mod tcl;

use lw_base::SqlError;
use sqlparser::ast::{self, DataType, Expr, Ident, ObjectName, SetExpr};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::ast::{CreateTableAs, Statement, TableAttributes};
use crate::source::Source;

/// Why parsing failed.
pub(crate) enum Fail {
    /// In sqlparser.
    Parser(ParserError),
    /// In our own functions.
    Sql(SqlError),
}

impl From<ParserError> for Fail {
    fn from(e: ParserError) -> Self {
        Fail::Parser(e)
    }
}

impl From<SqlError> for Fail {
    fn from(e: SqlError) -> Self {
        Fail::Sql(e)
    }
}

pub(crate) type PResult<T> = Result<T, Fail>;

/// sqlparser's parser over the tokens of one statement, with what our own functions need.
pub(crate) struct P<'a> {
    pub p: Parser<'static>,
    pub source: &'a Source<'a>,
    pub tokens: Vec<TokenWithSpan>,
    /// True if a semicolon ends the statement.
    pub semicolon: bool,
}

impl<'a> P<'a> {
    pub fn new(source: &'a Source<'a>, tokens: Vec<TokenWithSpan>, semicolon: bool) -> Self {
        P {
            p: crate::parse::sql_parser(tokens.clone()),
            source,
            tokens,
            semicolon,
        }
    }

    /// The next token.
    pub fn peek(&self) -> &Token {
        &self.p.peek_token_ref().token
    }

    /// The word `n` tokens ahead, upper case, if it is one without quotes.
    pub fn peek_word(&self, n: usize) -> Option<String> {
        match &self.p.peek_nth_token_ref(n).token {
            Token::Word(Word {
                value,
                quote_style: None,
                ..
            }) => Some(value.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// True if the next token is this word.
    pub fn at(&self, word: &str) -> bool {
        self.at_nth(0, word)
    }

    /// True if the token `n` ahead is this word.
    pub fn at_nth(&self, n: usize, word: &str) -> bool {
        matches!(&self.p.peek_nth_token_ref(n).token,
            Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    /// Takes the word if it is next.
    pub fn eat(&mut self, word: &str) -> bool {
        let found = self.at(word);
        if found {
            self.p.advance_token();
        }
        found
    }

    /// Takes all the words (parted by blanks) if they are next.
    pub fn eats(&mut self, words: &str) -> bool {
        let words: Vec<&str> = words.split(' ').collect();
        let found = words.iter().enumerate().all(|(n, w)| self.at_nth(n, w));
        if found {
            words.iter().for_each(|_| self.p.advance_token());
        }
        found
    }

    /// Takes one of the words if it is next, and says which.
    pub fn eat_any<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        words.iter().find(|w| self.eats(w)).copied()
    }

    /// Takes the words or fails.
    pub fn need(&mut self, words: &str) -> PResult<()> {
        for word in words.split(' ') {
            if !self.eat(word) {
                return self.unexpected();
            }
        }
        Ok(())
    }

    /// Takes the token if it is next.
    pub fn eat_token(&mut self, token: &Token) -> bool {
        self.p.consume_token(token)
    }

    /// Takes the token or fails.
    pub fn need_token(&mut self, token: &Token) -> PResult<()> {
        if self.eat_token(token) {
            Ok(())
        } else {
            self.unexpected()
        }
    }

    /// Fails at the next token.
    pub fn unexpected<T>(&self) -> PResult<T> {
        Ok(self
            .p
            .expected_ref("something else", self.p.peek_token_ref())?)
    }

    /// True at the end of the statement.
    pub fn at_end(&self) -> bool {
        *self.peek() == Token::EOF
    }

    /// Fails unless the statement ends here.
    pub fn end(&self) -> PResult<()> {
        if self.at_end() {
            Ok(())
        } else {
            self.unexpected()
        }
    }

    /// A name.
    pub fn ident(&mut self) -> PResult<Ident> {
        if !matches!(self.peek(), Token::Word(_)) {
            return self.unexpected();
        }
        Ok(self.p.parse_identifier()?)
    }

    /// A name of up to three parts.
    pub fn name(&mut self) -> PResult<ObjectName> {
        let mut parts = vec![self.ident()?];
        while self.eat_token(&Token::Period) {
            parts.push(self.ident()?);
        }
        Ok(ObjectName::from(parts))
    }

    /// One or more, parted by commas.
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> PResult<T>) -> PResult<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_token(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// One or more, parted by commas, in parentheses.
    pub fn parens<T>(&mut self, item: impl FnMut(&mut Self) -> PResult<T>) -> PResult<Vec<T>> {
        self.need_token(&Token::LParen)?;
        let items = self.list(item)?;
        self.need_token(&Token::RParen)?;
        Ok(items)
    }

    /// An expression.
    pub fn expr(&mut self) -> PResult<Expr> {
        Ok(self.p.parse_expr()?)
    }

    /// A string literal, if one is next.
    pub fn try_string(&mut self) -> Option<String> {
        let text = match self.peek() {
            Token::SingleQuotedString(s)
            | Token::EscapedStringLiteral(s)
            | Token::NationalStringLiteral(s) => s.clone(),
            Token::DollarQuotedString(s) => s.value.clone(),
            _ => return None,
        };
        self.p.advance_token();
        Some(text)
    }

    /// A string literal.
    pub fn string(&mut self) -> PResult<String> {
        match self.try_string() {
            Some(s) => Ok(s),
            None => self.unexpected(),
        }
    }

    /// An integer, signed.
    pub fn integer(&mut self) -> PResult<i64> {
        let negative = self.eat_token(&Token::Minus);
        if !negative {
            self.eat_token(&Token::Plus);
        }
        let Token::Number(digits, _) = self.peek().clone() else {
            return self.unexpected();
        };
        let text = if negative {
            format!("-{digits}")
        } else {
            digits
        };
        let Ok(value) = text.parse() else {
            return self.unexpected();
        };
        self.p.advance_token();
        Ok(value)
    }

    /// An integer from 0 that fits `T`.
    pub fn unsigned<T: TryFrom<i64>>(&mut self) -> PResult<T> {
        let before = self.p.peek_token_ref().clone();
        match T::try_from(self.integer()?) {
            Ok(value) => Ok(value),
            Err(_) => Ok(self.p.expected_ref("an integer", &before)?),
        }
    }

    /// The text from the token with index `from` (see [`P::mark`]) to the last one taken.
    pub fn text_since(&self, from: usize) -> String {
        let start = self.p.token_at(from).span.start;
        let end = self.p.get_current_token().span.end;
        self.source.between(start, end).trim_end().to_string()
    }

    /// Index of the next token.
    pub fn mark(&self) -> usize {
        let mut index = self.p.index();
        while matches!(self.p.token_at(index).token, Token::Whitespace(_)) {
            index += 1;
        }
        index
    }

    /// A type.
    pub fn data_type(&mut self) -> PResult<DataType> {
        Ok(self.p.parse_data_type()?)
    }

    /// One statement.
    pub fn statement(&mut self) -> PResult<Statement> {
        let families: [fn(&mut Self) -> PResult<Option<Statement>>; 9] = [
            Self::tcl,
            Self::setting,
            Self::show,
            Self::cursor,
            Self::ddl,
            Self::acl,
            Self::copy,
            Self::maintain,
            Self::missing,
        ];
        for family in families {
            if let Some(statement) = family(self)? {
                return Ok(statement);
            }
        }
        self.sql()
    }

    /// Statements of Redshift's that Longwave lacks.
    fn missing(&mut self) -> PResult<Option<Statement>> {
        for words in [
            "CALL",
            "SAVEPOINT",
            "RELEASE",
            "REFRESH MATERIALIZED VIEW",
            "ATTACH",
            "DETACH",
            "DESC",
            "DESCRIBE",
            "UNLISTEN",
            "LISTEN",
            "NOTIFY",
            "DISCARD",
        ] {
            if self.eats(words) {
                return Err(SqlError::unsupported(words).into());
            }
        }
        Ok(None)
    }

    /// Queries and DML: sqlparser's own, put right.
    fn sql(&mut self) -> PResult<Statement> {
        let is_query = *self.peek() == Token::LParen
            || ["SELECT", "WITH", "VALUES", "TABLE"]
                .iter()
                .any(|w| self.at(w));
        if is_query {
            let mut query = self.p.parse_query()?;
            let into = match query.body.as_mut() {
                SetExpr::Select(select) => select.into.take(),
                _ => None,
            };
            crate::rewrite::query(&mut query)?;
            return Ok(match into {
                None => Statement::Sql(Box::new(ast::Statement::Query(query))),
                Some(into) => Statement::CreateTableAs(Box::new(CreateTableAs {
                    temporary: into.temporary || table::is_hash_name(&into.name),
                    if_not_exists: false,
                    name: into.name,
                    columns: vec![],
                    attributes: TableAttributes::default(),
                    query,
                    select_into: true,
                })),
            });
        }
        if !["INSERT", "UPDATE", "DELETE", "MERGE"]
            .iter()
            .any(|w| self.at(w))
        {
            return self.unexpected();
        }
        let mut statement = self.p.parse_statement()?;
        crate::rewrite::statement(&mut statement)?;
        Ok(Statement::Sql(Box::new(statement)))
    }
}
