//! A session after its login: the simple and the extended query protocol.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use lw_base::{SqlError, SqlState};
use lw_pgrepr::{SqlType, TextOptions};
use lw_services::{Outcome, Prepared, Session, SqlService, TransactionStatus};

use crate::frontend::{Bind, MAX_MESSAGE, MAX_STATEMENT, Message, text, violation};
use crate::portal::{MAX_NAMED, Portal, State, Statement, declared_type};
use crate::rows::Rows;
use crate::transport::{End, Frame, Transport};

/// Why a message could not be carried out.
enum Failure {
    /// The connection ends.
    End(End),
    /// An error, with the characters before its statement.
    Error(SqlError, u32),
}

impl From<End> for Failure {
    fn from(end: End) -> Failure {
        Failure::End(end)
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Failure {
        Failure::Error(error, 0)
    }
}

/// What Redshift's drivers ask of the server's abilities: metadata by SHOW commands (4 and up), and
/// no databases of datashares or outside sources.
const PROTOCOL_PARAMETERS: &[(&str, &str)] = &[
    ("show_discovery", "4"),
    ("datashare_enabled", "off"),
    ("external_database", "off"),
];

type Step<T = ()> = Result<T, Failure>;

/// Serves a session to its end. A panic in it costs only this connection.
pub(crate) async fn run(
    mut transport: Transport,
    mut session: Box<dyn Session>,
    service: Arc<dyn SqlService>,
) {
    let talk = async {
        let mut talk = Talk {
            transport: &mut transport,
            session: session.as_mut(),
            service,
            statements: HashMap::new(),
            portals: HashMap::new(),
            skipping: false,
        };
        talk.begin().await?;
        loop {
            talk.turn().await?;
        }
    };
    let last = match AssertUnwindSafe(talk).catch_unwind().await {
        Ok(Err::<std::convert::Infallible, End>(End::Fatal(error))) => Some(error),
        Ok(Err(End::Closed)) => None,
        Ok(Ok(never)) => match never {},
        Err(_) => {
            tracing::error!(pid = session.pid(), "a session panicked; it was ended");
            Some(SqlError::internal("the session failed and was ended").fatal())
        }
    };
    if AssertUnwindSafe(session.close())
        .catch_unwind()
        .await
        .is_err()
    {
        tracing::error!(pid = session.pid(), "the end of a session panicked");
    }
    transport.goodbye(last.as_ref()).await;
}

struct Talk<'a> {
    transport: &'a mut Transport,
    session: &'a mut dyn Session,
    service: Arc<dyn SqlService>,
    statements: HashMap<Bytes, Statement>,
    portals: HashMap<Bytes, Portal>,
    /// After an error in the extended protocol: everything up to Sync is skipped.
    skipping: bool,
}

/// Runs `$work`, a call into the session, while watching the socket.
macro_rules! watch {
    ($self:ident, $work:expr) => {{
        let (service, pid, key) = (
            $self.service.clone(),
            $self.session.pid(),
            $self.session.cancel_key(),
        );
        let work = $work;
        $self
            .transport
            .watch(move || service.cancel(pid, key), work)
            .await?
    }};
}

