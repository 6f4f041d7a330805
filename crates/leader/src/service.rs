//! The leader of a warehouse: opening it, logins, cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use lw_base::{Oid, Result, SqlError, SqlState, clock, random};
use lw_catalog::{CatalogStore, Change, Isolation, User};
use lw_engine::{Engine, IdSource};
use lw_events::{ConnectionEvent, EventLog};
use lw_services::warehouses::TemporaryLogins;
use lw_services::{Challenge, ClientInfo, Proof, Session, SqlService};
use lw_settings::SettingValues;
use parking_lot::RwLock;

use crate::bootstrap::FirstStart;
use crate::live::Live;
use crate::meter::Meter;
use crate::registry::{ClientNote, Registry, SessionEntry};
use crate::session::LeaderSession;
use crate::txn::TransactionManager;
use crate::{auth, bootstrap, login, record, setting};

/// Most sessions of a warehouse at once, of ordinary users (Management Guide, quotas: 500).
const MAX_SESSIONS: usize = 500;
/// Sessions kept free for superusers.
const RESERVED_SESSIONS: usize = 5;

/// What all sessions share.
pub struct Shared {
    /// Transactions and the catalog.
    pub txns: Arc<TransactionManager>,
    engine: RwLock<Engine>,
    /// The record of what happens.
    pub events: Arc<EventLog>,
    /// The sessions.
    pub registry: Arc<Registry>,
    /// How much it is used.
    pub meter: Arc<Meter>,
    /// Isolation of databases made without saying which.
    pub(crate) new_databases: Isolation,
    /// Settings of new sessions.
    pub(crate) defaults: SettingValues,
    /// Who knows temporary credentials.
    pub(crate) logins: Option<Arc<dyn TemporaryLogins>>,
    /// Id of the namespace.
    pub(crate) namespace: String,
    pub(crate) secret: [u8; 32],
    pub(crate) making_users: tokio::sync::Mutex<()>,
    closed: RwLock<Option<String>>,
    /// True: it is being closed, and no session begins.
    ended: AtomicBool,
}

impl Shared {
    /// The engine, with the limits of this moment.
    pub fn engine(&self) -> Engine {
        self.engine.read().clone()
    }

    /// Why statements of users are refused, if they are.
    pub(crate) fn closed(&self) -> Option<String> {
        self.closed.read().clone()
    }

    /// Where ids come from.
    pub fn ids(&self) -> Arc<dyn IdSource> {
        self.txns.ids()
    }

    /// Forgets a session and records its end.
    pub(crate) fn end_session(&self, entry: &SessionEntry) {
        self.registry.remove(entry.pid);
        self.events.close_session(entry.pid);
        if !entry.client.internal {
            let catalog = self.txns.current();
            let mut end = entry.client.connection.clone();
            end.event = ConnectionEvent::DisconnectingSession;
            end.time = clock::now_micros();
            end.pid = entry.pid;
            end.duration = end.time - entry.started;
            end.database_name = record::database_name(&catalog, entry.database);
            self.events.record_connection(end);
        }
    }
}

/// The leader of a warehouse.
#[derive(Clone)]
pub struct Leader {
    shared: Arc<Shared>,
}

/// What a leader is made of. The engine is made by a function because its system relations show
/// the leader's live state.
pub struct LeaderParts {
    /// The catalog store.
    pub store: Arc<dyn CatalogStore>,
    /// The event log.
    pub events: Arc<EventLog>,
    /// What is made if it is missing; `None`: the catalog is taken as it is.
    pub first: Option<FirstStart>,
    /// Id of the namespace.
    pub namespace: String,
    /// Isolation of databases made without saying which.
    pub new_databases: Isolation,
    /// Parameters: those that are settings become the defaults of sessions.
    pub parameters: Vec<(String, String)>,
    /// Who knows temporary credentials.
    pub logins: Option<Arc<dyn TemporaryLogins>>,
    /// Where use is counted.
    pub meter: Arc<Meter>,
    /// Makes the engine over the leader's live state.
    pub engine: Box<dyn FnOnce(Arc<dyn lw_sysviews::LiveState>) -> Result<Engine> + Send>,
}

