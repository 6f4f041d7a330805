//! Limits of one statement, so that no text can exhaust the stack or the memory of the process.

use lw_base::{Result, SqlError, SqlState};
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Longest text of a statement, bytes (Developer Guide, "Quotas and limits": 16 MB).
pub(crate) const MAX_TEXT: usize = 16 << 20;
/// Deepest nesting of expressions and queries.
pub(crate) const MAX_DEPTH: usize = 200;
/// Most operators in a row at one level of parentheses: they make a tree that leans to one side,
/// as deep as the row is long.
const MAX_CHAIN: usize = 500;
/// Most ANDs and ORs in a row: planning makes an even tree of them.
const MAX_LOGIC: usize = 2000;
/// Highest number of a parameter: Bind counts them in 16 bits.
const MAX_PARAMETER: u64 = 32_767;

/// An error for a statement that is nested too deeply.
pub(crate) fn too_deep() -> SqlError {
    SqlError::new(SqlState("54001"), "stack depth limit exceeded")
        .with_hint("simplify the statement: its expressions or queries are nested too deeply")
}

/// Checks the length of the text.
pub(crate) fn check_text(sql: &str) -> Result<()> {
    if sql.len() > MAX_TEXT {
        return Err(SqlError::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("statement is too large: {} bytes", sql.len()),
        )
        .with_detail(format!("the limit is {MAX_TEXT} bytes")));
    }
    Ok(())
}

/// Checks a statement's tokens for rows of operators and for nesting of parentheses.
pub(crate) fn check_tokens(tokens: &[TokenWithSpan]) -> Result<()> {
    // Since the last comma, by level of parentheses.
    let mut rows = vec![Row::default()];
    for token in tokens {
        match &token.token {
            Token::LParen | Token::LBracket => {
                rows.push(Row::default());
                if rows.len() > 4 * MAX_DEPTH {
                    return Err(too_deep());
                }
            }
            Token::RParen | Token::RBracket if rows.len() > 1 => {
                rows.pop();
            }
            Token::Comma => {
                if let Some(row) = rows.last_mut() {
                    *row = Row::default();
                }
            }
            Token::Placeholder(name) => check_parameter(name)?,
            token if is_operator(token) => {
                if let Some(row) = rows.last_mut()
                    && !row.takes(token)
                {
                    return Err(too_deep());
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// `$1` to `$32767`. What is planned is as long as the highest number, so that a larger one must not
/// get there.
fn check_parameter(name: &str) -> Result<()> {
    let Some(digits) = name
        .strip_prefix('$')
        .filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    else {
        return Ok(());
    };
    match digits.parse::<u64>() {
        Ok(1..=MAX_PARAMETER) => Ok(()),
        _ => Err(SqlError::new(
            SqlState::UNDEFINED_PARAMETER,
            format!("there is no parameter {name}"),
        )
        .with_hint(format!("Parameters are $1 to ${MAX_PARAMETER}."))),
    }
}

/// A row of operators at one level of parentheses.
#[derive(Default)]
struct Row {
    /// Operators that are words, other than AND and OR.
    words: usize,
    /// The others, since the last AND or OR.
    symbols: usize,
    /// ANDs and ORs.
    logic: usize,
}

impl Row {
    /// False if the row becomes too long.
    fn takes(&mut self, token: &Token) -> bool {
        match token {
            Token::Word(w)
                if ["AND", "OR"]
                    .iter()
                    .any(|k| w.value.eq_ignore_ascii_case(k)) =>
            {
                self.logic += 1;
                self.symbols = 0;
            }
            Token::Word(_) => self.words += 1,
            _ => self.symbols += 1,
        }
        self.words + self.symbols <= MAX_CHAIN && self.logic <= MAX_LOGIC
    }
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(w) => {
            w.quote_style.is_none()
                && [
                    "AND",
                    "OR",
                    "NOT",
                    "UNION",
                    "INTERSECT",
                    "EXCEPT",
                    "MINUS",
                    "JOIN",
                    "IS",
                ]
                .iter()
                .any(|k| w.value.eq_ignore_ascii_case(k))
        }
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::Placeholder(_)
        | Token::Period
        | Token::SemiColon
        | Token::EOF
        | Token::Whitespace(_) => false,
        _ => true,
    }
}
