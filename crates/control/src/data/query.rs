//! What is told of statements: DescribeStatement, ListStatements, CancelStatement and both forms of
//! GetStatementResult.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lw_aws_model::redshift_data::{
    CancelStatementRequest, CancelStatementResponse, DescribeStatementRequest,
    DescribeStatementResponse, GetStatementResultRequest, GetStatementResultResponse,
    GetStatementResultV2Request, GetStatementResultV2Response, ListStatementsRequest,
    ListStatementsResponse, QueryRecords, SqlParameter, StatementData, SubStatementData, errors,
};
use lw_aws_model::{ApiError, Value};
use lw_policy::{Keys, Request};

use super::results::{self, Reader};
use super::statement::{Owner, Statement, Status};
use super::{dir, result_key, run, submit};
use crate::page::page;
use crate::{Call, Control, identity};

/// A statement as it is now.
pub fn find(control: &Control, id: &str) -> Option<Arc<Statement>> {
    if let Some(live) = control.data.live.lock().get(id) {
        return Some(live.state.borrow().clone());
    }
    control.records.view().get::<Statement>(id)
}

/// Whose a statement is, for policies that let users see their own only (guide L20417-20438).
const OWNER_KEY: &str = "redshift-data:statement-owner-iam-userid";

/// What policies may ask of a call: the owner of the statement it names; of none, the caller.
pub fn owner_keys(call: &Call, input: &Value) -> Keys {
    let named = input
        .text("Id")
        .map(|id| id.split(':').next().unwrap_or(id));
    let owner = match named {
        Some(id) => find(&call.control, id).map(|statement| statement.owner.user_id.clone()),
        None => Some(call.caller.user_id.clone()),
    };
    match owner {
        Some(owner) => Keys::new().with(OWNER_KEY, owner),
        None => Keys::new(),
    }
}

/// How long a page may be: what is asked for, where that is something.
pub fn limit(asked: Option<i64>, most: usize) -> usize {
    match asked {
        Some(asked) if asked > 0 => (asked as usize).min(most),
        _ => most,
    }
}

fn no_such(id: &str) -> ApiError {
    errors::resource_not_found_exception("Query does not exist.").with("ResourceId", id)
}

fn no_result(id: &str) -> ApiError {
    errors::resource_not_found_exception(
        "Query does not have result. Please check query status with DescribeStatement.",
    )
    .with("ResourceId", id)
}

/// The statement that an id names and that the caller may see, and which part of it.
fn seen(call: &Call, id: &str) -> Result<(Arc<Statement>, Option<usize>), ApiError> {
    let (whole, part) = match id.split_once(':') {
        Some((whole, part)) => (whole, Some(part)),
        None => (id, None),
    };
    let statement = find(&call.control, whole)
        .filter(|statement| statement.owner.shows_to(&call.caller))
        .ok_or_else(|| no_such(id))?;
    let part = match part {
        None => None,
        Some(number) => Some(
            number
                .parse::<usize>()
                .ok()
                .filter(|n| (1..=statement.parts.len()).contains(n))
                .ok_or_else(|| no_such(id))?
                - 1,
        ),
    };
    Ok((statement, part))
}

/// The statement after the wait that the call asks for.
async fn waited(
    call: &Call,
    id: &str,
    wait: Option<i64>,
) -> Result<(Arc<Statement>, Option<usize>), ApiError> {
    let (statement, part) = seen(call, id)?;
    let after = submit::wait_for(&call.control, &statement, wait).await?;
    Ok((after.unwrap_or(statement), part))
}

fn parameters(statement: &Statement) -> Option<Vec<SqlParameter>> {
    (!statement.parameters.is_empty()).then(|| {
        statement
            .parameters
            .iter()
            .map(|(name, value)| SqlParameter {
                name: name.clone(),
                value: value.clone(),
            })
            .collect()
    })
}

fn format_of(statement: &Statement) -> Option<String> {
    Some(if statement.csv { "CSV" } else { "JSON" }.to_string())
}

