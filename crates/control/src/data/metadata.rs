//! ListDatabases, ListSchemas, ListTables and DescribeTable: what the catalog says, asked at once.

use std::time::Duration;

use futures::StreamExt;
use lw_aws_model::ApiError;
use lw_aws_model::redshift_data::{
    ColumnMetadata, DescribeTableRequest, DescribeTableResponse, ListDatabasesRequest,
    ListDatabasesResponse, ListSchemasRequest, ListSchemasResponse, ListTablesRequest,
    ListTablesResponse, TableMember, errors,
};
use lw_base::{SqlError, SqlState};
use lw_pgrepr::{SqlType, TextOptions};
use lw_services::{Outcome, Session};

use super::columns::{Cells, shape_of};
use super::query::limit;
use super::{login, run};
use crate::page::page;
use crate::{Call, target};

/// How long a question may take.
const LONGEST: Duration = Duration::from_secs(60);
/// Entries of a page.
const PAGE: usize = 1000;

/// Where a question goes.
struct Place {
    cluster: Option<String>,
    workgroup: Option<String>,
    database: String,
    secret_arn: Option<String>,
    db_user: Option<String>,
}

type Rows = Vec<Vec<String>>;

/// The rows of a query of the catalog, as text; NULL is empty.
async fn ask(call: &Call, place: Place, sql: String) -> Result<Rows, ApiError> {
    let target = target::resolve(
        call.config(),
        &call.view(),
        place.cluster.as_deref(),
        place.workgroup.as_deref(),
    )?;
    let login = login::resolve(
        call,
        &target,
        &place.database,
        place.secret_arn.as_deref(),
        place.db_user.as_deref(),
    )
    .await?;
    let no_connection =
        |error: &SqlError| errors::database_connection_exception(run::worded(error));
    let service = call
        .control
        .provisioner
        .sql(&target.namespace)
        .await
        .map_err(|e| no_connection(&e))?;
    let client = run::client(&login, &place.database);
    let work = async {
        let mut session = service
            .connect(client, login.proof)
            .await
            .map_err(|e| refused(&e))?;
        let rows = rows_of(session.as_mut(), &sql).await;
        session.close().await;
        rows.map_err(|error| match error.state {
            SqlState::INSUFFICIENT_PRIVILEGE => errors::validation_exception(run::worded(&error)),
            _ => ApiError::internal(run::worded(&error)),
        })
    };
    tokio::time::timeout(LONGEST, work)
        .await
        .map_err(|_| errors::query_timeout_exception("The catalog did not answer in 60 seconds."))?
}

/// A login that fails: a user or a database that does not exist is a mistake of the caller.
fn refused(error: &SqlError) -> ApiError {
    let state = error.state.0;
    match ["28", "3D", "42"]
        .iter()
        .any(|class| state.starts_with(class))
    {
        true => errors::validation_exception(run::worded(error)),
        false => errors::database_connection_exception(run::worded(error)),
    }
}

async fn rows_of(session: &mut dyn Session, sql: &str) -> lw_base::Result<Rows> {
    let mut out = Vec::new();
    for statement in session.parse(sql)? {
        let prepared = session.prepare(&statement, &[]).await?;
        let Outcome::Rows {
            columns, mut rows, ..
        } = session.execute(&prepared, Vec::new()).await?
        else {
            continue;
        };
        let options = TextOptions::default();
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let cells = batch
                .columns()
                .iter()
                .zip(&columns)
                .map(|(array, column)| Cells::new(array, column.sql_type))
                .collect::<lw_base::Result<Vec<_>>>()?;
            for row in 0..batch.num_rows() {
                out.push(
                    cells
                        .iter()
                        .map(|cell| cell.text(row, &options, &mut 0).unwrap_or_default())
                        .collect(),
                );
            }
        }
    }
    session.sync().await?;
    Ok(out)
}

/// A text as a literal of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A condition on a name by a pattern of LIKE, where there is one.
fn like(column: &str, pattern: Option<&str>) -> String {
    match pattern.filter(|pattern| !pattern.is_empty()) {
        Some(pattern) => format!(" and {column} like {}", literal(pattern)),
        None => String::new(),
    }
}

/// A condition on a name.
fn is(column: &str, name: Option<&str>) -> String {
    match name.filter(|name| !name.is_empty()) {
        Some(name) => format!(" and {column} = {}", literal(name)),
        None => String::new(),
    }
}

const SYSTEM: &str = "('pg_catalog', 'information_schema', 'pg_internal', 'pg_automv', 'pg_mv')";

pub async fn list_databases(
    call: Call,
    input: ListDatabasesRequest,
) -> Result<ListDatabasesResponse, ApiError> {
    let place = Place {
        cluster: input.cluster_identifier,
        workgroup: input.workgroup_name,
        database: input.database.unwrap_or_else(|| "dev".into()),
        secret_arn: input.secret_arn,
        db_user: input.db_user,
    };
    let sql = "select datname from pg_database where not datistemplate and datallowconn \
               and datname not in ('padb_harvest') order by 1";
    let rows = ask(&call, place, sql.into()).await?;
    let names: Vec<String> = rows.into_iter().flatten().collect();
    let (databases, next_token) = page(
        names,
        String::clone,
        input.next_token.as_deref(),
        limit(input.max_results, PAGE),
    )?;
    Ok(ListDatabasesResponse {
        databases: Some(databases),
        next_token,
    })
}

