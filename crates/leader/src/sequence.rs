//! Sequencing: what happens, in which order, for a plan of each family.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use lw_base::{Result, SqlError, SqlState, clock};
use lw_catalog::{Change, Relation};
use lw_engine::{Effect, Engine, StatementContext};
use lw_events::QueryStatus;
use lw_pgrepr::Zone;
use lw_services::{Outcome, Param, ParsedStatement, TransactionStatus};
use lw_settings::SessionInfo;
use lw_sql_plan::{
    AlterTable, CopyPlan, CursorPlan, DdlPlan, DmlPlan, MaintainPlan, Plan, Planned, SettingPlan,
    TclPlan,
};
use lw_sysviews::CursorRecord;

use crate::bind::bind;
use crate::cursor::Cursor;
use crate::ran::{Ran, text_rows};
use crate::session::{LeaderSession, Resolved, SqlPrepared, no_cursor};
use crate::statement::{Count, Run, RunStream};
use crate::txn::{LockMode, WriteKind};
use crate::{access, record};

impl LeaderSession {
    /// Runs a statement that works on the session alone: transaction blocks and settings. They are
    /// recorded like any other.
    async fn at_once(
        &mut self,
        statement: &ParsedStatement,
        resolved: &Resolved,
    ) -> Option<Result<Outcome>> {
        let plan = &resolved.planned.plan;
        if !matches!(
            plan,
            Plan::Setting(_)
                | Plan::Tcl(TclPlan::Begin { .. } | TclPlan::Commit | TclPlan::Rollback)
        ) {
            return None;
        }
        let id = self.shared.registry.next_query_id();
        let events = self.shared.events.clone();
        let kind = record::query_type(plan);
        events.start_query(record::query(self, &statement.text, kind, id));
        let outcome = match plan {
            Plan::Tcl(TclPlan::Begin { read_only }) => self.begin(*read_only),
            Plan::Tcl(TclPlan::Commit) => self.end_block(true).await,
            Plan::Setting(setting) => self.setting(setting),
            _ => self.end_block(false).await,
        };
        events.finish_query(id, |record| match &outcome {
            Ok(_) => record.status = QueryStatus::Success,
            Err(error) => record::failed(record, error),
        });
        Some(outcome)
    }

    /// Runs a statement.
    pub(crate) async fn sequence(
        &mut self,
        statement: &ParsedStatement,
        resolved: &Resolved,
        params: Vec<Param>,
    ) -> Result<Outcome> {
        if let Some(outcome) = self.at_once(statement, resolved).await {
            return outcome;
        }
        if !self.entry.client.internal
            && let Some(reason) = self.shared.closed()
        {
            // configuration_limit_exceeded
            return Err(SqlError::new(SqlState("53400"), reason));
        }
        self.ensure_transaction(false);
        let query_id = self.shared.registry.next_query_id();
        let kind = record::query_type(&resolved.planned.plan);
        let timeout_ms = self
            .settings
            .get("statement_timeout")
            .and_then(|v| v.parse().ok())
            .unwrap_or(0);
        let mut run = Run::start(
            self.entry.clone(),
            self.shared.events.clone(),
            record::query(self, &statement.text, kind, query_id),
            timeout_ms,
        );
        let result = self.run(statement, resolved, params, &mut run).await;
        if !matches!(
            resolved.planned.plan,
            Plan::Tcl(_) | Plan::Cursor(CursorPlan::Close { .. } | CursorPlan::Fetch { .. })
        ) {
            self.last.query_id = query_id;
        }
        match result {
            Ok(Ran::Rows {
                rows,
                columns,
                tag,
                tag_with_rows,
            }) => Ok(Outcome::Rows {
                columns,
                rows: RunStream::new(rows, run, ()).boxed(),
                tag,
                tag_with_rows,
            }),
            Ok(Ran::Done { tag, rows }) => {
                run.finish(Ok(Count::Affected(rows)));
                Ok(Outcome::Done { tag })
            }
            Err(error) => {
                let error = run.explain(error);
                run.finish(Err(&error));
                Err(error)
            }
        }
    }

