//! What a change of a table must know of its rows, or of a value, before it is made.

use arrow::array::AsArray;
use arrow::compute;
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use lw_base::{Oid, Result, SqlError, SqlState};
use lw_engine::{Engine, StatementContext};
use lw_pgrepr::SqlType;
use lw_settings::SessionInfo;
use lw_sql_plan::{AlterTable, DdlPlan, PlanContext};

use super::alter::is_literal;
use crate::sequence::one_row;

/// Sees that the values of a VARCHAR that is made shorter fit, and takes the value of the DEFAULT of
/// a column that is added to a table with rows: once, all its rows get the same.
pub(crate) async fn look_at_rows(
    ddl: &mut DdlPlan,
    engine: &Engine,
    ctx: &StatementContext,
) -> Result<()> {
    let DdlPlan::AlterTable { table, action } = ddl else {
        return Ok(());
    };
    let Some(relation) = ctx.session.catalog.relation(*table) else {
        return Ok(());
    };
    let has_rows = !ctx.session.catalog.table_data(*table).segments.is_empty();
    match action {
        AlterTable::AddColumn(column) if has_rows => {
            let Some(default) = column.default.as_ref().filter(|d| !is_literal(d)) else {
                return Ok(());
            };
            let to = column.sql_type;
            if to == SqlType::TimeTz {
                return Err(SqlError::unsupported(
                    "ADD COLUMN of TIMETZ with a default that is computed, on a table with rows,",
                ));
            }
            let sql = format!("select cast(cast(({default}) as {to}) as varchar(65535))");
            let row = row_of(&sql, engine, ctx).await?;
            let value = row.column(0);
            column.added_default = Some(if value.is_null(0) {
                "NULL".to_string()
            } else {
                let text = compute::cast(value, &DataType::Utf8).map_err(SqlError::internal)?;
                let text = text.as_string::<i32>().value(0).replace('\'', "''");
                // Read as the column's type by who reads it.
                format!("'{text}'")
            });
        }
        AlterTable::ColumnType { column, to } if has_rows => {
            let Some(column) = relation.columns.iter().find(|c| c.id == *column) else {
                return Ok(());
            };
            let (SqlType::Varchar(from), SqlType::Varchar(length)) = (column.sql_type, *to) else {
                return Ok(());
            };
            if length >= from {
                return Ok(());
            }
            let sql = format!(
                "select cast(max(octet_length({})) as bigint) from {}",
                quoted(&column.name),
                named(*table, &ctx.session)?
            );
            let row = row_of(&sql, engine, ctx).await?;
            let longest = row.column(0).as_primitive_opt::<Int64Type>();
            let longest = longest
                .filter(|_| row.column(0).is_valid(0))
                .map(|l| l.value(0));
            if longest.is_some_and(|l| l > i64::from(length)) {
                return Err(SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!(
                        "cannot decrease the size of column \"{}\" to {length}: its longest value has {} bytes",
                        column.name,
                        longest.unwrap_or_default()
                    ),
                ));
            }
        }
        _ => {}
    }
    Ok(())
}

/// The row of a query of ours, whose names are those of the catalog.
async fn row_of(sql: &str, engine: &Engine, ctx: &StatementContext) -> Result<RecordBatch> {
    let mut session = SessionInfo::clone(&ctx.session);
    let exact = "enable_case_sensitive_identifier".to_string();
    session.settings.0.insert(exact, "true".to_string());
    let plan = PlanContext::new(std::sync::Arc::new(session), Vec::new());
    let query = lw_sql_plan::plan_query(&*lw_sql_syntax::parse_query(sql)?, &plan)?;
    one_row(engine.clone(), &query.logical, ctx).await
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The table's name with its schema; a temporary table is found first without one.
fn named(table: Oid, session: &SessionInfo) -> Result<String> {
    let lost = || SqlError::internal("a table was lost");
    let relation = session.catalog.relation(table).ok_or_else(lost)?;
    if relation.table().is_some_and(|t| t.temporary) {
        return Ok(quoted(&relation.name));
    }
    let schema = session.catalog.schema(relation.schema).ok_or_else(lost)?;
    Ok(format!(
        "{}.{}",
        quoted(&schema.name),
        quoted(&relation.name)
    ))
}
