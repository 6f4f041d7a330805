//! Running a statement: connect, execute, write its rows to files, commit, tell.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use lw_aws_model::ApiError;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::{SqlType, TextOptions, Zone};
use lw_services::{ClientInfo, Outcome, Param, Session, SqlService};

use super::lanes::Turn;
use super::login::{self, Login};
use super::results::{self, Writer};
use super::statement::{Part, Statement, Status};
use super::{Live, dir, params, result_key, sessions};
use crate::notices::bus;
use crate::records::Txn;
use crate::{Call, Control};

/// How long a statement may run (guide L16660).
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How long a statement that is cancelled may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who the Data API is to the leader.
pub fn client(login: &Login, database: &str) -> ClientInfo {
    ClientInfo {
        user: login.login_as.clone(),
        database: database.to_string(),
        options: [(
            "application_name".to_string(),
            "RedshiftDataAPI".to_string(),
        )]
        .into(),
        remote_address: None,
        remote_port: 0,
        // It comes from within.
        tls: true,
        tls_detail: String::new(),
    }
}

/// An error as the JDBC driver behind the Data API words it.
pub fn worded(error: &SqlError) -> String {
    let severity = if error.fatal { "FATAL" } else { "ERROR" };
    let mut text = format!("{severity}: {}", error.message);
    for (label, value) in [
        ("Detail", error.detail.clone()),
        ("Hint", error.hint.clone()),
        ("Position", error.position.map(|p| p.to_string())),
    ] {
        if let Some(value) = value {
            text.push_str(&format!("\n  {label}: {value}"));
        }
    }
    text
}

/// Runs a statement to its end.
pub async fn run(call: Call, live: Arc<Live>, login: Login, turn: Turn) {
    let control = call.control.clone();
    let mut statement = (**live.state.borrow()).clone();
    if !live.cancel.is_cancelled() {
        change(&control, &live, &mut statement, |s| {
            s.status = Status::Picked
        });
        let ended = work(&call, &live, &mut statement, login).await;
        let now = control.clock.now();
        match ended {
            Ok(()) => statement.end(Status::Finished, None, now),
            Err(_) if live.cancel.is_cancelled() => statement.end(Status::Aborted, None, now),
            Err(error) => statement.end(Status::Failed, Some(worded(&error)), now),
        }
    } else {
        statement.end(Status::Aborted, None, control.clock.now());
    }
    finish(&control, &live, statement).await;
    drop(turn);
}

/// Makes a statement's end durable, then known.
pub async fn finish(control: &Arc<Control>, live: &Live, statement: Statement) {
    let kept = async {
        let mut txn = control.records.begin().await;
        tell(control, &mut txn, &statement)?;
        txn.put(statement.clone())?;
        txn.commit().await
    };
    if let Err(error) = kept.await {
        tracing::error!(%error, id = statement.id, "the end of a statement could not be kept");
    }
    if let Some(session) = &statement.session {
        sessions::leave(control, session, &statement.id);
    }
    let id = statement.id.clone();
    live.state.send_replace(Arc::new(statement));
    control.data.live.lock().remove(&id);
}

/// The event of a statement's end, if it asked for one (guide L18318-18356).
pub fn tell(control: &Control, txn: &mut Txn, statement: &Statement) -> Result<(), ApiError> {
    if !statement.with_event {
        return Ok(());
    }
    let at = statement.updated;
    let last = statement.parts.last();
    let mut detail = serde_json::json!({
        "principal": statement.owner.arn,
        "statementName": statement.name.as_deref().unwrap_or_default(),
        "statementId": statement.id,
        "redshiftQueryId": last.map_or(-1, |part| part.query),
        "state": statement.status.word(),
        "rows": statement.rows(),
        "expireAt": (at + super::statement::KEPT).timestamp() - 1,
    });
    if let Some(error) = &statement.error {
        detail["errorMessage"] = error.as_str().into();
    }
    let envelope = bus::envelope(
        &control.config,
        "aws.redshift-data",
        "Redshift Data Statement Status Change",
        at,
        std::slice::from_ref(&statement.target.arn),
        detail,
    );
    bus::put(txn, at, envelope)
}

