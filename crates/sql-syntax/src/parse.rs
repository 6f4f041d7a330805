//! From text to statements: tokens, division at semicolons, errors in PostgreSQL's style.

use lw_base::{Result, SqlError, SqlState};
use sqlparser::ast::{Expr, Query};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError};

use crate::ast::Statement;
use crate::dialect::LongwaveDialect;
use crate::limits;
use crate::parser::{Fail, P};
use crate::source::Source;

/// A statement and where it stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The statement. Places inside it count from the start of its own text.
    pub statement: Statement,
    /// Its text, without the semicolon.
    pub text: String,
    /// Characters of the whole text before it.
    pub offset: u32,
}

/// Parses a text into its statements; a text without any (or only comments) has none. One
/// statement that does not parse is an error for the whole text. The error's position counts from
/// the start of the whole text.
pub fn parse(sql: &str) -> Result<Vec<Parsed>> {
    limits::check_text(sql)?;
    let source = Source::new(sql);
    let tokens = tokenize(&source)?;
    let mut statements = Vec::new();
    let mut start = 0;
    for end in 0..=tokens.len() {
        let at_end = end == tokens.len();
        if !at_end && tokens[end].token != Token::SemiColon {
            continue;
        }
        let part = &tokens[start..end];
        start = end + 1;
        if part.iter().all(|t| matches!(t.token, Token::Whitespace(_))) {
            continue;
        }
        let from = first_text(&source, part);
        let to = match tokens.get(end) {
            Some(t) => source.byte(t.span.start),
            None => sql.len(),
        };
        let offset = source.position(from) - 1;
        let text = sql[from..to].trim_end();
        let statement = parse_part(text, part, place_of(&source, from), !at_end)
            .map_err(|e| shift(e, offset))?;
        statements.push(Parsed {
            statement,
            text: text.to_string(),
            offset,
        });
    }
    Ok(statements)
}

/// Parses the text of one query, as the catalog keeps it for a view.
pub fn parse_query(sql: &str) -> Result<Box<Query>> {
    let mut statements = parse(sql)?;
    if let Some(Parsed {
        statement: Statement::Sql(s),
        ..
    }) = statements.pop()
        && statements.is_empty()
        && let sqlparser::ast::Statement::Query(query) = *s
    {
        return Ok(query);
    }
    Err(SqlError::syntax("a query is expected"))
}

/// Parses the text of one expression, as the catalog keeps it for a DEFAULT.
pub fn parse_expression(sql: &str) -> Result<Expr> {
    limits::check_text(sql)?;
    let source = Source::new(sql);
    let tokens = tokenize(&source)?;
    limits::check_tokens(&tokens)?;
    let mut p = P::new(&source, tokens, false);
    let result = p.expr().and_then(|e| p.end().map(|()| e));
    result.map_err(|fail| to_sql_error(fail, &p))
}

fn parse_part(
    text: &str,
    tokens: &[TokenWithSpan],
    origin: Location,
    semicolon: bool,
) -> Result<Statement> {
    limits::check_tokens(tokens)?;
    let source = Source::new(text);
    let mut tokens: Vec<TokenWithSpan> = tokens.iter().map(|t| relocate(t, origin)).collect();
    supply_from(&mut tokens);
    let mut p = P::new(&source, tokens, semicolon);
    let result = p.statement().and_then(|s| p.end().map(|()| s));
    result.map_err(|fail| to_sql_error(fail, &p))
}

/// `DELETE table` is `DELETE FROM table`, which is the only form sqlparser reads.
fn supply_from(tokens: &mut Vec<TokenWithSpan>) {
    let is = |token: &TokenWithSpan, word: &str| matches!(&token.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word));
    let words: Vec<usize> = (0..tokens.len())
        .filter(|i| !matches!(tokens[*i].token, Token::Whitespace(_)))
        .collect();
    let Some(first) = words.first() else {
        return;
    };
    let starts = ["DELETE", "WITH", "EXPLAIN", "PREPARE"];
    if !starts.iter().any(|w| is(&tokens[*first], w)) {
        return;
    }
    for (n, i) in words.iter().enumerate() {
        let after = n.checked_sub(1).map(|p| &tokens[words[p]]);
        let begins = after.is_none_or(|t| {
            t.token == Token::RParen || ["EXPLAIN", "VERBOSE", "AS"].iter().any(|w| is(t, w))
        });
        let table = words.get(n + 1).map(|next| &tokens[*next]);
        let names_table =
            table.is_some_and(|t| matches!(t.token, Token::Word(_)) && !is(t, "FROM"));
        if is(&tokens[*i], "DELETE") && begins && names_table {
            let mut from = tokens[*i].clone();
            from.token = Token::make_keyword("FROM");
            tokens.insert(i + 1, from);
            return;
        }
    }
}

