//! Redshift's SQL dialect: text to AST. What `sqlparser` knows stays its AST; Redshift's own
//! statements stand beside it.
//!
//! What it must never know: the catalog, types beyond their names, the engine.
//!
//! Where to start: [`Statement`].

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// One that sqlparser's AST holds as it is.
    Sql(Box<sqlparser::ast::Statement>),
}