impl Leader {
    /// Opens the warehouse; makes its first databases and users if it is new.
    pub async fn open(parts: LeaderParts) -> Result<Leader> {
        let txns = TransactionManager::open(parts.store).await?;
        if let Some(first) = &parts.first {
            bootstrap::run(&txns, first).await?;
        }
        let registry = Arc::new(Registry::new(parts.events.last_query_id() + 1));
        let live = Arc::new(Live::new(
            txns.clone(),
            parts.events.clone(),
            registry.clone(),
        ));
        let engine = (parts.engine)(live)?;
        Ok(Leader {
            shared: Arc::new(Shared {
                txns,
                engine: RwLock::new(engine),
                events: parts.events,
                registry,
                meter: parts.meter,
                new_databases: parts.new_databases,
                defaults: setting::of_parameters(&parts.parameters),
                logins: parts.logins,
                namespace: parts.namespace,
                secret: random::bytes(),
                making_users: tokio::sync::Mutex::default(),
                closed: RwLock::default(),
                ended: AtomicBool::new(false),
            }),
        })
    }

    /// What all sessions share, for background work.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// A session of the service itself, as this user.
    pub fn internal_session(&self, user: &str, database: &str) -> Result<LeaderSession> {
        let catalog = self.shared.txns.current();
        let user = auth::verify(&catalog, user, &Proof::Trusted)?;
        let database = database_named(&catalog, database)?;
        let note = ClientNote {
            internal: true,
            ..ClientNote::default()
        };
        let entry = self
            .shared
            .registry
            .add(user.oid, &user.name, database, note);
        Ok(self.session(entry, SettingValues::default(), Vec::new()))
    }

    fn session(
        &self,
        entry: Arc<SessionEntry>,
        settings: SettingValues,
        joined: Vec<Oid>,
    ) -> LeaderSession {
        // Ids of temporary schemas are never stored: they live above all others, one per session.
        let temp_schema = Oid(u32::MAX - (entry.pid as u32 & 0x00ff_ffff));
        LeaderSession::new(self.shared.clone(), entry, temp_schema, settings, joined)
    }

    /// Ends every session (shutdown).
    pub fn end_all_sessions(&self) {
        for entry in self.shared.registry.all() {
            entry.terminate();
        }
    }

    /// Ends every session and all writing: when this returns, nothing is committed by this leader any
    /// more, and another one may be opened over the same store.
    pub async fn close(&self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.end_all_sessions();
        self.shared.txns.close().await;
        self.shared.events.flush().await;
    }

    /// Sessions of users.
    pub fn sessions(&self) -> usize {
        let sessions = self.shared.registry.all();
        sessions.iter().filter(|s| !s.client.internal).count()
    }

    /// Statements of users that run now.
    pub fn running(&self) -> usize {
        let of_user = |pid| {
            !self
                .shared
                .registry
                .get(pid)
                .is_some_and(|s| s.client.internal)
        };
        let running = self.shared.events.running_queries();
        running.iter().filter(|q| of_user(q.pid)).count()
    }

    /// Refuses statements of users from now on, with this text (53400), or no longer. What ends a
    /// transaction is not refused.
    pub fn set_closed(&self, reason: Option<String>) {
        *self.shared.closed.write() = reason;
    }

    /// Gives statements that begin from now on other limits.
    pub fn set_limits(&self, memory_bytes: usize, partitions: usize) -> Result<()> {
        let engine = self.shared.engine();
        if (engine.config.memory_bytes, engine.config.partitions) != (memory_bytes, partitions) {
            *self.shared.engine.write() = engine.with_limits(memory_bytes, partitions)?;
        }
        Ok(())
    }

    /// Sets the password of a superuser, who is made if there is none of this name.
    pub async fn set_admin(&self, name: &str, password: &str) -> Result<()> {
        let txns = &self.shared.txns;
        let credential = Some(auth::credential(name, password));
        let known = txns.current().user_named(name).cloned();
        let user = match known {
            Some(user) => User {
                credential,
                valid_until: None,
                superuser: true,
                ..User::clone(&user)
            },
            None => bootstrap::new_user(txns.ids().oids(1).await?, name, credential, true),
        };
        let mut txn = txns.begin(Isolation::Snapshot, false);
        txn.apply(vec![Change::PutUser(Arc::new(user))])?;
        txn.commit().await?;
        Ok(())
    }

