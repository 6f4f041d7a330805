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
    // Operators since the last comma, by level of parentheses.
    let mut chains = vec![0usize];
    for token in tokens {
        match &token.token {
            Token::LParen | Token::LBracket => {
                chains.push(0);
                if chains.len() > 4 * MAX_DEPTH {
                    return Err(too_deep());
                }
            }
            Token::RParen | Token::RBracket if chains.len() > 1 => {
                chains.pop();
            }
            Token::Comma => {
                if let Some(chain) = chains.last_mut() {
                    *chain = 0;
                }
            }
            token if is_operator(token) => {
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                    if *chain > MAX_CHAIN {
                        return Err(too_deep());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
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
