//! Redshift's SQL dialect: text to AST. What `sqlparser` knows as Redshift means it (queries, INSERT,
//! UPDATE, DELETE, MERGE) stays its AST; Redshift's own statements stand beside it.
//!
//! What it must never know: the catalog, types beyond their names, the engine.
//!
//! Where to start: [`parse`], then [`ast::Statement`]. Each family of statements has a file of parser
//! functions under `parser/`; [`dialect`] says how `sqlparser` is to behave.

pub mod ast;
pub mod dialect;
mod limits;
mod parse;
mod parser;
mod redact;
pub mod renaming;
mod rewrite;
mod source;
#[cfg(test)]
mod tests;

/// The parser library, so that its AST types need be named by one version only.
pub use ::sqlparser;
pub use ast::Statement;
pub use dialect::LongwaveDialect;
pub use parse::{Parsed, parse, parse_expression, parse_query};
pub use redact::without_secrets;