fn change(
    control: &Control,
    live: &Live,
    statement: &mut Statement,
    how: impl FnOnce(&mut Statement),
) {
    how(statement);
    statement.updated = control.clock.now();
    live.state.send_replace(Arc::new(statement.clone()));
}

async fn work(call: &Call, live: &Live, statement: &mut Statement, login: Login) -> Result<()> {
    let control = &call.control;
    let service = control.provisioner.sql(&statement.target.namespace).await?;
    let opened =
        match &statement.session {
            Some(id) => control.data.sessions.opened(id).ok_or_else(|| {
                SqlError::new(SqlState::CONNECTION_FAILURE, "the session is closed")
            })?,
            None => sessions::Opened::default(),
        };
    let mut held = opened.lock().await;
    if held.is_none() {
        let login = login::renewed(call, &statement.target, &statement.database, login)
            .await
            .map_err(|error| SqlError::new(SqlState::INVALID_AUTHORIZATION, error.message));
        let connected = match login {
            Ok(login) => {
                let client = client(&login, &statement.database);
                service.connect(client, login.proof).await
            }
            Err(error) => Err(error),
        };
        match connected {
            Ok(session) => *held = Some(session),
            Err(error) => {
                drop(held);
                if let Some(id) = &statement.session {
                    sessions::close(control, id).await;
                }
                return Err(error);
            }
        }
    }
    let Some(session) = held.as_mut() else {
        return Err(SqlError::internal("there is no session"));
    };
    let (pid, key) = (session.pid(), session.cancel_key());
    change(control, live, statement, |s| {
        s.status = Status::Started;
        s.pid = pid.into();
    });
    let ended = {
        let parts = run_parts(control, live, statement, session.as_mut());
        tokio::pin!(parts);
        tokio::select! {
            ended = &mut parts => ended,
            () = live.cancel.cancelled() => {
                stop(service.as_ref(), pid, key, parts).await
            }
            () = tokio::time::sleep(LONGEST) => {
                let _ = stop(service.as_ref(), pid, key, parts).await;
                Err(SqlError::new(SqlState::QUERY_CANCELED, "the statement ran for 24 hours"))
            }
        }
    };
    if ended.is_err() {
        session.fail().await;
        // The implicit transaction ends; one of BEGIN stays failed, as on the SQL port.
        let _ = session.sync().await;
    }
    if statement.session.is_none()
        && let Some(mut session) = held.take()
    {
        session.close().await;
    }
    ended
}

/// Cancels until the statement ends: one request may come before what it is to stop.
async fn stop(
    service: &dyn SqlService,
    pid: i32,
    key: i32,
    mut parts: std::pin::Pin<&mut impl Future<Output = Result<()>>>,
) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        service.cancel(pid, key);
        if let Ok(ended) = tokio::time::timeout(Duration::from_millis(200), &mut parts).await {
            return ended;
        }
    }
    Err(SqlError::new(
        SqlState::QUERY_CANCELED,
        "Query cancelled on user's request",
    ))
}

/// Runs its statements: those of a batch in one transaction, unless each is to be its own.
async fn run_parts(
    control: &Control,
    live: &Live,
    statement: &mut Statement,
    session: &mut dyn Session,
) -> Result<()> {
    let count = statement.parts.len();
    for index in 0..count {
        if live.cancel.is_cancelled() {
            return Err(SqlError::new(
                SqlState::QUERY_CANCELED,
                "Query cancelled on user's request",
            ));
        }
        change(control, live, statement, |s| {
            if let Some(part) = s.parts.get_mut(index) {
                part.status = Status::Started;
            }
        });
        let begun = Instant::now();
        let mut ended = run_part(control, statement, index, session).await;
        // Told as done only when it is durable.
        if ended.is_ok() && (statement.auto_commit || index + 1 == count) {
            ended = match session.sync().await {
                Ok(()) => ended,
                Err(error) => Err(error),
            };
        }
        let now = control.clock.now();
        let failed = match ended {
            Ok(told) => {
                change(control, live, statement, |s| {
                    if let Some(part) = s.parts.get_mut(index) {
                        *part = Part {
                            sql: std::mem::take(&mut part.sql),
                            status: Status::Finished,
                            error: None,
                            updated: now,
                            duration: begun.elapsed().as_nanos() as i64,
                            rows: told.rows,
                            size: told.size,
                            has_result: told.has_result,
                            query: told.query,
                        };
                    }
                });
                continue;
            }
            Err(error) => error,
        };
        // What of a result was written before is of no use.
        results::delete(&dir(control), &result_key(&statement.id, index));
        let aborted = live.cancel.is_cancelled();
        change(control, live, statement, |s| {
            if let Some(part) = s.parts.get_mut(index) {
                part.status = if aborted {
                    Status::Aborted
                } else {
                    Status::Failed
                };
                part.error = (!aborted).then(|| worded(&failed));
                part.updated = now;
            }
        });
        return Err(failed);
    }
    Ok(())
}