pub async fn list_schemas(
    call: Call,
    input: ListSchemasRequest,
) -> Result<ListSchemasResponse, ApiError> {
    let place = Place {
        cluster: input.cluster_identifier,
        workgroup: input.workgroup_name,
        database: input.database,
        secret_arn: input.secret_arn,
        db_user: input.db_user,
    };
    let sql = format!(
        "select nspname from pg_namespace where nspname not like 'pg\\\\_temp\\\\_%' \
         and nspname not like 'pg\\\\_toast%'{} order by 1",
        like("nspname", input.schema_pattern.as_deref())
    );
    let mut names: Vec<String> = ask(&call, place, sql)
        .await?
        .into_iter()
        .flatten()
        .collect();
    names.sort();
    let (schemas, next_token) = page(
        names,
        String::clone,
        input.next_token.as_deref(),
        limit(input.max_results, PAGE),
    )?;
    Ok(ListSchemasResponse {
        next_token,
        schemas: Some(schemas),
    })
}

pub async fn list_tables(
    call: Call,
    input: ListTablesRequest,
) -> Result<ListTablesResponse, ApiError> {
    let place = Place {
        cluster: input.cluster_identifier,
        workgroup: input.workgroup_name,
        database: input.database,
        secret_arn: input.secret_arn,
        db_user: input.db_user,
    };
    let sql = format!(
        "select n.nspname, c.relname, case when n.nspname in {SYSTEM} \
         then case c.relkind when 'v' then 'SYSTEM VIEW' else 'SYSTEM TABLE' end \
         else case c.relkind when 'v' then 'VIEW' else 'TABLE' end end \
         from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where c.relkind in ('r', 'v'){}{} order by 1, 2",
        like("n.nspname", input.schema_pattern.as_deref()),
        like("c.relname", input.table_pattern.as_deref())
    );
    let mut tables: Vec<TableMember> = ask(&call, place, sql)
        .await?
        .into_iter()
        .map(|row| {
            let mut row = row.into_iter();
            TableMember {
                schema: row.next(),
                name: row.next(),
                r#type: row.next(),
            }
        })
        .collect();
    let key = |table: &TableMember| {
        format!(
            "{}\u{1}{}",
            table.schema.as_deref().unwrap_or_default(),
            table.name.as_deref().unwrap_or_default()
        )
    };
    tables.sort_by_cached_key(key);
    let (tables, next_token) = page(
        tables,
        key,
        input.next_token.as_deref(),
        limit(input.max_results, PAGE),
    )?;
    Ok(ListTablesResponse {
        next_token,
        tables: Some(tables),
    })
}

pub async fn describe_table(
    call: Call,
    input: DescribeTableRequest,
) -> Result<DescribeTableResponse, ApiError> {
    let place = Place {
        cluster: input.cluster_identifier,
        workgroup: input.workgroup_name,
        database: input.database,
        secret_arn: input.secret_arn,
        db_user: input.db_user,
    };
    let sql = format!(
        "select n.nspname, c.relname, a.attnum, a.attname, a.atttypid, a.atttypmod, t.typname, \
         a.attnotnull, d.adsrc \
         from pg_attribute a join pg_class c on c.oid = a.attrelid \
         join pg_namespace n on n.oid = c.relnamespace join pg_type t on t.oid = a.atttypid \
         left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum \
         where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v'){}{} order by 1, 2, 3",
        is("n.nspname", input.schema.as_deref()),
        is("c.relname", input.table.as_deref())
    );
    let columns: Vec<(String, ColumnMetadata)> = ask(&call, place, sql)
        .await?
        .iter()
        .map(|row| described(row))
        .collect();
    let (columns, next_token) = page(
        columns,
        |(key, _)| key.clone(),
        input.next_token.as_deref(),
        limit(input.max_results, PAGE),
    )?;
    Ok(DescribeTableResponse {
        column_list: Some(columns.into_iter().map(|(_, column)| column).collect()),
        next_token,
        table_name: input.table,
    })
}

/// A row of the question above: its place in the list, and the column (guide L17801-17947).
fn described(row: &[String]) -> (String, ColumnMetadata) {
    let text = |i: usize| row.get(i).cloned().unwrap_or_default();
    let number = |i: usize| text(i).parse::<i64>().unwrap_or_default();
    let sql_type = SqlType::from_oid(number(4) as u32, number(5) as i32);
    let (precision, scale, signed) = sql_type.map_or((2_147_483_647, 0, false), shape_of);
    let key = format!("{}\u{1}{}\u{1}{:05}", text(0), text(1), number(2));
    let column = ColumnMetadata {
        column_default: Some(text(8)).filter(|default| !default.is_empty()),
        is_case_sensitive: Some(false),
        is_currency: Some(false),
        is_signed: Some(signed),
        label: None,
        length: Some(precision),
        name: Some(text(3)),
        nullable: Some(i64::from(text(7) != "true")),
        precision: Some(precision),
        scale: Some(scale),
        schema_name: Some(text(0)),
        table_name: Some(text(1)),
        type_name: Some(text(6)),
    };
    (key, column)
}