fn tokenize(source: &Source) -> Result<Vec<TokenWithSpan>> {
    Tokenizer::new(&LongwaveDialect, source.text)
        .tokenize_with_location()
        .map_err(|e| token_error(e, source))
}

/// Byte offset where a part begins: its first comment or token.
fn first_text(source: &Source, part: &[TokenWithSpan]) -> usize {
    use sqlparser::tokenizer::Whitespace;
    part.iter()
        .find(|t| {
            !matches!(
                t.token,
                Token::Whitespace(Whitespace::Space | Whitespace::Newline | Whitespace::Tab)
            )
        })
        .map_or(0, |t| source.byte(t.span.start))
}

fn place_of(source: &Source, byte: usize) -> Location {
    let before = &source.text[..byte];
    let line = before.matches('\n').count() as u64 + 1;
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    Location::new(line, before[line_start..].chars().count() as u64 + 1)
}

fn relocate(token: &TokenWithSpan, origin: Location) -> TokenWithSpan {
    let place = |l: Location| {
        if l.line < origin.line {
            l
        } else if l.line == origin.line {
            Location::new(1, (l.column + 1).saturating_sub(origin.column))
        } else {
            Location::new(l.line - origin.line + 1, l.column)
        }
    };
    let mut token = token.clone();
    token.span.start = place(token.span.start);
    token.span.end = place(token.span.end);
    token
}

fn shift(mut error: SqlError, offset: u32) -> SqlError {
    error.position = error.position.map(|p| p + offset);
    error
}

fn token_error(error: TokenizerError, source: &Source) -> SqlError {
    let byte = source.byte(error.location);
    let rest: String = source.text[byte..].chars().take(40).collect();
    let lower = error.message.to_ascii_lowercase();
    let message = if lower.contains("unterminated string") {
        format!("unterminated quoted string at or near \"{rest}\"")
    } else if lower.contains("comment") {
        format!("unterminated /* comment at or near \"{rest}\"")
    } else if lower.contains("expected close delimiter") {
        format!("unterminated quoted identifier at or near \"{rest}\"")
    } else if lower.contains("dollar") {
        format!("unterminated dollar-quoted string at or near \"{rest}\"")
    } else {
        format!("syntax error at or near \"{rest}\"")
    };
    SqlError::syntax(message).at(source.position(byte))
}

/// Turns a failure into what the client is told.
fn to_sql_error(fail: Fail, p: &P) -> SqlError {
    match fail {
        Fail::Sql(error) => error,
        Fail::Parser(ParserError::RecursionLimitExceeded) => limits::too_deep(),
        Fail::Parser(ParserError::TokenizerError(message)) => SqlError::syntax(message),
        Fail::Parser(ParserError::ParserError(message)) => match place_in(&message) {
            Some(place) => near(place, p),
            None if message.contains("EOF") => at_end(p),
            None => SqlError::syntax(format!("syntax error: {message}")),
        },
    }
}

/// The place that sqlparser writes at the end of its messages.
fn place_in(message: &str) -> Option<Location> {
    let (_, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some(Location::new(
        line.trim().parse().ok()?,
        column.trim().parse().ok()?,
    ))
}

fn near(place: Location, p: &P) -> SqlError {
    let byte = p.source.byte(place);
    let token = p.tokens.iter().find(|t| t.span.start == place);
    let shown = match token {
        Some(t) => p.source.between(t.span.start, t.span.end),
        None => p.source.text[byte..]
            .split_whitespace()
            .next()
            .unwrap_or_default(),
    };
    if shown.is_empty() {
        return at_end(p);
    }
    SqlError::new(
        SqlState::SYNTAX_ERROR,
        format!("syntax error at or near \"{shown}\""),
    )
    .at(p.source.position(byte))
}

fn at_end(p: &P) -> SqlError {
    let message = if p.semicolon {
        "syntax error at or near \";\""
    } else {
        "syntax error at end of input"
    };
    SqlError::syntax(message).at(p.source.position(p.source.text.len()))
}

/// Division of a text into statements without parsing them is of no use to anybody; this keeps the
/// parser's type out of other modules.
pub(crate) fn sql_parser(tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    Parser::new(&LongwaveDialect)
        .with_recursion_limit(limits::MAX_DEPTH)
        .with_tokens_with_locations(tokens)
}