impl Talk<'_> {
    /// What a client is told after its login.
    async fn begin(&mut self) -> Result<(), End> {
        let protocol = self.transport.out.protocol;
        self.report_parameters();
        self.transport
            .out
            .parameter_status("server_protocol_version", &protocol.to_string());
        for (name, value) in PROTOCOL_PARAMETERS {
            self.transport.out.parameter_status(name, value);
        }
        self.transport
            .out
            .backend_key_data(self.session.pid(), self.session.cancel_key());
        self.ready().await
    }

    /// One message.
    async fn turn(&mut self) -> Result<(), End> {
        let frame = match self.session.idle_timeout_s().filter(|s| *s > 0) {
            None => self.transport.next().await?,
            Some(s) => {
                let waited = tokio::time::timeout(Duration::from_secs(s), self.transport.next());
                waited.await.unwrap_or_else(|_| Err(End::Fatal(idle())))?
            }
        };
        let (tag, message) = match frame {
            Frame::TooLong(tag, length) => (tag, Err(too_long("message", length, MAX_MESSAGE))),
            // While skipping, bodies are not looked at.
            Frame::Whole(tag, _) if self.skipping && !matches!(tag, b'S' | b'X') => return Ok(()),
            Frame::Whole(tag, body) => (tag, Message::read(tag, body)),
        };
        let done = match message {
            Ok(Message::Terminate) => return Err(End::Closed),
            Ok(Message::Sync) => return self.sync().await,
            Ok(Message::Query(sql)) => self.simple_query(&sql).await,
            Ok(Message::Copy) => Ok(()),
            Ok(Message::FunctionCall) => {
                Err(SqlError::unsupported("the function call protocol").into())
            }
            Ok(message) => self.extended(message).await,
            Err(error) => Err(error.into()),
        };
        match done {
            Ok(()) => Ok(()),
            Err(Failure::End(end)) => Err(end),
            Err(failure) => {
                self.report(failure).await?;
                // These have no Sync of their own.
                if matches!(tag, b'Q' | b'F') {
                    self.end_round().await?;
                    self.ready().await
                } else {
                    self.skipping = true;
                    self.transport.flush().await
                }
            }
        }
    }

    /// Tells the client of an error, and the session.
    async fn report(&mut self, failure: Failure) -> Result<(), End> {
        let (error, offset) = match failure {
            Failure::End(end) => return Err(end),
            Failure::Error(error, offset) => (error, offset),
        };
        // A session knows of most of its errors, not of those of streams and of this edge.
        self.session.fail().await;
        self.send_notices();
        if error.fatal {
            return Err(End::Fatal(error));
        }
        self.transport.out.error(&error, offset);
        Ok(())
    }

    async fn ready(&mut self) -> Result<(), End> {
        self.send_notices();
        self.report_parameters();
        self.transport.out.ready(self.session.transaction_status());
        self.transport.flush().await
    }

    fn send_notices(&mut self) {
        for notice in self.session.take_notices() {
            self.transport.out.notice(&notice);
        }
    }

    fn report_parameters(&mut self) {
        for (name, value) in self.session.take_parameter_changes() {
            self.transport.out.parameter_status(&name, &value);
        }
    }

    fn text_options(&self) -> TextOptions {
        let format = self.session.text_format();
        TextOptions::new(
            &format.time_zone,
            format.extra_float_digits,
            &format.date_style,
        )
    }

    /// The Sync message.
    async fn sync(&mut self) -> Result<(), End> {
        self.skipping = false;
        self.end_round().await?;
        self.ready().await
    }

    /// Ends the implicit transaction; an error of its commit is told.
    async fn end_round(&mut self) -> Result<(), End> {
        // Portals end with their transaction.
        if self.session.transaction_status() == TransactionStatus::Idle {
            self.portals.clear();
        }
        if let Err(error) = self.session.sync().await {
            self.report(Failure::Error(error, 0)).await?;
        }
        if self.session.transaction_status() == TransactionStatus::Idle {
            self.portals.clear();
        }
        Ok(())
    }

    async fn simple_query(&mut self, sql: &Bytes) -> Step {
        self.statements.remove(&Bytes::new());
        self.portals.remove(&Bytes::new());
        let sql = statement_text(sql)?;
        let statements = self.session.parse(sql)?;
        if statements.is_empty() {
            self.end_round().await?;
            self.transport.out.empty(b'I');
        }
        let count = statements.len();
        for (i, statement) in statements.iter().enumerate() {
            let offset = statement.offset;
            let theirs = |e| Failure::Error(e, offset);
            let prepared = watch!(self, self.session.prepare(statement, &[])).map_err(theirs)?;
            if !prepared.params.is_empty() {
                let message = "there is no parameter $1";
                return Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, message).into());
            }
            let outcome =
                watch!(self, self.session.execute(&prepared, Vec::new())).map_err(theirs)?;
            let tag = match outcome {
                Outcome::Empty => None,
                Outcome::Done { tag } => Some(tag),
                Outcome::Rows {
                    columns,
                    rows,
                    tag,
                    tag_with_rows,
                } => {
                    self.transport.out.row_description(&columns, |_| 0);
                    let types: Vec<SqlType> = columns.iter().map(|c| c.sql_type).collect();
                    let formats = vec![0; types.len()];
                    let mut rows = Rows::new(rows, types, formats, tag, tag_with_rows);
                    let (sent, _) = self.send_rows(&mut rows, u64::MAX).await?;
                    Some(full_tag(&rows.tag, rows.tag_with_rows, sent))
                }
            };
            if i + 1 == count {
                // Durable before the client hears of it.
                if self.session.transaction_status() == TransactionStatus::Idle {
                    self.portals.clear();
                }
                self.session.sync().await.map_err(theirs)?;
            }
            self.send_notices();
            match tag {
                Some(tag) => self.transport.out.command_complete(&tag),
                None => self.transport.out.empty(b'I'),
            }
        }
        if self.session.transaction_status() == TransactionStatus::Idle {
            self.portals.clear();
        }
        Ok(self.ready().await?)
    }

    async fn extended(&mut self, message: Message) -> Step {
        match message {
            Message::Parse { name, sql, types } => self.parse(name, &sql, types).await,
            Message::Bind(bind) => self.bind(bind),
            Message::Describe {
                portal: false,
                name,
            } => self.describe_statement(&name),
            Message::Describe { portal: true, name } => self.describe_portal(&name),
            Message::Execute { portal, limit } => self.execute(portal, limit).await,
            Message::Close { portal, name } => {
                if portal {
                    self.portals.remove(&name);
                } else {
                    self.statements.remove(&name);
                }
                self.transport.out.empty(b'3');
                Ok(())
            }
            Message::Flush => Ok(self.transport.flush().await?),
            _ => Err(violation("unexpected message").into()),
        }
    }

    async fn parse(&mut self, name: Bytes, sql: &Bytes, types: Vec<u32>) -> Step {
        text(&name)?;
        if name.is_empty() {
            self.statements.remove(&name);
        } else if self.statements.contains_key(&name) {
            let name = String::from_utf8_lossy(&name);
            return Err(SqlError::new(
                SqlState::DUPLICATE_PSTATEMENT,
                format!("prepared statement \"{name}\" already exists"),
            )
            .into());
        }
        room(self.statements.len(), "prepared statements")?;
        let sql = statement_text(sql)?;
        let declared = types
            .iter()
            .map(|oid| declared_type(*oid))
            .collect::<Result<Vec<_>, _>>()?;
        let statements = self.session.parse(sql)?;
        let prepared: Option<Arc<Prepared>> = match statements.as_slice() {
            [] => None,
            [one] => {
                let prepared = watch!(self, self.session.prepare(one, &declared));
                Some(prepared.map_err(|e| Failure::Error(e, one.offset))?)
            }
            _ => {
                return Err(SqlError::syntax(
                    "cannot insert multiple commands into a prepared statement",
                )
                .into());
            }
        };
        self.statements.insert(
            name,
            Statement {
                prepared,
                declared: types,
            },
        );
        self.transport.out.empty(b'1');
        Ok(())
    }

    fn bind(&mut self, bind: Bind) -> Step {
        text(&bind.portal)?;
        let statement = self.statement(&bind.statement)?;
        if bind.portal.is_empty() {
            self.portals.remove(&bind.portal);
        } else if self.portals.contains_key(&bind.portal) {
            let name = String::from_utf8_lossy(&bind.portal);
            return Err(SqlError::new(
                SqlState::DUPLICATE_CURSOR,
                format!("portal \"{name}\" already exists"),
            )
            .into());
        }
        room(self.portals.len(), "portals")?;
        let portal = statement.bind(&bind, self.text_options().zone)?;
        self.portals.insert(bind.portal, portal);
        self.transport.out.empty(b'2');
        Ok(())
    }

    fn statement(&self, name: &Bytes) -> Step<Statement> {
        self.statements.get(name).cloned().ok_or_else(|| {
            let message = if name.is_empty() {
                "unnamed prepared statement does not exist".to_string()
            } else {
                let name = String::from_utf8_lossy(name);
                format!("prepared statement \"{name}\" does not exist")
            };
            SqlError::new(SqlState::INVALID_SQL_STATEMENT_NAME, message).into()
        })
    }

    fn describe_statement(&mut self, name: &Bytes) -> Step {
        let statement = self.statement(name)?;
        let out = &mut self.transport.out;
        out.parameter_description(&statement.parameter_oids());
        match statement.prepared.as_ref().and_then(|p| p.columns.as_ref()) {
            Some(columns) => out.row_description(columns, |_| 0),
            None => out.empty(b'n'),
        }
        Ok(())
    }

    fn describe_portal(&mut self, name: &Bytes) -> Step {
        let Some(portal) = self.portals.get(name) else {
            let columns = self.session.cursor_columns(text(name)?);
            let columns = columns.ok_or_else(|| no_portal(name))?;
            self.transport.out.row_description(&columns, |_| 0);
            return Ok(());
        };
        let out = &mut self.transport.out;
        match portal.prepared.as_ref().and_then(|p| p.columns.as_ref()) {
            Some(columns) => {
                out.row_description(columns, |i| portal.formats.get(i).copied().unwrap_or(0))
            }
            None => out.empty(b'n'),
        }
        Ok(())
    }

    /// The Execute message. The portal leaves the map while it runs, so that one that fails is
    /// gone.
    async fn execute(&mut self, name: Bytes, limit: i32) -> Step {
        let mut portal = self.portals.remove(&name).ok_or_else(|| no_portal(&name))?;
        let Some(prepared) = portal.prepared.clone() else {
            self.transport.out.empty(b'I');
            self.portals.insert(name, portal);
            return Ok(());
        };
        let limit = if limit > 0 { limit as u64 } else { u64::MAX };
        let mut tag = None;
        portal.state = match std::mem::replace(&mut portal.state, State::Done) {
            State::Ready => {
                let params = std::mem::take(&mut portal.params);
                let theirs = |e| Failure::Error(e, prepared.statement.offset);
                match watch!(self, self.session.execute(&prepared, params)).map_err(theirs)? {
                    Outcome::Empty => State::Done,
                    Outcome::Done { tag: done } => {
                        tag = Some(done);
                        State::Done
                    }
                    Outcome::Rows {
                        columns,
                        rows,
                        tag,
                        tag_with_rows,
                    } => {
                        // What was announced holds, whatever the statement makes of it now.
                        let announced = prepared.columns.as_deref().unwrap_or(&columns);
                        let types: Vec<SqlType> = announced.iter().map(|c| c.sql_type).collect();
                        let mut formats = portal.formats.clone();
                        formats.resize(types.len(), 0);
                        State::Running(Rows::new(rows, types, formats, tag, tag_with_rows))
                    }
                }
            }
            State::Done => {
                let name = String::from_utf8_lossy(&name);
                let message = format!("portal \"{name}\" cannot be run");
                return Err(SqlError::new(SqlState("55000"), message).into());
            }
            state => state,
        };
        if let State::Running(rows) = &mut portal.state {
            let (sent, ended) = self.send_rows(rows, limit).await?;
            if !ended {
                self.transport.out.empty(b's');
                self.portals.insert(name, portal);
                return Ok(());
            }
            tag = Some(full_tag(&rows.tag, rows.tag_with_rows, sent));
            portal.state = State::Finished {
                tag: std::mem::take(&mut rows.tag),
                tag_with_rows: rows.tag_with_rows,
            };
        } else if let State::Finished {
            tag: done,
            tag_with_rows,
        } = &portal.state
        {
            tag = Some(full_tag(done, *tag_with_rows, 0));
        }
        self.send_notices();
        match tag {
            Some(tag) => self.transport.out.command_complete(&tag),
            None => self.transport.out.empty(b'I'),
        }
        self.portals.insert(name, portal);
        Ok(())
    }

    /// Sends up to `limit` rows; returns how many, and whether the result has ended. As in
    /// PostgreSQL a result of exactly `limit` rows has not: that shows at the next Execute.
    async fn send_rows(&mut self, rows: &mut Rows, limit: u64) -> Step<(u64, bool)> {
        let options = self.text_options();
        let mut sent = 0;
        while sent < limit {
            if rows.wants_batch() {
                match watch!(self, rows.stream.next()) {
                    None => return Ok((sent, true)),
                    Some(batch) => rows.load(&batch?)?,
                }
            }
            sent += rows.write(limit - sent, &options, &mut self.transport.out)?;
            self.transport.flush_if_full().await?;
        }
        Ok((sent, false))
    }
}

