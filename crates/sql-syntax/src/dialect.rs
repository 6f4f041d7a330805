//! How `sqlparser` behaves for Redshift: its own Redshift dialect, with what that lacks.

use std::any::TypeId;
use std::iter::Peekable;
use std::str::Chars;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectName, ObjectNamePart,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence, RedshiftSqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// Redshift's dialect.
#[derive(Debug, Default, Clone, Copy)]
pub struct LongwaveDialect;

const BASE: RedshiftSqlDialect = RedshiftSqlDialect {};
const POSTGRES: PostgreSqlDialect = PostgreSqlDialect {};

impl Dialect for LongwaveDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<RedshiftSqlDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"'
    }

    fn is_nested_delimited_identifier_start(&self, _ch: char) -> bool {
        // Redshift does not quote names by brackets; they index SUPER values.
        false
    }

    fn peek_nested_delimited_identifier_quotes(
        &self,
        _chars: Peekable<Chars<'_>>,
    ) -> Option<(char, Option<char>)> {
        None
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('"')
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    fn convert_type_before_value(&self) -> bool {
        true
    }

    fn supports_connect_by(&self) -> bool {
        true
    }

    fn supports_top_before_distinct(&self) -> bool {
        true
    }

    fn supports_partiql(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_select_exclude(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation_with_newline(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_outer_join_operator(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_insert_table_alias(&self) -> bool {
        false
    }

    fn supports_select_wildcard_with_alias(&self) -> bool {
        false
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    /// Words whose special form may not fall back to being a plain name. Without the list a
    /// malformed nest of them would be parsed again at each level, which takes exponential time.
    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        POSTGRES.is_reserved_for_identifier(kw)
            || matches!(
                kw,
                Keyword::CASE
                    | Keyword::CAST
                    | Keyword::TRY_CAST
                    | Keyword::SAFE_CAST
                    | Keyword::CONVERT
                    | Keyword::EXISTS
                    | Keyword::EXTRACT
                    | Keyword::CEIL
                    | Keyword::FLOOR
                    | Keyword::POSITION
                    | Keyword::SUBSTR
                    | Keyword::SUBSTRING
                    | Keyword::OVERLAY
                    | Keyword::TRIM
                    | Keyword::ARRAY
                    | Keyword::NOT
                    | Keyword::TRUE
                    | Keyword::FALSE
                    | Keyword::NULL
                    | Keyword::CURRENT_DATE
                    | Keyword::CURRENT_TIMESTAMP
                    | Keyword::CURRENT_TIME
                    | Keyword::LOCALTIME
                    | Keyword::LOCALTIMESTAMP
            )
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match parser.peek_token_ref().token {
            // Brackets navigate SUPER values; sqlparser does that while it reads the name.
            Token::LBracket => None,
            // `x NOT NULL` is no expression: in a column definition it ends the default before it.
            Token::Word(ref w)
                if w.keyword == Keyword::NOT
                    && matches!(&parser.peek_nth_token_ref(1).token,
                        Token::Word(next) if next.keyword == Keyword::NULL) =>
            {
                Some(Ok(0))
            }
            _ => POSTGRES.get_next_precedence(parser),
        }
    }

    fn prec_value(&self, prec: sqlparser::dialect::Precedence) -> u8 {
        POSTGRES.prec_value(prec)
    }

    /// `OPERATOR(pg_catalog.~)`: an operator by its qualified name, as psql writes it.
    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        let operator = match &parser.peek_token_ref().token {
            Token::Word(w) if w.keyword == Keyword::OPERATOR => &parser.peek_nth_token_ref(1).token,
            _ => return None,
        };
        if *operator != Token::LParen {
            return None;
        }
        Some(named_operator(parser).and_then(|op| {
            Ok(Expr::BinaryOp {
                left: Box::new(expr.clone()),
                op,
                right: Box::new(parser.parse_subexpr(precedence)?),
            })
        }))
    }

    /// `APPROXIMATE COUNT(DISTINCT x)`, `APPROXIMATE PERCENTILE_DISC(...)`, and functions that are
    /// written without parentheses (`SYSDATE`, `CURRENT_USER`, ...).
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let word = match &parser.peek_token_ref().token {
            Token::Word(w) if w.quote_style.is_none() => w.value.to_ascii_lowercase(),
            // E'...': sqlparser reads it but takes it for an expression in PostgreSQL's dialect only.
            Token::EscapedStringLiteral(_) => {
                return Some(parser.parse_value().map(Expr::Value));
            }
            Token::AtSign => return prefix_operator(parser, "abs"),
            Token::PGSquareRoot => return prefix_operator(parser, "sqrt"),
            Token::PGCubeRoot => return prefix_operator(parser, "cbrt"),
            _ => return None,
        };
        match word.as_str() {
            "approximate" => {
                let next = match &parser.peek_nth_token_ref(1).token {
                    Token::Word(w) => w.value.to_ascii_lowercase(),
                    _ => return None,
                };
                if next != "count" && next != "percentile_disc" {
                    return None;
                }
                parser.advance_token();
                Some(parser.parse_prefix().map(|e| approximate(e, &next)))
            }
            "sysdate" | "current_user" | "session_user" | "user" | "current_user_id"
            | "current_catalog" => {
                let next = parser.peek_nth_token_ref(1);
                if matches!(next.token, Token::LParen | Token::Period) {
                    return None;
                }
                parser.advance_token();
                let span = parser.get_current_token().span;
                let mut ident = Ident::new(word);
                ident.span = span;
                Some(Ok(call(ObjectName::from(vec![ident]), vec![])))
            }
            _ => None,
        }
    }
}

/// An operator before its operand, as the function it stands for (Developer Guide, "Mathematical
/// operator symbols").
fn prefix_operator(parser: &mut Parser, function: &str) -> Option<Result<Expr, ParserError>> {
    parser.advance_token();
    let operand = parser.parse_subexpr(POSTGRES.prec_value(Precedence::Caret));
    Some(operand.map(|e| {
        let arg = FunctionArg::Unnamed(FunctionArgExpr::Expr(e));
        call(ObjectName::from(vec![Ident::new(function)]), vec![arg])
    }))
}

/// Reads `OPERATOR(schema.name)`.
fn named_operator(parser: &mut Parser) -> Result<BinaryOperator, ParserError> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    while matches!(parser.peek_nth_token_ref(1).token, Token::Period) {
        parser.parse_identifier()?;
        parser.expect_token(&Token::Period)?;
    }
    parser.advance_token();
    let name = parser.get_current_token().to_string();
    let operator = match name.as_str() {
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "=" => BinaryOperator::Eq,
        "<>" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "||" => BinaryOperator::StringConcat,
        other => {
            return Err(ParserError::ParserError(format!(
                "operator {other} does not exist"
            )));
        }
    };
    parser.expect_token(&Token::RParen)?;
    Ok(operator)
}

/// A call of a function with plain arguments.
pub(crate) fn call(name: ObjectName, args: Vec<FunctionArg>) -> Expr {
    Expr::Function(Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(sqlparser::ast::FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

/// The approximate aggregates have names of their own in the AST: `approx_distinct(x)` and
/// `approx_percentile_disc(p) WITHIN GROUP (...)`.
fn approximate(expr: Expr, what: &str) -> Expr {
    let Expr::Function(mut function) = expr else {
        return expr;
    };
    let distinct = match &mut function.args {
        FunctionArguments::List(list) => list.duplicate_treatment.take(),
        _ => None,
    };
    if what == "count" && distinct.is_none() {
        // APPROXIMATE COUNT(x) without DISTINCT is an ordinary count.
        return Expr::Function(function);
    }
    let name = if what == "count" {
        "approx_distinct"
    } else {
        "approx_percentile_disc"
    };
    function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]);
    Expr::Function(function)
}
