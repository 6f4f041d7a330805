//! A session: the life of a statement from text to outcome.
//!
//! `prepare` plans against the newest catalog (or the transaction's); `execute` opens a transaction
//! if none is open, asks the access gate, takes locks, pins the snapshot, plans again if the catalog
//! has moved since, and hands the plan to the module of its family in [`crate::sequence`].

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use lw_base::{Oid, Result, SqlError, SqlState, clock};
use lw_catalog::{CatalogSnapshot, Definitions};
use lw_pgrepr::SqlType;
use lw_services::{
    ColumnDesc, Notice, Outcome, Param, ParsedStatement, Prepared, Session, TextFormat,
    TransactionStatus,
};
use lw_settings::{SessionInfo, SettingValues};
use lw_sql_plan::{CursorPlan, Plan, PlanContext, Planned, TclPlan};
use lw_sql_syntax::Statement;
use parking_lot::Mutex;

use crate::cursor::Cursor;
use crate::meter::Metering;
use crate::recent::RecentPlans;
use crate::registry::SessionEntry;
use crate::service::Shared;
use crate::temp::TempObjects;
use crate::txn::{Owner, Transaction};

/// The settings whose changes clients are told of (ParameterStatus; spec part 3 §7.4).
const REPORTED: &[&str] = &[
    "server_version",
    "client_encoding",
    "datestyle",
    "timezone",
    "integer_datetimes",
    "is_superuser",
    "session_authorization",
    "application_name",
    "standard_conforming_strings",
    "search_path",
];

/// A session of the leader.
pub struct LeaderSession {
    pub(crate) shared: Arc<Shared>,
    pub(crate) entry: Arc<SessionEntry>,
    pub(crate) database: Oid,
    pub(crate) user: Oid,
    pub(crate) session_user: Oid,
    pub(crate) temp_schema: Oid,
    pub(crate) settings: SettingValues,
    pub(crate) temp: TempObjects,
    pub(crate) active: Option<Active>,
    pub(crate) status: TransactionStatus,
    pub(crate) cursors: HashMap<String, Cursor>,
    pub(crate) statements: HashMap<String, SqlPrepared>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) last: LastResults,
    /// Counts what makes plans stale besides the catalog's definitions.
    pub(crate) epoch: u64,
    recent: RecentPlans,
    /// True if the text parsed last has one statement.
    pub(crate) alone: bool,
    reported: BTreeMap<&'static str, String>,
    closed: bool,
    /// Groups the session belongs to besides those of its user.
    joined: Option<Arc<(Oid, Vec<Oid>)>>,
}

/// Results that functions such as `pg_last_copy_count()` give.
#[derive(Debug, Clone)]
pub(crate) struct LastResults {
    pub copy_count: i64,
    pub copy_id: i64,
    pub query_id: i64,
    pub unload_count: i64,
}

/// The open transaction, and what a rollback restores.
pub(crate) struct Active {
    pub txn: Transaction,
    pub started: i64,
    saved_settings: SettingValues,
    saved_temp: TempObjects,
    /// Values SET LOCAL has covered, by name (`None`: the default was in force).
    pub local: BTreeMap<String, Option<String>>,
    /// Counted as used; not for sessions of the service itself.
    _metering: Option<Metering>,
}

/// A statement of SQL's PREPARE.
pub(crate) struct SqlPrepared {
    pub statement: Arc<Statement>,
    pub types: Vec<SqlType>,
}

/// What `prepare` keeps.
pub(crate) struct Resolved {
    /// The plan as it was announced.
    pub planned: Arc<Planned>,
    pub declared: Vec<Option<SqlType>>,
    /// The plan that held when the statement last ran.
    newest: Mutex<Current>,
}

/// A plan, and what it holds for.
#[derive(Clone)]
struct Current {
    planned: Arc<Planned>,
    definitions: Definitions,
    epoch: u64,
}

impl Resolved {
    /// True if the plan holds over a catalog and in a session's state.
    pub(crate) fn holds(&self, definitions: Definitions, epoch: u64) -> bool {
        let newest = self.newest.lock();
        newest.definitions == definitions && newest.epoch == epoch
    }
}