fn full_tag(tag: &str, with_rows: bool, rows: u64) -> String {
    if with_rows {
        format!("{tag} {rows}")
    } else {
        tag.to_string()
    }
}

fn statement_text(sql: &Bytes) -> Result<&str, SqlError> {
    if sql.len() > MAX_STATEMENT {
        return Err(too_long("statement", sql.len(), MAX_STATEMENT));
    }
    text(sql)
}

fn too_long(what: &str, length: usize, limit: usize) -> SqlError {
    SqlError::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("{what} of {length} bytes is too long"),
    )
    .with_detail(format!("The limit is {} MB.", limit >> 20))
    .with_hint("Load larger data with COPY.")
}

fn room(held: usize, what: &str) -> Result<(), SqlError> {
    if held < MAX_NAMED {
        return Ok(());
    }
    Err(
        SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("too many {what}"))
            .with_detail(format!("A session may hold {MAX_NAMED}.")),
    )
}

fn no_portal(name: &Bytes) -> SqlError {
    let name = String::from_utf8_lossy(name);
    SqlError::new(
        SqlState::INVALID_CURSOR_NAME,
        format!("portal \"{name}\" does not exist"),
    )
}

fn idle() -> SqlError {
    SqlError::new(
        SqlState("57P05"),
        "terminating connection due to idle session timeout",
    )
    .fatal()
}