pub async fn describe_statement(
    call: Call,
    input: DescribeStatementRequest,
) -> Result<DescribeStatementResponse, ApiError> {
    let (statement, part) = waited(&call, &input.id, input.wait_time_seconds).await?;
    let mut out = DescribeStatementResponse {
        cluster_identifier: statement.target.cluster.clone(),
        created_at: Some(statement.created),
        database: Some(statement.database.clone()),
        db_user: statement
            .secret_arn
            .is_none()
            .then(|| statement.user.clone()),
        duration: Some(statement.duration()),
        error: statement.error.clone(),
        execution_mode: statement.batch.then(|| {
            if statement.auto_commit {
                "AUTO_COMMIT"
            } else {
                "TRANSACTION"
            }
            .to_string()
        }),
        has_result_set: Some(statement.parts.iter().any(|part| part.has_result)),
        id: input.id.clone(),
        query_parameters: parameters(&statement),
        query_string: None,
        redshift_pid: Some(statement.pid),
        redshift_query_id: Some(0),
        redshift_query_uuid: None,
        result_format: format_of(&statement),
        result_rows: Some(statement.rows()),
        result_size: Some(statement.size()),
        secret_arn: statement.secret_arn.clone(),
        session_id: statement.session.clone(),
        status: Some(statement.status.word().into()),
        sub_statements: None,
        updated_at: Some(statement.updated),
        workgroup_name: statement.target.workgroup.clone(),
    };
    if !statement.batch || part.is_some() {
        let one = statement.parts.get(part.unwrap_or(0));
        if let Some(one) = one {
            out.query_string = Some(one.sql.clone());
            out.redshift_query_id = Some(one.query);
            if part.is_some() {
                out.duration = Some(one.duration);
                out.error = one.error.clone();
                out.has_result_set = Some(one.has_result);
                out.result_rows = Some(one.rows);
                out.result_size = Some(one.size);
                out.status = Some(one.status.word().into());
                out.updated_at = Some(one.updated);
            }
        }
    } else {
        out.sub_statements = Some(
            statement
                .parts
                .iter()
                .enumerate()
                .map(|(index, part)| SubStatementData {
                    created_at: Some(statement.created),
                    duration: Some(part.duration),
                    error: part.error.clone(),
                    has_result_set: Some(part.has_result),
                    id: format!("{}:{}", statement.id, index + 1),
                    query_string: Some(part.sql.clone()),
                    redshift_query_id: Some(part.query),
                    redshift_query_uuid: None,
                    result_rows: Some(part.rows),
                    result_size: Some(part.size),
                    status: Some(part.status.word().into()),
                    updated_at: Some(part.updated),
                })
                .collect(),
        );
    }
    Ok(out)
}

pub async fn list_statements(
    call: Call,
    input: ListStatementsRequest,
) -> Result<ListStatementsResponse, ApiError> {
    // Without a status only those that are finished are listed.
    let status = input.status.as_deref().unwrap_or("FINISHED");
    let same = |wanted: &Option<String>, is: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == is)
    };
    let own = Owner::of(&call.caller);
    let role_level = input.role_level.unwrap_or(true);
    // What the caller's policies say of the statements of each owner.
    let mut allowed: HashMap<String, bool> = HashMap::new();
    let mut may_see = |owner: &Owner| {
        *allowed.entry(owner.user_id.clone()).or_insert_with(|| {
            let asked = Request::new("redshift-data:ListStatements", [])
                .with(OWNER_KEY, owner.user_id.as_str());
            identity::authorize(&call, asked).is_ok()
        })
    };
    let mut all: Vec<Arc<Statement>> = call
        .view()
        .list::<Statement>()
        .into_iter()
        .map(|kept| match kept.status.is_over() {
            true => kept,
            false => find(&call.control, &kept.id).unwrap_or(kept),
        })
        .filter(|statement| {
            statement.owner.shows_to(&call.caller)
                && (role_level || statement.owner == own)
                && (status == "ALL" || status == statement.status.word())
                && input.statement_name.as_deref().is_none_or(|prefix| {
                    prefix.is_empty()
                        || statement
                            .name
                            .as_deref()
                            .is_some_and(|n| n.starts_with(prefix))
                })
                && may_see(&statement.owner)
                && same(&input.database, Some(&statement.database))
                && same(
                    &input.cluster_identifier,
                    statement.target.cluster.as_deref(),
                )
                && same(&input.workgroup_name, statement.target.workgroup.as_deref())
        })
        .collect();
    // The newest first.
    let key = |statement: &Arc<Statement>| {
        let age = i64::MAX - statement.created.timestamp_micros();
        format!("{age:016x}{}", statement.id)
    };
    all.sort_by_cached_key(key);
    let (shown, next_token) = page(
        all,
        key,
        input.next_token.as_deref(),
        limit(input.max_results, 100),
    )?;
    Ok(ListStatementsResponse {
        next_token,
        statements: shown.iter().map(|statement| listed(statement)).collect(),
    })
}

fn listed(statement: &Statement) -> StatementData {
    let texts: Vec<String> = statement
        .parts
        .iter()
        .map(|part| part.sql.clone())
        .collect();
    StatementData {
        created_at: Some(statement.created),
        id: statement.id.clone(),
        is_batch_statement: Some(statement.batch),
        query_parameters: parameters(statement),
        query_string: (!statement.batch).then(|| texts.concat()),
        query_strings: statement.batch.then_some(texts),
        result_format: format_of(statement),
        secret_arn: statement.secret_arn.clone(),
        session_id: statement.session.clone(),
        statement_name: statement.name.clone(),
        status: Some(statement.status.word().into()),
        updated_at: Some(statement.updated),
    }
}