impl LeaderSession {
    pub(crate) fn new(
        shared: Arc<Shared>,
        entry: Arc<SessionEntry>,
        temp_schema: Oid,
        settings: SettingValues,
        joined: Vec<Oid>,
    ) -> Self {
        LeaderSession {
            joined: (!joined.is_empty()).then(|| Arc::new((entry.user, joined))),
            database: entry.database,
            user: entry.user,
            session_user: entry.user,
            temp_schema,
            settings,
            temp: TempObjects::default(),
            active: None,
            status: TransactionStatus::Idle,
            cursors: HashMap::new(),
            statements: HashMap::new(),
            notices: Vec::new(),
            last: LastResults {
                copy_count: 0,
                copy_id: -1,
                query_id: -1,
                unload_count: 0,
            },
            epoch: 0,
            recent: RecentPlans::default(),
            alone: false,
            reported: BTreeMap::new(),
            closed: false,
            shared,
            entry,
        }
    }

    /// Tells the client something that is not an error.
    pub(crate) fn notice(&mut self, severity: &'static str, message: SqlError) {
        self.notices.push(Notice { severity, message });
    }

    /// The catalog as the next statement would see it, without pinning a snapshot.
    pub(crate) fn catalog_unpinned(&mut self) -> Result<CatalogSnapshot> {
        let base = match &mut self.active {
            Some(active) if active.txn.has_snapshot() => active.txn.snapshot().clone(),
            _ => self.shared.txns.current(),
        };
        self.with_temp(base)
    }

    /// The transaction's catalog; its snapshot is taken now if it was not yet.
    pub(crate) fn catalog_pinned(&mut self) -> Result<CatalogSnapshot> {
        let base = match &mut self.active {
            Some(active) => active.txn.snapshot().clone(),
            None => self.shared.txns.current(),
        };
        self.with_temp(base)
    }

    fn with_temp(&self, mut catalog: CatalogSnapshot) -> Result<CatalogSnapshot> {
        if self.joined.is_some() {
            catalog.join(self.joined.clone());
        }
        if !self.temp.is_empty() {
            // What the temporary tables are, the epoch counts.
            let mark = catalog.definitions();
            catalog.apply_all(self.temp.changes())?;
            catalog.mark_definitions(mark);
        }
        Ok(catalog)
    }

    /// The surroundings of a statement over this catalog.
    pub(crate) fn info(&self, catalog: CatalogSnapshot, query_id: i64) -> Arc<SessionInfo> {
        let now = clock::now_micros();
        Arc::new(SessionInfo {
            catalog,
            database: self.database,
            user: self.user,
            session_user: self.session_user,
            temp_schema: self.temp_schema,
            search_path: crate::setting::search_path(&self.settings),
            settings: self.settings.clone(),
            pid: self.entry.pid,
            xid: self.active.as_ref().map(|a| a.txn.id()).unwrap_or_default(),
            query_id,
            transaction_start: self.active.as_ref().map_or(now, |a| a.started),
            statement_start: now,
            last_copy_count: self.last.copy_count,
            last_copy_id: self.last.copy_id,
            last_query_id: self.last.query_id,
            last_unload_count: self.last.unload_count,
        })
    }

    /// Plans a statement; EXECUTE and FETCH get the columns of what they stand for.
    pub(crate) fn plan(
        &self,
        statement: &Statement,
        declared: &[Option<SqlType>],
        info: &Arc<SessionInfo>,
    ) -> Result<Planned> {
        let ctx = PlanContext::new(info.clone(), declared.to_vec());
        let mut planned: Planned = lw_sql_plan::plan(statement, &ctx)?;
        match &planned.plan {
            Plan::Cursor(CursorPlan::Execute { name, .. }) => {
                let inner = self.plan_sql_prepared(name, info)?;
                planned.columns = inner.columns;
                planned.access = inner.access;
                planned.reads = inner.reads;
                planned.writes = inner.writes;
            }
            Plan::Cursor(CursorPlan::Fetch { name, .. }) => {
                planned.columns = Some(self.cursor(name)?.columns.clone());
            }
            _ => {}
        }
        Ok(planned)
    }