    fn refuse_beyond_limits(&self, user: &User, database: Oid) -> Result<()> {
        let catalog = self.shared.txns.current();
        let sessions: Vec<_> = self
            .shared
            .registry
            .all()
            .into_iter()
            .filter(|s| !s.client.internal)
            .collect();
        let limit = if user.superuser {
            MAX_SESSIONS
        } else {
            MAX_SESSIONS - RESERVED_SESSIONS
        };
        let too_many = |message: String| {
            Err(SqlError::new(SqlState::TOO_MANY_CONNECTIONS, message)
                .with_hint("Close sessions that are not used, or raise the limit.")
                .fatal())
        };
        if sessions.len() >= limit {
            return too_many(format!(
                "connection limit \"{limit}\" exceeded for the warehouse"
            ));
        }
        if user.superuser {
            return Ok(());
        }
        let of_user = sessions.iter().filter(|s| s.user == user.oid).count();
        if user.connection_limit.is_some_and(|l| of_user >= l as usize) {
            return too_many(format!("too many connections for user \"{}\"", user.name));
        }
        let of_database = sessions.iter().filter(|s| s.database == database).count();
        let database = catalog.database(database);
        if let Some(d) = database
            && d.connection_limit
                .is_some_and(|l| of_database >= l as usize)
        {
            return too_many(format!("too many connections for database \"{}\"", d.name));
        }
        Ok(())
    }
}

fn database_named(catalog: &lw_catalog::CatalogSnapshot, name: &str) -> Result<Oid> {
    catalog.database_named(name).map(|d| d.oid).ok_or_else(|| {
        SqlError::new(
            SqlState::INVALID_CATALOG_NAME,
            format!("database \"{name}\" does not exist"),
        )
        .fatal()
    })
}

#[async_trait]
impl SqlService for Leader {
    async fn challenge(&self, user: &str) -> Result<Challenge> {
        Ok(self.challenge_for(user))
    }

    async fn connect(&self, client: ClientInfo, proof: Proof) -> Result<Box<dyn Session>> {
        let login = self.log_in(&client, &proof).await.inspect_err(|_| {
            let failure = ConnectionEvent::AuthenticationFailure;
            let note = record::connection(failure, &client, &proof, None, 0);
            self.shared.events.record_connection(note);
        })?;
        let (user, temporary) = (login.user, login.temporary.as_ref());
        let note = |event, pid| record::connection(event, &client, &proof, temporary, pid);
        let catalog = self.shared.txns.current();
        let database = database_named(&catalog, &client.database)?;
        self.refuse_beyond_limits(&user, database)?;
        let settings = setting::of_start(&self.shared.defaults, &user, &client.options)?;
        let joined = login::groups(&catalog, temporary);
        let entry = self.shared.registry.add(
            user.oid,
            &user.name,
            database,
            ClientNote {
                address: client.remote_address,
                port: client.remote_port,
                application: client
                    .options
                    .get("application_name")
                    .cloned()
                    .unwrap_or_default(),
                connection: note(ConnectionEvent::InitiatingSession, 0),
                internal: false,
            },
        );
        // Looked at once it is registered: either this sees that the leader is being closed, or who
        // closes it sees the session.
        if self.shared.ended.load(Ordering::SeqCst) {
            self.shared.registry.remove(entry.pid);
            return Err(SqlError::new(
                SqlState::ADMIN_SHUTDOWN,
                "terminating connection due to administrator command",
            )
            .fatal());
        }
        let events = &self.shared.events;
        events.record_connection(note(ConnectionEvent::Authenticated, entry.pid));
        events.record_connection(note(ConnectionEvent::InitiatingSession, entry.pid));
        let mut session_record = record::session(&entry, &client.database);
        session_record.timeout_s = user.session_timeout_s.map_or(0, u64::from);
        events.open_session(session_record);
        Ok(Box::new(self.session(entry, settings, joined)))
    }

    fn cancel(&self, pid: i32, key: i32) {
        if let Some(entry) = self.shared.registry.get(pid).filter(|e| e.key == key) {
            entry.cancel("Query cancelled on user's request");
        }
    }
}