    /// Gate, locks, snapshot, and then the plan's family.
    async fn run(
        &mut self,
        statement: &ParsedStatement,
        resolved: &Resolved,
        mut params: Vec<Param>,
        run: &mut Run,
    ) -> Result<Ran> {
        self.refuse_in_block(&resolved.planned)?;
        // Asked before locks are taken: who may not write a table must not hold up those who may.
        let now = self.catalog_unpinned()?;
        access::check(&resolved.planned.access, &self.info(now, run.query_id()))?;
        self.lock_tables(&resolved.planned, run).await?;
        let catalog = self.catalog_pinned()?;
        let info = self.info(catalog, run.query_id());
        let planned = self.current_plan(statement, resolved, &info)?;
        let planned = self.plan_for_values(planned, statement, resolved, &mut params, &info)?;
        access::check(&planned.access, &info)?;
        self.refuse_writes(&planned, &info)?;
        let planned = bind(&planned, &params)?;
        self.note_reads(&planned);
        // A write holds its table's lock; a query alone in its text locks nothing afterwards.
        if self.status == TransactionStatus::Idle
            && self.alone
            && matches!(planned.plan, Plan::Query(_))
            && let Some(active) = &mut self.active
        {
            active.txn.set_implicit();
        }
        let ctx = StatementContext {
            session: info,
            ids: self.shared.ids(),
            cancel: run.cancel_token(),
        };
        self.family(planned, ctx).await
    }

    async fn family(&mut self, planned: Planned, ctx: StatementContext) -> Result<Ran> {
        let tag = planned.tag;
        let columns = planned.columns.clone();
        match planned.plan {
            Plan::Query(query) => {
                let rows = self.shared.engine().query(&query.logical, &ctx).await?;
                Ok(Ran::rows(columns, rows, tag, true))
            }
            Plan::Show(query) => {
                let rows = self.shared.engine().query(&query.logical, &ctx).await?;
                Ok(Ran::rows(columns, rows, tag, false))
            }
            Plan::Explain {
                inner,
                verbose,
                engine,
            } => self.explain(*inner, verbose || engine, &ctx).await,
            Plan::Dml(dml) => {
                let effect = self.shared.engine().dml(&dml, &ctx).await?;
                let rows = self.keep(effect, &ctx)?;
                Ok(Ran::Done {
                    tag: match tag {
                        "INSERT" => format!("INSERT 0 {rows}"),
                        _ => format!("{tag} {rows}"),
                    },
                    rows,
                })
            }
            Plan::Ddl(ddl) => self.ddl(ddl, tag, &ctx).await,
            Plan::Acl(acl) => {
                let (changes, notices) =
                    crate::acl::changes(&acl, &ctx.session, ctx.ids.as_ref()).await?;
                self.notices.extend(notices);
                self.apply(changes)?;
                Ok(Ran::done(tag))
            }
            Plan::Copy(CopyPlan::From(copy)) => {
                let effect = self.shared.engine().copy_from(&copy, &ctx).await?;
                let rows = self.keep(effect, &ctx)?;
                self.last.copy_count = rows as i64;
                self.last.copy_id = ctx.session.query_id;
                Ok(Ran::Done {
                    tag: tag.to_string(),
                    rows,
                })
            }
            Plan::Copy(CopyPlan::Unload(unload)) => {
                let effect = self.shared.engine().unload(&unload, &ctx).await?;
                let rows = self.keep(effect, &ctx)?;
                self.last.unload_count = rows as i64;
                Ok(Ran::Done {
                    tag: tag.to_string(),
                    rows,
                })
            }
            Plan::Maintain(maintain) => {
                let effect = self.shared.engine().maintain(&maintain, &ctx).await?;
                self.keep(effect, &ctx)?;
                Ok(Ran::done(tag))
            }
            // The locks were taken with those of the writes.
            Plan::Tcl(TclPlan::Lock(_)) => Ok(Ran::done(tag)),
            Plan::Tcl(_) | Plan::Setting(_) => Err(SqlError::internal("sequenced too late")),
            Plan::Cursor(cursor) => self.cursor_plan(cursor, tag, &ctx).await,
            Plan::Cancel { pid, message } => self.cancel_session(pid, message, tag, &ctx.session),
        }
    }