    /// Plans the statement behind a name of PREPARE.
    pub(crate) fn plan_sql_prepared(&self, name: &str, info: &Arc<SessionInfo>) -> Result<Planned> {
        let prepared = self.statements.get(name).ok_or_else(|| {
            SqlError::new(
                SqlState::INVALID_SQL_STATEMENT_NAME,
                format!("prepared statement \"{name}\" does not exist"),
            )
        })?;
        let declared: Vec<_> = prepared.types.iter().map(|t| Some(*t)).collect();
        let ctx = PlanContext::new(info.clone(), declared);
        lw_sql_plan::plan(&prepared.statement, &ctx)
    }

    pub(crate) fn cursor(&self, name: &str) -> Result<&Cursor> {
        self.cursors.get(name).ok_or_else(|| no_cursor(name))
    }

    pub(crate) fn close_cursors(&mut self) {
        for (name, _) in self.cursors.drain() {
            self.shared.registry.remove_cursor(self.entry.pid, &name);
        }
    }

    /// Opens a transaction if none is open.
    pub(crate) fn ensure_transaction(&mut self, read_only: bool) {
        if self.active.is_some() {
            return;
        }
        let isolation = self
            .shared
            .txns
            .current()
            .database(self.database)
            .map_or(lw_catalog::Isolation::Serializable, |d| d.isolation);
        let mut txn = self.shared.txns.begin(isolation, read_only);
        txn.set_owner(Owner {
            pid: self.entry.pid,
            user: self.user,
            database: self.database,
        });
        self.active = Some(Active {
            txn,
            started: clock::now_micros(),
            saved_settings: self.settings.clone(),
            saved_temp: self.temp.clone(),
            local: BTreeMap::new(),
            _metering: (!self.entry.client.internal).then(|| self.shared.meter.transaction()),
        });
    }

    /// Commits the open transaction. After an error it is rolled back.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        self.close_cursors();
        let Some(active) = self.active.take() else {
            return Ok(());
        };
        self.status = TransactionStatus::Idle;
        for (name, value) in active.local {
            match value {
                Some(value) => self.settings.0.insert(name, value),
                None => self.settings.0.remove(&name),
            };
        }
        let done = match active.txn.over_quota(self.database) {
            Some(error) => {
                active.txn.rollback();
                Err(error)
            }
            None => active.txn.commit().await,
        };
        if let Err(error) = done {
            self.settings = active.saved_settings;
            self.temp = active.saved_temp;
            self.epoch += 1;
            return Err(error);
        }
        Ok(())
    }

    /// Rolls the open transaction back.
    pub(crate) fn rollback(&mut self) {
        self.close_cursors();
        if let Some(active) = self.active.take() {
            active.txn.rollback();
            self.settings = active.saved_settings;
            self.temp = active.saved_temp;
            self.epoch += 1;
        }
        self.status = TransactionStatus::Idle;
    }

    /// An error happened in the transaction.
    fn fail_transaction(&mut self) {
        match self.status {
            TransactionStatus::Idle => self.rollback(),
            TransactionStatus::InBlock | TransactionStatus::Failed => {
                self.close_cursors();
                self.status = TransactionStatus::Failed;
            }
        }
    }

    fn refuse_if_failed(&self, plan: Option<&Plan>) -> Result<()> {
        if self.status != TransactionStatus::Failed
            || matches!(plan, Some(Plan::Tcl(TclPlan::Commit | TclPlan::Rollback)))
        {
            return Ok(());
        }
        Err(SqlError::new(
            SqlState::IN_FAILED_SQL_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block",
        ))
    }

    fn refuse_if_ended(&self) -> Result<()> {
        if self.entry.terminated() {
            return Err(SqlError::new(
                SqlState::ADMIN_SHUTDOWN,
                "terminating connection due to administrator command",
            )
            .fatal());
        }
        Ok(())
    }

    fn resolve(
        &mut self,
        statement: &ParsedStatement,
        declared: &[Option<SqlType>],
    ) -> Result<Resolved> {
        self.refuse_if_ended()?;
        let ast = ast(statement)?;
        let ends = matches!(ast, Statement::Commit | Statement::Rollback);
        if self.status == TransactionStatus::Failed && !ends {
            self.refuse_if_failed(None)?;
        }
        let catalog = self.catalog_unpinned()?;
        let definitions = catalog.definitions();
        let info = self.info(catalog, 0);
        let planned = Arc::new(self.plan(ast, declared, &info)?);
        Ok(Resolved {
            planned: planned.clone(),
            declared: declared.to_vec(),
            newest: Mutex::new(Current {
                planned,
                definitions,
                epoch: self.epoch,
            }),
        })
    }

    /// The plan of a text that was planned before, if it still holds.
    fn recent_plan(
        &mut self,
        statement: &ParsedStatement,
        declared: &[Option<SqlType>],
    ) -> Option<Arc<Prepared>> {
        if self.status == TransactionStatus::Failed || self.entry.terminated() {
            return None;
        }
        let known = self.recent.get(&statement.text)?;
        let resolved = known.inner.downcast_ref::<Resolved>()?;
        let catalog = match &mut self.active {
            Some(active) if active.txn.has_snapshot() => active.txn.snapshot().definitions(),
            _ => self.shared.txns.current().definitions(),
        };
        let same = resolved.declared == declared && resolved.holds(catalog, self.epoch);
        same.then(|| {
            Arc::new(Prepared {
                statement: statement.clone(),
                params: known.params.clone(),
                columns: known.columns.clone(),
                inner: known.inner.clone(),
            })
        })
    }

    /// The plan over the transaction's snapshot: the one of `prepare` if nothing has changed since.
    pub(crate) fn current_plan(
        &self,
        statement: &ParsedStatement,
        resolved: &Resolved,
        info: &Arc<SessionInfo>,
    ) -> Result<Arc<Planned>> {
        let definitions = info.catalog.definitions();
        let newest = resolved.newest.lock().clone();
        if newest.definitions == definitions && newest.epoch == self.epoch {
            return Ok(newest.planned);
        }
        let planned = Arc::new(self.plan(ast(statement)?, &resolved.declared, info)?);
        if !same_columns(&planned.columns, &resolved.planned.columns) {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cached plan must not change result type",
            )
            .with_hint("Prepare the statement again."));
        }
        *resolved.newest.lock() = Current {
            planned: planned.clone(),
            definitions,
            epoch: self.epoch,
        };
        Ok(planned)
    }
}