pub async fn cancel_statement(
    call: Call,
    input: CancelStatementRequest,
) -> Result<CancelStatementResponse, ApiError> {
    let (statement, part) = seen(&call, &input.id)?;
    if part.is_some() {
        return Err(errors::validation_exception(
            "A statement of a batch cannot be cancelled alone; cancel the batch.",
        ));
    }
    let over = |status: Status| {
        errors::validation_exception(format!(
            "Could not cancel a query that is already in {} state.",
            status.word()
        ))
    };
    let live = call.control.data.live.lock().get(&statement.id).cloned();
    let Some(live) = live.filter(|_| !statement.status.is_over()) else {
        return Err(over(statement.status));
    };
    live.cancel.cancel();
    if call
        .control
        .data
        .lanes
        .leave(&statement.lane(), &statement.id)
    {
        let mut ended = (**live.state.borrow()).clone();
        ended.end(Status::Aborted, None, call.now());
        run::finish(&call.control, &live, ended).await;
        return Ok(CancelStatementResponse { status: Some(true) });
    }
    // It runs; what stops it is asked, and mostly answers at once.
    let mut state = live.state.subscribe();
    let ended = state.wait_for(|statement| statement.status.is_over());
    let status = match tokio::time::timeout(std::time::Duration::from_secs(10), ended).await {
        Ok(Ok(ended)) => ended.status,
        _ => Status::Started,
    };
    match status {
        Status::Finished | Status::Failed => Err(over(status)),
        _ => Ok(CancelStatementResponse { status: Some(true) }),
    }
}

/// The result that an id names, and the page that a token names.
async fn result(
    call: &Call,
    id: &str,
    wait: Option<i64>,
    token: Option<&str>,
    csv: bool,
) -> Result<(Reader, usize), ApiError> {
    let (statement, part) = waited(call, id, wait).await?;
    if statement.batch && part.is_none() && statement.parts.len() > 1 {
        return Err(errors::validation_exception(format!(
            "The statement {id} is a batch: ask for the result of one of its statements, such as {id}:1."
        )));
    }
    let index = part.unwrap_or(0);
    let done = statement
        .parts
        .get(index)
        .is_some_and(|part| part.status == Status::Finished && part.has_result);
    if !done || !statement.status.is_over() {
        return Err(no_result(id));
    }
    if statement.csv != csv {
        return Err(errors::validation_exception(if statement.csv {
            "The result is CSV: use GetStatementResultV2."
        } else {
            "The result is JSON: use GetStatementResult."
        }));
    }
    let key = result_key(&statement.id, index);
    let number = match token.filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| text.strip_prefix(&format!("{key}/"))?.parse().ok())
            .ok_or_else(|| errors::validation_exception("NextToken is not one of this result."))?,
    };
    let dir = dir(&call.control);
    let reader = tokio::task::spawn_blocking(move || Reader::open(&dir, &key))
        .await
        .map_err(ApiError::internal)??
        .ok_or_else(|| no_result(id))?;
    Ok((reader, number))
}

/// The page, and the token of the next one.
async fn read(
    mut reader: Reader,
    number: usize,
    id: &str,
) -> Result<(Reader, String, Option<String>), ApiError> {
    let (whole, part) = id.split_once(':').unwrap_or((id, "1"));
    let next = (number + 1 < reader.pages())
        .then(|| URL_SAFE_NO_PAD.encode(format!("{whole}.{part}/{}", number + 1)));
    let (reader, page) = tokio::task::spawn_blocking(move || {
        let page = reader.page(number);
        (reader, page)
    })
    .await
    .map_err(ApiError::internal)?;
    Ok((reader, page?, next))
}

pub async fn get_statement_result(
    call: Call,
    input: GetStatementResultRequest,
) -> Result<GetStatementResultResponse, ApiError> {
    let (reader, number) = result(
        &call,
        &input.id,
        input.wait_time_seconds,
        input.next_token.as_deref(),
        false,
    )
    .await?;
    let (reader, page, next_token) = read(reader, number, &input.id).await?;
    Ok(GetStatementResultResponse {
        column_metadata: Some(reader.columns()),
        next_token,
        records: results::records(&page)?,
        total_num_rows: Some(reader.index.rows),
    })
}

pub async fn get_statement_result_v2(
    call: Call,
    input: GetStatementResultV2Request,
) -> Result<GetStatementResultV2Response, ApiError> {
    let (reader, number) = result(
        &call,
        &input.id,
        input.wait_time_seconds,
        input.next_token.as_deref(),
        true,
    )
    .await?;
    let (reader, page, next_token) = read(reader, number, &input.id).await?;
    let records = match page.is_empty() {
        true => Vec::new(),
        false => vec![QueryRecords {
            csv_records: Some(page),
        }],
    };
    Ok(GetStatementResultV2Response {
        column_metadata: Some(reader.columns()),
        next_token,
        records,
        result_format: Some("CSV".into()),
        total_num_rows: Some(reader.index.rows),
    })
}