    /// Statements that open and close transactions of their own cannot be part of one.
    fn refuse_in_block(&self, planned: &Planned) -> Result<()> {
        let alone = match &planned.plan {
            Plan::Maintain(MaintainPlan::Vacuum { .. }) => true,
            Plan::Ddl(DdlPlan::CreateDatabase { .. } | DdlPlan::DropDatabase { .. }) => true,
            Plan::Ddl(DdlPlan::AlterTable { action, .. }) => matches!(
                action,
                AlterTable::ColumnType { .. }
                    | AlterTable::Dist(_)
                    | AlterTable::Sort(_)
                    | AlterTable::DistAndSort(..)
                    | AlterTable::Encode(_)
            ),
            _ => false,
        };
        if alone && self.status != TransactionStatus::Idle {
            let name = match &planned.plan {
                Plan::Ddl(DdlPlan::AlterTable { action, .. }) => match action {
                    AlterTable::ColumnType { .. } => "ALTER TABLE ALTER COLUMN",
                    _ => "ALTER TABLE",
                },
                _ => planned.tag,
            };
            return Err(SqlError::new(
                SqlState::ACTIVE_SQL_TRANSACTION,
                format!("{name} cannot run inside a transaction block"),
            ));
        }
        Ok(())
    }

    async fn lock_tables(&mut self, planned: &Planned, run: &Run) -> Result<()> {
        let mode = match &planned.plan {
            Plan::Tcl(TclPlan::Lock(_)) | Plan::Ddl(_) => LockMode::Exclusive,
            // One that reads what it appends to must see what those before it appended.
            Plan::Dml(DmlPlan::Insert { table, .. })
                if self.status == TransactionStatus::Idle && !planned.reads.contains(table) =>
            {
                LockMode::Insert
            }
            _ => LockMode::Write,
        };
        let Some(active) = &mut self.active else {
            return Ok(());
        };
        let cancel = run.cancel_token();
        for table in &planned.writes {
            if self.temp.contains(*table) {
                continue;
            }
            let before = clock::now_micros();
            active.txn.lock(*table, mode, &cancel).await?;
            let waited = clock::now_micros() - before;
            run.update(|record| record.lock_wait_time += waited);
        }
        Ok(())
    }

    /// Notes what is read and written, for the serializability of the transaction.
    fn note_reads(&mut self, planned: &Planned) {
        let kind = match &planned.plan {
            Plan::Dml(DmlPlan::Insert { .. }) | Plan::Copy(_) => WriteKind::Insert,
            Plan::Ddl(_) => WriteKind::Definition,
            // LOCK writes nothing.
            Plan::Tcl(_) => return,
            _ => WriteKind::Modify,
        };
        let Some(active) = &mut self.active else {
            return;
        };
        for table in &planned.reads {
            if !self.temp.contains(*table) {
                active.txn.record_read(*table);
            }
        }
        if matches!(planned.plan, Plan::Maintain(_)) {
            return;
        }
        for table in &planned.writes {
            if !self.temp.contains(*table) {
                active.txn.record_write(*table, kind);
            }
        }
    }