/// What came of a statement.
struct Told {
    rows: i64,
    size: i64,
    has_result: bool,
    query: i64,
}

async fn run_part(
    control: &Control,
    statement: &Statement,
    index: usize,
    session: &mut dyn Session,
) -> Result<Told> {
    let Some(part) = statement.parts.get(index) else {
        return Err(SqlError::internal("there is no such statement"));
    };
    let known: BTreeSet<&str> = statement
        .parameters
        .iter()
        .map(|(n, _)| n.as_str())
        .collect();
    let numbered = params::number(&part.sql, &known);
    let parsed = session.parse(&numbered.sql)?;
    if parsed.len() > 1 && !numbered.names.is_empty() {
        return Err(SqlError::syntax(
            "cannot insert multiple commands into a prepared statement",
        ));
    }
    let mut told = Told {
        rows: 0,
        size: 0,
        has_result: false,
        query: -1,
    };
    for one in &parsed {
        let prepared = session.prepare(one, &[]).await?;
        let zone = Zone::parse(&session.text_format().time_zone).unwrap_or(Zone::UTC);
        let values = values(statement, &numbered.names, &prepared.params, zone)?;
        match session.execute(&prepared, values).await? {
            Outcome::Rows {
                columns, mut rows, ..
            } => {
                let format = session.text_format();
                let options = TextOptions::new(
                    &format.time_zone,
                    format.extra_float_digits,
                    &format.date_style,
                );
                let mut writer = Writer::create(
                    &dir(control),
                    &result_key(&statement.id, index),
                    columns,
                    statement.csv,
                    options,
                )?;
                while let Some(batch) = rows.next().await {
                    writer.write(&batch?).await?;
                }
                drop(rows);
                (told.rows, told.size) = writer.finish().await?;
                told.has_result = true;
            }
            Outcome::Done { tag } if !told.has_result => {
                // `INSERT 0 3`, `COPY 3`, `CREATE TABLE`
                told.rows = tag
                    .rsplit(' ')
                    .next()
                    .and_then(|word| word.parse().ok())
                    .unwrap_or(0);
            }
            Outcome::Done { .. } | Outcome::Empty => {}
        }
        told.query = session.last_query_id();
    }
    Ok(told)
}

/// The values of the placeholders, each cast to the type its place asks for.
fn values(
    statement: &Statement,
    names: &[String],
    types: &[SqlType],
    zone: Zone,
) -> Result<Vec<Param>> {
    types
        .iter()
        .enumerate()
        .map(|(i, sql_type)| {
            let value = names
                .get(i)
                .and_then(|name| statement.parameters.iter().find(|(n, _)| n == name))
                .ok_or_else(|| {
                    SqlError::new(
                        SqlState::UNDEFINED_PARAMETER,
                        format!("No value specified for parameter {}.", i + 1),
                    )
                })?;
            let sql_type = value_type(*sql_type, &value.1)?;
            let array = lw_pgrepr::decode_param(Some(value.1.as_bytes()), false, sql_type, zone)?;
            Ok(Param {
                sql_type,
                value: array,
            })
        })
        .collect()
}

/// The type to read a value as: a place that asks for nothing takes text, and a NUMERIC loses no digit
/// that the statement may have use for.
fn value_type(asked: SqlType, value: &str) -> Result<SqlType> {
    Ok(match asked {
        SqlType::Unknown => SqlType::Text,
        SqlType::Numeric(precision, scale) => {
            let number = lw_pgrepr::numeric::parse_numeric(value)?;
            match number.own_type() {
                Some((_, own)) if own > scale || !number.fits(precision, scale) => {
                    SqlType::Numeric(38, own)
                }
                _ => asked,
            }
        }
        other => other,
    })
}
