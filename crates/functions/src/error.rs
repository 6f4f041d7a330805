//! Errors between the engine's world and the client's. A function that fails in Redshift's words
//! raises a [`SqlError`] by [`df_error`]; [`sql_error`] finds it again, or gives the library's own
//! error the SQLSTATE and the words a client of Redshift expects.

use arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use lw_base::{SqlError, SqlState};

/// Carries an error of ours through the engine.
pub fn df_error(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// What the client is told of an error of the engine.
pub fn sql_error(error: DataFusionError) -> SqlError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            sql_error(*inner)
        }
        DataFusionError::Shared(inner) => shared(&inner),
        DataFusionError::Collection(mut errors) if !errors.is_empty() => {
            sql_error(errors.swap_remove(0))
        }
        DataFusionError::External(inner) => external(inner),
        other => shared(&other),
    }
}

fn external(inner: Box<dyn std::error::Error + Send + Sync>) -> SqlError {
    let inner = match inner.downcast::<SqlError>() {
        Ok(error) => return *error,
        Err(inner) => inner,
    };
    let inner = match inner.downcast::<DataFusionError>() {
        Ok(error) => return sql_error(*error),
        Err(inner) => inner,
    };
    let inner = match inner.downcast::<ArrowError>() {
        Ok(error) => return arrow_error(&error),
        Err(inner) => inner,
    };
    by_source(inner.as_ref())
}

/// Looks for one of our errors among the causes of a foreign one.
fn by_source(error: &(dyn std::error::Error + 'static)) -> SqlError {
    let mut cause = Some(error);
    while let Some(e) = cause {
        if let Some(ours) = e.downcast_ref::<SqlError>() {
            return ours.clone();
        }
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            return SqlError::new(io_state(io), io.to_string());
        }
        cause = e.source();
    }
    SqlError::internal(error)
}

fn io_state(error: &std::io::Error) -> SqlState {
    match error.kind() {
        std::io::ErrorKind::StorageFull => SqlState::DISK_FULL,
        _ => SqlState::IO_ERROR,
    }
}

fn shared(error: &DataFusionError) -> SqlError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => shared(inner),
        DataFusionError::Shared(inner) => shared(inner),
        DataFusionError::Collection(errors) if !errors.is_empty() => shared(&errors[0]),
        DataFusionError::External(inner) => {
            if let Some(error) = inner.downcast_ref::<DataFusionError>() {
                shared(error)
            } else if let Some(error) = inner.downcast_ref::<ArrowError>() {
                arrow_error(error)
            } else {
                by_source(inner.as_ref())
            }
        }
        DataFusionError::ArrowError(inner, _) => arrow_error(inner),
        DataFusionError::IoError(inner) => SqlError::new(io_state(inner), inner.to_string()),
        DataFusionError::SchemaError(inner, _) => schema_error(inner),
        DataFusionError::ResourcesExhausted(text) => SqlError::new(
            SqlState::OUT_OF_MEMORY,
            "out of memory: the query needs more than its share",
        )
        .with_detail(first_line(text))
        .with_hint("Raise the memory limit of the warehouse, or make the query read or keep less."),
        DataFusionError::NotImplemented(text) => SqlError::unsupported(not_implemented(text)),
        DataFusionError::SQL(inner, _) => SqlError::syntax(inner.to_string()),
        DataFusionError::Plan(text) => plan_error(text),
        DataFusionError::Execution(text) => execution_error(text),
        DataFusionError::ExecutionJoin(join) if join.is_cancelled() => canceled(),
        // What it says of a window function without OVER, when it has no other to suggest.
        DataFusionError::Internal(text) if text.contains("No functions registered") => {
            SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                "window function call requires an OVER clause",
            )
        }
        DataFusionError::Internal(text) => {
            let error = SqlError::internal(first_line(text));
            match text.lines().count() {
                0 | 1 => error,
                _ => error.with_detail(text.lines().skip(1).collect::<Vec<_>>().join(" ")),
            }
        }
        other => SqlError::internal(first_line(&other.to_string())),
    }
}

/// 57014: what a client hears whose statement was cancelled.
pub fn canceled() -> SqlError {
    SqlError::new(
        SqlState::QUERY_CANCELED,
        "Query cancelled on user's request",
    )
}

/// 22012.
pub fn division_by_zero() -> SqlError {
    SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_string()
}

fn not_implemented(text: &str) -> String {
    let line = first_line(text);
    let line = line
        .trim_end_matches('.')
        .trim_end_matches(" is not supported yet")
        .trim_end_matches(" not supported yet")
        .trim_end_matches(" is not supported")
        .trim_end_matches(" not supported")
        .trim_end_matches(" is not implemented")
        .trim_end_matches(" not implemented");
    if line.contains("Physical plan does not support logical expression") {
        return "this form of correlated subquery".into();
    }
    line.to_string()
}