    /// Refuses a write in a read-only transaction, session or database.
    fn refuse_writes(&self, planned: &Planned, info: &SessionInfo) -> Result<()> {
        let writes_temp_only =
            !planned.writes.is_empty() && planned.writes.iter().all(|t| self.temp.contains(*t));
        let writes = match &planned.plan {
            Plan::Dml(_) => !writes_temp_only,
            Plan::Copy(CopyPlan::From(_)) => !writes_temp_only,
            Plan::Ddl(DdlPlan::CreateTable { relation, .. }) => relation.schema != self.temp_schema,
            Plan::Ddl(DdlPlan::Nothing { .. }) => false,
            Plan::Ddl(_) => !writes_temp_only,
            Plan::Acl(_) | Plan::Maintain(_) => true,
            _ => false,
        };
        if !writes {
            return Ok(());
        }
        let on = |name: &str| self.settings.is_on(name);
        let read_only = self.active.as_ref().is_some_and(|a| a.txn.read_only())
            || on("transaction_read_only")
            || on("readonly");
        if read_only {
            return Err(SqlError::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                "transaction is read-only",
            ));
        }
        let warehouse_wide = matches!(
            planned.plan,
            Plan::Acl(_) | Plan::Ddl(DdlPlan::CreateDatabase { .. } | DdlPlan::DropDatabase { .. })
        );
        let database = info.catalog.database(self.database);
        if !warehouse_wide
            && !self.entry.client.internal
            && let Some(database) = database.filter(|d| d.read_only)
        {
            return Err(SqlError::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                format!("database \"{}\" is read-only", database.name),
            )
            .with_hint("Copy the tables you want to change into a database of your own."));
        }
        Ok(())
    }

    /// Applies an effect to the transaction and tells its notices.
    pub(crate) fn keep(&mut self, effect: Effect, ctx: &StatementContext) -> Result<u64> {
        if ctx.cancel.is_cancelled() {
            return Err(SqlError::new(
                SqlState::QUERY_CANCELED,
                "Query cancelled on user's request",
            ));
        }
        self.notices.extend(effect.notices);
        self.apply(effect.changes)?;
        Ok(effect.rows)
    }

    /// Applies changes: those of temporary tables to the session, the others to the transaction.
    pub(crate) fn apply(&mut self, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        if changes.iter().any(Change::defines) {
            self.epoch += 1;
        }
        let rest = self.temp.absorb(changes, self.temp_schema);
        if !self.temp.is_empty() {
            self.entry.set_temp_files(self.temp.files());
        }
        if let Some(active) = &mut self.active {
            active.txn.apply(rest)?;
        }
        if self.temp.needs_compaction() {
            let catalog = self.catalog_pinned()?;
            self.temp.compact(&catalog, self.temp_schema);
        }
        Ok(())
    }

    async fn explain(
        &mut self,
        inner: Planned,
        verbose: bool,
        ctx: &StatementContext,
    ) -> Result<Ran> {
        let logical = match &inner.plan {
            Plan::Query(query) => &query.logical,
            Plan::Dml(
                DmlPlan::Insert { input, .. }
                | DmlPlan::Update { input, .. }
                | DmlPlan::Merge { input, .. }
                | DmlPlan::Delete {
                    input: Some(input), ..
                },
            ) => input,
            Plan::Ddl(DdlPlan::CreateTable {
                input: Some(input), ..
            }) => input,
            _ => return Err(SqlError::unsupported(format!("EXPLAIN of {}", inner.tag))),
        };
        let lines = self.shared.engine().explain(logical, verbose, ctx).await?;
        Ok(text_rows("QUERY PLAN", lines, "EXPLAIN"))
    }

    async fn ddl(
        &mut self,
        mut ddl: DdlPlan,
        tag: &'static str,
        ctx: &StatementContext,
    ) -> Result<Ran> {
        if let DdlPlan::CreateDatabase {
            database,
            isolation_given: false,
        } = &mut ddl
        {
            database.isolation = self.shared.new_databases;
        }
        crate::ddl::look_at_rows(&mut ddl, &self.shared.engine(), ctx).await?;
        let (changes, notices) = crate::ddl::changes(&ddl, &ctx.session, ctx.ids.as_ref()).await?;
        self.notices.extend(notices);
        match ddl {
            DdlPlan::CreateTable {
                input: Some(input), ..
            } => {
                let Some(relation) = new_relation(&changes) else {
                    return Ok(Ran::done(tag));
                };
                self.apply(changes)?;
                let insert = DmlPlan::Insert {
                    table: relation.oid,
                    columns: relation
                        .columns
                        .iter()
                        .filter(|c| c.identity.is_none())
                        .map(|c| c.id)
                        .collect(),
                    identity: relation
                        .columns
                        .iter()
                        .filter(|c| c.identity.is_some())
                        .map(|c| c.id)
                        .collect(),
                    input,
                };
                let ctx = self.renewed(ctx)?;
                let effect = self.shared.engine().dml(&insert, &ctx).await?;
                let rows = self.keep(effect, &ctx)?;
                Ok(Ran::Done {
                    tag: tag.to_string(),
                    rows,
                })
            }
            DdlPlan::AlterTable { table, ref action }
                if matches!(
                    action,
                    AlterTable::Dist(_) | AlterTable::Sort(_) | AlterTable::DistAndSort(..)
                ) =>
            {
                self.apply(changes)?;
                let ctx = self.renewed(ctx)?;
                let effect = self.shared.engine().rewrite(table, &ctx).await?;
                self.keep(effect, &ctx)?;
                Ok(Ran::done(tag))
            }
            DdlPlan::Truncate { .. } => {
                self.apply(changes)?;
                // TRUNCATE commits the transaction it runs in (Developer Guide, TRUNCATE).
                self.commit().await?;
                Ok(Ran::done(tag))
            }
            _ => {
                self.apply(changes)?;
                Ok(Ran::done(tag))
            }
        }
    }

    /// The context over the transaction's catalog as it is after changes.
    fn renewed(&mut self, ctx: &StatementContext) -> Result<StatementContext> {
        let catalog = self.catalog_pinned()?;
        Ok(StatementContext {
            session: self.info(catalog, ctx.session.query_id),
            ..ctx.clone()
        })
    }

    fn begin(&mut self, read_only: bool) -> Result<Outcome> {
        if self.status != TransactionStatus::Idle {
            self.notice(
                "WARNING",
                SqlError::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "there is already a transaction in progress",
                ),
            );
        } else {
            self.ensure_transaction(read_only);
            self.status = TransactionStatus::InBlock;
        }
        Ok(Outcome::Done {
            tag: "BEGIN".into(),
        })
    }

    async fn end_block(&mut self, commit: bool) -> Result<Outcome> {
        let status = self.status;
        if status == TransactionStatus::Idle {
            self.notice(
                "WARNING",
                SqlError::new(
                    SqlState::NO_ACTIVE_SQL_TRANSACTION,
                    "there is no transaction in progress",
                ),
            );
        }
        let commit = commit && status != TransactionStatus::Failed;
        if commit {
            self.commit().await?;
        } else {
            self.rollback();
        }
        Ok(Outcome::Done {
            tag: if commit { "COMMIT" } else { "ROLLBACK" }.into(),
        })
    }

    fn setting(&mut self, plan: &SettingPlan) -> Result<Outcome> {
        match plan {
            SettingPlan::Show(name) => {
                let value = crate::setting::show(name, self)?;
                let shown = lw_settings::params::find(name).map_or(name.as_str(), |s| s.shown);
                return Ok(text_rows(shown, vec![value], "SHOW").outcome());
            }
            SettingPlan::ShowAll => return Ok(crate::setting::show_all(self)?.outcome()),
            SettingPlan::Set { name, value, local } => {
                if *local && self.active.is_none() {
                    return Ok(Outcome::Done { tag: "SET".into() });
                }
                let old = self.settings.0.get(name).cloned();
                crate::setting::set(name, value.as_deref(), self)?;
                if *local && let Some(active) = &mut self.active {
                    active.local.entry(name.clone()).or_insert(old);
                }
            }
            SettingPlan::Reset(name) => crate::setting::set(name, None, self)?,
            SettingPlan::ResetAll => crate::setting::reset_all(self),
            SettingPlan::SessionAuthorization(user) => {
                crate::setting::session_authorization(*user, self)?;
            }
        }
        self.epoch += 1;
        let tag = match plan {
            SettingPlan::Reset(_) | SettingPlan::ResetAll => "RESET",
            _ => "SET",
        };
        Ok(Outcome::Done { tag: tag.into() })
    }

    async fn cursor_plan(
        &mut self,
        plan: CursorPlan,
        tag: &'static str,
        ctx: &StatementContext,
    ) -> Result<Ran> {
        match plan {
            CursorPlan::Declare { name, query } => {
                if self.status == TransactionStatus::Idle {
                    return Err(SqlError::new(
                        SqlState::NO_ACTIVE_SQL_TRANSACTION,
                        "DECLARE CURSOR may only be used in transaction blocks",
                    ));
                }
                if self.cursors.contains_key(&name) {
                    return Err(SqlError::new(
                        SqlState::DUPLICATE_CURSOR,
                        format!("cursor \"{name}\" already exists"),
                    ));
                }
                let Plan::Query(inner) = &query.plan else {
                    return Err(SqlError::unsupported("DECLARE CURSOR of this statement"));
                };
                // The cursor outlives this statement: it is not cancelled with it.
                let ctx = StatementContext {
                    cancel: Default::default(),
                    ..ctx.clone()
                };
                let rows = self.shared.engine().query(&inner.logical, &ctx).await?;
                let columns = query.columns.clone().unwrap_or_default();
                let cursor = Cursor::new(columns, rows);
                self.shared
                    .registry
                    .put_cursor(self.cursor_record(&name, &cursor));
                self.cursors.insert(name, cursor);
                Ok(Ran::done(tag))
            }
            CursorPlan::Fetch { name, count } => {
                let cursor = self
                    .cursors
                    .get_mut(&name)
                    .ok_or_else(|| no_cursor(&name))?;
                let columns = Some(cursor.columns.clone());
                let rows = match count {
                    None => cursor.take_rest(),
                    some => {
                        let batches = tokio::select! {
                            batches = cursor.fetch(some) => batches?,
                            () = ctx.cancel.cancelled() => {
                                return Err(SqlError::new(
                                    SqlState::QUERY_CANCELED,
                                    "Query cancelled on user's request",
                                ));
                            }
                        };
                        futures::stream::iter(batches.into_iter().map(Ok)).boxed()
                    }
                };
                if let Some(cursor) = self.cursors.get(&name) {
                    self.shared
                        .registry
                        .put_cursor(self.cursor_record(&name, cursor));
                }
                Ok(Ran::rows(columns, rows, tag, true))
            }
            CursorPlan::Close { name } => {
                self.cursors.remove(&name).ok_or_else(|| no_cursor(&name))?;
                self.shared.registry.remove_cursor(self.entry.pid, &name);
                Ok(Ran::done(tag))
            }
            CursorPlan::Prepare {
                name,
                types,
                statement,
            } => {
                if self.statements.contains_key(&name) {
                    return Err(SqlError::new(
                        SqlState::DUPLICATE_PSTATEMENT,
                        format!("prepared statement \"{name}\" already exists"),
                    ));
                }
                self.statements
                    .insert(name, SqlPrepared { statement, types });
                Ok(Ran::done(tag))
            }
            CursorPlan::Execute { name, values } => {
                let inner = self.plan_sql_prepared(&name, &ctx.session)?;
                access::check(&inner.access, &ctx.session)?;
                self.refuse_writes(&inner, &ctx.session)?;
                let params = match values {
                    None => vec![],
                    Some(values) => {
                        let row = one_row(self.shared.engine(), &values, ctx).await?;
                        let zone = self.settings.get("timezone").and_then(Zone::parse);
                        let zone = zone.unwrap_or(Zone::UTC);
                        crate::bind::constants(&row, &inner.params, zone)?
                    }
                };
                if params.len() != inner.params.len() {
                    return Err(SqlError::syntax(format!(
                        "wrong number of parameters for prepared statement \"{name}\""
                    ))
                    .with_detail(format!(
                        "Expected {} parameters but got {}.",
                        inner.params.len(),
                        params.len()
                    )));
                }
                let inner = bind(&inner, &params)?;
                self.note_reads(&inner);
                Box::pin(self.family(inner, ctx.clone())).await
            }
            CursorPlan::Deallocate(None) => {
                self.statements.clear();
                Ok(Ran::done(tag))
            }
            CursorPlan::Deallocate(Some(name)) => {
                self.statements.remove(&name).ok_or_else(|| {
                    SqlError::new(
                        SqlState::INVALID_SQL_STATEMENT_NAME,
                        format!("prepared statement \"{name}\" does not exist"),
                    )
                })?;
                Ok(Ran::done(tag))
            }
        }
    }

    fn cursor_record(&self, name: &str, cursor: &Cursor) -> CursorRecord {
        CursorRecord {
            name: name.to_string(),
            pid: self.entry.pid,
            xid: self.active.as_ref().map(|a| a.txn.id()).unwrap_or_default(),
            user: self.user,
            started_at: cursor.declared,
            row_count: None,
            fetched_rows: cursor.fetched as i64,
            bytes: 0,
        }
    }

    fn cancel_session(
        &mut self,
        pid: i32,
        message: Option<String>,
        tag: &'static str,
        info: &SessionInfo,
    ) -> Result<Ran> {
        let Some(target) = self.shared.registry.get(pid) else {
            return Err(SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("PID {pid} is not a session of this warehouse"),
            ));
        };
        if target.user != self.user && !info.catalog.is_superuser(self.user) {
            return Err(SqlError::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                "must be superuser to cancel another user's query",
            ));
        }
        target.cancel(
            message
                .as_deref()
                .unwrap_or("Query cancelled on user's request"),
        );
        Ok(Ran::done(tag))
    }
}

/// The row of a query that gives one.
pub(crate) async fn one_row(
    engine: Engine,
    query: &LogicalPlan,
    ctx: &StatementContext,
) -> Result<RecordBatch> {
    let mut rows = engine.query(query, ctx).await?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        if batch.num_rows() > 0 {
            return Ok(batch);
        }
    }
    Err(SqlError::internal("a query of one row gave none"))
}

fn new_relation(changes: &[Change]) -> Option<Arc<Relation>> {
    changes.iter().find_map(|change| match change {
        Change::PutRelation(relation) => Some(relation.clone()),
        _ => None,
    })
}