impl LeaderSession {
    /// The plan for these values: the one at hand, or one over the types the values came with, as
    /// long as it returns what was announced. The values are made to fit it.
    pub(crate) fn plan_for_values(
        &self,
        planned: Arc<Planned>,
        statement: &ParsedStatement,
        resolved: &Resolved,
        params: &mut [Param],
        info: &Arc<SessionInfo>,
    ) -> Result<Arc<Planned>> {
        if !crate::bind::others(&planned, params) {
            return Ok(planned);
        }
        let mut declared = resolved.declared.clone();
        declared.resize(params.len().max(declared.len()), None);
        for (slot, param) in declared.iter_mut().zip(params.iter()) {
            if matches!(param.sql_type, SqlType::Numeric(..)) {
                *slot = Some(param.sql_type);
            }
        }
        let again = self.plan(ast(statement)?, &declared, info);
        let planned = match again {
            Ok(again) if same_columns(&again.columns, &planned.columns) => Arc::new(again),
            _ => planned,
        };
        crate::bind::fit(&planned, params)?;
        Ok(planned)
    }
}

/// The syntax tree of a parsed statement.
fn ast(statement: &ParsedStatement) -> Result<&Statement> {
    statement
        .inner
        .downcast_ref::<Statement>()
        .ok_or_else(|| SqlError::internal("statement of another leader"))
}

fn same_columns(a: &Option<Vec<ColumnDesc>>, b: &Option<Vec<ColumnDesc>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(x, y)| x.sql_type == y.sql_type && x.name == y.name)
        }
        _ => false,
    }
}

pub(crate) fn no_cursor(name: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_CURSOR_NAME,
        format!("cursor \"{name}\" does not exist"),
    )
}

#[async_trait]
impl Session for LeaderSession {
    fn pid(&self) -> i32 {
        self.entry.pid
    }

    fn cancel_key(&self) -> i32 {
        self.entry.key
    }

    fn last_query_id(&self) -> i64 {
        self.last.query_id
    }