/// An error of a kernel.
pub fn arrow_error(error: &ArrowError) -> SqlError {
    match error {
        ArrowError::DivideByZero => division_by_zero(),
        ArrowError::ArithmeticOverflow(text) => overflow(text),
        ArrowError::ExternalError(inner) => {
            if let Some(error) = inner.downcast_ref::<SqlError>() {
                error.clone()
            } else if let Some(error) = inner.downcast_ref::<DataFusionError>() {
                shared(error)
            } else {
                by_source(inner.as_ref())
            }
        }
        ArrowError::CastError(text) | ArrowError::ParseError(text) => {
            SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, lower_first(text))
        }
        ArrowError::InvalidArgumentError(text) if text.contains("too large to store") => {
            numeric_overflow()
        }
        ArrowError::ComputeError(text) if text.to_lowercase().contains("overflow") => {
            overflow(text)
        }
        ArrowError::IoError(_, inner) => SqlError::new(io_state(inner), inner.to_string()),
        other => SqlError::internal(other),
    }
}

fn overflow(text: &str) -> SqlError {
    let name = if text.contains("decimal") || text.contains("Decimal") {
        return numeric_overflow();
    } else {
        "integer out of range"
    };
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, name)
}

/// 22003: a DECIMAL result has more digits than its precision allows.
pub fn numeric_overflow() -> SqlError {
    SqlError::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "Numeric data overflow (result precision)",
    )
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(c) => c.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn schema_error(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::AmbiguousReference { field } => SqlError::new(
            SqlState::AMBIGUOUS_COLUMN,
            format!("column reference \"{}\" is ambiguous", field.name),
        ),
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => SqlError::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column name \"{name}\" is duplicated"),
        ),
        SchemaError::FieldNotFound { field, .. } => unknown_column(field),
    }
}

fn unknown_column(column: &Column) -> SqlError {
    let name = match &column.relation {
        Some(relation) => format!("column {}.{} does not exist", relation.table(), column.name),
        None => format!("column \"{}\" does not exist", column.name),
    };
    SqlError::new(SqlState::UNDEFINED_COLUMN, name)
}

/// What one of our functions said of its arguments, which DataFusion wraps as text.
fn own_coercion(line: &str) -> Option<&str> {
    let (_, said) = line.split_once("user-defined coercion failed with: External error: ")?;
    Some(said.split(". No function matches").next().unwrap_or(said))
}

fn plan_error(text: &str) -> SqlError {
    let line = first_line(text);
    let line = line
        .trim_start_matches("Error during planning: ")
        .to_string();
    if let Some(own) = own_coercion(&line) {
        let state = if own.ends_with("does not exist") {
            SqlState::UNDEFINED_FUNCTION
        } else {
            SqlState::DATATYPE_MISMATCH
        };
        return SqlError::new(state, own);
    }
    if line.contains("must appear in the GROUP BY clause")
        || line.contains("must be part of GROUP BY")
        || line.contains("could not be resolved from available columns")
        || line.contains("while only the following columns are available")
    {
        return grouping_error(&line);
    }
    if line.contains("Scalar subquery should only return one column")
        || line.contains("Too many columns!")
    {
        return SqlError::syntax("subquery must return only one column");
    }
    if line.contains("Aggregate function calls cannot be nested")
        || line.contains("nested aggregate")
    {
        return SqlError::new(
            SqlState::GROUPING_ERROR,
            "aggregate function calls may not be nested",
        );
    }
    if line.contains("must have the same number of columns")
        || line.contains("have different number of columns")
        || line.contains("have the same number of columns")
    {
        return SqlError::syntax(
            "each UNION, INTERSECT or EXCEPT query must have the same number of columns",
        );
    }
    if line.contains("specified more than once") {
        return SqlError::new(SqlState::DUPLICATE_TABLE, lower_first(&line));
    }
    if line.contains("No function matches the given name and argument types")
        || line.contains("Invalid function")
        || line.contains("Failed to coerce arguments")
    {
        return SqlError::new(SqlState::UNDEFINED_FUNCTION, lower_first(&line));
    }
    if line.contains("Cannot infer common argument type")
        || line.contains("Cannot coerce")
        || line.contains("ncompatible")
        || line.contains("coerce")
    {
        return SqlError::new(SqlState::DATATYPE_MISMATCH, lower_first(&line));
    }
    SqlError::new(SqlState::ACCESS_RULE_VIOLATION, lower_first(&line))
}

fn grouping_error(line: &str) -> SqlError {
    // The library names the offending expression in quotes or after a colon.
    let column = line
        .split('"')
        .nth(1)
        .or_else(|| {
            line.split("references: ")
                .nth(1)
                .and_then(|r| r.split_whitespace().next())
        })
        .or_else(|| {
            line.split("Expression ")
                .nth(1)
                .and_then(|r| r.split_whitespace().next())
        });
    let text = match column {
        Some(column) => format!(
            "column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"
        ),
        None => {
            "column must appear in the GROUP BY clause or be used in an aggregate function".into()
        }
    };
    SqlError::new(SqlState::GROUPING_ERROR, text)
}

fn execution_error(text: &str) -> SqlError {
    let line = first_line(text);
    let low = line.to_lowercase();
    if low.contains("divide by zero") || low.contains("division by zero") {
        return division_by_zero();
    }
    if low.contains("scalar subquery")
        && (low.contains("more than one row") || low.contains("multiple"))
    {
        return SqlError::new(
            SqlState::CARDINALITY_VIOLATION,
            "more than one row returned by a subquery used as an expression",
        );
    }
    if low.contains("overflow") {
        return overflow(&line);
    }
    if low.contains("cancel") {
        return canceled();
    }
    SqlError::new(SqlState::DATA_EXCEPTION, lower_first(&line))
}