    fn parse(&mut self, sql: &str) -> Result<Vec<ParsedStatement>> {
        let parsed = lw_sql_syntax::parse(sql)?;
        self.alone = parsed.len() == 1;
        Ok(parsed
            .into_iter()
            .map(|parsed| ParsedStatement {
                text: Arc::from(parsed.text.as_str()),
                offset: parsed.offset,
                inner: Arc::new(parsed.statement) as Arc<dyn Any + Send + Sync>,
            })
            .collect())
    }

    async fn prepare(
        &mut self,
        statement: &ParsedStatement,
        declared: &[Option<SqlType>],
    ) -> Result<Arc<Prepared>> {
        if let Some(known) = self.recent_plan(statement, declared) {
            return Ok(known);
        }
        let resolved = match self.resolve(statement, declared) {
            Ok(resolved) => resolved,
            Err(error) => {
                crate::record::failed_to_plan(self, statement, &error);
                self.fail_transaction();
                return Err(error);
            }
        };
        let prepared = Arc::new(Prepared {
            statement: statement.clone(),
            params: resolved.planned.params.clone(),
            columns: resolved.planned.columns.clone(),
            inner: Arc::new(resolved),
        });
        self.recent.keep(&prepared);
        Ok(prepared)
    }

    async fn execute(&mut self, prepared: &Prepared, params: Vec<Param>) -> Result<Outcome> {
        let result = async {
            let resolved = prepared
                .inner
                .downcast_ref::<Resolved>()
                .ok_or_else(|| SqlError::internal("prepared statement of another leader"))?;
            self.refuse_if_ended()?;
            self.refuse_if_failed(Some(&resolved.planned.plan))?;
            self.sequence(&prepared.statement, resolved, params).await
        }
        .await;
        if result.is_err() {
            self.fail_transaction();
        }
        result
    }

    fn cursor_columns(&self, name: &str) -> Option<Vec<ColumnDesc>> {
        // DECLARE folds its name, quoted or not; the protocol does not.
        let cursor = self.cursors.get(name);
        let cursor = cursor.or_else(|| self.cursors.get(&name.to_lowercase()));
        cursor.map(|c| c.columns.clone())
    }

    async fn sync(&mut self) -> Result<()> {
        if self.status == TransactionStatus::Idle && self.active.is_some() {
            if let Err(ended) = self.refuse_if_ended() {
                self.rollback();
                return Err(ended);
            }
            self.commit().await?;
        }
        Ok(())
    }

    async fn fail(&mut self) {
        self.fail_transaction();
    }

    fn transaction_status(&self) -> TransactionStatus {
        self.status
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn take_parameter_changes(&mut self) -> Vec<(String, String)> {
        let catalog = self.shared.txns.current();
        let mut changes = Vec::new();
        for &name in REPORTED {
            let value = match name {
                "is_superuser" => {
                    let on = catalog.user(self.user).is_some_and(|u| u.superuser);
                    if on { "on" } else { "off" }.to_string()
                }
                "session_authorization" => catalog
                    .user(self.user)
                    .map(|u| u.name.clone())
                    .unwrap_or_default(),
                _ => self.settings.get(name).unwrap_or_default().to_string(),
            };
            if self.reported.get(name) != Some(&value) {
                let shown = match name {
                    "datestyle" => "DateStyle",
                    "timezone" => "TimeZone",
                    other => other,
                };
                changes.push((shown.to_string(), value.clone()));
                self.reported.insert(name, value);
            }
        }
        changes
    }

    fn idle_timeout_s(&self) -> Option<u64> {
        let catalog = self.shared.txns.current();
        catalog
            .user(self.session_user)
            .and_then(|u| u.session_timeout_s)
            .map(u64::from)
    }

    fn text_format(&self) -> TextFormat {
        let get = |name: &str| self.settings.get(name).unwrap_or_default().to_string();
        TextFormat {
            time_zone: get("timezone"),
            extra_float_digits: get("extra_float_digits").parse().unwrap_or(0),
            date_style: get("datestyle"),
        }
    }

    async fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.rollback();
        self.shared.end_session(&self.entry);
    }
}

impl Drop for LeaderSession {
    fn drop(&mut self) {
        if !self.closed {
            self.closed = true;
            self.rollback();
            self.shared.end_session(&self.entry);
        }
    }
}
